# SPDX-License-Identifier: MIT
"""What is measured: classes of work and the programs that stand for them."""

CLASSES = {
    "integer": ["sort", "sieve", "calls", "gzip", "xz", "zstd"],
    "interpreter": ["python", "perl", "lua"],
    "scalar-fp": ["nbody", "escape"],
    "vector-fp": ["matrix-sse2", "heat-sse2", "matrix-avx2", "heat-avx2"],
    "crypto": ["md5", "sha256", "openssl-sha512", "openssl-aes",
               "openssl-bignum"],
    "database": ["sqlite", "hash", "chase"],
    "compiler": ["compiler"],
    "syscall": ["syscall", "file"],
    "process": ["exec-static", "exec-dynamic", "fork"],
    "memory": ["fault", "mmap"],
    "switch": ["pipe"],
}
# Not slowdowns, so not in the mean.
KERNELS = ["cloud-amd64", "amd64"]
OTHERS = ["threads", "busy", "boot"]

NAMES = {
    "integer": "integer, compression, sorting",
    "interpreter": "interpreters",
    "scalar-fp": "scalar floating point",
    "vector-fp": "vector floating point",
    "crypto": "hashes, ciphers, big integers",
    "database": "database, hash table, pointers",
    "compiler": "optimising compiler",
    "syscall": "system calls",
    "process": "fork and exec",
    "memory": "mmap and page faults",
    "switch": "pipe ping-pong",
}


def chosen(names):
    """({class: programs}, other measurements) of --class arguments; a name
    that is neither a class nor a program raises KeyError."""
    if not names:
        return CLASSES, OTHERS
    programs = {p: c for c, all_of in CLASSES.items() for p in all_of}
    picked, others = {}, []
    for name in names:
        if name in OTHERS:
            others.append(name)
        elif name in CLASSES:
            picked[name] = CLASSES[name]
        else:
            picked.setdefault(programs[name], []).append(name)
    return picked, others
