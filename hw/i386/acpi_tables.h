/* SPDX-License-Identifier: MIT */
/*
 * A blob of ACPI tables under construction, with the commands by which the
 * firmware links it: addresses are not known before it has placed the blob.
 */
#ifndef HEDDLE_HW_I386_ACPI_TABLES_H
#define HEDDLE_HW_I386_ACPI_TABLES_H

#include "hw/i386/acpi.h"

#define ACPI_TABLES_FILE "etc/acpi/tables"
#define ACPI_RSDP_FILE   "etc/acpi/rsdp"
#define ACPI_LOADER_FILE "etc/table-loader"

typedef struct AcpiBlob {
    GByteArray *tables;
    GByteArray *rsdp;
    GByteArray *commands;
} AcpiBlob;

void acpi_put8(GByteArray *out, uint8_t value);
void acpi_put16(GByteArray *out, uint16_t value);
void acpi_put32(GByteArray *out, uint32_t value);
void acpi_put64(GByteArray *out, uint64_t value);
void acpi_put_zeros(GByteArray *out, unsigned len);
/* Generic Address Structure: 5.2.3.2; @space 0 memory, 1 I/O. */
void acpi_put_gas(GByteArray *out, uint8_t space, uint8_t bits, uint64_t addr);

/* Begin a table: its header; returns the offset for the others. */
uint32_t acpi_begin(AcpiBlob *blob, const char *signature, uint8_t revision);
/* End it: its length, and a command for its checksum.  Comes after the
 * table's pointers. */
void acpi_end(AcpiBlob *blob, uint32_t table);
/* Append a pointer of @size bytes to offset @target of the tables. */
void acpi_put_pointer(AcpiBlob *blob, uint32_t target, uint8_t size);

/* Commands of the loader. */
void acpi_cmd_allocate(AcpiBlob *blob, const char *file, uint32_t align,
                       bool low);
void acpi_cmd_pointer(AcpiBlob *blob, const char *file, const char *target,
                      uint32_t offset, uint8_t size);
void acpi_cmd_checksum(AcpiBlob *blob, const char *file, uint32_t offset,
                       uint32_t start, uint32_t len);

/* The SSDT: a device for each processor.  Returns its offset. */
uint32_t acpi_build_ssdt(AcpiBlob *blob, const AcpiConfig *config);

#endif
