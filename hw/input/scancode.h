/* SPDX-License-Identifier: MIT */
/* Scan codes: what the keyboard sends (set 2) and what programs expect (set
 * 1).  Source: IBM PS/2 Hardware Interface Technical Reference, "Keyboard". */
#ifndef HEDDLE_HW_INPUT_SCANCODE_H
#define HEDDLE_HW_INPUT_SCANCODE_H

#include "util/common.h"

#define SCANCODE_BREAK 0xf0 /* set 2: the next code is of a key going up */
#define SCANCODE_UP    0x80 /* set 1: added to the code */

/* What the controller makes of a code of set 2. */
uint8_t scancode_set2_to_set1(uint8_t code);
/* The code of set 2 that becomes @code (below 80h). */
uint8_t scancode_set1_to_set2(uint8_t code);

#endif
