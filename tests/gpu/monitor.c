// SPDX-License-Identifier: GPL-2.0
/* QEMU's monitor; see monitor.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"
#include "socket.h"

#define PROMPT "(qemu) "
#define SECONDS 5

static const char *socket_path;
static int fd = -1;
static bool given_up;

static void give_up(const char *why)
{
	log_event("monitor: %s: the IOMMU cannot be read", why);
	if (fd >= 0)
		close(fd);
	fd = -1;
	given_up = true;
}

/* All that comes up to a prompt after "mark" */
static bool receive(char *text, size_t size, const char *mark)
{
	size_t n = 0;
	char *at;

	while (n < size - 1) {
		ssize_t got = read(fd, text + n, size - 1 - n);

		if (got <= 0)
			return false;
		n += got;
		text[n] = 0;
		at = strstr(text, mark);
		if (at && strstr(at, PROMPT))
			return true;
	}
	return false;
}

static bool is_open(void)
{
	struct timeval limit = { .tv_sec = SECONDS };
	char greeting[1024];

	if (fd >= 0)
		return true;
	if (!socket_path || given_up)
		return false;
	fd = socket_connect(socket_path);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) &&
	    receive(greeting, sizeof(greeting), PROMPT))
		return true;
	give_up("no greeting");
	return false;
}

void monitor_use(const char *path)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	given_up = false;
	socket_path = path;
}

bool monitor_read(uint64_t address, uint64_t *value)
{
	static const char mark[] = ": 0x";
	char text[4096];

	if (!is_open())
		return false;
	if (dprintf(fd, "xp /1gx 0x%lx\n", address) < 0 || !receive(text, sizeof(text), mark)) {
		give_up("no answer");
		return false;
	}
	*value = strtoull(strstr(text, mark) + 2, NULL, 16);
	return true;
}
