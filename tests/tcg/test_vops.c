/* SPDX-License-Identifier: MIT */
/*
 * tests/tcg/vops: every vector sub-op's portable function against the host's
 * instruction, in every encoding, over all immediates, under every rounding
 * mode, FTZ and DAZ.  Results, integer results, flags and MXCSR's sticky bits
 * must agree.
 *
 * The inputs of a row come in batches, which share an immediate and registers.
 * A batch depends on the seed, the row and its number, on nothing else, so that
 * a difference can be seen again by these three.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/tcg/vops.h"

enum { BATCH = 16 }; /* inputs; all immediates need 256 batches */

enum {
    MXCSR_DEFAULT = 0x1f80, /* all exceptions masked */
    MXCSR_STICKY = 0x3f,
    NB_STATES = 16, /* of rounding, FTZ and DAZ */
};

static struct {
    gint64 seed, batch;
    int inputs, jobs;
    char *row;
} options = {.seed = -1, .batch = -1, .inputs = 4096};

static GMutex print_lock;
static struct {
    unsigned lines, passed, skipped, failed;
} total;

/* --- one batch --- */

typedef struct Batch {
    Setup setup;
    uint64_t number;
    uint64_t sticky; /* random bits: flags that are set before */
    Input in[BATCH];
} Batch;

/* Four different numbers below 16. */
static void choose_numbers(Rng *g, uint8_t reg[4])
{
    unsigned first = rng_below(g, 16), step = 1 + 2 * rng_below(g, 8);

    for (unsigned i = 0; i < 4; i++) {
        reg[i] = (first + i * step) % 16;
    }
}

static void make_batch(Batch *b, const VopDef *def, uint64_t number)
{
    Rng g = {(uint64_t)options.seed * 0x2545f4914f6cdd1d +
             (uint64_t)(def - vop_defs) * 0x9e3779b1 + (number << 32)};

    b->number = number;
    b->setup = (Setup){.def = def,
                       .imm = (uint8_t)(number * 167),
                       .alias = rng_below(&g, 4),
                       .ireg = rng_below(&g, HOST_INT_REGS)};
    choose_numbers(&g, b->setup.reg);
    b->sticky = rng_next(&g);
    for (unsigned i = 0; i < BATCH; i++) {
        make_input(&g, &b->in[i]);
    }
}

/* Rounding, FTZ and DAZ are bits 13 and 14, 15, 6; some flags are set already
 * in half of the states. */
static uint32_t state_mxcsr(const Batch *b, unsigned state)
{
    unsigned sticky = b->sticky >> (2 * state) & MXCSR_STICKY;
    bool some = b->sticky >> (48 + state) & 1;

    return MXCSR_DEFAULT | (state & 7) << 13 | (state & 8) << 3 |
           (some ? sticky : 0);
}

/* --- reports --- */

static void print_vector(const char *name, const VopVec v[2])
{
    printf("#  %6s %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64 "\n",
           name, v[1].u64[1], v[1].u64[0], v[0].u64[1], v[0].u64[0]);
}

static void print_output(const char *name, const Output *o)
{
    print_vector(name, o->d);
    printf("#         r %016" PRIx64 " mxcsr %04x cc %04x\n", o->r, o->mxcsr,
           o->cc);
}

static void report(const Batch *b, const Output *host, const Output *got)
{
    const Setup *s = &b->setup;
    unsigned i = 0;

    while (!memcmp(&host[i], &got[i], sizeof(*host))) {
        i++;
    }
    g_mutex_lock(&print_lock);
    printf("# %s %s imm %02x mxcsr %04x r %016" PRIx64 "\n", s->def->name,
           form_name(s->form), s->imm, s->mxcsr, b->in[i].r);
    print_vector("a", b->in[i].a);
    print_vector("b", b->in[i].b);
    print_vector("c", b->in[i].c);
    print_output("host", &host[i]);
    print_output("got", &got[i]);
    printf("# again: tests/tcg/vops --seed %" PRIi64
           " --row %s --batch %" PRIu64 "\n",
           options.seed, s->def->name, b->number);
    g_mutex_unlock(&print_lock);
}

/* --- one row --- */

static bool check_form(Batch *b, HostCode *code)
{
    Setup *s = &b->setup;
    bool fp = s->def->attrs & VOP_ATTR_FP;
    const void *entry = host_compile(code, s);
    Output host[BATCH], got[BATCH];

    for (unsigned i = 0; i < (fp ? NB_STATES : 1); i++) {
        s->mxcsr = state_mxcsr(b, fp ? i : b->number % NB_STATES);
        host_run(entry, s, b->in, host, BATCH);
        portable_run(s, b->in, got, BATCH);
        if (memcmp(host, got, sizeof(host))) {
            report(b, host, got);
            return false;
        }
    }
    return true;
}

/* Bits 3 to 7 of a legacy compare's immediate are reserved: the emitter takes
 * them away.  SDM vol. 2A, "CMPPS". */
static uint8_t legal_imm(const VopDef *def, Form form, uint8_t imm)
{
    return form == FORM_SSE && def->opcode == 0xc2 && def->map == 0x0f ? imm & 7
                                                                       : imm;
}

static bool check_batch(const VopDef *def, uint64_t number, unsigned forms,
                        HostCode *code)
{
    Batch b;
    uint8_t imm;

    make_batch(&b, def, number);
    imm = b.setup.imm;
    for (Form form = 0; form < FORM_COUNT; form++) {
        b.setup.form = form;
        b.setup.imm = legal_imm(def, form, imm);
        if (forms & BIT(form) && !check_form(&b, code)) {
            return false;
        }
    }
    return true;
}

static bool check_row(const VopDef *def, unsigned forms)
{
    HostCode code;
    bool good = true;

    host_init(&code);
    if (options.batch >= 0) {
        good = check_batch(def, (uint64_t)options.batch, forms, &code);
    } else {
        for (int done = 0; done < options.inputs && good; done += BATCH) {
            good = check_batch(def, (uint64_t)done / BATCH, forms, &code);
        }
    }
    host_free(&code);
    return good;
}

/* The forms that can be run; the others are told in @text. */
static unsigned usable_forms(const VopDef *def, GString *text)
{
    const char *lacks;
    unsigned forms = 0;

    for (Form form = 0; form < FORM_COUNT; form++) {
        if (!form_exists(def, form)) {
            continue;
        }
        lacks = form_lacks(def, form);
        if (lacks) {
            g_string_append_printf(text, " (%s: the host lacks %s)",
                                   form_name(form), lacks);
        } else {
            g_string_append_printf(text, " %s", form_name(form));
            forms |= BIT(form);
        }
    }
    return forms;
}

static void run_row(gpointer data, gpointer unused)
{
    const VopDef *def = data;
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned forms = usable_forms(def, text);
    bool good = !forms || check_row(def, forms);

    g_mutex_lock(&print_lock);
    total.passed += good && forms;
    total.skipped += !forms;
    total.failed += !good;
    printf("%s %u - %s:%s%s\n", good ? "ok" : "not ok", ++total.lines,
           def->name, text->str, forms ? "" : " # SKIP");
    fflush(stdout);
    g_mutex_unlock(&print_lock);
}

/* --- all of them --- */

static bool parse_options(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"inputs", 0, 0, G_OPTION_ARG_INT, &options.inputs,
         "of each row; the full form takes 1000000", "N"},
        {"jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs,
         "rows at a time; all CPUs by default", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "of the run", "S"},
        {"row", 0, 0, G_OPTION_ARG_STRING, &options.row, "this one only",
         "NAME"},
        {"batch", 0, 0, G_OPTION_ARG_INT64, &options.batch,
         "this one of each row only", "N"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    if (options.inputs < 1 || options.jobs < 0 || argc > 1) {
        fprintf(stderr, "a number is below 1, or an argument too many\n");
        return false;
    }
    if (options.seed < 0) {
        options.seed = time(NULL);
    }
    return true;
}

static unsigned push_rows(GThreadPool *pool)
{
    unsigned n = 0;

    for (unsigned i = 0; i < VOP_COUNT; i++) {
        if (!options.row || !strcmp(options.row, vop_defs[i].name)) {
            g_thread_pool_push(pool, (gpointer)&vop_defs[i], NULL);
            n++;
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    gint64 start = g_get_monotonic_time();
    GThreadPool *pool;
    unsigned n;

    if (!parse_options(argc, argv)) {
        return 2;
    }
    printf("# seed %" PRIi64 ", %d inputs of each row\n", options.seed,
           options.inputs);
    pool = g_thread_pool_new(
        run_row, NULL,
        options.jobs ? options.jobs : (int)g_get_num_processors(), TRUE, NULL);
    n = push_rows(pool);
    g_thread_pool_free(pool, FALSE, TRUE);
    printf("1..%u\n# %u rows agree, %u differ, %u skipped; %.0f s\n", n,
           total.passed, total.failed, total.skipped,
           (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC);
    if (!n) {
        fprintf(stderr, "no such row\n");
        return 2;
    }
    return total.failed ? 1 : 0;
}
