/* SPDX-License-Identifier: MIT */
/*
 * "key=value,key=value" option strings, as -device, -drive and friends take.
 * ",," in a value is one comma.  A key without "=" is "key=on", and "nokey" is
 * "key=off", but the first may be the value of an implied key.  A string that
 * starts with "{" is JSON.
 */
#ifndef HEDDLE_UTIL_KEYVAL_H
#define HEDDLE_UTIL_KEYVAL_H

#include "util/common.h"

typedef struct KeyVal KeyVal;

/* Parse @text; @implied is the first value's key or NULL. */
KeyVal *keyval_parse(const char *text, const char *implied, GError **errp);
KeyVal *keyval_new(void);
void keyval_free(KeyVal *kv);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyVal, keyval_free)

/* Set or replace one key. */
void keyval_set(KeyVal *kv, const char *key, const char *value);
bool keyval_has(const KeyVal *kv, const char *key);
/* The getters mark a key as used; @def when it is absent.  The string stays
 * @kv's.  Errors read "Parameter 'KEY' expects ...". */
const char *keyval_get(KeyVal *kv, const char *key, const char *def);
bool keyval_get_bool(KeyVal *kv, const char *key, bool def, bool *out,
                     GError **errp); /* on|off|yes|no|true|false */
bool keyval_get_uint(KeyVal *kv, const char *key, uint64_t def, uint64_t max,
                     uint64_t *out, GError **errp); /* 0x and 0 prefixes */
bool keyval_get_size(KeyVal *kv, const char *key, uint64_t def, uint64_t *out,
                     char unit, GError **errp); /* 512M; bare numbers in @unit */
/* Error "Invalid parameter 'KEY'" for the first key that no getter asked for. */
bool keyval_check_used(const KeyVal *kv, GError **errp);
/* That key, or NULL, for an error text of one's own. */
const char *keyval_first_unused(const KeyVal *kv);
/* Keys in order, for iteration: NULL after the last. */
const char *keyval_key(const KeyVal *kv, unsigned index);

/* "512", "1.5G", "0x100": bytes, in @unit ('B', 'K', 'M'...) when no suffix. */
bool parse_size(const char *text, char unit, uint64_t *out, GError **errp);
bool parse_uint(const char *text, uint64_t max, uint64_t *out, GError **errp);

/* As users write ids: a letter, then letters, digits, '-', '.', '_'. */
bool id_is_well_formed(const char *id);

#endif
