/* SPDX-License-Identifier: MIT */
/* Into a case and out of it: what silicon.c and silicon_switch.S share. */
#ifndef HEDDLE_TESTS_ISA_SILICON_H
#define HEDDLE_TESTS_ISA_SILICON_H

/* Offsets in SiliconSwitch, for the assembler. */
#define SWITCH_FRAME  0
#define SWITCH_RSP    8
#define SWITCH_FS     16
#define SWITCH_GS     24
#define SWITCH_OWN_FS 32
#define SWITCH_FLAGS  40
#define SWITCH_SEL    48
#define SWITCH_INSIDE 60
#define SWITCH_BASES  61
#define SWITCH_BYTES  64

#ifndef __ASSEMBLER__
#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SiliconSwitch {
    void *frame;               /* ucontext_t of the last signal; NULL: none */
    uint64_t rsp;              /* of the caller */
    uint64_t fs_base, gs_base; /* the case's, in and out */
    uint64_t own_fs_base;
    uint64_t flags;  /* of EFLAGS, those that a frame does not hold: NT, ID */
    uint16_t sel[6]; /* by R_*, in and out; CS and SS are in the frame */
    bool inside;     /* a case runs */
    bool bases;      /* the kernel lets us move them */
} SiliconSwitch;
static_assert(offsetof(SiliconSwitch, frame) == SWITCH_FRAME, "layout");
static_assert(offsetof(SiliconSwitch, rsp) == SWITCH_RSP, "layout");
static_assert(offsetof(SiliconSwitch, fs_base) == SWITCH_FS, "layout");
static_assert(offsetof(SiliconSwitch, gs_base) == SWITCH_GS, "layout");
static_assert(offsetof(SiliconSwitch, own_fs_base) == SWITCH_OWN_FS, "layout");
static_assert(offsetof(SiliconSwitch, flags) == SWITCH_FLAGS, "layout");
static_assert(offsetof(SiliconSwitch, sel) == SWITCH_SEL, "layout");
static_assert(offsetof(SiliconSwitch, inside) == SWITCH_INSIDE, "layout");
static_assert(offsetof(SiliconSwitch, bases) == SWITCH_BASES, "layout");
static_assert(sizeof(SiliconSwitch) == SWITCH_BYTES, "layout");

extern SiliconSwitch silicon_switch;

/*
 * Load all registers from silicon_switch.frame and run until a signal; then
 * frame is that signal's.  With no frame yet: raise a signal to have one.
 * Returns  the signal's number; 0: silicon_leave() was called
 */
int silicon_run_frame(void);
/* The handler of the signals that end a case, and what another handler calls
 * with its context to end one. */
void silicon_on_signal(int sig, siginfo_t *info, void *context);
void silicon_leave(void *context);
#endif

#endif
