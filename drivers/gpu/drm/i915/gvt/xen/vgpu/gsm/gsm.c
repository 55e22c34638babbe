// SPDX-License-Identifier: GPL-2.0
/*
 * The GSMs that a virtual GPU can use: "mem", and those that other modules have registered.
 *
 * A place, the value of a virtual GPU's attribute of that name, is the name of a GSM, which a colon
 * and the name of a device can follow.
 *
 * Invariants: the module of a GSM stays loaded while a share of it is open.
 *
 * Locking: gsms_lock protects the list. Nothing of a GSM's is called under it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kmod.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "gsm/gsm.h"

/**
 * struct gsm_entry - a GSM in the list
 * @node: in the list
 * @ops: its operations
 */
struct gsm_entry {
	struct list_head node;
	const struct xengt_gsm_ops *ops;
};

/* "mem" is in the list from the beginning. */
static struct list_head gsms;
static struct gsm_entry mem_entry = { .node = { &gsms, &gsms }, .ops = &xengt_gsm_mem };
static struct list_head gsms = { &mem_entry.node, &mem_entry.node };

static DEFINE_MUTEX(gsms_lock);

static size_t name_len(const char *place)
{
	return strchrnul(place, ':') - place;
}

static struct gsm_entry *find_entry(const char *name, size_t len)
{
	struct gsm_entry *entry;

	lockdep_assert_held(&gsms_lock);
	list_for_each_entry(entry, &gsms, node) {
		if (strlen(entry->ops->name) == len && !memcmp(entry->ops->name, name, len))
			return entry;
	}
	return NULL;
}

/* Returns the operations of a place's GSM, and pins their module; NULL if no module offers it. */
static const struct xengt_gsm_ops *try_get_ops(const char *place)
{
	const struct xengt_gsm_ops *ops = NULL;
	struct gsm_entry *entry;

	mutex_lock(&gsms_lock);
	entry = find_entry(place, name_len(place));
	if (entry && try_module_get(entry->ops->owner))
		ops = entry->ops;
	mutex_unlock(&gsms_lock);
	return ops;
}

/* The same. If no module offers the GSM, asks user space for the one with its alias. */
static const struct xengt_gsm_ops *get_ops(const char *place)
{
	const struct xengt_gsm_ops *ops = try_get_ops(place);

	if (ops)
		return ops;
	request_module("xengt-gsm-%.*s", (int)name_len(place), place);
	return try_get_ops(place);
}

/**
 * xengt_gsm_known - does a module offer the GSM of a place
 * @place: the place
 *
 * Loads the module if it can be found.
 *
 * Context: process context, may sleep.
 * Return: true if there is such a GSM; its module can be unloaded again at once.
 */
bool xengt_gsm_known(const char *place)
{
	const struct xengt_gsm_ops *ops = get_ops(place);

	if (ops)
		module_put(ops->owner);
	return ops;
}

/**
 * xengt_gsm_open - open a share of a GSM
 * @place: the place
 * @request: what the virtual GPU needs; the device is filled in here
 *
 * Context: process context, may sleep; not under a lock that the request's rewrite_work takes.
 * Return: the share; or an ERR_PTR(), with a line in the log: -ENODEV if no module offers the GSM,
 * or an error of the GSM's.
 */
struct xengt_gsm *xengt_gsm_open(const char *place, struct xengt_gsm_request *request)
{
	const struct xengt_gsm_ops *ops = get_ops(place);
	struct xengt_gsm *gsm;

	if (!ops) {
		pr_err("%s: no module offers the place \"%s\": load it, for i915 with \"modprobe xengt_i915\"\n",
		       request->vgpu, place);
		return ERR_PTR(-ENODEV);
	}
	request->device = place + name_len(place);
	if (*request->device)
		request->device++;
	gsm = ops->open(request);
	if (gsm == ERR_PTR(-ENOMEM))
		pr_err("%s: no memory for a share of the place \"%s\"\n", request->vgpu, place);
	if (IS_ERR(gsm))
		module_put(ops->owner);
	return gsm;
}

/**
 * xengt_gsm_close - close a share of a GSM
 * @gsm: the share
 *
 * While the machine is suspended, waits for the resume: what is written to a GPU then is lost, and
 * nobody would write it again after the share is closed. A GPU that is going away is not waited
 * for, since a suspend can wait for its driver, and that for this function.
 *
 * Context: process context, may sleep; not under a lock that the request's rewrite_work takes.
 */
void xengt_gsm_close(struct xengt_gsm *gsm)
{
	struct module *owner = gsm->ops->owner;
	bool lost = READ_ONCE(gsm->lost);
	unsigned int flags = 0;

	if (!lost)
		flags = lock_system_sleep();
	gsm->ops->close(gsm);
	if (!lost)
		unlock_system_sleep(flags);
	module_put(owner);
}

/**
 * xengt_gsm_init - initialise a share
 * @gsm: the share
 * @ops: its operations
 * @request: what xengt_gsm_ops.open was called with
 * @range: the ranges of the share as reserved: XENGT_GGTT_RANGES ranges, with the sizes that were
 *	asked for
 *
 * Context: any.
 */
void xengt_gsm_init(struct xengt_gsm *gsm, const struct xengt_gsm_ops *ops,
		    const struct xengt_gsm_request *request, const struct xengt_range *range)
{
	*gsm = (struct xengt_gsm){
		.ops = ops,
		.lost_work = request->lost_work,
		.rewrite_work = request->rewrite_work,
	};
	memcpy(gsm->range, range, sizeof(gsm->range));
}
EXPORT_SYMBOL_GPL(xengt_gsm_init);

/**
 * xengt_gsm_lost - stop the virtual GPU of a share, as the GPU goes away
 * @gsm: the share, open
 *
 * Returns at once. The virtual GPU stops and closes the share soon after; until then it can still
 * write entries.
 *
 * Context: any, with the share kept open.
 */
void xengt_gsm_lost(struct xengt_gsm *gsm)
{
	WRITE_ONCE(gsm->lost, true);
	schedule_work(gsm->lost_work);
}
EXPORT_SYMBOL_GPL(xengt_gsm_lost);

/**
 * xengt_gsm_rewrite - write all entries of a share again, as the GPU has lost them
 * @gsm: the share, open
 *
 * When this returns, the entries are written and the GPU has forgotten what it had before.
 *
 * Context: process context, may sleep; with the share kept open. Not under a lock that
 * xengt_gsm_ops.write or xengt_gsm_ops.invalidate takes.
 */
void xengt_gsm_rewrite(struct xengt_gsm *gsm)
{
	schedule_work(gsm->rewrite_work);
	flush_work(gsm->rewrite_work);
}
EXPORT_SYMBOL_GPL(xengt_gsm_rewrite);

static bool valid_name(const char *name)
{
	return *name && !name[strcspn(name, ":\n ")];
}

/**
 * xengt_gsm_register - offer a GSM to virtual GPUs
 * @ops: its operations, which stay valid until xengt_gsm_unregister()
 *
 * Its module should have the alias "xengt-gsm-NAME", so that it is loaded when a virtual GPU is
 * configured to use the GSM.
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if the name is empty or contains a colon or white space; -EEXIST if there is a
 * GSM of that name; or -ENOMEM.
 */
int xengt_gsm_register(const struct xengt_gsm_ops *ops)
{
	struct gsm_entry *entry;
	int rc = 0;

	if (!valid_name(ops->name))
		return -EINVAL;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	entry->ops = ops;
	mutex_lock(&gsms_lock);
	if (find_entry(ops->name, strlen(ops->name)))
		rc = -EEXIST;
	else
		list_add_tail(&entry->node, &gsms);
	mutex_unlock(&gsms_lock);
	if (rc)
		kfree(entry);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_gsm_register);

/**
 * xengt_gsm_unregister - end the offer of a GSM
 * @ops: its operations, registered; no share is open
 *
 * To be called from the exit function of the module: an open share pins it.
 *
 * Context: process context, may sleep.
 */
void xengt_gsm_unregister(const struct xengt_gsm_ops *ops)
{
	struct gsm_entry *entry;

	mutex_lock(&gsms_lock);
	entry = find_entry(ops->name, strlen(ops->name));
	if (!WARN_ON(!entry || entry->ops != ops))
		list_del(&entry->node);
	else
		entry = NULL;
	mutex_unlock(&gsms_lock);
	kfree(entry);
}
EXPORT_SYMBOL_GPL(xengt_gsm_unregister);
