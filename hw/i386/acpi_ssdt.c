/* SPDX-License-Identifier: MIT */
/*
 * The SSDT: the processors, in AML.
 *
 * Source: ACPI 6.4, chapter 20 "ACPI Machine Language (AML) Specification".
 */
#include <string.h>

#include "hw/i386/acpi_tables.h"

#define AML_NAME_OP      0x08
#define AML_DWORD_PREFIX 0x0c
#define AML_STRING       0x0d
#define AML_SCOPE_OP     0x10
#define AML_EXT_PREFIX   0x5b
#define AML_DEVICE_OP    0x82
#define AML_ROOT_CHAR    0x5c

#define PROCESSOR_HID    "ACPI0007"

static void put_name_seg(GByteArray *out, const char *seg)
{
    g_assert(strlen(seg) == 4);
    g_byte_array_append(out, (const guint8 *)seg, 4);
}

/* Length of what follows, itself included: 20.2.4 "Package Length Encoding".
 * The first byte holds the count of the others and the low four bits. */
static void put_pkg_length(GByteArray *out, unsigned body)
{
    unsigned extra = body + 1 < 0x40 ? 0 : body + 2 < 0x1000 ? 1 : 2;
    unsigned len = body + 1 + extra;

    if (extra == 0) {
        acpi_put8(out, len);
        return;
    }
    acpi_put8(out, extra << 6 | (len & 0xf));
    for (unsigned i = 0; i < extra; i++) {
        acpi_put8(out, len >> (4 + 8 * i));
    }
}

static void put_dword_name(GByteArray *out, const char *seg, uint32_t value)
{
    acpi_put8(out, AML_NAME_OP);
    put_name_seg(out, seg);
    acpi_put8(out, AML_DWORD_PREFIX);
    acpi_put32(out, value);
}

/* Device (Cnnn) { Name (_HID, "ACPI0007") Name (_UID, n) } */
static void put_processor(GByteArray *out, unsigned index)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    char name[5];

    g_snprintf(name, sizeof(name), "C%03X", index & 0xfff);
    put_name_seg(body, name);
    acpi_put8(body, AML_NAME_OP);
    put_name_seg(body, "_HID");
    acpi_put8(body, AML_STRING);
    g_byte_array_append(body, (const guint8 *)PROCESSOR_HID,
                        sizeof(PROCESSOR_HID));
    put_dword_name(body, "_UID", index);
    acpi_put8(out, AML_EXT_PREFIX);
    acpi_put8(out, AML_DEVICE_OP);
    put_pkg_length(out, body->len);
    g_byte_array_append(out, body->data, body->len);
}

uint32_t acpi_build_ssdt(AcpiBlob *blob, const AcpiConfig *config)
{
    g_autoptr(GByteArray) scope = g_byte_array_new();
    GByteArray *out = blob->tables;
    uint32_t table = acpi_begin(blob, "SSDT", 1);

    acpi_put8(scope, AML_ROOT_CHAR);
    put_name_seg(scope, "_SB_");
    for (unsigned i = 0; i < config->cpus; i++) {
        put_processor(scope, i);
    }
    acpi_put8(out, AML_SCOPE_OP);
    put_pkg_length(out, scope->len);
    g_byte_array_append(out, scope->data, scope->len);
    acpi_end(blob, table);
    return table;
}
