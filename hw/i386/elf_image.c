/* SPDX-License-Identifier: MIT */
/*
 * ELF files as physical memory images, and the note of PVH kernels.
 *
 * Source: System V ABI, chapter 4 "Object Files" and 5 "Program Loading"; Xen,
 * xen/include/public/elfnote.h for the note's number.
 */
#include "hw/i386/loader.h"

#include <elf.h>
#include <string.h>

#include "util/bytes.h"
#include "util/error.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define XEN_NOTE_NAME            "Xen" /* with its NUL: 4 bytes */

/* The fields of a program header that we need, of either class. */
typedef struct Segment {
    uint32_t type;
    uint64_t offset, paddr, file_bytes, mem_bytes, align;
} Segment;

bool elf_is_elf(const uint8_t *data, size_t len)
{
    return len >= sizeof(Elf32_Ehdr) && memcmp(data, ELFMAG, SELFMAG) == 0 &&
           data[EI_DATA] == ELFDATA2LSB &&
           (data[EI_CLASS] == ELFCLASS32 ||
            (data[EI_CLASS] == ELFCLASS64 && len >= sizeof(Elf64_Ehdr)));
}

bool elf_is_64(const uint8_t *data, size_t len)
{
    return elf_is_elf(data, len) && data[EI_CLASS] == ELFCLASS64;
}

/* --- program headers --- */

static Segment segment_32(const uint8_t *raw)
{
    Elf32_Phdr ph;

    memcpy(&ph, raw, sizeof(ph));
    return (Segment){GUINT32_FROM_LE(ph.p_type), GUINT32_FROM_LE(ph.p_offset),
                     GUINT32_FROM_LE(ph.p_paddr), GUINT32_FROM_LE(ph.p_filesz),
                     GUINT32_FROM_LE(ph.p_memsz), GUINT32_FROM_LE(ph.p_align)};
}

static Segment segment_64(const uint8_t *raw)
{
    Elf64_Phdr ph;

    memcpy(&ph, raw, sizeof(ph));
    return (Segment){GUINT32_FROM_LE(ph.p_type), GUINT64_FROM_LE(ph.p_offset),
                     GUINT64_FROM_LE(ph.p_paddr), GUINT64_FROM_LE(ph.p_filesz),
                     GUINT64_FROM_LE(ph.p_memsz), GUINT64_FROM_LE(ph.p_align)};
}

/* Where the table of program headers is. */
typedef struct SegmentTable {
    uint64_t offset;
    unsigned count, entry_bytes;
} SegmentTable;

static SegmentTable segment_table(const uint8_t *data, bool is_64)
{
    if (is_64) {
        return (SegmentTable){
            get_le64(data + offsetof(Elf64_Ehdr, e_phoff)),
            get_le16(data + offsetof(Elf64_Ehdr, e_phnum)),
            get_le16(data + offsetof(Elf64_Ehdr, e_phentsize))};
    }
    return (SegmentTable){get_le32(data + offsetof(Elf32_Ehdr, e_phoff)),
                          get_le16(data + offsetof(Elf32_Ehdr, e_phnum)),
                          get_le16(data + offsetof(Elf32_Ehdr, e_phentsize))};
}

/* Program header @n; false past the last, or if it is not in the file. */
static bool elf_segment(const uint8_t *data, size_t len, unsigned n,
                        Segment *out)
{
    bool is_64 = elf_is_64(data, len);
    size_t header_bytes = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    SegmentTable table = segment_table(data, is_64);
    uint64_t at;

    if (n >= table.count || table.entry_bytes < header_bytes ||
        table.offset > len) {
        return false;
    }
    at = table.offset + (uint64_t)n * table.entry_bytes;
    if (at > len || len - at < header_bytes) {
        return false;
    }
    *out = is_64 ? segment_64(data + at) : segment_32(data + at);
    return true;
}

static bool segment_in_file(const Segment *seg, size_t len)
{
    return seg->offset <= len && seg->file_bytes <= len - seg->offset;
}

/* --- loading --- */

/* Lowest and highest address of all segments; false if one is not sound. */
static bool elf_extent(const uint8_t *data, size_t len, uint64_t limit,
                       uint64_t *low, uint64_t *high)
{
    Segment seg;

    *low = UINT64_MAX;
    *high = 0;
    for (unsigned n = 0; elf_segment(data, len, n, &seg); n++) {
        if (seg.type != PT_LOAD || seg.mem_bytes == 0) {
            continue;
        }
        if (!segment_in_file(&seg, len) || seg.file_bytes > seg.mem_bytes ||
            seg.paddr > limit || seg.mem_bytes > limit - seg.paddr) {
            return false;
        }
        *low = MIN(*low, seg.paddr);
        *high = MAX(*high, seg.paddr + seg.mem_bytes);
    }
    return *low < *high;
}

static uint64_t elf_entry(const uint8_t *data, size_t len)
{
    return elf_is_64(data, len)
               ? get_le64(data + offsetof(Elf64_Ehdr, e_entry))
               : get_le32(data + offsetof(Elf32_Ehdr, e_entry));
}

bool elf_load(const uint8_t *data, size_t len, uint64_t limit,
              PhysImage *image, GError **errp)
{
    uint64_t low, high;
    Segment seg;

    *image = (PhysImage){0};
    if (!elf_extent(data, len, MIN(limit, UINT32_MAX), &low, &high)) {
        error_setg(errp, "ELF kernel is damaged or does not fit in %" PRIu64
                   " MiB of memory", limit / MiB);
        return false;
    }
    image->addr = low;
    image->len = high - low;
    image->entry = elf_entry(data, len);
    image->bytes = g_malloc0(image->len);
    for (unsigned n = 0; elf_segment(data, len, n, &seg); n++) {
        if (seg.type == PT_LOAD && seg.mem_bytes) {
            memcpy(image->bytes + (seg.paddr - low), data + seg.offset,
                   seg.file_bytes);
        }
    }
    return true;
}

/* --- the PVH note --- */

/* Search the notes at @p for the entry point; names and descriptors are padded
 * to @align. */
static bool notes_find_entry(const uint8_t *p, uint64_t left, uint64_t align,
                             uint32_t *entry)
{
    while (left >= sizeof(Elf32_Nhdr)) {
        uint64_t name = get_le32(p), desc = get_le32(p + 4);
        uint64_t desc_at =
            sizeof(Elf32_Nhdr) + ROUND_UP(name, align);
        uint64_t bytes = desc_at + ROUND_UP(desc, align);

        if (bytes > left) {
            return false;
        }
        if (get_le32(p + 8) == XEN_ELFNOTE_PHYS32_ENTRY &&
            name == sizeof(XEN_NOTE_NAME) && desc >= 4 &&
            memcmp(p + sizeof(Elf32_Nhdr), XEN_NOTE_NAME, name) == 0) {
            *entry = get_le32(p + desc_at);
            return true;
        }
        p += bytes;
        left -= bytes;
    }
    return false;
}

bool elf_find_pvh_entry(const uint8_t *data, size_t len, uint32_t *entry)
{
    Segment seg;

    if (!elf_is_elf(data, len)) {
        return false;
    }
    for (unsigned n = 0; elf_segment(data, len, n, &seg); n++) {
        if (seg.type == PT_NOTE && segment_in_file(&seg, len) &&
            notes_find_entry(data + seg.offset, seg.file_bytes,
                             seg.align == 8 ? 8 : 4, entry)) {
            return true;
        }
    }
    return false;
}
