# SPDX-License-Identifier: MIT
"""Where the measured programs run: the bare machine and emulators.

Each Machine has the harness (programs/main.c) at the other end of two pipes;
in a guest they are its serial port.
"""
import contextlib
import glob
import os
import re
import select
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "boot"))
from vm import SRC, guest_file  # noqa: E402  (needs the path)

RAM_MIB = 768
BOOT_RAM_MIB = 512
ANSWER = re.compile(r"(RESULT|FAILED) (\S+) (.*)")


class Wrong(Exception):
    """A machine that does not answer, or answers nonsense."""


class Machine:
    def __init__(self, command, is_guest=True):
        self.is_guest = is_guest
        self.said = b""
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def read_line(self, deadline):
        output = self.process.stdout.fileno()
        while b"\n" not in self.said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise Wrong("no answer: " + self.tail())
            data = os.read(output, 65536)
            if not data:
                raise Wrong("ended: " + self.tail())
            self.said += data
        line, self.said = self.said.split(b"\n", 1)
        self.last = line.decode(errors="replace").strip()
        return self.last

    def tail(self):
        text = self.said.decode(errors="replace").strip()
        return (text or getattr(self, "last", "")) [-200:]

    def wait_ready(self, timeout):
        deadline = time.monotonic() + timeout
        while self.read_line(deadline) != "READY":
            pass

    def run(self, program, percent, timeout):
        """Seconds, CPU seconds and checksum of one run."""
        start, cpu_start = time.monotonic(), self.cpu_seconds()
        os.write(self.process.stdin.fileno(),
                 b"%s %d\n" % (program.encode(), percent))
        while True:
            match = ANSWER.search(self.read_line(start + timeout))
            if match and match.group(2) == program:
                break
        if match.group(1) == "FAILED":
            raise Wrong(match.group(3))
        *times, checksum = match.group(3).split()
        spent, elapsed, cpu = (int(t) / 1e9 for t in times)
        check_clock(elapsed, time.monotonic() - start)
        if self.is_guest:
            # What the program leaves out of its time is no cost either.
            cpu = (self.cpu_seconds() - cpu_start) * spent / elapsed
        return spent, cpu, checksum

    def cpu_seconds(self):
        """What the threads of the process have used."""
        total = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.process.pid):
            with contextlib.suppress(OSError), open(path) as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def resident_beside_ram(self, ram_mib):
        """MiB that the process occupies beside the guest's RAM, which is its
        one large mapping."""
        total = 0
        with open("/proc/%d/smaps" % self.process.pid) as f:
            for line in f:
                field, _, rest = line.partition(":")
                if field == "Size":
                    is_ram = int(rest.split()[0]) >= ram_mib * 512
                elif field == "Rss" and not is_ram:
                    total += int(rest.split()[0])
        return total / 1024

    def end(self, timeout):
        """Send the line that a boot waits for; CPU seconds of the process."""
        before = os.times()
        try:
            self.process.communicate(b"\n", timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Wrong("does not power off") from None
        after = os.times()
        return (after.children_user + after.children_system -
                before.children_user - before.children_system)

    def stop(self):
        self.process.kill()
        self.process.wait()


def check_clock(inside, outside):
    """The harness's time goes from the request to the answer, less what it
    leaves out; a guest's clock that runs too fast shows."""
    if inside > outside * 1.02 + 0.05:
        raise Wrong("says %.2f s, took %.2f s" % (inside, outside))


class Native:
    name = "native"

    def start(self, image, _smp):
        become_root = [] if os.geteuid() == 0 else ["unshare", "-r"]
        return Machine([*become_root, "chroot", image.root, "/bin/bench"],
                       is_guest=False)


class Emulator:
    def __init__(self, name, command):
        self.name = name
        self.command = command

    def options(self, smp, ram, kernel, initrd):
        return [*self.command, "-smp", str(smp), "-m", str(ram), "-display",
                "none", "-serial", "stdio", "-monitor", "none", "-no-reboot",
                "-kernel", guest_file("kernel", kernel), "-initrd", initrd,
                "-append", "console=ttyS0 quiet panic=-1"]

    def start(self, image, smp):
        return Machine(self.options(smp, RAM_MIB, "cloud-amd64",
                                    image.initrd))

    def boot(self, kernel, initrd, timeout):
        """CPU seconds of the process from start to power-off, and the MiB that
        it occupied when the guest was up."""
        machine = Machine(self.options(1, BOOT_RAM_MIB, kernel, initrd))
        try:
            machine.wait_ready(timeout)
            resident = machine.resident_beside_ram(BOOT_RAM_MIB)
            return machine.end(timeout), resident
        finally:
            machine.stop()

    def version(self):
        out = subprocess.run([*self.command, "-version"], text=True,
                             stdout=subprocess.PIPE).stdout
        return out.splitlines()[0] if out else "unknown"


def qemu():
    """Debian's newest for this release, with the loader and libraries that it
    was unpacked with."""
    tree = guest_file("qemu")
    libraries = glob.glob(tree + "/lib/x86_64-linux-gnu") + glob.glob(
        tree + "/usr/lib/x86_64-linux-gnu")
    return Emulator("qemu", [
        tree + "/lib64/ld-linux-x86-64.so.2", "--library-path",
        ":".join(libraries), tree + "/usr/bin/qemu-system-x86_64",
        "-L", tree + "/usr/share/qemu", "-L", tree + "/usr/share/seabios",
        "-accel", "tcg,thread=multi", "-cpu", "max"])


def heddle(name, path):
    return Emulator(name, [path])
