/* SPDX-License-Identifier: MIT */
/*
 * Every SSE row of the opcode table against the silicon: the instruction is
 * encoded from its row, run by the host, and translated and run by the
 * interpreter, from the same random state.  Registers, memory, MXCSR and
 * defined flags must agree, with the plain translation and with the one for
 * unmasked exceptions (HF_SIMD_EXC).
 */
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include "accel/tcg.h"
#include "target/i386/emit.h"

#define MEM_VA   ((vaddr)0x40000)
#define MEM_OFF  0x10 /* displacement of the memory operand */
#define MEM_SIZE 64

/* State that an instruction starts from; rsi points to it in host code. */
typedef struct State {
    uint8_t xmm[4][16];
    uint64_t rdx, rbx, rdi;
    uint32_t mxcsr, pad;
    uint64_t cc;
    uint64_t rax, rcx;
    uint8_t mem[MEM_SIZE];
} State;
_Static_assert(offsetof(State, rdx) == 64 && offsetof(State, mxcsr) == 88 &&
                   offsetof(State, cc) == 96,
               "displacements in the code below");

static uint8_t *code;
static X86CPU *cpu;
static IrFunc ir;
static TLBEntry tlb[TLB_SIZE];
static __attribute__((aligned(4096))) uint8_t page[4096];
static __attribute__((aligned(16))) uint8_t tb_code[1 << 16];

/* --- the instruction --- */

typedef struct Bytes {
    uint8_t b[X86_MAX_INSN];
    unsigned n;
} Bytes;

static void put(Bytes *to, uint8_t b)
{
    to->b[to->n++] = b;
}

static bool has_imm(const X86Row *row)
{
    return row->op[1] == OC_Ib || row->op[2] == OC_Ib;
}

/* Registers 2 (reg) and 3 (rm); memory: [rdi + MEM_OFF].
 * SDM vol. 2A, chapter 2 "Instruction Format" */
static Bytes encode(const X86Row *row, bool mem, bool wide, uint8_t imm)
{
    unsigned reg = row->form >> 8 == FORM_G ? row->form & 7 : 2;
    Bytes to = {.n = 0};

    if (row->pfx == PFX_P66) {
        put(&to, 0x66);
    } else if (row->pfx == PFX_F3 || row->pfx == PFX_F2) {
        put(&to, row->pfx == PFX_F3 ? 0xf3 : 0xf2);
    }
    if (wide) {
        put(&to, 0x48);
    }
    put(&to, 0x0f);
    if (row->map != X86_M0F) {
        put(&to, row->map == X86_M38 ? 0x38 : 0x3a);
    }
    put(&to, row->opcode);
    put(&to, mem ? 0x47 | reg << 3 : 0xc3 | reg << 3);
    if (mem) {
        put(&to, MEM_OFF);
    }
    if (has_imm(row)) {
        put(&to, imm);
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
    uint8_t *p = APPEND(code, "\x53\x48\x89\xfe" /* push rbx; mov rsi, rdi */
                              "\x0f\x10\x06"     /* movups xmm0-3, [rsi] */
                              "\x0f\x10\x4e\x10"
                              "\x0f\x10\x56\x20"
                              "\x0f\x10\x5e\x30"
                              "\x48\x8b\x56\x40"   /* mov rdx, [rsi + 64] */
                              "\x48\x8b\x5e\x48"   /* mov rbx */
                              "\x48\x8b\x7e\x50"   /* mov rdi */
                              "\x48\x8b\x46\x68"   /* mov rax */
                              "\x48\x8b\x4e\x70"   /* mov rcx */
                              "\x0f\xae\x56\x58"); /* ldmxcsr [rsi + 88] */

    p = append(p, insn->b, insn->n);
    APPEND(p, "\x0f\x11\x06" /* and all back */
              "\x0f\x11\x4e\x10"
              "\x0f\x11\x56\x20"
              "\x0f\x11\x5e\x30"
              "\x48\x89\x56\x40"
              "\x48\x89\x5e\x48"
              "\x48\x89\x4e\x70"
              "\x0f\xae\x5e\x58" /* stmxcsr */
              "\x9f\x0f\x90\xc0" /* lahf; seto al */
              "\x48\x89\x46\x60"
              "\x5b\xc3");
}

static void run_host(const Bytes *insn, State *st)
{
    unsigned old = _mm_getcsr();

    make_host_code(insn);
    memcpy(page, st->mem, MEM_SIZE);
    st->rdi = (uintptr_t)page;
    ((void (*)(State *))code)(st);
    _mm_setcsr(old);
    st->cc &= CC_BITS;
    memcpy(st->mem, page, MEM_SIZE);
}

/* --- translated --- */

static void translate(const Bytes *insn, uint32_t flags)
{
    static TranslationBlock tb;
    X86Trans s = {.cpu = cpu, .tb = &tb, .ir = &ir, .flags = flags};
    X86Insn in;

    g_assert_cmpint(x86_decode(&in, NULL, insn->b, insn->n, flags), ==,
                    DECODE_OK);
    g_assert_cmpuint(in.len, ==, insn->n);
    ir_reset(&ir);
    ir_insn(&ir, 0);
    in.row->emit(&s, &in);
    g_assert_false(s.ended);
    ir_exit(&ir);
    ir_fold(&ir);
    ir_live(&ir, IR_CC_ALL);
}

static void run_interp(State *st)
{
    TranslationBlock tb = {.cflags = 0}, *last;
    size_t used;

    memcpy(page, st->mem, MEM_SIZE);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(&cpu->vec[i], st->xmm[i], 16);
    }
    cpu->regs[R_RDX] = st->rdx;
    cpu->regs[R_RBX] = st->rbx;
    cpu->regs[R_RDI] = MEM_VA;
    cpu->regs[R_RAX] = st->rax;
    cpu->regs[R_RCX] = st->rcx;
    cpu->mxcsr = st->mxcsr;
    cpu->cc = 0;
    g_assert_true(tcg_backend_interp.compile(&ir, &tb, tb_code, sizeof(tb_code),
                                             &tb.code, &used));
    tcg_backend_interp.enter(&cpu->cs, tb.code.entry, &last);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(st->xmm[i], &cpu->vec[i], 16);
        g_assert_cmphex(cpu->vec[i].u64[2], ==, 0x1234567890abcdef);
    }
    st->rdx = cpu->regs[R_RDX];
    st->rbx = cpu->regs[R_RBX];
    st->rcx = cpu->regs[R_RCX];
    st->mxcsr = cpu->mxcsr;
    st->cc = cpu->cc & CC_BITS;
    memcpy(st->mem, page, MEM_SIZE);
}

/* --- comparing --- */

static bool same(const X86Row *row, const State *a, const State *b)
{
    return !memcmp(a->xmm, b->xmm, sizeof(a->xmm)) && a->rdx == b->rdx &&
           a->rbx == b->rbx && a->rcx == b->rcx && a->mxcsr == b->mxcsr &&
           !memcmp(a->mem, b->mem, MEM_SIZE) &&
           (!row->writes || a->cc == b->cc);
}

static void print_state(const char *name, const State *st)
{
    g_printerr("%s: rdx=%" PRIx64 " rbx=%" PRIx64 " mxcsr=%x cc=%" PRIx64 "\n",
               name, st->rdx, st->rbx, st->mxcsr, st->cc);
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *v = i < 4 ? st->xmm[i] : st->mem + MEM_OFF;

        for (unsigned k = 16; k-- > 0;) {
            g_printerr("%02x", v[k]);
        }
        g_printerr("%s\n", i < 4 ? "" : " memory");
    }
}

static void random_bytes(GRand *rand, void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)p)[i] = (uint8_t)g_rand_int(rand);
    }
}

/* Random bits, or floats and doubles around 1. */
static void random_vector(GRand *rand, uint8_t *v)
{
    int kind = g_rand_int_range(rand, 0, 3);

    random_bytes(rand, v, 16);
    for (unsigned i = 0; i < 16 && kind; i += kind == 1 ? 4 : 8) {
        if (kind == 1) {
            v[i + 3] = 0x3f | (v[i + 3] & 0x80);
        } else {
            v[i + 7] = 0x3f | (v[i + 7] & 0x80);
            v[i + 6] |= 0xe0;
        }
    }
}

static State random_state(GRand *rand)
{
    State st = {.mxcsr = 0x1f80};

    for (unsigned i = 0; i < 4; i++) {
        random_vector(rand, st.xmm[i]);
    }
    random_bytes(rand, st.mem, sizeof(st.mem));
    random_vector(rand, st.mem + MEM_OFF);
    random_bytes(rand, &st.rdx, 8);
    random_bytes(rand, &st.rbx, 8);
    st.mxcsr |= g_rand_int(rand) & 0xe040; /* RC, FTZ, DAZ */
    return st;
}

/* Strings that have something to compare: letters of a small alphabet, zeros,
 * and lengths around their ends. */
static void make_strings(GRand *rand, State *st)
{
    for (unsigned i = 0; i < 16; i++) {
        st->xmm[2][i] = g_rand_int_range(rand, 0, 5);
        st->xmm[3][i] = g_rand_int_range(rand, 0, 5);
        st->mem[MEM_OFF + i] = g_rand_int_range(rand, 0, 5);
    }
    st->rax = (uint64_t)g_rand_int_range(rand, -20, 20);
    st->rdx = (uint64_t)g_rand_int_range(rand, -20, 20);
    if (g_rand_boolean(rand)) {
        st->rdx |= BIT64(40); /* counts with REX.W only */
    }
}

static void check(const X86Row *row, GRand *rand, bool mem, uint32_t extra)
{
    const uint32_t flags = 3 | HF_CS64 | HF_PE | HF_LMA | HF_FLAT_DS |
                           HF_FLAT_ES | HF_FLAT_SS | HF_FLAT_CS | extra;
    bool strings = row->emit == emit_pcmpstr;
    bool wide = (row->emit == emit_vopw || strings) && g_rand_boolean(rand);
    Bytes insn = encode(row, mem, wide, (uint8_t)g_rand_int(rand));
    State in = random_state(rand), host, got;

    if (strings) {
        make_strings(rand, &in);
    }
    host = got = in;
    run_host(&insn, &host);
    translate(&insn, flags);
    run_interp(&got);
    if (!same(row, &host, &got)) {
        print_state("in", &in);
        print_state("host", &host);
        print_state("got", &got);
        g_error("%s (%x, %s)", row->name, row->opcode,
                mem ? "memory" : "registers");
    }
}

static void test_row(gconstpointer opaque)
{
    const X86Row *row = opaque;
    unsigned form = row->form >> 8;
    GRand *rand = g_rand_new_with_seed(row->opcode);

    for (unsigned i = 0; i < (row->emit == emit_pcmpstr ? 4000 : 200); i++) {
        uint32_t extra = i & 1 ? HF_SIMD_EXC : 0;

        if (form != FORM_MEM) {
            check(row, rand, false, extra);
        }
        if (form != FORM_REG && form != FORM_G) {
            check(row, rand, true, extra);
        }
    }
    g_rand_free(rand);
}

static void set_up(void)
{
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code != MAP_FAILED);
    x86_tcg_init();
    tcg_backend_interp.init(NULL, 0);
    cpu = aligned_alloc(64, ROUND_UP(sizeof(*cpu), 64));
    memset(cpu, 0, sizeof(*cpu));
    memset(tlb, 0xff, sizeof(tlb));
    tlb[tlb_index(MEM_VA)] = (TLBEntry){
        .read = MEM_VA,
        .write = MEM_VA,
        .addend = (uintptr_t)page - MEM_VA,
    };
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        cpu->cs.tlb_table[i] = tlb;
    }
    for (unsigned i = 0; i < ARRAY_LEN(cpu->vec); i++) {
        cpu->vec[i].u64[2] = 0x1234567890abcdef; /* legacy SSE keeps it */
    }
}

static bool is_sse(const X86Row *row)
{
    return row->emit == emit_vop || row->emit == emit_vopw ||
           row->emit == emit_vmov || row->emit == emit_vmovs ||
           row->emit == emit_vstoreh || row->emit == emit_vblendv ||
           row->emit == emit_insertps || row->emit == emit_pcmpstr;
}

static bool host_has_it(const X86Row *row)
{
    return row->map == X86_M0F ? __builtin_cpu_supports("sse3")
                               : __builtin_cpu_supports("sse4.2") &&
                                     __builtin_cpu_supports("aes") &&
                                     __builtin_cpu_supports("pclmul");
}

int main(int argc, char **argv)
{
    const X86Row *rows;
    unsigned n;

    g_test_init(&argc, &argv, NULL);
    set_up();
    rows = x86_rows(&n);
    for (unsigned i = 0; i < n; i++) {
        if (is_sse(&rows[i]) && host_has_it(&rows[i])) {
            char *path =
                g_strdup_printf("/sse/%s/%02x", rows[i].name, rows[i].opcode);

            g_test_add_data_func(path, &rows[i], test_row);
            g_free(path);
        }
    }
    return g_test_run();
}
