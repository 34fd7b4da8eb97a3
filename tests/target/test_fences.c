/* SPDX-License-Identifier: MIT */
/*
 * Which instructions keep stores before them from being overtaken by loads
 * behind them.  A processor's own helpers may drain its store buffer by chance,
 * so that no run of a guest shows a fence that is missing: it is looked for in
 * the IR.  Source: SDM vol. 3A, 8.2.5 "Strengthening or Weakening the
 * Memory-Ordering Model", 8.3 "Serializing Instructions".
 */
#include "accel/tcg/internal.h"
#include "tests/target/x86_machine.h"
#include "util/rcu.h"

#define CODE 0x20000

/* Kinds of fences in what was compiled last. */
static unsigned fences;

static bool look(const IrFunc *f, TranslationBlock *tb, uint8_t *buf,
                 size_t len, TbCode *out, size_t *used)
{
    fences = 0;
    for (unsigned i = 0; i < f->nops; i++) {
        fences |= f->op[i].opc == IR_FENCE ? f->op[i].aux : 0;
    }
    return tcg_backend_interp.compile(f, tb, buf, len, out, used);
}

/* Of the instruction, in 64-bit mode at CPL 0 and with other vCPUs. */
static unsigned fences_of(const void *bytes, size_t len)
{
    const uint32_t cflags = 1 | CF_PARALLEL;
    ram_addr_t ram;

    cpu->rip = CODE;
    memcpy((uint8_t *)memory_region_ram_ptr(&machine_ram) + CODE, bytes, len);
    rcu_read_lock();
    tcg_code_page(&cpu->cs, CODE, &ram);
    tb_translate(&cpu->cs, CODE, ram, cpu->hflags, cflags);
    rcu_read_unlock();
    tb_pages_reset();
    return fences;
}

#define FENCES(text, kind)                                                     \
    g_assert_cmpuint(fences_of(text, sizeof(text) - 1), ==, kind)

static void test_serializing(void)
{
    FENCES("\x0f\xa2", FENCE_ALL);             /* CPUID */
    FENCES("\x48\xcf", FENCE_ALL);             /* IRETQ */
    FENCES("\x0f\x08", FENCE_ALL);             /* INVD */
    FENCES("\x0f\x09", FENCE_ALL);             /* WBINVD */
    FENCES("\x0f\x01\x38", FENCE_ALL);         /* INVLPG */
    FENCES("\x66\x0f\x38\x82\x08", FENCE_ALL); /* INVPCID */
    FENCES("\x0f\x01\x10", FENCE_ALL);         /* LGDT */
    FENCES("\x0f\x01\x18", FENCE_ALL);         /* LIDT */
    FENCES("\x0f\x00\xd0", FENCE_ALL);         /* LLDT */
    FENCES("\x0f\x00\xd8", FENCE_ALL);         /* LTR */
    FENCES("\x0f\x22\xd8", FENCE_ALL);         /* MOV to CR3 */
    FENCES("\x0f\x23\xc0", FENCE_ALL);         /* MOV to DR0 */
    FENCES("\x0f\x30", FENCE_ALL);             /* WRMSR */
}

static void test_ordering(void)
{
    FENCES("\x0f\xae\xe8", FENCE_LOAD);  /* LFENCE */
    FENCES("\x0f\xae\xf8", FENCE_STORE); /* SFENCE */
    FENCES("\x0f\xae\xf0", FENCE_ALL);   /* MFENCE */
}

static void test_none(void)
{
    FENCES("\x90", 0);     /* NOP */
    FENCES("\x8b\x00", 0); /* MOV EAX, [RAX] */
    FENCES("\x89\x00", 0); /* MOV [RAX], EAX */
}

int main(int argc, char **argv)
{
    static __attribute__((aligned(16))) uint8_t interp_head[4096];
    static TcgBackend backend;

    g_test_init(&argc, &argv, NULL);
    machine_init();
    machine_reset(0);
    cpu->efer = EFER_LMA | EFER_LME;
    seg_set(cpu, R_CS, SEL_CODE64, 0, 0xffffffff,
            (AR_CODE & ~DESC_B) | DESC_A | DESC_L);
    x86_update_hflags(cpu);
    tcg_backend_interp.init(interp_head, sizeof(interp_head));
    backend = tcg_backend_interp;
    backend.compile = look;
    tcg_backend = &backend;
    tcg_options.single = true; /* the vCPU has no thread */
    g_test_add_func("/fences/serializing", test_serializing);
    g_test_add_func("/fences/ordering", test_ordering);
    g_test_add_func("/fences/none", test_none);
    return g_test_run();
}
