// SPDX-License-Identifier: GPL-2.0
/*
 * The PVINFO page of a virtual GPU: it tells a guest's i915 its share of the GGTT, and i915
 * announces its PPGTTs in it. See Documentation/pvinfo.rst.
 *
 * The page is plain memory. The guest may write some of its fields, in pieces of any size and in
 * any order. One of them acts as a register: a write that touches the lowest byte of g2v_notify
 * notifies the mediator once, after all bytes of that write are in the page. i915 writes the 32
 * bits of g2v_notify at once; a narrower write merges with the bytes that are there.
 *
 * The page recognises a new driver by its accesses. Before the driver announces anything, it reads
 * the whole magic and then the version, as 16 bits (intel_vgpu_detect()). A tool that dumps the
 * page does not do that, since it reads in pieces of one size. When the driver has loaded, it sets
 * display_ready (intel_vgpu_register()). i915 does each of the two once after it is loaded. So only
 * a new driver does both, in this order.
 *
 * Invariants: a notification is handled with what the page contained right after the write that
 * notified, whatever other vCPUs write meanwhile. A guest's write changes only the fields that are
 * the guest's, never what the page tells it. Reads return bytes of this page only.
 *
 * Sources: i915's i915_pvinfo.h for the layout; i915_vgpu.c and gt/gen8_ppgtt.c for what guests do;
 * gvt/vgpu.c (populate_pvinfo_page()) and gvt/handlers.c (pvinfo_mmio_write(),
 * handle_g2v_notification()) for the mediator that guests know.
 *
 * Locking: the page's lock protects its contents. It is not held while handlers are called.
 */

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "abi/saved_abi.h"
#include "counters.h"
#include "pvinfo.h"

/* Of magic_read: both halves of the magic */
#define MAGIC_HALVES	(BIT(0) | BIT(1))

/* The bytes from the start of field "from" to the end of field "to". */
#define FIELDS(from, to) {						\
	.first = offsetof(struct xengt_vgt_if, from),			\
	.end = offsetofend(struct xengt_vgt_if, to),			\
}

/* The fields that the guest may write: offsets in bytes, the end exclusive. */
static const struct {
	u32 first;
	u32 end;
} guest_fields[] = {
	FIELDS(display_ready, display_ready),
	FIELDS(g2v_notify, g2v_notify),
	FIELDS(cursor_x_hot, execlist_context_descriptor_hi),
};

/* A notification, and the fields of the page that it refers to; display_ready by the way. */
struct message {
	u32 what;
	u32 display_ready;
	u64 pdp[XENGT_PPGTT_PDPS];
	u64 context;
};

static bool is_inside(u32 offset, unsigned int len)
{
	return offset <= XENGT_VGT_PVINFO_SIZE && len <= XENGT_VGT_PVINFO_SIZE - offset;
}

/* Stores those bytes that the guest may write, drops the others; returns how many were stored. */
static unsigned int store_fields(struct xengt_pvinfo *pvinfo, u32 offset, const void *data,
				 unsigned int len)
{
	unsigned int i, stored = 0;
	u32 from, end;

	lockdep_assert_held(&pvinfo->lock);
	for (i = 0; i < ARRAY_SIZE(guest_fields); i++) {
		from = max(offset, guest_fields[i].first);
		end = min(offset + len, guest_fields[i].end);
		if (from >= end)
			continue;
		memcpy((u8 *)&pvinfo->page + from, (const u8 *)data + (from - offset), end - from);
		stored += end - from;
	}
	return stored;
}

/* Does a write notify? It does if it touches the lowest byte of g2v_notify. */
static bool notifies(u32 offset, unsigned int len)
{
	const u32 at = offsetof(struct xengt_vgt_if, g2v_notify);

	return offset <= at && at - offset < len;
}

/* Does a write touch the lowest byte of display_ready? */
static bool sets_display_ready(u32 offset, unsigned int len)
{
	const u32 at = offsetof(struct xengt_vgt_if, display_ready);

	return offset <= at && at - offset < len;
}

/*
 * Does the write, already stored, say that a driver has loaded? It does if it touches
 * display_ready, leaves it nonzero, and the driver was seen to start to load.
 */
static bool has_loaded(struct xengt_pvinfo *pvinfo, u32 offset, unsigned int len)
{
	lockdep_assert_held(&pvinfo->lock);
	if (!pvinfo->loading || !sets_display_ready(offset, len) || !pvinfo->page.display_ready)
		return false;
	pvinfo->loading = false;
	return true;
}

/* Returns which halves of the magic a read consists of, as a mask; 0 for any other read. */
static unsigned int magic_halves(u32 offset, unsigned int len)
{
	const unsigned int half = sizeof(u32);

	if (!offset && len == 2 * half)
		return MAGIC_HALVES;
	if (len == half && (!offset || offset == half))
		return BIT(offset / half);
	return 0;
}

/*
 * Is this read the one with which a driver starts to load? It is if it reads version_major as 16
 * bits, and the reads right before it covered the magic, in one or two pieces.
 */
static bool starts_to_load(struct xengt_pvinfo *pvinfo, u32 offset, unsigned int len)
{
	bool magic_known = pvinfo->magic_read == MAGIC_HALVES;
	unsigned int halves = magic_halves(offset, len);

	lockdep_assert_held(&pvinfo->lock);
	pvinfo->magic_read = halves && !magic_known ? pvinfo->magic_read | halves : halves;
	if (!magic_known || offset != offsetof(struct xengt_vgt_if, version_major) ||
	    len != sizeof(u16))
		return false;
	pvinfo->loading = true;
	return true;
}

static void notify_driver(struct xengt_pvinfo *pvinfo, bool loaded)
{
	lockdep_assert_not_held(&pvinfo->lock);
	if (pvinfo->ops->driver)
		pvinfo->ops->driver(pvinfo, loaded);
}

static void notify_display_ready(struct xengt_pvinfo *pvinfo, u32 value)
{
	lockdep_assert_not_held(&pvinfo->lock);
	if (pvinfo->ops->display_ready)
		pvinfo->ops->display_ready(pvinfo, value);
}

static u64 join(u32 lo, u32 hi)
{
	return (u64)hi << 32 | lo;
}

/* Reads from the page what a notification refers to, in the same hold of the lock as its write. */
static void read_message(struct xengt_pvinfo *pvinfo, struct message *message)
{
	const struct xengt_vgt_if *page = &pvinfo->page;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(page->pdp) != ARRAY_SIZE(message->pdp));
	lockdep_assert_held(&pvinfo->lock);
	message->what = page->g2v_notify;
	message->display_ready = page->display_ready;
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		message->pdp[i] = join(page->pdp[i].lo, page->pdp[i].hi);
	message->context = join(page->execlist_context_descriptor_lo,
				page->execlist_context_descriptor_hi);
}

/*
 * Calls the handler for a PPGTT. The root is four page directories (3 levels) or one PML4 table (4
 * levels, pdp[0] only); the guest does not clear the elements that it does not use.
 */
static void notify_ppgtt(struct xengt_pvinfo *pvinfo, const struct message *message,
			 unsigned int levels, bool create)
{
	struct xengt_ppgtt_root root = { .levels = levels };
	unsigned int i, n = levels == 4 ? 1 : XENGT_PPGTT_PDPS;

	xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_NOTIFIES, 1);
	for (i = 0; i < n; i++)
		root.pdp[i] = message->pdp[i];
	if (pvinfo->ops->ppgtt(pvinfo, create, &root))
		xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_FAILED, 1);
}

static void notify_context(struct xengt_pvinfo *pvinfo, const struct message *message, bool create)
{
	xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_NOTIFIES, 1);
	if (pvinfo->ops->context)
		pvinfo->ops->context(pvinfo, create, message->context);
}

/* Calls the handler of a notification. */
static void dispatch(struct xengt_pvinfo *pvinfo, const struct message *message)
{
	lockdep_assert_not_held(&pvinfo->lock);
	switch (message->what) {
	case XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE:
		notify_ppgtt(pvinfo, message, 3, true);
		break;
	case XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY:
		notify_ppgtt(pvinfo, message, 3, false);
		break;
	case XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE:
		notify_ppgtt(pvinfo, message, 4, true);
		break;
	case XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY:
		notify_ppgtt(pvinfo, message, 4, false);
		break;
	case XENGT_VGT_G2V_EXECLIST_CONTEXT_CREATE:
		notify_context(pvinfo, message, true);
		break;
	case XENGT_VGT_G2V_EXECLIST_CONTEXT_DESTROY:
		notify_context(pvinfo, message, false);
		break;
	default:
		xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_UNKNOWN, 1);
		break;
	}
}

/**
 * xengt_pvinfo_write - do a guest's write to the page
 * @pvinfo: the page
 * @offset: the offset of the first byte into the page, in bytes
 * @data: the bytes
 * @len: how many; all are within the page
 *
 * Drops the bytes that the guest may not write, and counts such a write. If the write notifies,
 * touches display_ready, or says that a driver has loaded, calls the handlers before it returns.
 *
 * Context: process context, may sleep; takes the page's lock. Reads and writes can run in parallel.
 */
void xengt_pvinfo_write(struct xengt_pvinfo *pvinfo, u32 offset, const void *data,
			unsigned int len)
{
	struct message message;
	unsigned int stored;
	bool loaded;

	if (WARN_ON_ONCE(!is_inside(offset, len)))
		return;
	mutex_lock(&pvinfo->lock);
	stored = store_fields(pvinfo, offset, data, len);
	read_message(pvinfo, &message);
	loaded = has_loaded(pvinfo, offset, len);
	mutex_unlock(&pvinfo->lock);

	if (stored < len)
		xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_DENIED, 1);
	if (loaded)
		notify_driver(pvinfo, true);
	if (sets_display_ready(offset, len))
		notify_display_ready(pvinfo, message.display_ready);
	if (notifies(offset, len))
		dispatch(pvinfo, &message);
}

/**
 * xengt_pvinfo_read - do a guest's read of the page
 * @pvinfo: the page
 * @offset: the offset of the first byte into the page, in bytes
 * @data: filled with the bytes
 * @len: how many; all are within the page
 *
 * The guest can read the whole page, including the fields that it has written. If this read shows
 * that a driver starts to load, calls the handler before it returns.
 *
 * Context: process context, may sleep; takes the page's lock. Reads and writes can run in parallel.
 */
void xengt_pvinfo_read(struct xengt_pvinfo *pvinfo, u32 offset, void *data, unsigned int len)
{
	bool starts;

	if (WARN_ON_ONCE(!is_inside(offset, len))) {
		memset(data, 0, len);
		return;
	}
	mutex_lock(&pvinfo->lock);
	memcpy(data, (const u8 *)&pvinfo->page + offset, len);
	starts = starts_to_load(pvinfo, offset, len);
	mutex_unlock(&pvinfo->lock);
	if (starts)
		notify_driver(pvinfo, false);
}

static void fill_page(struct xengt_vgt_if *page, const struct xengt_pvinfo_config *config)
{
	memset(page, 0, sizeof(*page));
	page->magic = XENGT_VGT_MAGIC;
	page->version_major = XENGT_VGT_VERSION_MAJOR;
	page->version_minor = XENGT_VGT_VERSION_MINOR;
	page->vgt_caps = config->caps;
	page->avail_rs.mappable_gmadr.base = config->mappable_base;
	page->avail_rs.mappable_gmadr.size = config->mappable_size;
	page->avail_rs.nonmappable_gmadr.base = config->hidden_base;
	page->avail_rs.nonmappable_gmadr.size = config->hidden_size;
	page->avail_rs.fence_num = config->fences;
	/* The hot spot of the guest's cursor is unknown. */
	page->cursor_x_hot = U32_MAX;
	page->cursor_y_hot = U32_MAX;
}

/**
 * xengt_pvinfo_init - initialise the page
 * @pvinfo: the page; there is no counterpart that frees it
 * @config: what it tells the guest; copied
 * @ops: the handlers of notifications; have to stay valid as long as the page is used
 * @counters: the virtual GPU's counters
 *
 * Context: process context, may sleep; nobody else uses @pvinfo.
 * Return: 0, or -ERANGE if a base or a size does not fit into the ABI's 32 bits.
 */
int xengt_pvinfo_init(struct xengt_pvinfo *pvinfo, const struct xengt_pvinfo_config *config,
		      const struct xengt_pvinfo_ops *ops, struct xengt_counters *counters)
{
	if ((config->mappable_base | config->mappable_size | config->hidden_base |
	     config->hidden_size) > U32_MAX)
		return -ERANGE;
	pvinfo->ops = ops;
	pvinfo->counters = counters;
	pvinfo->config = *config;
	mutex_init(&pvinfo->lock);
	xengt_pvinfo_reset(pvinfo);
	return 0;
}

/**
 * xengt_pvinfo_reset - give the page its initial contents again
 * @pvinfo: the page
 *
 * Forgets, too, whether a driver was seen to start to load.
 *
 * Context: process context, may sleep; takes the page's lock. Reads and writes can run in parallel.
 */
void xengt_pvinfo_reset(struct xengt_pvinfo *pvinfo)
{
	mutex_lock(&pvinfo->lock);
	fill_page(&pvinfo->page, &pvinfo->config);
	pvinfo->magic_read = 0;
	pvinfo->loading = false;
	mutex_unlock(&pvinfo->lock);
}

/**
 * xengt_pvinfo_save - save what the guest did to the page
 * @pvinfo: the page
 * @saved: receives the fields that are the guest's, and what is known of its driver
 *
 * Context: process context, may sleep; takes the page's lock.
 */
void xengt_pvinfo_save(struct xengt_pvinfo *pvinfo, struct xengt_saved_pvinfo *saved)
{
	const struct xengt_vgt_if *page = &pvinfo->page;
	struct message message;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(saved->pdp) != ARRAY_SIZE(message.pdp));
	mutex_lock(&pvinfo->lock);
	read_message(pvinfo, &message);
	*saved = (struct xengt_saved_pvinfo){
		.display_ready = cpu_to_le32(message.display_ready),
		.g2v_notify = cpu_to_le32(message.what),
		.cursor_x_hot = cpu_to_le32(page->cursor_x_hot),
		.cursor_y_hot = cpu_to_le32(page->cursor_y_hot),
		.context = cpu_to_le64(message.context),
		.magic_read = cpu_to_le32(pvinfo->magic_read),
		.loading = cpu_to_le32(pvinfo->loading),
	};
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		saved->pdp[i] = cpu_to_le64(message.pdp[i]);
	mutex_unlock(&pvinfo->lock);
}

/* Can this be restored? The fields of the page can have any value. */
bool xengt_pvinfo_can_restore(const struct xengt_saved_pvinfo *saved)
{
	return le32_to_cpu(saved->magic_read) <= MAGIC_HALVES && le32_to_cpu(saved->loading) <= 1;
}

/**
 * xengt_pvinfo_restore - make the page what it was for the guest
 * @pvinfo: the page
 * @saved: what xengt_pvinfo_can_restore() accepts
 *
 * Calls no handler: what the guest notified of happened before.
 *
 * Context: process context, may sleep; takes the page's lock. Reads and writes can run in parallel.
 */
void xengt_pvinfo_restore(struct xengt_pvinfo *pvinfo, const struct xengt_saved_pvinfo *saved)
{
	struct xengt_vgt_if *page = &pvinfo->page;
	unsigned int i;

	mutex_lock(&pvinfo->lock);
	page->display_ready = le32_to_cpu(saved->display_ready);
	page->g2v_notify = le32_to_cpu(saved->g2v_notify);
	page->cursor_x_hot = le32_to_cpu(saved->cursor_x_hot);
	page->cursor_y_hot = le32_to_cpu(saved->cursor_y_hot);
	for (i = 0; i < XENGT_PPGTT_PDPS; i++) {
		page->pdp[i].lo = lower_32_bits(le64_to_cpu(saved->pdp[i]));
		page->pdp[i].hi = upper_32_bits(le64_to_cpu(saved->pdp[i]));
	}
	page->execlist_context_descriptor_lo = lower_32_bits(le64_to_cpu(saved->context));
	page->execlist_context_descriptor_hi = upper_32_bits(le64_to_cpu(saved->context));
	pvinfo->magic_read = le32_to_cpu(saved->magic_read);
	pvinfo->loading = le32_to_cpu(saved->loading);
	mutex_unlock(&pvinfo->lock);
}
