// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of mapping (map/map.c): batches, users, quotas, limits and access, on every backend.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "fake_xen.h"
#include "map_fixture.h"
#include "modules.h"

/* 1: Xen holds one reference for each GFN, however many users it has. */
static void one_reference_for_any_number_of_users(struct kunit *test)
{
	const u64 gfns[] = { 7, 7, 9, 7 };
	struct mediator *user = start_user(test, 64, 64);
	struct mapped m;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 4, &m), 4u);
		KUNIT_EXPECT_EQ(test, m.bfn[0], m.bfn[1]);
		KUNIT_EXPECT_EQ(test, m.bfn[0], m.bfn[3]);
		KUNIT_EXPECT_NE(test, m.bfn[0], m.bfn[2]);
	}
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, 7)), 1u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 2ul);
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, counter("refs_taken"), 12ull);
	KUNIT_EXPECT_EQ(test, counter("mapped"), 2ull);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[0], DOM, 7));
		release_gfns(user, gfns, 4);
	}
	KUNIT_EXPECT_EQ(test, counter("live"), 0ull);
	KUNIT_EXPECT_EQ(test, counter("idle"), 2ull);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

/*
 * 1: the first of several releases does not drop the reference, even if idle pages are unmapped at
 * once.
 */
static void reference_stays_until_the_last_release(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	const u64 gfn = 5;
	struct mapped m;

	map_gfns(user, &gfn, 1, &m);
	map_gfns(user, &gfn, 1, &m);
	release_gfns(user, &gfn, 1);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, gfn)), 1u);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[0], DOM, gfn));
	release_gfns(user, &gfn, 1);
	flush(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	stop_user(test, user);
}

static void batches_of_512_take_one_hypercall(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 1024);
	u64 *gfns = kunit_kmalloc_array(test, 512, sizeof(*gfns), GFP_KERNEL);
	u64 *bfns = kunit_kmalloc_array(test, 512, sizeof(*bfns), GFP_KERNEL);
	int *status = kunit_kmalloc_array(test, 512, sizeof(*status), GFP_KERNEL);
	unsigned long unmap, flushes;
	unsigned int i;

	for (i = 0; i < 512; i++)
		gfns[i] = 512 + i;
	KUNIT_EXPECT_EQ(test, xen_gpu_map(&user->client, gfns, 512, XEN_GPU_MAP_WRITE, bfns,
					  status), 512u);
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, counter("map_batch_512"), 1ull);
	for (i = 0; i < 512; i++)
		KUNIT_EXPECT_TRUE(test, fake_dma_reaches(bfns[i], DOM, gfns[i]));

	/* Mapping the same pages again takes no hypercall. */
	release_gfns(user, gfns, 512);
	KUNIT_EXPECT_EQ(test, xen_gpu_map(&user->client, gfns, 512, XEN_GPU_MAP_WRITE, bfns,
					  status), 512u);
	KUNIT_EXPECT_EQ(test, map_calls(), 1ul);
	KUNIT_EXPECT_EQ(test, counter("revived"), 512ull);

	release_gfns(user, gfns, 512);
	unmap = unmap_calls();
	flushes = fake_xen_flushes();
	flush(user);
	KUNIT_EXPECT_EQ(test, unmap_calls() - unmap, platform(test)->batched_unmap ? 1ul : 512ul);
	if (platform(test)->isolates)
		KUNIT_EXPECT_EQ(test, fake_xen_flushes() - flushes, unmap_calls() - unmap);
	KUNIT_EXPECT_EQ(test, counter("unmapped"), 512ull);
	KUNIT_EXPECT_EQ(test, counter("drained_flush"), 512ull);
	stop_user(test, user);
}

static void batch_may_be_unordered_and_have_duplicates(struct kunit *test)
{
	struct mediator *user = start_user(test, 4096, 4096);
	u64 *gfns = kunit_kmalloc_array(test, 4096, sizeof(*gfns), GFP_KERNEL);
	u64 *bfns = kunit_kmalloc_array(test, 4096, sizeof(*bfns), GFP_KERNEL);
	int *status = kunit_kmalloc_array(test, 4096, sizeof(*status), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i, bad = 0;

	prandom_seed_state(&rnd, 42);
	for (i = 0; i < 4096; i++)
		gfns[i] = prandom_u32_state(&rnd) % 1500;
	KUNIT_EXPECT_EQ(test, xen_gpu_map(&user->client, gfns, 4096, XEN_GPU_MAP_WRITE, bfns,
					  status), 4096u);
	for (i = 0; i < 4096; i++)
		bad += status[i] || !fake_dma_reaches(bfns[i], DOM, gfns[i]) ||
		       fake_mfn_refs(fake_gfn_mfn(DOM, gfns[i])) != 1;
	KUNIT_EXPECT_EQ(test, bad, 0u);
	release_gfns(user, gfns, 4096);
	stop_user(test, user);
}

/* 6: each entry has its own status, and an error does not stop the rest of the batch. */
static void each_entry_has_its_own_status(struct kunit *test)
{
	const u64 gfns[] = { 3, 70, 4, 5, 6, 7, XEN_GPU_MAX_GFN + 1, 8 };
	const int wanted[] = { 0, -ENOENT, 0, -EPERM, -ENOENT, -ENOMEM, -ENOENT, 0 };
	struct mediator *user = start_user(test, 64, 64);
	struct mapped m;
	unsigned int i;

	fake_xen_fail_gfn(DOM, 5, -EPERM);
	fake_xen_fail_gfn(DOM, 7, -ENOMEM);
	fake_gfn_remove(DOM, 6);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 8, &m), 3u);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ_MSG(test, m.status[i], wanted[i], "entry %u", i);
		KUNIT_EXPECT_EQ(test, !m.bfn[i], !!wanted[i]);
		if (!wanted[i]) {
			KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[i], DOM, gfns[i]));
			release_gfns(user, &gfns[i], 1);
		}
	}
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 3ul);
	KUNIT_EXPECT_EQ(test, counter("fail_noent"), 3ull);
	KUNIT_EXPECT_EQ(test, counter("fail_perm"), 1ull);
	KUNIT_EXPECT_EQ(test, counter("fail_nomem"), 1ull);
	stop_user(test, user);
}

/* 6: any entry of a batch can fail. */
static void any_entry_of_a_batch_can_fail(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	u64 gfns[16];
	struct mapped m;
	unsigned int bad, i;

	for (i = 0; i < 16; i++)
		gfns[i] = 20 + i;
	for (bad = 0; bad < 16; bad++) {
		fake_xen_fail_entry(bad, -ENOMEM);
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 16, &m), 15u);
		for (i = 0; i < 16; i++) {
			KUNIT_EXPECT_EQ(test, m.status[i], i == bad ? -ENOMEM : 0);
			if (i != bad) {
				KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[i], DOM, gfns[i]));
				release_gfns(user, &gfns[i], 1);
			}
		}
		flush(user);
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	}
	stop_user(test, user);
}

/* 6, 9: any hypercall can fail, from getting the domain to unmapping the last page. */
static void any_hypercall_can_fail(struct kunit *test)
{
	const u64 gfns[] = { 1, 2, 600, 1 };
	struct mapped m;
	unsigned int nth, i;
	bool failed = true;

	start_service(test, 1024);
	for (nth = 1; failed && nth < 50; nth++) {
		struct mediator *user;

		fake_xen_fail_call(FAKE_CALL_ANY, nth, -ENOMEM);
		user = new_user(test, 64);
		if (!IS_ERR(user)) {
			map_gfns(user, gfns, 4, &m);
			for (i = 0; i < 4; i++) {
				if (m.status[i])
					continue;
				KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[i], DOM, gfns[i]));
				release_gfns(user, &gfns[i], 1);
			}
			free_user(user);
		}
		failed = !fake_xen_fail_pending();
		fake_xen_fail_nothing();
		KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "hypercall %u", nth);
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GT(test, nth, 3u);
}

/* 6, 9: any allocation can fail. */
static void any_allocation_can_fail(struct kunit *test)
{
	const u64 gfns[] = { 1, 2, 600, 1 };
	bool pending = false;
	struct mapped m;
	unsigned int nth, i;

	start_service(test, 1024);
	for (nth = 1; !pending && nth < 200; nth++) {
		struct mediator *user;

		fake_fail_alloc(nth);
		user = new_user(test, 64);
		if (!IS_ERR(user)) {
			map_gfns(user, gfns, 4, &m);
			pending = fake_fail_alloc_stop();
			for (i = 0; i < 4; i++) {
				if (m.status[i])
					continue;
				KUNIT_EXPECT_TRUE(test, fake_dma_reaches(m.bfn[i], DOM, gfns[i]));
				release_gfns(user, &gfns[i], 1);
			}
			free_user(user);
		}
		fake_fail_alloc_stop();
		KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "allocation %u", nth);
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GT(test, nth, 3u);
}

/* 8: the quota bounds the mapped pages. */
static void quota_bounds_what_is_mapped(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 8);
	u64 gfns[10];
	struct mapped m;
	unsigned int i;

	for (i = 0; i < 10; i++)
		gfns[i] = i;
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 10, &m), 8u);
	KUNIT_EXPECT_EQ(test, m.status[9], -ENOSPC);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	KUNIT_EXPECT_EQ(test, counter("fail_quota"), 2ull);
	/* A mapped page can be mapped again at the quota. */
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 8, &m), 8u);
	release_gfns(user, gfns, 8);
	/* As many idle pages are unmapped as are needed. */
	release_gfns(user, gfns, 3);
	KUNIT_EXPECT_EQ(test, map_gfns(user, gfns + 8, 2, &m), 2u);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 8ul);
	KUNIT_EXPECT_EQ(test, counter("drained_quota"), 1ull + 1ull);
	release_gfns(user, gfns + 3, 7);
	stop_user(test, user);
}

/* 8: a GFN that does not exist leaves no memory allocated. */
static void missing_gfns_allocate_nothing(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	u64 gfns[64];
	struct mapped m;
	unsigned int round, i;

	for (round = 0; round < 16; round++) {
		for (i = 0; i < 64; i++)
			gfns[i] = (round * 64 + i + 1) * 512ull * 77;
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 64, &m), 0u);
	}
	KUNIT_EXPECT_EQ(test, counter("blocks"), 0ull);
	KUNIT_EXPECT_EQ(test, fake_pv_tables(), 0u);
	stop_user(test, user);
}

/* 5: a BFN that does not fit is an error. It is never truncated. */
static void bfn_beyond_the_limit_is_refused(struct kunit *test)
{
	const unsigned long high = 1ul << (39 - PAGE_SHIFT);
	const u64 gfns[] = { 1, 2 };
	struct mediator *user;
	struct mapped m;

	start_service(test, 64);
	fake_gfn_populate_at(DOM, 1, high);
	user = new_user(test, 64);
	if (platform(test)->bfn_is_frame) {
		KUNIT_ASSERT_FALSE(test, IS_ERR(user));
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 2, &m), 1u);
		KUNIT_EXPECT_EQ(test, m.status[0], -ERANGE);
		KUNIT_EXPECT_EQ(test, m.bfn[0], 0ull);
		KUNIT_EXPECT_EQ(test, counter("fail_range"), 1ull);
		release_gfns(user, gfns + 1, 1);
	} else {
		/* Here BFNs do not depend on the frame ... */
		KUNIT_ASSERT_FALSE(test, IS_ERR(user));
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 2, &m), 2u);
		KUNIT_EXPECT_LT(test, m.bfn[0], (u64)high);
		release_gfns(user, gfns, 2);
		/* ... but on the limit of the first user. */
		user->client.max_bfn = m.bfn[0];
		KUNIT_EXPECT_EQ(test, map_gfns(user, gfns, 2, &m), 1u);
		KUNIT_EXPECT_EQ(test, m.status[1], -ERANGE);
		KUNIT_EXPECT_EQ(test, m.bfn[1], 0ull);
		release_gfns(user, gfns, 1);
	}
	free_user(user);
	if (!platform(test)->bfn_is_frame) {
		struct xen_gpu_limits narrow = { .quota = 1, .max_bfn = 0x7ffff };

		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(DOM, &narrow)), -ENOSPC);
	}
}

/* Does making a page writable keep its BFN? */
static bool upgrades_in_place(struct kunit *test)
{
	return platform(test)->bfn_is_frame || !platform(test)->read_only;
}

static void read_only_mapping_is_upgraded_in_place(struct kunit *test)
{
	struct mediator *user;
	const u64 gfn = 5;
	unsigned long mfn;
	struct mapped m;
	u64 bfn;

	if (!upgrades_in_place(test))
		kunit_skip(test, "each mapping has a BFN of its own");
	user = start_user(test, 64, 64);
	mfn = fake_gfn_mfn(DOM, gfn);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], 0);
	KUNIT_EXPECT_EQ(test, fake_mfn_writable(mfn), !platform(test)->read_only);
	bfn = m.bfn[0];
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], 0);
	KUNIT_EXPECT_EQ(test, m.bfn[0], bfn);
	KUNIT_EXPECT_TRUE(test, fake_mfn_writable(mfn));
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	release_gfns(user, &gfn, 1);
	release_gfns(user, &gfn, 1);
	stop_user(test, user);
}

/* Where each mapping has a BFN of its own, the entries move to the writable one. */
static void read_only_mapping_moves_to_be_writable(struct kunit *test)
{
	struct mediator *user;
	const u64 gfn = 5;
	unsigned long mfn;
	struct mapped m;

	if (upgrades_in_place(test))
		kunit_skip(test, "mappings are upgraded in place");
	user = start_user(test, 64, 64);
	mfn = fake_gfn_mfn(DOM, gfn);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ, m.bfn, m.status);
	KUNIT_ASSERT_EQ(test, m.status[0], 0);
	KUNIT_EXPECT_FALSE(test, fake_mfn_writable(mfn));
	user_note(user, gfn, m.bfn[0]);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], -EAGAIN);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, 1u);
	KUNIT_EXPECT_EQ(test, user->nr_revalidated, 1u);
	KUNIT_EXPECT_TRUE(test, fake_mfn_writable(mfn));
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], 0);
	KUNIT_EXPECT_EQ(test, m.bfn[0], user_bfn(user, gfn));
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(mfn), 1u);
	release_gfns(user, &gfn, 1);
	stop_user(test, user);
}

/* Xen refuses write access: the read-only mapping stays. */
static void upgrade_that_fails_leaves_the_read_only_mapping(struct kunit *test)
{
	struct mediator *user;
	const u64 gfn = 5;
	struct mapped m;

	if (upgrades_in_place(test))
		kunit_skip(test, "mappings are upgraded in place");
	user = start_user(test, 64, 64);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ, m.bfn, m.status);
	user_note(user, gfn, m.bfn[0]);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], -EAGAIN);
	fake_xen_fail_gfn(DOM, gfn, -EACCES);
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone + user->nr_moved, 0u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], -EPERM);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* The GFN gets another frame between the read-only mapping and the upgrade. */
static void upgrade_that_finds_another_frame_waits_for_revalidation(struct kunit *test)
{
	struct mediator *user;
	const u64 gfn = 5;
	struct mapped m;

	if (!platform(test)->read_only || !upgrades_in_place(test))
		kunit_skip(test, "no read-only mapping is upgraded in place");
	user = start_user(test, 64, 64);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ, m.bfn, m.status);
	user_note(user, gfn, m.bfn[0]);
	fake_gfn_remove(DOM, gfn);
	fake_gfn_populate(DOM, gfn);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], -EAGAIN);
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_moved, 1u);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(user_bfn(user, gfn), DOM, gfn));
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_WRITE, m.bfn, m.status);
	KUNIT_EXPECT_EQ(test, m.status[0], 0);
	KUNIT_EXPECT_EQ(test, fake_mfn_refs(fake_gfn_mfn(DOM, gfn)), 1u);
	release_gfns(user, &gfn, 1);
	user_forget(user, gfn);
	stop_user(test, user);
}

/* Mapping a mapped page allocates nothing. */
static void mapped_pages_take_no_allocation(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 1024);
	const u64 gfns[] = { 600, 3, 4, 3 };
	struct mapped m;
	unsigned int i;

	map_gfns(user, gfns, 4, &m);
	fake_fail_alloc(1);
	for (i = 0; i < 3; i++) {
		map_gfns(user, gfns, 4, &m);
		release_gfns(user, gfns, 4);
		release_gfns(user, gfns, 4);
		map_gfns(user, gfns, 1, &m);
		map_gfns(user, gfns + 1, 3, &m);
	}
	KUNIT_EXPECT_TRUE(test, fake_fail_alloc_stop());
	KUNIT_EXPECT_EQ(test, counter("shared"), 3 * 5ull);
	KUNIT_EXPECT_EQ(test, counter("revived"), 3 * 3ull);
	release_gfns(user, gfns, 4);
	stop_user(test, user);
}

/* 9: the last put gives everything back at once, idle pages of any age included. */
static void put_gives_everything_back(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 1024);
	unsigned int i;

	for (i = 0; i < 600; i++)
		KUNIT_ASSERT_EQ(test, user_map(user, i), 0);
	user_unmap_all(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 600ul);
	free_user(user);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/total", "unmapped"),
			debugfs_value("xen_gpu_map/total", "mapped"));
}

static void users_of_a_guest_share_its_mappings(struct kunit *test)
{
	struct mediator *first = start_user(test, 64, 4);
	struct mediator *second = new_user(test, 64);
	const u64 gfn = 5;
	struct mapped a, b;

	KUNIT_ASSERT_FALSE(test, IS_ERR(second));
	map_gfns(first, &gfn, 1, &a);
	map_gfns(second, &gfn, 1, &b);
	KUNIT_EXPECT_EQ(test, a.bfn[0], b.bfn[0]);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_EXPECT_EQ(test, counter("quota"), 64ull);
	KUNIT_EXPECT_EQ(test, counter("shared"), 1ull);
	release_gfns(first, &gfn, 1);
	free_user(first);
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(b.bfn[0], DOM, gfn));
	release_gfns(second, &gfn, 1);
	stop_user(test, second);
}

static void domids_that_make_no_sense_are_refused(struct kunit *test)
{
	const struct xen_gpu_limits good = { .quota = 1, .max_bfn = 0x7ffffff };
	const struct xen_gpu_limits no_quota = { .max_bfn = 0x7ffffff };
	const struct xen_gpu_limits no_width = { .quota = 1 };

	start_service(test, 4);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(0, &good)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(DOMID_SELF, &good)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(DOM, &no_quota)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(DOM, &no_width)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xen_gpu_domain_get(77, &good)), -ENODEV);
}

/*
 * 1: a last release never drops a reference that another thread just took. Many threads use a few
 * GFNs.
 */

#define STORM_THREADS	4
#define STORM_ROUNDS	400
#define STORM_GFNS	24

struct storm {
	struct mediator *user;
	struct completion done;
	unsigned int seed;
	unsigned int bad;
	unsigned int rounds;
};

static int storm_thread(void *data)
{
	struct storm *storm = data;
	struct rnd_state rnd;
	unsigned int i, n;
	struct mapped m;
	u64 gfns[8];

	prandom_seed_state(&rnd, storm->seed);
	for (storm->rounds = 0; storm->rounds < STORM_ROUNDS; storm->rounds++) {
		n = 1 + prandom_u32_state(&rnd) % ARRAY_SIZE(gfns);
		for (i = 0; i < n; i++)
			gfns[i] = 500 + prandom_u32_state(&rnd) % STORM_GFNS;
		if (map_gfns(storm->user, gfns, n, &m) != n)
			storm->bad++;
		if (prandom_u32_state(&rnd) % 2)
			fake_xen_let_others_run();
		for (i = 0; i < n; i++)
			storm->bad += !fake_dma_reaches(m.bfn[i], DOM, gfns[i]) ||
				      fake_mfn_refs(fake_gfn_mfn(DOM, gfns[i])) != 1;
		release_gfns(storm->user, gfns, n);
		if (prandom_u32_state(&rnd) % 8 == 0)
			xen_gpu_flush(storm->user->client.domain);
	}
	complete(&storm->done);
	return 0;
}

static void many_threads_never_lose_a_reference(struct kunit *test)
{
	struct mediator *user = start_user(test, 1024, 16);
	struct storm storms[STORM_THREADS] = {};
	unsigned int i, rounds = 0;

	/*
	 * Once more with a quota of as many pages as the threads hold, so that each thread drains
	 * idle ones.
	 */
	user->client.domain = raise_quota(test, user, STORM_THREADS * 8);
	fake_xen_set_yield(true);
	for (i = 0; i < STORM_THREADS; i++) {
		storms[i].user = user;
		storms[i].seed = i + 1;
		init_completion(&storms[i].done);
		kthread_run(storm_thread, &storms[i], "storm%u", i);
	}
	for (i = 0; i < STORM_THREADS; i++) {
		wait_for_completion(&storms[i].done);
		KUNIT_EXPECT_EQ(test, storms[i].bad, 0u);
		rounds += storms[i].rounds;
	}
	KUNIT_EXPECT_EQ(test, rounds, (unsigned int)(STORM_THREADS * STORM_ROUNDS));
	KUNIT_EXPECT_EQ(test, counter("refs_taken"), counter("refs_released"));
	stop_user(test, user);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE_PARAM(one_reference_for_any_number_of_users, platforms_gen_params),
	KUNIT_CASE_PARAM(reference_stays_until_the_last_release, platforms_gen_params),
	KUNIT_CASE_PARAM(batches_of_512_take_one_hypercall, platforms_gen_params),
	KUNIT_CASE_PARAM(batch_may_be_unordered_and_have_duplicates, platforms_gen_params),
	KUNIT_CASE_PARAM(each_entry_has_its_own_status, platforms_gen_params),
	KUNIT_CASE_PARAM(any_entry_of_a_batch_can_fail, platforms_gen_params),
	KUNIT_CASE_PARAM(any_hypercall_can_fail, platforms_gen_params),
	KUNIT_CASE_PARAM(any_allocation_can_fail, platforms_gen_params),
	KUNIT_CASE_PARAM(quota_bounds_what_is_mapped, platforms_gen_params),
	KUNIT_CASE_PARAM(missing_gfns_allocate_nothing, platforms_gen_params),
	KUNIT_CASE_PARAM(bfn_beyond_the_limit_is_refused, platforms_gen_params),
	KUNIT_CASE_PARAM(read_only_mapping_is_upgraded_in_place, platforms_gen_params),
	KUNIT_CASE_PARAM(read_only_mapping_moves_to_be_writable, platforms_gen_params),
	KUNIT_CASE_PARAM(upgrade_that_fails_leaves_the_read_only_mapping, platforms_gen_params),
	KUNIT_CASE_PARAM(upgrade_that_finds_another_frame_waits_for_revalidation,
			 platforms_gen_params),
	KUNIT_CASE_PARAM(mapped_pages_take_no_allocation, platforms_gen_params),
	KUNIT_CASE_PARAM(put_gives_everything_back, platforms_gen_params),
	KUNIT_CASE_PARAM(users_of_a_guest_share_its_mappings, platforms_gen_params),
	KUNIT_CASE_PARAM(domids_that_make_no_sense_are_refused, platforms_gen_params),
	KUNIT_CASE_PARAM(many_threads_never_lose_a_reference, platforms_gen_params),
	{}
};

static struct kunit_suite map_suite = {
	.name = "xen_gpu_map",
	.exit = map_fixture_exit,
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
