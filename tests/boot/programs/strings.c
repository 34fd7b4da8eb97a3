/* SPDX-License-Identifier: MIT */
/*
 * glibc's string functions against plain loops, at all alignments and up to
 * the last byte before a page that must not be touched.  glibc picks SSE2,
 * AVX2 or REP MOVSB versions; strings.sh runs this with each of them.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#define ROOM 16384

static unsigned char *area_a, *area_b; /* ROOM bytes, then a closed page */
static uint64_t state = 424242;
static unsigned long checks, wrong;

static unsigned char *guarded_area(void)
{
    long page = sysconf(_SC_PAGESIZE);
    unsigned char *p = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must(p != MAP_FAILED, "mmap");
    must(mprotect(p + ROOM, page, PROT_NONE) == 0, "mprotect");
    return p;
}

static void check(int ok, const char *function, size_t size, size_t offset)
{
    checks++;
    if (!ok && wrong++ < 20) {
        printf("%s of %zu bytes at %zu\n", function, size, offset);
    }
}

static size_t random_below(size_t limit)
{
    return limit ? next_random(&state) % limit : 0;
}

/* Mostly short, as the special cases are there. */
static size_t random_size(void)
{
    return random_below(1u << (1 + random_below(14)));
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* Bytes in which matches are neither rare nor certain. */
static void fill(unsigned char *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        p[i] = 'a' + random_below(26);
    }
}

static int same_bytes(const unsigned char *p, const unsigned char *q,
                      size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (((volatile const unsigned char *)p)[i] != q[i]) {
            return 0;
        }
    }
    return 1;
}

static void copies(size_t size)
{
    static unsigned char before[ROOM], after[ROOM];
    size_t from = random_below(ROOM - size + 1);
    size_t to = random_below(4) ? random_below(ROOM - size + 1) : ROOM - size;

    fill(area_a, ROOM);
    for (size_t i = 0; i < ROOM; i++) {
        before[i] = after[i] = ((volatile unsigned char *)area_a)[i];
    }
    for (size_t i = 0; i < size; i++) {
        ((volatile unsigned char *)after)[to + i] = before[from + i];
    }
    check(memmove(area_a + to, area_a + from, size) == area_a + to &&
              same_bytes(area_a, after, ROOM),
          "memmove", size, to);
    check(memcpy(area_b + to, before + from, size) == area_b + to &&
              same_bytes(area_b + to, before + from, size),
          "memcpy", size, to);
    check(mempcpy(area_b + to, before, size) == area_b + to + size &&
              same_bytes(area_b + to, before, size),
          "mempcpy", size, to);
}

static void fills(size_t size)
{
    size_t at = random_below(ROOM - size + 1);
    int byte = random_below(256), ok = 1;

    fill(area_a, ROOM);
    memset(area_a + at, byte, size);
    for (size_t i = 0; i < size; i++) {
        ok &= area_a[at + i] == byte;
    }
    ok &= at == 0 || area_a[at - 1] >= 'a' || size == 0;
    check(ok, "memset", size, at);
}

static void searches(size_t size)
{
    unsigned char *p = area_a + ROOM - size; /* its end is the page's */
    unsigned char byte = 'a' + random_below(30);
    size_t first = size, last = size;

    fill(p, size);
    for (size_t i = 0; i < size; i++) {
        if (((volatile unsigned char *)p)[i] == byte) {
            first = first == size ? i : first;
            last = i;
        }
    }
    check(memchr(p, byte, size) == (first < size ? p + first : NULL), "memchr",
          size, first);
    check(memrchr(p, byte, size) == (last < size ? p + last : NULL), "memrchr",
          size, last);
    check(rawmemchr(p, p[size - 1]) == memchr(p, p[size - 1], size),
          "rawmemchr", size, 0);
}

static void text_searches(size_t size)
{
    char *s = (char *)area_a + ROOM - size; /* size includes the NUL */
    char byte = 'a' + random_below(30);
    size_t first = size, last = size, span = 0;

    fill(area_a + ROOM - size, size);
    s[size - 1] = '\0';
    for (size_t i = 0; i < size; i++) {
        if (((volatile char *)s)[i] == byte) {
            first = first == size ? i : first;
            last = i;
        }
    }
    while (((volatile char *)s)[span] && s[span] < 'r') {
        span++;
    }
    check(strlen(s) == size - 1, "strlen", size, 0);
    check(strnlen(s, size / 2) == size / 2, "strnlen", size, 0);
    check(strchr(s, byte) == (first < size ? s + first : NULL), "strchr", size,
          first);
    check(strrchr(s, byte) == (last < size ? s + last : NULL), "strrchr", size,
          last);
    check(strchrnul(s, byte) == s + (first < size ? first : size - 1),
          "strchrnul", size, first);
    check(strspn(s, "abcdefghijklmnopq") == span, "strspn", size, span);
    check(strcspn(s, "rstuvwxyz") == span, "strcspn", size, span);
}

/* Two strings that are the same up to a random place. */
static void comparisons(size_t size)
{
    unsigned char *p = area_a + ROOM - size;
    unsigned char *q = area_b + random_below(ROOM - size + 1);
    size_t at = random_below(size), limit = random_below(size + 1);
    int want;

    fill(p, size);
    p[size - 1] = '\0';
    for (size_t i = 0; i < size; i++) {
        ((volatile unsigned char *)q)[i] = p[i];
    }
    if (at < size - 1 && random_below(4)) {
        q[at] = 'A' + random_below(58);
    }
    want = sign(p[at] - q[at]);
    check(sign(memcmp(p, q, size)) == want, "memcmp", size, at);
    check(sign(strcmp((char *)p, (char *)q)) == want, "strcmp", size, at);
    check(sign(strncmp((char *)p, (char *)q, limit)) == (at < limit ? want : 0),
          "strncmp", size, at);
    check(sign(strcasecmp((char *)p, (char *)p)) == 0, "strcasecmp", size, at);
}

static void text_copies(size_t size)
{
    char *s = (char *)area_a + ROOM - size, *d;
    char needle[4] = {0};
    char *found = NULL;

    fill(area_a + ROOM - size, size);
    s[size - 1] = '\0';
    d = (char *)area_b + ROOM - size;
    check(stpcpy(d, s) == d + size - 1 &&
              same_bytes((void *)d, (void *)s, size),
          "stpcpy", size, 0);
    fill((unsigned char *)needle, 1 + random_below(3));
    for (size_t i = 0; i < size && !found; i++) {
        size_t j = 0;

        while (needle[j] && ((volatile char *)s)[i + j] == needle[j]) {
            j++;
        }
        found = needle[j] ? NULL : s + i;
    }
    check(strstr(s, needle) == found, "strstr", size, 0);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 3000;

    area_a = guarded_area();
    area_b = guarded_area();
    for (int i = 0; i < count; i++) {
        size_t size = random_size() + 1;

        copies(size - 1);
        fills(size - 1);
        searches(size);
        text_searches(size);
        comparisons(size);
        text_copies(size);
    }
    printf("%lu checks, %lu wrong\n", checks, wrong);
    return wrong != 0;
}
