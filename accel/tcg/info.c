/* SPDX-License-Identifier: MIT */
/* `info jit`: what the translator did, summed over the vCPUs. */
#include <stdlib.h>

#include "accel/tcg/internal.h"
#include "tcg/helper.h"

static void stats_add(TcgStats *sum, const TcgStats *s)
{
    const uint64_t *from = (const uint64_t *)s;
    uint64_t *to = (uint64_t *)sum;
    unsigned i;

    for (i = 0; i < sizeof(*s) / sizeof(uint64_t); i++) {
        to[i] += from[i];
    }
}

static void print_count(GString *out, const char *name, uint64_t value)
{
    g_string_append_printf(out, "%-32s %12" PRIu64 "\n", name, value);
}

static void print_translation(GString *out, const TcgStats *s)
{
    g_string_append_printf(out, "backend %s, thread=%s, %u vCPUs\n",
                           tcg_backend->name,
                           tcg_options.single ? "single" : "multi",
                           tcg_options.cpus);
    print_count(out, "TBs translated", s->tbs);
    print_count(out, "guest instructions translated", s->guest_insns);
    print_count(out, "guest bytes translated", s->guest_bytes);
    print_count(out, "host bytes of TBs", s->host_bytes);
    print_count(out, "code buffer in use (bytes)", region_used_bytes());
    print_count(out, "translation time (us)", s->translate_ns / 1000);
}

static void print_exits(GString *out, const TcgStats *s)
{
    print_count(out, "exits at an unlinked jump",
                s->exits[TB_EXIT_SLOT0] + s->exits[TB_EXIT_SLOT1]);
    print_count(out, "exits for a look-up", s->exits[TB_EXIT_LOOKUP]);
    print_count(out, "exits on request", s->exits[TB_EXIT_REQUEST]);
    print_count(out, "look-ups by the exec loop", s->lookups);
    print_count(out, "  of these, jump cache hits", s->jc_hits);
    print_count(out, "indirect jumps that missed", s->ind_lookups);
    print_count(out, "  of these, left to the loop", s->ind_misses);
    print_count(out, "exceptions delivered", s->exceptions);
    print_count(out, "interrupts taken", s->interrupts);
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
    uint64_t fills = 0, victims = 0, flushes = 0;
    TcgStats sum = {0};
    CPUState *cpu;

    RCU_READ_GUARD();
    CPU_FOREACH(cpu) {
        stats_add(&sum, &cpu->tcg->stats);
        fills += cpu->tlb.fills;
        victims += cpu->tlb.victim_hits;
        flushes += cpu->tlb.flushes;
    }
    print_translation(out, &sum);
    print_exits(out, &sum);
    print_count(out, "TLB fills", fills);
    print_count(out, "TLB victim hits", victims);
    print_count(out, "TLB flushes", flushes);
    print_count(out, "slow loads", sum.slow_loads);
    print_count(out, "slow stores", sum.slow_stores);
    print_count(out, "slow read-modify-writes", sum.slow_rmws);
    print_count(out, "device accesses", sum.mmio);
    print_count(out, "exclusive steps for atomics", sum.atomics_exclusive);
    print_count(out, "exclusive steps for new code", sum.unsettled);
    print_helpers(out);
}
