/* SPDX-License-Identifier: MIT */
/* One instruction before the judge: for judge.c and capstone_errors.c. */
#ifndef HEDDLE_TESTS_FUZZ_CASE_H
#define HEDDLE_TESTS_FUZZ_CASE_H

#include <capstone/capstone.h>

#include "tests/fuzz/insn.h"

typedef struct Prefixes {
    unsigned count; /* bytes */
    bool p66, p67, lock, has_rex;
    uint8_t rep, seg, rex; /* the bytes; 0: none */
} Prefixes;

/* Room for the canonical prefixes and for what follows any. */
enum { CASE_PREFIXES = 5, CASE_BYTES = CASE_PREFIXES + X86_MAX_INSN + 5 };

/* One instruction, in canonical form, and what both make of it. */
typedef struct Case {
    unsigned mode;
    Prefixes p;
    bool vex;
    uint8_t bytes[CASE_BYTES];
    unsigned opcode_at; /* of the first byte that is no prefix */
    X86Insn in;
    X86Decode result;
    const cs_insn *cs; /* NULL: none */
} Case;

/* Write c->bytes by c->p and the bytes @op from the opcode on, without LOCK,
 * which is judged apart. */
void case_write(Case *c, const uint8_t *op);
/* What capstone makes of @bytes, good until the next call with this @buffer; it
 * is 0 for Case.cs. */
enum { CASE_BUFFERS = 3 };
const cs_insn *case_ask_capstone(unsigned mode, const uint8_t *bytes,
                                 unsigned buffer);
/* Is c->cs in one of capstone's groups X86_GRP_*? */
bool case_in_group(const Case *c, unsigned group);

/* Is the disagreement a known error of capstone's?  It knows an instruction
 * that is #UD; it does not know one; it is wrong about the length. */
bool capstone_errs_valid(const Case *c);
bool capstone_errs_invalid(const Case *c);
bool capstone_errs_length(const Case *c);

#endif
