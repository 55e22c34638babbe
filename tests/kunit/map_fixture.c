// SPDX-License-Identifier: GPL-2.0
/*
 * A loaded mapping service with a guest, and a user of it; see map_fixture.h.
 */

#include <linux/slab.h>

#include "fake_xen.h"
#include "map_fixture.h"
#include "modules.h"

bool is_pv(struct kunit *test)
{
	return *(const enum fake_xen_mode *)test->param_value == FAKE_PV_DOM0;
}

/* Loads the service on the kind of dom0 that the test's parameter says. */
void start_service(struct kunit *test, u64 guest_pages)
{
	fake_xen_start(test, *(const enum fake_xen_mode *)test->param_value);
	/* Nothing goes by age or size, unless a test wants that. */
	module_param_set("xen_gpu_map.backend", "auto");
	module_param_set("xen_gpu_map.idle_age_ms", "600000");
	module_param_set("xen_gpu_map.idle_max", "1000000");
	module_param_set("xen_gpu_map.balloon_delay_ms", "1");
	KUNIT_ASSERT_EQ(test, module_load("xen_gpu_map"), 0);
	fake_domain_create(DOM, guest_pages);
	fake_xen_reset_calls();
}

/* What moved does with the table before it changes it. */
static void check_old_frame(struct mediator *user, const struct entry *entry)
{
	unsigned long mfn = fake_dma_mfn(entry->bfn);

	if (mfn == FAKE_NO_MFN || !fake_mfn_refs(mfn) ||
	    fake_mfn_owner(mfn) != DOM)
		user->nr_bad++;
}

/* False if the entry is gone, and another one in its place. */
static bool move_entry(struct mediator *user, struct entry *entry,
		       const struct xen_gpu_move *move)
{
	check_old_frame(user, entry);
	if (!move->status) {
		entry->bfn = move->bfn;
		user->nr_moved++;
		return true;
	}
	user->nr_gone++;
	*entry = user->entries[--user->n];
	xen_gpu_release(&user->client, &move->gfn, 1);
	return false;
}

static void move_entries(struct mediator *user, const struct xen_gpu_move *move)
{
	unsigned int i = 0;

	while (i < user->n) {
		if (user->entries[i].gfn != move->gfn || move_entry(user, &user->entries[i], move))
			i++;
	}
}

static void user_moved(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
		       unsigned int n)
{
	struct mediator *user = container_of(client, struct mediator, client);
	unsigned int i;

	user->nr_calls++;
	if (user->on_moved)
		user->on_moved(user, moves, n);
	mutex_lock(&user->lock);
	for (i = 0; i < n; i++) {
		if (i && moves[i].gfn <= moves[i - 1].gfn)
			user->nr_bad++;
		move_entries(user, &moves[i]);
	}
	mutex_unlock(&user->lock);
}

static void user_settled(struct xen_gpu_client *client)
{
	container_of(client, struct mediator, client)->nr_settled++;
}

static void user_ended(struct xen_gpu_client *client)
{
	struct mediator *user = container_of(client, struct mediator, client);

	user->nr_ended++;
	user_unmap_all(user);
}

static const struct xen_gpu_client_ops user_ops = {
	.moved = user_moved,
	.settled = user_settled,
	.ended = user_ended,
};

/* A user of the guest, or an ERR_PTR() from the service. */
struct mediator *new_user(struct kunit *test, unsigned long quota)
{
	const struct xen_gpu_limits limits = { .quota = quota, .max_bfn = MAX_BFN };
	unsigned int nth = current->fail_nth;
	struct xen_gpu_domain *dom;
	struct mediator *user;
	int rc;

	current->fail_nth = 0;
	user = kvzalloc(sizeof(*user), GFP_KERNEL);
	current->fail_nth = nth;
	KUNIT_ASSERT_NOT_NULL(test, user);
	user->test = test;
	mutex_init(&user->lock);
	user->client.ops = &user_ops;
	user->client.max_bfn = MAX_BFN;
	dom = xen_gpu_domain_get(DOM, &limits);
	if (IS_ERR(dom)) {
		kvfree(user);
		return ERR_CAST(dom);
	}
	rc = xen_gpu_client_register(dom, &user->client);
	if (rc) {
		xen_gpu_domain_put(dom);
		kvfree(user);
		return ERR_PTR(rc);
	}
	return user;
}

struct mediator *start_user(struct kunit *test, u64 guest_pages, unsigned long quota)
{
	struct mediator *user;

	start_service(test, guest_pages);
	user = new_user(test, quota);
	KUNIT_ASSERT_FALSE(test, IS_ERR(user));
	return user;
}

/* Lets go of what the table holds, too. */
void free_user(struct mediator *user)
{
	struct xen_gpu_domain *dom = user->client.domain;

	user_unmap_all(user);
	xen_gpu_client_unregister(&user->client);
	xen_gpu_domain_put(dom);
	kvfree(user);
}

void stop_user(struct kunit *test, struct mediator *user)
{
	KUNIT_EXPECT_EQ_MSG(test, user->nr_bad, 0u, "the user saw something wrong");
	free_user(user);
}

/* The quota of a domain is the highest that a user asked for. */
struct xen_gpu_domain *raise_quota(struct kunit *test, struct mediator *user, unsigned long quota)
{
	const struct xen_gpu_limits limits = { .quota = quota, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *dom = xen_gpu_domain_get(DOM, &limits);

	KUNIT_ASSERT_PTR_EQ(test, dom, user->client.domain);
	xen_gpu_domain_put(dom);
	return dom;
}

/* The end of every case: whatever it was, the modules can go, and the books balance. */
void map_fixture_exit(struct kunit *test)
{
	current->fail_nth = 0;
	fake_xen_fail_nothing();
	modules_unload_all();
	fake_xen_stop(test);
}

unsigned int map_gfns(struct mediator *user, const u64 *gfns, unsigned int n, struct mapped *m)
{
	return xen_gpu_map(&user->client, gfns, n, XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, m->bfn,
			   m->status);
}

void release_gfns(struct mediator *user, const u64 *gfns, unsigned int n)
{
	xen_gpu_release(&user->client, gfns, n);
}

void flush(struct mediator *user)
{
	KUNIT_EXPECT_EQ(user->test, xen_gpu_flush(user->client.domain), 0);
}

/* Maps a GFN and notes it, as a mediator does: under its own lock. */
int user_map(struct mediator *user, u64 gfn)
{
	int status;
	u64 bfn;

	mutex_lock(&user->lock);
	xen_gpu_map(&user->client, &gfn, 1, XEN_GPU_MAP_READ | XEN_GPU_MAP_WRITE, &bfn, &status);
	if (!status)
		user_note(user, gfn, bfn);
	mutex_unlock(&user->lock);
	return status;
}

void user_note(struct mediator *user, u64 gfn, u64 bfn)
{
	if (WARN_ON(user->n == USER_ENTRIES))
		return;
	user->entries[user->n++] = (struct entry){ .gfn = gfn, .bfn = bfn };
}

static int find_entry(struct mediator *user, u64 gfn)
{
	int i;

	for (i = user->n - 1; i >= 0; i--) {
		if (user->entries[i].gfn == gfn)
			break;
	}
	return i;
}

/* The BFN that the table has for a GFN, 0: none. */
u64 user_bfn(struct mediator *user, u64 gfn)
{
	int i = find_entry(user, gfn);

	return i < 0 ? 0 : user->entries[i].bfn;
}

/* Forgets one entry of a GFN, if there is one, and releases its reference. */
void user_unmap(struct mediator *user, u64 gfn)
{
	int i;

	mutex_lock(&user->lock);
	i = find_entry(user, gfn);
	if (i >= 0) {
		user->entries[i] = user->entries[--user->n];
		xen_gpu_release(&user->client, &gfn, 1);
	}
	mutex_unlock(&user->lock);
}

/* The same for an entry that is there. */
void user_forget(struct mediator *user, u64 gfn)
{
	KUNIT_EXPECT_GE(user->test, find_entry(user, gfn), 0);
	user_unmap(user, gfn);
}

void user_unmap_all(struct mediator *user)
{
	while (user->n)
		user_unmap(user, user->entries[0].gfn);
}

/* How many entries do not reach the page that the guest has at their GFN. */
unsigned int user_check(struct mediator *user)
{
	unsigned int i, bad = 0;

	mutex_lock(&user->lock);
	for (i = 0; i < user->n; i++)
		bad += !fake_dma_reaches(user->entries[i].bfn, DOM, user->entries[i].gfn);
	mutex_unlock(&user->lock);
	return bad;
}

/* A counter of the guest's. */
u64 counter(const char *name)
{
	return debugfs_value("xen_gpu_map/domains/5", name);
}

unsigned long map_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) + fake_xen_calls(FAKE_CALL_ADD_TO_PHYSMAP);
}

unsigned long unmap_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) + fake_xen_calls(FAKE_CALL_REMOVE_FROM_PHYSMAP);
}
