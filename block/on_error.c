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
    BlockError e = {
        .blk = blk,
        .write = write,
        .action = on_error_action(write ? blk->werror : blk->rerror, error),
        .error = error,
    };

    if (handler) {
        handler(&e);
    }
    return e.action;
}

bool on_error_parse(KeyVal *kv, const char *key, BlockOnError def,
                    BlockOnError *out, GError **errp)
{
    static const char *const names[] = {
        [BLOCK_ON_ERROR_REPORT] = "report",
        [BLOCK_ON_ERROR_IGNORE] = "ignore",
        [BLOCK_ON_ERROR_STOP] = "stop",
        [BLOCK_ON_ERROR_ENOSPC] = "enospc",
    };
    const char *text = keyval_get(kv, key, NULL);

    *out = def;
    if (!text) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0 &&
            (i != BLOCK_ON_ERROR_ENOSPC || def == BLOCK_ON_ERROR_ENOSPC)) {
            *out = i;
            return true;
        }
    }
    error_setg(errp, "'%s' invalid %s error action", text,
               def == BLOCK_ON_ERROR_ENOSPC ? "write" : "read");
    return false;
}
