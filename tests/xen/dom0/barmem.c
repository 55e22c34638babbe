// SPDX-License-Identifier: GPL-2.0
/*
 * barmem: looks into a memory BAR of a PCI device, and fills it. FILE is the BAR's resource file in
 * sysfs, SIZE is that of an element in bytes, 4 or 8, and OFFSET is where the first one is. The
 * kernel needs iomem=relaxed if a driver has the BAR.
 *
 *   barmem read FILE OFFSET SIZE		prints the element
 *   barmem fill FILE OFFSET SIZE COUNT VALUE
 *   barmem count FILE OFFSET SIZE COUNT VALUE	prints how many elements have the value
 *
 * Exit status: 0; 1 and a message if that is not possible.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096

/**
 * struct elements - the elements of a BAR that a command is about
 * @at: where the first one is
 * @size: size of each in bytes, 4 or 8
 * @count: number of elements
 */
struct elements {
	volatile void *at;
	uint64_t size;
	uint64_t count;
};

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (end == text || *end)
		errx(1, "%s is no number", text);
	return value;
}

/* Maps only the pages that are needed: a driver may have mapped others with another caching. */
static void *map_range(int fd, const char *path, uint64_t offset, uint64_t bytes)
{
	uint64_t first = offset & ~(uint64_t)(PAGE - 1);
	char *p = mmap(NULL, offset - first + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, first);

	if (p == MAP_FAILED)
		err(1, "%s cannot be mapped", path);
	return p + (offset - first);
}

static struct elements find_elements(char **args, const char *count)
{
	struct elements e = { .size = parse_number(args[2]), .count = parse_number(count) };
	uint64_t offset = parse_number(args[1]), size;
	int fd = open(args[0], O_RDWR | O_SYNC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", args[0]);
	if (e.size != 4 && e.size != 8)
		errx(1, "elements have 4 or 8 bytes");
	size = st.st_size;
	if (!e.count || offset % e.size || offset > size || e.count > (size - offset) / e.size)
		errx(1, "%s has no such elements", args[0]);
	e.at = map_range(fd, args[0], offset, e.count * e.size);
	close(fd);
	return e;
}

static uint64_t get(const struct elements *e, uint64_t i)
{
	return e->size == 8 ? ((volatile uint64_t *)e->at)[i] : ((volatile uint32_t *)e->at)[i];
}

static void put(const struct elements *e, uint64_t i, uint64_t value)
{
	if (e->size == 8)
		((volatile uint64_t *)e->at)[i] = value;
	else
		((volatile uint32_t *)e->at)[i] = value;
}

static void read_one(char **args)
{
	struct elements e = find_elements(args, "1");

	printf("0x%llx\n", (unsigned long long)get(&e, 0));
}

static void fill(char **args)
{
	struct elements e = find_elements(args, args[3]);
	uint64_t value = parse_number(args[4]), i;

	for (i = 0; i < e.count; i++)
		put(&e, i, value);
}

static void count(char **args)
{
	struct elements e = find_elements(args, args[3]);
	uint64_t value = parse_number(args[4]), i, found = 0;

	for (i = 0; i < e.count; i++)
		found += get(&e, i) == value;
	printf("%llu\n", (unsigned long long)found);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "read"))
		read_one(argv + 2);
	else if (argc == 7 && !strcmp(argv[1], "fill"))
		fill(argv + 2);
	else if (argc == 7 && !strcmp(argv[1], "count"))
		count(argv + 2);
	else
		errx(1, "usage: barmem read|fill|count FILE OFFSET SIZE [COUNT VALUE]");
	return 0;
}
