/* SPDX-License-Identifier: MIT */
/*
 * Local APIC: acceptance, priorities, the wire to the processor, its life.
 *
 * Source: SDM vol. 3A, 11.4 "Local APIC", 11.8 "Handling Interrupts".
 * apic_regs.c holds the registers, apic_timer.c the timer, apic_bus.c the
 * messages between APICs, apic_map.c where it all lies.
 * Omitted: remote read, focus checking, CMCI.
 * Locks: the APIC's own; see hw/intc/apic.h for the order.
 */
#include "hw/intc/apic_internal.h"

#include <string.h>

#include "exec/bql.h"

#define APIC_DFR_FLAT 0xffffffff
#define APIC_SVR_INIT 0xff
/* Firmware's virtual wire mode, which the boot processor starts with here so
 * that interrupts of the i8259 reach it before the first write. */
#define APIC_LVT_VIRTUAL_WIRE (APIC_MODE_EXTINT << 8)
/* Bits 7:0, 9 and all above the processor's physical addresses. */
#define APIC_BASE_RESERVED (0x2ffull | ~(BIT64(X86_PHYS_BITS) - 1))

/* The i8259 pair and the I/O APIC: set once while the machine is made. */
static struct {
    PicState *pic;
    void (*eoi)(void *opaque, uint8_t vector);
    void *eoi_opaque;
} chipset;

/* --- bitmaps of vectors --- */

static void apic_bit_set(uint32_t *map, uint8_t vector)
{
    map[vector / 32] |= BIT(vector % 32);
}

static void apic_bit_clear(uint32_t *map, uint8_t vector)
{
    map[vector / 32] &= ~BIT(vector % 32);
}

static bool apic_bit(const uint32_t *map, uint8_t vector)
{
    return map[vector / 32] & BIT(vector % 32);
}

/* The highest vector, or -1. */
static int apic_highest(const uint32_t *map)
{
    for (int i = APIC_BITMAP_WORDS - 1; i >= 0; i--) {
        if (map[i]) {
            return i * 32 + 31 - __builtin_clz(map[i]);
        }
    }
    return -1;
}

/* --- priorities --- */

/* Source: SDM vol. 3A, 11.8.3.1 "Task and Processor Priorities" */
uint8_t apic_ppr_locked(const ApicState *s)
{
    int isrv = apic_highest(s->isr);
    unsigned service = isrv < 0 ? 0 : isrv & 0xf0;

    return (s->tpr & 0xf0) >= service ? s->tpr : service;
}

/* The vector that INTR stands for, or -1. */
static int apic_pending_locked(const ApicState *s)
{
    int vector = apic_highest(s->irr);

    if (!apic_enabled(s) || vector < 0) {
        return -1;
    }
    return (vector & 0xf0) > (apic_ppr_locked(s) & 0xf0) ? vector : -1;
}

/* Does the i8259's INTR reach the processor? */
static bool apic_extint_locked(const ApicState *s)
{
    uint32_t lvt = s->lvt[APIC_LVT_LINT0];

    if (!apic_enabled(s)) {
        return s->lint0; /* the pin is then INTR itself */
    }
    return s->extint || (s->lint0 && !(lvt & APIC_LVT_MASKED) &&
                         APIC_LVT_MODE(lvt) == APIC_MODE_EXTINT);
}

/* Setting and clearing happen under the lock, so that the last to change the
 * state is the last to drive the wire. */
void apic_update_locked(ApicState *s)
{
    bool intr = apic_pending_locked(s) >= 0 || apic_extint_locked(s);

    mutex_assert_held(&s->lock);
    __atomic_store_n(&s->intr, intr, __ATOMIC_RELEASE);
    if (intr) {
        s->ops->request(&s->cpu->cs, CPU_INTERRUPT_HARD);
    } else {
        s->ops->cancel(&s->cpu->cs, CPU_INTERRUPT_HARD);
    }
}

void apic_accept_locked(ApicState *s, uint8_t vector, bool level)
{
    if (!(s->svr & APIC_SVR_ENABLE)) {
        return; /* 11.4.7.2: it takes only INIT, NMI, SMI and SIPI */
    }
    if (vector < APIC_FIRST_VECTOR) {
        apic_error_locked(s, APIC_ESR_RECV_VECTOR);
        return;
    }
    apic_bit_set(s->irr, vector);
    if (level) {
        apic_bit_set(s->tmr, vector);
    } else {
        apic_bit_clear(s->tmr, vector);
    }
    apic_update_locked(s);
}

void apic_error_locked(ApicState *s, uint32_t error)
{
    uint32_t lvt = s->lvt[APIC_LVT_ERROR];

    /* An illegal vector of the error interrupt itself raises no other. */
    if (!(s->errors & error) && !(lvt & APIC_LVT_MASKED) &&
        (lvt & APIC_LVT_VECTOR) >= APIC_FIRST_VECTOR) {
        apic_accept_locked(s, lvt & APIC_LVT_VECTOR, false);
    }
    s->errors |= error;
}

void apic_local_locked(ApicState *s, unsigned lvt)
{
    uint32_t entry = s->lvt[lvt];
    /* The timer's and the error's entries have no mode: they are fixed. */
    unsigned mode = lvt == APIC_LVT_TIMER || lvt == APIC_LVT_ERROR
                        ? APIC_MODE_FIXED
                        : APIC_LVT_MODE(entry);

    if (entry & APIC_LVT_MASKED) {
        return;
    }
    switch (mode) {
    case APIC_MODE_FIXED:
        /* Only LINT0 can be level triggered (11.5.1). */
        apic_accept_locked(s, entry & APIC_LVT_VECTOR,
                           lvt == APIC_LVT_LINT0 && (entry & APIC_LVT_LEVEL));
        break;
    case APIC_MODE_SMI:
        s->ops->request(&s->cpu->cs, CPU_INTERRUPT_SMI);
        break;
    case APIC_MODE_NMI:
        s->ops->request(&s->cpu->cs, CPU_INTERRUPT_NMI);
        break;
    case APIC_MODE_INIT:
        s->ops->request(&s->cpu->cs, CPU_INTERRUPT_INIT);
        break;
    default:
        break; /* ExtINT is a level: apic_extint_locked() */
    }
}

void apic_set_tpr_locked(ApicState *s, uint8_t value)
{
    s->tpr = value;
    apic_update_locked(s);
}

bool apic_eoi_locked(ApicState *s, uint8_t *vector)
{
    int n = apic_highest(s->isr);

    if (n < 0) {
        return false;
    }
    apic_bit_clear(s->isr, n);
    apic_update_locked(s);
    *vector = n;
    return apic_bit(s->tmr, n);
}

void apic_tell_eoi(uint8_t vector)
{
    BQL_GUARD();

    if (chipset.eoi) {
        chipset.eoi(chipset.eoi_opaque, vector);
    }
}

/* --- what the vCPU asks --- */

static int apic_get_interrupt(void *apic)
{
    ApicState *s = apic;
    bool extint;
    int vector;

    mutex_lock(&s->lock);
    vector = apic_pending_locked(s);
    extint = vector < 0 && apic_extint_locked(s);
    if (vector >= 0) {
        apic_bit_clear(s->irr, vector);
        apic_bit_set(s->isr, vector);
    }
    if (extint) {
        s->extint = false;
    }
    apic_update_locked(s);
    mutex_unlock(&s->lock);
    /* Without our lock: the INTA cycle drives LINT0. */
    return extint && chipset.pic ? pic_read_irq(chipset.pic) : vector;
}

static bool apic_has_interrupt(void *apic)
{
    ApicState *s = apic;

    return __atomic_load_n(&s->intr, __ATOMIC_ACQUIRE);
}

static void apic_poll(void *apic)
{
    ApicState *s = apic;

    mutex_lock(&s->lock);
    apic_update_locked(s);
    mutex_unlock(&s->lock);
}

static uint8_t apic_get_cr8(void *apic)
{
    ApicState *s = apic;

    return __atomic_load_n(&s->tpr, __ATOMIC_RELAXED) >> 4;
}

static void apic_set_cr8(void *apic, uint8_t value)
{
    ApicState *s = apic;

    mutex_lock(&s->lock);
    apic_set_tpr_locked(s, (value & 15) << 4);
    mutex_unlock(&s->lock);
}

static uint64_t apic_get_base(void *apic)
{
    ApicState *s = apic;

    return __atomic_load_n(&s->base, __ATOMIC_RELAXED);
}

/*
 * Source: SDM vol. 3A, 11.12.5 "x2APIC State Transitions": xAPIC to x2APIC,
 * and back only through the disabled state.
 */
static bool apic_base_legal(const ApicState *s, uint64_t value)
{
    bool on = value & APIC_BASE_ENABLE, x2 = value & APIC_BASE_X2APIC;

    if ((value & APIC_BASE_RESERVED) || (x2 && !on)) {
        return false;
    }
    return apic_is_x2(s) ? x2 || !on : !x2 || apic_enabled(s);
}

/* Locks: BQL */
static bool apic_set_base(void *apic, uint64_t value)
{
    ApicState *s = apic;
    bool legal;

    mutex_lock(&s->lock);
    legal = apic_base_legal(s, value);
    if (legal) {
        if (apic_enabled(s) && !(value & APIC_BASE_ENABLE)) {
            apic_clear_locked(s);
        }
        __atomic_store_n(&s->base, value, __ATOMIC_RELAXED);
        apic_update_locked(s);
    }
    mutex_unlock(&s->lock);
    if (legal) {
        apic_relocate(s);
    }
    return legal;
}

static uint64_t apic_get_tsc_deadline(void *apic)
{
    ApicState *s = apic;
    uint64_t value;

    mutex_lock(&s->lock);
    value = s->tsc_deadline;
    mutex_unlock(&s->lock);
    return value;
}

static void apic_set_tsc_deadline(void *apic, uint64_t value)
{
    ApicState *s = apic;

    mutex_lock(&s->lock);
    apic_timer_set_deadline_locked(s, value);
    mutex_unlock(&s->lock);
}

static void apic_init_reset(void *apic)
{
    ApicState *s = apic;

    mutex_lock(&s->lock);
    apic_clear_locked(s);
    apic_update_locked(s);
    mutex_unlock(&s->lock);
}

const X86ApicOps apic_x86_ops = {
    .get_interrupt = apic_get_interrupt,
    .has_interrupt = apic_has_interrupt,
    .poll = apic_poll,
    .get_cr8 = apic_get_cr8,
    .set_cr8 = apic_set_cr8,
    .get_base = apic_get_base,
    .set_base = apic_set_base,
    .read_msr = apic_read_msr,
    .write_msr = apic_write_msr,
    .get_tsc_deadline = apic_get_tsc_deadline,
    .set_tsc_deadline = apic_set_tsc_deadline,
    .init_reset = apic_init_reset,
};

/* --- the chip set --- */

void apic_connect_pic(PicState *pic)
{
    bql_assert_held();
    chipset.pic = pic;
}

void apic_set_eoi_listener(void (*fn)(void *opaque, uint8_t vector),
                           void *opaque)
{
    bql_assert_held();
    chipset.eoi = fn;
    chipset.eoi_opaque = opaque;
}

/* --- life --- */

/* Source: SDM vol. 3A, 11.4.7.1 "Local APIC State After Power-Up or Reset" */
void apic_clear_locked(ApicState *s)
{
    s->tpr = s->ldr = s->esr = s->errors = 0;
    s->dfr = APIC_DFR_FLAT;
    s->svr = APIC_SVR_INIT;
    s->icr = 0;
    s->extint = false;
    memset(s->irr, 0, sizeof(s->irr));
    memset(s->isr, 0, sizeof(s->isr));
    memset(s->tmr, 0, sizeof(s->tmr));
    for (unsigned i = 0; i < APIC_LVTS; i++) {
        s->lvt[i] = APIC_LVT_MASKED;
    }
    if (s->bsp) {
        s->lvt[APIC_LVT_LINT0] = APIC_LVT_VIRTUAL_WIRE;
    }
    s->initial = s->divide = 0;
    s->stopped = true;
    s->tsc_deadline = 0;
    apic_timer_arm_locked(s);
}

static bool apic_cpu_has(const ApicState *s, const char *name)
{
    return !s->ops->has_feature || s->ops->has_feature(&s->cpu->cs, name);
}

static void apic_reset(DeviceState *dev)
{
    ApicState *s = (ApicState *)dev;

    mutex_lock(&s->lock);
    s->has_deadline = apic_cpu_has(s, "tsc-deadline");
    s->base = APIC_BASE_ADDR | (s->bsp ? APIC_BASE_BSP : 0) |
              (apic_cpu_has(s, "apic") ? APIC_BASE_ENABLE : 0);
    apic_clear_locked(s);
    apic_update_locked(s);
    mutex_unlock(&s->lock);
    apic_relocate(s);
}

static void apic_post_load(DeviceState *dev)
{
    ApicState *s = (ApicState *)dev;

    mutex_lock(&s->lock);
    apic_timer_arm_locked(s);
    apic_update_locked(s);
    mutex_unlock(&s->lock);
    apic_relocate(s);
}

static bool apic_realize(DeviceState *dev, GError **errp)
{
    ApicState *s = (ApicState *)dev;

    mutex_init(&s->lock, "apic");
    apic_timer_init(s);
    return true;
}

ApicState *apic_create(X86CPU *cpu, const ApicCpuOps *ops)
{
    ApicState *s = (ApicState *)device_create(&apic_type, NULL);

    s->cpu = cpu;
    s->ops = ops;
    s->id = cpu->apic_id;
    s->bsp = cpu->cs.index == 0;
    cpu->apic = s;
    cpu->apic_ops = &apic_x86_ops;
    apic_reset(&s->dev);
    apic_bus_add(s);
    return s;
}

static void apic_unrealize(DeviceState *dev)
{
    ApicState *s = (ApicState *)dev;

    apic_bus_remove(s);
    apic_unmap(s);
    timer_del(&s->timer);
    s->cpu->apic = NULL;
    s->cpu->apic_ops = NULL;
    /* The lock stays for those who send to it still. */
}

void apic_print(ApicState *s, GString *out)
{
    mutex_lock(&s->lock);
    g_string_append_printf(out,
                           "APIC %u: base=%" PRIx64 " svr=%03x tpr=%02x "
                           "ppr=%02x ldr=%08x dfr=%08x esr=%02x icr=%" PRIx64
                           "\n",
                           s->id, s->base, s->svr, s->tpr, apic_ppr_locked(s),
                           s->ldr, s->dfr, s->esr, s->icr);
    for (unsigned i = 0; i < APIC_LVTS; i++) {
        g_string_append_printf(out, "  lvt%u=%05x", i, s->lvt[i]);
    }
    g_string_append_printf(out, "\n  timer: initial=%u current=%u divide=%x\n",
                           s->initial, apic_timer_current_locked(s),
                           s->divide);
    for (unsigned v = 0; v < 256; v++) {
        if (apic_bit(s->irr, v) || apic_bit(s->isr, v)) {
            g_string_append_printf(out, "  vector %02x:%s%s%s\n", v,
                                   apic_bit(s->irr, v) ? " irr" : "",
                                   apic_bit(s->isr, v) ? " isr" : "",
                                   apic_bit(s->tmr, v) ? " level" : "");
        }
    }
    mutex_unlock(&s->lock);
}

/* All are kept: apic_reset() knows what depends on the processor. */
#define APIC_ARRAY_KEPT(field_) \
    { \
        .name = #field_, .offset = offsetof(ApicState, field_), .size = 4, \
        .count = ARRAY_LEN(((ApicState *)0)->field_), .kept = true, \
    }

static const DevField apic_fields[] = {
    DEV_FIELD_KEPT(ApicState, base),
    DEV_FIELD_KEPT(ApicState, tpr),
    DEV_FIELD_KEPT(ApicState, ldr),
    DEV_FIELD_KEPT(ApicState, dfr),
    DEV_FIELD_KEPT(ApicState, svr),
    DEV_FIELD_KEPT(ApicState, esr),
    DEV_FIELD_KEPT(ApicState, errors),
    APIC_ARRAY_KEPT(lvt),
    DEV_FIELD_KEPT(ApicState, icr),
    APIC_ARRAY_KEPT(irr),
    APIC_ARRAY_KEPT(isr),
    APIC_ARRAY_KEPT(tmr),
    DEV_FIELD_KEPT(ApicState, extint),
    DEV_FIELD_KEPT(ApicState, initial),
    DEV_FIELD_KEPT(ApicState, divide),
    DEV_FIELD_KEPT(ApicState, stopped),
    DEV_FIELD_KEPT(ApicState, start_ns),
    DEV_FIELD_KEPT(ApicState, fire_ns),
    DEV_FIELD_KEPT(ApicState, tsc_deadline),
};

const DeviceType apic_type = {
    .name = "apic",
    .desc = "local APIC",
    .size = sizeof(ApicState),
    .fields = apic_fields,
    .nfields = ARRAY_LEN(apic_fields),
    .realize = apic_realize,
    .unrealize = apic_unrealize,
    .reset = apic_reset,
    .post_load = apic_post_load,
};
