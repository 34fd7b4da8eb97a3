/* SPDX-License-Identifier: MIT */
/*
 * Integer expressions of HMP.  Sums bind loosest, then & | ^, then products.
 * Arithmetic wraps; the depth is bounded, as a client may send any line.
 */
#include <string.h>

#include "monitor/command.h"
#include "target/i386/cpu.h"
#include "util/error.h"

#define EXPR_MAX_DEPTH 64

typedef struct Expr {
    const char *pos;
    CPUState *cpu;
    unsigned depth;
    GError **errp;
} Expr;

static bool expr_sum(Expr *e, int64_t *out);

static void skip_blanks(Expr *e)
{
    while (*e->pos == ' ' || *e->pos == '\t') {
        e->pos++;
    }
}

/* --- registers --- */

typedef struct RegName {
    const char *name;
    uint16_t offset; /* in X86CPU */
    uint8_t size;
} RegName;

#define REG(n, field, bytes)                                                   \
    {                                                                          \
        n, offsetof(X86CPU, field), bytes                                      \
    }
#define GPR(n, e, i) REG(n, regs[i], 8), REG(e, regs[i], 4)

static const RegName reg_names[] = {
    GPR("rax", "eax", R_RAX),
    GPR("rcx", "ecx", R_RCX),
    GPR("rdx", "edx", R_RDX),
    GPR("rbx", "ebx", R_RBX),
    GPR("rsp", "esp", R_RSP),
    GPR("rbp", "ebp", R_RBP),
    GPR("rsi", "esi", R_RSI),
    GPR("rdi", "edi", R_RDI),
    REG("r8", regs[8], 8),
    REG("r9", regs[9], 8),
    REG("r10", regs[10], 8),
    REG("r11", regs[11], 8),
    REG("r12", regs[12], 8),
    REG("r13", regs[13], 8),
    REG("r14", regs[14], 8),
    REG("r15", regs[15], 8),
    REG("rip", rip, 8),
    REG("eip", rip, 4),
    REG("cr0", cr0, 8),
    REG("cr2", cr2, 8),
    REG("cr3", cr3, 8),
    REG("cr4", cr4, 8),
    REG("es", segs[R_ES].selector, 2),
    REG("cs", segs[R_CS].selector, 2),
    REG("ss", segs[R_SS].selector, 2),
    REG("ds", segs[R_DS].selector, 2),
    REG("fs", segs[R_FS].selector, 2),
    REG("gs", segs[R_GS].selector, 2),
};

typedef struct RegRead {
    const RegName *reg; /* NULL: of the two below */
    bool pc;            /* linear address of the next instruction */
    uint64_t value;     /* else: EFLAGS */
} RegRead;

static void read_reg(CPUState *cpu, void *opaque)
{
    RegRead *r = opaque;

    r->value = 0;
    if (r->reg) {
        memcpy(&r->value, (char *)cpu + r->reg->offset, r->reg->size);
    } else {
        r->value = r->pc ? cpu->ops->get_pc(cpu) : x86_get_eflags(x86_cpu(cpu));
    }
}

/* $NAME */
static bool expr_register(Expr *e, int64_t *out)
{
    size_t len;
    RegRead r = {0};
    bool found;

    e->pos++;
    len = strspn(e->pos, "abcdefghijklmnopqrstuvwxyz0123456789");
    r.pc = len == 2 && strncmp(e->pos, "pc", 2) == 0;
    found = r.pc || (len == 6 && strncmp(e->pos, "eflags", 6) == 0);
    for (unsigned i = 0; i < ARRAY_LEN(reg_names) && !found; i++) {
        if (strlen(reg_names[i].name) == len &&
            memcmp(reg_names[i].name, e->pos, len) == 0) {
            r.reg = &reg_names[i];
            found = true;
        }
    }
    if (!found || !e->cpu) {
        error_setg(e->errp, found ? "no CPU defined" : "unknown register");
        return false;
    }
    monitor_on_cpu(e->cpu, read_reg, &r);
    e->pos += len;
    *out = (int64_t)r.value;
    return true;
}

/* --- the grammar --- */

static bool expr_number(Expr *e, int64_t *out)
{
    char *end;

    *out = (int64_t)g_ascii_strtoull(e->pos, &end, 0);
    if (end == e->pos) {
        error_setg(e->errp, "invalid char '%c' in expression", *e->pos);
        return false;
    }
    e->pos = end;
    return true;
}

static bool expr_parens(Expr *e, int64_t *out)
{
    e->pos++;
    if (!expr_sum(e, out)) {
        return false;
    }
    if (*e->pos != ')') {
        error_setg(e->errp, "')' expected");
        return false;
    }
    e->pos++;
    return true;
}

/* 'c' */
static bool expr_char(Expr *e, int64_t *out)
{
    if (e->pos[1] == '\0' || e->pos[2] != '\'') {
        error_setg(e->errp, "missing terminating ' character");
        return false;
    }
    *out = (uint8_t)e->pos[1];
    e->pos += 3;
    return true;
}

static bool expr_unary(Expr *e, int64_t *out);

static bool expr_signed(Expr *e, char sign, int64_t *out)
{
    int64_t value;

    e->pos++;
    if (!expr_unary(e, &value)) {
        return false;
    }
    *out = sign == '-' ? -value : sign == '~' ? ~value : value;
    return true;
}

static bool expr_primary(Expr *e, int64_t *out)
{
    switch (*e->pos) {
    case '+':
    case '-':
    case '~':
        return expr_signed(e, *e->pos, out);
    case '(':
        return expr_parens(e, out);
    case '\'':
        return expr_char(e, out);
    case '$':
        return expr_register(e, out);
    case '\0':
        error_setg(e->errp, "unexpected end of expression");
        return false;
    default:
        return expr_number(e, out);
    }
}

static bool expr_unary(Expr *e, int64_t *out)
{
    bool ok;

    if (++e->depth > EXPR_MAX_DEPTH) {
        error_setg(e->errp, "expression is nested too deeply");
        return false;
    }
    skip_blanks(e);
    ok = expr_primary(e, out);
    skip_blanks(e);
    e->depth--;
    return ok;
}

static bool expr_product(Expr *e, int64_t *out)
{
    if (!expr_unary(e, out)) {
        return false;
    }
    while (*e->pos && strchr("*/%", *e->pos)) {
        char op = *e->pos++;
        int64_t right;

        if (!expr_unary(e, &right)) {
            return false;
        }
        if (op == '*') {
            *out *= right;
        } else if (right == 0) {
            error_setg(e->errp, "division by zero");
            return false;
        } else if (right == -1) { /* the host traps on INT64_MIN / -1 */
            *out = op == '/' ? -*out : 0;
        } else {
            *out = op == '/' ? *out / right : *out % right;
        }
    }
    return true;
}

static bool expr_logic(Expr *e, int64_t *out)
{
    if (!expr_product(e, out)) {
        return false;
    }
    while (*e->pos && strchr("&|^", *e->pos)) {
        char op = *e->pos++;
        int64_t right;

        if (!expr_product(e, &right)) {
            return false;
        }
        *out = op == '&'   ? *out & right
               : op == '|' ? *out | right
                           : *out ^ right;
    }
    return true;
}

static bool expr_sum(Expr *e, int64_t *out)
{
    if (!expr_logic(e, out)) {
        return false;
    }
    while (*e->pos == '+' || *e->pos == '-') {
        char op = *e->pos++;
        int64_t right;

        if (!expr_logic(e, &right)) {
            return false;
        }
        *out = op == '+' ? *out + right : *out - right;
    }
    return true;
}

bool expr_parse(const char **pos, CPUState *cpu, int64_t *out, GError **errp)
{
    Expr e = {.pos = *pos, .cpu = cpu, .errp = errp};
    bool ok = expr_sum(&e, out);

    *pos = e.pos;
    return ok;
}
