// SPDX-License-Identifier: GPL-2.0
/*
 * Walks: it finds memory as a GPU does, by walking the shadow GGTT in the "mem" place or the shadow
 * of a PPGTT, from its root, entry by entry.
 *
 * What a walk found is to be used between walk_begin() and walk_end(), as a GPU has a translation
 * in use until a TLB invalidate completes. A PPGTT is pinned for as long as the walk is open.
 *
 * Formats of gen8: the PRMs of Broadwell and Skylake ("PPGTT"), intel_gtt.h of i915.
 */

#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/xen/page.h>

#include "edu.h"
#include "walk.h"

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_ADDRESS	GENMASK_ULL(45, 12)
#define PDE_PS		BIT_ULL(7)	/* a page of 2M; in an entry for a page directory, of 1G */
#define PDE_IPS		BIT_ULL(11)	/* the page table holds pages of 64K */

#define INDEX_BITS	9
#define INDEX_MASK	GENMASK(INDEX_BITS - 1, 0)
#define IPS_STEP	(SZ_64K / SZ_4K)

int walk_open(struct walk *walk)
{
	struct xengt_mem_table *table = xengt_mem_table_get();

	memset(walk, 0, sizeof(*walk));
	if (IS_ERR(table))
		return PTR_ERR(table);
	walk->table = table;
	return 0;
}

/* Pins a PPGTT; needs no shadow GGTT that the CPU can read. */
int walk_pin(struct walk *walk, const char *name, const struct xengt_ppgtt_root *root)
{
	struct xengt_vgpu *vgpu = xengt_vgpu_get(name);
	struct xengt_ppgtt_shadow *ppgtt;

	if (IS_ERR(vgpu))
		return PTR_ERR(vgpu);

	ppgtt = xengt_ppgtt_pin(vgpu, root, walk->root);
	if (IS_ERR(ppgtt)) {
		xengt_vgpu_put(vgpu);
		return PTR_ERR(ppgtt);
	}

	walk->vgpu = vgpu;
	walk->ppgtt = ppgtt;
	walk->levels = root->levels;
	return 0;
}

int walk_open_ppgtt(struct walk *walk, const char *name, const struct xengt_ppgtt_root *root)
{
	int ret = walk_open(walk);

	if (ret)
		return ret;
	ret = walk_pin(walk, name, root);
	if (ret)
		walk_close(walk);
	return ret;
}

void walk_close(struct walk *walk)
{
	if (walk->ppgtt) {
		xengt_ppgtt_unpin(walk->ppgtt);
		xengt_vgpu_put(walk->vgpu);
	}
	if (walk->table)
		xengt_mem_table_put(walk->table);
}

void walk_begin(struct walk *walk)
{
	if (walk->table)
		xengt_mem_walk_begin(walk->table);
}

void walk_end(struct walk *walk)
{
	if (walk->table)
		xengt_mem_walk_end(walk->table);
}

static int end_at(u64 entry, unsigned int level, u64 size, u64 addr, struct leaf *leaf)
{
	leaf->level = level;
	leaf->size = size;
	leaf->bus = (entry & PTE_ADDRESS & ~(size - 1)) | (addr & (size - 1));
	return 0;
}

int walk_ggtt(struct walk *walk, u64 addr, struct leaf *leaf)
{
	u64 pte = xengt_mem_entry(walk->table, addr & PAGE_MASK);

	return pte & PTE_PRESENT ? end_at(pte, 1, SZ_4K, addr, leaf) : -EFAULT;
}

/* Tables of a shadow are RAM of this domain's; a bus address that is not leads nowhere. */
static int read_by_cpu(u64 bus, u64 *entry)
{
	unsigned long pfn = bfn_to_local_pfn(PHYS_PFN(bus));
	u64 *table;

	if (!pfn_valid(pfn))
		return -EFAULT;

	table = kmap_local_page(pfn_to_page(pfn));
	*entry = READ_ONCE(table[offset_in_page(bus) / sizeof(*table)]);
	kunmap_local(table);
	return 0;
}

static int read_entry(struct walk *walk, u64 table, unsigned long index, u64 *entry)
{
	u64 bus = table + index * sizeof(*entry);

	return walk->edu ? edu_peek(walk->edu, bus, entry) : read_by_cpu(bus, entry);
}

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + (level - 1) * INDEX_BITS;
}

/* The first table, and its level. */
static u64 root_of(struct walk *walk, u64 addr, unsigned int *level)
{
	if (walk->levels == 4) {
		*level = 4;
		return walk->root[0];
	}
	*level = 2;
	return walk->root[addr >> shift_of(3)];
}

static bool beyond(struct walk *walk, u64 addr)
{
	return walk->levels == 4 ? addr >> shift_of(5) : addr >= SZ_4G;
}

int walk_ppgtt(struct walk *walk, u64 addr, struct leaf *leaf)
{
	unsigned long index;
	unsigned int level;
	bool ips = false;
	u64 table, entry;
	int ret;

	if (beyond(walk, addr))
		return -EFAULT;

	for (table = root_of(walk, addr, &level); ; table = entry & PTE_ADDRESS, level--) {
		index = addr >> shift_of(level) & INDEX_MASK;
		if (ips)
			index = round_down(index, IPS_STEP);
		ret = read_entry(walk, table, index, &entry);
		if (ret)
			return ret;
		if (!(entry & PTE_PRESENT))
			return -EFAULT;
		if (level == 1)
			return end_at(entry, level, ips ? SZ_64K : SZ_4K, addr, leaf);
		if (level < 4 && entry & PDE_PS)
			return end_at(entry, level, BIT_ULL(shift_of(level)), addr, leaf);
		ips = level == 2 && entry & PDE_IPS;
	}
}
