// SPDX-License-Identifier: GPL-2.0
/*
 * The smallest guest that has a GTT: a flat 32-bit PVH kernel that writes GTT entries at once and
 * then sleeps or goes on writing. Its command line: bar0=ADDRESS first=ENTRY count=ENTRIES
 * gfn=FIRST [ppgtt=ADDRESS] [storm|mstorm]. One starts within a second, where Linux under emulation
 * takes ten. Entries are written by rep movs, those of a storm one by one, those of an mstorm by
 * rep movs.
 *
 * With ppgtt= it also makes a PPGTT of 4 levels, whose tables are the 4 pages from ADDRESS on and
 * whose address 0 is the page FIRST; a storm then goes through the entries of that, too.
 */
#include <stdint.h>

#define GTT_OFFSET	0x800000

/* i915_pvinfo.h of i915: the PVINFO page, and what announces a PPGTT of 4 levels */
#define PVINFO		0x78000
#define G2V_NOTIFY	(PVINFO + 0x818)
#define PDP0		(PVINFO + 0x838)
#define L4_CREATE	4
#define GFX_FLSH_CNTL	0x101008

#define PAGE_SIZE	4096
#define TABLES		4		/* one of each level */

/* The PVH start info, as far as it matters here. */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t modules;
	uint64_t module_list;
	uint64_t command_line;
};

__asm__(".section .text.start, \"ax\"\n"
	".global start\n"
	"start:\n"
	"	cld\n"
	"	mov $stack_top, %esp\n"
	"	push %ebx\n"
	"	call run\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n"
	".section .note.Xen, \"a\", @note\n"
	"	.long 4, 4, 18\n"	/* XEN_ELFNOTE_PHYS32_ENTRY */
	"	.asciz \"Xen\"\n"
	"	.long start\n"
	".section .bss\n"
	"	.balign 16\n"
	"	.skip 4096\n"
	"stack_top:\n"
	".text\n"
);

static uint32_t batch[1024] __attribute__((aligned(4096)));

static const char *find(const char *line, const char *name)
{
	const char *a, *b;

	for (; *line; line++) {
		for (a = line, b = name; *b && *a == *b; a++, b++)
			;
		if (!*b)
			return a;
	}
	return 0;
}

static uint32_t parameter(const char *line, const char *name)
{
	const char *s = find(line, name);
	uint32_t v = 0, base = 10, digit;

	if (!s)
		return 0;
	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = *s - 'a' + 10;
		else
			return v;
		v = v * base + digit;
	}
}

static void move_entries(volatile uint32_t *to, uint32_t count)
{
	uint32_t *from = batch, words = count * 2;

	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static void write_entries(volatile uint32_t *to, uint32_t gfn, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		batch[2 * i] = (gfn + i) << 12 | 1;
		batch[2 * i + 1] = (gfn + i) >> 20;
	}
	move_entries(to, count);
}

static volatile uint32_t *at(uint32_t bar0, uint32_t offset)
{
	return (volatile uint32_t *)(bar0 + offset);
}

/* PML4, PDP, PD and PT in a row. Answers the PT. */
static volatile uint32_t *make_ppgtt(uint32_t tables, uint32_t gfn, uint32_t count)
{
	volatile uint32_t *words = (volatile uint32_t *)tables;
	uint32_t i;

	for (i = 0; i < TABLES * PAGE_SIZE / 4; i++)
		words[i] = 0;
	for (i = 0; i < TABLES - 1; i++, words += PAGE_SIZE / 4)
		words[0] = (uint32_t)(words + PAGE_SIZE / 4) | 3;
	for (i = 0; i < count; i++)
		words[2 * i] = (gfn + i) << 12 | 3;
	return words;
}

static void announce(uint32_t bar0, uint32_t root)
{
	*at(bar0, PDP0) = root;
	*at(bar0, PDP0 + 4) = 0;
	*at(bar0, G2V_NOTIFY) = L4_CREATE;
}

/* Each entry goes through all the pages, by halves. */
static void turn_entries(volatile uint32_t *entries, uint32_t gfn, uint32_t count, uint32_t turn)
{
	uint32_t n;

	for (n = 0; n < count; n++) {
		entries[n * 2] = (gfn + (n + turn) % count) << 12 | 3;
		entries[n * 2 + 1] = 0;
	}
}

/* The same at once, up to 512 of them. */
static void move_turn(volatile uint32_t *entries, uint32_t gfn, uint32_t count, uint32_t turn)
{
	turn_entries(batch, gfn, count, turn);
	move_entries(entries, count);
}

void run(struct start_info *info);

void __attribute__((used)) run(struct start_info *info)
{
	const char *line = (const char *)(uint32_t)info->command_line;
	uint32_t bar0 = parameter(line, "bar0="), tables = parameter(line, "ppgtt=");
	volatile uint32_t *gtt = at(bar0, GTT_OFFSET), *table = 0;
	uint32_t first = parameter(line, "first="), count = parameter(line, "count=");
	void (*turn_all)(volatile uint32_t *, uint32_t, uint32_t, uint32_t) = turn_entries;
	uint32_t gfn = parameter(line, "gfn="), done, n, turn;

	for (done = 0; done < count && !find(line, "storm"); done += n) {
		n = count - done < 512 ? count - done : 512;
		write_entries(gtt + (first + done) * 2, gfn + done, n);
	}
	*at(bar0, GFX_FLSH_CNTL) = 1;
	if (tables) {
		table = make_ppgtt(tables, gfn, count);
		announce(bar0, tables);
	}
	if (!find(line, "storm"))
		return;
	if (find(line, "mstorm"))
		turn_all = move_turn;
	for (turn = 1;; turn++) {
		turn_all(gtt + first * 2, gfn, count, turn);
		if (table)
			turn_all(table, gfn, count, turn);
		*at(bar0, GFX_FLSH_CNTL) = 1;
	}
}
