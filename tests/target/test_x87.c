/* SPDX-License-Identifier: MIT */
/*
 * Every x87 and MMX row of the opcode table against the silicon: the same
 * bytes run by the host between FXRSTOR and FXSAVE, and translated and run by
 * both back-ends, from the same random state: operands of every class, empty
 * registers, all precisions and roundings, masked and unmasked exceptions.
 * Registers, tags, status, control word, memory, AX and defined flags must
 * agree.  Not compared: FIP, FDP and FOP, which makers keep differently; a test
 * of their own holds them to the SDM.
 */
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg.h"
#include "target/i386/emit.h"
#include "target/i386/x87.h"

#define MEM_VA   ((vaddr)0x40000)
#define MEM_OFF  0x10 /* displacement of the memory operand */
#define MEM_SIZE 160
#define RIP_BASE 0x7f0012340000

/* SDM vol. 1, 10.5.1.1 "x87 State" of the FXSAVE area. */
typedef struct FxArea {
    uint16_t cw, sw;
    uint8_t tags, zero;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    X87Reg st[8];
    uint64_t xmm[16][2];
    uint8_t rest[96];
} FxArea;
_Static_assert(sizeof(FxArea) == 512, "FXSAVE area");

typedef struct State {
    __attribute__((aligned(16))) FxArea fx;
    uint64_t rax, rdx;
    uint64_t cc; /* the form of X86CPU.cc */
    uint64_t mem_at; /* rdi of the instruction */
    uint8_t mem[MEM_SIZE];
} State;
_Static_assert(offsetof(State, rax) == 0x200 && offsetof(State, cc) == 0x210 &&
                   offsetof(State, mem_at) == 0x218,
               "displacements in the code below");

static uint8_t *code;
static X86CPU *cpu;
static IrFunc ir;
static TLBBank tlb;
static __attribute__((aligned(4096))) uint8_t page[4096];

#define TB_BYTES (1 << 16)
typedef struct Backend {
    const TcgBackend *ops;
    uint8_t *code; /* room for one TB */
} Backend;
static Backend backends[] = {{&tcg_backend_interp}, {&tcg_backend_native}};

/* --- the instruction --- */

typedef struct Bytes {
    uint8_t b[2 * X86_MAX_INSN];
    unsigned n;
} Bytes;

static void put(Bytes *to, uint8_t b)
{
    to->b[to->n++] = b;
}

static bool is_x87(const X86Row *row)
{
    return row->map == X86_M1;
}

/* ModRM of a row; @rm varies what the row leaves open.  MMX and XMM registers
 * are 2 and rm, GPRs rdx (which is 2, too) and rax. */
static uint8_t modrm_of(const X86Row *row, bool mem, unsigned rm)
{
    unsigned value = row->form & 0xff;
    bool gpr = row->op[0] == OC_Ey || row->op[1] == OC_Ey ||
               row->op[1] == OC_Edw;

    switch (row->form >> 8) {
    case FORM_X:
        return value;
    case FORM_M:
    case FORM_G:
        return (mem ? 0x47 : 0xc0 | rm) | value << 3;
    default:
        return (mem ? 0x47 : 0xc0 | (gpr ? 0 : rm)) | 2 << 3;
    }
}

static Bytes encode(const X86Row *row, bool mem, GRand *rand)
{
    static const uint8_t prefixes[] = {
        [PFX_P66] = 0x66, [PFX_F3] = 0xf3, [PFX_F2] = 0xf2, [PFX_NR] = 0,
    };
    Bytes to = {.n = 0};

    if (prefixes[row->pfx]) {
        put(&to, prefixes[row->pfx]);
    } else if (row->emit == emit_x87_image && g_rand_boolean(rand)) {
        put(&to, 0x66);
    }
    if ((row->op[0] == OC_Ey || row->op[1] == OC_Ey) && g_rand_boolean(rand)) {
        put(&to, 0x48);
    }
    if (row->map != X86_M1) {
        put(&to, 0x0f);
    }
    if (row->map > X86_M0F) {
        put(&to, row->map == X86_M38 ? 0x38 : 0x3a);
    }
    put(&to, row->opcode);
    if (x86_opcode_has_modrm(row->map, row->opcode)) {
        put(&to, modrm_of(row, mem, g_rand_int_range(rand, 0, 8)));
        if (mem) {
            put(&to, MEM_OFF);
        }
    }
    if (row->op[1] == OC_Ib || row->op[2] == OC_Ib) {
        put(&to, (uint8_t)g_rand_int(rand) >> g_rand_int_range(rand, 0, 6));
    }
    return to;
}

/* --- on the silicon --- */

static uint8_t *append(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}
#define APPEND(p, s) append(p, s, sizeof(s) - 1)

static void make_host_code(const Bytes *insn)
{
    uint8_t *p = APPEND(code, "\x53"                         /* push rbx */
                              "\x48\x89\xfb"                 /* mov rbx, rdi */
                              "\x0f\xae\x0b"                 /* fxrstor [rbx] */
                              "\x48\x8b\x83\x10\x02\x00\x00" /* mov rax, cc */
                              "\x04\x7f\x9e" /* add al, 127; sahf */
                              "\x48\x8b\x83\x00\x02\x00\x00" /* mov rax */
                              "\x48\x8b\x93\x08\x02\x00\x00" /* mov rdx */
                              "\x48\x8b\xbb\x18\x02\x00\x00"); /* mov rdi */

    p = append(p, insn->b, insn->n);
    APPEND(p, "\x0f\xae\x03"                 /* fxsave [rbx] */
              "\x48\x89\x83\x00\x02\x00\x00" /* rax and rdx back */
              "\x48\x89\x93\x08\x02\x00\x00"
              "\x9f\x0f\x90\xc0"             /* lahf; seto al */
              "\x48\x89\x83\x10\x02\x00\x00"
              "\xdb\xe3\x5b\xc3");           /* fninit; pop rbx; ret */
}

static void run_host(const Bytes *insn, State *st)
{
    make_host_code(insn);
    memcpy(page, st->mem, MEM_SIZE);
    st->mem_at = (uintptr_t)page;
    ((void (*)(State *))code)(st);
    st->cc &= CC_BITS;
    memcpy(st->mem, page, MEM_SIZE);
}

/* --- translated --- */

/* One TB of the instructions in @insn. */
static void translate(const Bytes *insn, uint32_t extra)
{
    static TranslationBlock tb;
    const uint32_t flags = 3 | HF_CS64 | HF_PE | HF_LMA | HF_FLAT_DS |
                           HF_FLAT_ES | HF_FLAT_SS | HF_FLAT_CS | extra;
    X86Trans s = {.cpu = cpu, .tb = &tb, .ir = &ir, .flags = flags,
                  .insn_off = 0x123};
    X86Insn in;

    ir_reset(&ir);
    for (unsigned at = 0; at < insn->n; at += in.len) {
        g_assert_cmpint(x86_decode(&in, NULL, insn->b + at, insn->n - at,
                                   flags), ==, DECODE_OK);
        ir_insn(&ir, s.insn_off);
        in.row->emit(&s, &in);
        g_assert_false(s.ended);
    }
    ir_exit(&ir);
    ir_fold(&ir);
    ir_live(&ir, IR_CC_ALL);
    ir_group(&ir);
}

static void to_cpu(const State *st)
{
    X87State *x = &cpu->x87;

    x->cw = st->fx.cw;
    x->sw = st->fx.sw & ~X87_TOP;
    x->top = st->fx.sw >> X87_TOP_SHIFT & 7;
    x->valid = st->fx.tags;
    for (unsigned i = 0; i < 8; i++) {
        *x87_st(x, i) = st->fx.st[i];
        cpu->vec[i].u64[0] = st->fx.xmm[i][0];
        cpu->vec[i].u64[1] = st->fx.xmm[i][1];
    }
    cpu->mxcsr = st->fx.mxcsr;
    cpu->regs[R_RAX] = st->rax;
    cpu->regs[R_RDX] = st->rdx;
    cpu->regs[R_RDI] = MEM_VA;
    cpu->cc = st->cc;
}

static void from_cpu(State *st)
{
    X87State *x = &cpu->x87;

    st->fx.cw = x->cw;
    st->fx.sw = x->sw | x->top << X87_TOP_SHIFT;
    st->fx.tags = x->valid;
    for (unsigned i = 0; i < 8; i++) {
        st->fx.st[i] = *x87_st(x, i);
        st->fx.xmm[i][0] = cpu->vec[i].u64[0];
        st->fx.xmm[i][1] = cpu->vec[i].u64[1];
    }
    st->fx.mxcsr = cpu->mxcsr;
    st->rax = cpu->regs[R_RAX];
    st->rdx = cpu->regs[R_RDX];
    st->cc = cpu->cc & CC_BITS;
}

static void run_tb(const Backend *be, State *st)
{
    TranslationBlock tb = {.cflags = 0};
    uintptr_t place;
    size_t used;

    memcpy(page, st->mem, MEM_SIZE);
    to_cpu(st);
    g_assert_true(be->ops->compile(&ir, &tb, be->code, TB_BYTES, &tb.code,
                                   &used));
    be->ops->enter(&cpu->cs, tb.code.entry, &place);
    from_cpu(st);
    memcpy(st->mem, page, MEM_SIZE);
}

/* --- comparing --- */

static bool same_registers(const FxArea *a, const FxArea *b)
{
    for (unsigned i = 0; i < 8; i++) {
        if (a->st[i].mantissa != b->st[i].mantissa ||
            a->st[i].sign_exp != b->st[i].sign_exp) {
            return false;
        }
    }
    return !memcmp(a->xmm[0], b->xmm[0], sizeof(a->xmm[0]) * 8);
}

static bool same(const State *a, const State *b)
{
    return a->fx.cw == b->fx.cw && a->fx.sw == b->fx.sw &&
           a->fx.tags == b->fx.tags && a->fx.mxcsr == b->fx.mxcsr &&
           same_registers(&a->fx, &b->fx) && a->rax == b->rax &&
           a->rdx == b->rdx && !memcmp(a->mem, b->mem, MEM_SIZE) &&
           a->cc == b->cc;
}

static void print_state(const char *name, const State *st)
{
    g_printerr("%s: cw=%04x sw=%04x tags=%02x mxcsr=%x rax=%" PRIx64
               " rdx=%" PRIx64 " cc=%" PRIx64 "\n",
               name, st->fx.cw, st->fx.sw, st->fx.tags, st->fx.mxcsr, st->rax,
               st->rdx, st->cc);
    for (unsigned i = 0; i < 8; i++) {
        g_printerr("  st%u %04x %016" PRIx64 "  xmm%u %016" PRIx64
                   " %016" PRIx64 "\n", i, st->fx.st[i].sign_exp,
                   st->fx.st[i].mantissa, i, st->fx.xmm[i][1],
                   st->fx.xmm[i][0]);
    }
    g_printerr("  memory");
    for (unsigned i = MEM_OFF; i < MEM_OFF + 32; i++) {
        g_printerr(" %02x", st->mem[i]);
    }
    g_printerr("\n");
}

/* --- random states --- */

static uint64_t random64(GRand *rand)
{
    return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
}

/* One of each class of SDM vol. 1, 4.8.3 and table 8-2, and those between. */
static X87Reg random_real(GRand *rand)
{
    uint64_t m = random64(rand), top = BIT64(63);
    uint16_t sign = g_rand_boolean(rand) ? 0x8000 : 0;
    uint16_t near_one = 0x3fff + g_rand_int_range(rand, -70, 70);

    switch (g_rand_int_range(rand, 0, 16)) {
    case 0:
        return (X87Reg){0, sign};
    case 1:
        return (X87Reg){top, sign | 0x7fff};
    case 2:
        return (X87Reg){m | top, sign | 0x7fff}; /* NaNs */
    case 3:
        return (X87Reg){m & ~top, sign}; /* denormal */
    case 4:
        return (X87Reg){m | top, sign | g_rand_int_range(rand, 0, 40)};
    case 5:
        return (X87Reg){m | top, sign | g_rand_int_range(rand, 0x7fc0, 0x7fff)};
    case 6:
        return (X87Reg){m, g_rand_int(rand)}; /* unsupported, half of them */
    case 7:
        return (X87Reg){top, sign | near_one}; /* a power of two */
    case 8: /* at the edge of single and double precision's exponents */
        near_one = 0x3fff - (g_rand_boolean(rand) ? 127 : 1023);
        near_one += g_rand_int_range(rand, -30, 4);
        return (X87Reg){m | top, sign | near_one};
    case 9: /* an integer and a half */
        return (X87Reg){top | (m & 0xff) << 40, sign | (0x3fff + 22)};
    default:
        return (X87Reg){m | top, sign | near_one};
    }
}

/* Memory operands: bits, or a float, double, extended or BCD number. */
static void random_memory(GRand *rand, uint8_t *mem)
{
    X87Reg r = random_real(rand);
    uint64_t special = random64(rand);

    switch (g_rand_int_range(rand, 0, 5)) {
    case 0:
        special = (special & 0x807fffff) | 0x3f000000;
        break;
    case 1:
        special = (special & 0x800fffffffffffff) | 0x3ff0000000000000;
        break;
    case 2: /* NaN, infinity, denormal, zero, in each of two sizes */
        special = g_rand_boolean(rand) ? 0x7f800000 : 0x7ff0000000000000;
        special |= g_rand_int(rand) & g_rand_int(rand) & 0x80400003;
        break;
    case 3:
        special = g_rand_int(rand) & 3;
        break;
    }
    memcpy(mem, &r, 10);
    if (g_rand_boolean(rand)) {
        memcpy(mem, &special, 8);
    }
    for (unsigned i = 0; i < 10 && g_rand_int_range(rand, 0, 4) == 0; i++) {
        mem[i] = g_rand_int_range(rand, 0, 10) | g_rand_int_range(rand, 0, 10)
                                                    << 4;
    }
}

/* SDM vol. 1, 8.3.12 "Waiting vs. Non-waiting Instructions" */
static bool is_waiting(const X86Row *row)
{
    return !is_x87(row) || (strncmp(row->name, "FN", 2) != 0 &&
                            row->emit != emit_x87_nop) ||
           row->arg == HELPER_x87_fnop;
}

static void random_stack(GRand *rand, FxArea *fx, bool waiting)
{
    uint16_t sw = g_rand_int(rand) & (X87_CODES | X87_TOP);

    fx->cw = X87_CW_INIT;
    if (g_rand_boolean(rand)) {
        fx->cw = (g_rand_int(rand) & 0x0f00) | 0x7f;
    }
    if (g_rand_int_range(rand, 0, 3) == 0) {
        fx->cw &= ~(g_rand_int(rand) & X87_EXC);
    }
    /* A pending exception would be taken by a waiting instruction: then only
     * flags that are masked. */
    fx->sw = sw | (g_rand_int(rand) & X87_EXC & (waiting ? fx->cw : ~0u));
    if (fx->sw & ~fx->cw & X87_EXC) {
        fx->sw |= X87_ES | X87_B;
    }
    fx->tags = 0x7f; /* rotated by TOP: ST(7) is empty */
    fx->tags = (fx->tags | fx->tags << 8) >> (8 - (sw >> X87_TOP_SHIFT & 7));
    if (g_rand_int_range(rand, 0, 3) == 0) {
        fx->tags = g_rand_int(rand) | g_rand_int(rand);
    }
    for (unsigned i = 0; i < 8; i++) {
        fx->st[i] = random_real(rand);
    }
}

/* Random bits, two floats or one double, that an integer can hold. */
static uint64_t random_float_bits(GRand *rand)
{
    uint64_t bits = random64(rand);

    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        return (bits & 0x8fffffff8fffffff) | 0x4000000040000000;
    case 1:
        return (bits & 0x81ffffffffffffff) | 0x4000000000000000;
    case 2:
        return (bits & 0x8000000f8000000f) | 0x3f8000003f800000;
    default:
        return bits;
    }
}

static State random_state(GRand *rand, const X86Row *row)
{
    bool mmx = !is_x87(row);
    State st = {.fx.mxcsr = 0x1f80};

    random_stack(rand, &st.fx, is_waiting(row));
    for (unsigned i = 0; i < 16; i++) {
        st.fx.xmm[i][0] = random_float_bits(rand);
        st.fx.xmm[i][1] = random_float_bits(rand);
    }
    if (mmx) {
        st.fx.mxcsr |= g_rand_int(rand) & 0x6000; /* rounding control */
    }
    for (unsigned i = 0; i < 8 && mmx; i++) {
        st.fx.st[i].mantissa = random64(rand);
        if (g_rand_int_range(rand, 0, 4) == 0) {
            st.fx.st[i].mantissa &= 0x7f; /* a shift count */
        }
    }
    for (unsigned i = 0; i < MEM_SIZE; i++) {
        st.mem[i] = g_rand_int(rand);
    }
    random_memory(rand, st.mem + MEM_OFF);
    st.rax = random64(rand);
    st.rdx = random64(rand);
    st.cc = g_rand_int(rand) & CC_BITS;
    return st;
}

/* --- what has no one answer --- */

/*
 * FPU pointers in images, and what FLDENV makes of them, are not compared: the
 * memory of FNSTENV and FNSAVE where they are is cleared on both sides.
 */
static void forget_pointers(const Bytes *insn, State *st)
{
    bool words = insn->b[0] == 0x66;

    memset(st->mem + MEM_OFF + (words ? 6 : 12), 0, words ? 8 : 16);
}

static void compare(const char *name, const Bytes *insn, const State *in,
                    const State *host, const State *got, const char *who)
{
    if (same(host, got)) {
        return;
    }
    print_state("in", in);
    print_state("host", host);
    print_state(who, got);
    g_error("%s: %s %02x %02x %02x", who, name, insn->b[0], insn->b[1],
            insn->b[2]);
}

static void check(const X86Row *row, GRand *rand, bool mem)
{
    bool image = row->emit == emit_x87_image;
    Bytes insn = encode(row, mem, rand);
    State in = random_state(rand, row), host = in;

    run_host(&insn, &host);
    if (image) {
        forget_pointers(&insn, &host);
    }
    for (unsigned i = 0; i < ARRAY_LEN(backends); i++) {
        State got = in;

        translate(&insn, g_rand_boolean(rand) ? HF_SIMD_EXC : 0);
        run_tb(&backends[i], &got);
        if (image) {
            forget_pointers(&insn, &got);
        }
        compare(row->name, &insn, &in, &host, &got, backends[i].ops->name);
    }
}

/* An x87 instruction in between ends what the first MMX instruction of a TB
 * did for the others. */
static void test_mixed(void)
{
    Bytes insn = {.b = {0x0f, 0x77,        /* emms */
                        0xd9, 0xe8,        /* fld1 */
                        0x0f, 0x6f, 0xc1,  /* movq mm0, mm1 */
                        0x0f, 0xfc, 0xd1,  /* paddb mm2, mm1 */
                        0xdd, 0xd8,        /* fstp st(0) */
                        0x0f, 0x6f, 0xd9}, /* movq mm3, mm1 */
                  .n = 15};
    GRand *rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < 100; i++) {
        State in = random_state(rand, x86_row_first(X86_M0F, 0x77));
        State host = in;

        run_host(&insn, &host);
        for (unsigned k = 0; k < ARRAY_LEN(backends); k++) {
            State got = in;

            translate(&insn, 0);
            run_tb(&backends[k], &got);
            compare("mixed", &insn, &in, &host, &got, backends[k].ops->name);
        }
    }
    g_rand_free(rand);
}

static void test_row(gconstpointer opaque)
{
    const X86Row *row = opaque;
    unsigned form = row->form >> 8;
    GRand *rand = g_rand_new_with_seed(row->opcode << 8 | row->form);

    for (unsigned i = 0; i < 1000; i++) {
        if (form != FORM_MEM && form != FORM_M) {
            check(row, rand, false);
        }
        if (form == FORM_MEM || form == FORM_M ||
            (form == FORM_ANY && x86_opcode_has_modrm(row->map, row->opcode))) {
            check(row, rand, true);
        }
    }
    g_rand_free(rand);
}

/* --- pointers and pending exceptions, by the SDM --- */

/* SDM vol. 1, 8.1.8: FLD m32 at offset 0x123. */
static void test_pointers(void)
{
    Bytes insn = {.b = {0xd9, 0x47, MEM_OFF}, .n = 3};
    State st = {.fx = {.cw = X87_CW_INIT, .mxcsr = 0x1f80}};

    cpu->segs[R_CS].selector = 0x33;
    cpu->segs[R_DS].selector = 0x2b;
    translate(&insn, 0);
    run_tb(&backends[0], &st);
    g_assert_cmphex(cpu->x87.fip, ==, RIP_BASE + 0x123);
    g_assert_cmphex(cpu->x87.fop, ==, 0x147);
    g_assert_cmphex(cpu->x87.fdp, ==, MEM_VA + MEM_OFF);
    g_assert_cmphex(cpu->x87.fcs, ==, 0x33);
    g_assert_cmphex(cpu->x87.fds, ==, 0x2b);
}

static unsigned ferr_calls;

static void count_ferr(void *opaque)
{
    ferr_calls++;
}

/* Division of 1 by 0 with ZE unmasked: the operands stay, the next waiting
 * instruction is #MF, or signals FERR# when CR0.NE is clear (8.7). */
static void test_pending(void)
{
    Bytes insn = {.b = {0xd8, 0xf1}, .n = 2}; /* fdiv st(0), st(1) */
    State st = {.fx = {.cw = X87_CW_INIT & ~X87_ZE, .mxcsr = 0x1f80,
                       .tags = 3}};

    st.fx.st[0] = (X87Reg){BIT64(63), 0x3fff};
    translate(&insn, 0);
    run_tb(&backends[0], &st);
    g_assert_cmphex(st.fx.sw, ==, X87_ZE | X87_ES | X87_B);
    g_assert_cmphex(st.fx.st[0].sign_exp, ==, 0x3fff);

    cpu->cr0 = CR0_NE;
    cpu->cs.exception_index = -1;
    if (!_setjmp(cpu->cs.jmp_env)) {
        helper_x87_fwait(cpu);
        g_assert_not_reached();
    }
    g_assert_cmpint(cpu->cs.exception_index, ==, EXCP_MF);
    cpu->cs.exception_index = -1;

    cpu->cr0 = 0;
    cpu->ferr = count_ferr;
    helper_x87_fwait(cpu);
    g_assert_cmpuint(ferr_calls, ==, 1);
    helper_x87_fnclex(cpu);
    helper_x87_fwait(cpu);
    g_assert_cmpuint(ferr_calls, ==, 1);
}

/* Real-address layouts: SDM vol. 1, figures 8-10 and 8-12. */
static void test_real_images(void)
{
    uint32_t dwords[7];
    uint16_t words[7];

    helper_x87_fninit(cpu);
    cpu->x87.fip = 0x1234;
    cpu->x87.fcs = 0xf000;
    cpu->x87.fdp = 0x5678;
    cpu->x87.fds = 0x1000;
    cpu->x87.fop = 0x5a5;
    helper_x87_fnstenv(cpu, MEM_VA, 0, X87_IMAGE_REAL | X87_IMAGE_32);
    memcpy(dwords, page, sizeof(dwords));
    g_assert_cmphex(dwords[2] & 0xffff, ==, 0xffff);
    g_assert_cmphex(dwords[3] & 0xffff, ==, 0x1234);
    g_assert_cmphex(dwords[4], ==, 0xf000 | 0x5a5);
    g_assert_cmphex(dwords[5] & 0xffff, ==, 0x5678);
    g_assert_cmphex(dwords[6], ==, 0x1000);
    helper_x87_fnstenv(cpu, MEM_VA, 0, X87_IMAGE_REAL);
    memcpy(words, page, sizeof(words));
    g_assert_cmphex(words[3], ==, 0x1234);
    g_assert_cmphex(words[4], ==, 0xf5a5);
    g_assert_cmphex(words[6], ==, 0x1000);
    helper_x87_fldenv(cpu, MEM_VA, 0, X87_IMAGE_REAL);
    g_assert_cmphex(cpu->x87.fip, ==, 0xf1234);
    g_assert_cmphex(cpu->x87.fdp, ==, 0x15678);
    g_assert_cmphex(cpu->x87.fop, ==, 0x5a5);
}

static uint8_t *executable_bytes(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    g_assert_true(p != MAP_FAILED);
    return p;
}

static void set_up_backends(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(backends); i++) {
        uint8_t *p = executable_bytes(2 * TB_BYTES);
        size_t used = backends[i].ops->init(p, TB_BYTES);

        backends[i].code = p + ROUND_UP(used, 64);
        backends[i].ops->thread_init(&cpu->cs);
    }
}

static void set_up(void)
{
    code = executable_bytes(4096);
    x86_tcg_init();
    cpu = aligned_alloc(64, ROUND_UP(sizeof(*cpu), 64));
    memset(cpu, 0, sizeof(*cpu));
    cpu->rip_base = RIP_BASE;
    g_assert_true(x86_model_select(cpu, "max", false, NULL));
    memset(tlb.entry, 0xff, sizeof(tlb.entry));
    tlb.entry[tlb_index(MEM_VA)] = (TLBEntry){
        .read = MEM_VA,
        .write = MEM_VA,
        .addend = (uintptr_t)page - MEM_VA,
    };
    cpu->cs.tlb.current = &cpu->cs.tlb.space[0];
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        cpu->cs.tlb_table[i] = tlb.entry;
        cpu->cs.tlb.space[0].bank[i] = &tlb;
    }
    cpu->cs.tlb.current = &cpu->cs.tlb.space[0];
    set_up_backends();
}

static bool is_mmx(const X86Row *row)
{
    for (unsigned i = 0; i < 2; i++) {
        if (row->op[i] == OC_Pq || row->op[i] == OC_Qq) {
            return true;
        }
    }
    return row->emit == emit_mmx_emms;
}

static bool is_tested(const X86Row *row)
{
    return (is_x87(row) && (row->opcode == 0x9b ||
                            (row->opcode & 0xf8) == 0xd8)) || is_mmx(row);
}

int main(int argc, char **argv)
{
    const X86Row *rows;
    unsigned n;

    g_test_init(&argc, &argv, NULL);
    set_up();
    rows = x86_rows(&n);
    for (unsigned i = 0; i < n; i++) {
        if (is_tested(&rows[i])) {
            char *path = g_strdup_printf(
                "/x87/%s/%02x-%x", rows[i].name, rows[i].opcode, rows[i].form);

            g_test_add_data_func(path, &rows[i], test_row);
            g_free(path);
        }
    }
    g_test_add_func("/x87/mixed", test_mixed);
    g_test_add_func("/x87/pointers", test_pointers);
    g_test_add_func("/x87/pending", test_pending);
    g_test_add_func("/x87/real-images", test_real_images);
    return g_test_run();
}
