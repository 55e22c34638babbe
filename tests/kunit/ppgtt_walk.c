// SPDX-License-Identifier: GPL-2.0
/*
 * Walks of a PPGTT for one address, the guest's and the shadow's; see ppgtt_model.h.
 *
 * Locking: none. ARCH=um does not preempt, and nothing here sleeps.
 */

#define pr_fmt(fmt) "ppgtt model: " fmt

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "ppgtt_model.h"

static unsigned int index_at(const struct ppgtt_format *format, unsigned int level, u64 addr)
{
	return addr >> format->shift[level] & (format->entries[level] - 1);
}

static u64 load_guest(struct ppgtt_model *m, const struct ppgtt_format *format, u64 gfn,
		      unsigned int index)
{
	u64 raw = 0;

	if (fake_gfn_mfn(m->domid, gfn) != FAKE_NO_MFN)
		fake_guest_read(m->domid, (gfn << PAGE_SHIFT) + index * format->entry_size, &raw,
				format->entry_size);
	return raw;
}

static u64 load_shadow(struct ppgtt_model *m, const struct ppgtt_format *format, u64 bfn,
		       unsigned int index)
{
	const void *table = ppgtt_dom0_table(bfn);

	return table ? ppgtt_load(format, table, index) : 0;
}

typedef u64 (*load_entry)(struct ppgtt_model *m, const struct ppgtt_format *format, u64 table,
			  unsigned int index);

/* Ends a walk at a page entry: picks the page of 4 KiB in it. */
static void end_walk(struct ppgtt_walk *walk, const struct ppgtt_entry *entry, bool wide, u64 addr)
{
	u64 pages = wide ? PPGTT_WIDE_PAGES : entry->pages;

	walk->page = true;
	walk->frame = round_down(entry->frame, pages) + (addr >> PAGE_SHIFT) % pages;
	walk->flags = entry->flags;
}

static void walk_from(struct ppgtt_model *m, const struct ppgtt_format *format, u64 table,
		      unsigned int level, bool wide, u64 addr, load_entry load,
		      struct ppgtt_walk *walk)
{
	struct ppgtt_entry entry;
	unsigned int index;

	for (; level; level--) {
		index = index_at(format, level, addr);
		if (wide)
			index = round_down(index, PPGTT_WIDE_PAGES);
		entry = ppgtt_decode(format, level, load(m, format, table, index));
		walk->level = level;
		walk->raw[level] = entry.raw;
		walk->writable &= !(~entry.flags & format->rw);
		if (entry.kind == PPGTT_PAGE)
			end_walk(walk, &entry, wide, addr);
		if (entry.kind != PPGTT_TABLE)
			return;
		table = entry.frame;
		wide = entry.wide;
	}
}

static void walk(struct ppgtt_model *m, const struct ppgtt_format *format, const u64 *roots,
		 u64 (*ggtt)(void *data, unsigned long index), u64 addr, load_entry load,
		 struct ppgtt_walk *walk)
{
	unsigned int level = format->top;
	struct ppgtt_entry entry;

	memset(walk, 0, sizeof(*walk));
	walk->writable = true;
	if (!format->root_in_ggtt) {
		walk_from(m, format, roots[addr >> ppgtt_root_shift(format)], level, false, addr,
			  load, walk);
		return;
	}
	walk->level = level;
	walk->raw[level] = ggtt(m->data, roots[0] + index_at(format, level, addr));
	entry = ppgtt_decode(format, level, walk->raw[level]);
	if (entry.kind == PPGTT_TABLE)
		walk_from(m, format, entry.frame, level - 1, false, addr, load, walk);
}

void ppgtt_walk_guest(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr,
		      struct ppgtt_walk *found)
{
	walk(m, roots->format, roots->guest, m->ggtt_guest, addr, load_guest, found);
}

void ppgtt_walk_shadow(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr,
		       struct ppgtt_walk *found)
{
	walk(m, roots->format, roots->shadow, m->ggtt_shadow, addr, load_shadow, found);
}

static const char *judge(struct ppgtt_model *m, const struct ppgtt_walk *guest,
			 const struct ppgtt_walk *shadow)
{
	bool wanted = guest->page && fake_gfn_mfn(m->domid, guest->frame) != FAKE_NO_MFN;
	unsigned long mfn;

	if (!shadow->page)
		return "the shadow's walk reaches no page";
	mfn = fake_dma_mfn(shadow->frame);
	if (mfn == FAKE_NO_MFN)
		return "the shadow's walk reaches nothing";
	if (ppgtt_is_dom0(mfn))
		return wanted && !m->tolerant ? "scratch where the guest has a page" : NULL;
	if (!wanted)
		return "a guest's page where the guest has none";
	if (!fake_dma_reaches(shadow->frame, m->domid, guest->frame))
		return "another page, or one without a reference";
	if (guest->flags != shadow->flags || guest->writable != shadow->writable)
		return "other flags";
	return NULL;
}

/* Does an address translate as it should? Logs what is wrong. */
bool ppgtt_expect(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr)
{
	struct ppgtt_walk guest, shadow;
	unsigned int level;
	const char *what;

	ppgtt_walk_guest(m, roots, addr, &guest);
	ppgtt_walk_shadow(m, roots, addr, &shadow);
	what = judge(m, &guest, &shadow);
	if (!what)
		return true;
	if (m->quiet)
		return false;
	pr_err("%s: address %#llx: GFN %#llx flags %#llx, BFN %#llx flags %#llx: %s\n",
	       roots->format->name, addr, guest.frame, guest.flags, shadow.frame, shadow.flags,
	       what);
	for (level = roots->format->top; level; level--)
		pr_err("  level %u: guest %#llx, shadow %#llx\n", level, guest.raw[level],
		       shadow.raw[level]);
	return false;
}

bool ppgtt_reaches(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr, u64 gfn)
{
	struct ppgtt_walk found;

	ppgtt_walk_shadow(m, roots, addr, &found);
	return found.page && fake_dma_reaches(found.frame, m->domid, gfn);
}

bool ppgtt_is_scratch(struct ppgtt_model *m, const struct ppgtt_roots *roots, u64 addr)
{
	struct ppgtt_walk found;

	ppgtt_walk_shadow(m, roots, addr, &found);
	return found.page && ppgtt_is_dom0(fake_dma_mfn(found.frame));
}
