// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor: start and stop, counts of hypercalls, ordered failures, the record of
 * events, the books. See fake_xen.h for what it is and fake_internal.h for the locking.
 */

#define pr_fmt(fmt) "fake xen: " fmt

#include <kunit/test-bug.h>
#include <linux/lockdep.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/vmalloc.h>
#include <xen/xen.h>
#include <xen/features.h>
#include <asm/xen/hypervisor.h>

#include "fake_internal.h"

struct fake fake = { .lock = __SPIN_LOCK_UNLOCKED(fake.lock) };

/* The kernel's Xen code would define these. */
enum xen_domain_type xen_domain_type;
bool xen_pvh;
u32 xen_start_flags;
u8 xen_features[XENFEAT_NR_SUBMAPS * 32];
struct shared_info *HYPERVISOR_shared_info;
struct start_info *xen_start_info;

void fake_error(const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	pr_err("%pV\n", &vaf);
	va_end(args);
	fake.errors++;
}

static bool call_can_be_any(enum fake_call kind)
{
	switch (kind) {
	case FAKE_CALL_UNPIN:
	case FAKE_CALL_UNPROTECT:
	case FAKE_CALL_REMOVE_FROM_PHYSMAP:
	case FAKE_CALL_DEV_UNMAP:
	case FAKE_CALL_IOMMU_UNMAP:
	case FAKE_CALL_DM_DESTROY:
	case FAKE_CALL_DM_UNMAP_RANGE:
	case FAKE_CALL_EVTCHN_SEND:
	case FAKE_CALL_EVTCHN_CLOSE:
		return false;	/* on the way out: fails only if a test names it */
	default:
		return true;
	}
}

static int call_failure(enum fake_call kind)
{
	if (!fake.fail_nth)
		return 0;
	if (fake.fail_kind == FAKE_CALL_ANY ? !call_can_be_any(kind) : kind != fake.fail_kind)
		return 0;
	return --fake.fail_nth ? 0 : fake.fail_error;
}

/*
 * Begins a hypercall and takes the lock. Returns 0 or the error that a test ordered. The test's
 * hook runs here, as another CPU could.
 */
int fake_enter(struct fake_call_state *state, enum fake_call kind)
{
	state->start = ktime_get_ns();
	state->fail_nth = fake_alloc_enter();
	if (fake.hook)
		fake.hook(kind, fake.hook_arg);
	/* The hook may make an allocation fail that comes after the hypercall. */
	if (current->fail_nth)
		state->fail_nth = fake_alloc_enter();
	if (fake.yield && in_task() && !irqs_disabled())
		fake_xen_let_others_run();
	spin_lock_irqsave(&fake.lock, state->flags);
	fake.calls[kind]++;
	if (kind != FAKE_CALL_ANY && kind < FAKE_CALL_BIND_IRQ)
		fake.calls[FAKE_CALL_ANY]++;
	lockdep_off();
	fake_pv_audit();
	fake_mem_sync();
	lockdep_on();
	return call_failure(kind);
}

long fake_leave(struct fake_call_state *state, long rc)
{
	spin_unlock_irqrestore(&fake.lock, state->flags);
	fake_alloc_leave(state->fail_nth);
	fake.time += ktime_get_ns() - state->start;
	return rc;
}

static int entry_failure(unsigned int entry, domid_t domid, u64 gfn, bool unmap)
{
	unsigned int i;

	if (fake.fail_entry_set && fake.fail_entry == entry) {
		fake.fail_entry_set = false;
		return fake.fail_entry_error;
	}
	for (i = 0; i < fake.nr_bad_gfns; i++) {
		if (fake.bad_gfns[i].domid == domid && fake.bad_gfns[i].gfn == gfn &&
		    fake.bad_gfns[i].unmap == unmap)
			return fake.bad_gfns[i].error;
	}
	return 0;
}

/* Returns the error that a test ordered for an entry of a batch, or 0. */
int fake_entry_failure(unsigned int entry, domid_t domid, u64 gfn)
{
	return entry_failure(entry, domid, gfn, false);
}

/* Returns the error that a test ordered for the unmap of an entry, or 0. */
int fake_unmap_failure(unsigned int entry, const struct fake_map *map)
{
	return entry_failure(entry, map->domid, map->gfn, true);
}

static struct fake_event *new_event(enum fake_event_kind kind)
{
	struct fake_event *event;

	if (fake.nr_events == FAKE_NR_EVENTS) {
		fake.nr_events = 0;
		fake.events_lost = true;
	}
	event = &fake.events[fake.nr_events++];
	*event = (struct fake_event){ .kind = kind };
	return event;
}

void fake_record(enum fake_event_kind kind, const struct fake_map *map, u64 bfn)
{
	struct fake_event *event = new_event(kind);

	event->domid = map->domid;
	event->gfn = map->gfn;
	event->mfn = map->frame ? map->frame->mfn : FAKE_NO_MFN;
	event->bfn = bfn;
	if (fake.observer)
		fake.observer(event, fake.observer_arg);
}

const char *fake_xen_mode_name(enum fake_xen_mode mode)
{
	static const char * const names[] = {
		[FAKE_NOT_XEN] = "no Xen",
		[FAKE_PV_DOM0] = "PV dom0",
		[FAKE_PVH_DOM0] = "PVH dom0",
		[FAKE_PV_DOMU] = "PV domU",
		[FAKE_PVH_DOMU] = "PVH domU",
	};

	return names[mode];
}

static void set_mode(enum fake_xen_mode mode)
{
	bool pv = mode == FAKE_PV_DOM0 || mode == FAKE_PV_DOMU;
	bool dom0 = mode == FAKE_PV_DOM0 || mode == FAKE_PVH_DOM0;

	fake.mode = mode;
	xen_domain_type = mode == FAKE_NOT_XEN ? XEN_NATIVE : pv ? XEN_PV_DOMAIN : XEN_HVM_DOMAIN;
	xen_pvh = mode == FAKE_PVH_DOM0 || mode == FAKE_PVH_DOMU;
	xen_start_flags = dom0 ? SIF_INITDOMAIN : 0;
	memset(xen_features, 0, sizeof(xen_features));
	xen_features[XENFEAT_auto_translated_physmap] = xen_pvh;
	xen_features[XENFEAT_dom0] = dom0;
}

static void forget_everything(void)
{
	fake.errors = 0;
	memset(fake.calls, 0, sizeof(fake.calls));
	fake.flushes = 0;
	fake.nr_events = 0;
	fake.events_lost = false;
	fake.hook = NULL;
	fake.observer = NULL;
	fake.yield = false;
	fake.kvmalloc_failures = 0;
	fake_xen_fail_nothing();
}

/**
 * fake_xen_start - begin with a fresh hypervisor
 * @test: the test
 * @mode: the domain that the modules run in
 */
void fake_xen_start(struct kunit *test, enum fake_xen_mode mode)
{
	unsigned int nth = fake_alloc_enter();

	KUNIT_ASSERT_FALSE_MSG(test, fake.started, "a test before did not stop the hypervisor");
	fake.events = vmalloc(array_size(FAKE_NR_EVENTS, sizeof(*fake.events)));
	KUNIT_ASSERT_NOT_NULL(test, fake.events);
	forget_everything();
	fake_mem_start();
	fake_dev_map_start();
	fake_iommu_op_start();
	fake_pv_start();
	fake_evtchn_start();
	fake_store_start();
	strscpy(fake.commandline, "console=com1 iommu=on", sizeof(fake.commandline));
	fake_xen_set_version(4, 17);
	set_mode(mode);
	fake_store_set("domid", xen_initial_domain() ? "0" : __stringify(FAKE_OWN_DOMID));
	fake.started = true;
	fake_alloc_leave(nth);
}

/**
 * fake_xen_assert_balanced - check the books
 * @test: the test
 *
 * Fails the test if the modules left anything of the hypervisor's in use, or did what Xen would not
 * forgive.
 */
void fake_xen_assert_balanced(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, fake.errors, 0u,
			    "Xen would not forgive what happened, see above");
	fake_mem_check(test);
	fake_dev_map_check(test);
	fake_memtype_check(test);
	fake_pv_check(test);
	fake_evtchn_check(test);
	fake_store_check(test);
}

/**
 * fake_xen_stop - check the books, and end
 * @test: the test
 *
 * Does nothing if the hypervisor is not started, so that a suite's exit can always call it.
 */
void fake_xen_stop(struct kunit *test)
{
	current->fail_nth = 0;
	if (!fake.started)
		return;
	fake.hook = NULL;
	fake.yield = false;
	fake_xen_assert_balanced(test);
	fake_dev_map_stop();
	set_mode(FAKE_NOT_XEN);
	fake_store_stop();
	fake_evtchn_stop();
	fake_pv_stop();
	fake_mem_stop();
	vfree(fake.events);
	fake.started = false;
}

/* Counts what the modules did and Xen would not forgive. */
unsigned int fake_xen_errors(void)
{
	return fake.errors;
}

/* Clears the errors, for tests of the fake that provoke them. */
void fake_xen_forgive(void)
{
	fake.errors = 0;
}

unsigned long fake_xen_calls(enum fake_call kind)
{
	return fake.calls[kind];
}

/* Returns the time spent in all calls, in ns. A benchmark subtracts it. */
u64 fake_xen_time(void)
{
	return fake.time;
}

unsigned long fake_xen_flushes(void)
{
	return fake.flushes;
}

void fake_xen_reset_calls(void)
{
	memset(fake.calls, 0, sizeof(fake.calls));
	fake.flushes = 0;
}

/**
 * fake_xen_fail_call - make a hypercall fail
 * @kind: its kind; FAKE_CALL_ANY: any, but for those that clean up
 * @nth: 1: the next one of that kind
 * @error: its error; the call has no effect
 */
void fake_xen_fail_call(enum fake_call kind, unsigned int nth, int error)
{
	fake.fail_kind = kind;
	fake.fail_nth = nth;
	fake.fail_error = error;
}

/* Has the ordered failure not happened yet? */
bool fake_xen_fail_pending(void)
{
	return fake.fail_nth;
}

/* Makes one entry of the next batch fail that is long enough. */
void fake_xen_fail_entry(unsigned int entry, int error)
{
	fake.fail_entry_set = true;
	fake.fail_entry = entry;
	fake.fail_entry_error = error;
}

static void fail_gfn(domid_t domid, u64 gfn, int error, bool unmap)
{
	if (WARN_ON(fake.nr_bad_gfns == FAKE_NR_BAD_GFNS))
		return;
	fake.bad_gfns[fake.nr_bad_gfns++] = (struct fake_bad_gfn){
		.domid = domid,
		.gfn = gfn,
		.error = error,
		.unmap = unmap,
	};
}

/* Makes every attempt to map a GFN fail, until fake_xen_fail_nothing(). */
void fake_xen_fail_gfn(domid_t domid, u64 gfn, int error)
{
	fail_gfn(domid, gfn, error, false);
}

/* Makes every attempt to unmap a GFN fail, in calls with a status for each entry. */
void fake_xen_fail_unmap(domid_t domid, u64 gfn, int error)
{
	fail_gfn(domid, gfn, error, true);
}

void fake_xen_fail_nothing(void)
{
	fake.fail_nth = 0;
	fake.fail_entry_set = false;
	fake.nr_bad_gfns = 0;
	fake.fail_kvmalloc = 0;
}

/*
 * Sets a function that runs at the start of each hypercall. It may call the modules and the fake.
 */
void fake_xen_set_hook(fake_hook hook, void *arg)
{
	fake.hook_arg = arg;
	fake.hook = hook;
}

void fake_xen_set_observer(fake_observer observer, void *arg)
{
	fake.observer_arg = arg;
	fake.observer = observer;
}

/*
 * Lets other threads run. cond_resched() is not enough: the scheduler may go on with this thread.
 */
void fake_xen_let_others_run(void)
{
	yield();
}

/* Other threads run at each hypercall: ARCH=um has one CPU and does not preempt. */
void fake_xen_set_yield(bool yield)
{
	fake.yield = yield;
}

/* Fails a case that reads the record after events were lost: it has to clear the record before. */
static void expect_all_events(void)
{
	if (fake.events_lost)
		kunit_fail_current_test("the record of events was full");
}

unsigned int fake_xen_nr_events(void)
{
	expect_all_events();
	return fake.nr_events;
}

const struct fake_event *fake_xen_event(unsigned int index)
{
	expect_all_events();
	return index < fake.nr_events ? &fake.events[index] : NULL;
}

/* Adds an event of the test's own to the record. */
void fake_xen_note(enum fake_event_kind kind, u64 bfn, u64 where)
{
	struct fake_event *event;
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	event = new_event(kind);
	event->bfn = bfn;
	event->where = where;
	spin_unlock_irqrestore(&fake.lock, flags);
}

/*
 * Returns the index of the first event of a kind from @from on, of an MFN or of any (FAKE_NO_MFN),
 * or -1.
 */
int fake_xen_find_event(unsigned int from, enum fake_event_kind kind, u64 mfn)
{
	unsigned int i;

	expect_all_events();
	for (i = from; i < fake.nr_events; i++) {
		if (fake.events[i].kind == kind &&
		    (mfn == FAKE_NO_MFN || fake.events[i].mfn == mfn))
			return i;
	}
	return -1;
}

void fake_xen_clear_events(void)
{
	fake.nr_events = 0;
	fake.events_lost = false;
}
