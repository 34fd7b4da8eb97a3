# SPDX-License-Identifier: MIT
"""A guest whose serial port is a file, a pty or a unix socket, carries binary
data, and is read with the host's time at hand."""
import os
import select
import shutil
import socket
import subprocess
import tempfile
import termios
import time
import tty

from vm import SRC, cpu_seconds, emulator, guest_file


def guest_program(build):
    """tests/boot/guest.c, linked so that it runs in any initramfs."""
    path = os.path.join(build, "boot-guest")
    subprocess.run(["gcc", "-O2", "-static", "-o", path,
                    os.path.join(SRC, "tests/boot/guest.c")], check=True)
    return path


class Guest:
    """One running emulator, its serial port as file, pty or unix socket."""

    def __init__(self, args, job, backend="unix", smp=1, append="",
                 name="io"):
        self.dir = tempfile.mkdtemp(prefix="heddle-boot-")
        self.path = os.path.join(self.dir, "serial")
        self.buffer = bytearray()
        self.log = bytearray()
        initrd = guest_file("initramfs", "amd64", name,
                            stdin="#!/bin/sh\nmount -t devtmpfs none /dev\n"
                            "mount -t proc none /proc\n"
                            "mount -t sysfs none /sys\n" + job,
                            program=guest_program(args.build))
        command = emulator(args) + [
            "-smp", str(smp), "-m", "512", "-display", "none", "-no-reboot",
            "-serial", self.serial(backend),
            "-kernel", guest_file("kernel", "cloud-amd64"), "-initrd", initrd,
            "-append", "console=ttyS0 panic=-1 quiet " + append]
        errors = open(os.path.join(self.dir, "stderr"), "wb+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=errors, stderr=errors)
        self.fd = self.connect(backend, errors)

    def serial(self, backend):
        if backend == "unix":
            return "unix:%s,server=on,wait=on" % self.path
        return "pty" if backend == "pty" else "file:" + self.path

    def connect(self, backend, errors):
        """A descriptor of the port; the boot does not outrun it, as a pty's
        output without a reader is dropped like a cable's."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                if backend == "unix":
                    self.socket = socket.socket(socket.AF_UNIX)
                    self.socket.connect(self.path)
                    return self.socket.fileno()
                if backend == "file":
                    return os.open(self.path, os.O_RDONLY)
                with open(errors.name) as f:
                    fd = os.open(f.read().split()[4], os.O_RDWR | os.O_NOCTTY)
                tty.setraw(fd, termios.TCSANOW)
                return fd
            except (OSError, IndexError):
                time.sleep(0.01)
        raise TimeoutError("no serial port")

    def read(self, timeout):
        """More bytes into the buffer; False when there were none."""
        select.select([self.fd], [], [], timeout)
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b"" # a pty without its master
        self.buffer += data
        self.log += data[:4096]
        return bool(data)

    def wait_read(self, deadline):
        if not self.read(max(0, min(1, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or self.process.poll() is not None:
                raise TimeoutError("the guest said no more")
            time.sleep(0.01) # a file has nothing to wait for

    def take(self, count, timeout):
        """Exactly count bytes."""
        deadline = time.monotonic() + timeout
        while len(self.buffer) < count:
            self.wait_read(deadline)
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def expect(self, prefix, timeout):
        """The words after prefix in the first line that holds it, and the
        host's time of its arrival."""
        deadline = time.monotonic() + timeout
        mark = prefix.encode()
        while True:
            start = self.buffer.find(mark)
            end = self.buffer.find(b"\n", start) if start >= 0 else -1
            if end >= 0:
                when = time.monotonic()
                words = bytes(self.buffer[start + len(mark):end]).split()
                del self.buffer[:end + 1]
                return [w.decode(errors="replace") for w in words], when
            self.wait_read(deadline)

    def send(self, data, timeout):
        """All of data, as fast as the guest takes it."""
        deadline = time.monotonic() + timeout
        os.set_blocking(self.fd, False)
        view = memoryview(data)
        while view:
            if not select.select([], [self.fd], [], 1)[1]:
                if time.monotonic() >= deadline:
                    raise TimeoutError("%d bytes not taken" % len(view))
                continue
            try:
                view = view[os.write(self.fd, view):]
            except BlockingIOError:
                pass # a pty says "writable" for less than it is asked to take

    def cpu_seconds(self):
        return cpu_seconds(self.process)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)
