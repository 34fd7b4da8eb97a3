# SPDX-License-Identifier: MIT
"""Digests of what Python computes; the argument scales the work."""
import array
import hashlib
import math
import random
import re
import struct
import sys
import zlib

SCALE = int(sys.argv[1])


def show(what, value):
    data = repr(value).encode()
    print(what, len(data), hashlib.sha256(data).hexdigest()[:24])


def floats(rng):
    out = []
    for _ in range(2000 * SCALE):
        x = rng.uniform(-1e3, 1e3)
        out.append((math.sin(x), math.exp(x / 9), x ** 3 % 7,
                    math.fsum((x, 1e-9, -x / 3)), "%.12e" % x, x.hex(),
                    round(x, 3), math.frexp(x), divmod(x, 0.7), complex(x, 1) ** 2))
    return out


def integers(rng):
    out = []
    for i in range(200 * SCALE):
        a, b = rng.getrandbits(50 * (i % 60) + 3), rng.getrandbits(700) | 1
        out.append((a * b, a // b, a % b, pow(a, 65537, b), math.gcd(a, b),
                    math.isqrt(a), a << i % 77, str(a * a)))
    return out


def texts(rng):
    words = ["".join(rng.choices("abcdefghij\u00e4\u20ac", k=9))
             for _ in range(3000 * SCALE)]
    joined = " ".join(words)
    return (sorted(words), joined.upper(), joined.encode("utf-16"),
            re.findall(r"[a-e]+(\w)\1", joined), joined[::-1].split("a"),
            zlib.crc32(joined.encode()), hash(joined) and 1)


def objects(rng):
    table = {}
    for i in range(5000 * SCALE):
        table.setdefault(rng.randrange(500), []).append(i)
    packed = array.array("d", (rng.gauss(0, 1) for _ in range(1000)))
    return (table, struct.unpack("<1000q", packed.tobytes()),
            [list(g) for g in zip(*[iter(range(1000))] * 7)])


for job in floats, integers, texts, objects:
    show(job.__name__, job(random.Random(job.__name__)))
