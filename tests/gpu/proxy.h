/* SPDX-License-Identifier: GPL-2.0 */
/*
 * QEMU's protocol for devices in processes of their own (x-pci-proxy-dev).
 *
 * Messages are those of include/hw/remote/mpqemu-link.h in QEMU. One that is not as it should be
 * ends the connection: nothing after it could be understood.
 */

#ifndef GPU_PROXY_H
#define GPU_PROXY_H

#include <stdbool.h>

/* Serves a connection until QEMU ends it. False: because of a message that is malformed */
bool proxy_serve(int fd);

#endif /* GPU_PROXY_H */
