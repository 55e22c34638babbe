/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shadow page tables (SPTs) of a virtual GPU's PPGTTs.
 *
 * An SPT is made from one of these:
 *  - a guest page, as a table of one level. The same page can be a table of several levels, for
 *    instance if one of its entries names the page itself;
 *  - one large guest entry, which is split (see spt_leaf.c);
 *  - a range of GGTT entries: the page directory of gen7.
 *
 * Entries that name the same page, as a table of the same level and kind, share one SPT. The SPT
 * counts its references.
 *
 * A write of the guest only marks entries of an SPT dirty. A sync brings the shadow up to date.
 *
 *   ppgtts.c		the set of PPGTTs that were announced
 *   ppgtt.c		one PPGTT: its root and its shadow
 *   sync.c		syncs: brings dirty entries into the shadow, in an order that is safe
 *   spt_leaf.c		SPTs of level 1, whose entries name pages
 *   spt_dir.c		SPTs of the levels above, whose entries point to SPTs
 *   spt.c		making, finding and freeing SPTs; shadows of PPGTTs
 *   spt_scratch.c	scratch SPTs
 *   gpt_page.c		the guest pages that SPTs are made from
 */

#ifndef _XENGT_SPT_H
#define _XENGT_SPT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <xen/xengt.h>

#include "abi/pte.h"
#include "ppgtt/gpt_page.h"
#include "ppgtt/spt_scratch.h"
#include "shadow/shadow.h"

struct page;
struct xengt_ggtt;
struct xengt_spt;
struct xengt_spts;

/**
 * struct xengt_spt_search - what a search for the SPTs that the GPU may use has found so far
 * @missing: how many entries are missing: present, but scratch as their child could not be had or
 *	their GFN could not be mapped
 * @scratch: how many entries are scratch though they are present: the missing ones, those that
 *	another try cannot help, and one for each table whose guest page is lost
 */
struct xengt_spt_search {
	unsigned long missing;
	unsigned long scratch;
};

/**
 * struct xengt_spt_ops - the functions of one kind of SPTs: directories, or leaf SPTs
 * @size: size of the structure that begins with the SPT, in bytes
 * @init: makes the entries, all scratch; returns 0 or -ENOMEM
 * @exit: puts the children, or releases the GFNs, that the entries hold; frees the entries
 * @is_made_from: returns true if the shadow entry @i is made from the present guest entry, and is
 *	not missing
 * @nr_missing: returns how many entries are missing: present, but scratch as their child could not
 *	be had or their GFN could not be mapped
 * @nr_bad: returns how many entries are present, but scratch as another try cannot help
 * @mark_used: marks the children as used in the current search, if there are any, and the leaf
 *	table
 */
struct xengt_spt_ops {
	size_t size;
	int (*init)(struct xengt_spt *spt);
	void (*exit)(struct xengt_spt *spt);
	bool (*is_made_from)(const struct xengt_spt *spt, unsigned int i);
	unsigned long (*nr_missing)(const struct xengt_spt *spt);
	unsigned long (*nr_bad)(const struct xengt_spt *spt);
	void (*mark_used)(struct xengt_spt *spt, struct xengt_spt_search *search);
};

/**
 * struct xengt_spt - a shadow page table
 * @spts: the set of SPTs that it belongs to
 * @ops: the functions of its kind
 * @serial: its serial, see xengt_new_serial()
 * @level: 1: its entries name pages (struct xengt_spt_leaf); above: its entries point to SPTs of
 *	the level below (struct xengt_spt_dir)
 * @ips_64k: its guest entries name pages of 64 KiB
 * @page: the guest page that it is made from, or NULL
 * @page_node: in the page's list of SPTs, or in the list of page directories in the GGTT
 * @split: the large guest entry that it is made from; else 0
 * @ggtt_index: its first entry in the GGTT, as an index into the share; XENGT_NOT_IN_SHARE if it is
 *	not in the GGTT
 * @refs: references: of the entries and roots that point to it, and of the code that works on it
 * @deferred: how many of these references are put at the end of the sync
 * @deferred_node: in the list of SPTs with deferred puts
 * @used: the last search that found that the GPU may use it, see xengt_shadow.used_round
 * @dirty_node: in a list of SPTs with dirty entries, or of directories to be written
 * @dirty: bitmap of the dirty entries: the guest has written them since the last sync. After the
 *	first step of a directory's update: of the entries whose shadow is to be written
 * @shadow: the page that the GPU reads; NULL if it is in the GGTT
 * @bfn: the BFN of @shadow
 * @parents: the entries that point to it (struct xengt_spt_entry)
 * @nr_parents: how many these are
 * @large: parent entries may be large ones, or say that this is a table of 64 KiB pages; only if
 *	there are at most XENGT_LARGE_PARENTS
 * @large_frame: the frame (a BFN) that a large parent entry names, if this is a split; else 0
 */
struct xengt_spt {
	struct xengt_spts *spts;
	const struct xengt_spt_ops *ops;
	u64 serial;
	unsigned int level;
	bool ips_64k;
	struct xengt_gpt_page *page;
	struct list_head page_node;
	u64 split;
	unsigned long ggtt_index;
	unsigned int refs;
	unsigned int deferred;
	struct list_head deferred_node;
	unsigned int used;
	struct list_head dirty_node;
	DECLARE_BITMAP(dirty, XENGT_TABLE_ENTRIES);
	struct page *shadow;
	u64 bfn;
	struct hlist_head parents;
	unsigned int nr_parents;
	bool large;
	u64 large_frame;
};

/**
 * struct xengt_ppgtt_shadow - the shadow of a PPGTT; it lives until it is reclaimed and unpinned
 * @ref: one reference of the PPGTT, and one for each pin
 * @node: in the list of shadows, the most recently used one last
 * @owner: the PPGTT's pointer to this shadow; NULL once the PPGTT has dropped it
 * @spt: the top-level SPTs, a reference on each; NULL where there is none (scratch)
 * @page: the pages that the GPU reads for them, a reference on each; NULL if in the GGTT
 * @scratch: the scratch SPT that the GPU may have read where there was no SPT, a reference; or NULL
 */
struct xengt_ppgtt_shadow {
	struct kref ref;
	struct list_head node;
	struct xengt_ppgtt_shadow **owner;
	struct xengt_spt *spt[XENGT_PPGTT_PDPS];
	struct page *page[XENGT_PPGTT_PDPS];
	struct page *scratch;
};

/**
 * struct xengt_spts - all SPTs of a virtual GPU
 * @sh: the shadow; its lock protects everything here
 * @ggtt: the GGTT, in which page directories can be
 * @ops: the functions of the SPTs of each level
 * @pages: the guest pages that are tables
 * @max: the quota of SPTs
 * @n: how many SPTs there are
 * @nr_bad: number of bad entries of all directories
 * @refused: an SPT was refused for want of quota
 * @nomem: a child of a directory could not be had for want of memory
 * @shadows: the shadows of the PPGTTs, the most recently used one last
 * @in_ggtt: the SPTs that are page directories in the GGTT
 * @dirty: for each level, SPTs with dirty entries
 * @changed: for each level, directories whose shadow is to be written in this sync
 * @deferred: SPTs with deferred puts
 * @missing: directories with missing entries
 * @scratch: the scratch SPTs
 */
struct xengt_spts {
	struct xengt_shadow *sh;
	struct xengt_ggtt *ggtt;
	const struct xengt_spt_ops *ops[XENGT_MAX_LEVELS + 1];
	struct xengt_gpt_pages pages;
	unsigned long max;
	unsigned long n;
	unsigned long nr_bad;
	bool refused;
	bool nomem;
	struct list_head shadows;
	struct list_head in_ggtt;
	struct list_head dirty[XENGT_MAX_LEVELS + 1];
	struct list_head changed[XENGT_MAX_LEVELS + 1];
	struct list_head deferred;
	struct list_head missing;
	struct xengt_spt_scratch scratch;
};

/* Returns the format of the SPT's entries. */
static inline const struct xengt_level *xengt_spt_format(const struct xengt_spt *spt)
{
	return &spt->spts->sh->format->level[spt->level];
}

/* Returns the entry that points to scratch in a directory of that level. */
static inline u64 xengt_spts_scratch_entry(const struct xengt_spts *spts, unsigned int level)
{
	return xengt_spt_scratch_entry(&spts->scratch, spts->sh->format, level);
}

u64 xengt_new_serial(void);
void xengt_spts_init(struct xengt_spts *spts, struct xengt_shadow *sh, struct xengt_ggtt *ggtt,
		     unsigned long max);
void xengt_spts_exit(struct xengt_spts *spts);
struct xengt_spt *xengt_spt_get(struct xengt_spts *spts, u64 gfn, unsigned int level,
				bool ips_64k);
struct xengt_spt *xengt_spt_get_split(struct xengt_spts *spts, u64 pde);
struct xengt_spt *xengt_spt_get_in_ggtt(struct xengt_spts *spts, unsigned long index,
					unsigned int level);
void xengt_spt_store(struct xengt_spt *spt, unsigned int index, u64 pte);
void xengt_spt_put(struct xengt_spt *spt);
void xengt_spt_put_deferred(struct xengt_spt *spt);
void xengt_spts_put_deferred(struct xengt_spts *spts);
bool xengt_spts_store(struct xengt_spts *spts, u64 addr, const void *data, unsigned int len);
void xengt_spts_mark_ggtt(struct xengt_spts *spts);
void xengt_spt_mark(struct xengt_spt *spt, unsigned int first, unsigned int n);
void xengt_spt_mark_all(struct xengt_spt *spt);
void xengt_spt_mark_used(struct xengt_spt *spt, struct xengt_spt_search *search);

struct xengt_ppgtt_shadow *xengt_ppgtt_shadow_new(struct xengt_spts *spts,
						  struct xengt_ppgtt_shadow **owner);
void xengt_ppgtt_shadow_touch(struct xengt_spts *spts, struct xengt_ppgtt_shadow *shadow);
void xengt_ppgtt_shadow_drop(struct xengt_ppgtt_shadow *shadow);
void xengt_ppgtt_shadow_put(struct xengt_ppgtt_shadow *shadow);
bool xengt_spts_reclaim(struct xengt_spts *spts);
void xengt_ppgtt_shadow_mark_used(const struct xengt_ppgtt_shadow *shadow,
				  struct xengt_spt_search *search);
void xengt_spts_find_used(struct xengt_spts *spts);

/*
 * Returns true if somebody else than the PPGTT holds a reference: a pin, or code that works on the
 * shadow. New references are taken under the shadow's lock only. So under that lock a shadow
 * that is not pinned stays so.
 */
static inline bool xengt_ppgtt_shadow_is_pinned(const struct xengt_ppgtt_shadow *shadow)
{
	return kref_read(&shadow->ref) > 1;
}

#endif /* _XENGT_SPT_H */
