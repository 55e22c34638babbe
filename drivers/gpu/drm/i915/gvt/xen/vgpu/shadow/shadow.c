// SPDX-License-Identifier: GPL-2.0
/*
 * What all shadow page tables of a virtual GPU share: one client of the map service, one lock, the
 * scratch page, and how the GPU is made to forget old entries.
 *
 * The scratch page is a page of our own. An entry that names it is called scratch: that of a guest
 * entry that is not present, or whose page cannot be mapped.
 *
 * Each shadow entry that names a page of the guest is in a leaf table (see leaf.c), and each leaf
 * table is in the shadow's list. So a remap by the map service reaches all of them.
 *
 * Invariants: once the shadow is closed, no entry names a page of the guest, and none will.
 *
 * Locking: the shadow's lock is held from the call that maps a GFN until its entry is written, and
 * while a remap is carried out. The locks that the map service takes in our calls nest inside it;
 * the lock under which the map service calls its clients is outside.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <asm/cacheflush.h>
#include <xen/page.h>

#include "counters.h"
#include "gsm/gsm.h"
#include "shadow/shadow.h"

/* How many pages xengt_shadow_alloc_page() allocates until one is in the device's reach */
#define ALLOC_TRIES	32

/*
 * Makes the GPU forget the old values of entries that were written: those of the GGTT, and with
 * @ppgtt those of PPGTTs.
 */
void xengt_shadow_invalidate(struct xengt_shadow *sh, bool ppgtt)
{
	sh->gsm->ops->invalidate(sh->gsm, ppgtt);
	xengt_count(sh->counters, XENGT_COUNT_GPU_INVALIDATES, 1);
}

/* Makes the GPU see @len bytes that were written to a page of our own. */
void xengt_shadow_flush(struct xengt_shadow *sh, void *va, unsigned int len)
{
	if (sh->gsm->incoherent)
		clflush_cache_range(va, len);
}

/* Clears a page of our own that the GPU may read. */
void xengt_shadow_clear_page(struct xengt_shadow *sh, struct page *page)
{
	clear_page(page_address(page));
	xengt_shadow_flush(sh, page_address(page), PAGE_SIZE);
}

/*
 * Waits until the map service has revalidated the guest's pages after the balloon events so far. To
 * be called when the guest is about to rely on its entries: an entry that the guest did not write
 * since must not name the frame that its GFN had before the event.
 */
void xengt_shadow_wait_current(struct xengt_shadow *sh)
{
	lockdep_assert_not_held(&sh->lock);
	xen_gpu_wait_current(sh->client.domain);
}

/*
 * Returns the flags for allocating a page that the device can reach. In a PV dom0 a page's BFN is
 * not its PFN: there the zone makes it only likely.
 */
static gfp_t zone_in_reach(u64 max_bfn)
{
	return max_bfn < BIT_ULL(32 - XENGT_PAGE_SHIFT) ? GFP_KERNEL | __GFP_DMA32 : GFP_KERNEL;
}

/*
 * Allocates a zeroed page that the device can reach, and stores its BFN in *@bfn. Returns ERR_PTR()
 * on failure: -ENOMEM, or -ERANGE if none of ALLOC_TRIES pages is in reach. Pages out of reach are
 * freed at the end, so that the allocator does not return them again.
 */
struct page *xengt_shadow_alloc_page(struct xengt_shadow *sh, u64 *bfn)
{
	struct page *tried[ALLOC_TRIES], *page = ERR_PTR(-ERANGE);
	unsigned int i, n;

	for (n = 0; n < ALLOC_TRIES; n++) {
		tried[n] = alloc_page(zone_in_reach(sh->client.max_bfn) | __GFP_ZERO);
		if (!tried[n]) {
			page = ERR_PTR(-ENOMEM);
			break;
		}
		*bfn = pfn_to_bfn(page_to_pfn(tried[n]));
		if (*bfn <= sh->client.max_bfn) {
			page = tried[n];
			break;
		}
	}
	for (i = 0; i < n; i++)
		__free_page(tried[i]);
	if (PTR_ERR_OR_ZERO(page) == -ERANGE)
		pr_err_ratelimited("the device reaches BFNs up to %#llx, and none of %u pages of our own is there, the last one is at %#llx (see dma_bits)\n",
				   sh->client.max_bfn, n, *bfn);
	return page;
}

/**
 * xengt_shadow_init - initialise what the shadow page tables share
 * @sh: the shadow
 * @config: its parameters
 *
 * The caller initialises @sh->dirty and the leaf tables afterwards.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; or -ERANGE if our memory is out of the device's reach.
 */
int xengt_shadow_init(struct xengt_shadow *sh, const struct xengt_shadow_config *config)
{
	*sh = (struct xengt_shadow){
		.domid = config->domid,
		.format = config->format,
		.server = config->server,
		.counters = config->counters,
		.dirty.mode = config->mode,
	};
	sh->client.max_bfn = min(config->max_bfn, xengt_pte_max_frame(config->format->ggtt));
	mutex_init(&sh->lock);
	sh->scratch = xengt_shadow_alloc_page(sh, &sh->scratch_bfn);
	return PTR_ERR_OR_ZERO(sh->scratch);
}

/**
 * xengt_shadow_exit - free what xengt_shadow_init() allocated
 * @sh: the shadow, closed and without leaf tables
 *
 * Context: process context, may sleep.
 */
void xengt_shadow_exit(struct xengt_shadow *sh)
{
	__free_page(sh->scratch);
}
