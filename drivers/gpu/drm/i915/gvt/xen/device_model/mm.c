// SPDX-License-Identifier: GPL-2.0
/*
 * GVT's view of a guest's page tables (struct intel_vgpu_mm), in place of GVT's gtt.c. xengt has
 * the tables and their shadows: what is here identifies them, and asks xengt.
 *
 * The GGTT is one of these, and each PPGTT that a workload of the guest's uses, for as long as a
 * workload does. The guest itself announces its PPGTTs to xengt through PVINFO; GVT announces them
 * once more, for guests that have not.
 *
 * Invariants: a PPGTT that is here is announced once, and its shadow is pinned, so that its root
 * does not change. GVT's own pins are only counted: it unpins more often than it pins. PPGTTs have
 * 4 levels: the context in which a guest's work runs has i915's addressing mode, whatever the
 * guest's own context asks for.
 *
 * Locking: GVT's vgpu_lock, which GVT holds for all calls but those that reset a virtual GPU.
 */

#include "instance.h"

#include <linux/err.h>
#include <linux/slab.h>

#include "workload.h"

/* The most workloads of a virtual GPU that wait or run at a time */
#define MAX_WORKLOADS	256

/**
 * struct mm - page tables of a guest's
 * @mm: what GVT sees
 * @root: of a PPGTT: its root
 * @shadow: of a PPGTT: its shadow, pinned
 */
struct mm {
	struct intel_vgpu_mm mm;
	struct xengt_ppgtt_root root;
	struct xengt_ppgtt_shadow *shadow;
};

static struct mm *to_mm(struct intel_vgpu_mm *mm)
{
	return container_of(mm, struct mm, mm);
}

static struct xengt_vgpu *xengt_of(const struct intel_vgpu_mm *mm)
{
	return xengt_gvt_instance_of(mm->vgpu)->xengt;
}

static struct mm *new_mm(struct intel_vgpu *vgpu, enum intel_gvt_mm_type type)
{
	struct mm *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	if (!mm)
		return NULL;
	mm->mm.type = type;
	mm->mm.vgpu = vgpu;
	kref_init(&mm->mm.ref);
	atomic_set(&mm->mm.pincount, 0);
	return mm;
}

/* Announces a PPGTT, pins its shadow, and adds it to the virtual GPU's. */
static struct intel_vgpu_mm *new_ppgtt(struct intel_vgpu *vgpu, const u64 *pdps)
{
	struct mm *mm = new_mm(vgpu, INTEL_GVT_MM_PPGTT);
	int rc;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	mm->mm.ppgtt_mm.root_entry_type = GTT_TYPE_PPGTT_ROOT_L4_ENTRY;
	memcpy(mm->mm.ppgtt_mm.guest_pdps, pdps, sizeof(mm->mm.ppgtt_mm.guest_pdps));
	mm->root = (struct xengt_ppgtt_root){ .levels = 4, .pdp = { pdps[0] } };
	INIT_LIST_HEAD(&mm->mm.ppgtt_mm.link);
	rc = xengt_ppgtt_create(xengt_of(&mm->mm), &mm->root);
	if (rc)
		goto free;
	BUILD_BUG_ON(ARRAY_SIZE(mm->mm.ppgtt_mm.shadow_pdps) != XENGT_PPGTT_PDPS);
	mm->shadow = xengt_ppgtt_pin(xengt_of(&mm->mm), &mm->root, mm->mm.ppgtt_mm.shadow_pdps);
	if (IS_ERR(mm->shadow)) {
		rc = PTR_ERR(mm->shadow);
		goto destroy;
	}
	mm->mm.ppgtt_mm.shadowed = true;
	list_add_tail(&mm->mm.ppgtt_mm.list, &vgpu->gtt.ppgtt_mm_list_head);
	return &mm->mm;

destroy:
	xengt_ppgtt_destroy(xengt_of(&mm->mm), &mm->root);
free:
	kfree(mm);
	return ERR_PTR(rc);
}

/*
 * For commands in a ring that load a root. There are none: GVT patches the root into the ring, and
 * can have an mm in one list of such roots only. i915 does not use them since 5.14.
 */
struct intel_vgpu_mm *intel_vgpu_find_ppgtt_mm(struct intel_vgpu *vgpu, u64 pdps[])
{
	return NULL;
}

/* Finds a PPGTT by its root. NULL: there is none; ERR_PTR(): too many workloads wait. */
static struct intel_vgpu_mm *find(struct intel_vgpu *vgpu, u64 root)
{
	struct intel_vgpu_mm *mm, *found = NULL;
	unsigned int workloads = 0;

	list_for_each_entry(mm, &vgpu->gtt.ppgtt_mm_list_head, ppgtt_mm.list) {
		workloads += kref_read(&mm->ref);
		if (mm->ppgtt_mm.guest_pdps[0] == root)
			found = mm;
	}
	return workloads < MAX_WORKLOADS ? found : ERR_PTR(-EBUSY);
}

/*
 * Finds or makes the PPGTT of a workload that the guest has just submitted. What the guest wrote to
 * its tables before is in the shadow afterwards, as GVT reads batches through it: the pin of a new
 * one syncs.
 */
struct intel_vgpu_mm *intel_vgpu_get_ppgtt_mm(struct intel_vgpu *vgpu,
					      enum intel_gvt_gtt_type root_entry_type, u64 pdps[])
{
	struct intel_vgpu_mm *mm;
	int rc;

	if (root_entry_type != GTT_TYPE_PPGTT_ROOT_L4_ENTRY)
		return ERR_PTR(-EOPNOTSUPP);
	mm = find(vgpu, pdps[0]);
	if (!mm)
		return new_ppgtt(vgpu, pdps);
	if (IS_ERR(mm))
		return mm;
	rc = xengt_vgpu_sync(xengt_of(mm));
	if (rc)
		return ERR_PTR(rc);
	intel_vgpu_mm_get(mm);
	return mm;
}

/* For what the guest announces in PVINFO, which is xengt's. */
int intel_vgpu_put_ppgtt_mm(struct intel_vgpu *vgpu, u64 pdps[])
{
	return -EINVAL;
}

void _intel_vgpu_mm_release(struct kref *ref)
{
	struct mm *mm = container_of(ref, struct mm, mm.ref);

	if (mm->mm.type == INTEL_GVT_MM_PPGTT) {
		list_del(&mm->mm.ppgtt_mm.list);
		xengt_ppgtt_unpin(mm->shadow);
		xengt_ppgtt_destroy(xengt_of(&mm->mm), &mm->root);
	}
	kfree(mm);
}

int intel_vgpu_pin_mm(struct intel_vgpu_mm *mm)
{
	atomic_inc(&mm->pincount);
	return 0;
}

void intel_vgpu_unpin_mm(struct intel_vgpu_mm *mm)
{
	atomic_dec_if_positive(&mm->pincount);
}

int intel_vgpu_flush_post_shadow(struct intel_vgpu *vgpu)
{
	return 0;
}

/*
 * The guest's own entry tells, so that an address is known as soon as the guest has written it,
 * whether it is in the shadow or not.
 */
static unsigned long translate_ggtt(struct xengt_vgpu *xengt, unsigned long gma)
{
	u64 pte;

	if (xengt_ggtt_guest_pte(xengt, gma, &pte) || !(pte & GEN8_PAGE_PRESENT))
		return INTEL_GVT_INVALID_ADDR;
	return (pte & GENMASK_ULL(45, PAGE_SHIFT)) | offset_in_page(gma);
}

/* Translates a graphics address to a guest-physical one; INTEL_GVT_INVALID_ADDR if it has none. */
unsigned long intel_vgpu_gma_to_gpa(struct intel_vgpu_mm *mm, unsigned long gma)
{
	struct xengt_translation t;

	if (!xengt_gvt_may_translate(xengt_gvt_instance_of(mm->vgpu)))
		return INTEL_GVT_INVALID_ADDR;
	if (mm->type == INTEL_GVT_MM_GGTT)
		return translate_ggtt(xengt_of(mm), gma);
	if (xengt_translate(xengt_of(mm), &to_mm(mm)->root, gma, &t))
		return INTEL_GVT_INVALID_ADDR;
	return t.gpa;
}

/* Are @size bytes at a graphics address in one range of the guest's share? */
bool intel_gvt_ggtt_validate_range(struct intel_vgpu *vgpu, u64 addr, u32 size)
{
	u64 last = addr + (size ?: 1) - 1;

	return last >= addr && ((vgpu_gmadr_is_aperture(vgpu, addr) &&
				 vgpu_gmadr_is_aperture(vgpu, last)) ||
				(vgpu_gmadr_is_hidden(vgpu, addr) &&
				 vgpu_gmadr_is_hidden(vgpu, last)));
}

/* xengt does these: GVT gets no access to the GTT. */
int intel_vgpu_emulate_ggtt_mmio_read(struct intel_vgpu *vgpu, unsigned int off, void *p_data,
				      unsigned int bytes)
{
	return -EINVAL;
}

int intel_vgpu_emulate_ggtt_mmio_write(struct intel_vgpu *vgpu, unsigned int off, void *p_data,
				       unsigned int bytes)
{
	return -EINVAL;
}

int intel_vgpu_init_gtt(struct intel_vgpu *vgpu)
{
	struct mm *ggtt = new_mm(vgpu, INTEL_GVT_MM_GGTT);

	if (!ggtt)
		return -ENOMEM;
	INIT_LIST_HEAD(&vgpu->gtt.ppgtt_mm_list_head);
	vgpu->gtt.ggtt_mm = &ggtt->mm;
	return 0;
}

/* All workloads have ended: each had a reference on its PPGTT. */
void intel_vgpu_clean_gtt(struct intel_vgpu *vgpu)
{
	WARN_ON(!list_empty(&vgpu->gtt.ppgtt_mm_list_head));
	intel_vgpu_mm_put(vgpu->gtt.ggtt_mm);
	vgpu->gtt.ggtt_mm = NULL;
}

/* A reset of engines leaves page tables alone, and xengt keeps their shadows. */
void intel_vgpu_invalidate_ppgtt(struct intel_vgpu *vgpu)
{
}

/* xengt_vgpu_reset() resets page tables. */
void intel_vgpu_destroy_all_ppgtt_mm(struct intel_vgpu *vgpu)
{
}

void intel_vgpu_reset_ggtt(struct intel_vgpu *vgpu, bool invalidate_old)
{
}
