// SPDX-License-Identifier: GPL-2.0
/*
 * elsp CASE...: submits contexts to a GPU by hand, in a guest whose i915 is not loaded. Most cases
 * are what no driver does, and what the mediator of a virtual GPU has to refuse.
 *
 * After each case comes a submission that is as it has to be. "CASE: RESULT, NEXT" is printed:
 * RESULT is "stored" if the case's own batch was executed, and otherwise "dropped"; NEXT is "next
 * stored" or "next dropped", of the submission after it. The mediator may have given the guest up
 * for good, and after a hang it drops what was queued behind it.
 *
 * The blitter executes all: its context has two pages. What a batch does is to store a number
 * through a PPGTT. Formats: the PRM of Broadwell, "Execlists" and "Register State Context".
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define GPU		"/sys/bus/pci/devices/0000:00:02.0/"
#define BAR0_SIZE	(16u << 20)
#define GTT_OFFSET	(8u << 20)
#define PAGE		4096u
#define PRESENT		1u
#define PRESENT_WRITE	3u

/* PVINFO, as i915_pvinfo.h has it */
#define PVINFO		0x78000u
#define MAPPABLE_BASE	(PVINFO + 0x40)
#define MAPPABLE_SIZE	(PVINFO + 0x44)

/* The blitter's registers */
#define BCS		0x22000u
#define HWS_PGA		(BCS + 0x80)
#define INTERRUPT_MASK	(BCS + 0xa8)
#define GFX_MODE	(BCS + 0x29c)
#define ENABLE_RUN_LIST	0x80008000u	/* a mask, and the bit */
#define ELSP		(BCS + 0x230)
#define ROOT_LOW	(BCS + 0x270)
#define ROOT_HIGH	(BCS + 0x274)

#define RING_START	(BCS + 0x38)
#define CHICKEN		(BCS + 0xd4)
#define CONTEXT_CONTROL	(BCS + 0x244)
#define INSTRUCTION_MODE	(BCS + 0xc0)	/* INSTPM */
#define MOCS		0xcc00u		/* the blitter's: how memory is cached */

/* A video engine's */
#define VCS		0x12000u
#define VCS_HWS_PGA	(VCS + 0x80)
#define VCS_GFX_MODE	(VCS + 0x29c)
#define VCS_ELSP	(VCS + 0x230)

/* The render engine's */
#define RCS_ELSP	0x2230u
#define RCS_INSTRUCTION_MODE	0x20c0u

/* The whole GPU's: how it arbitrates memory */
#define ARB_MODE	0x4030u
#define CACHE_CONTROL	0xb118u		/* GEN8_L3SQCREG4 */

/* A context's descriptor, and the dwords of its register state that matter */
#define CONTEXT_VALID	1u
#define LEGACY_3_LEVELS	0x8u
#define LEGACY_4_LEVELS	0x18u
#define PRIVILEGED	0x100u
#define STATE_PAGE	1
#define STATE_CONTROL	0x03
#define STATE_HEAD	0x05
#define STATE_TAIL	0x07
#define STATE_START	0x09
#define STATE_RING	0x0b
#define STATE_PDP0_HIGH	0x31
#define STATE_PDP0_LOW	0x33
#define STATE_IMAGE	0x50	/* the engine's own part, loaded unless NO_RESTORE is set */
#define NO_RESTORE	1u

/* Commands */
#define MI_NOOP			0u
#define MI_REPORT_HEAD		(0x07u << 23)
#define MI_BATCH_BUFFER_END	(0x0au << 23)
#define MI_LOAD_SCAN_LINES(n)	(0x12u << 23 | ((n) - 2))
#define MI_STORE_DATA_IMM	(0x20u << 23 | 2)
#define MI_LOAD_REGISTER_IMM(n)	(0x22u << 23 | (2 * (n) - 1))
#define FIRST_BYTE_ONLY	0xe00u
#define MI_LOAD_REGISTER_MEM	(0x29u << 23 | 2)
#define MI_STORE_REGISTER_MEM	(0x24u << 23 | 2)
#define MI_FLUSH_DW(n)		(0x26u << 23 | ((n) - 2))
#define STORE_NUMBER		0x4000u
#define FLUSH_IN_GGTT		4u
#define MI_BATCH_BUFFER_START	(0x31u << 23 | 1)
#define MFX_WAIT		0x68000000u
#define IN_PPGTT		0x100u
#define USE_GGTT		0x400000u

#define TARGET_AT	0x200000u	/* in the PPGTT, the batch of which is the page before */
#define BATCH_AT	(TARGET_AT - PAGE)
#define WAIT_MS		10000

/* The pages of a submission; in the GGTT they follow each other, too. */
enum {
	CONTEXT,		/* two pages */
	RING = CONTEXT + 2,
	GGTT_BATCH,
	PML4, PDP, PD, PT,
	BATCH,
	TARGET,
	SET_SIZE,
};

/* All pages of the guest's that the GPU uses */
enum {
	CASE_SET = 0,
	NEXT_SET = SET_SIZE,	/* for the submission after the case */
	STATUS = 2 * SET_SIZE,	/* of the hardware */
	NR_PAGES,
	NO_PAGE = 63,		/* an entry of the share that is empty */
};

static volatile uint32_t *bar0;
static uint32_t (*page)[PAGE / 4];
static uint64_t pfns[NR_PAGES];
static uint32_t share;		/* its first graphics address */
static uint32_t number = 0x600d0000;
static uint32_t nr_submitted;

static uint32_t at(unsigned int n)
{
	return share + n * PAGE;
}

static void write_register(uint32_t offset, uint32_t value)
{
	bar0[offset / 4] = value;
}

static void *map(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_SYNC);
	void *mapped;

	if (fd < 0)
		err(1, "%s", path);
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	return mapped;
}

static void enable_device(void)
{
	int fd = open(GPU "enable", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, GPU "enable");
	close(fd);
}

/* Pages that stay where they are, and where that is */
static void take_pages(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned int i;

	page = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	if (fd < 0 || page == MAP_FAILED)
		err(1, "no memory");
	for (i = 0; i < NR_PAGES; i++) {
		page[i][0] = 1;
		if (pread(fd, &pfns[i], 8, ((uintptr_t)page[i] / PAGE) * 8) != 8)
			err(1, "/proc/self/pagemap");
		pfns[i] &= (1ULL << 55) - 1;
	}
	close(fd);
}

static uint64_t address_of(unsigned int n)
{
	return pfns[n] * PAGE;
}

static void set_ggtt(unsigned int n, uint64_t entry)
{
	volatile uint64_t *gtt = (void *)(bar0 + GTT_OFFSET / 4);

	gtt[share / PAGE + n] = entry;
}

static void map_at(unsigned int n, unsigned int page_nr)
{
	set_ggtt(n, address_of(page_nr) | PRESENT);
}

static void map_all(void)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		map_at(i, i);
	set_ggtt(NO_PAGE, 0);
}

static void begin(void)
{
	enable_device();
	bar0 = map(GPU "resource0", BAR0_SIZE);
	share = bar0[MAPPABLE_BASE / 4];
	if (bar0[MAPPABLE_SIZE / 4] <= NO_PAGE * PAGE)
		errx(1, "the share is too small");
	take_pages();
	map_all();
}

/* What a case changes before it is submitted */
struct submission {
	unsigned int set;	/* the first of its pages */
	uint32_t descriptor;
	uint32_t elsp;		/* of its engine */
	uint32_t *ring;		/* its commands */
	unsigned int n;		/* how many dwords these are */
	uint32_t *state;
};

static void set_entry(const struct submission *s, unsigned int table, unsigned int index,
		      unsigned int n)
{
	((uint64_t *)page[s->set + table])[index % 512] = address_of(s->set + n) | PRESENT_WRITE;
}

static void make_ppgtt(const struct submission *s)
{
	set_entry(s, PML4, 0, PDP);
	set_entry(s, PDP, 0, PD);
	set_entry(s, PD, TARGET_AT >> 21, PT);
	set_entry(s, PD, BATCH_AT >> 21, PT);
	set_entry(s, PT, TARGET_AT >> 12, TARGET);
	set_entry(s, PT, BATCH_AT >> 12, BATCH);
}

static void add(struct submission *s, uint32_t dword)
{
	s->ring[s->n++] = dword;
}

static void add_batch(struct submission *s, uint32_t flags, uint32_t address)
{
	add(s, MI_BATCH_BUFFER_START | flags);
	add(s, address);
	add(s, 0);
	add(s, MI_NOOP);
}

/* Not the first command of the ring, as GVT's parser has it */
static void add_ggtt_batch(struct submission *s, uint32_t address)
{
	add(s, MI_NOOP);
	add(s, MI_NOOP);
	add_batch(s, 0, address);
}

static void fill(uint32_t *batch)
{
	const uint32_t commands[] = {
		MI_STORE_DATA_IMM, TARGET_AT, 0, number, MI_BATCH_BUFFER_END, MI_NOOP,
	};

	memcpy(batch, commands, sizeof(commands));
}

static void fill_batch(const struct submission *s, unsigned int n)
{
	fill(page[s->set + n]);
}

static void make_context(const struct submission *s)
{
	uint64_t root = address_of(s->set + PML4);

	s->state[STATE_CONTROL] = NO_RESTORE << 16 | NO_RESTORE;
	s->state[STATE_START] = at(s->set + RING);
	s->state[STATE_RING] = PRESENT;	/* of one page */
	s->state[STATE_PDP0_HIGH] = root >> 32;
	s->state[STATE_PDP0_LOW] = root;
}

/* A submission that is as it has to be, but for the commands of its ring: it has none yet. */
static void prepare(struct submission *s, unsigned int set)
{
	memset(page[set], 0, SET_SIZE * PAGE);
	number++;
	*s = (struct submission){
		.set = set,
		.descriptor = CONTEXT_VALID | LEGACY_4_LEVELS | PRIVILEGED | at(set + CONTEXT),
		.elsp = ELSP,
		.ring = page[set + RING],
		.state = page[set + CONTEXT + STATE_PAGE],
	};
	make_ppgtt(s);
	make_context(s);
	fill_batch(s, BATCH);
}

static void write_elsp(uint32_t elsp, uint32_t descriptor)
{
	write_register(elsp, 0);
	write_register(elsp, 0);
	write_register(elsp, ++nr_submitted);
	write_register(elsp, descriptor);
}

static void submit(struct submission *s)
{
	if (!s->state[STATE_TAIL])
		s->state[STATE_TAIL] = s->n * 4;
	write_elsp(s->elsp, s->descriptor);
}

/* A mediator that has given the guest up drops what it writes to registers. */
static bool is_given_up(void)
{
	uint32_t mask = ~bar0[INTERRUPT_MASK / 4];

	write_register(INTERRUPT_MASK, mask);
	return bar0[INTERRUPT_MASK / 4] != mask;
}

static bool has_stored(const struct submission *s)
{
	volatile uint32_t *target = page[s->set + TARGET];

	return *target != 0;
}

static bool stores_soon(const struct submission *s)
{
	int ms;

	for (ms = 0; !has_stored(s) && !is_given_up() && ms < WAIT_MS; ms++)
		usleep(1000);
	return has_stored(s);
}

static void sound(struct submission *s)
{
	add_batch(s, IN_PPGTT, BATCH_AT);
}

/* The cases */

static void three_levels(struct submission *s)
{
	sound(s);
	s->descriptor = (s->descriptor & ~LEGACY_4_LEVELS) | LEGACY_3_LEVELS;
}

static void root_in_ring(struct submission *s)
{
	add(s, MI_LOAD_REGISTER_IMM(2));
	add(s, ROOT_HIGH);
	add(s, address_of(s->set + PML4) >> 32);
	add(s, ROOT_LOW);
	add(s, address_of(s->set + PML4));
	add(s, MI_NOOP);
	sound(s);
}

static void add_load(struct submission *s, uint32_t offset, uint32_t value)
{
	add(s, MI_LOAD_REGISTER_IMM(1));
	add(s, offset);
	add(s, value);
	add(s, MI_NOOP);
}

/* This half makes the GPU load the root. */
static void half_a_root_in_ring(struct submission *s)
{
	add_load(s, ROOT_LOW, address_of(s->set + PML4));
	sound(s);
}

/* As drivers do for workarounds */
static void own_registers(struct submission *s)
{
	add_load(s, INSTRUCTION_MODE, 0);
	add_load(s, MOCS, 0);
	sound(s);
}

/* The GPU would switch to another context while this one waits for memory. */
static void control_in_ring(struct submission *s)
{
	add_load(s, CONTEXT_CONTROL, 0x00080000);
	sound(s);
}

static void other_engine_in_ring(struct submission *s)
{
	add_load(s, RCS_INSTRUCTION_MODE, 0);
	sound(s);
}

static void whole_gpu_in_ring(struct submission *s)
{
	add_load(s, ARB_MODE, 0);
	sound(s);
}

/* The engine does not save it. */
static void unsaved_in_ring(struct submission *s)
{
	add_load(s, CHICKEN, 0x00010000);
	sound(s);
}

/* Three dwords, which GVT takes for two. What is the third one's would be the next command's. */
static void scan_lines_in_ring(struct submission *s)
{
	add(s, MI_LOAD_SCAN_LINES(3));
	add(s, 0);
	add(s, MI_NOOP);
	add(s, MI_NOOP);
	sound(s);
}

static void video(struct submission *s)
{
	write_register(VCS_HWS_PGA, at(STATUS));
	write_register(VCS_GFX_MODE, ENABLE_RUN_LIST);
	s->elsp = VCS_ELSP;
	sound(s);
}

/* One dword, which GVT takes for two: it does not look at the second one. */
static void wait_in_video_ring(struct submission *s)
{
	add(s, MFX_WAIT);
	add(s, MI_NOOP);
	video(s);
}

/* For these bits GVT gives a guest up that writes the register itself. */
static void chicken_in_ring(struct submission *s)
{
	add_load(s, CHICKEN, 0x00180018);
	sound(s);
}

/* The rest of the register keeps another value. */
static void byte_in_ring(struct submission *s)
{
	add(s, MI_LOAD_REGISTER_IMM(1) | FIRST_BYTE_ONLY);
	add(s, INSTRUCTION_MODE);
	add(s, 0);
	add(s, MI_NOOP);
	sound(s);
}

static void other_engine_from_memory(struct submission *s)
{
	add(s, MI_LOAD_REGISTER_MEM | USE_GGTT);
	add(s, CACHE_CONTROL);
	add(s, at(s->set + TARGET));
	add(s, 0);
	sound(s);
}

static void load_in_image(struct submission *s, uint32_t offset, uint32_t value)
{
	const uint32_t image[] = { MI_LOAD_REGISTER_IMM(1), offset, value, MI_BATCH_BUFFER_END };

	s->state[STATE_CONTROL] = NO_RESTORE << 16;
	memcpy(s->state + STATE_IMAGE, image, sizeof(image));
	sound(s);
}

/* The emulated GPU does not load it, so this says only that it is not refused. */
static void image(struct submission *s)
{
	load_in_image(s, INSTRUCTION_MODE, 0);
}

/* The host's images have no such command. */
static void command_in_image(struct submission *s)
{
	image(s);
	s->state[STATE_IMAGE + 3] = MI_REPORT_HEAD;
	s->state[STATE_IMAGE + 4] = MI_BATCH_BUFFER_END;
}

static void ring_in_image(struct submission *s)
{
	load_in_image(s, RING_START, at(s->set + BATCH));
}

static void other_engine_in_image(struct submission *s)
{
	load_in_image(s, RCS_INSTRUCTION_MODE, 0);
}

static void mode_in_image(struct submission *s)
{
	load_in_image(s, GFX_MODE, ENABLE_RUN_LIST);
}

static void control_in_image(struct submission *s)
{
	load_in_image(s, CONTEXT_CONTROL, 0x00080000);
}

static void whole_gpu_in_image(struct submission *s)
{
	load_in_image(s, ARB_MODE, 0);
}

static void mode_in_ring(struct submission *s)
{
	add_load(s, GFX_MODE, ENABLE_RUN_LIST);
	sound(s);
}

/* The register has no value: that would be the next command. */
static void load_without_value(struct submission *s)
{
	add(s, MI_LOAD_REGISTER_IMM(1) - 1);
	add(s, BCS + 0x28);
	sound(s);
}

/* What the parser would go on with is behind the call: the end itself. */
static void end_in_ring(struct submission *s)
{
	add(s, MI_BATCH_BUFFER_START | IN_PPGTT);
	add(s, BATCH_AT);
	add(s, 0);
	add(s, MI_BATCH_BUFFER_END);
}

static void root_nowhere(struct submission *s)
{
	sound(s);
	s->state[STATE_PDP0_HIGH] = 0x7f;
	s->state[STATE_PDP0_LOW] = 0xfffff000;
}

/* Refused while the blitter has nothing else to do */
static void foreign_register(struct submission *s)
{
	add(s, MI_STORE_REGISTER_MEM | USE_GGTT);
	add(s, BCS + 0x74);
	add(s, at(s->set + TARGET));
	add(s, 0);
	sound(s);
}

static void unknown_command(struct submission *s)
{
	add(s, 0x1fu << 23 | 0x3f);
	sound(s);
}

static void ggtt_batch(struct submission *s)
{
	fill_batch(s, GGTT_BATCH);
	add_ggtt_batch(s, at(s->set + GGTT_BATCH));
}

/* The GPU would execute the guest's own batch, not the copy that was scanned. */
static void ggtt_batch_first(struct submission *s)
{
	fill_batch(s, GGTT_BATCH);
	add_batch(s, 0, at(s->set + GGTT_BATCH));
}

/* The address at which the scan of the ring ends */
static void ggtt_batch_at_tail(struct submission *s)
{
	add_ggtt_batch(s, at(s->set + RING) + 6 * 4);
	fill(&s->ring[s->n]);
}

static void ggtt_batch_goes_on(struct submission *s)
{
	uint32_t *batch = page[s->set + GGTT_BATCH];

	batch[0] = MI_BATCH_BUFFER_START;
	batch[1] = at(s->set + GGTT_BATCH) + 64;
	fill(batch + 64 / 4);
	add_ggtt_batch(s, at(s->set + GGTT_BATCH));
}

static void ggtt_batch_outside(struct submission *s)
{
	add_ggtt_batch(s, at(NO_PAGE) + 0x10000000);
}

static void ggtt_batch_in_nothing(struct submission *s)
{
	add_ggtt_batch(s, at(NO_PAGE));
}

static void ggtt_batch_calls_itself(struct submission *s)
{
	page[s->set + GGTT_BATCH][0] = MI_BATCH_BUFFER_START;
	page[s->set + GGTT_BATCH][1] = at(s->set + GGTT_BATCH);
	add_ggtt_batch(s, at(s->set + GGTT_BATCH));
}

/* What follows is no page. Behind its usual place are page tables, which can pass for commands. */
static void ggtt_batch_without_end(struct submission *s)
{
	map_at(NO_PAGE - 1, s->set + GGTT_BATCH);
	add_ggtt_batch(s, at(NO_PAGE - 1));
}

static void store_outside(struct submission *s)
{
	add(s, MI_STORE_DATA_IMM | USE_GGTT);
	add(s, 0);
	add(s, 0);
	add(s, number);
	sound(s);
}

/* Five dwords: a number of 64 bits */
static void flush_outside(struct submission *s)
{
	add(s, MI_FLUSH_DW(5) | STORE_NUMBER);
	add(s, FLUSH_IN_GGTT);
	add(s, 0);
	add(s, number);
	add(s, number);
	add(s, MI_NOOP);
	sound(s);
}

/* What the guest uses the render engine for, whose execution lists may not be enabled */
static void render_not_enabled(struct submission *s)
{
	sound(s);
	write_elsp(RCS_ELSP, s->descriptor);
}

static void ring_misaligned(struct submission *s)
{
	sound(s);
	s->state[STATE_START] += 64;
}

static void ring_outside(struct submission *s)
{
	sound(s);
	s->state[STATE_START] = 0;
}

static void ring_in_nothing(struct submission *s)
{
	sound(s);
	s->state[STATE_START] = at(NO_PAGE);
}

static void tail_beyond_ring(struct submission *s)
{
	sound(s);
	s->state[STATE_TAIL] = 4 * PAGE + 64;
}

static void head_beyond_ring(struct submission *s)
{
	sound(s);
	s->state[STATE_HEAD] = 3 * PAGE;
}

static void head_odd(struct submission *s)
{
	add(s, MI_NOOP);
	add(s, MI_NOOP);
	sound(s);
	s->state[STATE_HEAD] = 4;
}

/* The last command of the ring goes on behind the tail. */
static void command_beyond_tail(struct submission *s)
{
	sound(s);
	add(s, MI_LOAD_REGISTER_IMM(100));
	add(s, BCS + 0x50);
}

static void context_outside(struct submission *s)
{
	sound(s);
	s->descriptor = (s->descriptor & (PAGE - 1)) | 0x10000000;
}

static void context_in_nothing(struct submission *s)
{
	sound(s);
	s->descriptor = (s->descriptor & (PAGE - 1)) | at(NO_PAGE);
}

static void context_unprivileged(struct submission *s)
{
	sound(s);
	s->descriptor &= ~PRIVILEGED;
}

static void context_invalid(struct submission *s)
{
	sound(s);
	s->descriptor &= ~CONTEXT_VALID;
}

static void status_outside(struct submission *s)
{
	sound(s);
	write_register(HWS_PGA, 0);
}

#define CASE(f)	{ #f, f }

static const struct {
	const char *name;
	void (*change)(struct submission *s);
} cases[] = {
	CASE(sound), CASE(three_levels), CASE(root_in_ring), CASE(root_nowhere),
	CASE(foreign_register), CASE(unknown_command), CASE(ggtt_batch), CASE(ggtt_batch_outside),
	CASE(ggtt_batch_in_nothing), CASE(ggtt_batch_calls_itself), CASE(ggtt_batch_without_end),
	CASE(store_outside), CASE(ring_misaligned), CASE(ring_outside), CASE(ring_in_nothing),
	CASE(tail_beyond_ring), CASE(head_beyond_ring), CASE(command_beyond_tail),
	CASE(context_outside), CASE(context_in_nothing), CASE(context_unprivileged),
	CASE(context_invalid), CASE(status_outside), CASE(half_a_root_in_ring), CASE(mode_in_ring),
	CASE(load_without_value), CASE(end_in_ring), CASE(ggtt_batch_first),
	CASE(ggtt_batch_at_tail), CASE(ggtt_batch_goes_on), CASE(flush_outside),
	CASE(render_not_enabled), CASE(head_odd), CASE(own_registers), CASE(control_in_ring),
	CASE(other_engine_in_ring), CASE(whole_gpu_in_ring), CASE(image), CASE(ring_in_image),
	CASE(other_engine_in_image), CASE(chicken_in_ring), CASE(byte_in_ring),
	CASE(other_engine_from_memory), CASE(mode_in_image), CASE(control_in_image),
	CASE(whole_gpu_in_image), CASE(unsaved_in_ring), CASE(scan_lines_in_ring), CASE(video),
	CASE(wait_in_video_ring), CASE(command_in_image),
};

static void (*find_case(const char *name))(struct submission *s)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			return cases[i].change;
	errx(2, "there is no case %s", name);
}

/* Work is done in its order, so the next submission tells when the case is over. */
static void run(const char *name)
{
	void (*change)(struct submission *s) = find_case(name);
	struct submission s, next;
	bool went_on;

	write_register(HWS_PGA, at(STATUS));
	write_register(GFX_MODE, ENABLE_RUN_LIST);
	prepare(&s, CASE_SET);
	change(&s);
	submit(&s);
	write_register(HWS_PGA, at(STATUS));
	prepare(&next, NEXT_SET);
	sound(&next);
	submit(&next);
	went_on = stores_soon(&next);
	printf("%s: %s, next %s\n", name, has_stored(&s) ? "stored" : "dropped",
	       went_on ? "stored" : "dropped");
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		errx(2, "usage: elsp CASE...");
	begin();
	for (i = 1; i < argc; i++)
		run(argv[i]);
	return 0;
}
