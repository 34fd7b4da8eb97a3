/* SPDX-License-Identifier: MIT */
/*
 * The meaning of every integer op, on values: reference for the back-ends,
 * implementation of the interpreter, and what folding and the recovery of
 * flags use.  SDM vol. 2, the instruction of each op's name.
 *
 * Flags that the SDM leaves undefined are those of an AMD Zen 5, observed:
 *   shifts           AF set; OF by the rule for a count of 1, at any count
 *   rotates          OF by the rule for a count of 1, at any nonzero count
 *   IMUL, MUL        SF ZF AF PF kept
 *   BSF, BSR         CF OF SF AF clear, PF of the index
 *   TZCNT, LZCNT     OF kept, SF AF PF clear
 *   logic, BMI1/2    AF clear (BEXTR: set), PF of the result
 *   SHLD, SHRD of 16 bits by more than 16: the second operand is used twice
 */
#include "tcg/ir.h"

static unsigned bits_of(IrSize size)
{
    return 8u << size;
}

static uint64_t mask_of(IrSize size)
{
    return ~(uint64_t)0 >> (64 - bits_of(size));
}

static uint64_t sign_of(IrSize size)
{
    return (uint64_t)1 << (bits_of(size) - 1);
}

static int64_t sext(IrSize size, uint64_t v)
{
    unsigned shift = 64 - bits_of(size);

    return (int64_t)(v << shift) >> shift;
}

/* A result of @size as a register: 8 and 16 bits keep the rest of @old. */
static uint64_t merge(IrSize size, uint64_t old, uint64_t v)
{
    uint64_t mask = mask_of(size);

    return size <= IR_16 ? (old & ~mask) | (v & mask) : v & mask;
}

static uint16_t flag(bool on, uint16_t bit)
{
    return on ? bit : 0;
}

static uint16_t parity(uint64_t v)
{
    return flag(!__builtin_parity(v & 0xff), CC_BIT_P);
}

/* Z, S and P of a result. */
static uint16_t zsp(IrSize size, uint64_t v)
{
    return flag(!(v & mask_of(size)), CC_BIT_Z) |
           flag(v & sign_of(size), CC_BIT_S) | parity(v);
}

/* Flags of @a + @b + carry = @r. */
static uint16_t cc_of_sum(IrSize size, uint64_t a, uint64_t b, uint64_t r)
{
    uint64_t carries = (a & b) | ((a | b) & ~r);

    return zsp(size, r) | flag(carries & sign_of(size), CC_BIT_C) |
           flag((a ^ r) & (b ^ r) & sign_of(size), CC_BIT_O) |
           flag((a ^ b ^ r) & 0x10, CC_BIT_A);
}

/* Flags of @a - @b - borrow = @r. */
static uint16_t cc_of_difference(IrSize size, uint64_t a, uint64_t b,
                                 uint64_t r)
{
    uint64_t borrows = (~a & b) | ((~a | b) & r);

    return zsp(size, r) | flag(borrows & sign_of(size), CC_BIT_C) |
           flag((a ^ b) & (a ^ r) & sign_of(size), CC_BIT_O) |
           flag((a ^ b ^ r) & 0x10, CC_BIT_A);
}

static IrVal sum(IrSize size, uint64_t a, uint64_t b, bool carry)
{
    uint64_t r = a + b + carry;

    return (IrVal){
        .lo = merge(size, a, r),
        .cc = cc_of_sum(size, a, b, r),
    };
}

static IrVal difference(IrSize size, uint64_t a, uint64_t b, bool borrow)
{
    uint64_t r = a - b - borrow;

    return (IrVal){
        .lo = merge(size, a, r),
        .cc = cc_of_difference(size, a, b, r),
    };
}

static IrVal logic(IrSize size, uint64_t old, uint64_t r)
{
    return (IrVal){.lo = merge(size, old, r), .cc = zsp(size, r)};
}

/* INC and DEC keep C. */
static IrVal keep_carry(IrVal v, uint16_t cc)
{
    v.cc = (v.cc & ~CC_BIT_C) | (cc & CC_BIT_C);
    return v;
}

static unsigned masked_count(IrSize size, uint64_t count)
{
    return count & (size == IR_64 ? 63 : 31);
}

/* OF of shifts and rotates to the left: the sign has changed. */
static uint16_t overflow_left(IrSize size, uint64_t r, bool carry)
{
    return flag(!(r & sign_of(size)) != !carry, CC_BIT_O);
}

/* ... and to the right: the two top bits of the result differ. */
static uint16_t overflow_right(IrSize size, uint64_t r)
{
    return flag((r ^ (r << 1)) & sign_of(size), CC_BIT_O);
}

static IrVal shift_result(IrSize size, uint64_t a, uint64_t r, bool carry,
                          uint16_t overflow)
{
    return (IrVal){
        .lo = merge(size, a, r),
        .cc = zsp(size, r) | CC_BIT_A | flag(carry, CC_BIT_C) | overflow,
    };
}

static IrVal shift(IrOpc opc, IrSize size, uint64_t a, unsigned n, uint16_t cc)
{
    uint64_t v = a & mask_of(size), r;
    bool carry;

    if (!n) {
        return (IrVal){.lo = merge(size, a, a), .cc = cc};
    }
    switch (opc) {
    case IR_SHL:
        r = v << n;
        carry = (v << (n - 1)) & sign_of(size);
        return shift_result(size, a, r, carry, overflow_left(size, r, carry));
    case IR_SHR:
        r = v >> n;
        carry = (v >> (n - 1)) & 1;
        return shift_result(size, a, r, carry, overflow_right(size, r));
    default: /* IR_SAR: OF is clear, as the two top bits are equal */
        r = (uint64_t)(sext(size, a) >> n);
        carry = (sext(size, a) >> (n - 1)) & 1;
        return shift_result(size, a, r, carry, 0);
    }
}

static IrVal rotate_result(IrSize size, uint64_t a, uint64_t r, bool carry,
                           uint16_t overflow, uint16_t cc)
{
    cc &= ~(CC_BIT_C | CC_BIT_O);
    return (IrVal){
        .lo = merge(size, a, r),
        .cc = cc | flag(carry, CC_BIT_C) | overflow,
    };
}

static IrVal rotate(IrOpc opc, IrSize size, uint64_t a, unsigned count,
                    uint16_t cc)
{
    unsigned bits = bits_of(size), n = count & (bits - 1);
    uint64_t v = a & mask_of(size), r = v;
    bool carry;

    if (!count) {
        return (IrVal){.lo = merge(size, a, a), .cc = cc};
    }
    if (opc == IR_ROL) {
        r = n ? v << n | v >> (bits - n) : v;
        carry = r & 1;
        return rotate_result(size, a, r, carry, overflow_left(size, r, carry),
                             cc);
    }
    r = n ? v >> n | v << (bits - n) : v;
    carry = r & sign_of(size);
    return rotate_result(size, a, r, carry, overflow_right(size, r), cc);
}

/* Through carry: a rotation of bits + 1 bits, done one at a time. */
static IrVal rotate_carry(IrOpc opc, IrSize size, uint64_t a, unsigned count,
                          uint16_t cc)
{
    uint64_t r = a & mask_of(size);
    bool carry = cc & CC_BIT_C, out;

    if (!count) {
        return (IrVal){.lo = merge(size, a, a), .cc = cc};
    }
    for (unsigned i = 0; i < count; i++) {
        if (opc == IR_RCL) {
            out = r & sign_of(size);
            r = (r << 1 | carry) & mask_of(size);
        } else {
            out = r & 1;
            r = r >> 1 | (carry ? sign_of(size) : 0);
        }
        carry = out;
    }
    return rotate_result(size, a, r, carry,
                         opc == IR_RCL ? overflow_left(size, r, carry)
                                       : overflow_right(size, r),
                         cc);
}

static IrVal double_shift(IrOpc opc, IrSize size, uint64_t a, uint64_t b,
                          unsigned n, uint16_t cc)
{
    unsigned bits = bits_of(size);
    uint64_t mask = mask_of(size);
    unsigned __int128 wide;
    uint64_t r;
    bool carry;

    if (!n) {
        return (IrVal){.lo = merge(size, a, a), .cc = cc};
    }
    if (opc == IR_SHLD) {
        /* a:b:b, so that what follows b for n > bits is b again */
        wide = (unsigned __int128)(a & mask) << bits | (b & mask);
        if (n > bits) {
            wide = (unsigned __int128)(b & mask) << bits | (b & mask);
            n -= bits;
        }
        r = (uint64_t)(wide >> (bits - n)) & mask;
        carry = (wide >> (2 * bits - n)) & 1;
        return shift_result(size, a, r, carry, overflow_left(size, r, carry));
    }
    wide = (unsigned __int128)(b & mask) << bits | (a & mask);
    if (n > bits) {
        wide = (unsigned __int128)(b & mask) << bits | (b & mask);
        n -= bits;
    }
    r = (uint64_t)(wide >> n) & mask;
    carry = (wide >> (n - 1)) & 1;
    return shift_result(size, a, r, carry, overflow_right(size, r));
}

/* C and O: the upper half is not the extension of the lower. */
static IrVal product(IrVal v, bool significant, uint16_t cc)
{
    cc &= ~(CC_BIT_C | CC_BIT_O);
    v.cc = cc | (significant ? CC_BIT_C | CC_BIT_O : 0);
    return v;
}

static IrVal multiply_signed(IrSize size, uint64_t a, uint64_t b, bool wide,
                             uint16_t cc)
{
    __int128 p = (__int128)sext(size, a) * sext(size, b);
    IrVal v = {
        .lo = wide ? (uint64_t)p & mask_of(size) : merge(size, a, p),
        .hi = (uint64_t)(p >> bits_of(size)) & mask_of(size),
    };

    return product(v, p != sext(size, (uint64_t)p), cc);
}

static IrVal multiply_unsigned(IrSize size, uint64_t a, uint64_t b, uint16_t cc)
{
    unsigned __int128 p =
        (unsigned __int128)(a & mask_of(size)) * (b & mask_of(size));
    IrVal v = {
        .lo = (uint64_t)p & mask_of(size),
        .hi = (uint64_t)(p >> bits_of(size)),
    };

    return product(v, v.hi, cc);
}

static IrVal bit_test(IrOpc opc, IrSize size, uint64_t a, uint64_t b,
                      uint16_t cc)
{
    uint64_t bit = (uint64_t)1 << (b & (bits_of(size) - 1));
    uint64_t r = a;

    switch (opc) {
    case IR_BTS:
        r |= bit;
        break;
    case IR_BTR:
        r &= ~bit;
        break;
    case IR_BTC:
        r ^= bit;
        break;
    default: /* IR_BT */
        break;
    }
    cc &= ~CC_BIT_C;
    return (IrVal){
        .lo = merge(size, a, r),
        .cc = cc | flag(a & bit, CC_BIT_C),
    };
}

static IrVal bit_scan(IrOpc opc, IrSize size, uint64_t old, uint64_t b)
{
    uint64_t v = b & mask_of(size), index;

    if (!v) {
        /* Not even a 32-bit destination is written: its upper half stays. */
        return (IrVal){.lo = old, .cc = CC_BIT_Z | CC_BIT_P};
    }
    index = opc == IR_BSF ? (unsigned)__builtin_ctzll(v)
                          : 63 - (unsigned)__builtin_clzll(v);
    return (IrVal){.lo = merge(size, old, index), .cc = parity(index)};
}

static IrVal count_zeros(IrOpc opc, IrSize size, uint64_t a, uint16_t cc)
{
    uint64_t v = a & mask_of(size);
    unsigned bits = bits_of(size), n = bits;

    if (v) {
        n = opc == IR_TZCNT ? (unsigned)__builtin_ctzll(v)
                            : (unsigned)__builtin_clzll(v) - (64 - bits);
    }
    return (IrVal){
        .lo = merge(size, a, n),
        .cc = (cc & CC_BIT_O) | flag(!v, CC_BIT_C) | flag(!n, CC_BIT_Z),
    };
}

static IrVal population(IrSize size, uint64_t a)
{
    uint64_t v = a & mask_of(size);

    return (IrVal){
        .lo = merge(size, a, (uint64_t)__builtin_popcountll(v)),
        .cc = flag(!v, CC_BIT_Z),
    };
}

/* BMI1 and BMI2 with flags: C by the instruction, PF of the result. */
static IrVal bmi(IrSize size, uint64_t r, bool carry)
{
    IrVal v = logic(size, 0, r);

    v.cc |= flag(carry, CC_BIT_C);
    return v;
}

static IrVal bextr(IrSize size, uint64_t a, uint64_t control)
{
    unsigned start = control & 0xff, len = (control >> 8) & 0xff;
    uint64_t v = a & mask_of(size);
    uint64_t r = start < 64 ? v >> start : 0;

    if (len < 64) {
        r &= ((uint64_t)1 << len) - 1;
    }
    /* SF is undefined too; the processor clears it. */
    return (IrVal){
        .lo = r,
        .cc = flag(!r, CC_BIT_Z) | parity(r) | CC_BIT_A,
    };
}

static IrVal bzhi(IrSize size, uint64_t a, uint64_t control)
{
    unsigned n = control & 0xff;
    uint64_t v = a & mask_of(size);
    bool all = n >= bits_of(size);

    return bmi(size, all ? v : v & (((uint64_t)1 << n) - 1), all);
}

static uint64_t pdep(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;

    for (; mask; mask &= mask - 1, v >>= 1) {
        r |= v & 1 ? mask & -mask : 0;
    }
    return r;
}

static uint64_t pext(uint64_t v, uint64_t mask)
{
    uint64_t r = 0;

    for (unsigned n = 0; mask; mask &= mask - 1, n++) {
        r |= (uint64_t) !!(v & mask & -mask) << n;
    }
    return r;
}

/* CRC-32C, reflected polynomial: SDM vol. 2A, "CRC32". */
static uint64_t crc32c(uint32_t crc, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, v >>= 8) {
        crc ^= v & 0xff;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        }
    }
    return crc;
}

static IrVal plain(uint64_t lo, uint16_t cc)
{
    return (IrVal){.lo = lo, .cc = cc};
}

static IrVal eval_arith(IrOpc opc, IrSize size, uint64_t a, uint64_t b,
                        uint16_t cc)
{
    bool carry = cc & CC_BIT_C;

    switch (opc) {
    case IR_ADD:
        return sum(size, a, b, false);
    case IR_ADC:
        return sum(size, a, b, carry);
    case IR_SUB:
    case IR_CMP:
        return difference(size, a, b, false);
    case IR_SBB:
        return difference(size, a, b, carry);
    case IR_AND:
    case IR_TEST:
        return logic(size, a, a & b);
    case IR_OR:
        return logic(size, a, a | b);
    case IR_XOR:
        return logic(size, a, a ^ b);
    case IR_NOT:
        return plain(merge(size, a, ~a), cc);
    case IR_NEG: {
        IrVal v = difference(size, 0, a, false);

        v.lo = merge(size, a, v.lo);
        return v;
    }
    case IR_INC:
        return keep_carry(sum(size, a, 1, false), cc);
    default: /* IR_DEC */
        return keep_carry(difference(size, a, 1, false), cc);
    }
}

static IrVal eval_bits(IrOpc opc, IrSize size, uint64_t a, uint64_t b,
                       uint16_t cc, MemOp memop)
{
    uint64_t v = a & mask_of(size);

    switch (opc) {
    case IR_BSF:
    case IR_BSR:
        return bit_scan(opc, size, a, b);
    case IR_TZCNT:
    case IR_LZCNT:
        return count_zeros(opc, size, a, cc);
    case IR_POPCNT:
        return population(size, a);
    case IR_BSWAP:
        return plain(size == IR_64 ? __builtin_bswap64(a)
                                   : __builtin_bswap32((uint32_t)a),
                     cc);
    case IR_ANDN:
        return bmi(size, ~a & b, false);
    case IR_BLSI:
        return bmi(size, v & -v, v);
    case IR_BLSR:
        return bmi(size, v & (v - 1), !v);
    case IR_BLSMSK:
        return bmi(size, v ^ (v - 1), !v);
    case IR_BEXTR:
        return bextr(size, a, b);
    case IR_BZHI:
        return bzhi(size, a, b);
    case IR_PDEP:
        return plain(pdep(v, b & mask_of(size)) & mask_of(size), cc);
    case IR_PEXT:
        return plain(pext(v, b & mask_of(size)), cc);
    case IR_CRC32:
        return plain(crc32c((uint32_t)a, b, memop_bytes(memop)), cc);
    default:
        g_assert_not_reached(); /* no op of the arithmetic section */
    }
}

IrVal ir_eval(IrOpc opc, IrSize size, uint64_t a, uint64_t b, uint64_t c,
              uint16_t cc, MemOp memop)
{
    switch (opc) {
    case IR_ADD ... IR_DEC:
        return eval_arith(opc, size, a, b, cc);
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        return shift(opc, size, a, masked_count(size, b), cc);
    case IR_ROL:
    case IR_ROR:
        return rotate(opc, size, a, masked_count(size, b), cc);
    case IR_RCL:
    case IR_RCR:
        return rotate_carry(opc, size, a, masked_count(size, b), cc);
    case IR_SHLD:
    case IR_SHRD:
        return double_shift(opc, size, a, b, masked_count(size, c), cc);
    case IR_IMUL:
        return multiply_signed(size, a, b, false, cc);
    case IR_MULS2:
        return multiply_signed(size, a, b, true, cc);
    case IR_MULU2:
        return multiply_unsigned(size, a, b, cc);
    case IR_BT ... IR_BTC:
        return bit_test(opc, size, a, b, cc);
    default:
        return eval_bits(opc, size, a, b, cc, memop);
    }
}

uint16_t ir_eval_recipe(const IrRecipe *r, uint64_t x, uint64_t y, uint16_t cc,
                        bool in)
{
    switch (r->opc) {
    case IR_ADD: /* x = first + y */
        return cc_of_sum(r->size, x - y, y, x);
    case IR_SUB: /* x = first - y */
        return cc_of_difference(r->size, x + y, y, x);
    case IR_ADC: /* x = first + y + in */
        return cc_of_sum(r->size, x - y - in, y, x);
    case IR_SBB: /* x = first - y - in */
        return cc_of_difference(r->size, x + y + in, y, x);
    case IR_CMP:
        return difference(r->size, x, y, false).cc;
    case IR_TEST:
        return logic(r->size, x, x & y).cc;
    case IR_NEG: /* x = 0 - operand */
        return cc_of_difference(r->size, 0, -x, x);
    case IR_INC:
        return keep_carry((IrVal){.cc = cc_of_sum(r->size, x - 1, 1, x)}, cc)
            .cc;
    case IR_DEC:
        return keep_carry((IrVal){.cc = cc_of_difference(r->size, x + 1, 1, x)},
                          cc)
            .cc;
    default: /* IR_AND, IR_OR, IR_XOR */
        return zsp(r->size, x);
    }
}
