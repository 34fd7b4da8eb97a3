/* SPDX-License-Identifier: MIT */
/*
 * The host's x87 as a calculator for the guest's.  Everything here leaves the
 * host's FPU as the C ABI wants it: empty, control word 37Fh.
 */
#ifndef HEDDLE_TARGET_I386_X87_HOST_H
#define HEDDLE_TARGET_I386_X87_HOST_H

#include "target/i386/x87.h"

/* One calculation. */
typedef struct X87Host {
    X87Value st0, st1; /* in: operands; out: ST(0), ST(1) after it */
    uint64_t mem[2];   /* memory operand, read or written; up to 10 bytes */
    uint16_t cw;       /* in: the guest's */
    uint16_t sw;       /* out: exceptions and condition codes */
} X87Host;

/* Instructions with two operands: by ModRM.reg of D8. */
typedef enum X87Source {
    X87_SRC_ST1, X87_SRC_F32, X87_SRC_F64, X87_SRC_I16, X87_SRC_I32,
    X87_SRC_COUNT,
} X87Source;
void x87_host_arith(X87Host *h, X87Source src, unsigned op);

typedef enum X87HostOp {
    /* one result, in ST(0) */
    X87_HOST_F2XM1, X87_HOST_FYL2X, X87_HOST_FPATAN, X87_HOST_FPREM1,
    X87_HOST_FPREM, X87_HOST_FYL2XP1, X87_HOST_FSQRT, X87_HOST_FRNDINT,
    X87_HOST_FSCALE, X87_HOST_FSIN, X87_HOST_FCOS,
    /* two results: ST(1) replaces the operand, ST(0) is pushed */
    X87_HOST_FPTAN, X87_HOST_FXTRACT, X87_HOST_FSINCOS,
    /* flags only */
    X87_HOST_FUCOM, X87_HOST_FTST, X87_HOST_FXAM,
    /* from memory, pushed */
    X87_HOST_FLD_F32, X87_HOST_FLD_F64, X87_HOST_FBLD,
    /* to memory */
    X87_HOST_FST_F32, X87_HOST_FST_F64, X87_HOST_FIST_16, X87_HOST_FIST_32,
    X87_HOST_FIST_64, X87_HOST_FISTT_16, X87_HOST_FISTT_32,
    X87_HOST_FISTT_64, X87_HOST_FBST,
    X87_HOST_COUNT,
} X87HostOp;
void x87_host_run(X87Host *h, X87HostOp op);
/* A constant of D9 E8-EE, rounded by h->cw: in h->st0. */
void x87_host_const(X87Host *h, unsigned which);

#endif
