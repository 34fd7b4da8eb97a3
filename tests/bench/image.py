# SPDX-License-Identifier: MIT
"""The root file system that native runs and guests share."""
import os
import shutil
import subprocess

from machines import HERE, guest_file

PROGRAMS = os.path.join(HERE, "programs")
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]
# vector.c is the same source for two instruction sets.
VARIANTS = {"sse2": [], "avx2": ["-mavx2", "-mfma"]}
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
exec /bin/bench </dev/console >/dev/console 2>&1
"""
BOOT_INIT = """#!/bin/sh
mount -t devtmpfs none /dev
mount -t proc none /proc
echo READY
read -r line
poweroff -f
"""


def compile_harness(directory, target):
    objects = []
    for variant, flags in VARIANTS.items():
        objects.append(os.path.join(directory, variant + ".o"))
        subprocess.run(["gcc", *FLAGS, *flags, "-DVARIANT=" + variant, "-c",
                        os.path.join(PROGRAMS, "vector.c"), "-o",
                        objects[-1]], check=True)
    sources = [os.path.join(PROGRAMS, f) for f in sorted(os.listdir(PROGRAMS))
               if f.endswith(".c") and f != "vector.c"]
    subprocess.run(["gcc", *FLAGS, "-static", "-pthread", "-o", target,
                    *sources, *objects, "-lm"], check=True)


class Image:
    """root: a directory to chroot to; initrd: the same for a guest;
    boot_initrd: one that powers off when told to."""

    def __init__(self, build):
        directory = os.path.join(os.path.abspath(build), "bench")
        self.root = os.path.join(directory, "root")
        self.initrd = os.path.join(directory, "initrd")
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(guest_file("bench-root"), self.root, symlinks=True)
        compile_harness(directory, os.path.join(self.root, "bin/bench"))
        for name in os.listdir(PROGRAMS):
            if not name.endswith((".c", ".h")):
                shutil.copy(os.path.join(PROGRAMS, name),
                            os.path.join(self.root, "data"))
        with open(os.path.join(self.root, "init"), "w") as f:
            f.write(INIT)
        os.chmod(os.path.join(self.root, "init"), 0o755)
        # Not compressed: the guest's time to unpack is nobody's measure.
        subprocess.run("find . | cpio -o -H newc --quiet -R 0:0 >../initrd",
                       shell=True, cwd=self.root, check=True)
        self.boot_initrd = guest_file("initramfs", "amd64", "bench-boot",
                                      stdin=BOOT_INIT)
