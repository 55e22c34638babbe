// SPDX-License-Identifier: GPL-2.0
/*
 * The edu device (docs/specs/edu.txt in QEMU), by way of its files in sysfs.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "edu.h"

#define DEVICE		"0x11e8"
#define PCI_COMMAND	4
#define  PCI_MEMORY	2
#define  PCI_MASTER	4
#define PCI_INT_LINE	0x3c

#define DMA_SRC		(0x80 / 8)
#define DMA_DST		(0x88 / 8)
#define DMA_COUNT	(0x90 / 8)
#define DMA_CMD		(0x98 / 8)
#define  DMA_RUN	1
#define  DMA_TO_MEMORY	2
#define BUFFER		0x40000

static volatile uint64_t *regs;
static char dir[128];
static int config;
static unsigned char mark = 9;

static bool file(const char *name, char *path, size_t size)
{
	return snprintf(path, size, "%s/%s", dir, name) < (int)size;
}

static bool is_edu(const char *path)
{
	char id[16] = "";
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	if (!fgets(id, sizeof(id), f))
		id[0] = 0;
	fclose(f);
	return !strncmp(id, DEVICE, strlen(DEVICE));
}

static bool find(void)
{
	glob_t g;
	size_t i;

	if (glob("/sys/bus/pci/devices/*/device", 0, NULL, &g))
		return false;
	for (i = 0; i < g.gl_pathc && !is_edu(g.gl_pathv[i]); i++)
		;
	if (i < g.gl_pathc)
		snprintf(dir, sizeof(dir), "%.*s",
			 (int)(strrchr(g.gl_pathv[i], '/') - g.gl_pathv[i]), g.gl_pathv[i]);
	globfree(&g);
	return dir[0];
}

bool edu_open(void)
{
	char path[160];
	uint16_t command;
	int fd;

	if (!find())
		return false;
	file("enable", path, sizeof(path));
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		return false;
	close(fd);
	file("config", path, sizeof(path));
	config = open(path, O_RDWR);
	if (config < 0 || pread(config, &command, 2, PCI_COMMAND) != 2)
		return false;
	command |= PCI_MEMORY | PCI_MASTER;
	if (pwrite(config, &command, 2, PCI_COMMAND) != 2)
		return false;
	file("resource0", path, sizeof(path));
	fd = open(path, O_RDWR | O_SYNC);
	if (fd < 0)
		return false;
	regs = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return regs != MAP_FAILED;
}

uint64_t edu_bar(void)
{
	char path[160];
	unsigned long long start = 0;
	FILE *f;

	file("resource", path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%llx", &start) != 1)
		start = 0;
	fclose(f);
	return start;
}

static bool transfer(uint64_t src, uint64_t dst, unsigned int len, unsigned int direction)
{
	int i;

	regs[DMA_SRC] = src;
	regs[DMA_DST] = dst;
	regs[DMA_COUNT] = len;
	regs[DMA_CMD] = DMA_RUN | direction;
	for (i = 0; i < 3000; i++) {
		if (!(regs[DMA_CMD] & DMA_RUN))
			return true;
		usleep(10000);
	}
	return false;
}

bool edu_copy(uint64_t from, uint64_t to, unsigned int len)
{
	return transfer(from, BUFFER, len, 0) && transfer(BUFFER, to, len, DMA_TO_MEMORY);
}

unsigned int edu_mark(void)
{
	mark++;
	if (pwrite(config, &mark, 1, PCI_INT_LINE) != 1)
		perror("devmap: mark");
	return mark;
}
