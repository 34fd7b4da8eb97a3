/* SPDX-License-Identifier: MIT */
/* Topics of `info` that info_machine.c prints; info.c has the table. */
#ifndef HEDDLE_MONITOR_INFO_TOPICS_H
#define HEDDLE_MONITOR_INFO_TOPICS_H

#include "monitor/command.h"

/* @args is what follows the topic, "" for nothing. */
typedef void InfoPrint(MonCall *call, const char *args);

InfoPrint info_balloon, info_blockstats, info_iothreads, info_mem, info_mice,
    info_nothing, info_pci, info_qom_tree, info_roms, info_sync_profile,
    info_tlb;

#endif
