/* SPDX-License-Identifier: MIT */
/*
 * Near jumps to addresses that are not canonical.
 *
 * Translated code jumps without a look at the address: only one that is not
 * canonical is found in no cache.  Then the jump, which has been made, is taken
 * back, with its stack pointer, as processors fault at the jump itself.
 * Source: SDM vol. 2A, "JMP", "CALL", "Jcc"; vol. 2B, "RET".
 */
#include <string.h>

#include "exec/translator.h"
#include "target/i386/decode.h"
#include "target/i386/excp.h"
#include "target/i386/seg.h"
#include "tcg/tb.h"

/* The 64-bit instruction at X86CPU.rip, which has run. */
static X86Insn decode_again(X86CPU *cpu)
{
    unsigned in_page = PAGE_SIZE - (cpu->rip & ~PAGE_MASK);
    unsigned avail = MIN(in_page, X86_MAX_INSN);
    uint8_t bytes[X86_MAX_INSN];
    ram_addr_t ram;
    X86Insn in;

    memcpy(bytes, tcg_code_page(&cpu->cs, cpu->rip, &ram), avail);
    if (x86_decode(&in, cpu, bytes, avail, cpu->hflags) == DECODE_MORE) {
        memcpy(bytes + avail,
               tcg_code_page(&cpu->cs, cpu->rip + avail, &ram),
               X86_MAX_INSN - avail);
        x86_decode(&in, cpu, bytes, X86_MAX_INSN, cpu->hflags);
    }
    return in;
}

/* Is it a near jump?  Then what it has added to RSP. */
static bool is_near_jump(const X86Insn *in, int64_t *pop)
{
    unsigned ext = in->modrm >> 3 & 7;

    *pop = 0;
    if (in->map == X86_M0F) {
        return in->opcode >> 4 == 8; /* Jcc */
    }
    switch (in->map == X86_M1 ? in->opcode : 0) {
    case 0xc2:
    case 0xc3: /* RET */
        *pop = 8 + in->imm;
        return true;
    case 0xe8: /* CALL */
        *pop = -8;
        return true;
    case 0xff:
        *pop = ext == 2 ? -8 : 0;
        return ext == 2 || ext == 4; /* CALL, JMP */
    case 0x70 ... 0x7f:
    case 0xe0 ... 0xe3: /* LOOP, JRCXZ */
    case 0xe9:
    case 0xeb:
        return true;
    default:
        return false;
    }
}

void x86_check_jump(X86CPU *cpu, const TranslationBlock *tb)
{
    uint64_t target = cpu->rip;
    X86Insn in;
    int64_t pop;

    if (likely(!(cpu->hflags & HF_CS64) || x86_is_canonical(cpu, target)) ||
        !(tb->flags & HF_CS64)) {
        return;
    }
    cpu->rip = cpu->rip_base + tb->last_off;
    in = decode_again(cpu);
    /* Others load rip without a look, as SYSCALL does, or have run there. */
    if (!is_near_jump(&in, &pop) || cpu->rip + in.len == target) {
        cpu->rip = target;
        return;
    }
    cpu->regs[R_RSP] -= pop;
    x86_raise_gp0(cpu);
}
