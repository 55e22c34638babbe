// SPDX-License-Identifier: GPL-2.0
/*
 * GVT's own shadow page tables, and what is under them; see gvt_gtt.h.
 */

#include <linux/ktime.h>

#include "gvt_environment.h"
#include "gvt_gtt.h"
#include "rb_cache.h"

static struct gvt_gtt_counts counts;

static void count_bytes(long bytes)
{
	counts.bytes += bytes;
	counts.max_bytes = max(counts.max_bytes, counts.bytes);
}

/* The memory that the two files below allocate. Nodes of their radix trees are not counted. */

static void *counted_kzalloc(size_t size, gfp_t flags)
{
	void *p = kzalloc(size, flags);

	if (p)
		count_bytes(ksize(p));
	return p;
}

static void counted_kfree(const void *p)
{
	if (p)
		count_bytes(-(long)ksize(p));
	kfree(p);
}

static struct page *counted_alloc_page(gfp_t flags)
{
	struct page *page = alloc_page(flags);

	if (page)
		count_bytes(PAGE_SIZE);
	return page;
}

static void counted_free_page(struct page *page)
{
	count_bytes(-(long)PAGE_SIZE);
	__free_page(page);
}

static void *counted_vzalloc(size_t size)
{
	count_bytes(size);
	return vzalloc(size);
}

#undef alloc_page
#undef __free_page
#define kzalloc(size, flags)	counted_kzalloc(size, flags)
#define kfree(p)		counted_kfree(p)
#define alloc_page(flags)	counted_alloc_page(flags)
#define __free_page(page)	counted_free_page(page)
#define vzalloc(size)		counted_vzalloc(size)

#include <gvt/gtt.c>
#include <gvt/page_track.c>

#undef kzalloc
#undef kfree
#undef vzalloc

static struct gvt_gtt_guest guest;
static struct rb_cache cache;
static struct kvm kvm;
static struct drm_i915_private i915;
static struct i915_ggtt ggtt;
static struct intel_gt gt = { .i915 = &i915, .ggtt = &ggtt };
static struct intel_gvt gvt;
static struct intel_vgpu vgpu;

void gvt_environment_error(void)
{
	counts.errors++;
}

bool kvm_is_visible_gfn(struct kvm *kvm, unsigned long gfn)
{
	u64 start = ktime_get_ns();
	bool valid = guest.is_valid(gfn);

	counts.copying += ktime_get_ns() - start;
	return valid;
}

static int copy(unsigned long gpa, void *buf, unsigned long len, bool write)
{
	u64 start = ktime_get_ns();

	guest.copy(gpa, buf, len, write);
	counts.copying += ktime_get_ns() - start;
	return 0;
}

int intel_gvt_read_gpa(struct intel_vgpu *vgpu, unsigned long gpa, void *buf, unsigned long len)
{
	return copy(gpa, buf, len, false);
}

int intel_gvt_write_gpa(struct intel_vgpu *vgpu, unsigned long gpa, void *buf, unsigned long len)
{
	return copy(gpa, buf, len, true);
}

int intel_gvt_dma_map_guest_page(struct intel_vgpu *vgpu, unsigned long gfn, unsigned long size,
				 dma_addr_t *dma_addr)
{
	unsigned long before = cache.n;
	u64 dma;
	int rc = rb_cache_map(&cache, gfn, &dma);

	if (rc)
		return rc;
	*dma_addr = dma;
	counts.live++;
	if (cache.n != before) {
		counts.mapped++;
		counts.hypercalls++;
		count_bytes(rb_cache_mapping_size());
	}
	return 0;
}

void intel_gvt_dma_unmap_guest_page(struct intel_vgpu *vgpu, dma_addr_t dma_addr)
{
	unsigned long before = cache.n;

	if (rb_cache_unmap(&cache, dma_addr))
		counts.live--;
	if (cache.n != before) {
		counts.invalidations++;
		counts.hypercalls++;
		count_bytes(-(long)rb_cache_mapping_size());
	}
}

int intel_gvt_page_track_add(struct intel_vgpu *vgpu, u64 gfn)
{
	counts.hypercalls++;
	return 0;
}

int intel_gvt_page_track_remove(struct intel_vgpu *vgpu, u64 gfn)
{
	counts.hypercalls++;
	return 0;
}

static int start_tables(void)
{
	int rc = intel_gvt_init_gtt(&gvt);

	if (rc)
		return rc;
	rc = intel_vgpu_init_gtt(&vgpu);
	if (rc)
		intel_gvt_clean_gtt(&gvt);
	return rc;
}

static int start_kvm(void)
{
	int rc = init_srcu_struct(&kvm.srcu);

	if (rc)
		return rc;
	rc = start_tables();
	if (rc)
		cleanup_srcu_struct(&kvm.srcu);
	return rc;
}

/* Starts page tables with a GGTT of @entries entries. Returns 0 or a negative error. */
int gvt_gtt_start(const struct gvt_gtt_guest *of_guest, unsigned long entries)
{
	int rc;

	guest = *of_guest;
	memset(&counts, 0, sizeof(counts));
	memset(&gvt, 0, sizeof(gvt));
	memset(&vgpu, 0, sizeof(vgpu));
	rb_cache_init(&cache);
	gvt.gt = &gt;
	gvt.size = (u64)entries << PAGE_SHIFT;
	gvt.device_info.gtt_entry_size = sizeof(u64);
	gvt.device_info.gtt_entry_size_shift = ilog2(sizeof(u64));
	idr_init(&gvt.vgpu_idr);
	vgpu.gvt = &gvt;
	vgpu.attached = true;
	vgpu.vfio_device.kvm = &kvm;
	mutex_init(&vgpu.vgpu_lock);
	INIT_RADIX_TREE(&vgpu.page_track_tree, GFP_KERNEL);
	ggtt.gsm = vzalloc(array_size(entries, sizeof(u64)));
	if (!ggtt.gsm)
		return -ENOMEM;
	rc = start_kvm();
	if (rc)
		vfree(ggtt.gsm);
	return rc;
}

/* Ends all PPGTTs, and makes all entries of the GGTT scratch. */
void gvt_gtt_reset(void)
{
	intel_vgpu_destroy_all_ppgtt_mm(&vgpu);
	intel_vgpu_reset_ggtt(&vgpu, true);
}

/* Frees the page tables. All their entries are scratch. */
void gvt_gtt_stop(void)
{
	intel_vgpu_clean_gtt(&vgpu);
	intel_gvt_clean_gtt(&gvt);
	cleanup_srcu_struct(&kvm.srcu);
	vfree(ggtt.gsm);
}

const struct gvt_gtt_counts *gvt_gtt_counts(void)
{
	return &counts;
}

/* A trapped write to an entry of the GGTT. */
int gvt_gtt_write(unsigned long entry, u64 pte)
{
	int rc;

	mutex_lock(&vgpu.vgpu_lock);
	rc = intel_vgpu_emulate_ggtt_mmio_write(&vgpu, entry * sizeof(pte), &pte, sizeof(pte));
	mutex_unlock(&vgpu.vgpu_lock);
	return rc;
}

/* Is the page protected, so that writes to it are trapped? */
bool gvt_gtt_is_table(u64 gfn)
{
	const struct intel_vgpu_page_track *track = intel_vgpu_find_page_track(&vgpu, gfn);

	return track && track->tracked;
}

/* A trapped write to an entry of a PPGTT's table, at guest-physical @addr. The entry is written. */
int gvt_gtt_write_table(u64 addr, u64 pte)
{
	return intel_vgpu_page_track_handler(&vgpu, addr, &pte, sizeof(pte));
}

/* The guest announces a PPGTT of four levels, with its PML4 table at @root. */
int gvt_gtt_create(u64 root)
{
	u64 pdps[GVT_RING_CTX_NR_PDPS] = { root };

	return PTR_ERR_OR_ZERO(intel_vgpu_get_ppgtt_mm(&vgpu, GTT_TYPE_PPGTT_ROOT_L4_ENTRY, pdps));
}

int gvt_gtt_destroy(u64 root)
{
	u64 pdps[GVT_RING_CTX_NR_PDPS] = { root };

	return intel_vgpu_put_ppgtt_mm(&vgpu, pdps);
}

/* The guest submits work: what is left to do before the GPU uses the tables. */
int gvt_gtt_submit(void)
{
	return intel_vgpu_sync_oos_pages(&vgpu) ?: intel_vgpu_flush_post_shadow(&vgpu);
}
