/* SPDX-License-Identifier: MIT */
/*
 * MSI-X: a table of messages and an array of pending bits in a BAR.
 *
 * Source: PCI Local Bus Specification 3.0, 6.8.2 "MSI-X Capability and Table
 * Structure".  Both structures are ours, never guest memory, and every index
 * that comes from the guest or a device is held against their size.
 * Locks: BQL.
 */
#include "hw/pci.h"

#include "util/bytes.h"
#include "util/error.h"
#include "util/log.h"
#include "util/rcu.h"

#define MSIX_MAX_VECTORS   2048
#define MSIX_ENTRY_BYTES   16
#define MSIX_CAP_BYTES     12
#define MSIX_CONTROL       2 /* in the capability: Message Control */
#define MSIX_CONTROL_MASK  BIT(14)
#define MSIX_CONTROL_ON    BIT(15)
#define MSIX_CAP_TABLE     4
#define MSIX_CAP_PBA       8
/* in a table entry */
#define MSIX_ENTRY_ADDR    0
#define MSIX_ENTRY_DATA    8
#define MSIX_ENTRY_CONTROL 12
#define MSIX_ENTRY_MASKED  BIT(0)

typedef struct MSIX {
    struct rcu_head rcu;
    PCIDevice *pci;
    uint8_t cap;       /* offset of the capability */
    unsigned vectors;
    uint8_t *table;    /* vectors * MSIX_ENTRY_BYTES, little endian */
    uint64_t *pending; /* one bit a vector */
    uint32_t pba;      /* offset of the pending bits in the BAR */
    MemoryRegion mr;
} MSIX;

static uint16_t msix_control(const MSIX *m)
{
    return get_le16(m->pci->config + m->cap + MSIX_CONTROL);
}

bool msix_enabled(const PCIDevice *d)
{
    return d->msix && (msix_control(d->msix) & MSIX_CONTROL_ON);
}

static uint32_t table_bytes(const MSIX *m)
{
    return m->vectors * MSIX_ENTRY_BYTES;
}

static bool vector_masked(const MSIX *m, unsigned vector)
{
    const uint8_t *entry = m->table + vector * MSIX_ENTRY_BYTES;

    return (msix_control(m) & MSIX_CONTROL_MASK) ||
           (get_le32(entry + MSIX_ENTRY_CONTROL) & MSIX_ENTRY_MASKED);
}

static void msix_send(MSIX *m, unsigned vector)
{
    const uint8_t *entry = m->table + vector * MSIX_ENTRY_BYTES;
    hwaddr addr = get_le64(entry + MSIX_ENTRY_ADDR);
    uint32_t data = get_le32(entry + MSIX_ENTRY_DATA);

    if (!(m->pci->config[PCI_COMMAND] & PCI_COMMAND_MASTER)) {
        return; /* a message is a memory write by the function */
    }
    if (m->pci->bus->send_msi) {
        m->pci->bus->send_msi(addr, data);
    } else {
        address_space_store(&address_space_memory, addr, data, 4);
    }
}

void msix_notify(PCIDevice *d, unsigned vector)
{
    MSIX *m = d->msix;

    if (!msix_enabled(d) || vector >= m->vectors) {
        return;
    }
    if (vector_masked(m, vector)) {
        m->pending[vector / 64] |= BIT64(vector % 64);
    } else {
        msix_send(m, vector);
    }
}

/* Send what became unmasked while it was pending. */
static void msix_flush_vector(MSIX *m, unsigned vector)
{
    uint64_t bit = BIT64(vector % 64);

    if ((m->pending[vector / 64] & bit) && msix_enabled(m->pci) &&
        !vector_masked(m, vector)) {
        m->pending[vector / 64] &= ~bit;
        msix_send(m, vector);
    }
}

void msix_config_written(PCIDevice *d)
{
    for (unsigned i = 0; i < d->msix->vectors; i++) {
        msix_flush_vector(d->msix, i);
    }
}

static uint64_t msix_read(void *opaque, hwaddr addr, unsigned size)
{
    MSIX *m = opaque;
    uint32_t index;

    if (addr + size <= table_bytes(m)) {
        return size == 8 ? get_le64(m->table + addr)
                         : get_le32(m->table + addr);
    }
    if (addr < m->pba || (addr - m->pba) / 8 * 64 >= m->vectors) {
        return 0;
    }
    index = (addr - m->pba) / 8;
    return size == 8 ? m->pending[index]
                     : (uint32_t)(m->pending[index] >> (addr & 4) * 8);
}

static void msix_write(void *opaque, hwaddr addr, uint64_t value,
                       unsigned size)
{
    MSIX *m = opaque;

    if (addr + size > table_bytes(m)) {
        log_printf(LOG_GUEST_ERRORS,
                   "%s: write past the MSI-X table at 0x%" PRIx64 "\n",
                   m->pci->dev.type->name, addr);
        return; /* the pending bits are read-only */
    }
    if (size == 8) {
        put_le64(m->table + addr, value);
    } else {
        put_le32(m->table + addr, value);
    }
    msix_flush_vector(m, addr / MSIX_ENTRY_BYTES);
}

static const MemoryRegionOps msix_ops = {
    .read = msix_read,
    .write = msix_write,
    .valid = {.min = 4, .max = 8},
    .impl = {.min = 4, .max = 8},
};

static void msix_add_capability(MSIX *m, unsigned bar)
{
    PCIDevice *d = m->pci;
    uint8_t cap = pci_add_capability(d, PCI_CAP_ID_MSIX, MSIX_CAP_BYTES);

    m->cap = cap;
    put_le16(d->config + cap + MSIX_CONTROL, m->vectors - 1);
    put_le16(d->wmask + cap + MSIX_CONTROL,
             MSIX_CONTROL_MASK | MSIX_CONTROL_ON);
    put_le32(d->config + cap + MSIX_CAP_TABLE, bar);
    put_le32(d->config + cap + MSIX_CAP_PBA, m->pba | bar);
}

bool msix_init(PCIDevice *d, unsigned vectors, unsigned bar, GError **errp)
{
    uint32_t half = PAGE_SIZE / 2;
    MSIX *m;

    if (vectors < 1 || vectors > MSIX_MAX_VECTORS || bar >= PCI_BARS ||
        d->bar[bar].mr) {
        error_setg(errp, "%s: %u MSI-X vectors do not fit in BAR %u",
                   d->dev.type->name, vectors, bar);
        return false;
    }
    while (half < vectors * MSIX_ENTRY_BYTES) {
        half *= 2;
    }
    m = g_new0(MSIX, 1);
    m->pci = d;
    m->vectors = vectors;
    m->table = g_malloc0(table_bytes(m));
    m->pending = g_new0(uint64_t, (vectors + 63) / 64);
    m->pba = half;
    memory_region_init_io(&m->mr, &msix_ops, m, "msix", half * 2);
    d->msix = m;
    msix_add_capability(m, bar);
    pci_register_bar(d, bar, false, false, false, &m->mr);
    msix_reset(d);
    return true;
}

static void msix_free(struct rcu_head *head)
{
    MSIX *m = container_of(head, MSIX, rcu);

    g_free(m->table);
    g_free(m->pending);
    g_free(m);
}

/* A vCPU may have looked the region up already, so it outlives the present
 * readers of the memory map. */
void msix_exit(PCIDevice *d)
{
    MSIX *m = d->msix;

    if (!m) {
        return;
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (d->bar[i].mr == &m->mr) {
            if (d->bar[i].mapped) {
                memory_region_del(d->bus->memory, &m->mr);
            }
            d->bar[i].mapped = false;
            d->bar[i].mr = NULL;
        }
    }
    memory_region_destroy(&m->mr);
    d->msix = NULL;
    rcu_call(&m->rcu, msix_free);
}

/* Every vector comes up masked: 6.8.2.9 "Vector Control for MSI-X Table
 * Entries". */
void msix_reset(PCIDevice *d)
{
    MSIX *m = d->msix;

    if (!m) {
        return;
    }
    memset(m->table, 0, table_bytes(m));
    memset(m->pending, 0, (m->vectors + 63) / 64 * sizeof(uint64_t));
    for (unsigned i = 0; i < m->vectors; i++) {
        put_le32(m->table + i * MSIX_ENTRY_BYTES + MSIX_ENTRY_CONTROL,
                 MSIX_ENTRY_MASKED);
    }
}
