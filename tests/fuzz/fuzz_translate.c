/* SPDX-License-Identifier: MIT */
/*
 * All the way from guest bytes to host code: decoding, IR, the passes, and
 * code by both back-ends, which is not run.  What is looked for are assertions,
 * sanitizers' reports, and blocks whose figures cannot be.
 *
 * An input: mode, control registers, EFLAGS and the like, place in the page,
 * kind of block, choice of features, code.
 */
#include "accel/tcg/internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/insn.h"
#include "tests/target/x86_machine.h"
#include "util/rcu.h"

enum {
    HEADER_BYTES = 6,
    CODE_PAGE = 0x20000,
    CODE_MAX = 512,      /* bytes of code that are used */
    TB_RESET_RUNS = 256, /* that many fit the code buffer in any case */
};

/* Code segments, by the first byte. */
static const struct {
    uint64_t cr0, efer;
    uint32_t eflags, attr;
    unsigned decodes_as; /* MODE_* */
} kinds[] = {
    {0, 0, 0, 0, MODE_REAL},
    {CR0_PE, 0, EFLAGS_VM, 0, MODE_VM86},
    {CR0_PE, 0, 0, 0, MODE_16},
    {CR0_PE, 0, 0, DESC_B, MODE_32},
    {CR0_PE, EFER_LMA | EFER_LME, 0, 0, MODE_16},
    {CR0_PE, EFER_LMA | EFER_LME, 0, DESC_B, MODE_32},
    {CR0_PE, EFER_LMA | EFER_LME, 0, DESC_L, MODE_64},
};

static X86Features all_features;
static TcgBackend const *const backends[] = {&tcg_backend_native,
                                             &tcg_backend_interp};

/* --- the vCPU's state --- */

static void set_control(unsigned kind, uint8_t bits)
{
    cpu->cr0 = kinds[kind].cr0 | CR0_ET | CR0_NE | (bits & 2 ? CR0_EM : 0) |
               (bits & 4 ? CR0_TS : 0) | (bits & 8 ? CR0_MP : 0) |
               (bits & 0x80 ? CR0_AM : 0);
    cpu->cr4 = (bits & 0x10 ? CR4_OSFXSR | CR4_OSXMMEXCPT : 0) |
               (bits & 0x20 ? CR4_OSXSAVE : 0);
    cpu->xcr0 = bits & 0x20 ? 7 : 1;
    cpu->mxcsr = bits & 0x40 ? 0x1f00 : 0x1f80;
    cpu->efer = kinds[kind].efer;
}

/* DR7: breakpoint 0 on an instruction. */
static void set_flags(unsigned kind, uint8_t control, uint8_t bits)
{
    cpu->eflags = 2 | kinds[kind].eflags | (bits & 1 ? EFLAGS_TF : 0) |
                  (bits & 2 ? EFLAGS_RF : 0) | (bits & 16 ? EFLAGS_IOPL : 0) |
                  (control & 0x80 ? EFLAGS_AC : 0);
    cpu->dr[7] = bits & 4 ? 0x401 : 0x400;
    cpu->hflags = bits & 8 ? HF_SHADOW : 0;
    cpu->cr4 |= bits & 0x80 ? CR4_SMAP : 0;
}

static void set_segments(unsigned kind, unsigned cpl, uint8_t bits,
                         uint32_t limit)
{
    uint32_t dpl = cpl << DESC_DPL_SHIFT;
    bool flat = !(bits & 0x20);

    for (unsigned i = 0; i < NB_SEGS; i++) {
        seg_set(cpu, i, 0, flat ? 0 : 0x1000, flat ? 0xffffffff : 0xfff,
                AR_DATA | DESC_A | dpl);
    }
    seg_set(cpu, R_CS, 0, 0, limit,
            (AR_CODE & ~DESC_B) | DESC_A | dpl | kinds[kind].attr);
}

/* Near the page's end, or at its start. */
static unsigned choose_place(uint8_t byte)
{
    return byte & 0x80 ? PAGE_SIZE - 1 - (byte & 0x3f) : byte & 0x7f;
}

static uint32_t choose_limit(unsigned kind, uint8_t bits)
{
    if (bits & 0x40) { /* within the code, perhaps */
        return CODE_PAGE + (bits & 0xf) * 17;
    }
    return kinds[kind].decodes_as <= MODE_VM86 ? 0x2ffff : 0xffffffff;
}

static unsigned set_up(FuzzInput *in, uint32_t *cflags)
{
    unsigned kind = fuzz_u8(in) % ARRAY_LEN(kinds);
    uint8_t control = fuzz_u8(in), flags = fuzz_u8(in);
    unsigned place = choose_place(fuzz_u8(in));
    uint8_t block = fuzz_u8(in), choice = fuzz_u8(in);
    unsigned cpl = !kinds[kind].cr0                 ? 0
                   : kinds[kind].eflags & EFLAGS_VM ? 3
                   : control & 1                    ? 3
                                                    : 0;

    set_control(kind, control);
    set_flags(kind, control, flags);
    set_segments(kind, cpl, flags, choose_limit(kind, flags));
    x86_update_hflags(cpu);
    cpu->rip = CODE_PAGE + place;
    *cpu->features = all_features;
    if (choice) {
        insn_choose_features(cpu->features, choice);
    }
    *cflags = (block & 0x1f) | (block & 0x20 ? CF_PARALLEL : 0) |
              (block & 0x40 ? CF_NOIRQ | CF_NO_CHAIN : 0) |
              (block & 0x80 ? CF_NO_CHAIN : 0);
    return kind;
}

/* --- translation --- */

/* What comes first, as libFuzzer does not see by itself which rows ran. */
static void note_rows(unsigned kind, const FuzzInput *code)
{
    unsigned mode = kinds[kind].decodes_as, at = 0;
    X86Insn in;

    for (unsigned i = 0; i < 2; i++) {
        if (x86_decode(&in, cpu, code->bytes + at, (unsigned)code->len - at,
                       insn_modes[mode].hflags) != DECODE_OK) {
            return;
        }
        insn_reached(&in, mode);
        at += in.len;
    }
}

static void check_block(const TranslationBlock *tb, uint32_t cflags)
{
    unsigned max =
        cflags & CF_COUNT_MASK ? cflags & CF_COUNT_MASK : TB_MAX_INSNS;

    if (tb->icount < 1 || tb->icount > max || tb->guest_bytes < tb->icount ||
        tb->guest_bytes > X86_MAX_INSN * tb->icount || !tb->code.code_bytes) {
        fuzz_fail("a block of %u instructions, %u bytes and %u of code",
                  tb->icount, tb->guest_bytes, tb->code.code_bytes);
    }
    for (unsigned i = 0; i < tb->code.nside; i++) {
        const TbSideEntry *side = &tb_side(&tb->code)[i];

        if (side->host_off > tb->code.code_bytes ||
            (i && side->host_off <= side[-1].host_off)) {
            fuzz_fail("side entry %u of %u", i, tb->code.nside);
        }
    }
}

/* A fault of the fetch is one possible end. */
static void translate(const TcgBackend *backend, uint32_t cflags)
{
    vaddr pc = cpu->rip;
    ram_addr_t ram;

    tcg_backend = backend;
    if (setjmp(cpu->cs.jmp_env)) {
        return;
    }
    x86_check_fetch(cpu, 0);
    tcg_code_page(&cpu->cs, pc, &ram);
    check_block(tb_translate(&cpu->cs, pc, ram, cpu->hflags, cflags), cflags);
}

static void run(FuzzInput in)
{
    static unsigned runs;
    uint32_t cflags;
    unsigned kind = set_up(&in, &cflags);
    uint8_t *code = (uint8_t *)memory_region_ram_ptr(&machine_ram) + cpu->rip;

    in.len = MIN(in.len, CODE_MAX);
    note_rows(kind, &in);
    memset(code, 0, CODE_MAX);
    if (in.len) {
        memcpy(code, in.bytes, in.len);
    }
    rcu_read_lock();
    for (unsigned i = 0; i < ARRAY_LEN(backends); i++) {
        translate(backends[i], cflags);
    }
    rcu_read_unlock();
    if (++runs % TB_RESET_RUNS == 0) {
        tb_pages_reset();
    }
}

/* --- set-up --- */

/* Each row in 64-bit code and in some other, alone and behind another one. */
static void seeds(void)
{
    unsigned count, last = ARRAY_LEN(kinds) - 1;
    const X86Row *rows = x86_rows(&count);
    uint8_t bytes[HEADER_BYTES + 2 * INSN_EXAMPLE_MAX] = {0};

    for (unsigned i = 0; i < 2 * count; i++) {
        unsigned row = i / 2, n = HEADER_BYTES;

        bytes[0] = (uint8_t)(i % 2 ? last : row % last);
        bytes[1] = row % 3 ? 0x30 : 0x71; /* SSE, AVX; CPL 3 and unmasked */
        bytes[2] = row % 5 ? 0 : (uint8_t)row;
        bytes[3] = row % 4 ? 0 : 0xbf; /* at the page's start or end */
        n += insn_example(&rows[row], bytes + n);
        n += insn_example(&rows[(row + 1) % count], bytes + n);
        fuzz_seed(bytes, n);
    }
}

static void init(void)
{
    static __attribute__((aligned(16))) uint8_t interp_head[4096];

    machine_init();
    machine_reset(0);
    tcg_backend_interp.init(interp_head, sizeof(interp_head));
    all_features = *cpu->features;
    tcg_options.single = true; /* the vCPU has no thread */
}

const FuzzTarget fuzz_target = {init, run, seeds};
