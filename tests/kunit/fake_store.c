// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's xenstore, and the version calls.
 *
 * A thread calls the watches, one at a time, as xenwatch does: once at the registration, and for
 * each change at the path or below it. Unregistering a watch waits for its callback. Reads and
 * registrations can fail with any error. Registering a watch twice is an error of the case, as is
 * unregistering one that is not registered: the kernel has a BUG_ON() for both.
 *
 * Locking: a mutex protects the store and the list of watches. It is not held while a watch is
 * called.
 */

#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xen/interface/version.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

struct node {
	struct list_head list;
	char path[64];
	char value[64];
};

struct event {
	struct work_struct work;
	struct xenbus_watch *watch;
	char path[64];
};

static DEFINE_MUTEX(store_lock);
static LIST_HEAD(nodes);
static LIST_HEAD(watches);
static struct workqueue_struct *xenwatch;
static struct task_struct *watch_task;
static int read_error;
static bool late;			/* the kernel has not announced xenstored yet */
static struct notifier_block *notifier;	/* called when it does */

/* Makes all reads fail with an error; 0 ends that. */
void fake_store_fail_reads(int error)
{
	WRITE_ONCE(read_error, error);
}

void fake_store_start(void)
{
	read_error = 0;
	xenwatch = alloc_ordered_workqueue("fake_xenwatch", 0);
	if (!xenwatch)
		panic("fake xen: out of memory\n");
}

void fake_store_stop(void)
{
	struct node *node, *next;

	destroy_workqueue(xenwatch);
	list_for_each_entry_safe(node, next, &nodes, list) {
		list_del(&node->list);
		kfree(node);
	}
	INIT_LIST_HEAD(&watches);
	late = false;
	notifier = NULL;
}

void fake_store_check(struct kunit *test)
{
	KUNIT_EXPECT_TRUE_MSG(test, list_empty(&watches), "watches on xenstore are left");
}

static struct node *find_node(const char *path)
{
	struct node *node;

	list_for_each_entry(node, &nodes, list) {
		if (!strcmp(node->path, path))
			return node;
	}
	return NULL;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (path[len] == '/' || !path[len]);
}

static void queue_event(struct xenbus_watch *watch, const char *path);

static void queue_events(const char *path)
{
	struct xenbus_watch *watch;

	list_for_each_entry(watch, &watches, list) {
		if (is_below(path, watch->node))
			queue_event(watch, path);
	}
}

void fake_store_set(const char *path, const char *value)
{
	struct node *node;

	mutex_lock(&store_lock);
	node = find_node(path);
	if (!node) {
		node = fake_zalloc(sizeof(*node));
		strscpy(node->path, path, sizeof(node->path));
		list_add(&node->list, &nodes);
	}
	strscpy(node->value, value, sizeof(node->value));
	queue_events(path);
	mutex_unlock(&store_lock);
}

void fake_store_remove(const char *path)
{
	struct node *node;

	mutex_lock(&store_lock);
	node = find_node(path);
	if (node) {
		list_del(&node->list);
		queue_events(path);
	}
	kfree(node);
	mutex_unlock(&store_lock);
}

static void watch_work(struct work_struct *work)
{
	struct event *event = container_of(work, struct event, work);
	struct xenbus_watch *watch, *found = NULL;

	mutex_lock(&store_lock);
	list_for_each_entry(watch, &watches, list) {
		if (watch == event->watch)
			found = watch;
	}
	watch_task = current;
	mutex_unlock(&store_lock);
	if (found)
		found->callback(found, event->path, "");
	watch_task = NULL;
	kfree(event);
}

static void queue_event(struct xenbus_watch *watch, const char *path)
{
	struct event *event = fake_zalloc(sizeof(*event));

	event->watch = watch;
	strscpy(event->path, path, sizeof(event->path));
	INIT_WORK(&event->work, watch_work);
	queue_work(xenwatch, &event->work);
}

/* Fires the watches on a path. Returns when all of them have been called. */
void fake_store_fire(const char *path)
{
	mutex_lock(&store_lock);
	queue_events(path);
	mutex_unlock(&store_lock);
	flush_workqueue(xenwatch);
}

static void vm_path(char *path, size_t size, domid_t domid)
{
	snprintf(path, size, "/local/domain/%u/vm", domid);
}

/* The toolstack creates a domain's node. Another uuid is another domain. */
void fake_store_introduce(domid_t domid, const char *uuid)
{
	char path[64];

	vm_path(path, sizeof(path), domid);
	fake_store_set(path, uuid);
}

/* The toolstack removes a domain's node, and xenstored fires @releaseDomain. */
void fake_store_release(domid_t domid)
{
	char path[64];

	vm_path(path, sizeof(path), domid);
	fake_store_remove(path);
	fake_store_fire("@releaseDomain");
}

/*
 * Until fake_store_come_up() xenstored answers, but the kernel does not announce it. To be called
 * before the modules are loaded.
 */
void fake_store_come_up_late(void)
{
	late = true;
}

/* The kernel announces that xenstored is up. */
void fake_store_come_up(void)
{
	late = false;
	if (notifier)
		notifier->notifier_call(notifier, 0, NULL);
}

/* Linux's side */

static bool is_registered(const struct xenbus_watch *wanted)
{
	struct xenbus_watch *watch;

	lockdep_assert_held(&store_lock);
	list_for_each_entry(watch, &watches, list) {
		if (watch == wanted)
			return true;
	}
	return false;
}

/* Reports what the kernel has a BUG_ON() for. */
static void complain(const struct xenbus_watch *watch, const char *what)
{
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	fake_error("the watch of %s is %s\n", watch->node, what);
	spin_unlock_irqrestore(&fake.lock, flags);
}

/* Returns false if the watch is in the list already. */
static bool list_watch(struct xenbus_watch *watch)
{
	bool known;

	mutex_lock(&store_lock);
	known = is_registered(watch);
	if (known)
		complain(watch, "registered twice");
	else
		list_add_tail(&watch->list, &watches);
	mutex_unlock(&store_lock);
	return !known;
}

static void unlist_watch(struct xenbus_watch *watch)
{
	mutex_lock(&store_lock);
	if (is_registered(watch))
		list_del(&watch->list);
	else
		complain(watch, "unregistered, but was not registered");
	mutex_unlock(&store_lock);
}

/* As in the kernel: the watch is in the list before xenstored is asked. */
int register_xenbus_watch(struct xenbus_watch *watch)
{
	struct fake_call_state state;
	int rc;

	if (!list_watch(watch))
		return 0;
	rc = fake_enter(&state, FAKE_CALL_WATCH);
	fake_leave(&state, 0);
	if (rc) {
		unlist_watch(watch);
		return rc;
	}
	mutex_lock(&store_lock);
	queue_event(watch, watch->node);
	mutex_unlock(&store_lock);
	return 0;
}

void unregister_xenbus_watch(struct xenbus_watch *watch)
{
	unlist_watch(watch);
	if (current != watch_task)
		flush_workqueue(xenwatch);
}

int register_xenstore_notifier(struct notifier_block *nb)
{
	if (late)
		notifier = nb;
	else
		nb->notifier_call(nb, 0, NULL);
	return 0;
}

void unregister_xenstore_notifier(struct notifier_block *nb)
{
	if (notifier == nb)
		notifier = NULL;
}

static int join(char *path, size_t size, const char *dir, const char *name)
{
	return snprintf(path, size, *name ? "%s/%s" : "%s", dir, name);
}

void *xenbus_read(struct xenbus_transaction t, const char *dir, const char *name,
		  unsigned int *len)
{
	struct node *node;
	char path[128];
	int error = READ_ONCE(read_error);
	void *value;

	if (error)
		return ERR_PTR(error);
	join(path, sizeof(path), dir, name);
	mutex_lock(&store_lock);
	node = find_node(path);
	value = node ? kstrdup(node->value, GFP_KERNEL) : ERR_PTR(-ENOENT);
	mutex_unlock(&store_lock);
	if (!value)
		return ERR_PTR(-ENOMEM);
	if (!IS_ERR(value) && len)
		*len = strlen(value);
	return value;
}

int xenbus_exists(struct xenbus_transaction t, const char *dir, const char *name)
{
	struct node *node;
	char path[128];
	bool found = false;

	join(path, sizeof(path), dir, name);
	mutex_lock(&store_lock);
	list_for_each_entry(node, &nodes, list)
		found = found || !strncmp(node->path, path, strlen(path));
	mutex_unlock(&store_lock);
	return found;
}

/* Sets the version that Xen reports; 4.17 at the start. */
void fake_xen_set_version(int major, int minor)
{
	fake.version = major << 16 | minor;
}

void fake_xen_set_commandline(const char *commandline)
{
	strscpy(fake.commandline, commandline, sizeof(fake.commandline));
}

static int version(int cmd, void *arg)
{
	if (fake.mode == FAKE_NOT_XEN)
		return -ENOSYS;
	switch (cmd) {
	case XENVER_version:
		return fake.version;
	case XENVER_commandline:
		strscpy(arg, fake.commandline, 1024);
		return 0;
	default:
		return -ENOSYS;
	}
}

int HYPERVISOR_xen_version(int cmd, void *arg)
{
	struct fake_call_state state;
	long rc = fake_enter(&state, FAKE_CALL_VERSION);

	return fake_leave(&state, rc ?: version(cmd, arg));
}
