// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a line to QEMU's debug port (isa-debugcon at 0x7e9), where the hypervisor's and the
 * kernel's messages cannot mix with it: its arguments, or standard input up to the end.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_PORT 0x7e9

static int port;

static void put(const char *s, size_t n)
{
	while (n--)
		if (pwrite(port, s++, 1, DEBUG_PORT) != 1)
			perror("report: /dev/port");
}

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;
	int i;

	port = open("/dev/port", O_WRONLY);
	if (port < 0) {
		perror("report: /dev/port");
		return 1;
	}
	for (i = 1; i < argc; i++) {
		put(argv[i], strlen(argv[i]));
		put(i + 1 < argc ? " " : "\n", 1);
	}
	if (argc == 1)
		while ((n = read(0, buf, sizeof(buf))) > 0)
			put(buf, n);
	return 0;
}
