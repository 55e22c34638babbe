/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of the mapping service begin with: a loaded service with a guest, and a user of
 * it that keeps a device's table.
 *
 * A user's table holds a BFN for each GFN that it mapped. Its client operations do what a mediator
 * must: a moved GFN gets its new BFN, and one that is gone is removed and released. Each entry is
 * checked before it changes: the frame behind the old BFN must be referenced, and its owner's.
 */

#ifndef _XENGT_TEST_MAP_FIXTURE_H
#define _XENGT_TEST_MAP_FIXTURE_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <xen/xen_gpu_map.h>

#include "compat.h"
#include "fake_xen.h"
#include "modules.h"

#define USER_ENTRIES	1024
#define MAX_BFN		((1ull << (39 - 12)) - 1)

#ifndef XEN_GPU_MAX_GFN
#define XEN_GPU_MAX_GFN	((1ull << (52 - 12)) - 1)
#endif

struct mediator {
	struct xen_gpu_client client;
	struct kunit *test;
	struct mutex lock;	/* of the table */
	unsigned int n;
	struct entry {
		u64 gfn;
		u64 bfn;
	} entries[USER_ENTRIES];
	unsigned int nr_moved;		/* GFNs with a new BFN */
	unsigned int nr_gone;
	unsigned int nr_revalidated;
	unsigned int nr_ended;
	unsigned int nr_calls;		/* of remap */
	unsigned int nr_bad;		/* errors */
	bool revalidates_slowly;		/* other threads run before it returns */
	/* Called at the start of each remap, without a lock. */
	void (*on_remap)(struct mediator *user, const struct xen_gpu_move *moves, unsigned int n);
	void *data;
};

/* Another guest, with a client that counts its callbacks */
struct neighbour {
	struct xen_gpu_domain *dom;
	struct xen_gpu_client client;
	unsigned int nr_revalidated;
	struct completion ended;
};

/* A Xen that the service runs on, and the backend for it with its properties */
struct platform {
	enum fake_xen_mode mode;	/* first: the parameters of other suites are only this */
	const char *name;
	const char *backend;
	void (*prepare)(void);		/* gives Xen what stock Xen has not */
	bool isolates;
	bool batched_unmap;
	bool sees_frames;
	bool bfn_is_frame;		/* a BFN is a frame number, not in a window */
	bool read_only;			/* maps can be read-only */
	bool rechecks;			/* Xen can tell whether a mapping is still good */
	bool lasting;			/* references stay when the guest dies */
};

struct mapped {
	u64 bfn[64];
	int status[64];
};

void start_service(struct kunit *test, u64 guest_pages);
struct mediator *new_user(struct kunit *test, unsigned long quota);
struct mediator *start_user(struct kunit *test, u64 guest_pages, unsigned long quota);
void free_user(struct mediator *user);
void stop_user(struct kunit *test, struct mediator *user);
struct xen_gpu_domain *raise_quota(struct kunit *test, struct mediator *user, unsigned long quota);
void map_fixture_exit(struct kunit *test);

void start_neighbour(struct kunit *test, struct neighbour *other);
void join_neighbour(struct kunit *test, struct neighbour *other);
int neighbour_map(struct neighbour *other, u64 gfn);
void neighbour_unmap(struct neighbour *other, u64 gfn);
void stop_neighbour(struct neighbour *other);

unsigned int map_gfns(struct mediator *user, const u64 *gfns, unsigned int n, struct mapped *m);
void release_gfns(struct mediator *user, const u64 *gfns, unsigned int n);
void flush(struct mediator *user);

int user_map(struct mediator *user, u64 gfn);
void user_unmap(struct mediator *user, u64 gfn);
void user_unmap_all(struct mediator *user);
void user_note(struct mediator *user, u64 gfn, u64 bfn);
void user_forget(struct mediator *user, u64 gfn);
u64 user_bfn(struct mediator *user, u64 gfn);
unsigned int user_check(struct mediator *user);
void user_map_range(struct mediator *user, u64 first, unsigned int n);
void user_balloon(struct mediator *user);
void user_expect_good(struct mediator *user);
void exchange_frame(u64 gfn);

const struct platform *platform(struct kunit *test);
const struct platform *next_platform(const struct platform *prev, char *desc);
KUNIT_GENERATOR(platforms_gen_params);
KUNIT_GENERATOR(stock_platforms_gen_params);
KUNIT_GENERATOR(pv_gen_params);
KUNIT_GENERATOR(physmap_gen_params);
KUNIT_GENERATOR(native_gen_params);
KUNIT_GENERATOR(xenserver_gen_params);
void start_xen(struct kunit *test, const struct platform *p);
u64 counter(const char *name);
unsigned long map_calls(void);
unsigned long unmap_calls(void);
enum fake_call unmap_call(struct kunit *test);

#endif /* _XENGT_TEST_MAP_FIXTURE_H */
