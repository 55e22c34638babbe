// SPDX-License-Identifier: GPL-2.0
/*
 * A loaded mapping service with a guest, and a user of it; see map_fixture.h.
 */

#include <linux/slab.h>

#include "fake_xen.h"
#include "map/domain.h"
#include "map_fixture.h"
#include "modules.h"

/* XenServer's Xen maps RAM for dom0's devices at 248 GiB. */
#define BFN_OFFSET	0x3e00000ull

static void has_iommu_op(void)
{
	fake_xen_set_iommu_op(BFN_OFFSET);
}

static void has_dev_map(void)
{
	fake_xen_set_dev_map(false);
}

static void has_dev_map_and_strict_iommu(void)
{
	fake_xen_set_dev_map(true);
	fake_xen_set_commandline("dom0-iommu=strict");
}

static const struct platform platforms[] = {
	{
		FAKE_PV_DOM0, "PV dom0", "pv", NULL,
		.batched_unmap = true, .sees_frames = true, .bfn_is_frame = true,
		.read_only = true, .lasting = true,
	}, {
		FAKE_PVH_DOM0, "PVH dom0", "physmap", NULL,
		.isolates = true, .lasting = true,
	}, {
		FAKE_PV_DOM0, "PV dom0 of XenServer", "xenserver", has_iommu_op,
		.batched_unmap = true, .sees_frames = true, .bfn_is_frame = true,
	}, {
		FAKE_PV_DOM0, "PV dom0, Xen maps", "native", has_dev_map,
		.batched_unmap = true, .sees_frames = true, .bfn_is_frame = true,
		.read_only = true, .rechecks = true, .lasting = true,
	}, {
		FAKE_PV_DOM0, "strict PV dom0, Xen maps", "native", has_dev_map_and_strict_iommu,
		.isolates = true, .batched_unmap = true, .sees_frames = true, .bfn_is_frame = true,
		.read_only = true, .rechecks = true, .lasting = true,
	}, {
		FAKE_PVH_DOM0, "PVH dom0, Xen maps", "native", has_dev_map,
		.isolates = true, .batched_unmap = true, .sees_frames = true,
		.read_only = true, .rechecks = true, .lasting = true,
	}, {
		FAKE_PVH_DOMU, "PVH driver domain, Xen maps", "native", has_dev_map,
		.isolates = true, .batched_unmap = true, .sees_frames = true,
		.read_only = true, .rechecks = true, .lasting = true,
	}, {
		FAKE_PV_DOMU, "PV driver domain, Xen maps", "native", has_dev_map_and_strict_iommu,
		.isolates = true, .batched_unmap = true, .sees_frames = true, .bfn_is_frame = true,
		.read_only = true, .rechecks = true, .lasting = true,
	},
};

const struct platform *platform(struct kunit *test)
{
	return test->param_value;
}

/* Returns the platform after another one, or the first one, and describes it; NULL: none. */
const struct platform *next_platform(const struct platform *prev, char *desc)
{
	const struct platform *next = prev ? prev + 1 : platforms;

	if (next == platforms + ARRAY_SIZE(platforms))
		return NULL;
	strscpy(desc, next->name, KUNIT_PARAM_DESC_SIZE);
	return next;
}

/* A generator for KUNIT_CASE_PARAM: all platforms */
KUNIT_GENERATOR(platforms_gen_params)
{
	return next_platform(prev, desc);
}

/* A generator for KUNIT_CASE_PARAM: the two kinds of dom0 on stock Xen */
KUNIT_GENERATOR(stock_platforms_gen_params)
{
	const struct platform *p = prev;

	do {
		p = next_platform(p, desc);
	} while (p && p->prepare);
	return p;
}

void start_xen(struct kunit *test, const struct platform *p)
{
	fake_xen_start(test, p->mode);
	if (p->prepare)
		p->prepare();
}

/* Loads the service on the platform of the test's parameter. */
void start_service(struct kunit *test, u64 guest_pages)
{
	start_xen(test, platform(test));
	/* No page is unmapped by age or number, unless a test sets that. */
	module_param_set("xen_gpu_map.backend", "auto");
	module_param_set("xen_gpu_map.idle_age_ms", "600000");
	module_param_set("xen_gpu_map.idle_max", "1000000");
	module_param_set("xen_gpu_map.balloon_delay_ms", "1");
	KUNIT_ASSERT_EQ(test, module_load("xen_gpu_map"), 0);
	fake_domain_create(DOM, guest_pages);
	fake_domain_set_target(DOM, true);
	fake_xen_reset_calls();
}

/* Checks an entry before it changes: its frame is still the guest's, and referenced. */
static void check_old_frame(struct mediator *user, const struct entry *entry)
{
	unsigned long mfn = fake_dma_mfn(entry->bfn);

	/* Some Xens drop the references on a dead guest's pages. */
	if (!platform(user->test)->lasting && !fake_domain_exists(DOM))
		return;
	if (mfn == FAKE_NO_MFN || !fake_mfn_refs(mfn) ||
	    fake_mfn_owner(mfn) != DOM)
		user->nr_bad++;
}

/* Returns false if the entry is gone, and another one is in its place. */
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

static void user_remap(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
		       unsigned int n)
{
	struct mediator *user = container_of(client, struct mediator, client);
	unsigned int i;

	user->nr_calls++;
	if (user->on_remap)
		user->on_remap(user, moves, n);
	mutex_lock(&user->lock);
	for (i = 0; i < n; i++) {
		if (i && moves[i].gfn <= moves[i - 1].gfn)
			user->nr_bad++;
		move_entries(user, &moves[i]);
	}
	mutex_unlock(&user->lock);
}

static void user_revalidated(struct xen_gpu_client *client)
{
	struct mediator *user = container_of(client, struct mediator, client);

	/* Lets a thread go on that does not wait for this callback. */
	if (user->revalidates_slowly)
		schedule_timeout_idle(2);
	user->nr_revalidated++;
}

static void user_release_all(struct xen_gpu_client *client)
{
	struct mediator *user = container_of(client, struct mediator, client);

	user->nr_ended++;
	user_unmap_all(user);
}

static const struct xen_gpu_client_ops user_ops = {
	.remap = user_remap,
	.revalidated = user_revalidated,
	.release = user_release_all,
};

/* Waits for the check that the registration of the watch caused. */
static void finish_first_look(struct xen_gpu_domain *dom)
{
	fake_store_fire("/nothing");
	flush_delayed_work(&dom->watch_work);
}

/* Returns a user of the guest, or the service's ERR_PTR(). */
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
	finish_first_look(dom);
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

/* Releases what the table holds, too. */
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
	KUNIT_EXPECT_EQ_MSG(test, user->nr_bad, 0u, "the user saw errors, see nr_bad");
	free_user(user);
}

/* Raises the domain's quota by another get: the highest one counts. */
struct xen_gpu_domain *raise_quota(struct kunit *test, struct mediator *user, unsigned long quota)
{
	const struct xen_gpu_limits limits = { .quota = quota, .max_bfn = MAX_BFN };
	struct xen_gpu_domain *dom = xen_gpu_domain_get(DOM, &limits);

	KUNIT_ASSERT_PTR_EQ(test, dom, user->client.domain);
	xen_gpu_domain_put(dom);
	return dom;
}

static void neighbour_remap(struct xen_gpu_client *client, const struct xen_gpu_move *moves,
			    unsigned int n)
{
}

static void neighbour_revalidated(struct xen_gpu_client *client)
{
	container_of(client, struct neighbour, client)->nr_revalidated++;
}

static void neighbour_release(struct xen_gpu_client *client)
{
	complete(&container_of(client, struct neighbour, client)->ended);
}

static const struct xen_gpu_client_ops neighbour_ops = {
	.remap = neighbour_remap,
	.revalidated = neighbour_revalidated,
	.release = neighbour_release,
};

/* Makes a client of OTHER_DOM, which exists. */
void join_neighbour(struct kunit *test, struct neighbour *other)
{
	const struct xen_gpu_limits limits = { .quota = 64, .max_bfn = MAX_BFN };

	*other = (struct neighbour){
		.client = { .ops = &neighbour_ops, .max_bfn = MAX_BFN },
		.dom = xen_gpu_domain_get(OTHER_DOM, &limits),
	};
	init_completion(&other->ended);
	KUNIT_ASSERT_FALSE(test, IS_ERR(other->dom));
	finish_first_look(other->dom);
	KUNIT_ASSERT_EQ(test, xen_gpu_client_register(other->dom, &other->client), 0);
}

/* Makes OTHER_DOM, and a client of it. */
void start_neighbour(struct kunit *test, struct neighbour *other)
{
	fake_domain_create(OTHER_DOM, 64);
	fake_domain_set_target(OTHER_DOM, true);
	fake_store_introduce(OTHER_DOM, "/vm/other");
	join_neighbour(test, other);
}

int neighbour_map(struct neighbour *other, u64 gfn)
{
	int status;
	u64 bfn;

	xen_gpu_map(&other->client, &gfn, 1, XEN_GPU_MAP_READ, &bfn, &status);
	return status;
}

void neighbour_unmap(struct neighbour *other, u64 gfn)
{
	xen_gpu_release(&other->client, &gfn, 1);
}

void stop_neighbour(struct neighbour *other)
{
	xen_gpu_client_unregister(&other->client);
	xen_gpu_domain_put(other->dom);
}

/* The end of every case: the modules are unloaded, and the books balance. */
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

/* Maps a GFN and puts it into the table, under the user's lock, as a mediator does. */
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

/* Returns the table's BFN for a GFN, or 0. */
u64 user_bfn(struct mediator *user, u64 gfn)
{
	int i = find_entry(user, gfn);

	return i < 0 ? 0 : user->entries[i].bfn;
}

/* Removes one entry of a GFN from the table, if there is one, and releases it. */
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

/* Removes an entry that must exist, and releases it. */
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

/* Counts the entries that do not reach the page that the guest has at their GFN. */
unsigned int user_check(struct mediator *user)
{
	unsigned int i, bad = 0;

	mutex_lock(&user->lock);
	for (i = 0; i < user->n; i++)
		bad += !fake_dma_reaches(user->entries[i].bfn, DOM, user->entries[i].gfn);
	mutex_unlock(&user->lock);
	return bad;
}

/* Reads a counter of the guest's domain. */
u64 counter(const char *name)
{
	return debugfs_value("xen_gpu_map/domains/5", name);
}

unsigned long map_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) + fake_xen_calls(FAKE_CALL_ADD_TO_PHYSMAP) +
	       fake_xen_calls(FAKE_CALL_DEV_MAP) + fake_xen_calls(FAKE_CALL_IOMMU_LOOKUP);
}

unsigned long unmap_calls(void)
{
	return fake_xen_calls(FAKE_CALL_MMU_UPDATE) +
	       fake_xen_calls(FAKE_CALL_REMOVE_FROM_PHYSMAP) +
	       fake_xen_calls(FAKE_CALL_DEV_UNMAP) + fake_xen_calls(FAKE_CALL_IOMMU_UNMAP);
}

/* Returns the hypercall that the platform's backend unmaps with. */
enum fake_call unmap_call(struct kunit *test)
{
	const char *backend = platform(test)->backend;

	if (!strcmp(backend, "pv"))
		return FAKE_CALL_MMU_UPDATE;
	if (!strcmp(backend, "physmap"))
		return FAKE_CALL_REMOVE_FROM_PHYSMAP;
	return strcmp(backend, "native") ? FAKE_CALL_IOMMU_UNMAP : FAKE_CALL_DEV_UNMAP;
}

/* Maps n pages from a GFN on, each by itself. */
void user_map_range(struct mediator *user, u64 first, unsigned int n)
{
	while (n--)
		KUNIT_ASSERT_EQ(user->test, user_map(user, first++), 0);
}

/* A balloon event, and the revalidation after it. */
void user_balloon(struct mediator *user)
{
	xen_gpu_balloon_event(user->client.domain);
	flush(user);
}

/* Every entry of the table leads to the page that the guest has at its GFN. */
void user_expect_good(struct mediator *user)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(user->test, user_check(user), 0u);
	for (i = 0; i < user->n; i++)
		KUNIT_EXPECT_TRUE(user->test, fake_dma_reaches(user->entries[i].bfn, DOM,
							       user->entries[i].gfn));
}

/* The guest gives a page away, another guest gets the frame, and the guest gets another frame. */
void exchange_frame(u64 gfn)
{
	static u64 other_gfn = 1000;

	fake_gfn_remove(DOM, gfn);
	fake_gfn_populate(OTHER_DOM, other_gfn++);
	fake_gfn_populate(DOM, gfn);
}

static const struct platform *next_of_backend(const struct platform *prev, char *desc,
					      const char *backend)
{
	const struct platform *p = prev;

	do {
		p = next_platform(p, desc);
	} while (p && strcmp(p->backend, backend));
	return p;
}

/* Generators for KUNIT_CASE_PARAM: the platforms of one backend */
KUNIT_GENERATOR(pv_gen_params)
{
	return next_of_backend(prev, desc, "pv");
}

KUNIT_GENERATOR(physmap_gen_params)
{
	return next_of_backend(prev, desc, "physmap");
}

KUNIT_GENERATOR(native_gen_params)
{
	return next_of_backend(prev, desc, "native");
}

KUNIT_GENERATOR(xenserver_gen_params)
{
	return next_of_backend(prev, desc, "xenserver");
}
