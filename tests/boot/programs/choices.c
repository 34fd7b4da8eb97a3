/* SPDX-License-Identifier: MIT */
/*
 * Which instructions libraries chose: each job runs in a child in single steps,
 * and the parent counts, by opcode, what it steps over.  tests/boot/choices.py
 * holds the counts against what CPUID offers.
 */
#define _GNU_SOURCE
#include <math.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static unsigned char in[2048], out[2048];
static volatile size_t size = 900; /* the compiler must not know */
static volatile double number = 1.25;
static EVP_MD_CTX *md_ctx;
static EVP_CIPHER_CTX *cipher_ctx;
static EVP_PKEY_CTX *pkey_ctx;

/* --- jobs: what comes before the steps, and the steps --- */

static void copy(void)
{
    memcpy(out, in, size);
}

static void set(void)
{
    memset(out, size, size);
}

static void compare(void)
{
    size -= memcmp(in, out, size) == 12345;
}

static void length(void)
{
    size_t n = strlen((char *)in);

    size += n == 1;
}

static void search(void)
{
    size += memchr(in, 0x100 - 1, size) == NULL;
}

static void sine(void)
{
    number = sin(number);
}

static void power(void)
{
    number = pow(number, 1.1) + exp(number);
}

static void sine_float(void)
{
    number = sinf(number);
}

static const char *algorithm;

static void start_digest(void)
{
    EVP_MD *md = EVP_MD_fetch(NULL, algorithm, NULL);

    md_ctx = EVP_MD_CTX_new();
    must(md && EVP_DigestInit_ex(md_ctx, md, NULL), algorithm);
}

static void update_digest(void)
{
    EVP_DigestUpdate(md_ctx, in, size);
}

static void start_cipher(void)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, algorithm, NULL);

    cipher_ctx = EVP_CIPHER_CTX_new();
    must(cipher && EVP_EncryptInit_ex(cipher_ctx, cipher, NULL, in, in),
         algorithm);
}

static void update_cipher(void)
{
    int len;

    EVP_EncryptUpdate(cipher_ctx, out, &len, in, size);
}

static void start_rsa(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(1024);

    pkey_ctx = EVP_PKEY_CTX_new(pkey, NULL);
    must(pkey && EVP_PKEY_sign_init(pkey_ctx) > 0, "RSA");
}

static void sign(void)
{
    size_t len = sizeof(out);

    EVP_PKEY_sign(pkey_ctx, out, &len, in, 20);
}

static void start_x25519(void)
{
    EVP_PKEY *mine = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");

    pkey_ctx = EVP_PKEY_CTX_new(mine, NULL);
    must(EVP_PKEY_derive_init(pkey_ctx) > 0 &&
             EVP_PKEY_derive_set_peer(pkey_ctx, mine) > 0,
         "X25519");
}

static void derive(void)
{
    size_t len = sizeof(out);

    EVP_PKEY_derive(pkey_ctx, out, &len);
}

static void nothing(void)
{
}

static const struct {
    const char *name;
    void (*prepare)(void);
    void (*run)(void);
    unsigned max_steps; /* the first ones tell enough */
} jobs[] = {
    {"memcpy", nothing, copy, 3000},
    {"memset", nothing, set, 3000},
    {"memcmp", nothing, compare, 3000},
    {"strlen", nothing, length, 3000},
    {"memchr", nothing, search, 3000},
    {"sin", nothing, sine, 3000},
    {"pow", nothing, power, 3000},
    {"sinf", nothing, sine_float, 3000},
    {"SHA1", start_digest, update_digest, 3000},
    {"SHA256", start_digest, update_digest, 3000},
    {"SHA512", start_digest, update_digest, 3000},
    {"AES-128-GCM", start_cipher, update_cipher, 3000},
    {"AES-128-CBC", start_cipher, update_cipher, 3000},
    {"AES-128-XTS", start_cipher, update_cipher, 3000},
    {"ChaCha20", start_cipher, update_cipher, 3000},
    {"RSA", start_rsa, sign, 12000},
    {"X25519", start_x25519, derive, 3000},
};

/* --- classes of instructions --- */

enum { YMM, AVX512, FMA, AES, CLMUL, SHA, MULX, ADX, MOVBE, REP, CLASSES };
static const char *const class_names[CLASSES] = {
    "ymm", "avx512", "fma", "aes",   "clmul",
    "sha", "mulx",   "adx", "movbe", "rep"};

struct Opcode {
    bool vex, wide;
    int map;    /* 1: 0F, 2: 0F 38, 3: 0F 3A */
    int prefix; /* 0, 66, F3 or F2 */
    unsigned char byte;
};

/* SDM vol. 2A, 2.1 "Instruction Format..." and 2.3.5 "The VEX Prefix" */
static struct Opcode parse(const unsigned char *p)
{
    static const int vex_prefixes[] = {0, 0x66, 0xf3, 0xf2};
    struct Opcode op = {0};

    while (*p == 0x66 || *p == 0xf2 || *p == 0xf3) {
        op.prefix = *p++;
    }
    if (*p == 0xc5 || *p == 0xc4) {
        unsigned char last = *p == 0xc5 ? p[1] : p[2];

        op.vex = true;
        op.map = *p == 0xc5 ? 1 : p[1] & 31;
        op.wide = last & 4;
        op.prefix = vex_prefixes[last & 3];
        op.byte = *p == 0xc5 ? p[2] : p[3];
        return op;
    }
    if ((*p & 0xf0) == 0x40) {
        p++;
    }
    if (*p == 0x0f) {
        op.map = p[1] == 0x38 ? 2 : p[1] == 0x3a ? 3 : 1;
        p += op.map == 1 ? 1 : 2;
    }
    op.byte = *p;
    return op;
}

static bool is_fma(const struct Opcode *op)
{
    int low = op->byte & 15, high = op->byte >> 4;

    return op->vex && op->map == 2 && low >= 6 && high >= 9 && high <= 11;
}

static void classify(const unsigned char *p, unsigned counts[CLASSES])
{
    struct Opcode op = parse(p);
    bool at2 = op.map == 2;

    counts[YMM] += op.wide;
    counts[AVX512] += *p == 0x62;
    counts[FMA] += is_fma(&op);
    counts[AES] +=
        at2 && op.prefix == 0x66 && op.byte >= 0xdc && op.byte <= 0xdf;
    counts[CLMUL] += op.map == 3 && op.byte == 0x44;
    counts[SHA] +=
        !op.vex &&
        ((at2 && op.byte >= 0xc8 && op.byte <= 0xcd && op.prefix == 0) ||
         (op.map == 3 && op.byte == 0xcc));
    counts[MULX] += op.vex && at2 && op.byte == 0xf6 && op.prefix == 0xf2;
    counts[ADX] += !op.vex && at2 && op.byte == 0xf6 && op.prefix;
    counts[MOVBE] += !op.vex && at2 && op.prefix != 0xf2 &&
                     (op.byte == 0xf0 || op.byte == 0xf1);
    counts[REP] +=
        op.map == 0 && op.prefix && (op.byte == 0xa4 || op.byte == 0xaa);
}

/* --- stepping --- */

static void child(size_t job)
{
    uint64_t state = 3 + job;

    algorithm = jobs[job].name;
    fill_random(in, sizeof(in), &state);
    for (size_t i = 0; i < size; i++) {
        in[i] |= 1;
    }
    in[size] = 0;
    memcpy(out, in, sizeof(in));
    jobs[job].prepare();
    jobs[job].run(); /* the dynamic linker has its part behind it */
    must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
    raise(SIGSTOP);
    jobs[job].run();
    raise(SIGSTOP);
    _exit(0);
}

static void count_job(size_t job)
{
    unsigned counts[CLASSES] = {0}, steps = 0;
    pid_t pid = fork();
    int status;

    must(pid >= 0, "fork");
    if (pid == 0) {
        child(job);
    }
    must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "waitpid");
    while (steps < jobs[job].max_steps && WIFSTOPPED(status) &&
           (steps == 0 || WSTOPSIG(status) == SIGTRAP)) {
        struct user_regs_struct regs;
        long words[2];

        must(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "PTRACE_GETREGS");
        words[0] = ptrace(PTRACE_PEEKTEXT, pid, regs.rip, NULL);
        words[1] = ptrace(PTRACE_PEEKTEXT, pid, regs.rip + 8, NULL);
        classify((unsigned char *)words, counts);
        must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0,
             "PTRACE_SINGLESTEP");
        must(waitpid(pid, &status, 0) == pid, "waitpid");
        steps++;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    printf("job %s steps %u", jobs[job].name, steps);
    for (int i = 0; i < CLASSES; i++) {
        printf(" %s %u", class_names[i], counts[i]);
    }
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        if (argc < 2 || strcmp(argv[1], jobs[i].name) == 0) {
            count_job(i);
        }
    }
    return 0;
}
