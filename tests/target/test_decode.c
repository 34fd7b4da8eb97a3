/* SPDX-License-Identifier: MIT */
/*
 * The decoder: lengths of random bytes against capstone's, and the rules of
 * the SDM (vol. 2A, chapter 2) on chosen bytes.
 */
#include <capstone/capstone.h>

#include "target/i386/decode.h"
#include "tcg/ir.h"

#define HF_LONG (HF_PE | HF_LMA | HF_CS64)
#define HF_PROT (HF_PE | HF_CS32)
#define HF_REAL 0

static X86Decode decode(X86Insn *in, const char *bytes, unsigned len,
                        uint32_t hflags)
{
    return x86_decode(in, NULL, (const uint8_t *)bytes, len, hflags);
}

/* String literals hold zero bytes, so their size is taken. */
#define DECODE(in, bytes, hflags) \
    decode(in, bytes, sizeof(bytes) - 1, hflags)

static X86Insn must_decode(const char *bytes, unsigned len, uint32_t hflags)
{
    X86Insn in;

    g_assert_cmpint(decode(&in, bytes, len, hflags), ==, DECODE_OK);
    g_assert_cmpuint(in.len, ==, len);
    return in;
}
#define MUST(bytes, hflags) must_decode(bytes, sizeof(bytes) - 1, hflags)

static void must_be_ud(const char *bytes, unsigned len, uint32_t hflags)
{
    X86Insn in;

    g_assert_cmpint(decode(&in, bytes, len, hflags), ==, DECODE_UD);
}
#define UD(bytes, hflags) must_be_ud(bytes, sizeof(bytes) - 1, hflags)

/* --- chosen bytes --- */

static void test_operands(void)
{
    X86Insn in = MUST("\x48\x8b\x44\x98\x10", HF_LONG); /* mov rax,[..] */

    g_assert_cmpstr(in.row->name, ==, "MOV");
    g_assert_cmpint(in.osize, ==, IR_64);
    g_assert_cmpint(in.op[0].kind, ==, OPND_REG);
    g_assert_cmpint(in.op[0].reg, ==, R_RAX);
    g_assert_cmpint(in.op[1].kind, ==, OPND_MEM);
    g_assert_cmpint(in.mem.base, ==, R_RAX);
    g_assert_cmpint(in.mem.index, ==, R_RBX);
    g_assert_cmpint(in.mem.scale, ==, 2);
    g_assert_cmpint(in.mem.disp, ==, 0x10);

    in = MUST("\x88\xe1", HF_LONG); /* mov cl,ah */
    g_assert_cmpint(in.op[1].kind, ==, OPND_REGH);
    g_assert_cmpint(in.op[1].reg, ==, R_RAX);
    in = MUST("\x40\x88\xe1", HF_LONG); /* mov cl,spl */
    g_assert_cmpint(in.op[1].kind, ==, OPND_REG);
    g_assert_cmpint(in.op[1].reg, ==, R_RSP);

    in = MUST("\x6a\xff", HF_LONG); /* push -1 */
    g_assert_cmpint(in.osize, ==, IR_64);
    g_assert_cmpint(in.imm, ==, -1);
    in = MUST("\xc8\x34\x12\x05", HF_LONG); /* enter 0x1234,5 */
    g_assert_cmpint(in.imm, ==, 0x1234);
    g_assert_cmpint(in.imm2, ==, 5);
    in = MUST("\xea\x78\x56\x34\x12\x10\x00", HF_PROT); /* jmp 10:12345678 */
    g_assert_cmpint(in.imm, ==, 0x12345678);
    g_assert_cmpint(in.imm2, ==, 0x10);
}

static void test_addressing(void)
{
    X86Insn in = MUST("\x8b\x05\x04\x00\x00\x00", HF_LONG); /* [rip+4] */

    g_assert_cmpint(in.mem.base, ==, X86_BASE_RIP);
    in = MUST("\x8b\x05\x04\x00\x00\x00", HF_PROT); /* [4] */
    g_assert_cmpint(in.mem.base, ==, X86_NO_REG);
    in = MUST("\x8b\x04\x25\xff\xff\xff\xff", HF_LONG); /* [-1], no RIP */
    g_assert_cmpint(in.mem.base, ==, X86_NO_REG);
    g_assert_cmpint(in.mem.disp, ==, -1);
    in = MUST("\x42\x8b\x04\x20", HF_LONG); /* [rax+r12]: REX.X reaches it */
    g_assert_cmpint(in.mem.index, ==, 12);
    in = MUST("\x41\x8b\x45\x00", HF_LONG); /* [r13+0]: DS, not SS */
    g_assert_cmpint(in.mem.seg, ==, R_DS);
    in = MUST("\x8b\x45\x00", HF_LONG);
    g_assert_cmpint(in.mem.seg, ==, R_SS);
    in = MUST("\x2e\x8b\x00", HF_LONG); /* CS override means nothing */
    g_assert_cmpint(in.mem.seg, ==, R_DS);
    in = MUST("\x64\x8b\x45\x00", HF_LONG);
    g_assert_cmpint(in.mem.seg, ==, R_FS);

    in = MUST("\x8b\x42\x10", HF_REAL); /* mov ax,[bp+si+16] */
    g_assert_cmpint(in.osize, ==, IR_16);
    g_assert_cmpint(in.mem.base, ==, R_RBP);
    g_assert_cmpint(in.mem.index, ==, R_RSI);
    g_assert_cmpint(in.mem.seg, ==, R_SS);
    in = MUST("\x67\x66\x8b\x44\x24\x10", HF_REAL); /* mov eax,[esp+16] */
    g_assert_cmpint(in.osize, ==, IR_32);
    g_assert_cmpint(in.mem.base, ==, R_RSP);
    in = MUST("\xa1\x01\x02\x03\x04\x05\x06\x07\x08", HF_LONG);
    g_assert_cmphex(in.mem.disp, ==, 0x0807060504030201);
    in = MUST("\x67\xa1\x01\x02\x03\x84", HF_LONG);
    g_assert_cmphex(in.mem.disp, ==, 0x84030201);
}

static void test_prefixes(void)
{
    X86Insn in = MUST("\x48\x66\x8b\xc3", HF_LONG);

    /* REX counts right before the opcode only. */
    g_assert_cmpint(in.osize, ==, IR_16);
    in = MUST("\x66\x48\x8b\xc3", HF_LONG);
    g_assert_cmpint(in.osize, ==, IR_64);
    in = MUST("\x66\xe8\x00\x00\x00\x00", HF_LONG); /* near: 66 ignored */
    g_assert_cmpint(in.osize, ==, IR_64);
    in = MUST("\xf2\xf3\xa4", HF_LONG);
    g_assert_cmpint(in.rep, ==, 0xf3);

    in = MUST("\xf3\x0f\xb8\xc1", HF_LONG);
    g_assert_cmpstr(in.row->name, ==, "POPCNT");
    UD("\x0f\xb8\xc1", HF_LONG);
    in = MUST("\xf3\x0f\xbc\xc1", HF_LONG);
    g_assert_cmpstr(in.row->name, ==, "TZCNT");
    in = MUST("\x66\xf2\x0f\x38\xf1\xc1", HF_LONG);
    g_assert_cmpstr(in.row->name, ==, "CRC32");
    g_assert_cmpint(in.op[1].size, ==, IR_16);
    in = MUST("\x66\x0f\x38\xf1\x01", HF_LONG);
    g_assert_cmpstr(in.row->name, ==, "MOVBE");
}

static void test_lock(void)
{
    MUST("\xf0\x01\x08", HF_LONG);
    MUST("\xf0\x87\x08", HF_LONG);
    MUST("\xf0\x0f\xc7\x08", HF_LONG);
    UD("\xf0\x01\xc8", HF_LONG); /* a register */
    UD("\xf0\x03\x08", HF_LONG); /* memory is the source */
    UD("\xf0\x39\x08", HF_LONG); /* CMP writes nothing */
    UD("\xf0\x0f\xa3\x08", HF_LONG); /* nor does BT */
    UD("\xf0\x8b\x08", HF_LONG);
    UD("\xf0\x90", HF_LONG);
}

static void test_modes(void)
{
    UD("\x06", HF_LONG);
    MUST("\x06", HF_PROT);
    UD("\x82\xc0\x01", HF_LONG);
    MUST("\x82\xc0\x01", HF_PROT);
    UD("\x0f\x00\xc0", HF_REAL); /* SLDT */
    MUST("\x0f\x00\xc0", HF_PROT);
    UD("\x0f\x00\xc0", HF_PE | HF_VM);
    UD("\x0f\x01\xf8", HF_PROT); /* SWAPGS */
    MUST("\x0f\x01\xf8", HF_LONG);
    g_assert_cmpstr(MUST("\x63\xc1", HF_LONG).row->name, ==, "MOVSXD");
    g_assert_cmpstr(MUST("\x63\xc1", HF_PROT).row->name, ==, "ARPL");
    g_assert_cmpstr(MUST("\x40", HF_PROT).row->name, ==, "INC");
    /* MOV to CR takes any mod for a register. */
    MUST("\x0f\x22\x04", HF_LONG);
}

static void test_vex(void)
{
    X86Insn in = MUST("\xc4\xe2\x60\xf2\xc1", HF_LONG); /* andn eax,ebx,ecx */

    g_assert_cmpstr(in.row->name, ==, "ANDN");
    g_assert_cmpint(in.op[1].reg, ==, R_RBX);
    g_assert_cmpint(in.op[0].size, ==, IR_32);
    in = MUST("\xc4\x62\xe0\xf2\xc1", HF_LONG); /* andn r8,rbx,rcx */
    g_assert_cmpint(in.op[0].reg, ==, 8);
    g_assert_cmpint(in.op[0].size, ==, IR_64);
    MUST("\xc4\xe2\x60\xf2\xc1", HF_PROT);
    UD("\xc4\xe2\x60\xf2\xc1", HF_REAL);
    UD("\xc4\xe2\x64\xf2\xc1", HF_LONG); /* VEX.L */
    UD("\x66\xc4\xe2\x60\xf2\xc1", HF_LONG);
    UD("\xc4\xe3\x63\xf0\xc1\x05", HF_LONG); /* RORX names no vvvv */
    MUST("\xc4\xe3\x7b\xf0\xc1\x05", HF_LONG);
    in = MUST("\xc4\x01", HF_PROT);
    g_assert_cmpstr(in.row->name, ==, "LES");
}

static void test_length_limit(void)
{
    X86Insn in;
    char bytes[16];

    memset(bytes, 0x66, sizeof(bytes));
    bytes[14] = '\x90';
    g_assert_cmpint(decode(&in, bytes, 16, HF_LONG), ==, DECODE_OK);
    g_assert_cmpuint(in.len, ==, 15);
    bytes[14] = 0x66;
    bytes[15] = '\x90';
    g_assert_cmpint(decode(&in, bytes, 16, HF_LONG), ==, DECODE_TOO_LONG);
    g_assert_cmpint(decode(&in, bytes, 14, HF_LONG), ==, DECODE_MORE);
    g_assert_cmpint(DECODE(&in, "\x8b", HF_LONG), ==, DECODE_MORE);
    g_assert_cmpint(DECODE(&in, "\x8b\x05\x01", HF_LONG), ==, DECODE_MORE);
}

/* A row must be found under every opcode that it stands for. */
static void test_rows(void)
{
    unsigned count;
    const X86Row *rows = x86_rows(&count);

    for (unsigned i = 0; i < count; i++) {
        const X86Row *r = x86_row_first(rows[i].map, rows[i].opcode);

        while (r && r != &rows[i]) {
            r = x86_row_next(r);
        }
        g_assert_nonnull(r);
        g_assert_cmpuint(rows[i].writes & rows[i].undef, ==, 0);
    }
}

/* --- random bytes --- */

typedef struct Mode {
    const char *name;
    uint32_t hflags;
    cs_mode cs;
} Mode;

static const Mode modes[] = {
    {"16", HF_REAL, CS_MODE_16},
    {"32", HF_PROT, CS_MODE_32},
    {"64", HF_LONG, CS_MODE_64},
};

/*
 * Where capstone is no judge: prefixes that a near branch ignores change the
 * displacement that it reads, and its UD0 and UD1 have no ModRM byte.
 */
static bool differs(const X86Insn *in)
{
    if ((in->row->attrs & XA_F64) &&
        (in->osize16 || in->asize_flip || in->has_rex || in->rep)) {
        return true;
    }
    return in->map == X86_M0F && (in->opcode == 0xff || in->opcode == 0xb9);
}

static void fill_random(GRand *rand, uint8_t *bytes, unsigned n)
{
    static const uint8_t starts[] = {0x0f, 0x66, 0x67, 0xf2, 0xf3, 0x48,
                                     0x41, 0xc4, 0x2e, 0x64};

    for (unsigned i = 0; i < n; i++) {
        bytes[i] = g_rand_int_range(rand, 0, 256);
    }
    if (bytes[1] & 1) {
        bytes[0] = starts[bytes[0] % ARRAY_LEN(starts)];
    }
}

static void compare_one(csh cs, const Mode *m, const uint8_t *bytes,
                        unsigned n, unsigned *both)
{
    X86Insn in;
    cs_insn *theirs;
    X86Decode ours = x86_decode(&in, NULL, bytes, n, m->hflags);

    if (ours != DECODE_OK || differs(&in) ||
        cs_disasm(cs, bytes, n, 0, 1, &theirs) == 0) {
        return;
    }
    if (theirs[0].size != in.len) {
        g_test_message("%s: %s %s: %u bytes, not %u", m->name,
                       theirs[0].mnemonic, theirs[0].op_str,
                       theirs[0].size, in.len);
        for (unsigned i = 0; i < n; i++) {
            g_test_message("  %02x", bytes[i]);
        }
        g_test_fail();
    }
    cs_free(theirs, 1);
    (*both)++;
}

static void test_lengths(gconstpointer data)
{
    const Mode *m = data;
    unsigned both = 0;
    uint8_t bytes[16];
    GRand *rand = g_rand_new_with_seed(0x8086);
    csh cs;

    g_assert_cmpint(cs_open(CS_ARCH_X86, m->cs, &cs), ==, CS_ERR_OK);
    for (unsigned i = 0; i < 40000; i++) {
        fill_random(rand, bytes, sizeof(bytes));
        compare_one(cs, m, bytes, sizeof(bytes), &both);
    }
    g_assert_cmpuint(both, >, 10000);
    cs_close(&cs);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    x86_opcodes_init();
    g_test_add_func("/decode/operands", test_operands);
    g_test_add_func("/decode/addressing", test_addressing);
    g_test_add_func("/decode/prefixes", test_prefixes);
    g_test_add_func("/decode/lock", test_lock);
    g_test_add_func("/decode/modes", test_modes);
    g_test_add_func("/decode/vex", test_vex);
    g_test_add_func("/decode/length-limit", test_length_limit);
    g_test_add_func("/decode/rows", test_rows);
    for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
        char *path = g_strdup_printf("/decode/lengths/%s", modes[i].name);

        g_test_add_data_func(path, &modes[i], test_lengths);
        g_free(path);
    }
    return g_test_run();
}
