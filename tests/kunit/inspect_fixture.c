// SPDX-License-Identifier: GPL-2.0
/*
 * Expected text of the files in debugfs that show tables; see inspect_fixture.h.
 */

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "file_user.h"
#include "inspect_fixture.h"
#include "modules.h"

char *inspect_new_text(struct kunit *test)
{
	char *text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	return text;
}

struct inspector *inspect_start(struct kunit *test, const struct ppgtt_guest_config *config)
{
	struct inspector *in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, in);
	in->test = test;
	in->text = inspect_new_text(test);
	in->expected = inspect_new_text(test);
	in->guest = ppgtt_guest_start(test, config);
	in->user = file_user_start(test);
	return in;
}

struct inspector *inspect_start_gen8(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};

	return inspect_start(test, &config);
}

void inspect_stop(struct inspector *in)
{
	file_user_stop(in->user);
	ppgtt_guest_stop(in->guest);
}

struct file *inspect_open_file(struct inspector *in, const char *path, int flags)
{
	struct file *file = debugfs_open(path, flags);

	KUNIT_ASSERT_FALSE(in->test, IS_ERR(file));
	return file;
}

__printf(2, 3) void inspect_add(struct inspector *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	in->len += vscnprintf(in->expected + in->len, TEXT_SIZE - in->len, format, args);
	va_end(args);
}

/* Reads an entry of a shadow table, from dom0's memory. */
u64 inspect_shadow_at(struct inspector *in, u64 table, unsigned int i)
{
	const void *entries = ppgtt_dom0_table(table);

	KUNIT_ASSERT_NOT_NULL_MSG(in->test, entries, "no table at BFN %#llx", table);
	return ppgtt_load(in->guest->format, entries, i);
}

/* Adds an entry of the listing, up to the shadow entry. Returns the frame in that. */
u64 inspect_add_entry(struct inspector *in, unsigned int depth, u64 table, unsigned int i,
		      u64 guest)
{
	u64 shadow = inspect_shadow_at(in, table, i);

	inspect_add(in, "%*s%u: 0x%016llx 0x%016llx", 2 * depth, "", i, guest, shadow);
	return PTE_FRAME(shadow);
}

/* Adds an entry that leads to a table. Returns the shadow table's BFN. */
u64 inspect_add_table(struct inspector *in, unsigned int depth, u64 table, unsigned int i,
		      u64 guest, const char *rest)
{
	u64 child = inspect_add_entry(in, depth, table, i, guest);

	inspect_add(in, " -> level %u gfn %#llx bfn %#llx refs %s\n", 5 - depth, PTE_FRAME(guest),
		    child, rest);
	return child;
}

/* Adds the line of a root. */
void inspect_add_pdp(struct inspector *in, const struct ppgtt *ppgtt, unsigned int i,
		     const char *rest)
{
	u64 gfn = ppgtt->roots.guest[i], bfn = ppgtt->roots.shadow[i];

	inspect_add(in, "  root %u: 0x%016llx 0x%016llx -> level %u gfn %#llx bfn %#llx refs %s\n",
		    i, gfn << 12, bfn << 12, ppgtt->roots.format->top, gfn, bfn, rest);
}

/* Adds the first lines of a PPGTT of 4 levels. */
void inspect_add_root(struct inspector *in, const struct ppgtt *ppgtt, const char *state,
		      const char *rest)
{
	inspect_add(in, "ppgtt 4 %#llx announced %u %s\n", ppgtt->root.pdp[0], ppgtt->announced,
		    state);
	inspect_add_pdp(in, ppgtt, 0, rest);
}

void inspect_expect_text(struct inspector *in)
{
	char *text = in->text, *expected = in->expected, *line = text, *wanted = expected;

	while (line && wanted) {
		line = strsep(&text, "\n");
		wanted = strsep(&expected, "\n");
		if (!line || !wanted || strcmp(line, wanted))
			break;
	}
	KUNIT_EXPECT_STREQ(in->test, line ?: "(the end)", wanted ?: "(the end)");
	in->len = 0;
	in->expected[0] = '\0';
}

void inspect_expect_tables(struct inspector *in)
{
	struct file *file = inspect_open_file(in, TABLES, O_RDONLY);

	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	debugfs_close(file);
	inspect_expect_text(in);
}

void inspect_put(struct inspector *in, u64 table, unsigned int i, u64 pte)
{
	ppgtt_guest_put(in->guest, table, i, pte);
}

void inspect_put_chain(struct inspector *in)
{
	inspect_put(in, L4, I4, PTE(L3));
	inspect_put(in, L3, I3, PTE(L2));
	inspect_put(in, L2, I2, PTE(L1));
	inspect_put(in, L1, 0, PTE(100));
	inspect_put(in, L1, 511, PTE(101) | CACHED);
}

/* Makes a PPGTT with all kinds of entries, announces and pins it. */
void inspect_put_zoo(struct inspector *in, struct ppgtt *ppgtt)
{
	*ppgtt = ppgtt_4(in->guest, L4);
	inspect_put_chain(in);
	inspect_put(in, L1, 8, PTE(NO_GFN));
	inspect_put(in, L1, 9, PTE(102) | RESERVED);
	inspect_put(in, L3, I3 + 1, PTE(0) | LARGE);
	inspect_put(in, L3, I3 + 2, PTE(L2) | RESERVED);
	inspect_put(in, L2, SHARED_I2, PTE(L1));
	inspect_put(in, L2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	inspect_put(in, WIDE_L1, 16, PTE(160));
	inspect_put(in, L2, LARGE_I2, BIG_PDE);
	inspect_put(in, L2, LOST_I2, PTE(NO_GFN));
	ppgtt_start(ppgtt);
	/* Makes sure that the page of 2 MiB is 512 entries in the shadow. */
	fake_guest_balloon_out(DOM, 0, BIG_GFN + GONE);
	ppgtt_guest_revalidate(in->guest);
}

void inspect_add_pages(struct inspector *in, u64 table, unsigned int first, u64 gfn,
		       unsigned int n, u64 flags)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		inspect_add_entry(in, 5, table, first + i, PTE(gfn + i) | flags);
		inspect_add(in, gfn + i == BIG_GFN + GONE ? " scratch: missing\n" : "\n");
	}
}

static void add_l1(struct inspector *in, u64 table)
{
	inspect_add_pages(in, table, 0, 100, 1, 0);
	inspect_add_entry(in, 5, table, 8, PTE(NO_GFN));
	inspect_add(in, " scratch: missing\n");
	inspect_add_entry(in, 5, table, 9, PTE(102) | RESERVED);
	inspect_add(in, " scratch: reserved bits\n");
	inspect_add_pages(in, table, 511, 101, 1, CACHED);
}

static void add_l2(struct inspector *in, u64 l2)
{
	bool real = inspect_shadow_at(in, l2, WIDE_I2) & WIDE;
	u64 table;

	add_l1(in, inspect_add_table(in, 4, l2, I2, PTE(L1), "2 protected"));
	inspect_add_table(in, 4, l2, SHARED_I2, PTE(L1), "2 protected shown above");
	table = inspect_add_entry(in, 4, l2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	inspect_add(in, " -> level 1 gfn %#llx bfn %#llx refs 1 64k%s protected\n", WIDE_L1, table,
		    real ? " large" : "");
	inspect_add_pages(in, table, 16, 160, 16, 0);
	table = inspect_add_entry(in, 4, l2, LARGE_I2, BIG_PDE);
	inspect_add(in, " -> level 1 split bfn %#llx refs 1\n", table);
	inspect_add_pages(in, table, 0, BIG_GFN, 512, 0);
	inspect_add_entry(in, 4, l2, LOST_I2, PTE(NO_GFN));
	inspect_add(in, " scratch: missing\n");
}

void inspect_add_zoo(struct inspector *in, const struct ppgtt *ppgtt)
{
	u64 l3;

	inspect_add_root(in, ppgtt, "pinned", "1 protected");
	l3 = inspect_add_table(in, 2, ppgtt->roots.shadow[0], I4, PTE(L3), "1 protected");
	add_l2(in, inspect_add_table(in, 3, l3, I3, PTE(L2), "1 protected"));
	inspect_add_entry(in, 3, l3, I3 + 1, PTE(0) | LARGE);
	inspect_add(in, " scratch: page of 1 GiB\n");
	inspect_add_entry(in, 3, l3, I3 + 2, PTE(L2) | RESERVED);
	inspect_add(in, " scratch: reserved bits\n");
}

ssize_t inspect_ask(struct inspector *in, struct file *file, const char *question)
{
	ssize_t n = user_write(in->user, file, question);

	return n == strlen(question) ? 0 : n;
}

void inspect_expect_answer(struct inspector *in, struct file *file)
{
	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	inspect_expect_text(in);
}

/* Reads exactly the expected text, so that the reader stops there. */
void inspect_read_expected(struct inspector *in, struct file *file)
{
	ssize_t n = user_read(in->user, file, in->text, in->len);

	KUNIT_ASSERT_EQ(in->test, n, (ssize_t)in->len);
	in->text[n] = '\0';
	inspect_expect_text(in);
}
