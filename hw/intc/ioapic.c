/* SPDX-License-Identifier: MIT */
/*
 * I/O APIC.
 *
 * Source: Intel 82093AA data sheet (290566-001), chapter 3; for the EOI
 * register, Intel ICH9 data sheet (316972), "EOI register".
 * Implemented: 24 redirection entries, both triggers, both polarities' bits,
 * remote IRR, delivery again on EOI.
 * Omitted: the polarity bit has no effect, as on this board's lines 1 always
 * stands for asserted; the arbitration register reads as the identifier.
 * Locks: BQL.
 */
#include "hw/intc/ioapic.h"

#include "hw/intc/apic.h"

#define IOAPIC_SIZE       0x1000
#define IOAPIC_IOREGSEL   0x00 /* offsets in memory */
#define IOAPIC_IOWIN      0x10
#define IOAPIC_EOI        0x40
#define IOAPIC_REG_ID     0x00 /* through IOREGSEL and IOWIN */
#define IOAPIC_REG_VER    0x01
#define IOAPIC_REG_ARB    0x02
#define IOAPIC_REG_TABLE  0x10
#define IOAPIC_VERSION    (0x20 | (IOAPIC_PINS - 1) << 16)
#define IOAPIC_ID_MASK    0x0f000000
#define REDIR_VECTOR(e)   ((e) & 0xff)
#define REDIR_MODE(e)     (((e) >> 8) & 7)
#define REDIR_LOGICAL     BIT64(11)
#define REDIR_REMOTE_IRR  BIT64(14)
#define REDIR_LEVEL       BIT64(15)
#define REDIR_MASKED      BIT64(16)
#define REDIR_DEST(e)     ((e) >> 56)
#define REDIR_WRITE       0xff0000000001afffull /* but status, remote IRR */

struct IoapicState {
    DeviceState dev;

    /* Guest-visible. */
    uint32_t id;
    uint8_t select;
    uint64_t redir[IOAPIC_PINS];
    uint32_t lines; /* levels of the pins */

    /* Wiring. */
    IrqLine pin[IOAPIC_PINS];
    MemoryRegion *memory, mmio;

    uint64_t sent[IOAPIC_PINS]; /* messages since the start, for `info irq` */
};

/* A level-triggered entry sends again only after its EOI; the modes that are
 * not vectors are edges whatever the entry says. */
static bool ioapic_is_level(uint64_t entry)
{
    return (entry & REDIR_LEVEL) && REDIR_MODE(entry) <= APIC_MODE_LOWEST;
}

static void ioapic_send(IoapicState *s, unsigned n)
{
    uint64_t entry = s->redir[n];
    ApicMessage msg = {
        .dest = REDIR_DEST(entry),
        .logical = entry & REDIR_LOGICAL,
        .level = ioapic_is_level(entry),
        .mode = REDIR_MODE(entry),
        .vector = REDIR_VECTOR(entry),
    };

    if (msg.level) {
        s->redir[n] |= REDIR_REMOTE_IRR;
    }
    s->sent[n]++;
    apic_deliver(&msg);
}

/* Send the level of pin @n if it stands and was not sent yet. */
static void ioapic_service_level(IoapicState *s, unsigned n)
{
    uint64_t entry = s->redir[n];

    if (!(entry & (REDIR_MASKED | REDIR_REMOTE_IRR)) &&
        ioapic_is_level(entry) && (s->lines & BIT(n))) {
        ioapic_send(s, n);
    }
}

/* Drive pin @n.  An edge that comes while its entry is masked is neither sent
 * nor held, as the data sheet says of the mask bit; a level waits. */
static void ioapic_set_pin(void *opaque, int n, int level)
{
    IoapicState *s = opaque;
    bool rise = level && !(s->lines & BIT(n));

    s->lines = level ? s->lines | BIT(n) : s->lines & ~BIT(n);
    if (ioapic_is_level(s->redir[n])) {
        ioapic_service_level(s, n);
    } else if (rise && !(s->redir[n] & REDIR_MASKED)) {
        ioapic_send(s, n);
    }
}

IrqLine *ioapic_pin(IoapicState *s, unsigned n)
{
    g_assert(n < IOAPIC_PINS);
    return &s->pin[n];
}

/* A line that is still asserted sends anew. */
static void ioapic_eoi(void *opaque, uint8_t vector)
{
    IoapicState *s = opaque;

    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t entry = s->redir[n];

        if (REDIR_VECTOR(entry) == vector && (entry & REDIR_REMOTE_IRR)) {
            s->redir[n] &= ~REDIR_REMOTE_IRR;
            ioapic_service_level(s, n);
        }
    }
}

/* --- registers --- */

static uint32_t ioapic_read_reg(const IoapicState *s)
{
    unsigned index = s->select - IOAPIC_REG_TABLE;

    switch (s->select) {
    case IOAPIC_REG_ID:
    case IOAPIC_REG_ARB:
        return s->id;
    case IOAPIC_REG_VER:
        return IOAPIC_VERSION;
    default:
        if (index >= 2 * IOAPIC_PINS) {
            return 0;
        }
        return extract64(s->redir[index / 2], index % 2 * 32, 32);
    }
}

static void ioapic_write_redir(IoapicState *s, unsigned index, uint32_t value)
{
    unsigned n = index / 2;
    uint64_t old = s->redir[n];
    uint64_t entry = deposit64(old, index % 2 * 32, 32, value);

    entry = (entry & REDIR_WRITE) | (old & REDIR_REMOTE_IRR);
    if (!(entry & REDIR_LEVEL)) {
        /* Remote IRR is meaningless for edges: software clears a stuck one by
         * switching the trigger forth and back. */
        entry &= ~REDIR_REMOTE_IRR;
    }
    s->redir[n] = entry;
    ioapic_service_level(s, n);
}

static void ioapic_write_reg(IoapicState *s, uint32_t value)
{
    unsigned index = s->select - IOAPIC_REG_TABLE;

    if (s->select == IOAPIC_REG_ID) {
        s->id = value & IOAPIC_ID_MASK;
    } else if (index < 2 * IOAPIC_PINS) {
        ioapic_write_redir(s, index, value);
    }
}

static uint64_t ioapic_read(void *opaque, hwaddr addr, unsigned size)
{
    IoapicState *s = opaque;

    switch (addr) {
    case IOAPIC_IOREGSEL:
        return s->select;
    case IOAPIC_IOWIN:
        return ioapic_read_reg(s);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    IoapicState *s = opaque;

    switch (addr) {
    case IOAPIC_IOREGSEL:
        s->select = value;
        break;
    case IOAPIC_IOWIN:
        ioapic_write_reg(s, value);
        break;
    case IOAPIC_EOI:
        ioapic_eoi(s, value);
        break;
    }
}

static const MemoryRegionOps ioapic_ops = {
    .read = ioapic_read,
    .write = ioapic_write,
    .impl = {4, 4},
};

/* --- life --- */

IoapicState *ioapic_create(MemoryRegion *memory, hwaddr base)
{
    IoapicState *s = (IoapicState *)device_create(&ioapic_type, NULL);

    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        irq_init(&s->pin[i], ioapic_set_pin, s, i);
    }
    s->memory = memory;
    memory_region_init_io(&s->mmio, &ioapic_ops, s, "ioapic", IOAPIC_SIZE);
    memory_region_add(memory, base, &s->mmio);
    apic_set_eoi_listener(ioapic_eoi, s);
    return s;
}

static void ioapic_unrealize(DeviceState *dev)
{
    IoapicState *s = (IoapicState *)dev;

    apic_set_eoi_listener(NULL, NULL);
    memory_region_del(s->memory, &s->mmio);
    memory_region_destroy(&s->mmio);
}

void ioapic_print(const IoapicState *s, GString *out)
{
    g_string_append_printf(out, "ioapic: id=%u select=%02x lines=%06x\n",
                           s->id >> 24, s->select, s->lines);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->redir[n];

        g_string_append_printf(
            out, "  pin %2u: %016" PRIx64 " vector=%02x dest=%02x%s%s%s%s\n", n,
            e, (unsigned)REDIR_VECTOR(e), (unsigned)REDIR_DEST(e),
            e & REDIR_LOGICAL ? " logical" : "",
            e & REDIR_LEVEL ? " level" : "",
            e & REDIR_REMOTE_IRR ? " remote-irr" : "",
            e & REDIR_MASKED ? " masked" : "");
    }
}

void ioapic_print_counts(const IoapicState *s, GString *out)
{
    g_string_append(out, "IRQ statistics for ioapic:\n");
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        if (s->sent[n]) {
            g_string_append_printf(out, "%2u: %" PRIu64 "\n", n, s->sent[n]);
        }
    }
}

static const DevField ioapic_fields[] = {
    DEV_FIELD(IoapicState, id, 0),
    DEV_FIELD(IoapicState, select, 0),
    DEV_FIELD_ARRAY(IoapicState, redir, REDIR_MASKED),
    DEV_FIELD_KEPT(IoapicState, lines), /* the drivers' state */
};

const DeviceType ioapic_type = {
    .name = "ioapic",
    .desc = "I/O APIC",
    .size = sizeof(IoapicState),
    .fields = ioapic_fields,
    .nfields = ARRAY_LEN(ioapic_fields),
    .unrealize = ioapic_unrealize,
};
