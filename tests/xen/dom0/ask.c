// SPDX-License-Identifier: GPL-2.0
/*
 * ask PTY SECONDS COMMAND...: sends a command to the agent in a guest, through the guest's console,
 * and prints its answer.
 * Exit status: 0 the agent said ok, 1 it said fail, 2 no answer in time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char line[8192];
static size_t used;

/* A whole line from the console, or NULL when a second went by without one. */
static char *next_line(int fd)
{
	static char out[sizeof(line)];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *end;
	ssize_t n;

	while (!(end = memchr(line, '\n', used))) {
		if (used == sizeof(line))
			used = 0;
		if (poll(&p, 1, 1000) <= 0)
			return NULL;
		n = read(fd, line + used, sizeof(line) - used);
		if (n <= 0) {
			usleep(100000);
			return NULL;
		}
		used += n;
	}
	*end = 0;
	strcpy(out, line);
	used -= end + 1 - line;
	memmove(line, end + 1, used);
	return out;
}

static void send_all(int fd, const char *s)
{
	size_t n = strlen(s);

	while (n) {
		ssize_t done = write(fd, s, n);

		if (done < 0) {
			perror("ask: write");
			exit(2);
		}
		s += done;
		n -= done;
	}
}

int main(int argc, char **argv)
{
	char command[4096] = "", mark[32];
	struct termios t;
	int fd, i, left;
	char *got;

	if (argc < 4) {
		fprintf(stderr, "usage: ask PTY SECONDS COMMAND...\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_NOCTTY);
	if (fd < 0) {
		fprintf(stderr, "ask: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	if (!tcgetattr(fd, &t)) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	snprintf(mark, sizeof(mark), "@%d ", getpid());
	strcat(command, mark);
	for (i = 3; i < argc; i++) {
		if (strlen(command) + strlen(argv[i]) + 3 > sizeof(command))
			return 2;
		strcat(command, argv[i]);
		strcat(command, i + 1 < argc ? " " : "\n");
	}
	send_all(fd, command);
	for (left = atoi(argv[2]); left > 0;) {
		got = next_line(fd);
		if (!got) {
			left--;
			continue;
		}
		got[strcspn(got, "\r")] = 0;
		if (strncmp(got, mark, strlen(mark)))
			continue;
		got += strlen(mark);
		if (!strncmp(got, "ok", 2)) {
			if (got[2])
				puts(got + 3);
			return 0;
		}
		if (!strncmp(got, "fail", 4)) {
			puts(got[4] ? got + 5 : "failed");
			return 1;
		}
	}
	puts("no answer");
	return 2;
}
