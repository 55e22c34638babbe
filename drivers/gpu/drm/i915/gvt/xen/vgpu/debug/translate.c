// SPDX-License-Identifier: GPL-2.0
/*
 * Translations of graphics addresses in debugfs: queries and answers as text; walk.c translates.
 *
 * Locking: the caller guarantees that the PPGTTs exist.
 */

#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "debug/dump.h"
#include "debug/translate.h"

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

/**
 * xengt_query_answer - answer a query
 * @ppgtts: all PPGTTs of the virtual GPU
 * @query: what to translate
 * @walk: receives the translation
 *
 * Context: process context, may sleep; takes the shadow's lock.
 * Return: as xengt_walk().
 */
int xengt_query_answer(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
		       struct xengt_walk *walk)
{
	return xengt_walk(ppgtts, query->root.levels ? &query->root : NULL, query->address, walk);
}

static const char *level_name(unsigned int level)
{
	static const char * const names[XENGT_WALK_ROOT + 1] = {
		[XENGT_WALK_GGTT] = "ggtt",
		"level 1", "level 2", "level 3", "level 4",
		[XENGT_WALK_ROOT] = "root",
	};

	return names[level];
}

/**
 * xengt_answer_show - print a translation: a line for each step, and one for the result
 * @m: the file
 * @walk: the translation
 *
 * Context: any.
 */
void xengt_answer_show(struct seq_file *m, const struct xengt_walk *walk)
{
	unsigned int i;

	for (i = 0; i < walk->n; i++) {
		seq_printf(m, "%s %lu: ", level_name(walk->step[i].level), walk->step[i].index);
		xengt_dump_show(m, &walk->step[i].entry);
		seq_putc(m, '\n');
	}
	if (walk->scratch)
		seq_printf(m, "scratch: %s\n", xengt_scratch_name(walk->scratch));
	else
		seq_printf(m, "gfn %#llx bfn %#llx\n", walk->gfn, walk->bfn);
}
