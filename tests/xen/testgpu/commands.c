// SPDX-License-Identifier: GPL-2.0
/*
 * The test GPU's commands. /sys/kernel/debug/xengt_testgpu/command takes one; the write returns
 * when it is done, or its error. "result" has what the last command found. "table" is in table.c.
 *
 *	copy FROM TO LENGTH	FROM and TO are graphics addresses, or bus:ADDRESS for what the
 *				device puts on the bus
 *	fill TO LENGTH BYTE
 *	entry ADDRESS		reads the shadow entry
 *	bfn DOMID GFN		the BFN of a guest's page, by the mapping service
 *
 * Those with a PPGTT, which is VGPU LEVELS ROOT: a virtual GPU's name, 3 or 4, and as many guest-
 * physical addresses, with commas, as the root has (1 or 4); it is pinned for the command:
 *
 *	pcopy PPGTT FROM TO LENGTH	in the PPGTT; ggtt:ADDRESS and bus:ADDRESS, too
 *	pentry PPGTT ADDRESS		LEVEL SIZE BUS: the entry that the walk ends at, the size
 *					of its page and the bus address behind ADDRESS
 *	pwalk PPGTT ADDRESS		the same, the device reading the tables by DMA
 *	psame PPGTT ADDRESS GGTT LENGTH	whether the pages lead to where the GGTT leads to from the
 *					address GGTT: how many, or the first that does not
 *
 *	pin PPGTT		pins it until "unpin", for another GPU: the bus addresses of the
 *				tables of its shadow root, four of them
 *	unpin
 *
 *	save VGPU		as a mediator does while the guest does not run: how many bytes
 *	restore VGPU		what was saved last, for a virtual GPU that was just enabled
 *
 * Walks go on from the moment an entry is read until the DMA is over.
 *
 * -EFAULT is an entry that is not present, -ENODEV that no virtual GPU exists or this one does not
 * run, -ENOENT that no such PPGTT was announced.
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "table.h"
#include "testgpu.h"
#include "view.h"

#define MAX_COMMAND	256
#define PPGTT_ARGS	3

struct command {
	const char *name;
	int args;
	int (*run)(struct testgpu *gpu, char **args);
};

enum space { SPACE_GGTT, SPACE_PPGTT, SPACE_BUS };

/* Where a command reads or writes. */
struct place {
	enum space space;
	u64 addr;
};

/* The bus address behind a place; to be used within the walk, unless it was one already. */
static int resolve(struct walk *walk, const struct place *place, u64 *bus)
{
	struct leaf leaf = { .bus = place->addr };
	int ret = 0;

	if (place->space == SPACE_GGTT)
		ret = walk_ggtt(walk, place->addr, &leaf);
	else if (place->space == SPACE_PPGTT)
		ret = walk_ppgtt(walk, place->addr, &leaf);
	*bus = leaf.bus;
	return ret;
}

static int copy_chunk(struct edu *edu, struct walk *walk, const struct place *from,
		      const struct place *to, u32 len)
{
	u64 src, dst;
	int ret;

	walk_begin(walk);
	ret = resolve(walk, from, &src);
	if (!ret)
		ret = edu_fetch(edu, src, len);
	if (!ret)
		ret = resolve(walk, to, &dst);
	if (!ret)
		ret = edu_store(edu, dst, len);
	walk_end(walk);

	return ret;
}

static u32 to_page_end(u64 addr)
{
	return PAGE_SIZE - offset_in_page(addr);
}

static int copy(struct edu *edu, struct walk *walk, struct place from, struct place to, u64 len)
{
	int ret = 0;
	u32 n;

	while (len && !ret) {
		if (signal_pending(current))
			return -EINTR;
		n = min3(to_page_end(from.addr), to_page_end(to.addr), (u32)EDU_CHUNK);
		n = min_t(u64, n, len);
		ret = copy_chunk(edu, walk, &from, &to, n);
		from.addr += n;
		to.addr += n;
		len -= n;
	}

	return ret;
}

static int fill(struct edu *edu, struct walk *walk, struct place to, u64 len, u8 byte)
{
	struct place from = { .space = SPACE_BUS, .addr = edu->page_bus };
	int ret = 0;
	u32 n;

	memset(edu->page, byte, PAGE_SIZE);
	while (len && !ret) {
		n = min_t(u64, len, to_page_end(to.addr));
		ret = copy(edu, walk, from, to, n);
		to.addr += n;
		len -= n;
	}

	return ret;
}

/* A place without a prefix is in the space that the command is about. */
static int parse_place(const char *text, enum space space, struct place *place)
{
	static const char * const prefixes[] = {
		[SPACE_GGTT] = "ggtt:",
		[SPACE_BUS] = "bus:",
	};
	int i;

	place->space = space;
	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (prefixes[i] && strstarts(text, prefixes[i])) {
			text += strlen(prefixes[i]);
			place->space = i;
			break;
		}
	}
	return kstrtou64(text, 0, &place->addr);
}

static int parse_root(char **args, struct xengt_ppgtt_root *root)
{
	char *rest = args[2], *one;
	int i, n;

	memset(root, 0, sizeof(*root));
	if (kstrtouint(args[1], 0, &root->levels) || (root->levels != 3 && root->levels != 4))
		return -EINVAL;

	n = root->levels == 4 ? 1 : XENGT_PPGTT_PDPS;
	for (i = 0; i < n; i++) {
		one = strsep(&rest, ",");
		if (!one || kstrtou64(one, 0, &root->pdp[i]))
			return -EINVAL;
	}
	return rest ? -EINVAL : 0;
}

static int open_ppgtt(struct walk *walk, char **args)
{
	struct xengt_ppgtt_root root;

	return parse_root(args, &root) ?: walk_open_ppgtt(walk, args[0], &root);
}

static int run_copy(struct testgpu *gpu, char **args)
{
	struct walk walk = { };
	struct place from, to;
	int ret = 0;
	u64 len;

	if (parse_place(args[0], SPACE_GGTT, &from) || parse_place(args[1], SPACE_GGTT, &to) ||
	    kstrtou64(args[2], 0, &len))
		return -EINVAL;

	if (from.space != SPACE_BUS || to.space != SPACE_BUS)
		ret = walk_open(&walk);
	if (!ret)
		ret = copy(&gpu->edu, &walk, from, to, len);
	walk_close(&walk);

	return ret;
}

static int run_fill(struct testgpu *gpu, char **args)
{
	struct walk walk = { };
	struct place to;
	int ret = 0;
	u64 len;
	u8 byte;

	if (parse_place(args[0], SPACE_GGTT, &to) || kstrtou64(args[1], 0, &len) ||
	    kstrtou8(args[2], 0, &byte))
		return -EINVAL;

	if (to.space != SPACE_BUS)
		ret = walk_open(&walk);
	if (!ret)
		ret = fill(&gpu->edu, &walk, to, len, byte);
	walk_close(&walk);

	return ret;
}

static int run_entry(struct testgpu *gpu, char **args)
{
	struct walk walk;
	u64 addr;
	int ret;

	if (kstrtou64(args[0], 0, &addr))
		return -EINVAL;

	ret = walk_open(&walk);
	if (ret)
		return ret;
	walk_begin(&walk);
	scnprintf(gpu->result, sizeof(gpu->result), "0x%llx\n",
		  xengt_mem_entry(walk.table, addr));
	walk_end(&walk);
	walk_close(&walk);

	return 0;
}

static int run_bfn(struct testgpu *gpu, char **args)
{
	u64 gfn, bfn;
	u16 domid;
	int ret;

	if (kstrtou16(args[0], 0, &domid) || kstrtou64(args[1], 0, &gfn))
		return -EINVAL;

	ret = view_page(domid, gfn, &bfn);
	if (!ret)
		scnprintf(gpu->result, sizeof(gpu->result), "0x%llx\n", bfn);

	return ret;
}

static int run_pcopy(struct testgpu *gpu, char **args)
{
	struct place from, to;
	struct walk walk;
	u64 len;
	int ret;

	if (parse_place(args[PPGTT_ARGS], SPACE_PPGTT, &from) ||
	    parse_place(args[PPGTT_ARGS + 1], SPACE_PPGTT, &to) ||
	    kstrtou64(args[PPGTT_ARGS + 2], 0, &len))
		return -EINVAL;

	ret = open_ppgtt(&walk, args);
	if (ret)
		return ret;
	ret = copy(&gpu->edu, &walk, from, to, len);
	walk_close(&walk);

	return ret;
}

static int look(struct testgpu *gpu, char **args, struct edu *by)
{
	struct walk walk;
	struct leaf leaf;
	u64 addr;
	int ret;

	if (kstrtou64(args[PPGTT_ARGS], 0, &addr))
		return -EINVAL;

	ret = open_ppgtt(&walk, args);
	if (ret)
		return ret;
	walk.edu = by;
	walk_begin(&walk);
	ret = walk_ppgtt(&walk, addr, &leaf);
	walk_end(&walk);
	walk_close(&walk);
	if (!ret)
		scnprintf(gpu->result, sizeof(gpu->result), "%u 0x%llx 0x%llx\n", leaf.level,
			  leaf.size, leaf.bus);

	return ret;
}

static int run_pentry(struct testgpu *gpu, char **args)
{
	return look(gpu, args, NULL);
}

static int run_pwalk(struct testgpu *gpu, char **args)
{
	return look(gpu, args, &gpu->edu);
}

/* How many pages from the two addresses on lead to the same place; says what the next one does. */
static u64 count_same(struct testgpu *gpu, struct walk *walk, u64 addr, u64 ggtt, u64 pages)
{
	struct leaf a, b;
	u64 n;

	for (n = 0; n < pages; n++, addr += PAGE_SIZE, ggtt += PAGE_SIZE) {
		a.bus = 0;
		b.bus = 0;
		if (walk_ppgtt(walk, addr, &a) || walk_ggtt(walk, ggtt, &b) || a.bus != b.bus) {
			scnprintf(gpu->result, sizeof(gpu->result),
				  "0x%llx leads to 0x%llx, not 0x%llx\n", addr, a.bus, b.bus);
			break;
		}
	}
	return n;
}

static int run_psame(struct testgpu *gpu, char **args)
{
	u64 addr, ggtt, len, pages;
	struct walk walk;
	int ret;

	if (kstrtou64(args[PPGTT_ARGS], 0, &addr) || kstrtou64(args[PPGTT_ARGS + 1], 0, &ggtt) ||
	    kstrtou64(args[PPGTT_ARGS + 2], 0, &len))
		return -EINVAL;

	ret = open_ppgtt(&walk, args);
	if (ret)
		return ret;
	pages = len >> PAGE_SHIFT;
	walk_begin(&walk);
	if (count_same(gpu, &walk, addr, ggtt, pages) == pages)
		scnprintf(gpu->result, sizeof(gpu->result), "%llu\n", pages);
	walk_end(&walk);
	walk_close(&walk);

	return 0;
}

static int run_unpin(struct testgpu *gpu, char **args)
{
	if (!gpu->pinned.ppgtt)
		return -ENOENT;
	walk_close(&gpu->pinned);
	memset(&gpu->pinned, 0, sizeof(gpu->pinned));
	return 0;
}

static int run_pin(struct testgpu *gpu, char **args)
{
	const u64 *pdp = gpu->pinned.root;
	struct xengt_ppgtt_root root;
	int ret;

	if (gpu->pinned.ppgtt)
		return -EBUSY;
	ret = parse_root(args, &root) ?: walk_pin(&gpu->pinned, args[0], &root);
	if (!ret)
		scnprintf(gpu->result, sizeof(gpu->result), "0x%llx 0x%llx 0x%llx 0x%llx\n",
			  pdp[0], pdp[1], pdp[2], pdp[3]);
	return ret;
}

static int run_save(struct testgpu *gpu, char **args)
{
	int ret = saved_take(&gpu->saved, args[0]);

	if (!ret)
		scnprintf(gpu->result, sizeof(gpu->result), "%zu\n", gpu->saved.len);
	return ret;
}

static int run_restore(struct testgpu *gpu, char **args)
{
	return saved_restore(&gpu->saved, args[0]);
}

static const struct command commands[] = {
	{ "copy", 3, run_copy },
	{ "fill", 3, run_fill },
	{ "entry", 1, run_entry },
	{ "bfn", 2, run_bfn },
	{ "pcopy", PPGTT_ARGS + 3, run_pcopy },
	{ "pentry", PPGTT_ARGS + 1, run_pentry },
	{ "pwalk", PPGTT_ARGS + 1, run_pwalk },
	{ "psame", PPGTT_ARGS + 3, run_psame },
	{ "pin", PPGTT_ARGS, run_pin },
	{ "unpin", 0, run_unpin },
	{ "save", 1, run_save },
	{ "restore", 1, run_restore },
};

static int run(struct testgpu *gpu, char **words, int n)
{
	int i;

	gpu->result[0] = 0;
	for (i = 0; n && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(words[0], commands[i].name) && n - 1 == commands[i].args)
			return commands[i].run(gpu, words + 1);
	return -EINVAL;
}

static int split_and_run(struct testgpu *gpu, const char *text)
{
	char **words;
	int n, ret;

	words = argv_split(GFP_KERNEL, text, &n);
	if (!words)
		return -ENOMEM;
	if (mutex_lock_interruptible(&gpu->lock)) {
		ret = -EINTR;
	} else {
		ret = run(gpu, words, n);
		mutex_unlock(&gpu->lock);
	}
	argv_free(words);

	return ret;
}

static ssize_t command_write(struct file *file, const char __user *ubuf, size_t count, loff_t *pos)
{
	char text[MAX_COMMAND];
	int ret;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, ubuf, count))
		return -EFAULT;
	text[count] = 0;

	ret = split_and_run(file->private_data, text);
	return ret ?: count;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = command_write,
};

static ssize_t result_read(struct file *file, char __user *ubuf, size_t count, loff_t *pos)
{
	struct testgpu *gpu = file->private_data;
	char result[sizeof(gpu->result)];

	if (mutex_lock_interruptible(&gpu->lock))
		return -EINTR;
	memcpy(result, gpu->result, sizeof(result));
	mutex_unlock(&gpu->lock);

	return simple_read_from_buffer(ubuf, count, pos, result, strlen(result));
}

static const struct file_operations result_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = result_read,
};

void testgpu_commands_create(struct testgpu *gpu)
{
	gpu->dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("command", 0200, gpu->dir, gpu, &command_fops);
	debugfs_create_file("result", 0400, gpu->dir, gpu, &result_fops);
	debugfs_create_file("table", 0400, gpu->dir, gpu, &testgpu_table_fops);
}

/* Waits for a command that is under way. */
void testgpu_commands_remove(struct testgpu *gpu)
{
	debugfs_remove(gpu->dir);
	if (gpu->pinned.ppgtt)
		run_unpin(gpu, NULL);
	saved_drop(&gpu->saved);
}
