// SPDX-License-Identifier: GPL-2.0
/*
 * The late sync: a delayed work that syncs when the guest does not ask for a sync. It runs
 *  - when posted_max trapped writes wait,
 *  - when a trapped write has waited for posted_age_ms,
 *  - UNSYNC_AGES times posted_age_ms after a page became unsync, or after the last sync while pages
 *    are unsync: writes to these are not trapped,
 *  - as long after a rescan that left pages for want of memory: the sync rescans again.
 *
 * Invariants: in the modes posted and hybrid, while a trapped write waits or a page is unsync, the
 * work is queued, or a write or sync that is under way queues it before it ends. So it is in all
 * modes while a rescan has left pages. A work that was planned for the sake of time does not run at
 * once: else unsync pages would keep it running.
 *
 * Locking: the delayed work has its own. xengt_late_sync_unsync() is called under the shadow's
 * lock. all_lock protects the list of all shadows.
 */

#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>

#include "shadow/late_sync.h"
#include "shadow/shadow.h"

/* Unsync pages are scanned after this many times posted_age_ms at the latest */
#define UNSYNC_AGES	10

#define POSTED_AGE_MAX_MS	3600000

static DEFINE_SPINLOCK(all_lock);
static LIST_HEAD(all);

static unsigned int posted_age_ms = 10;

/* Returns how long a trapped write may wait for a sync, in jiffies. */
static unsigned long longest_wait(void)
{
	return msecs_to_jiffies(READ_ONCE(posted_age_ms));
}

/* The parameter posted_age_ms has changed: what is planned happens after the new time. */
static void plan_all_again(void)
{
	struct xengt_dirty *dirty;

	spin_lock(&all_lock);
	list_for_each_entry(dirty, &all, late_node) {
		if (delayed_work_pending(&dirty->work))
			mod_delayed_work(system_unbound_wq, &dirty->work, longest_wait());
	}
	spin_unlock(&all_lock);
}

static int set_posted_age(const char *val, const struct kernel_param *kp)
{
	int rc = param_set_uint_minmax(val, kp, 1, POSTED_AGE_MAX_MS);

	if (!rc)
		plan_all_again();
	return rc;
}

static const struct kernel_param_ops posted_age_ops = {
	.set = set_posted_age,
	.get = param_get_uint,
};

module_param_cb(posted_age_ms, &posted_age_ops, &posted_age_ms, 0644);
MODULE_PARM_DESC(posted_age_ms,
		 "How long a guest's writes may wait for a sync, in ms: 1 to 3600000 (10)");

static unsigned int posted_max = 4096;
module_param(posted_max, uint, 0644);
MODULE_PARM_DESC(posted_max, "Writes of a guest that may wait for a sync (4096)");

/* @sync: the work function, which does a sync. */
void xengt_late_sync_init(struct xengt_shadow *sh, work_func_t sync)
{
	INIT_DELAYED_WORK(&sh->dirty.work, sync);
	spin_lock(&all_lock);
	list_add_tail(&sh->dirty.late_node, &all);
	spin_unlock(&all_lock);
}

/* Cancels the late sync and waits for one that is running. No access is handled any more. */
void xengt_late_sync_exit(struct xengt_shadow *sh)
{
	spin_lock(&all_lock);
	list_del(&sh->dirty.late_node);
	spin_unlock(&all_lock);
	cancel_delayed_work_sync(&sh->dirty.work);
}

/*
 * Plans a sync after a trapped write. @nr_written: how many trapped writes wait for a sync now.
 * Takes no lock. Does nothing in strict mode.
 */
void xengt_late_sync_written(struct xengt_shadow *sh, unsigned int nr_written)
{
	struct xengt_dirty *dirty = &sh->dirty;

	if (READ_ONCE(dirty->mode) == XENGT_MODE_STRICT)
		return;
	if (nr_written >= READ_ONCE(posted_max))
		mod_delayed_work(system_unbound_wq, &dirty->work, 0);
	else if (nr_written == 1)
		mod_delayed_work(system_unbound_wq, &dirty->work, longest_wait());
}

/*
 * Plans a sync while there are unsync pages or pages that a rescan left, unless one is planned
 * already.
 */
void xengt_late_sync_unsync(struct xengt_shadow *sh)
{
	if (sh->dirty.nr_unsync || sh->dirty.rescan_left)
		queue_delayed_work(system_unbound_wq, &sh->dirty.work,
				   longest_wait() * UNSYNC_AGES);
}

/* Cancels the planned sync, since a sync begins; does not wait for one that is running. */
void xengt_late_sync_cancel(struct xengt_shadow *sh)
{
	cancel_delayed_work(&sh->dirty.work);
}
