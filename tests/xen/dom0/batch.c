// SPDX-License-Identifier: GPL-2.0
/*
 * Has the GPU of the machine's own i915 execute a batch, as any program does, and looks what it
 * did: the batch stores a number into a buffer. The host's i915 works if this does.
 *
 * Usage: batch [COUNT [PAGES]]     so many batches, one after the other (1)
 *        batch stall               one that waits for a word which nobody writes, until it is ended
 *        batch spin                one that jumps to itself, until it is ended
 *        batch aperture PAGES      no batch: a buffer of so many pages is used through the aperture
 *
 * Without PAGES, all batches store into the same page. With it, each has a buffer of so many pages
 * of its own in the place of the one before, and stores into the last page. It is submitted while
 * the GPU executes another batch, which waits for a word in memory until then: the page tables
 * change under a context that runs. The buffer before is kept until the store, so that none has its
 * pages.
 *
 * Through the aperture each page's first and last word is written, and others are read: four
 * accesses for each page, and no others.
 */

#include <i915_drm.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>

#define PAGE		4096u
#define SECONDS(n)	((n) * 1000000000ll)

/* The commands of a batch (PRM, volume 2a), for generations 8 and 9 */
#define MI_STORE_DATA_IMM	(0x20u << 23 | 2)	/* of 32 bits, to a PPGTT address */
#define MI_SEMAPHORE_WAIT	(0x1cu << 23 | 2)	/* for 32 bits at a PPGTT address */
#define SEMAPHORE_POLL		0x8000u
#define SEMAPHORE_EQUAL		(4u << 12)
#define MI_BATCH_BUFFER_END	(0x0au << 23)
#define MI_BATCH_BUFFER_START	(0x31u << 23 | 1)	/* at a PPGTT address */
#define BATCH_IN_PPGTT		0x100u

/* Where the buffers are in the PPGTT */
#define BATCH_AT	0x100000u
#define GATE_BATCH_AT	0x101000u
#define GATE_AT		0x102000u
#define TARGET_AT	0x200000u
#define NUMBER_AT	64u	/* in the target's last page, in bytes */
#define MAX_PAGES	1024u

/* What batch n stores is n more. */
#define FIRST_NUMBER	0x600d0000u

static int open_gpu(void)
{
	char path[32], name[8] = "";
	drm_version_t version;
	int fd, i;

	for (i = 0; i < 16; i++) {
		version = (drm_version_t){ .name_len = 4, .name = name };
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR);
		if (fd < 0)
			continue;
		if (!ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "i915"))
			return fd;
	}
	errx(1, "no /dev/dri/card* is of i915's");
}

static __u32 new_buffer(int fd, __u64 size)
{
	struct drm_i915_gem_create create = { .size = size };

	if (ioctl(fd, DRM_IOCTL_I915_GEM_CREATE, &create))
		err(1, "no buffer");
	return create.handle;
}

static void close_buffer(int fd, __u32 handle)
{
	struct drm_gem_close gone = { .handle = handle };

	if (ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone))
		err(1, "a buffer cannot be closed");
}

static void put_at(int fd, __u32 handle, __u32 offset, const void *data, __u64 size)
{
	struct drm_i915_gem_pwrite write = {
		.handle = handle, .offset = offset, .size = size, .data_ptr = (uintptr_t)data,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_PWRITE, &write))
		err(1, "a buffer cannot be written");
}

static void put(int fd, __u32 handle, const void *data, __u64 size)
{
	put_at(fd, handle, 0, data, size);
}

static __u32 number_in(int fd, __u32 handle, __u32 offset)
{
	__u32 number = 0;
	struct drm_i915_gem_pread read = {
		.handle = handle, .offset = offset, .size = sizeof(number),
		.data_ptr = (uintptr_t)&number,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_PREAD, &read))
		err(1, "a buffer cannot be read");
	return number;
}

/* A buffer, and where it is in the PPGTT */
struct placed {
	__u32 handle;
	__u32 at;
};

static void submit(int fd, struct placed batch, struct placed used)
{
	struct drm_i915_gem_exec_object2 objects[] = {
		{ .handle = used.handle, .offset = used.at,
		  .flags = EXEC_OBJECT_PINNED | EXEC_OBJECT_WRITE },
		{ .handle = batch.handle, .offset = batch.at, .flags = EXEC_OBJECT_PINNED },
	};
	struct drm_i915_gem_execbuffer2 exec = {
		.buffers_ptr = (uintptr_t)objects, .buffer_count = 2, .batch_len = PAGE,
		.flags = I915_EXEC_RENDER,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_EXECBUFFER2, &exec))
		err(1, "the batch is not accepted");
}

static void wait_for(int fd, struct placed batch)
{
	struct drm_i915_gem_wait wait = { .bo_handle = batch.handle, .timeout_ns = SECONDS(120) };

	if (ioctl(fd, DRM_IOCTL_I915_GEM_WAIT, &wait))
		err(1, "the batch does not end");
}

/* Fills a batch that has the GPU store @number at @offset of what is at TARGET_AT. */
static void fill_store(int fd, struct placed batch, __u32 offset, __u32 number)
{
	const __u32 commands[] = {
		MI_STORE_DATA_IMM, TARGET_AT + offset, 0, number, MI_BATCH_BUFFER_END, 0,
	};

	put(fd, batch.handle, commands, sizeof(commands));
}

static void check(int fd, struct placed target, __u32 offset, __u32 number)
{
	__u32 found = number_in(fd, target.handle, offset);

	if (found != number)
		errx(1, "the batch left 0x%x in place of 0x%x", found, number);
}

/* So many batches that store into the same page */
static void store_in_turn(int fd, struct placed batch, __u32 count)
{
	struct placed target = { new_buffer(fd, PAGE), TARGET_AT };
	__u32 i;

	for (i = 1; i <= count; i++) {
		fill_store(fd, batch, NUMBER_AT, FIRST_NUMBER + i);
		submit(fd, batch, target);
		wait_for(fd, batch);
		check(fd, target, NUMBER_AT, FIRST_NUMBER + i);
	}
}

/* Makes the batch that waits until the first word of the gate is 1. */
static struct placed new_gate_batch(int fd)
{
	const __u32 commands[] = {
		MI_SEMAPHORE_WAIT | SEMAPHORE_POLL | SEMAPHORE_EQUAL, 1, GATE_AT, 0,
		MI_BATCH_BUFFER_END, 0,
	};
	struct placed batch = { new_buffer(fd, PAGE), GATE_BATCH_AT };

	put(fd, batch.handle, commands, sizeof(commands));
	return batch;
}

/* Maps a page of a buffer. What the CPU writes there does not wait for the GPU. */
static volatile __u32 *map_buffer(int fd, struct placed buffer)
{
	struct drm_i915_gem_mmap map = { .handle = buffer.handle, .size = PAGE };

	if (ioctl(fd, DRM_IOCTL_I915_GEM_MMAP, &map))
		err(1, "a buffer cannot be mapped");
	return (void *)(uintptr_t)map.addr_ptr;
}

/* One batch, until i915 ends it. Nothing says so but the wait. */
static void stall(int fd)
{
	struct placed batch = new_gate_batch(fd);

	submit(fd, batch, (struct placed){ new_buffer(fd, PAGE), GATE_AT });
	wait_for(fd, batch);
}

static void spin(int fd, struct placed batch)
{
	const __u32 commands[] = {
		MI_BATCH_BUFFER_START | BATCH_IN_PPGTT, BATCH_AT, 0,
		MI_BATCH_BUFFER_END,
	};

	put(fd, batch.handle, commands, sizeof(commands));
	submit(fd, batch, (struct placed){ new_buffer(fd, PAGE), TARGET_AT });
	wait_for(fd, batch);
}

/* So many batches, each with a new buffer, submitted while another one of the context runs */
static void store_in_new_buffers(int fd, struct placed batch, __u32 count, __u32 pages)
{
	struct placed gate_batch = new_gate_batch(fd), gate = { new_buffer(fd, PAGE), GATE_AT };
	struct placed target, before = { 0 };
	volatile __u32 *open = map_buffer(fd, gate);
	__u32 offset = (pages - 1) * PAGE + NUMBER_AT, i;

	for (i = 1; i <= count; i++) {
		*open = 0;
		submit(fd, gate_batch, gate);
		target = (struct placed){ new_buffer(fd, pages * PAGE), TARGET_AT };
		fill_store(fd, batch, offset, FIRST_NUMBER + i);
		submit(fd, batch, target);
		*open = 1;
		wait_for(fd, batch);
		check(fd, target, offset, FIRST_NUMBER + i);
		if (i > 1)
			close_buffer(fd, before.handle);
		before = target;
	}
}

/* Maps a buffer through the GTT: its pages are in the aperture when they are used. */
static volatile __u32 *map_aperture(int fd, __u32 handle, size_t size)
{
	struct drm_i915_gem_mmap_gtt map = { .handle = handle };
	void *aperture;

	if (ioctl(fd, DRM_IOCTL_I915_GEM_MMAP_GTT, &map))
		err(1, "a buffer cannot be mapped through the GTT");
	aperture = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, map.offset);
	if (aperture == MAP_FAILED)
		err(1, "a buffer's place in the aperture cannot be mapped");
	return aperture;
}

/* From now on the aperture is used, and not the buffer's memory. */
static void turn_to_aperture(int fd, __u32 handle)
{
	struct drm_i915_gem_set_domain domain = {
		.handle = handle, .read_domains = I915_GEM_DOMAIN_GTT,
		.write_domain = I915_GEM_DOMAIN_GTT,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_SET_DOMAIN, &domain))
		err(1, "a buffer cannot be used through the aperture");
}

/* Where the word is, in bytes: the first and the last one of each page */
static __u32 at_word(__u32 i)
{
	return i / 2 * PAGE + (i % 2 ? PAGE - sizeof(__u32) : 0);
}

/*
 * What is written through the aperture is in the buffer's memory, and what is in its memory is read
 * through the aperture.
 */
static void use_aperture(int fd, __u32 pages)
{
	__u32 handle = new_buffer(fd, pages * PAGE), words = 2 * pages, number, i;
	volatile __u32 *aperture = map_aperture(fd, handle, pages * PAGE);

	turn_to_aperture(fd, handle);
	for (i = 0; i < words; i++)
		aperture[at_word(i) / sizeof(*aperture)] = FIRST_NUMBER + i;
	for (i = 0; i < words; i++) {
		number = number_in(fd, handle, at_word(i));
		if (number != FIRST_NUMBER + i)
			errx(1, "word %u: 0x%x, not what was written through the aperture", i,
			     number);
	}
	for (i = 0; i < words; i++) {
		number = FIRST_NUMBER + words + i;
		put_at(fd, handle, at_word(i), &number, sizeof(number));
	}
	turn_to_aperture(fd, handle);
	for (i = 0; i < words; i++) {
		number = aperture[at_word(i) / sizeof(*aperture)];
		if (number != FIRST_NUMBER + words + i)
			errx(1, "word %u: 0x%x by the aperture, not what the buffer has", i,
			     number);
	}
}

static __u32 parse_pages(const char *text)
{
	__u32 pages = strtoul(text, NULL, 0);

	if (!pages || pages > MAX_PAGES)
		errx(2, "PAGES: from 1 to %u", MAX_PAGES);
	return pages;
}

static void store(int fd, struct placed batch, int argc, char **argv)
{
	__u32 count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;

	if (argc > 2)
		store_in_new_buffers(fd, batch, count, parse_pages(argv[2]));
	else
		store_in_turn(fd, batch, count);
	printf("%u\n", count);
}

int main(int argc, char **argv)
{
	int fd = open_gpu();
	struct placed batch = { new_buffer(fd, PAGE), BATCH_AT };

	if (argc > 1 && !strcmp(argv[1], "stall"))
		stall(fd);
	else if (argc > 1 && !strcmp(argv[1], "spin"))
		spin(fd, batch);
	else if (argc > 2 && !strcmp(argv[1], "aperture"))
		use_aperture(fd, parse_pages(argv[2]));
	else
		store(fd, batch, argc, argv);
	return 0;
}
