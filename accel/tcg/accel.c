/* SPDX-License-Identifier: MIT */
/* -accel tcg: its options, and setting the engine up. */
#include <string.h>

#include "accel/tcg/internal.h"
#include "exec/stall.h"
#include "tcg/helper.h"
#include "util/error.h"
#include "util/log.h"

#define TB_SIZE_DEFAULT (128 * MiB)
#define TB_SIZE_MIN     (2 * MiB)
#define TB_SIZE_MAX     (2048 * MiB - 4 * MiB) /* jumps reach 2 GiB */

TcgOptions tcg_options;
const TcgBackend *tcg_backend;

void tcg_accel_help(GString *out)
{
    g_string_append(
        out,
        "tcg options:\n"
        "  thread=multi|single     one host thread per vCPU, or one for all\n"
        "  backend=native|interp   host code, or the IR's interpreter\n"
        "  tb-size=MiB             room for translated code (128)\n"
        "  one-insn-per-tb=on|off  translate each instruction alone\n"
        "  host-ext=on|off         use host instructions beyond x86-64-v3\n"
        "  stall-ms=N              report what stands still for N ms (0: off)\n"
        "  perfmap=on|off          write /tmp/perf-PID.map for perf\n");
}

bool tcg_repeats(void)
{
    return tcg_options.icount;
}

static bool parse_thread(KeyVal *opts, GError **errp)
{
    const char *value = keyval_get(opts, "thread",
                                   tcg_options.icount ? "single" : "multi");

    if (!strcmp(value, "single")) {
        tcg_options.single = true;
    } else if (strcmp(value, "multi")) {
        error_setg(errp,
                   "thread=%s is neither 'multi' nor 'single'",
                   value);
        return false;
    } else if (tcg_options.icount) {
        error_setg(errp, "-icount counts the instructions of all vCPUs in one "
                         "order: thread=multi has none");
        return false;
    }
    return true;
}

static bool parse_backend(const char *value, GError **errp)
{
    static const TcgBackend *const backends[] = {&tcg_backend_native,
                                                 &tcg_backend_interp};
    unsigned i;

    for (i = 0; i < ARRAY_LEN(backends); i++) {
        if (!strcmp(value, backends[i]->name)) {
            tcg_backend = backends[i];
            return true;
        }
    }
    error_setg(errp, "backend=%s is neither 'native' nor 'interp'",
               value);
    return false;
}

static bool parse_tb_size(KeyVal *opts, GError **errp)
{
    uint64_t mib;

    if (!keyval_get_uint(opts, "tb-size", TB_SIZE_DEFAULT / MiB, UINT32_MAX,
                         &mib, errp)) {
        return false;
    }
    tcg_options.tb_bytes = mib ? mib * MiB : TB_SIZE_DEFAULT;
    if (tcg_options.tb_bytes < TB_SIZE_MIN ||
        tcg_options.tb_bytes > TB_SIZE_MAX) {
        error_setg(errp,
                   "tb-size=%" PRIu64 " is not between %" PRIu64
                   " and %" PRIu64 " (MiB)",
                   mib, (uint64_t)(TB_SIZE_MIN / MiB),
                   (uint64_t)(TB_SIZE_MAX / MiB));
        return false;
    }
    return true;
}

static bool parse_host_ext(KeyVal *opts, GError **errp)
{
    bool on;

    if (!keyval_get_bool(opts, "host-ext", true, &on, errp)) {
        return false;
    }
    if (tcg_backend->be_plain) {
        tcg_backend->be_plain(!on);
    }
    return true;
}

bool tcg_accel_init(KeyVal *opts, unsigned cpus, GError **errp)
{
    uint64_t stall_ms;
    bool perfmap;

    tcg_options.cpus = cpus;
    x86_tcg_init();
    if (log_enabled(LOG_STATS)) {
        helper_count_calls();
        tcg_options.count_run = true;
    }
    if (!parse_thread(opts, errp) ||
        !parse_backend(keyval_get(opts, "backend", "native"), errp) ||
        !parse_host_ext(opts, errp) || !parse_tb_size(opts, errp) ||
        !keyval_get_bool(opts, "one-insn-per-tb", false,
                         &tcg_options.one_insn, errp) ||
        !keyval_get_uint(opts, "stall-ms", 0, INT32_MAX, &stall_ms, errp) ||
        !keyval_get_bool(opts, "perfmap", false, &perfmap, errp) ||
        !keyval_check_used(opts, errp) ||
        (perfmap && !perf_map_init(errp)) ||
        !region_init(tcg_options.tb_bytes, errp)) {
        return false;
    }
    tb_hash_init();
    memory_set_listener(&tcg_memory_listener);
    tcg_threads_init();
    if (stall_ms) {
        stall_watch_start(stall_ms);
    }
    return true;
}
