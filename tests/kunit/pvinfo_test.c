// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the PVINFO page (vgpu/pvinfo.c), without Xen. The guest's side is i915: offsets are from
 * its own header, and the accesses of its driver are transcribed one by one, with their widths,
 * from i915_vgpu.c and gt/gen8_ppgtt.c.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sizes.h>

#include <i915_pvinfo.h>

#include "vgpu/counters.h"
#include "vgpu/pvinfo.h"

#define MAPPABLE_BASE	0x08000000u
#define MAPPABLE_SIZE	0x04000000u
#define HIDDEN_BASE	0x60000000u
#define HIDDEN_SIZE	0x18000000u
#define FENCES		4u
#define CAPS		(VGT_CAPS_FULL_PPGTT | VGT_CAPS_HWSP_EMULATION)

/* i915's name for the size of a whole GGTT */
#define APERTURE_SIZE	0x10000000ul
#define GGTT_SIZE	0x100000000ull

/* Fields that the guest may write: display_ready, g2v_notify, two of the cursor, PDPs, context */
#define GUEST_BYTES	(4 + 4 + 2 * 4 + 4 * 8 + 8)

#define MAX_CALLS	16

/* All fields of the page, so that the next one shows the size of each. */
#define OFFSETS(type) {								\
	offsetof(type, magic),							\
	offsetof(type, version_major),						\
	offsetof(type, version_minor),						\
	offsetof(type, vgt_id),							\
	offsetof(type, vgt_caps),						\
	offsetof(type, rsv1),							\
	offsetof(type, avail_rs.mappable_gmadr.base),				\
	offsetof(type, avail_rs.mappable_gmadr.size),				\
	offsetof(type, avail_rs.nonmappable_gmadr.base),			\
	offsetof(type, avail_rs.nonmappable_gmadr.size),			\
	offsetof(type, avail_rs.fence_num),					\
	offsetof(type, avail_rs.rsv2),						\
	offsetof(type, rsv3),							\
	offsetof(type, rsv4),							\
	offsetof(type, display_ready),						\
	offsetof(type, rsv5),							\
	offsetof(type, g2v_notify),						\
	offsetof(type, rsv6),							\
	offsetof(type, cursor_x_hot),						\
	offsetof(type, cursor_y_hot),						\
	offsetof(type, pdp[0].lo),						\
	offsetof(type, pdp[0].hi),						\
	offsetof(type, pdp[1].lo),						\
	offsetof(type, pdp[3].hi),						\
	offsetof(type, execlist_context_descriptor_lo),				\
	offsetof(type, execlist_context_descriptor_hi),				\
	offsetof(type, rsv7),							\
	sizeof(type)								\
}

/* The constants are i915's. */
#define SAME_VALUE(name)	static_assert((name) == (XENGT_##name))

SAME_VALUE(VGT_PVINFO_PAGE);
SAME_VALUE(VGT_PVINFO_SIZE);
SAME_VALUE(VGT_MAGIC);
SAME_VALUE(VGT_VERSION_MAJOR);
SAME_VALUE(VGT_VERSION_MINOR);
SAME_VALUE(VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE);
SAME_VALUE(VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY);
SAME_VALUE(VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
SAME_VALUE(VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY);
SAME_VALUE(VGT_G2V_EXECLIST_CONTEXT_CREATE);
SAME_VALUE(VGT_G2V_EXECLIST_CONTEXT_DESTROY);
SAME_VALUE(VGT_CAPS_FULL_PPGTT);
SAME_VALUE(VGT_CAPS_HWSP_EMULATION);
SAME_VALUE(VGT_CAPS_HUGE_GTT);
/* All notifications */
static_assert(VGT_G2V_MAX - XENGT_VGT_G2V_EXECLIST_CONTEXT_DESTROY == 1);

/* A call of an operation */
struct call {
	bool create;
	unsigned int levels;		/* 0: a context */
	u64 pdp[4];
	u64 descriptor;
};

struct pvinfo_test {
	struct kunit *test;
	struct xengt_pvinfo pvinfo;
	struct xengt_counters counters;
	struct call calls[MAX_CALLS];
	unsigned int nr_calls;
	int result;			/* returned by the calls */
	u8 page[VGT_PVINFO_SIZE];
	u8 model[VGT_PVINFO_SIZE];
	struct rnd_state rnd;
};

static struct call *new_call(struct xengt_pvinfo *pvinfo)
{
	struct pvinfo_test *t = container_of(pvinfo, struct pvinfo_test, pvinfo);

	KUNIT_EXPECT_FALSE_MSG(t->test, mutex_is_locked(&pvinfo->lock), "the lock is held");
	return &t->calls[min(t->nr_calls++, MAX_CALLS - 1u)];
}

static int note_ppgtt(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root)
{
	struct call *call = new_call(pvinfo);

	*call = (struct call){ .create = create, .levels = root->levels };
	memcpy(call->pdp, root->pdp, sizeof(call->pdp));
	return container_of(pvinfo, struct pvinfo_test, pvinfo)->result;
}

static void note_context(struct xengt_pvinfo *pvinfo, bool create, u64 descriptor)
{
	*new_call(pvinfo) = (struct call){ .create = create, .descriptor = descriptor };
}

static const struct xengt_pvinfo_ops note_ops = {
	.ppgtt = note_ppgtt,
	.context = note_context,
};

static const struct xengt_pvinfo_config config = {
	.mappable_base = MAPPABLE_BASE,
	.mappable_size = MAPPABLE_SIZE,
	.hidden_base = HIDDEN_BASE,
	.hidden_size = HIDDEN_SIZE,
	.fences = FENCES,
	.caps = CAPS,
};

static int pvinfo_init(struct kunit *test)
{
	struct pvinfo_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	test->priv = t;
	prandom_seed_state(&t->rnd, 78000);
	/* Fills the page with garbage, which must not show through. */
	prandom_bytes_state(&t->rnd, &t->pvinfo, sizeof(t->pvinfo));
	return xengt_pvinfo_init(&t->pvinfo, &config, &note_ops, &t->counters);
}

static u64 counted(struct pvinfo_test *t, enum xengt_counter which)
{
	return xengt_counter_read(&t->counters, which);
}

static u64 get(struct pvinfo_test *t, u32 offset, unsigned int bytes)
{
	u64 value = 0;

	xengt_pvinfo_read(&t->pvinfo, offset, &value, bytes);
	return value;
}

static void put(struct pvinfo_test *t, u32 offset, unsigned int bytes, u64 value)
{
	xengt_pvinfo_write(&t->pvinfo, offset, &value, bytes);
}

#define guest_readq(t, field)	get(t, vgtif_offset(field), 8)
#define guest_readl(t, field)	((u32)get(t, vgtif_offset(field), 4))
#define guest_readw(t, field)	((u16)get(t, vgtif_offset(field), 2))
#define guest_writel(t, field, value)	put(t, vgtif_offset(field), 4, value)

static void notify(struct pvinfo_test *t, u32 what)
{
	guest_writel(t, g2v_notify, what);
}

static void expect_page(struct kunit *test, const u8 *expected)
{
	struct pvinfo_test *t = test->priv;
	unsigned int i;

	xengt_pvinfo_read(&t->pvinfo, 0, t->page, sizeof(t->page));
	for (i = 0; i < sizeof(t->page) && t->page[i] == expected[i]; i++)
		;
	KUNIT_EXPECT_EQ_MSG(test, i, (unsigned int)sizeof(t->page), "byte %#x is %#x, not %#x",
			    i, t->page[i], expected[i]);
}

static void expect_call(struct kunit *test, unsigned int nth, const struct call *expected)
{
	struct pvinfo_test *t = test->priv;
	const struct call *call = &t->calls[nth];
	unsigned int i;

	KUNIT_ASSERT_LT(test, nth, t->nr_calls);
	KUNIT_EXPECT_EQ(test, call->levels, expected->levels);
	KUNIT_EXPECT_EQ(test, call->create, expected->create);
	KUNIT_EXPECT_EQ(test, call->descriptor, expected->descriptor);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, call->pdp[i], expected->pdp[i]);
}

/* What the guest reads */

static void layout_is_i915s(struct kunit *test)
{
	static const u32 theirs[] = OFFSETS(struct vgt_if);
	static const u32 ours[] = OFFSETS(struct xengt_vgt_if);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(theirs); i++)
		KUNIT_EXPECT_EQ_MSG(test, ours[i], theirs[i], "field %u", i);
}

static void page_is_what_it_was_made_from(struct kunit *test)
{
	static const struct {
		unsigned int offset, bytes;
		u64 value;
	} fields[] = {
		{ 0x000, 8, 0x4776544776544776 },
		{ 0x008, 2, 1 },
		{ 0x00a, 2, 0 },
		{ 0x00c, 4, 0 },
		{ 0x010, 4, 0xc },
		{ 0x040, 4, 0x08000000 },
		{ 0x044, 4, 0x04000000 },
		{ 0x048, 4, 0x60000000 },
		{ 0x04c, 4, 0x18000000 },
		{ 0x050, 4, 4 },
		{ 0x830, 4, 0xffffffff },
		{ 0x834, 4, 0xffffffff },
	};
	struct pvinfo_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		KUNIT_EXPECT_EQ(test, get(t, fields[i].offset, fields[i].bytes), fields[i].value);
		memcpy(t->model + fields[i].offset, &fields[i].value, fields[i].bytes);
	}
	/* All other bytes are 0. */
	expect_page(test, t->model);
}

/* intel_vgpu_detect() */
static void i915_detects_the_virtual_gpu(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;
	u64 magic;

	KUNIT_EXPECT_EQ(test, guest_readq(t, magic), VGT_MAGIC);
	/* readq() of a 32-bit guest (linux/io-64-nonatomic-lo-hi.h) */
	magic = get(t, vgtif_offset(magic), 4);
	magic |= get(t, vgtif_offset(magic) + 4, 4) << 32;
	KUNIT_EXPECT_EQ(test, magic, VGT_MAGIC);
	KUNIT_EXPECT_GE(test, guest_readw(t, version_major), VGT_VERSION_MAJOR);
	KUNIT_EXPECT_EQ(test, guest_readl(t, vgt_caps), CAPS);
}

/* intel_vgt_balloon(), and what it refuses */
static void i915_learns_its_share(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;
	unsigned long mappable_base = guest_readl(t, avail_rs.mappable_gmadr.base);
	unsigned long mappable_size = guest_readl(t, avail_rs.mappable_gmadr.size);
	unsigned long unmappable_base = guest_readl(t, avail_rs.nonmappable_gmadr.base);
	unsigned long unmappable_size = guest_readl(t, avail_rs.nonmappable_gmadr.size);

	KUNIT_EXPECT_EQ(test, mappable_base, MAPPABLE_BASE);
	KUNIT_EXPECT_EQ(test, mappable_size, MAPPABLE_SIZE);
	KUNIT_EXPECT_EQ(test, unmappable_base, HIDDEN_BASE);
	KUNIT_EXPECT_EQ(test, unmappable_size, HIDDEN_SIZE);
	KUNIT_EXPECT_LE(test, mappable_base + mappable_size, APERTURE_SIZE);
	KUNIT_EXPECT_GE(test, unmappable_base, APERTURE_SIZE);
	KUNIT_EXPECT_LE(test, unmappable_base + unmappable_size, GGTT_SIZE);
	KUNIT_EXPECT_EQ(test, guest_readl(t, avail_rs.fence_num), FENCES);
}

/* intel_vgpu_register() */
static void i915_sets_display_ready(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;

	KUNIT_EXPECT_EQ(test, guest_readl(t, display_ready), VGT_DRV_DISPLAY_NOT_READY);
	guest_writel(t, display_ready, VGT_DRV_DISPLAY_READY);
	KUNIT_EXPECT_EQ(test, guest_readl(t, display_ready), VGT_DRV_DISPLAY_READY);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 0u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_DENIED), 0ull);
}

static void share_beyond_32_bits_is_refused(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;
	struct xengt_pvinfo_config wide[] = { config, config, config, config };
	struct xengt_pvinfo_config most = config;
	unsigned int i;

	wide[0].mappable_base = SZ_4G;
	wide[1].mappable_size = SZ_4G;
	wide[2].hidden_base = SZ_4G + HIDDEN_BASE;
	wide[3].hidden_size = 1ull << 63;
	for (i = 0; i < ARRAY_SIZE(wide); i++)
		KUNIT_EXPECT_EQ(test, xengt_pvinfo_init(&t->pvinfo, &wide[i], &note_ops,
							&t->counters), -ERANGE);
	most.hidden_size = SZ_4G - SZ_4K;
	KUNIT_EXPECT_EQ(test, xengt_pvinfo_init(&t->pvinfo, &most, &note_ops, &t->counters), 0);
	KUNIT_EXPECT_EQ(test, guest_readl(t, avail_rs.nonmappable_gmadr.size), 0xfffff000u);
}

/* PPGTTs and contexts */

#define PML4	0x123456000ull

static void write_pdp(struct pvinfo_test *t, unsigned int i, u64 value)
{
	put(t, vgtif_offset(pdp[0].lo) + 8 * i, 4, lower_32_bits(value));
	put(t, vgtif_offset(pdp[0].hi) + 8 * i, 4, upper_32_bits(value));
}

static u64 directory(unsigned int i)
{
	return 0xab0000000ull * (i + 1) + 0x1000 * i;
}

/* gen8_ppgtt_notify_vgt() */
static void i915_notify(struct pvinfo_test *t, unsigned int levels, bool create)
{
	unsigned int i;

	if (levels == 4) {
		write_pdp(t, 0, PML4);
		notify(t, create ? VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE :
				   VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY);
	} else {
		for (i = 0; i < 4; i++)
			write_pdp(t, i, directory(i));
		notify(t, create ? VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE :
				   VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY);
	}
}

static struct call call_of_i915(unsigned int levels, bool create)
{
	struct call call = { .create = create, .levels = levels };
	unsigned int i;

	call.pdp[0] = levels == 4 ? PML4 : directory(0);
	for (i = 1; levels == 3 && i < 4; i++)
		call.pdp[i] = directory(i);
	return call;
}

/* With 4 levels only the first PDP counts, whatever the others hold. */
static void i915_makes_and_frees_ppgtts(struct kunit *test)
{
	static const struct {
		unsigned int levels;
		bool create;
	} steps[] = { { 4, true }, { 3, true }, { 4, true }, { 3, false }, { 4, false } };
	struct pvinfo_test *t = test->priv;
	struct call expected;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		i915_notify(t, steps[i].levels, steps[i].create);
		KUNIT_EXPECT_EQ(test, t->nr_calls, i + 1);
		expected = call_of_i915(steps[i].levels, steps[i].create);
		expect_call(test, i, &expected);
	}
	KUNIT_EXPECT_EQ(test, guest_readl(t, g2v_notify), VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), 5ull);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_FAILED), 0ull);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_UNKNOWN), 0ull);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_DENIED), 0ull);
}

static void contexts_come_with_their_descriptor(struct kunit *test)
{
	struct call expected = { .create = true, .descriptor = 0x8765432112345678 };
	struct pvinfo_test *t = test->priv;

	guest_writel(t, execlist_context_descriptor_lo, 0x12345678);
	guest_writel(t, execlist_context_descriptor_hi, 0x87654321);
	notify(t, VGT_G2V_EXECLIST_CONTEXT_CREATE);
	expect_call(test, 0, &expected);
	notify(t, VGT_G2V_EXECLIST_CONTEXT_DESTROY);
	expected.create = false;
	expect_call(test, 1, &expected);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 2u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), 2ull);
}

static void contexts_need_no_operation(struct kunit *test)
{
	static const struct xengt_pvinfo_ops ops = { .ppgtt = note_ppgtt };
	struct pvinfo_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, xengt_pvinfo_init(&t->pvinfo, &config, &ops, &t->counters), 0);
	notify(t, VGT_G2V_EXECLIST_CONTEXT_CREATE);
	notify(t, VGT_G2V_EXECLIST_CONTEXT_DESTROY);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), 2ull);
}

static void operation_that_fails_is_counted(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;

	t->result = -ENOSPC;
	i915_notify(t, 4, true);
	i915_notify(t, 3, false);
	t->result = 0;
	i915_notify(t, 4, false);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 3u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), 3ull);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_FAILED), 2ull);
}

static void unknown_notifications_are_counted_and_read_back(struct kunit *test)
{
	static const u32 unknown[] = {
		0, 1, VGT_G2V_MAX, 0x104, 0x10004, 0x4000000, 0x80000004, ~0u
	};
	struct pvinfo_test *t = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		notify(t, unknown[i]);
		KUNIT_EXPECT_EQ(test, guest_readl(t, g2v_notify), unknown[i]);
	}
	KUNIT_EXPECT_EQ(test, t->nr_calls, 0u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_UNKNOWN), (u64)ARRAY_SIZE(unknown));
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), 0ull);
}

/* Writes with other widths than i915's */

/* Writes the bytes of a PDP from the last to the first, then halves. */
static void parts_of_a_pdp_merge_in_any_order(struct kunit *test)
{
	struct call expected = { .create = true, .levels = 4, .pdp = { 0x8877665544332211 } };
	const u32 pdp = vgtif_offset(pdp[0]);
	struct pvinfo_test *t = test->priv;
	int i;

	for (i = 7; i >= 0; i--)
		put(t, pdp + i, 1, 0x11 * (i + 1));
	notify(t, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	expect_call(test, 0, &expected);

	put(t, pdp + 4, 4, 0xaabbccdd);
	notify(t, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	expected.pdp[0] = 0xaabbccdd44332211;
	expect_call(test, 1, &expected);

	put(t, pdp, 4, 0x99887766);
	notify(t, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	expected.pdp[0] = 0xaabbccdd99887766;
	expect_call(test, 2, &expected);

	put(t, pdp + 3, 2, 0x5a5b);
	notify(t, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	expected.pdp[0] = 0xaabbcc5a5b887766;
	expect_call(test, 3, &expected);

	put(t, pdp, 8, 0x0123456789abcdef);
	notify(t, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	expected.pdp[0] = 0x0123456789abcdef;
	expect_call(test, 4, &expected);
}

static void write_without_the_lowest_byte_does_not_notify(struct kunit *test)
{
	const u32 at = vgtif_offset(g2v_notify);
	struct pvinfo_test *t = test->priv;

	put(t, at, 1, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 1u);
	put(t, at + 1, 1, 0);
	put(t, at + 2, 2, 0);
	put(t, at + 3, 1, 0);
	put(t, at + 1, 8, 0);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 1u);
	put(t, at, 2, VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 2u);
	/* The four bytes that end with the lowest one */
	put(t, at - 3, 4, (u32)VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE << 24);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 3u);
	KUNIT_EXPECT_EQ(test, t->calls[2].levels, 3u);
	/* A higher byte counts if it is written. */
	put(t, at + 1, 1, 1);
	put(t, at, 1, VGT_G2V_PPGTT_L4_PAGE_TABLE_CREATE);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 3u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_UNKNOWN), 1ull);
}

/* One write has the PDPs and g2v_notify, which is below them in the page. */
static void notification_sees_all_of_the_write_that_made_it(struct kunit *test)
{
	struct call expected = {
		.create = true,
		.levels = 3,
		.pdp = { 0x1000, 0x2000, 0x3000, 0x4000 },
	};
	const u32 end = vgtif_offset(execlist_context_descriptor_lo);
	const u32 first = vgtif_offset(g2v_notify);
	struct pvinfo_test *t = test->priv;
	struct vgt_if *page = (struct vgt_if *)t->page;
	unsigned int i;

	page->g2v_notify = VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE;
	for (i = 0; i < 4; i++)
		page->pdp[i].lo = 0x1000 * (i + 1);
	xengt_pvinfo_write(&t->pvinfo, first, t->page + first, end - first);
	expect_call(test, 0, &expected);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 1u);
}

static bool is_guest_field(u32 offset)
{
	return (offset >= vgtif_offset(display_ready) && offset < vgtif_offset(rsv5)) ||
	       (offset >= vgtif_offset(g2v_notify) && offset < vgtif_offset(rsv6)) ||
	       (offset >= vgtif_offset(cursor_x_hot) && offset < vgtif_offset(rsv7));
}

static void each_byte_is_the_guests_or_read_only(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;
	unsigned int i, writable = 0;

	xengt_pvinfo_read(&t->pvinfo, 0, t->model, sizeof(t->model));
	for (i = 0; i < VGT_PVINFO_SIZE; i++) {
		put(t, i, 1, (u8)~t->model[i]);
		if (!is_guest_field(i))
			continue;
		t->model[i] = ~t->model[i];
		writable++;
	}
	expect_page(test, t->model);
	KUNIT_EXPECT_EQ(test, writable, (unsigned int)GUEST_BYTES);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_DENIED),
			(u64)VGT_PVINFO_SIZE - GUEST_BYTES);
}

/* A rep instruction over the whole page changes the guest's fields only, and notifies once. */
static void write_of_the_whole_page_notifies_once(struct kunit *test)
{
	struct call expected = { .create = false, .levels = 4 };
	struct pvinfo_test *t = test->priv;
	u8 *data = kunit_kmalloc(test, VGT_PVINFO_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, data);
	prandom_bytes_state(&t->rnd, data, VGT_PVINFO_SIZE);
	((struct vgt_if *)data)->g2v_notify = VGT_G2V_PPGTT_L4_PAGE_TABLE_DESTROY;
	memcpy(&expected.pdp[0], data + vgtif_offset(pdp[0]), 8);
	xengt_pvinfo_read(&t->pvinfo, 0, t->model, sizeof(t->model));
	for (i = 0; i < VGT_PVINFO_SIZE; i++) {
		if (is_guest_field(i))
			t->model[i] = data[i];
	}
	xengt_pvinfo_write(&t->pvinfo, 0, data, VGT_PVINFO_SIZE);
	expect_page(test, t->model);
	expect_call(test, 0, &expected);
	KUNIT_EXPECT_EQ(test, t->nr_calls, 1u);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_DENIED), 1ull);
}

/* Random writes, compared with a model that goes byte by byte */

static u32 below(struct pvinfo_test *t, u32 limit)
{
	return prandom_u32_state(&t->rnd) % limit;
}

/* Mostly short writes near the guest's fields, now and then very long ones */
static void random_write(struct pvinfo_test *t, u8 *data, u32 *offset, unsigned int *len)
{
	const u32 at = vgtif_offset(g2v_notify);

	*offset = below(t, 8) ? 0x800 + below(t, 0x70) : below(t, VGT_PVINFO_SIZE);
	*len = below(t, 8) ? 1 + below(t, 16) : 1 + below(t, VGT_PVINFO_SIZE);
	*len = min(*len, VGT_PVINFO_SIZE - *offset);
	prandom_bytes_state(&t->rnd, data + *offset, *len);
	/* Most notifications are known ones. */
	if (below(t, 8)) {
		memset(data + at, 0, 4);
		data[at] = below(t, VGT_G2V_MAX + 1);
	}
}

static bool model_write(struct pvinfo_test *t, const u8 *data, u32 offset, unsigned int len,
			u64 *denied)
{
	bool notified = false, touched = false;
	u32 i;

	for (i = offset; i < offset + len; i++) {
		if (is_guest_field(i))
			t->model[i] = data[i];
		else
			touched = true;
		if (i == vgtif_offset(g2v_notify))
			notified = true;
	}
	*denied += touched;
	return notified;
}

static bool model_call(struct pvinfo_test *t, struct call *call)
{
	u32 what;

	*call = (struct call){};
	memcpy(&what, t->model + 0x818, 4);
	if (what < 2 || what > 7)
		return false;
	call->create = !(what & 1);
	call->levels = what < 4 ? 3 : what < 6 ? 4 : 0;
	memcpy(call->pdp, t->model + 0x838, what < 4 ? 32 : what < 6 ? 8 : 0);
	memcpy(&call->descriptor, t->model + 0x858, what < 6 ? 0 : 8);
	return true;
}

static void random_writes_do_what_their_bytes_say(struct kunit *test)
{
	struct pvinfo_test *t = test->priv;
	u8 *data = kunit_kzalloc(test, VGT_PVINFO_SIZE, GFP_KERNEL);
	u64 known = 0, unknown = 0, denied = 0;
	struct call expected;
	unsigned int i, len;
	u32 offset;

	KUNIT_ASSERT_NOT_NULL(test, data);
	xengt_pvinfo_read(&t->pvinfo, 0, t->model, sizeof(t->model));
	for (i = 0; i < 4000; i++) {
		bool calls = false;

		random_write(t, data, &offset, &len);
		if (model_write(t, data, offset, len, &denied)) {
			calls = model_call(t, &expected);
			known += calls;
			unknown += !calls;
		}
		t->nr_calls = 0;
		xengt_pvinfo_write(&t->pvinfo, offset, data + offset, len);
		KUNIT_ASSERT_EQ(test, t->nr_calls, (unsigned int)calls);
		if (calls)
			expect_call(test, 0, &expected);
		expect_page(test, t->model);
		/* Any part of the page reads as in the whole. */
		xengt_pvinfo_read(&t->pvinfo, offset, t->page, len);
		KUNIT_EXPECT_EQ(test, memcmp(t->page, t->model + offset, len), 0);
	}
	KUNIT_EXPECT_GT(test, known, 100ull);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_NOTIFIES), known);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_UNKNOWN), unknown);
	KUNIT_EXPECT_EQ(test, counted(t, XENGT_COUNT_PVINFO_DENIED), denied);
}

/* Several vCPUs */

#define VCPUS	4

struct crowd {
	struct xengt_pvinfo pvinfo;
	struct xengt_counters counters;
	atomic_t inside;
	struct completion all_inside;
	struct vcpu {
		struct crowd *crowd;
		unsigned int number;
		struct completion done;
	} vcpus[VCPUS];
	unsigned int told[VCPUS];
	unsigned int bad;
	unsigned int alone;
};

/* Waits for all vCPUs: each has overwritten the others' PDPs then. */
static int meet(struct xengt_pvinfo *pvinfo, bool create, const struct xengt_ppgtt_root *root)
{
	struct crowd *crowd = container_of(pvinfo, struct crowd, pvinfo);
	unsigned int i;
	u64 number;

	if (atomic_inc_return(&crowd->inside) == VCPUS)
		complete_all(&crowd->all_inside);
	if (!wait_for_completion_timeout(&crowd->all_inside, 10 * HZ))
		crowd->alone++;
	number = root->pdp[0] >> 12;
	if (number >= VCPUS) {
		crowd->bad++;
		return 0;
	}
	crowd->told[number]++;
	for (i = 0; i < 4; i++)
		crowd->bad += root->pdp[i] != number << 12;
	crowd->bad += create != !(number & 1);
	return 0;
}

/* Notifies with one write, with the vCPU's number in each PDP. */
static int notify_by_one_write(void *arg)
{
	struct vcpu *vcpu = arg;
	u32 data[(0x858 - 0x818) / 4] = {};
	unsigned int i;

	data[0] = vcpu->number & 1 ? VGT_G2V_PPGTT_L3_PAGE_TABLE_DESTROY :
		  VGT_G2V_PPGTT_L3_PAGE_TABLE_CREATE;
	for (i = 0; i < 4; i++)
		data[(0x838 - 0x818) / 4 + 2 * i] = vcpu->number << 12;
	xengt_pvinfo_write(&vcpu->crowd->pvinfo, 0x818, data, sizeof(data));
	complete(&vcpu->done);
	return 0;
}

static void notifications_at_once_keep_their_own_pdps(struct kunit *test)
{
	static const struct xengt_pvinfo_ops ops = { .ppgtt = meet };
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	unsigned int i;
	int rc;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	rc = xengt_pvinfo_init(&crowd->pvinfo, &config, &ops, &crowd->counters);
	KUNIT_ASSERT_EQ(test, rc, 0);
	init_completion(&crowd->all_inside);
	for (i = 0; i < VCPUS; i++) {
		struct vcpu *vcpu = &crowd->vcpus[i];

		vcpu->crowd = crowd;
		vcpu->number = i;
		init_completion(&vcpu->done);
		if (IS_ERR(kthread_run(notify_by_one_write, vcpu, "vcpu%u", i))) {
			KUNIT_FAIL(test, "no thread");
			complete(&vcpu->done);
		}
	}
	for (i = 0; i < VCPUS; i++)
		wait_for_completion(&crowd->vcpus[i].done);
	for (i = 0; i < VCPUS; i++)
		KUNIT_EXPECT_EQ(test, crowd->told[i], 1u);
	KUNIT_EXPECT_EQ_MSG(test, crowd->bad, 0u, "another vCPU's PDPs");
	KUNIT_EXPECT_EQ_MSG(test, crowd->alone, 0u, "one notification waits for another");
	KUNIT_EXPECT_EQ(test, xengt_counter_read(&crowd->counters, XENGT_COUNT_PVINFO_NOTIFIES),
			(u64)VCPUS);
}

static struct kunit_case pvinfo_cases[] = {
	KUNIT_CASE(layout_is_i915s),
	KUNIT_CASE(page_is_what_it_was_made_from),
	KUNIT_CASE(i915_detects_the_virtual_gpu),
	KUNIT_CASE(i915_learns_its_share),
	KUNIT_CASE(i915_sets_display_ready),
	KUNIT_CASE(share_beyond_32_bits_is_refused),
	KUNIT_CASE(i915_makes_and_frees_ppgtts),
	KUNIT_CASE(contexts_come_with_their_descriptor),
	KUNIT_CASE(contexts_need_no_operation),
	KUNIT_CASE(operation_that_fails_is_counted),
	KUNIT_CASE(unknown_notifications_are_counted_and_read_back),
	KUNIT_CASE(parts_of_a_pdp_merge_in_any_order),
	KUNIT_CASE(write_without_the_lowest_byte_does_not_notify),
	KUNIT_CASE(notification_sees_all_of_the_write_that_made_it),
	KUNIT_CASE(each_byte_is_the_guests_or_read_only),
	KUNIT_CASE(write_of_the_whole_page_notifies_once),
	KUNIT_CASE(random_writes_do_what_their_bytes_say),
	KUNIT_CASE(notifications_at_once_keep_their_own_pdps),
	{}
};

static struct kunit_suite pvinfo_suite = {
	.name = "xengt_pvinfo",
	.init = pvinfo_init,
	.test_cases = pvinfo_cases,
};

kunit_test_suite(pvinfo_suite);
