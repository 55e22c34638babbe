// SPDX-License-Identifier: GPL-2.0
/*
 * A plain model of PPGTTs: compares a shadow with the guest's tables, over all addresses; see
 * ppgtt_model.h.
 *
 * Locking: none. ARCH=um does not preempt, and nothing here sleeps.
 */

#define pr_fmt(fmt) "ppgtt model: " fmt

#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ppgtt_model.h"

#define LINES		6	/* of failures, for each compare */

const char * const ppgtt_met_names[PPGTT_NR_MET] = {
	[PPGTT_MET_4K] = "pages of 4K",
	[PPGTT_MET_64K] = "pages of 64K",
	[PPGTT_MET_2M_SPLIT] = "pages of 2M, in small entries",
	[PPGTT_MET_2M_REAL] = "pages of 2M, in one entry",
	[PPGTT_MET_WIDE_REAL] = "shadow tables of pages of 64K",
	[PPGTT_MET_NO_PAGE] = "GFNs without a page",
	[PPGTT_MET_NO_TABLE] = "tables without a page",
	[PPGTT_MET_BAD] = "bad entries",
	[PPGTT_MET_HUGE] = "pages of 1G",
	[PPGTT_MET_LOOP] = "tables in a loop",
	[PPGTT_MET_SHARED] = "shared tables",
	[PPGTT_MET_TABLE_AS_DATA] = "tables that are data",
	[PPGTT_MET_TOLERATED] = "scratch for a while",
};

/* Keys in "compared" */
#define PAIR(level, gwide, swide)						\
	((u64)(level) << 56 | (u64)(gwide) << 55 | (u64)(swide) << 54)
#define VIEW(level, wide)		(BIT_ULL(60) | (u64)(level) << 56 | (u64)(wide) << 55)
#define SHADOW_TABLE			BIT_ULL(61)
#define LEADS(level, wide, scratch)						\
	(BIT_ULL(62) | (u64)(level) << 56 | (u64)(wide) << 55 | (u64)(scratch) << 54)

/* Failures */

static u64 address_of_path(const struct ppgtt_model *m, unsigned int level)
{
	const struct ppgtt_format *format = m->format;
	u64 addr = (u64)m->root << ppgtt_root_shift(format);

	for (; level <= format->top; level++)
		addr |= (u64)m->path[level].index << format->shift[level];
	return addr;
}

static void fail(struct ppgtt_model *m, unsigned int level, const char *what)
{
	unsigned int i;

	if (m->failures++ >= LINES || m->quiet)
		return;
	pr_err("%s: address %#llx, level %u, entry %u of GFN %#llx: guest %#llx, shadow %#llx: %s\n",
	       m->format->name, address_of_path(m, level), level, m->path[level].index,
	       m->path[level].table, m->path[level].guest, m->path[level].shadow, what);
	for (i = level + 1; i <= m->format->top; i++)
		pr_err("  above: level %u, entry %u of GFN %#llx: guest %#llx, shadow %#llx\n", i,
		       m->path[i].index, m->path[i].table, m->path[i].guest, m->path[i].shadow);
}

/* Compare */

static void note_scratch(struct ppgtt_model *m, unsigned int level, u64 mfn)
{
	unsigned int i;

	for (i = 0; i < m->nr_scratch; i++) {
		if (m->scratch[i] == mfn)
			return;
	}
	if (m->nr_scratch == ARRAY_SIZE(m->scratch))
		fail(m, level, "is one of too many different scratch pages");
	else
		m->scratch[m->nr_scratch++] = mfn;
}

/* Returns the frame that the shadow must reach, or FAKE_NO_MFN. */
static unsigned long wanted_mfn(struct ppgtt_model *m, const struct ppgtt_entry *guest)
{
	unsigned long mfn;

	if (guest->kind != PPGTT_PAGE)
		return FAKE_NO_MFN;
	mfn = fake_gfn_mfn(m->domid, guest->frame);
	if (mfn == FAKE_NO_MFN)
		m->met[PPGTT_MET_NO_PAGE]++;
	else if (guest->frame < PPGTT_MODEL_GFNS)
		__set_bit(guest->frame, m->wanted);
	return mfn;
}

/* Compares where the shadow has scratch. */
static void compare_scratch(struct ppgtt_model *m, unsigned int level, bool wanted, u64 mfn)
{
	note_scratch(m, level, mfn);
	if (!wanted)
		return;
	if (!m->tolerant) {
		fail(m, level, "is scratch where the guest has a page");
		return;
	}
	m->tolerated++;
	m->met[PPGTT_MET_TOLERATED]++;
}

/* Compares one page of 4 KiB. The entries may be parts of larger ones. */
static void compare_page(struct ppgtt_model *m, unsigned int level,
			 const struct ppgtt_entry *guest, const struct ppgtt_entry *shadow)
{
	unsigned long wanted = wanted_mfn(m, guest), mfn;

	if (shadow->kind != PPGTT_PAGE) {
		fail(m, level, shadow->kind == PPGTT_NONE ? "is not present" : "is bad");
		return;
	}
	mfn = fake_dma_mfn(shadow->frame);
	if (mfn == FAKE_NO_MFN)
		fail(m, level, "reaches nothing");
	else if (ppgtt_is_dom0(mfn))
		compare_scratch(m, level, wanted != FAKE_NO_MFN, mfn);
	else if (wanted == FAKE_NO_MFN)
		fail(m, level, "reaches a guest's page where the guest has none");
	else if (mfn != wanted || !fake_mfn_refs(mfn))
		fail(m, level, "reaches another page, or one without a reference");
	else if (guest->flags != shadow->flags)
		fail(m, level, "has other flags");
	else if (ppgtt_set_has(&m->compared, VIEW(0, false), guest->frame))
		m->met[PPGTT_MET_TABLE_AS_DATA]++;
}

/* Compares where the shadow has a large page. */
static void compare_large(struct ppgtt_model *m, const struct ppgtt_entry *guest,
			  const struct ppgtt_entry *shadow)
{
	struct ppgtt_entry g = *guest, s = *shadow;
	unsigned int i;

	if (guest->kind != PPGTT_PAGE) {
		fail(m, 2, "is a large page where the guest has none");
		return;
	}
	for (i = 0; i < PPGTT_LARGE_PAGES; i++) {
		g.frame = guest->frame + i;
		s.frame = shadow->frame + i;
		compare_page(m, 2, &g, &s);
	}
	m->met[PPGTT_MET_2M_REAL]++;
}

static bool leads_to_scratch(struct ppgtt_model *m, unsigned int level, u64 bfn, bool wide);

/* Does an entry of a shadow table, which the GPU uses, lead to scratch only? */
static bool is_scratch(struct ppgtt_model *m, unsigned int level, const void *table,
		       unsigned int index, bool wide)
{
	struct ppgtt_entry s;
	unsigned int i;
	u64 first;

	s = ppgtt_decode(m->format, level, ppgtt_load(m->format, table, index));
	if (s.kind == PPGTT_TABLE)
		return leads_to_scratch(m, level - 1, s.frame, s.wide);
	for (i = 0; s.kind == PPGTT_PAGE && i < (wide ? PPGTT_WIDE_PAGES : s.pages); i++) {
		first = round_down(s.frame, wide ? PPGTT_WIDE_PAGES : 1);
		if (!ppgtt_is_dom0(fake_dma_mfn(first + i)))
			return false;
	}
	return s.kind == PPGTT_PAGE;
}

/*
 * Do all entries lead to scratch? In a table of 64 KiB pages each 16th entry counts. An entry that
 * is the same as the one before needs no check.
 */
static bool is_all_scratch(struct ppgtt_model *m, unsigned int level, const void *table, bool wide)
{
	unsigned int i, step = wide ? PPGTT_WIDE_PAGES : 1;
	u64 raw, last = 0;

	for (i = 0; i < m->format->entries[level]; i += step) {
		raw = ppgtt_load(m->format, table, i);
		if (i && raw == last)
			continue;
		if (!is_scratch(m, level, table, i, wide))
			return false;
		last = raw;
	}
	return true;
}

/* Does a table lead to scratch only, so that the flags above it do not matter? */
static bool leads_to_scratch(struct ppgtt_model *m, unsigned int level, u64 bfn, bool wide)
{
	const void *table = ppgtt_dom0_table(bfn);
	bool scratch;

	if (ppgtt_set_has(&m->compared, LEADS(level, wide, true), bfn))
		return true;
	if (!table || ppgtt_set_has(&m->compared, LEADS(level, wide, false), bfn))
		return false;
	scratch = is_all_scratch(m, level, table, wide);
	ppgtt_set_add(&m->compared, LEADS(level, wide, scratch), bfn);
	return scratch;
}

/* Compares where the guest has a large page and the shadow has a table. */
static void compare_split(struct ppgtt_model *m, const struct ppgtt_entry *guest,
			  const struct ppgtt_entry *shadow)
{
	const void *table = ppgtt_dom0_table(shadow->frame);
	struct ppgtt_entry g = *guest, s;
	unsigned int i;

	if (!table) {
		fail(m, 2, "leads to a table that is not dom0's");
		return;
	}
	ppgtt_set_add(&m->compared, SHADOW_TABLE, page_to_pfn(virt_to_page(table)));
	if (guest->flags & m->format->rw && !(shadow->flags & m->format->rw) &&
	    !leads_to_scratch(m, 1, shadow->frame, false))
		fail(m, 2, "cannot be written through, the guest's can");
	m->path[1].table = PPGTT_NO_FRAME;
	m->path[1].guest = guest->raw;
	for (i = 0; i < PPGTT_LARGE_PAGES; i++) {
		s = ppgtt_leaf(m->format, table, i, shadow->wide);
		m->path[1].index = i;
		m->path[1].shadow = s.raw;
		g.frame = guest->frame + i;
		compare_page(m, 1, &g, &s);
	}
	m->views++;
	m->met[PPGTT_MET_2M_SPLIT]++;
}

/* Copies a table of the guest's. A table without a page is empty. */
static void copy_guest_table(struct ppgtt_model *m, unsigned int level, u64 gfn)
{
	m->path[level].table = gfn;
	if (gfn != PPGTT_NO_FRAME && fake_gfn_mfn(m->domid, gfn) != FAKE_NO_MFN) {
		fake_guest_read(m->domid, gfn << PAGE_SHIFT, m->copy[level], PAGE_SIZE);
		return;
	}
	memset(m->copy[level], 0, PAGE_SIZE);
	m->met[PPGTT_MET_NO_TABLE] += gfn != PPGTT_NO_FRAME;
}

static void note_view(struct ppgtt_model *m, unsigned int level, u64 gfn, bool wide)
{
	unsigned int above;

	if (gfn == PPGTT_NO_FRAME)
		return;
	if (ppgtt_set_add(&m->compared, VIEW(level, wide), gfn))
		m->views++;
	else
		m->met[PPGTT_MET_SHARED]++;
	ppgtt_set_add(&m->compared, VIEW(0, false), gfn);
	for (above = level + 1; above <= m->format->top; above++)
		m->met[PPGTT_MET_LOOP] += m->path[above].table == gfn;
}

/* Decodes an entry of the guest's, and counts invalid ones. */
static struct ppgtt_entry decode_guest(struct ppgtt_model *m, unsigned int level, u64 raw)
{
	struct ppgtt_entry entry = ppgtt_decode(m->format, level, raw);

	m->met[PPGTT_MET_BAD] += entry.kind == PPGTT_BAD;
	m->met[PPGTT_MET_HUGE] += entry.kind == PPGTT_HUGE;
	return entry;
}

static void compare_leaf(struct ppgtt_model *m, unsigned int i, bool gwide,
			 const struct ppgtt_entry *g, const struct ppgtt_entry *s)
{
	m->path[1].index = i;
	m->path[1].guest = g->raw;
	m->path[1].shadow = s->raw;
	compare_page(m, 1, g, s);
	m->met[PPGTT_MET_BAD] += g->kind == PPGTT_BAD;
	if (g->kind == PPGTT_PAGE)
		m->met[gwide ? PPGTT_MET_64K : PPGTT_MET_4K]++;
}

/*
 * Where the guest's entry is not present, as most are, a shadow entry that was right before in this
 * table is right again.
 */
static void compare_pages(struct ppgtt_model *m, bool gwide, const void *table, bool swide)
{
	const struct ppgtt_format *format = m->format;
	unsigned int i, failures;
	struct ppgtt_entry g, s;
	u64 right = 0;

	for (i = 0; i < format->entries[1]; i++) {
		g = ppgtt_leaf(format, m->copy[1], i, gwide);
		if (g.kind == PPGTT_NONE && !swide && ppgtt_load(format, table, i) == right)
			continue;
		s = ppgtt_leaf(format, table, i, swide);
		failures = m->failures;
		compare_leaf(m, i, gwide, &g, &s);
		if (g.kind == PPGTT_NONE && m->failures == failures)
			right = s.raw;
	}
	m->met[PPGTT_MET_WIDE_REAL] += swide;
}

static void compare_tables(struct ppgtt_model *m, unsigned int level,
			   const struct ppgtt_entry *guest, const struct ppgtt_entry *shadow);

/* Compares two entries of directories. */
static void compare_entries(struct ppgtt_model *m, unsigned int level, u64 guest, u64 shadow)
{
	const struct ppgtt_entry nothing = { .kind = PPGTT_NONE, .frame = PPGTT_NO_FRAME };
	struct ppgtt_entry g = decode_guest(m, level, guest);
	struct ppgtt_entry s = ppgtt_decode(m->format, level, shadow);

	m->path[level].guest = guest;
	m->path[level].shadow = shadow;
	if (s.kind == PPGTT_PAGE) {
		compare_large(m, &g, &s);
	} else if (s.kind != PPGTT_TABLE) {
		fail(m, level, s.kind == PPGTT_NONE ? "is not present" : "is bad");
	} else if (g.kind == PPGTT_PAGE) {
		compare_split(m, &g, &s);
	} else if (g.kind == PPGTT_TABLE) {
		compare_tables(m, level - 1, &g, &s);
		if ((g.flags ^ s.flags) & m->format->rw &&
		    !leads_to_scratch(m, level - 1, s.frame, s.wide))
			fail(m, level, "has another RW bit");
	} else {
		compare_tables(m, level - 1, &nothing, &s);
	}
}

/* Compares two directories, as compare_pages() does for tables of pages. */
static void compare_directories(struct ppgtt_model *m, unsigned int level, const void *table)
{
	const struct ppgtt_format *format = m->format;
	u64 guest, shadow, right = 0;
	unsigned int i, failures;

	for (i = 0; i < format->entries[level]; i++) {
		guest = ppgtt_load(format, m->copy[level], i);
		shadow = ppgtt_load(format, table, i);
		if (!(guest & format->present) && shadow == right)
			continue;
		m->path[level].index = i;
		failures = m->failures;
		compare_entries(m, level, guest, shadow);
		if (!(guest & format->present) && m->failures == failures)
			right = shadow;
	}
}

/* Compares two tables of a level, and what they lead to. */
static void compare_tables(struct ppgtt_model *m, unsigned int level,
			   const struct ppgtt_entry *guest, const struct ppgtt_entry *shadow)
{
	const void *table = ppgtt_dom0_table(shadow->frame);

	if (!table) {
		fail(m, level + 1, "leads to a table that is not dom0's");
		return;
	}
	note_view(m, level, guest->frame, guest->wide);
	if (!ppgtt_set_add(&m->compared, PAIR(level, guest->wide, shadow->wide) | shadow->frame,
			   guest->frame))
		return;
	ppgtt_set_add(&m->compared, SHADOW_TABLE, page_to_pfn(virt_to_page(table)));
	copy_guest_table(m, level, guest->frame);
	if (level == 1)
		compare_pages(m, guest->wide, table, shadow->wide);
	else
		compare_directories(m, level, table);
}

static void compare_directory_in_ggtt(struct ppgtt_model *m, const struct ppgtt_roots *roots)
{
	const struct ppgtt_format *format = roots->format;
	unsigned int i;

	m->path[format->top].table = PPGTT_NO_FRAME;
	for (i = 0; i < format->entries[format->top]; i++) {
		m->path[format->top].index = i;
		compare_entries(m, format->top, m->ggtt_guest(m->data, roots->guest[0] + i),
				m->ggtt_shadow(m->data, roots->shadow[0] + i));
	}
}

static void check_scratch_is_no_table(struct ppgtt_model *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_scratch; i++) {
		if (!ppgtt_set_has(&m->compared, SHADOW_TABLE, m->scratch[i]))
			continue;
		m->failures++;
		if (!m->quiet)
			pr_err("%s: page %#llx is scratch and a shadow table\n", m->format->name,
			       m->scratch[i]);
	}
}

struct ppgtt_model *ppgtt_model_new(struct kunit *test, domid_t domid)
{
	struct ppgtt_model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int level;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->test = test;
	m->domid = domid;
	for (level = 1; level <= PPGTT_MAX_LEVEL; level++) {
		m->copy[level] = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, m->copy[level]);
	}
	ppgtt_model_begin(m);
	return m;
}

/* Begins compares that belong together: nothing changes between them. */
void ppgtt_model_begin(struct ppgtt_model *m)
{
	m->failures = 0;
	m->tolerated = 0;
	m->views = 0;
	m->nr_scratch = 0;
	bitmap_zero(m->wanted, PPGTT_MODEL_GFNS);
	ppgtt_set_clear(&m->compared);
}

/**
 * ppgtt_compare - compare a PPGTT with its shadow, over all addresses
 * @m: the model
 * @roots: where they are
 *
 * Failures are in the log, each with its address, level and entries.
 *
 * Return: how many there are since ppgtt_model_begin().
 */
unsigned int ppgtt_compare(struct ppgtt_model *m, const struct ppgtt_roots *roots)
{
	struct ppgtt_entry g = { .kind = PPGTT_TABLE }, s = { .kind = PPGTT_TABLE };
	unsigned int i;

	/* lockdep_off(): thousands of look-ups in the fake take the same lock. */
	lockdep_off();
	m->format = roots->format;
	memset(m->path, 0xff, sizeof(m->path));
	if (roots->format->root_in_ggtt) {
		m->root = 0;
		compare_directory_in_ggtt(m, roots);
	}
	for (i = 0; !roots->format->root_in_ggtt && i < roots->format->roots; i++) {
		m->root = i;
		g.frame = roots->guest[i];
		s.frame = roots->shadow[i];
		compare_tables(m, roots->format->top, &g, &s);
	}
	check_scratch_is_no_table(m);
	lockdep_on();
	return m->failures;
}

/* Compares entries of the GGTT that are pages. */
unsigned int ppgtt_compare_ggtt(struct ppgtt_model *m, const struct ppgtt_format *format,
				unsigned long first, unsigned int n)
{
	struct ppgtt_entry g, s;
	unsigned int i;

	m->format = format;
	m->root = 0;
	memset(m->path, 0, sizeof(m->path));
	for (i = 0; i < n; i++) {
		g = ppgtt_decode(format, 1, m->ggtt_guest(m->data, first + i));
		s = ppgtt_decode(format, 1, m->ggtt_shadow(m->data, first + i));
		m->path[1].index = first + i;
		m->path[1].guest = g.raw;
		m->path[1].shadow = s.raw;
		compare_page(m, 1, &g, &s);
	}
	return m->failures;
}

/* Counts the different pages that had to be reached since ppgtt_model_begin(). */
unsigned int ppgtt_wanted(const struct ppgtt_model *m)
{
	return bitmap_weight(m->wanted, PPGTT_MODEL_GFNS);
}
