/* SPDX-License-Identifier: MIT */
/* The rig of test_native: see native_rig.h.  It stands in for accel/tcg. */
#include "native_rig.h"

#include <string.h>
#include <sys/mman.h>

#include "tcg/target.h"

const TcgTarget tcg_target = {
    .rip = offsetof(X86CPU, rip),
    .rip_base = offsetof(X86CPU, rip_base),
    .cc = offsetof(X86CPU, cc),
    .cc_in = offsetof(X86CPU, cc_in),
    .mxcsr = offsetof(X86CPU, mxcsr),
    .flags = offsetof(X86CPU, hflags),
    .wide_flags = HF_CS64,
    .flat_flags = HF_FLAT_CS | HF_CS64,
};

#define CODE_BYTES (1 << 20)
#define MAX_LOG    4096

typedef struct SlowCall {
    char kind;
    vaddr addr;
    uint64_t value;
    uint32_t memop;
    uint16_t insn_off;
    uint16_t cc;
    uint64_t regs[16];
} SlowCall;

typedef struct Side {
    const TcgBackend *backend;
    TranslationBlock tb;
    X86CPU cpu;
    uint8_t memory[RIG_BYTES];
    SlowCall log[MAX_LOG];
    unsigned nlog;
    bool faulted;
} Side;

IrFunc rig_func;
X86CPU rig_cpu;
uint8_t rig_memory[RIG_BYTES];
uint64_t rig_slow_calls;

static Side sides[2];
static Side *running;
static TLBEntry tlb[2][TLB_SIZE];
static CPUJumpCache jump_cache;
static uint8_t *code;
static uint8_t *code_free;
static uint8_t bounce[8];
static __attribute__((aligned(16))) uint8_t interp_code[1 << 20];
static GRand *rng;

uint64_t rig_random(void)
{
    return (uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng);
}

/* --- helpers --- */
static void note(X86CPU *cpu, char kind, vaddr addr, uint64_t value,
                 uint32_t memop);

static uint64_t helper_pure(X86CPU *cpu, uint64_t a, uint64_t b, uint64_t c,
                            uint64_t d)
{
    return a * 3 + b * 5 + c * 7 + d * 11;
}

static uint64_t helper_sum(X86CPU *cpu, uint64_t a, uint64_t b)
{
    note(cpu, 'h', 0, a + b, 0);
    cpu->regs[R_RAX] += a;
    cpu->regs[15] ^= b;
    cpu->cc ^= CC_BIT_C;
    return a - b;
}

static void helper_keeps(X86CPU *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    note(cpu, 'k', a, b ^ c, 0);
}

static uint64_t helper_flags(X86CPU *cpu)
{
    return cpu->cc & CC_BITS;
}

static void helper_trap(X86CPU *cpu, uint64_t arg)
{
    note(cpu, 't', arg, 0, 0);
    running->faulted = true;
    longjmp(cpu->cs.jmp_env, 1);
}

static uint64_t helper_sse(X86CPU *cpu, uint64_t a)
{
    volatile double one = 1, three = a | 3;

    return one / three < 1; /* raises PE in the host's MXCSR */
}

static const HelperInfo helpers[] = {
    [RIG_H_PURE] = { "pure", (void (*)(void))helper_pure, HELPER_U64, 4,
                     HELPER_PURE },
    [RIG_H_SUM] = { "sum", (void (*)(void))helper_sum, HELPER_U64, 2, 0 },
    [RIG_H_KEEPS] = { "keeps", (void (*)(void))helper_keeps, HELPER_VOID, 3,
                      HELPER_KEEPS_REGS | HELPER_KEEPS_CC | HELPER_KEEPS_VEC |
                          HELPER_NO_CC },
    [RIG_H_FLAGS] = { "flags", (void (*)(void))helper_flags, HELPER_U64, 0,
                      HELPER_KEEPS_REGS | HELPER_KEEPS_CC | HELPER_NO_FAULT },
    [RIG_H_TRAP] = { "trap", (void (*)(void))helper_trap, HELPER_VOID, 1,
                     HELPER_NORETURN },
    [RIG_H_SSE] = { "sse", (void (*)(void))helper_sse, HELPER_U64, 1,
                    HELPER_NO_FAULT | HELPER_NO_CC | HELPER_KEEPS_CC |
                        HELPER_KEEPS_REGS },
};

/* --- in place of accel/tcg --- */
static uint64_t value_of(const X86CPU *cpu, const TbCode *c, IrTemp t)
{
    if (t == IR_NONE) {
        return 0;
    }
    return t >= RECIPE_CONST ? (uint64_t)tb_consts(c)[t - RECIPE_CONST]
                             : cpu->regs[t];
}

/* The place that host_pc names, and the flags that a fault would show. */
static uint16_t flags_at_fault(const X86CPU *cpu, uint16_t *insn_off)
{
    const TbCode *c = &running->tb.code;
    const TbSideEntry *side = tb_side(c);
    uint32_t off = cpu->cs.host_pc - (uintptr_t)c->entry;
    const IrRecipe *r;

    g_assert_cmphex(cpu->cs.host_pc, !=, 0);
    for (unsigned i = 0; i < c->nside; i++) {
        g_assert_true(!i || side[i].host_off > side[i - 1].host_off);
        if (side[i].host_off == off) {
            *insn_off = side[i].insn_off;
            if (!side[i].recipe) {
                return cpu->cc & CC_BITS;
            }
            r = tb_recipe(c, side[i].recipe);
            return ir_eval_recipe(r, value_of(cpu, c, r->x),
                                  value_of(cpu, c, r->y), cpu->cc,
                                  cpu->cc_in);
        }
    }
    g_assert_not_reached();
}

static void note(X86CPU *cpu, char kind, vaddr addr, uint64_t value,
                 uint32_t memop)
{
    SlowCall *s = &running->log[running->nlog];

    g_assert_cmpuint(running->nlog, <, MAX_LOG);
    running->nlog++;
    *s = (SlowCall){
        .kind = kind, .addr = addr, .value = value, .memop = memop
    };
    s->cc = flags_at_fault(cpu, &s->insn_off);
    memcpy(s->regs, cpu->regs, sizeof(s->regs));
}

static uint8_t *host_address(vaddr addr, unsigned bytes)
{
    g_assert_cmphex(addr, >=, RIG_VA);
    g_assert_cmphex(addr + bytes, <=, RIG_VA + RIG_BYTES);
    return running->memory + (addr - RIG_VA);
}

uint64_t tcg_slow_load(CPUState *cpu, vaddr addr, uint32_t memop)
{
    unsigned shift = 64 - 8 * memop_bytes(memop);
    uint64_t v = 0;

    note(x86_cpu(cpu), 'l', addr, 0, memop);
    memcpy(&v, host_address(addr, memop_bytes(memop)), memop_bytes(memop));
    return (memop & MO_SIGN) ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
}

static uint64_t low(uint64_t v, uint32_t memop)
{
    return v & (~(uint64_t)0 >> (64 - 8 * memop_bytes(memop)));
}

void tcg_slow_store(CPUState *cpu, vaddr addr, uint64_t value, uint32_t memop)
{
    note(x86_cpu(cpu), 's', addr, low(value, memop), memop);
    memcpy(host_address(addr, memop_bytes(memop)), &value, memop_bytes(memop));
}

void tcg_slow_load_vec(CPUState *cpu, vaddr addr, void *dst, uint32_t memop)
{
    note(x86_cpu(cpu), 'L', addr, 0, memop);
    memcpy(dst, host_address(addr, memop_bytes(memop)), memop_bytes(memop));
}

void tcg_slow_store_vec(CPUState *cpu, vaddr addr, const void *src,
                        uint32_t memop)
{
    note(x86_cpu(cpu), 'S', addr, 0, memop);
    memcpy(host_address(addr, memop_bytes(memop)), src, memop_bytes(memop));
}

void *tcg_slow_rmw(CPUState *cpu, vaddr addr, uint32_t memop)
{
    note(x86_cpu(cpu), 'r', addr, 0, memop);
    memcpy(bounce, host_address(addr, memop_bytes(memop)), memop_bytes(memop));
    return bounce;
}

void tcg_slow_rmw_commit(CPUState *cpu, vaddr addr, uint32_t memop)
{
    note(x86_cpu(cpu), 'c', addr, 0, memop);
    memcpy(host_address(addr, memop_bytes(memop)), bounce, memop_bytes(memop));
}

const void *tcg_lookup_ind(CPUState *cpu)
{
    g_assert_cmphex(cpu->host_pc, ==, 0);
    return NULL;
}

/* --- set-up --- */
/* As target/i386 does: ranks for eleven of the sixteen. */
static void register_globals(void)
{
    static const int8_t pin[16] = { 0, 1,  2,  3,  4, 5,  6,  7,
                                    8, -1, -1, -1, 9, 10, -1, -1 };

    for (unsigned i = 0; i < 16; i++) {
        ir_add_global("r", offsetof(X86CPU, regs) + 8 * i, false, pin[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        ir_add_global("v", offsetof(X86CPU, vec) + sizeof(VecReg) * i, true,
                      -1);
    }
}

void rig_init(void)
{
    size_t used;

    rng = g_rand_new_with_seed(g_test_rand_int());
    register_globals();
    helper_register_table(helpers, ARRAY_LEN(helpers));
    code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code != MAP_FAILED);
    used = tcg_backend_native.init(code, CODE_BYTES);
    g_assert_cmpuint(used, >, 0);
    tcg_backend_interp.init(interp_code, sizeof(interp_code));
    code_free = code + used;
    sides[0].backend = &tcg_backend_interp;
    sides[1].backend = &tcg_backend_native;
}

IrFunc *rig_start(void)
{
    memset(&rig_cpu, 0, sizeof(rig_cpu));
    for (unsigned i = 0; i < 16; i++) {
        rig_cpu.regs[i] =
            (rig_random() & 1) ? rig_random() : rig_random() % 300 - 100;
        for (unsigned j = 0; j < 4; j++) {
            rig_cpu.vec[i].u64[j] = rig_random();
        }
    }
    rig_cpu.cc = rig_random() & CC_BITS;
    rig_cpu.mxcsr = 0x1f80;
    for (unsigned i = 0; i < RIG_BYTES; i++) {
        rig_memory[i] = rig_random();
    }
    ir_reset(&rig_func);
    ir_insn(&rig_func, 0);
    return &rig_func;
}

/* Two pages in the soft TLB; the second may be read only. */
static void set_up_tlb(Side *s)
{
    memset(tlb, 0xff, sizeof(tlb));
    for (unsigned i = 0; i < 2; i++) {
        vaddr va = RIG_VA + i * PAGE_SIZE;

        tlb[0][tlb_index(va)] = (TLBEntry){
            .read = va,
            .write = i ? va | TLB_NOTDIRTY : va,
            .addend = (uintptr_t)s->memory - RIG_VA,
        };
    }
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        s->cpu.cs.tlb_table[i] = tlb[0];
    }
    memset(&jump_cache, 0xff, sizeof(jump_cache));
    s->cpu.cs.jump_cache = &jump_cache;
}

bool rig_compile(TranslationBlock *tb, size_t len)
{
    size_t used;
    uint8_t *end = code_free + len;
    uint8_t canary[64];

    memcpy(canary, end, sizeof(canary));
    if (!tcg_backend_native.compile(&rig_func, tb, code_free, len, &tb->code,
                                    &used)) {
        g_assert_cmpmem(canary, sizeof(canary), end, sizeof(canary));
        return false;
    }
    g_assert_cmpmem(canary, sizeof(canary), end, sizeof(canary));
    g_assert_cmpuint(used, <=, len);
    return true;
}

TbExit rig_enter(const TranslationBlock *tb)
{
    uintptr_t place = 0;
    TbExit why;

    tcg_backend_native.thread_init(&rig_cpu.cs);
    why = tcg_backend_native.enter(&rig_cpu.cs, tb->code.entry, &place);
    if (why <= TB_EXIT_SLOT1) {
        g_assert_cmpuint(place - (uintptr_t)tb->code.entry, <=,
                         tb->code.code_bytes);
    }
    return why;
}

static void run_side(Side *s, uint32_t cflags)
{
    uintptr_t place;
    size_t used;

    running = s;
    s->cpu = rig_cpu;
    s->nlog = 0;
    s->faulted = false;
    memcpy(s->memory, rig_memory, sizeof(rig_memory));
    s->tb = (TranslationBlock){ .cflags = cflags };
    set_up_tlb(s);
    s->backend->thread_init(&s->cpu.cs);
    if (s->backend == &tcg_backend_native) {
        g_assert_true(rig_compile(&s->tb, 1 << 18));
    } else {
        g_assert_true(s->backend->compile(&rig_func, &s->tb, interp_code,
                                          sizeof(interp_code), &s->tb.code,
                                          &used));
    }
    if (!setjmp(s->cpu.cs.jmp_env)) {
        g_assert_cmpint(s->backend->enter(&s->cpu.cs, s->tb.code.entry, &place),
                        ==, TB_EXIT_LOOKUP);
        g_assert_cmphex(s->cpu.cs.host_pc, ==, 0);
    }
}

static void compare_logs(void)
{
    const Side *a = &sides[0], *b = &sides[1];

    g_assert_cmpuint(a->nlog, ==, b->nlog);
    for (unsigned i = 0; i < a->nlog; i++) {
        const SlowCall *x = &a->log[i], *y = &b->log[i];

        g_assert_cmpint(x->kind, ==, y->kind);
        g_assert_cmphex(x->addr, ==, y->addr);
        g_assert_cmphex(x->value, ==, y->value);
        g_assert_cmphex(x->memop, ==, y->memop);
        g_assert_cmphex(x->insn_off, ==, y->insn_off);
        for (unsigned r = 0; r < 16; r++) {
            g_assert_cmphex(x->regs[r], ==, y->regs[r]);
        }
        g_assert_cmphex(x->cc, ==, y->cc);
    }
}

static void compare(uint16_t cc_mask)
{
    const X86CPU *a = &sides[0].cpu, *b = &sides[1].cpu;

    compare_logs();
    g_assert_true(sides[0].faulted == sides[1].faulted);
    for (unsigned i = 0; i < 16; i++) {
        g_assert_cmphex(a->regs[i], ==, b->regs[i]);
        for (unsigned j = 0; j < 4; j++) {
            g_assert_cmphex(a->vec[i].u64[j], ==, b->vec[i].u64[j]);
        }
    }
    if (!sides[0].faulted) {
        g_assert_cmphex(a->cc & cc_mask, ==, b->cc & cc_mask);
    }
    g_assert_cmphex(a->mxcsr, ==, b->mxcsr);
    g_assert_cmpmem(sides[0].memory, RIG_BYTES, sides[1].memory, RIG_BYTES);
}

/* To look at a failure: the function on stderr, its code to a file that
 * "objdump -D -b binary -m i386:x86-64" reads. */
static void dump(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const TbCode *c = &sides[1].tb.code;

    ir_dump(&rig_func, text);
    g_printerr("----\n%s", text->str);
    g_file_set_contents(g_getenv("RIG_DUMP"), c->entry, c->code_bytes, NULL);
}

void rig_run(uint32_t cflags, uint16_t cc_mask)
{
    g_assert_false(rig_func.overflow);
    ir_fold(&rig_func);
    ir_live(&rig_func, IR_CC_ALL);
    ir_group(&rig_func);
    run_side(&sides[0], cflags);
    run_side(&sides[1], cflags);
    if (g_getenv("RIG_DUMP")) {
        dump();
    }
    compare(cc_mask);
    rig_slow_calls = sides[1].nlog;
    rig_cpu = sides[1].cpu;
}
