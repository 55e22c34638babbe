// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of saves and restores that are refused or fail (vgpu/saved.c): wrong buffers, virtual GPUs
 * into which nothing is restored, and failures of hypercalls and allocations. Nothing in a buffer
 * can do harm, and after an error the virtual GPU is as it was. On both kinds of dom0.
 */

#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mediator_fixture.h"
#include "modules.h"
#include "saved_fixture.h"

/* Buffers */

static void buffer_that_is_too_small_is_told_what_is_needed(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct work work;
	u8 *data = kunit_kzalloc(test, ROOT(2) + 16, GFP_KERNEL);
	size_t size, len;

	KUNIT_ASSERT_NOT_NULL(test, data);
	saved_do_work(guest, &work);
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
	saved_end_work(&work);
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

static struct saved copy_saved(struct kunit *test, const struct saved *from)
{
	struct saved saved = { .len = from->len };

	saved.data = kunit_kzalloc(test, saved.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved.data);
	memcpy(saved.data, from->data, saved.len);
	return saved;
}

static void start_target(struct kunit *test, struct target *t,
			 const struct ppgtt_guest_config *config)
{
	const struct ppgtt_guest_config plain = {};

	t->guest = chain_start_guest(test, &plain);
	saved_do_work(t->guest, &t->work);
	t->good = save_vgpu(test, t->guest->vgpu);
	KUNIT_ASSERT_EQ(test, t->good.len, (size_t)ROOT(2));
	t->guest = saved_start_again(t->guest, config);
	saved_go_on(t->guest, &t->work);
	t->bad = copy_saved(test, &t->good);
	t->blank = save_vgpu(test, t->guest->vgpu);
	t->found = copy_saved(test, &t->good);
	t->idle = saved_held_by(t->guest);
}

/* The virtual GPU is as it was: nothing is known, and nothing is held. */
static void expect_untouched(struct kunit *test, struct target *t)
{
	struct held held = saved_held_by(t->guest);

	saved_expect_held(test, &held, &t->idle);
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
	saved_expect_entries(t->guest);
	saved_expect_tables(&t->work);
	saved_end_work(&t->work);
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
		saved_set_field(&t.bad, fields[i].at, fields[i].size, fields[i].value);
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
		saved_set_field(&t.bad, LENGTH, 8, len);
		saved_set_field(&t.bad, NR_ROOTS, 4, len >= ROOT(1));
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
	ppgtt_guest_put_ggtt(t.guest, 0, PLAIN_FIRST + NR_PLAIN - 1,
			     saved_plain_entry(NR_PLAIN - 1));
	end_target(test, &t);
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
	saved_set_field(&more, LENGTH, 8, more.len);
	saved_set_field(&more, NR_ROOTS, 4, 1);
	saved_set_field(&more, at + ROOT_LEVELS, 4, 2);
	saved_set_field(&more, at + ROOT_PDP(0), 8, DIRECTORY(0) << PAGE_SHIFT);
	saved_set_field(&more, at + ROOT_ANNOUNCED, 4, 1);
	KUNIT_EXPECT_EQ(test, restore_vgpu(guest->vgpu, &more), -EINVAL);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	KUNIT_EXPECT_EQ(test, restore_vgpu(guest->vgpu, &saved), 0);
	ppgtt_guest_stop(guest);
}

/* The guest announced a PPGTT though none was offered, and moves to where it can have none. */
static void guest_without_ppgtts_gets_none(struct kunit *test)
{
	struct saved saved = { .len = HEAD + 8 * (VGPU_N + VGPU_HIGH_N) };
	struct xengt_vgpu *vgpu;
	struct mediator *m;
	u8 *root;

	fake_domain_set_hap(DOM, false);
	vgpu = new_vgpu(test, DOM);
	m = mediator_new(test, vgpu, 0);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	gpu_set_drained(DOM, vgpu->domain);
	saved.data = kunit_kzalloc(test, saved.len + ROOT_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved.data);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(vgpu, saved.data, &saved.len), 0);
	root = saved.data + saved.len;
	saved.len += ROOT_SIZE;
	saved_set_field(&saved, LENGTH, 8, saved.len);
	saved_set_field(&saved, NR_ROOTS, 4, 1);
	root[ROOT_LEVELS] = 4;
	root[ROOT_ANNOUNCED] = 1;
	KUNIT_EXPECT_EQ(test, restore_vgpu(vgpu, &saved), -EOPNOTSUPP);
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
	saved_expect_entries(t->guest);
	saved_expect_tables(&t->work);
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

static struct kunit_case saved_refused_cases[] = {
	KUNIT_CASE_PARAM(buffer_that_is_too_small_is_told_what_is_needed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(each_field_is_checked, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(each_length_but_one_is_wrong, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtts_are_in_order, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(random_bytes_do_no_harm, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(other_share_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(used_virtual_gpu_is_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(quota_of_ppgtts_undoes_the_restore, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_guest_has_no_ppgtts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_without_ppgtts_gets_none, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(virtual_gpu_has_to_run, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_allocation_can_fail, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(every_hypercall_can_fail, both_dom0s_gen_params),
	{}
};

static struct kunit_suite saved_refused_suite = {
	.name = "xengt_saved_refused",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = saved_refused_cases,
};

kunit_test_suite(saved_refused_suite);
