/* SPDX-License-Identifier: MIT */
/*
 * Random functions for the rig.  A generator appends one op of its kind, or a
 * few that belong together; operands are guest registers, temps of the function
 * and constants.
 */
#ifndef HEDDLE_TESTS_NATIVE_RANDOM_H
#define HEDDLE_TESTS_NATIVE_RANDOM_H

#include "native_rig.h"

typedef void AddOp(IrFunc *f);
typedef struct RandomKind {
    const char *name;
    AddOp *add;
} RandomKind;
#define NB_RANDOM_KINDS 20
extern const RandomKind random_kinds[NB_RANDOM_KINDS];

unsigned below(unsigned n); /* 0 to n - 1 */
bool chance(unsigned one_in);
IrFunc *random_start(void); /* rig_start, and no temps yet */
IrTemp source(IrFunc *f);
IrTemp dest(IrFunc *f);
/* In the three pages, near a boundary more often than not. */
IrTemp address(IrFunc *f, int64_t *disp);

/* One of all kinds, @length ops, not run. */
void random_mixed_function(unsigned length);
/* Tests: of the RandomKind at @data, of all together. */
void random_test_kind(const void *data);
void random_test_all(void);

/* --- native_vops.c --- */
void add_vector_move(IrFunc *f);
void add_vop(IrFunc *f);
/* Every row of vops.def: once alone, then in the midst of others. */
void random_test_vops(void);

#endif
