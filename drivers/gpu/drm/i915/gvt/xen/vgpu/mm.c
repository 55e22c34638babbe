// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual GPU's use of its guest's pages: one client of the mapping service for all its page
 * tables, the GGTT and the PPGTTs.
 *
 * Every entry that names a page of the guest's is in a run of entries (see entries.c), and every
 * run is in the mm's list: so the service's news reach all of them. What leads nowhere leads to
 * the mm's own scratch page.
 *
 * Invariants: when the mm is closed, no entry of any run names a page of the guest's, and none
 * will.
 *
 * Locking: lock, held from the mapping of a GFN to the write of its entry, and while the service
 * moves GFNs. The service's locks nest inside, the ones under which it calls us outside.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/vmalloc.h>
#include <xen/page.h>

#include "counters.h"
#include "entries.h"
#include "mm.h"
#include "place.h"
#include "pte.h"
#include "trace.h"

/* How many entries that could not be mapped are tried again after a revalidation */
#define RETRY_MAX	4096

/* Pages that are asked for until one is in the device's reach */
#define ALLOC_TRIES	32

/* Makes the GPU forget what it knows of entries that were written. */
void xengt_mm_invalidate(struct xengt_mm *mm)
{
	mm->place->ops->invalidate(mm->place);
	xengt_count(mm->counters, XENGT_COUNT_GPU_INVALIDATES, 1);
}

/*
 * The guest is about to rely on its entries: those that name the same pages as before a balloon
 * event must not lead to the frames that these had then.
 */
void xengt_mm_wait_current(struct xengt_mm *mm)
{
	lockdep_assert_not_held(&mm->lock);
	xen_gpu_wait_current(mm->client.domain);
}

/*
 * Where to look for a page that the device can reach. In a PV dom0 a page's BFN is not its number:
 * the zone only makes it likely.
 */
static gfp_t zone_in_reach(u64 max_bfn)
{
	return max_bfn < BIT_ULL(32 - XENGT_PAGE_SHIFT) ? GFP_KERNEL | __GFP_DMA32 : GFP_KERNEL;
}

/*
 * A zeroed page of our own that the device can reach; or ERR_PTR(): -ENOMEM, -ERANGE. What is out
 * of reach is kept until one was found, so that it is not offered again.
 */
struct page *xengt_mm_alloc_page(struct xengt_mm *mm, u64 *bfn)
{
	struct page *tried[ALLOC_TRIES], *page = ERR_PTR(-ERANGE);
	unsigned int i, n;

	for (n = 0; n < ALLOC_TRIES; n++) {
		tried[n] = alloc_page(zone_in_reach(mm->client.max_bfn) | __GFP_ZERO);
		if (!tried[n]) {
			page = ERR_PTR(-ENOMEM);
			break;
		}
		*bfn = pfn_to_bfn(page_to_pfn(tried[n]));
		if (*bfn <= mm->client.max_bfn) {
			page = tried[n];
			break;
		}
	}
	for (i = 0; i < n; i++)
		__free_page(tried[i]);
	if (PTR_ERR_OR_ZERO(page) == -ERANGE)
		pr_err_ratelimited("the device reaches BFNs up to %#llx, and none of %u pages of our own is there, the last one is at %#llx (see dma_bits)\n",
				   mm->client.max_bfn, n, *bfn);
	return page;
}

/**
 * xengt_mm_close - point everything to scratch and release it, for good
 * @mm: what to close
 *
 * Context: process context, may sleep.
 */
void xengt_mm_close(struct xengt_mm *mm)
{
	mutex_lock(&mm->lock);
	mm->closed = true;
	xengt_entries_zap_all(mm);
	mutex_unlock(&mm->lock);
}

static struct xengt_mm *to_mm(struct xen_gpu_client *client)
{
	return container_of(client, struct xengt_mm, client);
}

static void mm_moved(struct xen_gpu_client *client, const struct xen_gpu_move *move,
		     unsigned int n)
{
	struct xengt_mm *mm = to_mm(client);

	trace_xengt_moved(mm->domid, n);
	mutex_lock(&mm->lock);
	xengt_entries_move(mm, move, n);
	mutex_unlock(&mm->lock);
}

/* Entries that could not be mapped get another try, a bounded number of them, in turns. */
static void mm_settled(struct xen_gpu_client *client)
{
	struct xengt_mm *mm = to_mm(client);
	void (*settled)(struct xengt_mm *mm) = READ_ONCE(mm->settled);
	unsigned int tried = 0;
	bool more;

	mutex_lock(&mm->lock);
	mm->retry_round++;
	mutex_unlock(&mm->lock);
	do {
		mutex_lock(&mm->lock);
		more = !mm->closed && xengt_entries_retry(mm, false, &tried);
		mutex_unlock(&mm->lock);
	} while (more && tried < RETRY_MAX);
	if (settled)
		settled(mm);
}

static void mm_ended(struct xen_gpu_client *client)
{
	struct xengt_mm *mm = to_mm(client);

	xengt_mm_close(mm);
	mm->ended(mm);
}

static const struct xen_gpu_client_ops client_ops = {
	.moved = mm_moved,
	.settled = mm_settled,
	.ended = mm_ended,
};

/**
 * xengt_mm_init - become a user of a guest's pages
 * @mm: what to initialise
 * @config: from what
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -ERANGE if our memory is out of the device's reach, or -ENODEV if the guest
 * has ended.
 */
int xengt_mm_init(struct xengt_mm *mm, const struct xengt_mm_config *config)
{
	int rc;

	*mm = (struct xengt_mm){
		.domid = config->domid,
		.format = config->format,
		.place = config->place,
		.counters = config->counters,
		.ended = config->ended,
		.client = { .ops = &client_ops },
	};
	mm->client.max_bfn = min(config->max_bfn, xengt_pte_max_frame(config->format->ggtt));
	mutex_init(&mm->lock);
	INIT_LIST_HEAD(&mm->runs);
	INIT_LIST_HEAD(&mm->written);
	xengt_writes_init(mm);
	mm->writes.mode = config->mode;
	mm->update = vzalloc(sizeof(*mm->update));
	if (!mm->update)
		return -ENOMEM;
	mm->scratch = xengt_mm_alloc_page(mm, &mm->scratch_bfn);
	rc = PTR_ERR_OR_ZERO(mm->scratch);
	if (rc)
		goto free_update;
	rc = xen_gpu_client_register(config->domain, &mm->client);
	if (rc)
		goto free_scratch;
	return 0;

free_scratch:
	__free_page(mm->scratch);
free_update:
	vfree(mm->update);
	return rc;
}

/**
 * xengt_mm_exit - stop being a user of a guest's pages
 * @mm: closed, with no runs left
 *
 * Context: process context, may sleep. When it returns nobody is called any more.
 */
void xengt_mm_exit(struct xengt_mm *mm)
{
	xen_gpu_client_unregister(&mm->client);
	xengt_writes_exit(mm);
	WARN_ON(!list_empty(&mm->runs));
	__free_page(mm->scratch);
	vfree(mm->update);
}
