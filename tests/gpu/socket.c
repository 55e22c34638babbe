// SPDX-License-Identifier: GPL-2.0
/* A connection to a UNIX socket; see socket.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "socket.h"

int socket_connect(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(name.sun_path)) {
		log_event("%s: the path of a socket may have %zu bytes", path,
			  sizeof(name.sun_path) - 1);
		return -1;
	}
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&name, sizeof(name)))
		return fd;
	log_event("%s: cannot connect: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
