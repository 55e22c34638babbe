// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the file in debugfs that shows tables (vgpu/debug/inspect.c), as a user reads it, and of
 * both files when the virtual GPU is off or gone.
 */

#include <linux/fs.h>
#include <linux/string.h>

#include "file_user.h"
#include "inspect_fixture.h"
#include "modules.h"

static void all_entries_are_shown(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;

	inspect_put_zoo(in, &ppgtt);
	inspect_add_zoo(in, &ppgtt);
	inspect_expect_tables(in);
	ppgtt_end(&ppgtt);
	inspect_expect_tables(in);
	inspect_stop(in);
}

static void table_in_a_loop_is_shown_on_every_level(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	u64 table;

	inspect_put(in, L4, 1, PTE(L4));
	inspect_put(in, L4, 2, PTE(L3));
	ppgtt_start(&ppgtt);
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	table = inspect_add_table(in, 2, ppgtt.roots.shadow[0], 1, PTE(L4), "1 protected");
	table = inspect_add_table(in, 3, table, 1, PTE(L4), "1 protected");
	table = inspect_add_table(in, 4, table, 1, PTE(L4), "1 protected");
	inspect_add_entry(in, 5, table, 1, PTE(L4));
	inspect_add(in, "\n");
	inspect_add_entry(in, 5, table, 2, PTE(L3));
	inspect_add(in, "\n");
	table = PTE_FRAME(inspect_shadow_at(in, ppgtt.roots.shadow[0], 1));
	inspect_add_table(in, 4, PTE_FRAME(inspect_shadow_at(in, table, 1)), 2, PTE(L3),
			  "1 protected");
	inspect_add_table(in, 3, table, 2, PTE(L3), "1 protected");
	inspect_add_table(in, 2, ppgtt.roots.shadow[0], 2, PTE(L3), "1 protected");
	inspect_expect_tables(in);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void roots_and_their_states_are_shown(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "3" };
	const u64 pdps[4] = { 610, 611, 610, 2047 };
	struct inspector *in = inspect_start(test, &config);
	struct ppgtt three = ppgtt_3(in->guest, pdps), four = ppgtt_4(in->guest, L4);

	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_unpin(&three);
	inspect_add(in, "ppgtt 3 0x262000,0x263000,0x262000,0x7ff000 announced 2 unpinned\n");
	inspect_add_pdp(in, &three, 0, "2 protected");
	inspect_add_pdp(in, &three, 1, "1 protected");
	inspect_add_pdp(in, &three, 2, "2 protected shown above");
	inspect_add_pdp(in, &three, 3, "1 protected");
	inspect_expect_tables(in);
	/* The quota of tables is too small for both. */
	ppgtt_start(&four);
	inspect_add(in, "ppgtt 3 0x262000,0x263000,0x262000,0x7ff000 announced 2 reclaimed\n");
	inspect_add_root(in, &four, "pinned", "1 protected");
	inspect_expect_tables(in);
	ppgtt_end(&three);
	ppgtt_end(&four);
	inspect_stop(in);
}

static void directory_in_the_ggtt_is_shown(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };
	struct inspector *in = inspect_start(test, &config);
	struct ppgtt ppgtt = ppgtt_ggtt(in->guest, DIRECTORY(1));
	u64 first = (u64)DIRECTORY(1) << 12, pde, pte;

	inspect_put(in, L1, 1023, ppgtt_encode(&ppgtt_gen7, HIGH_GFN, 0) | 6);
	ppgtt_guest_put_ggtt(in->guest, 0, DIRECTORY(1) + 3, ppgtt_encode(&ppgtt_gen7, L1, 0));
	ppgtt_start(&ppgtt);
	pde = gpu_entry(DIRECTORY(1) + 3);
	pte = inspect_shadow_at(in, ppgtt_decode(&ppgtt_gen7, 2, pde).frame, 1023);
	inspect_add(in, "ppgtt 2 %#llx announced 1 pinned\n", first);
	inspect_add(in, "  root 0: 0x%016llx 0x%016llx -> level 2 ggtt entry %#lx refs 1\n", first,
		    first, DIRECTORY(1));
	inspect_add(in, "    3: 0x%08llx 0x%08llx", ppgtt_encode(&ppgtt_gen7, L1, 0), pde);
	inspect_add(in, " -> level 1 gfn %#llx bfn %#llx refs 1 protected\n", L1,
		    ppgtt_decode(&ppgtt_gen7, 2, pde).frame);
	inspect_add(in, "      1023: 0x%08llx 0x%08llx\n",
		    ppgtt_encode(&ppgtt_gen7, HIGH_GFN, 0) | 6, pte);
	inspect_expect_tables(in);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
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

/* The root of gen7 is an offset in the GGTT, so there can be a directory at 0. */
static void directory_at_offset_0_is_not_absent(struct kunit *test)
{
	const struct xengt_ppgtt_root other = { .levels = 2, .pdp = { 512ull << 12 } };
	const struct xengt_ppgtt_root first = { .levels = 2 };
	struct xengt_vgpu *vgpu = start_at_entry_0(test);
	const char *wanted = "root 0: 0x0000000000000000 0x0000000000000000 scratch: missing\n";
	struct xengt_ppgtt_shadow *pinned[2];
	u64 shadow[XENGT_PPGTT_PDPS];
	char *text = inspect_new_text(test);

	/* The quota is two tables, and the other PPGTT has them. */
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
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	unsigned int round;
	u64 table;

	inspect_put_chain(in);
	ppgtt_start(&ppgtt);
	inspect_put(in, L1, 0, PTE(200));
	for (round = 0; round < 2; round++) {
		inspect_add_root(in, &ppgtt, "pinned", "1 protected");
		table = inspect_add_table(in, 2, ppgtt.roots.shadow[0], I4, PTE(L3), "1 protected");
		table = inspect_add_table(in, 3, table, I3, PTE(L2), "1 protected");
		table = inspect_add_table(in, 4, table, I2, PTE(L1),
					  round ? "1 protected" : "1 protected written");
		inspect_add_pages(in, table, 0, round ? 200 : 100, 1, 0);
		inspect_add_pages(in, table, 511, 101, 1, CACHED);
		inspect_expect_tables(in);
		ppgtt_guest_sync(in->guest);
	}
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void pieces_of_any_size_make_the_same_text(struct kunit *test)
{
	static const size_t pieces[] = { 7, 100, 4095, 4096, 4097, USER_MEMORY };
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;
	struct file *file;
	unsigned int i;

	inspect_put_zoo(in, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		inspect_add_zoo(in, &ppgtt);
		KUNIT_EXPECT_GT(test, in->len, 4 * PAGE_SIZE);
		file = inspect_open_file(in, TABLES, O_RDONLY);
		user_read_all(in->user, file, in->text, TEXT_SIZE, pieces[i]);
		inspect_expect_text(in);
		/* Reads again, from the beginning and from the middle. */
		inspect_add_zoo(in, &ppgtt);
		KUNIT_EXPECT_EQ(test, vfs_llseek(file, 0, SEEK_SET), 0ll);
		user_read_all(in->user, file, in->text, TEXT_SIZE, pieces[i]);
		KUNIT_EXPECT_EQ(test, vfs_llseek(file, 9000, SEEK_SET), 9000ll);
		user_read_all(in->user, file, in->text + 9000, TEXT_SIZE - 9000, pieces[i]);
		inspect_expect_text(in);
		debugfs_close(file);
	}
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void tables_come_and_go_while_they_are_read(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4), other = ppgtt_4(in->guest, OTHER_L4);
	struct file *file;
	u64 root, table;

	inspect_put_chain(in);
	inspect_put(in, L4, I4 + 4, PTE(OTHER_L3));
	ppgtt_start(&ppgtt);
	root = ppgtt.roots.shadow[0];
	file = inspect_open_file(in, TABLES, O_RDONLY);
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	table = inspect_add_table(in, 2, root, I4, PTE(L3), "1 protected");
	inspect_add_table(in, 3, table, I3, PTE(L2), "1 protected");
	inspect_read_expected(in, file);
	/* The reader is in L2, which is freed. New tables are there in its place, and behind it. */
	inspect_put(in, L4, I4, PTE(630));
	inspect_put(in, 630, I3, PTE(632));
	inspect_put(in, 632, I2, PTE(L1));
	inspect_put(in, L4, I4 + 6, PTE(631));
	inspect_put(in, 631, 0, PTE(L2));
	ppgtt_start(&other);
	inspect_add_table(in, 2, root, I4 + 4, PTE(OTHER_L3), "1 protected");
	inspect_add_table(in, 2, root, I4 + 6, PTE(631), "1 protected new");
	user_read_all(in->user, file, in->text, TEXT_SIZE, 10);
	inspect_expect_text(in);
	debugfs_close(file);
	/* A new reader sees all tables. */
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	table = inspect_add_table(in, 2, root, I4, PTE(630), "1 protected");
	table = inspect_add_table(in, 3, table, I3, PTE(632), "1 protected");
	table = inspect_add_table(in, 4, table, I2, PTE(L1), "2 protected");
	inspect_add_pages(in, table, 0, 100, 1, 0);
	inspect_add_pages(in, table, 511, 101, 1, CACHED);
	inspect_add_table(in, 2, root, I4 + 4, PTE(OTHER_L3), "1 protected");
	table = inspect_add_table(in, 2, root, I4 + 6, PTE(631), "1 protected");
	table = inspect_add_table(in, 3, table, 0, PTE(L2), "1 protected");
	inspect_add_table(in, 4, table, I2, PTE(L1), "2 protected shown above");
	inspect_add_root(in, &other, "pinned", "1 protected");
	inspect_expect_tables(in);
	ppgtt_end(&ppgtt);
	ppgtt_end(&other);
	inspect_stop(in);
}

static void ppgtt_goes_while_it_is_read(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4), other = ppgtt_4(in->guest, OTHER_L4);
	struct file *file = inspect_open_file(in, TABLES, O_RDONLY);

	inspect_put_chain(in);
	ppgtt_start(&ppgtt);
	ppgtt_start(&other);
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	inspect_add_table(in, 2, ppgtt.roots.shadow[0], I4, PTE(L3), "1 protected");
	inspect_read_expected(in, file);
	ppgtt_end(&ppgtt);
	ppgtt_start(&ppgtt);
	inspect_add_root(in, &other, "pinned", "1 protected");
	user_read_all(in->user, file, in->text, TEXT_SIZE, 10);
	inspect_expect_text(in);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	ppgtt_end(&other);
	inspect_stop(in);
}

static void nothing_is_shown_of_one_that_does_not_run(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;
	struct file *tables = inspect_open_file(in, TABLES, O_RDONLY);
	struct file *translate = inspect_open_file(in, TRANSLATE, O_RDWR);

	inspect_put_zoo(in, &ppgtt);
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	inspect_read_expected(in, tables);
	ppgtt_unpin(&ppgtt);
	gpu_set_drained(DOM, NULL);
	KUNIT_EXPECT_EQ(test, configfs_write("xengt/vm5/enable", "0"), 0);
	inspect_expect_answer(in, tables);
	inspect_expect_tables(in);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, translate, "ggtt 0x700000"), (ssize_t)-ENODEV);
	/* A reader does not continue after the virtual GPU was enabled again. */
	KUNIT_EXPECT_EQ(test, configfs_write("xengt/vm5/enable", "1"), 0);
	gpu_set_drained(DOM, in->guest->vgpu->domain);
	ppgtt_forget(&ppgtt);
	ppgtt_start(&ppgtt);
	inspect_expect_answer(in, tables);
	debugfs_close(tables);
	debugfs_close(translate);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void files_go_with_the_virtual_gpu(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;
	struct file *tables = inspect_open_file(in, TABLES, O_RDONLY);
	struct file *translate = inspect_open_file(in, TRANSLATE, O_RDWR);

	inspect_put_zoo(in, &ppgtt);
	inspect_add_root(in, &ppgtt, "pinned", "1 protected");
	inspect_read_expected(in, tables);
	ppgtt_unpin(&ppgtt);
	ppgtt_guest_stop(in->guest);
	KUNIT_EXPECT_EQ(test, user_read(in->user, tables, in->text, 100), (ssize_t)-EIO);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, translate, "ggtt 0x700000"), (ssize_t)-EIO);
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
	KUNIT_CASE_PARAM(nothing_is_shown_of_one_that_does_not_run, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(files_go_with_the_virtual_gpu, both_dom0s_gen_params),
	{}
};

static struct kunit_suite inspect_suite = {
	.name = "xengt_inspect",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = inspect_cases,
};

kunit_test_suite(inspect_suite);
