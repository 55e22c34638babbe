// SPDX-License-Identifier: GPL-2.0
/*
 * The GGTT of a device: a range of a memory BAR, and the registers that invalidate it.
 *
 * The table is mapped while there are shares of it. Nobody else has the BARs meanwhile. The device
 * can do DMA from the first share to the last.
 *
 * Locking: reservations and the end of a table are serialised by the caller. Entries can be written
 * by several at once. invalidate_lock serialises invalidations, whose registers all shares use.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <xen/xengt_gsm.h>

#include "table.h"

#define TLB_INVALIDATE		BIT(0)
#define POLL_US			10
#define TIMEOUT_US		10000

static bool has_register(const struct xengt_bar_settings *settings)
{
	return settings->invalidate_register != XENGT_BAR_NO_REGISTER;
}

/* The first register, and the end of the last one; both 0 if there is none. */
static void find_registers(const struct xengt_bar_settings *settings, u64 *first, u64 *end)
{
	u32 i;

	*first = U64_MAX;
	*end = 0;
	if (has_register(settings)) {
		*first = settings->invalidate_register;
		*end = *first + sizeof(u32);
	}
	for (i = 0; i < settings->nr_tlbs; i++) {
		*first = min_t(u64, *first, settings->tlbs[i]);
		*end = max_t(u64, *end, settings->tlbs[i] + sizeof(u32));
	}
	if (!*end)
		*first = 0;
}

static bool registers_aligned(const struct xengt_bar_settings *settings)
{
	u32 all = has_register(settings) ? settings->invalidate_register : 0, i;

	for (i = 0; i < settings->nr_tlbs; i++)
		all |= settings->tlbs[i];
	return IS_ALIGNED(all, sizeof(u32));
}

/* The size of a memory BAR; 0 if there is no such BAR. */
static u64 bar_size(struct pci_dev *pdev, u32 bar)
{
	return pci_resource_flags(pdev, bar) & IORESOURCE_MEM ? pci_resource_len(pdev, bar) : 0;
}

static const char *entries_fault(struct pci_dev *pdev, const struct xengt_bar_settings *settings)
{
	u64 size = bar_size(pdev, settings->bar);

	if (!size)
		return "bar is not a memory BAR of the device";
	if (!settings->entries)
		return "entries is 0";
	if (settings->mappable_entries > settings->entries)
		return "mappable_entries is more than entries";
	if (!PAGE_ALIGNED(settings->offset))
		return "offset is not a multiple of 4 KiB";
	if (settings->offset > size ||
	    (u64)settings->entries * settings->entry_size > size - settings->offset)
		return "offset and entries go beyond the end of the BAR";
	if (settings->entry_size == sizeof(u32) && settings->scratch > U32_MAX)
		return "scratch has more than 32 bits, an entry of gen7 has not";
	return NULL;
}

static const char *registers_fault(struct pci_dev *pdev, const struct xengt_bar_settings *settings)
{
	u64 first, end, table = settings->offset;

	find_registers(settings, &first, &end);
	if (!end)
		return NULL;
	if (!bar_size(pdev, settings->invalidate_bar))
		return "invalidate_bar is not a memory BAR of the device";
	if (!registers_aligned(settings))
		return "a register's offset is not a multiple of 4";
	if (end > bar_size(pdev, settings->invalidate_bar))
		return "a register is beyond the end of invalidate_bar";
	if (settings->bar == settings->invalidate_bar && PAGE_ALIGN(end) > table &&
	    PAGE_ALIGN_DOWN(first) < table + (u64)settings->entries * settings->entry_size)
		return "there are entries among the registers";
	return NULL;
}

static int check_settings(struct pci_dev *pdev, const struct xengt_bar_settings *settings,
			  const char *vgpu)
{
	const char *fault = entries_fault(pdev, settings) ?: registers_fault(pdev, settings);

	if (!fault)
		return 0;
	pr_err("%s: %s: set it right in configfs, xengt_bar/%s\n", vgpu, fault, pci_name(pdev));
	return -EINVAL;
}

static int used_bars(const struct xengt_bar_table *table)
{
	const struct xengt_bar_settings *settings = &table->settings;
	bool registers = has_register(settings) || settings->nr_tlbs;

	return BIT(settings->bar) | (registers ? BIT(settings->invalidate_bar) : 0);
}

static void unmap(struct xengt_bar_table *table)
{
	if (table->regs)
		iounmap(table->regs);
	if (table->entries)
		iounmap(table->entries);
}

static int map(struct xengt_bar_table *table)
{
	const struct xengt_bar_settings *settings = &table->settings;
	resource_size_t start = pci_resource_start(table->pdev, settings->bar) + settings->offset;
	size_t size = (size_t)settings->entries * settings->entry_size;
	u64 first, end;

	table->entries = settings->write_combining ? ioremap_wc(start, size) : ioremap(start, size);
	if (!table->entries)
		return -ENOMEM;
	find_registers(settings, &first, &end);
	if (!end)
		return 0;
	start = pci_resource_start(table->pdev, settings->invalidate_bar);
	table->first_reg = first;
	table->regs = ioremap(start + first, end - first);
	if (!table->regs) {
		unmap(table);
		return -ENOMEM;
	}
	return 0;
}

static void release_device(struct xengt_bar_table *table)
{
	pci_clear_master(table->pdev);
	pci_release_selected_regions(table->pdev, used_bars(table));
	pci_disable_device(table->pdev);
}

static int claim_device(struct xengt_bar_table *table, const char *vgpu)
{
	struct pci_dev *pdev = table->pdev;
	int rc = pci_enable_device(pdev);

	if (rc) {
		pr_err("%s: %s cannot be enabled: %d\n", vgpu, pci_name(pdev), rc);
		return rc;
	}
	rc = pci_request_selected_regions(pdev, used_bars(table), KBUILD_MODNAME);
	if (rc) {
		pr_err("%s: another driver has BARs of %s: see /proc/iomem\n", vgpu,
		       pci_name(pdev));
		pci_disable_device(pdev);
		return rc;
	}
	pci_set_master(pdev);
	return 0;
}

static int claim_and_map(struct xengt_bar_table *table, const char *vgpu)
{
	int rc = check_settings(table->pdev, &table->settings, vgpu);

	if (rc)
		return rc;
	rc = claim_device(table, vgpu);
	if (rc)
		return rc;
	rc = map(table);
	if (rc) {
		pr_err("%s: the BARs of %s cannot be mapped: set caching=uc if memory is not short\n",
		       vgpu, pci_name(table->pdev));
		release_device(table);
	}
	return rc;
}

/* Maps a device's GGTT. Returns an ERR_PTR() with a line in the log if that is not possible. */
struct xengt_bar_table *xengt_bar_table_create(struct pci_dev *pdev, const char *vgpu)
{
	struct xengt_bar_table *table = kzalloc(sizeof(*table), GFP_KERNEL);
	int rc = -ENOMEM;

	if (!table)
		return ERR_PTR(-ENOMEM);
	table->pdev = pdev;
	mutex_init(&table->invalidate_lock);
	xengt_bar_settings_get(&table->user, pci_name(pdev), &table->settings);
	table->reserved = bitmap_zalloc(table->settings.entries ?: 1, GFP_KERNEL);
	if (table->reserved)
		rc = claim_and_map(table, vgpu);
	if (!rc)
		return table;
	xengt_bar_settings_put(&table->user);
	bitmap_free(table->reserved);
	kfree(table);
	return ERR_PTR(rc);
}

/* Unmaps a GGTT that has no shares. */
void xengt_bar_table_destroy(struct xengt_bar_table *table)
{
	unmap(table);
	release_device(table);
	xengt_bar_settings_put(&table->user);
	bitmap_free(table->reserved);
	kfree(table);
}

/* Where the mappable ranges end, or the hidden ones. */
unsigned long xengt_bar_table_end(const struct xengt_bar_table *table, unsigned int which)
{
	return which == XENGT_RANGE_MAPPABLE ? table->settings.mappable_entries :
	       table->settings.entries;
}

static int find_room(struct xengt_bar_table *table, unsigned int which, unsigned long n,
		     unsigned long end, unsigned long *first)
{
	unsigned long start = 0;

	if (which == XENGT_RANGE_HIDDEN)
		start = table->settings.mappable_entries;
	if (start > end || n > end - start)
		return -ERANGE;
	*first = bitmap_find_next_zero_area(table->reserved, end, start, n, 0);
	return *first > end - n ? -ENOSPC : 0;
}

/*
 * Reserves a range among the first @nr_entries entries. Returns 0; -ERANGE if it is larger than the
 * part of the table in which it can be; -EBUSY if some of it is reserved; -ENOSPC if there is no
 * room.
 */
int xengt_bar_table_reserve(struct xengt_bar_table *table, unsigned int which,
			    unsigned long nr_entries, const struct xengt_range *wanted,
			    struct xengt_range *range)
{
	unsigned long end = min(xengt_bar_table_end(table, which), nr_entries);
	int rc;

	*range = (struct xengt_range){ };
	if (!wanted->n)
		return 0;
	range->first = wanted->first;
	if (wanted->first == XENGT_RANGE_ANYWHERE) {
		rc = find_room(table, which, wanted->n, end, &range->first);
		if (rc)
			return rc;
	} else if (wanted->first > end || wanted->n > end - wanted->first) {
		return -ERANGE;
	}
	end = range->first + wanted->n;
	if (find_next_bit(table->reserved, end, range->first) < end)
		return -EBUSY;
	bitmap_set(table->reserved, range->first, wanted->n);
	range->n = wanted->n;
	return 0;
}

void xengt_bar_table_unreserve(struct xengt_bar_table *table, const struct xengt_range *range)
{
	bitmap_clear(table->reserved, range->first, range->n);
}

/* Writes an entry with one store: the device sees the old or the new entry. */
void xengt_bar_table_write(struct xengt_bar_table *table, unsigned long index, u64 pte)
{
	if (table->settings.entry_size == sizeof(u64))
		writeq(pte, (u64 __iomem *)table->entries + index);
	else
		writel(pte, (u32 __iomem *)table->entries + index);
}

static void __iomem *register_at(struct xengt_bar_table *table, u32 reg)
{
	return table->regs + (reg - table->first_reg);
}

/* Waits until all bits of a mask are 0. */
static void await_register(struct xengt_bar_table *table, u32 reg, u32 mask)
{
	u32 value;

	if (readl_poll_timeout(register_at(table, reg), value, !(value & mask), POLL_US,
			       TIMEOUT_US))
		dev_err_ratelimited(&table->pdev->dev,
				    "no answer to an invalidation within %u ms: register %#x is %#x\n",
				    TIMEOUT_US / 1000, reg, value);
}

static void invalidate_entries(struct xengt_bar_table *table)
{
	u32 reg = table->settings.invalidate_register;

	mb(); /* write-combining ends before the read, and the read waits for the entries */
	readl(table->entries);
	if (!has_register(&table->settings))
		return;
	writel(table->settings.invalidate_value, register_at(table, reg));
	await_register(table, reg, table->settings.invalidate_wait_mask);
}

static void invalidate_tlbs(struct xengt_bar_table *table)
{
	const struct xengt_bar_settings *settings = &table->settings;
	u32 i;

	for (i = 0; i < settings->nr_tlbs; i++)
		writel(TLB_INVALIDATE, register_at(table, settings->tlbs[i]));
	for (i = 0; i < settings->nr_tlbs; i++)
		await_register(table, settings->tlbs[i], TLB_INVALIDATE);
}

/* Makes the device forget entries; with @ppgtt, what its engines hold of PPGTTs, too. */
void xengt_bar_table_invalidate(struct xengt_bar_table *table, bool ppgtt)
{
	mutex_lock(&table->invalidate_lock);
	invalidate_entries(table);
	if (ppgtt)
		invalidate_tlbs(table);
	mutex_unlock(&table->invalidate_lock);
}
