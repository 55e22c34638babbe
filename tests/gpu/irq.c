// SPDX-License-Identifier: GPL-2.0
/* Interrupts; see irq.h. */
#include <stddef.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bits.h"
#include "control.h"
#include "irq.h"
#include "judge.h"
#include "log.h"
#include "regs.h"
#include "socket.h"

#define MASTER_ENABLE	BIT(31)
#define HALF		0xffffU

static const char *socket_path;
static int fd = -1;

/**
 * struct source - where an engine's bits are
 * @iir: number of the register
 * @shift: of its bits in there
 * @master: its bit in MASTER_IRQ
 */
static const struct source {
	unsigned int iir;
	unsigned int shift;
	uint32_t master;
} sources[GPU_NR_ENGINES] = {
	[GPU_RCS] = { 0, 0, 1U << 0 },
	[GPU_BCS] = { 0, 16, 1U << 1 },
	[GPU_VCS] = { 1, 0, 1U << 2 },
	[GPU_VECS] = { 3, 0, 1U << 6 },
};

void irq_use(const char *path)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
	socket_path = path;
}

static void send_byte(void)
{
	if (!socket_path)
		return;
	if (fd < 0)
		fd = socket_connect(socket_path);
	if (fd < 0) {
		socket_path = NULL;
		return;
	}
	judge_count(GPU_INTERRUPTS);
	/* If the card has not taken the last ones, the line is still raised. */
	send(fd, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

uint32_t irq_master(void)
{
	uint32_t master = regs_get(MASTER_IRQ) & MASTER_ENABLE, pending;
	const struct source *s;

	for (s = sources; s < sources + GPU_NR_ENGINES; s++) {
		pending = regs_get(GT_IIR(s->iir)) & ~regs_get(GT_IMR(s->iir)) &
			  regs_get(GT_IER(s->iir));
		if (pending >> s->shift & HALF)
			master |= s->master;
	}
	return master;
}

static void signal_pending(void)
{
	uint32_t master = irq_master();

	if (master & MASTER_ENABLE && master & ~MASTER_ENABLE)
		send_byte();
}

void irq_raise(unsigned int engine, uint32_t bits)
{
	const struct source *s = &sources[engine];

	regs_put(GT_IIR(s->iir), regs_get(GT_IIR(s->iir)) | bits << s->shift);
	signal_pending();
}

void irq_write_master(uint32_t value)
{
	regs_put(MASTER_IRQ, value & MASTER_ENABLE);
	signal_pending();
}
