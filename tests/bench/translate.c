/* SPDX-License-Identifier: MIT */
/*
 * What translating costs: blocks are made of a program's code, one behind the
 * other, and never run.
 *
 *   build/tests/bench/translate PROGRAM [MIB [ROUNDS [KEY=VALUE,...]]]
 *
 * The first MIB (1) of the executable part of an x86-64 ELF file, as code of
 * CPL 3, ROUNDS (5) times, each time into an empty code buffer; the last
 * argument is what -accel tcg, would be given.  CPU time is that of the best
 * round.  With ROUNDS 1 under `valgrind --tool=callgrind
 * --toggle-collect=tb_translate` it counts instructions, which do not depend on
 * what else the host does.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "accel/tcg.h"
#include "accel/tcg/internal.h"
#include "exec/bql.h"
#include "target/i386/decode.h"
#include "target/i386/seg.h"
#include "util/error.h"

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_LARGE = 0x80,
    PA_TABLES = 0x1000, /* three pages, 1 GiB of large pages */
    PA_CODE = 2 * MiB,
    SEL_CODE64 = 0x1b,
};

static X86CPU *cpu;
static MemoryRegion ram;

static void die(const char *what, GError *error)
{
    fprintf(stderr, "translate: %s\n", error ? error->message : what);
    exit(1);
}

/* --- the code --- */

/* The part of @file that is executable, or NULL. */
static const uint8_t *find_text(const uint8_t *file, size_t size,
                                uint64_t *bytes)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)file;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(file + eh->e_phoff);

    if (size < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
        eh->e_machine != EM_X86_64) {
        return NULL;
    }
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X) &&
            ph[i].p_offset + ph[i].p_filesz <= size) {
            *bytes = ph[i].p_filesz;
            return file + ph[i].p_offset;
        }
    }
    return NULL;
}

/* Puts the code into RAM, at most @max bytes; returns how many. */
static uint64_t load_text(const char *path, uint64_t max)
{
    GError *error = NULL;
    g_autofree char *file = NULL;
    const uint8_t *text;
    uint64_t bytes;
    size_t size;

    if (!g_file_get_contents(path, &file, &size, &error)) {
        die(NULL, error);
    }
    text = find_text((uint8_t *)file, size, &bytes);
    if (!text) {
        die("not an x86-64 ELF file with code", NULL);
    }
    bytes = MIN(bytes, max);
    memcpy((uint8_t *)memory_region_ram_ptr(&ram) + PA_CODE, text, bytes);
    return bytes;
}

/* --- the vCPU --- */

static void make_cpu(const char *accel, uint64_t ram_bytes)
{
    g_autoptr(KeyVal) options = NULL;
    GError *error = NULL;

    bql_init();
    bql_lock();
    cpu_list_init();
    memory_map_init();
    options = keyval_parse(accel, NULL, &error);
    if (!options || !tcg_accel_init(options, 1, &error) ||
        !memory_region_init_ram(&ram, "code", ram_bytes, &error)) {
        die(NULL, error);
    }
    memory_region_add(system_memory(), 0, &ram);
    cpu = x86_cpu_create("max", 0, 0, &error);
    if (!cpu) {
        die(NULL, error);
    }
    bql_unlock();
}

static void enter_long_mode(void)
{
    uint64_t *tables =
        (uint64_t *)((uint8_t *)memory_region_ram_ptr(&ram) + PA_TABLES);
    const uint64_t flags = PTE_P | PTE_W | PTE_U;

    tables[0] = (PA_TABLES + PAGE_SIZE) | flags;
    tables[512] = (PA_TABLES + 2 * PAGE_SIZE) | flags;
    for (uint64_t i = 0; i < 512; i++) {
        tables[1024 + i] = i * 2 * MiB | flags | PTE_LARGE;
    }
    cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    cpu->cr3 = PA_TABLES;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->xcr0 = 7;
    cpu->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
    seg_set(cpu, R_CS, SEL_CODE64, 0, UINT32_MAX,
            DESC_P | 3u << DESC_DPL_SHIFT | DESC_S | DESC_W | DESC_A |
                DESC_CODE | DESC_L | DESC_G);
    for (unsigned i = 0; i < NB_SEGS; i++) {
        if (i != R_CS) {
            seg_set_null(cpu, i, 0, 3);
        }
    }
    x86_update_hflags(cpu);
}

/* --- the work --- */

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

/* A fetch at the end may fault, and a code buffer too small leaves as well. */
static int64_t translate_all(uint64_t bytes)
{
    int64_t start = cpu_ns();

    cpu->rip = PA_CODE;
    if (!_setjmp(cpu->cs.jmp_env)) {
        while (cpu->rip < PA_CODE + bytes - X86_MAX_INSN) {
            cpu->rip += tb_find(&cpu->cs, tcg_cflags(&cpu->cs))->guest_bytes;
        }
    } else {
        die("the code buffer is too small: give tb-size=", NULL);
    }
    return cpu_ns() - start;
}

static void report(const TcgStats *s, int64_t ns)
{
    double insns = s->guest_insns;

    printf("blocks %" PRIu64 ", instructions %" PRIu64 ", %.2f a block\n",
           s->tbs, s->guest_insns, insns / s->tbs);
    printf("host code %.1f bytes an instruction, %.1f a block\n",
           s->host_bytes / insns, (double)s->host_bytes / s->tbs);
    printf("code buffer %.1f bytes an instruction, %.1f a block\n",
           region_used_bytes() / insns, (double)region_used_bytes() / s->tbs);
    printf("CPU time %.0f ns an instruction, %.0f a block\n", ns / insns,
           (double)ns / s->tbs);
}

int main(int argc, char **argv)
{
    uint64_t max = (argc > 2 ? atof(argv[2]) : 1) * MiB, bytes;
    unsigned rounds = argc > 3 ? atoi(argv[3]) : 5;
    TcgStats *stats;
    int64_t best = INT64_MAX;

    if (argc < 2 || !max || !rounds) {
        die("usage: translate PROGRAM [MIB [ROUNDS [KEY=VALUE,...]]]", NULL);
    }
    make_cpu(argc > 4 ? argv[4] : "", ROUND_UP(PA_CODE + max, 2 * MiB));
    bytes = load_text(argv[1], max);
    enter_long_mode();
    stats = &cpu->cs.tcg->stats;
    while (rounds-- > 0) {
        int64_t ns;

        tb_pages_reset();
        memset(stats, 0, sizeof(*stats));
        ns = translate_all(bytes);
        best = MIN(best, ns);
    }
    report(stats, best);
    return 0;
}
