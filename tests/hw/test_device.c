/* SPDX-License-Identifier: MIT */
/* Devices: properties from text, reset of fields, buses, -device and its
 * errors.  The error texts are those that users and clients of -device know. */
#include <string.h>

#include "exec/bql.h"
#include "hw/device.h"
#include "util/rcu.h"

typedef struct TestDev {
    DeviceState dev;
    bool flag;
    uint8_t small;
    uint32_t word;
    uint64_t bytes;
    char *text;
    uint8_t mac[6];
    int32_t devfn;
    void *chr, *net;
    /* fields */
    uint16_t reg;
    uint8_t ram[4];
    uint8_t battery;
    unsigned resets, lives;
} TestDev;

static bool fail_realize;
static unsigned unrealized;

static TestDev *test_dev(DeviceState *dev)
{
    return container_of(dev, TestDev, dev);
}

static bool test_realize(DeviceState *dev, GError **errp)
{
    if (fail_realize) {
        g_set_error_literal(errp, G_FILE_ERROR, 0, "it is broken");
        return false;
    }
    test_dev(dev)->lives++;
    return true;
}

static void test_unrealize(DeviceState *dev)
{
    unrealized++;
}

static void test_reset(DeviceState *dev)
{
    test_dev(dev)->resets++;
}

static const DevProp test_props[] = {
    DEV_PROP(TestDev, flag, "flag", DEV_PROP_BOOL, true, "a flag"),
    DEV_PROP(TestDev, small, "small", DEV_PROP_UINT8, 7, NULL),
    DEV_PROP(TestDev, word, "word", DEV_PROP_UINT32, 0, "a word"),
    DEV_PROP(TestDev, bytes, "bytes", DEV_PROP_SIZE, 4096, NULL),
    {.name = "text", .kind = DEV_PROP_STRING,
     .offset = offsetof(TestDev, text), .def_str = "hello"},
    DEV_PROP(TestDev, mac, "mac", DEV_PROP_MAC, 0, NULL),
    DEV_PROP(TestDev, devfn, "addr", DEV_PROP_PCI_DEVFN, (uint32_t)-1, NULL),
    DEV_PROP(TestDev, chr, "chardev", DEV_PROP_CHR, 0, NULL),
    DEV_PROP(TestDev, net, "netdev", DEV_PROP_NETDEV, 0, NULL),
};

static const DevField test_fields[] = {
    DEV_FIELD(TestDev, reg, 0x1234),
    DEV_FIELD_ARRAY(TestDev, ram, 0xa5),
    DEV_FIELD_KEPT(TestDev, battery),
};

static const DeviceType test_type = {
    .name = "test-dev", .desc = "for tests", .bus = "TEST",
    .size = sizeof(TestDev), .user_creatable = true,
    .props = test_props, .nprops = ARRAY_LEN(test_props),
    .fields = test_fields, .nfields = ARRAY_LEN(test_fields),
    .realize = test_realize, .unrealize = test_unrealize,
    .reset = test_reset,
};

static const DeviceType wired_type = {
    .name = "test-wired", .size = sizeof(DeviceState)};

static Bus *bus;

static DeviceState *add(const char *text, GError **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(text, "driver", NULL);

    return device_add(kv, errp);
}

static void expect_error(const char *text, const char *message)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(add(text, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(err->message, ==, message);
    g_assert_true(g_queue_is_empty(&bus->devices));
}

static void test_defaults(void)
{
    DeviceState *dev = add("test-dev", NULL);
    TestDev *t = test_dev(dev);

    g_assert_true(t->flag);
    g_assert_cmpuint(t->small, ==, 7);
    g_assert_cmpuint(t->bytes, ==, 4096);
    g_assert_cmpstr(t->text, ==, "hello");
    g_assert_cmpint(t->devfn, ==, -1);
    g_assert_cmpuint(t->lives, ==, 1);
    g_assert_true(dev->realized && dev->parent_bus == bus);
    unrealized = 0;
    device_unrealize_free(dev);
    g_assert_cmpuint(unrealized, ==, 1);
    g_assert_true(g_queue_is_empty(&bus->devices));
}

static void test_values(void)
{
    static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0xfe};
    DeviceState *dev =
        add("test-dev,id=t0,bus=bus0,flag=off,small=255,word=0xffffffff,"
            "bytes=1.5K,text=a,,b,mac=52:54:00:12:34:FE,addr=1f.7",
            NULL);
    TestDev *t = test_dev(dev);

    g_assert_true(device_find("t0") == dev);
    g_assert_false(t->flag);
    g_assert_cmpuint(t->small, ==, 255);
    g_assert_cmphex(t->word, ==, UINT32_MAX);
    g_assert_cmpuint(t->bytes, ==, 1536);
    g_assert_cmpstr(t->text, ==, "a,b");
    g_assert_cmpmem(t->mac, 6, mac, 6);
    g_assert_cmphex(t->devfn, ==, 0x1f << 3 | 7);
    device_unrealize_free(dev);
    g_assert_null(device_find("t0"));
}

static void test_errors(void)
{
    expect_error("", "Parameter 'driver' is missing");
    expect_error("foo", "'foo' is not a valid device model name");
    expect_error("test-wired",
                 "Parameter 'driver' expects a pluggable device type");
    expect_error("test-dev,bar=1", "Property 'test-dev.bar' not found");
    expect_error("test-dev,bus=pci.9", "Bus 'pci.9' not found");
    expect_error("test-dev,bus=other",
                 "Device 'test-dev' can't go on OTHER bus");
    expect_error("test-dev,id=1x", "Parameter 'id' expects an identifier");
    expect_error("test-dev,id=", "Parameter 'id' expects an identifier");
    expect_error("test-dev,netdev=n0",
                 "Property 'test-dev.netdev' can't take value 'n0': network "
                 "back-ends are not available");
    fail_realize = true;
    expect_error("test-dev", "it is broken");
    fail_realize = false;
}

static void test_bad_values(void)
{
    static const char *const bad[] = {
        "small=256", "small=-1",   "small=x",  "word=4294967296",
        "flag=7",    "bytes=1Q",   "addr=20",  "addr=1.8",
        "addr=1.",   "addr=1.1x",  "addr=",    "mac=52:54:00:12:34",
        "mac=52:54:00:12:34:5g",   "mac=52:54-00:12:34:56",
        "mac=525400123456",        "mac=",     "chardev=nobody",
    };

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autofree char *text = g_strconcat("test-dev,", bad[i], NULL);
        g_autoptr(GError) err = NULL;

        g_assert_null(add(text, &err));
        g_assert_true(
            g_str_has_prefix(err->message, "Property 'test-dev."));
    }
}

static void test_duplicate_id(void)
{
    g_autoptr(GError) err = NULL;
    DeviceState *dev = add("test-dev,id=same", NULL);

    g_assert_null(add("test-dev,id=same", &err));
    g_assert_cmpstr(err->message, ==, "Duplicate device ID 'same'");
    device_unrealize_free(dev);
}

static void test_reset_fields(void)
{
    DeviceState *dev = device_create(&test_type, NULL);
    TestDev *t = test_dev(dev);

    g_assert_cmphex(t->reg, ==, 0x1234); /* from the start */
    t->reg = 1;
    memset(t->ram, 0, sizeof(t->ram));
    t->battery = 9;
    devices_reset_all();
    g_assert_cmphex(t->reg, ==, 0x1234);
    g_assert_cmphex(t->ram[0], ==, 0xa5);
    g_assert_cmphex(t->ram[3], ==, 0xa5);
    g_assert_cmpuint(t->battery, ==, 9);
    g_assert_cmpuint(t->resets, ==, 1);
    device_unrealize_free(dev);
}

static bool plug_full(Bus *full, DeviceState *dev, GError **errp)
{
    g_set_error_literal(errp, G_FILE_ERROR, 0, "the bus is full");
    return false;
}

static void test_plug(void)
{
    bus->plug = plug_full;
    expect_error("test-dev", "the bus is full");
    bus->plug = NULL;
}

static void test_print(void)
{
    g_autoptr(GError) err = NULL;
    GString *out = g_string_new(NULL);
    DeviceState *dev = add("test-dev,id=t1,word=16", NULL);

    device_print_tree(out);
    g_assert_nonnull(strstr(out->str, "bus: bus0\n  type TEST\n"
                                      "  dev: test-dev, id \"t1\"\n"));
    g_assert_nonnull(strstr(out->str, "    word = 16 (0x10)\n"));
    g_assert_nonnull(strstr(out->str, "    text = \"hello\"\n"));
    g_string_truncate(out, 0);
    device_print_types(out);
    g_assert_nonnull(strstr(
        out->str, "name \"test-dev\", bus TEST, desc \"for tests\"\n"));
    g_assert_null(strstr(out->str, "test-wired"));
    g_string_truncate(out, 0);
    g_assert_true(device_print_help("test-dev", out, NULL));
    g_assert_nonnull(
        strstr(out->str, "  flag=<bool> - a flag (default: true)\n"));
    g_assert_false(device_print_help("foo", out, &err));
    g_string_free(out, TRUE);
    device_unrealize_free(dev);
}

static void test_types(void)
{
    const DeviceType *type, *before = NULL;

    for (unsigned i = 0; (type = device_type_at(i)); i++) {
        g_assert_true(!before || strcmp(before->name, type->name) < 0);
        g_assert_true(device_type_find(type->name) == type);
        before = type;
    }
    g_assert_nonnull(before);
    g_assert_null(device_type_find("no-such-thing"));
}

int main(int argc, char **argv)
{
    int failed;

    g_test_init(&argc, &argv, NULL);
    bql_init();
    bql_lock();
    device_type_register(&test_type);
    device_type_register(&wired_type);
    bus = bus_new("TEST", "bus0", NULL);
    bus_new("OTHER", "other", NULL);
    g_test_add_func("/device/defaults", test_defaults);
    g_test_add_func("/device/values", test_values);
    g_test_add_func("/device/errors", test_errors);
    g_test_add_func("/device/bad-values", test_bad_values);
    g_test_add_func("/device/duplicate-id", test_duplicate_id);
    g_test_add_func("/device/reset", test_reset_fields);
    g_test_add_func("/device/plug", test_plug);
    g_test_add_func("/device/print", test_print);
    g_test_add_func("/device/types", test_types);
    failed = g_test_run();
    bql_unlock();
    rcu_drain();
    return failed;
}
