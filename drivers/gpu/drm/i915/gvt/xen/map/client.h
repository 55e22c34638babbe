/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clients of a domain, and what they are told. Locking: the domain's notify_lock.
 */

#ifndef _XEN_GPU_MAP_CLIENT_H
#define _XEN_GPU_MAP_CLIENT_H

struct xen_gpu_domain;
struct xen_gpu_move;

void xen_gpu_clients_moved(struct xen_gpu_domain *dom, const struct xen_gpu_move *moves,
			   unsigned int n);
void xen_gpu_clients_settled(struct xen_gpu_domain *dom);
void xen_gpu_clients_ended(struct xen_gpu_domain *dom);

#endif /* _XEN_GPU_MAP_CLIENT_H */
