/* SPDX-License-Identifier: MIT */
/*
 * A PS/2 keyboard and a PS/2 mouse: what hangs on the two ports of the i8042,
 * and what monitors and displays put keys and motion into.  Locks: BQL.
 */
#ifndef HEDDLE_HW_INPUT_PS2_H
#define HEDDLE_HW_INPUT_PS2_H

#include "hw/device.h"
#include "hw/irq.h"

typedef struct Ps2Kbd Ps2Kbd;
typedef struct Ps2Mouse Ps2Mouse;
extern const DeviceType ps2_kbd_type;
extern const DeviceType ps2_mouse_type;

/* Keys have the number of their scan code in set 1, with E0h above it for the
 * extended ones: 1Eh is A, E04Bh is the left arrow.  Two are sequences. */
#define PS2_KEY_PRINT 0xe037
#define PS2_KEY_PAUSE 0xe11d

/* Buttons of the mouse. */
#define PS2_BUTTON_LEFT   BIT(0)
#define PS2_BUTTON_RIGHT  BIT(1)
#define PS2_BUTTON_MIDDLE BIT(2)
#define PS2_BUTTON_SIDE   BIT(3)
#define PS2_BUTTON_EXTRA  BIT(4)

/* @notify is raised while there is a byte to read. */
Ps2Kbd *ps2_kbd_create(const IrqLine *notify);
void ps2_kbd_write(Ps2Kbd *s, uint8_t value); /* from the host */
bool ps2_kbd_read(Ps2Kbd *s, uint8_t *value); /* false: nothing to send */
/* A key goes down or up; false if the keyboard's buffer is full. */
bool ps2_kbd_key(Ps2Kbd *s, uint16_t key, bool down);
/* Bits of the last ED command: 0 scroll lock, 1 num lock, 2 caps lock. */
uint8_t ps2_kbd_leds(const Ps2Kbd *s);

Ps2Mouse *ps2_mouse_create(const IrqLine *notify);
void ps2_mouse_write(Ps2Mouse *s, uint8_t value);
bool ps2_mouse_read(Ps2Mouse *s, uint8_t *value);
/* Motion (right, up and towards the user are positive) and the buttons that
 * are now down. */
void ps2_mouse_event(Ps2Mouse *s, int dx, int dy, int dz, unsigned buttons);

#endif
