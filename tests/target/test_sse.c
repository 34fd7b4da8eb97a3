/* SPDX-License-Identifier: MIT */
/*
 * Every SSE and VEX vector row of the opcode table against the silicon: the
 * instruction is encoded from its row, run by the host, and translated and run by the
 * interpreter, from the same random state.  Registers, memory, MXCSR and
 * defined flags must agree, with the plain translation and with the one for
 * unmasked exceptions (HF_SIMD_EXC).
 */
#include <cpuid.h>
#include <string.h>
#include <sys/mman.h>
#include <xmmintrin.h>

#include "accel/tcg.h"
#include "target/i386/emit.h"

#define MEM_VA   ((vaddr)0x40000)
#define MEM_OFF  0x20 /* displacement of the memory operand */
#define MEM_SIZE 64

/* State that an instruction starts from; rsi points to rdx in host code. */
typedef struct State {
    uint8_t ymm[4][32];
    uint64_t rdx, rbx, rdi;
    uint32_t mxcsr, pad;
    uint64_t cc;
    uint64_t rax, rcx;
    uint8_t mem[MEM_SIZE];
} State;
_Static_assert(offsetof(State, rdx) == 128 && offsetof(State, mxcsr) == 152 &&
                   offsetof(State, cc) == 160,
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
    return row->op[1] == OC_Ib || row->op[2] == OC_Ib ||
           (row->attrs & XA_IB);
}

static bool has_operand(const X86Row *row, unsigned a, unsigned b)
{
    for (unsigned i = 0; i < ARRAY_LEN(row->op); i++) {
        if (row->op[i] == a || row->op[i] == b) {
            return true;
        }
    }
    return false;
}

static uint8_t *append(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}
#define APPEND(p, s) append(p, s, sizeof(s) - 1)

/* SDM vol. 2A, 2.3.5 "The VEX Prefix"; VEX.vvvv, if it names something, is
 * register 1, or 3 where 1 is the index. */
static void put_vex(Bytes *to, const X86Row *row, bool wide, bool l)
{
    static const uint8_t pp[] = {
        [PFX_P66] = 1, [PFX_F3] = 2, [PFX_F2] = 3, [PFX_NP] = 0,
    };
    unsigned v = !has_operand(row, OC_Hx, OC_Ho) ? 0
                 : row->attrs & XA_VSIB          ? 3
                                                 : 1;

    put(to, 0xc4);
    put(to, 0xe0 | row->map);
    put(to, (uint8_t)((wide ? 0x80 : 0) | (~v & 15) << 3 | (l ? 4 : 0) |
                      pp[row->pfx]));
    put(to, row->opcode);
}
_Static_assert(X86_M0F == 1 && X86_M38 == 2 && X86_M3A == 3,
               "as in the VEX prefix");

static void put_legacy(Bytes *to, const X86Row *row, bool wide)
{
    if (row->pfx == PFX_P66) {
        put(to, 0x66);
    } else if (row->pfx == PFX_F3 || row->pfx == PFX_F2) {
        put(to, row->pfx == PFX_F3 ? 0xf3 : 0xf2);
    }
    if (wide) {
        put(to, 0x48);
    }
    put(to, 0x0f);
    if (row->map != X86_M0F) {
        put(to, row->map == X86_M38 ? 0x38 : 0x3a);
    }
    put(to, row->opcode);
}

/* What a test chooses of an encoding. */
typedef struct Choice {
    bool mem, wide, l;
    uint8_t imm;
} Choice;

/* Registers 2 (reg) and 3 (rm); memory: [rdi + MEM_OFF].
 * SDM vol. 2A, chapter 2 "Instruction Format" */
static Bytes encode(const X86Row *row, Choice ch)
{
    unsigned reg = row->form >> 8 == FORM_G ? row->form & 7 : 2;
    Bytes to = {.n = 0};

    if (row->attrs & XA_VEX) {
        put_vex(&to, row, ch.wide, ch.l);
    } else {
        put_legacy(&to, row, ch.wide);
    }
    if (row->emit == emit_vzero) {
        return to;
    }
    if (row->attrs & XA_VSIB) {
        put(&to, 0x44 | reg << 3);
        put(&to, (ch.imm & 0xc0) | 1 << 3 | R_RDI);
    } else {
        put(&to, ch.mem ? 0x47 | reg << 3 : 0xc3 | reg << 3);
    }
    if (ch.mem) {
        put(&to, MEM_OFF);
    }
    if (has_imm(row)) {
        put(&to, row->emit == emit_avblendv ? ch.imm & 0x30 : ch.imm);
    }
    return to;
}

/* --- on the silicon --- */

static void make_host_code(const Bytes *insn)
{
    /* push rbx; lea rsi, [rdi + 128] */
    uint8_t *p = APPEND(code, "\x53\x48\x8d\xb7\x80\x00\x00\x00"
                              "\xc5\xfc\x10\x46\x80" /* vmovups ymm0-3 */
                              "\xc5\xfc\x10\x4e\xa0"
                              "\xc5\xfc\x10\x56\xc0"
                              "\xc5\xfc\x10\x5e\xe0"
                              "\x48\x8b\x56\x00"   /* mov rdx, [rsi] */
                              "\x48\x8b\x5e\x08"   /* mov rbx */
                              "\x48\x8b\x7e\x10"   /* mov rdi */
                              "\x48\x8b\x46\x28"   /* mov rax */
                              "\x48\x8b\x4e\x30"   /* mov rcx */
                              "\x0f\xae\x56\x18"); /* ldmxcsr [rsi + 24] */

    p = append(p, insn->b, insn->n);
    APPEND(p, "\xc5\xfc\x11\x46\x80" /* and all back */
              "\xc5\xfc\x11\x4e\xa0"
              "\xc5\xfc\x11\x56\xc0"
              "\xc5\xfc\x11\x5e\xe0"
              "\x48\x89\x56\x00"
              "\x48\x89\x5e\x08"
              "\x48\x89\x4e\x30"
              "\x0f\xae\x5e\x18" /* stmxcsr */
              "\x9f\x0f\x90\xc0" /* lahf; seto al */
              "\x48\x89\x46\x20"
              "\xc5\xf8\x77" /* vzeroupper */
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
    ir_group(&ir);
}

static void run_interp(State *st)
{
    TranslationBlock tb = {.cflags = 0};
    uintptr_t place;
    size_t used;

    memcpy(page, st->mem, MEM_SIZE);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(&cpu->vec[i], st->ymm[i], 32);
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
    tcg_backend_interp.enter(&cpu->cs, tb.code.entry, &place);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(st->ymm[i], &cpu->vec[i], 32);
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
    return !memcmp(a->ymm, b->ymm, sizeof(a->ymm)) && a->rdx == b->rdx &&
           a->rbx == b->rbx && a->rcx == b->rcx && a->mxcsr == b->mxcsr &&
           !memcmp(a->mem, b->mem, MEM_SIZE) &&
           (!row->writes || a->cc == b->cc);
}

static void print_state(const char *name, const State *st)
{
    g_printerr("%s: rdx=%" PRIx64 " rbx=%" PRIx64 " mxcsr=%x cc=%" PRIx64 "\n",
               name, st->rdx, st->rbx, st->mxcsr, st->cc);
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *v = i < 4 ? st->ymm[i] : st->mem + MEM_OFF;

        for (unsigned k = 32; k-- > 0;) {
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
        random_vector(rand, st.ymm[i]);
        random_vector(rand, st.ymm[i] + 16);
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
        st->ymm[2][i] = g_rand_int_range(rand, 0, 5);
        st->ymm[3][i] = g_rand_int_range(rand, 0, 5);
        st->mem[MEM_OFF + i] = g_rand_int_range(rand, 0, 5);
    }
    st->rax = (uint64_t)g_rand_int_range(rand, -20, 20);
    st->rdx = (uint64_t)g_rand_int_range(rand, -20, 20);
    if (g_rand_boolean(rand)) {
        st->rdx |= BIT64(40); /* counts with REX.W only */
    }
}

/* Small indices, of 32 or 64 bits. */
static void make_indices(GRand *rand, const X86Row *row, State *st)
{
    unsigned step = 1u << row->arg;

    memset(st->ymm[1], 0, sizeof(st->ymm[1]));
    for (unsigned i = 0; i < 32; i += step) {
        st->ymm[1][i] = (uint8_t)g_rand_int_range(rand, 0, 6);
    }
}

/* VEX.W and VEX.L or REX.W, any value that the row allows. */
static Choice choose(const X86Row *row, GRand *rand, bool mem)
{
    bool pairs = row->emit == emit_vopw || row->emit == emit_avopw ||
                 row->emit == emit_pcmpstr;
    Choice ch = {
        .mem = mem,
        .wide = row->attrs & XA_W1 || (pairs && g_rand_boolean(rand)),
        .l = row->attrs & XA_L1 ||
             (!(row->attrs & XA_L0) && g_rand_boolean(rand)),
        .imm = (uint8_t)g_rand_int(rand),
    };

    return ch;
}

static void check(const X86Row *row, GRand *rand, bool mem, uint32_t extra)
{
    const uint32_t flags = 3 | HF_CS64 | HF_PE | HF_LMA | HF_FLAT_DS |
                           HF_FLAT_ES | HF_FLAT_SS | HF_FLAT_CS | HF_AVX | extra;
    bool strings = row->emit == emit_pcmpstr;
    Bytes insn = encode(row, choose(row, rand, mem));
    State in = random_state(rand), host, got;

    if (strings) {
        make_strings(rand, &in);
    } else if (row->attrs & XA_VSIB) {
        make_indices(rand, row, &in);
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

static bool faults_at_once(const Bytes *insn, uint32_t flags)
{
    static TranslationBlock tb;
    X86Trans s = {.cpu = cpu, .tb = &tb, .ir = &ir,
                  .flags = flags | HF_CS64 | HF_PE | HF_LMA};
    X86Insn in;

    g_assert_cmpint(x86_decode(&in, NULL, insn->b, insn->n, s.flags), ==,
                    DECODE_OK);
    ir_reset(&ir);
    ir_insn(&ir, 0);
    in.row->emit(&s, &in);
    return s.ended;
}

/* SDM vol. 2A, 2.4 "AVX and SSE Instruction Exception Classification": #UD
 * without XCR0's consent, #NM by CR0.TS; CR0.EM and CR4.OSFXSR are for the
 * legacy forms. */
static void test_gating(void)
{
    const Bytes vex = {{0xc5, 0xf4, 0x58, 0xc2}, 4}; /* vaddps ymm0, 1, 2 */
    const Bytes legacy = {{0x0f, 0x58, 0xc2}, 3};

    g_assert_true(faults_at_once(&vex, 0));
    g_assert_false(faults_at_once(&vex, HF_AVX));
    g_assert_false(faults_at_once(&vex, HF_AVX | HF_SSE_UD));
    g_assert_true(faults_at_once(&vex, HF_AVX | HF_SSE_NM));
    g_assert_false(faults_at_once(&legacy, 0));
    g_assert_true(faults_at_once(&legacy, HF_AVX | HF_SSE_UD));
}

/* Destination, index and mask of a gather must differ: vol. 2C. */
static void test_gather_registers(void)
{
    Bytes insn = {{0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0f}, 6};

    g_assert_false(faults_at_once(&insn, HF_AVX)); /* xmm0, [rdi + xmm1], 2 */
    insn.b[4] = 0x0c; /* destination 1 */
    g_assert_true(faults_at_once(&insn, HF_AVX));
    insn.b[4] = 0x14; /* 2 */
    g_assert_true(faults_at_once(&insn, HF_AVX));
    insn.b[4] = 0x04;
    insn.b[5] = 0x17; /* index 2 */
    g_assert_true(faults_at_once(&insn, HF_AVX));
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
    cpu->hflags = HF_CS64;
}

static bool is_vector(const X86Row *row)
{
    static X86EmitFunc *const emitters[] = {
        emit_vop,       emit_vopw,      emit_vmov,      emit_vmovs,
        emit_vstoreh,   emit_vblendv,   emit_insertps,  emit_pcmpstr,
        emit_avop,      emit_avopw,     emit_avmov,     emit_avmovs,
        emit_avblendv,  emit_vbcast128, emit_vextract,  emit_vzero,
        emit_vmaskload, emit_vmaskstore, emit_vgather,
    };

    for (unsigned i = 0; i < ARRAY_LEN(emitters); i++) {
        if (row->emit == emitters[i]) {
            return true;
        }
    }
    return false;
}

/* SDM vol. 2A, "CPUID", leaves 1 and 7. */
static bool host_has_it(const X86Row *row)
{
    unsigned a, b, c, d;

    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        return false;
    }
    switch (row->feature) {
    case FEAT_AES:
        return __builtin_cpu_supports("aes");
    case FEAT_PCLMULQDQ:
        return __builtin_cpu_supports("pclmul");
    case FEAT_SHA:
        return b & bit_SHA;
    case FEAT_GFNI:
        return c & bit_GFNI;
    case FEAT_VAES:
        return c & bit_VAES;
    case FEAT_VPCLMULQDQ:
        return c & bit_VPCLMULQDQ;
    default:
        return true;
    }
}

int main(int argc, char **argv)
{
    const X86Row *rows;
    unsigned n;

    g_test_init(&argc, &argv, NULL);
    set_up();
    g_test_add_func("/sse/gating", test_gating);
    g_test_add_func("/sse/gather-registers", test_gather_registers);
    rows = x86_rows(&n);
    for (unsigned i = 0; i < n; i++) {
        if (is_vector(&rows[i]) && host_has_it(&rows[i])) {
            char *path = g_strdup_printf("/sse/%s/%02x/%u", rows[i].name,
                                         rows[i].opcode, i);

            g_test_add_data_func(path, &rows[i], test_row);
            g_free(path);
        }
    }
    return g_test_run();
}
