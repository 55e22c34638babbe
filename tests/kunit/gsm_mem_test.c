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
#include <linux/workqueue.h>
#include <xen/xengt.h>

#include "vgpu/gsm/gsm.h"

#define ENTRIES	4096ul

static void note_nothing(struct work_struct *work)
{
}

static DECLARE_WORK(no_work, note_nothing);

/* Opens a share of one range, in a table of @nr_entries. */
static struct xengt_gsm *open_in(unsigned long nr_entries, unsigned long first, unsigned long n)
{
	struct xengt_gsm_request request = {
		.vgpu = "test",
		.nr_entries = nr_entries,
		.range = { { first, n } },
		.lost_work = &no_work,
		.rewrite_work = &no_work,
	};

	return xengt_gsm_open("mem", &request);
}

static struct xengt_gsm *open_range(unsigned long first, unsigned long n)
{
	return open_in(ENTRIES, first, n);
}

static struct xengt_gsm *opened(struct kunit *test, unsigned long first, unsigned long n)
{
	struct xengt_gsm *gsm = open_range(first, n);

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

static void table_exists_while_it_has_users(struct kunit *test)
{
	struct xengt_gsm *first, *second;
	struct xengt_mem_table *table;

	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
	first = opened(test, 0, 1);
	second = opened(test, 1, 1);
	xengt_gsm_close(first);
	table = xengt_mem_table_get();
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	xengt_mem_table_put(table);
	xengt_gsm_close(second);
	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
}

static void walker_keeps_the_table(struct kunit *test)
{
	struct xengt_gsm *gsm = opened(test, 0, 1);
	struct xengt_mem_table *table = xengt_mem_table_get();

	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	gsm->ops->write(gsm, 0, 0x1003);
	KUNIT_EXPECT_EQ(test, entry(table, 0), 0x1003ull);
	xengt_gsm_close(gsm);
	KUNIT_EXPECT_EQ(test, entry(table, 0), 0ull);
	xengt_mem_table_put(table);
	KUNIT_EXPECT_EQ(test, PTR_ERR(xengt_mem_table_get()), -ENODEV);
}

static void all_users_have_tables_of_one_size(struct kunit *test)
{
	struct xengt_gsm *gsm = opened(test, 0, 1);

	KUNIT_EXPECT_EQ(test, PTR_ERR(open_in(ENTRIES / 2, 1, 1)), -EBUSY);
	KUNIT_EXPECT_EQ(test, PTR_ERR(open_in(ENTRIES + 1, 1, 1)), -EBUSY);
	xengt_gsm_close(gsm);
	gsm = open_in(ENTRIES / 2, 1, 1);
	KUNIT_ASSERT_FALSE(test, IS_ERR(gsm));
	xengt_gsm_close(gsm);
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
		{ ~0ul - 1, 2, -ERANGE },
	};
	struct xengt_gsm *gsm, *other;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		gsm = opened(test, 100, 50);
		other = open_range(cases[i].first, cases[i].n);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(other), cases[i].rc, "case %u", i);
		if (!IS_ERR(other))
			xengt_gsm_close(other);
		xengt_gsm_close(gsm);
	}
	gsm = opened(test, 0, ENTRIES);
	xengt_gsm_close(gsm);
}

/* A range that cannot be had leaves nothing reserved of the other one. */
static void share_is_reserved_whole_or_not(struct kunit *test)
{
	struct xengt_gsm_request request = {
		.vgpu = "test",
		.nr_entries = ENTRIES,
		.range = { { 0, 100 }, { 150, 100 } },
	};
	struct xengt_gsm *gsm = opened(test, 200, 1), *other;

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xengt_gsm_open("mem", &request)), -EBUSY);
	other = opened(test, 0, 200);
	xengt_gsm_close(other);
	xengt_gsm_close(gsm);
}

static void range_without_a_base_gets_room(struct kunit *test)
{
	struct xengt_gsm *low = opened(test, 0, 100), *high = opened(test, 150, ENTRIES - 150);
	struct xengt_gsm *gsm;

	KUNIT_EXPECT_EQ(test, PTR_ERR(open_range(XENGT_RANGE_ANYWHERE, 51)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, PTR_ERR(open_range(XENGT_RANGE_ANYWHERE, ENTRIES + 1)), -ENOSPC);
	gsm = opened(test, XENGT_RANGE_ANYWHERE, 50);
	KUNIT_EXPECT_EQ(test, gsm->range[0].first, 100ul);
	xengt_gsm_close(gsm);
	xengt_gsm_close(high);
	xengt_gsm_close(low);
}

static void device_is_refused(struct kunit *test)
{
	struct xengt_gsm_request request = { .vgpu = "test", .nr_entries = ENTRIES };

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xengt_gsm_open("mem:0000:00:02.0", &request)),
			-ENODEV);
}

static void entries_given_back_are_cleared_and_others_stay(struct kunit *test)
{
	struct xengt_gsm *first = opened(test, 0, 16), *second = opened(test, 16, 16);
	struct xengt_mem_table *table = xengt_mem_table_get();
	unsigned long i;

	for (i = 0; i < 32; i++)
		first->ops->write(i < 16 ? first : second, i, i << 12 | 1);
	xengt_gsm_close(first);
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_EQ(test, entry(table, (u64)i << 12 | 0xabc),
				i < 16 ? 0ull : (u64)i << 12 | 1);
	xengt_mem_table_put(table);
	xengt_gsm_close(second);
}

static void address_beyond_the_table_has_no_entry(struct kunit *test)
{
	struct xengt_gsm *gsm = opened(test, ENTRIES - 1, 1);
	struct xengt_mem_table *table = xengt_mem_table_get();

	gsm->ops->write(gsm, ENTRIES - 1, 0x5001);
	KUNIT_EXPECT_EQ(test, entry(table, ((u64)ENTRIES << 12) - 1), 0x5001ull);
	KUNIT_EXPECT_EQ(test, entry(table, (u64)ENTRIES << 12), 0ull);
	KUNIT_EXPECT_EQ(test, entry(table, ~0ull), 0ull);
	xengt_mem_table_put(table);
	xengt_gsm_close(gsm);
}

struct invalidator {
	struct xengt_gsm *gsm;
	bool close;
	bool begun;
	bool done;
	struct completion finished;
};

static int invalidate(void *data)
{
	struct invalidator *inv = data;

	WRITE_ONCE(inv->begun, true);
	if (inv->close)
		xengt_gsm_close(inv->gsm);
	else
		inv->gsm->ops->invalidate(inv->gsm, false);
	WRITE_ONCE(inv->done, true);
	complete(&inv->finished);
	return 0;
}

/* The thread has begun, and sleeps or is done. */
static bool got_as_far_as_it_can(struct invalidator *inv, struct task_struct *task)
{
	return READ_ONCE(inv->begun) && (READ_ONCE(inv->done) || !task_is_running(task));
}

static void expect_to_wait(struct kunit *test, bool close)
{
	struct invalidator inv = { .gsm = opened(test, 0, 16), .close = close };
	struct xengt_mem_table *table = xengt_mem_table_get();
	struct task_struct *task;

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
	if (!close)
		xengt_gsm_close(inv.gsm);
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
	struct xengt_gsm *gsm = opened(test, 0, 1);

	gsm->ops->invalidate(gsm, false);
	gsm->ops->invalidate(gsm, true);
	xengt_gsm_close(gsm);
}

static struct kunit_case gsm_mem_cases[] = {
	KUNIT_CASE(table_exists_while_it_has_users),
	KUNIT_CASE(walker_keeps_the_table),
	KUNIT_CASE(all_users_have_tables_of_one_size),
	KUNIT_CASE(ranges_are_exclusive),
	KUNIT_CASE(share_is_reserved_whole_or_not),
	KUNIT_CASE(range_without_a_base_gets_room),
	KUNIT_CASE(device_is_refused),
	KUNIT_CASE(entries_given_back_are_cleared_and_others_stay),
	KUNIT_CASE(address_beyond_the_table_has_no_entry),
	KUNIT_CASE(invalidate_waits_for_a_walk),
	KUNIT_CASE(giving_entries_back_waits_for_a_walk),
	KUNIT_CASE(invalidate_without_a_walk_does_not_wait),
	{}
};

static struct kunit_suite gsm_mem_suite = {
	.name = "xengt_gsm_mem",
	.test_cases = gsm_mem_cases,
};

kunit_test_suite(gsm_mem_suite);
