// SPDX-License-Identifier: GPL-2.0
/*
 * Has the GPU of the machine's own i915 execute a batch, as any program does, and looks what it
 * did: the batch stores a number into a buffer. The host's i915 works if this does.
 *
 * Usage: batch [COUNT]     so many batches, one after the other (1)
 */

#include <i915_drm.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>

#define PAGE		4096u
#define SECONDS(n)	((n) * 1000000000ll)

/* The commands of a batch (PRM, volume 2a), for generations 8 and 9 */
#define MI_STORE_DATA_IMM	(0x20u << 23 | 2)	/* of 32 bits, to a PPGTT address */
#define MI_BATCH_BUFFER_END	(0x0au << 23)

/* Where the buffers are in the PPGTT */
#define BATCH_AT	0x100000u
#define TARGET_AT	0x200000u
#define NUMBER_AT	64u	/* in the target, in bytes */

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

static __u32 new_buffer(int fd)
{
	struct drm_i915_gem_create create = { .size = PAGE };

	if (ioctl(fd, DRM_IOCTL_I915_GEM_CREATE, &create))
		err(1, "no buffer");
	return create.handle;
}

static void put(int fd, __u32 handle, const void *data, __u64 size)
{
	struct drm_i915_gem_pwrite write = {
		.handle = handle, .size = size, .data_ptr = (uintptr_t)data,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_PWRITE, &write))
		err(1, "a buffer cannot be written");
}

static __u32 number_in(int fd, __u32 handle)
{
	__u32 number = 0;
	struct drm_i915_gem_pread read = {
		.handle = handle, .offset = NUMBER_AT, .size = sizeof(number),
		.data_ptr = (uintptr_t)&number,
	};

	if (ioctl(fd, DRM_IOCTL_I915_GEM_PREAD, &read))
		err(1, "a buffer cannot be read");
	return number;
}

static void execute(int fd, __u32 target, __u32 batch)
{
	struct drm_i915_gem_exec_object2 objects[] = {
		{ .handle = target, .offset = TARGET_AT,
		  .flags = EXEC_OBJECT_PINNED | EXEC_OBJECT_WRITE },
		{ .handle = batch, .offset = BATCH_AT, .flags = EXEC_OBJECT_PINNED },
	};
	struct drm_i915_gem_execbuffer2 exec = {
		.buffers_ptr = (uintptr_t)objects, .buffer_count = 2, .batch_len = PAGE,
		.flags = I915_EXEC_RENDER,
	};
	struct drm_i915_gem_wait wait = { .bo_handle = batch, .timeout_ns = SECONDS(120) };

	if (ioctl(fd, DRM_IOCTL_I915_GEM_EXECBUFFER2, &exec))
		err(1, "the batch is not accepted");
	if (ioctl(fd, DRM_IOCTL_I915_GEM_WAIT, &wait))
		err(1, "the batch does not end");
}

int main(int argc, char **argv)
{
	__u32 count = argc > 1 ? strtoul(argv[1], NULL, 0) : 1, i;
	int fd = open_gpu();
	__u32 target = new_buffer(fd), batch = new_buffer(fd);

	for (i = 1; i <= count; i++) {
		const __u32 commands[] = {
			MI_STORE_DATA_IMM, TARGET_AT + NUMBER_AT, 0, 0x600d0000 + i,
			MI_BATCH_BUFFER_END, 0,
		};

		put(fd, batch, commands, sizeof(commands));
		execute(fd, target, batch);
		if (number_in(fd, target) != 0x600d0000 + i)
			errx(1, "batch %u left 0x%x", i, number_in(fd, target));
	}
	printf("%u\n", count);
	return 0;
}
