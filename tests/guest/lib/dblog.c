/* SPDX-License-Identifier: MIT */
#include "dblog.h"

volatile DbLog db;
volatile bool db_set_rf;

static void on_debug(Frame *f)
{
    if (db.n < 32) {
        db.at[db.n].rip = f->rip;
        db.at[db.n].cs = f->cs;
        db.at[db.n].dr6 = READ_DR(6);
        db.at[db.n].rflags = f->rflags;
        db.at[db.n].rcx = f->rcx;
    }
    db.n++;
    WRITE_DR(6, DR6_ONES);
    if (db_set_rf) {
        f->rflags |= RF;
    }
    if (db.n > 100) {
        f->rflags &= ~TF;
        WRITE_DR(7, DR7_ONES);
    }
}

void db_start(void)
{
    on_vector(1, on_debug);
    db.n = 0;
    WRITE_DR(6, DR6_ONES);
}

void db_stop(void)
{
    WRITE_DR(7, DR7_ONES);
}

void db_break(unsigned i, const volatile void *at, unsigned kind, unsigned len)
{
    switch (i) {
    case 0:
        WRITE_DR(0, at);
        break;
    case 1:
        WRITE_DR(1, at);
        break;
    case 2:
        WRITE_DR(2, at);
        break;
    default:
        WRITE_DR(3, at);
    }
    WRITE_DR(7, READ_DR(7) | DR7_G(i) | DR7_KIND(i, kind, len));
}

extern char stepped_rep[];
static volatile RepSteps rep;

static void on_rep_debug(Frame *f)
{
    if (READ_DR(6) & 1) {
        rep.breaks++;
        f->rflags |= RF;
    } else if (f->rip == (uintptr_t)stepped_rep && f->rcx < 4) {
        rep.between++;
        rep.with_rf += (f->rflags & RF) != 0;
    }
    WRITE_DR(6, DR6_ONES);
}

RepSteps db_step_rep(bool broken)
{
    static uint8_t buf[4];

    on_vector(1, on_rep_debug);
    rep.breaks = rep.between = rep.with_rf = 0;
    if (broken) {
        db_break(0, stepped_rep, ON_EXECUTE, LEN1);
    }
    __asm__ volatile("mov $4, %%ecx; mov %0, %%rdi\n"
                     "pushf; orl $0x100, (%%rsp); popf\n"
                     "nop\n"
                     "stepped_rep: rep stosb\n"
                     "pushf; andl $~0x100, (%%rsp); popf\n" ::"r"(buf)
                     : "rcx", "rdi", "rax", "cc", "memory");
    db_stop();
    return rep;
}

void db_expect(const char *what, unsigned n, const char *const *rips,
               const uint64_t *dr6)
{
    unsigned i, right = 0;

    for (i = 0; i < n && i < db.n; i++) {
        right += db.at[i].rip == (uintptr_t)rips[i] &&
                 db.at[i].dr6 == (DR6_ONES | dr6[i]);
    }
    check(db.n == n && right == n, "%s", what);
    for (i = 0; (db.n != n || right != n) && i < db.n && i < 32; i++) {
        print("# #DB at %x, DR6 %x\n", db.at[i].rip, db.at[i].dr6);
    }
}
