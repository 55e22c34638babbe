// SPDX-License-Identifier: GPL-2.0
/*
 * The clients of a domain: registers them and calls their operations.
 *
 * Locking: the domain's notify_lock protects the list, and is held while an operation runs. So no
 * operation runs after its client was unregistered.
 */

#include <linux/export.h>
#include <linux/lockdep.h>
#include <xen/xen_gpu_map.h>

#include "client.h"
#include "domain.h"

/**
 * xen_gpu_client_register - become a user of a domain's mappings
 * @dom: the domain's handle, which the caller keeps until it has unregistered
 * @client: the client, with its ops and max_bfn set
 *
 * Context: process context, may sleep. Takes the domain's notify_lock: the caller must hold no lock
 * that the client's operations take.
 * Return: 0, -EINVAL if the client's ops lack remap or release, -ENODEV if the domain has ended.
 */
int xen_gpu_client_register(struct xen_gpu_domain *dom, struct xen_gpu_client *client)
{
	int rc = 0;

	if (!client->ops || !client->ops->remap || !client->ops->release)
		return -EINVAL;
	mutex_lock(&dom->notify_lock);
	if (dom->ended) {
		rc = -ENODEV;
	} else {
		client->domain = dom;
		list_add_tail(&client->node, &dom->clients);
	}
	mutex_unlock(&dom->notify_lock);
	return rc;
}
EXPORT_SYMBOL_GPL(xen_gpu_client_register);

/**
 * xen_gpu_client_unregister - stop being a user of a domain's mappings
 * @client: a registered client, which has released everything that it mapped
 *
 * When it returns, none of the client's operations runs or will run.
 *
 * Context: process context, may sleep. Takes the domain's notify_lock: the caller must hold no lock
 * that the client's operations take, and must not be one of them.
 */
void xen_gpu_client_unregister(struct xen_gpu_client *client)
{
	struct xen_gpu_domain *dom = client->domain;

	mutex_lock(&dom->notify_lock);
	list_del(&client->node);
	mutex_unlock(&dom->notify_lock);
}
EXPORT_SYMBOL_GPL(xen_gpu_client_unregister);

void xen_gpu_clients_remap(struct xen_gpu_domain *dom, const struct xen_gpu_move *moves,
			   unsigned int n)
{
	struct xen_gpu_client *client;

	lockdep_assert_held(&dom->notify_lock);
	list_for_each_entry(client, &dom->clients, node)
		client->ops->remap(client, moves, n);
}

void xen_gpu_clients_revalidated(struct xen_gpu_domain *dom, bool after_event)
{
	struct xen_gpu_client *client;

	lockdep_assert_held(&dom->notify_lock);
	list_for_each_entry(client, &dom->clients, node) {
		client->after_event = after_event;
		if (client->ops->revalidated)
			client->ops->revalidated(client);
	}
}

void xen_gpu_clients_release(struct xen_gpu_domain *dom)
{
	struct xen_gpu_client *client;

	lockdep_assert_held(&dom->notify_lock);
	list_for_each_entry(client, &dom->clients, node)
		client->ops->release(client);
}
