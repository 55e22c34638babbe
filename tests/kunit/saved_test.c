// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of saving and restoring what is known of a guest (vgpu/saved.c): what the guest finds
 * afterwards, what the restore costs, and that nothing in a buffer can do harm, on both kinds of
 * dom0.
 *
 * All offsets are those of the format's documentation, not of its header.
 */

#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hybrid_fixture.h"
#include "mediator_fixture.h"
#include "modules.h"
#include "ppgtt_chain.h"
#include "vgpu/shadow/dirty.h"

/* Offsets into what is saved, in bytes */
#define VERSION		8
#define GENERATION	12
#define LENGTH		16
#define RANGE(i)	(24 + (i) * 16)
#define CAPS		56
#define FENCES		60
#define MAGIC_READ	120
#define LOADING		124
#define NR_ROOTS	128
#define RESERVED_BYTES	132
#define HEAD		136
#define ENTRY(i)	(HEAD + (i) * 8)
#define ROOT(i)		(ENTRY(GGTT_SHARE) + (i) * ROOT_SIZE)
#define ROOT_SIZE	48
#define ROOT_LEVELS	0
#define ROOT_RESERVED	4
#define ROOT_PDP(i)	(8 + (i) * 8)
#define ROOT_ANNOUNCED	40
#define ROOT_OLD	44

/* The guest's part of PVINFO, in bytes */
#define PVINFO_GUEST	0x800
#define PVINFO_END	0x860
#define DISPLAY_READY	(PVINFO + 0x804)
#define CURSOR_X_HOT	(PVINFO + 0x830)
#define CONTEXT		(PVINFO + 0x858)

/* The other tables of the tests: of three levels, and what only the mediator announces */
#define THREE		640ull
#define THREE_L1	641ull
#define MEDIATORS	650ull
#define NR_PLAIN	8ul

struct saved {
	u8 *data;
	size_t len;
};

/* Saves into a buffer of exactly the length that is asked for first. */
static struct saved save_vgpu(struct kunit *test, struct xengt_vgpu *vgpu)
{
	struct saved saved = {};

	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(vgpu, NULL, &saved.len), -ENOSPC);
	saved.data = kunit_kzalloc(test, saved.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved.data);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_save(vgpu, saved.data, &saved.len), 0);
	return saved;
}

static int restore_vgpu(struct xengt_vgpu *vgpu, const struct saved *saved)
{
	return xengt_vgpu_restore(vgpu, saved->data, saved->len);
}

static struct saved copy_saved(struct kunit *test, const struct saved *from)
{
	struct saved saved = { .len = from->len };

	saved.data = kunit_kzalloc(test, saved.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved.data);
	memcpy(saved.data, from->data, saved.len);
	return saved;
}

static u64 get_field(const struct saved *saved, size_t at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, saved->data + at, size);
	return value;
}

static void set_field(struct saved *saved, size_t at, unsigned int size, u64 value)
{
	memcpy(saved->data + at, &value, size);
}

/* Ends the virtual GPU, and starts another one for the same guest. */
static struct ppgtt_guest *start_again(struct ppgtt_guest *old,
				       const struct ppgtt_guest_config *config)
{
	struct ppgtt_guest *guest;

	ppgtt_guest_stop(old);
	guest = chain_start_guest(old->test, config);
	memcpy(guest->ggtt, old->ggtt, sizeof(guest->ggtt));
	return guest;
}

/* What the guest reads of its part of PVINFO */
static void read_pvinfo(struct kunit *test, u64 *fields)
{
	unsigned int at;

	for (at = PVINFO_GUEST; at < PVINFO_END; at += 8)
		KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, PVINFO + at, 8, fields++), 0);
}

#define PVINFO_FIELDS	((PVINFO_END - PVINFO_GUEST) / 8)

/* What the guest does: entries that reach pages, some that do not, and two PPGTTs */
struct work {
	struct ppgtt four;
	struct ppgtt three;
};

static const u64 three_pdps[4] = { THREE, 0, 0, 0 };

/* The entries, from PLAIN_FIRST on */
static u64 plain_entry(unsigned int i)
{
	switch (i) {
	case 3:
		return PTE(NO_GFN);
	case 5:
		return PTE(100) | PTE_RESERVED;
	case 6:
		return 0;
	default:
		return PTE(300 + i);
	}
}

static void put_tables(struct ppgtt_guest *guest, struct work *work)
{
	work->four = chain_put(guest);
	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_guest_put(guest, THREE, 1, PTE(THREE_L1));
	chain_put_pages(guest, THREE_L1, 4, 200, 4);
	work->three = ppgtt_3(guest, three_pdps);
}

static void do_work(struct ppgtt_guest *guest, struct work *work)
{
	unsigned int i;

	put_tables(guest, work);
	for (i = 0; i < NR_PLAIN; i++)
		ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + i, plain_entry(i));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), PTE(310));
	ppgtt_notify(&work->four, true);
	ppgtt_notify(&work->four, true);
	ppgtt_notify(&work->three, true);
	ppgtt_guest_register(guest, CURSOR_X_HOT, 17);
	ppgtt_guest_register(guest, CONTEXT, 0x1234);
	ppgtt_guest_register(guest, CONTEXT + 4, 0x5678);
	ppgtt_guest_register(guest, DISPLAY_READY, 1);
	ppgtt_guest_flush_gtt(guest);
}

/* The same PPGTTs, of the guest as it is now */
static void go_on(struct ppgtt_guest *guest, struct work *work)
{
	work->four.guest = guest;
	work->three.guest = guest;
}

static void expect_entries(struct ppgtt_guest *guest)
{
	struct kunit *test = guest->test;
	unsigned int i;

	for (i = 0; i < NR_PLAIN; i++) {
		bool good = i != 3 && i != 5 && i != 6;

		KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST + i),
				plain_entry(i));
		KUNIT_EXPECT_EQ_MSG(test, gpu_reaches(PLAIN_FIRST + i, DOM, 300 + i), good,
				    "entry %u", i);
	}
	KUNIT_EXPECT_TRUE(test, gpu_reaches(DIRECTORY(0), DOM, 310));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, DIRECTORY(0) + 1), 0ull);
}

static void expect_tables(struct work *work)
{
	struct kunit *test = work->four.guest->test;

	KUNIT_ASSERT_EQ(test, ppgtt_pin(&work->four), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&work->three), 0);
	ppgtt_check(&work->four);
	ppgtt_check(&work->three);
	chain_expect_page(&work->four, PAGE_AT(7), 107);
	chain_expect_page(&work->three, 1ull << 21 | 5 << 12, 201);
	ppgtt_unpin(&work->three);
	ppgtt_unpin(&work->four);
}

/* The guest takes back what it has announced, and exactly that. */
static void end_work(struct work *work)
{
	struct ppgtt_guest *guest = work->four.guest;
	u64 failed = ppgtt_guest_count("pvinfo_failed");

	ppgtt_notify(&work->four, false);
	KUNIT_EXPECT_EQ(guest->test, ppgtt_pin(&work->four), 0);
	ppgtt_end(&work->four);
	KUNIT_EXPECT_EQ(guest->test, ppgtt_pin(&work->four), -ENOENT);
	ppgtt_end(&work->three);
	KUNIT_EXPECT_EQ(guest->test, ppgtt_guest_count("pvinfo_failed"), failed);
	KUNIT_EXPECT_EQ(guest->test, ppgtt_guest_count("ppgtts"), 0ull);
	KUNIT_EXPECT_EQ(guest->test, ppgtt_guest_count("pages_protected_now"), 0ull);
}

/* What the virtual GPU holds */
struct held {
	unsigned long refs;
	unsigned int protected;
	struct xengt_gauges gauges;
};

static struct held held_by(struct ppgtt_guest *guest)
{
	struct held held = {};

	sync_vgpu(guest->vgpu);
	held.refs = fake_total_refs();
	held.protected = fake_domain_nr_protected(DOM);
	xengt_gtt_gauges(&guest->vgpu->gtt, &held.gauges);
	return held;
}

static void expect_held(struct kunit *test, const struct held *a, const struct held *b)
{
	KUNIT_EXPECT_EQ(test, a->refs, b->refs);
	KUNIT_EXPECT_EQ(test, a->protected, b->protected);
	KUNIT_EXPECT_EQ(test, a->gauges.entries_live, b->gauges.entries_live);
	KUNIT_EXPECT_EQ(test, a->gauges.ppgtts, b->gauges.ppgtts);
	KUNIT_EXPECT_EQ(test, a->gauges.tables, b->gauges.tables);
	KUNIT_EXPECT_EQ(test, a->gauges.pages, b->gauges.pages);
}

/* The round trip, in all modes */

struct saved_param {
	enum fake_xen_mode dom0;
	struct ppgtt_guest_config config;
};

static const struct saved_param params[] = {
	{ FAKE_PV_DOM0, { .mode = XENGT_MODE_STRICT } },
	{ FAKE_PVH_DOM0, { .mode = XENGT_MODE_STRICT } },
	{ FAKE_PV_DOM0, { .mode = XENGT_MODE_POSTED } },
	{ FAKE_PVH_DOM0, { .mode = XENGT_MODE_POSTED } },
	{ FAKE_PV_DOM0, { .mode = XENGT_MODE_HYBRID } },
	{ FAKE_PVH_DOM0, { .mode = XENGT_MODE_HYBRID } },
	{ FAKE_PV_DOM0, { .mode = XENGT_MODE_HYBRID, .room = PAGES_OF_SHARE } },
	{ FAKE_PVH_DOM0, { .mode = XENGT_MODE_HYBRID, .room = PAGES_OF_SHARE } },
};

static KUNIT_GENERATOR(next_param)
{
	const struct saved_param *param = prev ? (const struct saved_param *)prev + 1 : params;

	if (param == params + ARRAY_SIZE(params))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s%s", fake_xen_mode_name(param->dom0),
		 xengt_mode_name(param->config.mode), param->config.room ? " with RAM" : "");
	return param;
}

static void guest_goes_on_after_a_restore(struct kunit *test)
{
	const struct saved_param *param = test->param_value;
	struct ppgtt_guest *guest = chain_start_guest(test, &param->config);
	u64 before[PVINFO_FIELDS], after[PVINFO_FIELDS];
	struct held had, has;
	struct saved saved, again;
	struct work work;

	do_work(guest, &work);
	read_pvinfo(test, before);
	saved = save_vgpu(test, guest->vgpu);
	had = held_by(guest);
	guest = start_again(guest, &param->config);
	go_on(guest, &work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	has = held_by(guest);
	expect_held(test, &has, &had);
	/* What is known is the same. */
	again = save_vgpu(test, guest->vgpu);
	KUNIT_ASSERT_EQ(test, again.len, saved.len);
	KUNIT_EXPECT_EQ(test, memcmp(again.data, saved.data, saved.len), 0);
	expect_entries(guest);
	read_pvinfo(test, after);
	KUNIT_EXPECT_EQ(test, memcmp(before, after, sizeof(before)), 0);
	expect_tables(&work);
	/* Writes still get into the shadow. */
	ppgtt_guest_put(guest, L1, 3, PTE(250));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(320));
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 320));
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&work.four), 0);
	chain_expect_page(&work.four, PAGE_AT(3), 250);
	ppgtt_unpin(&work.four);
	end_work(&work);
	ppgtt_guest_stop(guest);
}

/* What waits for a sync is saved, too, and an entry that a vCPU wrote without a trap. */
static void what_was_written_last_is_saved(struct kunit *test)
{
	const struct saved_param *param = test->param_value;
	struct ppgtt_guest *guest = chain_start_guest(test, &param->config);
	struct saved saved;
	unsigned int i;
	u64 syncs;

	for (i = 0; i < 12; i++) {
		ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 1, PTE(100 + i));
		syncs = ppgtt_guest_count("syncs");
		saved = save_vgpu(test, guest->vgpu);
		KUNIT_EXPECT_EQ(test, get_field(&saved, ENTRY(PLAIN_FIRST - DIRECTORY(0) + 1), 8),
				PTE(100 + i));
		KUNIT_EXPECT_EQ(test, ppgtt_guest_count("syncs"), syncs + 2);
		KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST + 1, DOM, 100 + i));
	}
	ppgtt_guest_stop(guest);
}

/* A virtual GPU for another domain, with its share at the same place */
static void other_domain_gets_the_share(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	struct saved saved;
	unsigned int i;

	for (i = 0; i < 4; i++)
		guest_write(test, (i & 1 ? VGPU_HIGH_FIRST : VGPU_FIRST) + i, PTE(100 + i));
	saved = save_vgpu(test, vgpu);
	KUNIT_EXPECT_EQ(test, saved.len, (size_t)HEAD + 8 * (VGPU_N + VGPU_HIGH_N));
	stop_vgpu(vgpu);
	vgpu = new_vgpu(test, OTHER_DOM);
	vgpu->config.base[0] = (u64)VGPU_FIRST << PAGE_SHIFT;
	vgpu->config.base[1] = (u64)VGPU_HIGH_FIRST << PAGE_SHIFT;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, restore_vgpu(vgpu, &saved), 0);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches((i & 1 ? VGPU_HIGH_FIRST : VGPU_FIRST) + i,
						    OTHER_DOM, 100 + i));
	stop_vgpu(vgpu);
}

/* Generation 7 has entries of 4 bytes, and its PPGTTs are the mediator's. */
static void gen7_guest_goes_on(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));
	struct saved saved;

	ppgtt_guest_put(guest, L1, 5, PT_GEN7(100));
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0) + 511, PT_GEN7(L1));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PT_GEN7(300));
	ppgtt_start(&ppgtt);
	saved = save_vgpu(test, guest->vgpu);
	KUNIT_EXPECT_EQ(test, saved.len, (size_t)HEAD + 4 * GGTT_SHARE);
	KUNIT_EXPECT_EQ(test, get_field(&saved, NR_ROOTS, 4), 0ull);
	ppgtt_end(&ppgtt);
	guest = start_again(guest, &config);
	ppgtt.guest = guest;
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST), PT_GEN7(300));
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&ppgtt), -ENOENT);
	ppgtt_start(&ppgtt);
	ppgtt_check(&ppgtt);
	chain_expect_page(&ppgtt, 511ull << 22 | 5 << 12, 100);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Who announced what */

static void announcements_of_the_mediator_are_not_saved(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt mediators = ppgtt_4(guest, MEDIATORS);
	struct saved saved;
	struct work work;

	do_work(guest, &work);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &work.four.root), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &mediators.root), 0);
	saved = save_vgpu(test, guest->vgpu);
	KUNIT_EXPECT_EQ(test, saved.len, (size_t)ROOT(2));
	KUNIT_EXPECT_EQ(test, get_field(&saved, ROOT(0) + ROOT_ANNOUNCED, 4), 1ull);
	KUNIT_EXPECT_EQ(test, get_field(&saved, ROOT(1) + ROOT_ANNOUNCED, 4), 2ull);
	guest = start_again(guest, &config);
	go_on(guest, &work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &work.four.root), -ENOENT);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &mediators.root), -ENOENT);
	end_work(&work);
	ppgtt_guest_stop(guest);
}

/* The handshake of a driver: the magic, then the version, then display_ready; see i915 */
static void read_magic(struct kunit *test)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, PVINFO, 8, &value), 0);
}

static void read_version(struct kunit *test)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, PVINFO + 8, 2, &value), 0);
}

static struct ppgtt_guest *save_and_restore(struct ppgtt_guest *guest, struct work *work)
{
	const struct ppgtt_guest_config config = {};
	struct kunit *test = guest->test;
	struct saved saved = save_vgpu(test, guest->vgpu);

	guest = start_again(guest, &config);
	go_on(guest, work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	return guest;
}

/* 14: a driver of the guest's loads while the guest moves, and its predecessor's tables end. */
static void driver_may_load_meanwhile(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct work work;

	do_work(guest, &work);
	read_magic(test);
	guest = save_and_restore(guest, &work);
	read_version(test);
	/* Of the new driver */
	ppgtt_notify(&work.four, true);
	guest = save_and_restore(guest, &work);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 2ull);
	ppgtt_guest_register(guest, DISPLAY_READY, 1);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	ppgtt_forget(&work.three);
	ppgtt_forget(&work.four);
	work.four.announced = 1;
	work.four.notified = 1;
	ppgtt_end(&work.four);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pvinfo_failed"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	ppgtt_guest_stop(guest);
}

/* No count of announcements makes a restore long. */
static void any_number_of_announcements_is_restored_at_once(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct saved saved;
	struct work work;

	do_work(guest, &work);
	saved = save_vgpu(test, guest->vgpu);
	set_field(&saved, ROOT(1) + ROOT_ANNOUNCED, 4, U32_MAX);
	set_field(&saved, ROOT(1) + ROOT_OLD, 4, U32_MAX - 1);
	guest = start_again(guest, &config);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &work.four.root), -ENOSPC);
	read_magic(test);
	read_version(test);
	ppgtt_guest_register(guest, DISPLAY_READY, 1);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	ppgtt_guest_stop(guest);
}

/* What a restore costs */

/* 1: as many references as pages, by one hypercall, in strict mode, too. */
static void entries_are_mapped_in_one_batch(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long calls, refs, entry;
	struct saved saved;
	unsigned int i;

	for (i = 0; i < 40; i++) {
		entry = i & 1 ? PLAIN_FIRST + i : DIRECTORY(0) + 100 * (i / 4) + i;
		ppgtt_guest_put_ggtt(guest, 0, entry, PTE(100 + i));
	}
	saved = save_vgpu(test, guest->vgpu);
	guest = start_again(guest, &config);
	refs = fake_total_refs();
	calls = mapping_calls();
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, mapping_calls() - calls, 1ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs() - refs, 40ul);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("shadowed"), 40ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("gpu_writes") - GGTT_SHARE, 40ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("traps"), 0ull);
	ppgtt_guest_stop(guest);
}

/* A PPGTT costs what one announcement costs, however often it was announced. */
static void ppgtt_costs_one_announcement(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long calls;
	struct saved saved;
	struct work work;

	put_tables(guest, &work);
	ppgtt_notify(&work.four, true);
	ppgtt_notify(&work.four, true);
	ppgtt_notify(&work.four, true);
	saved = save_vgpu(test, guest->vgpu);
	guest = start_again(guest, &config);
	calls = fake_xen_calls(FAKE_CALL_ANY);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &work.four.root), 0);
	calls = fake_xen_calls(FAKE_CALL_ANY) - calls;
	KUNIT_EXPECT_GT(test, calls, 4ul);
	guest = start_again(guest, &config);
	fake_xen_reset_calls();
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), calls);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("tables_made"), 4ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pvinfo_notifies"), 0ull);
	ppgtt_guest_stop(guest);
}

/* 13: a restore waits for balloon events that came before. */
static void restore_waits_for_balloon_events(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct saved saved;
	u64 events;

	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(100));
	saved = save_vgpu(test, guest->vgpu);
	guest = start_again(guest, &config);
	events = debugfs_value("xen_gpu_map/domains/5", "revalidations");
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "revalidations"), events);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "revalidations"), events + 1);
	ppgtt_guest_stop(guest);
}

/* Buffers */

static void buffer_that_is_too_small_is_told_what_is_needed(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct work work;
	u8 *data = kunit_kzalloc(test, ROOT(2) + 16, GFP_KERNEL);
	size_t size, len;

	KUNIT_ASSERT_NOT_NULL(test, data);
	do_work(guest, &work);
	for (size = 0; size < ROOT(2); size += size < HEAD || size > ROOT(0) ? 1 : 997) {
		len = size;
		KUNIT_EXPECT_EQ(test, xengt_vgpu_save(guest->vgpu, data, &len), -ENOSPC);
		KUNIT_EXPECT_EQ(test, len, (size_t)ROOT(2));
	}
	KUNIT_EXPECT_NULL_MSG(test, memchr_inv(data, 0, ROOT(2) + 16), "something was written");
	len = ROOT(2) + 8;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(guest->vgpu, data, &len), 0);
	KUNIT_EXPECT_EQ(test, len, (size_t)ROOT(2));
	KUNIT_EXPECT_NULL(test, memchr_inv(data + ROOT(2), 0, 16));
	len = ROOT(2);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(guest->vgpu, data + 4, &len), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_restore(guest->vgpu, data + 4, ROOT(2)), -EINVAL);
	end_work(&work);
	ppgtt_guest_stop(guest);
}

/* A fresh virtual GPU, and a buffer that can be restored */
struct target {
	struct ppgtt_guest *guest;
	struct saved good;
	struct saved bad;	/* a copy to break */
	struct saved blank;	/* what is known of the fresh virtual GPU */
	struct saved found;
	struct held idle;
	struct work work;
};

static void start_target(struct kunit *test, struct target *t,
			 const struct ppgtt_guest_config *config)
{
	const struct ppgtt_guest_config plain = {};

	t->guest = chain_start_guest(test, &plain);
	do_work(t->guest, &t->work);
	t->good = save_vgpu(test, t->guest->vgpu);
	KUNIT_ASSERT_EQ(test, t->good.len, (size_t)ROOT(2));
	t->guest = start_again(t->guest, config);
	go_on(t->guest, &t->work);
	t->bad = copy_saved(test, &t->good);
	t->blank = save_vgpu(test, t->guest->vgpu);
	t->found = copy_saved(test, &t->good);
	t->idle = held_by(t->guest);
}

/* The virtual GPU is as it was: nothing is known, and nothing is held. */
static void expect_untouched(struct kunit *test, struct target *t)
{
	struct held held = held_by(t->guest);

	expect_held(test, &held, &t->idle);
	t->found.len = t->good.len;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(t->guest->vgpu, t->found.data, &t->found.len), 0);
	KUNIT_EXPECT_EQ(test, t->found.len, t->blank.len);
	KUNIT_EXPECT_EQ(test, memcmp(t->found.data, t->blank.data, t->blank.len), 0);
}

static void expect_refused(struct kunit *test, struct target *t, int error, const char *what,
			   u64 value)
{
	KUNIT_EXPECT_EQ_MSG(test, restore_vgpu(t->guest->vgpu, &t->bad), error, "%s %#llx", what,
			    value);
	expect_untouched(test, t);
	memcpy(t->bad.data, t->good.data, t->good.len);
	t->bad.len = t->good.len;
}

/* What was good is still restored. */
static void end_target(struct kunit *test, struct target *t)
{
	KUNIT_EXPECT_EQ(test, restore_vgpu(t->guest->vgpu, &t->good), 0);
	expect_entries(t->guest);
	expect_tables(&t->work);
	end_work(&t->work);
	ppgtt_guest_stop(t->guest);
}

static void each_field_is_checked(struct kunit *test)
{
	static const struct {
		const char *what;
		size_t at;
		unsigned int size;
		u64 value;
		int error;
	} fields[] = {
		{ "magic", 0, 1, 0, -EINVAL }, { "magic", 7, 1, 0xff, -EINVAL },
		{ "version", VERSION, 4, 0, -EPROTONOSUPPORT },
		{ "version", VERSION, 4, 2, -EPROTONOSUPPORT },
		{ "version", VERSION + 3, 1, 1, -EPROTONOSUPPORT },
		{ "generation", GENERATION, 4, 0, -EXDEV },
		{ "generation", GENERATION, 4, 7, -EXDEV },
		{ "generation", GENERATION, 4, 9, -EXDEV },
		{ "length", LENGTH, 8, 0, -EINVAL },
		{ "length", LENGTH, 8, ROOT(2) - 1, -EINVAL },
		{ "length", LENGTH, 8, ROOT(2) + 1, -EINVAL },
		{ "length", LENGTH, 8, ROOT(2) + BIT_ULL(32), -EINVAL },
		{ "first of range 0", RANGE(0), 8, DIRECTORY(0) + 1, -ERANGE },
		{ "first of range 0", RANGE(0), 8, U64_MAX, -ERANGE },
		{ "entries of range 0", RANGE(0) + 8, 8, GGTT_SHARE - 1, -ERANGE },
		{ "entries of range 0", RANGE(0) + 8, 8, U64_MAX / 8, -ERANGE },
		{ "first of range 1", RANGE(1), 8, DIRECTORY(0), -ERANGE },
		{ "entries of range 1", RANGE(1) + 8, 8, 1, -ERANGE },
		{ "capabilities", CAPS, 4, 0, -EXDEV }, { "fences", FENCES, 4, 5, -EXDEV },
		{ "magic_read", MAGIC_READ, 4, 4, -EINVAL },
		{ "magic_read", MAGIC_READ, 4, U32_MAX, -EINVAL },
		{ "loading", LOADING, 4, 2, -EINVAL },
		{ "loading", LOADING + 3, 1, 1, -EINVAL },
		{ "number of roots", NR_ROOTS, 4, 0, -EINVAL },
		{ "number of roots", NR_ROOTS, 4, 1, -EINVAL },
		{ "number of roots", NR_ROOTS, 4, 3, -EINVAL },
		{ "number of roots", NR_ROOTS, 4, U32_MAX, -EINVAL },
		{ "reserved", RESERVED_BYTES, 4, 1, -EINVAL },
		{ "levels", ROOT(1) + ROOT_LEVELS, 4, 0, -EINVAL },
		{ "levels", ROOT(1) + ROOT_LEVELS, 4, 2, -EINVAL },
		{ "levels", ROOT(1) + ROOT_LEVELS, 4, 5, -EINVAL },
		{ "levels", ROOT(1) + ROOT_LEVELS, 4, 64, -EINVAL },
		{ "levels", ROOT(1) + ROOT_LEVELS, 4, U32_MAX, -EINVAL },
		{ "reserved of a root", ROOT(1) + ROOT_RESERVED, 4, 1, -EINVAL },
		{ "address", ROOT(1) + ROOT_PDP(0), 8, (L4 << 12) + 8, -EINVAL },
		{ "address", ROOT(0) + ROOT_PDP(3), 8, 1, -EINVAL },
		{ "address", ROOT(1) + ROOT_PDP(1), 8, L3 << 12, -EINVAL },
		{ "announced", ROOT(0) + ROOT_ANNOUNCED, 4, 0, -EINVAL },
		{ "old", ROOT(0) + ROOT_OLD, 4, 2, -EINVAL },
		{ "old", ROOT(1) + ROOT_OLD, 4, U32_MAX, -EINVAL },
	};
	const struct ppgtt_guest_config config = {};
	struct target t;
	unsigned int i;

	start_target(test, &t, &config);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		set_field(&t.bad, fields[i].at, fields[i].size, fields[i].value);
		expect_refused(test, &t, fields[i].error, fields[i].what, fields[i].value);
	}
	end_target(test, &t);
}

static void each_length_but_one_is_wrong(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct target t;
	size_t len;
	u8 *data;
	int rc;

	start_target(test, &t, &config);
	/* KASAN notices a look beyond the end of an allocation of just this length. */
	for (len = 0; len < t.good.len; len++) {
		data = kmemdup(t.good.data, len ?: 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, data);
		rc = xengt_vgpu_restore(t.guest->vgpu, data, len);
		kfree(data);
		if (rc != -EINVAL)
			KUNIT_FAIL(test, "%zu bytes: %d", len, rc);
		/* Also if the head agrees, and counts fewer PPGTTs */
		if (len < HEAD)
			continue;
		set_field(&t.bad, LENGTH, 8, len);
		set_field(&t.bad, NR_ROOTS, 4, len >= ROOT(1));
		rc = xengt_vgpu_restore(t.guest->vgpu, t.bad.data, len);
		if (rc != (len == ROOT(0) || len == ROOT(1) ? 0 : -EINVAL))
			KUNIT_FAIL(test, "%zu bytes that the head knows: %d", len, rc);
		if (!rc)
			xengt_vgpu_reset(t.guest->vgpu, XENGT_RESET_ALL);
	}
	expect_untouched(test, &t);
	data = kzalloc(t.good.len + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	memcpy(data, t.good.data, t.good.len);
	for (len = t.good.len + 1; len <= t.good.len + 8; len++)
		KUNIT_EXPECT_EQ(test, xengt_vgpu_restore(t.guest->vgpu, data, len), -EINVAL);
	kfree(data);
	expect_untouched(test, &t);
	end_target(test, &t);
}

/* No PPGTT comes twice, and none before one that it ought to follow. */
static void ppgtts_are_in_order(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct target t;

	start_target(test, &t, &config);
	memcpy(t.bad.data + ROOT(0), t.good.data + ROOT(1), ROOT_SIZE);
	expect_refused(test, &t, -EINVAL, "a PPGTT twice", 0);
	memcpy(t.bad.data + ROOT(0), t.good.data + ROOT(1), ROOT_SIZE);
	memcpy(t.bad.data + ROOT(1), t.good.data + ROOT(0), ROOT_SIZE);
	expect_refused(test, &t, -EINVAL, "PPGTTs in disorder", 0);
	end_target(test, &t);
}

/*
 * Whatever is accepted does nothing that a guest could not do, and a reset ends it. Returns whether
 * it was accepted.
 */
static bool try_random(struct kunit *test, struct target *t, u32 round)
{
	int rc = restore_vgpu(t->guest->vgpu, &t->bad);

	gpu_check();
	if (!rc)
		KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(t->guest->vgpu, XENGT_RESET_ALL), 0);
	if (!rc || round % 8 == 0)
		expect_untouched(test, t);
	return !rc;
}

static void random_bytes_do_no_harm(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .quota = "64", .tables = "16" };
	struct rnd_state rnd;
	unsigned int accepted = 0;
	struct target t;
	u32 round, n;

	start_target(test, &t, &config);
	prandom_seed_state(&rnd, 20260101);
	for (round = 0; round < 1500; round++) {
		memcpy(t.bad.data, t.good.data, t.good.len);
		/* All of it; or some bytes of the head, of the entries or of the roots */
		if (round % 50 == 0)
			prandom_bytes_state(&rnd, t.bad.data, t.bad.len);
		for (n = prandom_u32_state(&rnd) % 4; n; n--) {
			static const size_t from[] = { 0, ENTRY(0), ROOT(0), ROOT(2) };
			u32 part = prandom_u32_state(&rnd) % 3;

			t.bad.data[from[part] + prandom_u32_state(&rnd) %
				   (from[part + 1] - from[part])] = prandom_u32_state(&rnd);
		}
		accepted += try_random(test, &t, round);
	}
	/* Neither all nor none of them are accepted. */
	KUNIT_EXPECT_GT(test, accepted, 100u);
	KUNIT_EXPECT_LT(test, accepted, 1300u);
	ppgtt_guest_stop(t.guest);
}

/* Where it does not fit */

static void move_range_0(struct xengt_vgpu *vgpu)
{
	vgpu->config.base[0] += PAGE_SIZE;
}

static void move_range_1(struct xengt_vgpu *vgpu)
{
	vgpu->config.base[1] -= PAGE_SIZE;
}

static void grow_range_0(struct xengt_vgpu *vgpu)
{
	vgpu->config.size[0] += PAGE_SIZE;
}

static void shrink_range_1(struct xengt_vgpu *vgpu)
{
	vgpu->config.size[1] -= PAGE_SIZE;
}

static void swap_ranges(struct xengt_vgpu *vgpu)
{
	swap(vgpu->config.base[0], vgpu->config.base[1]);
	swap(vgpu->config.size[0], vgpu->config.size[1]);
}

static void shift_border(struct xengt_vgpu *vgpu)
{
	vgpu->config.size[0] += PAGE_SIZE;
	vgpu->config.size[1] -= PAGE_SIZE;
}

static void more_fences(struct xengt_vgpu *vgpu)
{
	vgpu->config.fences++;
}

static void other_generation(struct xengt_vgpu *vgpu)
{
	vgpu->config.generation = 9;
}

static void other_share_is_refused(struct kunit *test)
{
	static const struct {
		void (*change)(struct xengt_vgpu *vgpu);
		int error;
	} changes[] = {
		{ move_range_0, -ERANGE }, { move_range_1, -ERANGE }, { grow_range_0, -ERANGE },
		{ shrink_range_1, -ERANGE }, { swap_ranges, -ERANGE }, { shift_border, -ERANGE },
		{ more_fences, -EXDEV }, { other_generation, -EXDEV },
	};
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned long refs;
	struct saved saved;
	unsigned int i;

	guest_write(test, VGPU_FIRST + 1, PTE(100));
	guest_write(test, VGPU_HIGH_FIRST + 1, PTE(101));
	saved = save_vgpu(test, vgpu);
	stop_vgpu(vgpu);
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		vgpu = new_vgpu(test, DOM);
		changes[i].change(vgpu);
		KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
		refs = fake_total_refs();
		KUNIT_EXPECT_EQ_MSG(test, restore_vgpu(vgpu, &saved), changes[i].error,
				    "change %u", i);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
		KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_SHADOWED), 0ull);
		KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST + 1), 0ull);
		stop_vgpu(vgpu);
	}
}

static void used_virtual_gpu_is_refused(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct target t;

	start_target(test, &t, &config);
	/* A PPGTT of anybody's */
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(t.guest->vgpu, &t.work.four.root), 0);
	KUNIT_EXPECT_EQ(test, restore_vgpu(t.guest->vgpu, &t.good), -EBUSY);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(t.guest->vgpu, &t.work.four.root), 0);
	expect_untouched(test, &t);
	/* An entry that was 0 then, and one that was not */
	ppgtt_guest_put_ggtt(t.guest, 0, PLAIN_FIRST + 20, PTE(100));
	KUNIT_EXPECT_EQ(test, restore_vgpu(t.guest->vgpu, &t.good), -EBUSY);
	ppgtt_guest_put_ggtt(t.guest, 0, PLAIN_FIRST + 20, 0);
	ppgtt_guest_put_ggtt(t.guest, 0, PLAIN_FIRST + NR_PLAIN - 1, PTE(100));
	KUNIT_EXPECT_EQ(test, restore_vgpu(t.guest->vgpu, &t.good), -EBUSY);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST + NR_PLAIN - 1, DOM, 100));
	/* One that is as it was is no hindrance. */
	ppgtt_guest_put_ggtt(t.guest, 0, PLAIN_FIRST + NR_PLAIN - 1, plain_entry(NR_PLAIN - 1));
	end_target(test, &t);
}

/* The entries in RAM at the GTT come with the guest's memory. */
static void entries_in_adopted_ram_may_be_there(struct kunit *test)
{
	static const struct hybrid_config config = {
		.mode = XENGT_MODE_HYBRID, .first = 1, .pages = 2, .room = 2,
	};
	struct xengt_vgpu *vgpu = start_hybrid(test, &config);
	u64 *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct saved saved;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < 8; i++)
		hybrid_put(test, FIRST + i, PTE(100 + i));
	saved = save_vgpu(test, vgpu);
	stop_hybrid(test, vgpu);
	for (i = 0; i < 8; i++)
		page[i] = PTE(100 + i);
	fake_gfn_populate(DOM, GTT_GFN(1));
	fake_guest_write(DOM, GTT_GFN(1) << PAGE_SHIFT, page, PAGE_SIZE);
	vgpu = new_hybrid(test, &config);
	vgpu->config.adopt_ram = 1;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, hybrid_get(test, FIRST + 7), PTE(107));
	KUNIT_EXPECT_EQ(test, restore_vgpu(vgpu, &saved), 0);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST + i, DOM, 100 + i));
	xengt_vgpu_destroy(vgpu);
}

static void quota_of_ppgtts_undoes_the_restore(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "1" };
	struct target t;

	start_target(test, &t, &config);
	KUNIT_EXPECT_EQ(test, restore_vgpu(t.guest->vgpu, &t.good), -ENOSPC);
	KUNIT_EXPECT_GT(test, ppgtt_guest_count("tables_made"), 0ull);
	expect_untouched(test, &t);
	ppgtt_guest_stop(t.guest);
}

static void gen7_guest_has_no_ppgtts(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct saved saved = save_vgpu(test, guest->vgpu), more = {};
	size_t at = saved.len;

	more.len = at + ROOT_SIZE;
	more.data = kunit_kzalloc(test, more.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, more.data);
	memcpy(more.data, saved.data, at);
	set_field(&more, LENGTH, 8, more.len);
	set_field(&more, NR_ROOTS, 4, 1);
	set_field(&more, at + ROOT_LEVELS, 4, 2);
	set_field(&more, at + ROOT_PDP(0), 8, DIRECTORY(0) << PAGE_SHIFT);
	set_field(&more, at + ROOT_ANNOUNCED, 4, 1);
	KUNIT_EXPECT_EQ(test, restore_vgpu(guest->vgpu, &more), -EINVAL);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	KUNIT_EXPECT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	ppgtt_guest_stop(guest);
}

/* Mediators */

/* The buffer for restore_at_start(): the operation has only the fixture's data. */
static struct saved at_start;
static int restored;

static int restore_at_start(void *data)
{
	struct mediator *m = data;

	restored = restore_vgpu(m->vgpu, &at_start);
	WRITE_ONCE(m->running, true);
	return 0;
}

static struct mediator *start_restoring(struct kunit *test, u32 caps)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, caps);

	m->ops.start = restore_at_start;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	gpu_set_drained(DOM, vgpu->domain);
	return m;
}

static void mediator_restores_in_its_start(struct kunit *test)
{
	struct mediator *m = mediator_start(test, 1);
	u64 value;

	guest_write(test, VGPU_FIRST + 1, PTE(100));
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, DISPLAY_READY, 1, 4), 0);
	at_start = save_vgpu(test, m->vgpu);
	mediator_end(m);
	m = start_restoring(test, XENGT_CAPS_ALL);
	KUNIT_EXPECT_EQ(test, restored, 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + 1, DOM, 100));
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, DISPLAY_READY, 4, &value), 0);
	KUNIT_EXPECT_EQ(test, (u32)value, 1u);
	KUNIT_EXPECT_EQ(test, m->calls[MEDIATED_DISPLAY_READY], 0u);
	mediator_end(m);
}

/* The guest announced a PPGTT though none was offered, and moves to where it can have none. */
static void guest_without_ppgtts_gets_none(struct kunit *test)
{
	struct mediator *m;
	u8 *root;

	fake_domain_set_hap(DOM, false);
	at_start = (struct saved){};
	m = start_restoring(test, 0);
	at_start.data = kunit_kzalloc(test, HEAD + 8 * (VGPU_N + VGPU_HIGH_N) + ROOT_SIZE,
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, at_start.data);
	at_start.len = HEAD + 8 * (VGPU_N + VGPU_HIGH_N);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(m->vgpu, at_start.data, &at_start.len), 0);
	root = at_start.data + at_start.len;
	at_start.len += ROOT_SIZE;
	set_field(&at_start, LENGTH, 8, at_start.len);
	set_field(&at_start, NR_ROOTS, 4, 1);
	root[ROOT_LEVELS] = 4;
	root[ROOT_ANNOUNCED] = 1;
	KUNIT_EXPECT_EQ(test, restore_vgpu(m->vgpu, &at_start), -EOPNOTSUPP);
	mediator_end(m);
}

static void virtual_gpu_has_to_run(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct saved saved;
	size_t len = 12345;
	u64 buf;

	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(vgpu, &buf, &len), -ENODEV);
	KUNIT_EXPECT_EQ(test, len, (size_t)12345);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_restore(vgpu, &buf, 8), -ENODEV);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	saved = save_vgpu(test, vgpu);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, READ_ONCE(vgpu->gtt.ended));
	KUNIT_EXPECT_EQ(test, restore_vgpu(vgpu, &saved), -ENODEV);
	len = saved.len;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(vgpu, saved.data, &len), -ENODEV);
	stop_vgpu(vgpu);
}

/* Failures */

static void order_call(unsigned int nth)
{
	fake_xen_fail_call(FAKE_CALL_ANY, nth, -EIO);
}

static bool end_call(void)
{
	bool pending = fake_xen_fail_pending();

	fake_xen_fail_nothing();
	return pending;
}

static void order_alloc(unsigned int nth)
{
	fake_fail_alloc(nth);
}

/*
 * Restores with one failure. The virtual GPU is as it was, or everything is restored but for what
 * is scratch; that ends with the failure. Returns false if there was no failure.
 */
static bool restore_with_failure(struct kunit *test, struct target *t,
				 void (*order)(unsigned int nth), bool (*end)(void),
				 unsigned int nth)
{
	bool pending;
	int rc;

	order(nth);
	rc = restore_vgpu(t->guest->vgpu, &t->good);
	pending = end();
	gpu_check();
	if (rc) {
		KUNIT_EXPECT_EQ_MSG(test, rc, -ENOMEM, "failure %u", nth);
		expect_untouched(test, t);
		KUNIT_EXPECT_EQ(test, restore_vgpu(t->guest->vgpu, &t->good), 0);
	}
	ppgtt_guest_balloon_event(t->guest);
	expect_entries(t->guest);
	expect_tables(&t->work);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(t->guest->vgpu, XENGT_RESET_ALL), 0);
	expect_untouched(test, t);
	return !pending;
}

static void every_allocation_can_fail(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	unsigned int nth;
	struct target t;

	start_target(test, &t, &config);
	for (nth = 1; nth < 300; nth++) {
		if (!restore_with_failure(test, &t, order_alloc, fake_fail_alloc_stop, nth))
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 8u);
	KUNIT_EXPECT_LT(test, nth, 300u);
	end_target(test, &t);
}

static void every_hypercall_can_fail(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	unsigned int nth;
	struct target t;

	start_target(test, &t, &config);
	for (nth = 1; nth < 200; nth++) {
		if (!restore_with_failure(test, &t, order_call, end_call, nth))
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 8u);
	KUNIT_EXPECT_LT(test, nth, 200u);
	end_target(test, &t);
}

static int saved_mode_init(struct kunit *test)
{
	const struct saved_param *param = test->param_value;

	start_modules(test, param->dom0);
	module_param_set("xengt.unsync_writes", "2");
	return 0;
}

static struct kunit_case saved_mode_cases[] = {
	KUNIT_CASE_PARAM(guest_goes_on_after_a_restore, next_param),
	KUNIT_CASE_PARAM(what_was_written_last_is_saved, next_param),
	{}
};

static struct kunit_suite saved_mode_suite = {
	.name = "xengt_saved_mode",
	.init = saved_mode_init,
	.exit = stop_modules,
	.test_cases = saved_mode_cases,
};

static struct kunit_case saved_cases[] = {
	KUNIT_CASE_PARAM(other_domain_gets_the_share, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_guest_goes_on, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcements_of_the_mediator_are_not_saved, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(driver_may_load_meanwhile, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(any_number_of_announcements_is_restored_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_are_mapped_in_one_batch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtt_costs_one_announcement, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(restore_waits_for_balloon_events, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(buffer_that_is_too_small_is_told_what_is_needed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(each_field_is_checked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(each_length_but_one_is_wrong, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtts_are_in_order, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(random_bytes_do_no_harm, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(other_share_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(used_virtual_gpu_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_in_adopted_ram_may_be_there, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_of_ppgtts_undoes_the_restore, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_guest_has_no_ppgtts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_restores_in_its_start, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_without_ppgtts_gets_none, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(virtual_gpu_has_to_run, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_allocation_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_hypercall_can_fail, both_dom0s_gen_params),
	{}
};

static struct kunit_suite saved_suite = {
	.name = "xengt_saved",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = saved_cases,
};

kunit_test_suites(&saved_mode_suite, &saved_suite);
