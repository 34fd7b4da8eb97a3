/* SPDX-License-Identifier: MIT */
/*
 * The DSDT of the machine "pc".
 *
 * Source: ACPI 6.4, chapters 5, 6 and 19; interrupt routing as in
 * hw/isa/piix3.c.  The build runs this file through the C preprocessor, whose
 * macros take arguments.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "HEDDLE", "HEDLDSDT", 1)
{
    /* hw/i386/acpi_build.c sets these four, which must take 32 bits each: the
     * first address of the PCI hole; a bit for each serial port that exists;
     * the port of pvpanic, or 0 if there is none; the first of the PM
     * registers' ports.
     * They are not in an SSDT, since SeaBIOS, which looks for devices here,
     * does not know External. */
    Name (\PMIN, 0xE0000000)
    Name (\COMS, 0x8000000F)
    Name (\PEVP, 0x80000505)
    Name (\PMBA, 0x80000600)

    /* Soft off: the sleep type of hw/acpi/piix4_pm.c. */
    Name (\_S5, Package (4) { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)

            Name (CRES, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x00FF, 0, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    EntireRange, 0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    Cacheable, ReadWrite,
                    0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
                    NonCacheable, ReadWrite,
                    0, 0xE0000000, 0xFEBFFFFF, 0, 0x1EC00000,,, HOLE)
            })

            Method (_CRS, 0, Serialized)
            {
                CreateDWordField (CRES, ^HOLE._MIN, HMIN)
                CreateDWordField (CRES, ^HOLE._MAX, HMAX)
                CreateDWordField (CRES, ^HOLE._LEN, HLEN)
                HMIN = \PMIN
                HLEN = HMAX - HMIN + 1
                Return (CRES)
            }

/* One slot: its four pins take the links in turn from @a on. */
#define SLOT(n, a, b, c, d) \
                Package (4) { (n << 16) | 0xFFFF, 0, a, 0 }, \
                Package (4) { (n << 16) | 0xFFFF, 1, b, 0 }, \
                Package (4) { (n << 16) | 0xFFFF, 2, c, 0 }, \
                Package (4) { (n << 16) | 0xFFFF, 3, d, 0 }
/* Slots n to n+3; INTA# of slot 1 is PIRQA#. */
#define FOUR_SLOTS(n, n1, n2, n3) \
                SLOT (n, LNKD, LNKA, LNKB, LNKC), \
                SLOT (n1, LNKA, LNKB, LNKC, LNKD), \
                SLOT (n2, LNKB, LNKC, LNKD, LNKA), \
                SLOT (n3, LNKC, LNKD, LNKA, LNKB)

            Name (_PRT, Package (128)
            {
                FOUR_SLOTS (0, 1, 2, 3),
                FOUR_SLOTS (4, 5, 6, 7),
                FOUR_SLOTS (8, 9, 10, 11),
                FOUR_SLOTS (12, 13, 14, 15),
                FOUR_SLOTS (16, 17, 18, 19),
                FOUR_SLOTS (20, 21, 22, 23),
                FOUR_SLOTS (24, 25, 26, 27),
                FOUR_SLOTS (28, 29, 30, 31)
            })

            /* Slots that are filled and emptied: hw/acpi/pci_hotplug.c. */
            OperationRegion (HPLG, SystemIO, 0xAE00, 0x0C)
            Field (HPLG, DWordAcc, NoLock, WriteAsZeros)
            {
                PCIU, 32, PCID, 32, B0EJ, 32
            }

#define PLUG(name, n) \
            Device (name) \
            { \
                Name (_ADR, n << 16) \
                Name (_SUN, n) \
                Method (_EJ0, 1) { B0EJ = (1 << n) } \
            }
/* Filled: look (1); to be emptied: let it go (3). */
#define TELL(name, n) \
                If (Local0 & (1 << n)) { Notify (name, 1) } \
                If (Local1 & (1 << n)) { Notify (name, 3) }
#define ALL_SLOTS(each) \
            each (S02, 2) each (S03, 3) each (S04, 4) each (S05, 5) \
            each (S06, 6) each (S07, 7) each (S08, 8) each (S09, 9) \
            each (S10, 10) each (S11, 11) each (S12, 12) each (S13, 13) \
            each (S14, 14) each (S15, 15) each (S16, 16) each (S17, 17) \
            each (S18, 18) each (S19, 19) each (S20, 20) each (S21, 21) \
            each (S22, 22) each (S23, 23) each (S24, 24) each (S25, 25) \
            each (S26, 26) each (S27, 27) each (S28, 28) each (S29, 29) \
            each (S30, 30) each (S31, 31)

            ALL_SLOTS (PLUG)

            Method (HPEV, 0, Serialized)
            {
                Local0 = PCIU
                Local1 = PCID
                ALL_SLOTS (TELL)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PRCR, PCI_Config, 0x60, 4)
                Field (PRCR, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8
                }

                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 1, 2)
                        IRQNoFlags () { 8 }
                    })
                }

                /* Ports of the chipset that no BAR shows. */
                Device (PMIO)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_UID, 1)
                    Name (CRES, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00B2, 0x00B2, 1, 2)
                        IO (Decode16, 0, 0, 1, 0x40, PM)
                        IO (Decode16, 0xAE00, 0xAE00, 1, 0x14)
                        IO (Decode16, 0xAFE0, 0xAFE0, 1, 4)
                    })
                    Method (_CRS, 0, Serialized)
                    {
                        CreateWordField (CRES, ^PM._MIN, IMIN)
                        CreateWordField (CRES, ^PM._MAX, IMAX)
                        IMIN = \PMBA
                        IMAX = \PMBA
                        Return (CRES)
                    }
                }

#define COM(name, number, port, irq) \
                Device (name) \
                { \
                    Name (_HID, EisaId ("PNP0501")) \
                    Name (_UID, number) \
                    Method (_STA, 0) \
                    { \
                        If (\COMS & (1 << (number - 1))) { Return (0x0F) } \
                        Return (0) \
                    } \
                    Name (_CRS, ResourceTemplate () \
                    { \
                        IO (Decode16, port, port, 1, 8) \
                        IRQNoFlags () { irq } \
                    }) \
                }

                COM (COM1, 1, 0x03F8, 4)
                COM (COM2, 2, 0x02F8, 3)
                COM (COM3, 3, 0x03E8, 4)
                COM (COM4, 4, 0x02E8, 3)

                /* Where the guest tells that it has panicked. */
                Device (PEVT)
                {
                    Name (_HID, "QEMU0001")
                    Name (CRES, ResourceTemplate ()
                    {
                        IO (Decode16, 0, 0, 1, 1, PORT)
                    })
                    Method (_STA, 0)
                    {
                        If (\PEVP) { Return (0x0F) }
                        Return (0)
                    }
                    Method (_CRS, 0, Serialized)
                    {
                        CreateWordField (CRES, ^PORT._MIN, IMIN)
                        CreateWordField (CRES, ^PORT._MAX, IMAX)
                        IMIN = \PEVP
                        IMAX = \PEVP
                        Return (CRES)
                    }
                }
            }
        }

        Device (HPET)
        {
            Name (_HID, EisaId ("PNP0103"))
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate ()
            {
                Memory32Fixed (ReadOnly, 0xFED00000, 0x00000400)
            })
        }

        /* Is a route register's interrupt on? */
        Method (LSTA, 1)
        {
            If (Arg0 & 0x80) { Return (0x09) }
            Return (0x0B)
        }

        /* Its resources: the interrupt's number is at offset 5. */
        Name (LBUF, ResourceTemplate ()
        {
            Interrupt (, Level, ActiveHigh, Shared) { 0 }
        })
        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (LBUF, 5, LIRQ)
            LIRQ = 0
            If (!(Arg0 & 0x80)) { LIRQ = Arg0 }
            Return (LBUF)
        }

#define LINK(name, number, reg) \
        Device (name) \
        { \
            Name (_HID, EisaId ("PNP0C0F")) \
            Name (_UID, number) \
            Name (_PRS, ResourceTemplate () \
            { \
                Interrupt (, Level, ActiveHigh, Shared) { 5, 10, 11 } \
            }) \
            Method (_STA, 0) { Return (LSTA (\_SB.PCI0.ISA.reg)) } \
            Method (_DIS, 0) { \_SB.PCI0.ISA.reg |= 0x80 } \
            Method (_CRS, 0) { Return (LCRS (\_SB.PCI0.ISA.reg)) } \
            Method (_SRS, 1) \
            { \
                CreateDWordField (Arg0, 5, SIRQ) \
                \_SB.PCI0.ISA.reg = SIRQ \
            } \
        }

        LINK (LNKA, 0, PRQA)
        LINK (LNKB, 1, PRQB)
        LINK (LNKC, 2, PRQC)
        LINK (LNKD, 3, PRQD)
    }

    Scope (\_GPE)
    {
        Method (_E01) { \_SB.PCI0.HPEV () }
    }
}
