// SPDX-License-Identifier: GPL-2.0
/*
 * gpu: has the emulated GPU copy, and asks its judge (control.h). For a shell in the machine that
 * has the GPU, with or without a driver bound to it; the kernel needs iomem=relaxed.
 *
 *   gpu copy FROM TO LENGTH		places are GGTT addresses, or bus:ADDRESS
 *   gpu fill TO LENGTH BYTE
 *   gpu read FROM [4|8]		prints the value
 *   gpu entry ADDRESS			prints the entry in GSM and the one that the GPU uses
 *
 * Those with a PPGTT, which is ENGINE LEVELS PDP...: rcs, vcs, bcs or vecs; 4 and the bus address
 * of the PML4, or 3 and four of page directories. Places are in the PPGTT, or ggtt:ADDRESS, or
 * bus:ADDRESS.
 *
 *   gpu pcopy PPGTT FROM TO LENGTH
 *   gpu pfill PPGTT TO LENGTH BYTE
 *   gpu pread PPGTT FROM [4|8]
 *   gpu pentry PPGTT ADDRESS		LEVEL SIZE BUS by the tables, not by the TLB
 *   gpu load PPGTT			the engine loads a context: it forgets what it knew
 *   gpu root ENGINE			prints LEVELS PDP... of what it has loaded
 *
 *   gpu share ID FIRST N [OWNER]	declares a share; N 0: it is none any more
 *   gpu freeze ID|host			a write to these entries is a violation
 *   gpu thaw ID|host
 *   gpu release BUS LENGTH		they are somebody else's; fails if a TLB has them
 *   gpu take BUS LENGTH		the GPU may use them again
 *   gpu check				fails if a TLB has pages that have been released
 *   gpu counts				NAME VALUE, a line for each
 *   gpu violations			the same, and the last ones; fails if there are any
 *   gpu clear				all to 0
 *
 * Exit status: 0; 1 and a message if the GPU had a fault or there are violations; 2 if it could not
 * be asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control.h"

#define DEVICES		"/sys/bus/pci/devices/*"
#define VENDOR_INTEL	0x8086
#define CLASS_DISPLAY	0x03	/* in bits 23:16 */

#define CANNOT_ASK	2

static volatile uint32_t *block;

struct name {
	const char *name;
	uint32_t value;
};

static const struct name engines[] = {
	{ "rcs", GPU_RCS }, { "vcs", GPU_VCS }, { "bcs", GPU_BCS }, { "vecs", GPU_VECS }, { }
};

static const struct name prefixes[] = {
	{ "ggtt:", GPU_GGTT }, { "ppgtt:", GPU_PPGTT }, { "bus:", GPU_BUS }, { }
};

static const struct name counters[] = {
	{ "gsm_writes", GPU_COUNTER(GPU_GSM_WRITES) },
	{ "gsm_writes_host", GPU_COUNTER(GPU_GSM_WRITES_HOST) },
	{ "gsm_writes_shares", GPU_COUNTER(GPU_GSM_WRITES_SHARES) },
	{ "gsm_writes_partial", GPU_COUNTER(GPU_GSM_WRITES_PARTIAL) },
	{ "gsm_reads", GPU_COUNTER(GPU_GSM_READS) },
	{ "invalidates", GPU_COUNTER(GPU_INVALIDATES) },
	{ "dirty", GPU_COUNTER(GPU_DIRTY) },
	{ "aperture", GPU_COUNTER(GPU_APERTURE) },
	{ "copies", GPU_COUNTER(GPU_COPIES) },
	{ "faults", GPU_COUNTER(GPU_FAULTS) },
	{ "interrupts", GPU_COUNTER(GPU_INTERRUPTS) },
	{ "resets", GPU_COUNTER(GPU_RESETS) },
	{ }
};

static const struct name engine_counters[] = {
	{ "contexts", GPU_CONTEXTS },
	{ "loads", GPU_LOADS },
	{ "tlb_invalidates", GPU_TLB_INVALIDATES },
	{ "tlb_flushes", GPU_TLB_FLUSHES },
	{ "commands", GPU_COMMANDS },
	{ "stores", GPU_STORES },
	{ "faults", GPU_ENGINE_FAULTS },
	{ "hangs", GPU_HANGS },
	{ }
};

static const struct name violations[] = {
	{ "stale_ggtt", GPU_STALE_GGTT },
	{ "stale_ppgtt", GPU_STALE_PPGTT },
	{ "used_released", GPU_USED_RELEASED },
	{ "held_released", GPU_HELD_RELEASED },
	{ "dma_refused", GPU_DMA_REFUSED },
	{ "dma_no_memory", GPU_DMA_NO_MEMORY },
	{ "frozen_write", GPU_FROZEN_WRITE },
	{ "foreign_ring", GPU_FOREIGN_RING },
	{ }
};

static const char * const outcomes[GPU_NR_STATUS] = {
	[GPU_NOT_PRESENT] = "an entry is not present",
	[GPU_REFUSED] = "the IOMMU refuses",
	[GPU_NO_MEMORY] = "there is no RAM at the bus address",
	[GPU_READ_ONLY] = "the page is read-only",
	[GPU_BEYOND] = "the address is beyond the page table",
	[GPU_BAD] = "the GPU cannot do that: see gpu without arguments",
};

struct command {
	const char *name;
	int min;
	int max;
	int (*run)(char **args, int n);
};

static uint32_t get32(uint32_t reg)
{
	return block[reg / 4];
}

static uint64_t get64(uint32_t reg)
{
	return (uint64_t)get32(reg + 4) << 32 | get32(reg);
}

static void set32(uint32_t reg, uint32_t value)
{
	block[reg / 4] = value;
}

static void set64(uint32_t reg, uint64_t value)
{
	set32(reg, value);
	set32(reg + 4, value >> 32);
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "gpu: %s: %s\n", what, why);
	exit(CANNOT_ASK);
}

static uint64_t parse_number(const char *text)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		fail(text, "is no number");
	return value;
}

static uint32_t parse_number32(const char *text)
{
	uint64_t value = parse_number(text);

	if (value >> 32)
		fail(text, "is too large");
	return value;
}

static const struct name *find(const struct name *names, const char *text)
{
	for (; names->name; names++)
		if (!strcmp(names->name, text))
			return names;
	return NULL;
}

static void set_place(uint32_t reg, uint32_t space_reg, const char *text, uint32_t space)
{
	const struct name *p;

	for (p = prefixes; p->name; p++) {
		if (strncmp(text, p->name, strlen(p->name)))
			continue;
		space = p->value;
		text += strlen(p->name);
		break;
	}
	set32(space_reg, space);
	set64(reg, parse_number(text));
}

static void set_from(const char *text, uint32_t space)
{
	set_place(GPU_FROM, GPU_FROM_SPACE, text, space);
}

static void set_to(const char *text, uint32_t space)
{
	set_place(GPU_TO, GPU_TO_SPACE, text, space);
}

static int run_op(uint32_t op)
{
	uint32_t status;

	set32(GPU_OP, op);
	status = get32(GPU_STATUS);
	if (status == GPU_DONE)
		return 0;
	fprintf(stderr, "gpu: 0x%llx: %s\n", (unsigned long long)get64(GPU_FAULT_ADDRESS),
		status < GPU_NR_STATUS ? outcomes[status] : "unknown outcome");
	return 1;
}

/* Sets the engine and the root; returns how many arguments these are. */
static int set_ppgtt(char **args, int n)
{
	const struct name *e = find(engines, args[0]);
	uint32_t levels = parse_number32(args[1]);
	int i, pdps = levels == 3 ? 4 : 1;

	if (!e)
		fail(args[0], "is no engine: rcs, vcs, bcs or vecs");
	if (levels != 3 && levels != 4)
		fail(args[1], "levels have to be 3 or 4");
	if (n < 2 + pdps)
		fail("PPGTT", "3 levels have four PDPs");
	set32(GPU_ENGINE, e->value);
	set32(GPU_LEVELS, levels);
	for (i = 0; i < pdps; i++)
		set64(GPU_PDP(i), parse_number(args[2 + i]));
	return 2 + pdps;
}

static void expect(int n, int min, int max)
{
	if (n < min || n > max)
		fail("arguments", "too few or too many");
}

static int copy(char **args, uint32_t space)
{
	set_from(args[0], space);
	set_to(args[1], space);
	set64(GPU_LENGTH, parse_number(args[2]));
	return run_op(GPU_OP_COPY);
}

static int fill(char **args, uint32_t space)
{
	set_to(args[0], space);
	set64(GPU_LENGTH, parse_number(args[1]));
	set64(GPU_VALUE, parse_number(args[2]));
	return run_op(GPU_OP_FILL);
}

static int read_value(char **args, int n, uint32_t space)
{
	set_from(args[0], space);
	set64(GPU_LENGTH, n > 1 ? parse_number(args[1]) : 4);
	if (run_op(GPU_OP_READ))
		return 1;
	printf("0x%llx\n", (unsigned long long)get64(GPU_VALUE));
	return 0;
}

static int cmd_copy(char **args, int n)
{
	(void)n;
	set32(GPU_ENGINE, GPU_RCS);
	return copy(args, GPU_GGTT);
}

static int cmd_fill(char **args, int n)
{
	(void)n;
	set32(GPU_ENGINE, GPU_RCS);
	return fill(args, GPU_GGTT);
}

static int cmd_read(char **args, int n)
{
	set32(GPU_ENGINE, GPU_RCS);
	return read_value(args, n, GPU_GGTT);
}

static int cmd_entry(char **args, int n)
{
	(void)n;
	set64(GPU_FROM, parse_number(args[0]));
	if (run_op(GPU_OP_ENTRY))
		return 1;
	printf("0x%llx 0x%llx\n", (unsigned long long)get64(GPU_VALUE),
	       (unsigned long long)get64(GPU_OTHER));
	return 0;
}

static int cmd_pcopy(char **args, int n)
{
	int used = set_ppgtt(args, n);

	expect(n - used, 3, 3);
	return copy(args + used, GPU_PPGTT);
}

static int cmd_pfill(char **args, int n)
{
	int used = set_ppgtt(args, n);

	expect(n - used, 3, 3);
	return fill(args + used, GPU_PPGTT);
}

static int cmd_pread(char **args, int n)
{
	int used = set_ppgtt(args, n);

	expect(n - used, 1, 2);
	return read_value(args + used, n - used, GPU_PPGTT);
}

static int cmd_pentry(char **args, int n)
{
	int used = set_ppgtt(args, n);
	uint64_t other;

	expect(n - used, 1, 1);
	set64(GPU_FROM, parse_number(args[used]));
	if (run_op(GPU_OP_WALK))
		return 1;
	other = get64(GPU_OTHER);
	printf("%u 0x%x 0x%llx\n", (unsigned int)(other >> 32), (unsigned int)other,
	       (unsigned long long)get64(GPU_VALUE));
	return 0;
}

static int cmd_load(char **args, int n)
{
	expect(n - set_ppgtt(args, n), 0, 0);
	return run_op(GPU_OP_LOAD);
}

static int cmd_root(char **args, int n)
{
	const struct name *e = find(engines, args[0]);
	uint32_t i, levels;

	(void)n;
	if (!e)
		fail(args[0], "is no engine: rcs, vcs, bcs or vecs");
	set32(GPU_ENGINE, e->value);
	if (run_op(GPU_OP_ROOT))
		return 1;
	levels = get32(GPU_LEVELS);
	printf("%u", levels);
	for (i = 0; i < (levels == 3 ? 4 : 1); i++)
		printf(" 0x%llx", (unsigned long long)get64(GPU_PDP(i)));
	putchar('\n');
	return 0;
}

static int cmd_share(char **args, int n)
{
	set32(GPU_SHARE, parse_number32(args[0]));
	set32(GPU_FIRST, parse_number32(args[1]));
	set32(GPU_NR, parse_number32(args[2]));
	set32(GPU_OWNER, n > 3 ? parse_number32(args[3]) : 0);
	return run_op(GPU_OP_SHARE);
}

static void set_share(const char *text)
{
	set32(GPU_SHARE, strcmp(text, "host") ? parse_number32(text) : GPU_HOST);
}

static int cmd_freeze(char **args, int n)
{
	(void)n;
	set_share(args[0]);
	return run_op(GPU_OP_FREEZE);
}

static int cmd_thaw(char **args, int n)
{
	(void)n;
	set_share(args[0]);
	return run_op(GPU_OP_THAW);
}

static int no_more_held(uint32_t op)
{
	uint64_t before = get64(GPU_VIOLATIONS(GPU_HELD_RELEASED)), found;

	if (run_op(op))
		return 1;
	found = get64(GPU_VIOLATIONS(GPU_HELD_RELEASED)) - before;
	if (found)
		fprintf(stderr, "gpu: TLBs have %llu entries of released pages\n",
			(unsigned long long)found);
	return found != 0;
}

static int cmd_release(char **args, int n)
{
	(void)n;
	set64(GPU_FROM, parse_number(args[0]));
	set64(GPU_LENGTH, parse_number(args[1]));
	return no_more_held(GPU_OP_RELEASE);
}

static int cmd_take(char **args, int n)
{
	(void)n;
	set64(GPU_FROM, parse_number(args[0]));
	set64(GPU_LENGTH, parse_number(args[1]));
	return run_op(GPU_OP_TAKE);
}

static int cmd_check(char **args, int n)
{
	(void)args;
	(void)n;
	return no_more_held(GPU_OP_CHECK);
}

static void print_shares(void)
{
	uint32_t i, regs;

	for (i = 0; i < GPU_NR_SHARES; i++) {
		regs = GPU_SHARE_REGS(i);
		if (!get32(regs + GPU_SHARE_NR))
			continue;
		printf("share%u_writes %llu\n", i,
		       (unsigned long long)get64(regs + GPU_SHARE_WRITES));
		printf("share%u_violations %llu\n", i,
		       (unsigned long long)get64(regs + GPU_SHARE_VIOLATIONS));
	}
}

static int cmd_counts(char **args, int n)
{
	const struct name *c, *e;

	(void)args;
	(void)n;
	for (c = counters; c->name; c++)
		printf("%s %llu\n", c->name, (unsigned long long)get64(c->value));
	for (e = engines; e->name; e++)
		for (c = engine_counters; c->name; c++)
			printf("%s_%s %llu\n", e->name, c->name,
			       (unsigned long long)get64(GPU_ENGINE_COUNTER(e->value, c->value)));
	print_shares();
	return 0;
}

static void print_record(uint32_t regs)
{
	uint32_t kind = get32(regs + GPU_RECORD_KIND), engine = get32(regs + GPU_RECORD_ENGINE);

	if (kind >= GPU_NR_VIOLATIONS)
		return;
	printf("# %s engine %s %s0x%llx used 0x%llx table 0x%llx\n", violations[kind].name,
	       engine < GPU_NR_ENGINES ? engines[engine].name : "none",
	       get32(regs + GPU_RECORD_SPACE) == GPU_GGTT ? "ggtt:" : "ppgtt:",
	       (unsigned long long)get64(regs + GPU_RECORD_ADDRESS),
	       (unsigned long long)get64(regs + GPU_RECORD_USED),
	       (unsigned long long)get64(regs + GPU_RECORD_TABLE));
}

static int cmd_violations(char **args, int n)
{
	uint64_t all = get64(GPU_ALL_VIOLATIONS), i;
	const struct name *v;

	(void)args;
	(void)n;
	for (v = violations; v->name; v++)
		printf("%s %llu\n", v->name, (unsigned long long)get64(GPU_VIOLATIONS(v->value)));
	for (i = all > GPU_NR_RECORDS ? all - GPU_NR_RECORDS : 0; i < all; i++)
		print_record(GPU_RECORD(i));
	return all != 0;
}

static int cmd_clear(char **args, int n)
{
	(void)args;
	(void)n;
	return run_op(GPU_OP_CLEAR);
}

static const struct command commands[] = {
	{ "copy", 3, 3, cmd_copy },
	{ "fill", 3, 3, cmd_fill },
	{ "read", 1, 2, cmd_read },
	{ "entry", 1, 1, cmd_entry },
	{ "pcopy", 6, 9, cmd_pcopy },
	{ "pfill", 6, 9, cmd_pfill },
	{ "pread", 4, 8, cmd_pread },
	{ "pentry", 4, 7, cmd_pentry },
	{ "load", 3, 6, cmd_load },
	{ "root", 1, 1, cmd_root },
	{ "share", 3, 4, cmd_share },
	{ "freeze", 1, 1, cmd_freeze },
	{ "thaw", 1, 1, cmd_thaw },
	{ "release", 2, 2, cmd_release },
	{ "take", 2, 2, cmd_take },
	{ "check", 0, 0, cmd_check },
	{ "counts", 0, 0, cmd_counts },
	{ "violations", 0, 0, cmd_violations },
	{ "clear", 0, 0, cmd_clear },
	{ }
};

static unsigned long attribute(const char *dir, const char *name)
{
	unsigned long value = 0;
	char path[256];
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lx", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

/* A device without a driver may not be enabled yet. */
static void enable_device(const char *dir)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/enable", dir);
	if (attribute(dir, "enable"))
		return;
	f = fopen(path, "w");
	if (!f || fputs("1", f) < 0 || fclose(f))
		fail(path, strerror(errno));
}

static bool map_block(const char *dir)
{
	char path[256];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "%s/resource0", dir);
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		fail(path, strerror(errno));
	p = mmap(NULL, GPU_CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, GPU_CONTROL);
	if (p == MAP_FAILED)
		fail(path, errno == EPERM || errno == EINVAL ?
		     "cannot be mapped: boot the kernel with iomem=relaxed" : strerror(errno));
	close(fd);
	block = p;
	return get32(GPU_MAGIC) == GPU_MAGIC_VALUE && get32(GPU_VERSION) == GPU_VERSION_VALUE;
}

static bool find_gpu(void)
{
	bool found = false;
	glob_t g;
	size_t i;

	if (glob(DEVICES, 0, NULL, &g))
		return false;
	for (i = 0; i < g.gl_pathc && !found; i++) {
		if (attribute(g.gl_pathv[i], "vendor") != VENDOR_INTEL ||
		    attribute(g.gl_pathv[i], "class") >> 16 != CLASS_DISPLAY)
			continue;
		enable_device(g.gl_pathv[i]);
		found = map_block(g.gl_pathv[i]);
	}
	globfree(&g);
	return found;
}

static int print_usage(void)
{
	const struct command *c;

	fprintf(stderr, "usage: gpu COMMAND [ARGUMENT...], with one of these commands:");
	for (c = commands; c->name; c++)
		fprintf(stderr, " %s", c->name);
	fputc('\n', stderr);
	return CANNOT_ASK;
}

int main(int argc, char **argv)
{
	const struct command *c;

	for (c = commands; argc > 1 && c->name; c++)
		if (!strcmp(argv[1], c->name))
			break;
	if (argc < 2 || !c->name || argc - 2 < c->min || argc - 2 > c->max)
		return print_usage();
	if (!find_gpu())
		fail("GPU", "there is no Intel GPU with a control block");
	return c->run(argv + 2, argc - 2);
}
