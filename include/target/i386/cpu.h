/* SPDX-License-Identifier: MIT */
/*
 * The x86 vCPU: architectural state, and what the rest of the program may ask
 * of it.  All of it belongs to the vCPU's own thread while the VM runs.
 * Bit and register names are the SDM's.
 */
#ifndef HEDDLE_TARGET_I386_CPU_H
#define HEDDLE_TARGET_I386_CPU_H

#include "exec/cpu.h"
#include "exec/memop.h"
#include "target/i386/apic-ops.h"

#define X86_PHYS_BITS 40 /* MAXPHYADDR of 64-bit models: CPUID 80000008h */

enum { R_RAX, R_RCX, R_RDX, R_RBX, R_RSP, R_RBP, R_RSI, R_RDI };
enum { R_ES, R_CS, R_SS, R_DS, R_FS, R_GS, NB_SEGS };

/* EFLAGS: SDM vol. 1, 3.4.3 "EFLAGS Register" */
#define EFLAGS_CF   BIT(0)
#define EFLAGS_PF   BIT(2)
#define EFLAGS_AF   BIT(4)
#define EFLAGS_ZF   BIT(6)
#define EFLAGS_SF   BIT(7)
#define EFLAGS_TF   BIT(8)
#define EFLAGS_IF   BIT(9)
#define EFLAGS_DF   BIT(10)
#define EFLAGS_OF   BIT(11)
#define EFLAGS_IOPL (3u << 12)
#define EFLAGS_NT   BIT(14)
#define EFLAGS_RF   BIT(16)
#define EFLAGS_VM   BIT(17)
#define EFLAGS_AC   BIT(18)
#define EFLAGS_VIF  BIT(19)
#define EFLAGS_VIP  BIT(20)
#define EFLAGS_ID   BIT(21)
/* The arithmetic ones live in X86CPU.cc, the rest in X86CPU.eflags. */
#define EFLAGS_CC \
    (EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF)

/* Control registers: SDM vol. 3A, 2.5 "Control Registers" */
#define CR0_PE BIT64(0)
#define CR0_MP BIT64(1)
#define CR0_EM BIT64(2)
#define CR0_TS BIT64(3)
#define CR0_ET BIT64(4)
#define CR0_NE BIT64(5)
#define CR0_WP BIT64(16)
#define CR0_AM BIT64(18)
#define CR0_NW BIT64(29)
#define CR0_CD BIT64(30)
#define CR0_PG BIT64(31)

#define CR4_VME        BIT64(0)
#define CR4_PVI        BIT64(1)
#define CR4_TSD        BIT64(2)
#define CR4_DE         BIT64(3)
#define CR4_PSE        BIT64(4)
#define CR4_PAE        BIT64(5)
#define CR4_MCE        BIT64(6)
#define CR4_PGE        BIT64(7)
#define CR4_PCE        BIT64(8)
#define CR4_OSFXSR     BIT64(9)
#define CR4_OSXMMEXCPT BIT64(10)
#define CR4_UMIP       BIT64(11)
#define CR4_LA57       BIT64(12)
#define CR4_FSGSBASE   BIT64(16)
#define CR4_PCIDE      BIT64(17)
#define CR4_OSXSAVE    BIT64(18)
#define CR4_SMEP       BIT64(20)
#define CR4_SMAP       BIT64(21)
#define CR4_PKE        BIT64(22)

#define CR3_PCID    0xfffull   /* with CR4.PCIDE */
#define CR3_NOFLUSH BIT64(63) /* of a value written; never stored */

/* The two bits that PKRU has for each protection key. */
#define PKRU_AD BIT(0) /* no access */
#define PKRU_WD BIT(1) /* no write */

#define EFER_SCE BIT64(0)
#define EFER_LME BIT64(8)
#define EFER_LMA BIT64(10)
#define EFER_NXE BIT64(11)

/* IA32_DEBUGCTL: SDM vol. 3B, 18.4.1. */
#define DEBUGCTL_BTF BIT64(1) /* EFLAGS.TF steps from branch to branch */

/* IA32_MISC_ENABLE: SDM vol. 4, table 2-2. */
#define MISC_ENABLE_FAST_STRINGS BIT64(0)
#define MISC_ENABLE_MONITOR      BIT64(18)
#define MISC_ENABLE_CPUID_LIMIT  BIT64(22) /* CPUID shows leaves up to 3 */
#define MISC_ENABLE_NO_XD        BIT64(34)

/* IA32_APIC_BASE: SDM vol. 3A, 11.4.4 "Local APIC Status and Location". */
#define APIC_BASE_BSP    BIT64(8)
#define APIC_BASE_X2APIC BIT64(10)
#define APIC_BASE_ENABLE BIT64(11)
#define APIC_BASE_PAGE   0xffffffffff000ull

/* Descriptor attributes, as in bits 8-23 of a descriptor's second word:
 * SDM vol. 3A, 3.4.5 "Segment Descriptors" */
#define DESC_TYPE_SHIFT 8
#define DESC_TYPE       (0xfu << 8)
#define DESC_A          BIT(8)  /* accessed */
#define DESC_W          BIT(9)  /* data: writable; code: readable */
#define DESC_E          BIT(10) /* data: expand down; code: conforming */
#define DESC_CODE       BIT(11)
#define DESC_S          BIT(12) /* code or data */
#define DESC_DPL_SHIFT  13
#define DESC_P          BIT(15)
#define DESC_L          BIT(21)
#define DESC_B          BIT(22) /* D/B */
#define DESC_G          BIT(23)

typedef struct SegmentCache {
    uint64_t base;
    uint32_t limit; /* in bytes: granularity is applied */
    uint32_t attr;  /* DESC_*; P clear: null or unusable */
    uint16_t selector;
} SegmentCache;

/* Bits of X86CPU.hflags: the state that translated code depends on.  They are
 * the flags of a TB. */
enum {
    HF_CPL = 3,
    HF_CS32 = BIT(2),     /* 32-bit default operand and address size */
    HF_CS64 = BIT(3),     /* 64-bit code segment, long mode active */
    HF_SS32 = BIT(4),     /* stack pointer is ESP (outside 64-bit code) */
    HF_PE = BIT(5),
    HF_VM = BIT(6),       /* virtual-8086 mode */
    HF_LMA = BIT(7),
    /* Segment has base 0, limit 4 GiB, and may be read and written: neither
     * addition nor check.  Always set in 64-bit code. */
    HF_FLAT_DS = BIT(8),
    HF_FLAT_ES = BIT(9),
    HF_FLAT_SS = BIT(10),
    HF_FLAT_CS = BIT(11), /* base 0, limit 4 GiB: no fetch check */
    HF_TF = BIT(12),      /* single step after each instruction */
    HF_SHADOW = BIT(13),  /* interrupts held off for one instruction */
    HF_X87_NM = BIT(14),  /* CR0.TS or EM: x87 is #NM */
    HF_SSE_UD = BIT(15),  /* CR0.EM or no CR4.OSFXSR: SSE is #UD */
    HF_SSE_NM = BIT(16),  /* CR0.TS: SSE is #NM */
    HF_AVX = BIT(17),     /* CR4.OSXSAVE and XCR0 allow VEX instructions */
    HF_WAIT_NM = BIT(18), /* CR0.MP and TS: WAIT is #NM */
    HF_SMAP = BIT(19),    /* CPL < 3, CR4.SMAP, EFLAGS.AC clear */
    HF_AC = BIT(20),      /* CPL 3, CR0.AM, EFLAGS.AC: alignment checks */
    HF_DF = BIT(21),      /* EFLAGS.DF */
    HF_SIMD_EXC = BIT(22), /* MXCSR unmasks an exception */
    HF_DEBUG = BIT(23),   /* DR7 has an instruction breakpoint enabled */
    HF_RF = BIT(24),      /* EFLAGS.RF: holds one of those off */
    HF_IOPL_OK = BIT(25), /* CPL <= IOPL: CLI, STI, IN, OUT need no check */
    HF_LA57 = BIT(26),    /* CR4.LA57: addresses of 57 bits are canonical */
    HF_SS_SHADOW = BIT(27), /* after MOV SS: #DB held off, too */
    /* The head of a TB clears these: they last for one instruction. */
    HF_ONE_SHOT = HF_SHADOW | HF_RF | HF_SS_SHADOW,
};

typedef union __attribute__((aligned(32))) VecReg {
    uint8_t u8[32];
    uint16_t u16[16];
    uint32_t u32[8];
    uint64_t u64[4];
    int8_t i8[32];
    int16_t i16[16];
    int32_t i32[8];
    int64_t i64[4];
    float f32[8];
    double f64[4];
} VecReg;

/* One x87 register: its first ten bytes are the double extended format. */
typedef struct X87Reg {
    uint64_t mantissa; /* also MM0-MM7 */
    uint16_t sign_exp;
    uint16_t pad[3];
} X87Reg;

/* x87: SDM vol. 1, chapter 8.  Registers by physical number. */
typedef struct X87State {
    X87Reg r[8];
    uint16_t cw;
    uint16_t sw;   /* TOP is kept in `top`, and zero here */
    uint8_t top;
    uint8_t valid; /* abridged tag word: bit n set, register n is not empty */
    uint16_t fop;
    uint16_t fcs, fds;
    uint64_t fip, fdp;
} X87State;

typedef struct X86CPU {
    CPUState cs; /* first: both pointers are the same */

    /* rip of an instruction is rip_base + its offset in the page it starts
     * in, by linear address, for the TB that runs; see tcg/tb.h. */
    uint64_t rip_base;
    uint64_t rip;      /* exact outside TBs */
    uint16_t cc;       /* arithmetic flags in the IR's form: tcg/ir.h */
    uint8_t cc_in;     /* within a TB: C before an ADC or SBB; not 0: set */
    uint32_t eflags;   /* without EFLAGS_CC; bit 1 is set */
    uint32_t hflags;
    SegmentCache segs[NB_SEGS];
    /* The IR's globals, and nothing else between them.  Translated code keeps
     * some of these in host registers; they are exact here whenever C code runs
     * that may look. */
    uint64_t regs[16];
    VecReg vec[16];     /* XMM/YMM */
    VecReg vec_operand; /* from memory, on its way to a helper */
    X87State x87;
    uint32_t mxcsr;    /* live in the host's while translated code runs */

    SegmentCache ldt, tr;
    struct {
        uint64_t base;
        uint16_t limit;
    } gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, xcr0;
    uint64_t dr[8];
    uint64_t debugctl;   /* DEBUGCTL_BTF */
    uint8_t watch;       /* DR0-DR3 that watch data: derived from DR7 */
    uint32_t watch_hits; /* DR6 bits of a data breakpoint's trap to come */
    uint32_t watch_held; /* those of a load of SS: one instruction later */
    uint64_t efer, star, lstar, cstar, fmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t pat, tsc_aux, tsc_adjust, misc_enable;
    uint64_t mcg_status, mc0_ctl; /* machine checks */
    /* mtrr_var: bases and masks in turn. */
    uint64_t mtrr_def, mtrr_fixed[11], mtrr_var[16];
    uint64_t pdpte[4]; /* PAE: loaded with CR3 */
    int64_t tsc_offset; /* guest TSC = host's virtual-clock TSC + this */
    uint32_t smbase;
    uint32_t pkru;
    uint16_t pkeys_used; /* keys that pages in the soft TLB may have */

    /* Delivery of an exception: see target/i386/excp.h. */
    int old_exception; /* being delivered when the next one came, or -1 */
    uint32_t error_code;
    uint64_t excp_next_rip;
    bool excp_is_int;
    uint64_t a20_mask;  /* and'ed to every physical address */
    bool a20_posted;    /* for async_run_on_cpu_once() */
    bool nmi_masked;    /* until IRET */
    uint32_t nmis_sent; /* atomic: not seen by the vCPU yet */
    unsigned nmis_pending;
    bool smm;

    const X86ApicOps *apic_ops; /* NULL: no APIC */
    void *apic;
    uint32_t sipi_vector;
    bool wait_sipi; /* after INIT: only a startup IPI (or reset) goes on */
    uint32_t apic_id;
    /* INTA of a machine without APIC, and #FERR; may be NULL. */
    int (*pic_read_irq)(void *opaque);
    void (*ferr)(void *opaque);
    void *irq_opaque;

    const struct X86Model *model; /* what CPUID says */
    struct X86Features *features;
    uint64_t tsc_hz;
} X86CPU;

static inline X86CPU *x86_cpu(CPUState *cs)
{
    return (X86CPU *)cs;
}

/* Do the upper bits of @la repeat its top implemented bit? */
static inline bool x86_is_canonical(const X86CPU *cpu, vaddr la)
{
    int shift = cpu->cr4 & CR4_LA57 ? 7 : 16;

    return (int64_t)(la << shift) >> shift == (int64_t)la;
}

/* --- for the machine --- */
/* Make vCPU @index of @model ("max,+feat,..."), halted unless it is the first;
 * the caller wires its APIC, then calls cpu_start_thread. */
X86CPU *x86_cpu_create(const char *model, unsigned index, unsigned apic_id,
                       GError **errp);
void x86_cpu_models_help(GString *out); /* -cpu help */
void x86_cpu_set_a20(bool enabled); /* all vCPUs; Locks: BQL */
/* Startup IPI and NMI, posted by an APIC from any thread. */
void x86_cpu_sipi(X86CPU *cpu, uint8_t vector);
void x86_cpu_nmi(X86CPU *cpu);
uint64_t x86_cpu_tsc(X86CPU *cpu); /* what RDTSC returns now */
/* By the name that -cpu takes; constant for a vCPU's life. */
bool x86_cpu_has_feature(const X86CPU *cpu, const char *name);
unsigned x86_cpu_phys_bits(const X86CPU *cpu); /* MAXPHYADDR */

/* --- for accel/tcg --- */
struct TranslationBlock;
struct IrFunc;
/* Once per process, before the back-end's init: registers the IR's globals and
 * the helpers, builds the decoder's index. */
void x86_tcg_init(void);
/* Translate guest code from tb->pc_offset on into @ir, at most @max_insns
 * instructions; fills tb->guest_bytes and tb->icount.  Fetches through
 * x86_fetch_*; may raise a guest fault when the first instruction's fetch
 * does. */
void x86_translate(X86CPU *cpu, struct TranslationBlock *tb,
                   struct IrFunc *ir, unsigned max_insns);
/* After @last was the last to run, and rip is not canonical now: if it ended in
 * a near branch, #GP(0) at the branch, whose effects are taken back.  Does not
 * return then. */
void x86_check_branch(X86CPU *cpu, const struct TranslationBlock *last);
/* #GP(0) if the byte @ahead of rip is beyond the limit of CS: that comes
 * before any fault of its page.  Does not return then. */
void x86_check_fetch(X86CPU *cpu, unsigned ahead);
/* One page walk for an access: fills the soft TLB by tlb_set_page and returns
 * true, or raises the fault (or returns false if @probe). */
bool x86_tlb_fill(X86CPU *cpu, vaddr addr, int access, unsigned mmu,
                  MemOp op, bool probe);
/* Raise #GP(0), #SS(0) or #AC(0) for an access that no TLB entry can serve:
 * non-canonical, misaligned with MO_ALIGN or MO_AC.  Returns if it is fine. */
void x86_check_access(X86CPU *cpu, vaddr addr, MemOp op);
/* Data breakpoints: is one in the page at @page?  Which DR6 bits does an access
 * set?  Raise the trap of those that X86CPU.watch_hits holds, if any: between
 * instructions, X86CPU.rip is that of the next; true if it has to wait for that
 * one. */
bool x86_page_watched(const X86CPU *cpu, vaddr page);
uint32_t x86_watch_hits(const X86CPU *cpu, vaddr addr, unsigned len,
                        bool write);
bool x86_take_watch_trap(X86CPU *cpu);
/*
 * Set again what the head of a TB with @tb_flags has cleared, as its
 * instruction is given up with nothing done, to be begun anew: RF still has to
 * hold off its breakpoint, a load of SS before it its exceptions.
 */
void x86_begin_insn_again(X86CPU *cpu, uint32_t tb_flags);
/* Deliver cs.exception_index.  May itself fault. */
void x86_deliver_exception(X86CPU *cpu);
/* Act on interrupt_request between TBs; true if the state changed.  Takes and
 * drops the BQL itself. */
bool x86_handle_interrupts(X86CPU *cpu);
/* What may be taken now, without acting. */
bool x86_has_work(CPUState *cs);
/* MMU_* of data accesses under @hflags. */
static inline unsigned x86_mmu_mode(uint32_t hflags)
{
    return (hflags & HF_CPL) == 3 ? MMU_USER
           : hflags & HF_SMAP     ? MMU_KERNEL_SMAP
                                  : MMU_KERNEL;
}
/* As MOV to CR0, 2, 3, 4 or 8 does; false where that is #GP(0). */
bool x86_write_cr(X86CPU *cpu, unsigned number, uint64_t value);
/* Recompute the whole of hflags from the registers. */
void x86_update_hflags(X86CPU *cpu);
/* All of EFLAGS, and its reverse (does not touch hflags' derived bits other
 * than those of TF, DF, RF, AC, VM and IOPL). */
uint32_t x86_get_eflags(const X86CPU *cpu);
void x86_set_eflags(X86CPU *cpu, uint32_t value);

/* --- guest faults; none of them returns --- */
/* The state is brought to the instruction that runs (exec/translator.h), then the
 * exec loop delivers the exception. */
G_NORETURN void x86_raise(X86CPU *cpu, int vector);
G_NORETURN void x86_raise_error(X86CPU *cpu, int vector, uint32_t error);

enum {
    EXCP_DE = 0,
    EXCP_DB = 1,
    EXCP_NMI = 2,
    EXCP_BP = 3,
    EXCP_OF = 4,
    EXCP_BR = 5,
    EXCP_UD = 6,
    EXCP_NM = 7,
    EXCP_DF = 8,
    EXCP_TS = 10,
    EXCP_NP = 11,
    EXCP_SS = 12,
    EXCP_GP = 13,
    EXCP_PF = 14,
    EXCP_MF = 16,
    EXCP_AC = 17,
    EXCP_MC = 18,
    EXCP_XM = 19,
};

#endif
