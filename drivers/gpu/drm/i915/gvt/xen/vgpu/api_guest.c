// SPDX-License-Identifier: GPL-2.0
/*
 * The in-kernel API of virtual GPUs for a mediator that reads, checks and runs what guests submit:
 * translations of graphics addresses, copies from and to the guest's memory, guest entries, and
 * what is missing in the shadow of a PPGTT. It is declared in include/xen/xengt.h.
 *
 * Copies map the guest's memory page by page, into one page of address space. All writers of a
 * virtual GPU use the same one under the shadow's lock, which a write to plain memory holds anyway.
 * All readers use another one under a mutex. Each holds its lock for one page at a time: two
 * hypercalls and a copy of at most 4 KiB. So nobody waits long, no call allocates memory, and no
 * call finds a pool empty. A pool would gain little: on a PVH dom0 Xen makes these hypercalls of a
 * domain one after the other.
 *
 * Invariants: nothing of the guest's stays mapped between two pages of a copy, or after a call.
 *
 * Locking: see xengt_vgpu_enter(); the shadow's lock and the readers' mutex nest inside.
 */

#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <xen/xengt.h>

#include "guest_mem.h"
#include "vgpu.h"
#include "walk.h"

/* Where a copy is in the guest: at guest-physical addresses, or at graphics addresses */
struct place {
	struct xengt_vgpu *vgpu;
	bool graphics;
	const struct xengt_ppgtt_root *root;
	u64 addr;
};

/* Returns the error that stands for a walk's end. */
static int walk_error(enum xengt_scratch scratch)
{
	switch (scratch) {
	case XENGT_NOT_SCRATCH:
		return 0;
	case XENGT_NOT_PRESENT:
		return -ENXIO;
	case XENGT_RECLAIMED:
		return -EAGAIN;
	default:
		return -EFAULT;
	}
}

/* Stores the guest entries of a walk, without the root and without those of a split. */
static void store_ptes(const struct xengt_walk *walk, struct xengt_translation *t)
{
	const struct xengt_step *step;
	unsigned int i, level;

	for (i = 0; i < walk->n; i++) {
		step = &walk->step[i];
		if (step->level == XENGT_WALK_ROOT || step->split)
			continue;
		level = step->level == XENGT_WALK_GGTT ? 1 : step->level;
		t->highest = t->highest ?: level;
		t->lowest = level;
		t->pte[level - 1] = step->entry.guest;
	}
}

/* Translates while the virtual GPU runs. */
static int translate(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
		     struct xengt_translation *t)
{
	struct xengt_walk walk;
	int rc;

	BUILD_BUG_ON(XENGT_PPGTT_LEVELS != XENGT_MAX_LEVELS);
	if (root && !vgpu->mmio.claimed)
		return -EOPNOTSUPP;
	rc = xengt_walk(&vgpu->gtt.ppgtts, root, addr, &walk);
	if (rc)
		return rc;
	rc = walk_error(walk.scratch);
	store_ptes(&walk, t);
	if (walk.gfn != XENGT_NO_GFN)
		t->gpa = walk.gfn << XENGT_PAGE_SHIFT | offset_in_page(addr);
	if (!rc)
		t->bus = walk.bfn << XENGT_PAGE_SHIFT | offset_in_page(addr);
	return rc;
}

/**
 * xengt_translate - translate a graphics address as the GPU does now
 * @vgpu: the virtual GPU
 * @root: the root of the PPGTT; NULL: the address is in the GGTT
 * @addr: the graphics address, in bytes
 * @t: receives the translation
 *
 * Translates by the shadow as it is. What the guest has written since the last synchronisation
 * point does not show: call xengt_vgpu_sync() before, or pin the PPGTT. With the PPGTT pinned, the
 * next sync of any kind, a balloon event or a reset can change the translation. Without a pin,
 * memory of other PPGTTs can also make it -EAGAIN. Nothing keeps the page at @t->bus mapped after
 * the call: the GPU must reach it through the shadow, not by this address.
 *
 * Does not look at the write permission.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or an error. After -ENXIO and -EFAULT @t has the guest entries that the walk met; in
 * all other cases it has none. The addresses that are not known are XENGT_NO_ADDRESS.
 *
 * * -ENXIO: an entry on the way is not present, so there is nothing at the address
 * * -EFAULT: scratch: the guest's entries are present, but the GPU reaches the scratch page.
 *   @t->gpa is known if the entry of the page is valid; not if an entry has reserved bits set,
 *   names a page of 1 GiB, is one of a page directory (gen7), or has no shadow of its table
 * * -EAGAIN: the PPGTT has no shadow at the moment: pin it first
 * * -ENOENT: the PPGTT is not announced
 * * -ERANGE: the address in the GGTT is not in the guest's share
 * * -EINVAL: there is no such address, or the generation has no PPGTTs with such a root
 * * -ENODEV: the virtual GPU does not run
 * * -EOPNOTSUPP: pages of the guest's memory cannot be write-protected, so it has no PPGTTs
 */
int xengt_translate(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
		    struct xengt_translation *t)
{
	int rc;

	*t = (struct xengt_translation){ .gpa = XENGT_NO_ADDRESS, .bus = XENGT_NO_ADDRESS };
	rc = xengt_vgpu_enter(vgpu);
	if (rc)
		return rc;
	rc = translate(vgpu, root, addr, t);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_translate);

/**
 * xengt_ggtt_guest_pte - read an entry of the GGTT as the guest has written it
 * @vgpu: the virtual GPU
 * @addr: a graphics address that the entry translates, in bytes
 * @pte: receives the guest entry: the generation's format, with a GFN
 *
 * Reads what the guest wrote last, whether it was trapped or not, and also if it is not in the
 * shadow yet. An entry that a vCPU is writing with one store is read as it was or as it is.
 * xengt_translate() has the guest entry that the shadow was made from.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0; -ERANGE: the entry is not in the guest's share; -EINVAL: the GGTT has no such address;
 * -ENODEV: the virtual GPU does not run.
 */
int xengt_ggtt_guest_pte(struct xengt_vgpu *vgpu, u64 addr, u64 *pte)
{
	int rc = xengt_vgpu_enter(vgpu);

	if (rc)
		return rc;
	rc = xengt_ggtt_read_entry(&vgpu->gtt.ggtt, addr >> XENGT_PAGE_SHIFT, pte);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ggtt_guest_pte);

/* Finds the guest-physical address of a place. */
static int find_gpa(const struct place *place, u64 *gpa)
{
	struct xengt_translation t = {};
	int rc;

	*gpa = place->addr;
	if (!place->graphics)
		return place->addr < XENGT_MEMORY_SIZE ? 0 : -EINVAL;
	rc = translate(place->vgpu, place->root, place->addr, &t);
	*gpa = t.gpa;
	return rc;
}

/* Returns an error of Xen's about one page of the guest's memory as mediators know it. */
static int memory_error(int rc)
{
	switch (rc) {
	case -EINVAL:
		return -ENXIO;
	case -ESRCH:
		return -ENODEV;
	default:
		return rc;
	}
}

static int copy_in_page(struct xengt_vgpu *vgpu, u64 gpa, void *data, unsigned int len,
			bool to_guest)
{
	int rc;

	/* A write uses the page under the shadow's lock only. */
	if (to_guest)
		return xengt_guest_mem_copy(&vgpu->gtt, &vgpu->mmio.plain_page, gpa, data, len,
					    true);
	mutex_lock(&vgpu->read_lock);
	rc = xengt_guest_mem_copy(&vgpu->gtt, &vgpu->read_page, gpa, data, len, false);
	mutex_unlock(&vgpu->read_lock);
	return rc;
}

/* Copies page by page, and stops at the first one that fails. */
static int copy_pages(struct place *place, void *data, size_t len, bool to_guest, size_t *done)
{
	unsigned int piece;
	int rc = 0;
	u64 gpa;

	for (*done = 0; *done < len; *done += piece) {
		piece = min_t(size_t, len - *done, PAGE_SIZE - offset_in_page(place->addr));
		rc = find_gpa(place, &gpa);
		if (!rc)
			rc = memory_error(copy_in_page(place->vgpu, gpa, data + *done, piece,
						       to_guest));
		if (rc)
			return rc;
		place->addr += piece;
		cond_resched();
	}
	return 0;
}

static int copy(struct place *place, void *data, size_t len, bool to_guest, size_t *done)
{
	size_t copied = 0;
	int rc = xengt_vgpu_enter(place->vgpu);

	if (!rc) {
		rc = copy_pages(place, data, len, to_guest, &copied);
		xengt_vgpu_leave(place->vgpu);
	}
	if (done)
		*done = copied;
	return rc;
}

/**
 * xengt_guest_read - copy from the guest's memory
 * @vgpu: the virtual GPU
 * @gpa: the guest-physical address, in bytes
 * @data: receives the bytes
 * @len: how many bytes, also across pages
 * @done: receives how many bytes, from the first one on, were copied; can be NULL
 *
 * Copies page by page, and stops at the first page that cannot be copied. Each page is mapped only
 * while it is copied. A page that the guest balloons out meanwhile is read as it was: the mapping
 * keeps its frame from other guests until it is copied. One that is gone before is -ENXIO. What
 * vCPUs write meanwhile may show in part.
 *
 * Any number of calls can be made at the same time. Disabling the virtual GPU waits for them.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or an error, when a part may have been copied:
 *
 * * -ENXIO: there is no memory at the address, or no memory that can be mapped
 * * -EINVAL: there is no such guest-physical address
 * * -ENODEV: the virtual GPU does not run, or the guest is gone
 * * another error of Xen's
 */
int xengt_guest_read(struct xengt_vgpu *vgpu, u64 gpa, void *data, size_t len, size_t *done)
{
	struct place place = { .vgpu = vgpu, .addr = gpa };

	return copy(&place, data, len, false, done);
}
EXPORT_SYMBOL_GPL(xengt_guest_read);

/**
 * xengt_guest_write - copy to the guest's memory
 * @vgpu: the virtual GPU
 * @gpa: the guest-physical address, in bytes
 * @data: the bytes
 * @len: how many bytes, also across pages
 * @done: receives how many bytes, from the first one on, were copied; can be NULL
 *
 * As xengt_guest_read(). What is written to a table of a PPGTT, or to RAM at the GTT, counts as a
 * trapped write of the guest's: it is in the shadow after the next synchronisation point, or in
 * strict mode, in the GGTT, when this returns. What is written to the GTT outside the guest's share
 * is dropped. What is written to a page that the guest balloons out meanwhile is lost.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end(). Takes the shadow's lock for each page, and so
 * waits for a sync.
 * Return: as xengt_guest_read().
 */
int xengt_guest_write(struct xengt_vgpu *vgpu, u64 gpa, const void *data, size_t len, size_t *done)
{
	struct place place = { .vgpu = vgpu, .addr = gpa };

	return copy(&place, (void *)data, len, true, done);
}
EXPORT_SYMBOL_GPL(xengt_guest_write);

/**
 * xengt_graphics_read - copy from the guest's memory at a graphics address
 * @vgpu: the virtual GPU
 * @root: the root of the PPGTT; NULL: the address is in the GGTT
 * @addr: the graphics address, in bytes
 * @data: receives the bytes
 * @len: how many bytes, also across pages
 * @done: receives how many bytes, from the first one on, were copied; can be NULL
 *
 * Translates each page as xengt_translate() does, and copies it as xengt_guest_read() does. So it
 * reads the pages that the GPU reads, and none where the GPU reads scratch. Between the translation
 * of a page and its copy, a sync can change the translation, and the guest can put another page of
 * its own at the GFN: a mediator that checks what it reads runs its own copy.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end().
 * Return: 0, or an error of xengt_translate() or xengt_guest_read(), when a part may have been
 * copied.
 */
int xengt_graphics_read(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
			void *data, size_t len, size_t *done)
{
	struct place place = { .vgpu = vgpu, .graphics = true, .root = root, .addr = addr };

	return copy(&place, data, len, false, done);
}
EXPORT_SYMBOL_GPL(xengt_graphics_read);

/**
 * xengt_graphics_write - copy to the guest's memory at a graphics address
 * @vgpu: the virtual GPU
 * @root: the root of the PPGTT; NULL: the address is in the GGTT
 * @addr: the graphics address, in bytes
 * @data: the bytes
 * @len: how many bytes, also across pages
 * @done: receives how many bytes, from the first one on, were copied; can be NULL
 *
 * Translates each page as xengt_translate() does, and copies it as xengt_guest_write() does. Writes
 * also where the entries do not let the GPU write.
 *
 * Context: as xengt_guest_write().
 * Return: as xengt_graphics_read().
 */
int xengt_graphics_write(struct xengt_vgpu *vgpu, const struct xengt_ppgtt_root *root, u64 addr,
			 const void *data, size_t len, size_t *done)
{
	struct place place = { .vgpu = vgpu, .graphics = true, .root = root, .addr = addr };

	return copy(&place, (void *)data, len, true, done);
}
EXPORT_SYMBOL_GPL(xengt_graphics_write);

/**
 * xengt_ppgtt_scratch - count the present entries of a pinned PPGTT that are scratch
 * @vgpu: the virtual GPU
 * @ppgtt: the return value of xengt_ppgtt_pin() for this virtual GPU
 * @scratch: receives the count
 *
 * Counts entries of all shadow tables that the root leads to; each table counts once, but for each
 * PPGTT that it is shared by. An entry of a page of 64 KiB or 2 MiB counts for each 4 KiB of it
 * that are scratch. An entry without a shadow of its table counts as one, and so do a table of the
 * root without one, a page of 1 GiB, and a table whose page the guest has given away. An entry with
 * reserved bits set counts, too.
 *
 * Counts as of the last synchronisation point, of which xengt_ppgtt_pin() is one. Later a balloon
 * event can make more entries scratch: the GPU reads the scratch page there, and never a page that
 * is not the guest's.
 *
 * Context: process context, may sleep; also in a handler of the guest's accesses. Not between
 * xengt_mem_walk_begin() and xengt_mem_walk_end(). Looks at all directories of the PPGTT if
 * anything of the virtual GPU is scratch, else only at the root.
 * Return: 0; -ENOENT: the PPGTT has ended since it was pinned; -ENODEV: the virtual GPU does not
 * run.
 */
int xengt_ppgtt_scratch(struct xengt_vgpu *vgpu, struct xengt_ppgtt_shadow *ppgtt,
			unsigned long *scratch)
{
	int rc = xengt_vgpu_enter(vgpu);

	if (rc)
		return rc;
	rc = xengt_ppgtts_scratch(&vgpu->gtt.ppgtts, ppgtt, scratch);
	xengt_vgpu_leave(vgpu);
	return rc;
}
EXPORT_SYMBOL_GPL(xengt_ppgtt_scratch);
