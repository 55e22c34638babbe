// SPDX-License-Identifier: GPL-2.0
/*
 * marked CONFIG FROM TO FILE: writes 1 to FILE between two marks, which are numbers written to a
 * register of the edu device that is nothing but storage.
 *
 * With a strict IOMMU Xen takes dom0's own page tables out of the IOMMU's, so each process that is
 * made or ends is some IOTLB invalidations. Between these marks there is none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define INTERRUPT_LINE 0x3c

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	unsigned char from, to;
	int config, file;

	if (argc != 5) {
		fprintf(stderr, "usage: marked CONFIG FROM TO FILE\n");
		return 2;
	}
	from = atoi(argv[2]);
	to = atoi(argv[3]);
	config = open_file(argv[1]);
	file = open_file(argv[4]);
	if (mlockall(MCL_CURRENT) || pwrite(config, &from, 1, INTERRUPT_LINE) != 1 ||
	    write(file, "1", 1) != 1 || pwrite(config, &to, 1, INTERRUPT_LINE) != 1) {
		perror("marked");
		return 1;
	}
	return 0;
}
