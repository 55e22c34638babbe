/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A chain of PPGTT tables, one on each level. Most cases of PPGTTs begin with it, and check the
 * addresses that the last table translates.
 *
 * At the end of a case nothing is announced, and all that was mapped for the chain is unmapped.
 */

#ifndef _XENGT_TEST_PPGTT_CHAIN_H
#define _XENGT_TEST_PPGTT_CHAIN_H

#include "ppgtt_fixture.h"

#define L4		600ull
#define L3		601ull
#define L2		602ull
#define L1		603ull
#define OTHER_L1	604ull
#define WIDE_L1		605ull
#define I4		1ull
#define I3		2ull
#define I2		3ull
#define OTHER_I2	4ull
#define WIDE_I2		5ull
#define LARGE_I2	6ull
#define ADDR(i2, i1)	(I4 << 39 | I3 << 30 | (u64)(i2) << 21 | (u64)(i1) << 12)
#define PAGE_AT(i)	ADDR(I2, i)

#define LARGE		BIT_ULL(7)
#define WIDE		BIT_ULL(11)
#define LARGE_PAT	BIT_ULL(12)
#define BIG_GFN		1024ull		/* of a page of 2 MiB */
#define PT_GEN7(gfn)	ppgtt_encode(&ppgtt_gen7, gfn, 0)
#define TABLES_LIVE	"tables"	/* the counter of shadow tables */

struct ppgtt_guest *chain_start_guest(struct kunit *test, const struct ppgtt_guest_config *config);
struct ppgtt_guest *chain_new_guest(struct kunit *test);
struct ppgtt_guest *chain_new_gen7_guest(struct kunit *test);
struct ppgtt chain_put(struct ppgtt_guest *guest);
void chain_put_pages(struct ppgtt_guest *guest, u64 table, unsigned int first, u64 gfn,
		     unsigned int n);
struct ppgtt chain_start(struct ppgtt_guest *guest, struct ppgtt *ppgtt);
u64 chain_map_hypercalls(void);
void chain_expect_page(struct ppgtt *ppgtt, u64 addr, u64 gfn);
void chain_expect_scratch(struct ppgtt *ppgtt, u64 addr);
void chain_expect_no_page(struct ppgtt *ppgtt, u64 addr);
void chain_end(struct ppgtt *ppgtt);

#endif /* _XENGT_TEST_PPGTT_CHAIN_H */
