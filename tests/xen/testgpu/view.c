// SPDX-License-Identifier: GPL-2.0
/*
 * The mapping service's view of a guest's page: the BFN that a client of the guest gets for a GFN.
 * All clients get the same one.
 *
 * Invariants: nothing is held when view_page() returns, nor when the service calls a client.
 *
 * Locking: a view's lock is held from the map to the release, so that the service, which calls the
 * client when pages move or the guest ends, does so before or after.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <xen/xen_gpu_map.h>

#include "view.h"

#define VIEW_QUOTA	1
#define VIEW_MAX_BFN	((1ULL << (39 - 12)) - 1)	/* as xengt's by default */

/**
 * struct view - a client that holds nothing
 * @client: of the guest's domain
 * @lock: held while a page is mapped
 */
struct view {
	struct xen_gpu_client client;
	struct mutex lock;	/* see above */
};

static void wait_for_release(struct xen_gpu_client *client)
{
	struct view *view = container_of(client, struct view, client);

	mutex_lock(&view->lock);
	mutex_unlock(&view->lock);
}

static void view_remap(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
		       unsigned int n)
{
	wait_for_release(client);
}

static const struct xen_gpu_client_ops view_ops = {
	.remap = view_remap,
	.release = wait_for_release,
};

static int map_and_release(struct view *view, u64 gfn, u64 *bfn)
{
	int status;

	mutex_lock(&view->lock);
	if (xen_gpu_map(&view->client, &gfn, 1, XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, bfn,
			&status))
		xen_gpu_release(&view->client, &gfn, 1);
	mutex_unlock(&view->lock);

	return status;
}

/* Returns 0, or the service's error. */
int view_page(domid_t domid, u64 gfn, u64 *bfn)
{
	const struct xen_gpu_limits limits = { .quota = VIEW_QUOTA, .max_bfn = VIEW_MAX_BFN };
	struct view view = { .client = { .ops = &view_ops, .max_bfn = VIEW_MAX_BFN } };
	struct xen_gpu_domain *dom;
	int ret;

	dom = xen_gpu_domain_get(domid, &limits);
	if (IS_ERR(dom))
		return PTR_ERR(dom);

	mutex_init(&view.lock);
	ret = xen_gpu_client_register(dom, &view.client);
	if (!ret) {
		ret = map_and_release(&view, gfn, bfn);
		xen_gpu_client_unregister(&view.client);
	}
	xen_gpu_domain_put(dom);

	return ret;
}
