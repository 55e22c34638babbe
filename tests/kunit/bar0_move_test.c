// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of moves of BAR 0 (vgpu/move.c): the traps and the RAM at the GTT follow, what the guest
 * has stored is kept, no shadow entry is written, and after a failure BAR 0 is where it was or
 * decodes nothing.
 */

#include <linux/string.h>

#include "hybrid_fixture.h"
#include "mediator_fixture.h"
#include "modules.h"

#define NEW_BAR0	0xe0000000ull
#define BAR0_SIZE	0x1000000ull
#define PAGES		4ul
#define MAGIC		0x4776544776544776ull

static const struct hybrid_config hybrid = {
	.mode = XENGT_MODE_HYBRID, .first = 1, .pages = PAGES, .room = PAGES,
};

/* Starts a virtual GPU with a mediator, and with RAM at its GTT. */
static struct mediator *start(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	return m;
}

static void end(struct mediator *m)
{
	mediator_end(m);
	KUNIT_EXPECT_EQ(m->test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_EQ(m->test, fake_domain_pages(DOM), GUEST_PAGES + 1ul);
}

static int read_at(u64 addr, unsigned int size, u64 *value)
{
	return fake_vcpu_read(DOM, 0, addr, size, value);
}

/* How many pages of a GTT are RAM */
static unsigned long ram_at(u64 bar0)
{
	u64 gfn = (bar0 + BAR0_SIZE / 2) >> PAGE_SHIFT;
	unsigned long page, n = 0;

	for (page = 0; page < GTT_PAGES; page++)
		n += fake_gfn_mfn(DOM, gfn + page) != FAKE_NO_MFN;
	return n;
}

static u64 entry_at(u64 bar0, unsigned long entry)
{
	return bar0 + BAR0_SIZE / 2 + entry * 8;
}

static void put_at(struct kunit *test, u64 bar0, unsigned long entry, u64 pte)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, entry_at(bar0, entry), &pte, 8), 0);
}

static void expect_entry(struct kunit *test, u64 bar0, unsigned long entry, u64 pte)
{
	u64 seen = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_load(DOM, 0, entry_at(bar0, entry), &seen, 8), 0);
	KUNIT_EXPECT_EQ(test, seen, pte);
}

/* All of BAR 0 is at this address. */
static void expect_at(struct mediator *m, u64 bar0)
{
	u64 value = 0;

	KUNIT_EXPECT_EQ(m->test, xengt_vgpu_bar0(m->vgpu), bar0);
	KUNIT_EXPECT_EQ(m->test, read_at(bar0 + 0x78000, 8, &value), 0);
	KUNIT_EXPECT_EQ(m->test, value, MAGIC);
	KUNIT_EXPECT_EQ(m->test, read_at(bar0 + 0x2000, 4, &value), 0);
	KUNIT_EXPECT_EQ(m->test, (u32)value, (u32)mediator_bytes(0x2000, 4));
	KUNIT_EXPECT_EQ(m->test, fake_vcpu_write(DOM, 0, bar0 + 0x101008, 1, 4), 0);
	KUNIT_EXPECT_EQ(m->test, read_at(bar0 + BAR0_SIZE - 8, 8, &value), 0);
	m->nr_accesses = 0;
}

/* Nothing is at this address. */
static void expect_not_at(struct mediator *m, u64 bar0)
{
	static const u32 offsets[] = { 0, 0x78000, 0x101008, 0x800000, BAR0_SIZE - 8 };
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		KUNIT_EXPECT_EQ_MSG(m->test, read_at(bar0 + offsets[i], 4, &value), -ENODEV, "%x",
				    offsets[i]);
	KUNIT_EXPECT_EQ(m->test, ram_at(bar0), 0ul);
}

/*
 * How many shadow entries were written, but for those whose page got another BFN: Xen notifies the
 * mapping service of the RAM that is gone, and that maps all pages anew on a PVH dom0.
 */
static u64 gpu_writes(struct mediator *m)
{
	return vgpu_count(m->vgpu, XENGT_COUNT_GPU_WRITES) -
	       vgpu_count(m->vgpu, XENGT_COUNT_MOVED);
}

static void everything_follows_a_move(struct kunit *test)
{
	struct mediator *m = start(test);
	u64 writes, all_writes, invalidates;
	unsigned long page;

	for (page = 1; page <= PAGES; page++)
		put_at(test, BAR0, IN_PAGE(page, 511), PTE(page));
	hybrid_flush(test);
	KUNIT_EXPECT_EQ(test, ram_at(BAR0), PAGES);
	writes = gpu_writes(m);
	all_writes = vgpu_count(m->vgpu, XENGT_COUNT_GPU_WRITES);
	invalidates = vgpu_count(m->vgpu, XENGT_COUNT_GPU_INVALIDATES);
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_UNMAP_RANGE), 3ul);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_MAP_RANGE), 3ul);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_GPU_WRITES), all_writes);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_GPU_INVALIDATES), invalidates);
	expect_at(m, NEW_BAR0);
	expect_not_at(m, BAR0);
	KUNIT_EXPECT_EQ(test, ram_at(NEW_BAR0), PAGES);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	for (page = 1; page <= PAGES; page++) {
		expect_entry(test, NEW_BAR0, IN_PAGE(page, 511), PTE(page));
		KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(page, 511), DOM, page));
	}
	KUNIT_EXPECT_EQ(test, gpu_writes(m), writes);
	/* The moved GTT works. */
	put_at(test, NEW_BAR0, IN_PAGE(1, 3), PTE(33));
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, NEW_BAR0 + 0x101008, 1, 4), 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(1, 3), DOM, 33));
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_GTT_RAM_LOST), 0ull);
	/* To where it is */
	fake_xen_reset_calls();
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_ANY), 0ul);
	end(m);
}

static void decoding_can_be_off_for_a_while(struct kunit *test)
{
	struct mediator *m = start(test);
	u64 writes;

	put_at(test, BAR0, FIRST, PTE(7));
	hybrid_flush(test);
	writes = gpu_writes(m);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_bar0(m->vgpu), XENGT_BAR0_NONE);
	expect_not_at(m, BAR0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(FIRST, DOM, 7));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(m->vgpu), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, BAR0), 0);
	expect_at(m, BAR0);
	KUNIT_EXPECT_EQ(test, ram_at(BAR0), PAGES);
	expect_entry(test, BAR0, FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, gpu_writes(m), writes);
	/* It stops and starts from any state. */
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	xengt_vgpu_disable(m->vgpu);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_bar0(m->vgpu), XENGT_BAR0_NONE);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(m->vgpu), 0);
	expect_at(m, BAR0);
	end(m);
}

/* What the guest stored without a trap since the last sync is kept, and shadowed. */
static void untrapped_stores_survive_a_move(struct kunit *test)
{
	struct mediator *m = start(test);

	hybrid_unsync(test, 1);
	KUNIT_ASSERT_TRUE(test, hybrid_is_unsync(1));
	put_at(test, BAR0, IN_PAGE(1, 77), PTE(77));
	KUNIT_EXPECT_FALSE(test, gpu_reaches(IN_PAGE(1, 77), DOM, 77));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
	expect_entry(test, NEW_BAR0, IN_PAGE(1, 77), PTE(77));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(1, 77), DOM, 77));
	put_at(test, NEW_BAR0, IN_PAGE(1, 78), PTE(78));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(m->vgpu), 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(1, 78), DOM, 78));
	end(m);
}

/* Trapped stores that no sync has collected yet */
static void trapped_stores_survive_a_move(struct kunit *test)
{
	struct mediator *m = start(test);

	put_at(test, BAR0, IN_PAGE(2, 9), PTE(9));
	KUNIT_EXPECT_FALSE(test, gpu_reaches(IN_PAGE(2, 9), DOM, 9));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(m->vgpu), 0);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(IN_PAGE(2, 9), DOM, 9));
	expect_entry(test, NEW_BAR0, IN_PAGE(2, 9), PTE(9));
	end(m);
}

static void bad_addresses_leave_it_where_it_was(struct kunit *test)
{
	static const u64 bad[] = {
		0, BAR0 + 0x1000, BAR0 + BAR0_SIZE / 2, 1ull << 52, XENGT_BAR0_NONE - 1,
	};
	struct mediator *m = start(test);
	u64 gfn = NEW_BAR0 >> PAGE_SHIFT, pages[] = { gfn, gfn + 0x123, gfn + 0x800, gfn + 0xfff };
	unsigned int i;

	put_at(test, BAR0, FIRST, PTE(7));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_move_bar0(m->vgpu, bad[i]), -EINVAL, "%llx",
				    bad[i]);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		fake_domain_set_headroom(DOM, 1);
		fake_gfn_populate(DOM, pages[i]);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), -EADDRINUSE);
		fake_gfn_remove(DOM, pages[i]);
		fake_gfn_set_type(DOM, pages[i], FAKE_MMIO);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), -EADDRINUSE);
		fake_gfn_set_type(DOM, pages[i], FAKE_HOLE);
		expect_at(m, BAR0);
		KUNIT_EXPECT_EQ(test, ram_at(BAR0), PAGES);
	}
	expect_entry(test, BAR0, FIRST, PTE(7));
	end(m);
}

/* 9: RAM that the guest has there is never adopted in a move. */
static void ram_is_not_adopted_in_a_move(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);
	struct mediator *m = mediator_new(test, vgpu, 0);
	u64 gfn = (NEW_BAR0 + BAR0_SIZE / 2) >> PAGE_SHIFT;

	vgpu->config.adopt_ram = 1;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	fake_gfn_populate(DOM, gfn + 1);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(vgpu, NEW_BAR0), -EADDRINUSE);
	expect_at(m, BAR0);
	fake_gfn_remove(DOM, gfn + 1);
	end(m);
}

static void move_needs_a_running_mediator(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);
	struct mediator *m;

	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(vgpu, NEW_BAR0), -ENODEV);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(vgpu, NEW_BAR0), -EOPNOTSUPP);
	xengt_vgpu_disable(vgpu);
	m = mediator_new(test, vgpu, 0);
	end(m);
}

/* Another virtual GPU of the same guest */
static void moves_do_not_overlap(struct kunit *test)
{
	struct xengt_vgpu *other;
	struct mediator *m = mediator_start(test, 1);

	other = new_vgpu(test, OTHER_DOM);
	gpu_set_owner(DOM);
	other->config.domid = DOM;
	other->config.bar0 = NEW_BAR0;
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(other), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), -EBUSY);
	expect_at(m, BAR0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0 + BAR0_SIZE), 0);
	xengt_vgpu_disable(other);
	other->config.bar0 = NEW_BAR0 + BAR0_SIZE;
	KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(other), -EBUSY, "where it is now");
	other->config.bar0 = BAR0;
	KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(other), 0, "where it was");
	xengt_vgpu_destroy(other);
	mediator_end(m);
}

/* Whichever hypercall fails: it is where it was, or nowhere, and can be moved again. */
static void move_survives_every_failing_hypercall(struct kunit *test)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_MAXIMUM_GPFN, FAKE_CALL_GET_TYPE, FAKE_CALL_DM_SET_TYPE,
		FAKE_CALL_DM_UNMAP_RANGE, FAKE_CALL_DM_MAP_RANGE, FAKE_CALL_POPULATE,
	};
	struct mediator *m = start(test);
	unsigned int i, nth, nowhere = 0, stayed = 0;
	u64 at = BAR0, to, writes;
	int rc;

	put_at(test, BAR0, FIRST, PTE(7));
	hybrid_flush(test);
	writes = gpu_writes(m);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (nth = 1; nth <= 3; nth++) {
			to = at == BAR0 ? NEW_BAR0 : BAR0;
			fake_xen_fail_call(kinds[i], nth, -EIO);
			rc = xengt_vgpu_move_bar0(m->vgpu, to);
			fake_xen_fail_nothing();
			KUNIT_EXPECT_EQ(test, !rc, xengt_vgpu_bar0(m->vgpu) == to);
			if (xengt_vgpu_bar0(m->vgpu) == XENGT_BAR0_NONE) {
				nowhere++;
				expect_not_at(m, at);
				expect_not_at(m, to);
			} else if (rc) {
				stayed++;
				expect_at(m, at);
				expect_not_at(m, to);
			}
			KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, to), 0);
			at = to;
			expect_at(m, at);
			expect_entry(test, at, FIRST, PTE(7));
			/* RAM that cannot be put there, or not protected, is missed. */
			KUNIT_EXPECT_LE(test, ram_at(at), PAGES);
		}
	}
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, BAR0), 0);
	KUNIT_EXPECT_EQ(test, ram_at(BAR0), PAGES);
	KUNIT_EXPECT_EQ_MSG(test, nowhere, 3u, "each range that cannot be mapped");
	KUNIT_EXPECT_GE_MSG(test, stayed, 5u, "what cannot be asked, or unmapped");
	KUNIT_EXPECT_EQ(test, gpu_writes(m), writes);
	end(m);
}

static void move_survives_every_failing_allocation(struct kunit *test)
{
	struct mediator *m = start(test);
	unsigned int nth;
	bool pending = false;
	int rc;

	put_at(test, BAR0, FIRST, PTE(7));
	hybrid_flush(test);
	for (nth = 1; nth < 200 && !pending; nth++) {
		fake_fail_alloc(nth);
		rc = xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0);
		pending = fake_fail_alloc_stop();
		if (rc) {
			KUNIT_EXPECT_EQ(test, rc, -ENOMEM);
			expect_at(m, BAR0);
			KUNIT_EXPECT_EQ(test, ram_at(BAR0), PAGES);
		} else {
			expect_at(m, NEW_BAR0);
			expect_entry(test, NEW_BAR0, FIRST, PTE(7));
			KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, BAR0), 0);
		}
		expect_entry(test, BAR0, FIRST, PTE(7));
	}
	KUNIT_EXPECT_TRUE(test, pending);
	KUNIT_EXPECT_GT(test, nth, 4u);
	end(m);
}

/* A mediator moves it in an operation: before anything traps, and in an access to a register. */

static int start_at_nothing(void *data)
{
	struct mediator *m = data;

	m->calls[MEDIATED_START]++;
	WRITE_ONCE(m->running, !m->start_error);
	KUNIT_EXPECT_EQ(m->test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	return m->start_error;
}

static void move_in_write(struct mediator *m, enum mediated op)
{
	if (op == MEDIATED_WRITE)
		KUNIT_EXPECT_EQ(m->test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
}

static void operations_may_move_it(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, &hybrid);
	struct mediator *m = mediator_new(test, vgpu, XENGT_CAPS_ALL);

	m->ops.start = start_at_nothing;
	m->start_error = -EXDEV;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EXDEV);
	vgpu_expect_nothing_left(test, "refused at nowhere");
	m->start_error = 0;
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	expect_not_at(m, BAR0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(vgpu, BAR0), 0);
	expect_at(m, BAR0);
	m->during = move_in_write;
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, BAR0 + 0x2000, 1, 4), 0);
	m->during = NULL;
	expect_at(m, NEW_BAR0);
	expect_not_at(m, BAR0);
	end(m);
}

/* A vCPU's read that was sent before the move is answered after it, with ones. */
static void request_under_way_is_answered(struct kunit *test)
{
	struct mediator *m = start(test);
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY, .dir = IOREQ_READ, .addr = BAR0 + 0x78000,
		.count = 1, .size = 8,
	};

	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, XENGT_BAR0_NONE), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_io_any(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, req.data, U64_MAX);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_move_bar0(m->vgpu, NEW_BAR0), 0);
	req.addr = BAR0 + 0x78000;
	KUNIT_EXPECT_EQ(test, fake_vcpu_io_any(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, req.data, U64_MAX);
	KUNIT_EXPECT_EQ(test, vgpu_count(m->vgpu, XENGT_COUNT_BAD_RANGE), 2ull);
	KUNIT_EXPECT_EQ(test, m->nr_accesses, 0u);
	end(m);
}

static struct kunit_case bar0_move_cases[] = {
	KUNIT_CASE_PARAM(everything_follows_a_move, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(decoding_can_be_off_for_a_while, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(untrapped_stores_survive_a_move, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(trapped_stores_survive_a_move, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(bad_addresses_leave_it_where_it_was, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ram_is_not_adopted_in_a_move, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(move_needs_a_running_mediator, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(moves_do_not_overlap, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(move_survives_every_failing_hypercall, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(move_survives_every_failing_allocation, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(operations_may_move_it, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_under_way_is_answered, both_dom0s_gen_params),
	{}
};

static struct kunit_suite bar0_move_suite = {
	.name = "xengt_bar0_move",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = bar0_move_cases,
};

kunit_test_suite(bar0_move_suite);
