# SPDX-License-Identifier: MIT
"""What programs in a guest should choose, by the features that they see.

Sources: glibc 2.36, sysdeps/x86_64/multiarch; OpenSSL 3.0, OPENSSL_ia32cap(3)
and the conditions at the top of its assembly modules' documentation; 7-Zip's
own names of its methods.  AVX-512 is no feature of the guests here.
"""
import re

# Class of instructions that a job must have with these features, and must not
# have without one of them.
JOBS = [
    # glibc's string functions; its vectors are of 32 bytes
    ("memcpy", "ymm", {"avx2"}),
    ("memset", "ymm", {"avx2"}),
    ("memcmp", "ymm", {"avx2", "movbe", "bmi2"}),
    ("strlen", "ymm", {"avx2", "bmi2"}),
    ("memchr", "ymm", {"avx2", "bmi2"}),
    # libm
    ("sin", "fma", {"fma", "avx2"}),
    ("sinf", "fma", {"fma", "avx2"}),
    ("pow", "fma", {"fma", "avx2"}),
    # OpenSSL
    ("SHA1", "sha", {"sha_ni", "ssse3"}),
    ("SHA256", "sha", {"sha_ni", "ssse3"}),
    ("SHA512", "ymm", {"avx2", "bmi1", "bmi2"}),
    ("AES-128-GCM", "aes", {"aes"}),
    ("AES-128-GCM", "clmul", {"pclmulqdq"}),
    ("AES-128-GCM", "movbe", {"aes", "pclmulqdq", "avx", "movbe"}),
    ("AES-128-CBC", "aes", {"aes"}),
    ("AES-128-XTS", "aes", {"aes"}),
    ("ChaCha20", "ymm", {"avx2"}),
    ("RSA", "mulx", {"bmi1", "bmi2", "adx"}),
    ("RSA", "adx", {"bmi1", "bmi2", "adx"}),
    ("X25519", "adx", {"bmi2", "adx"}),
]

# 7-Zip: methods by the features that they need.
SEVEN_ZIP = [
    ("AES256CBC:1", set()),
    ("AES256CBC:2", {"aes"}),
    ("AES256CBC:3", {"vaes", "avx2"}),
    ("SHA1:2", {"sha_ni"}),
    ("SHA256:2", {"sha_ni"}),
]

# glibc's folders: the features that each adds to those before it.
LEVELS = [
    ("x86-64-v2", {"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    ("x86-64-v3", {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm",
                   "movbe"}),
    ("x86-64-v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq",
                   "avx512vl"}),
]

# Bits of OpenSSL's two words.
IA32CAP = [
    (0, 33, "pclmulqdq"), (0, 41, "ssse3"), (0, 44, "fma"), (0, 51, "sse4_1"),
    (0, 52, "sse4_2"), (0, 54, "movbe"), (0, 57, "aes"), (0, 60, "avx"),
    (0, 62, "rdrand"), (1, 3, "bmi1"), (1, 5, "avx2"), (1, 8, "bmi2"),
    (1, 18, "rdseed"), (1, 19, "adx"), (1, 29, "sha_ni"), (1, 40, "gfni"),
    (1, 41, "vaes"), (1, 42, "vpclmulqdq"),
]


def _differs(what, has, should):
    return "" if has == should else "%s: %s" % (
        what, "not there" if should else "there, and should not be")


def judge_jobs(text, flags):
    counts = {}
    for line in re.findall(r"^job (.*)", text, re.M):
        words = line.split()
        counts[words[0]] = dict(zip(words[1::2], map(int, words[2::2])))
    for job, kind, needs in JOBS:
        if job not in counts:
            yield job + ": no count"
            continue
        yield _differs("%s: %s instructions" % (job, kind),
                       counts[job][kind] > 0, needs <= flags)
        yield _differs(job + ": AVX-512", counts[job]["avx512"] > 0, False)


def judge_levels(text, flags):
    active = set(re.findall(r"^level (\S+) \(supported", text, re.M))
    needs = set()
    for level, adds in LEVELS:
        needs |= adds
        yield _differs(level, level in active, needs <= flags)


def judge_ia32cap(text, flags):
    match = re.search(r"^ia32cap (0x[0-9a-f]+):(0x[0-9a-f]+)", text, re.M)
    if not match:
        yield "no words"
        return
    words = [int(g, 16) for g in match.groups()]
    for word, bit, flag in IA32CAP:
        yield _differs(flag, bool(words[word] >> bit & 1), flag in flags)


def judge_seven_zip(text, flags):
    rates = dict(re.findall(r"^7zip (\S+) (\d*)$", text, re.M))
    for method, needs in SEVEN_ZIP:
        yield _differs(method, bool(rates.get(method)), needs <= flags)


def judge_speed(text, _):
    for line in re.findall(r"^speed failed: .*", text, re.M):
        yield line


def judge(text):
    """A pair for each subject: its name, and what is wrong or an empty
    string."""
    match = re.search(r"^flags\s*: (.*)", text, re.M)
    flags = set(match.group(1).split()) if match else set()
    for name, check in [("libraries' instructions", judge_jobs),
                        ("glibc's level", judge_levels),
                        ("OpenSSL's words", judge_ia32cap),
                        ("7-Zip's methods", judge_seven_zip),
                        ("openssl speed", judge_speed)]:
        wrong = [w for w in check(text, flags) if w]
        if not flags:
            wrong = ["no flags"]
        yield name, "; ".join(wrong)
