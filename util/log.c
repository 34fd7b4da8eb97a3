/* SPDX-License-Identifier: MIT */
/*
 * The -d log: its items, its file and its address filter.
 * The file's buffer is full of whole lines only while the log is locked, or for
 * as long as LOG_BUFFERED is on.
 * Locks: log_lock (a leaf) guards the file.  The filter is replaced as a whole
 * and read under RCU, as translators ask for each block.
 */
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/rcu.h"
#include "util/thread.h"

uint32_t log_mask;

static Mutex log_mutex = {.lock = PTHREAD_MUTEX_INITIALIZER, .name = "log"};
static FILE *log_file; /* NULL: stderr; under log_mutex */
static char log_buffer[1 << 16]; /* its; likewise */

static const struct {
    const char *name;
    uint32_t mask;
    const char *help;
} log_items[] = {
    {"in_asm", LOG_IN_ASM, "guest instructions of each new block"},
    {"op", LOG_OP, "intermediate code of each new block as emitted"},
    {"op_opt", LOG_OP_OPT, "intermediate code after the passes over it"},
    {"out_asm", LOG_OUT_ASM, "host instructions of each new block"},
    {"int", LOG_INT, "interrupts and exceptions, in short form"},
    {"exec", LOG_EXEC, "one line for each block that is entered"},
    {"cpu", LOG_CPU, "registers before each block that is entered"},
    {"mmu", LOG_MMU, "page walks and TLB fills"},
    {"guest_errors", LOG_GUEST_ERRORS, "what a guest should not do"},
    {"unimp", LOG_UNIMP, "features that the guest used and that are missing"},
    {"cpu_reset", LOG_CPU_RESET, "state of each CPU before a reset"},
    {"nochain", LOG_NOCHAIN, "do not link blocks, so that exec sees them all"},
    {"buffered", LOG_BUFFERED, "hand the log on in larger pieces: faster"},
    {"stats", LOG_STATS, "statistics of the translator at exit"},
    {"lock", LOG_LOCK, "waits for locks: which, where, who, how long"},
};

FILE *log_lock(void)
{
    mutex_lock(&log_mutex);
    return log_file ? log_file : stderr;
}

/* Lines must be out before something crashes, unless speed matters more. */
void log_unlock(void)
{
    if (log_file && !log_enabled(LOG_BUFFERED)) {
        fflush(log_file);
    }
    mutex_unlock(&log_mutex);
}

void log_write(const char *fmt, ...)
{
    bool group = mutex_held(&log_mutex); /* inside log_lock() */
    va_list ap;

    if (!group) {
        mutex_lock(&log_mutex);
    }
    va_start(ap, fmt);
    vfprintf(log_file ? log_file : stderr, fmt, ap);
    va_end(ap);
    if (!group) {
        log_unlock();
    }
}

void log_write_line(const char *line, size_t len)
{
    FILE *out = log_lock();

    fwrite(line, 1, len, out);
    log_unlock();
}

/*
 * --- items ---
 * log_items[] is the one list: parser and help walk it.
 */

static uint32_t log_item_mask(const char *name)
{
    uint32_t all = 0;

    for (unsigned i = 0; i < ARRAY_LEN(log_items); i++) {
        if (strcmp(log_items[i].name, name) == 0) {
            return log_items[i].mask;
        }
        all |= log_items[i].mask;
    }
    return strcmp(name, "all") == 0 ? all & ~LOG_MODES : 0;
}

bool log_parse_mask(const char *items, uint32_t *mask, GError **errp)
{
    g_auto(GStrv) names = g_strsplit(items, ",", -1);
    uint32_t result = 0;

    for (char **name = names; *name; name++) {
        uint32_t item = log_item_mask(*name);

        if (!item && strcmp(*name, "none") != 0) {
            error_setg(errp, "unknown log item '%s', see '-d help'", *name);
            return false;
        }
        result |= item;
    }
    *mask = result;
    return true;
}

void log_set_mask(uint32_t mask)
{
    __atomic_store_n(&log_mask, mask, __ATOMIC_RELAXED);
    log_lock();
    log_unlock(); /* what was buffered goes out if the rest will not be */
}

char *log_help(void)
{
    GString *text = g_string_new("Log items (comma separated):\n");

    g_string_append_printf(text, "%-15s %s\n", "all",
                           "all but nochain and buffered");
    g_string_append_printf(text, "%-15s %s\n", "none", "nothing");
    for (unsigned i = 0; i < ARRAY_LEN(log_items); i++) {
        g_string_append_printf(text, "%-15s %s\n", log_items[i].name,
                               log_items[i].help);
    }
    return g_string_free(text, FALSE);
}

/* --- file --- */

/* @path with its one "%d" replaced by the process id; NULL if it has another
 * directive. */
static char *log_expand_path(const char *path, GError **errp)
{
    const char *percent = strchr(path, '%');

    if (!percent) {
        return g_strdup(path);
    }
    if (percent[1] != 'd' || strchr(percent + 1, '%')) {
        error_setg(errp, "Bad logfile template: %s", path);
        return NULL;
    }
    return g_strdup_printf("%.*s%d%s", (int)(percent - path), path,
                           (int)getpid(), percent + 2);
}

bool log_set_file(const char *path, GError **errp)
{
    g_autofree char *name = NULL;
    FILE *file = NULL;

    if (path) {
        name = log_expand_path(path, errp);
        if (!name) {
            return false;
        }
        file = fopen(name, "we");
        if (!file) {
            error_setg(errp, "cannot open log file '%s': %s", name,
                       g_strerror(errno));
            return false;
        }
    }
    /* Whoever writes holds the lock: nobody uses the old one after this. */
    mutex_lock(&log_mutex);
    if (log_file) {
        fclose(log_file);
    }
    if (file) {
        setvbuf(file, log_buffer, _IOFBF, sizeof(log_buffer));
    }
    log_file = file;
    mutex_unlock(&log_mutex);
    return true;
}

/*
 * --- address filter ---
 * Numbers are hexadecimal, with or without 0x, as addresses are in the log.
 */

typedef struct LogRange {
    vaddr first, last;
} LogRange;

typedef struct LogFilter {
    struct rcu_head rcu;
    unsigned n;
    LogRange range[];
} LogFilter;

static LogFilter *log_filter; /* RCU; NULL: everything */

static bool parse_hex(const char *text, vaddr *value)
{
    char *end;

    if (!g_ascii_isxdigit(*text)) {
        return false;
    }
    errno = 0;
    *value = g_ascii_strtoull(text, &end, 16);
    return !errno && !*end;
}

/* One START..END, START+LEN or START-LEN. */
static bool parse_range(const char *text, LogRange *out, GError **errp)
{
    const char *op = strpbrk(text, ".+-");
    g_autofree char *left = op ? g_strndup(text, (gsize)(op - text)) : NULL;
    bool span = op && op[0] == '.' && op[1] == '.';
    vaddr start, arg;

    if (!op || (*op == '.' && !span) || !parse_hex(left, &start) ||
        !parse_hex(op + (span ? 2 : 1), &arg) || (!span && arg == 0)) {
        error_setg(errp, "Bad range specifier '%s'", text);
        return false;
    }
    if (span) {
        *out = (LogRange){start, arg};
    } else if (*op == '+') {
        *out = (LogRange){start, start + (arg - 1)};
    } else {
        *out = (LogRange){start - (arg - 1), start};
    }
    if (out->first > out->last) {
        error_setg(errp, "Invalid range '%s': it ends before it starts", text);
        return false;
    }
    return true;
}

static void log_filter_free(struct rcu_head *head)
{
    g_free(container_of(head, LogFilter, rcu));
}

bool log_set_filter(const char *ranges, GError **errp)
{
    g_auto(GStrv) texts = g_strsplit(ranges, ",", -1);
    unsigned n = g_strv_length(texts);
    LogFilter *filter = NULL;
    LogFilter *old;

    if (n) {
        filter = g_malloc0(sizeof(*filter) + n * sizeof(filter->range[0]));
        filter->n = n;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!parse_range(texts[i], &filter->range[i], errp)) {
            g_free(filter);
            return false;
        }
    }
    old = rcu_xchg_pointer(&log_filter, filter);
    if (old) {
        rcu_call(&old->rcu, log_filter_free);
    }
    return true;
}

bool log_in_filter(vaddr addr)
{
    RCU_READ_GUARD();
    const LogFilter *filter = rcu_dereference(log_filter);

    if (!filter) {
        return true;
    }
    for (unsigned i = 0; i < filter->n; i++) {
        if (addr >= filter->range[i].first && addr <= filter->range[i].last) {
            return true;
        }
    }
    return false;
}
