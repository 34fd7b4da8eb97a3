/* SPDX-License-Identifier: MIT */
/*
 * Every exception that long mode can raise in software: vector, error code and
 * the saved rip.  Source: SDM vol. 3A, 6.15 "Exception and Interrupt
 * Reference".
 */
#include "guest.h"

#define CASE(name, ...) \
    static void name(void *arg) \
    { \
        (void)arg; \
        __asm__ volatile(__VA_ARGS__); \
    }

CASE(divide_by_zero, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::
         : "rax", "rcx", "rdx")
CASE(divide_overflow, "mov $1, %%edx; mov $1, %%ecx; div %%ecx" ::
         : "rax", "rcx", "rdx")
CASE(undefined, "ud2" ::)
CASE(breakpoint, "int3" ::)
CASE(noncanonical, "movabs $0x800000000000, %%rax; mov (%%rax), %%eax" ::
         : "rax")
CASE(noncanonical_stack,
     "mov %%rsp, %%rcx; movabs $0x800000000000, %%rsp; pop %%rax" ::
         : "rax", "rcx")
CASE(null_segment, "mov $0x1000, %%eax; mov %%eax, %%ds" :: : "rax")
CASE(bad_selector_ss, "xor %%eax, %%eax; mov $0x18, %%eax; mov %%eax, %%ss" ::
         : "rax")
CASE(page_read, "movabs $0x7000000000, %%rax; mov (%%rax), %%eax" :: : "rax")
CASE(page_write, "movabs $0x7000000000, %%rax; mov %%eax, (%%rax)" ::
         : "rax", "memory")
CASE(page_fetch, "movabs $0x7000000000, %%rax; jmp *%%rax" :: : "rax")
CASE(misaligned_sse, "lea -8(%%rsp), %%rax; and $-16, %%rax; "
                     "movaps 1(%%rax), %%xmm0" :: : "rax")
CASE(lock_on_register, ".byte 0xf0, 0x01, 0xc0" ::)
CASE(wrmsr_bad, "mov $0xdead, %%ecx; wrmsr" :: : "rcx")
CASE(cr4_pae, "mov %%cr4, %%rax; btr $5, %%rax; mov %%rax, %%cr4" ::
         : "rax")
CASE(int_not_present, "int $0xf0" ::)

static void expect(const char *name, void (*fn)(void *), int vector,
                   uint64_t error)
{
    Frame f;
    int got = catch(fn, NULL, &f);

    check_eq(got, vector, "%s: vector", name);
    check_eq(f.error, error, "%s: error code", name);
}

int main(void)
{
    Frame f;

    expect("division by zero", divide_by_zero, 0, 0);
    expect("division overflow", divide_overflow, 0, 0);
    expect("ud2", undefined, 6, 0);
    expect("int3", breakpoint, 3, 0);
    expect("non-canonical load", noncanonical, 13, 0);
    expect("non-canonical stack", noncanonical_stack, 12, 0);
    expect("selector past the GDT", null_segment, 13, 0x1000);
    expect("code segment in SS", bad_selector_ss, 13, 0x18);
    expect("page not present, read", page_read, 14, 0);
    check_eq(READ_CR(2), 0x7000000000, "CR2 of the read");
    expect("page not present, write", page_write, 14, 2);
    expect("page not present, fetch", page_fetch, 14, 0x10);
    expect("misaligned movaps", misaligned_sse, 13, 0);
    expect("lock on a register", lock_on_register, 6, 0);
    expect("unknown MSR", wrmsr_bad, 13, 0);
    expect("CR4.PAE cleared in long mode", cr4_pae, 13, 0);
    idt[0xf0].type &= 0x7f;
    expect("gate not present", int_not_present, 11, 0xf0 * 8 + 2);

    catch(undefined, NULL, &f);
    check_eq(*(uint16_t *)f.rip, 0x0b0f, "#UD saves the instruction's rip");
    catch(breakpoint, NULL, &f);
    check_eq(*(uint8_t *)(f.rip - 1), 0xcc, "#BP saves the next rip");
    return 0;
}
