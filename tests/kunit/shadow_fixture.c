// SPDX-License-Identifier: GPL-2.0
/*
 * A shadow GGTT by itself, and what the guest wrote to it; see shadow_fixture.h.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "vgpu/abi/pte.h"
#include "modules.h"
#include "shadow_fixture.h"

static void note_ended(struct work_struct *work)
{
	container_of(work, struct shadow, ended_work)->nr_ended++;
}

/* Returns how often the end of the guest was notified. */
unsigned int shadow_ended(struct shadow *s)
{
	flush_work(&s->ended_work);
	return s->nr_ended;
}

/* Makes a shadow GGTT that is not started, so that its configuration can be changed. */
struct shadow *new_shadow(struct kunit *test, domid_t domid, unsigned long quota)
{
	const struct xen_gpu_limits limits = { .quota = quota, .max_bfn = BIT_ULL(34) - 1 };
	struct shadow *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->test = test;
	s->domid = domid;
	s->domain = xen_gpu_domain_get(domid, &limits);
	KUNIT_ASSERT_FALSE(test, IS_ERR(s->domain));
	s->counters.set.lock = &s->gtt.shadow.lock;
	s->share[0] = (struct xengt_range){ .first = LOW_FIRST, .n = LOW_N };
	s->share[1] = (struct xengt_range){ .first = HIGH_FIRST, .n = HIGH_N };
	INIT_WORK(&s->ended_work, note_ended);
	s->config = (struct xengt_gtt_config){
		.shadow = {
			.domid = domid,
			.domain = s->domain,
			.format = xengt_gtt_format(8),
			.server = &s->server,
			.max_bfn = BIT_ULL(27) - 1,
			.counters = &s->counters,
		},
		.place = "gpu",
		.share = {
			.vgpu = "test",
			.generation = 8,
			.nr_entries = GTT_ENTRIES,
			.max_bfn = BIT_ULL(27) - 1,
		},
		.max_tables = 1,
		.ended_work = &s->ended_work,
	};
	return s;
}

int start_tables(struct shadow *s)
{
	gpu_set_owner(s->domid);
	memcpy(s->config.share.range, s->share, sizeof(s->share));
	return xengt_gtt_init(&s->gtt, &s->config);
}

void stop_tables(struct shadow *s)
{
	xengt_gtt_close(&s->gtt);
	xengt_gtt_exit(&s->gtt);
	flush_work(&s->ended_work);
}

int start_shadow(struct shadow *s)
{
	int rc;

	gpu_set_drained(s->domid, s->domain);
	s->nr_slots = s->share[0].n + s->share[1].n;
	rc = start_tables(s);
	if (!rc)
		s->wrote = kunit_kzalloc(s->test, s->nr_slots * 8, GFP_KERNEL);
	return rc;
}

struct shadow *started_shadow(struct kunit *test, unsigned long quota)
{
	struct shadow *s = new_shadow(test, DOM, quota);

	KUNIT_ASSERT_EQ(test, start_shadow(s), 0);
	KUNIT_ASSERT_NOT_NULL(test, s->wrote);
	fake_xen_reset_calls();
	fake_xen_clear_events();
	return s;
}

/* Also stops one that was not started. */
void stop_shadow(struct shadow *s)
{
	if (s->wrote)
		stop_tables(s);
	gpu_set_drained(s->domid, NULL);
	xen_gpu_domain_put(s->domain);
}

void shadow_flush(struct shadow *s)
{
	KUNIT_EXPECT_EQ(s->test, xen_gpu_flush(s->domain), 0);
}

/* A balloon event, and the revalidation after it. */
void shadow_balloon(struct shadow *s)
{
	xen_gpu_balloon_event(s->domain);
	shadow_flush(s);
}

/* Returns what the guest wrote to an entry, or NULL if it is not in the share. */
static u8 *wrote(struct shadow *s, unsigned long entry)
{
	const struct xengt_range *share = s->share;

	if (entry >= share[0].first && entry < share[0].first + share[0].n)
		return s->wrote + (entry - share[0].first) * 8;
	if (entry >= share[1].first && entry < share[1].first + share[1].n)
		return s->wrote + (share[0].n + entry - share[1].first) * 8;
	return NULL;
}

static unsigned long entry_of_slot(struct shadow *s, unsigned long slot)
{
	const struct xengt_range *share = s->share;

	return slot < share[0].n ? share[0].first + slot : share[1].first + slot - share[0].n;
}

/* The guest writes any bytes. The model keeps those in the share. */
void shadow_write(struct shadow *s, u64 offset, const void *data, unsigned int len)
{
	unsigned int i;
	u8 *entry;

	for (i = 0; i < len; i++) {
		entry = wrote(s, (offset + i) / 8);
		if (entry)
			entry[(offset + i) % 8] = ((const u8 *)data)[i];
	}
	xengt_ggtt_write(&s->gtt.ggtt, offset, data, len);
}

void shadow_put(struct shadow *s, unsigned long entry, u64 pte)
{
	shadow_write(s, entry * 8, &pte, 8);
}

/* Writes at most a page of entries with ascending GFNs, in one write. */
void shadow_put_block(struct shadow *s, unsigned long entry, u64 gfn, unsigned int n)
{
	u64 *ptes = kunit_kmalloc(s->test, n * 8, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(s->test, ptes);
	for (i = 0; i < n; i++)
		ptes[i] = PTE(gfn + i);
	shadow_write(s, entry * 8, ptes, n * 8);
	kunit_kfree(s->test, ptes);
}

/* Reads an entry, as the guest does. */
u64 shadow_get(struct shadow *s, unsigned long entry)
{
	u64 pte = ~0ull;

	xengt_ggtt_read(&s->gtt.ggtt, entry * 8, &pte, 8);
	return pte;
}

bool shadow_is_scratch(struct shadow *s, unsigned long entry)
{
	u64 pte = gpu_entry(entry);

	return (pte & PTE_PRESENT) && PTE_FRAME(pte) == page_to_pfn(s->gtt.shadow.scratch);
}

/*
 * Is the GPU's entry right? It is scratch if the guest's is not present, not valid, or has no page.
 */
bool shadow_is_right(struct shadow *s, unsigned long entry)
{
	u64 pte = gpu_entry(entry), guest;

	memcpy(&guest, wrote(s, entry), 8);
	if (!(guest & PTE_PRESENT) || (guest & PTE_RESERVED) ||
	    fake_gfn_mfn(s->domid, PTE_FRAME(guest)) == FAKE_NO_MFN)
		return shadow_is_scratch(s, entry);
	return (pte & ~PTE_ADDRESS) == (guest & ~(PTE_ADDRESS | PTE_IGNORED)) &&
	       fake_dma_reaches(PTE_FRAME(pte), s->domid, PTE_FRAME(guest));
}

/* Counts the entries with a reference. */
unsigned long shadow_live(struct shadow *s)
{
	unsigned long n;

	mutex_lock(&s->gtt.shadow.lock);
	n = s->gtt.shadow.nr_live;
	mutex_unlock(&s->gtt.shadow.lock);
	return n;
}

/* Checks all entries: the guest reads what it wrote, and the GPU's are right. */
void shadow_expect(struct shadow *s)
{
	unsigned long slot, entry, wrong = 0, unread = 0, live = 0;
	u64 guest;

	for (slot = 0; slot < s->nr_slots; slot++) {
		entry = entry_of_slot(s, slot);
		memcpy(&guest, s->wrote + slot * 8, 8);
		unread += shadow_get(s, entry) != guest;
		wrong += !shadow_is_right(s, entry);
		live += !shadow_is_scratch(s, entry);
	}
	KUNIT_EXPECT_EQ_MSG(s->test, unread, 0ul, "entries do not read back as written");
	KUNIT_EXPECT_EQ_MSG(s->test, wrong, 0ul, "the GPU's entries are not the guest's");
	KUNIT_EXPECT_EQ(s->test, shadow_live(s), live);
	gpu_check();
}

u64 shadow_count(struct shadow *s, enum xengt_counter which)
{
	return xengt_counter_read(&s->counters, which);
}

/*
 * Returns the index of the only event of a kind with this @where and MFN (FAKE_NO_MFN: any), or -1.
 */
int only_event(struct kunit *test, enum fake_event_kind kind, u64 where, u64 mfn)
{
	const struct fake_event *event;
	int found = -1;
	unsigned int i;

	for (i = 0; (event = fake_xen_event(i)); i++) {
		if (event->kind != kind || (mfn != FAKE_NO_MFN && event->mfn != mfn) ||
		    event->where != where)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, found, -1, "more than one event of kind %d", kind);
		found = i;
	}
	KUNIT_EXPECT_GE_MSG(test, found, 0, "no event of kind %d", kind);
	return found;
}

/* 2: an entry was written, then came one invalidate, then the reference on @old was dropped. */
void shadow_expect_replaced(struct shadow *s, unsigned long entry, u64 old)
{
	int pte = only_event(s->test, FAKE_EVENT_PTE, entry, FAKE_NO_MFN);
	int inval = only_event(s->test, FAKE_EVENT_INVALIDATE, 0, FAKE_NO_MFN);
	int unref = only_event(s->test, FAKE_EVENT_UNREF, 0, old);

	KUNIT_EXPECT_LT(s->test, pte, inval);
	KUNIT_EXPECT_LT(s->test, inval, unref);
}

/* 3: the reference on @new was taken before the entry was written. */
void shadow_expect_mapped_first(struct shadow *s, unsigned long entry, u64 new)
{
	KUNIT_EXPECT_LT(s->test, only_event(s->test, FAKE_EVENT_REF, 0, new),
			only_event(s->test, FAKE_EVENT_PTE, entry, FAKE_NO_MFN));
}
