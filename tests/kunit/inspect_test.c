// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the files in debugfs that show tables (vgpu/debug/inspect.c) and translate addresses
 * (vgpu/debug/translate.c), as a user reads and writes them.
 *
 * What is expected is text, line by line: guest entries are those that the case wrote, shadow
 * entries are read from dom0's memory, along the path on which the GPU finds them.
 */

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "modules.h"
#include "ppgtt_fixture.h"
#include "file_user.h"

#define TABLES		"xengt/tables/vm5"
#define TRANSLATE	"xengt/translate/vm5"
#define TEXT_SIZE	(128 * 1024)

/* The chain, as in ppgtt_test.c: a table on each level */
#define L4		600ull
#define L3		601ull
#define L2		602ull
#define L1		603ull
#define WIDE_L1		605ull
#define OTHER_L4	620ull
#define OTHER_L3	621ull
#define I4		1ull
#define I3		2ull
#define I2		3ull
#define SHARED_I2	4ull
#define WIDE_I2		5ull
#define LARGE_I2	6ull
#define LOST_I2		7ull
#define ADDR(i2, i1)	(I4 << 39 | I3 << 30 | (u64)(i2) << 21 | (u64)(i1) << 12)

#define LARGE		BIT_ULL(7)
#define WIDE		BIT_ULL(11)
#define CACHED		BIT_ULL(4)
#define RESERVED	BIT_ULL(46)
#define BIG_GFN		1024ull
#define BIG_PDE		(PTE(BIG_GFN) | LARGE)
#define GONE		9u		/* of the page of 2M: not there */

struct inspector {
	struct kunit *test;
	struct ppgtt_guest *guest;
	struct file_user *user;
	char *text;		/* that was read */
	char *expected;
	size_t len;		/* of the latter */
};

static int inspect_init(struct kunit *test)
{
	start_modules(test, mode_of(test));
	return 0;
}

static void inspect_exit(struct kunit *test)
{
	stop_modules(test);
}

static char *new_text(struct kunit *test)
{
	char *text = kunit_kzalloc(test, TEXT_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	return text;
}

static struct inspector *start(struct kunit *test, const struct ppgtt_guest_config *config)
{
	struct inspector *in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, in);
	in->test = test;
	in->text = new_text(test);
	in->expected = new_text(test);
	in->guest = ppgtt_guest_start(test, config);
	in->user = file_user_start(test);
	return in;
}

static struct inspector *start_gen8(struct kunit *test)
{
	const struct ppgtt_guest_config config = {};

	return start(test, &config);
}

static void stop(struct inspector *in)
{
	file_user_stop(in->user);
	ppgtt_guest_stop(in->guest);
}

static struct file *open_file(struct inspector *in, const char *path, int flags)
{
	struct file *file = debugfs_open(path, flags);

	KUNIT_ASSERT_FALSE(in->test, IS_ERR(file));
	return file;
}

/* Expected text */

static __printf(2, 3) void add(struct inspector *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	in->len += vscnprintf(in->expected + in->len, TEXT_SIZE - in->len, format, args);
	va_end(args);
}

/* What dom0's memory has: an entry of a table that the GPU can find. */
static u64 shadow_at(struct inspector *in, u64 table, unsigned int i)
{
	const void *entries = ppgtt_dom0_table(table);

	KUNIT_ASSERT_NOT_NULL_MSG(in->test, entries, "no table at BFN %#llx", table);
	return ppgtt_load(in->guest->format, entries, i);
}

/* An entry in the listing, without what follows; gives the frame that the shadow names. */
static u64 add_entry(struct inspector *in, unsigned int depth, u64 table, unsigned int i, u64 guest)
{
	u64 shadow = shadow_at(in, table, i);

	add(in, "%*s%u: 0x%016llx 0x%016llx", 2 * depth, "", i, guest, shadow);
	return PTE_FRAME(shadow);
}

/* One that leads to a table which is made from a page. */
static u64 add_table(struct inspector *in, unsigned int depth, u64 table, unsigned int i,
		     u64 guest, const char *rest)
{
	u64 child = add_entry(in, depth, table, i, guest);

	add(in, " -> level %u gfn %#llx bfn %#llx refs %s\n", 5 - depth, PTE_FRAME(guest), child,
	    rest);
	return child;
}

/* A line of the root's. */
static void add_pdp(struct inspector *in, const struct ppgtt *ppgtt, unsigned int i,
		    const char *rest)
{
	u64 gfn = ppgtt->roots.guest[i], bfn = ppgtt->roots.shadow[i];

	add(in, "  root %u: 0x%016llx 0x%016llx -> level %u gfn %#llx bfn %#llx refs %s\n", i,
	    gfn << 12, bfn << 12, ppgtt->roots.format->top, gfn, bfn, rest);
}

/* The first lines of a PPGTT of 4 levels. */
static void add_root(struct inspector *in, const struct ppgtt *ppgtt, const char *state,
		     const char *rest)
{
	add(in, "ppgtt 4 %#llx announced %u %s\n", ppgtt->root.pdp[0], ppgtt->announced, state);
	add_pdp(in, ppgtt, 0, rest);
}

static void expect_text(struct inspector *in)
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

static void expect_tables(struct inspector *in)
{
	struct file *file = open_file(in, TABLES, O_RDONLY);

	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	debugfs_close(file);
	expect_text(in);
}

/* Guests' tables */

static void put(struct inspector *in, u64 table, unsigned int i, u64 pte)
{
	ppgtt_guest_put(in->guest, table, i, pte);
}

static void put_chain(struct inspector *in)
{
	put(in, L4, I4, PTE(L3));
	put(in, L3, I3, PTE(L2));
	put(in, L2, I2, PTE(L1));
	put(in, L1, 0, PTE(100));
	put(in, L1, 511, PTE(101) | CACHED);
}

/* All kinds of entries, announced and pinned. */
static void put_zoo(struct inspector *in, struct ppgtt *ppgtt)
{
	*ppgtt = ppgtt_4(in->guest, L4);
	put_chain(in);
	put(in, L1, 8, PTE(NO_GFN));
	put(in, L1, 9, PTE(102) | RESERVED);
	put(in, L3, I3 + 1, PTE(0) | LARGE);
	put(in, L3, I3 + 2, PTE(L2) | RESERVED);
	put(in, L2, SHARED_I2, PTE(L1));
	put(in, L2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	put(in, WIDE_L1, 16, PTE(160));
	put(in, L2, LARGE_I2, BIG_PDE);
	put(in, L2, LOST_I2, PTE(NO_GFN));
	ppgtt_start(ppgtt);
	/* So that the page of 2M is 512 entries in the shadow for sure. */
	fake_guest_balloon_out(DOM, 0, BIG_GFN + GONE);
	ppgtt_guest_settle(in->guest);
}

static void add_pages(struct inspector *in, u64 table, unsigned int first, u64 gfn,
		      unsigned int n, u64 flags)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		add_entry(in, 5, table, first + i, PTE(gfn + i) | flags);
		add(in, gfn + i == BIG_GFN + GONE ? " scratch: missing\n" : "\n");
	}
}

static void add_l1(struct inspector *in, u64 table)
{
	add_pages(in, table, 0, 100, 1, 0);
	add_entry(in, 5, table, 8, PTE(NO_GFN));
	add(in, " scratch: missing\n");
	add_entry(in, 5, table, 9, PTE(102) | RESERVED);
	add(in, " scratch: reserved bits\n");
	add_pages(in, table, 511, 101, 1, CACHED);
}

static void add_l2(struct inspector *in, u64 l2)
{
	bool real = shadow_at(in, l2, WIDE_I2) & WIDE;
	u64 table;

	add_l1(in, add_table(in, 4, l2, I2, PTE(L1), "2 protected"));
	add_table(in, 4, l2, SHARED_I2, PTE(L1), "2 protected shown above");
	table = add_entry(in, 4, l2, WIDE_I2, PTE(WIDE_L1) | WIDE);
	add(in, " -> level 1 gfn %#llx bfn %#llx refs 1 64k%s protected\n", WIDE_L1, table,
	    real ? " large" : "");
	add_pages(in, table, 16, 160, 16, 0);
	table = add_entry(in, 4, l2, LARGE_I2, BIG_PDE);
	add(in, " -> level 1 split bfn %#llx refs 1\n", table);
	add_pages(in, table, 0, BIG_GFN, 512, 0);
	add_entry(in, 4, l2, LOST_I2, PTE(NO_GFN));
	add(in, " scratch: missing\n");
}

static void add_zoo(struct inspector *in, const struct ppgtt *ppgtt)
{
	u64 l3;

	add_root(in, ppgtt, "pinned", "1 protected");
	l3 = add_table(in, 2, ppgtt->roots.shadow[0], I4, PTE(L3), "1 protected");
	add_l2(in, add_table(in, 3, l3, I3, PTE(L2), "1 protected"));
	add_entry(in, 3, l3, I3 + 1, PTE(0) | LARGE);
	add(in, " scratch: page of 1 GiB\n");
	add_entry(in, 3, l3, I3 + 2, PTE(L2) | RESERVED);
	add(in, " scratch: reserved bits\n");
}

/* tables */

static void all_entries_are_shown(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;

	put_zoo(in, &ppgtt);
	add_zoo(in, &ppgtt);
	expect_tables(in);
	ppgtt_end(&ppgtt);
	expect_tables(in);
	stop(in);
}

static void table_in_a_loop_is_shown_on_every_level(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	u64 table;

	put(in, L4, 1, PTE(L4));
	put(in, L4, 2, PTE(L3));
	ppgtt_start(&ppgtt);
	add_root(in, &ppgtt, "pinned", "1 protected");
	table = add_table(in, 2, ppgtt.roots.shadow[0], 1, PTE(L4), "1 protected");
	table = add_table(in, 3, table, 1, PTE(L4), "1 protected");
	table = add_table(in, 4, table, 1, PTE(L4), "1 protected");
	add_entry(in, 5, table, 1, PTE(L4));
	add(in, "\n");
	add_entry(in, 5, table, 2, PTE(L3));
	add(in, "\n");
	table = PTE_FRAME(shadow_at(in, ppgtt.roots.shadow[0], 1));
	add_table(in, 4, PTE_FRAME(shadow_at(in, table, 1)), 2, PTE(L3), "1 protected");
	add_table(in, 3, table, 2, PTE(L3), "1 protected");
	add_table(in, 2, ppgtt.roots.shadow[0], 2, PTE(L3), "1 protected");
	expect_tables(in);
	ppgtt_end(&ppgtt);
	stop(in);
}

static void roots_and_their_states_are_shown(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "3" };
	const u64 pdps[4] = { 610, 611, 610, 2047 };
	struct inspector *in = start(test, &config);
	struct ppgtt three = ppgtt_3(in->guest, pdps), four = ppgtt_4(in->guest, L4);

	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_unpin(&three);
	add(in, "ppgtt 3 0x262000,0x263000,0x262000,0x7ff000 announced 2 unpinned\n");
	add_pdp(in, &three, 0, "2 protected");
	add_pdp(in, &three, 1, "1 protected");
	add_pdp(in, &three, 2, "2 protected shown above");
	add_pdp(in, &three, 3, "1 protected");
	expect_tables(in);
	/* There is no room for both. */
	ppgtt_start(&four);
	add(in, "ppgtt 3 0x262000,0x263000,0x262000,0x7ff000 announced 2 reclaimed\n");
	add_root(in, &four, "pinned", "1 protected");
	expect_tables(in);
	ppgtt_end(&three);
	ppgtt_end(&four);
	stop(in);
}

static void directory_in_the_ggtt_is_shown(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };
	struct inspector *in = start(test, &config);
	struct ppgtt ppgtt = ppgtt_ggtt(in->guest, DIRECTORY(1));
	u64 first = (u64)DIRECTORY(1) << 12, pde, pte;

	put(in, L1, 1023, ppgtt_encode(&ppgtt_gen7, HIGH_GFN, 0) | 6);
	ppgtt_guest_put_ggtt(in->guest, 0, DIRECTORY(1) + 3, ppgtt_encode(&ppgtt_gen7, L1, 0));
	ppgtt_start(&ppgtt);
	pde = gpu_entry(DIRECTORY(1) + 3);
	pte = shadow_at(in, ppgtt_decode(&ppgtt_gen7, 2, pde).frame, 1023);
	add(in, "ppgtt 2 %#llx announced 1 pinned\n", first);
	add(in, "  root 0: 0x%016llx 0x%016llx -> level 2 ggtt entry %#lx refs 1\n", first, first,
	    DIRECTORY(1));
	add(in, "    3: 0x%08llx 0x%08llx -> level 1 gfn %#llx bfn %#llx refs 1 protected\n",
	    ppgtt_encode(&ppgtt_gen7, L1, 0), pde, L1, ppgtt_decode(&ppgtt_gen7, 2, pde).frame);
	add(in, "      1023: 0x%08llx 0x%08llx\n",
	    ppgtt_encode(&ppgtt_gen7, HIGH_GFN, 0) | 6, pte);
	expect_tables(in);
	ppgtt_end(&ppgtt);
	stop(in);
}

static struct xengt_vgpu *start_at_entry_0(struct kunit *test)
{
	static const struct {
		const char *path;
		const char *value;
	} attrs[] = {
		{ "xengt/vm5/domid", "5" },
		{ "xengt/vm5/generation", "7" },
		{ "xengt/vm5/bar0", "0xf0000000" },
		{ "xengt/vm5/mappable_size", "0x400000" },
		{ "xengt/vm5/tables", "2" },
		{ "xengt/vm5/enable", "1" },
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, configfs_mkdir("xengt/vm5"), 0);
	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		KUNIT_ASSERT_EQ(test, configfs_write(attrs[i].path, attrs[i].value), 0);
	return xengt_vgpu_get("vm5");
}

/* The root of gen7 is an offset in the GGTT: 0 is the first entry, where there is a directory. */
static void directory_at_offset_0_is_not_absent(struct kunit *test)
{
	const struct xengt_ppgtt_root other = { .levels = 2, .pdp = { 512ull << 12 } };
	const struct xengt_ppgtt_root first = { .levels = 2 };
	struct xengt_vgpu *vgpu = start_at_entry_0(test);
	const char *wanted = "root 0: 0x0000000000000000 0x0000000000000000 scratch: missing\n";
	struct xengt_ppgtt_shadow *pinned[2];
	u64 shadow[XENGT_PPGTT_PDPS];
	char *text = new_text(test);

	/* There is room for two tables, which the other one has. */
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, BAR0 + 0x200000 + 512 * 4,
					      ppgtt_encode(&ppgtt_gen7, L1, 0), 4), 0);
	KUNIT_ASSERT_EQ(test, xengt_ppgtt_create(vgpu, &other), 0);
	pinned[0] = xengt_ppgtt_pin(vgpu, &other, shadow);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pinned[0]));
	KUNIT_ASSERT_EQ(test, xengt_ppgtt_create(vgpu, &first), 0);
	pinned[1] = xengt_ppgtt_pin(vgpu, &first, shadow);
	KUNIT_ASSERT_FALSE(test, IS_ERR(pinned[1]));
	KUNIT_EXPECT_TRUE(test, debugfs_read(TABLES, text, TEXT_SIZE));
	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, wanted), "%s", text);
	xengt_ppgtt_unpin(pinned[1]);
	xengt_ppgtt_unpin(pinned[0]);
	xengt_vgpu_put(vgpu);
	KUNIT_EXPECT_EQ(test, configfs_rmdir("xengt/vm5"), 0);
}

static void written_entries_are_shown_after_the_sync(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	unsigned int round;
	u64 table;

	put_chain(in);
	ppgtt_start(&ppgtt);
	put(in, L1, 0, PTE(200));
	for (round = 0; round < 2; round++) {
		add_root(in, &ppgtt, "pinned", "1 protected");
		table = add_table(in, 2, ppgtt.roots.shadow[0], I4, PTE(L3), "1 protected");
		table = add_table(in, 3, table, I3, PTE(L2), "1 protected");
		table = add_table(in, 4, table, I2, PTE(L1),
				  round ? "1 protected" : "1 protected written");
		add_pages(in, table, 0, round ? 200 : 100, 1, 0);
		add_pages(in, table, 511, 101, 1, CACHED);
		expect_tables(in);
		ppgtt_guest_sync(in->guest);
	}
	ppgtt_end(&ppgtt);
	stop(in);
}

static void pieces_of_any_size_make_the_same_text(struct kunit *test)
{
	static const size_t pieces[] = { 7, 100, 4095, 4096, 4097, USER_MEMORY };
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;
	struct file *file;
	unsigned int i;

	put_zoo(in, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		add_zoo(in, &ppgtt);
		KUNIT_EXPECT_GT(test, in->len, 4 * PAGE_SIZE);
		file = open_file(in, TABLES, O_RDONLY);
		user_read_all(in->user, file, in->text, TEXT_SIZE, pieces[i]);
		expect_text(in);
		/* Once more, from the beginning and from the middle. */
		add_zoo(in, &ppgtt);
		KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_SET), 0ll);
		user_read_all(in->user, file, in->text, TEXT_SIZE, pieces[i]);
		KUNIT_EXPECT_EQ(test, vfs_llseek(file, 9000, SEEK_SET), 9000ll);
		user_read_all(in->user, file, in->text + 9000, TEXT_SIZE - 9000, pieces[i]);
		expect_text(in);
		debugfs_close(file);
	}
	ppgtt_end(&ppgtt);
	stop(in);
}

/* Reads as much as is expected, and not a byte more, so that the rest is still to be found. */
static void read_expected(struct inspector *in, struct file *file)
{
	ssize_t n = user_read(in->user, file, in->text, in->len);

	KUNIT_ASSERT_EQ(in->test, n, (ssize_t)in->len);
	in->text[n] = '\0';
	expect_text(in);
}

static void tables_come_and_go_while_they_are_read(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4), other = ppgtt_4(in->guest, OTHER_L4);
	struct file *file;
	u64 root, table;

	put_chain(in);
	put(in, L4, I4 + 4, PTE(OTHER_L3));
	ppgtt_start(&ppgtt);
	root = ppgtt.roots.shadow[0];
	file = open_file(in, TABLES, O_RDONLY);
	add_root(in, &ppgtt, "pinned", "1 protected");
	table = add_table(in, 2, root, I4, PTE(L3), "1 protected");
	add_table(in, 3, table, I3, PTE(L2), "1 protected");
	read_expected(in, file);
	/* We are in L2, which goes; where it was, and behind it, there are new ones. */
	put(in, L4, I4, PTE(630));
	put(in, 630, I3, PTE(632));
	put(in, 632, I2, PTE(L1));
	put(in, L4, I4 + 6, PTE(631));
	put(in, 631, 0, PTE(L2));
	ppgtt_start(&other);
	add_table(in, 2, root, I4 + 4, PTE(OTHER_L3), "1 protected");
	add_table(in, 2, root, I4 + 6, PTE(631), "1 protected new");
	user_read_all(in->user, file, in->text, TEXT_SIZE, 10);
	expect_text(in);
	debugfs_close(file);
	/* Who begins now sees all. */
	add_root(in, &ppgtt, "pinned", "1 protected");
	table = add_table(in, 2, root, I4, PTE(630), "1 protected");
	table = add_table(in, 3, table, I3, PTE(632), "1 protected");
	table = add_table(in, 4, table, I2, PTE(L1), "2 protected");
	add_pages(in, table, 0, 100, 1, 0);
	add_pages(in, table, 511, 101, 1, CACHED);
	add_table(in, 2, root, I4 + 4, PTE(OTHER_L3), "1 protected");
	table = add_table(in, 2, root, I4 + 6, PTE(631), "1 protected");
	table = add_table(in, 3, table, 0, PTE(L2), "1 protected");
	add_table(in, 4, table, I2, PTE(L1), "2 protected shown above");
	add_root(in, &other, "pinned", "1 protected");
	expect_tables(in);
	ppgtt_end(&ppgtt);
	ppgtt_end(&other);
	stop(in);
}

static void ppgtt_goes_while_it_is_read(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4), other = ppgtt_4(in->guest, OTHER_L4);
	struct file *file = open_file(in, TABLES, O_RDONLY);

	put_chain(in);
	ppgtt_start(&ppgtt);
	ppgtt_start(&other);
	add_root(in, &ppgtt, "pinned", "1 protected");
	add_table(in, 2, ppgtt.roots.shadow[0], I4, PTE(L3), "1 protected");
	read_expected(in, file);
	ppgtt_end(&ppgtt);
	ppgtt_start(&ppgtt);
	add_root(in, &other, "pinned", "1 protected");
	user_read_all(in->user, file, in->text, TEXT_SIZE, 10);
	expect_text(in);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	ppgtt_end(&other);
	stop(in);
}

/* translate */

static ssize_t ask(struct inspector *in, struct file *file, const char *question)
{
	ssize_t n = user_write(in->user, file, question);

	return n == strlen(question) ? 0 : n;
}

static void expect_answer(struct inspector *in, struct file *file)
{
	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	expect_text(in);
}

/* The way to an address: what the guest has on each level, down to the one where it ends. */
static u64 add_way(struct inspector *in, const struct ppgtt *ppgtt, u64 addr, const u64 *guest,
		   unsigned int n)
{
	u64 table = ppgtt->roots.shadow[0], shadow = 0;
	unsigned int level, index;

	add(in, "root 0: 0x%016llx 0x%016llx\n", ppgtt->root.pdp[0], table << 12);
	for (level = 4; level > 4 - n; level--) {
		index = addr >> (12 + 9 * (level - 1)) & 511;
		shadow = shadow_at(in, table, index);
		add(in, "level %u %u: 0x%016llx 0x%016llx\n", level, index, guest[4 - level],
		    shadow);
		table = PTE_FRAME(shadow);
	}
	return table;
}

static void expect_way(struct inspector *in, const struct ppgtt *ppgtt, u64 addr,
		       const u64 *guest, unsigned int n, const char *scratch)
{
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	char question[64];
	u64 bfn;

	snprintf(question, sizeof(question), "4 %#llx %#llx\n", ppgtt->root.pdp[0], addr | 0xabc);
	KUNIT_EXPECT_EQ_MSG(in->test, ask(in, file, question), (ssize_t)0, "%s", question);
	bfn = add_way(in, ppgtt, addr, guest, n);
	if (scratch)
		add(in, "scratch: %s\n", scratch);
	else
		add(in, "gfn %#llx bfn %#llx\n", PTE_FRAME(guest[n - 1]), bfn);
	expect_answer(in, file);
	debugfs_close(file);
}

static void addresses_are_translated(struct kunit *test)
{
	static const struct {
		u64 addr;
		u64 guest[4];
		unsigned int n;
		const char *scratch;
	} ways[] = {
		{ ADDR(I2, 0), { PTE(L3), PTE(L2), PTE(L1), PTE(100) }, 4, NULL },
		{ ADDR(SHARED_I2, 511), { PTE(L3), PTE(L2), PTE(L1), PTE(101) | CACHED }, 4, NULL },
		{ ADDR(WIDE_I2, 21), { PTE(L3), PTE(L2), PTE(WIDE_L1) | WIDE, PTE(165) }, 4, NULL },
		{ ADDR(LARGE_I2, 300), { PTE(L3), PTE(L2), BIG_PDE, PTE(BIG_GFN + 300) }, 4,
		  NULL },
		{ ADDR(LARGE_I2, GONE), { PTE(L3), PTE(L2), BIG_PDE, PTE(BIG_GFN + GONE) }, 4,
		  "missing" },
		{ ADDR(I2, 1), { PTE(L3), PTE(L2), PTE(L1), 0 }, 4, "not present" },
		{ ADDR(I2, 8), { PTE(L3), PTE(L2), PTE(L1), PTE(NO_GFN) }, 4, "missing" },
		{ ADDR(I2, 9), { PTE(L3), PTE(L2), PTE(L1), PTE(102) | RESERVED }, 4,
		  "reserved bits" },
		{ ADDR(LOST_I2, 0), { PTE(L3), PTE(L2), PTE(NO_GFN) }, 3, "missing" },
		{ ADDR(0, 0), { PTE(L3), PTE(L2), 0 }, 3, "not present" },
		{ I4 << 39 | (I3 + 1) << 30, { PTE(L3), PTE(0) | LARGE }, 2, "page of 1 GiB" },
		{ I4 << 39 | (I3 + 2) << 30, { PTE(L3), PTE(L2) | RESERVED }, 2,
		  "reserved bits" },
		{ 0, { 0 }, 1, "not present" },
		{ BIT_ULL(48) - PAGE_SIZE, { 0 }, 1, "not present" },
	};
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;
	unsigned int i;

	put_zoo(in, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		expect_way(in, &ppgtt, ways[i].addr, ways[i].guest, ways[i].n, ways[i].scratch);
	ppgtt_end(&ppgtt);
	stop(in);
}

/* What the frame of a page is for the GPU, by Xen's books. */
static void translation_is_where_the_page_is(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	u64 bfn = 0;
	char *tail;

	put_zoo(in, &ppgtt);
	KUNIT_EXPECT_EQ(test, ask(in, file, "4 0x258000 0x8080600000"), (ssize_t)0);
	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	tail = strstr(in->text, "gfn 0x64 bfn ");
	KUNIT_ASSERT_NOT_NULL(test, tail);
	KUNIT_EXPECT_EQ(test, kstrtou64(tail + strlen("gfn 0x64 bfn "), 0, &bfn), 0);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(bfn), fake_gfn_mfn(DOM, 100));
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	stop(in);
}

static void ggtt_addresses_are_translated(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	u64 shadow;

	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST, PTE(100));
	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST + 1, PTE(NO_GFN));
	shadow = gpu_entry(PLAIN_FIRST);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0x700fff\n"), (ssize_t)0);
	add(in, "ggtt 1792: 0x0000000000064003 0x%016llx\n", shadow);
	add(in, "gfn 0x64 bfn %#llx\n", PTE_FRAME(shadow));
	expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0x701000"), (ssize_t)0);
	add(in, "ggtt 1793: 0x%016llx 0x%016llx\n", PTE(NO_GFN), gpu_entry(PLAIN_FIRST + 1));
	add(in, "scratch: missing\n");
	expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0xff000"), (ssize_t)-ERANGE);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0xfffff000"), (ssize_t)-ERANGE);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0x100000000"), (ssize_t)-EINVAL);
	debugfs_close(file);
	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST, 0);
	stop(in);
}

static void gen7_addresses_are_translated(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };
	struct inspector *in = start(test, &config);
	struct ppgtt ppgtt = ppgtt_ggtt(in->guest, DIRECTORY(0));
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	u64 pde = ppgtt_encode(&ppgtt_gen7, L1, 0), pte = ppgtt_encode(&ppgtt_gen7, 100, 0);
	u64 spde, spte;

	put(in, L1, 5, pte);
	ppgtt_guest_put_ggtt(in->guest, 0, DIRECTORY(0) + 511, pde);
	ppgtt_start(&ppgtt);
	spde = gpu_entry(DIRECTORY(0) + 511);
	spte = shadow_at(in, ppgtt_decode(&ppgtt_gen7, 2, spde).frame, 5);
	KUNIT_EXPECT_EQ(test, ask(in, file, "2 0x100000 0x7fc05000"), (ssize_t)0);
	add(in, "root 0: 0x0000000000100000 0x0000000000100000\n");
	add(in, "level 2 511: 0x%08llx 0x%08llx\n", pde, spde);
	add(in, "level 1 5: 0x%08llx 0x%08llx\n", pte, spte);
	add(in, "gfn 0x64 bfn %#llx\n", ppgtt_decode(&ppgtt_gen7, 1, spte).frame);
	expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, ask(in, file, "ggtt 0x2ff000"), (ssize_t)0);
	add(in, "ggtt 767: 0x%08llx 0x%08llx\n", pde, spde);
	add(in, "scratch: entry of a page directory\n");
	expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, ask(in, file, "2 0x100000 0x80000000"), (ssize_t)-EINVAL);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	stop(in);
}

static void three_levels_are_translated(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "2" };
	const u64 pdps[4] = { 610, 610, 611, 611 };
	struct inspector *in = start(test, &config);
	struct ppgtt three = ppgtt_3(in->guest, pdps), four = ppgtt_4(in->guest, L4);
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	const char *question = "3 0x262000,0x262000,0x263000,0x263000 0xc0200000";

	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_unpin(&three);
	KUNIT_EXPECT_EQ(test, ask(in, file, question), (ssize_t)0);
	add(in, "root 3: 0x0000000000263000 0x%016llx\n", three.roots.shadow[3] << 12);
	add(in, "level 2 1: 0x0000000000000000 0x%016llx\nscratch: not present\n",
	    shadow_at(in, three.roots.shadow[3], 1));
	expect_answer(in, file);
	ppgtt_start(&four);
	KUNIT_EXPECT_EQ(test, ask(in, file, question), (ssize_t)0);
	add(in, "scratch: reclaimed\n");
	expect_answer(in, file);
	debugfs_close(file);
	ppgtt_end(&three);
	ppgtt_end(&four);
	stop(in);
}

static void bad_questions_are_refused(struct kunit *test)
{
	static const struct {
		const char *question;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ " ", -EINVAL },
		{ "ggtt", -EINVAL },
		{ "ggtt x", -EINVAL },
		{ "ggtt 0x700000 0", -EINVAL },
		{ "ggtt 0x10000000000000000", -EINVAL },
		{ "4", -EINVAL },
		{ "4 0x258000", -EINVAL },
		{ "4 0x258000 ", -EINVAL },
		{ "4 0x258000 0 0", -EINVAL },
		{ "4 0x258000, 0", -EINVAL },
		{ "4 0x258000,0,0,0,0 0", -EINVAL },
		{ "0 0x258000 0", -EINVAL },
		{ "-4 0x258000 0", -EINVAL },
		{ "2 0x258000 0", -EINVAL },
		{ "5 0x258000 0", -EINVAL },
		{ "4294967300 0x258000 0", -EINVAL },
		{ "4 0x258000 0x1000000000000", -EINVAL },
		{ "3 0x258000 0x100000000", -EINVAL },
		{ "4 0x259000 0", -ENOENT },
		{ "3 0x258000 0", -ENOENT },
	};
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	struct file *file = open_file(in, TRANSLATE, O_RDWR);
	unsigned int i;

	ppgtt_start(&ppgtt);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, user_write(in->user, file, bad[i].question),
				    (ssize_t)bad[i].error, "'%s'", bad[i].question);
	memset(in->text, ' ', 4096);
	in->text[4096] = '\0';
	KUNIT_EXPECT_EQ(test, ask(in, file, in->text), (ssize_t)-EINVAL);
	/* Nothing is left of an earlier answer. */
	KUNIT_EXPECT_EQ(test, ask(in, file, "4 0x258000 0"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, ask(in, file, "4 0x259000 0"), (ssize_t)-ENOENT);
	expect_answer(in, file);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	stop(in);
}

static void open_files_do_not_disturb_each_other(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct file *one = open_file(in, TRANSLATE, O_RDWR);
	struct file *two = open_file(in, TRANSLATE, O_RDWR);
	u64 scratch = gpu_entry(PLAIN_FIRST);

	KUNIT_EXPECT_EQ(test, ask(in, one, "ggtt 0x700000"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, ask(in, two, "ggtt 0x701000"), (ssize_t)0);
	add(in, "ggtt 1792: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	expect_answer(in, one);
	add(in, "ggtt 1793: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	expect_answer(in, two);
	/* In the middle of an answer another question is asked. */
	KUNIT_EXPECT_EQ(test, ask(in, one, "ggtt 0x702000"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, user_read(in->user, one, in->text, 8), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, ask(in, one, "ggtt 0x703000"), (ssize_t)0);
	add(in, "ggtt 1795: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	expect_answer(in, one);
	debugfs_close(one);
	debugfs_close(two);
	stop(in);
}

/* Off, on again, gone */

static void nothing_is_shown_of_one_that_does_not_run(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;
	struct file *tables = open_file(in, TABLES, O_RDONLY);
	struct file *translate = open_file(in, TRANSLATE, O_RDWR);

	put_zoo(in, &ppgtt);
	add_root(in, &ppgtt, "pinned", "1 protected");
	read_expected(in, tables);
	ppgtt_unpin(&ppgtt);
	gpu_set_drained(DOM, NULL);
	KUNIT_EXPECT_EQ(test, configfs_write("xengt/vm5/enable", "0"), 0);
	expect_answer(in, tables);
	expect_tables(in);
	KUNIT_EXPECT_EQ(test, ask(in, translate, "ggtt 0x700000"), (ssize_t)-ENODEV);
	/* Another life is none of what was being read. */
	KUNIT_EXPECT_EQ(test, configfs_write("xengt/vm5/enable", "1"), 0);
	gpu_set_drained(DOM, in->guest->vgpu->domain);
	ppgtt.announced = 0;
	ppgtt_start(&ppgtt);
	expect_answer(in, tables);
	debugfs_close(tables);
	debugfs_close(translate);
	ppgtt_end(&ppgtt);
	stop(in);
}

static void files_go_with_the_virtual_gpu(struct kunit *test)
{
	struct inspector *in = start_gen8(test);
	struct ppgtt ppgtt;
	struct file *tables = open_file(in, TABLES, O_RDONLY);
	struct file *translate = open_file(in, TRANSLATE, O_RDWR);

	put_zoo(in, &ppgtt);
	add_root(in, &ppgtt, "pinned", "1 protected");
	read_expected(in, tables);
	ppgtt_unpin(&ppgtt);
	ppgtt_guest_stop(in->guest);
	KUNIT_EXPECT_EQ(test, user_read(in->user, tables, in->text, 100), (ssize_t)-EIO);
	KUNIT_EXPECT_EQ(test, ask(in, translate, "ggtt 0x700000"), (ssize_t)-EIO);
	debugfs_close(tables);
	debugfs_close(translate);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(debugfs_open(TABLES, O_RDONLY)), -ENOENT);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(debugfs_open(TRANSLATE, O_RDWR)), -ENOENT);
	file_user_stop(in->user);
}

static struct kunit_case inspect_cases[] = {
	KUNIT_CASE_PARAM(all_entries_are_shown, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(table_in_a_loop_is_shown_on_every_level, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(roots_and_their_states_are_shown, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_in_the_ggtt_is_shown, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(directory_at_offset_0_is_not_absent, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(written_entries_are_shown_after_the_sync, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pieces_of_any_size_make_the_same_text, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(tables_come_and_go_while_they_are_read, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ppgtt_goes_while_it_is_read, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(translation_is_where_the_page_is, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ggtt_addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(three_levels_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(bad_questions_are_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(open_files_do_not_disturb_each_other, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(nothing_is_shown_of_one_that_does_not_run, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(files_go_with_the_virtual_gpu, both_dom0s_gen_params),
	{}
};

static struct kunit_suite inspect_suite = {
	.name = "xengt_inspect",
	.init = inspect_init,
	.exit = inspect_exit,
	.test_cases = inspect_cases,
};

kunit_test_suite(inspect_suite);
