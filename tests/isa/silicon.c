/* SPDX-License-Identifier: MIT */
/*
 * The engine that is the processor itself.  A case is entered and left by
 * signal frames: UD2 raises SIGILL, whose handler replaces the whole state of
 * its frame by the case's; sigreturn then loads all registers at once.  The
 * case ends in a fault, whose handler takes the state out of the frame and puts
 * the saved one back.  The kernel's frame carries vector, error code and CR2.
 *
 * The handlers run on a stack of their own, since the case's RSP is anything.
 * Nothing here keeps state in SSE or x87 registers across the UD2.
 * Source: Linux, arch/x86/include/uapi/asm/sigcontext.h.
 */
#include "isa.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "target/i386/cpuid.h"

#define ALT_STACK_BYTES (256 * 1024)
#define INT3            0xcc
/* In uc_flags: the SS of the frame is meant. */
#define UC_SEGMENTS 6ull
/* After the FXSAVE image: which parts of the state the frame holds. */
#define XSTATE_X87 BIT64(0)
#define XSTATE_SSE BIT64(1)
#define XSTATE_AVX BIT64(2)
/* Of the upper halves of YMM, from the image's start: SDM vol. 1, 13.4.3. */
#define XSTATE_AVX_OFFSET 576

static uint8_t *code_alias; /* writable view of ISA_CODE */
static const IsaCase *volatile running;
static IsaResult *result;
static bool inside; /* a case, from its entry to its end */
static unsigned gs_mode;
static bool has_avx;

static struct {
    gregset_t gregs;
    uint64_t flags, xstate;
    IsaFx fx;
} saved;

static const uint8_t greg_index[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

bool silicon_is_amd(void)
{
    unsigned a, b, c, d;

    __cpuid(0, a, b, c, d);
    return b == signature_AMD_ebx;
}

/* --- CPUID, by Heddle's own table of features --- */

static uint32_t host_word(unsigned word)
{
    const X86FeatureLeaf *at = &x86_feature_leaf[word];
    unsigned r[4] = {0};

    __get_cpuid_count(at->leaf, at->subleaf, &r[0], &r[1], &r[2], &r[3]);
    return r[at->reg];
}

bool silicon_has_feature(unsigned feature)
{
    const X86FeatureInfo *f = &x86_feature_info[feature];

    return feature == FEAT_BASE || f->word == FW_IMPLIED ||
           (f->have && (host_word(f->word) >> f->bit & 1));
}

/* --- segments --- */

static void set_ldt(unsigned entry, uint64_t base, uint32_t limit, bool code)
{
    struct user_desc d = {
        .entry_number = entry,
        .base_addr = base,
        .limit = limit,
        .contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA,
    };

    if (syscall(SYS_modify_ldt, 1, &d, sizeof(d))) {
        g_error("modify_ldt: %s", g_strerror(errno));
    }
}

/* GS: a base in 64-bit mode, else a descriptor with the same base. */
static void load_gs(unsigned mode)
{
    if (mode == gs_mode) {
        return;
    }
    gs_mode = mode;
    __asm__ volatile("mov %0, %%gs" : : "r"(mode == 64 ? 0 : ISA_SEL_GS));
    if (mode == 64) {
        syscall(SYS_arch_prctl, ARCH_SET_GS, ISA_GS_BASE);
    }
}

static uint64_t frame_segments(uint64_t old, unsigned mode)
{
    uint64_t cs = mode == 64   ? ISA_SEL_CODE64
                  : mode == 32 ? ISA_SEL_CODE32
                               : ISA_SEL_CODE16;
    uint64_t ss = mode == 16 ? ISA_SEL_DATA16 : ISA_SEL_DATA;

    return (old & 0x0000ffffffff0000ull) | cs | ss << 48;
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

static void enter_case(ucontext_t *uc, const IsaCase *c)
{
    greg_t *g = uc->uc_mcontext.gregs;

    memcpy(saved.gregs, g, sizeof(saved.gregs));
    memcpy(&saved.fx, uc->uc_mcontext.fpregs, sizeof(saved.fx));
    saved.xstate = *frame_xstate(uc);
    saved.flags = uc->uc_flags;
    for (unsigned i = 0; i < 16; i++) {
        g[greg_index[i]] = c->state.regs[i];
    }
    g[REG_RIP] = c->state.rip;
    g[REG_EFL] = c->state.eflags;
    g[REG_CSGSFS] = frame_segments(g[REG_CSGSFS], c->mode);
    uc->uc_flags |= UC_SEGMENTS;
    memcpy(uc->uc_mcontext.fpregs, &c->state.fx, sizeof(IsaFx) - 96);
    *frame_xstate(uc) |= XSTATE_X87 | XSTATE_SSE;
    if (has_avx) {
        memcpy(frame_ymm(uc), c->state.ymm_high, sizeof(c->state.ymm_high));
        *frame_xstate(uc) |= XSTATE_AVX;
    }
    __asm__ volatile("mov %0, %%ds; mov %0, %%es"
                     :
                     : "r"(c->mode == 16 ? ISA_SEL_DATA16 : ISA_SEL_DATA));
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

static void leave_case(ucontext_t *uc, IsaEnd end)
{
    greg_t *g = uc->uc_mcontext.gregs;
    IsaState *s = &result->state;

    __asm__ volatile("mov %0, %%ds; mov %0, %%es" : : "r"(0));
    for (unsigned i = 0; i < 16; i++) {
        s->regs[i] = g[greg_index[i]];
    }
    s->rip = g[REG_RIP];
    s->eflags = g[REG_EFL];
    take_fx(uc, s);
    result->end = end;
    result->vector = g[REG_TRAPNO];
    result->error = g[REG_ERR];
    result->addr = g[REG_CR2];
    memcpy(g, saved.gregs, sizeof(saved.gregs));
    g[REG_RIP] += 2; /* past the UD2 */
    memcpy(uc->uc_mcontext.fpregs, &saved.fx, sizeof(saved.fx) - 96);
    *frame_xstate(uc) = saved.xstate | XSTATE_X87 | XSTATE_SSE;
    uc->uc_flags = saved.flags;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    if (inside) {
        inside = false;
        leave_case(uc, ISA_END_TRAP);
    } else if (sig == SIGILL && running) {
        inside = true;
        enter_case(uc, running);
    } else {
        signal(sig, SIG_DFL); /* our own fault: die of it */
    }
}

static void silicon_interrupt(void *context)
{
    if (inside) {
        inside = false;
        leave_case(context, ISA_END_TIMEOUT);
    }
}

/* --- the engine --- */

static void map_memory(void)
{
    int fd = memfd_create("isa-code", MFD_CLOEXEC);
    void *code, *data;

    if (fd < 0 || ftruncate(fd, ISA_CODE_BYTES)) {
        g_error("memfd: %s", g_strerror(errno));
    }
    code_alias =
        mmap(NULL, ISA_CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    code = mmap((void *)ISA_CODE, ISA_CODE_BYTES, PROT_READ | PROT_EXEC,
                MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    data = mmap((void *)ISA_DATA, ISA_DATA_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (code_alias == MAP_FAILED || code == MAP_FAILED || data == MAP_FAILED) {
        g_error("mmap: %s", g_strerror(errno));
    }
}

static void set_signals(void)
{
    static const int sigs[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
    stack_t stack = {
        .ss_sp = g_malloc(ALT_STACK_BYTES),
        .ss_size = ALT_STACK_BYTES,
    };
    struct sigaction sa = {
        .sa_sigaction = on_fault,
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
    map_memory();
    set_ldt(0, ISA_CODE, ISA_CODE_BYTES - 1, true);
    set_ldt(1, ISA_DATA, ISA_LIMIT16, false);
    set_ldt(2, ISA_GS_BASE, ISA_GS_LIMIT, false);
    set_signals();
}

/* The read-only page has to be written before a case, too. */
static void fill_memory(const IsaCase *c)
{
    void *ro = (void *)(ISA_DATA + ISA_RW_BYTES);
    unsigned bytes = ISA_DATA_BYTES - ISA_RW_BYTES;

    memset(code_alias, INT3, ISA_CODE_BYTES);
    memcpy(code_alias + c->code_off, c->code, isa_code_bytes(c));
    memcpy((void *)ISA_DATA, c->data, ISA_RW_BYTES);
    mprotect(ro, bytes, PROT_READ | PROT_WRITE);
    memcpy(ro, c->data + ISA_RW_BYTES, bytes);
    mprotect(ro, bytes, PROT_READ);
}

/* A frame does not restore NT and ID, which a POPF may have set. */
static void reset_flags(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp; push $0x202; popfq;"
                     "lea 128(%%rsp), %%rsp"
                     :
                     :
                     : "cc", "memory");
}

static void silicon_run(const IsaCase *c, IsaResult *r)
{
    reset_flags();
    fill_memory(c);
    load_gs(c->mode);
    result = r;
    running = c;
    __asm__ volatile("ud2" : : : "memory");
    running = NULL;
    memcpy(r->data, (void *)ISA_DATA, ISA_DATA_BYTES);
}

const IsaEngine isa_silicon = {
    .name = "silicon",
    .init = silicon_init,
    .run = silicon_run,
    .interrupt = silicon_interrupt,
};
