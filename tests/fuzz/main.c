/* SPDX-License-Identifier: MIT */
/* What every fuzz target's program has: libFuzzer's entry points, seeds. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *seed_folder;

/* libFuzzer takes what is in this section as coverage. */
__attribute__((section("__libfuzzer_extra_counters")))
uint8_t fuzz_states[FUZZ_STATES];

void fuzz_seed(const void *bytes, size_t len)
{
    static unsigned n;
    g_autofree char *path = g_strdup_printf("%s/%05u", seed_folder, n++);
    g_autoptr(GError) error = NULL;

    if (!g_file_set_contents(path, bytes, (gssize)len, &error)) {
        fuzz_fail("%s", error->message);
    }
}

void fuzz_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* "--write-seeds FOLDER" does that and nothing else. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    if (fuzz_target.init) {
        fuzz_target.init();
    }
    if (*argc == 3 && !strcmp((*argv)[1], "--write-seeds")) {
        seed_folder = (*argv)[2];
        if (fuzz_target.seeds) {
            fuzz_target.seeds();
        }
        exit(0);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_target.run((FuzzInput){bytes, len});
    return 0;
}
