/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI, the modern interface alone.
 * Source: VIRTIO 1.1, 4.1 "Virtio Over PCI Bus".  Locks: BQL.
 */
#ifndef HEDDLE_HW_VIRTIO_VIRTIO_PCI_H
#define HEDDLE_HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci.h"
#include "hw/virtio/virtio.h"

typedef struct VirtIOPCI {
    PCIDevice pci; /* first */
    VirtIODevice vdev;
    MemoryRegion bar, common, isr_region, device_config, notify;
    uint32_t device_feature_select, driver_feature_select;
    uint16_t queue_select;
    uint8_t isr;
} VirtIOPCI;

/*
 * Make the PCI function of a virtio device.
 * @class_code  base class and sub-class
 * @features    of the device's kind; the ring's are added
 */
bool virtio_pci_init(VirtIOPCI *v, const VirtIOClass *klass,
                     uint16_t class_code, uint64_t features, uint16_t nqueues,
                     GError **errp);
/* Its end: off the bus, with nothing of it mapped. */
void virtio_pci_exit(VirtIOPCI *v);
/* At a reset of the whole device. */
void virtio_pci_reset(VirtIOPCI *v);

#endif
