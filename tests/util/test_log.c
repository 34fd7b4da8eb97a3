/* SPDX-License-Identifier: MIT */
/* -d items, -D files and -dfilter ranges. */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "util/error.h"
#include "util/log.h"

static void test_mask(void)
{
    g_autoptr(GError) err = NULL;
    uint32_t mask = 0;

    g_assert_true(log_parse_mask("int,guest_errors", &mask, NULL));
    g_assert_cmphex(mask, ==, LOG_INT | LOG_GUEST_ERRORS);
    g_assert_true(log_parse_mask("none", &mask, NULL));
    g_assert_cmphex(mask, ==, 0);
    g_assert_true(log_parse_mask("all", &mask, NULL));
    g_assert_cmphex(mask & (LOG_IN_ASM | LOG_STATS | LOG_MODES), ==,
                    LOG_IN_ASM | LOG_STATS);
    mask = 77;
    g_assert_false(log_parse_mask("int,bogus", &mask, &err));
    g_assert_nonnull(strstr(err->message, "'bogus'"));
    g_assert_cmphex(mask, ==, 77);
    g_assert_false(log_parse_mask("int,", &mask, NULL));
}

static void test_help(void)
{
    g_autofree char *help = log_help();

    g_assert_nonnull(strstr(help, "in_asm"));
    g_assert_nonnull(strstr(help, "guest_errors"));
}

static void test_file(void)
{
    g_autofree char *template =
        g_build_filename(g_get_tmp_dir(), "heddle-log-%d.txt", NULL);
    g_autofree char *name =
        g_strdup_printf("%s/heddle-log-%d.txt", g_get_tmp_dir(), getpid());
    g_autofree char *text = NULL;

    g_assert_true(log_set_file(template, NULL));
    log_set_mask(LOG_INT);
    log_printf(LOG_INT, "one\n");
    log_printf(LOG_EXEC, "not this\n");
    fprintf(log_lock(), "two ");
    log_printf(LOG_INT, "parts\n"); /* inside the group */
    log_unlock();
    log_set_mask(0);
    g_assert_true(log_set_file(NULL, NULL));
    g_assert_true(g_file_get_contents(name, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "one\ntwo parts\n");
    g_unlink(name);
}

static void assert_log(const char *name, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(name, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

/* Lines are in the file at once, but those of "buffered". */
static void test_buffered(void)
{
    g_autofree char *name =
        g_strdup_printf("%s/heddle-log-%d.txt", g_get_tmp_dir(), getpid());

    g_assert_true(log_set_file(name, NULL));
    log_set_mask(LOG_INT);
    log_printf(LOG_INT, "one\n");
    assert_log(name, "one\n");
    log_write_line("two\n", 4);
    fprintf(log_lock(), "three\n");
    log_unlock();
    assert_log(name, "one\ntwo\nthree\n");
    log_set_mask(LOG_INT | LOG_BUFFERED);
    log_printf(LOG_INT, "four\n");
    log_write_line("five\n", 5);
    assert_log(name, "one\ntwo\nthree\n");
    log_set_mask(LOG_INT);
    assert_log(name, "one\ntwo\nthree\nfour\nfive\n");
    log_set_mask(LOG_BUFFERED);
    log_write_line("six\n", 4);
    g_assert_true(log_set_file(NULL, NULL)); /* closes it */
    assert_log(name, "one\ntwo\nthree\nfour\nfive\nsix\n");
    log_set_mask(0);
    g_unlink(name);
}

static void test_bad_file(void)
{
    g_autoptr(GError) err = NULL;

    g_assert_false(log_set_file("/nonexistent/log", &err));
    g_assert_nonnull(strstr(err->message, "/nonexistent/log"));
    g_assert_false(log_set_file("%s.txt", NULL));
    g_assert_false(log_set_file("%d%d", NULL));
    g_assert_false(log_set_file("x%", NULL));
}

static void test_filter(void)
{
    g_assert_true(log_in_filter(0x1234)); /* there is none yet */
    g_assert_true(log_set_filter("1000..1fff,0x8000+10,9000-100", NULL));
    g_assert_false(log_in_filter(0xfff));
    g_assert_true(log_in_filter(0x1000));
    g_assert_true(log_in_filter(0x1fff));
    g_assert_false(log_in_filter(0x2000));
    g_assert_true(log_in_filter(0x800f));
    g_assert_false(log_in_filter(0x8010));
    g_assert_false(log_in_filter(0x8f00));
    g_assert_true(log_in_filter(0x8f01));
    g_assert_true(log_in_filter(0x9000));
    g_assert_true(log_set_filter("0..ffffffffffffffff", NULL));
    g_assert_true(log_in_filter(UINT64_MAX));
}

static void test_bad_filter(void)
{
    static const char *const bad[] = {"1000",    "1000..",  "..1000",
                                      "2..1",  "1+0",    "1-0",     "x+1",
                                      "1.2",   "1+-1",   "1..2,",   "1..2x",
                                      "0-2",   "ffffffffffffffff+2",
                                      "10000000000000000+1"};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_false(log_set_filter(bad[i], &err));
        g_assert_nonnull(err);
    }
}

static void test_error_class(void)
{
    g_autoptr(GError) a =
        g_error_new_literal(HEDDLE_ERROR, ERR_DEVICE_NOT_FOUND, "x");
    g_autoptr(GError) b = g_error_new_literal(HEDDLE_ERROR, ERR_USAGE, "x");
    g_autoptr(GError) c = g_error_new_literal(
        G_FILE_ERROR, ERR_DEVICE_NOT_FOUND, "another domain");

    g_assert_cmpstr(error_class_name(a), ==, "DeviceNotFound");
    g_assert_cmpstr(error_class_name(b), ==, "GenericError");
    g_assert_cmpstr(error_class_name(c), ==, "GenericError");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/mask", test_mask);
    g_test_add_func("/log/help", test_help);
    g_test_add_func("/log/file", test_file);
    g_test_add_func("/log/buffered", test_buffered);
    g_test_add_func("/log/bad-file", test_bad_file);
    g_test_add_func("/log/filter", test_filter);
    g_test_add_func("/log/bad-filter", test_bad_filter);
    g_test_add_func("/error/class", test_error_class);
    return g_test_run();
}
