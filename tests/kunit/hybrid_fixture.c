// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual GPU in any mode, and unsync pages; see hybrid_fixture.h.
 */

#include <linux/mm.h>
#include <xen/xen.h>

#include "hybrid_fixture.h"
#include "modules.h"

#define GFX_FLSH_CNTL	(BAR0 + 0x101008)

/* Makes a virtual GPU that is off. */
struct xengt_vgpu *new_hybrid(struct kunit *test, const struct hybrid_config *config)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);

	vgpu->config.mode = config->mode;
	vgpu->config.base[0] = (u64)IN_PAGE(config->first, 0) << PAGE_SHIFT;
	vgpu->config.size[0] = (u64)IN_PAGE(config->pages, 0) << PAGE_SHIFT;
	vgpu->config.base[1] = 0;
	vgpu->config.size[1] = 0;
	fake_domain_set_vcpus(DOM, 2);
	/* The ioreq server's page counts as the guest's. */
	if (config->room)
		fake_domain_set_headroom(DOM, config->room);
	return vgpu;
}

struct xengt_vgpu *start_hybrid(struct kunit *test, const struct hybrid_config *config)
{
	struct xengt_vgpu *vgpu = new_hybrid(test, config);

	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	fake_xen_reset_calls();
	return vgpu;
}

/* The guest has exactly its former number of pages, and no page is protected or referenced. */
void stop_hybrid(struct kunit *test, struct xengt_vgpu *vgpu)
{
	xengt_vgpu_destroy(vgpu);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), GUEST_PAGES + 1ul);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
}

/* The guest's first vCPU stores an entry, to RAM or to a protected page. */
void hybrid_put(struct kunit *test, unsigned long entry, u64 pte)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, ENTRY_ADDR(entry), &pte, sizeof(pte)), 0);
}

u64 hybrid_get(struct kunit *test, unsigned long entry)
{
	u64 pte = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_load(DOM, 0, ENTRY_ADDR(entry), &pte, sizeof(pte)), 0);
	return pte;
}

/* The guest flushes. */
void hybrid_flush(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, GFX_FLSH_CNTL, 1, 4), 0);
}

bool hybrid_is_scratch(struct xengt_vgpu *vgpu, unsigned long entry)
{
	u64 pte = gpu_entry(entry);

	return (pte & PTE_PRESENT) && PTE_FRAME(pte) == page_to_pfn(vgpu->gtt.shadow.scratch);
}

/* Makes a page write-hot: the next sync unsyncs it. */
void hybrid_write_often(struct kunit *test, unsigned long page)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		hybrid_put(test, IN_PAGE(page, i), PTE(100 + i));
}

/* Makes a page write-hot, and flushes: it is unsync then, if it can be. */
void hybrid_unsync(struct kunit *test, unsigned long page)
{
	hybrid_write_often(test, page);
	hybrid_flush(test);
}

/* Returns the hypercall that the mapping service maps with. */
enum fake_call mapping_call(void)
{
	return xen_pv_domain() ? FAKE_CALL_MMU_UPDATE : FAKE_CALL_ADD_TO_PHYSMAP;
}

unsigned long mapping_calls(void)
{
	return fake_xen_calls(mapping_call());
}

static void on_call(enum fake_call kind, void *arg)
{
	struct meanwhile *m = arg;

	if (kind == m->kind && m->nth && !--m->nth)
		m->act(m);
}

void meanwhile_start(struct meanwhile *m)
{
	fake_xen_set_hook(on_call, m);
}

/* Checks that it happened. */
void meanwhile_end(struct meanwhile *m)
{
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_EQ_MSG(m->test, m->nth, 0u, "nothing happened meanwhile");
}

bool hybrid_is_unsync(unsigned long page)
{
	return fake_gfn_mfn(DOM, GTT_GFN(page)) != FAKE_NO_MFN &&
	       !fake_gfn_write_protected(DOM, GTT_GFN(page));
}

unsigned long hybrid_set_type_calls(void)
{
	return fake_xen_calls(FAKE_CALL_DM_SET_TYPE);
}

u64 hybrid_traps(struct xengt_vgpu *vgpu)
{
	return vgpu_count(vgpu, XENGT_COUNT_TRAPS);
}

u64 hybrid_unsynced(struct xengt_vgpu *vgpu)
{
	return vgpu_count(vgpu, XENGT_COUNT_PAGES_UNSYNCED);
}

void hybrid_flush_times(struct kunit *test, unsigned int n)
{
	while (n--)
		hybrid_flush(test);
}

/* PPGTTs in hybrid mode */

struct ppgtt_guest *hybrid_guest_start(struct kunit *test, struct ppgtt *ppgtt)
{
	const struct ppgtt_guest_config config = { .mode = XENGT_MODE_HYBRID };
	struct ppgtt_guest *guest = ppgtt_guest_start(test, &config);

	*ppgtt = ppgtt_3(guest, (const u64[]){ TABLE_ROOT, 611, 612, 613 });
	ppgtt_guest_put(guest, TABLE_ROOT, 0, PTE(TABLE));
	ppgtt_start(ppgtt);
	return guest;
}

/* The end of a case: the shadow is right, and nothing is left. */
void hybrid_guest_stop(struct ppgtt *ppgtt)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	ppgtt_check(ppgtt);
	ppgtt_end(ppgtt);
	ppgtt_guest_stop(guest);
}

void hybrid_write_table_often(struct ppgtt_guest *guest)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		ppgtt_guest_put(guest, TABLE, i, PTE(100 + i));
}

void hybrid_unsync_table(struct ppgtt_guest *guest)
{
	hybrid_write_table_often(guest);
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(guest->test, fake_gfn_write_protected(DOM, TABLE));
}

void hybrid_unsync_directory(struct ppgtt_guest *guest)
{
	unsigned int i;

	for (i = 1; i < 9; i++)
		ppgtt_guest_put(guest, TABLE_ROOT, i, PTE(TABLE));
	ppgtt_guest_sync(guest);
	KUNIT_EXPECT_FALSE(guest->test, fake_gfn_write_protected(DOM, TABLE_ROOT));
}
