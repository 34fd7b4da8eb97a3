/* SPDX-License-Identifier: MIT */
/* What the files of gdbstub/ share.  Locks: BQL throughout, main loop. */
#ifndef HEDDLE_GDBSTUB_SERVER_H
#define HEDDLE_GDBSTUB_SERVER_H

#include "chardev/char.h"
#include "exec/cpu.h"
#include "gdbstub/parser.h"

typedef struct GdbServer {
    Chardev *chr; /* NULL: there is no server */
    bool own_chr; /* made by us, not by -chardev */
    CharFrontend *fe;
    GdbParser in;
    GString *sent; /* the last packet, should it be asked for again */
    GString *out;  /* what the host has not taken yet: nothing is read then */
    bool connected;
    bool no_ack;
    bool swbreak, hwbreak; /* GDB knows these stop reasons */
    bool waiting;      /* GDB has resumed the machine and waits for a stop */
    bool busy;         /* with a packet */
    bool physical;     /* memory by physical address */
    uint8_t step_bits; /* DEBUG_STEP_* of a step */
    /* Never NULL while connected. */
    CPUState *cpu;        /* whose registers and memory */
    CPUState *cont_cpu;   /* which one "s" steps */
    unsigned next_thread; /* for qsThreadInfo */
} GdbServer;

/* Error numbers are the host's, as GDB shows them. */
#define GDB_OK        "OK"
#define GDB_E_INVALID "E22"
#define GDB_E_FAULT   "E14"

/* --- server.c --- */
void gdb_send(GdbServer *s, const char *data, size_t len);
void gdb_send_text(GdbServer *s, const char *text);

/* --- commands.c --- */
/* Do what the packet says and send the reply. */
void gdb_command(GdbServer *s, const char *packet, size_t len);

/* --- queries.c --- */
/* @args is behind the "q" or "Q". */
void gdb_query(GdbServer *s, const char *args, size_t len);
void gdb_set(GdbServer *s, const char *args, size_t len);

/* --- threads.c --- */
/* Thread IDs count from 1; GDB's 0 is any, and so the first. */
CPUState *gdb_thread(uint64_t id);
unsigned gdb_thread_id(const CPUState *cpu);
/* A thread ID at @pos, which moves; false if it is none.  *@cpu is NULL for
 * all of them (-1). */
bool gdb_get_thread(const char **pos, CPUState **cpu);

/* --- resume.c --- */
void gdb_cont(GdbServer *s, const char *args, size_t len);
void gdb_step(GdbServer *s, const char *args, size_t len);
void gdb_signal_cont(GdbServer *s, const char *args, size_t len);
void gdb_signal_step(GdbServer *s, const char *args, size_t len);
void gdb_vcont(GdbServer *s, const char *args, size_t len);
/* The machine has stopped: tell GDB if it waits for that. */
void gdb_stopped(GdbServer *s);
/* Let go of the guest: no points, no steps; it goes on if it was running. */
void gdb_release(void);

#endif
