/* SPDX-License-Identifier: MIT */
/*
 * x87 loads, stores, conversions and moves within the stack.
 * Source: SDM vol. 2A under each mnemonic.
 *
 * A store to memory comes before the status word changes and before a pop: if
 * it faults the instruction has not happened.
 */
#include <string.h>

#include "exec/ldst.h"
#include "target/i386/x87_host.h"
#include "tcg/ir.h"

/* --- loads --- */

/* Top of the host's stack after a push on its two operands. */
#define HOST_TOP_PUSHED 5

/* Whether an unmasked exception keeps the value out is the host's to say:
 * processors differ on denormals. */
static void load_float(X86CPU *cpu, const X87Insn *in, MemOp size,
                       X87HostOp op)
{
    X87Host h = {
        .mem = {cpu_load(&cpu->cs, in->addr, in->mo | size)},
        .cw = cpu->x87.cw,
    };

    x87_host_run(&h, op);
    if (x87_is_empty(cpu, 7) && (h.sw & ~h.cw & X87_PRE) &&
        (h.sw >> 11 & 7) == HOST_TOP_PUSHED) {
        x87_signal(cpu, h.sw & ~X87_SW_C1);
        cpu->x87.top = (cpu->x87.top - 1) & 7;
        x87_set(cpu, 0, h.st0);
        return;
    }
    x87_push(cpu, h.st0, h.sw & ~X87_SW_C1);
}

void x87_fld_f32(X86CPU *cpu, const X87Insn *in)
{
    load_float(cpu, in, MO_32, X87_HOST_FLD_F32);
}

void x87_fld_f64(X86CPU *cpu, const X87Insn *in)
{
    load_float(cpu, in, MO_64, X87_HOST_FLD_F64);
}

void x87_fld_f80(X86CPU *cpu, const X87Insn *in)
{
    X87Value v;

    cpu_load_bytes(&cpu->cs, in->addr, &v, sizeof(v), in->mo);
    x87_push(cpu, v, 0);
}

void x87_fbld(X86CPU *cpu, const X87Insn *in)
{
    X87Host h = {.cw = cpu->x87.cw};

    cpu_load_bytes(&cpu->cs, in->addr, h.mem, 10, in->mo);
    x87_host_run(&h, X87_HOST_FBLD);
    x87_push(cpu, h.st0, 0);
}

/* Every 64-bit integer has an exact 80-bit value. */
static X87Value value_of_int(int64_t n)
{
    uint64_t magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n;
    uint16_t sign = n < 0 ? 0x8000 : 0;
    int shift;

    if (magnitude == 0) {
        return (X87Value){0, 0};
    }
    shift = __builtin_clzll(magnitude);
    return (X87Value){magnitude << shift, sign | (16383 + 63 - shift)};
}

static void load_int(X86CPU *cpu, const X87Insn *in, MemOp size)
{
    int64_t n = cpu_load(&cpu->cs, in->addr, in->mo | size | MO_SIGN);

    x87_push(cpu, value_of_int(n), 0);
}

void x87_fild_16(X86CPU *cpu, const X87Insn *in)
{
    load_int(cpu, in, MO_16);
}

void x87_fild_32(X86CPU *cpu, const X87Insn *in)
{
    load_int(cpu, in, MO_32);
}

void x87_fild_64(X86CPU *cpu, const X87Insn *in)
{
    load_int(cpu, in, MO_64);
}

void x87_fld_sti(X86CPU *cpu, const X87Insn *in)
{
    unsigned i = x87_rm(in);

    /* An empty source that meets a full stack counts as underflow. */
    if (x87_is_empty(cpu, i)) {
        if (x87_underflow(cpu)) {
            cpu->x87.top = (cpu->x87.top - 1) & 7;
            x87_set(cpu, 0, x87_indefinite);
        }
        return;
    }
    x87_push(cpu, x87_get(cpu, i), 0);
}

/* --- stores --- */

typedef struct StoreKind {
    uint8_t op; /* X87HostOp */
    uint8_t bytes;
} StoreKind;

/* By opcode - D8 and ModRM.reg, where memory rows say x87_fst. */
static StoreKind store_kind(const X87Insn *in)
{
    static const StoreKind float_32 = {X87_HOST_FST_F32, 4},
                           float_64 = {X87_HOST_FST_F64, 8},
                           int_16 = {X87_HOST_FIST_16, 2},
                           int_32 = {X87_HOST_FIST_32, 4},
                           int_64 = {X87_HOST_FIST_64, 8},
                           trunc_16 = {X87_HOST_FISTT_16, 2},
                           trunc_32 = {X87_HOST_FISTT_32, 4},
                           trunc_64 = {X87_HOST_FISTT_64, 8},
                           bcd = {X87_HOST_FBST, 10};
    unsigned reg = x87_reg_field(in);

    switch (in->op) {
    case 1:
        return float_32;
    case 3:
        return reg == 1 ? trunc_32 : int_32;
    case 5:
        return reg == 1 ? trunc_64 : float_64;
    default:
        return reg == 1   ? trunc_16
               : reg == 6 ? bcd
               : reg == 7 ? int_64
                          : int_16;
    }
}

/* Memory destinations stay as they were for these too, when unmasked. */
#define STORE_PRE (X87_SW_IE | X87_SW_OE | X87_SW_UE)

void x87_fst(X86CPU *cpu, const X87Insn *in)
{
    StoreKind kind = store_kind(in);
    X87Host h = {.st0 = x87_get(cpu, 0), .cw = cpu->x87.cw};

    if (x87_is_empty(cpu, 0)) {
        h.st0 = x87_indefinite;
        h.cw |= X87_EXCEPTIONS;
    }
    x87_host_run(&h, kind.op);
    if (x87_is_empty(cpu, 0)) {
        h.sw = X87_SW_IE | X87_SW_SF;
    }
    if (h.sw & ~cpu->x87.cw & STORE_PRE) {
        x87_signal(cpu, h.sw);
        return;
    }
    cpu_store_bytes(&cpu->cs, in->addr, h.mem, kind.bytes, in->mo);
    x87_signal(cpu, h.sw);
    if (x87_reg_field(in) != 2) {
        x87_pop(cpu);
    }
}

void x87_fst_f80(X86CPU *cpu, const X87Insn *in)
{
    bool empty = x87_is_empty(cpu, 0);
    X87Value v = empty ? x87_indefinite : x87_get(cpu, 0);

    if (empty && !(cpu->x87.cw & X87_SW_IE)) {
        x87_underflow(cpu);
        return;
    }
    cpu_store_bytes(&cpu->cs, in->addr, &v, sizeof(v), in->mo);
    x87_signal(cpu, empty ? X87_SW_IE | X87_SW_SF : 0);
    x87_pop(cpu);
}

/* --- within the stack --- */

static bool store_sti(X86CPU *cpu, unsigned i)
{
    X87Value v = x87_get(cpu, 0);

    if (x87_is_empty(cpu, 0)) {
        if (!x87_underflow(cpu)) {
            return false;
        }
        v = x87_indefinite;
    } else {
        x87_signal(cpu, 0);
    }
    x87_set(cpu, i, v);
    return true;
}

void x87_fst_sti(X86CPU *cpu, const X87Insn *in)
{
    store_sti(cpu, x87_rm(in));
}

void x87_fstp_sti(X86CPU *cpu, const X87Insn *in)
{
    if (store_sti(cpu, x87_rm(in))) {
        x87_pop(cpu);
    }
}

/* D9 D8 to DF: an empty ST(0) is no fault, and is only popped. */
void x87_fstpnce(X86CPU *cpu, const X87Insn *in)
{
    x87_signal(cpu, 0);
    if (!x87_is_empty(cpu, 0)) {
        x87_set(cpu, x87_rm(in), x87_get(cpu, 0));
    }
    x87_pop(cpu);
}

void x87_fxch(X86CPU *cpu, const X87Insn *in)
{
    unsigned i = x87_rm(in);
    X87Value a = x87_is_empty(cpu, 0) ? x87_indefinite : x87_get(cpu, 0);
    X87Value b = x87_is_empty(cpu, i) ? x87_indefinite : x87_get(cpu, i);
    bool empty = x87_is_empty(cpu, 0) || x87_is_empty(cpu, i);

    if (x87_signal(cpu, empty ? X87_SW_IE | X87_SW_SF : 0)) {
        x87_set(cpu, 0, b);
        x87_set(cpu, i, a);
    }
}

/* DA: B, E, BE, U; DB: their opposites. */
static bool fcmov_holds(const X86CPU *cpu, const X87Insn *in)
{
    static const uint8_t cond[4] = {COND_B, COND_E, COND_BE, COND_P};
    bool holds = cond_holds(cond[x87_reg_field(in) & 3], cpu->cc);

    return in->op == 2 ? holds : !holds;
}

void x87_fcmov(X86CPU *cpu, const X87Insn *in)
{
    unsigned i = x87_rm(in);

    if (x87_is_empty(cpu, 0) || x87_is_empty(cpu, i)) {
        if (x87_underflow(cpu)) {
            x87_set(cpu, 0, x87_indefinite);
        }
        return;
    }
    if (fcmov_holds(cpu, in)) {
        x87_set(cpu, 0, x87_get(cpu, i));
    }
}

void x87_ffree(X86CPU *cpu, const X87Insn *in)
{
    cpu->x87.valid &= ~BIT(x87_phys(cpu, x87_rm(in)));
    x87_signal(cpu, 0);
}

void x87_ffreep(X86CPU *cpu, const X87Insn *in)
{
    x87_ffree(cpu, in);
    x87_pop(cpu);
}

void x87_fincstp(X86CPU *cpu, const X87Insn *in)
{
    cpu->x87.top = (cpu->x87.top + 1) & 7;
    x87_signal(cpu, 0);
}

void x87_fdecstp(X86CPU *cpu, const X87Insn *in)
{
    cpu->x87.top = (cpu->x87.top - 1) & 7;
    x87_signal(cpu, 0);
}

void x87_fnop(X86CPU *cpu, const X87Insn *in)
{
    /* Also FENI, FDISI and FSETPM of the 8087 and 287. */
}
