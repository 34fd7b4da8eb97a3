/* SPDX-License-Identifier: MIT */
/*
 * NMIs: blocked from delivery to the next IRET, one kept meanwhile; held off
 * behind MOV SS and STI; out of HLT, user mode and onto an IST stack; from two
 * sources at once.
 * guest: -smp 2
 * guest-engine: icount
 * Source: SDM vol. 3A, 6.7 "Nonmaskable Interrupt (NMI)", 6.7.1 "Handling
 * Multiple NMIs", 6.8.3 "Masking Exceptions and Interrupts When Switching
 * Stacks"; vol. 2B, "STI", "HLT".
 */
#include "apic.h"

#define FLUSH_VECTOR 0x44

static volatile unsigned nmis, depth, max_depth;
static volatile uint64_t last_rip;
static void (*volatile in_first)(void); /* what the first handler does */

static void on_nmi(Frame *f)
{
    unsigned n = ++nmis;

    last_rip = f->rip;
    depth++;
    if (depth > max_depth) {
        max_depth = depth;
    }
    if (n == 1 && in_first) {
        in_first();
    }
    depth--;
}

static void start(void (*first)(void))
{
    on_vector(2, on_nmi);
    in_first = first;
    nmis = max_depth = 0;
}

static void send_nmi(unsigned to)
{
    apic_send(to, ICR_ASSERT | ICR_NMI);
}

/* --- one processor --- */

static void send_three(void)
{
    unsigned i;

    for (i = 0; i < 3; i++) {
        send_nmi(0);
    }
    __asm__ volatile("nop; nop; nop");
}

static void on_breakpoint(Frame *f)
{
    (void)f;
}

/* Any IRET will do: that of another exception's handler, too. */
static void send_and_int3(void)
{
    send_nmi(0);
    __asm__ volatile("nop; nop; int3; nop; nop");
}

static void send_and_sti(void)
{
    send_nmi(0);
    let_in();
}

extern char bad_iret[], past_bad_iret[];
static volatile unsigned nmis_at_fault;

static void on_bad_iret(Frame *f)
{
    nmis_at_fault = f->rip == (uintptr_t)bad_iret ? nmis : 0;
    f->rip = (uintptr_t)past_bad_iret;
}

/* It goes to a null CS. */
static void send_and_bad_iret(void)
{
    send_nmi(0);
    __asm__ volatile("nop; nop; nop\n"
                     "mov %%rsp, %%rcx; mov %%ss, %%eax\n"
                     "push %%rax; push %%rcx; pushf; push $0\n"
                     "push $past_bad_iret\n"
                     "bad_iret: iretq\n"
                     "past_bad_iret: mov %%rcx, %%rsp" ::
                         : "rax", "rcx", "memory");
}

static void test_blocking(void)
{
    start(send_three);
    send_nmi(0);
    wait_for(&nmis, 2);
    let_in();
    check_eq(nmis, 2, "three NMIs in a handler are one");
    check_eq(max_depth, 1, "which waits for IRET");
    start(send_and_int3);
    on_vector(3, on_breakpoint);
    send_nmi(0);
    wait_for(&nmis, 2);
    check_eq(max_depth, 2, "the IRET of a breakpoint in it lets the next in");
    start(send_and_sti);
    send_nmi(0);
    wait_for(&nmis, 2);
    check_eq(max_depth, 1, "STI does not");
    start(send_and_bad_iret);
    on_vector(13, on_bad_iret);
    send_nmi(0);
    wait_for(&nmis, 2);
    check_eq(nmis_at_fault, 2, "an IRET that faults does, before its fault");
    on_vector(13, NULL);
}

void user_loop(void);
__asm__(".text; user_loop: mov $100, %ecx; 1: dec %ecx; jnz 1b; ret\n");

static char nmi_stack[4096] __attribute__((aligned(16)));
static volatile bool in_user;
static volatile uint64_t frame_at;

static void on_nmi_frame(Frame *f)
{
    nmis++;
    in_user |= f->cs == USER_CS;
    frame_at = (uintptr_t)f;
}

static void test_ist(void)
{
    start(NULL);
    on_vector(2, on_nmi_frame);
    tss.ist[4] = (uintptr_t)nmi_stack + sizeof(nmi_stack);
    idt[2].ist = 5;
    send_nmi(0);
    wait_for(&nmis, 1);
    check(frame_at > (uintptr_t)nmi_stack &&
              frame_at < (uintptr_t)nmi_stack + sizeof(nmi_stack),
          "an NMI's own stack");
    idt[2].ist = 0;
}

/* --- two processors --- */

enum { IDLE, FLOOD, PAIRS, ONE, STOP };
static volatile unsigned job, running;
static volatile unsigned turn_0, turn_1; /* of PAIRS */

static void pairs_sender(void)
{
    unsigned i = 0;

    while (job == PAIRS) {
        if (turn_0 == i) {
            __asm__ volatile("pause");
            continue;
        }
        i = turn_0;
        send_nmi(0);
        apic_send(0, ICR_ASSERT | FLUSH_VECTOR); /* comes behind the NMI */
        turn_1 = i;
    }
}

static void ap_main(unsigned index)
{
    (void)index;
    running = 1;
    while (job != STOP) {
        if (job == FLOOD) {
            send_nmi(0);
        } else if (job == PAIRS) {
            pairs_sender();
        } else if (job == ONE) {
            job = IDLE;
            send_nmi(0);
        }
        __asm__ volatile("pause");
    }
}

extern char flood_ss[], flood_sti[];
static volatile unsigned behind_ss, behind_sti;

static void on_flood(Frame *f)
{
    nmis++;
    behind_ss += f->rip == (uintptr_t)flood_ss;
    behind_sti += f->rip == (uintptr_t)flood_sti;
}

/* SDM vol. 2B, "STI": it may hold NMIs off too, as these processors do. */
static void test_flood(void)
{
    uint64_t end = rdtsc() + 3000000000ull;

    start(NULL);
    on_vector(2, on_flood);
    job = FLOOD;
    while (nmis < 500 && rdtsc() < end) {
        __asm__ volatile("mov %%ss, %%ecx\n"
                         "mov %%ecx, %%ss\n"
                         "flood_ss: nop\n"
                         "nop\n"
                         "sti\n"
                         "flood_sti: nop\n"
                         "nop\n"
                         "cli" ::
                             : "rcx");
    }
    job = IDLE;
    check(nmis > 0, "%u NMIs from another processor", nmis);
    check_eq(behind_ss, 0, "none right behind MOV SS");
    check_eq(behind_sti, 0, "none right behind STI");
}

static volatile bool flushed;

static void on_flush(Frame *f)
{
    (void)f;
    flushed = true;
    apic_eoi();
}

/* Two at once: one is delivered, the other kept. */
static void test_pairs(void)
{
    uint64_t end;
    unsigned i, wrong = 0, rounds = boot_word("quick") ? 2000 : 20000;

    on_vector(FLUSH_VECTOR, on_flush);
    job = PAIRS;
    for (i = 1; i <= rounds && wrong < 10; i++) {
        start(NULL);
        flushed = false;
        turn_0 = i;
        send_nmi(0);
        end = rdtsc() + 3000000000ull;
        while ((!flushed || turn_1 != i) && rdtsc() < end) {
            let_in();
        }
        wrong += nmis != 2;
    }
    job = IDLE;
    check_eq(wrong, 0, "an NMI of its own and one from the other processor");
}

extern char nmi_hlt[];

static void test_wake(void)
{
    start(NULL);
    job = ONE;
    __asm__ volatile("cli; hlt\n"
                     "nmi_hlt: nop");
    check_eq(nmis, 1, "an NMI ends HLT with interrupts off");
    check_eq(last_rip, (uintptr_t)nmi_hlt, "and returns behind it");
}

static void test_user(void)
{
    uint64_t end = rdtsc() + 3000000000ull;

    start(NULL);
    on_vector(2, on_nmi_frame);
    job = FLOOD;
    while (!in_user && rdtsc() < end) {
        catch_user(user_loop, 0, NULL);
    }
    job = IDLE;
    check(in_user, "out of user mode");
}

int main(void)
{
    apic_enable();
    test_blocking();
    test_ist();
    smp_start(ap_main);
    check(wait_for(&running, 1), "a second processor");
    test_flood();
    test_pairs();
    test_wake();
    test_user();
    job = STOP;
    return 0;
}
