// SPDX-License-Identifier: GPL-2.0
/* QEMU's protocol; see proxy.h. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bar.h"
#include "engine.h"
#include "gpu_device.h"
#include "log.h"
#include "pci.h"
#include "proxy.h"
#include "ram.h"

#define MAX_FDS		8
#define TRIES		100	/* before it sleeps: to wake up takes longer */
#define POLL_MS		1	/* between two looks of an engine that waits */

enum command {
	SYNC_SYSMEM, RET, CONFIG_WRITE, CONFIG_READ, BAR_WRITE, BAR_READ, SET_IRQFD, DEVICE_RESET,
	NR_COMMANDS
};

struct header {
	int command;
	size_t size;
};

struct config_access {
	uint32_t offset;
	uint32_t value;
	int len;
};

struct bar_access {
	uint64_t address;
	uint64_t value;
	unsigned int size;
	bool memory;
};

struct sysmem {
	uint64_t gpas[MAX_FDS];
	uint64_t sizes[MAX_FDS];
	int64_t offsets[MAX_FDS];
};

struct message {
	struct header header;
	union {
		uint64_t value;
		struct config_access config;
		struct bar_access bar;
		struct sysmem sysmem;
	};
};

#define MOST_COMMON	(sizeof(struct header) + sizeof(struct bar_access))

/* How many bytes follow the header at least; none of the others is for us. */
static const size_t sizes[NR_COMMANDS] = {
	[SYNC_SYSMEM] = sizeof(struct sysmem),
	[CONFIG_WRITE] = sizeof(struct config_access),
	[CONFIG_READ] = sizeof(struct config_access),
	[BAR_WRITE] = sizeof(struct bar_access),
	[BAR_READ] = sizeof(struct bar_access),
};

/**
 * struct link - a connection
 * @fd: of the socket
 * @n: bytes that have been received and not served
 * @input: these
 * @fds: descriptors that came with them
 * @nr_fds: how many
 */
struct link {
	int fd;
	size_t n;
	uint8_t input[sizeof(struct message) + MOST_COMMON];
	int fds[MAX_FDS];
	unsigned int nr_fds;
};

static void close_fds(struct link *l)
{
	while (l->nr_fds)
		close(l->fds[--l->nr_fds]);
}

static void keep_fds(struct link *l, const struct cmsghdr *c)
{
	size_t i, n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		if (l->nr_fds < MAX_FDS)
			l->fds[l->nr_fds++] = fd;
		else
			close(fd);
	}
}

static ssize_t receive_once(struct link *l, size_t wanted, int flags)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { l->input + l->n, wanted };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC | flags);
	struct cmsghdr *c;

	if (n <= 0)
		return n;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			keep_fds(l, c);
	return n;
}

/* At least so many bytes in all; it asks for no more than "room". False: QEMU has gone. */
static bool receive(struct link *l, size_t wanted, size_t room)
{
	unsigned int tries = 0;
	ssize_t n;

	while (l->n < wanted) {
		n = receive_once(l, room - l->n, tries < TRIES ? MSG_DONTWAIT : 0);
		if (n > 0)
			l->n += n;
		else if (!n || (errno != EAGAIN && errno != EINTR))
			return false;
		tries++;
	}
	return true;
}

static bool is_valid(const struct header *h)
{
	return h->command >= 0 && h->command < NR_COMMANDS && h->command != RET &&
	       h->size >= sizes[h->command] && h->size <= sizeof(struct sysmem);
}

/*
 * Until there is a message, engines that wait look again and again: the driver need not do anything
 * meanwhile.
 */
static void await_message(struct link *l)
{
	struct pollfd message = { .fd = l->fd, .events = POLLIN };

	while (!l->n && engines_poll() && poll(&message, 1, POLL_MS) <= 0)
		;
}

/* 1: a message; 0: the end; -1: one that is malformed. Mostly it comes as a whole. */
static int next_message(struct link *l, struct message *m)
{
	size_t size = sizeof(m->header);

	await_message(l);
	if (!receive(l, size, MOST_COMMON))
		return 0;
	memset(m, 0, sizeof(*m));
	memcpy(&m->header, l->input, size);
	if (!is_valid(&m->header)) {
		log_event("a message of QEMU's is not understood: command %d, %zu bytes",
			  m->header.command, m->header.size);
		return -1;
	}
	size += m->header.size;
	if (!receive(l, size, size > MOST_COMMON ? size : MOST_COMMON))
		return 0;
	memcpy(&m->value, l->input + sizeof(m->header), m->header.size);
	l->n -= size;
	memmove(l->input, l->input + size, l->n);
	return 1;
}

static bool answer(struct link *l, uint64_t value)
{
	struct {
		struct header header;
		uint64_t value;
	} m = { { RET, sizeof(value) }, value };

	return send(l->fd, &m, sizeof(m), MSG_NOSIGNAL) == sizeof(m);
}

static void set_memory(struct link *l, const struct sysmem *s)
{
	unsigned int i;

	ram_clear();
	for (i = 0; i < l->nr_fds; i++)
		ram_add(l->fds[i], s->gpas[i], s->sizes[i], s->offsets[i]);
}

/* What QEMU waits for is answered. */
static bool serve(struct link *l, const struct message *m)
{
	uint64_t value = 0;

	switch (m->header.command) {
	case SYNC_SYSMEM:
		set_memory(l, &m->sysmem);
		return true;
	case SET_IRQFD:		/* QEMU listens to these only with KVM */
		return true;
	case CONFIG_READ:
		value = pci_read(m->config.offset, m->config.len);
		break;
	case CONFIG_WRITE:
		pci_write(m->config.offset, m->config.value, m->config.len);
		break;
	case BAR_READ:
		value = bar_read(m->bar.address, m->bar.size);
		break;
	case BAR_WRITE:
		bar_write(m->bar.address, m->bar.value, m->bar.size);
		break;
	case DEVICE_RESET:
		gpu_device_reset();
		break;
	}
	return answer(l, value);
}

bool proxy_serve(int fd)
{
	struct link l = { .fd = fd };
	struct message m;
	int got;

	while ((got = next_message(&l, &m)) > 0) {
		if (!serve(&l, &m))
			break;
		if (m.header.command == SYNC_SYSMEM || m.header.command == SET_IRQFD)
			close_fds(&l);
	}
	close_fds(&l);
	return got >= 0;
}
