/* SPDX-License-Identifier: MIT */
/*
 * The engine that is the processor itself.  A case is entered by RT_SIGRETURN
 * with a signal frame that holds all its registers, and left by the fault that
 * ends it: the entry point of the handler takes the frame back to the caller
 * of silicon_run_frame() instead of returning.  The frame carries vector, error
 * code and CR2; DS, ES, FS, GS, and the bases of these two, are moved beside
 * it.
 *
 * The handlers run on a stack of their own, since the case's RSP is anything.
 * While FS has the case's base nothing may run that uses thread-local data.
 * Source: Linux, arch/x86/include/uapi/asm/sigcontext.h.
 */
#include "isa.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "silicon.h"
#include "target/i386/cpuid.h"

#define ALT_STACK_BYTES (256 * 1024)
#define INT3            0xcc
/* modify_ldt(2), whose other way to write lacks what is new. */
#define LDT_READ  0
#define LDT_WRITE 0x11
/* In uc_flags: the SS of the frame is meant. */
#define UC_SEGMENTS 6ull
/* After the FXSAVE image: which parts of the state the frame holds. */
#define XSTATE_X87 BIT64(0)
#define XSTATE_SSE BIT64(1)
#define XSTATE_AVX BIT64(2)
/* Of the upper halves of YMM, from the image's start: SDM vol. 1, 13.4.3. */
#define XSTATE_AVX_OFFSET 576

static uint8_t *code_alias, *data_alias; /* writable views */
static unsigned old_off, old_len;        /* code that is not INT3 */
static bool has_avx;

static const uint8_t greg_index[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

/* --- segments --- */

static void set_ldt(unsigned entry, Desc d)
{
    struct user_desc u = {
        .entry_number = entry,
        .base_addr = desc_base(d),
        .limit = (d.lo & 0xffff) | (d.hi & 0xf0000),
        .seg_32bit = !!(d.hi & DESC_B),
        .contents = desc_type(d.hi) >> 2,
        .read_exec_only = !(d.hi & DESC_W),
        .limit_in_pages = !!(d.hi & DESC_G),
        .seg_not_present = !(d.hi & DESC_P),
        .useable = !!(d.hi & ISA_DESC_AVL),
    };
    int error = syscall(SYS_modify_ldt, LDT_WRITE, &u, sizeof(u));

    if (error) {
        g_error("modify_ldt: %s", g_strerror(-error));
    }
}

static void make_ldt(void)
{
    Desc ldt[ISA_LDT_ENTRIES];

    for (unsigned i = 0; i < ISA_LDT_ENTRIES; i++) {
        set_ldt(i, isa_ldt[i]);
    }
    if (syscall(SYS_modify_ldt, LDT_READ, ldt, sizeof(ldt)) != sizeof(ldt) ||
        memcmp(ldt, isa_ldt, sizeof(ldt))) {
        g_error("modify_ldt: the kernel made other descriptors");
    }
}

static void put_segments(const IsaState *s)
{
    memcpy(silicon_switch.sel, s->sel, sizeof(s->sel));
    silicon_switch.fs_base = s->fs_base;
    silicon_switch.gs_base = s->gs_base;
    if (!silicon_switch.bases) {
        __asm__ volatile("mov %0, %%gs" : : "r"(s->sel[R_GS]));
        if (sel_is_null(s->sel[R_GS])) {
            syscall(SYS_arch_prctl, ARCH_SET_GS, s->gs_base);
        }
    }
}

/* CS and SS are in the frame. */
static void take_segments(const greg_t *g, IsaState *s)
{
    memcpy(s->sel, silicon_switch.sel, sizeof(s->sel));
    s->sel[R_CS] = g[REG_CSGSFS];
    s->sel[R_SS] = (uint64_t)g[REG_CSGSFS] >> 48;
    s->fs_base = silicon_switch.fs_base;
    s->gs_base = silicon_switch.gs_base;
}

static uint64_t frame_segments(uint64_t old, const IsaState *s)
{
    return (old & 0x0000ffffffff0000ull) | s->sel[R_CS] |
           (uint64_t)s->sel[R_SS] << 48;
}

/* --- frames --- */

static uint64_t *frame_xstate(ucontext_t *uc)
{
    return (uint64_t *)((uint8_t *)uc->uc_mcontext.fpregs + sizeof(IsaFx));
}

static void *frame_ymm(ucontext_t *uc)
{
    return (uint8_t *)uc->uc_mcontext.fpregs + XSTATE_AVX_OFFSET;
}

static void put_case(ucontext_t *uc, const IsaCase *c)
{
    greg_t *g = uc->uc_mcontext.gregs;

    for (unsigned i = 0; i < 16; i++) {
        g[greg_index[i]] = c->state.regs[i];
    }
    g[REG_RIP] = c->state.rip;
    g[REG_EFL] = c->state.eflags;
    g[REG_CSGSFS] = frame_segments(g[REG_CSGSFS], &c->state);
    uc->uc_flags |= UC_SEGMENTS;
    memcpy(uc->uc_mcontext.fpregs, &c->state.fx, sizeof(IsaFx) - 96);
    *frame_xstate(uc) = XSTATE_X87 | XSTATE_SSE;
    if (has_avx) {
        memcpy(frame_ymm(uc), c->state.ymm_high, sizeof(c->state.ymm_high));
        *frame_xstate(uc) |= XSTATE_AVX;
    }
}

/* A part of the state that is not in the frame is in its initial form. */
static void take_fx(ucontext_t *uc, IsaState *s)
{
    IsaFx *fx = &s->fx;
    uint64_t xstate = *frame_xstate(uc);

    memcpy(fx, uc->uc_mcontext.fpregs, sizeof(*fx));
    if (!(xstate & XSTATE_X87)) {
        memset(fx, 0, offsetof(IsaFx, mxcsr));
        memset(fx->st, 0, sizeof(fx->st));
        fx->cw = 0x37f;
    }
    if (!(xstate & XSTATE_SSE)) {
        memset(fx->xmm, 0, sizeof(fx->xmm));
    }
    memset(s->ymm_high, 0, sizeof(s->ymm_high));
    if (has_avx && (xstate & XSTATE_AVX)) {
        memcpy(s->ymm_high, frame_ymm(uc), sizeof(s->ymm_high));
    }
}

static void take_result(ucontext_t *uc, IsaResult *r)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    IsaState *s = &r->state;

    for (unsigned i = 0; i < 16; i++) {
        s->regs[i] = g[greg_index[i]];
    }
    s->rip = g[REG_RIP];
    s->eflags = g[REG_EFL];
    take_segments(g, s);
    take_fx(uc, s);
    r->vector = g[REG_TRAPNO];
    r->error = g[REG_ERR];
    r->addr = g[REG_CR2];
}

/* FS may have any base: no thread-local data here. */
static void silicon_interrupt(void *context)
{
    if (silicon_switch.inside) {
        silicon_leave(context);
    }
}

/* --- the engine --- */

/* The case's view at @at, and ours, which may be written. */
static uint8_t *map_twice(uint64_t at, unsigned bytes, int prot)
{
    int fd = memfd_create("isa", MFD_CLOEXEC);
    void *ours, *its;

    if (fd < 0 || ftruncate(fd, bytes)) {
        g_error("memfd: %s", g_strerror(errno));
    }
    ours = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    its = mmap((void *)at, bytes, prot,
               MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, 0);
    if (ours == MAP_FAILED || its == MAP_FAILED) {
        g_error("mmap: %s", g_strerror(errno));
    }
    return ours;
}

static void map_memory(void)
{
    code_alias = map_twice(ISA_CODE, ISA_CODE_BYTES, PROT_READ | PROT_EXEC);
    data_alias = map_twice(ISA_DATA, ISA_DATA_BYTES, PROT_READ | PROT_WRITE);
    mprotect((void *)(ISA_DATA + ISA_RW_BYTES), ISA_DATA_BYTES - ISA_RW_BYTES,
             PROT_READ);
    memset(code_alias, INT3, ISA_CODE_BYTES);
}

static void set_signals(void)
{
    static const int sigs[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
    stack_t stack = {
        .ss_sp = g_malloc(ALT_STACK_BYTES),
        .ss_size = ALT_STACK_BYTES,
    };
    struct sigaction sa = {
        .sa_sigaction = silicon_on_signal,
        .sa_flags = SA_SIGINFO | SA_ONSTACK,
    };

    sigaltstack(&stack, NULL);
    sigfillset(&sa.sa_mask);
    for (unsigned i = 0; i < ARRAY_LEN(sigs); i++) {
        sigaction(sigs[i], &sa, NULL);
    }
}

static void silicon_init(const IsaEngine *e)
{
    has_avx = silicon_has_feature(FEAT_AVX);
    silicon_switch.bases = silicon_has_bases();
    map_memory();
    make_ldt();
    set_signals();
    silicon_run_frame();
}

static void put_memory(const IsaCase *c)
{
    memset(code_alias + old_off, INT3, old_len);
    old_off = c->code_off;
    old_len = isa_code_bytes(c);
    memcpy(code_alias + old_off, c->code, old_len);
    memcpy(data_alias, c->data, ISA_DATA_BYTES);
}

static void silicon_run(const IsaCase *c, IsaResult *r)
{
    ucontext_t *uc = silicon_switch.frame;
    int sig;

    put_memory(c);
    put_segments(&c->state);
    put_case(uc, c);
    silicon_switch.flags = c->state.eflags & (EFLAGS_NT | EFLAGS_ID);
    sig = silicon_run_frame();
    r->end = sig ? ISA_END_TRAP : ISA_END_TIMEOUT;
    take_result(silicon_switch.frame, r);
    memcpy(r->data, data_alias, ISA_DATA_BYTES);
}

const IsaEngine isa_silicon = {
    .name = "silicon",
    .init = silicon_init,
    .run = silicon_run,
    .interrupt = silicon_interrupt,
};
