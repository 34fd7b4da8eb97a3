/* SPDX-License-Identifier: MIT */
/* What is being put together by -cpu: between cpu_option.c and cpu_props.c. */
#ifndef HEDDLE_TARGET_I386_CPU_OPTION_H
#define HEDDLE_TARGET_I386_CPU_OPTION_H

#include "target/i386/models.h"

typedef struct CpuOption {
    const X86Model *model;
    X86Features *f;
    GHashTable *given; /* values by their keys' proper names */
    bool check;        /* warn of what is left out of the model */
    bool enforce;      /* and fail */
    bool migratable;   /* leave out what another host may have otherwise */
    bool auto_level;   /* the highest leaves follow the features */
} CpuOption;

/* "on", "off" and their like; the error names @key. */
bool cpu_parse_switch(const char *key, const char *value, bool *on,
                      GError **errp);
/* The key under which @value is noted in CpuOption.given; a second value that
 * differs is an error. */
bool cpu_note_given(CpuOption *o, const char *key, const char *value,
                    GError **errp);
/* Set the property @key, which is no feature. */
bool cpu_set_property(CpuOption *o, const char *key, const char *value,
                      GError **errp);

#endif
