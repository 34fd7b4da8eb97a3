/* SPDX-License-Identifier: MIT */
/* The memory map: which region answers, how accesses are cut, what is marked
 * dirty.  Expected values: the rules that include/exec/memory.h states. */
#include <string.h>

#include "exec/bql.h"
#include "exec/memory.h"
#include "util/rcu.h"

/* A device that notes its accesses and reads as the offsets of its bytes. */
typedef struct Probe {
    unsigned reads, writes;
    hwaddr addr;
    unsigned size;
    uint64_t value;
    MemoryRegion mr;
} Probe;

static uint64_t probe_read(void *opaque, hwaddr addr, unsigned size)
{
    Probe *p = opaque;
    uint64_t value = 0;

    g_assert_true(bql_locked());
    p->reads++;
    p->addr = addr;
    p->size = size;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)(uint8_t)(addr + i) << (8 * i);
    }
    return value;
}

static void probe_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    Probe *p = opaque;

    p->writes++;
    p->addr = addr;
    p->size = size;
    p->value = value;
}

static const MemoryRegionOps any_ops = {
    .read = probe_read, .write = probe_write, .impl = {1, 8}};
static const MemoryRegionOps byte_ops = {
    .read = probe_read, .write = probe_write, .impl = {1, 1}};
static const MemoryRegionOps dword_ops = {
    .read = probe_read, .write = probe_write, .impl = {4, 4}};
static const MemoryRegionOps narrow_ops = {
    .read = probe_read, .write = probe_write, .valid = {2, 4, false}};
static const MemoryRegionOps unaligned_ops = {
    .read = probe_read, .write = probe_write, .valid = {1, 8, true},
    .impl = {1, 8}};

typedef struct Fixture {
    MemoryRegion root;
    AddressSpace as;
    /* For the tests' use: they live until teardown. */
    MemoryRegion ram, other;
    Probe a, b, c;
} Fixture;

static void setup(Fixture *f, gconstpointer unused)
{
    bql_lock();
    memory_region_init(&f->root, "root", UINT64_MAX);
    address_space_init(&f->as, &f->root, "test");
    bql_unlock();
}

static void teardown(Fixture *f, gconstpointer unused)
{
    MemoryRegion *child;

    bql_lock();
    while ((child = g_queue_peek_head(&f->root.children))) {
        memory_region_del(&f->root, child);
        memory_region_destroy(child);
    }
    address_space_destroy(&f->as);
    memory_region_destroy(&f->root);
    bql_unlock();
    rcu_drain();
}

static void add_probe(Fixture *f, Probe *p, const MemoryRegionOps *ops,
                      hwaddr addr, uint64_t size, int priority)
{
    memset(p, 0, sizeof(*p));
    memory_region_init_io(&p->mr, ops, p, "probe", size);
    bql_lock();
    memory_region_add_overlap(&f->root, addr, &p->mr, priority);
    bql_unlock();
}

static void add_ram(Fixture *f, MemoryRegion *mr, hwaddr addr, uint64_t size)
{
    g_autoptr(GError) err = NULL;

    bql_lock();
    g_assert_true(memory_region_init_ram(mr, "ram", size, &err));
    memory_region_add(&f->root, addr, mr);
    bql_unlock();
}

static MemoryRegion *region_at(Fixture *f, hwaddr addr)
{
    RCU_READ_GUARD();

    return memory_find_rcu(&f->as, addr).mr;
}

static void test_unmapped(Fixture *f, gconstpointer unused)
{
    MemTxResult result;
    uint32_t buf = 0;

    g_assert_cmphex(address_space_load(&f->as, 0x1234, 2, &result), ==, 0xffff);
    g_assert_cmpint(result, ==, MEMTX_DECODE_ERROR);
    g_assert_cmphex(address_space_load(&f->as, 0, 8, NULL), ==, UINT64_MAX);
    g_assert_cmpint(address_space_store(&f->as, 0, 1, 4), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmpint(address_space_read(&f->as, UINT64_MAX - 1, &buf, 4), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(buf, ==, UINT32_MAX);
}

static void test_ram(Fixture *f, gconstpointer unused)
{
    MemTxResult result;

    add_ram(f, &f->ram, 0x10000, 64 * KiB);
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t value = 0x1122334455667788 >> (64 - 8 * size);

        for (hwaddr addr = 0x10000; addr < 0x10008; addr++) {
            g_assert_cmpint(address_space_store(&f->as, addr, value, size), ==,
                            MEMTX_OK);
            g_assert_cmphex(address_space_load(&f->as, addr, size, &result), ==,
                            value);
            g_assert_cmpint(result, ==, MEMTX_OK);
        }
    }
    /* Half in, half out. */
    address_space_store(&f->as, 0x1fffe, 0x5aa5, 2);
    g_assert_cmphex(address_space_load(&f->as, 0x1fffe, 4, &result), ==,
                    0xffff5aa5);
    g_assert_cmpint(result, ==, MEMTX_DECODE_ERROR);
}

static void test_priority(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->b, &any_ops, 0x1000, 0x1000, 1);
    add_probe(f, &f->a, &any_ops, 0x0800, 0x2000, 0);
    g_assert_true(region_at(f, 0x0fff) == &f->a.mr);
    g_assert_true(region_at(f, 0x1000) == &f->b.mr);
    g_assert_true(region_at(f, 0x1fff) == &f->b.mr);
    g_assert_true(region_at(f, 0x2000) == &f->a.mr);
    g_assert_true(region_at(f, 0x27ff) == &f->a.mr);
    g_assert_null(region_at(f, 0x2800));
    /* Equal priority: the newest wins. */
    add_probe(f, &f->c, &any_ops, 0x1800, 0x1000, 1);
    g_assert_true(region_at(f, 0x17ff) == &f->b.mr);
    g_assert_true(region_at(f, 0x1800) == &f->c.mr);
    /* The offset counts from the region's start, not from the stretch's. */
    address_space_load(&f->as, 0x27ff, 1, NULL);
    g_assert_cmphex(f->c.addr, ==, 0xfff);
    address_space_load(&f->as, 0x0800, 1, NULL);
    g_assert_cmphex(f->a.addr, ==, 0);
}

/* What was painted before a window begins does not widen it. */
static void test_apart(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &any_ops, 0x1000, 0x100, 1);
    add_probe(f, &f->b, &any_ops, 0x8000, 0x100, 0);
    add_probe(f, &f->c, &any_ops, 0x4000, 0x100, 0);
    g_assert_true(region_at(f, 0x10ff) == &f->a.mr);
    g_assert_null(region_at(f, 0x1100));
    g_assert_null(region_at(f, 0x3fff));
    g_assert_true(region_at(f, 0x4000) == &f->c.mr);
    g_assert_null(region_at(f, 0x4100));
    g_assert_true(region_at(f, 0x8000) == &f->b.mr);
}

static void test_enable_and_move(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &any_ops, 0x1000, 0x1000, 0);
    bql_lock();
    memory_region_set_enabled(&f->a.mr, false);
    g_assert_null(region_at(f, 0x1000));
    memory_transaction_begin();
    memory_region_set_enabled(&f->a.mr, true);
    memory_region_set_address(&f->a.mr, 0x8000);
    g_assert_null(region_at(f, 0x8000)); /* not committed yet */
    memory_transaction_begin();
    memory_transaction_commit();
    g_assert_null(region_at(f, 0x8000)); /* the inner one is not the last */
    memory_transaction_commit();
    bql_unlock();
    g_assert_true(region_at(f, 0x8000) == &f->a.mr);
    g_assert_null(region_at(f, 0x1000));
}

static void test_alias(Fixture *f, gconstpointer unused)
{
    add_ram(f, &f->ram, 0, 64 * KiB);
    memory_region_init_alias(&f->other, "window", &f->ram, 0x8000, 0x1000);
    bql_lock();
    memory_region_add_overlap(&f->root, 0x100000, &f->other, 1);
    bql_unlock();
    address_space_store(&f->as, 0x8010, 0xabcd, 2);
    g_assert_cmphex(address_space_load(&f->as, 0x100010, 2, NULL), ==, 0xabcd);
    g_assert_cmphex(address_space_load(&f->as, 0x101000, 1, NULL), ==, 0xff);
    bql_lock();
    memory_region_set_alias_offset(&f->other, 0x8008);
    bql_unlock();
    g_assert_cmphex(address_space_load(&f->as, 0x100008, 2, NULL), ==, 0xabcd);
}

/* As the i440FX shadows its ROM area: an alias of RAM, read-only or not. */
static void test_readonly_alias(Fixture *f, gconstpointer unused)
{
    uint64_t len = 4096;

    add_ram(f, &f->ram, 0, MiB);
    memory_region_init_alias(&f->other, "shadow", &f->ram, 0xf0000, 0x10000);
    bql_lock();
    memory_region_add_overlap(&f->root, 0xf0000, &f->other, 1);
    address_space_store(&f->as, 0xf0000, 0x11, 1);
    memory_region_set_readonly(&f->other, true);
    bql_unlock();
    g_assert_cmpint(address_space_store(&f->as, 0xf0000, 0x22, 1), ==,
                    MEMTX_OK);
    g_assert_cmpint(address_space_write(&f->as, 0xefffe, "abcd", 4), ==,
                    MEMTX_OK);
    g_assert_cmphex(address_space_load(&f->as, 0xf0000, 1, NULL), ==, 0x11);
    g_assert_cmphex(address_space_load(&f->as, 0xefffe, 2, NULL), ==, 0x6261);
    rcu_read_lock();
    g_assert_null(memory_host_ptr_rcu(&f->as, 0xf0000, true, &len));
    g_assert_nonnull(memory_host_ptr_rcu(&f->as, 0xf0000, false, &len));
    rcu_read_unlock();
    bql_lock();
    memory_region_set_readonly(&f->other, false);
    bql_unlock();
    address_space_store(&f->as, 0xf0000, 0x22, 1);
    g_assert_cmphex(address_space_load(&f->as, 0xf0000, 1, NULL), ==, 0x22);
}

static void test_readonly_device(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &any_ops, 0, 0x100, 0);
    memory_region_init_alias(&f->other, "ro", &f->a.mr, 0, 0x100);
    bql_lock();
    memory_region_set_readonly(&f->other, true);
    memory_region_add(&f->root, 0x1000, &f->other);
    bql_unlock();
    g_assert_cmpint(address_space_store(&f->as, 0x1004, 1, 4), ==, MEMTX_OK);
    address_space_write(&f->as, 0x1003, "ab", 2);
    g_assert_cmpuint(f->a.writes, ==, 0);
    g_assert_cmphex(address_space_load(&f->as, 0x1004, 1, NULL), ==, 4);
}

static void test_rom(Fixture *f, gconstpointer unused)
{
    bql_lock();
    g_assert_true(memory_region_init_rom(&f->ram, "rom", 4096, NULL));
    memory_region_add(&f->root, 0, &f->ram);
    bql_unlock();
    g_assert_cmpint(address_space_write_rom(&f->as, 0, "\x55\xaa", 2), ==,
                    MEMTX_OK);
    g_assert_cmpint(address_space_store(&f->as, 0, 0, 4), ==, MEMTX_OK);
    g_assert_cmphex(address_space_load(&f->as, 0, 2, NULL), ==, 0xaa55);
}

static void test_split(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &byte_ops, 0, 0x100, 0);
    g_assert_cmphex(address_space_load(&f->as, 0x10, 4, NULL), ==, 0x13121110);
    g_assert_cmpuint(f->a.reads, ==, 4);
    g_assert_cmpuint(f->a.size, ==, 1);
    address_space_store(&f->as, 0x20, 0x4433, 2);
    g_assert_cmpuint(f->a.writes, ==, 2);
    g_assert_cmphex(f->a.addr, ==, 0x21);
    g_assert_cmphex(f->a.value, ==, 0x44);
}

static void test_widen(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &dword_ops, 0, 0x100, 0);
    g_assert_cmphex(address_space_load(&f->as, 0x12, 1, NULL), ==, 0x12);
    g_assert_cmphex(f->a.addr, ==, 0x10);
    g_assert_cmpuint(f->a.size, ==, 4);
    address_space_store(&f->as, 0x12, 0xbeef, 2);
    g_assert_cmphex(f->a.addr, ==, 0x10);
    g_assert_cmphex(f->a.value, ==, 0xbeef0000);
}

static void test_invalid_size(Fixture *f, gconstpointer unused)
{
    MemTxResult result;

    add_probe(f, &f->a, &narrow_ops, 0, 0x100, 0);
    g_assert_cmphex(address_space_load(&f->as, 0, 1, &result), ==, 0xff);
    g_assert_cmpint(result, ==, MEMTX_DECODE_ERROR);
    g_assert_cmpint(address_space_store(&f->as, 0, 0, 8), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmpuint(f->a.reads + f->a.writes, ==, 0);
    g_assert_cmphex(address_space_load(&f->as, 4, 2, &result), ==, 0x0504);
    g_assert_cmpint(result, ==, MEMTX_OK);
}

static void test_unaligned_io(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &any_ops, 0, 0x100, 0);
    add_probe(f, &f->b, &unaligned_ops, 0x1000, 0x100, 0);
    g_assert_cmphex(address_space_load(&f->as, 0x11, 4, NULL), ==, 0x14131211);
    g_assert_cmpuint(f->a.reads, ==, 3); /* 1 + 2 + 1 bytes */
    g_assert_cmphex(address_space_load(&f->as, 0x1011, 4, NULL), ==,
                    0x14131211);
    g_assert_cmpuint(f->b.reads, ==, 1);
}

/* A word of which each byte belongs to another device, as on the ISA bus. */
static void test_two_devices(Fixture *f, gconstpointer unused)
{
    add_probe(f, &f->a, &any_ops, 0x60, 1, 0);
    add_probe(f, &f->b, &any_ops, 0x61, 1, 0);
    address_space_store(&f->as, 0x60, 0xbbaa, 2);
    g_assert_cmphex(f->a.value, ==, 0xaa);
    g_assert_cmphex(f->b.value, ==, 0xbb);
    g_assert_cmphex(address_space_load(&f->as, 0x60, 4, NULL), ==, 0xffff0000);
}

/* A device whose register makes it write to itself. */
static AddressSpace *own_space;
static MemTxResult inner_result;

static void dma_to_self(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    Probe *p = opaque;

    p->writes++;
    inner_result = address_space_store(own_space, value, 0, 1);
}

static void test_reentry(Fixture *f, gconstpointer unused)
{
    static const MemoryRegionOps ops = {.read = probe_read,
                                        .write = dma_to_self};

    add_probe(f, &f->a, &ops, 0, 0x100, 0);
    add_ram(f, &f->ram, 0x1000, 0x1000);
    own_space = &f->as;
    g_assert_cmpint(address_space_store(&f->as, 0, 0x10, 4), ==, MEMTX_OK);
    g_assert_cmpint(inner_result, ==, MEMTX_ERROR);
    g_assert_cmpuint(f->a.writes, ==, 1);
    address_space_store(&f->as, 0, 0x1000, 4);
    g_assert_cmpint(inner_result, ==, MEMTX_OK); /* elsewhere is fine */
}

static void test_sections(Fixture *f, gconstpointer unused)
{
    MemorySection s;
    uint64_t len = 0x10000;

    add_ram(f, &f->ram, 0x4000, 0x2000);
    rcu_read_lock();
    s = memory_find_rcu(&f->as, 0x4fff);
    g_assert_true(s.mr == &f->ram);
    g_assert_cmphex(s.addr, ==, 0x4000);
    g_assert_cmphex(s.size, ==, 0x2000);
    s = memory_find_rcu(&f->as, 0);
    g_assert_null(s.mr);
    g_assert_cmphex(s.addr + s.size, ==, 0x4000);
    s = memory_find_rcu(&f->as, UINT64_MAX);
    g_assert_null(s.mr);
    g_assert_cmphex(s.addr, ==, 0x6000);
    g_assert_true(memory_host_ptr_rcu(&f->as, 0x5800, true, &len) ==
                  memory_region_ram_ptr(&f->ram) + 0x1800);
    g_assert_cmphex(len, ==, 0x800);
    rcu_read_unlock();
}

static unsigned code_writes, commits;
static ram_addr_t code_addr;

static void note_code(ram_addr_t addr, uint64_t len)
{
    code_writes++;
    code_addr = addr;
}

static void note_commit(AddressSpace *as)
{
    commits++;
}

static void test_dirty_code(Fixture *f, gconstpointer unused)
{
    ram_addr_t base;

    add_ram(f, &f->ram, 0, 0x10000);
    base = f->ram.ram->offset;
    g_assert_true(ram_is_dirty_all(base));
    code_writes = 0;
    address_space_store(&f->as, 0x3000, 1, 8);
    g_assert_cmpuint(code_writes, ==, 0);
    ram_clear_code_dirty(base + 0x3000);
    g_assert_false(ram_is_dirty(base + 0x3fff, DIRTY_CODE));
    g_assert_true(ram_is_dirty(base + 0x3fff, DIRTY_VGA));
    g_assert_false(ram_is_dirty_all(base + 0x3000));
    address_space_store(&f->as, 0x2fff, 1, 1);
    g_assert_cmpuint(code_writes, ==, 0);
    address_space_store(&f->as, 0x2fff, 1, 2);
    g_assert_cmpuint(code_writes, ==, 1);
    g_assert_cmphex(code_addr, ==, base + 0x2fff);
    /* The translator decides when the page is clean of code again. */
    g_assert_false(ram_is_dirty(base + 0x3000, DIRTY_CODE));
    ram_set_code_dirty(base + 0x3000);
    address_space_write(&f->as, 0x0, "x", 1);
    address_space_store(&f->as, 0x3000, 1, 4);
    g_assert_cmpuint(code_writes, ==, 1);
}

static void test_host_addr(Fixture *f, gconstpointer unused)
{
    int local;

    add_ram(f, &f->ram, 0, 5000); /* rounded up to two pages */
    add_ram(f, &f->other, 0x10000, 4096);
    g_assert_cmphex(f->ram.ram->offset % PAGE_SIZE, ==, 0);
    g_assert_cmphex(f->other.ram->offset, >=, f->ram.ram->offset + 8192);
    g_assert_cmphex(ram_addr_of_host(memory_region_ram_ptr(&f->other) + 5), ==,
                    f->other.ram->offset + 5);
    g_assert_cmphex(ram_addr_of_host(&local), ==, RAM_ADDR_INVALID);
}

static void test_large_ram(Fixture *f, gconstpointer unused)
{
    uint8_t *host;

    add_ram(f, &f->ram, 0, 5 * MiB + 4096);
    host = memory_region_ram_ptr(&f->ram);
    g_assert_cmphex((uintptr_t)host % (2 * MiB), ==, 0);
    host[0] = host[5 * MiB + 4095] = 1; /* all of it is there */
}

/* Memory that is somebody else's, and stays. */
static void test_borrowed_ram(Fixture *f, gconstpointer unused)
{
    static uint8_t host[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    MemoryRegion ram;

    bql_lock();
    g_assert_true(
        memory_region_init_ram_at(&ram, "mine", sizeof(host), host, NULL));
    memory_region_add(&f->root, 0x10000, &ram);
    address_space_store(&f->as, 0x11000, 0x12345678, 4);
    memory_region_del(&f->root, &ram);
    memory_region_destroy(&ram);
    bql_unlock();
    rcu_drain();
    g_assert_cmphex(host[PAGE_SIZE], ==, 0x78);
    host[PAGE_SIZE] = 0;
}

static void test_too_much_ram(Fixture *f, gconstpointer unused)
{
    g_autoptr(GError) err = NULL;
    MemoryRegion ram;

    g_assert_false(memory_region_init_ram(&ram, "huge", UINT64_MAX, &err));
    g_assert_nonnull(err);
}

static void test_commit_listener(Fixture *f, gconstpointer unused)
{
    commits = 0;
    add_probe(f, &f->a, &any_ops, 0, 0x100, 0);
    g_assert_cmpuint(commits, ==, 1);
    bql_lock();
    memory_transaction_begin();
    memory_region_set_enabled(&f->a.mr, false);
    memory_region_set_enabled(&f->a.mr, true);
    memory_transaction_commit();
    bql_unlock();
    g_assert_cmpuint(commits, ==, 1); /* nothing has changed */
}

static void test_print(Fixture *f, gconstpointer unused)
{
    GString *out = g_string_new(NULL);

    add_ram(f, &f->ram, 0x1000, 0x1000);
    bql_lock();
    memory_print_tree(out, false);
    memory_print_tree(out, true);
    bql_unlock();
    g_assert_nonnull(strstr(
        out->str, "0000000000001000-0000000000001fff (prio 0, ram): ram\n"));
    g_assert_nonnull(strstr(
        out->str, "0000000000000000-ffffffffffffffff (prio 0, i/o): root\n"));
    g_string_free(out, TRUE);
}

#define ADD(path, fn) g_test_add(path, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    static const MemoryListener listener = {.commit = note_commit,
                                            .code_written = note_code};

    g_test_init(&argc, &argv, NULL);
    bql_init();
    memory_set_listener(&listener);
    ADD("/memory/unmapped", test_unmapped);
    ADD("/memory/ram", test_ram);
    ADD("/memory/priority", test_priority);
    ADD("/memory/apart", test_apart);
    ADD("/memory/readonly-device", test_readonly_device);
    ADD("/memory/enable-and-move", test_enable_and_move);
    ADD("/memory/alias", test_alias);
    ADD("/memory/readonly-alias", test_readonly_alias);
    ADD("/memory/rom", test_rom);
    ADD("/memory/split", test_split);
    ADD("/memory/widen", test_widen);
    ADD("/memory/invalid-size", test_invalid_size);
    ADD("/memory/unaligned-io", test_unaligned_io);
    ADD("/memory/two-devices", test_two_devices);
    ADD("/memory/reentry", test_reentry);
    ADD("/memory/sections", test_sections);
    ADD("/memory/dirty-code", test_dirty_code);
    ADD("/memory/host-addr", test_host_addr);
    ADD("/memory/large-ram", test_large_ram);
    ADD("/memory/borrowed-ram", test_borrowed_ram);
    ADD("/memory/too-much-ram", test_too_much_ram);
    ADD("/memory/commit-listener", test_commit_listener);
    ADD("/memory/print", test_print);
    return g_test_run();
}
