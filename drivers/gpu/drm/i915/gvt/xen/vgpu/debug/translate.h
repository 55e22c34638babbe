/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Translations of graphics addresses in debugfs; see translate.c.
 */

#ifndef _XENGT_TRANSLATE_H
#define _XENGT_TRANSLATE_H

#include <linux/types.h>
#include <xen/xengt.h>

#include "walk.h"

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

int xengt_query_parse(char *text, struct xengt_query *query);
int xengt_query_answer(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
		       struct xengt_walk *walk);
void xengt_answer_show(struct seq_file *m, const struct xengt_walk *walk);

#endif /* _XENGT_TRANSLATE_H */
