// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of virtual GPUs in configfs (vgpu/configfs.c), with the GSM "mem": what can be configured
 * when, and what a rmdir waits for.
 */

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <xen/xengt.h>

#include "file_user.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define DIR		"xengt/vm5"
#define OTHER_DIR	"xengt/vm6"

static const struct {
	const char *name;
	const char *value;
} good_config[] = {
	{ "domid", "5" },
	{ "bar0", "0xf0000000" },
	{ "mappable_base", "0x100000" },
	{ "mappable_size", "0x40000" },
	{ "hidden_base", "0x1000000" },
	{ "hidden_size", "0x20000" },
	{ "quota", "1024" },
};

static int set_attr(const char *dir, const char *name, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return configfs_write(path, value);
}

static void expect_attr(struct kunit *test, const char *name, const char *wanted)
{
	char path[64], text[64] = "";

	snprintf(path, sizeof(path), DIR "/%s", name);
	KUNIT_EXPECT_EQ(test, configfs_read(path, text, sizeof(text)), 0);
	KUNIT_EXPECT_STREQ_MSG(test, text, wanted, "%s", name);
}

static void make_dir(struct kunit *test, const char *dir)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, configfs_mkdir(dir), 0);
	for (i = 0; i < ARRAY_SIZE(good_config); i++)
		KUNIT_EXPECT_EQ(test, set_attr(dir, good_config[i].name, good_config[i].value), 0);
	/* In strict mode an entry is in the shadow when the write returns. */
	KUNIT_EXPECT_EQ(test, set_attr(dir, "mode", "strict"), 0);
}

static u64 mem_entry(struct xengt_mem_table *table, u64 addr)
{
	u64 pte;

	xengt_mem_walk_begin(table);
	pte = xengt_mem_entry(table, addr);
	xengt_mem_walk_end(table);
	return pte;
}

/* A base that the place chooses is shown while the virtual GPU runs, and chosen anew each time. */
static void automatic_base_is_told_while_it_runs(struct kunit *test)
{
	make_dir(test, DIR);
	make_dir(test, OTHER_DIR);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "domid", "6"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "mappable_base", "0"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "hidden_base", "0x40000"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "enable", "1"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "mappable_base", "auto"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "hidden_base", "auto\n"), 0);
	expect_attr(test, "mappable_base", "auto\n");
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	expect_attr(test, "mappable_base", "0x60000\n");
	expect_attr(test, "hidden_base", "0xa0000\n");
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "mappable_base", "0"), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "0"), 0);
	expect_attr(test, "hidden_base", "auto\n");
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "enable", "0"), 0);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(OTHER_DIR), 0);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	expect_attr(test, "mappable_base", "0x0\n");
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
}

static void directory_has_the_defaults(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, configfs_mkdir(DIR), 0);
	expect_attr(test, "generation", "8\n");
	expect_attr(test, "quota", "131072\n");
	expect_attr(test, "dma_bits", "39\n");
	expect_attr(test, "place", "mem\n");
	expect_attr(test, "mode", "hybrid\n");
	expect_attr(test, "state", "off\n");
	expect_attr(test, "enable", "0\n");
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
}

static void virtual_gpu_of_a_directory_works(struct kunit *test)
{
	struct xengt_mem_table *table;

	make_dir(test, DIR);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	expect_attr(test, "state", "running\n");
	expect_attr(test, "mappable_base", "0x100000\n");
	guest_write(test, VGPU_FIRST, PTE(7));
	table = xengt_mem_table_get();
	KUNIT_ASSERT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_TRUE(test, fake_dma_reaches(PTE_FRAME(mem_entry(table, VGPU_FIRST << 12)), DOM,
						 7));
	KUNIT_EXPECT_EQ(test, mem_entry(table, 0), 0ull);
	KUNIT_EXPECT_EQ(test, mem_entry(table, 4ull << 30), 0ull);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "0"), 0);
	expect_attr(test, "state", "off\n");
	KUNIT_EXPECT_EQ_MSG(test, mem_entry(table, VGPU_FIRST << 12), 0ull,
			    "a walker keeps the table, not the mappings");
	xengt_mem_table_put(table);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(xengt_mem_table_get()), -ENODEV);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
}

static void running_virtual_gpu_cannot_be_changed(struct kunit *test)
{
	unsigned int i;

	make_dir(test, DIR);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), -EBUSY);
	for (i = 0; i < ARRAY_SIZE(good_config); i++)
		KUNIT_EXPECT_EQ(test, set_attr(DIR, good_config[i].name, "4096"), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "generation", "9"), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "dma_bits", "40"), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "place", "mem"), -EBUSY);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
}

static void configurations_that_make_no_sense_are_refused(struct kunit *test)
{
	static const struct {
		const char *name;
		const char *value;
		int wanted;
	} cases[] = {
		{ "domid", "0", -EINVAL },
		{ "domid", "77", -ENODEV },
		{ "domid", "65541", -EINVAL },
		{ "domid", "32752", -EINVAL },
		{ "generation", "6", -EINVAL },
		{ "generation", "10", -EINVAL },
		{ "generation", "9", 0 },
		{ "bar0", "0", -EINVAL },
		{ "bar0", "0xf0800000", -EINVAL },
		{ "bar0", "0xfffffffffff00000", -EINVAL },
		{ "bar0", "0xffffffffff000000", -EINVAL },
		{ "bar0", "0x10000000000000", -EINVAL },
		{ "mappable_base", "0x100800", -EINVAL },
		{ "mappable_size", "0x40001", -EINVAL },
		{ "mappable_size", "0x100000000", -EINVAL },
		{ "mappable_base", "0xfffffffffffff000", -EINVAL },
		{ "mappable_base", "0xfffff000", -EINVAL },
		{ "mappable_base", "0xff0000", -EINVAL },
		{ "mappable_size", "0", 0 },
		{ "quota", "0", -EINVAL },
		{ "tables", "0", -EINVAL },
		{ "tables", "0x100000001", -EINVAL },
		{ "tables", "1", 0 },
		{ "dma_bits", "8", -EINVAL },
		{ "dma_bits", "64", -EINVAL },
		{ "dma_bits", "52", 0 },
	};
	char too_long[XENGT_PLACE_SIZE + 1] = "mem:";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		make_dir(test, DIR);
		KUNIT_EXPECT_EQ(test, set_attr(DIR, cases[i].name, cases[i].value), 0);
		KUNIT_EXPECT_EQ_MSG(test, set_attr(DIR, "enable", "1"), cases[i].wanted, "%s=%s",
				    cases[i].name, cases[i].value);
		KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
		vgpu_expect_nothing_left(test, cases[i].name);
	}
	make_dir(test, DIR);
	memset(too_long + 4, 'x', XENGT_PLACE_SIZE - 4);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "place", "nonsense"), -ENODEV);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "place", too_long), -ENAMETOOLONG);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "mappable_base", "automatic"), -EINVAL);
	expect_attr(test, "mappable_base", "0x100000\n");
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "quota", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
}

/* 8: shares of two guests in the GGTT cannot overlap. */
static void shares_do_not_overlap(struct kunit *test)
{
	make_dir(test, DIR);
	make_dir(test, OTHER_DIR);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "domid", "6"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "enable", "1"), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "mappable_base", "0x140000"), 0);
	KUNIT_EXPECT_EQ_MSG(test, set_attr(OTHER_DIR, "enable", "1"), -EBUSY,
			    "the hidden ranges still overlap");
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "hidden_base", "0x1020000"), 0);
	KUNIT_EXPECT_EQ(test, set_attr(OTHER_DIR, "enable", "1"), 0);
	/* The first guest writes into the second one's share. */
	guest_write(test, VGPU_FIRST + VGPU_N, PTE(7));
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "out_of_share"), 1ull);
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(OTHER_DOM, 0, ENTRY_ADDR(VGPU_FIRST + VGPU_N), PTE(7),
					      8), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm6", "entries_live"), 1ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "entries_live"), 0ull);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm6", "entries_live"), 1ull);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(OTHER_DIR), 0);
}

static void rmdir_while_enabled_gives_everything_back(struct kunit *test)
{
	unsigned int i;

	make_dir(test, DIR);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	for (i = 0; i < VGPU_N; i++)
		guest_write(test, VGPU_FIRST + i, PTE(i));
	fake_guest_balloon_out(DOM, 0, 3);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
	vgpu_expect_nothing_left(test, "rmdir");
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, ENTRY_ADDR(VGPU_FIRST), 1, 8), -ENODEV);
	modules_unload_all();
}

static void total_outlives_the_virtual_gpu(struct kunit *test)
{
	u64 before = debugfs_value("xengt/total", "traps");

	make_dir(test, DIR);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	guest_write(test, VGPU_FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "traps"), 1ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "shadowed"), 1ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "entries_live"), 1ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/total", "traps"), before + 1);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/vgpus/vm5", "traps"), U64_MAX);
	KUNIT_EXPECT_EQ(test, debugfs_value("xengt/total", "traps"), before + 1);
}

/* A virtual GPU whose disabling waits in the destruction of its server */
struct slow_end {
	struct completion begun;
	struct completion go;
	bool once;
	bool waited_in_vain;
};

static void wait_at_destroy(enum fake_call kind, void *arg)
{
	struct slow_end *end = arg;

	if (kind != FAKE_CALL_DM_DESTROY || end->once)
		return;
	end->once = true;
	complete(&end->begun);
	end->waited_in_vain = !wait_for_completion_timeout(&end->go, 20 * HZ);
}

static int enable_other(void *data)
{
	return set_attr(OTHER_DIR, "enable", "1");
}

/* 16: only who needs its share waits for the removal of a virtual GPU. */
static void removal_blocks_no_other_virtual_gpu(struct kunit *test)
{
	struct slow_end end = {};
	struct xengt_vgpu *vgpu;
	struct task_struct *task;

	init_completion(&end.begun);
	init_completion(&end.go);
	make_dir(test, DIR);
	KUNIT_EXPECT_EQ(test, set_attr(DIR, "enable", "1"), 0);
	fake_xen_set_hook(wait_at_destroy, &end);
	KUNIT_EXPECT_EQ(test, configfs_rmdir_nowait(DIR), 0);
	wait_for_completion(&end.begun);
	KUNIT_EXPECT_TRUE(test, IS_ERR(xengt_vgpu_get("vm5")));
	make_dir(test, OTHER_DIR);
	vgpu = xengt_vgpu_get("vm6");
	KUNIT_EXPECT_FALSE(test, IS_ERR(vgpu));
	xengt_vgpu_put(vgpu);
	/* The same share of the same guest is enabled when it is free. */
	task = kthread_run(enable_other, NULL, "enable");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wait_for(test, READ_ONCE(vgpu->state) == XENGT_VGPU_STARTING && !task_is_running(task));
	complete(&end.go);
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	put_task_struct(task);
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_FALSE(test, end.waited_in_vain);
	KUNIT_EXPECT_EQ(test, (int)vgpu->state, (int)XENGT_VGPU_RUNNING);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(OTHER_DIR), 0);
	vgpu_expect_nothing_left(test, "removed slowly");
}

/*
 * Threads: one holds the lock of a virtual GPU, one reads the virtual GPU's file in debugfs, and
 * one removes the virtual GPU
 */
struct removed_while_read {
	struct kunit *test;
	struct xengt_vgpu *vgpu;
	struct completion locked;
	struct completion go_on;
	struct completion unlocked;
	struct completion opened;
	struct completion read;
	struct completion removed;
};

static int hold_lock(void *data)
{
	struct removed_while_read *h = data;

	mutex_lock(&h->vgpu->lock);
	complete(&h->locked);
	wait_for_completion(&h->go_on);
	mutex_unlock(&h->vgpu->lock);
	complete(&h->unlocked);
	return 0;
}

static int read_file(void *data)
{
	struct file *file = debugfs_open("xengt/vgpus/vm5", O_RDONLY);
	struct removed_while_read *h = data;
	struct file_user *user = file_user_start(h->test);
	char text[64];

	complete(&h->opened);
	KUNIT_EXPECT_GT(h->test, user_read(user, file, text, sizeof(text)), (ssize_t)0);
	debugfs_close(file);
	file_user_stop(user);
	complete(&h->read);
	return 0;
}

static int remove_dir(void *data)
{
	struct removed_while_read *h = data;

	KUNIT_EXPECT_EQ(h->test, configfs_rmdir_nowait(DIR), 0);
	complete(&h->removed);
	return 0;
}

/*
 * 16: a removal does not wait for a reader in debugfs that waits for the virtual GPU. A new virtual
 * GPU of the same name has files of its own.
 */
static void removal_does_not_wait_for_a_reader(struct kunit *test)
{
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct removed_while_read h = { .test = test };
	struct task_struct *reader;
	bool removed;

	KUNIT_ASSERT_NOT_NULL(test, text);
	init_completion(&h.locked);
	init_completion(&h.go_on);
	init_completion(&h.unlocked);
	init_completion(&h.opened);
	init_completion(&h.read);
	init_completion(&h.removed);
	make_dir(test, DIR);
	h.vgpu = xengt_vgpu_get("vm5");
	kthread_run(hold_lock, &h, "hold_lock");
	wait_for_completion(&h.locked);
	reader = kthread_run(read_file, &h, "read_file");
	KUNIT_ASSERT_FALSE(test, IS_ERR(reader));
	get_task_struct(reader);
	wait_for_completion(&h.opened);
	wait_for(test, !task_is_running(reader));
	KUNIT_EXPECT_FALSE(test, completion_done(&h.read));
	kthread_run(remove_dir, &h, "remove_dir");
	removed = wait_for_completion_timeout(&h.removed, 5 * HZ);
	KUNIT_EXPECT_TRUE_MSG(test, removed, "rmdir waits for the reader");
	if (removed) {
		KUNIT_EXPECT_EQ(test, configfs_mkdir(DIR), 0);
		KUNIT_EXPECT_TRUE(test, debugfs_read("xengt/vgpus/vm5", text, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, configfs_rmdir_nowait(DIR), 0);
	}
	complete(&h.go_on);
	if (!removed)
		wait_for_completion(&h.removed);
	wait_for_completion(&h.unlocked);
	wait_for_completion(&h.read);
	put_task_struct(reader);
	xengt_vgpu_put(h.vgpu);
}

static struct kunit_case configfs_cases[] = {
	KUNIT_CASE_PARAM(directory_has_the_defaults, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(automatic_base_is_told_while_it_runs, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(virtual_gpu_of_a_directory_works, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(running_virtual_gpu_cannot_be_changed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(configurations_that_make_no_sense_are_refused, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(shares_do_not_overlap, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(rmdir_while_enabled_gives_everything_back, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(removal_blocks_no_other_virtual_gpu, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(removal_does_not_wait_for_a_reader, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(total_outlives_the_virtual_gpu, both_dom0s_gen_params),
	{}
};

static struct kunit_suite configfs_suite = {
	.name = "xengt_configfs",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = configfs_cases,
};

kunit_test_suite(configfs_suite);
