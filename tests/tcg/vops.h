/* SPDX-License-Identifier: MIT */
/*
 * Vector sub-ops against the host's instructions: the parts of tests/tcg/vops.
 */
#ifndef HEDDLE_TESTS_TCG_VOPS_H
#define HEDDLE_TESTS_TCG_VOPS_H

#include "tcg/vops.h"

/* The encodings that a row may have, and the VecMode that each stands for. */
typedef enum Form { FORM_SSE, FORM_VEX128, FORM_VEX256, FORM_COUNT } Form;
#define FORM_MODE(form) ((VecMode)(form))
_Static_assert((int)FORM_VEX256 == VEC_FULL, "the same order");

/* The feature that the host lacks for it, as in /proc/cpuinfo; NULL: none. */
const char *form_lacks(const VopDef *def, Form form);
bool form_exists(const VopDef *def, Form form);
const char *form_name(Form form);

/* --- inputs: vops_values.c --- */
typedef struct Rng {
    uint64_t state;
} Rng;

/* splitmix64, by Sebastiano Vigna (public domain): any seed will do. */
static inline uint64_t rng_next(Rng *g)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline unsigned rng_below(Rng *g, unsigned n)
{
    return (unsigned)((rng_next(g) >> 32) * n >> 32);
}

typedef struct Input {
    VopVec a[2], b[2], c[2]; /* 256 bits each */
    uint64_t r, pad;
} Input;

void make_input(Rng *g, Input *in);

/* --- running: vops_run.c --- */
typedef struct Output {
    VopVec d[2];
    uint64_t r;
    uint32_t mxcsr, cc;
} Output;

/* How a batch of inputs is run; the same for host and portable function. */
typedef struct Setup {
    const VopDef *def;
    Form form;
    uint8_t imm;
    uint32_t mxcsr; /* before each input */
    unsigned alias; /* portable: which source dst is, 1 to 3; 0: none */
    uint8_t reg[4]; /* host: numbers of four different vector registers */
    uint8_t ireg;   /* host: number of the integer register, see vops_run.c */
} Setup;

/* A thread's code buffer. */
typedef struct HostCode {
    uint8_t *base;
    unsigned used;
} HostCode;
#define HOST_INT_REGS 5

void host_init(HostCode *code);
void host_free(HostCode *code);
/* Make the code for @s; it reads s->mxcsr when it runs. */
const void *host_compile(HostCode *code, const Setup *s);
void host_run(const void *entry, const Setup *s, const Input *in, Output *out,
              unsigned n);
void portable_run(const Setup *s, const Input *in, Output *out, unsigned n);

#endif
