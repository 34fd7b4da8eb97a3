/* SPDX-License-Identifier: MIT */
/*
 * The registers that GDB sees: their order, widths and values.
 * Source: "Debugging with GDB", G.5.4 "i386 Features", whose features list
 * their registers in the order that GDB numbers them; SDM vol. 1, 8.1.7 "x87
 * FPU Tag Word".
 */
#include "tests/target/x86_machine.h"

#include "target/i386/gdb.h"

/* Order and bits of the features, up to what is Heddle's own. */
static const char wide_order[] =
    "rax64 rbx64 rcx64 rdx64 rsi64 rdi64 rbp64 rsp64 r864 r964 r1064 r1164 "
    "r1264 r1364 r1464 r1564 rip64 eflags32 cs32 ss32 ds32 es32 fs32 gs32 "
    "st080 st180 st280 st380 st480 st580 st680 st780 fctrl32 fstat32 ftag32 "
    "fiseg32 fioff32 foseg32 fooff32 fop32 xmm0128 xmm1128 xmm2128 xmm3128 "
    "xmm4128 xmm5128 xmm6128 xmm7128 xmm8128 xmm9128 xmm10128 xmm11128 "
    "xmm12128 xmm13128 xmm14128 xmm15128 mxcsr32 ymm0h128 ymm1h128 ymm2h128 "
    "ymm3h128 ymm4h128 ymm5h128 ymm6h128 ymm7h128 ymm8h128 ymm9h128 "
    "ymm10h128 ymm11h128 ymm12h128 ymm13h128 ymm14h128 ymm15h128 fs_base64 "
    "gs_base64 k_gs_base64 cr064 cr264 cr364 cr464 cr864 efer64 ";

static unsigned number_of(const char *name)
{
    const X86GdbLayout *l = x86_gdb_layout(cpu);

    for (unsigned i = 0; i < l->n; i++) {
        if (!strcmp(l->reg[i].name, name)) {
            return i;
        }
    }
    g_assert_not_reached();
}

static uint64_t read_reg(const char *name)
{
    uint8_t buf[GDB_REG_MAX_BYTES] = { 0 };
    uint64_t value;

    g_assert_cmpuint(x86_gdb_ops.read(&cpu->cs, number_of(name), buf), >, 0);
    memcpy(&value, buf, sizeof(value));
    return value;
}

static bool write_reg(const char *name, uint64_t value)
{
    uint8_t buf[GDB_REG_MAX_BYTES] = { 0 };

    memcpy(buf, &value, sizeof(value));
    return x86_gdb_ops.write(&cpu->cs, number_of(name), buf);
}

static void test_order(void)
{
    const X86GdbLayout *l = x86_gdb_layout(cpu);
    g_autoptr(GString) order = g_string_new(NULL);
    uint8_t buf[GDB_REG_MAX_BYTES];

    for (unsigned i = 0; i < l->n; i++) {
        g_string_append_printf(order, "%s%u ", l->reg[i].name, l->reg[i].bits);
        g_assert_cmpuint(x86_gdb_ops.read(&cpu->cs, i, buf), ==,
                         l->reg[i].bits / 8);
    }
    g_assert_cmpstr(order->str, ==, wide_order);
    g_assert_cmpuint(x86_gdb_ops.read(&cpu->cs, l->n, buf), ==, 0);
    g_assert_false(x86_gdb_ops.write(&cpu->cs, l->n, buf));
}

static void test_integers(void)
{
    cpu->regs[R_RBX] = 0x1122334455667788;
    g_assert_cmphex(read_reg("rbx"), ==, 0x55667788); /* 32-bit code */
    g_assert_true(write_reg("rbx", 0xaabbccdd));
    g_assert_cmphex(cpu->regs[R_RBX], ==, 0x11223344aabbccdd);
    g_assert_true(write_reg("r9", 0x99));
    g_assert_cmphex(cpu->regs[9], ==, 0x99);
    g_assert_true(write_reg("eflags", 0x8d7)); /* OF SF ZF AF PF CF */
    g_assert_cmphex(x86_get_eflags(cpu), ==, 0x8d7);
    g_assert_cmphex(read_reg("eflags"), ==, 0x8d7);
    g_assert_false(write_reg("eflags", 0x20002)); /* VM */
}

/* The stack's top is st0; tags are by register. */
static void test_x87(void)
{
    cpu->x87 = (X87State){ .cw = 0x37f, .sw = 0x100, .top = 6, .valid = 0xc0 };
    cpu->x87.r[6] = (X87Reg){ 0x8000000000000000, 0x3fff, { 0 } }; /* 1.0 */
    cpu->x87.r[7] = (X87Reg){ 0, 0, { 0 } };
    g_assert_cmphex(read_reg("st0"), ==, 0x8000000000000000);
    g_assert_cmphex(read_reg("fstat"), ==, 0x3100);
    g_assert_cmphex(read_reg("ftag"), ==, 0x4fff); /* zero, valid, empty */
    g_assert_true(write_reg("ftag", 0xfffc));
    g_assert_cmphex(cpu->x87.valid, ==, 0x01);
    g_assert_true(write_reg("fstat", 0x0800));
    g_assert_cmpuint(cpu->x87.top, ==, 1);
    g_assert_true(write_reg("st0", 0x1234));
    g_assert_cmphex(cpu->x87.r[1].mantissa, ==, 0x1234);
}

static void test_vectors(void)
{
    uint8_t buf[GDB_REG_MAX_BYTES] = { 0 };

    for (unsigned i = 0; i < 4; i++) {
        cpu->vec[15].u64[i] = i + 1;
    }
    g_assert_cmpuint(read_reg("xmm15"), ==, 1);
    g_assert_cmpuint(read_reg("ymm15h"), ==, 3);
    buf[8] = 7;
    g_assert_true(x86_gdb_ops.write(&cpu->cs, number_of("ymm15h"), buf));
    g_assert_cmpuint(cpu->vec[15].u64[1], ==, 2);
    g_assert_cmpuint(cpu->vec[15].u64[3], ==, 7);
    g_assert_true(write_reg("mxcsr", 0x1f00));
    g_assert_true(cpu->hflags & HF_SIMD_EXC);
    g_assert_false(write_reg("mxcsr", 0x10000));
}

/* With what comes behind a selector; one that cannot be is refused. */
static void test_selectors(void)
{
    cpu->segs[R_CS].base = 0xffff0000; /* as after a reset */
    g_assert_true(write_reg("cs", cpu->segs[R_CS].selector));
    g_assert_cmphex(cpu->segs[R_CS].base, ==, 0xffff0000);
    g_assert_true(write_reg("es", 0));
    g_assert_false(cpu->segs[R_ES].attr & DESC_P);
    g_assert_true(write_reg("es", SEL_READ_ONLY));
    g_assert_true(cpu->segs[R_ES].attr & DESC_P);
    g_assert_false(write_reg("es", SEL_ABSENT));
    g_assert_false(write_reg("es", SEL_EXEC_ONLY));
    g_assert_false(write_reg("es", 0xff00));
    g_assert_false(write_reg("ss", SEL_READ_ONLY));
    g_assert_false(write_reg("ss", 0));
    g_assert_false(write_reg("cs", SEL_DATA0));
    g_assert_cmphex(read_reg("es"), ==, SEL_READ_ONLY);
    g_assert_true(write_reg("cs", SEL_CONFORMING));
    cpu->cr0 &= ~CR0_PE;
    x86_update_hflags(cpu);
    g_assert_true(write_reg("ds", 0x1234));
    g_assert_cmphex(cpu->segs[R_DS].base, ==, 0x12340);
}

static void test_system(void)
{
    g_assert_cmphex(read_reg("cr0"), ==, cpu->cr0);
    g_assert_true(write_reg("cr0", cpu->cr0 | CR0_TS));
    g_assert_true(cpu->hflags & HF_X87_NM);
    g_assert_false(write_reg("cr0", CR0_PG)); /* without PE */
    g_assert_true(write_reg("cr2", 0xabcdef0123));
    g_assert_cmphex(cpu->cr2, ==, 0xabcdef0123);
    g_assert_true(write_reg("efer", EFER_NXE));
    g_assert_cmphex(cpu->efer, ==, EFER_NXE);
    g_assert_false(write_reg("efer", BIT64(40)));
    g_assert_true(write_reg("gs_base", 0x1234567));
    g_assert_cmphex(cpu->segs[R_GS].base, ==, 0x1234567);
    g_assert_false(write_reg("k_gs_base", BIT64(60)));
}

/* A breakpoint counts again once the program counter is another. */
static void test_pc(void)
{
    cpu->cs.debug.skip_break = true;
    g_assert_true(write_reg("rip", cpu->rip));
    g_assert_true(cpu->cs.debug.skip_break);
    g_assert_true(write_reg("rip", 0x2222));
    g_assert_false(cpu->cs.debug.skip_break);
    g_assert_cmphex(cpu->rip, ==, 0x2222);
}

static void run(gconstpointer fn)
{
    bql_lock();
    machine_reset(0);
    ((void (*)(void))fn)();
    bql_unlock();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_init();
    g_test_add_data_func("/gdb/order", test_order, run);
    g_test_add_data_func("/gdb/integers", test_integers, run);
    g_test_add_data_func("/gdb/x87", test_x87, run);
    g_test_add_data_func("/gdb/vectors", test_vectors, run);
    g_test_add_data_func("/gdb/selectors", test_selectors, run);
    g_test_add_data_func("/gdb/system", test_system, run);
    g_test_add_data_func("/gdb/pc", test_pc, run);
    return g_test_run();
}
