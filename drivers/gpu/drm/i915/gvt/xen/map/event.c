// SPDX-License-Identifier: GPL-2.0
/*
 * Events that put a domain's mappings in doubt, and the schedule of the revalidation.
 *
 * A balloon event starts a new generation: a mapping that was made or revalidated before the event
 * is not trusted after it (see block.h). The revalidation follows after a delay, so that several
 * events lead to one revalidation. The same work retries what Xen refused, and tells the clients
 * when a map that failed for lack of space or memory may succeed.
 *
 * Invariants: the work is due at the earliest of the requested times, so a distant retry never
 * delays an event. After a revalidation, the next one does not start before as much time has passed
 * as that one took, rounded up. So a guest that balloons all the time keeps the service busy for at
 * most half of the time.
 *
 * Locking: due_lock, a spinlock, protects the schedule, since events come from any context. A
 * domain's @refused is protected by the domain's lock. limited_lock protects the list of all
 * domains that hit Xen's limit; due_lock nests inside it.
 */

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <xen/xen_gpu_map.h>

#include "domain.h"
#include "event.h"

/* Delay until the first retry; doubled for each revalidation that fails, up to the longest */
#define RETRY_FIRST	HZ
#define RETRY_LONGEST	(64 * HZ)
/* After so many rounds in a row with pages that Xen could not map yet, they are retried later */
#define SOON_MAX	4

static DEFINE_SPINLOCK(limited_lock);
static LIST_HEAD(limited);

unsigned int xen_gpu_balloon_delay_ms = XEN_GPU_BALLOON_DELAY_MS;

/* Schedules the work in @delay jiffies, unless it is due earlier already. Context: any. */
static void due_in(struct xen_gpu_domain *dom, unsigned long delay)
{
	unsigned long flags, now = jiffies, due = now + delay;

	spin_lock_irqsave(&dom->due_lock, flags);
	if (time_before(due, dom->not_before))
		due = dom->not_before;
	if (!dom->closed &&
	    (!delayed_work_pending(&dom->reval_work) || time_before(due, dom->due))) {
		dom->due = due;
		mod_delayed_work(dom->wq, &dom->reval_work, due - now);
	}
	spin_unlock_irqrestore(&dom->due_lock, flags);
}

/* Schedules the work: somebody waits for its result. Context: any. */
void xen_gpu_event_again(struct xen_gpu_domain *dom)
{
	due_in(dom, msecs_to_jiffies(READ_ONCE(xen_gpu_balloon_delay_ms)));
}

/* The guest may be gone: schedules a revalidation of all its mappings now. Context: any. */
void xen_gpu_event_suspect(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->doubted, atomic_inc_return(&dom->generation));
	due_in(dom, 0);
}

/* Returns the delay until the next retry, in jiffies, after @tries that failed. */
static unsigned long retry_delay(unsigned int tries)
{
	return min_t(unsigned long, RETRY_FIRST << min(tries, 6u), RETRY_LONGEST);
}

/* Schedules a retry of what failed, later after each revalidation that failed. Context: any. */
void xen_gpu_event_retry(struct xen_gpu_domain *dom)
{
	due_in(dom, retry_delay(dom->failures));
}

/*
 * Xen could not map a page now (-EAGAIN): it is paged out, say. Schedules a retry: soon the first
 * few times, as most such pages come soon, and later each time after that.
 */
void xen_gpu_event_not_yet(struct xen_gpu_domain *dom)
{
	lockdep_assert_held(&dom->lock);
	dom->not_yet = true;
	if (dom->not_yet_rounds < SOON_MAX)
		xen_gpu_event_again(dom);
	else
		due_in(dom, retry_delay(dom->not_yet_rounds - SOON_MAX));
}

/* A round starts: the clients are about to try again what could not be mapped. */
void xen_gpu_event_start_round(struct xen_gpu_domain *dom)
{
	mutex_lock(&dom->lock);
	dom->not_yet_rounds = dom->not_yet ? dom->not_yet_rounds + 1 : 0;
	dom->not_yet = false;
	mutex_unlock(&dom->lock);
}

/*
 * A page could not be mapped. If @status is -ENOSPC or -ENOMEM, the clients are told when a retry
 * may succeed.
 */
void xen_gpu_event_refused(struct xen_gpu_domain *dom, int status)
{
	lockdep_assert_held(&dom->lock);
	if (status == -ENOSPC || status == -ENOMEM)
		dom->refused = true;
	/* No event says that memory was freed, so retry by time. */
	if (status == -ENOMEM)
		xen_gpu_event_retry(dom);
}

/*
 * Xen's limit kept a page of the domain from being mapped. Schedules the domain's work when any
 * domain frees pages.
 */
void xen_gpu_event_limited(struct xen_gpu_domain *dom)
{
	spin_lock(&limited_lock);
	if (list_empty(&dom->limited_node))
		list_add_tail(&dom->limited_node, &limited);
	spin_unlock(&limited_lock);
}

/* Schedules the work of all domains that hit Xen's limit. */
static void retry_limited(void)
{
	struct xen_gpu_domain *dom, *next;

	spin_lock(&limited_lock);
	list_for_each_entry_safe(dom, next, &limited, limited_node) {
		list_del_init(&dom->limited_node);
		xen_gpu_event_again(dom);
	}
	spin_unlock(&limited_lock);
}

/* Stops scheduling the work. The domain is being freed. */
void xen_gpu_event_exit(struct xen_gpu_domain *dom)
{
	unsigned long flags;

	spin_lock_irqsave(&dom->due_lock, flags);
	dom->closed = true;
	spin_unlock_irqrestore(&dom->due_lock, flags);
	spin_lock(&limited_lock);
	list_del_init(&dom->limited_node);
	spin_unlock(&limited_lock);
}

/*
 * A map that failed for lack of space may succeed now: pages became idle or were unmapped, or the
 * quota was raised.
 */
void xen_gpu_event_freed(struct xen_gpu_domain *dom)
{
	lockdep_assert_held(&dom->lock);
	if (!list_empty(&limited))
		retry_limited();
	if (!dom->refused)
		return;
	dom->refused = false;
	xen_gpu_event_again(dom);
}

/* The parameter balloon_delay_ms has changed: pulls a pending work forward to the new delay. */
void xen_gpu_event_kick(struct xen_gpu_domain *dom)
{
	if (delayed_work_pending(&dom->reval_work))
		xen_gpu_event_again(dom);
}

/* All mappings older than @generation have been revalidated, which took @took jiffies. */
void xen_gpu_event_done(struct xen_gpu_domain *dom, u32 generation, unsigned long took)
{
	unsigned long flags;

	spin_lock_irqsave(&dom->due_lock, flags);
	/* A revalidation that took less than a jiffy has @took 0. */
	dom->not_before = jiffies + took + 1;
	spin_unlock_irqrestore(&dom->due_lock, flags);
	WRITE_ONCE(dom->current_generation, generation);
	wake_up_all(&dom->current_wait);
}

/**
 * xen_gpu_balloon_event - report that pages may have left the guest's physmap
 * @dom: the domain
 *
 * The client calls this for every IOREQ_TYPE_INVALIDATE. Does not wait for the revalidation that
 * follows: Xen holds the frames until then. From here on no mapping from before the event is given
 * to a GFN's first user.
 *
 * Context: any.
 */
void xen_gpu_balloon_event(struct xen_gpu_domain *dom)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_BALLOON_EVENTS, 1);
	atomic_inc(&dom->generation);
	xen_gpu_event_again(dom);
}
EXPORT_SYMBOL_GPL(xen_gpu_balloon_event);

static bool is_current(struct xen_gpu_domain *dom, u32 generation)
{
	return (s32)(READ_ONCE(dom->current_generation) - generation) >= 0;
}

/**
 * xen_gpu_wait_current - wait until all balloon events up to now have been revalidated
 * @dom: the domain
 *
 * For a client that is about to rely on entries which the guest has not changed. A guest may unbind
 * a page, balloon it out, get another frame for the GFN and bind it again: the entry looks the
 * same, but has another frame. Returns at once if there was no event since the last revalidation.
 *
 * Context: process context, may sleep; the caller must hold no lock that the clients' operations
 * take.
 * Return: 0, or -ENODEV if the domain has ended.
 */
int xen_gpu_wait_current(struct xen_gpu_domain *dom)
{
	u32 generation = xen_gpu_domain_generation(dom);

	if (!is_current(dom, generation)) {
		due_in(dom, 0);
		/*
		 * The time depends on how many pages the guest has. The hung task detector ignores
		 * an idle wait.
		 */
		wait_event_idle(dom->current_wait,
				READ_ONCE(dom->ended) || is_current(dom, generation));
	}
	return READ_ONCE(dom->ended) ? -ENODEV : 0;
}
EXPORT_SYMBOL_GPL(xen_gpu_wait_current);
