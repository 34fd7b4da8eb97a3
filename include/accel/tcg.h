/* SPDX-License-Identifier: MIT */
/* The engine that finds, makes, links, runs and drops translated blocks. */
#ifndef HEDDLE_ACCEL_TCG_H
#define HEDDLE_ACCEL_TCG_H

#include "exec/translator.h"
#include "tcg/tb.h"
#include "util/keyval.h"

/* -accel tcg[,thread=multi|single][,backend=native|interp][,tb-size=MiB]
 * [,one-insn-per-tb=on|off]; before any vCPU is made, of which there will never
 * be more than @cpus. */
bool tcg_accel_init(KeyVal *opts, unsigned cpus, GError **errp);
void tcg_accel_help(GString *out);
/* -icount [shift=]N|auto[,sleep=on|off]; before tcg_accel_init(). */
bool icount_parse(KeyVal *opts, GError **errp);
extern const TcgBackend *tcg_backend;

/* One instruction in an exclusive section, after CPU_EXIT_ATOMIC. */
void tcg_cpu_exec_step_atomic(CPUState *cpu);

/* Drop all TBs: queued as exclusive work. */
void tb_flush_all(CPUState *cpu);

/* `info jit` as text. */
void tcg_print_info(GString *out);

#endif
