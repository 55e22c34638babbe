// SPDX-License-Identifier: GPL-2.0
/*
 * books DOMID: how many pages Xen has in that domain's name (XENMEM_current_reservation). A page
 * that the guest gave up stays in its name for as long as somebody holds a reference on it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define HYPERVISOR_memory_op		12
#define XENMEM_current_reservation	3

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

int main(int argc, char **argv)
{
	struct privcmd_hypercall call = { .op = HYPERVISOR_memory_op };
	volatile uint16_t domid;
	int fd, pages;

	if (argc != 2) {
		fprintf(stderr, "usage: books DOMID\n");
		return 2;
	}
	fd = open("/dev/xen/privcmd", O_RDWR);
	if (fd < 0) {
		perror("books: /dev/xen/privcmd");
		return 1;
	}
	domid = atoi(argv[1]);
	call.arg[0] = XENMEM_current_reservation;
	call.arg[1] = (uintptr_t)&domid;
	pages = ioctl(fd, IOCTL_PRIVCMD_HYPERCALL, &call);
	if (pages < 0) {
		perror("books: XENMEM_current_reservation");
		return 1;
	}
	printf("%d\n", pages);
	return 0;
}
