// SPDX-License-Identifier: GPL-2.0
/*
 * gem OBJECTS PAGES: a program that uses the GPU's aperture, in a guest with i915: it makes so many
 * objects of so many pages, maps them through the GTT, and touches them again and again until it is
 * killed. Each time i915 binds those that are not bound. It says "bound" after the first time.
 *
 * Nothing is behind the aperture here; that i915 writes the entries is all that matters.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* i915_drm.h of Linux */
struct gem_create {
	uint64_t size;
	uint32_t handle;
	uint32_t pad;
};

struct gem_mmap_gtt {
	uint32_t handle;
	uint32_t pad;
	uint64_t offset;
};

#define IOCTL_GEM_CREATE	_IOWR('d', 0x40 + 0x1b, struct gem_create)
#define IOCTL_GEM_MMAP_GTT	_IOWR('d', 0x40 + 0x24, struct gem_mmap_gtt)

#define PAGE_SIZE	4096
#define MAX_OBJECTS	64
#define PAUSE_US	200000

static volatile char *objects[MAX_OBJECTS];

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "gem: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* An object, mapped through the GTT */
static void *make_object(int fd, size_t size)
{
	struct gem_create create = { .size = size };
	struct gem_mmap_gtt map = { };
	void *object;

	if (ioctl(fd, IOCTL_GEM_CREATE, &create))
		fail("no object");
	map.handle = create.handle;
	if (ioctl(fd, IOCTL_GEM_MMAP_GTT, &map))
		fail("no mapping through the GTT");
	object = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, map.offset);
	if (object == MAP_FAILED)
		fail("mmap");
	return object;
}

static void touch(unsigned int count, size_t size)
{
	unsigned int i;
	size_t at;

	for (i = 0; i < count; i++)
		for (at = 0; at < size; at += PAGE_SIZE)
			(void)objects[i][at];
}

int main(int argc, char **argv)
{
	unsigned int i, count = argc == 3 ? strtoul(argv[1], NULL, 0) : 0;
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 0) * PAGE_SIZE : 0;
	int fd;

	if (!count || count > MAX_OBJECTS || !size) {
		fprintf(stderr, "usage: gem OBJECTS PAGES; up to %d objects\n", MAX_OBJECTS);
		return 2;
	}
	fd = open("/dev/dri/card0", O_RDWR);
	if (fd < 0)
		fail("/dev/dri/card0");
	for (i = 0; i < count; i++)
		objects[i] = make_object(fd, size);
	touch(count, size);
	puts("bound");
	fflush(stdout);
	for (;;) {
		usleep(PAUSE_US);
		touch(count, size);
	}
}
