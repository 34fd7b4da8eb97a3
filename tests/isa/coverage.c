/* SPDX-License-Identifier: MIT */
/*
 * What was run, by row and mode, and docs/isa-coverage.md made from it.  Only
 * cases that ended on the silicon count; of a sequence, what it got to.
 */
#include "isa.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct RowCount {
    unsigned ran[3];  /* by mode: 64, 32, 16 */
    unsigned faulted; /* of them */
} RowCount;

static RowCount *counts; /* these are shared by all jobs */
static unsigned *invalid_forms;

void coverage_init(void)
{
    unsigned n;

    x86_rows(&n);
    counts = shared_memory(n * sizeof(RowCount));
    invalid_forms = shared_memory(sizeof(*invalid_forms));
}

static void count(unsigned *n)
{
    __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

/* Instructions of @c that ran; one that faulted is the last of them, as is one
 * that a single-step trap followed. */
static unsigned ran_of(const IsaCase *c, const IsaResult *silicon)
{
    uint64_t off = silicon->state.rip - c->state.rip;
    unsigned n = 1;

    if (silicon->vector == EXCP_BP) {
        return c->ninsns;
    }
    off -= silicon->vector == EXCP_DB;
    while (n < c->ninsns && c->insn[n].off <= off) {
        n++;
    }
    return n;
}

void coverage_add(const IsaCase *c, const IsaResult *silicon)
{
    unsigned mode = c->mode == 64 ? 0 : c->mode == 32 ? 1 : 2, n;

    if (!holes_answered(c, silicon)) {
        return;
    }
    n = ran_of(c, silicon);
    for (unsigned i = 0; i < n; i++) {
        RowCount *k = &counts[c->insn[i].row];

        if (c->insn[i].row == ISA_NO_ROW) {
            count(invalid_forms);
            continue;
        }
        count(&k->ran[mode]);
        if (i + 1 == n && silicon->vector != EXCP_BP) {
            count(&k->faulted);
        }
    }
}

static unsigned total(const RowCount *k)
{
    return k->ran[0] + k->ran[1] + k->ran[2];
}

unsigned coverage_least(const X86Row **row)
{
    unsigned n, least = UINT_MAX;
    const X86Row *rows = x86_rows(&n);

    for (unsigned i = 0; i < gen_row_count(); i++) {
        unsigned times = total(&counts[gen_row(i) - rows]);

        if (times < least) {
            *row = gen_row(i);
            least = times;
        }
    }
    return least;
}

/* --- the page --- */

static void write_name(FILE *f, const X86Row *row)
{
    static const char *const map[] = {"", "0F ", "0F 38 ", "0F 3A "};
    static const char *const pfx[] = {
        [PFX_ANY] = "",   [PFX_NP] = "NP ", [PFX_P66] = "66 ",
        [PFX_F3] = "F3 ", [PFX_F2] = "F2 ", [PFX_NR] = ""};
    unsigned kind = row->form >> 8;

    fprintf(f, "| %s | %s%s%s%02X", row->name,
            row->attrs & XA_VEX ? "VEX " : "", pfx[row->pfx], map[row->map],
            row->opcode);
    if (kind == FORM_R || kind == FORM_M || kind == FORM_G) {
        fprintf(f, " /%u", row->form & 7);
    } else if (kind == FORM_X) {
        fprintf(f, " %02X", row->form & 0xff);
    }
    fprintf(f, "%s",
            kind == FORM_M || kind == FORM_MEM   ? " memory"
            : kind == FORM_G || kind == FORM_REG ? " register"
                                                 : "");
}

static void write_row(FILE *f, const X86Row *row, const RowCount *k)
{
    const IsaElsewhere *to = rule_elsewhere(row);
    const char *rest = rule_privileged(row);

    write_name(f, row);
    if (to) {
        fprintf(f, " | %s | | | | %s |\n", to->by, to->why);
    } else {
        fprintf(f, " | silicon%s%s | %u | %u | %u | %u%s |\n", rest ? ", " : "",
                rest ? rest : "", k->ran[0], k->ran[1], k->ran[2], k->faulted,
                rest ? " (what user mode may not do)" : "");
    }
}

static void write_head(FILE *f, const IsaOptions *opt, unsigned tested,
                       unsigned all)
{
    fprintf(f,
            "# Instruction coverage\n\n"
            "Made by `tests/isa/run --coverage` (seed %" PRIu64 "). %u of %u "
            "rows of the opcode table are held against the processor; of the "
            "others, and of what user mode may not do, the table names the "
            "test. The numbers are cases that ran on the silicon and on the "
            "engines, by mode; \"faults\" are those of them that raised an "
            "exception instead of completing. %u more cases were invalid "
            "forms, which must be #UD, or #GP if they are too long. "
            "Real-address and virtual-8086 mode are the 16-bit code of "
            "tests/guest/test_real.c and tests/guest/test_vm86.c.\n\n"
            "| instruction | encoding | by | 64 | 32 | 16 | faults, or why not "
            "|\n|---|---|---|---|---|---|---|\n",
            opt->seed, tested, all, *invalid_forms);
}

bool coverage_write(const char *path, const IsaOptions *opt)
{
    unsigned n, tested = 0;
    const X86Row *rows = x86_rows(&n);
    FILE *f = fopen(path, "w");

    if (!f) {
        perror(path);
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        tested += !rule_elsewhere(&rows[i]);
    }
    write_head(f, opt, tested, n);
    for (unsigned i = 0; i < n; i++) {
        write_row(f, &rows[i], &counts[i]);
    }
    return !fclose(f);
}
