/* SPDX-License-Identifier: MIT */
/*
 * From the caller into a signal frame, and from a signal back to the caller,
 * as if the frame were a function.  See silicon.h.
 */
#include "silicon.h"

#define FLAGS_CLEAN    0x202 /* no AC, NT, ID, TF */
#define NR_RT_SIGRETURN 15
/* Of segment registers in SWITCH_SEL. */
#define ES 0
#define DS 3
#define FS 4
#define GS 5

        .bss
        .balign 16
        .globl silicon_switch
silicon_switch:
        .zero SWITCH_BYTES

        .text
        .globl silicon_run_frame
        .type silicon_run_frame, @function
silicon_run_frame:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        lea     silicon_switch(%rip), %rbx
        mov     %rsp, SWITCH_RSP(%rbx)
        movb    $1, SWITCH_INSIDE(%rbx)
        pushq   SWITCH_FLAGS(%rbx)
        popfq
        mov     SWITCH_SEL+2*ES(%rbx), %es
        mov     SWITCH_SEL+2*DS(%rbx), %ds
        cmpb    $0, SWITCH_BASES(%rbx)
        je      1f
        rdfsbase %rax
        mov     %rax, SWITCH_OWN_FS(%rbx)
        mov     SWITCH_SEL+2*FS(%rbx), %fs
        mov     SWITCH_SEL+2*GS(%rbx), %gs
        mov     SWITCH_FS(%rbx), %rax
        wrfsbase %rax
        mov     SWITCH_GS(%rbx), %rax
        wrgsbase %rax
1:      mov     SWITCH_FRAME(%rbx), %rcx
        jrcxz   2f
        mov     %rcx, %rsp
        mov     $NR_RT_SIGRETURN, %eax
        syscall
2:      ud2

/* (info, context) in RSI, RDX.  AC may be set until POPFQ: only aligned
 * accesses.  A signal that no case raised is our own fault: all signals are
 * blocked here, so UD2 ends the process. */
        .globl silicon_on_signal
        .type silicon_on_signal, @function
silicon_on_signal:
        push    $FLAGS_CLEAN
        popfq
        lea     silicon_switch(%rip), %rbx
        cmpb    $0, SWITCH_INSIDE(%rbx)
        je      2b
3:      movb    $0, SWITCH_INSIDE(%rbx)
        mov     %rdx, SWITCH_FRAME(%rbx)
        mov     %es, SWITCH_SEL+2*ES(%rbx)
        mov     %ds, SWITCH_SEL+2*DS(%rbx)
        xor     %eax, %eax
        mov     %eax, %es
        mov     %eax, %ds
        cmpb    $0, SWITCH_BASES(%rbx)
        je      4f
        mov     %fs, SWITCH_SEL+2*FS(%rbx)
        mov     %gs, SWITCH_SEL+2*GS(%rbx)
        rdfsbase %rcx
        mov     %rcx, SWITCH_FS(%rbx)
        rdgsbase %rcx
        mov     %rcx, SWITCH_GS(%rbx)
        mov     %eax, %fs
        mov     %eax, %gs
        mov     SWITCH_OWN_FS(%rbx), %rcx
        wrfsbase %rcx
4:      mov     %edi, %eax
        mov     SWITCH_RSP(%rbx), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .globl silicon_leave
        .type silicon_leave, @function
silicon_leave:
        mov     %rdi, %rdx
        xor     %edi, %edi
        lea     silicon_switch(%rip), %rbx
        jmp     3b

        .section .note.GNU-stack, "", @progbits
