/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests of the memory model: what several processors see of each
 * other's loads and stores must be something that x86-TSO allows, and what it
 * allows beyond sequential consistency must be seen.
 *
 * A test is up to four programs of one or two accesses to the locations x and
 * y.  Each round has locations of its own; the programs run through a batch of
 * rounds at the same time.  Values have the same byte eight times, so that an
 * access in two parts can be told: each byte by itself is ordered.
 * "rounds=N" sets how many; see docs/testing.md.
 * guest: -smp 4
 * Source: SDM vol. 3A, 8.2 "Memory Ordering"; Sewell, Sarkar, Owens, Zappa
 * Nardelli, Myreen: "x86-TSO: A Rigorous and Usable Programmer's Model for x86
 * Multiprocessors", CACM 53(7).
 */
#include "apic.h"

#define CPUS   4
#define BATCH  2048
#define PAGES  256 /* rounds in a batch of accesses that cross pages */
#define VECTOR 0xa0
#define BYTES  0x0101010101010101ull
#define V1     BYTES
#define V2     (2 * BYTES)

enum { X, Y };

typedef enum Order {
    ORDER_NONE,
    ORDER_MFENCE,
    ORDER_LOCK,
    ORDER_CPUID,
    ORDER_IRET,
    ORDER_XCHG, /* stores are exchanges */
    ORDERS
} Order;

static const char *const order_names[ORDERS] = {
    "nothing", "MFENCE", "a locked instruction",
    "CPUID",   "IRET",   "stores by XCHG"
};

/* What one program does: to a[] first, then to b[]. */
typedef struct Task {
    uint8_t *a, *b;
    uint64_t va, vb;               /* to store */
    uint64_t ra[BATCH], rb[BATCH]; /* what was loaded */
    unsigned n, stride;
    volatile unsigned at;      /* the round */
    volatile unsigned *others; /* that of the one to keep step with */
    unsigned seen;             /* there, last time */
} Task;

/* Start the round together, if the other one has its core: it has moved. */
static inline void keep_step(Task *t, unsigned i)
{
    unsigned spins = *t->others != t->seen ? 300 : 0;

    t->at = i;
    while (*t->others < i && spins) {
        spins--;
    }
    t->seen = *t->others;
}

#define LOAD_A  "mov (%[a]), %[ra];"
#define LOAD_B  "mov (%[b]), %[rb];"
#define STORE_A "mov %[va], (%[a]);"
#define STORE_B "mov %[vb], (%[b]);"
#define XCHG_A  "mov %[va], %%r8; xchg %%r8, (%[a]);"
#define XCHG_B  "mov %[vb], %%r8; xchg %%r8, (%[b]);"

#define PROGRAM(name, text)                                                    \
    static void name(Task *t)                                                  \
    {                                                                          \
        uint8_t *a = t->a, *b = t->b;                                          \
        uint64_t ra = 0, rb = 0;                                               \
        unsigned i;                                                            \
        for (i = 0; i < t->n; i++, a += t->stride, b += t->stride) {           \
            keep_step(t, i);                                                   \
            __asm__ volatile(                                                  \
                text                                                           \
                : [ra] "+r"(ra), [rb] "+r"(rb)                                 \
                : [a] "r"(a), [b] "r"(b), [va] "r"(t->va), [vb] "r"(t->vb)     \
                : "rax", "rbx", "rcx", "rdx", "r8", "memory", "cc");           \
            t->ra[i] = ra;                                                     \
            t->rb[i] = rb;                                                     \
        }                                                                      \
    }

#define IRET                                                                   \
    "mov %%rsp, %%rcx; lea 1f(%%rip), %%rdx; push $0x10; push %%rcx; pushfq;"  \
    "push $8; push %%rdx; iretq; 1:"

#define PROGRAMS(name, first, second, xchg)                                    \
    PROGRAM(name##_none, first second)                                         \
    PROGRAM(name##_mfence, first "mfence;" second)                             \
    PROGRAM(name##_lock, first "lock addl $0, lock_word;" second)              \
    PROGRAM(name##_cpuid, first "xor %%eax, %%eax; cpuid;" second)             \
    PROGRAM(name##_iret, first IRET second)                                    \
    PROGRAM(name##_xchg, xchg)                                                 \
    static void (*const name[ORDERS])(Task *) = { name##_none, name##_mfence,  \
                                                  name##_lock, name##_cpuid,   \
                                                  name##_iret, name##_xchg };

uint32_t lock_word;

PROGRAMS(write_write, STORE_A, STORE_B, XCHG_A XCHG_B)
PROGRAMS(write_read, STORE_A, LOAD_B, XCHG_A LOAD_B)
PROGRAMS(read_write, LOAD_A, STORE_B, LOAD_A XCHG_B)
PROGRAMS(read_read, LOAD_A, LOAD_B, LOAD_A LOAD_B)
PROGRAMS(write, STORE_A, "", XCHG_A)

/* --- the tests --- */

typedef struct Round {
    uint64_t ra[CPUS], rb[CPUS], x, y;
} Round;

typedef struct Litmus {
    const char *name;
    unsigned n;
    struct {
        void (*const *program)(Task *);
        unsigned first; /* X, Y: the location of its first access */
        uint64_t va, vb;
    } task[CPUS];
    /* Did it happen?  Only by a store that was overtaken by a load. */
    bool (*weak)(const Round *r);
    bool allowed; /* by TSO, if nothing orders */
} Litmus;

static uint64_t fresh(uint64_t v)
{
    return v & BYTES;
}

static uint64_t stale(uint64_t v)
{
    return ~v & BYTES;
}

/* Is some byte of the location, which had 1 and 2 stored, the 2? */
static uint64_t twos(uint64_t v)
{
    return v >> 1 & BYTES;
}

static bool sb_weak(const Round *r)
{
    return stale(r->rb[0]) && stale(r->rb[1]);
}

static bool mp_weak(const Round *r)
{
    return fresh(r->ra[1]) && stale(r->rb[1]);
}

static bool lb_weak(const Round *r)
{
    return fresh(r->ra[0]) && fresh(r->ra[1]);
}

static bool iriw_weak(const Round *r)
{
    return (fresh(r->ra[2]) & stale(r->rb[3])) &&
           (stale(r->rb[2]) & fresh(r->ra[3]));
}

static bool wrc_weak(const Round *r)
{
    return (fresh(r->ra[1]) & stale(r->rb[2])) && fresh(r->ra[2]);
}

static bool s_weak(const Round *r)
{
    return fresh(r->ra[1]) && twos(r->x);
}

static bool r_weak(const Round *r)
{
    return stale(r->rb[1]) && twos(r->y);
}

static bool ww_weak(const Round *r)
{
    return fresh(r->x) && fresh(r->y);
}

static const Litmus litmus[] = {
    { "SB",
      2,
      { { write_read, X, V1, 0 }, { write_read, Y, V1, 0 } },
      sb_weak,
      true },
    { "MP",
      2,
      { { write_write, X, V1, V1 }, { read_read, Y, 0, 0 } },
      mp_weak,
      false },
    { "LB",
      2,
      { { read_write, X, 0, V1 }, { read_write, Y, 0, V1 } },
      lb_weak,
      false },
    { "S",
      2,
      { { write_write, X, V2, V1 }, { read_write, Y, 0, V1 } },
      s_weak,
      false },
    { "R",
      2,
      { { write_write, X, V1, V1 }, { write_read, Y, V2, 0 } },
      r_weak,
      true },
    { "2+2W",
      2,
      { { write_write, X, V1, V2 }, { write_write, Y, V1, V2 } },
      ww_weak,
      false },
    { "WRC",
      3,
      { { write, X, V1, 0 }, { read_write, X, 0, V1 }, { read_read, Y, 0, 0 } },
      wrc_weak,
      false },
    { "IRIW",
      4,
      { { write, X, V1, 0 },
        { write, Y, V1, 0 },
        { read_read, X, 0, 0 },
        { read_read, Y, 0, 0 } },
      iriw_weak,
      false },
};

/* Where the accesses of 8 bytes are. */
static const struct Place {
    const char *name;
    unsigned offset, stride, n;
    unsigned divide; /* fewer rounds */
    bool over_pages; /* in parts, in C: slower, and not overtaken; an exchange
                        stops all processors */
} places[] = {
    { "aligned", 0, 64, BATCH, 1, false },
    { "unaligned", 3, 64, BATCH, 1, false },
    { "over two lines", 60, 128, BATCH, 1, false },
    { "over two pages", 4092, 4096, PAGES, 8, true },
};

/* --- running them --- */

static Task task[CPUS];
static const Litmus *volatile test;
static volatile Order order;
static volatile uint32_t batch, arrived, session, left;
static uint8_t *area[2];
static uint64_t patience = 300000000000ull; /* TSC cycles, on a busy host */

/* Spinning helps to start together; PAUSE lets another one have the core. */
static inline void spin(unsigned *spins)
{
    if (++*spins > 2000) {
        __asm__ volatile("pause");
    }
}

static void wait_until(volatile uint32_t *what, uint32_t value)
{
    unsigned spins = 0;

    while (*what != value) {
        spin(&spins);
    }
}

static uint32_t wait_while(volatile uint32_t *what, uint32_t value)
{
    unsigned spins = 0;
    uint32_t now;

    while ((now = *what) == value) {
        spin(&spins);
    }
    return now;
}

static void run_task(unsigned index)
{
    test->task[index].program[order](&task[index]);
}

/* Batches until number 0 comes. */
static void work(unsigned index)
{
    uint32_t last = 0;

    if (index < test->n) {
        for (;;) {
            __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
            last = wait_while(&batch, last);
            if (!last) {
                break;
            }
            run_task(index);
        }
    }
    __atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
}

static void woken(Frame *f)
{
    (void)f;
    apic_eoi();
}

static void ap_main(unsigned index)
{
    uint32_t last = 0;

    apic_enable();
    for (;;) {
        while (session == last) {
            __asm__ volatile("sti; hlt; cli" ::: "memory");
        }
        last = session;
        work(index);
    }
}

/* Batches in step and batches at leisure see different distances between the
 * accesses, and so different outcomes. */
static void prepare(const struct Place *p, bool in_step)
{
    unsigned i, t;

    for (i = 0; i < p->n; i++) {
        memset(area[X] + i * p->stride + p->offset, 0, 8);
        memset(area[Y] + i * p->stride + p->offset, 0, 8);
    }
    for (t = 0; t < test->n; t++) {
        task[t].a = area[test->task[t].first] + p->offset;
        task[t].b = area[!test->task[t].first] + p->offset;
        task[t].va = test->task[t].va;
        task[t].vb = test->task[t].vb;
        task[t].n = p->n;
        task[t].stride = p->stride;
        task[t].at = task[t].seen = 0;
        task[t].others = &task[in_step && (t ^ 1) < test->n ? t ^ 1 : t].at;
    }
}

static unsigned count_weak(const struct Place *p)
{
    unsigned i, t, weak = 0;

    for (i = 0; i < p->n; i++) {
        Round r;

        for (t = 0; t < test->n; t++) {
            r.ra[t] = task[t].ra[i];
            r.rb[t] = task[t].rb[i];
        }
        r.x = *(uint64_t *)(area[X] + i * p->stride + p->offset);
        r.y = *(uint64_t *)(area[Y] + i * p->stride + p->offset);
        weak += test->weak(&r);
    }
    return weak;
}

static void next_batch(uint32_t number)
{
    wait_until(&arrived, test->n - 1);
    arrived = 0;
    __atomic_store_n(&batch, number, __ATOMIC_SEQ_CST);
}

static uint64_t run_rounds(const struct Place *p, uint64_t rounds)
{
    uint64_t done, weak = 0;

    left = arrived = batch = 0;
    __atomic_add_fetch(&session, 1, __ATOMIC_SEQ_CST);
    apic_send(0, ICR_OTHERS | ICR_ASSERT | VECTOR);
    for (done = 0; done < rounds; done += p->n) {
        prepare(p, done / p->n % 2);
        next_batch(done / p->n + 1);
        run_task(0);
        wait_until(&arrived, test->n - 1);
        weak += count_weak(p);
    }
    next_batch(0);
    wait_until(&left, CPUS - 1);
    return weak;
}

/* It may take a while until two processors run at the same time. */
static void test_overtaken(const struct Place *p, uint64_t rounds)
{
    uint64_t end = rdtsc() + patience, weak = run_rounds(p, rounds);

    while (!weak && rdtsc() < end) {
        weak = run_rounds(p, rounds);
    }
    check(weak > 0, "%s, %s: stores are overtaken", test->name, p->name);
}

static void run_test(const Litmus *t, Order o, const struct Place *p,
                     uint64_t rounds)
{
    test = t;
    order = o;
    rounds /= p->divide;
    if (t->allowed && o == ORDER_NONE) {
        if (!p->over_pages) {
            test_overtaken(p, rounds);
        }
        return;
    }
    if (p->over_pages && o == ORDER_XCHG) {
        rounds /= 100;
    }
    check_eq(run_rounds(p, rounds), 0, "%s, %s, ordered by %s", t->name,
             p->name, order_names[o]);
}

int main(void)
{
    uint64_t rounds = 200000;
    unsigned i, t, o;

    if (boot_word("quick")) {
        rounds = 6000;
        patience /= 10;
    }
    boot_option("rounds", &rounds);
    for (i = 0; i < 2; i++) {
        area[i] = page_alloc();
        for (t = 0; t < PAGES; t++) {
            (void)page_alloc();
        }
    }
    on_vector(VECTOR, woken);
    apic_enable();
    smp_start(ap_main);
    check_eq(smp_count(), CPUS, "processors");
    if (smp_count() != CPUS) {
        return 1;
    }
    for (t = 0; t < sizeof(litmus) / sizeof(litmus[0]); t++) {
        for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            for (o = 0; o < ORDERS; o++) {
                run_test(&litmus[t], o, &places[i], rounds);
            }
        }
    }
    return 0;
}
