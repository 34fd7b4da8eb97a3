# SPDX-License-Identifier: MIT
"""What the tests of this folder share: a guest that counts, and a client of
GDB's remote protocol that can also be rude."""
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "boot"))
from vm import SRC, Failure, Qmp, Tap, Vm, arguments  # noqa: E402,F401

GUEST = os.path.join(os.path.dirname(HERE), "guest")


def need_packages(*names):
    subprocess.run([os.path.join(SRC, "scripts/guest"), "packages", *names],
                   check=True)


class Guest:
    """The kernel of guest.c, its symbols, and machines that run it."""

    def __init__(self, args, folder):
        self.args = args
        self.gdb_path = os.path.join(folder, "gdb")
        self.qmp_path = os.path.join(folder, "qmp")
        self.kernel = os.path.join(folder, "kernel")
        subprocess.run([os.path.join(GUEST, "build"),
                        os.path.join(HERE, "guest.c"), self.kernel],
                       check=True)
        out = subprocess.run(["nm", self.kernel], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
        self.symbols = {line.split()[2]: int(line.split()[0], 16)
                        for line in out.splitlines()}

    def at(self, name):
        return self.symbols[name]

    def boot(self, vms, *options, kernel=True):
        """A guest with a GDB server and QMP on sockets; the kernel of ours can
        end it."""
        if kernel:
            options = ("-kernel", self.kernel, "-no-reboot", "-device",
                       "isa-debug-exit,iobase=0x501,iosize=2", *options)
        for path in (self.gdb_path, self.qmp_path):
            if os.path.exists(path):
                os.unlink(path)
        vm = Vm(vms, self.args, "-m", "128", "-nodefaults",
                "-qmp", "unix:%s,server=on,wait=off" % self.qmp_path,
                "-gdb", "unix:%s,server=on,wait=off" % self.gdb_path,
                *options)
        self.wait_for_server()
        return vm

    def wait_for_server(self):
        """It is the last that is made."""
        end = time.monotonic() + self.args.timeout
        while not os.path.exists(self.gdb_path):
            if time.monotonic() > end:
                raise Failure("there is no server")
            time.sleep(0.02)

    def boot_running(self, vms, *options):
        vm = self.boot(vms, *options)
        vm.expect("^running", "word of the guest")
        return vm

    def check_end(self, vm):
        """The guest, told to end, has found nothing wrong."""
        with vm.news:
            if not vm.news.wait_for(lambda: b"1..3" in vm.said, vm.timeout):
                raise Failure("the guest does not end")
        bad = re.search("^not ok.*", vm.log(), re.MULTILINE)
        if bad:
            raise Failure(bad.group(0))
        vm.wait(status=1)


def frame(data):
    return b"$%s#%02x" % (data, sum(data) & 0xff)


class Remote:
    """A connection to the server, as GDB makes it."""

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.acks = True
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, raw):
        self.socket.sendall(raw)

    def byte(self):
        if not self.buffer:
            self.buffer = self.socket.recv(65536)
            if not self.buffer:
                raise Failure("end of file")
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        return byte

    def expect(self, wanted):
        got = b"".join(self.byte() for _ in range(len(wanted)))
        if got != wanted:
            raise Failure("%r instead of %r" % (got, wanted))

    def reply(self):
        """The next packet's text; it is acknowledged."""
        while (byte := self.byte()) == b"+":
            pass
        if byte != b"$":
            raise Failure("%r instead of a packet" % byte)
        data = b""
        while (byte := self.byte()) != b"#":
            data += byte
        digits = self.byte() + self.byte()
        if int(digits, 16) != sum(data) & 0xff:
            raise Failure("wrong checksum of %r" % data)
        if self.acks:
            self.send(b"+")
        return data.decode("latin-1")

    def ask(self, text):
        self.send(frame(text if isinstance(text, bytes) else text.encode()))
        return self.reply()

    def check(self, text, wanted):
        got = self.ask(text)
        if got != wanted:
            raise Failure("%s: %r instead of %r" % (text, got, wanted))

    def no_acks(self):
        self.check("QStartNoAckMode", "OK")
        self.acks = False

    def number(self, addr, size=8):
        """A number in the guest's memory."""
        got = self.ask("m%x,%x" % (addr, size))
        try:
            return int.from_bytes(bytes.fromhex(got), "little")
        except ValueError:
            raise Failure("memory at %#x: %s" % (addr, got)) from None

    def set_number(self, addr, value, size=8):
        self.check("M%x,%x:%s" % (addr, size, value.to_bytes(
            size, "little").hex()), "OK")

    def register(self, index):
        return int.from_bytes(bytes.fromhex(self.ask("p%x" % index)),
                              "little")

    def monitor(self, line):
        self.send(frame(b"qRcmd," + line.encode().hex().encode()))
        text = ""
        while (got := self.reply()) != "OK":
            if not got.startswith("O"):
                raise Failure("monitor %s: %s" % (line, got))
            text += bytes.fromhex(got[1:]).decode()
        return text
