/* SPDX-License-Identifier: MIT */
/*
 * Start of every test kernel: Multiboot 1 header, then from 32-bit protected
 * mode without paging to long mode with the first 4 GiB mapped one to one by
 * 2 MiB pages; then main().  Application processors come in through ap_start
 * (copied below 1 MiB) and call ap_main(index).
 * Source: Multiboot Specification 0.6.96; SDM vol. 3A, 9.8.5 "Initializing
 * IA-32e Mode".
 */
#define STACK_BYTES 16384
#define MAX_CPUS    8

        .section .multiboot, "a"
        .align 4
        .long 0x1badb002, 0x3, -(0x1badb002 + 0x3)

        .section .text
        .code32
        .globl _start
_start: cli
        cld
        mov     %ebx, boot_info
        mov     $stacks + STACK_BYTES, %esp
        /* Zeroed by the loader: fill the page tables. */
        mov     $pdpt, %eax
        or      $7, %eax
        mov     %eax, pml4
        mov     $pd, %eax
        or      $7, %eax
        xor     %ecx, %ecx
1:      mov     %eax, pdpt(,%ecx,8)
        add     $4096, %eax
        inc     %ecx
        cmp     $4, %ecx
        jne     1b
        mov     $0x83, %eax /* supervisor, 2 MiB */
        xor     %ecx, %ecx
2:      mov     %eax, pd(,%ecx,8)
        add     $0x200000, %eax
        inc     %ecx
        cmp     $2048, %ecx
        jne     2b
        xor     %edi, %edi

/* Into long mode; EDI is the index of the CPU, ESP its stack. */
long_mode:
        mov     %cr4, %eax
        or      $0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
        mov     %eax, %cr4
        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x901, %eax /* SCE, LME, NXE */
        wrmsr
        mov     %cr0, %eax
        and     $~0x6000000c, %eax /* caches on, EM and TS off */
        or      $0x80010033, %eax  /* PG, WP, NE, ET, MP, PE */
        mov     %eax, %cr0
        lgdt    gdt_ptr
        ljmp    $0x08, $1f
        .code64
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        fninit
        test    %edi, %edi
        jnz     2f
        call    runtime_init
        call    main
        mov     %eax, %edi
        call    finish
2:      call    ap_enter
3:      cli
        hlt
        jmp     3b

/* Copied to 0x8000: what a startup IPI with vector 8 runs. */
        .code16
        .globl  ap_start, ap_start_end
ap_start:
        cli
        xor     %ax, %ax
        mov     %ax, %ds
        lgdtl   0x8000 + (ap_gdt_ptr - ap_start)
        mov     %cr0, %eax
        or      $1, %eax
        mov     %eax, %cr0
        ljmpl   $0x18, $ap_start32
        .align  4
ap_gdt_ptr:
        .word   gdt_end - gdt - 1
        .long   gdt
ap_start_end:
        .code32
ap_start32:
        mov     $0x20, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $1, %edi
        lock xadd %edi, ap_count
        mov     %edi, %eax
        imul    $STACK_BYTES, %eax
        lea     stacks + STACK_BYTES(%eax), %esp
        jmp     long_mode

        .code64
/* One entry for each vector: pushes a zero where the CPU pushes no code. */
        .macro  vector n
        .align  16
        .if     !((\n == 8) || (\n >= 10 && \n <= 14) || (\n == 17) || \
                  (\n == 21) || (\n == 29) || (\n == 30))
        push    $0
        .endif
        push    $\n
        jmp     common
        .endm
        .align  16
        .globl  vectors
vectors:
        .set    i, 0
        .rept   256
        vector  i
        .set    i, i + 1
        .endr

common: push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        mov     %rsp, %rbp
        and     $-16, %rsp
        cld
        call    handle_vector
        mov     %rbp, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        iretq

/*
 * leave_long_mode(code): call 32-bit code in protected mode without paging,
 * and come back.  The caller loads IDTR and TR anew.
 */
        .globl  leave_long_mode
leave_long_mode:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, long_rsp
        mov     %edi, %ebx
        pushq   $0x18
        pushq   $1f
        lretq
        .code32
1:      mov     $0x20, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %cr0, %eax
        btr     $31, %eax
        mov     %eax, %cr0
        mov     $0xc0000080, %ecx
        rdmsr
        btr     $8, %eax
        wrmsr
        call    *%ebx
        cli
        lgdt    gdt_ptr
        mov     %cr4, %eax
        or      $0x20, %eax
        mov     %eax, %cr4
        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        or      $0x80010033, %eax
        mov     %eax, %cr0
        ljmp    $0x08, $2f
        .code64
2:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        clts
        mov     long_rsp, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

/*
 * change_paging(cr4, cr3): through compatibility mode, whose code may turn
 * paging off.
 */
        .globl  change_paging
change_paging:
        push    %rbx
        pushq   $0x18
        pushq   $1f
        lretq
        .code32
1:      mov     %cr0, %eax
        btr     $31, %eax
        mov     %eax, %cr0
        mov     %edi, %cr4
        mov     %esi, %cr3
        bts     $31, %eax
        mov     %eax, %cr0
        ljmp    $0x08, $2f
        .code64
2:      pop     %rbx
        ret

        .data
        .align  16
long_rsp:
        .quad   0
        .globl  gdt, gdt_end, ap_count, boot_info
boot_info:
        .quad   0
        .align  16
gdt:    .quad   0
        .quad   0x00af9b000000ffff /* 08 code, 64 bits */
        .quad   0x00cf93000000ffff /* 10 data */
        .quad   0x00cf9b000000ffff /* 18 code, 32 bits */
        .quad   0x00cf93000000ffff /* 20 data */
        .quad   0x00cffb000000ffff /* 28 user code, 32 bits */
        .quad   0x00cff3000000ffff /* 30 user data */
        .quad   0x00affb000000ffff /* 38 user code, 64 bits */
        .quad   0x00009b000000ffff /* 40 code, 16 bits */
        .quad   0                  /* 48 TSS, filled by runtime_init */
        .quad   0
        .fill   21, 8, 0           /* 58 to f8: for tests */
gdt_end:
gdt_ptr:
        .word   gdt_end - gdt - 1
        .quad   gdt
ap_count:
        .long   1

        .bss
        .align  4096
        .globl  pml4, pdpt, pd
pml4:   .skip   4096
pdpt:   .skip   4096
pd:     .skip   4 * 4096
stacks: .skip   STACK_BYTES * (MAX_CPUS + 1)

        .section .note.GNU-stack, "", @progbits
