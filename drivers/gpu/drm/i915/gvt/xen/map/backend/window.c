// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: the BFNs at which a translated (PVH, HVM) caller maps a guest's pages. Such a caller has
 * to choose the BFNs.
 *
 * A translated domain's devices see its own physmap through the IOMMU. So a BFN is a GFN of the
 * caller, and it has to be empty. Address space is assigned block by block. A block of 512 GFNs has
 * a chunk of 1024 BFNs, one half for each mapping of its GFNs, so that a revalidation never lacks
 * address space. BFN = chunk + mapping * 512 + (GFN & 511): GFNs that are contiguous and aligned
 * within 2 MiB have BFNs that are so, too.
 *
 * Chunks are parts of arenas. Arenas are reserved in iomem_resource as busy, so that nothing else
 * (memory hotplug, ballooning, grants, a driver's region) uses their addresses. A guest's window
 * grows by arenas. Each is about as large as all before it, between ARENA_FIRST and
 * ARENA_LARGEST, or smaller if address space is short.
 *
 * So the size of a window depends on how many blocks the guest has mapped, not on where they are in
 * its GFN space. A limit stops a guest that maps one page in each of many blocks: no window grows
 * beyond half of the address space that it leaves free. A window without an arena gets one as long
 * as any address space is free.
 *
 * Invariants:
 *
 *  - A map only uses BFNs whose entries are not held, so the target is always a hole.
 *  - An arena with a mapping that Xen refused to remove is leaked, so that nothing is ever put over
 *    that mapping.
 *  - At most one arena of a window is empty. The first arena never is: it has the spare BFN.
 *
 * Locking: the domain's lock for its window. space_lock, which nests inside, for the sum over all
 * windows; it is not held across a hypercall.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <xen/page.h>

#include "backend/backend.h"
#include "backend/window.h"
#include "domain.h"

/* Arenas are above the legacy holes. */
#define WINDOW_MIN	SZ_4G

#define CHUNK_BFNS	(XEN_GPU_MAPPINGS * XEN_GPU_BLOCK_GFNS)
#define CHUNK_SIZE	((u64)CHUNK_BFNS << XEN_PAGE_SHIFT)

/* The size of an arena, in chunks of 4 MiB: 64 MiB and 1 GiB */
#define ARENA_FIRST	16
#define ARENA_LARGEST	256

/* A window does not grow beyond the address space that it leaves free, divided by this */
#define SHARE		2

/**
 * struct xen_gpu_arena - a part of the address space, reserved for one guest
 * @node: in the window's list
 * @res: the reservation in iomem_resource
 * @name: the name of @res, which outlives the module if the arena is leaked
 * @base: its first BFN
 * @nr_chunks: its size in chunks
 * @nr_used: how many chunks are in use: by a block, or by the window's spare BFN, or lost
 * @leaked: Xen refused to remove a mapping; the arena is never freed
 * @used: bitmap of the chunks in use
 */
struct xen_gpu_arena {
	struct list_head node;
	struct resource res;
	char name[24];
	u64 base;
	unsigned int nr_chunks;
	unsigned int nr_used;
	bool leaked;
	unsigned long used[];
};

static DEFINE_MUTEX(space_lock);
static u64 nr_reserved;		/* by all windows, in chunks */

/* A callback of walk_iomem_res_desc(): adds the size of a RAM resource to a sum. */
static int add_ram(struct resource *res, void *sum)
{
	*(u64 *)sum += resource_size(res);
	return 0;
}

/* Returns how many chunks there can be from WINDOW_MIN up to an address, without our own RAM. */
static u64 capacity_below(u64 last)
{
	u64 ram = 0, size;

	if (last <= WINDOW_MIN)
		return 0;
	size = last - WINDOW_MIN + 1;
	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, WINDOW_MIN,
			    last, &ram, add_ram);
	return (size - min(size, ram)) / CHUNK_SIZE;
}

/*
 * Returns the highest address for BFNs, in bytes: the lowest of the limits of the device, of
 * iomem_resource and of x86.
 */
static u64 last_address(u64 max_bfn)
{
	u64 frame = min3(max_bfn, (u64)iomem_resource.end >> XEN_PAGE_SHIFT, XEN_GPU_MAX_GFN);

	return (frame << XEN_PAGE_SHIFT) | (XEN_PAGE_SIZE - 1);
}

/*
 * Adds @n chunks to the window's share of the address space. Returns false if the limit forbids it.
 */
static bool take_share(struct xen_gpu_window *window, unsigned int n)
{
	u64 after;
	bool granted;

	mutex_lock(&space_lock);
	after = nr_reserved + n;
	granted = !window->nr_chunks ||
		  (after < window->capacity &&
		   window->nr_chunks + n <= (window->capacity - after) / SHARE);
	if (granted) {
		nr_reserved = after;
		window->nr_chunks += n;
	}
	mutex_unlock(&space_lock);
	return granted;
}

static void give_share_back(struct xen_gpu_window *window, unsigned int n)
{
	mutex_lock(&space_lock);
	nr_reserved -= n;
	mutex_unlock(&space_lock);
	window->nr_chunks -= n;
}

/*
 * Reserves addresses for an arena of @nr_chunks chunks. Returns false if there is no hole of that
 * size, or if the window's limit forbids it.
 */
static bool reserve(struct xen_gpu_window *window, struct xen_gpu_arena *arena,
		    unsigned int nr_chunks)
{
	if (!take_share(window, nr_chunks))
		return false;
	arena->res.name = arena->name;
	arena->res.flags = IORESOURCE_MEM | IORESOURCE_BUSY;
	if (allocate_resource(&iomem_resource, &arena->res, nr_chunks * CHUNK_SIZE, WINDOW_MIN,
			      window->last, CHUNK_SIZE, NULL, NULL)) {
		give_share_back(window, nr_chunks);
		return false;
	}
	arena->base = arena->res.start >> XEN_PAGE_SHIFT;
	arena->nr_chunks = nr_chunks;
	return true;
}

/*
 * Adds an arena to the window, a smaller one if address space is short. Returns 0, -ENOMEM or
 * -ENOSPC.
 */
static int grow(struct xen_gpu_domain *dom, struct xen_gpu_window *window)
{
	unsigned int n = clamp_t(u64, window->nr_chunks, ARENA_FIRST, ARENA_LARGEST);
	struct xen_gpu_arena *arena;

	n = rounddown_pow_of_two(n);
	arena = kzalloc(struct_size(arena, used, BITS_TO_LONGS(n)), GFP_KERNEL);
	if (!arena)
		return -ENOMEM;
	snprintf(arena->name, sizeof(arena->name), "Xen GPU window d%u", dom->domid);
	while (n && !reserve(window, arena, n))
		n /= 2;
	if (!n) {
		kfree(arena);
		return -ENOSPC;
	}
	list_add(&arena->node, &window->arenas);
	window->nr_empty++;
	return 0;
}

static void free_arena(struct xen_gpu_window *window, struct xen_gpu_arena *arena)
{
	list_del(&arena->node);
	if (!arena->nr_used)
		window->nr_empty--;
	release_resource(&arena->res);
	give_share_back(window, arena->nr_chunks);
	kfree(arena);
}

/* Returns an arena with a chunk that is not in use, or NULL if all are full. */
static struct xen_gpu_arena *find_arena(struct xen_gpu_window *window)
{
	struct xen_gpu_arena *arena;

	list_for_each_entry(arena, &window->arenas, node) {
		if (arena->nr_used < arena->nr_chunks)
			return arena;
	}
	return NULL;
}

/* Allocates a chunk of an arena that is not full. Returns the chunk's first BFN. */
static u64 take_chunk(struct xen_gpu_window *window, struct xen_gpu_arena *arena)
{
	unsigned int chunk = find_first_zero_bit(arena->used, arena->nr_chunks);

	if (!arena->nr_used++)
		window->nr_empty--;
	__set_bit(chunk, arena->used);
	if (arena->nr_used == arena->nr_chunks)
		list_move_tail(&arena->node, &window->arenas);
	return arena->base + chunk * CHUNK_BFNS;
}

static void give_chunk_back(struct xen_gpu_window *window, struct xen_gpu_arena *arena, u64 bfn)
{
	__clear_bit((bfn - arena->base) / CHUNK_BFNS, arena->used);
	list_move(&arena->node, &window->arenas);
	if (--arena->nr_used)
		return;
	if (++window->nr_empty > 1)
		free_arena(window, arena);
}

/* Assigns a chunk to a block. Returns 0, -ENOMEM or -ENOSPC. */
static int assign_chunk(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			struct xen_gpu_block *block)
{
	struct xen_gpu_arena *arena = find_arena(window);
	int rc;

	if (!arena) {
		rc = grow(dom, window);
		if (rc)
			return rc;
		arena = find_arena(window);
	}
	block->arena = arena;
	block->window = take_chunk(window, arena);
	window->nr_used++;
	return 0;
}

static void log_full(struct xen_gpu_domain *dom, struct xen_gpu_window *window)
{
	xen_gpu_count(&dom->counters, XEN_GPU_COUNT_WINDOW_FULL, 1);
	if (window->logged)
		return;
	window->logged = true;
	pr_warn("d%u: no address space for more of its pages: they lie in %llu blocks of 2 MiB, and %llu MiB below %#llx are for all guests\n",
		dom->domid, window->nr_used, window->capacity * CHUNK_SIZE >> 20, window->last);
}

/*
 * Assigns BFNs to the entries of a map batch. Each entry has status 0 and its BFN afterwards, or
 * status -ENOMEM, or status -ENOSPC and @crowded set.
 */
void xen_gpu_window_assign(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			   struct xen_gpu_batch *batch)
{
	struct xen_gpu_batch_entry *entry;
	int rc = 0;

	lockdep_assert_held(&dom->lock);
	for (entry = batch->entries; entry < batch->entries + batch->n; entry++) {
		if (!entry->block->arena && !rc) {
			rc = assign_chunk(dom, window, entry->block);
			if (rc == -ENOSPC)
				log_full(dom, window);
		}
		entry->status = entry->block->arena ? 0 : rc;
		entry->crowded = entry->status == -ENOSPC;
		entry->bfn = xen_gpu_window_bfn(entry->block, entry->idx, entry->mapping);
	}
}

/*
 * Releases the chunk of a block that is about to be freed. If Xen refused to unmap some of its
 * mappings, the chunk is lost.
 */
void xen_gpu_window_drop_block(struct xen_gpu_domain *dom, struct xen_gpu_window *window,
			       struct xen_gpu_block *block)
{
	struct xen_gpu_arena *arena = block->arena;

	if (!arena)
		return;
	block->arena = NULL;
	window->nr_used--;
	if (xen_gpu_block_empty(block))
		give_chunk_back(window, arena, block->window);
	else
		arena->leaked = true;
}

/*
 * Creates a window with its first arena, below the domain's limit. Returns ERR_PTR(-ENOMEM), or
 * ERR_PTR(-ENOSPC) if there is no address space.
 */
struct xen_gpu_window *xen_gpu_window_new(struct xen_gpu_domain *dom)
{
	struct xen_gpu_window *window = kzalloc(sizeof(*window), GFP_KERNEL);
	int rc;

	if (!window)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&window->arenas);
	window->last = last_address(dom->max_bfn);
	window->capacity = capacity_below(window->last);
	rc = grow(dom, window);
	if (rc) {
		if (rc == -ENOSPC)
			pr_err("d%u: no address space for its pages from %#llx to %#llx, which is as far as the device reaches\n",
			       dom->domid, (u64)WINDOW_MIN, window->last);
		kfree(window);
		return ERR_PTR(rc);
	}
	window->spare = take_chunk(window, find_arena(window));
	return window;
}

/* Frees a window and its address space, but for arenas in which mappings are left. */
void xen_gpu_window_free(struct xen_gpu_domain *dom, struct xen_gpu_window *window)
{
	struct xen_gpu_arena *arena, *next;

	list_for_each_entry_safe(arena, next, &window->arenas, node) {
		if (!arena->leaked) {
			free_arena(window, arena);
			continue;
		}
		list_del(&arena->node);
		pr_err_ratelimited("d%u: %pR is lost: Xen did not take all mappings out\n",
				   dom->domid, &arena->res);
	}
	kfree(window);
}
