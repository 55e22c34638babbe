/* SPDX-License-Identifier: GPL-2.0 */
/* The clients of a domain: calls each client's operations. See client.c. */

#ifndef _XEN_GPU_MAP_CLIENT_H
#define _XEN_GPU_MAP_CLIENT_H

struct xen_gpu_domain;
struct xen_gpu_move;

void xen_gpu_clients_remap(struct xen_gpu_domain *dom, const struct xen_gpu_move *moves,
			   unsigned int n);
void xen_gpu_clients_revalidated(struct xen_gpu_domain *dom, bool after_event);
void xen_gpu_clients_release(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_CLIENT_H */
