/* SPDX-License-Identifier: MIT */
/*
 * `info jit`: what the translator did, summed over the vCPUs.  Counts are exact
 * but where a row says "estimated": how many accesses and jumps were served in
 * translated code is known only if that counts what it runs, block by block,
 * which it does under -d stats.
 */
#include <stdlib.h>

#include "accel/tcg/internal.h"
#include "tcg/helper.h"

typedef struct CounterRow {
    size_t offset; /* in TcgStats */
    const char *text;
} CounterRow;
#define ROW(counter, text) {offsetof(TcgStats, counter), text}

/* In the order of output; one that counts a part of the one before it is
 * indented. */
static const CounterRow rows[] = {
    ROW(tbs, "TBs translated"),
    ROW(guest_insns, "guest instructions translated"),
    ROW(guest_bytes, "guest bytes translated"),
    ROW(host_bytes, "host bytes of TBs"),
    ROW(translate_ns, "translation time (ns)"),
    ROW(tb_flushes, "TB flushes: code buffer full"),
    ROW(tbs_dropped, "TBs dropped: stores of vCPUs"),

    ROW(exits[TB_EXIT_SLOT0], "exits at unlinked jump 0"),
    ROW(exits[TB_EXIT_SLOT1], "exits at unlinked jump 1"),
    ROW(exits[TB_EXIT_LOOKUP], "exits for a look-up"),
    ROW(exits[TB_EXIT_REQUEST], "exits on request"),
    ROW(lookups, "look-ups by the exec loop"),
    ROW(jc_hits, "  of these, jump cache hits"),
    ROW(ind_lookups, "indirect jumps that missed"),
    ROW(ind_misses, "  of these, left to the loop"),
    ROW(exceptions, "exceptions delivered"),
    ROW(interrupts, "interrupts taken"),

    ROW(fills, "TLB fills"),
    ROW(victim_hits, "TLB victim hits"),
    ROW(flushes[TLB_FLUSH_CR3], "TLB flushes: CR3"),
    ROW(flushes[TLB_FLUSH_MODE], "TLB flushes: CR0, CR4, EFER"),
    ROW(flushes[TLB_FLUSH_INVLPG], "TLB flushes: INVLPG"),
    ROW(flushes[TLB_FLUSH_INVPCID], "TLB flushes: INVPCID"),
    ROW(flushes[TLB_FLUSH_PKRU], "TLB flushes: PKRU"),
    ROW(flushes[TLB_FLUSH_DEBUG], "TLB flushes: debugging"),
    ROW(flushes[TLB_FLUSH_RESET], "TLB flushes: reset, INIT"),
    ROW(flushes[TLB_FLUSH_A20], "TLB flushes: A20 gate"),
    ROW(flushes[TLB_FLUSH_MAP], "TLB flushes: memory map"),
    ROW(flushes_posted, "TLB flushes from other threads"),
    ROW(spaces_taken, "TLB spaces emptied for another"),

    ROW(slow_loads, "slow loads"),
    ROW(slow_stores, "slow stores"),
    ROW(slow_rmws, "slow read-modify-writes"),
    ROW(slow[SLOW_CROSSES], "slow because: two pages"),
    ROW(slow[SLOW_MISS], "slow because: TLB miss"),
    ROW(slow[SLOW_DEVICE], "slow because: device"),
    ROW(slow[SLOW_ROM], "slow because: store to ROM"),
    ROW(slow[SLOW_NOTDIRTY], "slow because: page of code"),
    ROW(slow[SLOW_WATCH], "slow because: watched page"),
    ROW(slow[SLOW_OTHER], "slow because: none of these"),
    ROW(mmio, "device accesses"),
    ROW(atomics_exclusive, "exclusive steps for atomics"),
    ROW(unsettled, "exclusive steps for new code"),
};
_Static_assert(ARRAY_LEN(rows) == sizeof(TcgStats) / sizeof(uint64_t),
               "a row for each counter");

static void stats_add(TcgStats *sum, const TcgStats *s)
{
    const uint64_t *from = (const uint64_t *)s;
    uint64_t *to = (uint64_t *)sum;
    unsigned i;

    for (i = 0; i < sizeof(*s) / sizeof(uint64_t); i++) {
        to[i] += from[i];
    }
}

/* Of vCPUs that have been taken away; BQL. */
static TcgStats gone;
static uint64_t gone_ran[RAN_KINDS];

static void ran_add(uint64_t *sum, const uint64_t *ran)
{
    for (unsigned i = 0; i < RAN_KINDS; i++) {
        sum[i] += ran[i];
    }
}

void tcg_stats_keep(const CPUState *cpu)
{
    bql_assert_held();
    stats_add(&gone, &cpu->tcg->stats);
    ran_add(gone_ran, cpu->ran);
}

static void print_count(GString *out, const char *name, uint64_t value)
{
    g_string_append_printf(out, "%-32s %12" PRIu64 "\n", name, value);
}

static void print_rows(GString *out, const TcgStats *s)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        print_count(out, rows[i].text,
                    *(const uint64_t *)((const char *)s + rows[i].offset));
    }
}

static void print_hits(GString *out, uint64_t all, uint64_t missed)
{
    double hits =
        all > missed ? 100.0 * (double)(all - missed) / (double)all : 0;

    g_string_append_printf(out, "%-32s %12.4f\n",
                           "  of these, hits (%, estimated)", hits);
}

/* A block that is left half-way has counted all that is in it, and helpers'
 * accesses miss without having been counted. */
static void print_ran(GString *out, const TcgStats *s, const uint64_t *ran)
{
    if (!tcg_options.count_run) {
        g_string_append(out, "(-d stats from the start adds rates of hits and "
                             "calls of helpers)\n");
        return;
    }
    print_count(out, "TBs run", ran[RAN_TBS]);
    print_count(out, "accesses in TBs (estimated)", ran[RAN_ACCESSES]);
    print_hits(out, ran[RAN_ACCESSES], s->slow[SLOW_MISS]);
    print_count(out, "indirect jumps (estimated)", ran[RAN_JUMPS]);
    print_hits(out, ran[RAN_JUMPS], s->ind_lookups);
}

/* Locks: BQL. */
static void print_bql(GString *out)
{
    uint64_t taken = 0, waited = 0;
    int64_t wait_ns = 0;
    const BqlSite *site;

    for (unsigned i = 0; (site = bql_site_at(i)); i++) {
        taken += site->taken;
        waited += site->waited;
        wait_ns += site->wait_ns;
    }
    print_count(out, "Big Lock taken", taken);
    print_count(out, "  of these, after a wait", waited);
    print_count(out, "Big Lock waits (ns)", (uint64_t)wait_ns);
    g_string_append(out, "(by call site: info sync-profile)\n");
}

static int by_calls(const void *a, const void *b)
{
    uint64_t x = *helper_counter(*(const unsigned *)a);
    uint64_t y = *helper_counter(*(const unsigned *)b);

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The most called first. */
static void print_helpers(GString *out)
{
    unsigned n = helper_count();
    g_autofree unsigned *order = g_new(unsigned, n);

    if (!helper_counter(0)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        order[i] = i;
    }
    qsort(order, n, sizeof(order[0]), by_calls);
    for (unsigned i = 0; i < n && *helper_counter(order[i]); i++) {
        g_autofree char *name =
            g_strdup_printf("calls of %s", helper_info(order[i])->name);

        print_count(out, name, *helper_counter(order[i]));
    }
}

void tcg_print_info(GString *out)
{
    uint64_t ran[RAN_KINDS] = {0};
    TcgStats sum = gone;
    unsigned cpus = 0;
    CPUState *cpu;

    RCU_READ_GUARD();
    ran_add(ran, gone_ran);
    CPU_FOREACH(cpu) {
        stats_add(&sum, &cpu->tcg->stats);
        ran_add(ran, cpu->ran);
        cpus++;
    }
    g_string_append_printf(out, "backend %s, thread=%s, %u vCPUs\n",
                           tcg_backend->name,
                           tcg_options.single ? "single" : "multi", cpus);
    print_count(out, "code buffer in use (bytes)", region_used_bytes());
    print_rows(out, &sum);
    print_count(out, "TBs dropped: other threads", tb_dropped_elsewhere());
    print_ran(out, &sum, ran);
    print_bql(out);
    print_helpers(out);
}
