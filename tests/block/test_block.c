/* SPDX-License-Identifier: MIT */
/* Disk back-ends on temporary files. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

#include "block/internal.h"
#include "tests/support/loop.h"

#define SECTOR 512u

typedef struct Fixture {
    char *path;
} Fixture;

/* A file of @bytes, byte i being i / 512 + 1. */
static void make_file(Fixture *f, size_t bytes)
{
    g_autofree uint8_t *data = g_malloc(bytes);
    int fd = g_file_open_tmp("heddle-disk-XXXXXX", &f->path, NULL);

    for (size_t i = 0; i < bytes; i++) {
        data[i] = i / SECTOR + 1;
    }
    g_assert_cmpint(write(fd, data, bytes), ==, bytes);
    g_close(fd, NULL);
}

static void setup(Fixture *f, gconstpointer unused)
{
    make_file(f, 400 * KiB);
}

static void teardown(Fixture *f, gconstpointer unused)
{
    block_close_all();
    g_unlink(f->path);
    g_free(f->path);
}

static BlockBackend *drive(Fixture *f, const char *more, GError **errp)
{
    g_autofree char *text = g_strdup_printf("file=%s,if=none%s", f->path, more);
    g_autoptr(KeyVal) kv = keyval_parse(text, NULL, NULL);

    return block_drive_add(kv, errp);
}

/* --- requests, waited for --- */

static void set_error(void *opaque, int error)
{
    *(int *)opaque = error;
}

static bool has_error(void *opaque)
{
    return *(int *)opaque >= 0;
}

static int transfer(BlockBackend *blk, bool write, uint64_t offset, void *buf,
                    size_t len)
{
    /* Three pieces of odd sizes, one of them empty. */
    struct iovec iov[3] = {
        {buf, len / 3}, {buf, 0}, {(char *)buf + len / 3, len - len / 3}};
    int error = -1;

    if (write) {
        block_writev(blk, offset, iov, 3, set_error, &error);
    } else {
        block_readv(blk, offset, iov, 3, set_error, &error);
    }
    g_assert_cmpint(error, ==, -1); /* never before the caller goes on */
    g_assert_true(test_loop_until(has_error, &error));
    return error;
}

static void assert_file_byte(Fixture *f, size_t at, uint8_t expected)
{
    g_autofree char *data = NULL;
    gsize len;

    g_assert_true(g_file_get_contents(f->path, &data, &len, NULL));
    g_assert_cmpuint(len, >, at);
    g_assert_cmpuint((uint8_t)data[at], ==, expected);
}

static void test_read_write(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, ",format=raw", NULL);
    uint8_t buf[4 * SECTOR];
    int error = -1;

    g_assert_cmpuint(block_size_bytes(blk), ==, 400 * KiB);
    g_assert_cmpint(transfer(blk, false, 2 * SECTOR, buf, sizeof(buf)), ==, 0);
    for (unsigned i = 0; i < sizeof(buf); i++) {
        g_assert_cmpuint(buf[i], ==, 3 + i / SECTOR);
    }
    memset(buf, 0xee, sizeof(buf));
    g_assert_cmpint(transfer(blk, true, SECTOR, buf, 2 * SECTOR), ==, 0);
    block_flush(blk, set_error, &error);
    g_assert_true(test_loop_until(has_error, &error));
    g_assert_cmpint(error, ==, 0);
    assert_file_byte(f, SECTOR - 1, 1);
    assert_file_byte(f, SECTOR, 0xee);
    assert_file_byte(f, 3 * SECTOR - 1, 0xee);
    assert_file_byte(f, 3 * SECTOR, 4);
}

static void test_bounds(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, ",format=raw", NULL);
    uint8_t buf[2 * SECTOR];
    uint64_t size = block_size_bytes(blk);

    g_assert_cmpint(transfer(blk, false, size - SECTOR, buf, SECTOR), ==, 0);
    g_assert_cmpint(transfer(blk, false, size - SECTOR, buf, 2 * SECTOR), ==,
                    EIO);
    g_assert_cmpint(transfer(blk, true, size, buf, SECTOR), ==, EIO);
    g_assert_cmpint(transfer(blk, false, UINT64_MAX - SECTOR + 1, buf, SECTOR),
                    ==, EIO);
    g_assert_cmpint(transfer(blk, false, 1, buf, SECTOR), ==, EINVAL);
    g_assert_cmpint(transfer(blk, false, 0, buf, SECTOR + 1), ==, EINVAL);
}

/* A file of 1000 bytes is a disk of two sectors, the last 24 bytes zero. */
static void test_rounded_size(void)
{
    Fixture f;
    BlockBackend *blk;
    uint8_t buf[2 * SECTOR];

    make_file(&f, 1000);
    blk = drive(&f, ",format=raw", NULL);
    g_assert_cmpuint(block_size_bytes(blk), ==, 2 * SECTOR);
    memset(buf, 0xff, sizeof(buf));
    g_assert_cmpint(transfer(blk, false, 0, buf, sizeof(buf)), ==, 0);
    g_assert_cmpuint(buf[999], ==, 2);
    g_assert_cmpuint(buf[1000], ==, 0);
    g_assert_cmpuint(buf[1023], ==, 0);
    teardown(&f, NULL);
}

static void test_readonly(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, ",format=raw,readonly=on", NULL);
    uint8_t buf[SECTOR] = {0};

    g_assert_true(block_is_readonly(blk));
    g_assert_cmpint(transfer(blk, true, 0, buf, SECTOR), ==, EROFS);
    g_assert_cmpint(transfer(blk, false, 0, buf, SECTOR), ==, 0);
    g_assert_cmpuint(buf[0], ==, 1);
}

/* Writes are seen again, the file keeps what it had. */
static void test_snapshot(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, ",format=raw,snapshot=on", NULL);
    uint64_t at = 64 * KiB - SECTOR; /* across a cluster's border */
    g_autofree uint8_t *all = g_malloc(400 * KiB);
    uint8_t buf[2 * SECTOR];

    memset(buf, 0xaa, sizeof(buf));
    g_assert_cmpint(transfer(blk, true, at, buf, sizeof(buf)), ==, 0);
    /* The last cluster is a partial one. */
    g_assert_cmpint(transfer(blk, true, 400 * KiB - SECTOR, buf, SECTOR), ==,
                    0);
    g_assert_cmpint(transfer(blk, false, 0, all, 400 * KiB), ==, 0);
    for (unsigned i = 0; i < 400 * KiB; i++) {
        bool written =
            (i >= at && i < at + sizeof(buf)) || i >= 400 * KiB - SECTOR;

        g_assert_cmpuint(all[i], ==,
                         written ? 0xaa : (uint8_t)(i / SECTOR + 1));
    }
    assert_file_byte(f, at, at / SECTOR + 1);
}

static void assert_refused(Fixture *f, const char *more, const char *part)
{
    GError *err = NULL;

    g_assert_null(drive(f, more, &err));
    g_test_message("%s: %s", more, err->message);
    g_assert_nonnull(strstr(err->message, part));
    g_clear_error(&err);
}

static void test_locks(Fixture *f, gconstpointer unused)
{
    g_assert_nonnull(drive(f, ",format=raw", NULL));
    assert_refused(f, ",id=b", "Failed to get \"write\" lock");
    assert_refused(f, ",id=b,readonly=on",
                   "Failed to get shared \"write\" lock");
    block_close_all();
    g_assert_nonnull(drive(f, ",id=a,readonly=on", NULL));
    g_assert_nonnull(drive(f, ",id=b,snapshot=on", NULL));
    assert_refused(f, ",id=c", "Failed to get \"write\" lock");
}

static void test_options(Fixture *f, gconstpointer unused)
{
    assert_refused(f, ",format=qcow2", "Unknown driver 'qcow2'");
    assert_refused(f, ",cache=maybe", "invalid cache option");
    assert_refused(f, ",media=tape", "'tape' invalid media");
    assert_refused(f, ",if=paper", "unsupported bus type 'paper'");
    assert_refused(f, ",nonsense=1", "Invalid parameter 'nonsense'");
    assert_refused(f, ",file=/", "Could not open '/'");
    g_assert_nonnull(drive(f, ",id=a,readonly=on", NULL));
    assert_refused(f, ",id=a,readonly=on", "Duplicate ID 'a'");
}

static void test_probe(Fixture *f, gconstpointer unused)
{
    g_assert_true(g_file_set_contents(f->path, "QFI\xfb and more", -1, NULL));
    assert_refused(f, "", "qcow2");
    g_assert_nonnull(drive(f, ",format=raw", NULL));
}

static void test_one_owner(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, ",id=d", NULL);
    GError *err = NULL;

    g_assert_true(block_find("d") == blk);
    g_assert_true(block_attach(blk, "one", NULL));
    g_assert_false(block_attach(blk, "two", &err));
    g_clear_error(&err);
    block_detach(blk);
    g_assert_true(block_attach(blk, "two", NULL));
    g_assert_cmpstr(block_user(blk), ==, "two");
}

static void count_done(void *opaque, int error)
{
    g_assert_cmpint(error, ==, 0);
    ++*(unsigned *)opaque;
}

/* Draining runs every completion, on the thread that drains. */
static void test_drain(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = drive(f, "", NULL);
    static uint8_t buf[64][SECTOR];
    struct iovec iov[64];
    unsigned done = 0;

    for (unsigned i = 0; i < 64; i++) {
        iov[i] = (struct iovec){buf[i], SECTOR};
        block_readv(blk, i * SECTOR, &iov[i], 1, count_done, &done);
    }
    block_drain_all();
    g_assert_cmpuint(done, ==, 64);
    g_assert_cmpuint(buf[63][0], ==, 64);
}

/* --- requests that the host fails: a limit on the file's size does that --- */

static struct {
    unsigned count;
    BlockError last;
} told;

static void note_error(const BlockError *e)
{
    told.count++;
    told.last = *e;
}

static void limit_files(uint64_t bytes)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    limit.rlim_cur = MIN(bytes, limit.rlim_max);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

static void assert_told(BlockErrorAction action)
{
    g_assert_cmpuint(told.count, ==, 1);
    g_assert_true(told.last.write);
    g_assert_cmpint(told.last.error, ==, EFBIG);
    g_assert_cmpint(told.last.action, ==, action);
    told.count = 0;
}

static BlockBackend *limited_drive(Fixture *f, const char *more)
{
    BlockBackend *blk = drive(f, more, NULL);

    signal(SIGXFSZ, SIG_IGN);
    block_set_error_handler(note_error);
    told.count = 0;
    limit_files(SECTOR);
    return blk;
}

static void test_report_errors(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = limited_drive(f, "");
    uint8_t buf[SECTOR] = {0};

    g_assert_cmpint(transfer(blk, true, 8 * SECTOR, buf, SECTOR), ==, EFBIG);
    assert_told(BLOCK_ERROR_REPORT);
    g_assert_cmpint(transfer(blk, true, 0, buf, SECTOR), ==, 0);
    /* What no disk would do is no failure of the host. */
    g_assert_cmpint(transfer(blk, true, 400 * KiB, buf, SECTOR), ==, EIO);
    g_assert_cmpuint(told.count, ==, 0);
    g_assert_cmpuint(block_counts(blk).failed_writes, ==, 2);
    limit_files(RLIM_INFINITY);
}

static void test_ignore_errors(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = limited_drive(f, ",werror=ignore");
    uint8_t buf[SECTOR] = {0};

    g_assert_cmpint(transfer(blk, true, 8 * SECTOR, buf, SECTOR), ==, 0);
    assert_told(BLOCK_ERROR_IGNORE);
    g_assert_cmpuint(block_counts(blk).failed_writes, ==, 1);
    limit_files(RLIM_INFINITY);
}

static bool was_told(void *opaque)
{
    return told.count > 0;
}

/* It waits, fails once more, and is done when there is room. */
static void test_stop_at_errors(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = limited_drive(f, ",werror=stop");
    uint8_t buf[SECTOR] = {0};
    struct iovec iov = {buf, SECTOR};
    int error = -1;

    block_writev(blk, 8 * SECTOR, &iov, 1, set_error, &error);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true(test_loop_until(was_told, NULL));
        assert_told(BLOCK_ERROR_STOP);
        test_loop_settle();
        g_assert_cmpint(error, ==, -1);
        g_assert_cmpint(block_stop_error(blk), ==, EFBIG);
        if (i == 1) {
            limit_files(RLIM_INFINITY);
        }
        block_retry();
        g_assert_cmpint(block_stop_error(blk), ==, 0);
    }
    g_assert_true(test_loop_until(has_error, &error));
    g_assert_cmpint(error, ==, 0);
    assert_file_byte(f, 8 * SECTOR, 0);
}

/* What a device says goes before what its drive says, while it has it. */
static void test_device_errors(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = limited_drive(f, ",werror=ignore");
    uint8_t buf[SECTOR] = { 0 };
    GError *err = NULL;

    g_assert_true(block_attach(blk, "one", NULL));
    g_assert_true(block_set_on_error(blk, "auto", "report", NULL));
    g_assert_cmpint(transfer(blk, true, 8 * SECTOR, buf, SECTOR), ==, EFBIG);
    assert_told(BLOCK_ERROR_REPORT);
    g_assert_true(block_set_on_error(blk, "enospc", "auto", NULL));
    g_assert_cmpint(transfer(blk, true, 8 * SECTOR, buf, SECTOR), ==, 0);
    assert_told(BLOCK_ERROR_IGNORE);
    g_assert_false(block_set_on_error(blk, "auto", "x", &err));
    g_assert_cmpstr(err->message, ==,
                    "Parameter 'werror' does not accept value 'x'");
    g_clear_error(&err);
    g_assert_true(block_set_on_error(blk, "auto", "report", NULL));
    block_detach(blk);
    g_assert_cmpint(transfer(blk, true, 8 * SECTOR, buf, SECTOR), ==, 0);
    assert_told(BLOCK_ERROR_IGNORE);
    limit_files(RLIM_INFINITY);
}

/* A device that is reset does not wait for a retry. */
static void test_reset_at_errors(Fixture *f, gconstpointer unused)
{
    BlockBackend *blk = limited_drive(f, ",werror=stop");
    uint8_t buf[SECTOR] = {0};
    struct iovec iov = {buf, SECTOR};
    int error = -1;

    block_writev(blk, 8 * SECTOR, &iov, 1, set_error, &error);
    block_wait_requests();
    g_assert_cmpint(error, ==, EFBIG);
    g_assert_cmpint(block_stop_error(blk), ==, 0);
    limit_files(RLIM_INFINITY);
}

static void test_error_actions(Fixture *f, gconstpointer unused)
{
    static const struct {
        BlockOnError policy;
        int error;
        BlockErrorAction action;
    } rows[] = {
        {BLOCK_ON_ERROR_REPORT, ENOSPC, BLOCK_ERROR_REPORT},
        {BLOCK_ON_ERROR_IGNORE, EIO, BLOCK_ERROR_IGNORE},
        {BLOCK_ON_ERROR_STOP, EIO, BLOCK_ERROR_STOP},
        {BLOCK_ON_ERROR_ENOSPC, ENOSPC, BLOCK_ERROR_STOP},
        {BLOCK_ON_ERROR_ENOSPC, EIO, BLOCK_ERROR_REPORT},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        g_assert_cmpint(on_error_action(rows[i].policy, rows[i].error), ==,
                        rows[i].action);
    }
    assert_refused(f, ",rerror=enospc",
                   "'enospc' invalid read error action");
    assert_refused(f, ",werror=x", "'x' invalid write error action");
    assert_refused(f, ",rerror=auto", "'auto' invalid read error action");
    g_assert_nonnull(drive(f, ",rerror=stop,werror=enospc", NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
#define ADD(name, fn) g_test_add(name, Fixture, NULL, setup, fn, teardown)
    ADD("/block/read-write", test_read_write);
    ADD("/block/bounds", test_bounds);
    g_test_add_func("/block/rounded-size", test_rounded_size);
    ADD("/block/readonly", test_readonly);
    ADD("/block/snapshot", test_snapshot);
    ADD("/block/locks", test_locks);
    ADD("/block/errors/report", test_report_errors);
    ADD("/block/errors/ignore", test_ignore_errors);
    ADD("/block/errors/stop", test_stop_at_errors);
    ADD("/block/errors/reset", test_reset_at_errors);
    ADD("/block/errors/device", test_device_errors);
    ADD("/block/errors/actions", test_error_actions);
    ADD("/block/options", test_options);
    ADD("/block/probe", test_probe);
    ADD("/block/one-owner", test_one_owner);
    ADD("/block/drain", test_drain);
    return g_test_run();
}
