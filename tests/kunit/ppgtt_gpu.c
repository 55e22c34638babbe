// SPDX-License-Identifier: GPL-2.0
/*
 * The GPU's walks of PPGTTs; see ppgtt_gpu.h.
 */

#include <linux/mm.h>

#include "ppgtt_gpu.h"

/* Keys of "met"; see also key_of() */
#define KEY_PFN			BIT_ULL(61)
#define KEY_PAGE(entry)		((u64)(entry)->pages)

static struct ppgtt_gpu *to_gpu(struct gpu_walker *walker)
{
	return container_of(walker, struct ppgtt_gpu, walker);
}

static u64 key_of(const struct ppgtt_gpu_table *table)
{
	return BIT_ULL(62) | (u64)table->level << 56 | (u64)table->wide << 55;
}

/* The GPU has met the table. Each check walks it from now on. */
static void meet_table(struct ppgtt_gpu *gpu, const struct ppgtt_gpu_table *table)
{
	if (!ppgtt_set_add(&gpu->met, key_of(table), table->bfn))
		return;
	ppgtt_set_add(&gpu->met, KEY_PFN, fake_dma_mfn(table->bfn));
	if (!WARN_ON_ONCE(gpu->nr_tables == PPGTT_GPU_TABLES))
		gpu->tables[gpu->nr_tables++] = *table;
}

static void meet_page(struct ppgtt_gpu *gpu, const struct ppgtt_entry *entry)
{
	if (!ppgtt_set_add(&gpu->met, KEY_PAGE(entry), entry->frame))
		return;
	if (!WARN_ON_ONCE(gpu->nr_pages == PPGTT_GPU_PAGES))
		gpu->pages[gpu->nr_pages++].entry = *entry;
}

static void meet_entry(struct ppgtt_gpu *gpu, const struct ppgtt_gpu_table *in, u64 raw)
{
	struct ppgtt_entry entry = ppgtt_decode(gpu->format, in->level, raw);
	struct ppgtt_gpu_table table = { .bfn = entry.frame, .level = in->level - 1,
					 .wide = entry.wide };

	switch (entry.kind) {
	case PPGTT_NONE:
		break;
	case PPGTT_TABLE:
		meet_table(gpu, &table);
		break;
	case PPGTT_PAGE:
		if (in->wide) {
			entry.frame = round_down(entry.frame, PPGTT_WIDE_PAGES);
			entry.pages = PPGTT_WIDE_PAGES;
		}
		meet_page(gpu, &entry);
		break;
	default:
		gpu_found(gpu->domid, raw, "has reserved bits");
		break;
	}
}

/* Walks a table. Most of its entries are the same. */
static void walk_table(struct ppgtt_gpu *gpu, struct ppgtt_gpu_table table)
{
	const void *entries = ppgtt_dom0_table(table.bfn);
	unsigned int i, step = table.wide ? PPGTT_WIDE_PAGES : 1;
	u64 raw, last = 0;

	if (!entries) {
		gpu_found(gpu->domid, table.bfn << PAGE_SHIFT, "is a table that is not dom0's");
		return;
	}
	for (i = 0; i < gpu->format->entries[table.level]; i += step) {
		raw = ppgtt_load(gpu->format, entries, i);
		if (raw != last)
			meet_entry(gpu, &table, raw);
		last = raw;
	}
}

static void check_page(struct ppgtt_gpu *gpu, const struct ppgtt_entry *entry)
{
	const char *what = NULL;
	unsigned long mfn;
	unsigned int i;

	for (i = 0; !what && i < entry->pages; i++) {
		mfn = fake_dma_mfn(entry->frame + i);
		if (mfn == FAKE_NO_MFN || !ppgtt_is_dom0(mfn))
			what = gpu_unsafe(gpu->domid, entry->frame + i);
		else if (ppgtt_set_has(&gpu->met, KEY_PFN, mfn))
			what = "reaches a table";
	}
	if (what)
		gpu_found(gpu->domid, entry->raw, what);
}

static void check(struct gpu_walker *walker)
{
	struct ppgtt_gpu *gpu = to_gpu(walker);
	unsigned int i, root;

	for (i = 0; i < PPGTT_GPU_ROOTS; i++) {
		const struct ppgtt_roots *roots = &gpu->in_use[i].roots;

		for (root = 0; gpu->in_use[i].owner && root < roots->format->roots; root++) {
			struct ppgtt_gpu_table table = { .bfn = roots->shadow[root],
							 .level = roots->format->top };

			meet_table(gpu, &table);
		}
	}
	/* The list grows during the walk. */
	for (i = 0; i < gpu->nr_tables; i++)
		walk_table(gpu, gpu->tables[i]);
	for (i = 0; i < gpu->nr_pages; i++)
		check_page(gpu, &gpu->pages[i].entry);
	gpu->nr_checks++;
}

static void forget(struct gpu_walker *walker)
{
	struct ppgtt_gpu *gpu = to_gpu(walker);

	gpu->nr_tables = 0;
	gpu->nr_pages = 0;
	ppgtt_set_clear(&gpu->met);
}

static bool is_table(struct gpu_walker *walker, domid_t owner, u64 pte)
{
	struct ppgtt_gpu *gpu = to_gpu(walker);
	struct ppgtt_entry entry = ppgtt_decode(gpu->format, 2, pte);

	if (!gpu->directories || owner != gpu->domid || entry.kind != PPGTT_TABLE ||
	    !ppgtt_dom0_table(entry.frame))
		return false;
	meet_table(gpu, &(struct ppgtt_gpu_table){ .bfn = entry.frame, .level = 1 });
	return true;
}

/* Makes the GPU of the tests walk PPGTTs, too, until the end of the case. */
struct ppgtt_gpu *ppgtt_gpu_new(struct kunit *test, domid_t domid,
				const struct ppgtt_format *format)
{
	struct ppgtt_gpu *gpu = kunit_kzalloc(test, sizeof(*gpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, gpu);
	gpu->walker = (struct gpu_walker){ .check = check, .forget = forget, .is_table = is_table };
	gpu->domid = domid;
	gpu->format = format;
	ppgtt_set_clear(&gpu->met);
	gpu_set_walker(&gpu->walker);
	return gpu;
}

/* The GPU runs a context with these roots. Roots in the GGTT are always walked. */
void ppgtt_gpu_use(struct ppgtt_gpu *gpu, const struct ppgtt_roots *roots)
{
	unsigned int i = 0;

	if (roots->format->root_in_ggtt)
		return;
	while (i < PPGTT_GPU_ROOTS && gpu->in_use[i].owner)
		i++;
	if (WARN_ON(i == PPGTT_GPU_ROOTS))
		return;
	gpu->in_use[i].roots = *roots;
	gpu->in_use[i].owner = roots;
}

/* The context stops, and the GPU's TLB is empty. */
void ppgtt_gpu_leave(struct ppgtt_gpu *gpu, const struct ppgtt_roots *roots)
{
	unsigned int i;

	for (i = 0; i < PPGTT_GPU_ROOTS; i++) {
		if (gpu->in_use[i].owner == roots)
			gpu->in_use[i].owner = NULL;
	}
	forget(&gpu->walker);
}
