// SPDX-License-Identifier: GPL-2.0
/*
 * The check of a virtual GPU's configuration: what makes no sense is refused, and the log says why.
 *
 * Locking: the virtual GPU's lock.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/lockdep.h>

#include "pte.h"
#include "vgpu.h"

#define MIN_DMA_BITS		32
#define MAX_DMA_BITS		52
#define MAX_TABLES		1048576

static int check_range(const struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format,
		       unsigned int i, struct xengt_range *range)
{
	u64 base = vgpu->config.base[i], size = vgpu->config.size[i];
	u64 top = (u64)format->gtt_entries << XENGT_PAGE_SHIFT;

	if ((base | size) & (XENGT_PAGE_SIZE - 1)) {
		xengt_vgpu_err(vgpu, "the share is not in pages of 4 KiB\n");
		return -EINVAL;
	}
	if (base > top || size > top - base) {
		xengt_vgpu_err(vgpu, "the share goes beyond the GGTT, which has %llu MiB\n",
			       top >> 20);
		return -EINVAL;
	}
	range->first = base >> XENGT_PAGE_SHIFT;
	range->n = size >> XENGT_PAGE_SHIFT;
	return 0;
}

static bool ranges_overlap(const struct xengt_range *a, const struct xengt_range *b)
{
	return a->n && b->n && a->first < b->first + b->n && b->first < a->first + a->n;
}

static int check_share(const struct xengt_vgpu *vgpu, const struct xengt_gtt_format *format,
		       struct xengt_range *share)
{
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		rc = check_range(vgpu, format, i, &share[i]);
		if (rc)
			return rc;
	}
	if (ranges_overlap(&share[0], &share[1])) {
		xengt_vgpu_err(vgpu, "the mappable and the hidden share overlap\n");
		return -EINVAL;
	}
	if (!share[0].n && !share[1].n) {
		xengt_vgpu_err(vgpu,
			       "the share of the GGTT is empty: set mappable_size or hidden_size\n");
		return -EINVAL;
	}
	return 0;
}

static int check_numbers(const struct xengt_vgpu *vgpu)
{
	const struct xengt_vgpu_config *config = &vgpu->config;

	if (config->dma_bits < MIN_DMA_BITS || config->dma_bits > MAX_DMA_BITS) {
		xengt_vgpu_err(vgpu, "dma_bits %u is not from %u to %u\n", config->dma_bits,
			       MIN_DMA_BITS, MAX_DMA_BITS);
		return -EINVAL;
	}
	if (!config->quota || config->quota > ULONG_MAX) {
		xengt_vgpu_err(vgpu, "the quota is 0\n");
		return -EINVAL;
	}
	if (!config->tables || config->tables > MAX_TABLES) {
		xengt_vgpu_err(vgpu, "tables %llu is not from 1 to %u\n", config->tables,
			       MAX_TABLES);
		return -EINVAL;
	}
	if (config->adopt_ram > 1) {
		xengt_vgpu_err(vgpu, "adopt_ram %u is not 0 or 1\n", config->adopt_ram);
		return -EINVAL;
	}
	return 0;
}

/**
 * xengt_vgpu_check_config - check a virtual GPU's configuration
 * @vgpu: the virtual GPU
 * @format: where the format of its page tables goes
 * @share: where its ranges of GGTT entries go, XENGT_GGTT_RANGES of them
 *
 * Return: 0, or -EINVAL with a line in the log.
 */
int xengt_vgpu_check_config(const struct xengt_vgpu *vgpu, const struct xengt_gtt_format **format,
			    struct xengt_range *share)
{
	const struct xengt_vgpu_config *config = &vgpu->config;
	u64 bar0_size;
	int rc;

	lockdep_assert_held(&vgpu->lock);
	*format = xengt_gtt_format(config->generation);
	if (!*format) {
		xengt_vgpu_err(vgpu, "generation %u is not supported\n", config->generation);
		return -EINVAL;
	}
	/* BAR 0 is registers and the GTT in equal halves, aligned to its size, as all BARs are. */
	bar0_size = 2 * (*format)->gtt_offset;
	if (!config->bar0 || config->bar0 & (bar0_size - 1)) {
		xengt_vgpu_err(vgpu, "bar0 %#llx is not a multiple of %llu MiB\n", config->bar0,
			       bar0_size >> 20);
		return -EINVAL;
	}
	rc = check_numbers(vgpu);
	if (rc)
		return rc;
	return check_share(vgpu, *format, share);
}
