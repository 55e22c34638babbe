// SPDX-License-Identifier: GPL-2.0
/*
 * Checks a virtual GPU's configuration before it is enabled, and logs why it is refused.
 *
 * Locking: none. The caller keeps the configuration from changing.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>

#include "abi/pte.h"
#include "config.h"

#define MIN_DMA_BITS		32
#define MAX_DMA_BITS		52
#define MAX_TABLES		1048576

/* Checks range @i of the share and converts it from bytes to entries. */
static int check_range(const char *name, const struct xengt_vgpu_config *config,
		       const struct xengt_gtt_format *format, unsigned int i,
		       struct xengt_range *range)
{
	u64 base = config->auto_base[i] ? 0 : config->base[i], size = config->size[i];
	u64 top = (u64)format->gtt_entries << XENGT_PAGE_SHIFT;

	if ((base | size) & (XENGT_PAGE_SIZE - 1)) {
		xengt_vgpu_err(name, "the share is not in pages of 4 KiB\n");
		return -EINVAL;
	}
	if (base > top || size > top - base) {
		xengt_vgpu_err(name, "the share goes beyond the GGTT, which has %llu MiB\n",
			       top >> 20);
		return -EINVAL;
	}
	range->first = config->auto_base[i] ? XENGT_RANGE_ANYWHERE : base >> XENGT_PAGE_SHIFT;
	range->n = size >> XENGT_PAGE_SHIFT;
	return 0;
}

static bool ranges_overlap(const struct xengt_range *a, const struct xengt_range *b)
{
	if (a->first == XENGT_RANGE_ANYWHERE || b->first == XENGT_RANGE_ANYWHERE)
		return false;
	return a->n && b->n && a->first < b->first + b->n && b->first < a->first + a->n;
}

static int check_share(const char *name, const struct xengt_vgpu_config *config,
		       const struct xengt_gtt_format *format, struct xengt_range *share)
{
	unsigned int i;
	int rc;

	for (i = 0; i < XENGT_GGTT_RANGES; i++) {
		rc = check_range(name, config, format, i, &share[i]);
		if (rc)
			return rc;
	}
	if (ranges_overlap(&share[0], &share[1])) {
		xengt_vgpu_err(name, "the mappable and the hidden share overlap\n");
		return -EINVAL;
	}
	if (!share[0].n && !share[1].n) {
		xengt_vgpu_err(name,
			       "the share of the GGTT is empty: set mappable_size or hidden_size\n");
		return -EINVAL;
	}
	return 0;
}

static int check_numbers(const char *name, const struct xengt_vgpu_config *config)
{
	if (config->dma_bits < MIN_DMA_BITS || config->dma_bits > MAX_DMA_BITS) {
		xengt_vgpu_err(name, "dma_bits %u is not from %u to %u\n", config->dma_bits,
			       MIN_DMA_BITS, MAX_DMA_BITS);
		return -EINVAL;
	}
	if (!config->quota || config->quota > ULONG_MAX) {
		xengt_vgpu_err(name, "the quota is 0\n");
		return -EINVAL;
	}
	if (!config->tables || config->tables > MAX_TABLES) {
		xengt_vgpu_err(name, "tables %llu is not from 1 to %u\n", config->tables,
			       MAX_TABLES);
		return -EINVAL;
	}
	if (config->adopt_ram > 1) {
		xengt_vgpu_err(name, "adopt_ram %u is not 0 or 1\n", config->adopt_ram);
		return -EINVAL;
	}
	return 0;
}

/* One half of BAR 0 is registers, the other the GTT. A BAR is aligned to its size. */
static int check_bar0(const char *name, const struct xengt_vgpu_config *config,
		      const struct xengt_gtt_format *format)
{
	u64 size = 2 * format->gtt_offset;

	if (!config->bar0 || config->bar0 & (size - 1)) {
		xengt_vgpu_err(name, "bar0 %#llx is not a multiple of %llu MiB\n", config->bar0,
			       size >> 20);
		return -EINVAL;
	}
	if (config->bar0 >= XENGT_MEMORY_SIZE) {
		xengt_vgpu_err(name, "bar0 %#llx is beyond the addresses of a guest, below %#llx\n",
			       config->bar0, XENGT_MEMORY_SIZE);
		return -EINVAL;
	}
	return 0;
}

/**
 * xengt_config_check - check a virtual GPU's configuration
 * @name: the virtual GPU's name, for the log
 * @config: the configuration
 * @format: set to the format of the generation's page tables
 * @share: set to the guest's share of the GGTT: XENGT_GGTT_RANGES ranges, in entries; the first
 *	entry of a range is XENGT_RANGE_ANYWHERE if the place chooses it
 *
 * The domid and the place are not checked here.
 *
 * Context: any.
 * Return: 0, or -EINVAL with a line in the log.
 */
int xengt_config_check(const char *name, const struct xengt_vgpu_config *config,
		       const struct xengt_gtt_format **format, struct xengt_range *share)
{
	*format = xengt_gtt_format(config->generation);
	if (!*format) {
		xengt_vgpu_err(name, "generation %u is not supported\n", config->generation);
		return -EINVAL;
	}
	return check_bar0(name, config, *format) ?: check_numbers(name, config) ?:
	       check_share(name, config, *format, share);
}
