# SPDX-License-Identifier: MIT
"""What monitors must have, and one call or more of each command."""

COMMANDS = """
qmp_capabilities query-version query-name query-uuid query-status
query-cpus-fast query-hotpluggable-cpus query-machines query-current-machine
query-target query-kvm query-cpu-definitions query-cpu-model-expansion
query-command-line-options query-chardev query-chardev-backends query-block
query-blockstats query-named-block-nodes query-block-jobs query-jobs query-pci
query-memory-size-summary query-memory-devices query-balloon query-rx-filter
query-iothreads query-mice query-tpm-models query-tpm-types query-migrate
query-migrate-capabilities query-events stop cont quit system_reset
system_powerdown system_wakeup inject-nmi send-key device_add device_del
device-list-properties qom-list qom-list-types qom-list-properties qom-get
qom-set object-add object-del netdev_add netdev_del set_link chardev-add
chardev-remove blockdev-add blockdev-del blockdev-snapshot-sync block_resize
eject blockdev-change-medium balloon memsave pmemsave dump-guest-memory
human-monitor-command watchdog-set-action getfd add-fd remove-fd
trace-event-set-state query-qmp-schema query-commands
""".split()

# Others belong to devices that there are none of.
EVENTS = ("SHUTDOWN POWERDOWN RESET STOP RESUME DEVICE_DELETED "
          "BLOCK_IO_ERROR GUEST_PANICKED GUEST_CRASHLOADED RTC_CHANGE "
          "DUMP_COMPLETED").split()

# Arguments that are not those of the other schema, and why.
LOOSE_ARGUMENTS = {
    # The other one dropped it.
    ("query-events", ""),
    # No providers of statistics: their filter takes anything.
    ("query-stats", "providers"), ("query-stats", "vcpus"),
}


def anything(_):
    return True


def nothing(reply):
    return reply in ({}, [])


def holds(**members):
    return lambda reply: all(reply.get(k) == v for k, v in members.items())


def one_of(key, value):
    """A list with an object whose member @key is @value."""
    return lambda reply: any(e.get(key) == value for e in reply)


GENERIC, NOT_FOUND, NOT_ACTIVE = ("GenericError", "DeviceNotFound",
                                  "DeviceNotActive")
CPU0 = "/machine/unattached/device[0]"

# Command, arguments, and the class of the error or a test of the answer.  In
# order: later ones use what earlier ones made.
CALLS = [
    ("qmp_capabilities", {}, "CommandNotFound"),
    ("query-version", {}, lambda r: r["qemu"]["major"] >= 5),
    ("query-version", {"x": 1}, GENERIC),
    ("query-commands", {}, one_of("name", "qmp_capabilities")),
    ("query-events", {}, one_of("name", "STOP")),
    ("query-qmp-schema", {}, one_of("meta-type", "event")),
    ("query-command-line-options", {}, one_of("option", "chardev")),
    ("query-command-line-options", {"option": "boot-opts"},
     lambda r: len(r) == 1 and one_of("name", "strict")(r[0]["parameters"])),
    ("query-command-line-options", {"option": "nope"}, GENERIC),
    ("query-status", {}, holds(status="running", running=True)),
    ("query-name", {}, holds(name="test")),
    ("query-uuid", {}, lambda r: len(r["UUID"]) == 36),
    ("query-target", {}, holds(arch="x86_64")),
    ("query-kvm", {}, holds(enabled=False)),
    ("query-machines", {}, one_of("alias", "pc")),
    ("query-current-machine", {}, anything),
    ("query-memory-size-summary", {}, holds(**{"base-memory": 64 << 20})),
    ("query-cpus-fast", {},
     lambda r: len({c["thread-id"] for c in r}) == 2),
    ("query-hotpluggable-cpus", {}, lambda r: len(r) == 2),
    ("query-cpu-definitions", {}, one_of("name", "qemu64")),
    ("query-cpu-model-expansion",
     {"type": "full", "model": {"name": "qemu64", "props": {"avx": False}}},
     lambda r: r["model"]["props"]["sse2"] is True),
    ("query-cpu-model-expansion", {"type": "static", "model": {"name": "x"}},
     GENERIC),
    ("query-cpu-model-expansion",
     {"type": "full", "model": {"name": "qemu64", "props": {"nope": True}}},
     GENERIC),
    ("qom-list", {"path": "/machine"}, one_of("name", "unattached")),
    ("qom-list", {"path": CPU0}, one_of("type", "bool")),
    ("qom-list", {"path": "/nope"}, NOT_FOUND),
    ("qom-get", {"path": CPU0, "property": "realized"}, lambda r: r is True),
    ("qom-get", {"path": CPU0, "property": "nope"}, GENERIC),
    ("qom-set", {"path": CPU0, "property": "sse2", "value": False}, GENERIC),
    ("qom-list-types", {}, one_of("name", "tcg-accel")),
    ("qom-list-types", {"implements": "machine", "abstract": True},
     one_of("name", "none-machine")),
    ("qom-list-properties", {"typename": "memory-backend-file"},
     one_of("name", "mem-path")),
    ("qom-list-properties", {"typename": "nope"}, NOT_FOUND),
    ("device-list-properties", {"typename": "virtio-blk-pci"},
     one_of("name", "drive")),
    ("device-list-properties", {"typename": "nope"}, NOT_FOUND),
    ("device-list-properties", {"typename": "machine"}, GENERIC),
    ("object-add", {"qom-type": "secret", "id": "s", "data": "x"}, nothing),
    ("object-add", {"qom-type": "secret", "id": "s", "data": "x"}, GENERIC),
    ("object-add", {"qom-type": "secret", "id": "t"}, GENERIC),
    ("object-add", {"qom-type": "memory-backend-ram", "id": "m",
                    "size": 65536}, nothing),
    ("object-add", {"qom-type": "memory-backend-file", "id": "f",
                    "size": 65536, "mem-path": "@ram"}, nothing),
    ("object-add", {"qom-type": "memory-backend-memfd", "id": "g",
                    "size": 65536}, nothing),
    ("qom-get", {"path": "/objects/s", "property": "data"},
     lambda r: r == "x"),
    ("qom-get", {"path": "/objects/m", "property": "size"},
     lambda r: r == 65536),
    ("object-add", {"qom-type": "iothread", "id": "io", "poll-max-ns": 7},
     nothing),
    ("object-add", {"qom-type": "iothread", "id": "t2", "poll-grow": -1},
     GENERIC),
    ("qom-get", {"path": "/objects/io", "property": "poll-max-ns"},
     lambda r: r == 7),
    ("object-del", {"id": "s"}, nothing),
    ("object-del", {"id": "s"}, GENERIC),
    ("query-pci", {}, lambda r: len(r[0]["devices"]) >= 3),
    ("query-mice", {}, lambda r: len(r) == 1),
    ("query-chardev", {}, one_of("label", "ring")),
    ("query-chardev-backends", {}, one_of("name", "socket")),
    ("chardev-add", {"id": "c", "backend": {"type": "null", "data": {}}},
     nothing),
    ("chardev-add", {"id": "c", "backend": {"type": "null", "data": {}}},
     GENERIC),
    ("chardev-add", {"id": "d", "backend": {"type": "file", "data": {}}},
     GENERIC),
    ("chardev-add", {"id": "p", "backend": {"type": "pty", "data": {}}},
     lambda r: r["pty"].startswith("/dev/pts/")),
    ("chardev-add", {"id": "k", "backend": {"type": "socket", "data": {
        "addr": {"type": "unix", "data": {"path": "@k"}}}}}, nothing),
    ("chardev-add", {"id": "w", "backend": {"type": "socket", "data": {
        "wait": True, "addr": {"type": "unix", "data": {"path": "@w"}}}}},
     GENERIC),
    ("query-yank", {}, one_of("id", "k")),
    ("yank", {"instances": [{"type": "chardev", "id": "k"}]}, nothing),
    ("yank", {"instances": [{"type": "chardev", "id": "c"}]}, NOT_FOUND),
    ("chardev-remove", {"id": "k"}, nothing),
    ("chardev-remove", {"id": "k"}, GENERIC),
    ("chardev-remove", {"id": "compat_monitor0"}, GENERIC),
    ("ringbuf-write", {"device": "ring", "data": "abc"}, nothing),
    ("ringbuf-read", {"device": "ring", "size": 9}, lambda r: r == "abc"),
    ("ringbuf-read", {"device": "ring", "size": 9, "format": "x"}, GENERIC),
    ("stop", {}, nothing),
    ("query-status", {}, holds(status="paused", running=False)),
    ("cont", {}, nothing),
    ("blockdev-add", {"driver": "raw", "node-name": "n", "file": {
        "driver": "file", "filename": "@image"}}, nothing),
    ("blockdev-add", {"driver": "nope", "node-name": "n"}, GENERIC),
    ("blockdev-add", {"driver": "file", "node-name": "n",
                      "filename": "@image"}, GENERIC),
    ("query-block", {}, one_of("device", "n")),
    ("query-blockstats", {}, one_of("node-name", "n")),
    ("query-named-block-nodes", {"flat": True}, one_of("node-name", "n")),
    ("block_resize", {"node-name": "n", "size": 1}, GENERIC),
    ("block_resize", {"device": "x", "size": 1}, GENERIC),
    ("blockdev-snapshot-sync", {"device": "n", "snapshot-file": "x"}, GENERIC),
    ("eject", {"device": "n"}, GENERIC),
    ("eject", {"id": "x"}, NOT_FOUND),
    ("blockdev-change-medium", {"id": "x", "filename": "y"}, NOT_FOUND),
    ("device_add", {"driver": "nope"}, GENERIC),
    ("device_add", {"driver": "virtio-blk-pci", "nope": 1}, GENERIC),
    ("device_add", {"driver": "virtio-blk-pci", "drive": "n", "id": "vd"},
     nothing),
    ("qom-list", {"path": "/machine/peripheral"}, one_of("name", "vd")),
    ("blockdev-del", {"node-name": "n"}, GENERIC),
    ("device_add", {"driver": "isa-debug-exit"}, GENERIC),
    ("device_del", {"id": "port"}, GENERIC),
    ("device_del", {"id": "vd"}, nothing),
    ("device_del", {"id": "vd"}, GENERIC),
    ("device_del", {"id": "nope"}, NOT_FOUND),
    ("blockdev-del", {"node-name": "x"}, GENERIC),
    ("query-block-jobs", {}, nothing),
    ("query-jobs", {}, nothing),
    ("query-memory-devices", {}, nothing),
    ("query-iothreads", {}, one_of("id", "io")),
    ("query-tpm-models", {}, nothing),
    ("query-tpm-types", {}, nothing),
    ("query-rx-filter", {}, nothing),
    ("query-rx-filter", {"name": "x"}, GENERIC),
    ("query-stats", {"target": "vm"}, nothing),
    ("query-stats-schemas", {}, nothing),
    ("query-balloon", {}, NOT_ACTIVE),
    ("balloon", {"value": 1}, NOT_ACTIVE),
    ("query-migrate", {}, nothing),
    ("query-migrate-capabilities", {}, one_of("capability", "events")),
    ("migrate-set-capabilities",
     {"capabilities": [{"capability": "events", "state": True}]}, nothing),
    ("netdev_add", {"type": "user", "id": "x"}, GENERIC),
    ("netdev_del", {"id": "x"}, NOT_FOUND),
    ("set_link", {"name": "x", "up": True}, NOT_FOUND),
    ("watchdog-set-action", {"action": "pause"}, nothing),
    ("watchdog-set-action", {"action": "x"}, GENERIC),
    ("trace-event-set-state", {"name": "x", "enable": True}, GENERIC),
    ("trace-event-set-state", {"name": "x*", "enable": True}, nothing),
    ("trace-event-get-state", {"name": "*"}, nothing),
    ("inject-nmi", {}, nothing),
    ("send-key", {"keys": [{"type": "qcode", "data": "ctrl"},
                           {"type": "number", "data": 0x1e}]}, nothing),
    ("send-key", {"keys": [{"type": "qcode", "data": "nope"}]}, GENERIC),
    ("send-key", {"keys": [{"type": "qcode"}]}, GENERIC),
    ("system_wakeup", {}, GENERIC),
    ("memsave", {"val": 0, "size": 16, "filename": "@m"}, nothing),
    ("memsave", {"val": 0, "size": 16, "filename": "@m", "cpu-index": 9},
     GENERIC),
    ("memsave", {"val": "0", "size": 16, "filename": "@m"}, GENERIC),
    ("pmemsave", {"val": 0, "size": 16, "filename": "@m"}, nothing),
    ("pmemsave", {"val": 0, "size": 16, "filename": "/missing/m"}, GENERIC),
    ("dump-guest-memory", {"paging": True, "protocol": "file:@d"}, nothing),
    ("dump-guest-memory", {"paging": False, "protocol": "nope:"}, GENERIC),
    ("dump-guest-memory", {"paging": False, "protocol": "file:@d",
                           "begin": 0}, GENERIC),
    ("query-dump", {}, holds(status="completed")),
    ("query-dump-guest-memory-capability", {}, holds(formats=["elf"])),
    ("getfd", {"fdname": "x"}, GENERIC),
    ("closefd", {"fdname": "x"}, GENERIC),
    ("add-fd", {}, GENERIC),
    ("remove-fd", {"fdset-id": 1}, GENERIC),
    ("query-fdsets", {}, nothing),
    ("human-monitor-command", {"command-line": "info name"},
     lambda r: r == "test\r\n"),
    ("human-monitor-command", {"command-line": "x", "cpu-index": 9}, GENERIC),
    ("system_powerdown", {}, nothing),
    ("system_reset", {}, nothing),
    ("query-status", {}, anything),
    ("quit", {}, nothing),
]


def says(text):
    return lambda reply: text in reply


def silent(reply):
    return reply == ""


# A line, and a test of what it prints.
HMP_CALLS = [
    ("help", says("system_reset")),
    ("info", says("info pci")),
    ("info version", says("Heddle")),
    ("info status", says("VM status: running")),
    ("info cpus", says("CPU #1")),
    ("info registers", says("CPU#0")),
    ("info registers 1", says("CPU#1")),
    ("info registers -a", says("CPU#1")),
    ("info registers 2", says("CPU#2 not available")),
    ("info registers x", says("CPU#x not available")),
    ("info mem", says("PG disabled")),
    ("info tlb", says("PG disabled")),
    ("info mtree -f", says("pc.ram")),
    ("info qtree", says("bus: ")),
    ("info qom-tree", says("/unattached (container)")),
    ("info pic", says("irr")),
    ("info lapic", says("lvt0")),
    ("info irq", says("IRQ")),
    ("info pci", says("Host bridge: PCI device 8086:1237")),
    ("info block", silent),
    ("info blockstats", silent),
    ("info network", silent),
    ("info chardev", says("ring: ")),
    ("info roms", says("mem=rom")),
    ("info mice", says("* Mouse #0")),
    ("info jit", says("TB")),
    ("info sync-profile", says("RCU callbacks: ")),
    ("info uuid", says("00000000-0000")),
    ("info name", silent),
    ("info balloon", says("No balloon")),
    ("object_add iothread,id=io", silent),
    ("info iothreads", says("io:")),
    ("info history", silent),
    ("log none", silent),
    ("logfile @log", silent),
    ("gdbserver tcp:nowhere:x", says("Could not open gdbserver")),
    ("gdbserver none", says("Disabled gdbserver")),
    ("hold nowhere", says("helper, bql, exclusive")),
    ("hold bql 9", says("no vCPU 9")),
    ("hold iothread -1 1", silent),
    ("cpu 1", silent),
    ("x /2xb 0", says("0x")),
    ("xp /5xb 0xfffffff0", says("0xea 0x5b 0xe0 0x00 0xf0")),
    ("print/x 6*7", says("0x2a")),
    ("gva2gpa 0x400", says("gpa: 0x400")),
    ("gpa2hva 0x400", says("Host virtual address")),
    ("gpa2hva 0xd0000000", says("No memory is mapped")),
    ("i /b 0x64", says("portb[0x0064] = 0x")),
    ("o /b 0x80 1", silent),
    ("sendkey ctrl-alt-f1", silent),
    ("sendkey nope", says("invalid parameter: nope")),
    ("nmi", silent),
    ("watchdog_action pause", silent),
    ("watchdog_action nope", says("does not accept value")),
    ("trace-event x on", says("unknown event")),
    ("drive_add 0 if=none,id=hd,format=raw,file=@image", says("OK")),
    ("device_add virtio-blk-pci,drive=hd,id=vd", silent),
    ("device_add help", says("virtio-blk-pci")),
    ("commit all", says("not supported")),
    ("info block", says("hd: ")),
    ("info blockstats", says("hd: rd_bytes")),
    ("drive_del hd", says("in use")),
    ("device_add isa-debug-exit", says("Bus 'isa.0' does not support hot")),
    ("device_del port", says("Bus 'isa.0' does not support hotplugging")),
    ("device_del vd", silent),
    ("device_del vd", says("already in the process of unplug")),
    ("object_add secret,id=s,data=x", silent),
    ("object_del s", silent),
    ("chardev-add null,id=n", silent),
    ("chardev-remove n", silent),
    ("qom-list /machine", says("unattached (child<container>)")),
    ("qom-get /machine type", says("-machine")),
    ("qom-set /machine type x", says("not writable")),
    ("exit_preconfig", says("only before machine")),
    ('memsave 0 16 "@m"', silent),
    ('pmemsave 0 16 "@m"', silent),
    ("dump-guest-memory @d", silent),
    ("getfd x", says("SCM_RIGHTS")),
    ("closefd x", says("not found")),
    ("balloon 1", says("No balloon")),
    ("netdev_del x", says("not found")),
    ("set_link x on", says("not found")),
    ("set_link x maybe", says("Expected 'on' or 'off'")),
    ("stop", silent),
    ("cont", silent),
    ("system_wakeup", says("Unable to wake up")),
    ("system_powerdown", silent),
    ("system_reset", silent),
    ("quit", silent),
]


def has_bool(reply):
    return isinstance(reply.get("present"), bool)


# libvirt's questions to an emulator, in its order; None: a type that it knows
# and that need not be there.
PROBE = [
    ("query-version", {}, lambda r: (r["qemu"]["major"],
                                     r["qemu"]["minor"]) >= (4, 2)),
    ("query-target", {}, holds(arch="x86_64")),
    ("query-qmp-schema", {}, lambda r: len(r) > 100),
    ("query-commands", {}, one_of("name", "query-cpu-definitions")),
    ("query-kvm", {}, has_bool),
    ("qom-list-types", {}, one_of("name", "tcg-accel")),
    ("device-list-properties", {"typename": "virtio-blk-pci"}, anything),
    ("device-list-properties", {"typename": "intel-iommu"}, None),
    ("device-list-properties", {"typename": "usb-tablet"}, None),
    ("qom-list-properties", {"typename": "memory-backend-file"}, anything),
    ("qom-list-properties", {"typename": "memory-backend-memfd"}, anything),
    ("qom-list-properties", {"typename": "max-x86_64-cpu"}, anything),
    ("qom-list-properties", {"typename": "none-machine"}, anything),
    ("query-machines", {}, one_of("alias", "pc")),
    ("query-cpu-definitions", {}, one_of("name", "max")),
    ("query-tpm-models", {}, anything),
    ("query-tpm-types", {}, anything),
    ("query-command-line-options", {}, one_of("option", "boot-opts")),
    ("query-migrate-capabilities", {}, anything),
    ("query-cpu-model-expansion", {"type": "static",
                                   "model": {"name": "max"}}, anything),
]
