/* SPDX-License-Identifier: GPL-2.0 */
/* A connection to a UNIX socket of QEMU's. */

#ifndef GPU_SOCKET_H
#define GPU_SOCKET_H

/* The descriptor, or -1 if it cannot be reached, which is logged */
int socket_connect(const char *path);

#endif /* GPU_SOCKET_H */
