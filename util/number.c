/* SPDX-License-Identifier: MIT */
/* Numbers and sizes as users write them; no sign, no white space. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/keyval.h"

/* More digits of a fraction would not change the bytes of any size. */
#define MAX_FRACTION_DIGITS 18

bool parse_uint(const char *text, uint64_t max, uint64_t *out, GError **errp)
{
    char *end;
    uint64_t value;

    errno = 0;
    value = isdigit((unsigned char)*text) ? strtoull(text, &end, 0) : 0;
    if (!isdigit((unsigned char)*text) || *end || errno == EINVAL) {
        error_setg(errp, "'%s' is not a number", text);
        return false;
    }
    if (errno == ERANGE || value > max) {
        error_setg(errp, "'%s' is above the limit of %" PRIu64, text, max);
        return false;
    }
    *out = value;
    return true;
}

/* Power of two that a suffix stands for, -1 if it is none. */
static int suffix_shift(char suffix)
{
    static const char suffixes[] = "BKMGTPE";
    const char *at = strchr(suffixes, toupper((unsigned char)suffix));

    return suffix && at ? 10 * (int)(at - suffixes) : -1;
}

/* The digits after a decimal point, as @value / @scale; returns their end. */
static const char *parse_fraction(const char *text, uint64_t *value,
                                  uint64_t *scale)
{
    *value = 0;
    *scale = 1;
    for (int n = 0; isdigit((unsigned char)*text); text++, n++) {
        if (n < MAX_FRACTION_DIGITS) {
            *value = *value * 10 + (uint64_t)(*text - '0');
            *scale *= 10;
        }
    }
    return text;
}

/* As parse_size(), without the error's text. */
static bool scan_size(const char *text, char unit, uint64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    uint64_t whole, fraction = 0, scale = 1;
    unsigned __int128 bytes;
    int shift = suffix_shift(unit);
    char *end;

    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    errno = 0;
    whole = strtoull(text, &end, hex ? 16 : 10);
    if (errno == ERANGE) {
        return false;
    }
    if (*end == '.' && !hex) {
        end = (char *)parse_fraction(end + 1, &fraction, &scale);
    }
    if (*end) {
        shift = suffix_shift(*end++);
    }
    if (*end || shift < 0 || (fraction && shift == 0)) {
        return false; /* a part of a byte is none */
    }
    bytes = ((unsigned __int128)whole << shift) +
            ((unsigned __int128)fraction << shift) / scale;
    *out = (uint64_t)bytes;
    return bytes <= UINT64_MAX;
}

bool parse_size(const char *text, char unit, uint64_t *out, GError **errp)
{
    uint64_t value;

    if (!scan_size(text, unit, &value)) {
        error_setg(errp, "'%s' is not a size below 2^64", text);
        return false;
    }
    *out = value;
    return true;
}
