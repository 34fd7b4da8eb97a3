/* SPDX-License-Identifier: MIT */
/* What the targets that take guest instructions share. */
#ifndef HEDDLE_TESTS_FUZZ_INSN_H
#define HEDDLE_TESTS_FUZZ_INSN_H

#include "target/i386/decode.h"

/* Modes that decode differently. */
typedef struct InsnMode {
    const char *name;
    uint32_t hflags;
    unsigned bits; /* 16, 32, 64: the default size of code */
} InsnMode;
enum { MODE_REAL, MODE_VM86, MODE_16, MODE_32, MODE_64, NB_MODES };
extern const InsnMode insn_modes[NB_MODES];

/* Some encoding of @row, which may be incomplete; returns its length. */
#define INSN_EXAMPLE_MAX 24
unsigned insn_example(const X86Row *row, uint8_t bytes[INSN_EXAMPLE_MAX]);

/* Some set of features, by a hash of @choice. */
void insn_choose_features(X86Features *f, unsigned choice);

/* Each row, in each mode, is something that the fuzzer should remember. */
void insn_reached(const X86Insn *in, unsigned mode);

#endif
