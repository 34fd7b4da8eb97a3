/* SPDX-License-Identifier: MIT */
/* QMP and HMP sessions: what a client sends, in any pieces, and what it gets.
 * The expected texts are those that QEMU 7.2's clients match on. */
#include <string.h>

#include "monitor/command.h"
#include "monitor/monitor.h"
#include "system/machine.h"
#include "tests/support/loop.h"

#define GREETING_START "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": "
#define OK             "{\"return\": {}}\r\n"
#define ERROR(class, desc)                                                     \
    "{\"error\": {\"class\": \"" class "\", \"desc\": \"" desc "\"}}\r\n"

static MachineConfig config = {.name = "guest1", .topology = {1, 1, 1, 1}};

typedef struct Fixture {
    int peer;
} Fixture;

static void setup(Fixture *f, gconstpointer unused)
{
    GError *err = NULL;
    Chardev *chr = test_chardev("q", "", &f->peer);
    g_autofree char *greeting = NULL;

    g_assert_true(monitor_add_qmp(chr, false, &err));
    greeting = test_received(f->peer);
    g_assert_true(g_str_has_prefix(greeting, GREETING_START));
    g_assert_true(g_str_has_suffix(greeting, "\"capabilities\": [\"oob\"]}}\r\n"));
}

static void negotiate(Fixture *f)
{
    test_send(f->peer, "{\"execute\":\"qmp_capabilities\"}");
    test_assert_received(f->peer, OK);
}

static void teardown(Fixture *f, gconstpointer unused)
{
    monitor_cleanup();
    g_assert_true(chardev_remove("q", NULL));
    close(f->peer);
}

static void test_negotiation(Fixture *f, gconstpointer unused)
{
    test_send(f->peer, "{\"execute\":\"query-name\"}");
    test_assert_received(f->peer,
                         ERROR("CommandNotFound",
                               "Expecting capabilities negotiation with "
                               "'qmp_capabilities'"));
    test_send(f->peer, "{\"execute\":\"qmp_capabilities\","
                       "\"arguments\":{\"enable\":[\"foo\"]}}");
    test_assert_received(f->peer,
                         ERROR("GenericError", "Parameter 'enable[0]' does not "
                                               "accept value 'foo'"));
    negotiate(f);
    test_send(f->peer, "{\"execute\":\"qmp_capabilities\"}");
    test_assert_received(f->peer,
                         ERROR("CommandNotFound",
                               "Capabilities negotiation is already complete, "
                               "command ignored"));
}

/* Byte by byte, with every blank that JSON allows. */
static void test_partial(Fixture *f, gconstpointer unused)
{
    static const char text[] = " \t\r\n{ \"execute\" :\n\"query-name\" , "
                               "\"id\" : [ 1, \"x\\u0041\" ] }";

    negotiate(f);
    for (const char *p = text; *p; p++) {
        char one[2] = {*p, '\0'};

        test_assert_received(f->peer, "");
        test_send(f->peer, one);
    }
    test_assert_received(f->peer, "{\"return\": {\"name\": \"guest1\"}, "
                                  "\"id\": [1, \"xA\"]}\r\n");
}

/* Several on one line, without anything between. */
static void test_pipelined(Fixture *f, gconstpointer unused)
{
    test_send(f->peer, "{\"execute\":\"qmp_capabilities\"}"
                       "{\"execute\":\"query-name\",\"id\":1}"
                       "{\"execute\":\"nope\",\"id\":2}"
                       "{\"execute\":\"query-kvm\",\"id\":3}\n");
    test_assert_received(
        f->peer, OK "{\"return\": {\"name\": \"guest1\"}, \"id\": 1}\r\n"
                    "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": "
                    "\"The command nope has not been found\"}, \"id\": 2}\r\n"
                    "{\"return\": {\"enabled\": false, \"present\": false}, "
                    "\"id\": 3}\r\n");
}

static void test_bad_requests(Fixture *f, gconstpointer unused)
{
    static const char *const cases[][2] = {
        {"[1]", "QMP input must be a JSON object"},
        {"\"x\" ", "QMP input must be a JSON object"},
        {"null ", "QMP input must be a JSON object"},
        {"{}", "QMP input lacks member 'execute'"},
        {"{\"exec\":1}", "QMP input member 'exec' is unexpected"},
        {"{\"execute\":1}", "QMP input member 'execute' must be a string"},
        {"{\"execute\":\"stop\",\"arguments\":[]}",
         "QMP input member 'arguments' must be an object"},
        {"{\"execute\":\"stop\",\"arguments\":{\"x\":1}}",
         "Parameter 'x' is unexpected"},
        {"{\"execute\":\"human-monitor-command\"}",
         "Parameter 'command-line' is missing"},
        {"{\"execute\":\"human-monitor-command\","
         "\"arguments\":{\"command-line\":3}}",
         "Invalid parameter type for 'command-line', expected: string"},
        {"{\"execute\":\"ringbuf-read\","
         "\"arguments\":{\"device\":\"no\",\"size\":1}}",
         "Device 'no' not found"},
    };

    negotiate(f);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        g_autofree char *expected =
            g_strdup_printf(ERROR("GenericError", "%s"), cases[i][1]);

        test_send(f->peer, cases[i][0]);
        test_assert_received(f->peer, expected);
    }
}

/* After garbage the rest of its line is skipped, and the session goes on. */
static void test_garbage(Fixture *f, gconstpointer unused)
{
    static const char *const garbage[] = {
        "}}}}\n",        "{\"execute\":\"stop\"]}\n",
        "hello world\n", "\377\376\n",
        "{\"a\":1,,}\n",
    };

    negotiate(f);
    for (unsigned i = 0; i < ARRAY_LEN(garbage); i++) {
        g_autofree char *text = NULL;

        test_send(f->peer, garbage[i]);
        test_send(f->peer, "}\n{\"execute\":\"query-name\",\"id\":9}\n");
        text = test_received(f->peer);
        g_assert_nonnull(strstr(text, "JSON parse error"));
        g_assert_true(g_str_has_suffix(
            text, "{\"return\": {\"name\": \"guest1\"}, \"id\": 9}\r\n"));
    }
}

static void test_nul_and_depth(Fixture *f, gconstpointer unused)
{
    GString *deep = g_string_new(NULL);
    g_autofree char *text = NULL;

    negotiate(f);
    g_assert_cmpint(write(f->peer, "{\0}\n", 4), ==, 4);
    for (unsigned i = 0; i < 5000; i++) {
        g_string_append_c(deep, '[');
    }
    g_string_append_c(deep, '\n');
    test_send(f->peer, deep->str);
    test_send(f->peer, "{\"execute\":\"query-name\"}");
    text = test_received(f->peer);
    g_assert_true(
        g_str_has_suffix(text, "{\"return\": {\"name\": \"guest1\"}}\r\n"));
    g_string_free(deep, TRUE);
}

static void test_events(Fixture *f, gconstpointer unused)
{
    g_autofree char *text = NULL;

    monitor_event("POWERDOWN", NULL);
    test_assert_received(f->peer, ""); /* not before negotiation */
    negotiate(f);
    monitor_event("POWERDOWN", NULL);
    text = test_received(f->peer);
    g_assert_true(g_regex_match_simple(
        "^\\{\"timestamp\": \\{\"seconds\": \\d+, \"microseconds\": \\d+\\}, "
        "\"event\": \"POWERDOWN\"\\}\r\n$",
        text, 0, 0));
}

static void test_hmp_command(Fixture *f, gconstpointer unused)
{
    negotiate(f);
    test_send(f->peer, "{\"execute\":\"human-monitor-command\","
                       "\"arguments\":{\"command-line\":\"foo 1\"}}");
    test_assert_received(f->peer,
                         "{\"return\": \"unknown command: 'foo'\\r\\n\"}\r\n");
}

static void test_pretty(void)
{
    int peer;
    Chardev *chr = test_chardev("p", "", &peer);
    g_autofree char *greeting = NULL;

    g_assert_true(monitor_add_qmp(chr, true, NULL));
    greeting = test_received(peer);
    g_assert_true(g_str_has_prefix(greeting, "{\n    \"QMP\": {\n        "));
    test_send(peer, "{\"execute\":\"qmp_capabilities\"}");
    test_assert_received(peer, "{\n    \"return\": {}\n}\r\n");
    monitor_cleanup();
    chardev_remove("p", NULL);
    close(peer);
}

/* --- HMP lines --- */

static void assert_hmp(const char *line, const char *expected)
{
    g_autofree char *text = monitor_run_hmp(line, 0);

    g_assert_cmpstr(text, ==, expected);
}

static void test_expressions(void)
{
    assert_hmp("print 1+2*3", "7\r\n");
    assert_hmp("p/x (1+2)*0x10 | 1", "0x31\r\n");
    assert_hmp("p /x 255", "0xff\r\n"); /* the format may stand apart */
    assert_hmp("p -7/2", "-3\r\n");
    assert_hmp("p/u -1", "18446744073709551615\r\n");
    assert_hmp("p ~0 & 0xff", "255\r\n");
    assert_hmp("p 'a'", "97\r\n");
    assert_hmp("p/c 10", "'\\n'\r\n");
    assert_hmp("p (-9223372036854775807-1)/-1", "-9223372036854775808\r\n");
    assert_hmp("p (-9223372036854775807-1)%-1", "0\r\n");
    assert_hmp("p 1/0", "division by zero\r\n"
                        "Try \"help p\" for more information\r\n");
    assert_hmp("p (1", "')' expected\r\n"
                       "Try \"help p\" for more information\r\n");
    assert_hmp("p", "unexpected end of expression\r\n"
                    "Try \"help p\" for more information\r\n");
    assert_hmp("p foo", "invalid char 'f' in expression\r\n"
                        "Try \"help p\" for more information\r\n");
}

static void test_deep_expression(void)
{
    GString *line = g_string_new("p ");
    g_autofree char *text = NULL;

    for (unsigned i = 0; i < 1000000; i++) {
        g_string_append_c(line, i & 1 ? '(' : '-');
    }
    text = monitor_run_hmp(line->str, 0);
    g_assert_true(g_str_has_prefix(text, "expression is nested too deeply"));
    g_string_free(line, TRUE);
}

static void test_hmp_lines(void)
{
    assert_hmp("", "");
    assert_hmp("  # a comment", "");
    assert_hmp("nope", "unknown command: 'nope'\r\n");
    assert_hmp("info nope", "unknown command: 'info nope'\r\n");
    assert_hmp("info name", "guest1\r\n");
    assert_hmp("stop 3", "stop|s: extraneous characters at the end of line\r\n"
                         "Try \"help stop\" for more information\r\n");
    assert_hmp("x/z 1", "invalid char in format: 'z'\r\n"
                        "Try \"help x\" for more information\r\n");
    assert_hmp("logfile \"open", "unterminated string\r\n"
                                 "Try \"help logfile\" for more "
                                 "information\r\n");
    assert_hmp("chardev-remove no", "Error: Chardev 'no' not found\r\n");
}

/* @expected: the words with commas between. */
static void assert_completes(const char *before, const char *prefix,
                             const char *expected)
{
    g_auto(GStrv) words = hmp_completions(before, prefix);
    g_autofree char *text = g_strjoinv(",", words);

    g_assert_cmpstr(text, ==, expected);
}

/* What may follow depends on the command. */
static void test_completion(void)
{
    int peer;
    g_autofree char *folder = g_dir_make_tmp("heddle-XXXXXX", NULL);
    g_autofree char *file = g_strconcat(folder, "/name", NULL);
    g_autofree char *part = g_strconcat(folder, "/na", NULL);

    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    test_chardev("c1", "", &peer);
    assert_completes("", "system_", "system_powerdown,system_reset,"
                                    "system_wakeup");
    assert_completes("help ", "gva", "gva2gpa");
    assert_completes("info ", "block", "block,blockstats");
    assert_completes("info block ", "x", "");
    assert_completes("device_add ", "virtio-b", "virtio-blk-pci");
    assert_completes("chardev-remove ", "c", "c1");
    assert_completes("watchdog_action ", "p", "pause,poweroff");
    assert_completes("logfile ", part, file);
    assert_completes("pmemsave 0 16 ", part, file);
    assert_completes("nope ", "", "");
    g_assert_true(chardev_remove("c1", NULL));
    close(peer);
    unlink(file);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    machine_config = &config;
#define ADD(name, fn) g_test_add(name, Fixture, NULL, setup, fn, teardown)
    ADD("/qmp/negotiation", test_negotiation);
    ADD("/qmp/partial", test_partial);
    ADD("/qmp/pipelined", test_pipelined);
    ADD("/qmp/bad-requests", test_bad_requests);
    ADD("/qmp/garbage", test_garbage);
    ADD("/qmp/nul-and-depth", test_nul_and_depth);
    ADD("/qmp/events", test_events);
    ADD("/qmp/hmp-command", test_hmp_command);
    g_test_add_func("/qmp/pretty", test_pretty);
    g_test_add_func("/hmp/expressions", test_expressions);
    g_test_add_func("/hmp/deep-expression", test_deep_expression);
    g_test_add_func("/hmp/lines", test_hmp_lines);
    g_test_add_func("/hmp/completion", test_completion);
    return g_test_run();
}
