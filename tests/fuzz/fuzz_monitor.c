/* SPDX-License-Identifier: MIT */
/*
 * QMP streams and HMP lines: whatever bytes a client sends, in whatever pieces,
 * it gets answers that are JSON objects (QMP) or text (HMP), and the next
 * client is greeted.
 *
 * An input: 0 for QMP or 1 for HMP lines, size of the pieces, the bytes.
 */
#include <string.h>

#include "exec/cpu.h"
#include "exec/memory.h"
#include "monitor/monitor.h"
#include "system/machine.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/loop.h"

#define HMP_LINES_MAX 16

static MachineConfig config = { .name = "fuzz",
                                .topology = { 1, 1, 1, 1 },
                                .max_cpus = 1,
                                .cpu_model = "max" };

/* Words by which files would be made or opened, or the process would end. */
static bool is_harmful(const uint8_t *bytes, size_t len)
{
    static const char *const words[] = {
        "save",   "dump", "file",     "path",  "pipe",   "pty",   "stdio",
        "socket", "quit", "blockdev", "drive", "object", "getfd", "add-fd",
    };

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (memmem(bytes, len, words[i], strlen(words[i]))) {
            return true;
        }
    }
    return memchr(bytes, '\\', len) != NULL; /* the words in escapes */
}

/* Each line of what the peer got is a JSON object. */
static void check_answers(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);

    for (char **line = lines; *line; line++) {
        json_object *value = **line ? json_tokener_parse(*line) : NULL;

        if (**line && !json_object_is_type(value, json_type_object)) {
            fuzz_fail("an answer is no object: %s", *line);
        }
        json_object_put(value);
    }
}

static void send_piece(int peer, const uint8_t *bytes, size_t len)
{
    if (write(peer, bytes, len) != (ssize_t)len) {
        fuzz_fail("the monitor takes no input");
    }
}

static void run_qmp(FuzzInput in, size_t piece)
{
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
    int peer;
    Chardev *chr = test_chardev("fuzz", "", &peer);

    g_assert_true(monitor_add_qmp(chr, false, NULL));
    test_loop_settle();
    send_piece(peer, (const uint8_t *)hello, strlen(hello));
    while (in.len > 0) {
        size_t len = MIN(in.len, piece);
        g_autofree char *text = NULL;

        send_piece(peer, in.bytes, len);
        text = test_received(peer);
        check_answers(text);
        in.bytes += len;
        in.len -= len;
    }
    monitor_cleanup();
    close(peer);
    g_assert_true(chardev_remove("fuzz", NULL));
}

static void run_hmp(FuzzInput in)
{
    g_autofree char *text = g_strndup((const char *)in.bytes, in.len);
    g_auto(GStrv) lines = g_strsplit(text, "\n", HMP_LINES_MAX);

    for (char **line = lines; *line; line++) {
        g_free(monitor_run_hmp(*line, 0));
    }
    test_loop_settle();
}

static void run(FuzzInput in)
{
    bool hmp = fuzz_u8(&in) & 1;
    size_t piece = fuzz_u8(&in) + 1;

    if (is_harmful(in.bytes, in.len)) {
        return;
    }
    if (hmp) {
        run_hmp(in);
    } else {
        run_qmp(in, piece);
    }
}

static void seed(uint8_t kind, const char *text)
{
    g_autofree char *bytes = g_strdup_printf("%c\x40%s", kind, text);

    fuzz_seed(bytes, strlen(text) + 2);
}

static void seeds(void)
{
    static const char *const qmp[] = {
        "{\"execute\":\"query-name\",\"id\":[1,{\"a\":null}]}",
        "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":"
        "\"qcode\",\"data\":\"a\"}],\"hold-time\":5}}",
        "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine\"}}",
        "{\"execute\":\"query-cpu-model-expansion\",\"arguments\":{\"type\":"
        "\"full\",\"model\":{\"name\":\"qemu64\",\"props\":{\"avx\":true}}}}",
        "{\"execute\":\"chardev-add\",\"arguments\":{\"id\":\"c\",\"backend\":"
        "{\"type\":\"null\",\"data\":{}}}}{\"execute\":\"chardev-remove\","
        "\"arguments\":{\"id\":\"c\"}}",
        "{\"execute\":\"stop\"}\n}}]\n{\"execute\":\"query-status\"}",
        "{\"execute\":\"qom-list-types\",\"arguments\":{\"abstract\":true}}",
    };
    static const char *const hmp[] = {
        "info version\ninfo registers -a\nhelp info",
        "print/x (1+2)*3|~4^'a'",
        "sendkey ctrl-alt-f1 5",
        "device_add isa-serial,id=a,index=3",
        "xp /4xw 0x1000",
        "log \"in_asm\"",
        "set_link a on",
        "o /b 0x80 1",
    };

    for (unsigned i = 0; i < ARRAY_LEN(qmp); i++) {
        seed('\x02', qmp[i]);
    }
    for (unsigned i = 0; i < ARRAY_LEN(hmp); i++) {
        seed('\x01', hmp[i]);
    }
}

static void init(void)
{
    test_loop_init();
    cpu_list_init();
    memory_map_init();
    machine_config = &config;
    machine_type = machine_type_find("none");
}

const FuzzTarget fuzz_target = { init, run, seeds };
