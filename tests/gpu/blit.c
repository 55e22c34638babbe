// SPDX-License-Identifier: GPL-2.0
/*
 * Blits; see blit.h. Formats: the PRM of Skylake, "XY_FAST_COPY_BLT" and "XY_SRC_COPY_BLT",
 * which have their operands in the same places.
 */
#include "access.h"
#include "bits.h"
#include "blit.h"
#include "engine.h"
#include "log.h"

#define BLIT_DWORDS	10
#define OPCODE(c)	((c) >> 22 & 0x7f)
#define  FAST_COPY	0x42
#define  SRC_COPY	0x53
#define CLIENT_BLIT	2
#define FAST_TILED	(3U << 20 | 3U << 13)
#define SRC_TILED	(BIT(15) | BIT(11))
#define LOW(c)		((c) & 0x7fff)
#define HIGH(c)		((c) >> 16 & 0x7fff)
#define PITCH(c)	((c) & 0xffff)
#define MAX_BYTES	(64ULL << 20)	/* more is not copied */

/**
 * struct blit - a blit of lines
 * @from: address of the first byte
 * @to: the same, of the destination
 * @from_pitch: from one line to the next
 * @to_pitch: the same, of the destination
 * @width: of a line in bytes
 * @lines: how many
 */
struct blit {
	uint64_t from;
	uint64_t to;
	uint64_t from_pitch;
	uint64_t to_pitch;
	uint64_t width;
	uint64_t lines;
};

static unsigned int bytes_per_pixel(uint32_t c)
{
	static const unsigned int bytes[] = { 1, 2, 2, 4, 8, 16, 4, 4 };

	return bytes[c >> 24 & 7];
}

static uint64_t address(const uint32_t *c)
{
	return (uint64_t)c[1] << 32 | c[0];
}

static void parse(const uint32_t *c, struct blit *b)
{
	unsigned int bytes = bytes_per_pixel(c[1]);

	b->to_pitch = PITCH(c[1]);
	b->from_pitch = PITCH(c[7]);
	b->to = address(&c[4]) + HIGH(c[2]) * b->to_pitch + (uint64_t)LOW(c[2]) * bytes;
	b->from = address(&c[8]) + HIGH(c[6]) * b->from_pitch + (uint64_t)LOW(c[6]) * bytes;
	b->width = LOW(c[3]) > LOW(c[2]) ? (uint64_t)(LOW(c[3]) - LOW(c[2])) * bytes : 0;
	b->lines = HIGH(c[3]) > HIGH(c[2]) ? HIGH(c[3]) - HIGH(c[2]) : 0;
}

uint64_t blit_bytes(const uint32_t *c)
{
	struct blit b;

	if (c[0] >> 29 != CLIENT_BLIT || (OPCODE(c[0]) != FAST_COPY && OPCODE(c[0]) != SRC_COPY))
		return 0;
	parse(c, &b);
	return b.width * b.lines;
}

static void copy(struct engine *e, const struct blit *b)
{
	struct place from, to;
	uint64_t line;

	for (line = 0; line < b->lines; line++) {
		from = (struct place){ GPU_PPGTT, b->from + line * b->from_pitch };
		to = (struct place){ GPU_PPGTT, b->to + line * b->to_pitch };
		if (access_copy(e, &from, &to, b->width))
			return;
	}
}

static void run(struct engine *e, const uint32_t *c, uint32_t length, uint32_t tiled)
{
	struct blit b;

	if (length < BLIT_DWORDS || c[0] & tiled || blit_bytes(c) > MAX_BYTES) {
		log_event("engine %u: blit %08x of %lu bytes: too short, tiled or too large",
			  e->id, c[0], blit_bytes(c));
		return;
	}
	parse(c, &b);
	copy(e, &b);
}

void blit_fast_copy(struct engine *e, const uint32_t *c, uint32_t length)
{
	run(e, c, length, FAST_TILED);
}

void blit_src_copy(struct engine *e, const uint32_t *c, uint32_t length)
{
	run(e, c, length, SRC_TILED);
}
