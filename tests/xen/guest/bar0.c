// SPDX-License-Identifier: GPL-2.0
/*
 * BAR 0 as the guest's driver sees it: its mapping, the PVINFO page, the register that makes the
 * GPU forget. Layout of PVINFO and what to write: i915_pvinfo.h and intel_gtt.c of i915.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "agent.h"

#define BAR0_SIZE	0x1000000
#define PVINFO		0x78000
#define GFX_FLSH_CNTL	0x101008
#define FLUSH		1

enum notification {
	L3_CREATE = 2,
	L3_DESTROY,
	L4_CREATE,
	L4_DESTROY,
};

/* As in i915_pvinfo.h. */
struct vgt_if {
	uint64_t magic;
	uint16_t version_major;
	uint16_t version_minor;
	uint32_t vgt_id;
	uint32_t vgt_caps;
	uint32_t rsv1[11];
	struct {
		uint32_t base, size;
	} mappable, hidden;
	uint32_t fence_num;
	uint32_t rsv2[3];
	uint32_t rsv3[0x200 - 24];
	uint32_t rsv4;
	uint32_t display_ready;
	uint32_t rsv5[4];
	uint32_t g2v_notify;
	uint32_t rsv6[5];
	uint32_t cursor_x_hot, cursor_y_hot;
	struct {
		uint32_t lo, hi;
	} pdp[MAX_PDPS];
	uint32_t context_lo, context_hi;
	uint32_t rsv7[0x200 - 24];
};

static_assert(sizeof(struct vgt_if) == PAGE_SIZE, "PVINFO is a page");
static_assert(offsetof(struct vgt_if, g2v_notify) == 0x818, "g2v_notify");

static uint8_t *bar0;

bool bar0_map(uint64_t address)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);

	if (bar0)
		munmap(bar0, BAR0_SIZE);
	bar0 = mmap(NULL, BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
	close(fd);
	if (bar0 == MAP_FAILED) {
		bar0 = NULL;
		return refuse("/dev/mem: %s", strerror(errno));
	}
	return true;
}

void *bar0_at(unsigned int offset)
{
	return bar0 + offset;
}

static volatile struct vgt_if *pvinfo(void)
{
	return bar0_at(PVINFO);
}

bool have_bar0(void)
{
	return bar0 || refuse("bar0 first");
}

void gpu_flush(void)
{
	*(volatile uint32_t *)bar0_at(GFX_FLSH_CNTL) = FLUSH;
}

/*
 * pvinfo: MAGIC MAJOR.MINOR CAPABILITIES MAPPABLE-BASE MAPPABLE-SIZE HIDDEN-BASE HIDDEN-SIZE
 * FENCES, with the sizes of access that i915 uses
 */
static bool cmd_pvinfo(char **args, int n)
{
	volatile struct vgt_if *info = pvinfo();
	unsigned long long magic;

	(void)args;
	(void)n;
	if (!have_bar0())
		return false;
	magic = info->magic;
	return answer("0x%llx %u.%u 0x%x 0x%x 0x%x 0x%x 0x%x %u", magic, info->version_major,
		      info->version_minor, info->vgt_caps, info->mappable.base,
		      info->mappable.size, info->hidden.base, info->hidden.size, info->fence_num);
}

/* load: how i915 finds PVINFO (intel_vgpu_detect()), and says that it has loaded */
static bool cmd_load(char **args, int n)
{
	volatile struct vgt_if *info = pvinfo();
	uint64_t magic;
	uint16_t major;

	(void)args;
	(void)n;
	if (!have_bar0())
		return false;
	magic = info->magic;
	major = info->version_major;
	info->display_ready = 1;
	return answer("0x%llx %u", (unsigned long long)magic, major);
}

/* flush: a GTT invalidate, at which what was written so far is in the shadow */
static bool cmd_flush(char **args, int n)
{
	(void)args;
	(void)n;
	if (!have_bar0())
		return false;
	gpu_flush();
	return true;
}

static volatile uint32_t *find_register(const char *offset)
{
	unsigned long at = number(offset);

	if (!have_bar0())
		return NULL;
	if (at > BAR0_SIZE - 4 || at % 4) {
		refuse("no register");
		return NULL;
	}
	return bar0_at(at);
}

/* poke OFFSET VALUE: a 32-bit register */
static bool cmd_poke(char **args, int n)
{
	volatile uint32_t *to = find_register(args[0]);

	(void)n;
	if (!to)
		return false;
	*to = number(args[1]);
	return true;
}

/* peek OFFSET */
static bool cmd_peek(char **args, int n)
{
	volatile uint32_t *from = find_register(args[0]);

	(void)n;
	return from && answer("0x%x", *from);
}

/* LEVELS PAGE[,PAGE,PAGE,PAGE] */
bool parse_root(char **args, struct root *root)
{
	char *rest = args[1], *one;
	unsigned int i;

	root->levels = number(args[0]);
	if (root->levels != 3 && root->levels != 4)
		return refuse("%u levels", root->levels);
	root->pages = root->levels == 4 ? 1 : MAX_PDPS;
	for (i = 0; i < root->pages; i++) {
		one = strsep(&rest, ",");
		if (!one)
			return refuse("the root needs %u pages", root->pages);
		root->page[i] = number(one);
		if (!usable_pages(root->page[i], 1))
			return false;
	}
	return true;
}

/* Announces a PPGTT, or takes that back. */
void tell_ppgtt(const struct root *root, bool create)
{
	uint64_t address;
	unsigned int i;

	for (i = 0; i < root->pages; i++) {
		address = page_gfn(root->page[i]) * PAGE_SIZE;
		pvinfo()->pdp[i].lo = address;
		pvinfo()->pdp[i].hi = address >> 32;
	}
	if (root->levels == 4)
		pvinfo()->g2v_notify = create ? L4_CREATE : L4_DESTROY;
	else
		pvinfo()->g2v_notify = create ? L3_CREATE : L3_DESTROY;
}

static bool tell_root(char **args, bool create)
{
	struct root root;

	if (!have_bar0() || !parse_root(args, &root))
		return false;
	tell_ppgtt(&root, create);
	return true;
}

/* announce LEVELS ROOT: a PPGTT, by its root */
static bool cmd_announce(char **args, int n)
{
	(void)n;
	return tell_root(args, true);
}

/* retire LEVELS ROOT: it is one no more */
static bool cmd_retire(char **args, int n)
{
	(void)n;
	return tell_root(args, false);
}

const struct command bar0_commands[] = {
	{ "pvinfo", 0, cmd_pvinfo },
	{ "load", 0, cmd_load },
	{ "flush", 0, cmd_flush },
	{ "poke", 2, cmd_poke },
	{ "peek", 1, cmd_peek },
	{ "announce", 2, cmd_announce },
	{ "retire", 2, cmd_retire },
	{ }
};
