// SPDX-License-Identifier: GPL-2.0
/*
 * A chain of PPGTT tables, one on each level; see ppgtt_chain.h.
 */

#include "modules.h"
#include "ppgtt_chain.h"

/* References of a virtual GPU that is idle: its ioreq server's page */
static unsigned long idle_refs;

struct ppgtt_guest *chain_start_guest(struct kunit *test, const struct ppgtt_guest_config *config)
{
	struct ppgtt_guest *guest = ppgtt_guest_start(test, config);

	idle_refs = fake_total_refs();
	return guest;
}

struct ppgtt_guest *chain_new_guest(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};

	return chain_start_guest(test, &config);
}

struct ppgtt_guest *chain_new_gen7_guest(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };

	return chain_start_guest(test, &config);
}

/* Writes the chain, and does not announce it. */
struct ppgtt chain_put(struct ppgtt_guest *guest)
{
	ppgtt_guest_put(guest, L4, I4, PTE(L3));
	ppgtt_guest_put(guest, L3, I3, PTE(L2));
	ppgtt_guest_put(guest, L2, I2, PTE(L1));
	return ppgtt_4(guest, L4);
}

void chain_put_pages(struct ppgtt_guest *guest, u64 table, unsigned int first, u64 gfn,
		     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ppgtt_guest_put(guest, table, first + i, PTE(gfn + i));
}

struct ppgtt chain_start(struct ppgtt_guest *guest, struct ppgtt *ppgtt)
{
	*ppgtt = chain_put(guest);
	chain_put_pages(guest, L1, 0, 100, 8);
	ppgtt_start(ppgtt);
	ppgtt_check(ppgtt);
	return *ppgtt;
}

u64 chain_map_hypercalls(void)
{
	return debugfs_value("xen_gpu_map/domains/5", "map_hypercalls");
}

void chain_expect_page(struct ppgtt *ppgtt, u64 addr, u64 gfn)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	KUNIT_EXPECT_TRUE_MSG(guest->test, ppgtt_reaches(guest->model, &ppgtt->roots, addr, gfn),
			      "address %#llx does not reach GFN %#llx", addr, gfn);
}

void chain_expect_scratch(struct ppgtt *ppgtt, u64 addr)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	KUNIT_EXPECT_TRUE_MSG(guest->test, ppgtt_is_scratch(guest->model, &ppgtt->roots, addr),
			      "address %#llx is not scratch", addr);
}

/* The address reaches scratch, or nothing if the root is blank. */
void chain_expect_no_page(struct ppgtt *ppgtt, u64 addr)
{
	struct ppgtt_guest *guest = ppgtt->guest;
	struct ppgtt_walk found;

	ppgtt_walk_shadow(guest->model, &ppgtt->roots, addr, &found);
	KUNIT_EXPECT_TRUE_MSG(guest->test,
			      !found.page || ppgtt_is_dom0(fake_dma_mfn(found.frame)),
			      "address %#llx reaches a page", addr);
}

/* At the end of a case nothing is announced, and all pages are unmapped. */
void chain_end(struct ppgtt *ppgtt)
{
	struct ppgtt_guest *guest = ppgtt->guest;

	ppgtt_end(ppgtt);
	sync_vgpu(guest->vgpu);
	KUNIT_EXPECT_EQ_MSG(guest->test, fake_total_refs(), idle_refs, "pages are still mapped");
	KUNIT_EXPECT_EQ(guest->test, fake_domain_nr_protected(DOM), 0u);
	ppgtt_guest_stop(guest);
}
