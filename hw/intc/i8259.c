/* SPDX-License-Identifier: MIT */
/*
 * Intel 8259A programmable interrupt controller, as the pair in the PIIX3.
 *
 * Source: Intel 8259A data sheet (231468-003); PIIX3 data sheet (290550-002),
 * "Interrupt Controller" and "Edge/level control registers".
 * Implemented: all of ICW1-4, OCW1-3, both chips cascaded, ELCR.
 * Omitted: MCS-80/85 mode (ICW4.uPM is taken as 1) and buffered mode, which a
 * PC cannot have; ICW1.LTIM, which the ELCR replaces in this chip set.
 * Locks: BQL.
 */
#include "hw/intc/i8259.h"

#include "util/log.h"

#define PIC_ICW1_IC4    BIT(0) /* ICW4 will follow */
#define PIC_ICW1_SNGL   BIT(1) /* no cascade: no ICW3 */
#define PIC_ICW1        BIT(4) /* in port 0: this is ICW1 */
#define PIC_ICW2_BASE   0xf8
#define PIC_ICW4_AEOI   BIT(1)
#define PIC_ICW4_SFNM   BIT(4)
#define PIC_OCW3        BIT(3) /* in port 0, with ICW1 clear: this is OCW3 */
#define PIC_OCW3_RIS    BIT(0)
#define PIC_OCW3_RR     BIT(1)
#define PIC_OCW3_POLL   BIT(2)
#define PIC_OCW3_SMM    BIT(5)
#define PIC_OCW3_ESMM   BIT(6)
#define PIC_POLL_INT    BIT(7) /* in the poll word: a request was waiting */

#define PIC_CASCADE     2    /* the master's input that the slave drives */
#define PIC_SPURIOUS    7    /* the input that a vanished request looks like */
#define PIC_ELCR_MASTER 0xf8 /* IRQ 0, 1 and 2 are always edge triggered */
#define PIC_ELCR_SLAVE  0xde /* so are IRQ 8 and 13 */

/* What OCW2 commands: its bits 7:5. */
enum {
    PIC_OCW2_ROTATE_AEOI_OFF,
    PIC_OCW2_EOI,
    PIC_OCW2_NOP,
    PIC_OCW2_EOI_SPECIFIC,
    PIC_OCW2_ROTATE_AEOI_ON,
    PIC_OCW2_ROTATE_EOI,
    PIC_OCW2_SET_PRIORITY,
    PIC_OCW2_ROTATE_EOI_SPECIFIC,
};

/* Which word the odd port takes next. */
enum {
    PIC_EXPECT_OCW1,
    PIC_EXPECT_ICW2,
    PIC_EXPECT_ICW3,
    PIC_EXPECT_ICW4,
};

struct PicState {
    DeviceState dev;

    /* Guest-visible. */
    uint8_t irr, imr, isr;
    uint8_t lines;  /* level of each input now */
    uint8_t elcr;   /* 1: level triggered */
    uint8_t base;   /* vector of input 0 */
    uint8_t lowest; /* input of lowest priority */
    uint8_t expect; /* PIC_EXPECT_* */
    bool read_isr, poll, special_mask, rotate_aeoi;
    bool single, need_icw4, aeoi, sfnm;

    /* Wiring. */
    PicState *slave; /* of the master; NULL in the slave */
    uint8_t elcr_mask;
    IrqLine in[8];
    const IrqLine *out;
    MemoryRegion ports, elcr_port;
    MemoryRegion *io;

    uint64_t served[8]; /* interrupts since the start, for `info irq` */
};

/* --- priority --- */

/* The set bit of @bits with the highest priority, or -1. */
static int pic_highest(const PicState *s, uint8_t bits)
{
    for (unsigned i = 1; i <= 8; i++) {
        unsigned n = (s->lowest + i) & 7;

        if (bits & BIT(n)) {
            return n;
        }
    }
    return -1;
}

/* Place of input @n in the order of priority: 0 is the first. */
static unsigned pic_rank(const PicState *s, int n)
{
    return n < 0 ? 8 : (n - s->lowest - 1) & 7;
}

/* The input that the chip asks the processor to serve, or -1. */
static int pic_pending(const PicState *s)
{
    uint8_t blocking = s->isr;
    int n = pic_highest(s, s->irr & ~s->imr);

    if (s->special_mask) {
        /* A masked level in service inhibits itself alone. */
        blocking &= ~s->imr;
    }
    if (s->sfnm && s->slave) {
        /* The slave may interrupt its own service, by a higher input. */
        blocking &= ~BIT(PIC_CASCADE);
    }
    return pic_rank(s, n) < pic_rank(s, pic_highest(s, blocking)) ? n : -1;
}

static void pic_update_output(PicState *s)
{
    irq_set(s->out, pic_pending(s) >= 0);
}

/* End the service of input @n; -1 is none. */
static void pic_end_service(PicState *s, int n, bool rotate)
{
    if (n < 0) {
        return;
    }
    s->isr &= ~BIT(n);
    if (rotate) {
        s->lowest = n;
    }
}

/* First INTA pulse, or a poll: input @n goes into service. */
static void pic_acknowledge(PicState *s, int n)
{
    s->isr |= BIT(n);
    s->served[n]++;
    if (!(s->elcr & BIT(n))) {
        s->irr &= ~BIT(n);
    }
    if (s->aeoi) {
        pic_end_service(s, n, s->rotate_aeoi);
    }
    /* INT falls with every INTA, so that what is still pending in a slave
     * gives a new edge to its master. */
    irq_lower(s->out);
    pic_update_output(s);
}

/* Vector of one chip's INTA cycle; @input tells which request it was. */
static int pic_inta(PicState *s, int *input)
{
    *input = pic_pending(s);
    if (*input < 0) {
        return s->base + PIC_SPURIOUS;
    }
    pic_acknowledge(s, *input);
    return s->base + *input;
}

int pic_read_irq(PicState *master)
{
    int input;
    int vector = pic_inta(master, &input);

    if (input == PIC_CASCADE && !master->single) {
        vector = pic_inta(master->slave, &input);
    }
    return vector;
}

bool pic_intr_level(const PicState *master)
{
    return pic_pending(master) >= 0;
}

/* --- inputs --- */

/*
 * The edge sense latches a rise, but the request stands only while the line
 * does: one that falls before INTA becomes the spurious interrupt.
 * Source: 8259A data sheet, "Edge and level triggered modes"
 */
static void pic_set_input(void *opaque, int n, int level)
{
    PicState *s = opaque;
    uint8_t bit = BIT(n);
    bool rise = level && !(s->lines & bit);

    s->lines = level ? s->lines | bit : s->lines & ~bit;
    if (!level) {
        s->irr &= ~bit;
    } else if (rise || (s->elcr & bit)) {
        s->irr |= bit;
    }
    pic_update_output(s);
}

IrqLine *pic_input(PicState *master, unsigned n)
{
    g_assert(n < PIC_INPUTS);
    return n < 8 ? &master->in[n] : &master->slave->in[n - 8];
}

/* --- command words --- */

/* Source: 8259A data sheet, "Initialization command words 1 and 2", list of
 * what ICW1 resets. */
static void pic_write_icw1(PicState *s, uint8_t value)
{
    s->imr = 0;
    s->isr = 0;
    s->irr = s->lines & s->elcr; /* edges must come anew */
    s->lowest = 7;
    s->special_mask = s->read_isr = s->poll = s->rotate_aeoi = false;
    s->aeoi = s->sfnm = false;
    s->single = value & PIC_ICW1_SNGL;
    s->need_icw4 = value & PIC_ICW1_IC4;
    s->expect = PIC_EXPECT_ICW2;
}

static void pic_write_ocw2(PicState *s, uint8_t value)
{
    int n = value & 7;

    switch (value >> 5) {
    case PIC_OCW2_ROTATE_AEOI_OFF:
        s->rotate_aeoi = false;
        break;
    case PIC_OCW2_ROTATE_AEOI_ON:
        s->rotate_aeoi = true;
        break;
    case PIC_OCW2_EOI:
    case PIC_OCW2_ROTATE_EOI:
        /* In special mask mode a masked level's bit is not ended. */
        n = pic_highest(s, s->special_mask ? s->isr & ~s->imr : s->isr);
        pic_end_service(s, n, value >> 5 == PIC_OCW2_ROTATE_EOI);
        break;
    case PIC_OCW2_EOI_SPECIFIC:
    case PIC_OCW2_ROTATE_EOI_SPECIFIC:
        pic_end_service(s, n, value >> 5 == PIC_OCW2_ROTATE_EOI_SPECIFIC);
        break;
    case PIC_OCW2_SET_PRIORITY:
        s->lowest = n;
        break;
    case PIC_OCW2_NOP:
        break;
    }
}

static void pic_write_ocw3(PicState *s, uint8_t value)
{
    if (value & PIC_OCW3_ESMM) {
        s->special_mask = value & PIC_OCW3_SMM;
    }
    if (value & PIC_OCW3_POLL) {
        s->poll = true;
    } else if (value & PIC_OCW3_RR) {
        s->read_isr = value & PIC_OCW3_RIS;
    }
}

/* ICW2-4 in their order, then OCW1. */
static void pic_write_data(PicState *s, uint8_t value)
{
    switch (s->expect) {
    case PIC_EXPECT_OCW1:
        s->imr = value;
        break;
    case PIC_EXPECT_ICW2:
        s->base = value & PIC_ICW2_BASE;
        s->expect = !s->single    ? PIC_EXPECT_ICW3
                    : s->need_icw4 ? PIC_EXPECT_ICW4
                                   : PIC_EXPECT_OCW1;
        break;
    case PIC_EXPECT_ICW3: /* the cascade is wired to input 2 whatever it says */
        s->expect = s->need_icw4 ? PIC_EXPECT_ICW4 : PIC_EXPECT_OCW1;
        break;
    case PIC_EXPECT_ICW4:
        s->aeoi = value & PIC_ICW4_AEOI;
        s->sfnm = value & PIC_ICW4_SFNM;
        s->expect = PIC_EXPECT_OCW1;
        break;
    }
}

static void pic_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    PicState *s = opaque;

    if (addr) {
        pic_write_data(s, value);
    } else if (value & PIC_ICW1) {
        pic_write_icw1(s, value);
    } else if (value & PIC_OCW3) {
        pic_write_ocw3(s, value);
    } else {
        pic_write_ocw2(s, value);
    }
    pic_update_output(s);
}

/* The poll word stands for INTA.  Source: data sheet, "Poll command" */
static uint8_t pic_read_poll(PicState *s)
{
    int n = pic_pending(s);

    s->poll = false;
    if (n < 0) {
        return PIC_SPURIOUS;
    }
    pic_acknowledge(s, n);
    return PIC_POLL_INT | n;
}

static uint64_t pic_read(void *opaque, hwaddr addr, unsigned size)
{
    PicState *s = opaque;

    if (s->poll) {
        return pic_read_poll(s);
    }
    if (addr) {
        return s->imr;
    }
    return s->read_isr ? s->isr : s->irr;
}

static uint64_t pic_elcr_read(void *opaque, hwaddr addr, unsigned size)
{
    return ((PicState *)opaque)->elcr;
}

static void pic_elcr_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    PicState *s = opaque;

    s->elcr = value & s->elcr_mask;
    /* What is now level triggered follows its line. */
    s->irr = (s->irr & ~s->elcr) | (s->lines & s->elcr);
    pic_update_output(s);
}

static const MemoryRegionOps pic_ops = {
    .read = pic_read,
    .write = pic_write,
    .impl = {1, 1},
};

static const MemoryRegionOps pic_elcr_ops = {
    .read = pic_elcr_read,
    .write = pic_elcr_write,
    .impl = {1, 1},
};

/* --- life --- */

static PicState *pic_create_one(MemoryRegion *io, bool slave,
                                const IrqLine *out)
{
    PicState *s = (PicState *)device_create(&pic_type, NULL);

    s->out = out;
    s->io = io;
    s->elcr_mask = slave ? PIC_ELCR_SLAVE : PIC_ELCR_MASTER;
    for (unsigned i = 0; i < 8; i++) {
        irq_init(&s->in[i], pic_set_input, s, i);
    }
    memory_region_init_io(&s->ports, &pic_ops, s, "pic", 2);
    memory_region_init_io(&s->elcr_port, &pic_elcr_ops, s, "elcr", 1);
    memory_region_add(io, slave ? 0xa0 : 0x20, &s->ports);
    memory_region_add(io, slave ? 0x4d1 : 0x4d0, &s->elcr_port);
    return s;
}

PicState *pic_create(MemoryRegion *io, const IrqLine *intr)
{
    PicState *master = pic_create_one(io, false, intr);

    master->slave = pic_create_one(io, true, &master->in[PIC_CASCADE]);
    return master;
}

static void pic_reset(DeviceState *dev)
{
    pic_update_output((PicState *)dev);
}

static void pic_unrealize(DeviceState *dev)
{
    PicState *s = (PicState *)dev;

    if (s->io) {
        memory_region_del(s->io, &s->ports);
        memory_region_destroy(&s->ports);
        memory_region_del(s->io, &s->elcr_port);
        memory_region_destroy(&s->elcr_port);
    }
}

static void pic_print_one(const PicState *s, const char *name, GString *out)
{
    g_string_append_printf(out,
                           "%s: irr=%02x imr=%02x isr=%02x base=%02x "
                           "lowest=%u elcr=%02x lines=%02x sm=%d sfnm=%d\n",
                           name, s->irr, s->imr, s->isr, s->base, s->lowest,
                           s->elcr, s->lines, s->special_mask, s->sfnm);
}

void pic_print(const PicState *master, GString *out)
{
    pic_print_one(master, "pic0", out);
    pic_print_one(master->slave, "pic1", out);
}

void pic_print_counts(const PicState *master, GString *out)
{
    g_string_append(out, "IRQ statistics for i8259:\n");
    for (unsigned n = 0; n < PIC_INPUTS; n++) {
        const PicState *s = n < 8 ? master : master->slave;

        if (s->served[n & 7]) {
            g_string_append_printf(out, "%2u: %" PRIu64 "\n", n,
                                   s->served[n & 7]);
        }
    }
}

bool pic_is_master(const PicState *s)
{
    return s->slave != NULL;
}

static const DevField pic_fields[] = {
    DEV_FIELD(PicState, irr, 0),
    DEV_FIELD(PicState, imr, 0),
    DEV_FIELD(PicState, isr, 0),
    DEV_FIELD_KEPT(PicState, lines), /* the drivers' state, not the chip's */
    DEV_FIELD(PicState, elcr, 0),
    DEV_FIELD(PicState, base, 0),
    DEV_FIELD(PicState, lowest, 7),
    DEV_FIELD(PicState, expect, PIC_EXPECT_OCW1),
    DEV_FIELD(PicState, read_isr, 0),
    DEV_FIELD(PicState, poll, 0),
    DEV_FIELD(PicState, special_mask, 0),
    DEV_FIELD(PicState, rotate_aeoi, 0),
    DEV_FIELD(PicState, single, 0),
    DEV_FIELD(PicState, need_icw4, 0),
    DEV_FIELD(PicState, aeoi, 0),
    DEV_FIELD(PicState, sfnm, 0),
};

const DeviceType pic_type = {
    .name = "i8259",
    .desc = "Intel 8259A interrupt controller",
    .size = sizeof(PicState),
    .fields = pic_fields,
    .nfields = ARRAY_LEN(pic_fields),
    .unrealize = pic_unrealize,
    .reset = pic_reset,
    .post_load = pic_reset,
};
