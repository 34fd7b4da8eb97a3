/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's registers, by MMIO (xAPIC) and by MSR (x2APIC).
 *
 * Source: SDM vol. 3A, table 11-1 "Local APIC Register Address Map", 11.12
 * "Extended XAPIC (x2APIC)", table 11-6 "Local APIC Register Address Map
 * Supported by x2APIC".
 * Locks: the APIC's, taken here; what a write sends to others is sent after it
 * is dropped.
 */
#include "hw/intc/apic_internal.h"

#define APIC_VERSION    0x50014 /* version 14h; highest LVT entry is 5 */
#define APIC_DFR_MODEL  0xf0000000
#define APIC_SVR_WRITE  0x3ff
#define APIC_ICR_WRITE  0x000ccfff /* low half; bit 12 is the bus's status */
#define APIC_ICR_DEST_8 0xff000000
#define APIC_LDR_WRITE  0xff000000

#define APIC_LVT_DEADLINE BIT(18) /* timer mode; reserved without the feature */

/* What a guest may write in each LVT entry. */
static uint32_t lvt_write_mask(const ApicState *s, unsigned lvt)
{
    static const uint32_t mask[APIC_LVTS] = {
        [APIC_LVT_TIMER] = 0x700ff,   [APIC_LVT_THERMAL] = 0x107ff,
        [APIC_LVT_PERF] = 0x107ff,    [APIC_LVT_LINT0] = 0x1a7ff,
        [APIC_LVT_LINT1] = 0x1a7ff,   [APIC_LVT_ERROR] = 0x100ff,
    };

    return lvt == APIC_LVT_TIMER && !s->has_deadline
               ? mask[lvt] & ~APIC_LVT_DEADLINE
               : mask[lvt];
}

/* What is to be done once the lock is dropped. */
typedef struct ApicAfter {
    bool send_ipi, tell_eoi;
    uint8_t eoi_vector;
} ApicAfter;

static void apic_do_after(ApicState *s, const ApicAfter *after, uint64_t icr)
{
    if (after->tell_eoi) {
        apic_tell_eoi(after->eoi_vector);
    }
    if (after->send_ipi) {
        apic_send_ipi(s, icr, apic_is_x2(s));
    }
}

/* --- common to both --- */

/* 11.12.10.2: cluster and member follow from the identifier. */
static uint32_t apic_ldr_locked(const ApicState *s)
{
    return apic_is_x2(s) ? (s->id >> 4) << 16 | BIT(s->id & 15) : s->ldr;
}

/* ISR, TMR and IRR: eight registers each. */
static bool apic_read_bitmap(const ApicState *s, unsigned reg, uint32_t *value)
{
    switch (reg & ~7u) {
    case APIC_REG_ISR:
        *value = s->isr[reg & 7];
        return true;
    case APIC_REG_TMR:
        *value = s->tmr[reg & 7];
        return true;
    case APIC_REG_IRR:
        *value = s->irr[reg & 7];
        return true;
    default:
        return false;
    }
}

/* False if there is no such register to read. */
static bool apic_read_locked(const ApicState *s, unsigned reg, uint32_t *value)
{
    *value = 0;
    if (reg >= APIC_REG_LVT && reg < APIC_REG_LVT + APIC_LVTS) {
        *value = s->lvt[reg - APIC_REG_LVT];
        return true;
    }
    switch (reg) {
    case APIC_REG_ID:
        *value = apic_is_x2(s) ? s->id : s->id << 24;
        return true;
    case APIC_REG_VERSION:
        *value = APIC_VERSION;
        return true;
    case APIC_REG_TPR:
        *value = s->tpr;
        return true;
    case APIC_REG_PPR:
        *value = apic_ppr_locked(s);
        return true;
    case APIC_REG_LDR:
        *value = apic_ldr_locked(s);
        return true;
    case APIC_REG_SVR:
        *value = s->svr;
        return true;
    case APIC_REG_ESR:
        *value = s->esr;
        return true;
    case APIC_REG_ICR:
        *value = s->icr;
        return true;
    case APIC_REG_INITIAL:
        *value = s->initial;
        return true;
    case APIC_REG_CURRENT:
        *value = apic_timer_current_locked(s);
        return true;
    case APIC_REG_DIVIDE:
        *value = s->divide;
        return true;
    default:
        return apic_read_bitmap(s, reg, value);
    }
}

static void apic_write_lvt_locked(ApicState *s, unsigned lvt, uint32_t value)
{
    value &= lvt_write_mask(s, lvt);
    if (!(s->svr & APIC_SVR_ENABLE)) {
        value |= APIC_LVT_MASKED; /* 11.4.7.2: the mask bits stay set */
    }
    if (lvt == APIC_LVT_TIMER) {
        apic_timer_set_lvt_locked(s, value);
    } else {
        s->lvt[lvt] = value;
        apic_update_locked(s);
    }
}

static void apic_write_svr_locked(ApicState *s, uint32_t value)
{
    s->svr = value & APIC_SVR_WRITE;
    if (!(s->svr & APIC_SVR_ENABLE)) {
        for (unsigned i = 0; i < APIC_LVTS; i++) {
            s->lvt[i] |= APIC_LVT_MASKED;
        }
        apic_timer_arm_locked(s);
    }
    apic_update_locked(s);
}

/* Registers that both interfaces write alike; false if @reg is none. */
static bool apic_write_locked(ApicState *s, unsigned reg, uint32_t value,
                              ApicAfter *after)
{
    if (reg >= APIC_REG_LVT && reg < APIC_REG_LVT + APIC_LVTS) {
        apic_write_lvt_locked(s, reg - APIC_REG_LVT, value);
        return true;
    }
    switch (reg) {
    case APIC_REG_TPR:
        apic_set_tpr_locked(s, value);
        return true;
    case APIC_REG_EOI:
        after->tell_eoi = apic_eoi_locked(s, &after->eoi_vector);
        return true;
    case APIC_REG_SVR:
        apic_write_svr_locked(s, value);
        return true;
    case APIC_REG_ESR:
        s->esr = s->errors; /* whatever is written: shows what came since */
        s->errors = 0;
        return true;
    case APIC_REG_INITIAL:
        apic_timer_set_initial_locked(s, value);
        return true;
    case APIC_REG_DIVIDE:
        apic_timer_set_divide_locked(s, value);
        return true;
    default:
        return false;
    }
}

/* --- MMIO --- */

uint32_t apic_mmio_read_reg(ApicState *s, unsigned reg)
{
    uint32_t value = 0;

    mutex_lock(&s->lock);
    if (!apic_enabled(s) || apic_is_x2(s)) {
        value = 0xffffffff; /* nothing answers on the bus */
    } else if (reg == APIC_REG_DFR) {
        value = s->dfr;
    } else if (reg == APIC_REG_ICR_HIGH) {
        value = s->icr >> 32;
    } else if (reg == APIC_REG_APR) {
        value = apic_ppr_locked(s);
    } else if (!apic_read_locked(s, reg, &value)) {
        apic_error_locked(s, APIC_ESR_REGISTER);
    }
    mutex_unlock(&s->lock);
    return value;
}

/* Registers that x2APIC mode lacks or has otherwise, then the rest. */
static void apic_mmio_write_locked(ApicState *s, unsigned reg, uint32_t value,
                                   ApicAfter *after)
{
    switch (reg) {
    case APIC_REG_ID:
        break; /* read only in current processors */
    case APIC_REG_LDR:
        s->ldr = value & APIC_LDR_WRITE;
        break;
    case APIC_REG_DFR:
        s->dfr = (value & APIC_DFR_MODEL) | ~APIC_DFR_MODEL;
        break;
    case APIC_REG_ICR:
        s->icr = deposit64(s->icr, 0, 32, value & APIC_ICR_WRITE);
        after->send_ipi = true;
        break;
    case APIC_REG_ICR_HIGH:
        s->icr = deposit64(s->icr, 32, 32, value & APIC_ICR_DEST_8);
        break;
    default:
        if (!apic_write_locked(s, reg, value, after)) {
            apic_error_locked(s, APIC_ESR_REGISTER);
        }
        break;
    }
}

void apic_mmio_write_reg(ApicState *s, unsigned reg, uint32_t value)
{
    ApicAfter after = {0};
    uint64_t icr;

    mutex_lock(&s->lock);
    if (apic_enabled(s) && !apic_is_x2(s)) {
        apic_mmio_write_locked(s, reg, value, &after);
    }
    icr = s->icr;
    mutex_unlock(&s->lock);
    apic_do_after(s, &after, icr);
}

/* --- MSR --- */

bool apic_read_msr(void *apic, unsigned index, uint64_t *value)
{
    ApicState *s = apic;
    uint32_t low = 0;
    bool ok;

    mutex_lock(&s->lock);
    ok = apic_is_x2(s) && apic_read_locked(s, index, &low);
    *value = index == APIC_REG_ICR ? s->icr : low;
    mutex_unlock(&s->lock);
    return ok;
}

/* Bits of each writable MSR that must be 0: the rest is #GP(0). */
static uint64_t apic_msr_reserved(const ApicState *s, unsigned index)
{
    if (index >= APIC_REG_LVT && index < APIC_REG_LVT + APIC_LVTS) {
        unsigned lvt = index - APIC_REG_LVT;
        bool pin = lvt == APIC_LVT_LINT0 || lvt == APIC_LVT_LINT1;

        /* Bits 12 and 14, status and remote IRR, are read only. */
        return ~(uint64_t)(lvt_write_mask(s, lvt) | (pin ? 0x5000 : 0x1000));
    }
    switch (index) {
    case APIC_REG_TPR:
    case APIC_REG_SELF_IPI:
        return ~(uint64_t)0xff;
    case APIC_REG_SVR:
        return ~(uint64_t)APIC_SVR_WRITE;
    case APIC_REG_ICR:
        return 0xfff33000 & ~BIT(12);
    case APIC_REG_INITIAL:
        return 0xffffffff00000000;
    case APIC_REG_DIVIDE:
        return ~(uint64_t)0xb;
    default:
        return ~(uint64_t)0; /* EOI and ESR take 0 alone; others are absent */
    }
}

static bool apic_write_msr_locked(ApicState *s, unsigned index,
                                  uint64_t value, ApicAfter *after)
{
    if (!apic_is_x2(s) || (value & apic_msr_reserved(s, index))) {
        return false;
    }
    switch (index) {
    case APIC_REG_ICR:
        s->icr = value & (0xffffffff00000000 | APIC_ICR_WRITE);
        after->send_ipi = true;
        return true;
    case APIC_REG_SELF_IPI:
        if (value < APIC_FIRST_VECTOR) {
            apic_error_locked(s, APIC_ESR_SEND_VECTOR);
        } else {
            apic_accept_locked(s, value, false);
        }
        return true;
    default:
        return apic_write_locked(s, index, value, after);
    }
}

bool apic_write_msr(void *apic, unsigned index, uint64_t value)
{
    ApicState *s = apic;
    ApicAfter after = {0};
    uint64_t icr;
    bool ok;

    mutex_lock(&s->lock);
    ok = apic_write_msr_locked(s, index, value, &after);
    icr = s->icr;
    mutex_unlock(&s->lock);
    apic_do_after(s, &after, icr);
    return ok;
}
