/* SPDX-License-Identifier: MIT */
/*
 * Registers of a 16550A and their bits.
 * Source: PC16550D data sheet, table II "Summary of Registers".
 */
#ifndef HEDDLE_HW_CHAR_SERIAL_REGS_H
#define HEDDLE_HW_CHAR_SERIAL_REGS_H

#include "util/common.h"

/* Registers by offset; those of 0 and 1 with DLAB set are the divisor. */
enum {
    REG_DATA, /* RBR, THR, DLL */
    REG_IER,  /* DLM */
    REG_IIR,  /* FCR */
    REG_LCR,
    REG_MCR,
    REG_LSR,
    REG_MSR,
    REG_SCR,
    SERIAL_REGS,
};

#define IER_RDA      BIT(0) /* received data available, timeout */
#define IER_THRE     BIT(1)
#define IER_RLS      BIT(2) /* line status */
#define IER_MS       BIT(3) /* modem status */
#define IER_MASK     0x0f
#define IIR_NONE     0x01
#define IIR_MS       0x00
#define IIR_THRE     0x02
#define IIR_RDA      0x04
#define IIR_RLS      0x06
#define IIR_TIMEOUT  0x0c
#define IIR_FIFOS    0xc0
#define FCR_ENABLE   BIT(0)
#define FCR_RX_RESET BIT(1)
#define FCR_TX_RESET BIT(2)
#define FCR_TRIGGER(v) ((v) >> 6)
#define LCR_STOP     BIT(2) /* two stop bits */
#define LCR_PARITY   BIT(3)
#define LCR_BREAK    BIT(6)
#define LCR_DLAB     BIT(7)
#define MCR_DTR      BIT(0)
#define MCR_RTS      BIT(1)
#define MCR_OUT1     BIT(2)
#define MCR_OUT2     BIT(3)
#define MCR_LOOP     BIT(4)
#define MCR_MASK     0x1f
#define LSR_DR       BIT(0)
#define LSR_OE       BIT(1)
#define LSR_BI       BIT(4)
#define LSR_THRE     BIT(5)
#define LSR_TEMT     BIT(6)
#define LSR_FIFO_ERR BIT(7)
#define LSR_INT      0x1e /* OE, PE, FE, BI */
#define MSR_DELTA    0x0f
#define MSR_TERI     BIT(2)
#define MSR_CTS      BIT(4)
#define MSR_DSR      BIT(5)
#define MSR_RI       BIT(6)
#define MSR_DCD      BIT(7)
#define MSR_LINES    0xf0

#endif
