/* SPDX-License-Identifier: MIT */
/*
 * The guest registers that the IR knows as globals: temps 0-15 are the GPRs,
 * 16-31 the vector registers, 32 is
 * X86CPU.vec_operand.
 */
#include "target/i386/emit.h"
#include "tcg/target.h"

const TcgTarget tcg_target = {
    .rip = offsetof(X86CPU, rip),
    .rip_base = offsetof(X86CPU, rip_base),
    .cc = offsetof(X86CPU, cc),
    .cc_in = offsetof(X86CPU, cc_in),
    .mxcsr = offsetof(X86CPU, mxcsr),
    .flags = offsetof(X86CPU, hflags),
    .wide_flags = HF_CS64,
    .flat_flags = HF_FLAT_CS | HF_CS64,
};

/* Which GPRs are worth a host register, the best first. */
static const uint8_t pin_order[] = {
    R_RAX, R_RCX, R_RDX, R_RBX, R_RSP, R_RBP, R_RSI, R_RDI, 8, 12, 13,
};

static int gpr_pin(unsigned reg)
{
    for (unsigned i = 0; i < ARRAY_LEN(pin_order); i++) {
        if (pin_order[i] == reg) {
            return i;
        }
    }
    return -1;
}

void x86_regs_init(void)
{
    static const char *const gpr[16] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
    };
    static const char *const vec[16] = {
        "v0", "v1", "v2",  "v3",  "v4",  "v5",  "v6",  "v7",
        "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
    };

    for (unsigned i = 0; i < 16; i++) {
        ir_add_global(gpr[i], offsetof(X86CPU, regs[i]), false, gpr_pin(i));
    }
    for (unsigned i = 0; i < 16; i++) {
        ir_add_global(vec[i], offsetof(X86CPU, vec[i]), true, -1);
    }
    ir_add_global("vmem", offsetof(X86CPU, vec_operand), true, -1);
    g_assert(ir_global_count() == 33); /* x86_gpr and x86_vec count on it */
}
