/* SPDX-License-Identifier: MIT */
/*
 * What paging allows, as the SDM words it: a model that the kernels hold the
 * processor against.
 * Source: SDM vol. 3A, 4.6 "Access Rights", 4.7 "Page-Fault Exceptions".
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "guest.h"

/* Bits of a paging-structure entry. */
#define PT_P  1ull
#define PT_W  2ull
#define PT_U  4ull
#define PT_A  0x20ull
#define PT_D  0x40ull
#define PT_PS 0x80ull
#define PT_NX (1ull << 63)

/* Bits of an error code. */
#define PF_P    1
#define PF_W    2
#define PF_U    4
#define PF_RSVD 8
#define PF_I    0x10
#define PF_PK   0x20

typedef struct RightsMode {
    unsigned levels; /* 2: 32-bit paging, 3: PAE, 4, 5 */
    bool wp, smep, smap, nxe;
    bool pke, ad, wd; /* CR4.PKE, and what PKRU says of the page's key */
    bool ac;          /* EFLAGS.AC */
} RightsMode;

/* IMPLICIT: a system structure, whatever the CPL. */
typedef enum RightsKind { USER, SUPERVISOR, IMPLICIT } RightsKind;
typedef enum RightsAccess { READ, WRITE, FETCH } RightsAccess;

/*
 * The error code of an access through the @n entries, top one first, that have
 * rights (PAE's PDPTEs have none); -1 if it is allowed.
 */
int rights_error(const RightsMode *m, const uint64_t *entry, unsigned n,
                 RightsKind kind, RightsAccess access);

/* Are the accessed and dirty bits of @now, which was @before, right? */
bool rights_bits(const uint64_t *before, const uint64_t *now, unsigned n,
                 bool allowed, RightsAccess access);

#endif
