/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The translation of one graphics address; see translate.c.
 */

#ifndef _XENGT_TRANSLATE_H
#define _XENGT_TRANSLATE_H

#include <linux/types.h>
#include <xen/xengt.h>

#include "pte.h"
#include "view.h"

struct seq_file;
struct xengt_ppgtts;

/* The longest question */
#define XENGT_QUERY_LEN		128

/**
 * struct xengt_query - what is asked
 * @root: the PPGTT; no levels: the GGTT
 * @address: the graphics address, in bytes
 */
struct xengt_query {
	struct xengt_ppgtt_root root;
	u64 address;
};

/**
 * struct xengt_translation - the answer
 * @n: how many entries there are on the way
 * @step: these: the name of the table, the index in it, and the entry
 * @scratch: why the address leads nowhere, NULL if it leads to a page
 * @gfn: the guest's page
 * @bfn: where the GPU finds it
 */
struct xengt_translation {
	unsigned int n;
	struct {
		const char *table;
		unsigned long index;
		struct xengt_view view;
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
