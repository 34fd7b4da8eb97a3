/* SPDX-License-Identifier: MIT */
/*
 * Numbers to text and back, sorting, searching, regular expressions, and
 * setjmp: glibc's code that is integers, x87 and string functions together.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <wchar.h>

#include "common.h"

static int count = 3000;

static double random_double(uint64_t *state)
{
    uint64_t bits = next_random(state);
    double d;

    memcpy(&d, &bits, sizeof(d));
    return d;
}

static void print_sum(const char *what, uint64_t sum)
{
    printf("%s %016llx\n", what, (unsigned long long)sum);
}

static void floats_to_text(void)
{
    static const char *const formats[] = {
        "%.17g", "%a", "%e", "%.3f", "%g", "%+.30e", "%#.0f", "%020.5g"};
    uint64_t state = 5, sum = DIGEST_INIT;
    char text[800];

    for (int i = 0; i < count; i++) {
        const char *format = formats[i % ARRAY_LEN(formats)];
        int len = snprintf(text, sizeof(text), format, random_double(&state));

        sum = digest(sum, text, len);
    }
    print_sum("doubles to text", sum);
}

static void extended_to_text(void)
{
    uint64_t state = 6, sum = DIGEST_INIT;
    char text[6000];

    for (int i = 0; i < count; i++) {
        int exponent = (int)(next_random(&state) % 32000) - 16000;
        long double e = ldexpl((int64_t)next_random(&state), exponent);
        int len = snprintf(text, sizeof(text), "%.21Lg %La %.5Lf", e, e,
                           fmodl(e, 1e20L));

        sum = digest(sum, text, len);
        if (strtold(text, NULL) != e) {
            printf("%s does not come back\n", text);
        }
    }
    print_sum("long doubles to text", sum);
}

/* Random digits: most are no exact number in any of the formats. */
static void text_to_floats(void)
{
    uint64_t state = 7, sum = DIGEST_INIT;
    char text[100];

    for (int i = 0; i < count; i++) {
        int range = i % 3 == 0 ? 38 : i % 3 == 1 ? 308 : 4930;
        long double e;
        double d;
        float f;

        snprintf(text, sizeof(text), "%s%llu.%llue%d", i % 2 ? "-" : "",
                 (unsigned long long)next_random(&state),
                 (unsigned long long)next_random(&state),
                 (int)(next_random(&state) % (2 * range + 40)) - range - 20);
        f = strtof(text, NULL);
        d = strtod(text, NULL);
        e = strtold(text, NULL);
        sum = digest(sum, &f, sizeof(f));
        sum = digest(sum, &d, sizeof(d));
        sum = digest(sum, &e, 10);
    }
    print_sum("text to floats", sum);
}

static void integers(void)
{
    uint64_t state = 8, sum = DIGEST_INIT;
    char text[100];

    for (int i = 0; i < count; i++) {
        int64_t n = (int64_t)next_random(&state) >> i % 64;
        unsigned base = 2 + i % 35;
        int64_t back;
        int len =
            snprintf(text, sizeof(text), "%lld %llx %'lld %llo", (long long)n,
                     (long long)n, (long long)n, (long long)n);

        sum = digest(sum, text, len);
        back = strtoll(text, NULL, base);
        sum = digest(sum, &back, sizeof(back));
        back = n / (int64_t)(base * 1000003) + n % (int64_t)base;
        sum = digest(sum, &back, sizeof(back));
    }
    print_sum("integers", sum);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void sorting(void)
{
    uint64_t state = 9, sum;
    double *numbers = calloc(count, sizeof(*numbers));

    for (int i = 0; i < count; i++) {
        numbers[i] = sin(next_random(&state) % 100000);
    }
    qsort(numbers, count, sizeof(*numbers), compare_doubles);
    sum = digest(DIGEST_INIT, numbers, count * sizeof(*numbers));
    for (int i = 0; i < count; i += 7) {
        double *found = bsearch(&numbers[i], numbers, count, sizeof(*numbers),
                                compare_doubles);

        must(found && *found == numbers[i], "bsearch");
    }
    free(numbers);
    print_sum("sorting", sum);
}

static void patterns(void)
{
    uint64_t state = 10, sum = DIGEST_INIT;
    char text[64];
    regmatch_t match[3];
    regex_t regex;

    must(regcomp(&regex, "([a-f]+)[^x-z]*(q|[0-9]{2})", REG_EXTENDED) == 0,
         "regcomp");
    for (int i = 0; i < count; i++) {
        int found;

        for (size_t j = 0; j < sizeof(text) - 1; j++) {
            text[j] =
                "abcdefghijklmnopqrstuvwxyz0123456789"[next_random(&state) %
                                                       36];
        }
        text[sizeof(text) - 1] = '\0';
        found = regexec(&regex, text, ARRAY_LEN(match), match, 0);
        sum = digest(sum, &found, sizeof(found));
        if (!found) {
            sum = digest(sum, match, sizeof(match));
        }
    }
    regfree(&regex);
    print_sum("patterns", sum);
}

static void wide_characters(void)
{
    uint64_t state = 11, sum = DIGEST_INIT;
    wchar_t wide[200];
    char narrow[1000];

    for (int i = 0; i < count; i++) {
        size_t len = next_random(&state) % 150, bytes;

        for (size_t j = 0; j < len; j++) {
            wide[j] = 1 + next_random(&state) % (j % 3 ? 0x7f : 0xd000);
        }
        wide[len] = L'\0';
        bytes = wcstombs(narrow, wide, sizeof(narrow));
        sum = digest(sum, narrow, bytes);
        must(wcslen(wide) == len && mbstowcs(NULL, narrow, 0) == len, "wcs");
    }
    print_sum("wide characters", sum);
}

static jmp_buf jump;

static void __attribute__((noinline)) descend(int depth)
{
    volatile char room[100];

    room[depth % 100] = depth;
    if (depth > 0) {
        descend(depth - 1);
    } else if (room[0] == 0) {
        longjmp(jump, 42);
    }
    room[1] = room[depth % 100];
}

static void jumps(void)
{
    volatile int rounds = 0;

    for (volatile int i = 0; i < count; i++) {
        if (setjmp(jump) == 0) {
            descend(i % 50);
        } else {
            rounds++;
        }
    }
    printf("jumps %d\n", rounds);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        count = atoi(argv[1]);
    }
    setlocale(LC_ALL, "C.UTF-8");
    floats_to_text();
    extended_to_text();
    text_to_floats();
    integers();
    sorting();
    patterns();
    wide_characters();
    jumps();
    return 0;
}
