/* SPDX-License-Identifier: MIT */
/* The CPU models and the features by name: what models.c and features.c are to
 * cpu_option.c. */
#ifndef HEDDLE_TARGET_I386_MODELS_H
#define HEDDLE_TARGET_I386_MODELS_H

#include "target/i386/cpuid.h"

typedef struct X86Model {
    const char *name, *desc, *vendor;
    const char *id; /* the brand string; NULL: our own */
    unsigned family, model, stepping;
    uint32_t level, xlevel;
    /* Names of features, separated by spaces; NULL: all that are there. */
    const char *features;
} X86Model;

extern const X86Model x86_models[];
extern const unsigned x86_nmodels;

/* By name, or with a version ("EPYC-v1"); NULL: unknown. */
const X86Model *x86_model_find(const char *name);

/* The same but for '-', '_' and '.', which count as one? */
bool x86_cpu_same_name(const char *a, const char *b);
/* By name or alias ("sse3", "sse4_1", "lahf_lm"...); NULL: unknown. */
const X86FeatureInfo *x86_feature_find(const char *name);
/* "CPUID.07H:EBX.mpx [bit 14]" */
char *x86_feature_place(const X86FeatureInfo *info);
bool x86_feature_is_set(const X86Features *f, X86FeatureId id);
void x86_feature_put(X86Features *f, X86FeatureId id, bool on);
/* Clear what cannot be had without something that is not set, and set what
 * follows from the rest (amd, FW_IMPLIED).  Vendor and family are known. */
void x86_features_settle(X86Features *f);
/* Make the highest leaves high enough to show all features. */
void x86_features_raise_levels(X86Features *f);

#endif
