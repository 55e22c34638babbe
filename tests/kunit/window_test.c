// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of windows, for backends that choose BFNs: address space is allocated for mapped pages, not
 * for the size that a guest claims, and no guest takes the share of others.
 *
 * The numbers in comments are those of the invariants in Documentation/design.rst.
 */

#include <linux/bits.h>
#include <linux/ioport.h>
#include <linux/string.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>
#include <xen/interface/xen_gpu_map.h>
#include <asm/xen/hypercall.h>

#include "fake_xen.h"
#include "map_fixture.h"
#include "modules.h"

#define MIB		BIT_ULL(20)
#define GIB_GFNS	BIT_ULL(18)
#define BLOCK		512ull

/* A device that reaches 8 GiB: 4 GiB for windows, that is 1024 chunks of 4 MiB */
#define NARROW_BFN	((1ull << (33 - 12)) - 1)
/* A guest may have half of what is left: a third. One chunk is never used. */
#define NARROW_SHARE	341
#define NARROW_BLOCKS	(NARROW_SHARE - 1)

static KUNIT_GENERATOR(windows_gen_params)
{
	const struct platform *p = prev;

	do {
		p = next_platform(p, desc);
	} while (p && p->bfn_is_frame);
	return p;
}

/* No lock: nothing else adds or removes resources during a case. */
static struct resource *first_window(void)
{
	struct resource *res;

	for (res = iomem_resource.child; res; res = res->sibling) {
		if (strstarts(res->name, "Xen GPU window"))
			break;
	}
	return res;
}

static u64 reserved_mib(void)
{
	struct resource *res;
	u64 sum = 0;

	for (res = iomem_resource.child; res; res = res->sibling) {
		if (strstarts(res->name, "Xen GPU window"))
			sum += resource_size(res);
	}
	return sum / MIB;
}

/* A user with a device that reaches up to @max_bfn */
static struct mediator *new_narrow_user(struct kunit *test, u64 max_bfn)
{
	const struct xen_gpu_limits limits = { .quota = 1024, .max_bfn = max_bfn };
	struct xen_gpu_domain *dom = xen_gpu_domain_get(DOM, &limits);
	struct mediator *user;

	KUNIT_ASSERT_FALSE(test, IS_ERR(dom));
	user = new_user(test, 1024);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	xen_gpu_domain_put(dom);
	return user;
}

/* Maps the first page of each of n blocks. Returns how many were mapped. */
static unsigned int map_sparse(struct mediator *user, unsigned int first, unsigned int n)
{
	unsigned int i, mapped = 0;

	for (i = first; i < first + n; i++) {
		if (fake_gfn_mfn(DOM, i * BLOCK) == FAKE_NO_MFN)
			fake_gfn_populate(DOM, i * BLOCK);
		mapped += !user_map(user, i * BLOCK);
	}
	return mapped;
}

static void memory_is_hotplugged(struct kunit *test)
{
	static const u64 gfns[] = {
		0x80000, 0xfffff, GIB_GFNS * 4 + 7, GIB_GFNS * 253, XEN_GPU_MAX_GFN - 1,
	};
	struct mediator *user = start_user(test, 64, 64);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	for (i = 0; i < ARRAY_SIZE(gfns); i++) {
		KUNIT_EXPECT_EQ(test, user_map(user, gfns[i]), -ENOENT);
		fake_gfn_populate(DOM, gfns[i]);
		KUNIT_EXPECT_EQ_MSG(test, user_map(user, gfns[i]), 0, "GFN %#llx", gfns[i]);
	}
	xen_gpu_balloon_event(user->client.domain);
	flush(user);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 0u);
	stop_user(test, user);
}

/* The window grows with mapped pages, not with the size that a guest claims. */
static void window_is_as_large_as_what_is_mapped(struct kunit *test)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *other;
	struct mediator *user;

	start_service(test, 64);
	fake_gfn_populate(DOM, 253 * GIB_GFNS);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	KUNIT_EXPECT_EQ(test, user_map(user, 253 * GIB_GFNS), 0);
	KUNIT_EXPECT_EQ(test, user_map(user, 5), 0);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 64ull);

	fake_domain_create(OTHER_DOM, 4);
	fake_domain_set_target(OTHER_DOM, true);
	fake_gfn_populate(OTHER_DOM, 4096 * GIB_GFNS);
	other = xen_gpu_domain_get(OTHER_DOM, &limits);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, reserved_mib(), 128ull);
	xen_gpu_domain_put(other);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 0ull);
}

/* A 2 MiB range of GFNs is contiguous and aligned for the device, too. */
static void block_is_contiguous_and_aligned(struct kunit *test)
{
	struct mediator *user = start_user(test, 2 * BLOCK, 2 * BLOCK);
	unsigned int i, b;
	u64 base;

	for (i = 0; i < 2 * BLOCK; i++)
		KUNIT_ASSERT_EQ(test, user_map(user, i), 0);
	for (b = 0; b < 2; b++) {
		base = user_bfn(user, b * BLOCK);
		KUNIT_EXPECT_EQ(test, base % BLOCK, 0ull);
		for (i = 0; i < BLOCK; i++)
			KUNIT_ASSERT_EQ(test, user_bfn(user, b * BLOCK + i), base + i);
	}
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 9: the window grows and shrinks with the mapped pages, and is given back at the end. */
static void window_grows_and_shrinks(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);

	KUNIT_EXPECT_EQ(test, reserved_mib(), 64ull);
	/* The first arena has 16 chunks, of which one is kept free. */
	KUNIT_EXPECT_EQ(test, map_sparse(user, 0, 15), 15u);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 64ull);
	KUNIT_EXPECT_EQ(test, map_sparse(user, 15, 1), 1u);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 128ull);
	KUNIT_EXPECT_EQ(test, map_sparse(user, 16, 24), 24u);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 256ull);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	user_unmap_all(user);
	flush(user);
	/* One empty arena is kept. */
	KUNIT_EXPECT_EQ(test, reserved_mib(), 128ull);
	KUNIT_EXPECT_EQ(test, map_sparse(user, 0, 31), 31u);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 128ull);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 0ull);
}

static void window_is_busy(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	u64 at;

	KUNIT_ASSERT_EQ(test, user_map(user, 5), 0);
	at = user_bfn(user, 5) << 12;
	KUNIT_EXPECT_NULL(test, request_mem_region(at, 4096, "somebody else"));
	KUNIT_EXPECT_TRUE(test, first_window()->flags & IORESOURCE_BUSY);
	stop_user(test, user);
}

/* 8, 16: a guest with a page in each of many blocks leaves address space for others. */
static void sparse_guest_is_held_back(struct kunit *test)
{
	const struct xen_gpu_limits limits = { .quota = 1024, .max_bfn = NARROW_BFN };
	struct xen_gpu_domain *other;
	struct mediator *user;

	start_service(test, 64);
	user = new_narrow_user(test, NARROW_BFN);
	KUNIT_EXPECT_EQ(test, map_sparse(user, 0, NARROW_BLOCKS + 60), NARROW_BLOCKS + 0u);
	KUNIT_EXPECT_EQ(test, reserved_mib(), NARROW_SHARE * 4ull);
	KUNIT_EXPECT_EQ(test, counter("fail_quota"), 60ull);
	KUNIT_EXPECT_GE(test, counter("window_full"), 60ull);
	/* More pages fit into its blocks. */
	KUNIT_EXPECT_EQ(test, user_map(user, 1), 0);

	fake_domain_create(OTHER_DOM, 4);
	fake_domain_set_target(OTHER_DOM, true);
	other = xen_gpu_domain_get(OTHER_DOM, &limits);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	KUNIT_EXPECT_EQ(test, reserved_mib(), NARROW_SHARE * 4ull + 64);
	xen_gpu_domain_put(other);

	/* A revalidation needs no address space. */
	xen_gpu_balloon_event(user->client.domain);
	flush(user);
	KUNIT_EXPECT_EQ(test, user->nr_gone, 0u);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 0ull);
}

/* 15: a refused page is mapped when there is space. Idle pages are drained for it at once. */
static void refused_page_is_mapped_when_there_is_space(struct kunit *test)
{
	const u64 refused = (NARROW_BLOCKS + 1) * BLOCK;
	unsigned int settled;
	struct mediator *user;

	start_service(test, 64);
	user = new_narrow_user(test, NARROW_BFN);
	KUNIT_EXPECT_EQ(test, map_sparse(user, 0, NARROW_BLOCKS), NARROW_BLOCKS + 0u);
	fake_gfn_populate(DOM, refused);
	KUNIT_ASSERT_EQ(test, user_map(user, refused), -ENOSPC);
	settled = user->nr_revalidated;
	user_forget(user, 3 * BLOCK);
	wait_for(test, READ_ONCE(user->nr_revalidated) > settled);
	KUNIT_EXPECT_EQ(test, user_map(user, refused), 0);
	KUNIT_EXPECT_EQ(test, counter("drained_quota"), 1ull);
	KUNIT_EXPECT_EQ(test, user_check(user), 0u);
	stop_user(test, user);
}

/* 5: limits at both extremes work. */
static void limits_at_the_extremes(struct kunit *test)
{
	static const struct {
		u64 max_bfn;
		int rc;
	} cases[] = {
		{ 0, -EINVAL },
		{ 1, -ENOSPC },
		{ 0xfffff, -ENOSPC },
		{ 0x100000, -ENOSPC },
		{ 0x1003fe, -ENOSPC },
		{ 0x1003ff, 0 },
		{ 1ull << 40, 0 },
		{ (1ull << 52) - 1, 0 },
		{ 1ull << 52, 0 },
		{ (1ull << 52) + 1, 0 },
		{ U64_MAX, 0 },
	};
	struct xen_gpu_domain *dom;
	unsigned int i;

	start_service(test, 64);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = cases[i].max_bfn };

		dom = xen_gpu_domain_get(DOM, &limits);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(dom), cases[i].rc, "%#llx",
				    cases[i].max_bfn);
		if (IS_ERR(dom))
			continue;
		KUNIT_EXPECT_LE(test, first_window()->end >> 12, min(cases[i].max_bfn,
								     XEN_GPU_MAX_GFN));
		xen_gpu_domain_put(dom);
		KUNIT_EXPECT_EQ(test, reserved_mib(), 0ull);
	}
}

static void removing_fails(enum fake_call kind, void *arg)
{
	if (kind == FAKE_CALL_REMOVE_FROM_PHYSMAP)
		fake_xen_fail_call(kind, 1, -EIO);
}

/* 12: an arena in which Xen left a mapping is never used again. */
static void arena_with_something_left_is_lost(struct kunit *test)
{
	struct mediator *user = start_user(test, 64, 64);
	struct xen_remove_from_physmap left = { .domid = DOMID_SELF };
	struct resource *lost;

	KUNIT_ASSERT_EQ(test, user_map(user, 5), 0);
	left.gpfn = user_bfn(user, 5);
	lost = first_window();
	fake_xen_set_hook(removing_fails, NULL);
	stop_user(test, user);
	fake_xen_set_hook(NULL, NULL);
	fake_xen_fail_nothing();
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 1ul);
	KUNIT_ASSERT_PTR_EQ(test, first_window(), lost);
	user = new_user(test, 64);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	KUNIT_ASSERT_EQ(test, user_map(user, 5), 0);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 128ull);
	KUNIT_EXPECT_TRUE(test, user_bfn(user, 5) << 12 < lost->start ||
			  user_bfn(user, 5) << 12 > lost->end);
	stop_user(test, user);
	KUNIT_EXPECT_EQ(test, reserved_mib(), 64ull);
	/* Frees the range for the cases that follow. */
	KUNIT_EXPECT_EQ(test, HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &left), 0l);
	release_resource(lost);
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE_PARAM(memory_is_hotplugged, platforms_gen_params),
	KUNIT_CASE_PARAM(window_is_as_large_as_what_is_mapped, windows_gen_params),
	KUNIT_CASE_PARAM(block_is_contiguous_and_aligned, windows_gen_params),
	KUNIT_CASE_PARAM(window_grows_and_shrinks, windows_gen_params),
	KUNIT_CASE_PARAM(window_is_busy, windows_gen_params),
	KUNIT_CASE_PARAM(sparse_guest_is_held_back, windows_gen_params),
	KUNIT_CASE_PARAM(refused_page_is_mapped_when_there_is_space, windows_gen_params),
	KUNIT_CASE_PARAM(limits_at_the_extremes, windows_gen_params),
	KUNIT_CASE_PARAM(arena_with_something_left_is_lost, physmap_gen_params),
	{}
};

static struct kunit_suite window_suite = {
	.name = "xen_gpu_window",
	.exit = map_fixture_exit,
	.test_cases = window_cases,
};

kunit_test_suite(window_suite);
