/* SPDX-License-Identifier: MIT */
/* "virtio-blk-pci": a disk on the PCI bus. */
#ifndef HEDDLE_HW_BLOCK_VIRTIO_BLK_H
#define HEDDLE_HW_BLOCK_VIRTIO_BLK_H

#include "hw/device.h"

extern const DeviceType virtio_blk_pci_type;

#endif
