// SPDX-License-Identifier: GPL-2.0
/*
 * A saved virtual GPU, and a guest whose work is saved; see saved_fixture.h.
 */

#include <linux/string.h>

#include "modules.h"
#include "saved_fixture.h"

#define CURSOR_X_HOT	(PVINFO + 0x830)
#define CONTEXT		(PVINFO + 0x858)

/* The tables of the PPGTT of three levels */
#define THREE		640ull
#define THREE_L1	641ull

static const u64 three_pdps[4] = { THREE, 0, 0, 0 };

/* Saves into a buffer of exactly the length that is asked for first. */
struct saved save_vgpu(struct kunit *test, struct xengt_vgpu *vgpu)
{
	struct saved saved = {};

	KUNIT_EXPECT_EQ(test, xengt_vgpu_save(vgpu, NULL, &saved.len), -ENOSPC);
	saved.data = kunit_kzalloc(test, saved.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, saved.data);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_save(vgpu, saved.data, &saved.len), 0);
	return saved;
}

int restore_vgpu(struct xengt_vgpu *vgpu, const struct saved *saved)
{
	return xengt_vgpu_restore(vgpu, saved->data, saved->len);
}

void saved_set_field(struct saved *saved, size_t at, unsigned int size, u64 value)
{
	memcpy(saved->data + at, &value, size);
}

/* Ends the virtual GPU, and starts another one for the same guest. */
struct ppgtt_guest *saved_start_again(struct ppgtt_guest *old,
				      const struct ppgtt_guest_config *config)
{
	struct ppgtt_guest *guest;

	ppgtt_guest_stop(old);
	guest = chain_start_guest(old->test, config);
	memcpy(guest->ggtt, old->ggtt, sizeof(guest->ggtt));
	return guest;
}

/* The entries, from PLAIN_FIRST on */
u64 saved_plain_entry(unsigned int i)
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

void saved_put_tables(struct ppgtt_guest *guest, struct work *work)
{
	work->four = chain_put(guest);
	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_guest_put(guest, THREE, 1, PTE(THREE_L1));
	chain_put_pages(guest, THREE_L1, 4, 200, 4);
	work->three = ppgtt_3(guest, three_pdps);
}

void saved_do_work(struct ppgtt_guest *guest, struct work *work)
{
	unsigned int i;

	saved_put_tables(guest, work);
	for (i = 0; i < NR_PLAIN; i++)
		ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + i, saved_plain_entry(i));
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
void saved_go_on(struct ppgtt_guest *guest, struct work *work)
{
	work->four.guest = guest;
	work->three.guest = guest;
}

void saved_expect_entries(struct ppgtt_guest *guest)
{
	struct kunit *test = guest->test;
	unsigned int i;

	for (i = 0; i < NR_PLAIN; i++) {
		bool good = i != 3 && i != 5 && i != 6;

		KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST + i),
				saved_plain_entry(i));
		KUNIT_EXPECT_EQ_MSG(test, gpu_reaches(PLAIN_FIRST + i, DOM, 300 + i), good,
				    "entry %u", i);
	}
	KUNIT_EXPECT_TRUE(test, gpu_reaches(DIRECTORY(0), DOM, 310));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, DIRECTORY(0) + 1), 0ull);
}

void saved_expect_tables(struct work *work)
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
void saved_end_work(struct work *work)
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

struct held saved_held_by(struct ppgtt_guest *guest)
{
	struct held held = {};

	sync_vgpu(guest->vgpu);
	held.refs = fake_total_refs();
	held.protected = fake_domain_nr_protected(DOM);
	xengt_gtt_gauges(&guest->vgpu->gtt, &held.gauges);
	return held;
}

void saved_expect_held(struct kunit *test, const struct held *a, const struct held *b)
{
	KUNIT_EXPECT_EQ(test, a->refs, b->refs);
	KUNIT_EXPECT_EQ(test, a->protected, b->protected);
	KUNIT_EXPECT_EQ(test, a->gauges.entries_live, b->gauges.entries_live);
	KUNIT_EXPECT_EQ(test, a->gauges.ppgtts, b->gauges.ppgtts);
	KUNIT_EXPECT_EQ(test, a->gauges.tables, b->gauges.tables);
	KUNIT_EXPECT_EQ(test, a->gauges.pages, b->gauges.pages);
}
