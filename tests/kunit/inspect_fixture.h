/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A user of the files in debugfs that show tables and translate addresses.
 *
 * The expected text is made line by line: guest entries as the case wrote them, and shadow entries
 * from dom0's memory, along the path on which the GPU finds them.
 */

#ifndef _XENGT_TEST_INSPECT_FIXTURE_H
#define _XENGT_TEST_INSPECT_FIXTURE_H

#include "ppgtt_chain.h"

#define TABLES		"xengt/tables/vm5"
#define TRANSLATE	"xengt/translate/vm5"
#define TEXT_SIZE	(128 * 1024)

/* Besides the chain of ppgtt_chain.h */
#define OTHER_L4	620ull
#define OTHER_L3	621ull
#define SHARED_I2	OTHER_I2
#define LOST_I2		7ull

#define CACHED		BIT_ULL(4)
#define RESERVED	BIT_ULL(46)
#define BIG_PDE		(PTE(BIG_GFN) | LARGE)
#define GONE		9u		/* in the page of 2 MiB: ballooned out */

struct inspector {
	struct kunit *test;
	struct ppgtt_guest *guest;
	struct file_user *user;
	char *text;		/* the text that was read */
	char *expected;
	size_t len;		/* of the expected text */
};

char *inspect_new_text(struct kunit *test);
struct inspector *inspect_start(struct kunit *test, const struct ppgtt_guest_config *config);
struct inspector *inspect_start_gen8(struct kunit *test);
void inspect_stop(struct inspector *in);
struct file *inspect_open_file(struct inspector *in, const char *path, int flags);
__printf(2, 3) void inspect_add(struct inspector *in, const char *format, ...);
u64 inspect_shadow_at(struct inspector *in, u64 table, unsigned int i);
u64 inspect_add_entry(struct inspector *in, unsigned int depth, u64 table, unsigned int i,
		      u64 guest);
u64 inspect_add_table(struct inspector *in, unsigned int depth, u64 table, unsigned int i,
		      u64 guest, const char *rest);
void inspect_add_pdp(struct inspector *in, const struct ppgtt *ppgtt, unsigned int i,
		     const char *rest);
void inspect_add_root(struct inspector *in, const struct ppgtt *ppgtt, const char *state,
		      const char *rest);
void inspect_expect_text(struct inspector *in);
void inspect_expect_tables(struct inspector *in);
void inspect_put(struct inspector *in, u64 table, unsigned int i, u64 pte);
void inspect_put_chain(struct inspector *in);
void inspect_put_zoo(struct inspector *in, struct ppgtt *ppgtt);
void inspect_add_pages(struct inspector *in, u64 table, unsigned int first, u64 gfn,
		       unsigned int n, u64 flags);
void inspect_add_zoo(struct inspector *in, const struct ppgtt *ppgtt);
ssize_t inspect_ask(struct inspector *in, struct file *file, const char *question);
void inspect_expect_answer(struct inspector *in, struct file *file);
void inspect_read_expected(struct inspector *in, struct file *file);

#endif /* _XENGT_TEST_INSPECT_FIXTURE_H */
