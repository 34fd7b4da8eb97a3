/* SPDX-License-Identifier: MIT */
/* The command line: what options mean, and what is refused. */
#include <string.h>

#include <glib/gstdio.h>

#include "system/launch.h"

/* Parse words with blanks between; NULL or the error's text. */
static char *parse(Launch *l, const char *words)
{
    g_auto(GStrv) argv = g_strsplit(words, " ", -1);
    GError *err = NULL;
    char *text = NULL;

    launch_init(l);
    if (!launch_parse(l, (int)g_strv_length(argv), argv, &err)) {
        text = g_strdup(err->message);
        g_error_free(err);
    }
    return text;
}

static void assert_fails(const char *words, const char *expected)
{
    Launch l;
    g_autofree char *text = parse(&l, words);

    g_assert_cmpstr(text, ==, expected);
    launch_free(&l);
}

static void assert_parses(Launch *l, const char *words)
{
    g_autofree char *text = parse(l, words);

    g_assert_cmpstr(text, ==, NULL);
}

static void test_errors(void)
{
    assert_fails("x -foo", "-foo: invalid option (see heddle -help)");
    assert_fails("x -snapshot=on",
                 "-snapshot=on: invalid option (see heddle -help)");
    assert_fails("x -m", "-m: requires an argument ([size=]megs)");
    assert_fails("x -append a", "-append only allowed with -kernel option");
    assert_fails("x -initrd a", "-initrd only allowed with -kernel option");
    assert_fails("x -boot cc", "-boot cc: Boot device 'c' was given twice");
    assert_fails("x -boot z",
                 "-boot z: Invalid boot device 'z': use letters of a to p");
    assert_fails("x -uuid 12",
                 "-uuid 12: failed to parse UUID string: wrong format");
    assert_fails("x -m 1M", "-m 1M: RAM size is too small: at least 2M "
                               "is needed");
    assert_fails("x -m 100000000", "-m 100000000: RAM size is too large: at "
                                   "most 64T is possible");
    assert_fails("x -display gtk",
                 "-display gtk: display 'gtk' is not available: use none");
    assert_fails("x -m 64,foo=1", "-m 64,foo=1: Invalid parameter 'foo'");
    assert_fails("x -accel hax", "-accel hax: invalid accelerator hax: use "
                                 "tcg");
}

/* A row for each rule of completing a topology. */
static void test_smp(void)
{
    static const struct {
        const char *text;
        unsigned cpus, maxcpus; /* 0 cpus: refused */
        X86Topology topology;
    } rows[] = {
        {"1", 1, 1, {1, 1, 1, 1}},
        {"4", 4, 4, {1, 1, 4, 1}},
        {"4,sockets=2", 4, 4, {2, 1, 2, 1}},
        {"4,cores=2", 4, 4, {2, 1, 2, 1}},
        {"4,threads=2", 4, 4, {1, 1, 2, 2}},
        {"8,sockets=2,cores=2", 8, 8, {2, 1, 2, 2}},
        {"sockets=2,cores=3,threads=2", 12, 12, {2, 1, 3, 2}},
        {"2,maxcpus=8", 2, 8, {1, 1, 8, 1}},
        {"cpus=2,sockets=2,cores=1,threads=1", 2, 2, {2, 1, 1, 1}},
        {"2,dies=1,clusters=1", 2, 2, {1, 1, 2, 1}},
        {"8,dies=2", 8, 8, {1, 2, 4, 1}},
        {"8,dies=2,cores=2", 8, 8, {2, 2, 2, 1}},
        {"sockets=2,dies=2,cores=3,threads=2", 24, 24, {2, 2, 3, 2}},
        {"16,sockets=2,dies=2,cores=2", 16, 16, {2, 2, 2, 2}},
        {"0", 0, 0},
        {"-1", 0, 0},
        {"4,cores=0", 0, 0},
        {"3,sockets=2", 0, 0},
        {"3,dies=2", 0, 0},
        {"8,maxcpus=4", 0, 0},
        {"2,clusters=2", 0, 0},
        {"99999999999999999999", 0, 0},
        {"2,foo=1", 0, 0},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_autoptr(KeyVal) kv = keyval_parse(rows[i].text, "cpus", NULL);
        MachineConfig c = {0};
        GError *err = NULL;
        bool ok = smp_parse(kv, &c, &err);

        g_test_message("%s", rows[i].text);
        g_assert_cmpint(ok, ==, rows[i].cpus > 0);
        g_assert_cmpint(ok, ==, err == NULL);
        g_clear_error(&err);
        g_assert_cmpuint(c.cpus, ==, rows[i].cpus);
        g_assert_cmpuint(c.max_cpus, ==, rows[i].maxcpus);
        g_assert_cmpmem(&c.topology, sizeof(c.topology), &rows[i].topology,
                        sizeof(c.topology));
    }
}

static void test_values(void)
{
    static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                     0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
                                     0xcc, 0xdd, 0xee, 0xff};
    Launch l;

    assert_parses(&l, "x -m 1.5G -kernel k -append a=b,c -initrd i -S "
                      "-uuid 00112233-4455-6677-8899-aabbccddeeff "
                      "-name guest=g,debug-threads=on -nodefaults "
                      "-boot order=dc,menu=on,strict=on "
                      "--no-user-config -rtc base=localtime,clock=vm");
    g_assert_cmpuint(l.machine.ram_bytes, ==, 1536 * MiB);
    g_assert_cmpstr(l.machine.kernel, ==, "k");
    g_assert_cmpstr(l.machine.append, ==, "a=b,c");
    g_assert_cmpstr(l.machine.initrd, ==, "i");
    g_assert_cmpstr(l.machine.name, ==, "g");
    g_assert_cmpstr(l.machine.boot_order, ==, "dc");
    g_assert_true(l.machine.boot_menu && l.machine.boot_strict);
    g_assert_true(l.machine.rtc_localtime && l.machine.rtc_clock_vm);
    g_assert_true(l.start_stopped && l.no_defaults);
    g_assert_cmpmem(l.machine.uuid, 16, uuid, 16);
    launch_free(&l);
}

/* 2006-06-17 is 13316 days after the epoch. */
static void test_rtc_date(void)
{
    Launch l;

    assert_parses(&l, "x -rtc base=2006-06-17T00:00:10");
    g_assert_true(l.machine.rtc_has_base);
    g_assert_cmpint(l.machine.rtc_base_s, ==, 13316 * 86400 + 10);
    launch_free(&l);
    assert_fails("x -rtc base=2006-13-17",
                 "-rtc base=2006-13-17: invalid datetime format: use utc, "
                 "localtime, '2006-06-17T16:01:21' or '2006-06-17'");
}

static const char *first_arg(const GQueue *queue)
{
    const OptionUse *use = g_queue_peek_head((GQueue *)queue);

    return use ? use->arg : NULL;
}

static void assert_defaults(const char *words, const char *serial,
                            const char *monitor)
{
    Launch l;

    g_test_message("%s", words);
    assert_parses(&l, words);
    g_assert_true(launch_add_defaults(&l, NULL));
    g_assert_cmpstr(first_arg(&l.serials), ==, serial);
    g_assert_cmpstr(first_arg(&l.monitors), ==, monitor);
    launch_free(&l);
}

/* docs/launcher.md, "What is there by default" */
static void test_defaults(void)
{
    assert_defaults("x", "null", "stdio");
    assert_defaults("x -display none", "null", NULL);
    assert_defaults("x -device isa-serial,chardev=c", NULL, "stdio");
    assert_defaults("x -device {\"driver\":\"isa-serial\"}", NULL, "stdio");
    assert_defaults("x -nographic", "mon:stdio", NULL);
    assert_defaults("x -nographic -serial null", "null", "stdio");
    assert_defaults("x -nographic -monitor none", "stdio", "none");
    assert_defaults("x -serial stdio", "stdio", NULL);
    assert_defaults("x -serial mon:stdio", "mon:stdio", NULL);
    assert_defaults("x -chardev stdio,id=a", "null", NULL);
    assert_defaults("x -nodefaults -nographic", NULL, NULL);
    assert_defaults("x -qmp unix:x -display none", "null", "unix:x");
}

static void test_daemonize_needs_no_terminal(void)
{
    GError *err = NULL;
    Launch l;

    assert_parses(&l, "x -nographic -daemonize");
    g_assert_false(launch_add_defaults(&l, &err));
    g_assert_nonnull(err);
    g_clear_error(&err);
    launch_free(&l);
}

static void test_disks(void)
{
    Launch l;

    assert_parses(&l, "x -hdb a,b.img");
    g_assert_cmpstr(first_arg(&l.drives), ==,
                    "file=a,,b.img,index=1,media=disk");
    launch_free(&l);
    assert_parses(&l, "x disk.img");
    g_assert_cmpstr(first_arg(&l.drives), ==,
                    "file=disk.img,index=0,media=disk");
    launch_free(&l);
}

static char *config_file(const char *text)
{
    char *path = NULL;
    int fd = g_file_open_tmp("heddle-config-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_close(fd, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static void test_readconfig(void)
{
    g_autofree char *path = config_file("# a comment\n"
                                        "[memory]\n  size = \"64\"\n\n"
                                        "[smp-opts]\n cpus = \"2\"\n"
                                        "[drive \"d0\"]\n"
                                        "  file = \"a,b = c.img\"\n"
                                        "  if = virtio\n");
    g_autofree char *words = g_strconcat("x -readconfig ", path, NULL);
    Launch l;

    assert_parses(&l, words);
    g_assert_cmpuint(l.machine.ram_bytes, ==, 64 * MiB);
    g_assert_cmpuint(l.machine.cpus, ==, 2);
    g_assert_cmpstr(first_arg(&l.drives), ==,
                    "id=d0,file=a,,b = c.img,if=virtio");
    launch_free(&l);
    g_unlink(path);
}

static void test_readconfig_errors(void)
{
    static const char *const bad[] = {"[nope]\n",
                                      "[drive\n",
                                      "x = 1\n",
                                      "[drive]\nx\n",
                                      "[drive \"x]\n",
                                      "[S]\n",
                                      "[memory]\nsize = x\n"};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autofree char *path = config_file(bad[i]);
        g_autofree char *words = g_strconcat("x -readconfig ", path, NULL);
        Launch l;
        g_autofree char *text = parse(&l, words);

        g_test_message("%s", bad[i]);
        g_assert_nonnull(text);
        launch_free(&l);
        g_unlink(path);
    }
}

/* Every row can be shown, and every option that is not a heading is found. */
static void test_table(void)
{
    for (unsigned i = 0; i < option_count; i++) {
        g_assert_nonnull(option_table[i].help);
        if (option_table[i].name) {
            g_assert_true(option_find(option_table[i].name) ==
                          &option_table[i]);
            g_assert_nonnull(option_table[i].handler);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/options/errors", test_errors);
    g_test_add_func("/options/smp", test_smp);
    g_test_add_func("/options/values", test_values);
    g_test_add_func("/options/rtc-date", test_rtc_date);
    g_test_add_func("/options/defaults", test_defaults);
    g_test_add_func("/options/daemonize", test_daemonize_needs_no_terminal);
    g_test_add_func("/options/disks", test_disks);
    g_test_add_func("/options/readconfig", test_readconfig);
    g_test_add_func("/options/readconfig-errors", test_readconfig_errors);
    g_test_add_func("/options/table", test_table);
    return g_test_run();
}
