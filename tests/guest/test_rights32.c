/* SPDX-License-Identifier: MIT */
/*
 * Access rights in 32-bit and PAE paging: present, writable, user and, with
 * PAE, execute-disable of the directory's and the table's entry and of large
 * pages, under CR0.WP, CR4.SMEP, CR4.SMAP, EFLAGS.AC, EFER.NXE, and a PKRU that
 * means nothing here; by user accesses, supervisor accesses, and accesses to an
 * LDT at either privilege level, all against the model of rights.h.  The
 * reduced form takes one case in eight. Source: SDM vol. 3A, 4.3 "32-Bit
 * Paging", 4.4 "PAE Paging", 4.6 "Access Rights", 4.7 "Page-Fault Exceptions".
 */
#include "rights.h"

#define CR0_WP   0x10000u
#define CR4_PSE  0x10u
#define CR4_PAE  0x20u
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define CR4_PKE  (1u << 22)
#define NXE      0x800u
#define AC       0x40000u

#define FRAME 0x2000000u  /* 4 MiB aligned: RET, and an LDT */
#define VA    0x82000000u /* leads to FRAME as a small page and a large one */
#define ALIAS 0x40000000u /* memory for CPL 3 */

#define DESC_CLEAN 0x00cff2000000ffffull
#define DESC_USED  (DESC_CLEAN | 1ull << 40)
#define SEL_TSS    0x58
#define SEL_LDT    0x60

/* What the 32-bit code below does with one access; the assembly names the
 * fields by their offsets. */
struct Case32 {
    uint64_t pde, pte; /* 00, 08: written before, read back after */
    uint32_t wp;       /* 10: of CR0 */
    uint32_t cr4;      /* 14 */
    uint32_t nxe;      /* 18: of EFER */
    uint32_t flags;    /* 1c: AC or not */
    uint32_t code;     /* 20: where */
    uint32_t user;     /* 24: at CPL 3? */
    uint32_t vector;   /* 28: 81h if all went well */
    uint32_t error;    /* 2c */
    uint32_t cr2;      /* 30 */
    uint32_t unused[3];
};

#define BATCH 128
struct Case32 rg_cases[BATCH];
uint32_t rg_count, rg_cr3, rg_cr4, rg_esp;
uint32_t *rg_pde, *rg_pte;
uint64_t rg_idt[0x82];
struct {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) rg_idt_ptr = {sizeof(rg_idt) - 1, 0};
struct {
    uint32_t link, esp0, ss0, rest[22];
    uint16_t trap, iomap;
} rg_tss;
uint8_t rg_stack0[4096] __attribute__((aligned(16)));
uint8_t rg_stack3[4096] __attribute__((aligned(16)));

__asm__(".text\n.code32\n"
        ".align 16\n"
        "rg_vectors: .set n, 0\n"
        ".rept 0x82\n"
        ".align 16\n"
        "push $n\n"
        "jmp rg_trap\n"
        ".set n, n + 1\n"
        ".endr\n"

        "rg_run: mov %esp, rg_esp\n"
        "lidt rg_idt_ptr\n"
        "mov $0x58, %eax; ltr %ax\n"
        "mov $0x60, %eax; lldt %ax\n"
        "mov $0x33, %eax; mov %eax, %ds; mov %eax, %es\n"
        "mov rg_cr4, %eax; mov %eax, %cr4\n"
        "mov rg_cr3, %eax; mov %eax, %cr3\n"
        "mov %cr0, %eax; or $0x80010000, %eax; mov %eax, %cr0\n"
        "mov $rg_cases, %esi; mov $0x82000000, %edi\n"

        "rg_next: mov rg_pde, %ecx\n"
        "mov 0x00(%esi), %eax; mov %eax, (%ecx)\n"
        "mov 0x04(%esi), %eax; mov %eax, 4(%ecx)\n"
        "mov rg_pte, %ecx\n"
        "mov 0x08(%esi), %eax; mov %eax, (%ecx)\n"
        "mov 0x0c(%esi), %eax; mov %eax, 4(%ecx)\n"
        "mov %cr0, %eax; and $~0x10000, %eax; or 0x10(%esi), %eax\n"
        "mov %eax, %cr0\n"
        "mov $0xc0000080, %ecx; rdmsr; and $~0x800, %eax; or 0x18(%esi), %eax\n"
        "wrmsr\n"
        "mov 0x14(%esi), %eax; mov %eax, %cr4\n"
        "movb $0xf2, 0x2000015\n" /* the clean descriptor */
        "invlpg (%edi)\n"
        "cmpl $0, 0x24(%esi); jne 1f\n"
        "push 0x1c(%esi); popf; jmp *0x20(%esi)\n"
        "1: push $0x33; push $rg_stack3 + 0x40000000 + 4096\n"
        "push 0x1c(%esi); push $0x2b\n"
        "mov 0x20(%esi), %eax; add $0x40000000, %eax; push %eax\n"
        "iret\n"

        "rg_trap: pop 0x28(%esi); pop 0x2c(%esi)\n"
        "mov %cr2, %eax; mov %eax, 0x30(%esi)\n"
        "mov rg_esp, %esp\n"
        "mov rg_pde, %ecx\n"
        "mov (%ecx), %eax; mov %eax, 0x00(%esi)\n"
        "mov 4(%ecx), %eax; mov %eax, 0x04(%esi)\n"
        "mov rg_pte, %ecx\n"
        "mov (%ecx), %eax; mov %eax, 0x08(%esi)\n"
        "mov 4(%ecx), %eax; mov %eax, 0x0c(%esi)\n"
        "add $0x40, %esi; decl rg_count; jnz rg_next\n"

        "push $2; popf\n"
        "mov $0x20, %eax; mov %eax, %ds; mov %eax, %es\n"
        "mov %cr0, %eax; btr $31, %eax; mov %eax, %cr0\n"
        "mov $0xc0000080, %ecx; rdmsr; or $0x800, %eax; wrmsr\n"
        "xor %eax, %eax; mov %eax, %cr3; lldt %ax\n"
        "mov $0x600, %eax; mov %eax, %cr4\n"
        "ret\n"

        "rg_read: mov (%edi), %eax; int $0x81\n"
        "rg_write: movl $0xc3c3c3c3, (%edi); int $0x81\n"
        "rg_fetch: call *%edi; int $0x81\n"
        "rg_used: mov $0x0f, %eax; mov %eax, %es; int $0x81\n"
        "rg_clean: mov $0x17, %eax; mov %eax, %es; int $0x81\n"
        ".code64\n");
extern char rg_vectors[], rg_run[], rg_read[], rg_write[], rg_fetch[],
    rg_used[], rg_clean[];

typedef struct Row {
    const char *name;
    bool user;
    RightsKind kind;
    RightsAccess access;
    unsigned offset;
    const char *code;
} Row;

static const Row rows[] = {
    {"user read", true, USER, READ, 0, rg_read},
    {"user write", true, USER, WRITE, 0, rg_write},
    {"user fetch", true, USER, FETCH, 0, rg_fetch},
    {"read", false, SUPERVISOR, READ, 0, rg_read},
    {"write", false, SUPERVISOR, WRITE, 0, rg_write},
    {"fetch", false, SUPERVISOR, FETCH, 0, rg_fetch},
    {"LDT read", false, IMPLICIT, READ, 8, rg_used},
    {"LDT write", false, IMPLICIT, WRITE, 16, rg_clean},
    {"LDT read at CPL 3", true, IMPLICIT, READ, 8, rg_used},
    {"LDT write at CPL 3", true, IMPLICIT, WRITE, 16, rg_clean},
};

/* A paging mode and a size of page. */
typedef struct Shape {
    const char *name;
    unsigned levels, nentries;
    uint32_t cr4;
} Shape;

static const Shape shapes[] = {
    {"32-bit, 4 KiB", 2, 2, CR4_PSE},
    {"32-bit, 4 MiB", 2, 1, CR4_PSE},
    {"PAE, 4 KiB", 3, 2, CR4_PAE},
    {"PAE, 2 MiB", 3, 1, CR4_PAE},
    {"32-bit, 4 KiB, CR4.PKE", 2, 2, CR4_PSE | CR4_PKE},
    {"PAE, 4 KiB, CR4.PKE", 3, 2, CR4_PAE | CR4_PKE},
};

static uint32_t *pd32, *pt32;
static uint64_t *pdpt, *pd64[4], *pt64;

/* --- set-up --- */

static void make_tables(void)
{
    unsigned i, n;

    pd32 = page_alloc();
    pt32 = page_alloc();
    pdpt = page_alloc();
    pt64 = page_alloc();
    for (i = 0; i < 4; i++) {
        pd64[i] = page_alloc();
        pdpt[i] = (uintptr_t)pd64[i] | PT_P;
    }
    for (n = 0; n < 16; n++) { /* 64 MiB, for both levels */
        pd32[n] = n << 22 | PT_P | PT_W | PT_PS;
        pd32[(ALIAS >> 22) + n] = n << 22 | PT_P | PT_W | PT_U | PT_PS;
    }
    for (n = 0; n < 32; n++) {
        pd64[0][n] = n << 21 | PT_P | PT_W | PT_PS;
        pd64[1][n] = n << 21 | PT_P | PT_W | PT_U | PT_PS;
    }
}

static uint64_t system_descriptor(uint32_t base, uint32_t limit, uint8_t type)
{
    return limit | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)type << 40 |
           (uint64_t)(base >> 24) << 56;
}

static void make_system(void)
{
    uint64_t *words = (uint64_t *)(uintptr_t)FRAME;
    unsigned i;

    for (i = 0; i < 0x82; i++) {
        uint64_t to = (uintptr_t)(rg_vectors + 16 * i);

        rg_idt[i] =
            (to & 0xffff) | 0x18 << 16 | 0xeeull << 40 | (to >> 16) << 48;
    }
    rg_idt_ptr.base = (uintptr_t)rg_idt;
    rg_tss.esp0 = (uintptr_t)(rg_stack0 + sizeof(rg_stack0));
    rg_tss.ss0 = 0x20;
    words[0] = 0xc3c3c3c3c3c3c3c3;
    words[1] = DESC_USED;
    words[2] = DESC_CLEAN;
    gdt[SEL_LDT / 8] = system_descriptor(VA, 23, 0x82);
}

static void set_pkru(uint32_t value)
{
    if (cpuid(7, 0).c >> 3 & 1) {
        WRITE_CR(4, READ_CR(4) | CR4_PKE);
        __asm__ volatile(".byte 0x0f, 0x01, 0xef" ::"a"(value), "c"(0), "d"(0));
        WRITE_CR(4, READ_CR(4) & ~(uint64_t)CR4_PKE);
    }
}

/* --- cases --- */

/* What the model needs to know of each case in the batch. */
static struct {
    RightsMode mode;
    const Row *row;
    uint64_t bits[2], before[2];
} asked[BATCH];
static unsigned nasked, wrong, done;

static RightsMode mode_of(unsigned n, const Shape *s)
{
    CpuidRegs seven = cpuid(7, 0);

    return (RightsMode){
        .levels = s->levels,
        .wp = n & 1,
        .smep = (n & 2) && (seven.b >> 7 & 1),
        .smap = (n & 4) && (seven.b >> 20 & 1),
        .ac = n & 8,
        .nxe = n & 16,
        .pke = s->cr4 & CR4_PKE,
        .ad = true,
    };
}

static bool is_right(const Shape *s, unsigned i)
{
    const struct Case32 *c = &rg_cases[i];
    const uint64_t now[2] = {c->pde, c->pte};
    const RightsMode *m = &asked[i].mode;
    const Row *r = asked[i].row;
    int want = -1;

    if (r->kind == IMPLICIT) {
        want = rights_error(m, asked[i].bits, s->nentries, r->kind, READ);
    }
    if (want < 0) {
        want = rights_error(m, asked[i].bits, s->nentries, r->kind, r->access);
    }
    if (!rights_bits(asked[i].before, now, s->nentries, want < 0, r->access)) {
        return false;
    }
    if (want < 0) {
        return c->vector == USER_EXIT;
    }
    return c->vector == 14 && c->error == (uint32_t)want &&
           (c->cr2 & ~7u) == VA + r->offset;
}

static void print_wrong(unsigned i)
{
    const struct Case32 *c = &rg_cases[i];
    const RightsMode *m = &asked[i].mode;

    print("# %s: wp %d smep %d smap %d ac %d nxe %d, entries %x %x: "
          "vector %x error %x cr2 %x, entries after %x %x\n",
          asked[i].row->name, m->wp, m->smep, m->smap, m->ac, m->nxe,
          asked[i].bits[0], asked[i].bits[1], (uint64_t)c->vector,
          (uint64_t)c->error, (uint64_t)c->cr2, c->pde, c->pte);
}

static void run_batch(const Shape *s)
{
    static unsigned printed;
    bool pae = s->cr4 & CR4_PAE;
    unsigned i;

    if (!nasked) {
        return;
    }
    rg_count = nasked;
    rg_cr3 = (uintptr_t)(pae ? (void *)pdpt : (void *)pd32);
    rg_cr4 = s->cr4;
    rg_pde =
        pae ? (uint32_t *)&pd64[VA >> 30][VA >> 21 & 511] : &pd32[VA >> 22];
    rg_pte = pae ? (uint32_t *)pt64 : pt32;
    gdt[SEL_TSS / 8] =
        system_descriptor((uintptr_t)&rg_tss, sizeof(rg_tss) - 1, 0x89);
    run_protected(rg_run);
    for (i = 0; i < nasked; i++) {
        done++;
        if (!is_right(s, i)) {
            wrong++;
            if (printed++ < 8) {
                print_wrong(i);
            }
        }
    }
    nasked = 0;
}

static void ask(const Shape *s, const RightsMode *m, const uint64_t *bits,
                const Row *r)
{
    struct Case32 *c = &rg_cases[nasked];
    bool pae = s->cr4 & CR4_PAE;
    uint64_t table = pae ? (uintptr_t)pt64 : (uintptr_t)pt32;

    *c = (struct Case32){
        .pde = bits[0] | (s->nentries == 1 ? FRAME | PT_PS : table),
        .pte = bits[1] | FRAME,
        .wp = m->wp ? CR0_WP : 0,
        .cr4 = s->cr4 | (m->smep ? CR4_SMEP : 0) | (m->smap ? CR4_SMAP : 0),
        .nxe = m->nxe ? NXE : 0,
        .flags = 2 | (m->ac ? AC : 0),
        .code = (uintptr_t)r->code,
        .user = r->user,
    };
    asked[nasked].mode = *m;
    asked[nasked].row = r;
    memcpy(asked[nasked].bits, bits, sizeof(asked[0].bits));
    asked[nasked].before[0] = c->pde;
    asked[nasked].before[1] = c->pte;
    if (++nasked == BATCH) {
        run_batch(s);
    }
}

static uint64_t bits_of(unsigned code)
{
    return (code & 7) | (code & 8 ? PT_NX : 0);
}

static void test_shape(const Shape *s)
{
    unsigned codes = s->levels == 3 ? 16 : 8; /* with NX, without */
    unsigned n, code, i, tables = s->nentries == 2 ? codes : 1;

    wrong = done = 0;
    for (n = 0; n < 32; n++) {
        RightsMode m = mode_of(n, s);

        for (code = 0; code < codes * tables; code++) {
            uint64_t bits[2] = {bits_of(code % codes), bits_of(code / codes)};

            for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (!boot_word("quick") || !(random64() >> 61)) {
                    ask(s, &m, bits, &rows[i]);
                }
            }
        }
    }
    run_batch(s);
    check(!wrong && done, "%s: %u cases, %u wrong", s->name, done, wrong);
}

int main(void)
{
    bool has_pku = cpuid(7, 0).c >> 3 & 1;
    unsigned i;

    make_tables();
    make_system();
    set_pkru(-1); /* all is denied, were it long mode */
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (has_pku || !(shapes[i].cr4 & CR4_PKE)) {
            test_shape(&shapes[i]);
        }
    }
    set_pkru(0);
    return 0;
}
