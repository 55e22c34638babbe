// SPDX-License-Identifier: GPL-2.0
/*
 * Entries of page tables as text, for debugfs.
 *
 * Locking: none.
 */

#include <linux/seq_file.h>

#include "debug/dump.h"

/**
 * xengt_dump_show - print the guest entry and the shadow entry
 * @m: the file
 * @entry: the entry
 *
 * Context: any.
 */
void xengt_dump_show(struct seq_file *m, const struct xengt_entry *entry)
{
	/* Two hexadecimal digits for each byte */
	int digits = 2 * entry->size;

	seq_printf(m, "0x%0*llx 0x%0*llx", digits, entry->guest, digits, entry->shadow);
}

/**
 * xengt_scratch_name - say why a shadow entry is scratch
 * @scratch: the reason
 *
 * Context: any.
 * Return: a few words; NULL if it is not scratch.
 */
const char *xengt_scratch_name(enum xengt_scratch scratch)
{
	static const char * const names[] = {
		[XENGT_NOT_SCRATCH] = NULL,
		[XENGT_NOT_PRESENT] = "not present",
		[XENGT_BAD_ENTRY] = "reserved bits",
		[XENGT_PAGE_1G] = "page of 1 GiB",
		[XENGT_MISSING] = "missing",
		[XENGT_REFUSED] = "refused",
		[XENGT_OF_DIRECTORY] = "entry of a page directory",
		[XENGT_RECLAIMED] = "reclaimed",
	};

	return names[scratch];
}
