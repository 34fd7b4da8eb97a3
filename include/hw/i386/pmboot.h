/* SPDX-License-Identifier: MIT */
/*
 * Head of the "set-up" item of a kernel that is started in protected mode:
 * what hw/i386/loader_pm.c tells roms/pmboot.S.  Each field is 32 bits, little
 * endian.  Fields named _AT and MAP are offsets in the item itself, where 0
 * stands for "not wanted".  Also included by the assembler: only macros.
 */
#ifndef HEDDLE_HW_I386_PMBOOT_H
#define HEDDLE_HW_I386_PMBOOT_H

#define PMBOOT_ENTRY        0  /* where to jump, and with what: */
#define PMBOOT_EAX          4
#define PMBOOT_EBX          8
#define PMBOOT_MAP          12 /* room for the memory map */
#define PMBOOT_MAP_MAX      16 /* entries that fit */
#define PMBOOT_MAP_LEAD     20 /* bytes of an entry before the BIOS's 20 */
#define PMBOOT_MAP_UNIT     24 /* the count is stored times this */
#define PMBOOT_MAP_COUNT_AT 28
#define PMBOOT_SIZES_AT     32 /* two words: KiB of low and of high memory */
#define PMBOOT_RSDP_AT      36
#define PMBOOT_HEAD_BYTES   40

#define PMBOOT_MAP_ENTRY_BYTES 24

#endif
