/* SPDX-License-Identifier: MIT */
/*
 * Messages between local APICs, from I/O APICs and from devices (MSI).
 *
 * Source: SDM vol. 3A, 11.6 "Issuing Interprocessor Interrupts", 11.12.10
 * "Logical Destination Mode in x2APIC Mode", 11.11 "Message Signalled
 * Interrupts".
 * Locks: the list is written under the BQL and read by anyone in an RCU read
 * section, entries first; one receiver's lock at a time, and never the sender's
 * with it.
 */
#include "hw/intc/apic_internal.h"

#include <string.h>

#include "exec/bql.h"
#include "util/log.h"
#include "util/rcu.h"

#define ICR_VECTOR(v)     ((v) & 0xff)
#define ICR_MODE(v)       (((v) >> 8) & 7)
#define ICR_LOGICAL       BIT(11)
#define ICR_ASSERT        BIT(14)
#define ICR_LEVEL         BIT(15)
#define ICR_SHORTHAND(v)  (((v) >> 18) & 3)
#define MSI_DEST(addr)    (((addr) >> 12) & 0xff)
#define MSI_LOGICAL       BIT(2)
#define MSI_LEVEL         BIT(15)
#define MSI_ASSERT        BIT(14)
#define DFR_FLAT          0xf /* in bits 31:28; 0 is the cluster model */
#define BROADCAST_8       0xffu
#define BROADCAST_32      0xffffffffu

enum {
    ICR_TO_DEST,
    ICR_TO_SELF,
    ICR_TO_ALL,
    ICR_TO_OTHERS,
};

/* There is one bus, as the machine has one set of processors. */
static struct {
    ApicState *apic[APIC_MAX]; /* RCU; NULL: that processor was taken away */
    unsigned count;            /* atomic: entries below it have been set */
    unsigned arbitrated; /* atomic: where the last tie was decided */
    IrqLine lint0;
} bus;

static unsigned bus_count_rcu(void)
{
    g_assert(rcu_read_ongoing());
    return __atomic_load_n(&bus.count, __ATOMIC_ACQUIRE);
}

/* The first entry from *@at on, which moves past it; NULL at the end. */
static ApicState *bus_next_rcu(unsigned *at)
{
    unsigned count = bus_count_rcu();
    ApicState *s = NULL;

    while (!s && *at < count) {
        s = rcu_dereference(bus.apic[(*at)++]);
    }
    return s;
}

/* The place of @s; NULL: a free one. */
static unsigned bus_place_of(const ApicState *s)
{
    unsigned at = 0;

    bql_assert_held();
    while (at < bus.count && bus.apic[at] != s) {
        at++;
    }
    return at;
}

/* At the place that it has left, if it was here before, for apic_deliver(). */
void apic_bus_add(ApicState *s)
{
    bool own = s->id < bus.count && !bus.apic[s->id];
    unsigned at = own ? s->id : bus_place_of(NULL);

    g_assert(at < APIC_MAX);
    rcu_assign_pointer(bus.apic[at], s);
    if (at == bus.count) {
        __atomic_store_n(&bus.count, at + 1, __ATOMIC_RELEASE);
    }
}

/* Others may have found it, and be sending to it for a grace period. */
void apic_bus_remove(ApicState *s)
{
    unsigned at = bus_place_of(s);

    if (at < bus.count) {
        rcu_assign_pointer(bus.apic[at], NULL);
    }
}

/* --- addressing --- */

static bool apic_is_physical_dest(const ApicState *s, const ApicMessage *msg)
{
    if (msg->dest == (msg->dest_32 ? BROADCAST_32 : BROADCAST_8)) {
        return true;
    }
    return msg->dest == s->id;
}

static bool apic_is_x2_logical_dest(const ApicState *s, const ApicMessage *msg)
{
    uint32_t cluster = s->id >> 4, member = BIT(s->id & 15);

    if (msg->dest == (msg->dest_32 ? BROADCAST_32 : BROADCAST_8)) {
        return true;
    }
    return msg->dest >> 16 == cluster && (msg->dest & member);
}

static bool apic_is_logical_dest(const ApicState *s, const ApicMessage *msg)
{
    uint8_t ldr = s->ldr >> 24, dest = msg->dest;

    if (apic_is_x2(s)) {
        return apic_is_x2_logical_dest(s, msg);
    }
    if (msg->dest_32 && msg->dest > BROADCAST_8) {
        return msg->dest == BROADCAST_32;
    }
    if (s->dfr >> 28 == DFR_FLAT) {
        return dest & ldr;
    }
    return (dest >> 4 == 15 || dest >> 4 == ldr >> 4) && (dest & ldr & 15);
}

/* Locks: of @s. */
static bool apic_is_dest(const ApicState *s, const ApicMessage *msg)
{
    if (!apic_enabled(s)) {
        return false;
    }
    return msg->logical ? apic_is_logical_dest(s, msg)
                        : apic_is_physical_dest(s, msg);
}

/* --- acceptance --- */

/* Locks: of @s. */
static void apic_receive_locked(ApicState *s, const ApicMessage *msg)
{
    CPUState *cpu = &s->cpu->cs;

    switch (msg->mode) {
    case APIC_MODE_FIXED:
    case APIC_MODE_LOWEST:
        apic_accept_locked(s, msg->vector, msg->level);
        break;
    case APIC_MODE_SMI:
        s->ops->request(cpu, CPU_INTERRUPT_SMI);
        break;
    case APIC_MODE_NMI:
        s->ops->request(cpu, CPU_INTERRUPT_NMI);
        break;
    case APIC_MODE_INIT:
        s->ops->request(cpu, CPU_INTERRUPT_INIT);
        break;
    case APIC_MODE_SIPI:
        s->ops->sipi(cpu, msg->vector);
        break;
    case APIC_MODE_EXTINT:
        s->extint = true;
        apic_update_locked(s);
        break;
    default:
        log_printf(LOG_GUEST_ERRORS, "apic: reserved delivery mode %u\n",
                   msg->mode);
        break;
    }
}

static bool apic_offer(ApicState *s, const ApicMessage *msg)
{
    bool match;

    mutex_lock(&s->lock);
    match = apic_is_dest(s, msg);
    if (match) {
        apic_receive_locked(s, msg);
    }
    mutex_unlock(&s->lock);
    return match;
}

/* Priority of @s for lowest-priority arbitration; -1: it takes no part. */
static int apic_bid(ApicState *s, const ApicMessage *msg)
{
    int bid = -1;

    mutex_lock(&s->lock);
    if (apic_is_dest(s, msg) && (s->svr & APIC_SVR_ENABLE)) {
        bid = apic_ppr_locked(s);
    }
    mutex_unlock(&s->lock);
    return bid;
}

/* To the one of lowest priority; ties go round.  Bids may be stale by the time
 * of delivery, as on the bus: any receiver is a right one. */
static bool apic_deliver_lowest(const ApicMessage *msg)
{
    unsigned count = bus_count_rcu();
    unsigned first = __atomic_load_n(&bus.arbitrated, __ATOMIC_RELAXED) + 1;
    unsigned place = 0;
    ApicState *winner = NULL;
    int best = 256;

    for (unsigned i = 0; i < count; i++) {
        unsigned n = (first + i) % count;
        ApicState *s = rcu_dereference(bus.apic[n]);
        int bid = s ? apic_bid(s, msg) : -1;

        if (bid >= 0 && bid < best) {
            best = bid;
            winner = s;
            place = n;
        }
    }
    if (!winner) {
        return false;
    }
    __atomic_store_n(&bus.arbitrated, place, __ATOMIC_RELAXED);
    return apic_offer(winner, msg);
}

/* Usually processors stand at the place of their identifier. */
static ApicState *bus_at_own_place_rcu(const ApicMessage *msg)
{
    ApicState *s;

    if (msg->logical || msg->dest >= MIN(bus_count_rcu(), BROADCAST_8)) {
        return NULL;
    }
    s = rcu_dereference(bus.apic[msg->dest]);
    return s && s->id == msg->dest ? s : NULL;
}

bool apic_deliver(const ApicMessage *msg)
{
    unsigned at = 0;
    bool taken = false;
    ApicState *s;
    RCU_READ_GUARD();

    if (msg->mode == APIC_MODE_LOWEST) {
        return apic_deliver_lowest(msg);
    }
    s = bus_at_own_place_rcu(msg);
    if (s) {
        return apic_offer(s, msg);
    }
    while ((s = bus_next_rcu(&at))) {
        taken |= apic_offer(s, msg);
    }
    return taken;
}

bool apic_deliver_msi(uint64_t addr, uint32_t data)
{
    ApicMessage msg = {
        .dest = MSI_DEST(addr),
        .logical = addr & MSI_LOGICAL,
        .level = data & MSI_LEVEL,
        .mode = ICR_MODE(data),
        .vector = ICR_VECTOR(data),
    };

    if (msg.level && !(data & MSI_ASSERT)) {
        return true; /* the deassertion of a level carries nothing */
    }
    return apic_deliver(&msg);
}

/* --- interprocessor interrupts --- */

static void apic_send_to_group(ApicState *s, const ApicMessage *msg, bool self)
{
    unsigned at = 0;
    ApicState *t;
    RCU_READ_GUARD();

    while ((t = bus_next_rcu(&at))) {
        if (t == s && !self) {
            continue;
        }
        mutex_lock(&t->lock);
        if (apic_enabled(t)) {
            apic_receive_locked(t, msg);
        }
        mutex_unlock(&t->lock);
    }
}

static void apic_send_to_self(ApicState *s, const ApicMessage *msg)
{
    mutex_lock(&s->lock);
    apic_receive_locked(s, msg);
    mutex_unlock(&s->lock);
}

/* An IPI of a vector that is the processor's own goes nowhere. */
static bool apic_ipi_is_sound(ApicState *s, const ApicMessage *msg)
{
    if (msg->mode > APIC_MODE_LOWEST || msg->vector >= APIC_FIRST_VECTOR) {
        return true;
    }
    mutex_lock(&s->lock);
    apic_error_locked(s, APIC_ESR_SEND_VECTOR);
    mutex_unlock(&s->lock);
    return false;
}

void apic_send_ipi(ApicState *s, uint64_t icr, bool x2apic)
{
    ApicMessage msg = {
        .dest = x2apic ? icr >> 32 : icr >> 56,
        .dest_32 = x2apic,
        .logical = icr & ICR_LOGICAL,
        .mode = ICR_MODE(icr),
        .vector = ICR_VECTOR(icr),
    };

    if (msg.mode == APIC_MODE_INIT && (icr & ICR_LEVEL) &&
        !(icr & ICR_ASSERT)) {
        return; /* it sets arbitration IDs, of which there are none */
    }
    if (!apic_ipi_is_sound(s, &msg)) {
        return;
    }
    switch (ICR_SHORTHAND(icr)) {
    case ICR_TO_DEST:
        apic_deliver(&msg);
        break;
    case ICR_TO_SELF:
        apic_send_to_self(s, &msg);
        break;
    case ICR_TO_ALL:
        apic_send_to_group(s, &msg, true);
        break;
    case ICR_TO_OTHERS:
        apic_send_to_group(s, &msg, false);
        break;
    }
}

/* --- pins --- */

/* The i8259's INTR, or what else drives LINT0.  A fixed or NMI entry is
 * triggered by the rise. */
static void apic_set_lint0(void *opaque, int n, int level)
{
    unsigned at = 0;
    ApicState *s;
    RCU_READ_GUARD();

    while ((s = bus_next_rcu(&at))) {
        bool rise;

        mutex_lock(&s->lock);
        rise = level && !s->lint0;
        s->lint0 = level;
        if (rise && apic_enabled(s)) {
            apic_local_locked(s, APIC_LVT_LINT0);
        }
        apic_update_locked(s);
        mutex_unlock(&s->lock);
    }
}

const IrqLine *apic_lint0_line(void)
{
    irq_init(&bus.lint0, apic_set_lint0, NULL, 0);
    return &bus.lint0;
}

/* With the APIC disabled the pin is NMI itself. */
void apic_pulse_lint1(void)
{
    unsigned at = 0;
    ApicState *s;
    RCU_READ_GUARD();

    while ((s = bus_next_rcu(&at))) {
        mutex_lock(&s->lock);
        if (apic_enabled(s)) {
            apic_local_locked(s, APIC_LVT_LINT1);
        } else {
            s->ops->request(&s->cpu->cs, CPU_INTERRUPT_NMI);
        }
        mutex_unlock(&s->lock);
    }
}
