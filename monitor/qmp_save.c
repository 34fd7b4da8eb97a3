/* SPDX-License-Identifier: MIT */
/* memsave and pmemsave: stretches of memory as they are, in files. */
#include <unistd.h>

#include "exec/memory.h"
#include "monitor/command.h"
#include "monitor/fds.h"

#define SAVE_CHUNK_BYTES (64 * KiB)

typedef struct Save {
    CPUState *cpu; /* whose virtual addresses; NULL: physical ones */
    uint64_t addr, left;
    int fd;
} Save;

/* Physical addresses without memory read as the bus has them. */
static bool save_chunk(Save *s, uint8_t *buf, GError **errp)
{
    size_t len = MIN(s->left, SAVE_CHUNK_BYTES);

    if (!s->cpu) {
        address_space_read(&address_space_memory, s->addr, buf, len);
    } else if (!monitor_read_virtual(s->cpu, s->addr, buf, len)) {
        error_setg(errp,
                   "Invalid addr 0x%016" PRIx64 "/size %" PRIu64 " specified",
                   s->addr, s->left);
        return false;
    }
    s->addr += len;
    s->left -= len;
    return monitor_write_file(s->fd, buf, len, errp);
}

static void save(Save *s, json_object *args, GError **errp)
{
    g_autofree uint8_t *buf = g_malloc(SAVE_CHUNK_BYTES);

    s->addr = (uint64_t)arg_int(args, "val", 0);
    s->left = (uint64_t)arg_int(args, "size", 0);
    s->fd = monitor_create_file(arg_str(args, "filename", ""), errp);
    if (s->fd < 0) {
        return;
    }
    while (s->left > 0 && save_chunk(s, buf, errp)) {
    }
    close(s->fd);
}

/* A size that no machine has would fill the disk while everyone waits. */
static bool save_check(json_object *args, GError **errp)
{
    int64_t size = arg_int(args, "size", 0);

    if (size < 0 || size > (int64_t)(64 * GiB)) {
        error_setg(errp, "Parameter 'size' expects 0 to 64 GiB");
        return false;
    }
    return true;
}

json_object *cmd_memsave(MonCall *call, json_object *args, GError **errp)
{
    int64_t index =
        arg_int(args, "cpu-index", call->cpu_index ? *call->cpu_index : 0);
    Save s = { 0 };

    if (!save_check(args, errp)) {
        return NULL;
    }
    if (index >= 0 && index <= INT_MAX) {
        s.cpu = cpu_get((unsigned)index);
    }
    if (!s.cpu) {
        error_setg(errp, "Parameter 'cpu-index' expects a CPU number");
        return NULL;
    }
    save(&s, args, errp);
    return NULL;
}

json_object *cmd_pmemsave(MonCall *call, json_object *args, GError **errp)
{
    Save s = { 0 };

    if (save_check(args, errp)) {
        save(&s, args, errp);
    }
    return NULL;
}
