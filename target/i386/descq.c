/* SPDX-License-Identifier: MIT */
/*
 * Questions about descriptors that answer in ZF and never fault on them: LAR,
 * LSL, VERR, VERW.
 * Source: SDM vol. 2A, "LAR", "LSL"; vol. 2B, "VERR/VERW".
 */
#include "target/i386/helpers.h"
#include "target/i386/seg.h"
#include "tcg/ir.h"

#define TYPE(n) (1u << (n))

/* System types that each instruction accepts, outside and in long mode. */
#define LAR_TYPES_LEGACY \
    (TYPE(SYS_TSS16) | TYPE(SYS_LDT) | TYPE(SYS_TSS16_BUSY) | \
     TYPE(SYS_CALL16) | TYPE(SYS_TASK_GATE) | TYPE(SYS_TSS32) | \
     TYPE(SYS_TSS32_BUSY) | TYPE(SYS_CALL32))
#define LAR_TYPES_LONG \
    (TYPE(SYS_LDT) | TYPE(SYS_TSS32) | TYPE(SYS_TSS32_BUSY) | \
     TYPE(SYS_CALL32))
#define LSL_TYPES_LEGACY \
    (TYPE(SYS_TSS16) | TYPE(SYS_LDT) | TYPE(SYS_TSS16_BUSY) | \
     TYPE(SYS_TSS32) | TYPE(SYS_TSS32_BUSY))
#define LSL_TYPES_LONG \
    (TYPE(SYS_LDT) | TYPE(SYS_TSS32) | TYPE(SYS_TSS32_BUSY))

static void set_zf(X86CPU *cpu, bool on)
{
    cpu->cc = on ? cpu->cc | CC_BIT_Z : cpu->cc & ~CC_BIT_Z;
}

/* May code at this CPL, with the selector's RPL, see the segment at all? */
static bool is_visible(X86CPU *cpu, uint16_t sel, uint32_t attr)
{
    if (desc_is_code(attr) && desc_is_conforming(attr)) {
        return true;
    }
    return desc_dpl(attr) >= MAX(x86_cpl(cpu), sel & SEL_RPL);
}

/* Read @sel's descriptor if it is one of @system_types, or code or data. */
static bool query(X86CPU *cpu, uint16_t sel, uint32_t system_types, Desc *d)
{
    if (sel_is_null(sel) || !desc_read(cpu, sel, d)) {
        return false;
    }
    if (!(d->hi & DESC_S) && !(system_types >> desc_type(d->hi) & 1)) {
        return false;
    }
    return is_visible(cpu, sel, d->hi);
}

uint64_t helper_lar(X86CPU *cpu, uint64_t sel, uint64_t old)
{
    uint32_t types = x86_is_long(cpu) ? LAR_TYPES_LONG : LAR_TYPES_LEGACY;
    Desc d;
    bool ok = query(cpu, sel, types, &d);

    set_zf(cpu, ok);
    return ok ? d.hi & 0x00ffff00 : old;
}

uint64_t helper_lsl(X86CPU *cpu, uint64_t sel, uint64_t old)
{
    uint32_t types = x86_is_long(cpu) ? LSL_TYPES_LONG : LSL_TYPES_LEGACY;
    Desc d;
    bool ok = query(cpu, sel, types, &d);

    set_zf(cpu, ok);
    return ok ? desc_limit(d) : old;
}

void helper_verr(X86CPU *cpu, uint64_t sel)
{
    Desc d;

    set_zf(cpu, query(cpu, sel, 0, &d) && desc_is_readable(d.hi));
}

void helper_verw(X86CPU *cpu, uint64_t sel)
{
    Desc d;

    set_zf(cpu, query(cpu, sel, 0, &d) && desc_is_writable(d.hi));
}
