// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the file in debugfs that translates addresses (vgpu/debug/translate.c), as a user reads
 * and writes it.
 */

#include <linux/fs.h>
#include <linux/string.h>

#include "file_user.h"
#include "inspect_fixture.h"
#include "modules.h"

/* Adds the walk to an address: n levels, with the guest's entries. */
static u64 add_way(struct inspector *in, const struct ppgtt *ppgtt, u64 addr, const u64 *guest,
		   unsigned int n)
{
	u64 table = ppgtt->roots.shadow[0], shadow = 0;
	unsigned int level, index;

	inspect_add(in, "root 0: 0x%016llx 0x%016llx\n", ppgtt->root.pdp[0], table << 12);
	for (level = 4; level > 4 - n; level--) {
		index = addr >> (12 + 9 * (level - 1)) & 511;
		shadow = inspect_shadow_at(in, table, index);
		inspect_add(in, "level %u %u: 0x%016llx 0x%016llx\n", level, index,
			    guest[4 - level], shadow);
		table = PTE_FRAME(shadow);
	}
	return table;
}

static void expect_way(struct inspector *in, const struct ppgtt *ppgtt, u64 addr,
		       const u64 *guest, unsigned int n, const char *scratch)
{
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	char question[64];
	u64 bfn;

	snprintf(question, sizeof(question), "4 %#llx %#llx\n", ppgtt->root.pdp[0], addr | 0xabc);
	KUNIT_EXPECT_EQ_MSG(in->test, inspect_ask(in, file, question), (ssize_t)0, "%s", question);
	bfn = add_way(in, ppgtt, addr, guest, n);
	if (scratch)
		inspect_add(in, "scratch: %s\n", scratch);
	else
		inspect_add(in, "gfn %#llx bfn %#llx\n", PTE_FRAME(guest[n - 1]), bfn);
	inspect_expect_answer(in, file);
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
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;
	unsigned int i;

	inspect_put_zoo(in, &ppgtt);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		expect_way(in, &ppgtt, ways[i].addr, ways[i].guest, ways[i].n, ways[i].scratch);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

/* The BFN in the translation leads to the guest's page. */
static void translation_is_where_the_page_is(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt;
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	u64 bfn = 0;
	char *tail;

	inspect_put_zoo(in, &ppgtt);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "4 0x258000 0x8080600000"), (ssize_t)0);
	user_read_all(in->user, file, in->text, TEXT_SIZE, USER_MEMORY);
	tail = strstr(in->text, "gfn 0x64 bfn ");
	KUNIT_ASSERT_NOT_NULL(test, tail);
	KUNIT_EXPECT_EQ(test, kstrtou64(tail + strlen("gfn 0x64 bfn "), 0, &bfn), 0);
	KUNIT_EXPECT_EQ(test, fake_dma_mfn(bfn), fake_gfn_mfn(DOM, 100));
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void ggtt_addresses_are_translated(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	u64 shadow;

	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST, PTE(100));
	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST + 1, PTE(NO_GFN));
	shadow = gpu_entry(PLAIN_FIRST);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0x700fff\n"), (ssize_t)0);
	inspect_add(in, "ggtt 1792: 0x0000000000064003 0x%016llx\n", shadow);
	inspect_add(in, "gfn 0x64 bfn %#llx\n", PTE_FRAME(shadow));
	inspect_expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0x701000"), (ssize_t)0);
	inspect_add(in, "ggtt 1793: 0x%016llx 0x%016llx\n", PTE(NO_GFN),
		    gpu_entry(PLAIN_FIRST + 1));
	inspect_add(in, "scratch: missing\n");
	inspect_expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0xff000"), (ssize_t)-ERANGE);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0xfffff000"), (ssize_t)-ERANGE);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0x100000000"), (ssize_t)-EINVAL);
	debugfs_close(file);
	ppgtt_guest_put_ggtt(in->guest, 0, PLAIN_FIRST, 0);
	inspect_stop(in);
}

static void gen7_addresses_are_translated(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .generation = 7 };
	struct inspector *in = inspect_start(test, &config);
	struct ppgtt ppgtt = ppgtt_ggtt(in->guest, DIRECTORY(0));
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	u64 pde = ppgtt_encode(&ppgtt_gen7, L1, 0), pte = ppgtt_encode(&ppgtt_gen7, 100, 0);
	u64 spde, spte;

	inspect_put(in, L1, 5, pte);
	ppgtt_guest_put_ggtt(in->guest, 0, DIRECTORY(0) + 511, pde);
	ppgtt_start(&ppgtt);
	spde = gpu_entry(DIRECTORY(0) + 511);
	spte = inspect_shadow_at(in, ppgtt_decode(&ppgtt_gen7, 2, spde).frame, 5);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "2 0x100000 0x7fc05000"), (ssize_t)0);
	inspect_add(in, "root 0: 0x0000000000100000 0x0000000000100000\n");
	inspect_add(in, "level 2 511: 0x%08llx 0x%08llx\n", pde, spde);
	inspect_add(in, "level 1 5: 0x%08llx 0x%08llx\n", pte, spte);
	inspect_add(in, "gfn 0x64 bfn %#llx\n", ppgtt_decode(&ppgtt_gen7, 1, spte).frame);
	inspect_expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "ggtt 0x2ff000"), (ssize_t)0);
	inspect_add(in, "ggtt 767: 0x%08llx 0x%08llx\n", pde, spde);
	inspect_add(in, "scratch: entry of a page directory\n");
	inspect_expect_answer(in, file);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "2 0x100000 0x80000000"), (ssize_t)-EINVAL);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void three_levels_are_translated(struct kunit *test)
{
	const struct ppgtt_guest_config config = { .tables = "2" };
	const u64 pdps[4] = { 610, 610, 611, 611 };
	struct inspector *in = inspect_start(test, &config);
	struct ppgtt three = ppgtt_3(in->guest, pdps), four = ppgtt_4(in->guest, L4);
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	const char *question = "3 0x262000,0x262000,0x263000,0x263000 0xc0200000";

	KUNIT_ASSERT_EQ(test, ppgtt_create(&three), 0);
	KUNIT_ASSERT_EQ(test, ppgtt_pin(&three), 0);
	ppgtt_unpin(&three);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, question), (ssize_t)0);
	inspect_add(in, "root 3: 0x0000000000263000 0x%016llx\n", three.roots.shadow[3] << 12);
	inspect_add(in, "level 2 1: 0x0000000000000000 0x%016llx\nscratch: not present\n",
		    inspect_shadow_at(in, three.roots.shadow[3], 1));
	inspect_expect_answer(in, file);
	ppgtt_start(&four);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, question), (ssize_t)0);
	inspect_add(in, "scratch: reclaimed\n");
	inspect_expect_answer(in, file);
	debugfs_close(file);
	ppgtt_end(&three);
	ppgtt_end(&four);
	inspect_stop(in);
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
	struct inspector *in = inspect_start_gen8(test);
	struct ppgtt ppgtt = ppgtt_4(in->guest, L4);
	struct file *file = inspect_open_file(in, TRANSLATE, O_RDWR);
	unsigned int i;

	ppgtt_start(&ppgtt);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, user_write(in->user, file, bad[i].question),
				    (ssize_t)bad[i].error, "'%s'", bad[i].question);
	memset(in->text, ' ', 4096);
	in->text[4096] = '\0';
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, in->text), (ssize_t)-EINVAL);
	/* An earlier answer is dropped when a question fails. */
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "4 0x258000 0"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, file, "4 0x259000 0"), (ssize_t)-ENOENT);
	inspect_expect_answer(in, file);
	debugfs_close(file);
	ppgtt_end(&ppgtt);
	inspect_stop(in);
}

static void open_files_do_not_disturb_each_other(struct kunit *test)
{
	struct inspector *in = inspect_start_gen8(test);
	struct file *one = inspect_open_file(in, TRANSLATE, O_RDWR);
	struct file *two = inspect_open_file(in, TRANSLATE, O_RDWR);
	u64 scratch = gpu_entry(PLAIN_FIRST);

	KUNIT_EXPECT_EQ(test, inspect_ask(in, one, "ggtt 0x700000"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, two, "ggtt 0x701000"), (ssize_t)0);
	inspect_add(in, "ggtt 1792: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	inspect_expect_answer(in, one);
	inspect_add(in, "ggtt 1793: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	inspect_expect_answer(in, two);
	/* Another question is asked in the middle of an answer. */
	KUNIT_EXPECT_EQ(test, inspect_ask(in, one, "ggtt 0x702000"), (ssize_t)0);
	KUNIT_EXPECT_EQ(test, user_read(in->user, one, in->text, 8), (ssize_t)8);
	KUNIT_EXPECT_EQ(test, inspect_ask(in, one, "ggtt 0x703000"), (ssize_t)0);
	inspect_add(in, "ggtt 1795: 0x%016llx 0x%016llx\nscratch: not present\n", 0ull, scratch);
	inspect_expect_answer(in, one);
	debugfs_close(one);
	debugfs_close(two);
	inspect_stop(in);
}

static struct kunit_case translate_cases[] = {
	KUNIT_CASE_PARAM(addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(translation_is_where_the_page_is, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(ggtt_addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gen7_addresses_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(three_levels_are_translated, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(bad_questions_are_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(open_files_do_not_disturb_each_other, both_dom0s_gen_params),
	{}
};

static struct kunit_suite translate_suite = {
	.name = "xengt_translate",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = translate_cases,
};

kunit_test_suite(translate_suite);
