/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translates one graphics address; see translate.c.
 */

#ifndef _XENGT_TRANSLATE_H
#define _XENGT_TRANSLATE_H

#include <linux/types.h>
#include <xen/xengt.h>

#include "abi/pte.h"
#include "debug/dump.h"

struct seq_file;
struct xengt_ppgtts;

/* Size of the text of a query, in bytes, with the terminating 0 */
#define XENGT_QUERY_LEN		128

/**
 * struct xengt_query - what to translate
 * @root: the root of the PPGTT; the GGTT if it has no levels
 * @address: the graphics address, in bytes
 */
struct xengt_query {
	struct xengt_ppgtt_root root;
	u64 address;
};

/**
 * struct xengt_translation - the translation of a graphics address
 * @n: number of steps
 * @step: the entries that the GPU reads, from the root down
 * @step.spt: name of the table
 * @step.index: index of the entry in the table; for the GGTT the number of the GGTT entry
 * @step.dump: the entry
 * @scratch: why the address is scratch; NULL if it translates to a page
 * @gfn: GFN of the guest's page
 * @bfn: its BFN, which the GPU uses
 */
struct xengt_translation {
	unsigned int n;
	struct {
		const char *spt;
		unsigned long index;
		struct xengt_dump dump;
	} step[XENGT_MAX_LEVELS + 1];
	const char *scratch;
	u64 gfn;
	u64 bfn;
};

int xengt_query_parse(char *text, struct xengt_query *query);
int xengt_translate(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
		    struct xengt_translation *t);
void xengt_translation_show(struct seq_file *m, const struct xengt_translation *t);

#endif /* _XENGT_TRANSLATE_H */
