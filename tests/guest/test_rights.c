/* SPDX-License-Identifier: MIT */
/*
 * Access rights in 4- and 5-level paging: present, writable, user and
 * execute-disable at each level, pages of 4 KiB, 2 MiB and 1 GiB, under CR0.WP,
 * CR4.SMEP, CR4.SMAP, EFLAGS.AC, EFER.NXE and PKRU, by user accesses,
 * supervisor accesses, and accesses to an LDT at either privilege level.  Error
 * codes, CR2, accessed and dirty bits are held against the model of rights.h.
 * In full, every combination of 4-level paging, and samples of the other.
 */
#include "rights.h"

#define CR0_WP    (1ull << 16)
#define CR4_LA57  (1ull << 12)
#define CR4_SMEP  (1ull << 20)
#define CR4_SMAP  (1ull << 21)
#define CR4_PKE   (1ull << 22)
#define EFLAGS_AC (1ull << 18)
#define EFER      0xc0000080
#define EFER_NXE  (1ull << 11)

#define KEY   5
#define FRAME 0x2000000ull /* so that a page of any size has it there */
#define LDT   0x58

/* In the frame: RET, and descriptors with and without their accessed bit. */
#define DESC_CLEAN   0x00cff2000000ffffull
#define DESC_USED    (DESC_CLEAN | 1ull << 40)
#define USED_SEL     0x0f
#define CLEAN_SEL    0x17
#define SAMPLE_MODES 300
#define SAMPLES      16 /* of entries in each mode */

typedef struct Shape {
    const char *name;
    unsigned levels, leaf; /* 1: 4 KiB, 2: 2 MiB, 3: 1 GiB */
} Shape;

static uint64_t *table[6]; /* by level */
static uint64_t *slot[5];  /* entries of the walk, top first */
static uint64_t base[5];   /* what they point to, as bits */
static uint64_t va;        /* of the page */
static unsigned nslots;
static bool has_pku;

/* RDI: address.  The flags that matter come in on the way. */
#define ACCESSES(suffix, flags)                                                \
    "do_read" suffix ": " flags "mov (%rdi), %eax; ret\n"                      \
    "do_write" suffix ": " flags "movl $0xc3c3c3c3, (%rdi); ret\n"             \
    "do_fetch" suffix ": " flags "call *%rdi; ret\n"                           \
    "do_used" suffix ": " flags "mov $0x0f, %eax; mov %eax, %es; ret\n"        \
    "do_clean" suffix ": " flags "mov $0x17, %eax; mov %eax, %es; ret\n"
__asm__(".text\n" ACCESSES("", "pushf; andl $~0x40000, (%rsp); popf; ")
            ACCESSES("_ac", "pushf; orl $0x40000, (%rsp); popf; "));
void do_read(void *), do_write(void *), do_fetch(void *), do_used(void *),
    do_clean(void *), do_read_ac(void *), do_write_ac(void *),
    do_fetch_ac(void *), do_used_ac(void *), do_clean_ac(void *);

typedef struct Row {
    const char *name;
    unsigned cpl;
    RightsKind kind;
    RightsAccess access;
    unsigned offset; /* of what is accessed */
    void (*fn[2])(void *);
} Row;

static const Row rows[] = {
    {"user read", 3, USER, READ, 0, {do_read, do_read_ac}},
    {"user write", 3, USER, WRITE, 0, {do_write, do_write_ac}},
    {"user fetch", 3, USER, FETCH, 0, {do_fetch, do_fetch_ac}},
    {"read", 0, SUPERVISOR, READ, 0, {do_read, do_read_ac}},
    {"write", 0, SUPERVISOR, WRITE, 0, {do_write, do_write_ac}},
    {"fetch", 0, SUPERVISOR, FETCH, 0, {do_fetch, do_fetch_ac}},
    {"LDT read", 0, IMPLICIT, READ, 8, {do_used, do_used_ac}},
    {"LDT write", 0, IMPLICIT, WRITE, 16, {do_clean, do_clean_ac}},
    {"LDT read at CPL 3", 3, IMPLICIT, READ, 8, {do_used, do_used_ac}},
    {"LDT write at CPL 3", 3, IMPLICIT, WRITE, 16, {do_clean, do_clean_ac}},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- one access --- */

/* The accessed bit of a descriptor is written after it was read. */
static int expected(const RightsMode *m, const uint64_t *entry, const Row *r)
{
    int error = -1;

    if (r->kind == IMPLICIT) {
        error = rights_error(m, entry, nslots, r->kind, READ);
    }
    return error < 0 ? rights_error(m, entry, nslots, r->kind, r->access)
                     : error;
}

static int run_row(const RightsMode *m, const Row *r, Frame *f)
{
    void (*fn)(void *) = r->fn[m->ac];

    ((volatile uint64_t *)FRAME)[2] = DESC_CLEAN;
    invlpg(va);
    WRITE_CR(2, 0);
    return r->cpl == 3 ? catch_user(fn, va, f) : catch(fn, (void *)va, f);
}

/* True if all that can be seen of the access is right. */
static bool row_is_right(const RightsMode *m, const uint64_t *bits,
                         const Row *r)
{
    uint64_t before[5], now[5];
    int want = expected(m, bits, r), got;
    Frame f;
    unsigned i;

    for (i = 0; i < nslots; i++) {
        *slot[i] = before[i] = base[i] | bits[i];
    }
    f.error = 0;
    got = run_row(m, r, &f);
    for (i = 0; i < nslots; i++) {
        now[i] = *slot[i];
    }
    if (!rights_bits(before, now, nslots, want < 0, r->access)) {
        return false;
    }
    if (want < 0) {
        return got == -1;
    }
    return got == 14 && f.error == (uint64_t)want &&
           (READ_CR(2) & ~7ull) == va + r->offset;
}

static void print_wrong(const RightsMode *m, const uint64_t *bits, const Row *r)
{
    unsigned i;

    print("# %s: wp %d smep %d smap %d ac %d nxe %d pke %d ad %d wd %d, "
          "entries",
          r->name, m->wp, m->smep, m->smap, m->ac, m->nxe, m->pke, m->ad,
          m->wd);
    for (i = 0; i < nslots; i++) {
        print(" %x", bits[i]);
    }
    print(": want %d\n", expected(m, bits, r));
}

/* All accesses through some entries; returns how many went wrong. */
static unsigned try_entries(const RightsMode *m, const uint64_t *bits)
{
    static unsigned printed;
    unsigned i, wrong = 0;

    for (i = 0; i < ROWS; i++) {
        if (!row_is_right(m, bits, &rows[i])) {
            wrong++;
            if (printed++ < 8) {
                print_wrong(m, bits, &rows[i]);
            }
        }
    }
    return wrong;
}

/* --- modes and entries --- */

static void wrpkru(uint32_t value)
{
    __asm__ volatile(".byte 0x0f, 0x01, 0xef" ::"a"(value), "c"(0), "d"(0));
}

static void set_mode(const RightsMode *m)
{
    uint64_t cr4 = READ_CR(4) & ~(CR4_SMEP | CR4_SMAP | CR4_PKE);

    WRITE_CR(0, (READ_CR(0) & ~CR0_WP) | (m->wp ? CR0_WP : 0));
    wrmsr(EFER, (rdmsr(EFER) & ~EFER_NXE) | (m->nxe ? EFER_NXE : 0));
    if (has_pku) {
        WRITE_CR(4, cr4 | CR4_PKE);
        wrpkru((m->ad | m->wd << 1) << (2 * KEY));
    }
    WRITE_CR(4, cr4 | (m->smep ? CR4_SMEP : 0) | (m->smap ? CR4_SMAP : 0) |
                    (m->pke ? CR4_PKE : 0));
}

/* From 32 states of the classic bits times 8 of protection keys. */
#define MODES 256

static RightsMode mode_of(unsigned n, unsigned levels)
{
    CpuidRegs seven = cpuid(7, 0);
    RightsMode m = {
        .levels = levels,
        .wp = n & 1,
        .smep = (n & 2) && (seven.b >> 7 & 1),
        .smap = (n & 4) && (seven.b >> 20 & 1),
        .ac = n & 8,
        .nxe = n & 16,
        .pke = (n & 32) && has_pku,
        .ad = n & 64,
        .wd = n & 128,
    };

    return m;
}

/* P, W, U, NX from four bits. */
static uint64_t bits_of(unsigned code)
{
    return (code & 7) | (code & 8 ? PT_NX : 0);
}

/* Entries from four bits of @code each.  Below one that is not present only
 * the most permissive ones are told apart: false for all others. */
static bool entries_of(unsigned code, uint64_t *bits)
{
    bool absent = false;
    unsigned i;

    for (i = 0; i < nslots; i++) {
        unsigned nibble = code >> (4 * i) & 15;

        if (absent && nibble != 7) {
            return false;
        }
        bits[i] = bits_of(nibble);
        absent |= !(bits[i] & PT_P);
    }
    return true;
}

/* --- tables --- */

/* A walk of its own from the top, in slot 100 of every table but the last:
 * nothing else of the kernel hangs on it. */
static void build(const Shape *s, uint64_t *root)
{
    unsigned level = s->levels, i;

    va = FRAME;
    for (i = 0; level >= s->leaf; i++, level--) {
        uint64_t *t = i ? table[level] : root;
        unsigned shift = 12 + 9 * (level - 1);

        if (level > 3) {
            va |= 100ull << shift;
        }
        slot[i] = &t[va >> shift & 511];
        base[i] = level > 1 ? (uintptr_t)table[level - 1] : FRAME;
        base[i] |= 9ull << 59; /* means nothing but in the last one */
        if (level == s->leaf) {
            base[i] = level == 3 ? PT_PS : FRAME | (level == 2 ? PT_PS : 0);
            base[i] |= (uint64_t)KEY << 59;
        }
    }
    nslots = i;
}

/* An LDT in the page, as the accesses expect it. */
static void load_ldt(void)
{
    uint64_t *words = (uint64_t *)FRAME;

    words[0] = 0xc3c3c3c3c3c3c3c3;
    words[1] = DESC_USED;
    gdt[LDT / 8] =
        23 | (va & 0xffffff) << 16 | 0x82ull << 40 | (va >> 24 & 0xff) << 56;
    gdt[LDT / 8 + 1] = va >> 32;
    __asm__ volatile("lldt %w0" ::"r"(LDT));
}

static void take_down(void)
{
    set_mode(&(RightsMode){.wp = true, .nxe = true});
    *slot[0] = 0;
    __asm__ volatile("lldt %w0" ::"r"(0));
    WRITE_CR(3, READ_CR(3));
}

/* --- tests --- */

/* One line for each state of protection keys and NXE. */
static void test_all(const Shape *s)
{
    uint64_t bits[5];
    unsigned group, n, code;

    for (group = 0; group < 16; group++) {
        unsigned wrong = 0, count = 0;

        for (n = 0; n < 16; n++) {
            RightsMode m = mode_of(n | group << 4, s->levels);

            set_mode(&m);
            for (code = 0; code < 1u << (4 * nslots); code++) {
                if (entries_of(code, bits)) {
                    wrong += try_entries(&m, bits);
                    count++;
                }
            }
        }
        check(!wrong && count, "%s, nxe %d pke %d ad %d wd %d", s->name,
              group & 1, group >> 1 & 1, group >> 2 & 1, group >> 3);
    }
}

/* Seven of eight entries are present, so that most walks get far. */
static void random_entries(uint64_t *bits)
{
    uint64_t r = random64();
    unsigned i;

    for (i = 0; i < nslots; i++, r >>= 8) {
        bits[i] = bits_of(r & 15) | (r & 0x70 ? PT_P : 0);
    }
}

static void test_samples(const Shape *s)
{
    uint64_t bits[5];
    unsigned n, i, wrong = 0;

    for (n = 0; n < SAMPLE_MODES; n++) {
        RightsMode m = mode_of(random64() % MODES, s->levels);

        set_mode(&m);
        for (i = 0; i < SAMPLES; i++) {
            random_entries(bits);
            wrong += try_entries(&m, bits);
        }
    }
    check(!wrong, "%s, samples", s->name);
}

static void test_shapes(unsigned levels, uint64_t *root, bool all)
{
    static const char *const names[2][3] = {
        {"4 levels, 4 KiB", "4 levels, 2 MiB", "4 levels, 1 GiB"},
        {"5 levels, 4 KiB", "5 levels, 2 MiB", "5 levels, 1 GiB"},
    };
    bool has_1g = cpuid(0x80000001, 0).d >> 26 & 1;

    for (unsigned leaf = 1; leaf <= (has_1g ? 3u : 2u); leaf++) {
        Shape s = {names[levels - 4][leaf - 1], levels, leaf};

        build(&s, root);
        load_ldt();
        if (all) {
            test_all(&s);
        } else {
            test_samples(&s);
        }
        take_down();
    }
}

int main(void)
{
    uint64_t cr3 = READ_CR(3), cr4 = READ_CR(4);
    unsigned i;

    for (i = 1; i <= 4; i++) {
        table[i] = page_alloc();
    }
    has_pku = cpuid(7, 0).c >> 3 & 1;
    test_shapes(4, (uint64_t *)cr3, !boot_word("quick"));
    if (cpuid(7, 0).c >> 16 & 1) {
        uint64_t *top = page_alloc();

        top[0] = cr3 | PT_P | PT_W | PT_U;
        change_paging(cr4 | CR4_LA57, (uintptr_t)top);
        test_shapes(5, top, false);
        change_paging(cr4, cr3);
    }
    return 0;
}
