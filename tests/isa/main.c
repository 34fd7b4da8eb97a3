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
    int seconds, cases, mode, seq, max_found;
    gboolean all, no_shrink, tap, verbose;
    char *coverage, *engines, *row;
    unsigned found, ran, skipped;
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
        r->seq < 1 || r->seq > ISA_MAX_SEQ) {
        fprintf(stderr, "%s\n",
                err ? err->message : "--mode is 64, 32 or 16; --seq 1 to 16");
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

static void report(Run *r, unsigned index, const char *why)
{
    uint64_t number = isa_cases[index].number;
    g_autofree char *shrunk = NULL;

    r->found++;
    printf("DIFFERS: ");
    print_names(&isa_cases[index]);
    printf("%s", why);
    printf("  again: tests/isa/run --seed %" PRIu64 " --case %" PRIu64,
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
    if (!r->no_shrink) {
        isa_cases[0] = isa_cases[index];
        shrink_case();
        shrunk = compare_case(0);
        printf("  as small as it gets:\n%s", shrunk ? shrunk : "");
        print_case(&isa_cases[0]);
    }
    fflush(stdout);
}

/* The reports rerun engines on slot 0: first count and collect, then report. */
static void run_batch(Run *r, uint64_t first, unsigned count)
{
    char *why[ISA_BATCH];

    for (unsigned i = 0; i < count; i++) {
        gen_case(&isa_cases[i], &r->gen, first + i);
    }
    engines_run(count);
    for (unsigned i = 0; i < count; i++) {
        const IsaResult *s = engine_result(ENGINE_SILICON, i);

        if (r->verbose) {
            printf("case %" PRIu64 ": end %u vector %u: ", isa_cases[i].number,
                   s->end, s->vector);
            print_names(&isa_cases[i]);
            print_case(&isa_cases[i]);
        }
        r->ran += s->end == ISA_END_TRAP;
        r->skipped += s->end != ISA_END_TRAP;
        coverage_add(&isa_cases[i], s);
        why[i] = compare_case(i);
    }
    for (unsigned i = count; i-- > 0;) {
        if (why[i] && r->found < (unsigned)r->max_found) {
            report(r, i, why[i]);
        }
        g_free(why[i]);
    }
}

static void run_for(Run *r, int seconds)
{
    gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    uint64_t done = 0;

    while (
        r->found < (unsigned)r->max_found &&
        (r->cases ? done < (uint64_t)r->cases : g_get_monotonic_time() < end)) {
        unsigned count = r->cases ? MIN(ISA_BATCH, r->cases - done) : ISA_BATCH;

        run_batch(r, done, count);
        done += count;
    }
}

static void run_all(Run *r)
{
    static const uint8_t seqs[] = {1, 3, 10};

    for (unsigned i = 0; i < ARRAY_LEN(seqs); i++) {
        r->gen.seq = seqs[i];
        run_for(r, r->seconds * (i ? 1 : 2) / 4);
    }
}

static int finish(Run *r)
{
    bool good = !r->found && r->ran;

    engines_stop();
    printf("# %u cases agree or differ, %u without an answer of the silicon, "
           "%u differ; %u tested rows not reached\n",
           r->ran, r->skipped, r->found, coverage_untouched());
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
             .max_found = 20};

    if (!parse_options(&r, argc, argv)) {
        return 2;
    }
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
    coverage_init();
    engines_init();
    select_engines(r.engines);
    printf("# seed %" PRIu64 ", %u rows\n", r.gen.seed, gen_row_count());
    if (r.one_case >= 0) {
        run_batch(&r, r.one_case, 1);
    } else if (r.all) {
        run_all(&r);
    } else {
        run_for(&r, r.seconds);
    }
    return finish(&r);
}
