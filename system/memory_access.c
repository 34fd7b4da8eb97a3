/* SPDX-License-Identifier: MIT */
/*
 * Accesses of guest physical memory.  A guest chooses the addresses, so nothing
 * here trusts them: what is not mapped reads as all ones.
 */
#include <string.h>

#include "system/memory_internal.h"

#include "exec/bql.h"
#include "exec/hold.h"
#include "util/log.h"

#define ALL_ONES(size) (~(uint64_t)0 >> (64 - 8 * (size)))

/* --- device regions --- */

/*
 * The device accesses that this thread is in the middle of.  A device that,
 * by DMA, reaches its own registers would run inside itself; a guest can ask
 * for that, and no device expects it, so the inner access is refused.
 */
typedef struct Dispatch {
    const MemoryRegion *mr;
    const struct Dispatch *outer;
} Dispatch;

static __thread const Dispatch *dispatch_chain;

static bool dispatch_reentered(const MemoryRegion *mr)
{
    for (const Dispatch *d = dispatch_chain; d; d = d->outer) {
        if (d->mr == mr || (mr->opaque && d->mr->opaque == mr->opaque)) {
            log_printf(LOG_GUEST_ERRORS,
                       "memory: region '%s' reached from its own device\n",
                       mr->name);
            return true;
        }
    }
    return false;
}

/* Does the region take such an access at all? */
static bool dispatch_valid(const MemoryRegion *mr, hwaddr offset,
                           unsigned size, bool has_callback, const char *what)
{
    const MemoryRegionOps *ops = mr->ops;
    unsigned min = ops->valid.min ? ops->valid.min : 1;
    unsigned max = ops->valid.max ? ops->valid.max : 8;

    if (has_callback && size >= min && size <= max &&
        (ops->valid.unaligned || offset % size == 0)) {
        return true;
    }
    log_printf(LOG_GUEST_ERRORS,
               "memory: bad %s of %u bytes at offset 0x%" PRIx64
               " of region '%s'\n",
               what, size, offset, mr->name);
    return false;
}

/* Size of the callbacks' accesses for a guest's access of @size. */
static unsigned impl_size(const MemoryRegionOps *ops, unsigned size)
{
    unsigned min = ops->impl.min ? ops->impl.min : 1;
    unsigned max = ops->impl.max ? ops->impl.max : 4;

    return MIN(MAX(size, min), max);
}

/* The callbacks' accesses for one valid access, in ascending order. */
static uint64_t region_read(MemoryRegion *mr, hwaddr offset, unsigned size)
{
    unsigned step = impl_size(mr->ops, size);
    uint64_t value = 0;

    if (step > size) { /* widened */
        unsigned shift = 8 * (offset & (step - 1));
        hwaddr start = offset & ~(hwaddr)(step - 1);

        return mr->ops->read(mr->opaque, start, step) >> shift &
               ALL_ONES(size);
    }
    for (unsigned i = 0; i < size; i += step) {
        uint64_t part = mr->ops->read(mr->opaque, offset + i, step);

        value |= (part & ALL_ONES(step)) << (8 * i);
    }
    return value;
}

static void region_write(MemoryRegion *mr, hwaddr offset, uint64_t value,
                         unsigned size)
{
    unsigned step = impl_size(mr->ops, size);

    if (step > size) { /* widened */
        unsigned shift = 8 * (offset & (step - 1));
        hwaddr start = offset & ~(hwaddr)(step - 1);

        mr->ops->write(mr->opaque, start, (value & ALL_ONES(size)) << shift,
                       step);
        return;
    }
    for (unsigned i = 0; i < size; i += step) {
        mr->ops->write(mr->opaque, offset + i,
                       value >> (8 * i) & ALL_ONES(step), step);
    }
}

uint64_t memory_region_dispatch_read(MemoryRegion *mr, hwaddr offset,
                                     unsigned size, MemTxResult *result)
{
    Dispatch self = {mr, dispatch_chain};
    uint64_t value;

    if (!dispatch_valid(mr, offset, size, mr->ops->read, "read")) {
        *result = MEMTX_DECODE_ERROR;
        return ALL_ONES(size);
    }
    *result = MEMTX_OK;
    /* Such a device guards itself, against its own DMA too. */
    if (mr->ops->unlocked) {
        return region_read(mr, offset, size);
    }
    if (dispatch_reentered(mr)) {
        *result = MEMTX_ERROR;
        return ALL_ONES(size);
    }
    BQL_GUARD();
    hold_at(HOLD_BQL);
    dispatch_chain = &self;
    value = region_read(mr, offset, size);
    dispatch_chain = self.outer;
    return value;
}

MemTxResult memory_region_dispatch_write(MemoryRegion *mr, hwaddr offset,
                                         uint64_t value, unsigned size)
{
    Dispatch self = {mr, dispatch_chain};

    if (!dispatch_valid(mr, offset, size, mr->ops->write, "write")) {
        return MEMTX_DECODE_ERROR;
    }
    if (mr->ops->unlocked) {
        region_write(mr, offset, value, size);
        return MEMTX_OK;
    }
    if (dispatch_reentered(mr)) {
        return MEMTX_ERROR;
    }
    BQL_GUARD();
    dispatch_chain = &self;
    region_write(mr, offset, value, size);
    dispatch_chain = self.outer;
    return MEMTX_OK;
}

/*
 * --- single accesses ---
 * The slow path of vCPUs comes through here, so the common case, one piece of
 * RAM or of a device, is decided first; the rest goes the way of ranges.
 */

static bool is_ram(const FlatRange *range)
{
    return range->mr->ram != NULL;
}

static uint8_t *ram_host(const FlatRange *range, hwaddr addr)
{
    return range->mr->ram->host + range->offset_in_mr + (addr - range->first);
}

static ram_addr_t ram_offset(const FlatRange *range, hwaddr addr)
{
    return range->mr->ram->offset + range->offset_in_mr +
           (addr - range->first);
}

/* One host access if @p is aligned.  The guest is little endian, as the hosts
 * that this is built for are. */
static uint64_t host_load(const uint8_t *p, unsigned size)
{
    uint64_t value = 0;

    if ((uintptr_t)p % size) {
        memcpy(&value, p, size);
        return value;
    }
    switch (size) {
    case 1:
        return __atomic_load_n(p, __ATOMIC_RELAXED);
    case 2:
        return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
    case 4:
        return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
    default:
        return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
    }
}

static void host_store(uint8_t *p, uint64_t value, unsigned size)
{
    if ((uintptr_t)p % size) {
        memcpy(p, &value, size);
        return;
    }
    switch (size) {
    case 1:
        __atomic_store_n(p, (uint8_t)value, __ATOMIC_RELAXED);
        break;
    case 2:
        __atomic_store_n((uint16_t *)p, (uint16_t)value, __ATOMIC_RELAXED);
        break;
    case 4:
        __atomic_store_n((uint32_t *)p, (uint32_t)value, __ATOMIC_RELAXED);
        break;
    default:
        __atomic_store_n((uint64_t *)p, value, __ATOMIC_RELAXED);
        break;
    }
}

/* May an access be made in one piece: inside @range, and of RAM or so aligned
 * that the region takes it? */
static bool one_piece(const FlatRange *range, hwaddr addr, unsigned size)
{
    hwaddr offset;

    if (range->last - addr < size - 1) {
        return false;
    }
    if (is_ram(range) || range->mr->ops->valid.unaligned) {
        return true;
    }
    offset = range->offset_in_mr + (addr - range->first);
    return offset % size == 0;
}

uint64_t address_space_load(AddressSpace *as, hwaddr addr, unsigned size,
                            MemTxResult *result)
{
    MemTxResult ignored;
    uint64_t value = 0;
    RCU_READ_GUARD();
    const FlatRange *range = flatview_find(rcu_dereference(as->view), addr);

    result = result ? result : &ignored;
    if (!range || !one_piece(range, addr, size)) {
        *result = address_space_read(as, addr, &value, size);
        return value;
    }
    if (is_ram(range)) {
        *result = MEMTX_OK;
        return host_load(ram_host(range, addr), size);
    }
    return memory_region_dispatch_read(
        range->mr, range->offset_in_mr + (addr - range->first), size, result);
}

/* Is a write to @range, which is not writable RAM, nobody's affair?  That is so
 * of ROM without callbacks and of devices behind a read-only alias. */
static bool drops_writes(const FlatRange *range)
{
    return !range->mr->ops || (range->readonly && range->mr->kind == MR_IO);
}

/* One store to RAM or to a device, in one piece. */
static MemTxResult store_piece(const FlatRange *range, hwaddr addr,
                               uint64_t value, unsigned size)
{
    hwaddr offset = range->offset_in_mr + (addr - range->first);

    if (is_ram(range) && !range->readonly) {
        host_store(ram_host(range, addr), value, size);
        ram_written(ram_offset(range, addr), size);
        return MEMTX_OK;
    }
    if (drops_writes(range)) {
        return MEMTX_OK;
    }
    return memory_region_dispatch_write(range->mr, offset, value, size);
}

MemTxResult address_space_store(AddressSpace *as, hwaddr addr, uint64_t value,
                                unsigned size)
{
    RCU_READ_GUARD();
    const FlatRange *range = flatview_find(rcu_dereference(as->view), addr);

    if (!range || !one_piece(range, addr, size)) {
        return address_space_write(as, addr, &value, size);
    }
    return store_piece(range, addr, value, size);
}

/*
 * --- ranges ---
 * Each piece looks the map up anew: a device that is written to may change it.
 */

/* Bytes of @len from @addr on that lie in @range, or before the next range if
 * it is NULL. */
static uint64_t piece_length(AddressSpace *as, const FlatRange *range,
                             hwaddr addr, uint64_t len)
{
    MemorySection hole;

    if (range) {
        return MIN(len - 1, range->last - addr) + 1;
    }
    hole = memory_find_rcu(as, addr);
    return MIN(len - 1, hole.size - 1 - (addr - hole.addr)) + 1;
}

/* The longest access of a device region that fits its rules and @len bytes. */
static unsigned device_access_size(const MemoryRegionOps *ops, hwaddr offset,
                                   uint64_t len)
{
    unsigned max = ops->valid.max ? ops->valid.max : 8;
    unsigned size = 8;

    while (size > 1 && (size > max || size > len ||
                        (!ops->valid.unaligned && offset % size))) {
        size /= 2;
    }
    return size;
}

static MemTxResult read_device(const FlatRange *range, hwaddr addr,
                               uint8_t *buf, uint64_t len)
{
    MemTxResult all = MEMTX_OK;

    while (len) {
        hwaddr offset = range->offset_in_mr + (addr - range->first);
        unsigned size = device_access_size(range->mr->ops, offset, len);
        MemTxResult one;
        uint64_t value =
            memory_region_dispatch_read(range->mr, offset, size, &one);

        memcpy(buf, &value, size);
        all |= one;
        addr += size;
        buf += size;
        len -= size;
    }
    return all;
}

MemTxResult address_space_read(AddressSpace *as, hwaddr addr, void *buf,
                               uint64_t len)
{
    MemTxResult all = MEMTX_OK;
    uint8_t *p = buf;
    RCU_READ_GUARD();

    while (len) {
        FlatView *view = rcu_dereference(as->view);
        const FlatRange *range = flatview_find(view, addr);
        uint64_t n = piece_length(as, range, addr, len);

        if (!range) { /* nobody drives the bus */
            memset(p, 0xff, n);
            all |= MEMTX_DECODE_ERROR;
        } else if (is_ram(range)) {
            memcpy(p, ram_host(range, addr), n);
        } else {
            all |= read_device(range, addr, p, n);
        }
        addr += n; /* wraps at 2^64, as the address bus does */
        p += n;
        len -= n;
    }
    return all;
}

static MemTxResult write_device(const FlatRange *range, hwaddr addr,
                                const uint8_t *buf, uint64_t len)
{
    MemTxResult all = MEMTX_OK;

    while (len) {
        hwaddr offset = range->offset_in_mr + (addr - range->first);
        unsigned size = device_access_size(range->mr->ops, offset, len);
        uint64_t value = 0;

        memcpy(&value, buf, size);
        all |= memory_region_dispatch_write(range->mr, offset, value, size);
        addr += size;
        buf += size;
        len -= size;
    }
    return all;
}

/* Write @len bytes that lie in @range. */
static MemTxResult write_piece(const FlatRange *range, hwaddr addr,
                               const uint8_t *buf, uint64_t len, bool rom_too)
{
    if (is_ram(range) && (rom_too || !range->readonly)) {
        memcpy(ram_host(range, addr), buf, len);
        ram_written(ram_offset(range, addr), len);
        return MEMTX_OK;
    }
    if (drops_writes(range)) {
        return MEMTX_OK;
    }
    return write_device(range, addr, buf, len);
}

static MemTxResult write_range(AddressSpace *as, hwaddr addr, const void *buf,
                               uint64_t len, bool rom_too)
{
    MemTxResult all = MEMTX_OK;
    const uint8_t *p = buf;
    RCU_READ_GUARD();

    while (len) {
        FlatView *view = rcu_dereference(as->view);
        const FlatRange *range = flatview_find(view, addr);
        uint64_t n = piece_length(as, range, addr, len);

        if (range) {
            all |= write_piece(range, addr, p, n, rom_too);
        } else {
            all |= MEMTX_DECODE_ERROR;
        }
        addr += n;
        p += n;
        len -= n;
    }
    return all;
}

MemTxResult address_space_write(AddressSpace *as, hwaddr addr,
                                const void *buf, uint64_t len)
{
    return write_range(as, addr, buf, len, false);
}

MemTxResult address_space_write_rom(AddressSpace *as, hwaddr addr,
                                    const void *buf, uint64_t len)
{
    return write_range(as, addr, buf, len, true);
}

void *memory_host_ptr_rcu(AddressSpace *as, hwaddr addr, bool write,
                          uint64_t *len)
{
    const FlatRange *range = flatview_find(rcu_dereference(as->view), addr);

    if (!range || !is_ram(range) || (write && range->readonly) || !*len) {
        return NULL;
    }
    *len = MIN(*len - 1, range->last - addr) + 1;
    return ram_host(range, addr);
}

bool address_space_copy_ram(AddressSpace *as, hwaddr addr, void *buf,
                            uint64_t len, bool write)
{
    uint8_t *p = buf;
    RCU_READ_GUARD();

    while (len) {
        const FlatRange *range = flatview_find(rcu_dereference(as->view), addr);
        uint64_t n;

        if (!range || !is_ram(range) || (write && range->readonly)) {
            return false;
        }
        n = piece_length(as, range, addr, len);
        if (write) {
            write_piece(range, addr, p, n, false);
        } else {
            memcpy(p, ram_host(range, addr), n);
        }
        addr += n;
        p += n;
        len -= n;
    }
    return true;
}
