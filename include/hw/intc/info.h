/* SPDX-License-Identifier: MIT */
/* What monitors show of the interrupt controllers, whichever the machine has;
 * to be registered as `info` topics.  Locks: BQL. */
#ifndef HEDDLE_HW_INTC_INFO_H
#define HEDDLE_HW_INTC_INFO_H

#include "util/common.h"

void intc_info_pic(GString *out);   /* `info pic`: i8259 pair and I/O APIC */
void intc_info_irq(GString *out);   /* `info irq`: interrupts by line */
void intc_info_lapic(GString *out); /* `info lapic`: every local APIC */

#endif
