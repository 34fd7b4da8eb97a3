/* SPDX-License-Identifier: MIT */
/*
 * Every x87 instruction against the silicon that the test runs on: the same
 * bytes, state and memory, once natively between FRSTOR and FNSAVE, once
 * through the helpers.  Registers, tags, control and status words, EFLAGS and
 * memory must agree.
 *
 * Left out: instruction and operand pointers (the native side's are those of
 * the test), and condition codes that the SDM leaves undefined.
 */
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/helpers.h"
#include "target/i386/x87.h"
#include "tcg/ir.h"

#define MEM_ADDR  0x2000 /* of the memory operand, in guest RAM */
#define MEM_BYTES 128
#define ROUNDS    400

/* FNSAVE's 32-bit protected-mode image: SDM vol. 1, figure 8-9. */
typedef struct __attribute__((packed)) Image {
    uint16_t cw, pad0, sw, pad1, tw, pad2;
    uint32_t pointers[4];
    X87Value st[8];
} Image;

static X86CPU *cpu;
static MemoryRegion ram;
static uint8_t *code;

/* --- random state --- */

static X87Value random_value(GRand *r)
{
    static const uint64_t mantissas[] = {
        0x8000000000000000, 0xc000000000000000, 0xffffffffffffffff,
        0x8000000000000001, 0x8000000000000400, 0xfffffffffffff800,
    };
    X87Value v = {
        (uint64_t)g_rand_int(r) << 32 | g_rand_int(r),
        g_rand_int(r) & 0x8000,
    };

    if (g_rand_boolean(r)) {
        v.mantissa = mantissas[g_rand_int_range(r, 0, 6)];
    }
    switch (g_rand_int_range(r, 0, 10)) {
    case 0: /* zero */
        v.mantissa = 0;
        break;
    case 1: /* denormal, or pseudo-denormal */
        v.mantissa >>= g_rand_int_range(r, 0, 3);
        break;
    case 2: /* infinity, NaN of both kinds, pseudo-NaN */
        v.sign_exp |= 0x7fff;
        break;
    case 3: /* any exponent, unnormal too */
        v.sign_exp |= g_rand_int(r) & 0x7fff;
        break;
    case 4: /* small integers */
        v.sign_exp |= 0x3fff + g_rand_int_range(r, 0, 20);
        v.mantissa = (v.mantissa | 1ull << 63) & 0xfffff00000000000;
        break;
    default:
        v.sign_exp |= 0x3fff + g_rand_int_range(r, -70, 70);
        v.mantissa |= 1ull << 63;
        break;
    }
    return v;
}

static uint16_t random_cw(GRand *r)
{
    uint16_t cw = g_rand_int(r) & 0xc00;

    cw |= g_rand_int_range(r, 0, 4) << 8; /* precision 1 is reserved */
    if ((cw & 0x300) == 0x100) {
        cw |= 0x300;
    }
    /* Mostly all masked, as programs have it. */
    cw |= g_rand_int_range(r, 0, 3) ? 0x3f : g_rand_int(r) & 0x3f;
    return cw | 0x40;
}

static void random_image(GRand *r, Image *im)
{
    memset(im, 0, sizeof(*im));
    im->cw = random_cw(r);
    im->sw = g_rand_int(r) & (7 << 11 | X87_CODES);
    for (unsigned i = 0; i < 8; i++) {
        im->st[i] = random_value(r);
        if (g_rand_int_range(r, 0, 8) == 0) {
            im->tw |= 3 << (2 * i);
        }
    }
    if (g_rand_boolean(r)) { /* room to push */
        im->tw |= 3 << (2 * (((im->sw >> 11) - 1) & 7));
    }
}

/* A memory operand that makes sense for loads of every kind now and then. */
static void random_memory(GRand *r, uint8_t *mem)
{
    float f = g_rand_double_range(r, -1000, 1000);
    double d = g_rand_double_range(r, -1000, 1000);
    X87Value v = random_value(r);
    Image env;

    for (unsigned i = 0; i < MEM_BYTES; i++) {
        mem[i] = g_rand_int(r);
    }
    switch (g_rand_int_range(r, 0, 6)) {
    case 0:
        memcpy(mem, &f, sizeof(f));
        break;
    case 1:
        memcpy(mem, &d, sizeof(d));
        break;
    case 2:
        memcpy(mem, &v, sizeof(v));
        break;
    case 3: /* BCD */
        for (unsigned i = 0; i < 9; i++) {
            mem[i] = (mem[i] & 0x77);
        }
        mem[9] &= 0x80;
        break;
    case 4: /* special exponents of either size */
        mem[3] = mem[7] = g_rand_boolean(r) ? 0x7f : 0;
        mem[2] |= 0x80;
        mem[6] |= 0xf0;
        break;
    default:
        random_image(r, &env);
        memcpy(mem, &env, sizeof(env));
        break;
    }
}

/* --- the silicon --- */

typedef struct Native {
    Image before, after;
    uint64_t flags; /* in and out */
    uint64_t rax;
    uint8_t mem[MEM_BYTES];
} Native;

/* void run(before rdi, after rsi, mem rdx, flags rcx, rax r8) */
static void native_run(Native *n, uint8_t op, uint8_t modrm, bool osize16)
{
    static const uint8_t head[] = {
        0xff, 0x31,       /* push [rcx] */
        0x9d,             /* popfq */
        0x49, 0x8b, 0x00, /* mov rax, [r8] */
        0xdd, 0x27,       /* frstor [rdi] */
    };
    static const uint8_t tail[] = {
        0xdd, 0x36,       /* fnsave [rsi] */
        0x9c,             /* pushfq */
        0x8f, 0x01,       /* pop [rcx] */
        0x49, 0x89, 0x00, /* mov [r8], rax */
        0xc3,             /* ret */
    };
    uint8_t *p = code;

    memcpy(p, head, sizeof(head));
    p += sizeof(head);
    if (osize16) {
        *p++ = 0x66;
    }
    *p++ = op;
    *p++ = modrm;
    memcpy(p, tail, sizeof(tail));
    ((void (*)(Image *, Image *, uint8_t *, uint64_t *, uint64_t *))code)(
        &n->before, &n->after, n->mem, &n->flags, &n->rax);
}

/* --- the helpers --- */

static void state_from_image(const Image *im)
{
    X87State *x = &cpu->x87;

    memset(x, 0, sizeof(*x));
    x->cw = im->cw;
    x->top = im->sw >> 11 & 7;
    x->sw = im->sw & ~(7 << 11);
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = (x->top + i) & 7;

        x->r[reg].mantissa = im->st[i].mantissa;
        x->r[reg].sign_exp = im->st[i].sign_exp;
        x->valid |= (im->tw >> (2 * i) & 3) == 3 ? 0 : BIT(i);
    }
}

static void image_from_state(Image *im)
{
    const X87State *x = &cpu->x87;

    memset(im, 0, sizeof(*im));
    im->cw = x->cw;
    im->sw = x->sw | x->top << 11;
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = (x->top + i) & 7;

        im->st[i] =
            (X87Value){x->r[reg].mantissa, x->r[reg].sign_exp};
        im->tw |= (x->valid >> i & 1) ? 0 : 3 << (2 * i);
    }
}

static void helper_run(Native *n, uint8_t op, uint8_t modrm, bool osize16)
{
    uint8_t *mem = memory_region_ram_ptr(&ram) + MEM_ADDR;
    uint64_t word = (op & 7) | modrm << 8 | osize16 << 16 |
                    (uint64_t)R_DS << 20 |
                    (uint64_t)MO_MAKE_MMU(MMU_KERNEL) << 32;

    state_from_image(&n->before);
    memcpy(mem, n->mem, MEM_BYTES);
    cpu->cc = cc_from_eflags(n->flags);
    cpu->regs[R_RAX] = n->rax;
    if (setjmp(cpu->cs.jmp_env)) {
        g_test_message("%02x %02x: fault %d", op, modrm,
                       cpu->cs.exception_index);
        g_test_fail();
        return;
    }
    if (modrm < 0xc0) {
        helper_x87_mem(cpu, word, MEM_ADDR, 0, 0);
    } else {
        helper_x87_reg(cpu, word, 0);
    }
    image_from_state(&n->after);
    memcpy(n->mem, mem, MEM_BYTES);
    n->flags = (n->flags & ~(uint64_t)EFLAGS_CC) | cc_to_eflags(cpu->cc);
    n->rax = cpu->regs[R_RAX];
}

/* --- comparing --- */

/* Condition codes that the instruction defines. */
static uint16_t defined_codes(uint8_t op, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;

    if (modrm < 0xc0) {
        return (op & 1) || reg == 2 || reg == 3 ? X87_CODES : X87_SW_C1;
    }
    if (op == 0xd9 && modrm >= 0xe0) {
        bool trig = modrm == 0xf2 || modrm == 0xfb || modrm >= 0xfe;

        return modrm < 0xe6 || modrm == 0xf5 || modrm == 0xf8 ? X87_CODES
               : trig ? X87_SW_C1 | X87_SW_C2
                      : X87_SW_C1;
    }
    return reg == 2 || reg == 3 || op == 0xdd || op == 0xda ? X87_CODES
                                                            : X87_SW_C1;
}

static uint16_t empties(uint16_t tw)
{
    uint16_t empty = 0;

    for (unsigned i = 0; i < 8; i++) {
        empty |= (tw >> (2 * i) & 3) == 3 ? BIT(i) : 0;
    }
    return empty;
}

/* Operand pointers inside FNSTENV's and FNSAVE's images. */
static void blank_pointers(Native *n, uint8_t op, uint8_t modrm, bool osize16)
{
    if (modrm < 0xc0 && (op == 0xd9 || op == 0xdd) && (modrm >> 3 & 7) == 6) {
        memset(n->mem + (osize16 ? 6 : 12), 0, osize16 ? 8 : 16);
    }
}

static bool same(const Native *a, const Native *b, uint16_t codes)
{
    uint16_t sw_mask = (uint16_t)~X87_CODES | codes;
    uint16_t empty = empties(a->after.tw);

    if (a->after.cw != b->after.cw ||
        ((a->after.sw ^ b->after.sw) & sw_mask) ||
        empty != empties(b->after.tw) || a->rax != b->rax ||
        ((a->flags ^ b->flags) & EFLAGS_CC) ||
        memcmp(a->mem, b->mem, MEM_BYTES)) {
        return false;
    }
    return !memcmp(a->after.st, b->after.st, sizeof(a->after.st));
}

static void explain(const Native *a, const Native *b, const char *name)
{
    unsigned top = a->before.sw >> 11 & 7;

    g_test_message("%s: before cw=%04x sw=%04x tw=%04x st0=%04x %016" PRIx64
                   " st1=%04x %016" PRIx64 " empty0=%d",
                   name, a->before.cw, a->before.sw, a->before.tw,
                   a->before.st[0].sign_exp, a->before.st[0].mantissa,
                   a->before.st[1].sign_exp, a->before.st[1].mantissa,
                   empties(a->before.tw) >> top & 1);
    for (unsigned i = 0; i < 2; i++) {
        const Native *n = i ? b : a;

        g_test_message("%s: cw=%04x sw=%04x empty=%02x st0=%04x %016" PRIx64
                       " st1=%04x %016" PRIx64 " flags=%x mem=%08x%08x%04x",
                       i ? "helpers" : "silicon", n->after.cw, n->after.sw,
                       empties(n->after.tw), n->after.st[0].sign_exp,
                       n->after.st[0].mantissa, n->after.st[1].sign_exp,
                       n->after.st[1].mantissa,
                       (unsigned)(n->flags & EFLAGS_CC),
                       *(uint32_t *)(n->mem + 4), *(uint32_t *)n->mem,
                       *(uint16_t *)(n->mem + 8));
    }
}

static void one_round(GRand *r, uint8_t op, uint8_t modrm)
{
    g_autofree char *name = g_strdup_printf("%02x %02x", op, modrm);
    bool osize16 = modrm < 0xc0 && g_rand_int_range(r, 0, 4) == 0;
    Native a = {.rax = g_rand_int(r)}, b;

    random_image(r, &a.before);
    random_memory(r, a.mem);
    a.flags = (g_rand_int(r) & EFLAGS_CC) | 2;
    b = a;
    native_run(&a, op, modrm, osize16);
    helper_run(&b, op, modrm, osize16);
    blank_pointers(&a, op, modrm, osize16);
    blank_pointers(&b, op, modrm, osize16);
    if (!same(&a, &b, defined_codes(op, modrm))) {
        explain(&a, &b, name);
        g_test_fail();
    }
}

static void test_opcode(gconstpointer arg)
{
    unsigned op = GPOINTER_TO_UINT(arg) >> 8;
    unsigned modrm = GPOINTER_TO_UINT(arg) & 0xff;
    GRand *r = g_rand_new_with_seed(op << 8 | modrm);

    for (unsigned i = 0; i < ROUNDS && !g_test_failed(); i++) {
        one_round(r, op, modrm);
    }
    g_rand_free(r);
}

static void add_opcode(unsigned op, unsigned modrm)
{
    g_autofree char *path = NULL;

    if (!x87_row(op & 7, modrm)->fn) {
        return;
    }
    path = g_strdup_printf("/x87/%02x/%02x", op, modrm);
    g_test_add_data_func(path, GUINT_TO_POINTER(op << 8 | modrm), test_opcode);
}

/* Memory forms address [rdx]; register forms take ST(0) to ST(2) and all of
 * D9 E0 to FF and the like. */
static void add_tests(void)
{
    for (unsigned op = 0xd8; op <= 0xdf; op++) {
        for (unsigned reg = 0; reg < 8; reg++) {
            add_opcode(op, reg << 3 | 2);
        }
        for (unsigned modrm = 0xc0; modrm < 0x100; modrm++) {
            add_opcode(op, modrm);
        }
    }
}

static void init_machine(void)
{
    GError *error = NULL;

    bql_init();
    bql_lock();
    cpu_list_init();
    memory_map_init();
    g_assert_true(tcg_accel_init(keyval_new(), 1, &error));
    g_assert_true(memory_region_init_ram(&ram, "ram", MiB, &error));
    memory_region_add(system_memory(), 0, &ram);
    cpu = x86_cpu_create("max", 0, 0, &error);
    g_assert_no_error(error);
    bql_unlock();
    cpu->cr0 |= CR0_PE | CR0_NE;
    x86_update_hflags(cpu);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    init_machine();
    code = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(code != MAP_FAILED);
    add_tests();
    return g_test_run();
}
