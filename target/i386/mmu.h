/* SPDX-License-Identifier: MIT */
/* Linear to physical addresses. */
#ifndef HEDDLE_TARGET_I386_MMU_H
#define HEDDLE_TARGET_I386_MMU_H

#include "target/i386/cpu.h"

/* Error code of #PF: SDM vol. 3A, 4.7 "Page-Fault Exceptions" */
#define PF_P    BIT(0)
#define PF_W    BIT(1)
#define PF_U    BIT(2)
#define PF_RSVD BIT(3)
#define PF_I    BIT(4)
#define PF_PK   BIT(5)

typedef struct PageWalk {
    hwaddr phys;        /* of the byte asked for, A20 mask applied */
    int prot;           /* PAGE_*: what a TLB entry may allow */
    unsigned page_bits; /* log2 of the guest's page size */
    bool global;
    uint32_t error;     /* PF_*, when the walk failed */
} PageWalk;

/*
 * Walk the guest page tables for one linear address.
 * @la      canonical linear address (below 4 GiB outside long mode)
 * @access  one of PAGE_READ, PAGE_WRITE, PAGE_EXEC; 0 for a debugger: no
 *          permission is checked and no accessed or dirty bit set
 * @mmu     MMU_*
 * Returns  false on a fault: out->error is set, CR2 is not written
 * Locks    none; opens RCU read sections of its own
 * Source   SDM vol. 3A, chapter 4 "Paging"
 */
bool x86_page_walk(X86CPU *cpu, vaddr la, int access, unsigned mmu,
                   PageWalk *out);

/* Load the four PDPTEs of PAE paging from @cr3; false, and nothing is
 * changed, if one has reserved bits set: #GP(0).
 * Source  SDM vol. 3A, 4.4.1 "PDPTE Registers" */
bool x86_load_pdptes(X86CPU *cpu, uint64_t cr3);

/*
 * CR3 or CR4.PCIDE has changed: go to the address space that they name, with
 * @flush without what is remembered of its pages (but global ones).
 * Source   SDM vol. 3A, 4.10.1 "Process-Context Identifiers (PCIDs)"
 */
void x86_enter_space(X86CPU *cpu, bool flush);

/* Load PKRU, and make the soft TLB forget what that changes.
 * Source   SDM vol. 3A, 4.6.2 "Protection Keys" */
void x86_set_pkru(X86CPU *cpu, uint32_t value);

/* Byte @n of an access at @la: outside 64-bit code linear addresses wrap at
 * 4 GiB.  Source: SDM vol. 1, 3.3.7.1 "Canonical Addressing" */
static inline vaddr x86_linear_add(const X86CPU *cpu, vaddr la, unsigned n)
{
    return cpu->hflags & HF_CS64 ? la + n : (uint32_t)(la + n);
}

/* The faults of a store of @size (MO_16 to MO_64), an operand or a part of one
 * that will be stored when the others have been probed; @op has no size. */
void x86_probe_store(X86CPU *cpu, vaddr addr, MemOp size, MemOp op);

/* CPUOps.get_phys_debug */
bool x86_get_phys_debug(CPUState *cs, vaddr va, hwaddr *pa);

#endif
