/* SPDX-License-Identifier: MIT */
/* vCPUs that run guest code while the host changes something under them: one
 * more comes, the A20 gate moves.  Run with "single" or "icount" for these ways
 * of taking turns. */
#include <sched.h>
#include <string.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "hw/device.h"
#include "target/i386/cpu.h"
#include "target/i386/seg.h"
#include "util/keyval.h"
#include "util/main-loop.h"

#define CPUS    2
#define LOW     0x1111 /* at 0, and what is seen at 1 MiB with the gate closed */
#define HIGH    0x2222 /* at 1 MiB */
#define CODE    0x1000
#define DATA(n) (0x2000 + 0x1000 * (n))
#define ROUNDS  20

/* What each vCPU writes, at DATA(index): how often it came round, and what it
 * saw at 1 MiB last. */
typedef struct Report {
    uint16_t rounds, seen;
} Report;

static const uint8_t code[] = {
    0xff, 0x06, 0x00, 0x00, /* INC WORD [rounds] */
    0x26, 0xa1, 0x10, 0x00, /* MOV AX, ES:[10h]: FFFF:0010 is 1 MiB */
    0xa3, 0x02, 0x00,       /* MOV [seen], AX */
    0xeb, 0xf3,             /* JMP to the first */
};

static MemoryRegion ram;

static void lock(void)
{
    bql_lock();
}

static void poke(hwaddr addr, const void *from, unsigned bytes)
{
    memcpy(memory_region_ram_ptr(&ram) + addr, from, bytes);
}

static void make_memory(void)
{
    const uint16_t low = LOW, high = HIGH;
    GError *error = NULL;

    g_assert_true(memory_region_init_ram(&ram, "ram", 2 * MiB, &error));
    memory_region_add(system_memory(), 0, &ram);
    poke(CODE, code, sizeof(code));
    poke(0, &low, sizeof(low));
    poke(MiB, &high, sizeof(high));
}

static void add_cpu(unsigned index)
{
    GError *error = NULL;
    X86CPU *cpu = x86_cpu_create("max", index, index, &error);

    g_assert_no_error(error);
    cpu_start_thread(&cpu->cs);
    cpu->cs.ops->reset(&cpu->cs);
    seg_set_real(cpu, R_CS, CODE >> 4);
    seg_set_real(cpu, R_DS, DATA(index) >> 4);
    seg_set_real(cpu, R_ES, 0xffff);
    cpu->rip = 0;
    cpu->wait_sipi = false;
    __atomic_store_n(&cpu->cs.halted, 0, __ATOMIC_SEQ_CST);
    x86_update_hflags(cpu);
    cpu_resume(&cpu->cs);
}

static Report report(unsigned index)
{
    const Report *r = (void *)(memory_region_ram_ptr(&ram) + DATA(index));

    return (Report){ __atomic_load_n(&r->rounds, __ATOMIC_RELAXED),
                     __atomic_load_n(&r->seen, __ATOMIC_RELAXED) };
}

/* The main loop for a moment, whose timers end turns. */
static void let_run(int64_t until)
{
    g_assert_cmpint(g_get_monotonic_time(), <, until);
    g_main_context_iteration(NULL, FALSE); /* drops the BQL */
    sched_yield();
}

static int64_t soon(void)
{
    return g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
}

/* Until it has come round: twice, as it may be in the middle. */
static void wait_rounds(unsigned index)
{
    uint16_t before = report(index).rounds;
    int64_t until = soon();

    while ((uint16_t)(report(index).rounds - before) < 2) {
        let_run(until);
    }
}

static void wait_seen(uint16_t value)
{
    for (unsigned i = 0; i < CPUS; i++) {
        int64_t until = soon();

        while (report(i).seen != value) {
            let_run(until);
        }
    }
}

/* One that was alone, and had no reason to end its turn, lets the other in; and
 * gets its turn again. */
static void test_join(void)
{
    wait_rounds(0);
    add_cpu(1);
    wait_rounds(1);
    wait_rounds(0);
}

static void test_a20(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        x86_cpu_set_a20(false);
        wait_seen(LOW);
        x86_cpu_set_a20(true);
        wait_seen(HIGH);
    }
}

/* What counts is the gate when a vCPU comes by, not when it was told. */
static void test_a20_twice(void)
{
    x86_cpu_set_a20(false);
    x86_cpu_set_a20(true);
    wait_rounds(0);
    wait_rounds(1);
    wait_seen(HIGH);
    x86_cpu_set_a20(true);
    x86_cpu_set_a20(false);
    wait_rounds(0);
    wait_rounds(1);
    wait_seen(LOW);
}

static void test_shutdown(void)
{
    cpus_shutdown();
    bql_unlock();
}

int main(int argc, char **argv)
{
    g_autoptr(KeyVal) options = keyval_new();
    g_autoptr(KeyVal) icount = keyval_parse("shift=3", NULL, NULL);
    GError *error = NULL;

    g_test_init(&argc, &argv, NULL);
    bql_init();
    main_loop_init(lock, bql_unlock);
    bql_lock();
    cpu_list_init();
    memory_map_init();
    make_memory();
    if (argc > 1 && strcmp(argv[1], "icount") == 0) {
        g_assert_true(icount_parse(icount, &error));
    } else if (argc > 1) {
        keyval_set(options, "thread", argv[1]);
    }
    g_assert_true(tcg_accel_init(options, CPUS, &error));
    add_cpu(0);
    g_test_add_func("/running/join", test_join);
    g_test_add_func("/running/a20", test_a20);
    g_test_add_func("/running/a20-twice", test_a20_twice);
    g_test_add_func("/running/shutdown", test_shutdown);
    return g_test_run();
}
