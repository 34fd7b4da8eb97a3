/* SPDX-License-Identifier: MIT */
/* Error classes of QMP, and one-line reports on stderr. */
#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>

G_DEFINE_QUARK(heddle-error, heddle_error)

const char *error_class_name(const GError *error)
{
    if (error->domain != HEDDLE_ERROR) {
        return "GenericError";
    }
    switch ((HeddleError)error->code) {
    case ERR_COMMAND_NOT_FOUND:
        return "CommandNotFound";
    case ERR_DEVICE_NOT_ACTIVE:
        return "DeviceNotActive";
    case ERR_DEVICE_NOT_FOUND:
        return "DeviceNotFound";
    case ERR_KVM_MISSING_CAP:
        return "KVMMissingCap";
    case ERR_GENERIC:
    case ERR_USAGE:
        break;
    }
    return "GenericError";
}

/* One fprintf() a line, so that the lines of two threads do not mix. */
static void report(const char *level, const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);

    fprintf(stderr, "heddle: %s%s\n", level, text);
}

void error_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("", fmt, ap);
    va_end(ap);
}

void warn_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("warning: ", fmt, ap);
    va_end(ap);
}
