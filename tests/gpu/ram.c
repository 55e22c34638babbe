// SPDX-License-Identifier: GPL-2.0
/* The machine's RAM; see ram.h. */
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "log.h"
#include "ram.h"

#define MAX_FILES 16
#define MAX_REGIONS 16

static struct file {
	dev_t dev;
	ino_t ino;
	uint64_t size;
	uint8_t *host;
} files[MAX_FILES];
static unsigned int nr_files;

static struct region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
} regions[MAX_REGIONS];
static unsigned int nr_regions;

static struct file *find_file(const struct stat *st)
{
	unsigned int i;

	for (i = 0; i < nr_files; i++)
		if (files[i].dev == st->st_dev && files[i].ino == st->st_ino)
			return &files[i];
	return NULL;
}

/* Regions of one file come again and again: it is mapped once. */
static struct file *map_file(int fd)
{
	struct file *file;
	struct stat st;

	if (fstat(fd, &st) || st.st_size <= 0)
		return NULL;
	file = find_file(&st);
	if (file || nr_files == MAX_FILES)
		return file;

	file = &files[nr_files];
	file->host = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file->host == MAP_FAILED)
		return NULL;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	file->size = st.st_size;
	nr_files++;
	return file;
}

void ram_clear(void)
{
	nr_regions = 0;
}

bool ram_add(int fd, uint64_t gpa, uint64_t size, uint64_t offset)
{
	struct file *file = map_file(fd);

	if (!file || nr_regions == MAX_REGIONS || offset > file->size ||
	    size > file->size - offset || gpa + size < gpa) {
		log_event("RAM at %lx, %lx bytes at %lx of its file: cannot be used",
			  gpa, size, offset);
		return false;
	}
	regions[nr_regions++] = (struct region){ gpa, size, file->host + offset };
	return true;
}

void *ram_at(uint64_t gpa, uint64_t len)
{
	const struct region *r;

	for (r = regions; r < regions + nr_regions; r++)
		if (gpa >= r->gpa && gpa - r->gpa <= r->size && len <= r->size - (gpa - r->gpa))
			return r->host + (gpa - r->gpa);
	return NULL;
}
