/* SPDX-License-Identifier: MIT */
/* The HPET.  Expected values: IA-PC HPET specification 1.0a, chapter 2. */
#include "hw/timer/hpet.h"

#include "hw_test.h"

#define CAP      0x000
#define CONFIG   0x010
#define STATUS   0x020
#define COUNTER  0x0f0
#define TCONF(n) (0x100 + 0x20 * (n))
#define TCMP(n)  (0x108 + 0x20 * (n))
#define T_LEVEL  BIT(1)
#define T_ENABLE BIT(2)
#define T_PERIOD BIT(3)
#define T_SET    BIT(6)
#define T_32     BIT(8)
#define T_ROUTE(pin) ((pin) << 9)

static LineProbe gsi[HPET_GSIS], legacy[HPET_LEGACY_LINES];
static HpetState *hpet;

static uint64_t get(unsigned reg)
{
    return address_space_load(&address_space_memory, HPET_ADDR + reg, 8, NULL);
}

static void set(unsigned reg, uint64_t value)
{
    address_space_store(&address_space_memory, HPET_ADDR + reg, value, 8);
}

static void fresh(void)
{
    devices_reset_all();
    for (unsigned i = 0; i < HPET_GSIS; i++) {
        gsi[i].level = gsi[i].rises = 0;
    }
    legacy[0].rises = legacy[1].rises = 0;
}

static void test_capabilities(void)
{
    fresh();
    g_assert_cmphex(get(CAP), ==, 0x009896808086a201);
    g_assert_cmphex(load32(HPET_ADDR + 4), ==, 0x00989680);
    g_assert_cmphex(get(TCONF(0)) >> 32, ==, 0x00f00000);
    g_assert_cmphex(get(TCONF(0)) & 0x8030, ==, 0x30); /* 64 bits, periodic */
    g_assert_cmphex(get(TCMP(2)), ==, UINT64_MAX);
}

static void test_counter(void)
{
    fresh();
    clock_virtual_advance(1000);
    g_assert_cmpint(get(COUNTER), ==, 0);
    set(CONFIG, 1);
    clock_virtual_advance(1234);
    g_assert_cmpint(get(COUNTER), ==, 123);
    set(CONFIG, 0);
    clock_virtual_advance(1000);
    g_assert_cmpint(get(COUNTER), ==, 123);
    set(COUNTER, 0xfffffff0);
    set(CONFIG, 1);
    clock_virtual_advance(200);
    g_assert_cmphex(get(COUNTER), ==, 0x100000004);
    g_assert_cmphex(load32(HPET_ADDR + COUNTER + 4), ==, 1);
}

static void test_one_shot_edge(void)
{
    fresh();
    set(TCONF(0), T_ENABLE | T_ROUTE(20u));
    set(TCMP(0), 100);
    set(CONFIG, 1);
    clock_virtual_advance(999);
    g_assert_cmpint(gsi[20].rises, ==, 0);
    clock_virtual_advance(1);
    g_assert_cmpint(gsi[20].rises, ==, 1);
    clock_virtual_advance(NS_PER_SEC);
    g_assert_cmpint(gsi[20].rises, ==, 1);
    set(TCMP(0), get(COUNTER) + 50);
    clock_virtual_advance(500);
    g_assert_cmpint(gsi[20].rises, ==, 2);
}

static void test_level(void)
{
    fresh();
    set(TCONF(1), T_ENABLE | T_LEVEL | T_ROUTE(21u));
    set(TCMP(1), 100);
    set(CONFIG, 1);
    clock_virtual_advance(1000);
    g_assert_cmpint(gsi[21].level, ==, 1);
    g_assert_cmphex(get(STATUS), ==, 2);
    set(STATUS, 1);
    g_assert_cmpint(gsi[21].level, ==, 1);
    set(STATUS, 2);
    g_assert_cmpint(gsi[21].level, ==, 0);
    g_assert_cmphex(get(STATUS), ==, 0);
}

/* As a kernel programs it: value, then period. */
static void test_periodic(void)
{
    fresh();
    set(TCONF(0), T_ENABLE | T_PERIOD | T_SET | T_ROUTE(22u));
    set(TCMP(0), 5000);
    set(TCMP(0), 10000); /* 100 us */
    g_assert_cmpint(get(TCMP(0)), ==, 5000);
    set(CONFIG, 1);
    clock_virtual_advance(50 * NS_PER_US);
    g_assert_cmpint(gsi[22].rises, ==, 1);
    g_assert_cmpint(get(TCMP(0)), ==, 15000);
    clock_virtual_advance(NS_PER_SEC);
    g_assert_cmpint(gsi[22].rises, ==, 10001);
    g_assert_cmpint(get(TCMP(0)) % 10000, ==, 5000); /* the phase is kept */
}

static void test_32_bits(void)
{
    fresh();
    set(COUNTER, 0xffffffff0);
    set(TCONF(0), T_ENABLE | T_32 | T_ROUTE(23u));
    store32(HPET_ADDR + TCMP(0), 0x10);
    set(CONFIG, 1);
    clock_virtual_advance(0x20 * 10 - 1);
    g_assert_cmpint(gsi[23].rises, ==, 0);
    clock_virtual_advance(1);
    g_assert_cmpint(gsi[23].rises, ==, 1);
}

static void test_legacy_route(void)
{
    const IrqLine *pit = hpet_legacy_in(hpet, HPET_LEGACY_PIT);

    fresh();
    irq_raise(pit);
    g_assert_cmpint(legacy[0].level, ==, 1);
    set(TCONF(0), T_ENABLE | T_ROUTE(20u));
    set(TCMP(0), 100);
    set(CONFIG, 3);
    g_assert_cmpint(legacy[0].level, ==, 0); /* the PIT is cut off */
    irq_lower(pit);
    irq_raise(pit);
    g_assert_cmpint(legacy[0].level, ==, 0);
    clock_virtual_advance(1000);
    g_assert_cmpint(legacy[0].rises, ==, 2);
    g_assert_cmpint(gsi[20].rises, ==, 0);
    set(CONFIG, 1);
    g_assert_cmpint(legacy[0].level, ==, 1); /* what the PIT drives */
    irq_lower(pit);
    g_assert_cmpint(legacy[0].level, ==, 0);
}

/* Neither a period of one tick nor an impossible route hurts the host. */
static void test_abuse(void)
{
    fresh();
    set(TCONF(0), T_ENABLE | T_PERIOD | T_SET | T_ROUTE(31u));
    g_assert_cmphex(get(TCONF(0)) >> 9 & 31, ==, 20);
    set(TCMP(0), 1);
    set(CONFIG, 1);
    clock_virtual_advance(NS_PER_MS);
    g_assert_cmpint(gsi[20].rises, <=, 101);
    set(TCMP(0), 0);
    clock_virtual_advance(NS_PER_MS);
    for (unsigned reg = 0; reg < 0x400; reg += 4) {
        store32(HPET_ADDR + reg, 0xffffffff);
        load32(HPET_ADDR + reg);
    }
}

int main(int argc, char **argv)
{
    const IrqLine *gsis[HPET_GSIS], *wires[HPET_LEGACY_LINES];

    hw_test_init(&argc, &argv);
    for (unsigned i = 0; i < HPET_GSIS; i++) {
        gsis[i] = line_probe_init(&gsi[i]);
    }
    wires[0] = line_probe_init(&legacy[0]);
    wires[1] = line_probe_init(&legacy[1]);
    hpet = hpet_create(system_memory(), HPET_ADDR, gsis, wires);
    g_test_add_func("/hpet/capabilities", test_capabilities);
    g_test_add_func("/hpet/counter", test_counter);
    g_test_add_func("/hpet/one-shot", test_one_shot_edge);
    g_test_add_func("/hpet/level", test_level);
    g_test_add_func("/hpet/periodic", test_periodic);
    g_test_add_func("/hpet/32-bits", test_32_bits);
    g_test_add_func("/hpet/legacy", test_legacy_route);
    g_test_add_func("/hpet/abuse", test_abuse);
    return g_test_run();
}
