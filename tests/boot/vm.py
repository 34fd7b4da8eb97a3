# SPDX-License-Identifier: MIT
"""What the boot tests share: TAP lines, guest files, a guest on a console.

A Vm talks to its guest on the serial port, which is the process's standard
input and output: two pipes, or one terminal.
"""
import argparse
import fcntl
import json
import os
import pty
import re
import socket
import subprocess
import sys
import termios
import threading
import time

SRC = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# What no healthy Linux prints.
BAD = re.compile(r"Oops|BUG:|lockup|hung task|blocked for more than|"
                 r"clocksource.*unstable|Kernel panic|WARNING:|"
                 r"rcu.*stall|Call Trace|protection fault|I/O error|"
                 r"EXT4-fs error")
# Said of the real processor too, of which a CPU model is a portrait.
TRUE_OF_IT = re.compile(r"(Speculative Return Stack Overflow|RETBleed): "
                        r"WARNING.*")
# How shells dress their lines up for a terminal.
ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
SHELL_PROMPT = r"[#$] (\x1b\[6n)?$"


def bad_words(log):
    """The first of a kernel's complaints in log; None: it is content."""
    bad = BAD.search(TRUE_OF_IT.sub("", log))
    return bad and bad.group(0)


def guest_file(*args, stdin=None, program=None, tree=None, modules=None):
    """Path of a guest file made by scripts/guest; an initramfs has program as
    /bin/work, what is in tree, and the kernel's modules in /lib."""
    env = dict(os.environ)
    if program:
        env["HEDDLE_INITRAMFS_EXTRA"] = program
    if tree:
        env["HEDDLE_INITRAMFS_TREE"] = tree
    if modules:
        env["HEDDLE_INITRAMFS_MODULES"] = modules
    out = subprocess.run([os.path.join(SRC, "scripts/guest"), *args],
                         input=stdin, stdout=subprocess.PIPE, text=True,
                         check=True, env=env)
    return out.stdout.strip()


def arguments(description):
    """The options that every test of this folder takes."""
    p = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true")
    p.add_argument("--build", default=os.path.join(SRC, "build"))
    p.add_argument("--accel")
    p.add_argument("--timeout", type=float, default=180)
    p.add_argument("--qemu", action="store_true")
    return p


def emulator(args):
    """The command that a guest's own options follow."""
    if args.qemu:
        return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max"]
    command = [os.path.join(args.build, "heddle")]
    return command + (["-accel", args.accel] if args.accel else [])


def cpu_seconds(process):
    """Its user and system time so far."""
    with open("/proc/%d/stat" % process.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(vm):
    """What the process has in memory."""
    with open("/proc/%d/status" % vm.process.pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def run_to_end(command, timeout):
    """A guest that ends by itself: exit status, or "timeout", and what it
    said."""
    try:
        run = subprocess.run(command, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=timeout)
        status, raw = run.returncode, run.stdout
    except subprocess.TimeoutExpired as e:
        status, raw = "timeout", e.stdout or b""
    return status, raw.decode(errors="replace")


class Failure(Exception):
    """A test's reason to fail."""


class Tap:
    def __init__(self):
        self.count = 0
        self.failures = 0

    def report(self, ok, name, detail="", log=""):
        self.count += 1
        print("%s %d - %s%s" % ("ok" if ok else "not ok", self.count, name,
                                " # " + detail if detail else ""), flush=True)
        if not ok:
            self.failures += 1
            for line in log.splitlines()[-25:]:
                print("#   " + line)

    def run(self, name, test, *args):
        """One line: how long test(vms, *args) took, or why it failed.  The
        guests that it put into the list vms do not outlive it."""
        start = time.monotonic()
        vms = []
        try:
            test(vms, *args)
            self.report(True, name, "%.1f s" % (time.monotonic() - start))
        except (Failure, OSError, subprocess.SubprocessError) as e:
            self.report(False, name, str(e), "\n".join(vm.log() for vm in vms))
        finally:
            for vm in vms:
                vm.kill()

    def finish(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.failures else 0)


def take_terminal():
    """Standard input becomes the controlling terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Vm:
    def __init__(self, vms, args, *options, terminal=False,
                 controlling=True):
        self.timeout = args.timeout
        self.command = [*emulator(args), *options]
        self.said = b""  # grows only; guarded by self.news
        self.seen = 0    # how far expect() has looked
        self.news = threading.Condition()
        self.silent = False  # no more will come
        self.terminal = None  # on one, that is never known
        if terminal:
            self._on_terminal(controlling)
        else:
            self._on_pipes()
        threading.Thread(target=self._listen, daemon=True).start()
        vms.append(self)

    def _on_pipes(self):
        self.process = subprocess.Popen(
            [*self.command, "-display", "none", "-serial", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.input = self.process.stdin.fileno()
        self.output = self.process.stdout.fileno()

    def _on_terminal(self, controlling):
        """Serial port and monitor share it; Ctrl-A C changes over."""
        self.input, self.terminal = pty.openpty()
        self.output = self.input
        self.attributes = termios.tcgetattr(self.terminal)
        self.process = subprocess.Popen(
            [*self.command, "-nographic"], stdin=self.terminal,
            stdout=self.terminal, stderr=self.terminal,
            start_new_session=True,
            preexec_fn=take_terminal if controlling else None)

    def _listen(self):
        while True:
            data = os.read(self.output, 65536)
            with self.news:
                self.said += data
                self.silent = not data
                self.news.notify_all()
            if not data:
                return

    def log(self):
        with self.news:
            return self.said.decode(errors="replace").replace("\r", "")

    def _is_over(self):
        """Has the process said all that it will?"""
        return (self.process.poll() is not None
                if self.terminal else self.silent)

    def expect(self, pattern, what=None, timeout=None):
        """Wait until the guest has said something new that matches."""
        regex = re.compile(pattern.encode(), re.MULTILINE)
        end = time.monotonic() + (timeout or self.timeout)
        with self.news:
            while True:
                over = self._is_over()
                match = regex.search(self.said, self.seen)
                if match:
                    self.seen = match.end()
                    return match
                left = end - time.monotonic()
                if left <= 0 or over:
                    raise Failure("no %s" % (what or repr(pattern)))
                self.news.wait(min(left, 1))

    def type(self, text):
        os.write(self.input, text.encode())

    def login(self):
        self.expect(r"login: $", "login prompt")
        self.type("root\n")
        self.expect(SHELL_PROMPT, "shell")

    def shell(self, command):
        """Run it and return what it printed; it must succeed."""
        self.type(command + '; echo "<$?>"\n')
        self.expect(r'"<\$\?>"', "echo of " + command)
        match = self.expect(r"((?:.|\n)*)<(\d+)>", "end of " + command)
        if match.group(2) != b"0":
            raise Failure("%s: status %s" % (command, match.group(2).decode()))
        self.expect(SHELL_PROMPT, "shell")
        return ESCAPES.sub("", match.group(1).decode(errors="replace")).strip()

    def wait(self, status=0):
        """The process ends by itself, with this status."""
        try:
            got = self.process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise Failure("the process does not end") from None
        if got != status:
            raise Failure("exit status %d" % got)
        bad = bad_words(self.log())
        if bad:
            raise Failure("log has '%s'" % bad)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Qmp:
    """A negotiated QMP session on a Unix socket."""

    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.events = []  # not yet asked for by event()
        self.greeting = self.receive()["QMP"]
        self.call("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def receive(self):
        line = self.lines.readline()
        if not line:
            raise Failure("QMP: end of file")
        return json.loads(line)

    def ask(self, command, **arguments):
        """The whole reply, be it an error."""
        request = {"execute": command}
        if arguments:
            request["arguments"] = {k.replace("_", "-"): v
                                    for k, v in arguments.items()}
        self.socket.sendall(json.dumps(request).encode())
        while "event" in (reply := self.receive()):
            self.events.append(reply)
        return reply

    def call(self, command, **arguments):
        reply = self.ask(command, **arguments)
        if "return" not in reply:
            raise Failure("%s: %s" % (command, reply))
        return reply["return"]

    def hmp(self, line):
        return self.call("human-monitor-command", command_line=line)

    def event(self, name):
        """Take the next event of this name; earlier ones are dropped."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event["event"] == name:
                    return event
            self.events.append(self.receive())
