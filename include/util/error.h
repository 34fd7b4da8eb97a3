/* SPDX-License-Identifier: MIT */
/*
 * User and host errors travel as GError **.  A message says what was being
 * done, to which option or file, and what to do; it has no final full stop
 * and no newline.  The codes are the error classes that QMP clients match on.
 */
#ifndef HEDDLE_UTIL_ERROR_H
#define HEDDLE_UTIL_ERROR_H

#include "util/common.h"

typedef enum HeddleError {
    ERR_GENERIC,           /* "GenericError" */
    ERR_COMMAND_NOT_FOUND, /* "CommandNotFound" */
    ERR_DEVICE_NOT_ACTIVE, /* "DeviceNotActive" */
    ERR_DEVICE_NOT_FOUND,  /* "DeviceNotFound" */
    ERR_KVM_MISSING_CAP,   /* "KVMMissingCap" */
    ERR_USAGE,             /* GenericError; the launcher exits 2, not 1 */
} HeddleError;

#define HEDDLE_ERROR heddle_error_quark()
GQuark heddle_error_quark(void);

/* Name of QMP's error class for @error; any domain. */
const char *error_class_name(const GError *error);

#define error_setg(errp, ...) \
    g_set_error(errp, HEDDLE_ERROR, ERR_GENERIC, __VA_ARGS__)

/* One line on stderr, "heddle: " before it; any thread. */
void error_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
void warn_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

#endif
