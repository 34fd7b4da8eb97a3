/* SPDX-License-Identifier: MIT */
/*
 * Paging: 32-bit (with PSE and PSE-36), PAE, 4-level and 5-level, and the fill
 * of the soft TLB.
 *
 * A walk reads all entries first, decides, then sets accessed and dirty bits
 * by compare-and-exchange; if another processor changed an entry meanwhile it
 * starts again.  So no bit is ever set for an access that faults, and none is
 * lost.
 *
 * Protection keys are folded into what a TLB entry allows; a change of PKRU
 * forgets the entries if it concerns a key that one of them was made with.
 *
 * Not implemented: SMM's own view, memory types.
 * Source: SDM vol. 3A, chapter 4 "Paging".
 */
#include "target/i386/mmu.h"

#include <string.h>

#include "exec/ldst.h"
#include "exec/memory.h"
#include "exec/translator.h"
#include "target/i386/cpuid.h"
#include "target/i386/excp.h"
#include "target/i386/seg.h"
#include "util/log.h"
#include "util/rcu.h"

/* Bits of paging-structure entries: SDM vol. 3A, tables 4-5 to 4-20. */
#define PTE_P      BIT64(0)
#define PTE_W      BIT64(1)
#define PTE_U      BIT64(2)
#define PTE_A      BIT64(5)
#define PTE_D      BIT64(6)
#define PTE_PS     BIT64(7)
#define PTE_G      BIT64(8)
#define PTE_NX     BIT64(63)
#define PTE_PKEY_SHIFT 59 /* to 62 */
#define PTE_ADDR       0x000ffffffffff000ull
#define PTE_PAT_PS     BIT64(12) /* of a large page's entry */
#define PTE_PAT        BIT64(7)  /* of a 4 KiB page's entry */
/* PSE-36: bits 20:13 of a 4 MiB page's entry are address bits 39:32. */
#define PDE4M_ADDR 0xffc00000ull
#define PDE4M_HIGH 0x003fe000ull /* and bit 21, which is always reserved */
#define PDE4M_MAX  40            /* address bits that it can tell */
#define PDPTE_RSVD 0x1e6ull      /* besides address bits that do not exist */
#define MAX_LEVELS 5

typedef struct PageEntry {
    hwaddr addr;
    uint64_t value;
    uint64_t set; /* bits to set if the access is good */
} PageEntry;

typedef struct Walker {
    X86CPU *cpu;
    vaddr la;
    unsigned entry_bytes; /* 4 or 8 */
    unsigned index_bits;  /* 10 or 9 */
    unsigned nentries;
    uint64_t rsvd; /* bits that entries of eight bytes reserve */
    PageEntry entry[MAX_LEVELS];
    uint64_t perms;       /* and of PTE_W and PTE_U, or of PTE_NX */
} Walker;

static uint64_t entry_read(X86CPU *cpu, hwaddr addr, unsigned bytes)
{
    uint64_t len = bytes;
    void *host;

    RCU_READ_GUARD();
    host = memory_host_ptr_rcu(&address_space_memory, addr, false, &len);
    if (likely(host && len == bytes)) {
        return bytes == 8 ? __atomic_load_n((uint64_t *)host, __ATOMIC_ACQUIRE)
                          : __atomic_load_n((uint32_t *)host,
                                            __ATOMIC_ACQUIRE);
    }
    return address_space_load(&address_space_memory, addr, bytes, NULL);
}

static bool host_cmpxchg(void *host, unsigned bytes, uint64_t old,
                         uint64_t value)
{
    if (bytes == 8) {
        return __atomic_compare_exchange_n((uint64_t *)host, &old, value,
                                           false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    } else {
        uint32_t old32 = (uint32_t)old;

        return __atomic_compare_exchange_n((uint32_t *)host, &old32,
                                           (uint32_t)value, false,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
}

/* Set accessed and dirty bits; false if the entry has changed.  Tables in ROM
 * or device memory stay as they are. */
static bool entry_update(const PageEntry *e, unsigned bytes)
{
    uint64_t len = bytes;
    ram_addr_t ram;
    void *host;

    RCU_READ_GUARD();
    host = memory_host_ptr_rcu(&address_space_memory, e->addr, true, &len);
    if (!host || len != bytes) {
        return true;
    }
    if (!host_cmpxchg(host, bytes, e->value, e->value | e->set)) {
        return false;
    }
    ram = ram_addr_of_host(host);
    if (!ram_is_dirty(ram, DIRTY_CODE)) {
        tb_invalidate_ram_range(ram, bytes);
    }
    ram_set_dirty(ram, bytes);
    return true;
}

/* Of a 4 MiB page's entry: SDM vol. 3A, table 4-4, where M is the number of
 * address bits. */
static uint64_t pde4m_reserved(const X86CPU *cpu)
{
    unsigned m = x86_has_feature(cpu, FEAT_PSE36)
                     ? MIN(cpu->features->phys_bits, PDE4M_MAX)
                     : 32;

    return PDE4M_HIGH & ~(BIT64(m - 19) - 1);
}

/* The highest level whose entries may map a page. */
static unsigned top_leaf_level(const X86CPU *cpu)
{
    return x86_has_feature(cpu, FEAT_PDPE1GB) ? 3 : 2;
}

/* What every entry of this walk reserves. */
static uint64_t common_reserved(const X86CPU *cpu)
{
    uint64_t rsvd = PTE_ADDR & ~x86_phys_mask(cpu);

    if (!(cpu->efer & EFER_NXE)) {
        rsvd |= PTE_NX;
    }
    if (!x86_is_long(cpu)) {
        rsvd |= 0x7ff0000000000000ull; /* PAE: ignored in long mode only */
    }
    return rsvd;
}

/* Reserved bits of a present entry at @level (1: what maps a 4 KiB page). */
static uint64_t reserved_bits(const Walker *w, unsigned level, uint64_t value)
{
    bool large = level > 1 && (value & PTE_PS);
    uint64_t rsvd = w->rsvd;

    if (w->entry_bytes == 4) {
        large = large && (w->cpu->cr4 & CR4_PSE);
        rsvd = large ? pde4m_reserved(w->cpu) : 0;
    } else if (large && level > top_leaf_level(w->cpu)) {
        rsvd |= PTE_PS;
    } else if (large) {
        rsvd |= (BIT64(12 + 9 * (level - 1)) - 1) & PTE_ADDR & ~PTE_PAT_PS;
    }
    if (!x86_has_feature(w->cpu, FEAT_PAT)) {
        rsvd |= level == 1 ? PTE_PAT : large ? PTE_PAT_PS : 0;
    }
    return rsvd;
}

static bool is_leaf(const Walker *w, unsigned level, uint64_t value)
{
    if (level == 1) {
        return true;
    }
    if (w->entry_bytes == 4 && !(w->cpu->cr4 & CR4_PSE)) {
        return false;
    }
    return value & PTE_PS;
}

/* Physical address of the byte, from the leaf's @value at @level. */
static hwaddr leaf_address(const Walker *w, unsigned level, uint64_t value)
{
    unsigned bits = PAGE_BITS + w->index_bits * (level - 1);
    uint64_t mask = BIT64(bits) - 1;
    uint64_t base;

    if (w->entry_bytes == 4 && level == 2) {
        base = (value & PDE4M_ADDR) | extract64(value, 13, 8) << 32;
    } else {
        base = value & PTE_ADDR & ~mask;
    }
    return base | (w->la & mask);
}

/*
 * From the table at @table down to a leaf, gathering entries.  Returns the
 * level of the leaf, or 0: *error has PF_P and PF_RSVD.
 */
static unsigned walk_down(Walker *w, hwaddr table, unsigned level,
                          uint32_t *error)
{
    uint64_t nx = 0;

    w->perms = PTE_W | PTE_U;
    for (;; level--) {
        unsigned shift = PAGE_BITS + w->index_bits * (level - 1);
        unsigned index = extract64(w->la, shift, w->index_bits);
        PageEntry *e = &w->entry[w->nentries++];

        e->addr = (table + index * w->entry_bytes) & w->cpu->a20_mask;
        e->value = entry_read(w->cpu, e->addr, w->entry_bytes);
        e->set = PTE_A & ~e->value;
        if (!(e->value & PTE_P)) {
            *error = 0;
            return 0;
        }
        if (e->value & reserved_bits(w, level, e->value)) {
            *error = PF_P | PF_RSVD;
            return 0;
        }
        w->perms &= e->value;
        nx |= e->value & PTE_NX;
        if (is_leaf(w, level, e->value)) {
            w->perms |= nx;
            return level;
        }
        table = e->value & (w->entry_bytes == 8 ? PTE_ADDR : 0xfffff000);
    }
}

/* Where the walk starts; false when a PAE PDPTE is not present. */
static bool walk_root(Walker *w, hwaddr *table, unsigned *level)
{
    X86CPU *cpu = w->cpu;
    uint64_t pdpte;

    w->entry_bytes = 8;
    w->index_bits = 9;
    w->rsvd = common_reserved(cpu);
    if (x86_is_long(cpu)) {
        *table = cpu->cr3 & PTE_ADDR;
        *level = cpu->cr4 & CR4_LA57 ? 5 : 4;
    } else if (cpu->cr4 & CR4_PAE) {
        pdpte = cpu->pdpte[extract64(w->la, 30, 2)];
        *table = pdpte & PTE_ADDR;
        *level = 2;
        return pdpte & PTE_P;
    } else {
        w->entry_bytes = 4;
        w->index_bits = 10;
        *table = cpu->cr3 & 0xfffff000;
        *level = 2;
    }
    return true;
}

/* SDM vol. 3A, 4.6.1 "Determination of Access Rights" */
static int allowed_access(const X86CPU *cpu, unsigned mmu, uint64_t perms)
{
    bool user_page = perms & PTE_U;
    bool user = mmu == MMU_USER;
    int prot = 0;

    if (user ? user_page : mmu != MMU_KERNEL_SMAP || !user_page) {
        prot = PAGE_READ;
        if ((perms & PTE_W) || (!user && !(cpu->cr0 & CR0_WP))) {
            prot |= PAGE_WRITE;
        }
    }
    if (!(perms & PTE_NX) &&
        (user ? user_page : !(user_page && (cpu->cr4 & CR4_SMEP)))) {
        prot |= PAGE_EXEC;
    }
    return prot;
}

/* What PKRU denies at a page whose leaf is @leaf: SDM vol. 3A, 4.6.2
 * "Protection Keys". */
static int pkey_denies(X86CPU *cpu, unsigned mmu, uint64_t perms,
                       uint64_t leaf)
{
    unsigned key = extract64(leaf, PTE_PKEY_SHIFT, 4);
    uint32_t rights = cpu->pkru >> (2 * key) & 3;
    int denied = 0;

    if (!(cpu->cr4 & CR4_PKE) || !x86_is_long(cpu) || !(perms & PTE_U)) {
        return 0;
    }
    cpu->pkeys_used |= BIT(key);
    if (rights & PKRU_AD) {
        denied = PAGE_READ | PAGE_WRITE;
    } else if ((rights & PKRU_WD) &&
               (mmu == MMU_USER || (cpu->cr0 & CR0_WP))) {
        denied = PAGE_WRITE;
    }
    return denied;
}

static uint32_t access_error(const X86CPU *cpu, int access, unsigned mmu)
{
    uint32_t error = 0;

    if (access == PAGE_WRITE) {
        error |= PF_W;
    }
    if (mmu == MMU_USER) {
        error |= PF_U;
    }
    if (access == PAGE_EXEC &&
        ((cpu->cr4 & CR4_SMEP) ||
         ((cpu->cr4 & CR4_PAE) && (cpu->efer & EFER_NXE)))) {
        error |= PF_I;
    }
    return error;
}

/* Set what the access sets; false when the walk must be done again. */
static bool commit_bits(Walker *w, int access)
{
    PageEntry *leaf = &w->entry[w->nentries - 1];

    if (access == PAGE_WRITE) {
        leaf->set |= PTE_D & ~leaf->value;
    }
    for (unsigned i = 0; i < w->nentries; i++) {
        if (w->entry[i].set &&
            !entry_update(&w->entry[i], w->entry_bytes)) {
            return false;
        }
    }
    return true;
}

typedef enum WalkResult { WALK_OK, WALK_FAULT, WALK_AGAIN } WalkResult;

static WalkResult walk_once(X86CPU *cpu, vaddr la, int access, unsigned mmu,
                            PageWalk *out)
{
    Walker w = {.cpu = cpu, .la = la};
    const PageEntry *leaf;
    int denied;
    hwaddr table;
    unsigned level;

    out->error = 0;
    if (!walk_root(&w, &table, &level)) {
        return WALK_FAULT;
    }
    level = walk_down(&w, table, level, &out->error);
    if (!level) {
        return WALK_FAULT;
    }
    leaf = &w.entry[w.nentries - 1];
    out->phys = leaf_address(&w, level, leaf->value) & cpu->a20_mask;
    out->page_bits = PAGE_BITS + w.index_bits * (level - 1);
    out->global = (leaf->value & PTE_G) && (cpu->cr4 & CR4_PGE);
    denied = pkey_denies(cpu, mmu, w.perms, leaf->value);
    out->prot = allowed_access(cpu, mmu, w.perms) & ~denied;
    if (!access) {
        return WALK_OK;
    }
    if (!(out->prot & access)) {
        out->error = PF_P | (denied & access ? PF_PK : 0);
        return WALK_FAULT;
    }
    if (access != PAGE_WRITE && !(leaf->value & PTE_D)) {
        out->prot &= ~PAGE_WRITE; /* the first store comes back, to set D */
    }
    return commit_bits(&w, access) ? WALK_OK : WALK_AGAIN;
}

bool x86_page_walk(X86CPU *cpu, vaddr la, int access, unsigned mmu,
                   PageWalk *out)
{
    WalkResult result;

    if (!(cpu->cr0 & CR0_PG)) {
        *out = (PageWalk){
            .phys = la & cpu->a20_mask,
            .prot = PAGE_READ | PAGE_WRITE | PAGE_EXEC,
            .page_bits = PAGE_BITS,
        };
        return true;
    }
    do {
        result = walk_once(cpu, la, access, mmu, out);
    } while (result == WALK_AGAIN);
    if (result == WALK_FAULT) {
        out->error |= access_error(cpu, access, mmu);
    }
    return result == WALK_OK;
}

bool x86_load_pdptes(X86CPU *cpu, uint64_t cr3)
{
    uint64_t reserved = PDPTE_RSVD | ~x86_phys_mask(cpu);
    uint64_t pdpte[4];

    for (unsigned i = 0; i < 4; i++) {
        hwaddr addr = ((cr3 & 0xffffffe0) + 8 * i) & cpu->a20_mask;

        pdpte[i] = entry_read(cpu, addr, 8);
        if ((pdpte[i] & PTE_P) && (pdpte[i] & reserved)) {
            return false;
        }
    }
    memcpy(cpu->pdpte, pdpte, sizeof(pdpte));
    return true;
}

void x86_enter_space(X86CPU *cpu, bool flush)
{
    bool pcid = cpu->cr4 & CR4_PCIDE;

    tlb_switch(&cpu->cs, pcid ? cpu->cr3 & CR3_PCID : 0, flush);
}

void x86_set_pkru(X86CPU *cpu, uint32_t value)
{
    uint32_t changed = cpu->pkru ^ value;

    cpu->pkru = value;
    if (!changed) {
        return;
    }
    for (unsigned key = 0; key < 16; key++) {
        if ((changed >> (2 * key) & 3) && (cpu->pkeys_used >> key & 1)) {
            cpu->pkeys_used = 0;
            tlb_flush(&cpu->cs, TLB_FLUSH_PKRU);
            return;
        }
    }
}

static G_NORETURN void raise_page_fault(X86CPU *cpu, vaddr la, uint32_t error)
{
    cpu->cr2 = la;
    log_printf(LOG_MMU, "page fault: la=" VADDR_FMT " error=%x\n", la, error);
    x86_raise_error(cpu, EXCP_PF, error);
}

bool x86_tlb_fill(X86CPU *cpu, vaddr addr, int access, unsigned mmu,
                  MemOp op, bool probe)
{
    vaddr la = addr;
    PageWalk walk;

    /* The entry is filled for the address as it came: what is added to it
     * must lead to the page that was found, wrapped or not. */
    if (!x86_is_long(cpu)) {
        la = (uint32_t)addr;
    } else if (!x86_is_canonical(cpu, addr)) {
        if (probe) {
            return false;
        }
        x86_check_access(cpu, addr, op);
    }
    if (!x86_page_walk(cpu, la, access, mmu, &walk)) {
        if (probe) {
            return false;
        }
        if (access == PAGE_EXEC) {
            x86_breakpoint_before_fetch(cpu);
        }
        raise_page_fault(cpu, la, walk.error);
    }
    tlb_set_page(&cpu->cs, addr & PAGE_MASK, walk.phys & PAGE_MASK, walk.prot,
                 mmu, walk.page_bits, walk.global);
    return true;
}

/* Alignment checks know no type of more than 16 bytes: SDM vol. 3A, table 6-7
 * "Alignment Requirements by Data Type". */
void x86_check_access(X86CPU *cpu, vaddr addr, MemOp op)
{
    unsigned bytes = memop_bytes(op);

    if ((op & MO_ALIGN) && (addr & (bytes - 1))) {
        x86_raise_gp0(cpu);
    }
    if (x86_is_long(cpu) && (!x86_is_canonical(cpu, addr) ||
                             !x86_is_canonical(cpu, addr + bytes - 1))) {
        x86_raise_error(cpu, op & MO_SS ? EXCP_SS : EXCP_GP, 0);
    }
    /* In a segment with a base it wraps. */
    if ((op & MO_FLAT) && (uint32_t)addr > UINT32_MAX - (bytes - 1)) {
        x86_raise_error(cpu, op & MO_SS ? EXCP_SS : EXCP_GP, 0);
    }
    if ((addr & (MIN(bytes, 16u) - 1)) && (op & MO_AC)) {
        x86_raise_error(cpu, EXCP_AC, 0);
    }
}

void x86_probe_store(X86CPU *cpu, vaddr addr, MemOp size, MemOp op)
{
    x86_check_access(cpu, addr, op | size);
    cpu_probe(&cpu->cs, addr, memop_bytes(size), PAGE_WRITE, op);
}

bool x86_get_phys_debug(CPUState *cs, vaddr va, hwaddr *pa)
{
    X86CPU *cpu = x86_cpu(cs);
    PageWalk walk;

    if (!x86_is_long(cpu)) {
        va = (uint32_t)va;
    } else if (!x86_is_canonical(cpu, va)) {
        return false;
    }
    if (!x86_page_walk(cpu, va, 0, MMU_KERNEL, &walk)) {
        return false;
    }
    *pa = walk.phys;
    return true;
}
