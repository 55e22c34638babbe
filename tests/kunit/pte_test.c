// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the formats of graphics page-table entries (vgpu/pte.c), against the bits as the PRMs
 * have them.
 */

#include <kunit/test.h>
#include <linux/bits.h>

#include "vgpu/pte.h"

#define PRESENT		BIT_ULL(0)
#define FLAGS		(BIT_ULL(1) | BIT_ULL(3) | BIT_ULL(4) | BIT_ULL(7))
#define ADDRESS_LOW	12
#define ADDRESS_HIGH	45

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

static void every_bit_is_known_or_reserved(struct kunit *test)
{
	const struct xengt_pte_format *format = xengt_gtt_format(8)->ggtt;
	unsigned int bit;
	bool known;

	for (bit = 0; bit < 64; bit++) {
		known = ((PRESENT | FLAGS) >> bit & 1) ||
			(bit >= ADDRESS_LOW && bit <= ADDRESS_HIGH);
		KUNIT_EXPECT_EQ_MSG(test, xengt_pte_valid(format, BIT_ULL(bit)), known,
				    "bit %u", bit);
		KUNIT_EXPECT_EQ(test, xengt_pte_present(format, BIT_ULL(bit)), bit == 0);
	}
	KUNIT_EXPECT_TRUE(test, xengt_pte_valid(format, 0));
}

static void one_reserved_bit_spoils_a_good_entry(struct kunit *test)
{
	const struct xengt_pte_format *format = xengt_gtt_format(8)->ggtt;
	const u64 good = PRESENT | FLAGS | GENMASK_ULL(ADDRESS_HIGH, ADDRESS_LOW);
	unsigned int bit;

	KUNIT_EXPECT_TRUE(test, xengt_pte_valid(format, good));
	for (bit = 0; bit < 64; bit++) {
		if (!(good & BIT_ULL(bit)))
			KUNIT_EXPECT_FALSE(test, xengt_pte_valid(format, good | BIT_ULL(bit)));
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

static void only_flags_are_taken_from_the_guest(struct kunit *test)
{
	const struct xengt_pte_format *format = xengt_gtt_format(8)->ggtt;
	unsigned int bit;
	u64 pte;

	for (bit = 0; bit < 64; bit++) {
		pte = xengt_pte_encode(format, 0x123, BIT_ULL(bit));
		KUNIT_EXPECT_EQ(test, pte, (0x123ull << 12) | PRESENT | (BIT_ULL(bit) & FLAGS));
	}
	KUNIT_EXPECT_EQ(test, xengt_pte_encode(format, 1, ~0ull), BIT_ULL(12) | PRESENT | FLAGS);
}

static struct kunit_case pte_cases[] = {
	KUNIT_CASE(generations_8_and_9_have_one_format),
	KUNIT_CASE(gtt_is_the_upper_half_of_16_mib),
	KUNIT_CASE(every_bit_is_known_or_reserved),
	KUNIT_CASE(one_reserved_bit_spoils_a_good_entry),
	KUNIT_CASE(frame_survives_encoding),
	KUNIT_CASE(only_flags_are_taken_from_the_guest),
	{}
};

static struct kunit_suite pte_suite = {
	.name = "xengt_pte",
	.test_cases = pte_cases,
};

kunit_test_suite(pte_suite);
