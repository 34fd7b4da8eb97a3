/* SPDX-License-Identifier: MIT */
/*
 * Option ROM that starts a Linux kernel given by -kernel.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst, "The Linux/x86 Boot
 * Protocol".  hw/i386/loader_linux.c has laid out the parts, all of them
 * items of fw_cfg; we put them in place and enter the real-mode code.
 */
#include "optrom.h"

#define SETUP_RAMDISK_IMAGE 0x218
#define STACK_GAP           16          /* below the command line */

        OPTROM_HEADER linux_boot, "Linux loader"

linux_boot:
        cli
        cld
        OPTROM_LOAD FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA
        OPTROM_LOAD FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, \
                    FW_CFG_CMDLINE_DATA
        OPTROM_LOAD FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA

        movl    $FW_CFG_SETUP_ADDR, %eax
        call    fw_cfg_read_u32
        movl    %eax, %esi              /* kept up to the jump */

/* The initial RAM disk goes where the host proposes, or lower if the BIOS has
 * taken the top of memory for itself. */
        movl    $FW_CFG_INITRD_SIZE, %eax
        call    fw_cfg_read_u32
        testl   %eax, %eax
        jz      start_kernel
        pushl   %eax
        movl    $FW_CFG_INITRD_ADDR, %eax
        call    fw_cfg_read_u32
        popl    %ecx
        pushl   %eax
        pushl   %ecx
        call    memory_top
        popl    %ecx
        popl    %edi
        subl    %ecx, %eax
        jc      load_failed
        andl    $~0xfff, %eax
        cmpl    %eax, %edi
        jbe     1f
        movl    %eax, %edi
1:      movl    %esi, %eax
        shrl    $4, %eax
        movw    %ax, %es
        movl    %edi, %es:SETUP_RAMDISK_IMAGE
        movl    $FW_CFG_INITRD_DATA, %eax
        call    fw_cfg_read

start_kernel:
        movl    $FW_CFG_CMDLINE_ADDR, %eax
        call    fw_cfg_read_u32
        subl    %esi, %eax
        subl    $STACK_GAP, %eax
        shrl    $4, %esi
        cli
        movw    %si, %ds
        movw    %si, %es
        movw    %si, %fs
        movw    %si, %gs
        movw    %si, %ss
        movl    %eax, %esp
        addw    $0x20, %si              /* the entry is 200h bytes in */
        pushw   %si
        pushw   $0
        lret

/* End of the RAM that begins at 1 MiB, in %eax; clobbers %ebx, %ecx, %edx. */
memory_top:
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movw    $0xe801, %ax
        int     $0x15
        cli
        jc      load_failed
        movzwl  %dx, %eax               /* 64 KiB blocks above 16 MiB */
        testl   %eax, %eax
        jz      1f
        shll    $16, %eax
        addl    $0x1000000, %eax
        ret
1:      movzwl  %cx, %eax               /* KiB between 1 and 16 MiB */
        shll    $10, %eax
        addl    $0x100000, %eax
        ret

        OPTROM_SUBROUTINES
