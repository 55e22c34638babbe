// SPDX-License-Identifier: GPL-2.0
/*
 * Events that put a domain's mappings in doubt, and when they are looked at again.
 *
 * A balloon event starts a new generation: nothing that was learnt before it is trusted after it
 * (see table.h). The revalidation that it leads to comes some time later, so that a run of events
 * leads to one; the same work tries again what Xen refused, and tells the clients when there is
 * room for what had been refused for want of it.
 *
 * Invariants: the work is due at the earliest of the times that were asked for, so a retry that
 * is far away never delays an event. It does not start before as much time has passed as the last
 * one took, so that a guest that balloons all the time has us work for half of it at most.
 *
 * Locking: due_lock, a spinlock, since events come from any context. What was refused is noted
 * under the domain's lock; limited_lock is for the list of those whom Xen's limit concerns, which
 * is one for all guests, and nests outside of due_lock.
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

/* The time until the first retry, doubled for each one that fails, up to the longest */
#define RETRY_FIRST	HZ
#define RETRY_LONGEST	(64 * HZ)

static DEFINE_SPINLOCK(limited_lock);
static LIST_HEAD(limited);

unsigned int xen_gpu_balloon_delay_ms = XEN_GPU_BALLOON_DELAY_MS;

/* The work is due in so many jiffies, or earlier if it was already. */
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

/* Has the work done once more: somebody waits for what it may find. Context: any. */
void xen_gpu_event_again(struct xen_gpu_domain *dom)
{
	due_in(dom, msecs_to_jiffies(READ_ONCE(xen_gpu_balloon_delay_ms)));
}

/* The guest may be gone: all its mappings are looked at again, now. Context: any. */
void xen_gpu_event_suspect(struct xen_gpu_domain *dom)
{
	WRITE_ONCE(dom->doubted, atomic_inc_return(&dom->generation));
	due_in(dom, 0);
}

/* Something was not learnt, or not done: later, and later each time. */
void xen_gpu_event_retry(struct xen_gpu_domain *dom)
{
	unsigned int doublings = min(dom->failures, 6u);

	due_in(dom, min_t(unsigned long, RETRY_FIRST << doublings, RETRY_LONGEST));
}

/* A page was not mapped: if for want of room, the clients hear of it when there may be some. */
void xen_gpu_event_refused(struct xen_gpu_domain *dom, int status)
{
	lockdep_assert_held(&dom->lock);
	if (status == -ENOSPC || status == -ENOMEM)
		dom->refused = true;
	/* Nobody tells when there is memory. */
	if (status == -ENOMEM)
		xen_gpu_event_retry(dom);
}

/* Xen's limit kept a page out: whoever makes room makes it known. */
void xen_gpu_event_limited(struct xen_gpu_domain *dom)
{
	spin_lock(&limited_lock);
	if (list_empty(&dom->limited_node))
		list_add_tail(&dom->limited_node, &limited);
	spin_unlock(&limited_lock);
}

static void tell_limited(void)
{
	struct xen_gpu_domain *dom, *next;

	spin_lock(&limited_lock);
	list_for_each_entry_safe(dom, next, &limited, limited_node) {
		list_del_init(&dom->limited_node);
		xen_gpu_event_again(dom);
	}
	spin_unlock(&limited_lock);
}

/* The domain goes: nothing is due any more. */
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

/* There may be room now: pages have no user any more, or were unmapped, or the quota was raised. */
void xen_gpu_event_room(struct xen_gpu_domain *dom)
{
	lockdep_assert_held(&dom->lock);
	if (!list_empty(&limited))
		tell_limited();
	if (!dom->refused)
		return;
	dom->refused = false;
	xen_gpu_event_again(dom);
}

/* balloon_delay_ms has changed: what is pending is due in that time, at the latest. */
void xen_gpu_event_kick(struct xen_gpu_domain *dom)
{
	if (delayed_work_pending(&dom->reval_work))
		xen_gpu_event_again(dom);
}

/* All mappings were looked at that are older than this generation, which took so many jiffies. */
void xen_gpu_event_done(struct xen_gpu_domain *dom, u32 generation, unsigned long took)
{
	unsigned long flags;

	spin_lock_irqsave(&dom->due_lock, flags);
	dom->not_before = jiffies + took;
	spin_unlock_irqrestore(&dom->due_lock, flags);
	WRITE_ONCE(dom->current_generation, generation);
	wake_up_all(&dom->current_wait);
}

/**
 * xen_gpu_balloon_event - pages may have left the guest's physmap
 * @dom: the domain
 *
 * To be called for every IOREQ_TYPE_INVALIDATE. Does not wait for the revalidation that it leads
 * to: Xen holds the frames until then. From here on no page is mapped for its first user by what
 * was known before.
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
 * xen_gpu_wait_current - wait until the balloon events up to now have been acted upon
 * @dom: the domain
 *
 * For a client that is about to believe entries which the guest has not changed: a page that the
 * guest unbound, gave away, got anew and bound again around an event looks the same, but has
 * another frame. Returns at once if there was no event since the last revalidation.
 *
 * Context: process context, may sleep; no lock held that the clients' operations take.
 * Return: 0, or -ENODEV if the domain has ended.
 */
int xen_gpu_wait_current(struct xen_gpu_domain *dom)
{
	u32 generation = xen_gpu_domain_generation(dom);

	if (!is_current(dom, generation)) {
		due_in(dom, 0);
		/* As long as the guest has pages: nothing hangs. */
		wait_event_idle(dom->current_wait,
				READ_ONCE(dom->ended) || is_current(dom, generation));
	}
	return READ_ONCE(dom->ended) ? -ENODEV : 0;
}
EXPORT_SYMBOL_GPL(xen_gpu_wait_current);
