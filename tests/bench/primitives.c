/* SPDX-License-Identifier: MIT */
/*
 * What the primitives between threads cost, and as a multiple of what the host
 * itself needs for the like of it.
 *
 *   build/tests/bench/primitives [ROUNDS]
 *
 * Two vCPUs run translated code: one instruction that jumps to itself, or HLT.
 * Each line is the median of ROUNDS (500) in one run.  A host with less than
 * two idle processors measures its scheduler.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "accel/tcg.h"
#include "exec/bql.h"
#include "exec/memory.h"
#include "target/i386/seg.h"
#include "util/error.h"
#include "util/main-loop.h"
#include "util/timer.h"

enum {
    CPUS = 2,
    BATCH = 100, /* of what is too short for one reading of the clock */
    FALL_ASLEEP_US = 50,
    NMI_VECTOR = 4 * 2, /* in real mode's table */
    PA_SEEN = 0x500,    /* a counter for each vCPU, 4 bytes apart */
    PA_SPIN = 0x1000,
    PA_HALT = 0x2000,
    PA_NMI = 0x3000,
    PA_STACK = 0x8000,
};

static X86CPU *cpu[CPUS];
static MemoryRegion ram;
static unsigned rounds = 500;

static void die(GError *error)
{
    fprintf(stderr, "primitives: %s\n", error->message);
    exit(1);
}

/* --- the guest --- */

static uint8_t *guest(uint32_t addr)
{
    return memory_region_ram_ptr(&ram) + addr;
}

/* Real mode.  The handler of NMIs counts at BP. */
static void load_guest(void)
{
    static const uint8_t spin[] = { 0xeb, 0xfe };       /* jmp $ */
    static const uint8_t halt[] = { 0xf4, 0xeb, 0xfd }; /* hlt; jmp */
    static const uint8_t count[] = { 0x66, 0xff, 0x46, 0x00, 0xcf };

    memcpy(guest(PA_SPIN), spin, sizeof(spin));
    memcpy(guest(PA_HALT), halt, sizeof(halt));
    memcpy(guest(PA_NMI), count, sizeof(count)); /* incl 0(%bp); iret */
    memcpy(guest(NMI_VECTOR), &(uint32_t){ PA_NMI }, 4);
}

static uint32_t seen(unsigned index)
{
    return __atomic_load_n((uint32_t *)guest(PA_SEEN + 4 * index),
                           __ATOMIC_ACQUIRE);
}

static void make_machine(void)
{
    g_autoptr(KeyVal) options = keyval_new();
    GError *error = NULL;

    memory_map_init();
    if (!tcg_accel_init(options, CPUS, &error) ||
        !memory_region_init_ram(&ram, "ram", MiB, &error)) {
        die(error);
    }
    memory_region_add(system_memory(), 0, &ram);
    load_guest();
    for (unsigned i = 0; i < CPUS; i++) {
        cpu[i] = x86_cpu_create("max", i, i, &error);
        if (!cpu[i]) {
            die(error);
        }
        cpu_start_thread(&cpu[i]->cs);
    }
}

/* Have each vCPU go on at @rip.  Locks: BQL. */
static void run_at(uint32_t rip)
{
    cpus_pause_all();
    for (unsigned i = 0; i < CPUS; i++) {
        seg_set_real(cpu[i], R_CS, 0);
        cpu[i]->rip = rip;
        cpu[i]->regs[R_RSP] = PA_STACK - i * PAGE_SIZE;
        cpu[i]->regs[R_RBP] = PA_SEEN + 4 * i;
        cpu[i]->cs.halted = 0;
        cpu[i]->wait_sipi = false;
        x86_update_hflags(cpu[i]);
    }
    cpus_resume_all();
}

/* --- measuring --- */

static int64_t now_ns(void)
{
    return clock_get_ns(CLOCK_TYPE_REALTIME);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Median time of @once, which returns its own. */
static double median(double (*once)(void))
{
    g_autofree double *ns = g_new(double, rounds);

    for (unsigned i = 0; i < rounds; i++) {
        ns[i] = once();
    }
    qsort(ns, rounds, sizeof(*ns), by_value);
    return ns[rounds / 2];
}

#define BATCH_NS(statement)                                                    \
    ({                                                                         \
        int64_t start_ = now_ns();                                             \
        for (int i_ = 0; i_ < BATCH; i_++) {                                   \
            statement;                                                         \
        }                                                                      \
        (double)(now_ns() - start_) / BATCH;                                   \
    })

/* --- the host's own --- */

static Event ping, pong;
static bool pong_ends;

static void *answer_pings(void *unused)
{
    for (;;) {
        event_wait(&ping);
        event_reset(&ping);
        if (__atomic_load_n(&pong_ends, __ATOMIC_RELAXED)) {
            return NULL;
        }
        event_set(&pong);
    }
}

static double futex_round(void)
{
    int64_t start = now_ns();

    event_set(&ping);
    event_wait(&pong);
    event_reset(&pong);
    return now_ns() - start;
}

static double futex_ns(void)
{
    Thread *t;
    double ns;

    event_init(&ping, false);
    event_init(&pong, false);
    t = thread_create("pong", answer_pings, NULL);
    ns = median(futex_round);
    __atomic_store_n(&pong_ends, true, __ATOMIC_RELAXED);
    event_set(&ping);
    thread_join(t);
    return ns;
}

static double pthread_mutex_round(void)
{
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

    return BATCH_NS(pthread_mutex_lock(&m); pthread_mutex_unlock(&m));
}

/* --- ours; without the BQL --- */

static double bql_round(void)
{
    return BATCH_NS(bql_lock(); bql_unlock());
}

static double exclusive_idle(void)
{
    return BATCH_NS(start_exclusive(); end_exclusive());
}

/* The vCPUs have to come out, and go back in before the next. */
static double exclusive_busy(void)
{
    int64_t start = now_ns();

    start_exclusive();
    start = now_ns() - start;
    end_exclusive();
    while (!__atomic_load_n(&cpu[0]->cs.running, __ATOMIC_SEQ_CST) ||
           !__atomic_load_n(&cpu[1]->cs.running, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
    return start;
}

static void nothing(CPUState *cs, void *unused)
{
}

static void wait_asleep(void)
{
    while (!__atomic_load_n(&cpu[1]->cs.halted, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
    g_usleep(FALL_ASLEEP_US);
}

static void wait_in_code(void)
{
    while (!__atomic_load_n(&cpu[1]->cs.running, __ATOMIC_SEQ_CST)) {
        sched_yield();
    }
}

static double run_on_cpu_round(void)
{
    int64_t start;

    bql_lock();
    start = now_ns();
    run_on_cpu(&cpu[1]->cs, nothing, NULL);
    start = now_ns() - start;
    bql_unlock();
    return start;
}

static double run_on_cpu_asleep(void)
{
    wait_asleep();
    return run_on_cpu_round();
}

static double run_on_cpu_in_code(void)
{
    wait_in_code();
    return run_on_cpu_round();
}

/* From the request to the handler's store. */
static double nmi_latency(void)
{
    uint32_t before = seen(1);
    int64_t start = now_ns();

    x86_cpu_nmi(cpu[1]);
    while (seen(1) == before) {
    }
    return now_ns() - start;
}

static double halt_to_wake(void)
{
    wait_asleep();
    return nmi_latency();
}

static double kick_to_exit(void)
{
    wait_in_code();
    return nmi_latency();
}

/* --- the table --- */

typedef struct Row {
    const char *name;
    double (*once)(void);
    uint32_t rip;       /* what the vCPUs do meanwhile */
    bool against_futex; /* or against a mutex */
} Row;

static const Row rows[] = {
    { "BQL, lock and unlock", bql_round, PA_HALT, false },
    { "exclusive section, all asleep", exclusive_idle, PA_HALT, false },
    { "exclusive section, 2 in code", exclusive_busy, PA_SPIN, true },
    { "run_on_cpu, asleep", run_on_cpu_asleep, PA_HALT, true },
    { "run_on_cpu, in code", run_on_cpu_in_code, PA_SPIN, true },
    { "kick to exit and handler", kick_to_exit, PA_SPIN, true },
    { "halt to wake and handler", halt_to_wake, PA_HALT, true },
};

static void lock(void)
{
    bql_lock();
}

int main(int argc, char **argv)
{
    double futex, mutex;

    rounds = argc > 1 ? MAX((unsigned)atoi(argv[1]), 1) : rounds;
    bql_init();
    main_loop_init(lock, bql_unlock);
    bql_lock();
    cpu_list_init();
    make_machine();
    futex = futex_ns();
    mutex = median(pthread_mutex_round);
    printf("%-32s %9.0f ns\n", "host: futex, there and back", futex);
    printf("%-32s %9.0f ns\n", "host: mutex, lock and unlock", mutex);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const Row *row = &rows[i];
        double ns;

        run_at(row->rip);
        bql_unlock();
        ns = median(row->once);
        bql_lock();
        printf("%-32s %9.0f ns %7.2f of a %s\n", row->name, ns,
               ns / (row->against_futex ? futex : mutex),
               row->against_futex ? "futex" : "mutex");
    }
    cpus_shutdown();
    bql_unlock();
    return 0;
}
