/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE family and the accesses under a mask, where they can fault or leave
 * things out.  Expected images: SDM vol. 1, 13.4 "XSAVE Area" and 13.7 to
 * 13.12; faults in the middle: vol. 2C, "VPGATHERDD" and "VMASKMOV".
 */
#include "target/i386/avx.h"
#include "target/i386/fpustate.h"
#include "tests/target/x86_machine.h"

#define AREA      0x6000
#define BV        (AREA + 512)
#define XCOMP     (AREA + 520)
#define COMPACTED BIT64(63)
#define UNTOUCHED 0xababababababababull

enum { X87 = 1, SSE = 2, AVX = 4, ALL = 7 };

/* Enabled components, those that instructions ask for, an area of one byte. */
static void set_up(uint64_t rfbm)
{
    machine_reset(0);
    cpu->cr4 = CR4_OSXSAVE | CR4_OSFXSR;
    cpu->xcr0 = ALL;
    cpu->mxcsr = 0x1f80;
    memset(cpu->vec, 0, sizeof(cpu->vec));
    fpu_x87_init(cpu);
    x86_update_hflags(cpu);
    cpu->regs[R_RAX] = rfbm;
    for (unsigned i = 0; i < 832; i += 8) {
        poke(AREA + i, UNTOUCHED, 8);
    }
    for (unsigned i = 512; i < 576; i += 8) {
        poke(AREA + i, 0, 8);
    }
}

static void put_some_state(void)
{
    cpu->x87.cw = 0x27f;
    cpu->x87.valid = 1;
    cpu->x87.r[0] = (X87Reg){0x8000000000000000, 0x3fff};
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 4; k++) {
            cpu->vec[i].u64[k] = 0x1000 * i + k + 1;
        }
    }
}

/* --- saving --- */

static void test_in_use(void)
{
    set_up(ALL);
    g_assert_cmphex(xsave_in_use(cpu), ==, 0);
    cpu->vec[3].u64[3] = 1;
    g_assert_cmphex(xsave_in_use(cpu), ==, AVX);
    cpu->vec[3].u64[3] = 0;
    cpu->vec[5].u64[1] = 1;
    g_assert_cmphex(xsave_in_use(cpu), ==, SSE);
    cpu->vec[5].u64[1] = 0;
    cpu->mxcsr = 0x1f00;
    g_assert_cmphex(xsave_in_use(cpu), ==, SSE);
    cpu->mxcsr = 0x1f80;
    cpu->x87.cw = 0x37e;
    g_assert_cmphex(xsave_in_use(cpu), ==, X87);
}

/* XSAVE stores all that is asked for, used or not. */
static void test_xsave(void)
{
    set_up(ALL);
    put_some_state();
    poke(BV, 0x100, 8);
    helper_xsave(cpu, AREA, IR_32);
    g_assert_cmphex(peek(BV, 8), ==, 0x100 | ALL);
    g_assert_cmphex(peek(XCOMP, 8), ==, 0);
    g_assert_cmphex(peek(AREA, 2), ==, 0x27f);
    g_assert_cmphex(peek(AREA + 24, 4), ==, 0x1f80);
    g_assert_cmphex(peek(AREA + 160 + 16 * 7 + 8, 8), ==, 0x7002);
    g_assert_cmphex(peek(AREA + 576 + 16 * 7, 8), ==, 0x7003);
    /* Eight registers outside 64-bit mode. */
    g_assert_cmphex(peek(AREA + 160 + 16 * 8, 8), ==, UNTOUCHED);

    set_up(ALL);
    helper_xsave(cpu, AREA, IR_32);
    g_assert_cmphex(peek(BV, 8), ==, 0);
    g_assert_cmphex(peek(AREA + 160, 8), ==, 0);
}

/* Only what is asked for; the other bits of XSTATE_BV stay. */
static void test_xsave_part(void)
{
    set_up(AVX);
    put_some_state();
    poke(BV, X87, 8);
    helper_xsave(cpu, AREA, IR_32);
    g_assert_cmphex(peek(BV, 8), ==, X87 | AVX);
    g_assert_cmphex(peek(AREA, 8), ==, UNTOUCHED);
    g_assert_cmphex(peek(AREA + 24, 4), ==, 0x1f80);
    g_assert_cmphex(peek(AREA + 160, 8), ==, UNTOUCHED);
    g_assert_cmphex(peek(AREA + 576, 8), ==, 3);
}

static void test_xsaveopt(void)
{
    set_up(ALL);
    cpu->vec[0].u64[0] = 5;
    poke(BV, ALL, 8);
    helper_xsaveopt(cpu, AREA, IR_32);
    g_assert_cmphex(peek(BV, 8), ==, SSE);
    g_assert_cmphex(peek(AREA, 8), ==, UNTOUCHED);
    g_assert_cmphex(peek(AREA + 160, 8), ==, 5);
    g_assert_cmphex(peek(AREA + 576, 8), ==, UNTOUCHED);
}

static void test_xsavec(void)
{
    set_up(SSE | AVX);
    cpu->vec[1].u64[2] = 7;
    poke(BV, ALL, 8);
    helper_xsavec(cpu, AREA, IR_32);
    g_assert_cmphex(peek(BV, 8), ==, AVX);
    g_assert_cmphex(peek(XCOMP, 8), ==, COMPACTED | SSE | AVX);
    g_assert_cmphex(peek(AREA + 24, 4), ==, (uint32_t)UNTOUCHED);
    g_assert_cmphex(peek(AREA + 576 + 16, 8), ==, 7);
}

/* --- restoring --- */

static void test_round_trip(gconstpointer compacted)
{
    static VecReg vec[16];

    set_up(ALL);
    put_some_state();
    memcpy(vec, cpu->vec, sizeof(vec));
    if (compacted) {
        helper_xsavec(cpu, AREA, IR_32);
    } else {
        helper_xsave(cpu, AREA, IR_32);
    }
    memset(cpu->vec, 0x55, sizeof(cpu->vec[0]) * 8);
    cpu->x87.cw = 0;
    cpu->mxcsr = 0;
    g_assert_cmphex(CATCH(helper_xrstor(cpu, AREA, IR_32)), ==, NO_FAULT);
    g_assert_cmpmem(vec, sizeof(vec), cpu->vec, sizeof(cpu->vec));
    g_assert_cmphex(cpu->x87.cw, ==, 0x27f);
    g_assert_cmphex(cpu->x87.r[0].sign_exp, ==, 0x3fff);
    g_assert_cmphex(cpu->mxcsr, ==, 0x1f80);
}

/* What XSTATE_BV lacks becomes initial; MXCSR only in the compacted format. */
static void test_restore_initial(void)
{
    set_up(ALL);
    put_some_state();
    poke(AREA + 24, 0x1fa0, 4);
    g_assert_cmphex(CATCH(helper_xrstor(cpu, AREA, IR_32)), ==, NO_FAULT);
    g_assert_cmphex(xsave_in_use(cpu), ==, SSE); /* by MXCSR */
    g_assert_cmphex(cpu->mxcsr, ==, 0x1fa0);
    poke(XCOMP, COMPACTED | ALL, 8);
    g_assert_cmphex(CATCH(helper_xrstors(cpu, AREA, IR_32)), ==, NO_FAULT);
    g_assert_cmphex(xsave_in_use(cpu), ==, 0);
}

static uint32_t restore_with(hwaddr at, uint64_t value)
{
    uint64_t old = peek(at, 8);
    uint32_t fault;

    poke(at, value, 8);
    fault = CATCH(helper_xrstor(cpu, AREA, IR_32));
    poke(at, old, 8);
    return fault;
}

static void test_restore_faults(void)
{
    set_up(ALL);
    poke(AREA + 24, 0x1f80, 4);
    g_assert_cmphex(restore_with(BV, 8), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(restore_with(XCOMP, 1), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(restore_with(BV + 16, 1), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(restore_with(BV + 24, 1), ==, NO_FAULT);
    g_assert_cmphex(restore_with(AREA + 24, 0x10000), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(CATCH(helper_xrstors(cpu, AREA, IR_32)), ==,
                    FAULT(EXCP_GP, 0)); /* not compacted */
    poke(XCOMP, COMPACTED | SSE, 8);
    g_assert_cmphex(restore_with(BV, AVX), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(restore_with(BV + 56, 1), ==, FAULT(EXCP_GP, 0));
    g_assert_cmphex(restore_with(XCOMP, COMPACTED | 8), ==, FAULT(EXCP_GP, 0));
}

static void test_mode_faults(void)
{
    set_up(ALL);
    g_assert_cmphex(CATCH(helper_xsave(cpu, AREA + 16, IR_32)), ==,
                    FAULT(EXCP_GP, 0));
    cpu->cr0 |= CR0_TS;
    g_assert_cmphex(CATCH(helper_xsavec(cpu, AREA, IR_32)) >> 16, ==, EXCP_NM);
    cpu->cr4 &= ~CR4_OSXSAVE;
    g_assert_cmphex(CATCH(helper_xsaveopt(cpu, AREA, IR_32)) >> 16, ==,
                    EXCP_UD);
}

/* --- under a mask --- */

static uint64_t how(unsigned index_size)
{
    AvxAccess a = {.seg = R_DS,
                   .vec = 0,
                   .index = 1,
                   .mask = 2,
                   .elem = MO_32,
                   .index_size = (uint8_t)index_size,
                   .wide = 1};
    uint64_t word;

    memcpy(&word, &a, sizeof(word));
    return word;
}

/* DS ends behind @AREA + 15: four words. */
static void shorten_segment(void)
{
    set_up(ALL);
    seg_set(cpu, R_DS, SEL_DATA0, 0, AREA + 15, AR_DATA | DESC_A);
    x86_update_hflags(cpu);
    for (unsigned i = 0; i < 4; i++) {
        poke(AREA + 4 * i, 0x100 + i, 4);
    }
    for (unsigned i = 0; i < 8; i++) {
        cpu->vec[0].u32[i] = 0xdead;
        cpu->vec[1].u32[i] = 4 * i;
        cpu->vec[2].u32[i] = i == 1 ? 0 : 0x80000000;
    }
}

/* The elements before the fault are done, and not asked for any more. */
static void test_gather_fault(void)
{
    shorten_segment();
    g_assert_cmphex(CATCH(helper_gather(cpu, AREA, how(MO_32), MO_32)), ==,
                    FAULT(EXCP_GP, 0));
    for (unsigned i = 0; i < 8; i++) {
        uint32_t want = i == 1 || i > 3 ? 0xdead : 0x100 + i;

        g_assert_cmphex(cpu->vec[0].u32[i], ==, want);
        g_assert_cmphex(cpu->vec[2].u32[i], ==, i > 3 ? 0x80000000 : 0);
    }
}

/* A load or store that faults has done nothing; hidden elements do not count.
 */
static void test_mask_fault(void)
{
    shorten_segment();
    g_assert_cmphex(CATCH(helper_maskload(cpu, AREA, how(0), MO_32)), ==,
                    FAULT(EXCP_GP, 0));
    g_assert_cmphex(cpu->vec[0].u32[0], ==, 0xdead);
    g_assert_cmphex(CATCH(helper_maskstore(cpu, AREA, how(0), MO_32)), ==,
                    FAULT(EXCP_GP, 0));
    g_assert_cmphex(peek(AREA, 4), ==, 0x100);
    memset(&cpu->vec[2].u32[4], 0, 16);
    g_assert_cmphex(CATCH(helper_maskstore(cpu, AREA, how(0), MO_32)), ==,
                    NO_FAULT);
    g_assert_cmphex(peek(AREA, 4), ==, 0xdead);
    g_assert_cmphex(peek(AREA + 4, 4), ==, 0x101);
    g_assert_cmphex(CATCH(helper_maskload(cpu, AREA, how(0), MO_32)), ==,
                    NO_FAULT);
    g_assert_cmphex(cpu->vec[0].u32[1], ==, 0);
    g_assert_cmphex(cpu->vec[0].u32[3], ==, 0xdead);
    g_assert_cmphex(cpu->vec[0].u32[4], ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_func("/xsave/in-use", test_in_use);
    g_test_add_func("/xsave/xsave", test_xsave);
    g_test_add_func("/xsave/part", test_xsave_part);
    g_test_add_func("/xsave/xsaveopt", test_xsaveopt);
    g_test_add_func("/xsave/xsavec", test_xsavec);
    g_test_add_data_func("/xsave/round-trip/standard", NULL, test_round_trip);
    g_test_add_data_func("/xsave/round-trip/compacted", "yes", test_round_trip);
    g_test_add_func("/xsave/restore-initial", test_restore_initial);
    g_test_add_func("/xsave/restore-faults", test_restore_faults);
    g_test_add_func("/xsave/mode-faults", test_mode_faults);
    g_test_add_func("/avx/gather-fault", test_gather_fault);
    g_test_add_func("/avx/mask-fault", test_mask_fault);
    return g_test_run();
}
