/* SPDX-License-Identifier: MIT */
/* Option strings, numbers and sizes.  Expected values: the syntax that
 * include/util/keyval.h states. */
#include <string.h>

#include "util/error.h"
#include "util/keyval.h"

static void expect_pairs(const char *text, const char *implied,
                         const char *const *pairs)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVal) kv = keyval_parse(text, implied, &err);
    unsigned n = 0;

    g_assert_no_error(err);
    for (; pairs[2 * n]; n++) {
        g_assert_cmpstr(keyval_key(kv, n), ==, pairs[2 * n]);
        g_assert_cmpstr(keyval_get(kv, pairs[2 * n], NULL), ==,
                        pairs[2 * n + 1]);
    }
    g_assert_null(keyval_key(kv, n));
}

#define EXPECT_PAIRS(text, implied, ...) \
    expect_pairs(text, implied, (const char *const[]){__VA_ARGS__, NULL})

static void test_syntax(void)
{
    expect_pairs("", "driver", (const char *const[]){NULL});
    EXPECT_PAIRS("a=1,b=two", NULL, "a", "1", "b", "two");
    EXPECT_PAIRS("isa-serial,index=1", "driver", "driver", "isa-serial",
                 "index", "1");
    EXPECT_PAIRS("a=1", "driver", "a", "1");
    EXPECT_PAIRS("a=1,", NULL, "a", "1");
    EXPECT_PAIRS("a=,b=", NULL, "a", "", "b", "");
    EXPECT_PAIRS("a=x=y", NULL, "a", "x=y");
}

static void test_commas(void)
{
    EXPECT_PAIRS("file=a,,b,id=c", NULL, "file", "a,b", "id", "c");
    EXPECT_PAIRS("a=,,", NULL, "a", ",");
    EXPECT_PAIRS("a=,,,b=1", NULL, "a", ",", "b", "1");
    EXPECT_PAIRS("x,,y,b=1", "file", "file", "x,y", "b", "1");
}

static void test_flags(void)
{
    EXPECT_PAIRS("server,nowait", NULL, "server", "on", "wait", "off");
    EXPECT_PAIRS("no", NULL, "no", "on");
    EXPECT_PAIRS("x,server", "path", "path", "x", "server", "on");
}

static void test_repeated(void)
{
    EXPECT_PAIRS("a=1,b=2,a=3", NULL, "a", "3", "b", "2");
}

static void test_json(void)
{
    EXPECT_PAIRS("{\"driver\":\"e1000\",\"n\":7,\"on\":true,\"off\":false}",
                 "driver", "driver", "e1000", "n", "7", "on", "on", "off",
                 "off");
    EXPECT_PAIRS("{\"a\":{\"b\":1,\"c\":[\"x\",\"y\"]}}", NULL, "a.b", "1",
                 "a.c.0", "x", "a.c.1", "y");
}

static void expect_error(const char *text, const char *part)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(keyval_parse(text, NULL, &err));
    g_assert_error(err, HEDDLE_ERROR, ERR_GENERIC);
    g_assert_nonnull(strstr(err->message, part));
}

static void test_bad_syntax(void)
{
    expect_error("=1", "Invalid parameter ''");
    expect_error("a=1,=2", "Invalid parameter ''");
    expect_error("a,,b=1", "Invalid parameter ''");
    expect_error("{\"a\":", "JSON");
    expect_error("{", "JSON");
}

static void test_unused(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVal) kv = keyval_parse("a=1,b=2,c=3", NULL, NULL);

    keyval_get(kv, "a", NULL);
    g_assert_true(keyval_has(kv, "b")); /* asking so is no use of it */
    g_assert_false(keyval_check_used(kv, &err));
    g_assert_cmpstr(err->message, ==, "Invalid parameter 'b'");
    keyval_get(kv, "b", NULL);
    keyval_get(kv, "c", NULL);
    g_assert_true(keyval_check_used(kv, NULL));
}

static void test_bool(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVal) kv =
        keyval_parse("a=on,b=no,c=true,d=false,e=maybe", NULL, NULL);
    bool value;

    g_assert_true(keyval_get_bool(kv, "a", false, &value, NULL) && value);
    g_assert_true(keyval_get_bool(kv, "b", true, &value, NULL) && !value);
    g_assert_true(keyval_get_bool(kv, "c", false, &value, NULL) && value);
    g_assert_true(keyval_get_bool(kv, "d", true, &value, NULL) && !value);
    g_assert_true(keyval_get_bool(kv, "x", true, &value, NULL) && value);
    g_assert_false(keyval_get_bool(kv, "e", true, &value, &err));
    g_assert_cmpstr(err->message, ==,
                    "Parameter 'e' expects 'on' or 'off'");
}

static void test_uint_getter(void)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(KeyVal) kv = keyval_parse("a=0x10,b=256,c=x", NULL, NULL);
    uint64_t value;

    g_assert_true(keyval_get_uint(kv, "a", 0, 255, &value, NULL));
    g_assert_cmpuint(value, ==, 16);
    g_assert_false(keyval_get_uint(kv, "b", 0, 255, &value, &err));
    g_assert_nonnull(strstr(err->message, "Parameter 'b' expects"));
    g_clear_error(&err);
    g_assert_false(keyval_get_uint(kv, "c", 0, 255, &value, &err));
    g_assert_cmpstr(err->message, ==, "Parameter 'c' expects a number");
    g_assert_true(keyval_get_uint(kv, "none", 42, 255, &value, NULL));
    g_assert_cmpuint(value, ==, 42);
}

static void test_parse_uint(void)
{
    static const char *const bad[] = {"",   "-1", "+1",  " 1",
                                      "1 ", "1x", "0xg", "18446744073709551616"};
    uint64_t value;

    g_assert_true(parse_uint("18446744073709551615", UINT64_MAX, &value, NULL));
    g_assert_cmpuint(value, ==, UINT64_MAX);
    g_assert_true(parse_uint("010", UINT64_MAX, &value, NULL));
    g_assert_cmpuint(value, ==, 8);
    g_assert_true(parse_uint("0xFf", 255, &value, NULL));
    g_assert_cmpuint(value, ==, 255);
    g_assert_false(parse_uint("256", 255, &value, NULL));
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_assert_false(parse_uint(bad[i], UINT64_MAX, &value, NULL));
    }
}

static void test_parse_size(void)
{
    static const struct {
        const char *text;
        char unit;
        uint64_t bytes;
    } good[] = {
        {"0", 'B', 0},
        {"512", 'B', 512},
        {"512", 'M', 512 * MiB},
        {"1.5G", 'B', GiB + 512 * MiB},
        {"1.5", 'K', 1536},
        {"0x100", 'B', 256},
        {"8k", 'M', 8 * KiB},
        {"2t", 'B', 2048 * GiB},
        {"15E", 'B', (uint64_t)15 << 60},
        {"0.5k", 'B', 512},
        {"1.0", 'B', 1},
        {"18446744073709551615", 'B', UINT64_MAX},
    };
    uint64_t value;

    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        g_assert_true(parse_size(good[i].text, good[i].unit, &value, NULL));
        g_assert_cmpuint(value, ==, good[i].bytes);
    }
}

static void test_parse_bad_size(void)
{
    static const char *const bad[] = {
        "",   "-1",  "x",    "1.5",  "16E",  "1MB", "1 M",
        "M",  "0x",  "1e3",  "1..5", "1Q",   " 1",  "18446744073709551616",
        "1.5B"};
    uint64_t value = 7;

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_false(parse_size(bad[i], 'B', &value, &err));
        g_assert_nonnull(err);
        g_assert_cmpuint(value, ==, 7);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyval/syntax", test_syntax);
    g_test_add_func("/keyval/commas", test_commas);
    g_test_add_func("/keyval/flags", test_flags);
    g_test_add_func("/keyval/repeated", test_repeated);
    g_test_add_func("/keyval/json", test_json);
    g_test_add_func("/keyval/bad-syntax", test_bad_syntax);
    g_test_add_func("/keyval/unused", test_unused);
    g_test_add_func("/keyval/bool", test_bool);
    g_test_add_func("/keyval/uint", test_uint_getter);
    g_test_add_func("/number/uint", test_parse_uint);
    g_test_add_func("/number/size", test_parse_size);
    g_test_add_func("/number/bad-size", test_parse_bad_size);
    return g_test_run();
}
