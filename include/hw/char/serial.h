/* SPDX-License-Identifier: MIT */
/* 16550A serial ports on the ISA bus.  Locks: BQL. */
#ifndef HEDDLE_HW_CHAR_SERIAL_H
#define HEDDLE_HW_CHAR_SERIAL_H

#include "chardev/char.h"
#include "hw/isa/isa_bus.h"

#define ISA_SERIAL_PORTS 4 /* COM1 to COM4 */

typedef struct SerialState SerialState;
extern const DeviceType isa_serial_type;

/* Port COM@index+1 at its usual place, on @chr (may be NULL: bytes go
 * nowhere).  Fails when @chr is in use. */
SerialState *isa_serial_create(IsaBus *isa, unsigned index, Chardev *chr,
                               GError **errp);

#endif
