/* SPDX-License-Identifier: MIT */
/* The PC's real-time clock with its 128 bytes of CMOS memory.  Locks: BQL. */
#ifndef HEDDLE_HW_TIMER_MC146818RTC_H
#define HEDDLE_HW_TIMER_MC146818RTC_H

#include "exec/memory.h"
#include "hw/device.h"
#include "hw/irq.h"

#define RTC_CMOS_BYTES 128

/* -rtc */
typedef struct RtcConfig {
    bool localtime; /* the guest keeps local time, not UTC */
    bool clock_vm;  /* follow the virtual clock, not the host's wall clock */
    bool has_base; /* the guest's time begins with base_s, else the host's */
    int64_t base_s; /* from 1970 */
} RtcConfig;

typedef struct RtcState RtcState;
extern const DeviceType rtc_type;

/* Ports 70h and 71h of @io; the time is right at once. */
RtcState *rtc_create(MemoryRegion *io, const RtcConfig *config,
                     const IrqLine *irq8);
/* For firmware tables: what the machine leaves in the memory, and what is
 * there.  @reg is 0Eh to 7Fh, without the century byte 32h. */
void rtc_set_cmos(RtcState *s, int reg, uint8_t value);
uint8_t rtc_get_cmos(const RtcState *s, int reg);

#endif
