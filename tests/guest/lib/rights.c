/* SPDX-License-Identifier: MIT */
/* The model of rights.h. */
#include "rights.h"

/* What all entries together say of the page. */
typedef struct Page {
    bool user, writable, nx;
} Page;

/* 4.7: W/R, U/S and I/D tell of the access, not of the entries. */
static int error_of_access(const RightsMode *m, RightsKind kind,
                           RightsAccess access)
{
    int error = 0;

    if (access == WRITE) {
        error |= PF_W;
    }
    if (kind == USER) {
        error |= PF_U;
    }
    if (access == FETCH && (m->smep || (m->levels > 2 && m->nxe))) {
        error |= PF_I;
    }
    return error;
}

/* 4.6.1 "Determination of Access Rights" */
static bool fetch_allowed(const RightsMode *m, const Page *p, RightsKind kind)
{
    if (kind == USER) {
        return p->user && !p->nx;
    }
    return !p->nx && !(p->user && m->smep);
}

static bool read_allowed(const RightsMode *m, const Page *p, RightsKind kind)
{
    if (kind == USER) {
        return p->user;
    }
    if (!p->user || !m->smap) {
        return true;
    }
    return kind == SUPERVISOR && m->ac;
}

static bool write_allowed(const RightsMode *m, const Page *p, RightsKind kind)
{
    bool supervisor_may = kind != USER && !m->wp;

    return read_allowed(m, p, kind) && (p->writable || supervisor_may);
}

/* 4.6.2 "Protection Keys": data of user-mode pages, in 4- and 5-level paging.
 */
static bool key_denies(const RightsMode *m, const Page *p, RightsKind kind,
                       RightsAccess access)
{
    if (!m->pke || m->levels < 4 || !p->user || access == FETCH) {
        return false;
    }
    return m->ad || (m->wd && access == WRITE && (kind == USER || m->wp));
}

static bool allowed(const RightsMode *m, const Page *p, RightsKind kind,
                    RightsAccess access)
{
    switch (access) {
    case READ:
        return read_allowed(m, p, kind);
    case WRITE:
        return write_allowed(m, p, kind);
    default:
        return fetch_allowed(m, p, kind);
    }
}

int rights_error(const RightsMode *m, const uint64_t *entry, unsigned n,
                 RightsKind kind, RightsAccess access)
{
    int error = error_of_access(m, kind, access);
    Page p = {true, true, false};
    bool key;

    for (unsigned i = 0; i < n; i++) {
        if (!(entry[i] & PT_P)) {
            return error;
        }
        if ((entry[i] & PT_NX) && !m->nxe) {
            return error | PF_P | PF_RSVD;
        }
        p.user &= !!(entry[i] & PT_U);
        p.writable &= !!(entry[i] & PT_W);
        p.nx |= !!(entry[i] & PT_NX);
    }
    key = key_denies(m, &p, kind, access);
    if (!key && allowed(m, &p, kind, access)) {
        return -1;
    }
    return error | PF_P | (key ? PF_PK : 0);
}

/*
 * 4.8 "Accessed and Dirty Flags": what an access uses is marked.  One that
 * faults may have marked what it came through, as processors do or do not.
 */
bool rights_bits(const uint64_t *before, const uint64_t *now, unsigned n,
                 bool allowed, RightsAccess access)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t set = now[i] & ~before[i], lost = before[i] & ~now[i];
        uint64_t want = PT_A;

        if (access == WRITE && i == n - 1) {
            want |= PT_D;
        }
        if (lost || (allowed ? set != want
                             : set && (set != PT_A || !(now[i] & PT_P)))) {
            return false;
        }
    }
    return true;
}
