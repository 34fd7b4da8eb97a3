/* SPDX-License-Identifier: MIT */
/*
 * Bytes, headers and linker commands of ACPI tables.
 *
 * Source: ACPI 6.4, 5.2.6 "System Description Table Header"; the firmware
 * interface's public specification for the file "etc/table-loader".
 */
#include "hw/i386/acpi_tables.h"

#include <string.h>

#include "util/bytes.h"

#define HEADER_LENGTH_AT   4
#define HEADER_CHECKSUM_AT 9
#define OEM_ID             "HEDDLE" /* six characters */
#define OEM_REVISION       1
#define CREATOR_ID         "HEDL"
#define CREATOR_REVISION   1

/* A command: its number, then arguments, in 128 bytes. */
#define CMD_BYTES          128
#define CMD_ALLOCATE       1
#define CMD_ADD_POINTER    2
#define CMD_ADD_CHECKSUM   3
#define CMD_ARGS           4
#define ZONE_HIGH          1
#define ZONE_FSEG          2

/* --- bytes --- */

void acpi_put8(GByteArray *out, uint8_t value)
{
    g_byte_array_append(out, &value, 1);
}

void acpi_put16(GByteArray *out, uint16_t value)
{
    uint8_t bytes[2];

    put_le16(bytes, value);
    g_byte_array_append(out, bytes, sizeof(bytes));
}

void acpi_put32(GByteArray *out, uint32_t value)
{
    uint8_t bytes[4];

    put_le32(bytes, value);
    g_byte_array_append(out, bytes, sizeof(bytes));
}

void acpi_put64(GByteArray *out, uint64_t value)
{
    uint8_t bytes[8];

    put_le64(bytes, value);
    g_byte_array_append(out, bytes, sizeof(bytes));
}

void acpi_put_zeros(GByteArray *out, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        acpi_put8(out, 0);
    }
}

void acpi_put_gas(GByteArray *out, uint8_t space, uint8_t bits, uint64_t addr)
{
    acpi_put8(out, space);
    acpi_put8(out, bits);
    acpi_put8(out, 0); /* bit offset */
    acpi_put8(out, 0); /* access size: any */
    acpi_put64(out, addr);
}

/* --- tables --- */

uint32_t acpi_begin(AcpiBlob *blob, const char *signature, uint8_t revision)
{
    GByteArray *out = blob->tables;
    uint32_t table;

    acpi_put_zeros(out, -out->len & 7);
    table = out->len;
    g_byte_array_append(out, (const guint8 *)signature, 4);
    acpi_put32(out, 0); /* length: at the end */
    acpi_put8(out, revision);
    acpi_put8(out, 0); /* checksum: by the firmware */
    g_byte_array_append(out, (const guint8 *)OEM_ID, 6);
    g_byte_array_append(out, (const guint8 *)"HEDL", 4); /* OEM table id */
    g_byte_array_append(out, (const guint8 *)signature, 4);
    acpi_put32(out, OEM_REVISION);
    g_byte_array_append(out, (const guint8 *)CREATOR_ID, 4);
    acpi_put32(out, CREATOR_REVISION);
    return table;
}

void acpi_end(AcpiBlob *blob, uint32_t table)
{
    uint32_t len = blob->tables->len - table;

    put_le32(blob->tables->data + table + HEADER_LENGTH_AT, len);
    acpi_cmd_checksum(blob, ACPI_TABLES_FILE, table + HEADER_CHECKSUM_AT,
                      table, len);
}

/* The loader adds the file's address to what stands there. */
void acpi_put_pointer(AcpiBlob *blob, uint32_t target, uint8_t size)
{
    acpi_cmd_pointer(blob, ACPI_TABLES_FILE, ACPI_TABLES_FILE,
                     blob->tables->len, size);
    if (size == 8) {
        acpi_put64(blob->tables, target);
    } else {
        acpi_put32(blob->tables, target);
    }
}

/* --- commands --- */

static uint8_t *put_name(uint8_t *at, const char *file)
{
    memcpy(at, file, strlen(file)); /* the rest is zero */
    return at + FW_CFG_NAME_BYTES;
}

void acpi_cmd_allocate(AcpiBlob *blob, const char *file, uint32_t align,
                       bool low)
{
    uint8_t cmd[CMD_BYTES] = {CMD_ALLOCATE};
    uint8_t *arg = put_name(cmd + CMD_ARGS, file);

    put_le32(arg, align);
    arg[4] = low ? ZONE_FSEG : ZONE_HIGH;
    g_byte_array_append(blob->commands, cmd, sizeof(cmd));
}

void acpi_cmd_pointer(AcpiBlob *blob, const char *file, const char *target,
                      uint32_t offset, uint8_t size)
{
    uint8_t cmd[CMD_BYTES] = {CMD_ADD_POINTER};
    uint8_t *arg = put_name(put_name(cmd + CMD_ARGS, file), target);

    put_le32(arg, offset);
    arg[4] = size;
    g_byte_array_append(blob->commands, cmd, sizeof(cmd));
}

void acpi_cmd_checksum(AcpiBlob *blob, const char *file, uint32_t offset,
                       uint32_t start, uint32_t len)
{
    uint8_t cmd[CMD_BYTES] = {CMD_ADD_CHECKSUM};
    uint8_t *arg = put_name(cmd + CMD_ARGS, file);

    put_le32(arg, offset);
    put_le32(arg + 4, start);
    put_le32(arg + 8, len);
    g_byte_array_append(blob->commands, cmd, sizeof(cmd));
}
