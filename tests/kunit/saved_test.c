// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of saving and restoring what is known of a guest (vgpu/saved.c): what the guest finds
 * afterwards, and what the restore costs, on both kinds of dom0. saved_refused_test.c has what is
 * refused, and failures.
 */

#include <linux/string.h>

#include "vgpu/shadow/dirty.h"
#include "hybrid_fixture.h"
#include "mediator_fixture.h"
#include "modules.h"
#include "saved_fixture.h"

/* The guest's part of PVINFO, in bytes */
#define PVINFO_GUEST	0x800
#define PVINFO_END	0x860
#define PVINFO_FIELDS	((PVINFO_END - PVINFO_GUEST) / 8)

/* A table that only the mediator announces */
#define MEDIATORS	650ull

static u64 get_field(const struct saved *saved, size_t at, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, saved->data + at, size);
	return value;
}

/* What the guest reads of its part of PVINFO */
static void read_pvinfo(struct kunit *test, u64 *fields)
{
	unsigned int at;

	for (at = PVINFO_GUEST; at < PVINFO_END; at += 8)
		KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, PVINFO + at, 8, fields++), 0);
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

	saved_do_work(guest, &work);
	read_pvinfo(test, before);
	saved = save_vgpu(test, guest->vgpu);
	had = saved_held_by(guest);
	guest = saved_start_again(guest, &param->config);
	saved_go_on(guest, &work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	has = saved_held_by(guest);
	saved_expect_held(test, &has, &had);
	/* What is known is the same. */
	again = save_vgpu(test, guest->vgpu);
	KUNIT_ASSERT_EQ(test, again.len, saved.len);
	KUNIT_EXPECT_EQ(test, memcmp(again.data, saved.data, saved.len), 0);
	saved_expect_entries(guest);
	read_pvinfo(test, after);
	KUNIT_EXPECT_EQ(test, memcmp(before, after, sizeof(before)), 0);
	saved_expect_tables(&work);
	/* Writes still get into the shadow. */
	ppgtt_guest_put(guest, L1, 3, PTE(250));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(320));
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 320));
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&work.four), 0);
	chain_expect_page(&work.four, PAGE_AT(3), 250);
	ppgtt_unpin(&work.four);
	saved_end_work(&work);
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
	guest = saved_start_again(guest, &config);
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

/* Who announced what */

static void announcements_of_the_mediator_are_not_saved(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt mediators = ppgtt_4(guest, MEDIATORS);
	struct saved saved;
	struct work work;

	saved_do_work(guest, &work);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &work.four.root), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &mediators.root), 0);
	saved = save_vgpu(test, guest->vgpu);
	KUNIT_EXPECT_EQ(test, saved.len, (size_t)ROOT(2));
	KUNIT_EXPECT_EQ(test, get_field(&saved, ROOT(0) + ROOT_ANNOUNCED, 4), 1ull);
	KUNIT_EXPECT_EQ(test, get_field(&saved, ROOT(1) + ROOT_ANNOUNCED, 4), 2ull);
	guest = saved_start_again(guest, &config);
	saved_go_on(guest, &work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &work.four.root), -ENOENT);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &mediators.root), -ENOENT);
	saved_end_work(&work);
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

	guest = saved_start_again(guest, &config);
	saved_go_on(guest, work);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	return guest;
}

/* 14: a driver of the guest's loads while the guest moves, and its predecessor's tables end. */
static void driver_may_load_meanwhile(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct work work;

	saved_do_work(guest, &work);
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

	saved_do_work(guest, &work);
	saved = save_vgpu(test, guest->vgpu);
	saved_set_field(&saved, ROOT(1) + ROOT_ANNOUNCED, 4, U32_MAX);
	saved_set_field(&saved, ROOT(1) + ROOT_OLD, 4, U32_MAX - 1);
	guest = saved_start_again(guest, &config);
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
	guest = saved_start_again(guest, &config);
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

	saved_put_tables(guest, &work);
	ppgtt_notify(&work.four, true);
	ppgtt_notify(&work.four, true);
	ppgtt_notify(&work.four, true);
	saved = save_vgpu(test, guest->vgpu);
	guest = saved_start_again(guest, &config);
	calls = fake_xen_calls(FAKE_CALL_ANY);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(guest->vgpu, &work.four.root), 0);
	calls = fake_xen_calls(FAKE_CALL_ANY) - calls;
	KUNIT_EXPECT_GT(test, calls, 4ul);
	guest = saved_start_again(guest, &config);
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
	guest = saved_start_again(guest, &config);
	events = debugfs_value("xen_gpu_map/domains/5", "revalidations");
	KUNIT_EXPECT_EQ(test, fake_vcpu_invalidate(DOM, 0), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "revalidations"), events);
	KUNIT_ASSERT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "revalidations"), events + 1);
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

static struct mediator *start_restoring(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

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
	m = start_restoring(test);
	KUNIT_EXPECT_EQ(test, restored, 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + 1, DOM, 100));
	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, DISPLAY_READY, 4, &value), 0);
	KUNIT_EXPECT_EQ(test, (u32)value, 1u);
	KUNIT_EXPECT_EQ(test, m->calls[MEDIATED_DISPLAY_READY], 0u);
	mediator_end(m);
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
	KUNIT_CASE_PARAM(entries_in_adopted_ram_may_be_there, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(announcements_of_the_mediator_are_not_saved, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(driver_may_load_meanwhile, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(any_number_of_announcements_is_restored_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_are_mapped_in_one_batch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtt_costs_one_announcement, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(restore_waits_for_balloon_events, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(mediator_restores_in_its_start, both_dom0s_gen_params),
	{}
};

static struct kunit_suite saved_suite = {
	.name = "xengt_saved",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = saved_cases,
};

kunit_test_suites(&saved_mode_suite, &saved_suite);
