/* SPDX-License-Identifier: MIT */
/*
 * Segmentation in compatibility mode: limits, expand-down segments, access
 * types, loads of segment registers, 16-bit code, LAR, LSL, VERR, VERW.
 * Source: SDM vol. 3A, 3.4.5 "Segment Descriptors", 5.3 to 5.5; vol. 2A "LAR",
 * "LSL".
 */
#include "guest.h"

#define SLOT 0x58 /* descriptors of the test, and the next */

/* Attributes: bits 40-47 and 52-55 of a descriptor. */
#define ATTR(type, dpl, flags) ((type) | 0x90u | (dpl) << 5 | (flags) << 12)
#define NOT_PRESENT            0x80u
#define FLAG_B                 4
#define FLAG_G                 8
enum { RO = 1, RW = 3, RO_DOWN = 5, RW_DOWN = 7, XO = 9, XR = 11, XC = 15 };

static uint64_t descriptor(uint32_t base, uint32_t limit, uint32_t attr)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(attr & 0xf0ff) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(base >> 24) << 56;
}

/*
 * Run 32-bit code at RDI with the selector in ESI as its segment (in whatever
 * register the code wants it), EDX an offset.  It ends with a jump to leave32.
 */
void enter32(void *code);
uint64_t enter_rsp;
uint32_t in_selector, in_offset, out_value;
__asm__(".text\n"
        "enter32: mov %rsp, enter_rsp\n"
        "mov in_selector, %esi\n"
        "mov in_offset, %edx\n"
        "mov $0x5a5a5a5a, %eax\n"
        "pushq $0x18; pushq %rdi; lretq\n"
        ".code32\n"
        "leave32: mov $0x10, %ecx; mov %ecx, %ds; mov %ecx, %es\n"
        "mov %ecx, %ss\n"
        "mov %eax, out_value\n"
        "ljmp $8, $1f\n"
        ".code64\n"
        "1: mov enter_rsp, %rsp; ret\n"
        ".code32\n"
        "r8: mov %esi, %ds; movb (%edx), %al; jmp leave32\n"
        "r32: mov %esi, %ds; movl (%edx), %eax; jmp leave32\n"
        "r32_ds: mov $0x10, %ecx; mov %ecx, %ds; mov %esi, %es\n"
        "        movl (%edx), %eax; jmp leave32\n"
        "w8: mov %esi, %es; movb %al, %es:(%edx); jmp leave32\n"
        "w32: mov %esi, %es; movl %eax, %es:(%edx); jmp leave32\n"
        "rmw32: mov %esi, %ds; addl $1, (%edx); jmp leave32\n"
        "push32: mov %esp, %ecx; mov %esi, %ss; mov %edx, %esp\n"
        "        push %eax; mov $0x10, %esi; mov %esi, %ss; mov %ecx, %esp\n"
        "        jmp leave32\n"
        "pop32: mov %esp, %ecx; mov %esi, %ss; mov %edx, %esp\n"
        "        pop %eax; mov $0x10, %esi; mov %esi, %ss; mov %ecx, %esp\n"
        "        jmp leave32\n"
        "bp32: mov %esp, %ecx; mov %esi, %ss; mov %edx, %ebp\n"
        "        mov (%ebp), %eax; mov $0x10, %esi; mov %esi, %ss\n"
        "        mov %ecx, %esp; jmp leave32\n"
        "load_ds: mov %esi, %ds; jmp leave32\n"
        "load_ss: mov %esi, %ss; jmp leave32\n"
        "load_gs: mov %esi, %gs; jmp leave32\n"
        "far32: push %esi; push %edx; lret\n"
        ".code64\n");
void r8(void), r32(void), r32_ds(void), w8(void), w32(void), rmw32(void),
    push32(void), pop32(void), bp32(void), load_ds(void), load_ss(void),
    load_gs(void), far32(void);

static int run32(void (*code)(void), uint32_t sel, uint32_t offset, Frame *f)
{
    in_selector = sel;
    in_offset = offset;
    return catch((void (*)(void *))enter32, code, f);
}

typedef struct Access {
    const char *what;
    uint32_t limit, attr;
    void (*code)(void);
    uint32_t offset;
    int vector; /* all with error code 0; -1 for none */
} Access;

static const Access accesses[] = {
    {"last byte", 0xfff, ATTR(RW, 0, FLAG_B), r8, 0xfff, -1},
    {"past the last byte", 0xfff, ATTR(RW, 0, FLAG_B), r8, 0x1000, 13},
    {"last word", 0xfff, ATTR(RW, 0, FLAG_B), r32, 0xffc, -1},
    {"word over the end", 0xfff, ATTR(RW, 0, FLAG_B), r32, 0xffd, 13},
    {"write of the last word", 0xfff, ATTR(RW, 0, FLAG_B), w32, 0xffc, -1},
    {"write over the end", 0xfff, ATTR(RW, 0, FLAG_B), w32, 0xffd, 13},
    {"add over the end", 0xfff, ATTR(RW, 0, FLAG_B), rmw32, 0xffe, 13},
    {"far past the end", 0xfff, ATTR(RW, 0, FLAG_B), r32, 0xfffffffe, 13},
    {"over 4 GiB in a flat segment, beside a small one", 0xfff,
     ATTR(RW, 0, FLAG_B), r32_ds, 0xfffffffe, 13},
    {"page limit", 0, ATTR(RW, 0, FLAG_B | FLAG_G), r8, 0xfff, -1},
    {"past a page limit", 0, ATTR(RW, 0, FLAG_B | FLAG_G), r8, 0x1000, 13},
    {"read-only, read", 0xfff, ATTR(RO, 0, FLAG_B), r32, 0, -1},
    {"read-only, write", 0xfff, ATTR(RO, 0, FLAG_B), w8, 0, 13},
    {"read-only, add", 0xfff, ATTR(RO, 0, FLAG_B), rmw32, 0, 13},
    {"readable code, read", 0xfff, ATTR(XR, 0, FLAG_B), r32, 0, -1},
    {"readable code, write", 0xfff, ATTR(XR, 0, FLAG_B), w32, 0, 13},
    {"expand-down, at the limit", 0xfff, ATTR(RW_DOWN, 0, FLAG_B), r8, 0xfff,
     13},
    {"expand-down, over the limit", 0xfff, ATTR(RW_DOWN, 0, FLAG_B), r32, 0xffe,
     13},
    {"expand-down, above it", 0xfff, ATTR(RW_DOWN, 0, FLAG_B), r32, 0x1000, -1},
    {"expand-down 16 bits, top", 0xfff, ATTR(RW_DOWN, 0, 0), r8, 0xffff, -1},
    {"expand-down 16 bits, over the top", 0xfff, ATTR(RW_DOWN, 0, 0), r32,
     0xfffd, 13},
    {"expand-down 16 bits, past 64K", 0xfff, ATTR(RW_DOWN, 0, 0), r8, 0x10000,
     13},
    {"expand-down read-only, write", 0xfff, ATTR(RO_DOWN, 0, FLAG_B), w8,
     0x1000, 13},
    {"push within", 0xfff, ATTR(RW, 0, FLAG_B), push32, 0x1000, -1},
    {"push past the end", 0xfff, ATTR(RW, 0, FLAG_B), push32, 0x1001, 12},
    {"push below 0", 0xfff, ATTR(RW, 0, FLAG_B), push32, 0, 12},
    {"pop within", 0xfff, ATTR(RW, 0, FLAG_B), pop32, 0xffc, -1},
    {"pop past the end", 0xfff, ATTR(RW, 0, FLAG_B), pop32, 0xffd, 12},
    {"by EBP past the end", 0xfff, ATTR(RW, 0, FLAG_B), bp32, 0xffd, 12},
    {"stack expand-down", 0xfff, ATTR(RW_DOWN, 0, FLAG_B), push32, 0x1003, 12},
};

static void test_accesses(uint8_t *data)
{
    unsigned i;
    Frame f;

    for (i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
        const Access *a = &accesses[i];
        int got;

        gdt[SLOT / 8] = descriptor((uintptr_t)data, a->limit, a->attr);
        f.error = 0;
        got = run32(a->code, SLOT, a->offset, &f);
        check_eq(got, a->vector, "%s", a->what);
        if (a->vector >= 0) {
            check_eq(f.error, 0, "%s: error code", a->what);
        }
    }
}

/* --- operands of several parts --- */

void fld80(void), fstp80(void), fbld(void), fbstp(void), bound32(void),
    les32(void), maskmov(void);
__asm__(".text\n"
        ".code32\n"
        "fld80: mov %esi, %ds; fninit; fldt (%edx); jmp leave32\n"
        "fstp80: mov %esi, %es; fninit; fld1; fstpt %es:(%edx); jmp leave32\n"
        "fbld: mov %esi, %ds; fninit; fbld (%edx); jmp leave32\n"
        "fbstp: mov %esi, %es; fninit; fld1; fbstp %es:(%edx); jmp leave32\n"
        "bound32: mov %esi, %ds; xor %eax, %eax; boundl %eax, (%edx)\n"
        "         jmp leave32\n"
        "les32: mov %esi, %ds; les (%edx), %eax; jmp leave32\n"
        "maskmov: mov %esi, %ds; mov %edx, %edi; pcmpeqb %xmm0, %xmm0\n"
        "         maskmovdqu %xmm0, %xmm0; jmp leave32\n"
        ".code64\n");

static const struct {
    const char *what;
    void (*code)(void);
    uint8_t first, bytes; /* of the first part and of all */
    bool writes;
} parts[] = {
    {"FLD m80", fld80, 8, 10, false},   {"FSTP m80", fstp80, 8, 10, true},
    {"FBLD", fbld, 8, 10, false},       {"FBSTP", fbstp, 8, 10, true},
    {"BOUND", bound32, 4, 8, false},    {"LES m16:32", les32, 4, 6, false},
    {"MASKMOVDQU", maskmov, 8, 16, true},
};

/* Operand @i at @offset of @sel ends in @vector. */
static void expect_part(unsigned i, uint32_t sel, uint32_t offset, int vector,
                        const char *how)
{
    Frame f = {.error = 0};

    check_eq(run32(parts[i].code, sel, offset, &f), vector, "%s %s, by %x",
             parts[i].what, how, sel);
    if (vector >= 0) {
        check_eq(f.error, vector == 14 && parts[i].writes ? 2 : 0,
                 "%s %s, by %x: error code", parts[i].what, how, sel);
    }
}

/* Limit and page of a part count when those before it have been accessed; but
 * nothing is stored if one faults.  @page, where segment @sel ends, lies before
 * its offset @end. */
static void test_parts(uint32_t sel, uint8_t *page, uint32_t end)
{
    uint64_t mapped = *page_entry((uintptr_t)page);

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        uint32_t over = end + 1 - parts[i].bytes;
        uint8_t stored = 0;

        memset(page, 0, 0x1000);
        expect_part(i, sel, end + 1 - parts[i].first, 13, "over it at once");
        expect_part(i, sel, over, 13, "over the end");
        for (unsigned j = 0; j < 0x1000; j++) {
            stored |= page[j];
        }
        check_eq(stored, 0, "%s stores no part", parts[i].what);
        expect_part(i, sel, end - parts[i].bytes, -1, "before the end");
        page_map((uintptr_t)page, 0, 0);
        expect_part(i, sel, over, 14, "over the end of an absent page");
        check_eq(READ_CR(2), (uintptr_t)page + 0x1001 - parts[i].bytes,
                 "%s: CR2", parts[i].what);
        page_map((uintptr_t)page, mapped & ~0xfffull, mapped & 0xfff);
    }
}

/* The offset of a part wraps. */
static void test_wrapped_part(uint8_t *page)
{
    uint64_t *low = NULL, old;

    __asm__("" : "+r"(low)); /* address 0 is one like any other */
    old = *low;
    memset(page, 0, 0x1000);
    check_eq(run32(fstp80, 0x10, 0xfffffff8, NULL), -1,
             "FSTP m80 around 4 GiB");
    check_eq(*(uint64_t *)(page + 0xff8), 1ull << 63, "its first 8 bytes");
    check_eq((uint16_t)*low, 0x3fff, "and two at 0");
    check_eq(run32(maskmov, 0x10, 0xfffffff8, NULL), -1,
             "MASKMOVDQU around 4 GiB");
    check_eq(*(uint64_t *)(page + 0xff8), ~0ull, "its first 8 bytes");
    check_eq(*low, ~0ull, "and those at 0");
    *low = old;
}

static void test_all_parts(uint8_t *data)
{
    uint8_t *top = (uint8_t *)0xfffff000;
    uint64_t rom = *page_entry((uintptr_t)top);

    gdt[SLOT / 8] = descriptor((uintptr_t)data, 0xfff, ATTR(RW, 0, FLAG_B));
    test_parts(SLOT, data, 0x1000);
    page_map((uintptr_t)top, (uintptr_t)page_alloc(), 3);
    test_parts(0x10, top, 0);
    test_wrapped_part(top);
    page_map((uintptr_t)top, rom & ~0xfffull, rom & 0xfff);
}

/* The same code with a flat segment, then with a small one; both start with a
 * flat one. */
static void test_same_code(uint8_t *data)
{
    Frame f;

    gdt[SLOT / 8] = descriptor((uintptr_t)data, 0xfff, ATTR(RW, 0, FLAG_B));
    for (unsigned i = 0; i < 3; i++) {
        check_eq(run32(r32, 0x10, (uintptr_t)data, &f), -1, "flat");
    }
    check_eq(run32(r32, SLOT, 0x1000, &f), 13, "then beyond a limit");
}

typedef struct Load {
    const char *what;
    uint32_t attr;
    void (*code)(void);
    uint32_t sel;
    int vector;
    uint32_t error;
} Load;

static const Load loads[] = {
    {"DS: data", ATTR(RW, 0, 4), load_ds, SLOT, -1, 0},
    {"DS: null", 0, load_ds, 0, -1, 0},
    {"DS: null with RPL", 0, load_ds, 3, -1, 0},
    {"DS: not present", ATTR(RW, 0, 4) ^ NOT_PRESENT, load_ds, SLOT, 11, SLOT},
    {"DS: execute-only", ATTR(XO, 0, 4), load_ds, SLOT, 13, SLOT},
    {"DS: DPL 0 by RPL 3", ATTR(RW, 0, 4), load_ds, SLOT + 3, 13, SLOT},
    {"DS: conforming by RPL 3", ATTR(XC, 0, 4), load_ds, SLOT + 3, -1, 0},
    {"DS: a system segment", ATTR(2, 0, 4) & ~0x10u, load_ds, SLOT, 13, SLOT},
    {"DS: past the table", 0, load_ds, 0x1008, 13, 0x1008},
    {"DS: no LDT", 0, load_ds, 0x0c, 13, 0x0c},
    {"GS: not present", ATTR(RO, 0, 4) ^ NOT_PRESENT, load_gs, SLOT, 11, SLOT},
    {"SS: data", ATTR(RW, 0, 4), load_ss, SLOT, -1, 0},
    {"SS: null", 0, load_ss, 0, 13, 0},
    {"SS: read-only", ATTR(RO, 0, 4), load_ss, SLOT, 13, SLOT},
    {"SS: code", ATTR(XR, 0, 4), load_ss, SLOT, 13, SLOT},
    {"SS: RPL 3", ATTR(RW, 0, 4), load_ss, SLOT + 3, 13, SLOT},
    {"SS: DPL 3", ATTR(RW, 3, 4), load_ss, SLOT, 13, SLOT},
    {"SS: not present", ATTR(RW, 0, 4) ^ NOT_PRESENT, load_ss, SLOT, 12, SLOT},
    {"CS: data", ATTR(RW, 0, 4), far32, SLOT, 13, SLOT},
    {"CS: null", 0, far32, 0, 13, 0},
    {"CS: not present", ATTR(XR, 0, 4) ^ NOT_PRESENT, far32, SLOT, 11, SLOT},
    {"CS: DPL 3 by RPL 0", ATTR(XR, 3, 4), far32, SLOT, 13, SLOT},
    {"CS: L and D", ATTR(XR, 0, 6), far32, SLOT, 13, SLOT},
    {"CS: past the limit", ATTR(XR, 0, 4), far32, SLOT, 13, 0},
};

static void test_loads(void)
{
    unsigned i;
    Frame f;

    for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        const Load *l = &loads[i];
        int got;

        gdt[SLOT / 8] = descriptor(0, 0xfff, l->attr);
        f.error = 0;
        got = run32(l->code, l->sel, 0x2000, &f);
        check_eq(got, l->vector, "load of %s", l->what);
        if (l->vector >= 0) {
            check_eq(f.error, l->error, "load of %s: error code", l->what);
        }
    }
    gdt[SLOT / 8] = descriptor(0, 0xfff, ATTR(RW, 0, 4)) & ~(1ull << 40);
    run32(load_ds, SLOT, 0, NULL);
    check_eq(gdt[SLOT / 8] >> 40 & 1, 1, "a load sets the accessed bit");
}

/* --- 16-bit code --- */

/* In a segment that starts at code16: wraps of addresses and of SP. */
void code16(void), code16_end(void);
uint16_t out16[4];
__asm__(".text\n"
        ".code32\n"
        "enter16: push %esi; push $0; lret\n"
        ".code16\n"
        "code16:\n"
        "mov %sp, %cx\n"
        "push %ax\n"
        "sub %sp, %cx\n" /* 2 */
        "pop %ax\n"
        "mov $0xffff, %bx\n"
        "mov $3, %di\n"
        "mov %es:(%bx,%di), %ax\n" /* offset 2 */
        "push %ax; push %cx\n"
        "mov $1, %eax\n"
        "shl $17, %eax\n"
        "mov %es:(%eax), %dx\n" /* 32-bit address size: offset 0x20000 */
        "pop %cx; pop %ax\n"
        "ljmpl $0x18, $done16\n"
        "code16_end:\n"
        ".code32\n"
        "done16: mov $0x10, %ebx; mov %ebx, %ds\n"
        "mov %ax, out16; mov %cx, out16+2; mov %dx, out16+4; jmp leave32\n"
        "enter16_es: mov %esi, %eax; add $8, %eax; mov %eax, %es\n"
        "xor %eax, %eax; jmp enter16\n"
        ".code64\n");
void enter16_es(void);

static void test_16bit(uint8_t *data)
{
    *(uint16_t *)(data + 2) = 0x1234;
    *(uint16_t *)(data + 0x20000) = 0x5678;
    gdt[SLOT / 8] = descriptor((uintptr_t)code16, 0xffff, ATTR(XR, 0, 0));
    gdt[SLOT / 8 + 1] =
        descriptor((uintptr_t)data, 0x3ffff, ATTR(RW, 0, FLAG_B));
    check_eq(run32(enter16_es, SLOT, 0, NULL), -1, "16-bit code");
    check_eq(out16[0], 0x1234, "BX+DI wraps at 64K");
    check_eq(out16[1], 2, "PUSH of 16 bits");
    check_eq(out16[2], 0x5678, "32-bit address in 16-bit code");
}

/* --- questions about descriptors --- */

/* RDI: selector.  Result in RAX; bit 32 is ZF. */
void q_lar(void), q_lsl(void), q_verr(void), q_verw(void);
__asm__(".text\n"
        "q_lar: xor %eax, %eax; lar %edi, %eax; jmp q_zf\n"
        "q_lsl: xor %eax, %eax; lsl %edi, %eax; jmp q_zf\n"
        "q_verr: xor %eax, %eax; verr %di; jmp q_zf\n"
        "q_verw: xor %eax, %eax; verw %di\n"
        "q_zf: setz %cl; movzbl %cl, %ecx; shl $32, %rcx; or %rcx, %rax\n"
        "ret\n");

static uint64_t ask(void (*fn)(void), unsigned cpl, uint16_t sel)
{
    uint64_t answer;
    Frame f;

    if (cpl == 3) {
        if (catch_user(fn, sel, &f) != -1) {
            return -1;
        }
        return f.rax;
    }
    __asm__ volatile("call *%2"
                     : "=a"(answer)
                     : "D"((uint64_t)sel), "r"(fn)
                     : "rcx", "cc");
    return answer;
}

/* SDM vol. 2A: which types LAR and LSL take, in IA-32e mode. */
static void test_system_types(void)
{
    const uint16_t lar = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12;
    const uint16_t lsl = 1 << 2 | 1 << 9 | 1 << 11;
    unsigned type;

    for (type = 0; type < 16; type++) {
        gdt[SLOT / 8] = descriptor(0x1000, 0x67, 0x80 | type);
        gdt[SLOT / 8 + 1] = 0;
        check_eq(ask(q_lar, 0, SLOT) >> 32, lar >> type & 1, "LAR, type %d",
                 type);
        check_eq(ask(q_lsl, 0, SLOT) >> 32, lsl >> type & 1, "LSL, type %d",
                 type);
    }
}

static void test_questions(void)
{
    const uint64_t zf = 1ull << 32;

    gdt[SLOT / 8] = descriptor(0x1234, 0x1ff, ATTR(RO, 0, FLAG_G | FLAG_B));
    check_eq(ask(q_lar, 0, SLOT), zf | 0xc09100, "LAR of data");
    check_eq(ask(q_lsl, 0, SLOT), zf | 0x1fffff, "LSL of data by pages");
    check_eq(ask(q_verr, 0, SLOT), zf, "VERR of read-only data");
    check_eq(ask(q_verw, 0, SLOT), 0, "VERW of read-only data");
    check_eq(ask(q_lar, 3, SLOT), 0, "LAR at CPL 3 of DPL 0");
    check_eq(ask(q_lsl, 3, SLOT), 0, "LSL at CPL 3 of DPL 0");
    check_eq(ask(q_verr, 3, SLOT), 0, "VERR at CPL 3 of DPL 0");
    check_eq(ask(q_lar, 0, SLOT + 3), 0, "LAR by RPL 3 of DPL 0");
    check_eq(ask(q_lar, 0, 0), 0, "LAR of null");
    check_eq(ask(q_lsl, 0, 3), 0, "LSL of null");
    check_eq(ask(q_verr, 0, 0), 0, "VERR of null");
    check_eq(ask(q_lar, 0, 0x1000), 0, "LAR past the table");
    gdt[SLOT / 8] ^= 1ull << 47;
    check_eq(ask(q_lar, 0, SLOT), zf | 0xc01100, "LAR of absent data");
    gdt[SLOT / 8] = descriptor(0, 0xfff, ATTR(RW, 3, 0));
    check_eq(ask(q_lar, 3, SLOT + 3), zf | 0x00f300, "LAR at CPL 3 of DPL 3");
    check_eq(ask(q_verw, 3, SLOT + 3), zf, "VERW at CPL 3 of DPL 3");
    gdt[SLOT / 8] = descriptor(0, 0xfff, ATTR(XC, 0, 0));
    check_eq(ask(q_lsl, 3, SLOT + 3), zf | 0xfff, "LSL of conforming code");
    check_eq(ask(q_verr, 3, SLOT + 3), zf, "VERR of conforming code");
    check_eq(ask(q_verw, 0, SLOT), 0, "VERW of code");
    gdt[SLOT / 8] = descriptor(0, 0xfff, ATTR(XO, 0, 0));
    check_eq(ask(q_verr, 0, SLOT), 0, "VERR of execute-only code");
}

/* --- descriptors that are not in RAM --- */

struct TablePtr {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* Load @sel from a table at @base; nothing else may happen meanwhile. */
static void load_from(uint64_t base, uint16_t sel)
{
    struct TablePtr old, table = {0xffff, base};

    __asm__ volatile("sgdt %0\n"
                     "lgdt %1\n"
                     "mov %w2, %%ds\n"
                     "lgdt %0\n"
                     : "=m"(old)
                     : "m"(table), "r"((uint32_t)sel));
    __asm__ volatile("mov %w0, %%ds" ::"r"(0x10));
}

/* A descriptor of writable data, present, not accessed yet. */
static bool is_fresh_data(const uint8_t *p)
{
    return (p[5] & 0x9b) == 0x92 && p[5] != 0x9a;
}

/* ROM keeps its accessed bit as it is, and nobody minds. */
static void test_in_rom(void)
{
    const uint8_t *rom = (uint8_t *)0xf0000;
    unsigned i;

    for (i = 0; i < 0xfff0 && !is_fresh_data(rom + i); i++) {
    }
    check(i < 0xfff0, "a descriptor in ROM");
    load_from((uintptr_t)rom + i - SLOT, SLOT);
    check(is_fresh_data(rom + i), "is loaded, and not written");
}

/* The comparator of HPET timer 0 is eight bytes to be read and written. */
static void test_in_device(void)
{
    volatile uint32_t *comparator = (uint32_t *)0xfed00108;
    uint64_t d = descriptor(0, 0xfffff, ATTR(RW & ~1, 0, 12));

    comparator[0] = d;
    comparator[1] = d >> 32;
    check_eq(comparator[1], d >> 32, "a descriptor in a device");
    load_from((uintptr_t)comparator - SLOT, SLOT);
    check(true, "is loaded");
}

int main(void)
{
    uint8_t *data = (uint8_t *)0x2000000;

    __asm__ volatile("lldt %w0" ::"r"(0));
    test_same_code(data);
    test_accesses(data);
    test_all_parts(data);
    test_loads();
    test_16bit(data);
    test_questions();
    test_system_types();
    test_in_rom();
    test_in_device();
    return 0;
}
