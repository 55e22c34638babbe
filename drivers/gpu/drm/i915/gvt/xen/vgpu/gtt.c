// SPDX-License-Identifier: GPL-2.0
/*
 * The page tables of a virtual GPU, the GGTT and the PPGTTs, as one: how they are made and freed,
 * their syncs, and how they follow what the map service reports about the pages that they name.
 *
 * Invariants: no page of the guest is mapped before xengt_gtt_init() returns, or once the tables
 * are closed. A page is released only after the GPU was made to forget its entries.
 *
 * Locking: the shadow's lock. The map service calls the client operations with a lock held that
 * xen_gpu_client_unregister(), and so xengt_gtt_exit(), takes. So when the guest is gone
 * on_release() only queues the owner's work, which frees the tables.
 */

#include <linux/lockdep.h>

#include "counters.h"
#include "ggtt/ggtt_page.h"
#include "gtt.h"
#include "shadow/dirty.h"
#include "shadow/late_sync.h"
#include "shadow/leaf.h"
#include "shadow/unsync.h"
#include "trace.h"
#include "xen/foreign_page.h"

/* After a revalidation, the number of missing entries from which on no more of them are retried */
#define RETRY_MAX	4096

static struct xengt_gtt *to_gtt(struct xen_gpu_client *client)
{
	return container_of(client, struct xengt_gtt, shadow.client);
}

/* Pages of the guest have moved or are gone: rewrites the entries that name them. */
static void on_remap(struct xen_gpu_client *client, const struct xen_gpu_move *move,
		     unsigned int n)
{
	struct xengt_shadow *sh = &to_gtt(client)->shadow;

	trace_xengt_remapped(sh->domid, n);
	mutex_lock(&sh->lock);
	xengt_leaves_remap(sh, move, n);
	mutex_unlock(&sh->lock);
}

/*
 * Tries to map missing entries again, each at most once, about RETRY_MAX in all; the next call goes
 * on where this one stops. Drops the lock between batches.
 */
static void retry_missing(struct xengt_shadow *sh)
{
	unsigned int tried = 0;
	bool more;

	mutex_lock(&sh->lock);
	sh->retry_round++;
	mutex_unlock(&sh->lock);
	do {
		mutex_lock(&sh->lock);
		more = !sh->closed && xengt_leaves_retry(sh, false, &tried);
		mutex_unlock(&sh->lock);
	} while (more && tried < RETRY_MAX);
}

/*
 * After a balloon event the GFN of a guest's table may have another page: rescans all of them, and
 * syncs.
 */
static void rescan_all(struct xengt_gtt *gtt)
{
	lockdep_assert_held(&gtt->shadow.lock);
	xengt_dirty_begin_rescan(&gtt->shadow);
	xengt_ggtt_pages_rescan(&gtt->ggtt.pages);
	xengt_ppgtts_rescan(&gtt->ppgtts);
}

/* Syncs. If the last rescan left pages, rescans first. */
static void sync_all(struct xengt_gtt *gtt)
{
	lockdep_assert_held(&gtt->shadow.lock);
	if (gtt->shadow.dirty.rescan_left && !gtt->shadow.closed)
		rescan_all(gtt);
	else
		xengt_ppgtts_sync(&gtt->ppgtts);
}

static void on_revalidated(struct xen_gpu_client *client)
{
	struct xengt_gtt *gtt = to_gtt(client);

	retry_missing(&gtt->shadow);
	if (!client->after_event && !READ_ONCE(gtt->shadow.dirty.rescan_due))
		return;
	mutex_lock(&gtt->shadow.lock);
	if (!gtt->shadow.closed)
		rescan_all(gtt);
	mutex_unlock(&gtt->shadow.lock);
}

/* Makes all entries scratch and releases their pages; nothing is mapped from now on. */
static void close_shadow(struct xengt_shadow *sh)
{
	mutex_lock(&sh->lock);
	sh->closed = true;
	xengt_leaves_zap_all(sh);
	mutex_unlock(&sh->lock);
}

static void on_release(struct xen_gpu_client *client)
{
	struct xengt_gtt *gtt = to_gtt(client);

	close_shadow(&gtt->shadow);
	WRITE_ONCE(gtt->ended, true);
	schedule_work(gtt->ended_work);
}

/* Called with the map service's lock held, see above */
static const struct xen_gpu_client_ops client_ops = {
	.remap = on_remap,
	.revalidated = on_revalidated,
	.release = on_release,
};

static void late_sync(struct work_struct *work)
{
	struct xengt_gtt *gtt = container_of(work, struct xengt_gtt, shadow.dirty.work.work);

	xengt_count(gtt->shadow.counters, XENGT_COUNT_SYNCS_LATE, 1);
	mutex_lock(&gtt->shadow.lock);
	gtt->shadow.dirty.late = true;
	sync_all(gtt);
	gtt->shadow.dirty.late = false;
	mutex_unlock(&gtt->shadow.lock);
}

static void rewrite(struct work_struct *work)
{
	struct xengt_gtt *gtt = container_of(work, struct xengt_gtt, rewrite_work);

	xengt_ggtt_rewrite(&gtt->ggtt);
}

static int init_shadow(struct xengt_shadow *sh, const struct xengt_shadow_config *config)
{
	int rc = xengt_shadow_init(sh, config);

	if (rc)
		return rc;
	xengt_dirty_init(sh);
	xengt_late_sync_init(sh, late_sync);
	rc = xengt_leaves_init(sh);
	if (rc) {
		xengt_late_sync_exit(sh);
		xengt_shadow_exit(sh);
	}
	return rc;
}

static void exit_shadow(struct xengt_shadow *sh)
{
	xengt_late_sync_exit(sh);
	xengt_dirty_exit(sh);
	xengt_leaves_exit(sh);
	xengt_shadow_exit(sh);
}

/**
 * xengt_gtt_init - make the page tables of a virtual GPU, all scratch
 * @gtt: the page tables
 * @config: their parameters
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; -ERANGE if our memory is out of the device's reach; -EINVAL for an empty
 * share; -ENODEV if the guest is gone; or an error of xengt_gsm_open().
 */
int xengt_gtt_init(struct xengt_gtt *gtt, const struct xengt_gtt_config *config)
{
	struct xengt_gsm_request share = config->share;
	struct xengt_shadow *sh = &gtt->shadow;
	int rc;

	gtt->ended = false;
	gtt->ended_work = config->ended_work;
	INIT_WORK(&gtt->rewrite_work, rewrite);
	share.lost_work = gtt->ended_work;
	share.rewrite_work = &gtt->rewrite_work;
	rc = init_shadow(sh, &config->shadow);
	if (rc)
		return rc;
	rc = xengt_ggtt_init(&gtt->ggtt, sh, config->place, &share);
	if (rc)
		goto exit_shadow;
	rc = xengt_ppgtts_init(&gtt->ppgtts, sh, &gtt->ggtt, config->max_tables);
	if (rc)
		goto exit_ggtt;
	sh->client.ops = &client_ops;
	rc = xen_gpu_client_register(config->shadow.domain, &sh->client);
	if (rc)
		goto exit_ppgtts;
	return 0;

exit_ppgtts:
	xengt_ppgtts_exit(&gtt->ppgtts);
exit_ggtt:
	xengt_ggtt_exit(&gtt->ggtt);
exit_shadow:
	exit_shadow(sh);
	return rc;
}

/**
 * xengt_gtt_close - make all entries scratch and release their pages, for good
 * @gtt: the page tables
 *
 * Ends all PPGTTs, and unprotects the pages of their tables, except those that cannot be
 * unprotected yet.
 *
 * Context: process context, may sleep.
 */
void xengt_gtt_close(struct xengt_gtt *gtt)
{
	close_shadow(&gtt->shadow);
	xengt_ppgtts_close(&gtt->ppgtts);
}

/**
 * xengt_gtt_unprotect_all - unprotect all pages of the guest
 * @gtt: the page tables, closed
 *
 * Context: process context, may sleep.
 * Return: how many pages are still protected, since a vCPU is writing to them or Xen refuses.
 */
unsigned long xengt_gtt_unprotect_all(struct xengt_gtt *gtt)
{
	unsigned long left;

	mutex_lock(&gtt->shadow.lock);
	xengt_gpt_pages_release_stuck(&gtt->ppgtts.spts.pages);
	left = gtt->ppgtts.spts.pages.n + xengt_unsync_unprotect_all(&gtt->ggtt.pages.gpages);
	mutex_unlock(&gtt->shadow.lock);
	return left;
}

/**
 * xengt_gtt_exit - free the page tables
 * @gtt: the page tables, closed. The guest's accesses are not handled any more, and the GPU does
 *	not use the share.
 *
 * Context: process context, may sleep; not in a client operation of the map service.
 */
void xengt_gtt_exit(struct xengt_gtt *gtt)
{
	xen_gpu_client_unregister(&gtt->shadow.client);
	xengt_ppgtts_exit(&gtt->ppgtts);
	xengt_ggtt_exit(&gtt->ggtt);
	exit_shadow(&gtt->shadow);
}

/* Syncs: brings into the shadow what the guest wrote before the call. */
void xengt_gtt_sync(struct xengt_gtt *gtt)
{
	mutex_lock(&gtt->shadow.lock);
	sync_all(gtt);
	mutex_unlock(&gtt->shadow.lock);
}

/* Changes the mode, and syncs. */
void xengt_gtt_set_mode(struct xengt_gtt *gtt, enum xengt_mode mode)
{
	mutex_lock(&gtt->shadow.lock);
	xengt_dirty_set_mode(&gtt->shadow, mode);
	sync_all(gtt);
	mutex_unlock(&gtt->shadow.lock);
}

/*
 * Tries again to unprotect the pages that are no PPGTT tables any more. Returns true if none of
 * them is left.
 */
bool xengt_gtt_release_stuck(struct xengt_gtt *gtt)
{
	bool done;

	mutex_lock(&gtt->shadow.lock);
	xengt_gpt_pages_release_stuck(&gtt->ppgtts.spts.pages);
	done = list_empty(&gtt->ppgtts.spts.pages.stuck);
	mutex_unlock(&gtt->shadow.lock);
	return done;
}

/*
 * Does a write of the guest to its memory: @len bytes within one page, at guest-physical @addr. A
 * write to a PPGTT table is done and recorded for the next sync. Any other page is plain memory, or
 * was a table until just now: it is written by way of @page. That happens under the shadow's lock,
 * so that the page does not become a table meanwhile. Returns 1 for a PPGTT table, 0 for plain
 * memory, or the error of xengt_foreign_page_copy().
 */
int xengt_gtt_store(struct xengt_gtt *gtt, u64 addr, const void *data, unsigned int len,
		    struct xengt_foreign_page *page)
{
	int rc = 1;

	/* Fast path without the lock. */
	if (xengt_spts_store(&gtt->ppgtts.spts, addr, data, len))
		return 1;
	mutex_lock(&gtt->shadow.lock);
	if (!xengt_spts_store(&gtt->ppgtts.spts, addr, data, len))
		rc = xengt_foreign_page_copy(page, addr, (void *)data, len, true);
	mutex_unlock(&gtt->shadow.lock);
	return rc;
}

/* Reads all gauges but gtt_ram_pages, which the caller knows. */
void xengt_gtt_gauges(struct xengt_gtt *gtt, struct xengt_gauges *gauges)
{
	mutex_lock(&gtt->shadow.lock);
	gauges->entries_live = gtt->shadow.nr_live;
	gauges->ppgtts = gtt->ppgtts.n;
	gauges->tables = gtt->ppgtts.spts.n;
	gauges->pages = gtt->ppgtts.spts.pages.n;
	gauges->pages_unsync = gtt->shadow.dirty.nr_unsync;
	mutex_unlock(&gtt->shadow.lock);
}
