// SPDX-License-Identifier: GPL-2.0
/*
 * The PVINFO page of a virtual GPU: what a guest's i915 learns about its share, and where it
 * announces its PPGTTs.
 *
 * The page is plain memory of which the guest may write some fields, in bytes, in any order. One
 * of them is a register: a write that touches the lowest byte of g2v_notify notifies the
 * mediator, once, when all of that write is in the page. i915 writes the 32 bits of the register
 * at once; a write of less merges with the bytes that are there.
 *
 * A driver says by what it does that it is a new one. It begins with reading the magic, whole, and
 * next the version, as 16 bits (intel_vgpu_detect()), before it makes anything; somebody who looks
 * at the page reads it in pieces of one size. It ends with setting display_ready
 * (intel_vgpu_register()). Both together, in this order, come from nothing else: i915 does either
 * once in its life.
 *
 * Invariants: what is told of a notification is what the page held right after the write that
 * made it, whatever other vCPUs write meanwhile. Nothing that the guest writes changes what it is
 * told. All that is read is of this page.
 *
 * Sources: i915's i915_pvinfo.h; i915_vgpu.c and gt/gen8_ppgtt.c for what guests do; gvt/vgpu.c
 * (populate_pvinfo_page()) and gvt/handlers.c (pvinfo_mmio_write(), handle_g2v_notification())
 * for what they are used to.
 *
 * Locking: the page's lock is held while bytes are copied, and not while others are called.
 */

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "counters.h"
#include "pvinfo.h"

/* What the guest may write: from the start of the first field to the end of the last. */
#define FIELDS(from, to) {						\
	.first = offsetof(struct xengt_vgt_if, from),			\
	.end = offsetofend(struct xengt_vgt_if, to),			\
}

static const struct {
	u32 first;
	u32 end;
} guest_fields[] = {
	FIELDS(display_ready, display_ready),
	FIELDS(g2v_notify, g2v_notify),
	FIELDS(cursor_x_hot, execlist_context_descriptor_hi),
};

/* A notification, and what the page held when it was made. */
struct message {
	u32 what;
	u64 pdp[XENGT_PPGTT_PDPS];
	u64 context;
};

static bool is_inside(u32 offset, unsigned int len)
{
	return offset <= XENGT_VGT_PVINFO_SIZE && len <= XENGT_VGT_PVINFO_SIZE - offset;
}

/* Stores the bytes that the guest may write; returns how many they are. */
static unsigned int store(struct xengt_pvinfo *pvinfo, u32 offset, const void *data,
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

static bool notifies(u32 offset, unsigned int len)
{
	const u32 at = offsetof(struct xengt_vgt_if, g2v_notify);

	return offset <= at && at - offset < len;
}

/* Says the write that a driver of the guest's has loaded, which was seen to start? */
static bool has_loaded(struct xengt_pvinfo *pvinfo, u32 offset, unsigned int len)
{
	const u32 at = offsetof(struct xengt_vgt_if, display_ready);

	lockdep_assert_held(&pvinfo->lock);
	if (!pvinfo->loading || offset > at || at - offset >= len || !pvinfo->page.display_ready)
		return false;
	pvinfo->loading = false;
	return true;
}

/* Which halves of the magic are read; 0: it is something else, or more. */
static unsigned int magic_halves(u32 offset, unsigned int len)
{
	const unsigned int half = sizeof(u32);

	if (!offset && len == 2 * half)
		return BIT(0) | BIT(1);
	if (len == half && (!offset || offset == half))
		return BIT(offset / half);
	return 0;
}

/* Is the read the second one of a driver that starts to load? */
static bool starts_to_load(struct xengt_pvinfo *pvinfo, u32 offset, unsigned int len)
{
	bool magic_known = pvinfo->magic_read == (BIT(0) | BIT(1));
	unsigned int halves = magic_halves(offset, len);

	lockdep_assert_held(&pvinfo->lock);
	pvinfo->magic_read = halves && !magic_known ? pvinfo->magic_read | halves : halves;
	if (!magic_known || offset != offsetof(struct xengt_vgt_if, version_major) ||
	    len != sizeof(u16))
		return false;
	pvinfo->loading = true;
	return true;
}

static void tell_driver(struct xengt_pvinfo *pvinfo, bool loaded)
{
	lockdep_assert_not_held(&pvinfo->lock);
	if (pvinfo->ops->driver)
		pvinfo->ops->driver(pvinfo, loaded);
}

static u64 join(u32 lo, u32 hi)
{
	return (u64)hi << 32 | lo;
}

static void take_message(struct xengt_pvinfo *pvinfo, struct message *message)
{
	const struct xengt_vgt_if *page = &pvinfo->page;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(page->pdp) != ARRAY_SIZE(message->pdp));
	lockdep_assert_held(&pvinfo->lock);
	message->what = page->g2v_notify;
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		message->pdp[i] = join(page->pdp[i].lo, page->pdp[i].hi);
	message->context = join(page->execlist_context_descriptor_lo,
				page->execlist_context_descriptor_hi);
}

/* Four page directories, or one PML4 table; the guest leaves what it does not use as it was. */
static void tell_ppgtt(struct xengt_pvinfo *pvinfo, const struct message *message,
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

static void tell_context(struct xengt_pvinfo *pvinfo, const struct message *message, bool create)
{
	xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_NOTIFIES, 1);
	if (pvinfo->ops->context)
		pvinfo->ops->context(pvinfo, create, message->context);
}

static void tell(struct xengt_pvinfo *pvinfo, const struct message *message)
{
	lockdep_assert_not_held(&pvinfo->lock);
	switch (message->what) {
	case XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE:
		tell_ppgtt(pvinfo, message, 3, true);
		break;
	case XENGT_VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY:
		tell_ppgtt(pvinfo, message, 3, false);
		break;
	case XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE:
		tell_ppgtt(pvinfo, message, 4, true);
		break;
	case XENGT_VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY:
		tell_ppgtt(pvinfo, message, 4, false);
		break;
	case XENGT_VGT_G2V_EXECLIST_CONTEXT_CREATE:
		tell_context(pvinfo, message, true);
		break;
	case XENGT_VGT_G2V_EXECLIST_CONTEXT_DESTROY:
		tell_context(pvinfo, message, false);
		break;
	default:
		xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_UNKNOWN, 1);
		break;
	}
}

/**
 * xengt_pvinfo_write() - what the guest's write to the page does
 * @pvinfo: the page
 * @offset: of the first byte, into the page
 * @data: the bytes
 * @len: how many; all are in the page
 *
 * Bytes that are not the guest's to write are ignored, and the write is counted. Calls an
 * operation if the write notifies.
 *
 * Context: process; takes the page's lock. Any number of writes and reads at once.
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
	stored = store(pvinfo, offset, data, len);
	take_message(pvinfo, &message);
	loaded = has_loaded(pvinfo, offset, len);
	mutex_unlock(&pvinfo->lock);

	if (stored < len)
		xengt_count(pvinfo->counters, XENGT_COUNT_PVINFO_DENIED, 1);
	if (loaded)
		tell_driver(pvinfo, true);
	if (notifies(offset, len))
		tell(pvinfo, &message);
}

/**
 * xengt_pvinfo_read() - what the guest reads from the page
 * @pvinfo: the page
 * @offset: of the first byte, into the page
 * @data: where the bytes go
 * @len: how many; all are in the page
 *
 * Everything can be read; what the guest may write reads as it wrote it. Calls an operation if this
 * is how a driver starts to load.
 *
 * Context: process; takes the page's lock.
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
		tell_driver(pvinfo, false);
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
	/* The guest has not said where its cursor's hot spot is. */
	page->cursor_x_hot = U32_MAX;
	page->cursor_y_hot = U32_MAX;
}

/**
 * xengt_pvinfo_init() - makes the page that a guest finds
 * @pvinfo: the page; nothing has to be undone when it goes
 * @config: what it tells the guest
 * @ops: what is done about notifications; has to stay
 * @counters: where things are counted
 *
 * Context: process; nobody else uses @pvinfo yet, or any more.
 *
 * Return: 0; -ERANGE if a base or a size has no place in the ABI's 32 bits.
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
 * xengt_pvinfo_reset() - makes the page what a guest found first
 * @pvinfo: the page
 *
 * Context: process; takes the page's lock. Any number of writes and reads at once.
 */
void xengt_pvinfo_reset(struct xengt_pvinfo *pvinfo)
{
	mutex_lock(&pvinfo->lock);
	fill_page(&pvinfo->page, &pvinfo->config);
	pvinfo->magic_read = 0;
	pvinfo->loading = false;
	mutex_unlock(&pvinfo->lock);
}
