// SPDX-License-Identifier: GPL-2.0
/*
 * Saves what is known of a guest that its memory does not contain, and restores it for another
 * virtual GPU, for example after the guest has moved to another machine: the guest's entries of the
 * GGTT, the PPGTTs that it has announced, and what it did to PVINFO. The format is in
 * abi/saved_abi.h.
 *
 * Shadows are not saved. A restore does what the guest did: it announces PPGTTs and writes entries,
 * by the same functions, and syncs. So quotas, counters and what is scratch follow as always.
 *
 * Invariants: what is restored may come from anywhere, and is trusted in nothing. All of it is
 * checked before anything changes. Only announcing a PPGTT can fail afterwards; that comes first,
 * and is undone. So after an error the virtual GPU is as it was. Announcements of the mediator's
 * are neither saved nor undone.
 *
 * Locking: the virtual GPU is not disabled during a call, see xengt_vgpu_enter(). The shadow's lock
 * and that of PVINFO nest inside, each for one part: the guest does not run meanwhile.
 */

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <xen/xengt.h>

#include "abi/pte.h"
#include "abi/saved_abi.h"
#include "gtt.h"
#include "pvinfo.h"
#include "vgpu.h"

static_assert(XENGT_SAVED_RANGES == XENGT_GGTT_RANGES);
static_assert(XENGT_SAVED_PDPS == XENGT_PPGTT_PDPS);

/* The parts of a saved virtual GPU, which are as long as the head says */
struct parts {
	const struct xengt_saved *head;
	const void *entries;
	const struct xengt_saved_root *roots;
	u32 nr_roots;
};

static u64 entries_size(const struct xengt_ggtt *ggtt)
{
	return (u64)ggtt->share.nr_entries * ggtt->leaf.format->size;
}

static u64 saved_size(const struct xengt_ggtt *ggtt, u32 nr_roots)
{
	return sizeof(struct xengt_saved) + entries_size(ggtt) +
	       (u64)nr_roots * sizeof(struct xengt_saved_root);
}

/*
 * Returns how many entries from @index on are next to each other in the GTT, but at most those of a
 * page; 0 at the end of the share.
 */
static unsigned int piece_at(const struct xengt_ggtt *ggtt, unsigned long index)
{
	const struct xengt_range *range = ggtt->share.range;
	unsigned int i;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		if (index < range[i].n)
			return min_t(u64, range[i].n - index, xengt_ggtt_page_entries(ggtt->sh));
		index -= range[i].n;
	}
	return 0;
}

static bool is_aligned_buffer(const void *buf)
{
	return IS_ALIGNED((unsigned long)buf, sizeof(u64));
}

/* Saves the entries of the share as the guest reads them. */
static void save_entries(struct xengt_ggtt *ggtt, void *entries)
{
	unsigned int size = ggtt->leaf.format->size, n;
	unsigned long index;
	u64 entry;

	for (index = 0; (n = piece_at(ggtt, index)); index += n) {
		entry = xengt_share_entry(&ggtt->share, index);
		xengt_ggtt_read(ggtt, entry * size, entries + index * size, n * size);
		cond_resched();
	}
}

static void save_root(const struct xengt_ppgtt *ppgtt, struct xengt_saved_root *saved)
{
	unsigned int i;

	*saved = (struct xengt_saved_root){
		.key.levels = cpu_to_le32(ppgtt->root.levels),
		.announced = cpu_to_le32(ppgtt->announced[XENGT_BY_GUEST]),
		.old = cpu_to_le32(ppgtt->old),
	};
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		saved->key.pdp[i] = cpu_to_le64(ppgtt->root.pdp[i]);
}

/* Saves the PPGTTs that the guest has announced, unless @roots is NULL. Returns their number. */
static u32 save_roots(const struct xengt_ppgtts *ppgtts, struct xengt_saved_root *roots)
{
	const struct xengt_ppgtt *ppgtt;
	u32 n = 0;

	lockdep_assert_held(&ppgtts->sh->lock);
	list_for_each_entry(ppgtt, &ppgtts->list, node) {
		if (!ppgtt->announced[XENGT_BY_GUEST])
			continue;
		if (roots)
			save_root(ppgtt, &roots[n]);
		n++;
	}
	return n;
}

static int compare_roots(const void *a, const void *b)
{
	const struct xengt_saved_root *one = a, *other = b;

	return memcmp(&one->key, &other->key, sizeof(one->key));
}

static void save_head(struct xengt_vgpu *vgpu, struct xengt_saved *head, u32 nr_roots)
{
	const struct xengt_ggtt *ggtt = &vgpu->gtt.ggtt;
	unsigned int i;

	*head = (struct xengt_saved){
		.magic = cpu_to_le64(XENGT_SAVED_MAGIC),
		.version = cpu_to_le32(XENGT_SAVED_VERSION),
		.generation = cpu_to_le32(vgpu->config.generation),
		.len = cpu_to_le64(saved_size(ggtt, nr_roots)),
		.caps = cpu_to_le32(vgpu->mmio.pvinfo.config.caps),
		.fences = cpu_to_le32(vgpu->mmio.pvinfo.config.fences),
		.nr_roots = cpu_to_le32(nr_roots),
	};
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		head->range[i].first = cpu_to_le64(ggtt->share.range[i].first);
		head->range[i].n = cpu_to_le64(ggtt->share.range[i].n);
	}
	xengt_pvinfo_save(&vgpu->mmio.pvinfo, &head->pvinfo);
}

/* Saves while the virtual GPU runs. *@len: the size of the buffer; receives what is needed. */
static int save(struct xengt_vgpu *vgpu, struct xengt_saved *head, size_t *len)
{
	struct xengt_gtt *gtt = &vgpu->gtt;
	void *entries = head + 1, *roots = entries + entries_size(&gtt->ggtt);
	size_t size = *len;
	u32 nr_roots;

	xengt_shadow_wait_current(&gtt->shadow);
	xengt_gtt_sync(gtt);
	mutex_lock(&gtt->shadow.lock);
	nr_roots = save_roots(&gtt->ppgtts, NULL);
	*len = saved_size(&gtt->ggtt, nr_roots);
	if (*len <= size)
		save_roots(&gtt->ppgtts, roots);
	mutex_unlock(&gtt->shadow.lock);
	if (*len > size)
		return -ENOSPC;
	sort(roots, nr_roots, sizeof(struct xengt_saved_root), compare_roots, NULL);
	save_entries(&gtt->ggtt, entries);
	save_head(vgpu, head, nr_roots);
	return 0;
}

/**
 * xengt_vgpu_save - save what is known of the guest that its memory does not contain
 * @vgpu: the virtual GPU
 * @buf: receives it, in the format of struct xengt_saved; aligned to 8 bytes. Can be NULL if *@len
 *	is 0.
 * @len: the size of @buf, in bytes; receives how many bytes were saved, or are needed. That depends
 *	on the share and on the number of PPGTTs that the guest has announced.
 *
 * Saves the guest's entries of its share of the GGTT as xengt_ggtt_guest_pte() reads them, the
 * PPGTTs that it has announced and how often, and what it did to PVINFO. Nothing of the mediator's
 * is saved: not what it has announced with xengt_ppgtt_create(), and not where BAR 0 is.
 *
 * The caller has stopped the guest and its work on the GPU before, and no access of the guest's is
 * being handled, so that none of this changes during the call; else what is saved may never have
 * been at one time. The guest's memory has to be saved as it is then, too, since PPGTT tables are
 * in it. Syncs before it saves. Changes nothing else, and can be called any number of times.
 *
 * Context: process context, may sleep. Not between xengt_mem_walk_begin() and
 * xengt_mem_walk_end(). Takes the shadow's lock and that of PVINFO.
 * Return: 0, or an error, when nothing was written to @buf:
 *
 * * -ENOSPC: @buf is too small; *@len is what is needed
 * * -EINVAL: @buf is not aligned; *@len is as it was
 * * -ENODEV: the virtual GPU does not run; *@len is as it was
 */
int xengt_vgpu_save(struct xengt_vgpu *vgpu, void *buf, size_t *len)
{
	int rc;

	if (!is_aligned_buffer(buf))
		return -EINVAL;
	rc = xengt_vgpu_enter(vgpu);
	if (rc)
		return rc;
	rc = save(vgpu, buf, len);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_save);

/* Is the head of a format that is known? 0 or an error. */
static int check_format(const struct xengt_saved *head, size_t len)
{
	if (!is_aligned_buffer(head) || len < sizeof(*head) ||
	    le64_to_cpu(head->magic) != XENGT_SAVED_MAGIC)
		return -EINVAL;
	return le32_to_cpu(head->version) == XENGT_SAVED_VERSION ? 0 : -EPROTONOSUPPORT;
}

/* Does the guest see the same GPU and the same share as before? 0 or an error. */
static int check_place(const struct xengt_vgpu *vgpu, const struct xengt_saved *head)
{
	const struct xengt_pvinfo_config *told = &vgpu->mmio.pvinfo.config;
	const struct xengt_range *range = vgpu->gtt.ggtt.share.range;
	unsigned int i;

	if (le32_to_cpu(head->generation) != vgpu->config.generation ||
	    le32_to_cpu(head->caps) != told->caps || le32_to_cpu(head->fences) != told->fences)
		return -EXDEV;
	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		if (le64_to_cpu(head->range[i].first) != range[i].first ||
		    le64_to_cpu(head->range[i].n) != range[i].n)
			return -ERANGE;
	}
	return 0;
}

/* Finds the parts. 0 or an error. */
static int find_parts(const struct xengt_vgpu *vgpu, const struct xengt_saved *head, size_t len,
		      struct parts *parts)
{
	const struct xengt_ggtt *ggtt = &vgpu->gtt.ggtt;
	int rc = check_format(head, len) ?: check_place(vgpu, head);

	if (rc)
		return rc;
	parts->head = head;
	parts->nr_roots = le32_to_cpu(head->nr_roots);
	parts->entries = head + 1;
	parts->roots = parts->entries + entries_size(ggtt);
	if (len != saved_size(ggtt, parts->nr_roots) || le64_to_cpu(head->len) != len ||
	    head->reserved || !xengt_pvinfo_can_restore(&head->pvinfo))
		return -EINVAL;
	return 0;
}

static void load_root(const struct xengt_saved_root *saved, struct xengt_ppgtt_root *root)
{
	unsigned int i;

	root->levels = le32_to_cpu(saved->key.levels);
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		root->pdp[i] = le64_to_cpu(saved->key.pdp[i]);
}

static bool is_sound(const struct xengt_ppgtts *ppgtts, const struct xengt_saved_root *saved)
{
	struct xengt_ppgtt_root root;

	load_root(saved, &root);
	return xengt_ppgtts_is_name(ppgtts, &root) && !saved->key.reserved && saved->announced &&
	       le32_to_cpu(saved->old) <= le32_to_cpu(saved->announced);
}

/* Can the guest have announced these PPGTTs, and announce them here? 0 or an error. */
static int check_roots(const struct xengt_vgpu *vgpu, const struct parts *parts)
{
	const struct xengt_saved_root *roots = parts->roots;
	u32 i;

	if (!parts->nr_roots)
		return 0;
	/* On generation 7 only the mediator announces. */
	if (vgpu->gtt.shadow.format->root_in_ggtt)
		return -EINVAL;
	for (i = 0; i < parts->nr_roots; i++) {
		if (!is_sound(&vgpu->gtt.ppgtts, &roots[i]))
			return -EINVAL;
		if (i && compare_roots(&roots[i - 1], &roots[i]) >= 0)
			return -EINVAL;
		cond_resched();
	}
	return vgpu->mmio.claimed ? 0 : -EOPNOTSUPP;
}

/* Is no PPGTT announced? */
static bool has_no_ppgtts(struct xengt_gtt *gtt)
{
	bool none;

	mutex_lock(&gtt->shadow.lock);
	none = list_empty(&gtt->ppgtts.list);
	mutex_unlock(&gtt->shadow.lock);
	return none;
}

/*
 * Is nothing in the way? Entries may be there already that came with the guest's memory, in RAM at
 * the GTT (adopt_ram).
 */
static bool is_fresh(struct xengt_gtt *gtt, const struct parts *parts)
{
	struct xengt_ggtt *ggtt = &gtt->ggtt;
	unsigned long index;
	u64 pte = 0;

	for (index = 0; index < ggtt->share.nr_entries; index++) {
		xengt_ggtt_read_entry(ggtt, xengt_share_entry(&ggtt->share, index), &pte);
		if (pte && pte != xengt_pte_load(ggtt->leaf.format, parts->entries, index))
			return false;
		cond_resched();
	}
	return has_no_ppgtts(gtt);
}

/* Announces the PPGTTs. 0; or an error, when none of the guest's is announced. */
static int restore_roots(struct xengt_ppgtts *ppgtts, const struct parts *parts)
{
	const struct xengt_saved_root *saved = parts->roots, *end = saved + parts->nr_roots;
	struct xengt_ppgtt_root root;
	int rc = 0;

	for (; saved < end && !rc; saved++) {
		load_root(saved, &root);
		rc = xengt_ppgtts_restore(ppgtts, &root, le32_to_cpu(saved->announced),
					  le32_to_cpu(saved->old));
		cond_resched();
	}
	if (rc) {
		xengt_ppgtts_mark_old(ppgtts);
		xengt_ppgtts_end_old(ppgtts);
	}
	return rc;
}

/* Writes the entries, without a sync; pages that are all 0 are so already. */
static void restore_entries(struct xengt_ggtt *ggtt, const void *entries)
{
	unsigned int size = ggtt->leaf.format->size, n;
	unsigned long index;
	u64 entry;

	for (index = 0; (n = piece_at(ggtt, index)); index += n) {
		entry = xengt_share_entry(&ggtt->share, index);
		if (memchr_inv(entries + index * size, 0, n * size))
			xengt_ggtt_store(ggtt, entry * size, entries + index * size, n * size);
		cond_resched();
	}
}

/* Restores while the virtual GPU runs. */
static int restore(struct xengt_vgpu *vgpu, const struct xengt_saved *head, size_t len)
{
	struct xengt_gtt *gtt = &vgpu->gtt;
	struct parts parts;
	int rc = find_parts(vgpu, head, len, &parts) ?: check_roots(vgpu, &parts);

	if (rc)
		return rc;
	if (!is_fresh(gtt, &parts))
		return -EBUSY;
	xengt_shadow_wait_current(&gtt->shadow);
	rc = restore_roots(&gtt->ppgtts, &parts);
	if (rc)
		return rc;
	restore_entries(&gtt->ggtt, parts.entries);
	xengt_pvinfo_restore(&vgpu->mmio.pvinfo, &head->pvinfo);
	xengt_gtt_sync(gtt);
	return 0;
}

/**
 * xengt_vgpu_restore - restore what xengt_vgpu_save() saved
 * @vgpu: another virtual GPU, or the same one again, which was just enabled for the guest. Its
 *	generation, its share of the GGTT and what else PVINFO tells the guest are as before. The
 *	domid, BAR 0, the place, the quotas and the mode can be others.
 * @buf: what was saved; aligned to 8 bytes, and does not change during the call
 * @len: its length, in bytes
 *
 * Writes the guest's entries of the GGTT, announces its PPGTTs, as often as it had, and makes
 * PVINFO what it was. The shadow is up to date on return. It is made as if the guest did all this:
 * what cannot be mapped or shadowed is scratch and counted, and is no error. No operation of the
 * mediator is called, so a mediator saves by itself what it learnt from them, and announces again
 * what it had announced itself.
 *
 * The guest has its memory, with the PPGTT tables, and does not run yet. A mediator can call this
 * in its start operation. Nothing may be announced yet, and each entry of the GGTT is 0, or as it
 * was saved if RAM at the GTT came with the guest's memory.
 *
 * @buf is not trusted: whatever it contains, it can do no more than the guest can.
 *
 * Context: process context, may sleep; also in the mediator's operations. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end(). Takes the shadow's lock and that of PVINFO.
 * Return: 0, or an error, when the virtual GPU is as it was before:
 *
 * * -EINVAL: @buf is not aligned, or is not what xengt_vgpu_save() saves: the magic, the length, a
 *   count, a field that has to be 0 or a PPGTT is wrong, or a PPGTT is there twice
 * * -EPROTONOSUPPORT: it has another version
 * * -EXDEV: it is of another generation, or PVINFO told other capabilities or fences
 * * -ERANGE: it is of another share of the GGTT
 * * -EBUSY: a PPGTT is announced, or an entry of the GGTT was written, to another value
 * * -ENOSPC: it has more PPGTTs than this virtual GPU may have
 * * -ENOMEM
 * * -EOPNOTSUPP: it has PPGTTs, but here pages of the guest's memory cannot be write-protected
 * * -ENODEV: the virtual GPU does not run, or its guest has ended
 */
int xengt_vgpu_restore(struct xengt_vgpu *vgpu, const void *buf, size_t len)
{
	int rc = xengt_vgpu_enter(vgpu);

	if (rc)
		return rc;
	rc = restore(vgpu, buf, len);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_vgpu_restore);
