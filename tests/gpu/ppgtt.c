// SPDX-License-Identifier: GPL-2.0
/* PPGTTs; see ppgtt.h. */
#include <string.h>

#include "bits.h"
#include "dma.h"
#include "judge.h"
#include "page.h"
#include "ppgtt.h"

#define PDE_PS		BIT_ULL(7)	/* a page of 2M, or of 1G a level above */
#define PDE_IPS		BIT_ULL(11)	/* the page table holds pages of 64K */

#define INDEX_BITS	9
#define INDEX_MASK	(BIT(INDEX_BITS) - 1)
#define IPS_BYTES	(64ULL << 10)
#define IPS_MASK	(IPS_BYTES / PAGE_BYTES - 1)
#define ADDRESS_BITS_3	32
#define ADDRESS_BITS_4	48

/**
 * struct walk - on the way from the root to a page
 * @tlb: the engine's, or NULL
 * @graphics: address
 * @table: bus address of the table that is next
 * @level: its level
 * @ips: it holds pages of 64K
 * @stale: an entry of the TLB was not as in its table
 */
struct walk {
	struct tlb *tlb;
	uint64_t graphics;
	uint64_t table;
	unsigned int level;
	bool ips;
	bool stale;
};

bool ppgtt_root_equal(const struct ppgtt_root *a, const struct ppgtt_root *b)
{
	return a->levels == b->levels && !memcmp(a->pdp, b->pdp, sizeof(a->pdp));
}

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + (level - 1) * INDEX_BITS;
}

/* Bits of a PDP besides the address do not count, not even that it is present. */
static int begin(struct walk *w, const struct ppgtt_root *root)
{
	if (root->levels == 4 && !(w->graphics >> ADDRESS_BITS_4)) {
		w->level = 4;
		w->table = root->pdp[0] & PTE_ADDRESS;
	} else if (root->levels == 3 && !(w->graphics >> ADDRESS_BITS_3)) {
		w->level = 2;
		w->table = root->pdp[w->graphics >> shift_of(3)] & PTE_ADDRESS;
	} else {
		return GPU_BEYOND;
	}
	return GPU_DONE;
}

static bool is_leaf(const struct walk *w, uint64_t entry)
{
	return w->level == 1 || (w->level < 4 && entry & PDE_PS);
}

/* Of what the entry leads to: a page, or a table */
static uint64_t size_of(const struct walk *w, uint64_t entry)
{
	if (!is_leaf(w, entry))
		return PAGE_BYTES;
	return w->ips ? IPS_BYTES : 1ULL << shift_of(w->level);
}

static uint64_t prefix_of(const struct walk *w)
{
	uint64_t prefix = w->graphics >> shift_of(w->level);

	return w->ips ? prefix & ~IPS_MASK : prefix;
}

/* From its table in memory; an error of the bus is a violation if there is a TLB. */
static int fetch(struct walk *w, struct tlb_entry *e)
{
	void *p;
	int status;

	memset(e, 0, sizeof(*e));
	e->table = w->table + (prefix_of(w) & INDEX_MASK) * sizeof(e->entry);
	if (w->tlb) {
		const struct target t = { .bus = e->table, .physical = NOWHERE };

		status = dma_target(w->tlb->engine, GPU_PPGTT, w->graphics, false, &t, &p);
	} else {
		status = dma_at(e->table, false, &p);
	}
	if (status)
		return status;
	e->entry = __atomic_load_n((uint64_t *)p, __ATOMIC_ACQUIRE);
	e->size = size_of(w, e->entry);
	return e->entry & PTE_PRESENT ? GPU_DONE : GPU_NOT_PRESENT;
}

static void report_stale(struct walk *w, const struct tlb_entry *e)
{
	const struct violation v = {
		.kind = GPU_STALE_PPGTT, .engine = w->tlb->engine, .space = GPU_PPGTT,
		.address = w->graphics, .used = e->entry, .table = tlb_in_table(e),
	};

	if (!w->stale)
		judge_violation(&v);
	w->stale = true;
}

/* Through the TLB, which remembers what is present. */
static int look_up(struct walk *w, struct tlb_entry *e)
{
	struct tlb_entry *known = NULL;
	int status;

	if (w->tlb)
		known = tlb_find(w->tlb, w->level, prefix_of(w));
	if (known) {
		if (tlb_in_table(known) != known->entry)
			report_stale(w, known);
		*e = *known;
		return GPU_DONE;
	}
	status = fetch(w, e);
	if (!status && w->tlb)
		*e = *tlb_add(w->tlb, w->level, prefix_of(w), e);
	return status;
}

static int end(const struct walk *w, const struct tlb_entry *e, bool write, struct target *target)
{
	uint64_t offset = w->graphics & (e->size - 1);

	target->entry = e->entry;
	target->bus = tlb_bus(e) | offset;
	target->physical = NOWHERE;
	if (w->tlb && e->behind != NOWHERE && offset < PAGE_BYTES)
		target->physical = e->behind | offset;
	target->size = e->size;
	target->level = w->level;
	return write && !(e->entry & PTE_WRITABLE) ? GPU_READ_ONLY : GPU_DONE;
}

int ppgtt_translate(struct tlb *tlb, const struct ppgtt_root *root, uint64_t graphics, bool write,
		    struct target *target)
{
	struct walk w = { .tlb = tlb, .graphics = graphics };
	struct tlb_entry e;
	int status;

	for (status = begin(&w, root); !status; w.level--) {
		status = look_up(&w, &e);
		if (status)
			break;
		if (is_leaf(&w, e.entry))
			return end(&w, &e, write, target);
		w.ips = w.level == 2 && e.entry & PDE_IPS;
		w.table = tlb_bus(&e);
	}
	return status;
}
