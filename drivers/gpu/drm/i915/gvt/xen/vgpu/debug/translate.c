// SPDX-License-Identifier: GPL-2.0
/*
 * Translates one graphics address as the GPU does now: on each level the guest entry and the shadow
 * entry, and at the end the guest's page and its BFN, or why there is none.
 *
 * Invariants: a translation only reads the shadow, and changes nothing. What the guest has written
 * since the last sync does not show.
 *
 * Locking: the shadow's lock, taken here; the caller guarantees that the PPGTTs exist.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "debug/dump.h"
#include "debug/translate.h"
#include "ggtt/ggtt.h"
#include "ggtt/share.h"
#include "ppgtt/ppgtt.h"
#include "ppgtt/spt.h"

/* Returns the next word, and moves *@rest behind it; or NULL if there is none. */
static char *next_word(char **rest)
{
	char *word;

	do {
		word = strsep(rest, " \t\n");
	} while (word && !*word);
	return word;
}

/* Parses "PDP0[,PDP1,PDP2,PDP3]". Returns 0, -EINVAL, or the error of kstrtou64(). */
static int parse_pdps(char *text, u64 *pdp)
{
	unsigned int i;
	char *word;
	int rc;

	for (i = 0; (word = strsep(&text, ",")); i++) {
		if (i == XENGT_PPGTT_PDPS)
			return -EINVAL;
		rc = kstrtou64(word, 0, &pdp[i]);
		if (rc)
			return rc;
	}
	return 0;
}

/* Parses the root of a PPGTT, or "ggtt", which leaves the root without levels. */
static int parse_root(char *levels, char **rest, struct xengt_ppgtt_root *root)
{
	char *pdps;

	if (!strcmp(levels, "ggtt"))
		return 0;
	pdps = next_word(rest);
	if (!pdps || kstrtouint(levels, 0, &root->levels) || !root->levels)
		return -EINVAL;
	return parse_pdps(pdps, root->pdp);
}

/**
 * xengt_query_parse - parse a query
 * @text: "ggtt ADDRESS" or "LEVELS PDP0[,PDP1,PDP2,PDP3] ADDRESS"; it is changed
 * @query: receives the query
 *
 * Return: 0 or -EINVAL.
 */
int xengt_query_parse(char *text, struct xengt_query *query)
{
	char *word = next_word(&text);

	*query = (struct xengt_query){};
	if (!word || parse_root(word, &text, &query->root))
		return -EINVAL;
	word = next_word(&text);
	if (!word || kstrtou64(word, 0, &query->address) || next_word(&text))
		return -EINVAL;
	return 0;
}

/* Adds a step, and returns its dump entry, which the caller fills. */
static struct xengt_dump *add_step(struct xengt_translation *t, const char *spt,
				   unsigned long index)
{
	t->step[t->n].spt = spt;
	t->step[t->n].index = index;
	return &t->step[t->n++].dump;
}

/* Sets the result from the last dump entry, which is in this format. */
static void finish(const struct xengt_pte_format *format, const struct xengt_dump *last,
		   struct xengt_translation *t)
{
	t->scratch = last->scratch;
	t->gfn = xengt_pte_frame(format, last->guest);
	t->bfn = xengt_pte_frame(format, last->shadow);
}

static int translate_ggtt(const struct xengt_ggtt *ggtt, u64 address, struct xengt_translation *t)
{
	unsigned long entry = address >> XENGT_PAGE_SHIFT;
	unsigned long index = xengt_share_index(&ggtt->share, entry);
	struct xengt_dump *dump;

	if (index == XENGT_NOT_IN_SHARE)
		return entry < ggtt->sh->format->gtt_entries ? -ERANGE : -EINVAL;
	dump = add_step(t, "ggtt", entry);
	xengt_dump_leaf(&ggtt->leaf, index, dump);
	if (test_bit(index, ggtt->directory))
		dump->scratch = "entry of a page directory";
	finish(ggtt->leaf.format, dump, t);
	return 0;
}

static const char *level_name(unsigned int level)
{
	static const char * const names[XENGT_MAX_LEVELS + 1] = {
		NULL, "level 1", "level 2", "level 3", "level 4",
	};

	return names[level];
}

/* Translates in a PPGTT with a shadow, from an address of its root (an index) down. */
static void translate_from(const struct xengt_ppgtts *ppgtts, const struct xengt_ppgtt *ppgtt,
			   unsigned int root, u64 address, struct xengt_translation *t)
{
	struct xengt_dump *dump = add_step(t, "root", root);
	const struct xengt_level *format = NULL;
	const struct xengt_spt *spt;
	unsigned int i;

	xengt_dump_root(ppgtts, ppgtt, root, dump);
	while (dump->child) {
		spt = dump->child;
		format = xengt_spt_format(spt);
		i = address >> format->shift & (format->entries - 1);
		dump = add_step(t, level_name(spt->level), i);
		xengt_dump_spt(spt, i, dump);
	}
	t->scratch = dump->scratch;
	if (!t->scratch)
		finish(format->pte, dump, t);
}

static int translate_ppgtt(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
			   struct xengt_translation *t)
{
	struct xengt_ppgtt *ppgtt = xengt_ppgtts_find(ppgtts, &query->root);
	const struct xengt_level *format;
	u64 root;

	if (IS_ERR(ppgtt))
		return PTR_ERR(ppgtt);
	/* One top-level table translates so many addresses; the rest of the address selects it. */
	format = &ppgtts->sh->format->level[xengt_ppgtt_root_level(&query->root)];
	root = query->address >> format->shift >> ilog2(format->entries);
	if (root >= xengt_ppgtt_root_tables(&query->root))
		return -EINVAL;
	if (!ppgtt)
		return -ENOENT;
	if (ppgtt->shadow)
		translate_from(ppgtts, ppgtt, root, query->address, t);
	else
		t->scratch = "reclaimed";
	return 0;
}

/**
 * xengt_translate - translate a graphics address
 * @ppgtts: all PPGTTs of the virtual GPU
 * @query: what to translate
 * @t: receives the translation
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: 0, also if the address ends in scratch; -EINVAL: the generation has no such PPGTTs, or
 * there is no such address in them or in the GGTT; -ENOENT: the PPGTT is not announced; -ERANGE:
 * the GGTT entry is not in the share.
 */
int xengt_translate(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
		    struct xengt_translation *t)
{
	int rc;

	*t = (struct xengt_translation){};
	mutex_lock(&ppgtts->sh->lock);
	if (query->root.levels)
		rc = translate_ppgtt(ppgtts, query, t);
	else
		rc = translate_ggtt(ppgtts->ggtt, query->address, t);
	mutex_unlock(&ppgtts->sh->lock);
	return rc;
}

/**
 * xengt_translation_show - print a translation: a line for each step, and one for the result
 * @m: the file
 * @t: the translation
 *
 * Context: any.
 */
void xengt_translation_show(struct seq_file *m, const struct xengt_translation *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		seq_printf(m, "%s %lu: ", t->step[i].spt, t->step[i].index);
		xengt_dump_show(m, &t->step[i].dump);
		seq_putc(m, '\n');
	}
	if (t->scratch)
		seq_printf(m, "scratch: %s\n", t->scratch);
	else
		seq_printf(m, "gfn %#llx bfn %#llx\n", t->gfn, t->bfn);
}
