/* SPDX-License-Identifier: MIT */
/*
 * Ways to end the machine; each is a run of its own, with -no-reboot.
 * guest-ends: s5
 * guest-ends: cf9
 * guest-ends: port92
 * guest-ends: keyboard
 * guest-ends: triple-fault
 * Source: ACPI 4.8.3.2 "PM1 Control Registers", 7.4.2.5 "System \_S5 State";
 * Intel 82371AB datasheet, "Reset Control Register"; IBM PS/2 Hardware
 * Interface Technical Reference; SDM vol. 3A, 6.15 (#DF).
 */
#include "guest.h"

#define PM1_CONTROL 4
#define SLP_EN      (1 << 13)
#define SLP_TYP(n)  ((n) << 10)

static uint32_t pci_read(unsigned slot, unsigned fn, unsigned where)
{
    outl(0xcf8, 0x80000000 | slot << 11 | fn << 8 | where);
    return inl(0xcfc);
}

/* The PIIX4's S5 is sleep type 0, "soft off". */
static void soft_off(void)
{
    uint16_t base = pci_read(1, 3, 0x40) & 0xffc0;

    __asm__ volatile("outw %0, %1" ::"a"((uint16_t)(SLP_EN | SLP_TYP(0))),
                     "Nd"((uint16_t)(base + PM1_CONTROL)));
}

static void reset_by_cf9(void)
{
    outb(0xcf9, 0x02);
    outb(0xcf9, 0x06);
}

static void reset_by_port92(void)
{
    outb(0x92, inb(0x92) & ~1);
    outb(0x92, inb(0x92) | 1);
}

static void reset_by_keyboard(void)
{
    while (inb(0x64) & 2) {
    }
    outb(0x64, 0xfe);
}

static void triple_fault(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    __asm__ volatile("lidt %0; ud2" ::"m"(none));
}

int main(void)
{
    static const struct {
        const char *word;
        void (*end)(void);
    } ways[] = {
        {"s5", soft_off},
        {"cf9", reset_by_cf9},
        {"port92", reset_by_port92},
        {"keyboard", reset_by_keyboard},
        {"triple-fault", triple_fault},
    };
    unsigned i, spin;

    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (boot_word(ways[i].word)) {
            ways[i].end();
            for (spin = 0; spin < 1000000; spin++) {
                inb(0x80); /* the machine may take its time to end */
            }
            check(false, "%s did not end the machine", ways[i].word);
            return 1;
        }
    }
    check(!boot_word("s5"), "no word on the command line");
    return 0;
}
