/* SPDX-License-Identifier: MIT */
/*
 * One vCPU as everything but its own architecture sees it: thread, run state,
 * cross-vCPU work.  The architecture's state follows it in memory (X86CPU
 * starts with a CPUState).
 */
#ifndef HEDDLE_EXEC_CPU_H
#define HEDDLE_EXEC_CPU_H

#include <setjmp.h>

#include "exec/tlb.h"
#include "util/common.h"
#include "util/rcu.h"
#include "util/thread.h"

typedef struct CPUState CPUState;
typedef struct CPUJumpCache CPUJumpCache;
typedef struct TranslationBlock TranslationBlock;
struct TcgCpu;
struct CPUGdbOps;

/* Requests to a vCPU: bits of interrupt_request.  Those that the architecture
 * handles are acted on between TBs, in the order of their priority. */
enum {
    CPU_INTERRUPT_HARD = BIT(0),  /* an interrupt controller drives INTR */
    CPU_INTERRUPT_NMI = BIT(1),
    CPU_INTERRUPT_SMI = BIT(2),
    CPU_INTERRUPT_INIT = BIT(3),
    CPU_INTERRUPT_SIPI = BIT(4),
    CPU_INTERRUPT_MCE = BIT(5),
    CPU_INTERRUPT_POLL = BIT(6),  /* the local APIC has something to look at */
    CPU_INTERRUPT_DEBUG = BIT(7), /* stop for the debugger */
    CPU_INTERRUPT_EXIT = BIT(8),  /* leave the exec loop, nothing else */
    CPU_INTERRUPT_HALT = BIT(9),
};

/* Why the exec loop of one vCPU came back.  C code that runs for a TB asks for
 * one of these with cpu_loop_exit_to(). */
typedef enum CPUExit {
    CPU_EXIT_INTERRUPT, /* kicked: work, stop or exclusive section waits */
    CPU_EXIT_HLT,       /* halted until an interrupt */
    CPU_EXIT_DEBUG,     /* breakpoint, watchpoint or single step */
    CPU_EXIT_ATOMIC,    /* the next instruction must run exclusively */
    CPU_EXIT_YIELD,     /* PAUSE: let another vCPU of this thread run */
    CPU_EXIT_COUNT,     /* -icount: all instructions of the slice are run */
} CPUExit;

/* What an architecture gives the threads and monitors. */
typedef struct CPUOps {
    void (*reset)(CPUState *cpu);          /* power-on state */
    bool (*has_work)(CPUState *cpu);       /* would it leave a halt? */
    CPUExit (*exec)(CPUState *cpu);        /* until something is to be done */
    vaddr (*get_pc)(CPUState *cpu);        /* linear address */
    /* Registers as text, for `info registers` and -d cpu. */
    void (*dump)(CPUState *cpu, GString *out, bool fpu);
    /* Translate without side effects; false when nothing is mapped. */
    bool (*get_phys_debug)(CPUState *cpu, vaddr va, hwaddr *pa);
    const struct CPUGdbOps *gdb; /* registers for a debugger: exec/gdb.h */
    /* Give back the memory of a vCPU that cpu_release() was called for; NULL:
     * none is ever taken away.  Locks: BQL, main loop. */
    void (*free)(CPUState *cpu);
} CPUOps;

/* What translated code counts under -d stats (CF_COUNT_RUN). */
enum {
    RAN_TBS,
    RAN_ACCESSES, /* of guest memory, in the TBs that were entered */
    RAN_JUMPS,    /* indirect ones at their ends */
    RAN_KINDS,
};

/* How a debugger wants a vCPU to run, and why that ended: exec/debug.h. */
typedef enum CPUDebugStop {
    CPU_STOP_NONE,
    CPU_STOP_STEP,
    CPU_STOP_BREAK, /* before an instruction */
    CPU_STOP_WATCH, /* behind one that made a watched access */
} CPUDebugStop;

typedef struct CPUDebug {
    /* Written by the debugger while the vCPU is stopped. */
    uint8_t step; /* DEBUG_STEP_*; 0: run on */
    bool held;    /* stays where it is when others are resumed */
    /* A breakpoint at `skip_addr` has been told of: there, the vCPU goes on with
     * the instruction, before any interrupt.  Cleared by the vCPU when it has
     * moved. */
    bool skip_break;
    vaddr skip_addr;
    /* Written by the vCPU's thread; cleared by the debugger. */
    CPUDebugStop stop;
    bool asked; /* has asked for the machine's stop; BQL */
    unsigned kind; /* DebugPointKind of what stopped it */
    vaddr addr;    /* and where that is */
    bool woken;    /* vCPU's thread: has just come out of a halt */
} CPUDebug;

struct CPUState {
    /* Read by translated code; offsets from the start of this structure. */
    uint32_t exit_request; /* nonzero: leave at the next TB head; atomic */
    uint32_t interrupt_request; /* CPU_INTERRUPT_*; atomic; next to the other:
                                   translated code tests both at once */
    uintptr_t host_pc; /* while C code runs for a TB: where in the TB; else 0 */
    int64_t icount_left; /* -icount: instructions until it must leave */
    TLBEntry *tlb_table[NB_MMU_MODES]; /* the current bank of each MMU mode */
    CPUJumpCache *jump_cache;
    uint64_t ran[RAN_KINDS];

    /* This vCPU's thread only. */
    CPUTLB tlb;
    struct TcgCpu *tcg;      /* accel/tcg's own part */
    jmp_buf jmp_env;         /* the one target of every guest fault */
    int exception_index;     /* to deliver, CPU_EXCP_EXIT + a CPUExit, or -1 */
    uint32_t cflags_next_tb; /* CF_* for the next TB only, or -1 */

    /* Written under the BQL, read by anyone. */
    const CPUOps *ops;
    unsigned index;
    int thread_id;   /* of the host */
    bool created;    /* a thread serves it */
    bool stop;       /* asked to pause */
    bool stopped;    /* has paused */
    bool unplug;     /* its thread is to let go of it */
    uint32_t halted; /* waits for an interrupt; atomic */
    bool running;    /* inside cpu_exec_start/end; atomic */
    bool has_waiter; /* an exclusive section waits for it */
    Thread *thread;
    Event *halt_event; /* set by every kick; shared in thread=single */

    CPUDebug debug;

    Mutex work_lock; /* guards the next one */
    GQueue work;     /* CPUWork, oldest first */

    CPUState *next; /* RCU list of all vCPUs, by index */
};

_Static_assert(offsetof(CPUState, interrupt_request) ==
                       offsetof(CPUState, exit_request) + 4 &&
                   offsetof(CPUState, exit_request) % 8 == 0,
               "one 64-bit access tests both");

/* Does something wait for the exec loop? */
static inline bool cpu_has_request(CPUState *cpu)
{
    return __atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED) ||
           __atomic_load_n(&cpu->interrupt_request, __ATOMIC_RELAXED);
}

extern __thread CPUState *current_cpu; /* NULL outside vCPU threads */

/*
 * All vCPUs, by index: walk inside an RCU read section or with the BQL, and use
 * what was found no longer than that.  vCPUs come in anywhere and at any time;
 * only the main loop takes them off (cpu_unplug), so what runs there may drop
 * the BQL and go on with its walk.  The first one, vCPU 0, stays for ever.
 */
extern CPUState *cpu_list;
#define CPU_FOREACH(cpu) \
    for ((cpu) = rcu_dereference(cpu_list); (cpu); \
         (cpu) = rcu_dereference((cpu)->next))
CPUState *cpu_get(unsigned index); /* NULL when there is none */
/* The first that has @index or a higher one; past the last, vCPU 0.  For who
 * goes round them and keeps his place while they may come and go. */
CPUState *cpu_from(unsigned index);

void cpu_list_init(void); /* once, after main_loop_init() */
/* Fill in @cpu, which is zeroed, and add it to the list.  Locks: BQL. */
void cpu_common_init(CPUState *cpu, const CPUOps *ops, unsigned index);
/* Start its thread (or give it to the shared one), where it waits until the VM
 * runs; if that does already, until cpu_resume().  Locks: BQL, dropped while
 * the thread starts. */
void cpu_start_thread(CPUState *cpu);

/*
 * Take @cpu away: its thread does the work that was posted to it, which lets
 * those go who wait in run_on_cpu(), and ends; in thread=single the shared one
 * lets go of it.  Nobody finds it in the list afterwards, but who is in a read
 * section may have it still, and may post work.  The caller then takes away
 * what names it elsewhere (its local APIC) and calls cpu_release().
 * @cpu    not vCPU 0; its thread need not have been started
 * Locks   BQL, dropped meanwhile; main loop, before cpus_shutdown()
 */
void cpu_unplug(CPUState *cpu);
/* Free it after a grace period, on the main loop: accelerator's part, events,
 * and the structure by CPUOps.free.  Work that was posted late is done before
 * that, there.  Locks: BQL. */
void cpu_release(CPUState *cpu);
/* Called by cpu_unplug() when @cpu is off the list, for the debugger, which
 * keeps pointers.  One, set at start. */
void cpus_set_unplug_handler(void (*fn)(CPUState *cpu));

/*
 * --- asking a vCPU for something; any thread ---
 * A request is written first, then exit_request, then halt_event is set.  The
 * vCPU takes them back in the opposite order and looks for requests after that,
 * all with sequential consistency, so that none is lost: cpu_wait_io_event()
 * clears event, exit_request and CPU_INTERRUPT_EXIT; an exec loop that clears
 * exit_request itself must look at interrupt_request afterwards, return when
 * CPU_INTERRUPT_EXIT is set, and look once before its first TB.
 */
/* Set bits of interrupt_request; out of translated code, out of a halt. */
void cpu_interrupt(CPUState *cpu, uint32_t mask);
void cpu_reset_interrupt(CPUState *cpu, uint32_t mask);
void cpu_kick(CPUState *cpu); /* CPU_INTERRUPT_EXIT: out of the exec loop */
void cpu_exit(CPUState *cpu); /* sets exit_request only; async-signal-safe */

typedef void CPUWorkFunc(CPUState *cpu, void *opaque);
/* Run @fn on @cpu's thread, outside translated code, with the BQL held.
 * run_on_cpu waits for it: Locks: BQL held by the caller (dropped to wait).  On
 * @cpu's own thread, or while it has none, it runs at once.  Two vCPUs must not
 * wait for each other: post the work instead. */
void run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque);
void async_run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque);
/* Post what runs once for all requests made before: nothing, if the same is
 * posted and has not begun.  @posted, false at first, is this function's own;
 * one for each vCPU, @fn and @opaque.  A guest may ask as often as it likes. */
void async_run_on_cpu_once(CPUState *cpu, bool *posted, CPUWorkFunc *fn,
                           void *opaque);
/* The same, inside an exclusive section and without the BQL. */
void async_safe_run_on_cpu(CPUState *cpu, CPUWorkFunc *fn, void *opaque);
void cpu_process_work(CPUState *cpu); /* by its own thread, BQL held */
bool cpu_has_posted_work(CPUState *cpu); /* any thread */

/* --- exclusive sections; never with the BQL held --- */
/* Returns when no other vCPU is in the code. */
#define start_exclusive() start_exclusive_at(G_STRLOC)
void start_exclusive_at(const char *where);
void end_exclusive(void);
void cpu_exec_start(CPUState *cpu); /* brackets translated code */
void cpu_exec_end(CPUState *cpu);
bool cpu_in_exclusive(void); /* the calling thread is inside one */

/* --- the whole machine; BQL held --- */
void cpus_pause_all(void);  /* returns when every vCPU is stopped */
void cpus_resume_all(void); /* but those that a debugger holds */
void cpu_resume(CPUState *cpu); /* one: that was added to a running machine */
/* The calling thread's vCPU, if it is one, stops before its next TB; in
 * thread=single all of them. */
void cpu_stop_current(void);
bool cpu_can_run(CPUState *cpu); /* neither stopped nor asked to stop */
bool cpu_thread_is_idle(CPUState *cpu);
/* What a vCPU's thread does between runs: handle work and stop, and sleep while
 * there is nothing to run.  In thread=single it serves all the vCPUs and
 * returns when any of them can go on.  Locks: BQL, dropped to sleep. */
void cpu_wait_io_event(CPUState *cpu);
/* Join all the vCPU threads: the process is about to end. */
void cpus_shutdown(void);

/* Leave to the exec loop from C code run for a TB: if host_pc is set, the guest
 * state is first brought to the start of the instruction that it names
 * (tcg_restore_state in exec/translator.h).  The loop then acts on exception_index. */
G_NORETURN void cpu_loop_exit(CPUState *cpu);
/* Leave the exec loop with @why.  X86CPU.rip is where the guest goes on: the
 * caller has set it (a helper after which the TB ends) and nothing is restored.
 */
G_NORETURN void cpu_loop_exit_to(CPUState *cpu, CPUExit why);
/* exception_index of an exit: no guest exception has so high a number. */
#define CPU_EXCP_EXIT 0x10000

#endif
