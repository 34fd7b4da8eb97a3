/* SPDX-License-Identifier: MIT */
/* The table of command-line options; its order is that of -help. */
#include "system/launch.h"

#include <string.h>

#include "gdbstub/gdbstub.h"
#include "system/cmdline_info.h"
#include "system/sandbox.h"

#define OPT(name, arg, help, handler) {name, arg, help, handler, 0}
#define OPT_FIELD(name, arg, help, handler, field) \
    {name, arg, help, handler, offsetof(Launch, field)}
#define HEADING(text) {NULL, NULL, text, NULL, 0}

const Option option_table[] = {
    HEADING("Standard options:"),
    OPT("h", NULL, "display this help and exit", opt_help),
    OPT("help", NULL, "display this help and exit", opt_help),
    OPT("version", NULL, "display version information and exit", opt_version),
    OPT("machine", "[type=]name[,prop[=value][,...]]",
        "select the machine type (-machine help for a list); accel=, usb=",
        opt_machine),
    OPT("M", "[type=]name[,prop[=value][,...]]", "as -machine", opt_machine),
    OPT("cpu", "cpu", "select CPU model (-cpu help for a list)", opt_cpu),
    OPT_FIELD("accel", "[accel=]accelerator[,prop[=value][,...]]",
              "select accelerator (-accel help for a list)", opt_accel,
              accels),
    OPT("icount", "[shift=]N|auto[,sleep=on|off]",
        "guest time by instructions, 2^N ns each", opt_icount),
    OPT("smp",
        "[[cpus=]n][,maxcpus=maxcpus][,sockets=sockets][,cores=cores]"
        "[,threads=threads][,dies=dies]",
        "number of vCPUs, and how the guest sees them arranged", opt_smp),
    OPT("m", "[size=]megs", "size of guest RAM, 128 MiB by default",
        opt_memory),
    OPT("boot",
        "[order=drives][,menu=on|off][,splash-time=ms][,strict=on|off]",
        "drives: hard disk (c), CD-ROM (d), network (n)", opt_boot),
    OPT("name", "[guest=]string", "name of the guest", opt_name),
    OPT("uuid", "%08x-%04x-%04x-%04x-%012x", "machine UUID", opt_uuid),
    OPT("rtc", "[base=utc|localtime|<datetime>][,clock=host|rt|vm]",
        "start and source of the real-time clock", opt_rtc),
    OPT_FIELD("object", "[qom-type=]type,id=id[,prop=value][,...]",
              "make an object: a secret, or memory", opt_keep, objects),
    OPT_FIELD("nodefaults", NULL, "do not create default devices", opt_flag,
              no_defaults),
    OPT("no-user-config", NULL, "accepted: there is no user configuration",
        opt_ignored),
    OPT("readconfig", "file", "read options from a configuration file",
        opt_readconfig),

    HEADING("Devices and disks:"),
    OPT_FIELD("device", "driver[,prop[=value][,...]]",
              "add device (-device help and -device driver,help for lists)",
              opt_device, devices),
    OPT_FIELD("drive",
              "[file=file][,if=type][,id=name][,index=i][,media=disk|cdrom]"
              "[,format=raw][,snapshot=on|off][,readonly=on|off][,cache=mode]",
              "use 'file' as a drive image", opt_keep, drives),
    OPT("hda", "file", "use 'file' as hard disk 0 image", opt_hd),
    OPT("hdb", "file", "use 'file' as hard disk 1 image", opt_hd),
    OPT("hdc", "file", "use 'file' as hard disk 2 image", opt_hd),
    OPT("hdd", "file", "use 'file' as hard disk 3 image", opt_hd),
    OPT("cdrom", "file", "use 'file' as CD-ROM image", opt_cdrom),
    OPT_FIELD("snapshot", NULL, "write to temporary files instead of images",
              opt_flag, snapshot),

    HEADING("Linux boot and firmware:"),
    OPT_FIELD("kernel", "bzImage", "use 'bzImage' as kernel image",
              opt_string, machine.kernel),
    OPT_FIELD("append", "cmdline", "use 'cmdline' as kernel command line",
              opt_string, machine.append),
    OPT_FIELD("initrd", "file", "use 'file' as initial ram disk", opt_string,
              machine.initrd),
    OPT_FIELD("bios", "file", "firmware image, bios-256k.bin by default",
              opt_string, machine.bios),
    OPT("L", "path", "a directory of firmware (-L help for the list)",
        opt_bios_dir),

    HEADING("Character devices and monitors:"),
    OPT_FIELD("chardev", "backend,id=id[,mux=on|off][,options]",
              "add a character back-end (-chardev help for a list)",
              opt_chardev, chardevs),
    OPT_FIELD("serial", "dev", "redirect the next serial port to 'dev'",
              opt_keep, serials),
    OPT("parallel", "none", "accepted: there is no parallel port",
        opt_parallel),
    OPT_FIELD("monitor", "dev", "redirect the monitor to 'dev'", opt_keep,
              monitors),
    OPT_FIELD("qmp", "dev", "as -monitor, in 'control' mode", opt_keep,
              monitors),
    OPT_FIELD("qmp-pretty", "dev", "as -qmp, with indented JSON", opt_keep,
              monitors),
    OPT_FIELD("mon", "[chardev=]name[,mode=readline|control][,pretty=on|off]",
              "a monitor on the back-end 'name'", opt_keep, monitors),
    OPT_FIELD("debugcon", "dev", "redirect the debug console to 'dev'",
              opt_keep, debugcons),
    OPT("nographic", NULL,
        "no display: first serial port and monitor share the terminal",
        opt_nographic),
    OPT("display", "none", "what shows the guest's screen", opt_display),
    OPT("vga", "none|std", "accepted: there is no display adapter", opt_vga),
    OPT("vnc", "none", "accepted: there is no VNC server", opt_vnc),

    HEADING("Running and debugging:"),
    OPT_FIELD("S", NULL, "freeze CPU at startup (use 'c' to start execution)",
              opt_flag, start_stopped),
    OPT_FIELD("gdb", "dev", "accept a GDB connection on 'dev' ('none': do not)",
              opt_string, gdb),
    OPT("s", NULL, "shorthand for -gdb " GDBSERVER_DEFAULT, opt_gdb_default),
    OPT("no-reboot", NULL, "exit instead of rebooting", opt_no_reboot),
    OPT("no-shutdown", NULL, "stop before shutdown", opt_no_shutdown),
    OPT("action",
        "reboot=reset|shutdown,shutdown=poweroff|pause,"
        "panic=pause|shutdown|exit-failure|none",
        "what a reboot, a shutdown and a panic of the guest do", opt_action),
    OPT_FIELD("d", "item1,...", "log these items (-d help for a list)",
              opt_log, log_items),
    OPT_FIELD("D", "logfile", "write the log to 'logfile', not stderr",
              opt_string, log_file),
    OPT_FIELD("dfilter", "range,...", "log only for these addresses",
              opt_string, log_filter),
    OPT_FIELD("pidfile", "file", "write the process id to 'file'",
              opt_string, pidfile),
    OPT_FIELD("daemonize", NULL, "run in the background once all is set up",
              opt_flag, daemonize),
    OPT("run-with", "[async-teardown=off][,chroot=dir][,user=name|uid:gid]",
        "change root directory and user once all is set up", opt_run_with),
    OPT("chroot", "dir", "as -run-with chroot=dir", opt_chroot),
    OPT("runas", "user", "as -run-with user=user", opt_runas),
#ifdef CONFIG_SECCOMP
    OPT("sandbox",
        "on|off[,obsolete=allow|deny][,elevateprivileges=allow|deny|children]"
        "[,spawn=allow|deny][,resourcecontrol=allow|deny]",
        "filter system calls that are not needed once all is set up",
        opt_sandbox),
#endif
};

const unsigned option_count = ARRAY_LEN(option_table);

const Option *option_find(const char *name)
{
    for (unsigned i = 0; i < option_count; i++) {
        if (option_table[i].name && strcmp(option_table[i].name, name) == 0) {
            return &option_table[i];
        }
    }
    return NULL;
}

/* Headings have no name and are passed over. */
const char *cmdline_option_at(unsigned index, const char **usage)
{
    for (unsigned i = 0; i < option_count; i++) {
        if (option_table[i].name && index-- == 0) {
            *usage = option_table[i].arg;
            return option_table[i].name;
        }
    }
    return NULL;
}
