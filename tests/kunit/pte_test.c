// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the formats of graphics page-table entries (vgpu/abi/pte.c), against the bits in the
 * PRMs.
 */

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>

#include "vgpu/abi/pte.h"

#define PRESENT		BIT_ULL(0)
#define FLAGS		(BIT_ULL(1) | BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(7))
#define FLAGS_ABOVE	(BIT_ULL(1) | BIT_ULL(3) | BIT_ULL(4))
#define ADDRESS		GENMASK_ULL(45, 12)
#define NOTES		(BIT_ULL(2) | BIT_ULL(5) | BIT_ULL(6) | GENMASK_ULL(10, 8) |	\
			 GENMASK_ULL(62, 52))

static void generations_8_and_9_have_one_format(struct kunit *test)
{
	KUNIT_EXPECT_NOT_NULL(test, xengt_gtt_format(8));
	KUNIT_EXPECT_PTR_EQ(test, xengt_gtt_format(8), xengt_gtt_format(9));
	KUNIT_EXPECT_NULL(test, xengt_gtt_format(0));
	KUNIT_EXPECT_NULL(test, xengt_gtt_format(6));
	KUNIT_EXPECT_NULL(test, xengt_gtt_format(10));
	KUNIT_EXPECT_NULL(test, xengt_gtt_format(~0u));
}

static void gtt_is_the_upper_half_of_16_mib(struct kunit *test)
{
	const struct xengt_gtt_format *format = xengt_gtt_format(8);

	KUNIT_EXPECT_EQ(test, format->gtt_offset, 0x800000ull);
	KUNIT_EXPECT_EQ(test, format->gtt_entries * format->ggtt->size, 0x800000ul);
}

/* The bits of each kind of entry. A bit in neither mask is reserved. */
static const struct kind {
	const char *name;
	unsigned int generation;
	unsigned int level;	/* 0: the GGTT */
	bool large;
	unsigned int bits;
	u64 kept;
	u64 ignored;
} kinds[] = {
	{ "gen7 GGTT", 7, 0, false, 32, GENMASK_ULL(31, 0), 0 },
	{ "gen7 PTE", 7, 1, false, 32, GENMASK_ULL(31, 0), 0 },
	{ "gen7 PDE", 7, 2, false, 32, GENMASK_ULL(31, 12) | GENMASK_ULL(10, 4) | BIT_ULL(0), 0 },
	{ "GGTT", 8, 0, false, 64, ADDRESS | PRESENT | FLAGS, NOTES | BIT_ULL(11) },
	{ "PTE", 8, 1, false, 64, ADDRESS | PRESENT | FLAGS, NOTES | BIT_ULL(11) },
	{ "PDE", 8, 2, false, 64, ADDRESS | PRESENT | FLAGS_ABOVE | BIT_ULL(11), NOTES },
	{ "PDE of 2M", 8, 2, true, 64, GENMASK_ULL(45, 21) | BIT_ULL(12) | PRESENT | FLAGS,
	  NOTES | BIT_ULL(11) },
	{ "PDPE", 8, 3, false, 64, ADDRESS | PRESENT | FLAGS_ABOVE, NOTES | BIT_ULL(11) },
	{ "PML4E", 9, 4, false, 64, ADDRESS | PRESENT | FLAGS_ABOVE, NOTES | BIT_ULL(11) },
};

static const struct xengt_pte_format *format_of(const struct kind *kind)
{
	const struct xengt_gtt_format *format = xengt_gtt_format(kind->generation);

	if (!kind->level)
		return format->ggtt;
	return kind->large ? format->level[kind->level].large_pte : format->level[kind->level].pte;
}

static void every_bit_is_kept_ignored_or_reserved(struct kunit *test)
{
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const struct xengt_pte_format *format = format_of(kind);

		KUNIT_EXPECT_EQ(test, format->size * 8, kind->bits);
		KUNIT_EXPECT_TRUE(test, xengt_pte_valid(format, 0));
		KUNIT_EXPECT_TRUE(test, xengt_pte_valid(format, kind->kept | kind->ignored));
		for (bit = 0; bit < kind->bits; bit++) {
			bool fine = (kind->kept | kind->ignored) & BIT_ULL(bit);

			KUNIT_EXPECT_EQ_MSG(test, xengt_pte_valid(format, BIT_ULL(bit)), fine,
					    "%s: bit %u", kind->name, bit);
			/* A bit makes a valid entry invalid, or does not. */
			KUNIT_EXPECT_EQ_MSG(test,
					    xengt_pte_valid(format, kind->kept | BIT_ULL(bit)),
					    fine, "%s: bit %u of a good one", kind->name, bit);
			KUNIT_EXPECT_EQ(test, xengt_pte_present(format, BIT_ULL(bit)), bit == 0);
		}
	}
}

/* Ignored and reserved bits do not get into the shadow. */
static void only_kept_bits_get_into_the_shadow(struct kunit *test)
{
	unsigned int i, bit;
	u64 pte, address;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct kind *kind = &kinds[i];
		const struct xengt_pte_format *format = format_of(kind);

		address = format->address | format->high;
		for (bit = 0; bit < kind->bits; bit++) {
			pte = xengt_pte_encode(format, 0, BIT_ULL(bit));
			KUNIT_EXPECT_EQ_MSG(test, pte,
					    PRESENT | (BIT_ULL(bit) & kind->kept & ~address),
					    "%s: bit %u", kind->name, bit);
		}
		KUNIT_EXPECT_EQ_MSG(test, xengt_pte_encode(format, 0, ~0ull),
				    PRESENT | (kind->kept & ~address), "%s", kind->name);
		KUNIT_EXPECT_EQ_MSG(test, xengt_pte_encode(format, ~0ull >> 12, 0),
				    PRESENT | (kind->kept & address), "%s", kind->name);
	}
}

static void frame_survives_encoding(struct kunit *test)
{
	const struct xengt_pte_format *format = xengt_gtt_format(8)->ggtt;
	u64 max = xengt_pte_max_frame(format);
	unsigned int bit;
	u64 pte;

	KUNIT_EXPECT_EQ(test, max, BIT_ULL(34) - 1);
	for (bit = 0; bit < 34; bit++) {
		pte = xengt_pte_encode(format, BIT_ULL(bit), 0);
		KUNIT_EXPECT_EQ(test, pte, BIT_ULL(bit + 12) | PRESENT);
		KUNIT_EXPECT_EQ(test, xengt_pte_frame(format, pte), BIT_ULL(bit));
	}
	KUNIT_EXPECT_EQ(test, xengt_pte_frame(format, xengt_pte_encode(format, max, 0)), max);
	KUNIT_EXPECT_EQ(test, xengt_pte_frame(format, ~0ull), max);
}

static struct kunit_case pte_cases[] = {
	KUNIT_CASE(generations_8_and_9_have_one_format),
	KUNIT_CASE(gtt_is_the_upper_half_of_16_mib),
	KUNIT_CASE(every_bit_is_kept_ignored_or_reserved),
	KUNIT_CASE(only_kept_bits_get_into_the_shadow),
	KUNIT_CASE(frame_survives_encoding),
	{}
};

static struct kunit_suite pte_suite = {
	.name = "xengt_pte",
	.test_cases = pte_cases,
};

kunit_test_suite(pte_suite);
