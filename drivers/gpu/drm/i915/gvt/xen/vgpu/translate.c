// SPDX-License-Identifier: GPL-2.0
/*
 * The translation of one graphics address, as the GPU does it now: level by level the guest entry
 * and the shadow entry, and where they end. What the guest wrote since the last sync does not show.
 *
 * Locking: the mm's lock, taken here; the caller sees to it that the PPGTTs stay.
 */

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "ggtt.h"
#include "ppgtt.h"
#include "tables.h"
#include "translate.h"

/* The next word; NULL if there is none. */
static char *next_word(char **rest)
{
	char *word;

	do {
		word = strsep(rest, " \t\n");
	} while (word && !*word);
	return word;
}

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

/* "ggtt ADDRESS" or "LEVELS PDP0[,PDP1,PDP2,PDP3] ADDRESS", which is taken apart. 0 or -EINVAL. */
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

static struct xengt_view *add_step(struct xengt_translation *t, const char *table,
				   unsigned long index)
{
	t->step[t->n].table = table;
	t->step[t->n].index = index;
	return &t->step[t->n++].view;
}

static void finish(const struct xengt_pte_format *format, const struct xengt_view *last,
		   struct xengt_translation *t)
{
	t->scratch = last->scratch;
	t->gfn = xengt_pte_frame(format, last->guest);
	t->bfn = xengt_pte_frame(format, last->shadow);
}

static int translate_ggtt(const struct xengt_ggtt *ggtt, u64 address, struct xengt_translation *t)
{
	unsigned long entry = address >> XENGT_PAGE_SHIFT;
	unsigned long slot = xengt_ggtt_slot(ggtt, entry);
	struct xengt_view *view;

	if (slot == XENGT_NO_SLOT)
		return entry < ggtt->mm->format->gtt_entries ? -ERANGE : -EINVAL;
	view = add_step(t, "ggtt", entry);
	xengt_view_run(&ggtt->run, slot, view);
	if (test_bit(slot, ggtt->directory))
		view->scratch = "entry of a page directory";
	finish(ggtt->run.format, view, t);
	return 0;
}

static const char *level_name(unsigned int level)
{
	static const char * const names[XENGT_MAX_LEVELS + 1] = {
		NULL, "level 1", "level 2", "level 3", "level 4",
	};

	return names[level];
}

/* From an entry of the root down. */
static void translate_from(const struct xengt_ppgtts *ppgtts, const struct xengt_space *space,
			   unsigned int root, u64 address, struct xengt_translation *t)
{
	struct xengt_view *view = add_step(t, "root", root);
	const struct xengt_level *format = NULL;
	const struct xengt_table *table;
	unsigned int i;

	xengt_view_root(ppgtts, space, root, view);
	while (view->child) {
		table = view->child;
		format = xengt_table_format(table);
		i = address >> format->shift & (format->entries - 1);
		view = add_step(t, level_name(table->level), i);
		xengt_view_table(table, i, view);
	}
	t->scratch = view->scratch;
	if (!t->scratch)
		finish(format->pte, view, t);
}

static int translate_ppgtt(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
			   struct xengt_translation *t)
{
	struct xengt_space *space = xengt_ppgtts_find(ppgtts, &query->root);
	const struct xengt_level *format;
	u64 root;

	if (IS_ERR(space))
		return PTR_ERR(space);
	/* What one of the root's tables translates, and thus all of them */
	format = &ppgtts->mm->format->level[xengt_root_level(&query->root)];
	root = query->address >> format->shift >> ilog2(format->entries);
	if (root >= xengt_root_tables(&query->root))
		return -EINVAL;
	if (!space)
		return -ENOENT;
	if (space->shadow)
		translate_from(ppgtts, space, root, query->address, t);
	else
		t->scratch = "reclaimed";
	return 0;
}

/*
 * 0; -EINVAL the generation has no such PPGTTs, or they or the GGTT no such address; -ENOENT the
 * PPGTT is not announced; -ERANGE the entry of the GGTT is not in the share.
 */
int xengt_translate(struct xengt_ppgtts *ppgtts, const struct xengt_query *query,
		    struct xengt_translation *t)
{
	int rc;

	*t = (struct xengt_translation){};
	mutex_lock(&ppgtts->mm->lock);
	if (query->root.levels)
		rc = translate_ppgtt(ppgtts, query, t);
	else
		rc = translate_ggtt(ppgtts->ggtt, query->address, t);
	mutex_unlock(&ppgtts->mm->lock);
	return rc;
}

/* A line for each entry on the way, and one for the end. */
void xengt_translation_show(struct seq_file *m, const struct xengt_translation *t)
{
	unsigned int i;

	for (i = 0; i < t->n; i++) {
		seq_printf(m, "%s %lu: ", t->step[i].table, t->step[i].index);
		xengt_view_show(m, &t->step[i].view);
		seq_putc(m, '\n');
	}
	if (t->scratch)
		seq_printf(m, "scratch: %s\n", t->scratch);
	else
		seq_printf(m, "gfn %#llx bfn %#llx\n", t->gfn, t->bfn);
}
