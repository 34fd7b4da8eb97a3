/* SPDX-License-Identifier: MIT */
/*
 * tests/isa/run: cases by the batch until the time is over, the count reached
 * or too much has been found.  Every difference is printed with the one line
 * that runs its case again.
 */
#include "isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "target/i386/cpuid.h"

typedef struct Run {
    IsaOptions gen;
    gint64 seed, one_case;
    int seconds, cases, mode, seq, jobs, max_found;
    gboolean all, no_shrink, tap, verbose;
    char *coverage, *engines, *row;
    unsigned job;  /* which this process is */
    FILE *tap_out; /* the standard output; all else then goes to stderr */
} Run;

static bool parse_options(Run *r, int argc, char **argv)
{
    GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &r->seed, "of the whole run", "S"},
        {"case", 0, 0, G_OPTION_ARG_INT64, &r->one_case, "run this one", "N"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &r->all,
         "the full form: single instructions, then sequences", NULL},
        {"seconds", 0, 0, G_OPTION_ARG_INT, &r->seconds, "how long", "N"},
        {"cases", 0, 0, G_OPTION_ARG_INT, &r->cases, "how many", "N"},
        {"row", 0, 0, G_OPTION_ARG_STRING, &r->row,
         "only rows of this mnemonic, or MAP:OPCODE as 0f38:.. 38:f1", "NAME"},
        {"seq", 0, 0, G_OPTION_ARG_INT, &r->seq, "instructions per case", "N"},
        {"mode", 0, 0, G_OPTION_ARG_INT, &r->mode, "64, 32 or 16", "BITS"},
        {"engines", 0, 0, G_OPTION_ARG_STRING, &r->engines,
         "of native,interp,single", "LIST"},
        {"jobs", 0, 0, G_OPTION_ARG_INT, &r->jobs,
         "at once (default: the processors)", "N"},
        {"max", 0, 0, G_OPTION_ARG_INT, &r->max_found,
         "stop after so many differences", "N"},
        {"coverage", 0, 0, G_OPTION_ARG_STRING, &r->coverage, "write this page",
         "FILE"},
        {"no-shrink", 0, 0, G_OPTION_ARG_NONE, &r->no_shrink,
         "print differences as they were found", NULL},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &r->verbose, "print cases", NULL},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &r->tap, "one TAP line", NULL},
        {0},
    };
    g_autoptr(GOptionContext) ctx = g_option_context_new("");
    g_autoptr(GError) err = NULL;

    g_option_context_add_main_entries(ctx, entries, NULL);
    if (!g_option_context_parse(ctx, &argc, &argv, &err) ||
        (r->mode && r->mode != 64 && r->mode != 32 && r->mode != 16) ||
        r->seq < 1 || r->seq > ISA_MAX_SEQ || r->jobs < 1) {
        fprintf(stderr, "%s\n",
                err ? err->message
                    : "--mode is 64, 32 or 16; --seq 1 to 16; --jobs 1 or "
                      "more");
        return false;
    }
    r->gen = (IsaOptions){
        .seed = r->seed, .mode = r->mode, .seq = r->seq, .row = r->row};
    return true;
}

static void select_engines(const char *list)
{
    unsigned mask = 0;

    for (unsigned i = ENGINE_SILICON + 1; i < NB_ENGINES; i++) {
        if (!list || strstr(list, engine_name(i))) {
            mask |= BIT(i);
        }
    }
    engines_select(mask);
}

/* Names of the case's rows, for the first line of a report. */
static void print_names(const IsaCase *c)
{
    unsigned n;
    const X86Row *rows = x86_rows(&n);

    for (unsigned i = 0; i < c->ninsns; i++) {
        printf("%s%s", i ? " + " : "",
               c->insn[i].row == ISA_NO_ROW ? "(invalid)"
                                            : rows[c->insn[i].row].name);
    }
    printf("\n");
}

static void print_report(const Run *r, uint64_t number, const char *why,
                         const IsaCase *shrunk)
{
    g_autofree char *left = shrunk ? compare_case(ISA_SPARE) : NULL;

    printf("%s  again: tests/isa/run --seed %" PRIu64 " --case %" PRIu64, why,
           r->gen.seed, number);
    if (r->gen.seq > 1) {
        printf(" --seq %u", r->gen.seq);
    }
    if (r->gen.mode) {
        printf(" --mode %u", r->gen.mode);
    }
    if (r->gen.row) {
        printf(" --row %s", r->gen.row);
    }
    printf("\n");
    if (shrunk) {
        printf("  as small as it gets:\n%s", left ? left : "");
        print_case(shrunk);
    }
}

static void report(const Run *r, unsigned index, const char *why)
{
    const IsaCase *c = &isa_cases[index];

    if (__atomic_add_fetch(&isa_totals->found, 1, __ATOMIC_RELAXED) >
        (unsigned)r->max_found) {
        return;
    }
    if (!r->no_shrink) {
        isa_cases[ISA_SPARE] = *c;
        shrink_case();
    }
    jobs_lock();
    printf("DIFFERS: ");
    print_names(c);
    print_report(r, c->number, why,
                 r->no_shrink ? NULL : &isa_cases[ISA_SPARE]);
    jobs_unlock();
}

static void count_case(const Run *r, const IsaCase *c, const IsaResult *s)
{
    bool ended = holes_answered(c, s);

    __atomic_fetch_add(ended ? &isa_totals->ran : &isa_totals->skipped, 1,
                       __ATOMIC_RELAXED);
    coverage_add(c, s);
    if (r->verbose) {
        jobs_lock();
        printf("case %" PRIu64 ": end %u vector %u: ", c->number, s->end,
               s->vector);
        print_names(c);
        print_case(c);
        jobs_unlock();
    }
}

static void run_batch(const Run *r, uint64_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        gen_case(&isa_cases[i], &r->gen, first + i);
    }
    engines_run(0, count);
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *why = compare_case(i);

        count_case(r, &isa_cases[i], engine_result(ENGINE_SILICON, i));
        if (why) {
            report(r, i, why);
        }
    }
}

static bool is_over(const Run *r, uint64_t first, gint64 end)
{
    return __atomic_load_n(&isa_totals->found, __ATOMIC_RELAXED) >=
               (unsigned)r->max_found ||
           (r->cases ? first >= (uint64_t)r->cases
                     : g_get_monotonic_time() >= end);
}

static void run_for(const Run *r, int seconds)
{
    gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    uint64_t first = (uint64_t)r->job * ISA_BATCH;

    while (!is_over(r, first, end)) {
        run_batch(r, first,
                  r->cases ? MIN(ISA_BATCH, r->cases - first) : ISA_BATCH);
        first += (uint64_t)r->jobs * ISA_BATCH;
    }
}

static void run_all(Run *r)
{
    static const struct {
        uint8_t seq, quarters; /* of the time */
    } parts[] = {{1, 2}, {3, 1}, {10, 1}};

    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        r->gen.seq = parts[i].seq;
        run_for(r, r->seconds * parts[i].quarters / 4);
    }
}

static void run_job(void *arg, unsigned job)
{
    Run *r = arg;

    r->job = job;
    engines_init();
    select_engines(r->engines);
    if (r->one_case >= 0) {
        run_batch(r, r->one_case, 1);
    } else if (r->all) {
        run_all(r);
    } else {
        run_for(r, r->seconds);
    }
    engines_stop();
}

/* @good: no job failed */
static int finish(const Run *r, bool good)
{
    const X86Row *least = NULL;
    unsigned times = coverage_least(&least);

    good &= !isa_totals->found && isa_totals->ran && (times || !r->all);
    printf("# %u cases agree or differ, %u without an answer to compare, "
           "%u differ; least: %s, %u times\n",
           isa_totals->ran, isa_totals->skipped, isa_totals->found, least->name,
           times);
    if (r->tap) {
        fprintf(r->tap_out, "%s 1 - instructions against the silicon\n1..1\n",
                good ? "ok" : "not ok");
    }
    if (r->coverage && !coverage_write(r->coverage, &r->gen)) {
        return 1;
    }
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    Run r = {.seed = time(NULL),
             .one_case = -1,
             .seconds = 10,
             .seq = 1,
             .jobs = g_get_num_processors(),
             .max_found = 20};

    if (!parse_options(&r, argc, argv)) {
        return 2;
    }
    host_init();
    x86_opcodes_init();
    gen_init(&r.gen);
    if (!gen_row_count()) {
        fprintf(stderr, "no such row, or none that is tested\n");
        return 2;
    }
    if (r.tap) {
        r.tap_out = fdopen(dup(STDOUT_FILENO), "w");
        dup2(STDERR_FILENO, STDOUT_FILENO);
    }
    jobs_init();
    coverage_init();
    tables_init(r.gen.seed);
    printf("# seed %" PRIu64 ", %u rows\n", r.gen.seed, gen_row_count());
    r.jobs = r.one_case >= 0 ? 1 : r.jobs;
    return finish(&r, jobs_run(r.jobs, run_job, &r));
}
