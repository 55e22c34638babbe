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
 *
 * With gfn2= and ppgtt2= it does what a guest does at kexec: it shuts down for a soft reset and
 * takes nothing back. When the toolstack lets it go on, it begins anew as the second kernel, with
 * the pages from gfn2 on and a PPGTT in the pages at ppgtt2. Its driver shows itself as i915 does:
 * it reads the magic and the version of PVINFO first, and sets display_ready last.
 */
#include <stdint.h>

#define GTT_OFFSET	0x800000

/* i915_pvinfo.h of i915: the PVINFO page, and what announces a PPGTT of 4 levels */
#define PVINFO		0x78000
#define VERSION_MAJOR	(PVINFO + 0x8)
#define DISPLAY_READY	(PVINFO + 0x804)
#define G2V_NOTIFY	(PVINFO + 0x818)
#define PDP0		(PVINFO + 0x838)
#define L4_CREATE	4
#define GFX_FLSH_CNTL	0x101008

#define PAGE_SIZE	4096
#define TABLES		4		/* one of each level */

/* xen.h, arch-x86/cpuid.h and sched.h of Xen */
#define XEN_CPUID	0x40000000
#define HYPERCALL_SIZE	32
#define SCHED_OP	29
#define SCHEDOP_SHUTDOWN 2
#define SOFT_RESET	5

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
static uint8_t hypercalls[PAGE_SIZE] __attribute__((aligned(4096)));
static uint32_t kernels;	/* that have run */

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

/* Xen fills the page with its calls when the register that CPUID names is written. */
static void make_hypercalls(void)
{
	uint32_t leaf = XEN_CPUID + 2, msr, unused;

	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(msr), "=c"(unused), "=d"(unused));
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(hypercalls), "d"(0) : "memory");
}

/* Returns when the toolstack lets the guest go on. */
static void shut_down(uint32_t reason)
{
	uint32_t op = SCHEDOP_SHUTDOWN, *argument = &reason;
	uint8_t *call = hypercalls + SCHED_OP * HYPERCALL_SIZE;

	make_hypercalls();
	__asm__ volatile("call *%%eax" : "+a"(call), "+b"(op), "+c"(argument) : : "memory");
}

static void __attribute__((noreturn)) start_second_kernel(struct start_info *info)
{
	__asm__ volatile("jmp start" : : "b"(info));
	__builtin_unreachable();
}

static void detect_vgpu(uint32_t bar0)
{
	(void)*at(bar0, PVINFO);
	(void)*at(bar0, PVINFO + 4);
	(void)*(volatile uint16_t *)(bar0 + VERSION_MAJOR);
}

static void write_all(uint32_t bar0, uint32_t first, uint32_t gfn, uint32_t count)
{
	volatile uint32_t *gtt = at(bar0, GTT_OFFSET);
	uint32_t done, n;

	for (done = 0; done < count; done += n) {
		n = count - done < 512 ? count - done : 512;
		write_entries(gtt + (first + done) * 2, gfn + done, n);
	}
}

/* What the line says of this kernel: the second one has names of its own. */
static uint32_t own_parameter(const char *line, const char *name, const char *second)
{
	return parameter(line, kernels == 1 ? name : second);
}

void run(struct start_info *info);

void __attribute__((used)) run(struct start_info *info)
{
	const char *line = (const char *)(uint32_t)info->command_line;
	uint32_t bar0 = parameter(line, "bar0="), first = parameter(line, "first=");
	uint32_t count = parameter(line, "count="), turn, tables, gfn;
	void (*turn_all)(volatile uint32_t *, uint32_t, uint32_t, uint32_t) = turn_entries;
	volatile uint32_t *gtt = at(bar0, GTT_OFFSET), *table = 0;

	kernels++;
	gfn = own_parameter(line, "gfn=", "gfn2=");
	tables = own_parameter(line, "ppgtt=", "ppgtt2=");
	if (find(line, "gfn2="))
		detect_vgpu(bar0);
	if (!find(line, "storm"))
		write_all(bar0, first, gfn, count);
	*at(bar0, GFX_FLSH_CNTL) = 1;
	if (tables) {
		table = make_ppgtt(tables, gfn, count);
		announce(bar0, tables);
	}
	if (find(line, "gfn2=")) {
		*at(bar0, DISPLAY_READY) = 1;
		*at(bar0, GFX_FLSH_CNTL) = 1;
		if (kernels == 1) {
			shut_down(SOFT_RESET);
			start_second_kernel(info);
		}
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
