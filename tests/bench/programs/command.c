/* SPDX-License-Identifier: MIT */
/*
 * Programs from Debian's packages.  What they print goes to a file in memory;
 * its hash is the checksum and is not part of the time.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CORPUS "/data/corpus"

/* Nothing of where it runs. */
static char *const environment[] = {"LC_ALL=C", "PATH=/bin:/usr/bin", NULL};

static void child(char *const *argv, int out)
{
    int nothing = memfd_create("input", 0);

    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0) {
        _exit(126);
    }
    execve(argv[0], argv, environment);
    _exit(127);
}

static uint64_t hash_file(uint64_t hash, int fd)
{
    struct stat st;
    void *data;

    if (fstat(fd, &st) || !st.st_size) {
        bench_fail("no output");
    }
    data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) {
        bench_fail("cannot map the output");
    }
    hash = hash_bytes(hash, data, st.st_size);
    munmap(data, st.st_size);
    return hash;
}

static uint64_t run_command(unsigned count, char *const *argv)
{
    uint64_t hash = HASH_SEED;
    char reason[60];
    int status = 0;

    while (count--) {
        int out = memfd_create("output", 0);
        pid_t pid = fork();

        if (pid == 0) {
            child(argv, out);
        }
        waitpid(pid, &status, 0);
        timer_pause();
        if (status) {
            snprintf(reason, sizeof(reason), "%s: wait status 0x%x", argv[0],
                     status);
            bench_fail(reason);
        }
        hash = hash_file(hash, out);
        close(out);
        timer_resume();
    }
    return hash;
}

#define COMMAND(name, ...) \
    static uint64_t run_##name(unsigned count) \
    { \
        static char *const argv[] = {__VA_ARGS__, NULL}; \
        return run_command(count, argv); \
    }

COMMAND(gzip, "/bin/gzip", "-6", "-n", "-c", CORPUS)
COMMAND(xz, "/usr/bin/xz", "-0", "-T1", "-c", CORPUS)
COMMAND(zstd, "/usr/bin/zstd", "-9", "-T1", "--single-thread", "-q", "-c",
        CORPUS)
COMMAND(python, "/usr/bin/python3.11", "-I", "-S", "-B", "/data/interpret.py")
COMMAND(perl, "/usr/bin/perl", "/data/interpret.pl")
COMMAND(lua, "/usr/bin/lua5.4", "/data/interpret.lua")
COMMAND(md5, "/bin/busybox", "md5sum", CORPUS)
COMMAND(sha256, "/bin/busybox", "sha256sum", CORPUS)
COMMAND(openssl_sha512, "/usr/bin/openssl", "dgst", "-sha512", CORPUS)
COMMAND(openssl_aes, "/usr/bin/openssl", "enc", "-aes-256-cbc", "-bufsize",
        "65536", "-K",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "-iv", "202122232425262728292a2b2c2d2e2f", "-in", CORPUS)
/* 2^2203 - 1 is prime: rounds of modular powers of 2203 bits. */
COMMAND(openssl_bignum, "/bin/busybox", "sh", "/data/prime.sh")
COMMAND(sqlite, "/usr/bin/sqlite3", ":memory:", ".read /data/database.sql")
COMMAND(compiler, "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "-quiet", "-O2",
        "-fpreprocessed", "/data/compile.i", "-o", "-")

const BenchProgram command_programs[] = {
    {"gzip", run_gzip, 2},
    {"xz", run_xz, 1},
    {"zstd", run_zstd, 2},
    {"python", run_python, 3},
    {"perl", run_perl, 4},
    {"lua", run_lua, 3},
    {"md5", run_md5, 36},
    {"sha256", run_sha256, 12},
    {"openssl-sha512", run_openssl_sha512, 30},
    {"openssl-aes", run_openssl_aes, 25},
    {"openssl-bignum", run_openssl_bignum, 1},
    {"sqlite", run_sqlite, 2},
    {"compiler", run_compiler, 1},
    {NULL},
};
