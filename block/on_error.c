/* SPDX-License-Identifier: MIT */
/* What is done about requests that the host fails: rerror= and werror=. */
#include <errno.h>
#include <string.h>

#include "block/internal.h"
#include "util/error.h"

static BlockErrorHandler *handler;

void block_set_error_handler(BlockErrorHandler *fn)
{
    handler = fn;
}

const char *block_error_action_name(BlockErrorAction action)
{
    static const char *const names[] = {
        [BLOCK_ERROR_REPORT] = "report",
        [BLOCK_ERROR_IGNORE] = "ignore",
        [BLOCK_ERROR_STOP] = "stop",
    };

    return names[action];
}

BlockErrorAction on_error_action(BlockOnError policy, int error)
{
    switch (policy) {
    case BLOCK_ON_ERROR_IGNORE:
        return BLOCK_ERROR_IGNORE;
    case BLOCK_ON_ERROR_STOP:
        return BLOCK_ERROR_STOP;
    case BLOCK_ON_ERROR_ENOSPC:
        return error == ENOSPC ? BLOCK_ERROR_STOP : BLOCK_ERROR_REPORT;
    default:
        return BLOCK_ERROR_REPORT;
    }
}

BlockErrorAction on_error(const BlockBackend *blk, bool write, int error)
{
    BlockOnError device = write ? blk->device_werror : blk->device_rerror;
    BlockOnError drive = write ? blk->werror : blk->rerror;
    BlockError e = {
        .blk = blk,
        .write = write,
        .action = on_error_action(
            device == BLOCK_ON_ERROR_AUTO ? drive : device, error),
        .error = error,
    };

    if (handler) {
        handler(&e);
    }
    return e.action;
}

static bool on_error_find(const char *name, BlockOnError *out)
{
    static const char *const names[] = {
        [BLOCK_ON_ERROR_AUTO] = "auto",     [BLOCK_ON_ERROR_REPORT] = "report",
        [BLOCK_ON_ERROR_IGNORE] = "ignore", [BLOCK_ON_ERROR_STOP] = "stop",
        [BLOCK_ON_ERROR_ENOSPC] = "enospc",
    };

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool device_on_error(const char *key, const char *name,
                            BlockOnError *out, GError **errp)
{
    if (!on_error_find(name, out)) {
        error_setg(errp, "Parameter '%s' does not accept value '%s'", key,
                   name);
        return false;
    }
    return true;
}

bool block_set_on_error(BlockBackend *blk, const char *rerror,
                        const char *werror, GError **errp)
{
    return device_on_error("rerror", rerror, &blk->device_rerror, errp) &&
           device_on_error("werror", werror, &blk->device_werror, errp);
}

bool on_error_parse(KeyVal *kv, const char *key, BlockOnError def,
                    BlockOnError *out, GError **errp)
{
    const char *text = keyval_get(kv, key, NULL);
    BlockOnError found;

    *out = def;
    if (!text) {
        return true;
    }
    if (on_error_find(text, &found) && found != BLOCK_ON_ERROR_AUTO &&
        (found != BLOCK_ON_ERROR_ENOSPC || def == BLOCK_ON_ERROR_ENOSPC)) {
        *out = found;
        return true;
    }
    error_setg(errp, "'%s' invalid %s error action", text,
               def == BLOCK_ON_ERROR_ENOSPC ? "write" : "read");
    return false;
}
