/* SPDX-License-Identifier: MIT */
/*
 * A machine type is a function that wires devices; what the command line says
 * about the machine reaches it in one struct.
 */
#ifndef HEDDLE_SYSTEM_MACHINE_H
#define HEDDLE_SYSTEM_MACHINE_H

#include "target/i386/topology.h"
#include "util/common.h"
#include "util/keyval.h"

#define SERIAL_PORTS 4

struct Chardev;

typedef struct MachineConfig {
    uint64_t ram_bytes;
    const char *ram_id;   /* of -machine memory-backend=, or NULL */
    void *ram_host;       /* its memory */
    unsigned cpus;        /* 1 to the type's max_cpus */
    X86Topology topology; /* its product is max_cpus */
    unsigned max_cpus;
    const char *cpu_model;             /* "max,+feat,..." */
    const char *bios;                  /* file name, or NULL for the default */
    const char *kernel, *initrd, *append;
    const char *boot_order;            /* "cd", or NULL */
    bool boot_menu, boot_strict;
    uint32_t boot_splash_ms;
    struct Chardev *serial[SERIAL_PORTS]; /* NULL: no port */
    struct Chardev *debugcon;
    bool no_defaults;
    /* -rtc */
    bool rtc_localtime;
    bool rtc_clock_vm;                 /* follows the virtual clock */
    bool rtc_has_base;                 /* base= is a date: */
    int64_t rtc_base_s;                /* in seconds from 1970 */
    uint8_t uuid[16];
    bool have_uuid;
    const char *name;
    KeyVal *machine_opts;              /* what is left of -machine */
} MachineConfig;

typedef struct MachineType {
    const char *name, *alias, *desc;
    unsigned max_cpus;
    bool is_default;
    bool (*init)(const MachineConfig *config, GError **errp);
} MachineType;

const MachineType *machine_type_find(const char *name); /* by alias too */
const MachineType *machine_type_at(unsigned index);     /* NULL past the last */
extern const MachineType pc_machine_type; /* hw/i386/pc.c */
extern const MachineConfig *machine_config; /* the one of this process */
extern const MachineType *machine_type;

/* Full name of a firmware file: as it stands, in each -L directory, in the
 * usual places of Debian's seabios package.  NULL when there is none. */
char *firmware_find(const char *name);
void firmware_add_dir(const char *dir);
/* Print the directories searched, for `-L help`. */
void firmware_print_dirs(GString *out);

#endif
