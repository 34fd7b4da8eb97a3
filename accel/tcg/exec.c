/* SPDX-License-Identifier: MIT */
/*
 * The exec loop: deliver what is to be delivered, find the next TB, run it and
 * all that it is linked to, until something asks to leave.
 *
 * exit_request is cleared before interrupt_request is looked at, so whoever
 * sets a bit there first and exit_request then is seen; CPU_INTERRUPT_EXIT
 * sends us back to the caller, for queued work, stop and exclusive sections.
 */
#include <sched.h>
#include <xmmintrin.h>

#include "accel/tcg/internal.h"
#include "exec/debug.h"
#include "util/log.h"
#include "util/rcu.h"

/* The host ABI's: all exceptions masked, round to nearest. */
#define MXCSR_DEFAULT 0x1f80

/* rip and flags of the instruction that host_pc is in. */
void tcg_restore_state(CPUState *cpu)
{
    X86CPU *x86 = x86_cpu(cpu);
    uintptr_t host_pc = cpu->host_pc;
    TranslationBlock *tb;
    const TbSideEntry *side;
    unsigned lo = 0, hi;

    cpu->host_pc = 0;
    tb = host_pc ? region_find_tb(host_pc) : NULL;
    if (!tb) {
        return;
    }
    host_pc -= (uintptr_t)tb->code.entry;
    side = tb_side(&tb->code);
    hi = tb->code.nside;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (side[mid].host_off < host_pc) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    g_assert(lo < tb->code.nside && side[lo].host_off == host_pc);
    x86->rip = tb_rip_mask(tb, x86->rip_base + side[lo].insn_off);
    if (side[lo].recipe) {
        tb_restore_cc(x86, tb, tb_recipe(&tb->code, side[lo].recipe));
    }
}

uint64_t tb_rip_mask(const TranslationBlock *tb, uint64_t rip)
{
    return tb->flags & HF_CS64 ? rip : (uint32_t)rip;
}

static uint64_t recipe_value(X86CPU *cpu, const TranslationBlock *tb, IrTemp t)
{
    if (t == IR_NONE) {
        return 0;
    }
    if (t >= RECIPE_CONST) {
        return tb_consts(&tb->code)[t - RECIPE_CONST];
    }
    return *(uint64_t *)((char *)cpu + ir_global_info(t)->offset);
}

void tb_restore_cc(X86CPU *cpu, const TranslationBlock *tb, const IrRecipe *r)
{
    cpu->cc = ir_eval_recipe(r, recipe_value(cpu, tb, r->x),
                             recipe_value(cpu, tb, r->y), cpu->cc, cpu->cc_in);
}

void cpu_loop_exit(CPUState *cpu)
{
    tcg_restore_state(cpu);
    longjmp(cpu->jmp_env, 1);
}

void cpu_loop_exit_to(CPUState *cpu, CPUExit why)
{
    cpu->host_pc = 0;
    cpu->exception_index = CPU_EXCP_EXIT + why;
    longjmp(cpu->jmp_env, 1);
}

/* Of a TB of one instruction that nothing comes before. */
static uint32_t one_insn_cflags(CPUState *cpu)
{
    return (tcg_cflags(cpu) & ~CF_COUNT_MASK) | 1 | CF_NOIRQ;
}

void tcg_begin_again(CPUState *cpu)
{
    const TranslationBlock *tb =
        cpu->host_pc ? region_find_tb(cpu->host_pc) : NULL;

    if (tb) {
        x86_begin_insn_again(x86_cpu(cpu), tb->flags);
    }
    cpu_loop_exit(cpu);
}

void tcg_run_alone(CPUState *cpu)
{
    cpu->cflags_next_tb = one_insn_cflags(cpu);
    cpu->exception_index = -1;
    tcg_begin_again(cpu);
}

/* An instruction, or what comes in its place, is complete. */
static void insn_done(CPUState *cpu)
{
    cpu->debug.skip_break = false;
    if (unlikely(cpu->debug.step) && cpu->debug.stop == CPU_STOP_NONE) {
        cpu->debug.stop = CPU_STOP_STEP;
    }
}

/* HLT and PAUSE are complete when they leave.  An instruction that is to run
 * exclusively makes its accesses again, and one that faults may; #DB is a trap,
 * or the fault of an instruction without accesses. */
static void note_exit(CPUState *cpu, int index)
{
    if (index == CPU_EXCP_EXIT + CPU_EXIT_HLT ||
        index == CPU_EXCP_EXIT + CPU_EXIT_YIELD) {
        insn_done(cpu);
    } else if (index == CPU_EXCP_EXIT + CPU_EXIT_ATOMIC ||
               (index < CPU_EXCP_EXIT && index != EXCP_DB)) {
        cpu->debug.stop = CPU_STOP_NONE;
    }
}

/* Exceptions wait to be delivered, or the loop is to end with @exit. */
static bool handle_exception(CPUState *cpu, CPUExit *exit)
{
    int index = cpu->exception_index;

    if (index < 0) {
        return false;
    }
    note_exit(cpu, index);
    if (index == CPU_EXCP_EXIT + CPU_EXIT_YIELD && !tcg_options.single) {
        /* The guest spins, perhaps for a vCPU that has lost its core. */
        cpu->exception_index = -1;
        sched_yield();
        return false;
    }
    if (index == CPU_EXCP_EXIT + CPU_EXIT_COUNT && cpu->icount_left > 0) {
        cpu->exception_index = -1; /* a shorter TB fits in */
        cpu->cflags_next_tb =
            (tcg_cflags(cpu) & ~CF_COUNT_MASK) | (uint32_t)cpu->icount_left;
        return false;
    }
    if (index >= CPU_EXCP_EXIT) {
        cpu->exception_index = -1;
        *exit = index - CPU_EXCP_EXIT;
        return true;
    }
    cpu->tcg->stats.exceptions++;
    x86_deliver_exception(x86_cpu(cpu));
    cpu->exception_index = -1;
    insn_done(cpu);
    return false;
}

/* A step is one instruction, interrupts or not; but a halted vCPU has none
 * until one comes.  An interrupt's handler would come back to a breakpoint that
 * has been told of. */
static bool holds_interrupts_off(CPUState *cpu)
{
    return cpu->debug.step
               ? (cpu->debug.step & DEBUG_STEP_NOIRQ) && !cpu->debug.woken
               : debug_goes_on_here(cpu);
}

static void take_interrupts(CPUState *cpu)
{
    if (unlikely(holds_interrupts_off(cpu))) {
        cpu_exit(cpu); /* they are due behind it */
        return;
    }
    if (x86_handle_interrupts(x86_cpu(cpu))) {
        cpu->tcg->stats.interrupts++;
        insn_done(cpu);
    }
}

/* True when the caller of the exec loop is to look around. */
static bool handle_requests(CPUState *cpu)
{
    if (unlikely(cpu->cflags_next_tb != UINT32_MAX)) {
        return false; /* an instruction is to be finished first */
    }
    __atomic_store_n(&cpu->exit_request, 0, __ATOMIC_SEQ_CST);
    thread_beat();
    if (!__atomic_load_n(&cpu->interrupt_request, __ATOMIC_SEQ_CST)) {
        return false;
    }
    take_interrupts(cpu);
    return __atomic_load_n(&cpu->interrupt_request, __ATOMIC_SEQ_CST) &
           CPU_INTERRUPT_EXIT;
}

/* What a page with breakpoints holds is run one instruction at a time, each
 * found here.  Jump caches do not know them, and nothing else leads into a
 * page. */
static uint32_t usual_cflags(CPUState *cpu)
{
    if (unlikely(cpu->debug.step) || debug_goes_on_here(cpu)) {
        return one_insn_cflags(cpu);
    }
    if (unlikely(debug_breaks) &&
        debug_break_in_page(tb_linear_pc(x86_cpu(cpu)))) {
        return (tcg_cflags(cpu) & ~CF_COUNT_MASK) | 1 | CF_NO_CHAIN;
    }
    return tcg_cflags(cpu);
}

static uint32_t next_cflags(CPUState *cpu)
{
    uint32_t cflags = cpu->cflags_next_tb;

    cpu->cflags_next_tb = UINT32_MAX;
    return cflags == UINT32_MAX ? usual_cflags(cpu) : cflags;
}

/* The debugger's word before a TB: false, stop here.  An instruction that is
 * begun again has had its turn. */
static bool may_run(CPUState *cpu)
{
    if (cpu->debug.stop != CPU_STOP_NONE) {
        return false;
    }
    if (cpu->debug.step) {
        cpu_exit(cpu); /* what follows the step's TB is left at its head */
    } else if (cpu->cflags_next_tb == UINT32_MAX && debug_stops_here(cpu)) {
        return false;
    }
    return true;
}

static TbExit enter_tb(CPUState *cpu, TranslationBlock *tb, uintptr_t *place)
{
    X86CPU *x86 = x86_cpu(cpu);
    TbExit why;

    tb_set_rip_base(x86);
    __atomic_store_n(&cpu->tcg->lost_direct, false, __ATOMIC_RELAXED);
    why = tcg_backend->enter(cpu, tb->code.entry, place);
    if (unlikely(!x86_is_canonical(x86, x86->rip))) {
        x86_check_branch(x86, region_find_tb(*place));
    }
    return why;
}

/* Those that are left at their head are not logged: when that happens is the
 * host's affair.  If a request comes after the look, the TB has its line, and
 * gets no second one when it is found again. */
static void log_tb(CPUState *cpu, const TranslationBlock *tb)
{
    uint32_t cflags = tb_cflags(tb);

    if ((!(cflags & CF_NOIRQ) &&
         __atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED)) ||
        (cflags & CF_ICOUNT && cpu->icount_left < (int64_t)tb->icount)) {
        return;
    }
    if (tb != cpu->tcg->logged) {
        tcg_log_exec(cpu, tb);
    }
    cpu->tcg->logged = tb;
}

static void run_tbs(CPUState *cpu)
{
    TranslationBlock *tb;
    uintptr_t place = 0;
    TbExit why = TB_EXIT_LOOKUP;

    do {
        if (unlikely(debug_breaks || cpu->debug.step || cpu->debug.stop) &&
            !may_run(cpu)) {
            return;
        }
        tb = tb_find(cpu, next_cflags(cpu));
        if (why <= TB_EXIT_SLOT1) {
            tb_link(region_find_tb(place), why, tb);
        }
        if (log_enabled(LOG_EXEC | LOG_CPU)) {
            log_tb(cpu, tb);
        }
        why = enter_tb(cpu, tb, &place);
        if (why != TB_EXIT_REQUEST) {
            cpu->tcg->logged = NULL;
        }
        cpu->tcg->stats.exits[why]++;
        insn_done(cpu);
    } while (cpu->exception_index < 0 && !cpu_has_request(cpu));
}

/* Out of C code or a TB by a fault: the Big Lock may be held, and the guest's
 * MXCSR may be the host's. */
static void after_longjmp(void)
{
    if (bql_locked()) {
        bql_unlock();
    }
    _mm_setcsr(MXCSR_DEFAULT);
}

/* Everything between cpu_exec_start and cpu_exec_end; faults land here. */
static CPUExit exec_loop(CPUState *cpu)
{
    CPUExit exit = CPU_EXIT_INTERRUPT;

    if (_setjmp(cpu->jmp_env)) {
        after_longjmp();
    }
    while (!handle_exception(cpu, &exit)) {
        if (unlikely(cpu->debug.stop != CPU_STOP_NONE)) {
            return CPU_EXIT_DEBUG;
        }
        if (x86_take_watch_trap(x86_cpu(cpu))) {
            cpu->cflags_next_tb = one_insn_cflags(cpu);
        }
        if (handle_requests(cpu)) {
            return CPU_EXIT_INTERRUPT;
        }
        run_tbs(cpu);
    }
    return cpu->debug.stop != CPU_STOP_NONE ? CPU_EXIT_DEBUG : exit;
}

CPUExit tcg_cpu_exec(CPUState *cpu)
{
    CPUExit exit;

    cpu->debug.woken = false;
    if (__atomic_load_n(&cpu->halted, __ATOMIC_SEQ_CST)) {
        if (!cpu->ops->has_work(cpu)) {
            return CPU_EXIT_HLT;
        }
        __atomic_store_n(&cpu->halted, 0, __ATOMIC_SEQ_CST);
        cpu->debug.woken = true;
    }
    cpu_exec_start(cpu); /* may wait: not as a reader */
    rcu_read_lock();
    exit = exec_loop(cpu);
    rcu_read_unlock();
    cpu_exec_end(cpu);
    return exit;
}

static void step_once(CPUState *cpu)
{
    TranslationBlock *tb;
    uintptr_t place;

    if (_setjmp(cpu->jmp_env)) {
        after_longjmp();
        return;
    }
    tb = tb_find(cpu, 1 | CF_NOIRQ | CF_NO_CHAIN);
    enter_tb(cpu, tb, &place);
    insn_done(cpu);
}

void tcg_cpu_exec_step_atomic(CPUState *cpu)
{
    start_exclusive();
    rcu_read_lock();
    /* The work may be a flush, after which memory was freed that the soft TLB
     * still knows: who was no reader then does the work first. */
    if (!cpu_has_posted_work(cpu)) {
        step_once(cpu);
    }
    rcu_read_unlock();
    end_exclusive();
}
