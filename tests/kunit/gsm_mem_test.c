// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the GSM "mem" (vgpu/gsm/gsm_mem.c): who may have which entries, and that an invalidate
 * waits for walks of the table.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <xen/xengt.h>

#include "vgpu/gsm/gsm.h"

#define ENTRIES	4096ul

static const struct xengt_gsm_ops *ops = &xengt_gsm_mem;

static struct xengt_gsm *get(struct kunit *test)
{
	struct xengt_gsm *gsm = ops->get(ENTRIES);

	KUNIT_ASSERT_FALSE(test, IS_ERR(gsm));
	return gsm;
}

static u64 entry(struct xengt_mem_table *table, u64 addr)
{
	u64 pte;

	xengt_mem_walk_begin(table);
	pte = xengt_mem_entry(table, addr);
	xengt_mem_walk_end(table);
	return pte;
}

static void gsm_is_found_by_name(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, xengt_gsm_find("mem"), ops);
	KUNIT_EXPECT_PTR_EQ(test, xengt_gsm_find("mem\n"), ops);
	KUNIT_EXPECT_NULL(test, xengt_gsm_find(""));
	KUNIT_EXPECT_NULL(test, xengt_gsm_find("me"));
	KUNIT_EXPECT_NULL(test, xengt_gsm_find("memory"));
}

static void table_exists_while_it_has_users(struct kunit *test)
{
	struct xengt_gsm *first, *second;
	struct xengt_mem_table *table;

	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
	first = get(test);
	second = get(test);
	KUNIT_EXPECT_PTR_EQ(test, first, second);
	ops->put(first);
	table = xengt_mem_table_get();
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	xengt_mem_table_put(table);
	ops->put(second);
	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
}

static void walker_keeps_the_table(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);
	struct xengt_mem_table *table = xengt_mem_table_get();

	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, 0, 1), 0);
	ops->write(gsm, 0, 0x1003);
	ops->put(gsm);
	KUNIT_EXPECT_EQ(test, entry(table, 0), 0x1003ull);
	xengt_mem_table_put(table);
	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
}

static void fresh_table_has_nothing_of_the_last_one(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);
	struct xengt_mem_table *table;

	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, 0, ENTRIES), 0);
	ops->write(gsm, 7, ~0ull);
	ops->put(gsm);
	gsm = get(test);
	table = xengt_mem_table_get();
	KUNIT_EXPECT_EQ(test, entry(table, 7 << 12), 0ull);
	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, 0, ENTRIES), 0);
	xengt_mem_table_put(table);
	ops->put(gsm);
}

static void all_users_have_tables_of_one_size(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);

	KUNIT_EXPECT_EQ(test, PTR_ERR(ops->get(ENTRIES / 2)), -EBUSY);
	KUNIT_EXPECT_EQ(test, PTR_ERR(ops->get(ENTRIES + 1)), -EBUSY);
	ops->put(gsm);
	gsm = ops->get(ENTRIES / 2);
	KUNIT_ASSERT_FALSE(test, IS_ERR(gsm));
	ops->put(gsm);
}

static void ranges_are_exclusive(struct kunit *test)
{
	static const struct {
		unsigned long first, n;
		int rc;
	} cases[] = {
		{ 100, 50, -EBUSY },
		{ 100, 1, -EBUSY },
		{ 149, 1, -EBUSY },
		{ 149, 100, -EBUSY },
		{ 50, 51, -EBUSY },
		{ 0, ENTRIES, -EBUSY },
		{ 120, 3, -EBUSY },
		{ 50, 50, 0 },
		{ 150, 50, 0 },
		{ 120, 0, 0 },
		{ ENTRIES - 1, 1, 0 },
		{ ENTRIES, 0, 0 },
		{ ENTRIES, 1, -ERANGE },
		{ ENTRIES - 1, 2, -ERANGE },
		{ ENTRIES + 1, 0, -ERANGE },
		{ 1, ~0ul, -ERANGE },
		{ ~0ul, 2, -ERANGE },
	};
	struct xengt_gsm *gsm = get(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_ASSERT_EQ(test, ops->reserve(gsm, 100, 50), 0);
		KUNIT_EXPECT_EQ_MSG(test, ops->reserve(gsm, cases[i].first, cases[i].n),
				    cases[i].rc, "case %u", i);
		if (!cases[i].rc)
			ops->unreserve(gsm, cases[i].first, cases[i].n);
		ops->unreserve(gsm, 100, 50);
	}
	KUNIT_EXPECT_EQ_MSG(test, ops->reserve(gsm, 0, ENTRIES), 0, "all is free again");
	ops->put(gsm);
}

static void entries_given_back_are_cleared_and_others_stay(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);
	struct xengt_mem_table *table = xengt_mem_table_get();
	unsigned long i;

	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, 0, 16), 0);
	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, 16, 16), 0);
	for (i = 0; i < 32; i++)
		ops->write(gsm, i, i << 12 | 1);
	ops->unreserve(gsm, 0, 16);
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, entry(table, (u64)i << 12 | 0xabc),
				i < 16 ? 0ull : (u64)i << 12 | 1);
	xengt_mem_table_put(table);
	ops->put(gsm);
}

static void address_beyond_the_table_has_no_entry(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);
	struct xengt_mem_table *table = xengt_mem_table_get();

	KUNIT_EXPECT_EQ(test, ops->reserve(gsm, ENTRIES - 1, 1), 0);
	ops->write(gsm, ENTRIES - 1, 0x5001);
	KUNIT_EXPECT_EQ(test, entry(table, ((u64)ENTRIES << 12) - 1), 0x5001ull);
	KUNIT_EXPECT_EQ(test, entry(table, (u64)ENTRIES << 12), 0ull);
	KUNIT_EXPECT_EQ(test, entry(table, ~0ull), 0ull);
	xengt_mem_table_put(table);
	ops->put(gsm);
}

struct invalidator {
	struct xengt_gsm *gsm;
	bool unreserve;
	bool begun;
	bool done;
	struct completion finished;
};

static int invalidate(void *data)
{
	struct invalidator *inv = data;

	WRITE_ONCE(inv->begun, true);
	if (inv->unreserve)
		ops->unreserve(inv->gsm, 0, 16);
	else
		ops->invalidate(inv->gsm);
	WRITE_ONCE(inv->done, true);
	complete(&inv->finished);
	return 0;
}

/* The thread has begun, and sleeps or is done. */
static bool got_as_far_as_it_can(struct invalidator *inv, struct task_struct *task)
{
	return READ_ONCE(inv->begun) && (READ_ONCE(inv->done) || !task_is_running(task));
}

static void expect_to_wait(struct kunit *test, bool unreserve)
{
	struct invalidator inv = { .gsm = get(test), .unreserve = unreserve };
	struct xengt_mem_table *table = xengt_mem_table_get();
	struct task_struct *task;

	KUNIT_EXPECT_EQ(test, ops->reserve(inv.gsm, 0, 16), 0);
	init_completion(&inv.finished);
	xengt_mem_walk_begin(table);
	task = kthread_create(invalidate, &inv, "invalidate");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	while (!got_as_far_as_it_can(&inv, task))
		schedule();
	KUNIT_EXPECT_FALSE_MSG(test, READ_ONCE(inv.done), "it did not wait for the walk");
	xengt_mem_walk_end(table);
	wait_for_completion(&inv.finished);
	put_task_struct(task);
	xengt_mem_table_put(table);
	ops->put(inv.gsm);
}

static void invalidate_waits_for_a_walk(struct kunit *test)
{
	expect_to_wait(test, false);
}

static void giving_entries_back_waits_for_a_walk(struct kunit *test)
{
	expect_to_wait(test, true);
}

static void invalidate_without_a_walk_does_not_wait(struct kunit *test)
{
	struct xengt_gsm *gsm = get(test);

	ops->invalidate(gsm);
	ops->invalidate(gsm);
	ops->put(gsm);
}

static struct kunit_case place_mem_cases[] = {
	KUNIT_CASE(gsm_is_found_by_name),
	KUNIT_CASE(table_exists_while_it_has_users),
	KUNIT_CASE(walker_keeps_the_table),
	KUNIT_CASE(fresh_table_has_nothing_of_the_last_one),
	KUNIT_CASE(all_users_have_tables_of_one_size),
	KUNIT_CASE(ranges_are_exclusive),
	KUNIT_CASE(entries_given_back_are_cleared_and_others_stay),
	KUNIT_CASE(address_beyond_the_table_has_no_entry),
	KUNIT_CASE(invalidate_waits_for_a_walk),
	KUNIT_CASE(giving_entries_back_waits_for_a_walk),
	KUNIT_CASE(invalidate_without_a_walk_does_not_wait),
	{}
};

static struct kunit_suite place_mem_suite = {
	.name = "xengt_gsm_mem",
	.test_cases = place_mem_cases,
};

kunit_test_suite(place_mem_suite);
