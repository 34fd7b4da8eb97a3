/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of tests/boot/serial and tests/boot/clocks; it becomes
 * /bin/work of an initramfs.  One job for each run:
 *
 *   work send BYTES SEED      the stream of SEED to standard output
 *   work receive BYTES SEED   standard input held against the stream of SEED
 *   work stamps SECONDS       marks of several clocks, one a second
 *   work sleeps COUNT MS      how long sleeps of MS take
 *   work spin SECONDS         never idle, then the timer interrupts counted
 *
 * What it finds goes to standard output as lines that begin with "GUEST ".
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000LL

static int64_t now_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static void raw_terminal(void)
{
    struct termios tio;

    if (tcgetattr(0, &tio) == 0) {
        cfmakeraw(&tio);
        tcsetattr(0, TCSANOW, &tio);
    }
}

/* --- serial --- */

/* Marsaglia's xorshift64, low byte first: all 256 values, no period that a
 * buffer's size could hide.  tests/boot/serial has the same. */
static uint8_t stream_byte(uint64_t *state)
{
    static uint64_t word;
    static unsigned left;
    uint8_t byte;

    if (left == 0) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        word = *state;
        left = 8;
    }
    byte = word;
    word >>= 8;
    left--;
    return byte;
}

static int send_stream(size_t bytes, uint64_t seed)
{
    uint8_t buf[4096];

    raw_terminal();
    while (bytes > 0) {
        size_t len = bytes < sizeof(buf) ? bytes : sizeof(buf);

        for (size_t i = 0; i < len; i++) {
            buf[i] = stream_byte(&seed);
        }
        for (size_t done = 0; done < len;) {
            ssize_t n = write(1, buf + done, len - done);

            if (n < 0) {
                return 1;
            }
            done += n;
        }
        bytes -= len;
    }
    tcdrain(1);
    return 0;
}

/* False at the end of input, and when the line has been still for long: then
 * bytes were lost. */
static bool wait_for_input(void)
{
    struct pollfd pfd = {.fd = 0, .events = POLLIN};

    return poll(&pfd, 1, 5000) > 0;
}

/* Prints how many bytes came, and where the first wrong one is or -1. */
static int receive_stream(size_t bytes, uint64_t seed)
{
    uint8_t buf[4096];
    size_t at = 0, wrong = SIZE_MAX;
    int64_t start;

    raw_terminal();
    printf("GUEST ready\n");
    fflush(stdout);
    start = now_ns(CLOCK_MONOTONIC);
    while (at < bytes && wait_for_input()) {
        ssize_t n = read(0, buf, sizeof(buf));

        if (n <= 0) {
            break;
        }
        for (ssize_t i = 0; i < n; i++, at++) {
            if (buf[i] != stream_byte(&seed) && wrong == SIZE_MAX) {
                wrong = at;
            }
        }
    }
    printf("GUEST received %zu wrong %zd ns %lld\n", at, (ssize_t)wrong,
           (long long)(now_ns(CLOCK_MONOTONIC) - start));
    return 0;
}

/* --- clocks --- */

/* The reader takes the host's time when a line arrives. */
static int print_stamps(int seconds)
{
    for (int i = 0; i <= seconds; i++) {
        if (i > 0) {
            sleep(1);
        }
        printf("GUEST stamp %lld %lld\n", (long long)now_ns(CLOCK_MONOTONIC),
               (long long)now_ns(CLOCK_REALTIME));
        fflush(stdout);
    }
    return 0;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static int time_sleeps(int count, int ms)
{
    int64_t *taken = calloc(count, sizeof(*taken));
    struct timespec wait = {.tv_nsec = ms * 1000000L};

    printf("GUEST sleeping\n");
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        int64_t start = now_ns(CLOCK_MONOTONIC);

        nanosleep(&wait, NULL);
        taken[i] = now_ns(CLOCK_MONOTONIC) - start;
    }
    qsort(taken, count, sizeof(*taken), compare_ns);
    printf("GUEST slept min %lld median %lld p99 %lld max %lld\n",
           (long long)taken[0], (long long)taken[count / 2],
           (long long)taken[count - 1 - count / 100],
           (long long)taken[count - 1]);
    free(taken);
    return 0;
}

/* The sum of the first CPU's column in the row "LOC" of /proc/interrupts. */
static long long local_timer_interrupts(void)
{
    FILE *f = fopen("/proc/interrupts", "r");
    long long count = -1;
    char line[512];

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, " LOC: %lld", &count) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    return count;
}

/* A CPU that is never idle has its tick; none may be lost. */
static int spin(int seconds)
{
    long long ticks = local_timer_interrupts();
    int64_t start = now_ns(CLOCK_MONOTONIC), now;

    do {
        for (volatile int i = 0; i < 100000; i++) {
        }
        now = now_ns(CLOCK_MONOTONIC);
    } while (now - start < seconds * NS_PER_SEC);
    printf("GUEST spun %lld ns %lld ticks\n", (long long)(now - start),
           local_timer_interrupts() - ticks);
    return 0;
}

int main(int argc, char **argv)
{
    const char *job = argc > 1 ? argv[1] : "";
    long long a = argc > 2 ? atoll(argv[2]) : 0;
    long long b = argc > 3 ? atoll(argv[3]) : 0;

    if (strcmp(job, "send") == 0) {
        return send_stream(a, b);
    }
    if (strcmp(job, "receive") == 0) {
        return receive_stream(a, b);
    }
    if (strcmp(job, "stamps") == 0) {
        return print_stamps(a);
    }
    if (strcmp(job, "sleeps") == 0) {
        return time_sleeps(a, b);
    }
    if (strcmp(job, "spin") == 0) {
        return spin(a);
    }
    fprintf(stderr, "work: no such job '%s'\n", job);
    return 2;
}
