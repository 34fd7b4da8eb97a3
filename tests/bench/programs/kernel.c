/* SPDX-License-Identifier: MIT */
/* Work of the kernel within one process. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t run_syscall(unsigned count)
{
    uint64_t i, wrong = 0, pid = getpid();

    for (i = 0; i < count * 1000ull; i++) {
        wrong += (uint64_t)syscall(SYS_getpid) != pid;
    }
    return wrong;
}

/* Reads and seeks of a file that is in memory, and its status. */
static uint64_t run_file(unsigned count)
{
    int fd = memfd_create("bench", 0);
    char buf[512];
    struct stat st;
    uint64_t sum = 0;
    unsigned i;

    memset(buf, 5, sizeof(buf));
    if (fd < 0 || write(fd, buf, sizeof(buf)) != sizeof(buf)) {
        bench_fail("no memfd");
    }
    for (i = 0; i < count * 1000; i++) {
        if (pread(fd, buf, sizeof(buf), i & 255) < 256 || fstat(fd, &st)) {
            bench_fail("pread or fstat");
        }
        sum += buf[i & 255] + st.st_size;
    }
    close(fd);
    return sum;
}

static uint64_t run_fault(unsigned count)
{
    enum { SIZE = 1 << 20 };
    uint64_t sum = 0;
    unsigned j;

    while (count--) {
        uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
            bench_fail("mmap");
        }
        madvise(p, SIZE, MADV_NOHUGEPAGE);
        for (j = 0; j < SIZE; j += 4096) {
            sum += p[j];
            p[j] = j >> 12;
            sum += p[j];
        }
        munmap(p, SIZE);
    }
    return sum;
}

/* Small mappings that come and go, as loaders and allocators make them. */
static uint64_t run_mmap(unsigned count)
{
    enum { SIZE = 4 * 4096 };
    uint64_t sum = 0;
    unsigned i;

    for (i = 0; i < count * 1000; i++) {
        uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
            bench_fail("mmap");
        }
        p[i & (SIZE - 1)] = i;
        mprotect(p, SIZE, PROT_READ);
        sum += p[i & (SIZE - 1)];
        munmap(p, SIZE);
    }
    return sum;
}

const BenchProgram kernel_programs[] = {
    {"syscall", run_syscall, 2000},
    {"file", run_file, 300},
    {"fault", run_fault, 500},
    {"mmap", run_mmap, 40},
    {NULL},
};
