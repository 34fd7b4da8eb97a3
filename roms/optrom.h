/* SPDX-License-Identifier: MIT */
/*
 * What our option ROMs share: header, boot entry, fw_cfg DMA.  16-bit code.
 *
 * Source: Plug and Play BIOS Specification 1.0A, 3.2 "Expansion Header for
 * Option ROMs"; fw_cfg specification.  The size byte and both checksums are
 * filled in by scripts/embed.py.
 * The ROM is read-only when it boots, so all data lives on the BIOS's stack.
 */
#ifndef HEDDLE_ROMS_OPTROM_H
#define HEDDLE_ROMS_OPTROM_H

/* Keys of fw_cfg; include/hw/nvram/fw_cfg.h has them all. */
#define FW_CFG_KERNEL_ADDR  0x07
#define FW_CFG_KERNEL_SIZE  0x08
#define FW_CFG_INITRD_ADDR  0x0a
#define FW_CFG_INITRD_SIZE  0x0b
#define FW_CFG_KERNEL_DATA  0x11
#define FW_CFG_INITRD_DATA  0x12
#define FW_CFG_CMDLINE_ADDR 0x13
#define FW_CFG_CMDLINE_SIZE 0x14
#define FW_CFG_CMDLINE_DATA 0x15
#define FW_CFG_SETUP_ADDR   0x16
#define FW_CFG_SETUP_SIZE   0x17
#define FW_CFG_SETUP_DATA   0x18

#define FW_CFG_DMA_HIGH     0x514
#define FW_CFG_DMA_LOW      0x518
#define DMA_ERROR           0x01
#define DMA_READ_SELECT     0x0a /* DMA_CTL_READ | DMA_CTL_SELECT */

/* The header; firmware calls the near end of it at start-up and @entry to
 * boot, shown in the menu as the string @product. */
.macro OPTROM_HEADER entry, product
        .code16
        .text
        .globl  _start
_start:
        .word   0xaa55
        .byte   0                       /* size in 512 bytes */
        movw    $0x20, %ax              /* a boot device is there */
        lret
        .org    0x18
        .word   0                       /* no PCI data */
        .word   pnp_header
        .balign 16, 0
pnp_header:
        .ascii  "$PnP"
        .byte   0x01, 2                 /* revision, length / 16 */
        .word   0                       /* no other header */
        .byte   0, 0                    /* reserved, checksum */
        .long   0                       /* device identifier */
        .word   maker_name
        .word   product_name
        .byte   0, 0, 0                 /* device type */
        .byte   0x64                    /* a device to load from, cacheable */
        .word   0                       /* boot connection vector */
        .word   0                       /* disconnect vector */
        .word   \entry                  /* bootstrap entry vector */
        .word   0
        .word   0                       /* static resources */
maker_name:
        .asciz  "Heddle"
product_name:
        .asciz  "\product"
        .balign 4, 0
.endm

/* Read the item named by @data, whose address and size are items too. */
.macro OPTROM_LOAD addr, size, data
        movl    $\addr, %eax
        call    fw_cfg_read_u32
        pushl   %eax
        movl    $\size, %eax
        call    fw_cfg_read_u32
        movl    %eax, %ecx
        popl    %edi
        movl    $\data, %eax
        call    fw_cfg_read
.endm

.macro OPTROM_SUBROUTINES
/* Linear address of the stack's top in %edi. */
stack_address:
        xorl    %edi, %edi
        movw    %ss, %di
        shll    $4, %edi
        movzwl  %sp, %edx
        leal    2(%edi,%edx), %edi      /* above our return address */
        ret

/* Item %eax's first %ecx bytes to linear address %edi; clobbers these and %ebx,
 * %edx, %bp.  The control structure is built on the stack, last field
 * first, each in big endian. */
fw_cfg_read:
        bswapl  %edi
        pushl   %edi                    /* address, low half */
        pushl   $0                      /* address, high half */
        bswapl  %ecx
        pushl   %ecx                    /* length */
        shll    $16, %eax
        orl     $DMA_READ_SELECT, %eax
        bswapl  %eax
        pushl   %eax                    /* control */
        movw    %sp, %bp
        call    stack_address
        movl    %edi, %ebx
        xorl    %eax, %eax
        movw    $FW_CFG_DMA_HIGH, %dx
        outl    %eax, %dx
        movl    %ebx, %eax
        bswapl  %eax
        movw    $FW_CFG_DMA_LOW, %dx
        outl    %eax, %dx               /* starts the transfer */
1:      movl    (%bp), %eax
        bswapl  %eax
        testl   $~DMA_ERROR, %eax
        jnz     1b
        testb   $DMA_ERROR, %al
        jnz     load_failed
        addw    $16, %sp
        ret

/* Item %eax as a 32-bit number in %eax; clobbers %ebx, %ecx, %edx, %edi and
 * %bp. */
fw_cfg_read_u32:
        pushl   $0                      /* the number lands here */
        call    stack_address
        movl    $4, %ecx
        call    fw_cfg_read
        popl    %eax
        ret

load_failed:
        movw    %cs, %ax
        movw    %ax, %ds
        movw    $load_failed_text, %si
2:      lodsb
        testb   %al, %al
        jz      3f
        movb    $0x0e, %ah              /* teletype output */
        movw    $7, %bx
        int     $0x10
        jmp     2b
3:      int     $0x18                   /* the BIOS tries the next device */
4:      hlt
        jmp     4b
load_failed_text:
        .asciz  "Heddle: cannot load the kernel into memory\r\n"
.endm

#endif
