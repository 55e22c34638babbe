// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what a mediator learns of a guest (vgpu/api_guest.c): translations, entries that the
 * guest wrote, and copies from and to its memory, on both kinds of dom0.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hybrid_fixture.h"
#include "inspect_fixture.h"
#include "modules.h"

/* Translations */

/* Only the addresses that are to be known are. */
static void expect_addresses(struct kunit *test, const struct xengt_translation *t, u64 gfn,
			     bool reached, u64 addr)
{
	u64 offset = addr & ~PAGE_MASK;

	KUNIT_EXPECT_EQ_MSG(test, t->gpa, gfn ? gfn << 12 | offset : XENGT_NO_ADDRESS,
			    "address %#llx", addr);
	if (!reached) {
		KUNIT_EXPECT_EQ_MSG(test, t->bus, XENGT_NO_ADDRESS, "address %#llx", addr);
		return;
	}
	KUNIT_EXPECT_EQ_MSG(test, t->bus & ~PAGE_MASK, offset, "address %#llx", addr);
	KUNIT_EXPECT_TRUE_MSG(test, fake_dma_reaches(t->bus >> 12, DOM, gfn), "address %#llx",
			      addr);
}

/* The guest's entries of n levels, from level 4 down; all others are 0. */
static void expect_entries(struct kunit *test, const struct xengt_translation *t,
			   const u64 *entries, unsigned int n, u64 addr)
{
	unsigned int level;

	KUNIT_EXPECT_EQ_MSG(test, t->highest, n ? 4u : 0u, "address %#llx", addr);
	KUNIT_EXPECT_EQ_MSG(test, t->lowest, n ? 5 - n : 0u, "address %#llx", addr);
	for (level = 1; level <= XENGT_PPGTT_LEVELS; level++)
		KUNIT_EXPECT_EQ_MSG(test, t->pte[level - 1], level > 4 - n ? entries[4 - level] : 0,
				    "address %#llx, level %u", addr, level);
}

static void addresses_lead_where_the_gpu_goes(struct kunit *test)
{
	static const struct {
		u64 addr;
		u64 entries[4];
		unsigned int n;
		int rc;
		u64 gfn;
	} ways[] = {
		{ ADDR(I2, 0), { PTE(L3), PTE(L2), PTE(L1), PTE(100) }, 4, 0, 100 },
		{ ADDR(SHARED_I2, 511), { PTE(L3), PTE(L2), PTE(L1), PTE(101) | CACHED }, 4, 0,
		  101 },
		{ ADDR(WIDE_I2, 21), { PTE(L3), PTE(L2), PTE(WIDE_L1) | WIDE, PTE(165) }, 4, 0,
		  165 },
		{ ADDR(LARGE_I2, 300), { PTE(L3), PTE(L2), BIG_PDE }, 3, 0, BIG_GFN + 300 },
		{ ADDR(LARGE_I2, GONE), { PTE(L3), PTE(L2), BIG_PDE }, 3, -EFAULT,
		  BIG_GFN + GONE },
		{ ADDR(I2, 1), { PTE(L3), PTE(L2), PTE(L1), 0 }, 4, -ENXIO },
		{ ADDR(I2, 8), { PTE(L3), PTE(L2), PTE(L1), PTE(NO_GFN) }, 4, -EFAULT, NO_GFN },
		{ ADDR(I2, 9), { PTE(L3), PTE(L2), PTE(L1), PTE(102) | RESERVED }, 4, -EFAULT },
		{ ADDR(LOST_I2, 0), { PTE(L3), PTE(L2), PTE(NO_GFN) }, 3, -EFAULT },
		{ ADDR(0, 0), { PTE(L3), PTE(L2), 0 }, 3, -ENXIO },
		{ I4 << 39 | (I3 + 1) << 30, { PTE(L3), PTE(0) | LARGE }, 2, -EFAULT },
		{ I4 << 39 | (I3 + 2) << 30, { PTE(L3), PTE(L2) | RESERVED }, 2, -EFAULT },
		{ 0, { 0 }, 1, -ENXIO },
		{ BIT_ULL(48) - PAGE_SIZE, { 0 }, 1, -ENXIO },
		{ BIT_ULL(48), { 0 }, 0, -EINVAL },
	};
	struct inspector *in = inspect_start_gen8(test);
	struct xengt_translation t;
	struct ppgtt ppgtt;
	unsigned int i;

	inspect_put_zoo(in, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		u64 addr = ways[i].addr | 0xabc;

		KUNIT_EXPECT_EQ_MSG(test, xengt_translate(in->guest->vgpu, &ppgtt.root, addr, &t),
				    ways[i].rc, "address %#llx", addr);
		expect_addresses(test, &t, ways[i].gfn, !ways[i].rc, addr);
		expect_entries(test, &t, ways[i].entries, ways[i].n, addr);
	}
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void ggtt_addresses_lead_where_the_gpu_goes(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct xengt_vgpu *vgpu = guest->vgpu;
	u64 addr = PLAIN_FIRST << 12 | 0x123;
	struct xengt_translation t;

	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(100));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 1, PTE(NO_GFN));
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, addr, &t), 0);
	expect_addresses(test, &t, 100, true, addr);
	KUNIT_EXPECT_EQ(test, t.bus >> 12, PTE_FRAME(gpu_entry(PLAIN_FIRST)));
	KUNIT_EXPECT_EQ(test, t.highest, 1u);
	KUNIT_EXPECT_EQ(test, t.lowest, 1u);
	KUNIT_EXPECT_EQ(test, t.pte[0], PTE(100));
	addr += PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, addr, &t), -EFAULT);
	expect_addresses(test, &t, NO_GFN, false, addr);
	addr += PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, addr, &t), -ENXIO);
	expect_addresses(test, &t, 0, false, addr);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, 0xff000, &t), -ERANGE);
	expect_addresses(test, &t, 0, false, 0xff000);
	KUNIT_EXPECT_EQ(test, t.highest, 0u);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, 0xfffff000, &t), -ERANGE);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, BIT_ULL(32), &t), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, U64_MAX, &t), -EINVAL);
	ppgtt_guest_stop(guest);
}

static void gen7_addresses_lead_where_the_gpu_goes(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_gen7_guest(test);
	struct ppgtt ppgtt = ppgtt_ggtt(guest, DIRECTORY(0));
	u64 pde = PT_GEN7(L1), pte = PT_GEN7(100);
	struct xengt_translation t;

	ppgtt_guest_put(guest, L1, 5, pte);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0) + 511, pde);
	ppgtt_start(&ppgtt);
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &ppgtt.root, 0x7fc05678, &t), 0);
	expect_addresses(test, &t, 100, true, 0x7fc05678);
	KUNIT_EXPECT_EQ(test, t.highest, 2u);
	KUNIT_EXPECT_EQ(test, t.lowest, 1u);
	KUNIT_EXPECT_EQ(test, t.pte[1], pde);
	KUNIT_EXPECT_EQ(test, t.pte[0], pte);
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, NULL, 0x2ff000, &t), -EFAULT);
	expect_addresses(test, &t, 0, false, 0x2ff000);
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &ppgtt.root, 0x80000000, &t), -EINVAL);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

static void translations_follow_syncs(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct xengt_translation t;
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_guest_put(guest, L1, 3, PTE(200));
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &ppgtt.root, PAGE_AT(3), &t), 0);
	expect_addresses(test, &t, 103, true, PAGE_AT(3));
	KUNIT_EXPECT_EQ(test, t.pte[0], PTE(103));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &ppgtt.root, PAGE_AT(3), &t), 0);
	expect_addresses(test, &t, 200, true, PAGE_AT(3));
	KUNIT_EXPECT_EQ(test, t.pte[0], PTE(200));
	chain_end(&ppgtt);
}

/* The errors of an address that no table tells */
static void roots_without_tables_are_told_apart(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "4" };
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	const u64 pdps[4] = { 610, 0, 0, 0 };
	struct ppgtt three = ppgtt_3(guest, pdps), four = chain_put(guest), none = four;
	struct xengt_vgpu *vgpu = guest->vgpu;
	struct xengt_translation t;
	size_t done = 1;
	char byte;

	none.root.levels = 0;
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &none.root, 0, &t), -EINVAL);
	none.root.levels = 5;
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &none.root, 0, &t), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &four.root, 0, &t), -ENOENT);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &three.root, 0, &t), -ENXIO);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &three.root, BIT_ULL(30), &t), -ENXIO);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &three.root, BIT_ULL(32), &t), -EINVAL);
	/* The quota of tables is too small for both. */
	ppgtt_start(&four);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &three.root, 0, &t), -EAGAIN);
	expect_addresses(test, &t, 0, false, 0);
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(vgpu, &three.root, 0, &byte, 1, &done), -EAGAIN);
	KUNIT_EXPECT_EQ(test, done, (size_t)0);
	ppgtt_end(&three);
	chain_end(&four);
}

static void guest_without_ppgtts_has_none_to_translate(struct kunit *test)
{
	struct ppgtt_guest *guest;
	struct xengt_translation t;
	struct ppgtt ppgtt;
	u64 pte;

	fake_domain_set_hap(DOM, false);
	guest = chain_new_guest(test);
	ppgtt = ppgtt_4(guest, L4);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(100));
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, &ppgtt.root, 0, &t), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, xengt_translate(guest->vgpu, NULL, PLAIN_FIRST << 12, &t), 0);
	KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(guest->vgpu, PLAIN_FIRST << 12, &pte), 0);
	KUNIT_EXPECT_EQ(test, pte, PTE(100));
	ppgtt_guest_stop(guest);
}

/* Entries of the GGTT */

static u64 guest_pte(struct ppgtt_guest *guest, unsigned long index)
{
	u64 pte = 1;

	KUNIT_EXPECT_EQ(guest->test,
			xengt_ggtt_guest_pte(guest->vgpu, index << 12 | 0xfff, &pte), 0);
	return pte;
}

/* What the guest wrote is read in each mode, before it is in the shadow. */
static void entries_are_read_before_they_are_in_the_shadow(struct kunit *test)
{
	static const struct ppgtt_guest_config configs[] = {
		{ .mode = XENGT_MODE_STRICT },
		{ .mode = XENGT_MODE_POSTED },
		{ .mode = XENGT_MODE_HYBRID, .room = PAGES_OF_SHARE },
		{ .mode = XENGT_MODE_POSTED, .generation = 7 },
	};
	struct ppgtt_guest *guest;
	u64 before, pte = 0, mask;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(configs); i++) {
		guest = ppgtt_guest_start(test, &configs[i]);
		mask = GENMASK_ULL(8 * guest->format->entry_size - 1, 0);
		before = gpu_entry(PLAIN_FIRST + 1);
		for (k = 0; k < 8; k++) {
			/* All bits count, also those that the shadow does not have. */
			pte = (PTE(100 + k) | RESERVED | BIT_ULL(63)) & mask;
			ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 1, pte);
			KUNIT_EXPECT_EQ(test, guest_pte(guest, PLAIN_FIRST + 1), pte);
			KUNIT_EXPECT_EQ(test, guest_pte(guest, PLAIN_FIRST), 0ull);
			if (configs[i].mode != XENGT_MODE_STRICT && !k)
				KUNIT_EXPECT_EQ(test, gpu_entry(PLAIN_FIRST + 1), before);
			ppgtt_guest_flush_gtt(guest);
		}
		KUNIT_EXPECT_EQ(test, guest_pte(guest, PLAIN_FIRST + 1), pte);
		KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(guest->vgpu, 0, &pte), -ERANGE);
		KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(guest->vgpu,
							   (DIRECTORY(0) - 1) << 12, &pte),
				-ERANGE);
		KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(guest->vgpu,
							   guest->format->ggtt_entries << 12,
							   &pte), -EINVAL);
		KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(guest->vgpu, U64_MAX, &pte), -EINVAL);
		ppgtt_guest_stop(guest);
	}
}

/* Copies */

#define FIRST_GFN	200ull
#define PAGES		4
#define BYTES		(PAGES * PAGE_SIZE)
#define START		(FIRST_GFN << PAGE_SHIFT)

struct copies {
	struct ppgtt_guest *guest;
	struct xengt_vgpu *vgpu;
	u8 *data;	/* BYTES of each */
	u8 *found;
};

static void start_copies(struct kunit *test, struct copies *c,
			 const struct ppgtt_guest_config *config)
{
	unsigned int i;

	c->guest = chain_start_guest(test, config);
	c->vgpu = c->guest->vgpu;
	c->data = kunit_kzalloc(test, BYTES, GFP_KERNEL);
	c->found = kunit_kzalloc(test, BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->data);
	KUNIT_ASSERT_NOT_NULL(test, c->found);
	for (i = 0; i < BYTES; i++)
		c->data[i] = i % 251 + 1;
}

static void start_copies_gen8(struct kunit *test, struct copies *c)
{
	const struct ppgtt_guest_config config = {};

	start_copies(test, c, &config);
}

static bool is_clear(const void *data, size_t from, size_t to)
{
	return from >= to || !memchr_inv(data + from, 0, to - from);
}

/* Of BYTES of the guest's memory, exactly these are as in @data, and the rest is 0. */
static bool guest_has(struct copies *c, size_t at, size_t len)
{
	fake_guest_read(DOM, START, c->found, BYTES);
	return !memcmp(c->found + at, c->data, len) && is_clear(c->found, 0, at) &&
	       is_clear(c->found, at + len, BYTES);
}

static void clear_guest(struct copies *c)
{
	memset(c->found, 0, BYTES);
	fake_guest_write(DOM, START, c->found, BYTES);
}

static void any_length_is_copied(struct kunit *test)
{
	static const struct {
		size_t at, len;
	} pieces[] = {
		{ 0, 0 }, { 5, 1 }, { 0, PAGE_SIZE }, { 1, PAGE_SIZE }, { PAGE_SIZE - 1, 2 },
		{ 4000, 2 * PAGE_SIZE + 200 }, { 0, BYTES }, { 7, BYTES - 7 },
	};
	unsigned long refs;
	struct copies c;
	unsigned int i;
	size_t done;

	start_copies_gen8(test, &c);
	refs = fake_total_refs();
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		size_t at = pieces[i].at, len = pieces[i].len;

		clear_guest(&c);
		done = 12345;
		KUNIT_EXPECT_EQ(test, xengt_guest_write(c.vgpu, START + at, c.data, len, &done),
				0);
		KUNIT_EXPECT_EQ(test, done, len);
		KUNIT_EXPECT_TRUE_MSG(test, guest_has(&c, at, len), "%zu bytes at %zu", len, at);
		memset(c.found, 0, BYTES);
		done = 12345;
		KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, START + at, c.found, len, &done), 0);
		KUNIT_EXPECT_EQ(test, done, len);
		KUNIT_EXPECT_EQ(test, memcmp(c.found, c.data, len), 0);
		KUNIT_EXPECT_TRUE(test, is_clear(c.found, len, BYTES));
		KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), refs, "a page is still mapped");
	}
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, START, c.found, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("copy_failed"), 0ull);
	ppgtt_guest_stop(c.guest);
}

static void copy_stops_at_the_first_page_that_is_not_there(struct kunit *test)
{
	const size_t at = 100, good = 2 * PAGE_SIZE - 100;
	struct copies c;
	size_t done;

	start_copies_gen8(test, &c);
	clear_guest(&c);
	fake_gfn_remove(DOM, FIRST_GFN + 2);
	KUNIT_EXPECT_EQ(test, xengt_guest_write(c.vgpu, START + at, c.data, 3 * PAGE_SIZE, &done),
			-ENXIO);
	KUNIT_EXPECT_EQ(test, done, good);
	fake_gfn_populate(DOM, FIRST_GFN + 2);
	memset(c.found, 0, BYTES);
	fake_guest_write(DOM, START + 2 * PAGE_SIZE, c.found, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, guest_has(&c, at, good));
	fake_gfn_remove(DOM, FIRST_GFN + 2);
	memset(c.found, 0, BYTES);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, START + at, c.found, 3 * PAGE_SIZE, &done),
			-ENXIO);
	KUNIT_EXPECT_EQ(test, done, good);
	KUNIT_EXPECT_EQ(test, memcmp(c.found, c.data, good), 0);
	KUNIT_EXPECT_TRUE(test, is_clear(c.found, good, BYTES));
	/* Addresses that no guest has */
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, BIT_ULL(52), c.found, 1, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, U64_MAX, c.found, 2, &done), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, BIT_ULL(52) - 1, c.found, 2, &done), -ENXIO);
	KUNIT_EXPECT_EQ(test, done, (size_t)0);
	ppgtt_guest_stop(c.guest);
}

/* All of this is copied, after what failed before. */
static void expect_good_copies(struct kunit *test, struct copies *c)
{
	KUNIT_EXPECT_EQ(test, xengt_guest_write(c->vgpu, START, c->data, BYTES, NULL), 0);
	KUNIT_EXPECT_TRUE(test, guest_has(c, 0, BYTES));
	memset(c->found, 0, BYTES);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c->vgpu, START, c->found, BYTES, NULL), 0);
	KUNIT_EXPECT_EQ(test, memcmp(c->found, c->data, BYTES), 0);
}

/* The hypercall for one of the pages fails. */
static void check_failure(struct kunit *test, struct copies *c, enum fake_call kind, bool write)
{
	unsigned int nth;
	size_t done;
	int rc;

	for (nth = 1; nth <= PAGES; nth++) {
		clear_guest(c);
		fake_xen_fail_call(kind, nth, -EIO);
		rc = write ? xengt_guest_write(c->vgpu, START, c->data, BYTES, &done) :
			     xengt_guest_read(c->vgpu, START, c->found, BYTES, &done);
		KUNIT_EXPECT_EQ_MSG(test, rc, -EIO, "call %u", nth);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_EQ_MSG(test, done, (nth - 1) * PAGE_SIZE, "call %u", nth);
		fake_xen_fail_nothing();
		expect_good_copies(test, c);
	}
}

/* Whichever hypercall fails, the count is of whole pages, and the next copy works. */
static void failed_hypercalls_are_reported(struct kunit *test)
{
	enum fake_call unmap = on_pv(test) ? FAKE_CALL_UNPROTECT : FAKE_CALL_REMOVE_FROM_PHYSMAP;
	unsigned long refs;
	unsigned int write;
	struct copies c;

	start_copies_gen8(test, &c);
	refs = fake_total_refs();
	for (write = 0; write <= 1; write++) {
		check_failure(test, &c, mapping_call(), write);
		check_failure(test, &c, unmap, write);
		KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), refs, "a page stays mapped");
	}
	ppgtt_guest_stop(c.guest);
}

/* The guest balloons out the page that is being copied, at the hypercall that unmaps it. */
static void balloon_out(struct meanwhile *m)
{
	const struct copies *c = m->arg;

	KUNIT_EXPECT_EQ(m->test, fake_mfn_refs(fake_gfn_mfn(DOM, FIRST_GFN)), 1u);
	fake_gfn_remove(DOM, FIRST_GFN);
	/* No other guest gets the frame while it is mapped: its contents are still the guest's. */
	fake_gfn_populate(OTHER_DOM, NO_GFN);
	KUNIT_EXPECT_EQ(m->test, c->found[0], c->data[0]);
}

static void page_that_is_ballooned_out_meanwhile_is_read(struct kunit *test)
{
	struct meanwhile m = {
		.kind = on_pv(test) ? FAKE_CALL_UNPROTECT : FAKE_CALL_REMOVE_FROM_PHYSMAP,
		.nth = 1, .act = balloon_out, .test = test,
	};
	struct copies c;
	size_t done;

	start_copies_gen8(test, &c);
	m.arg = &c;
	fake_guest_write(DOM, START, c.data, BYTES);
	meanwhile_start(&m);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, START, c.found, BYTES, &done), 0);
	meanwhile_end(&m);
	KUNIT_EXPECT_EQ(test, done, (size_t)BYTES);
	KUNIT_EXPECT_EQ(test, memcmp(c.found, c.data, BYTES), 0);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(c.vgpu, START, c.found, BYTES, &done), -ENXIO);
	KUNIT_EXPECT_EQ(test, done, (size_t)0);
	ppgtt_guest_stop(c.guest);
}

/* 7: a mediator's write to a table is a write of the guest's. */
static void write_to_a_table_counts(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	u64 ptes[] = { PTE(301), PTE(302) };
	struct ppgtt ppgtt;
	u64 writes;

	chain_start(guest, &ppgtt);
	writes = ppgtt_guest_count("table_writes");
	/* The second entry is in the next page, which is no table. */
	KUNIT_EXPECT_EQ(test, xengt_guest_write(guest->vgpu, ((L1 + 1) << 12) - 8, ptes,
						sizeof(ptes), NULL), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("table_writes"), writes + 1);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, L1, 511), PTE(301));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, L1 + 1, 0), PTE(302));
	chain_expect_scratch(&ppgtt, PAGE_AT(511));
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(511), 301);
	ppgtt_check(&ppgtt);
	chain_end(&ppgtt);
}

/* 7: the same for RAM at the GTT, and by a graphics address that leads to a table. */
static void write_to_the_gtt_counts(struct kunit *test)
{
	const struct ppgtt_guest_config config = {
		.mode = XENGT_MODE_HYBRID, .room = PAGES_OF_SHARE,
	};
	struct ppgtt_guest *guest = chain_start_guest(test, &config);
	u64 gfn = ppgtt_guest_ggtt_gfn(guest, PLAIN_FIRST);
	u64 addr = gfn << 12 | PLAIN_FIRST % 512 * 8, pte = PTE(100);
	struct ppgtt ppgtt;

	KUNIT_ASSERT_TRUE(test, fake_gfn_write_protected(DOM, gfn));
	KUNIT_EXPECT_EQ(test, xengt_guest_write(guest->vgpu, addr, &pte, 8, NULL), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST), pte);
	KUNIT_EXPECT_FALSE(test, gpu_reaches(PLAIN_FIRST, DOM, 100));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 100));
	chain_start(guest, &ppgtt);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(L1));
	ppgtt_guest_sync(guest);
	pte = PTE(333);
	KUNIT_EXPECT_EQ(test, xengt_graphics_write(guest->vgpu, NULL, PLAIN_FIRST << 12 | 3 * 8,
						   &pte, 8, NULL), 0);
	chain_expect_page(&ppgtt, PAGE_AT(3), 103);
	ppgtt_guest_sync(guest);
	chain_expect_page(&ppgtt, PAGE_AT(3), 333);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
	ppgtt_end(&ppgtt);
	ppgtt_guest_stop(guest);
}

/* Pages that are neighbours in the PPGTT, and not in memory */
static const u64 scattered[PAGES] = { FIRST_GFN + 2, FIRST_GFN, FIRST_GFN + 3, FIRST_GFN + 1 };

static void put_scattered(struct ppgtt_guest *guest, struct ppgtt *ppgtt)
{
	unsigned int i;

	*ppgtt = chain_put(guest);
	for (i = 0; i < PAGES; i++)
		ppgtt_guest_put(guest, L1, i, PTE(scattered[i]));
	ppgtt_start(ppgtt);
}

static void graphics_addresses_are_copied(struct kunit *test)
{
	const size_t at = 1000, len = BYTES - 2000;
	struct ppgtt ppgtt;
	struct copies c;
	unsigned int i;
	size_t done;

	start_copies_gen8(test, &c);
	put_scattered(c.guest, &ppgtt);
	for (i = 0; i < PAGES; i++)
		fake_guest_write(DOM, scattered[i] << 12, c.data + i * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(c.vgpu, &ppgtt.root, PAGE_AT(0) + at, c.found,
						  len, &done), 0);
	KUNIT_EXPECT_EQ(test, done, len);
	KUNIT_EXPECT_EQ(test, memcmp(c.found, c.data + at, len), 0);
	clear_guest(&c);
	KUNIT_EXPECT_EQ(test, xengt_graphics_write(c.vgpu, &ppgtt.root, PAGE_AT(0) + at,
						   c.data + at, len, &done), 0);
	KUNIT_EXPECT_EQ(test, done, len);
	memset(c.data, 0, at);
	memset(c.data + at + len, 0, BYTES - at - len);
	for (i = 0; i < PAGES; i++) {
		fake_guest_read(DOM, scattered[i] << 12, c.found, PAGE_SIZE);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(c.found, c.data + i * PAGE_SIZE, PAGE_SIZE), 0,
				    "page %u", i);
	}
	/* The entry after the last one is not present. */
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(c.vgpu, &ppgtt.root, PAGE_AT(3), c.found,
						  2 * PAGE_SIZE, &done), -ENXIO);
	KUNIT_EXPECT_EQ(test, done, (size_t)PAGE_SIZE);
	chain_end(&ppgtt);
}

/* Where the GPU reads scratch a copy reads nothing, even if there is a page by now. */
static void copies_do_not_reach_behind_scratch(struct kunit *test)
{
	struct ppgtt ppgtt;
	struct copies c;
	size_t done;

	start_copies_gen8(test, &c);
	put_scattered(c.guest, &ppgtt);
	fake_guest_balloon_out(DOM, 0, scattered[1]);
	ppgtt_guest_revalidate(c.guest);
	fake_gfn_populate(DOM, scattered[1]);
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(c.vgpu, &ppgtt.root, PAGE_AT(0), c.found, BYTES,
						  &done), -EFAULT);
	KUNIT_EXPECT_EQ(test, done, (size_t)PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, xengt_graphics_write(c.vgpu, &ppgtt.root, PAGE_AT(0), c.data, BYTES,
						   &done), -EFAULT);
	KUNIT_EXPECT_EQ(test, done, (size_t)PAGE_SIZE);
	ppgtt_guest_balloon_event(c.guest);
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(c.vgpu, &ppgtt.root, PAGE_AT(0), c.found, BYTES,
						  &done), 0);
	KUNIT_EXPECT_EQ(test, done, (size_t)BYTES);
	chain_end(&ppgtt);
}

#define COPIERS	4
#define ROUNDS	40

struct copier {
	struct xengt_vgpu *vgpu;
	unsigned int number;
	unsigned int bad;
	u8 *out;
	u8 *in;
	struct completion done;
};

/* Writes two pages of its own and reads them, again and again. */
static int copy_storm(void *data)
{
	struct copier *c = data;
	u64 addr = START + c->number * 2 * PAGE_SIZE;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		memset(c->out, 16 * c->number + i % 16, 2 * PAGE_SIZE);
		c->bad += xengt_guest_write(c->vgpu, addr, c->out, 2 * PAGE_SIZE, NULL) != 0;
		c->bad += xengt_guest_read(c->vgpu, addr, c->in, 2 * PAGE_SIZE, NULL) != 0;
		c->bad += memcmp(c->in, c->out, 2 * PAGE_SIZE) != 0;
	}
	complete(&c->done);
	return 0;
}

/* Each hypercall lets other threads run, so that all steps interleave. */
static void many_threads_copy_at_once(struct kunit *test)
{
	struct copier *copiers = kunit_kcalloc(test, COPIERS, sizeof(*copiers), GFP_KERNEL);
	struct ppgtt_guest *guest = chain_new_guest(test);
	unsigned long refs = fake_total_refs();
	struct copier *c;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, copiers);
	fake_xen_set_yield(true);
	for (i = 0; i < COPIERS; i++) {
		c = &copiers[i];
		c->vgpu = guest->vgpu;
		c->number = i;
		c->out = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
		c->in = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
		init_completion(&c->done);
		KUNIT_ASSERT_NOT_NULL(test, c->out);
		KUNIT_ASSERT_NOT_NULL(test, c->in);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(copy_storm, c, "copier")));
	}
	for (i = 0; i < COPIERS; i++) {
		wait_for_completion(&copiers[i].done);
		KUNIT_EXPECT_EQ_MSG(test, copiers[i].bad, 0u, "copier %u", i);
	}
	fake_xen_set_yield(false);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), refs);
	ppgtt_guest_stop(guest);
}

/* Virtual GPUs that do not run */

static void expect_no_calls(struct kunit *test, struct ppgtt_guest *guest, struct ppgtt *ppgtt)
{
	struct xengt_vgpu *vgpu = guest->vgpu;
	struct xengt_translation t;
	u64 value = 0;
	size_t done = 1;

	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, &ppgtt->root, PAGE_AT(0), &t), -ENODEV);
	KUNIT_EXPECT_EQ(test, t.bus, XENGT_NO_ADDRESS);
	KUNIT_EXPECT_EQ(test, xengt_translate(vgpu, NULL, PLAIN_FIRST << 12, &t), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_ggtt_guest_pte(vgpu, PLAIN_FIRST << 12, &value), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_guest_read(vgpu, START, &value, 8, &done), -ENODEV);
	KUNIT_EXPECT_EQ(test, done, (size_t)0);
	KUNIT_EXPECT_EQ(test, xengt_guest_write(vgpu, START, &value, 8, &done), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_graphics_read(vgpu, NULL, PLAIN_FIRST << 12, &value, 8, &done),
			-ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_graphics_write(vgpu, &ppgtt->root, PAGE_AT(0), &value, 8,
						   &done), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(vgpu), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_create(vgpu, &ppgtt->root), -ENODEV);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(vgpu, &ppgtt->root), -ENODEV);
}

struct stopping {
	struct ppgtt_guest *guest;
	struct ppgtt *ppgtt;
};

/* As a handler of an access does, for which the stop waits */
static void call_during_the_stop(struct meanwhile *m)
{
	struct stopping *s = m->arg;

	expect_no_calls(m->test, s->guest, s->ppgtt);
}

static void calls_fail_at_once_while_it_stops(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct stopping s = { .guest = guest };
	struct meanwhile m = {
		.kind = FAKE_CALL_DM_DESTROY, .nth = 1, .act = call_during_the_stop, .test = test,
		.arg = &s,
	};
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_unpin(&ppgtt);
	s.ppgtt = &ppgtt;
	gpu_set_drained(DOM, NULL);
	meanwhile_start(&m);
	xengt_vgpu_disable(guest->vgpu);
	meanwhile_end(&m);
	expect_no_calls(test, guest, &ppgtt);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(guest->vgpu), 0);
	gpu_set_drained(DOM, guest->vgpu->domain);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_sync(guest->vgpu), 0);
	ppgtt_guest_stop(guest);
}

static void guest_that_dies_has_no_memory(struct kunit *test)
{
	struct ppgtt_guest *guest = chain_new_guest(test);
	struct ppgtt ppgtt;

	chain_start(guest, &ppgtt);
	ppgtt_unpin(&ppgtt);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	expect_no_calls(test, guest, &ppgtt);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	ppgtt_guest_stop(guest);
}

static struct kunit_case api_guest_cases[] = {
	KUNIT_CASE_PARAM(addresses_lead_where_the_gpu_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ggtt_addresses_lead_where_the_gpu_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_addresses_lead_where_the_gpu_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(translations_follow_syncs, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(roots_without_tables_are_told_apart, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_without_ppgtts_has_none_to_translate, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_are_read_before_they_are_in_the_shadow, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(any_length_is_copied, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(copy_stops_at_the_first_page_that_is_not_there, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(failed_hypercalls_are_reported, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(page_that_is_ballooned_out_meanwhile_is_read, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_to_a_table_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(write_to_the_gtt_counts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(graphics_addresses_are_copied, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(copies_do_not_reach_behind_scratch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(many_threads_copy_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(calls_fail_at_once_while_it_stops, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(guest_that_dies_has_no_memory, both_dom0s_gen_params),
	{}
};

static struct kunit_suite api_guest_suite = {
	.name = "xengt_api_guest",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = api_guest_cases,
};

kunit_test_suite(api_guest_suite);
