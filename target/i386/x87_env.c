/* SPDX-License-Identifier: MIT */
/*
 * x87 control: FLDCW, FNSTSW, and the environment and state images.
 * Source: SDM vol. 1, 8.1.10 "Saving the x87 FPU's State with FSTENV/FNSTENV
 * and FSAVE/FNSAVE", figures 8-9 to 8-12.
 */
#include <string.h>

#include "exec/ldst.h"
#include "target/i386/x87.h"

#define IMAGE_REGS (8 * sizeof(X87Value))
#define IMAGE_MAX  (28 + IMAGE_REGS)

static uint16_t status_word(const X86CPU *cpu)
{
    return cpu->x87.sw | cpu->x87.top << 11;
}

static void set_control(X86CPU *cpu, uint16_t cw)
{
    cpu->x87.cw = (cw & X87_CW_BITS) | X87_CW_ONES;
}

static void set_status(X86CPU *cpu, uint16_t sw)
{
    cpu->x87.top = sw >> 11 & 7;
    cpu->x87.sw = sw & ~(7u << 11);
    x87_update_summary(cpu);
}

/* --- words --- */

void x87_fldcw(X86CPU *cpu, const X87Insn *in)
{
    set_control(cpu, cpu_load(&cpu->cs, in->addr, in->mo | MO_16));
    x87_update_summary(cpu);
}

void x87_fnstcw(X86CPU *cpu, const X87Insn *in)
{
    cpu_store(&cpu->cs, in->addr, cpu->x87.cw, in->mo | MO_16);
}

void x87_fnstsw_mem(X86CPU *cpu, const X87Insn *in)
{
    cpu_store(&cpu->cs, in->addr, status_word(cpu), in->mo | MO_16);
}

void x87_fnstsw_ax(X86CPU *cpu, const X87Insn *in)
{
    cpu->regs[R_RAX] = deposit64(cpu->regs[R_RAX], 0, 16, status_word(cpu));
}

void x87_fnclex(X86CPU *cpu, const X87Insn *in)
{
    cpu->x87.sw &=
        ~(X87_EXCEPTIONS | X87_SW_SF | X87_SW_ES | X87_SW_B);
}

void x87_fninit(X86CPU *cpu, const X87Insn *in)
{
    x87_init_state(cpu);
}

/* --- tags --- */

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static unsigned tag_of(const X86CPU *cpu, unsigned reg)
{
    uint64_t mantissa = cpu->x87.r[reg].mantissa;
    unsigned exp = cpu->x87.r[reg].sign_exp & 0x7fff;

    if (!(cpu->x87.valid >> reg & 1)) {
        return TAG_EMPTY;
    }
    if (exp == 0 && mantissa == 0) {
        return TAG_ZERO;
    }
    /* Denormal, NaN, infinity, or without its integer bit. */
    if (exp == 0 || exp == 0x7fff || !(mantissa >> 63)) {
        return TAG_SPECIAL;
    }
    return TAG_VALID;
}

static uint16_t tag_word(const X86CPU *cpu)
{
    uint16_t tags = 0;

    for (unsigned reg = 0; reg < 8; reg++) {
        tags |= tag_of(cpu, reg) << (2 * reg);
    }
    return tags;
}

static void set_tags(X86CPU *cpu, uint16_t tags)
{
    cpu->x87.valid = 0;
    for (unsigned reg = 0; reg < 8; reg++) {
        if ((tags >> (2 * reg) & 3) != TAG_EMPTY) {
            cpu->x87.valid |= BIT(reg);
        }
    }
}

/* --- the environment: seven fields of two or four bytes --- */

enum { ENV_CW, ENV_SW, ENV_TW, ENV_IP, ENV_CS, ENV_DP, ENV_DS, ENV_FIELDS };

static bool is_8086(const X86CPU *cpu)
{
    return !(cpu->hflags & HF_PE) || (cpu->hflags & HF_VM);
}

static void env_fields(const X86CPU *cpu, bool wide, uint32_t *f)
{
    const X87State *x = &cpu->x87;
    uint32_t ip, dp;

    f[ENV_CW] = x->cw;
    f[ENV_SW] = status_word(cpu);
    f[ENV_TW] = tag_word(cpu);
    if (!is_8086(cpu)) {
        f[ENV_IP] = x->fip;
        f[ENV_CS] = wide ? x->fcs | (uint32_t)x->fop << 16 : x->fcs;
        f[ENV_DP] = x->fdp;
        f[ENV_DS] = x->fds;
        return;
    }
    /* Linear addresses, their upper bits above the opcode. */
    ip = x->fip + (x->fcs << 4);
    dp = x->fdp + (x->fds << 4);
    f[ENV_IP] = ip & 0xffff;
    f[ENV_CS] = (ip >> 16) << 12 | x->fop;
    f[ENV_DP] = dp & 0xffff;
    f[ENV_DS] = (dp >> 16) << 12;
}

static void set_env_pointers(X86CPU *cpu, bool wide, const uint32_t *f)
{
    X87State *x = &cpu->x87;

    if (is_8086(cpu)) {
        x->fip = (f[ENV_IP] & 0xffff) | (f[ENV_CS] >> 12) << 16;
        x->fdp = (f[ENV_DP] & 0xffff) | (f[ENV_DS] >> 12) << 16;
        x->fop = f[ENV_CS] & 0x7ff;
        x->fcs = x->fds = 0;
        return;
    }
    x->fip = f[ENV_IP];
    x->fcs = f[ENV_CS];
    x->fop = wide ? f[ENV_CS] >> 16 & 0x7ff : 0;
    x->fdp = f[ENV_DP];
    x->fds = f[ENV_DS];
}

/* Into @image; returns its size. */
static unsigned env_put(const X86CPU *cpu, bool wide, uint8_t *image)
{
    unsigned step = wide ? 4 : 2;
    uint32_t f[ENV_FIELDS];

    env_fields(cpu, wide, f);
    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        uint32_t value = f[i];

        if (wide && (i <= ENV_TW || i == ENV_DS) && !is_8086(cpu)) {
            value |= 0xffff0000; /* reserved upper halves read as ones */
        }
        memcpy(image + i * step, &value, step);
    }
    return ENV_FIELDS * step;
}

static unsigned env_take(X86CPU *cpu, bool wide, const uint8_t *image)
{
    unsigned step = wide ? 4 : 2;
    uint32_t f[ENV_FIELDS] = {0};

    for (unsigned i = 0; i < ENV_FIELDS; i++) {
        memcpy(&f[i], image + i * step, step);
    }
    set_control(cpu, f[ENV_CW]);
    set_status(cpu, f[ENV_SW]);
    set_tags(cpu, f[ENV_TW]);
    set_env_pointers(cpu, wide, f);
    return ENV_FIELDS * step;
}

void x87_fnstenv(X86CPU *cpu, const X87Insn *in)
{
    uint8_t image[IMAGE_MAX];
    unsigned len = env_put(cpu, !in->osize16, image);

    cpu_store_bytes(&cpu->cs, in->addr, image, len, in->mo);
    cpu->x87.cw |= X87_EXCEPTIONS; /* masks all, after the store */
    x87_update_summary(cpu);
}

void x87_fldenv(X86CPU *cpu, const X87Insn *in)
{
    uint8_t image[IMAGE_MAX];

    cpu_load_bytes(&cpu->cs, in->addr, image, in->osize16 ? 14 : 28, in->mo);
    env_take(cpu, !in->osize16, image);
}

void x87_fnsave(X86CPU *cpu, const X87Insn *in)
{
    uint8_t image[IMAGE_MAX];
    unsigned len = env_put(cpu, !in->osize16, image);

    for (unsigned i = 0; i < 8; i++) {
        X87Value v = x87_get(cpu, i);

        memcpy(image + len + i * sizeof(v), &v, sizeof(v));
    }
    cpu_store_bytes(&cpu->cs, in->addr, image, len + IMAGE_REGS, in->mo);
    x87_init_state(cpu);
}

void x87_frstor(X86CPU *cpu, const X87Insn *in)
{
    uint8_t image[IMAGE_MAX];
    unsigned len = in->osize16 ? 14 : 28;

    cpu_load_bytes(&cpu->cs, in->addr, image, len + IMAGE_REGS, in->mo);
    env_take(cpu, !in->osize16, image);
    for (unsigned i = 0; i < 8; i++) {
        unsigned reg = x87_phys(cpu, i);
        X87Value v;

        memcpy(&v, image + len + i * sizeof(v), sizeof(v));
        cpu->x87.r[reg].mantissa = v.mantissa;
        cpu->x87.r[reg].sign_exp = v.sign_exp;
    }
}
