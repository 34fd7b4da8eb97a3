/* SPDX-License-Identifier: MIT */
/* A whole vCPU comes and goes: with its thread, soft TLB, jump cache and local
 * APIC, while another one stays.  Both run, and are halted.  Run with "single"
 * or "icount" for these ways of taking turns. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/ldst.h"
#include "exec/memory.h"
#include "hw/device.h"
#include "hw/intc/apic.h"
#include "target/i386/cpu.h"
#include "util/main-loop.h"

static void ignore_request(CPUState *cpu, uint32_t mask)
{
}

static void ignore_sipi(CPUState *cpu, uint8_t vector)
{
}

static const ApicCpuOps ops = { .request = ignore_request,
                                .cancel = ignore_request,
                                .sipi = ignore_sipi };

static void lock(void)
{
    bql_lock();
}

/* It has nothing to execute here. */
static void run_halted(X86CPU *cpu)
{
    cpu_start_thread(&cpu->cs);
    cpu->cs.ops->reset(&cpu->cs);
    __atomic_store_n(&cpu->cs.halted, 1, __ATOMIC_SEQ_CST);
    cpu_resume(&cpu->cs);
}

static void come_and_go(void)
{
    GError *error = NULL;
    X86CPU *cpu = x86_cpu_create("max", 1, 1, &error);
    ApicState *apic;

    g_assert_no_error(error);
    apic = apic_create(cpu, &ops);
    run_halted(cpu);
    g_assert_true(cpu_get(1) == &cpu->cs);
    tlb_flush_all_cpus(TLB_FLUSH_MAP); /* posted; done before it goes */
    cpu_unplug(&cpu->cs);
    device_unrealize_free((DeviceState *)apic);
    cpu_release(&cpu->cs);
    g_assert_null(cpu_get(1));
}

static uint64_t mapped_pages(void)
{
    uint64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    g_assert_nonnull(f);
    g_assert_cmpint(fscanf(f, "%" SCNu64, &pages), ==, 1);
    fclose(f);
    return pages;
}

/* Wait until what was released before this is freed. */
static void settle(void)
{
    bql_unlock();
    rcu_drain();
    bql_lock();
    while (g_main_context_iteration(NULL, FALSE)) {
    }
}

/* A vCPU's tables are mappings of more than a MiB. */
static void test_memory(void)
{
    uint64_t before;

    come_and_go();
    settle();
    before = mapped_pages();
    for (int i = 0; i < 64; i++) {
        come_and_go();
        settle();
    }
    g_assert_cmpuint(mapped_pages(), <, before + 32 * MiB / 4096);
}

static void test_counts(void)
{
    GString *out = g_string_new(NULL);

    tcg_print_info(out);
    g_assert_nonnull(strstr(out->str, ", 1 vCPUs"));
    g_string_free(out, TRUE);
}

int main(int argc, char **argv)
{
    g_autoptr(KeyVal) options = keyval_new();
    g_autoptr(KeyVal) icount = keyval_parse("shift=3", NULL, NULL);
    GError *error = NULL;

    g_test_init(&argc, &argv, NULL);
    mallopt(M_ARENA_MAX, 1); /* a second one would look like a leak */
    bql_init();
    main_loop_init(lock, bql_unlock);
    bql_lock();
    cpu_list_init();
    memory_map_init();
    if (argc > 1 && strcmp(argv[1], "icount") == 0) {
        g_assert_true(icount_parse(icount, &error));
    } else if (argc > 1) {
        keyval_set(options, "thread", argv[1]);
    }
    g_assert_true(tcg_accel_init(options, 2, &error));
    run_halted(x86_cpu_create("max", 0, 0, &error));
    g_test_add_func("/cpu-unplug/memory", test_memory);
    g_test_add_func("/cpu-unplug/counts", test_counts);
    return g_test_run();
}
