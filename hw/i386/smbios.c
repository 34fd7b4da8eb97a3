/* SPDX-License-Identifier: MIT */
/*
 * SMBIOS tables: BIOS, system, chassis, processors, memory, boot status.
 *
 * Source: DMTF DSP0134, System Management BIOS Reference Specification 2.8.0,
 * 5.2.1 "SMBIOS 2.1 (32-bit) Entry Point" and chapter 7 "Structure
 * definitions".  The firmware fills in the address and the checksums.
 */
#include "hw/i386/acpi.h"
#include "hw/i386/i440fx.h"

#include <string.h>

#include "util/bytes.h"

#define ANCHOR_BYTES     31
#define HANDLE_BIOS      0x0000
#define HANDLE_SYSTEM    0x0100
#define HANDLE_CHASSIS   0x0300
#define HANDLE_CPU       0x0400
#define HANDLE_ARRAY     0x1000
#define HANDLE_DEVICE    0x1100
#define HANDLE_MAPPED    0x1300
#define HANDLE_BOOT      0x2000
#define HANDLE_END       0x7f00
#define HANDLE_NONE      0xfffe

/* DIMMs of 16 GiB at most. */
#define DIMM_BYTES       (16 * GiB)
#define SIZE_IS_EXTENDED 0x7fff

#define MAKER            "Heddle"

/* Structures under construction. */
typedef struct Smbios {
    GByteArray *out;
    unsigned count, longest;
    size_t start; /* of the open structure */
} Smbios;

static void put8(Smbios *s, uint8_t value)
{
    g_byte_array_append(s->out, &value, 1);
}

static void put16(Smbios *s, uint16_t value)
{
    put8(s, value);
    put8(s, value >> 8);
}

static void put32(Smbios *s, uint32_t value)
{
    put16(s, value);
    put16(s, value >> 16);
}

static void put64(Smbios *s, uint64_t value)
{
    put32(s, value);
    put32(s, value >> 32);
}

static void put_many8(Smbios *s, unsigned count, uint8_t value)
{
    for (unsigned i = 0; i < count; i++) {
        put8(s, value);
    }
}

/* Header of a structure: 6.1.2; its length comes at the end. */
static void begin(Smbios *s, uint8_t type, uint16_t handle)
{
    s->start = s->out->len;
    put8(s, type);
    put8(s, 0);
    put16(s, handle);
}

/* Close it with its strings, which are numbered from 1: 6.1.3. */
static void end(Smbios *s, const char *const *strings)
{
    s->out->data[s->start + 1] = s->out->len - s->start;
    if (!strings || !strings[0]) {
        put8(s, 0);
    }
    for (unsigned i = 0; strings && strings[i]; i++) {
        g_byte_array_append(s->out, (const guint8 *)strings[i],
                            strlen(strings[i]) + 1);
    }
    put8(s, 0);
    s->count++;
    s->longest = MAX(s->longest, s->out->len - s->start);
}

static void build_bios(Smbios *s)
{
    static const char *const strings[] = {MAKER, HEDDLE_VERSION, "04/01/2014",
                                          NULL};

    begin(s, 0, HANDLE_BIOS);
    put8(s, 1);       /* vendor */
    put8(s, 2);       /* version */
    put16(s, 0xe800); /* segment of the code */
    put8(s, 3);       /* date */
    put8(s, 0);       /* 64 KiB of ROM */
    put64(s, 0x08);   /* characteristics: not given */
    put8(s, 0);
    put8(s, 0x14);    /* a virtual machine; targeted content distribution */
    put32(s, 0xffff0000); /* releases: 0.0, no embedded controller */
    end(s, strings);
}

static void build_system(Smbios *s, const MachineConfig *config)
{
    static const char *const strings[] = {MAKER, "Standard PC (i440FX + PIIX)",
                                          "pc-i440fx-7.2", NULL};
    const uint8_t *u = config->uuid;

    begin(s, 1, HANDLE_SYSTEM);
    put8(s, 1);
    put8(s, 2);
    put8(s, 3);
    put8(s, 0); /* no serial number */
    if (config->have_uuid) {
        /* 7.2.1: the first three fields are little endian. */
        uint8_t wire[16] = {u[3], u[2], u[1], u[0], u[5], u[4], u[7], u[6],
                            u[8], u[9], u[10], u[11], u[12], u[13], u[14],
                            u[15]};

        g_byte_array_append(s->out, wire, sizeof(wire));
    } else {
        put_many8(s, 16, 0); /* not present */
    }
    put8(s, 6); /* woken by the power switch */
    put8(s, 0);
    put8(s, 0);
    end(s, strings);
}

static void build_chassis(Smbios *s)
{
    static const char *const strings[] = {MAKER, NULL};

    begin(s, 3, HANDLE_CHASSIS);
    put8(s, 1);
    put8(s, 1); /* type: other */
    put8(s, 0);
    put8(s, 0);
    put8(s, 0);
    put8(s, 3); /* states: safe */
    put8(s, 3);
    put8(s, 3);
    put8(s, 2); /* security: unknown */
    put32(s, 0);
    put8(s, 0); /* height, cords, elements: not given */
    put8(s, 0);
    put8(s, 0);
    put8(s, 0);
    put8(s, 0); /* SKU */
    end(s, strings);
}

static void build_cpu(Smbios *s, const MachineConfig *config, unsigned n)
{
    const X86Topology *t = &config->topology;
    unsigned cores = t->dies * t->cores; /* of a socket */
    g_autofree char *socket = g_strdup_printf("CPU %u", n);
    const char *const strings[] = {socket, MAKER, NULL};

    begin(s, 4, HANDLE_CPU + n);
    put8(s, 1);
    put8(s, 3); /* central processor */
    put8(s, 1); /* family: other */
    put8(s, 2);
    put64(s, 0); /* id: ask CPUID */
    put8(s, 0);
    put8(s, 0);     /* voltage, clocks: unknown */
    put16(s, 0);
    put16(s, 2000);
    put16(s, 2000);
    put8(s, 0x41);  /* populated, enabled */
    put8(s, 1);     /* upgrade: other */
    put16(s, 0xffff); /* no cache handles */
    put16(s, 0xffff);
    put16(s, 0xffff);
    put_many8(s, 3, 0);
    put8(s, MIN(cores, 255));
    put8(s, MIN(cores, 255));
    put8(s, MIN(cores * t->threads, 255));
    put16(s, 0x02); /* characteristics: unknown */
    put16(s, 1);    /* family 2 */
    put16(s, cores);
    put16(s, cores);
    put16(s, cores * t->threads);
    end(s, strings);
}

/* Physical memory array: 7.17 */
static void build_array(Smbios *s, uint64_t ram_bytes, unsigned dimms)
{
    uint64_t kib = ram_bytes / KiB;
    bool extended = kib >= 0x80000000u;

    begin(s, 16, HANDLE_ARRAY);
    put8(s, 1); /* location: other */
    put8(s, 3); /* use: system memory */
    put8(s, 6); /* multi-bit ECC */
    put32(s, extended ? 0x80000000u : kib);
    put16(s, HANDLE_NONE);
    put16(s, dimms);
    put64(s, extended ? ram_bytes : 0);
    end(s, NULL);
}

/* Memory device: 7.18 */
static void build_dimm(Smbios *s, unsigned n, uint64_t bytes)
{
    g_autofree char *locator = g_strdup_printf("DIMM %u", n);
    const char *const strings[] = {locator, MAKER, NULL};
    uint64_t mib = bytes / MiB;

    begin(s, 17, HANDLE_DEVICE + n);
    put16(s, HANDLE_ARRAY);
    put16(s, HANDLE_NONE);
    put16(s, 0xffff); /* widths: unknown */
    put16(s, 0xffff);
    put16(s, MIN(mib, SIZE_IS_EXTENDED));
    put8(s, 9); /* DIMM */
    put8(s, 0); /* in no set */
    put8(s, 1);
    put8(s, 0);
    put8(s, 7); /* RAM */
    put16(s, 2);
    put16(s, 0);
    put8(s, 2); /* maker */
    put8(s, 0);
    put8(s, 0);
    put8(s, 0);
    put8(s, 0); /* rank: unknown */
    put32(s, mib >= SIZE_IS_EXTENDED ? mib : 0);
    put16(s, 0); /* speed and voltages: unknown */
    put16(s, 0);
    put16(s, 0);
    put16(s, 0);
    end(s, strings);
}

/* Memory array mapped address: 7.20.  Ends are inclusive, in KiB. */
static void build_mapped(Smbios *s, unsigned n, uint64_t start, uint64_t bytes)
{
    bool extended = (start + bytes) / KiB > UINT32_MAX;

    begin(s, 19, HANDLE_MAPPED + n);
    put32(s, extended ? UINT32_MAX : start / KiB);
    put32(s, extended ? UINT32_MAX : (start + bytes) / KiB - 1);
    put16(s, HANDLE_ARRAY);
    put8(s, 1); /* devices form a row */
    put64(s, extended ? start : 0);
    put64(s, extended ? start + bytes - 1 : 0);
    end(s, NULL);
}

static void build_memory(Smbios *s, uint64_t ram_bytes)
{
    uint64_t below = i440fx_ram_below_4g(ram_bytes);
    unsigned dimms = (ram_bytes + DIMM_BYTES - 1) / DIMM_BYTES;

    build_array(s, ram_bytes, dimms);
    for (unsigned i = 0; i < dimms; i++) {
        build_dimm(s, i, MIN(DIMM_BYTES, ram_bytes - i * DIMM_BYTES));
    }
    build_mapped(s, 0, 0, below);
    if (ram_bytes > below) {
        build_mapped(s, 1, 4 * GiB, ram_bytes - below);
    }
}

/* System boot information: 7.33; end of table: 7.45 */
static void build_tail(Smbios *s)
{
    begin(s, 32, HANDLE_BOOT);
    put_many8(s, 6, 0);
    put8(s, 0); /* no errors */
    end(s, NULL);
    begin(s, 127, HANDLE_END);
    end(s, NULL);
}

static void build_anchor(uint8_t anchor[ANCHOR_BYTES], const Smbios *s)
{
    memset(anchor, 0, ANCHOR_BYTES);
    memcpy(anchor, "_SM_", 4);
    anchor[5] = ANCHOR_BYTES;
    anchor[6] = 2; /* version 2.8 */
    anchor[7] = 8;
    put_le16(anchor + 8, s->longest);
    memcpy(anchor + 16, "_DMI_", 5);
    put_le16(anchor + 22, s->out->len);
    put_le16(anchor + 28, s->count);
    anchor[30] = 0x28; /* BCD revision */
    anchor[21] = checksum8(anchor + 16, 15);
    anchor[4] = checksum8(anchor, ANCHOR_BYTES);
}

bool smbios_build(FwCfgState *fw, const MachineConfig *config, GError **errp)
{
    Smbios s = {.out = g_byte_array_new()};
    uint8_t anchor[ANCHOR_BYTES];
    bool ok;

    build_bios(&s);
    build_system(&s, config);
    build_chassis(&s);
    for (unsigned i = 0; i < config->topology.sockets; i++) {
        build_cpu(&s, config, i);
    }
    build_memory(&s, config->ram_bytes);
    build_tail(&s);
    build_anchor(anchor, &s);
    ok = fw_cfg_add_file(fw, "etc/smbios/smbios-tables", s.out->data,
                         s.out->len, errp) &&
         fw_cfg_add_file(fw, "etc/smbios/smbios-anchor", anchor,
                         sizeof(anchor), errp);
    g_byte_array_unref(s.out);
    return ok;
}
