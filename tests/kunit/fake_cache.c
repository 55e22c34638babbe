// SPDX-License-Identifier: GPL-2.0
/*
 * A CPU's caches that a GPU does not snoop: what the GPU reads of a page is what the page had when
 * its lines were flushed last. Of a page that never was, it reads entries with reserved bits.
 *
 * The caches hold what was written for ever, as no test can rely on less.
 *
 * Locking: none. ARCH=um has one CPU and does not preempt.
 */

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "fake_xen.h"

#define LINE	64ul

static DEFINE_XARRAY(memory);	/* what the GPU reads of a page, by its address */
static bool incoherent;

/* From now on the GPU does not snoop, or does again. */
void fake_cache_start(bool on)
{
	void *copy;
	unsigned long pfn;

	xa_for_each(&memory, pfn, copy)
		kfree(copy);
	xa_destroy(&memory);
	incoherent = on;
}

static void *memory_of(unsigned long pfn)
{
	void *copy = xa_load(&memory, pfn);

	if (copy)
		return copy;
	copy = kmalloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOFAIL);
	memset(copy, 0xff, PAGE_SIZE);
	WARN_ON(xa_err(xa_store(&memory, pfn, copy, GFP_KERNEL | __GFP_NOFAIL)));
	return copy;
}

/* Returns what the GPU reads of a page. */
const void *fake_cache_read(const void *page)
{
	return incoherent ? memory_of(page_to_pfn(virt_to_page(page))) : page;
}

/* Writes the lines back that have some of the bytes. */
void clflush_cache_range(void *addr, unsigned int size)
{
	unsigned long at = ALIGN_DOWN((unsigned long)addr, LINE);
	void *copy;

	for (; incoherent && at < (unsigned long)addr + size; at += LINE) {
		copy = memory_of(page_to_pfn(virt_to_page(at)));
		memcpy(copy + offset_in_page(at), (void *)at, LINE);
	}
}
