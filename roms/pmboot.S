/* SPDX-License-Identifier: MIT */
/*
 * Option ROM that starts a kernel in 32-bit protected mode: multiboot 1 and
 * PVH.
 *
 * Source: Multiboot Specification 0.6.96, 3.2 "Machine state"; Xen,
 * docs/misc/pvh.pandoc.  Both want a flat 32-bit machine, a magic number or
 * none, a pointer and a memory map, and differ in where these go, which the
 * head of the "set-up" item says (hw/i386/pmboot.h).  That item is loaded to a
 * 64 KiB segment of low memory.
 */
#include "optrom.h"
#include "hw/i386/pmboot.h"

#define SMAP         0x534d4150
#define E820_BYTES   20
#define CR0_PE       0x01
#define BOOT_STACK   0x7c00
#define SELECTOR_CS  0x08
#define SELECTOR_DS  0x10

        OPTROM_HEADER pm_boot, "Multiboot and PVH loader"

pm_boot:
        cli
        cld
        OPTROM_LOAD FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA
        OPTROM_LOAD FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA
        OPTROM_LOAD FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA
        movl    $FW_CFG_SETUP_ADDR, %eax
        call    fw_cfg_read_u32
        shrl    $4, %eax
        movw    %ax, %es

        call    fill_memory_map
        call    fill_memory_sizes
        call    fill_rsdp

/* The global descriptors are in this ROM; their pointer is on the stack. */
        cli
        xorl    %eax, %eax
        movw    %cs, %ax
        shll    $4, %eax
        leal    gdt(%eax), %ebx
        leal    protected_mode(%eax), %ecx
        pushl   %ebx
        pushw   $gdt_end - gdt - 1
        movw    %sp, %bp
        lgdtl   (%bp)
        movl    %es:PMBOOT_ENTRY, %esi
        movl    %es:PMBOOT_EAX, %edi
        movl    %es:PMBOOT_EBX, %ebx
        movl    %cr0, %eax
        orb     $CR0_PE, %al
        movl    %eax, %cr0
        pushl   $SELECTOR_CS
        pushl   %ecx
        lretl

        .code32
protected_mode:
        movw    $SELECTOR_DS, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %fs
        movw    %ax, %gs
        movw    %ax, %ss
        movl    $BOOT_STACK, %esp
        movl    %edi, %eax
        jmp     *%esi
        .code16

/* The BIOS's map, 24 bytes an entry, as many as there is room for; then their
 * number times the unit where the head says. */
fill_memory_map:
        movw    %es:PMBOOT_MAP, %di
        xorl    %ebx, %ebx
        xorw    %bp, %bp
1:      cmpw    %es:PMBOOT_MAP_MAX, %bp
        jae     2f
        movl    $0xe820, %eax
        movl    $E820_BYTES, %ecx
        movl    $SMAP, %edx
        pushw   %di
        pushw   %bp
        addw    %es:PMBOOT_MAP_LEAD, %di
        int     $0x15
        popw    %bp
        popw    %di
        jc      2f
        cmpl    $SMAP, %eax
        jne     2f
        addw    $PMBOOT_MAP_ENTRY_BYTES, %di
        incw    %bp
        testl   %ebx, %ebx
        jnz     1b
2:      movzwl  %bp, %eax
        mull    %es:PMBOOT_MAP_UNIT
        movw    %es:PMBOOT_MAP_COUNT_AT, %di
        movl    %eax, %es:(%di)
        ret

/* KiB below 640 KiB and from 1 MiB up, if the head asks for them. */
fill_memory_sizes:
        movw    %es:PMBOOT_SIZES_AT, %di
        testw   %di, %di
        jz      1f
        int     $0x12
        movzwl  %ax, %eax
        movl    %eax, %es:(%di)
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movw    $0xe801, %ax
        int     $0x15
        jc      1f
        movzwl  %dx, %edx               /* 64 KiB blocks above 16 MiB */
        shll    $6, %edx
        movzwl  %cx, %ecx               /* KiB between 1 and 16 MiB */
        addl    %ecx, %edx
        movl    %edx, %es:4(%di)
1:      ret

/* Where the ACPI root pointer is, if the head asks for it: on a 16-byte
 * boundary between E0000h and FFFFFh. */
fill_rsdp:
        movw    %es:PMBOOT_RSDP_AT, %di
        testw   %di, %di
        jz      3f
        movw    $0xe000, %ax
1:      movw    %ax, %gs
        cmpl    $0x20445352, %gs:0      /* "RSD " */
        jne     2f
        cmpl    $0x20525450, %gs:4      /* "PTR " */
        jne     2f
        movzwl  %ax, %eax
        shll    $4, %eax
        movl    %eax, %es:(%di)
        ret
2:      incw    %ax
        jnz     1b
3:      ret

        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      /* code: flat, 32-bit */
        .quad   0x00cf93000000ffff      /* data: flat */
gdt_end:

        OPTROM_SUBROUTINES
