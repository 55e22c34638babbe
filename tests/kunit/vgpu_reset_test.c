// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of resets (vgpu/reset.c) and of new drivers that PVINFO shows: after a guest's driver is
 * gone, its tables end, its pages are unprotected, and its quota is free. In all modes, on both
 * kinds of dom0.
 */

#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xengt.h>

#include "vgpu/shadow/dirty.h"
#include "hybrid_fixture.h"
#include "modules.h"
#include "ppgtt_fixture.h"

#define DIR		"xengt/vm5"
#define MAGIC_AT	PVINFO
#define VERSION_AT	(PVINFO + 8)
#define CAPS_AT		(PVINFO + 16)
#define DISPLAY_READY	(PVINFO + 0x804)
#define CURSOR_X_HOT	(PVINFO + 0x830)

/* A chain of tables of the old kernel, and one of the new kernel: four pages each */
#define OLD		600ull
#define NEW		700ull
#define OLD_DATA	100ull
#define NEW_DATA	200ull
#define ADDR(i)		((u64)(i) << 12)
#define CHAIN		4

struct reset_param {
	enum fake_xen_mode dom0;
	enum xengt_mode mode;
	unsigned int room;
};

static const struct reset_param params[] = {
	{ FAKE_PV_DOM0, XENGT_MODE_STRICT }, { FAKE_PVH_DOM0, XENGT_MODE_STRICT },
	{ FAKE_PV_DOM0, XENGT_MODE_POSTED }, { FAKE_PVH_DOM0, XENGT_MODE_POSTED },
	{ FAKE_PV_DOM0, XENGT_MODE_HYBRID }, { FAKE_PVH_DOM0, XENGT_MODE_HYBRID },
	{ FAKE_PV_DOM0, XENGT_MODE_HYBRID, PAGES_OF_SHARE },
	{ FAKE_PVH_DOM0, XENGT_MODE_HYBRID, PAGES_OF_SHARE },
};

static KUNIT_GENERATOR(next_param)
{
	const struct reset_param *param = prev ? (const struct reset_param *)prev + 1 : params;

	if (param == params + ARRAY_SIZE(params))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s%s", fake_xen_mode_name(param->dom0),
		 xengt_mode_name(param->mode), param->room ? " with RAM" : "");
	return param;
}

static int reset_init(struct kunit *test)
{
	const struct reset_param *param = test->param_value;

	start_modules(test, param->dom0);
	module_param_set("xengt.unsync_writes", "2");
	return 0;
}

static void reset_exit(struct kunit *test)
{
	fake_xen_fail_nothing();
	fake_xen_set_hook(NULL, NULL);
	stop_modules(test);
}

static struct ppgtt_guest *start(struct kunit *test, const char *quota, unsigned int generation)
{
	const struct reset_param *param = test->param_value;
	const struct ppgtt_guest_config config = {
		.quota = quota, .mode = param->mode, .room = param->room,
		.generation = generation,
	};

	return ppgtt_guest_start(test, &config);
}

/* Syncs, so that all writes are in the shadow in any mode. */
static void sync_all(struct ppgtt_guest *guest)
{
	ppgtt_guest_flush_gtt(guest);
	ppgtt_guest_revalidate(guest);
}

/* Writes a chain of tables at a GFN and the three after it, with n pages. */
static struct ppgtt chain(struct ppgtt_guest *guest, u64 gfn, u64 page, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < CHAIN - 1; i++)
		ppgtt_guest_put(guest, gfn + i, 0, PTE(gfn + i + 1));
	for (i = 0; i < n; i++)
		ppgtt_guest_put(guest, gfn + CHAIN - 1, i, PTE(page + i));
	return ppgtt_4(guest, gfn);
}

static unsigned int reached(struct ppgtt *ppgtt, u64 page, unsigned int n)
{
	unsigned int i, good = 0;

	for (i = 0; i < n; i++)
		good += ppgtt_reaches(ppgtt->guest->model, &ppgtt->roots, ADDR(i), page + i);
	return good;
}

static unsigned int protected_at(u64 gfn, unsigned int n)
{
	unsigned int i, trapped = 0;

	for (i = 0; i < n; i++)
		trapped += fake_gfn_write_protected(DOM, gfn + i);
	return trapped;
}

static u64 read_bar(struct kunit *test, u64 addr, unsigned int size)
{
	u64 value = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, addr, size, &value), 0);
	return value & GENMASK_ULL(8 * size - 1, 0);
}

/* intel_vgpu_detect() of i915 */
static void driver_starts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, read_bar(test, MAGIC_AT, 8), 0x4776544776544776ull);
	KUNIT_EXPECT_EQ(test, read_bar(test, VERSION_AT, 2), 1ull);
	read_bar(test, CAPS_AT, 4);
}

/* intel_vgpu_detect() in a kernel of 32 bits */
static void driver_starts_in_32_bits(struct kunit *test)
{
	read_bar(test, MAGIC_AT, 4);
	read_bar(test, MAGIC_AT + 4, 4);
	read_bar(test, VERSION_AT, 2);
	read_bar(test, CAPS_AT, 4);
}

/* intel_vgpu_register() of i915 */
static void driver_has_loaded(struct ppgtt_guest *guest)
{
	KUNIT_EXPECT_EQ(guest->test, ppgtt_guest_register(guest, DISPLAY_READY, 1), 0);
}

/* The test forgets the announcements of the dead kernel, too. */
static void crash(struct ppgtt *ppgtt)
{
	ppgtt_forget(ppgtt);
}

static void expect_nothing_held(struct kunit *test, struct ppgtt_guest *guest)
{
	sync_all(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("tables"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("pages_protected_now"), 0ull);
}

/* New drivers, as PVINFO shows them */

/*
 * A new kernel after kexec or kdump, or a driver that is loaded after a crash. See gvt
 * b611581b375c, da9cc8de22aa.
 */
static void check_new_kernel(struct kunit *test, void (*starts)(struct kunit *test))
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt old, new;

	starts(test);
	old = chain(guest, OLD, OLD_DATA, 8);
	ppgtt_notify(&old, true);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&old), 0);
	KUNIT_EXPECT_EQ(test, reached(&old, OLD_DATA, 8), 8u);
	ppgtt_unpin(&old);
	crash(&old);
	starts(test);
	new = chain(guest, NEW, NEW_DATA, 8);
	ppgtt_notify(&new, true);
	/* Reads alone are no new driver, until it has loaded. */
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 2ull);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 1ull);
	KUNIT_EXPECT_EQ(test, protected_at(OLD, CHAIN), 0u);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&new), 0);
	KUNIT_EXPECT_EQ(test, reached(&new, NEW_DATA, 8), 8u);
	ppgtt_unpin(&new);
	ppgtt_notify(&new, false);
	expect_nothing_held(test, guest);
	ppgtt_guest_stop(guest);
}

static void new_kernel_ends_the_tables_of_the_old_one(struct kunit *test)
{
	check_new_kernel(test, driver_starts);
}

static void new_32_bit_kernel_ends_the_tables_of_the_old_one(struct kunit *test)
{
	check_new_kernel(test, driver_starts_in_32_bits);
}

static void new_kernel_has_its_quota(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, "64", 8);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 50), new;

	ppgtt_notify(&old, true);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&old), 0);
	KUNIT_EXPECT_EQ(test, reached(&old, OLD_DATA, 50), 50u);
	ppgtt_unpin(&old);
	crash(&old);
	driver_starts(test);
	new = chain(guest, NEW, NEW_DATA, 50);
	ppgtt_notify(&new, true);
	driver_has_loaded(guest);
	ppgtt_guest_balloon_event(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&new), 0);
	KUNIT_EXPECT_EQ(test, reached(&new, NEW_DATA, 50), 50u);
	ppgtt_unpin(&new);
	ppgtt_notify(&new, false);
	ppgtt_guest_stop(guest);
}

/* 14: announcements of a root are counted. The old driver's is removed, the new one's stays. */
static void both_kernels_use_one_root(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt p = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&p, true);
	crash(&p);
	driver_starts(test);
	ppgtt_notify(&p, true);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&p), 0);
	KUNIT_EXPECT_EQ(test, reached(&p, OLD_DATA, 8), 8u);
	ppgtt_unpin(&p);
	ppgtt_notify(&p, false);
	expect_nothing_held(test, guest);
	KUNIT_EXPECT_EQ(test, protected_at(OLD, CHAIN), 0u);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&p), -ENOENT);
	ppgtt_guest_stop(guest);
}

/* 14: a new driver of the guest's ends what the guest announced, and nothing of the mediator's. */
static void new_kernel_ends_nothing_of_the_mediator(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt both = chain(guest, OLD, OLD_DATA, 8), guests = chain(guest, NEW, NEW_DATA, 8);

	ppgtt_notify(&both, true);
	ppgtt_notify(&both, true);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&both), 0);
	ppgtt_notify(&guests, true);
	driver_starts(test);
	driver_has_loaded(guest);
	crash(&guests);
	both.notified = 0;
	both.announced = 1;
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("ppgtts"), 1ull);
	KUNIT_EXPECT_EQ(test, protected_at(NEW, CHAIN), 0u);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&both), 0);
	KUNIT_EXPECT_EQ(test, reached(&both, OLD_DATA, 8), 8u);
	ppgtt_unpin(&both);
	/* There is nothing of the guest's that another new driver could end. */
	driver_starts(test);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_destroy(&both), 0);
	expect_nothing_held(test, guest);
	ppgtt_guest_stop(guest);
}

/* A reset ends the announcements of both. */
static void reset_ends_what_both_announced(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt p = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&p, true);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&p), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	crash(&p);
	expect_nothing_held(test, guest);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &p.root), -ENOENT);
	ppgtt_guest_stop(guest);
}

/*
 * A live driver destroys and announces its root again after something read PVINFO as a driver does.
 */
static void announcement_made_again_survives_the_handshake(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt p = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&p, true);
	driver_starts(test);
	ppgtt_notify(&p, false);
	ppgtt_notify(&p, true);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&p), 0);
	KUNIT_EXPECT_EQ(test, reached(&p, OLD_DATA, 8), 8u);
	ppgtt_end(&p);
	ppgtt_guest_stop(guest);
}

/* A dump of PVINFO reads it in pieces of one size, which no driver does. */
static void reader_of_pvinfo_is_no_driver(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt live;
	unsigned int size;
	u64 at;

	driver_starts(test);
	live = chain(guest, OLD, OLD_DATA, 8);
	ppgtt_notify(&live, true);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&live), 0);
	for (size = 1; size <= 8; size *= 2) {
		for (at = 0; at < 0x60; at += size)
			read_bar(test, PVINFO + at, size);
		read_bar(test, MAGIC_AT, 8);
		driver_has_loaded(guest);
	}
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 0ull);
	KUNIT_EXPECT_EQ(test, reached(&live, OLD_DATA, 8), 8u);
	ppgtt_check(&live);
	ppgtt_unpin(&live);
	ppgtt_notify(&live, false);
	ppgtt_guest_stop(guest);
}

/* Only the reads and then display_ready are a new driver. */
static void half_a_handshake_is_no_driver(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt live = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&live, true);
	driver_starts(test);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_register(guest, DISPLAY_READY, 0), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&live), 0);
	KUNIT_EXPECT_EQ(test, reached(&live, OLD_DATA, 8), 8u);
	ppgtt_unpin(&live);
	driver_has_loaded(guest);
	crash(&live);
	live = chain(guest, OLD, OLD_DATA, 8);
	ppgtt_notify(&live, true);
	driver_has_loaded(guest);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 1ull);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&live), 0);
	ppgtt_unpin(&live);
	ppgtt_notify(&live, false);
	ppgtt_guest_stop(guest);
}

/* Resets by a mediator or in configfs */

static void use_as_data(struct ppgtt_guest *guest)
{
	struct kunit *test = guest->test;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, protected_at(OLD, CHAIN), 0u);
	for (i = 0; i < 512; i++)
		ppgtt_guest_put(guest, OLD + CHAIN - 1, i, PTE(1000 + i));
	ppgtt_guest_flush_gtt(guest);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(7));
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, 7));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, 0);
}

static void tables_of_a_driver_that_is_gone(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, "64", 8);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&old, true);
	ppgtt_notify(&old, true);
	KUNIT_EXPECT_EQ(test, protected_at(OLD, CHAIN), (unsigned int)CHAIN);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	crash(&old);
	expect_nothing_held(test, guest);
	use_as_data(guest);
	KUNIT_EXPECT_EQ(test, xengt_ppgtt_destroy(guest->vgpu, &old.root), -ENOENT);
	ppgtt_guest_stop(guest);
}

static void configfs_has_the_same_resets(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, "64", 8);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_notify(&old, true);
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/reset", "ggtt"), -EINVAL);
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/reset", "all ppgtts"), -EINVAL);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("resets"), 0ull);
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/reset", "ppgtts\n"), 0);
	crash(&old);
	expect_nothing_held(test, guest);
	use_as_data(guest);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(7));
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/reset", "all"), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("resets"), 2ull);
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/enable", "0"), 0);
	KUNIT_EXPECT_EQ(test, configfs_write(DIR "/reset", "all"), -ENODEV);
	ppgtt_guest_stop(guest);
}

static void only_known_parts_of_what_runs_are_reset(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);

	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, ~0u), -EINVAL);
	xengt_vgpu_disable(guest->vgpu);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), -ENODEV);
	ppgtt_guest_stop(guest);
}

/* All entries are cleared, in a buffer, in protected RAM, or in an unsync page. */
static void reset_of_all_clears_the_ggtt(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	unsigned int i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < PLAIN_N; i++)
			ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + i,
					     PTE(OLD_DATA + i + round));
		ppgtt_guest_flush_gtt(guest);
	}
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, OLD_DATA + 2));
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST + 5, PTE(NEW_DATA));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST), PTE(OLD_DATA + 2));
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), 0);
	memset(guest->ggtt, 0, sizeof(guest->ggtt));
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("entries_live"), 0ull);
	for (i = 0; i < PLAIN_N; i++) {
		KUNIT_EXPECT_EQ(test, ppgtt_guest_get_ggtt(guest, PLAIN_FIRST + i), 0ull);
		KUNIT_EXPECT_TRUE(test, hybrid_is_scratch(guest->vgpu, PLAIN_FIRST + i));
	}
	sync_vgpu(guest->vgpu);
	ppgtt_guest_put_ggtt(guest, 0, PLAIN_FIRST, PTE(NEW_DATA));
	ppgtt_guest_flush_gtt(guest);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(PLAIN_FIRST, DOM, NEW_DATA));
	ppgtt_guest_stop(guest);
}

static bool is_blank(u64 bfn)
{
	const void *table = ppgtt_dom0_table(bfn);

	return table && !memchr_inv(table, 0, PAGE_SIZE);
}

/* The GPU may use the root until the mediator unpins it. */
static void pinned_root_is_blank_until_it_is_unpinned(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 8);

	ppgtt_start(&old);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	crash(&old);
	KUNIT_EXPECT_TRUE(test, is_blank(old.roots.shadow[0]));
	expect_nothing_held(test, guest);
	use_as_data(guest);
	gpu_check();
	ppgtt_unpin(&old);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&old), -ENOENT);
	ppgtt_guest_stop(guest);
}

/* gen7: the directory is scratch while it is pinned. After that it is entries of the GGTT. */
static void pinned_directory_becomes_entries_when_it_is_unpinned(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 7);
	struct ppgtt old = ppgtt_ggtt(guest, DIRECTORY(0)), again = old;
	u64 page = ppgtt_encode(guest->format, NEW_DATA, guest->format->rw);

	ppgtt_start(&old);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	crash(&old);
	ppgtt_guest_put_ggtt(guest, 0, DIRECTORY(0), page);
	sync_all(guest);
	KUNIT_EXPECT_FALSE(test, gpu_reaches(DIRECTORY(0), DOM, NEW_DATA));
	KUNIT_EXPECT_EQ(test, ppgtt_create(&again), -EBUSY);
	ppgtt_unpin(&old);
	sync_all(guest);
	ppgtt_model_begin(guest->model);
	KUNIT_EXPECT_EQ(test, ppgtt_compare_ggtt(guest->model, guest->format, DIRECTORY(0), 512),
			0u);
	KUNIT_EXPECT_EQ(test, ppgtt_create(&again), 0);
	ppgtt_end(&again);
	ppgtt_guest_stop(guest);
}

/* The root stays pinned after a reset, until the virtual GPU is disabled. */
static void directory_that_stays_pinned_leads_nowhere_at_the_end(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 7);
	struct ppgtt old = ppgtt_ggtt(guest, DIRECTORY(0));

	ppgtt_start(&old);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), 0);
	crash(&old);
	xengt_vgpu_disable(guest->vgpu);
	ppgtt_unpin(&old);
	ppgtt_guest_stop(guest);
}

static void reset_restores_pvinfo(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	u64 ready = read_bar(test, DISPLAY_READY, 4), cursor = read_bar(test, CURSOR_X_HOT, 4);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 8);

	driver_starts(test);
	ppgtt_notify(&old, true);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_register(guest, CURSOR_X_HOT, 17), 0);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_PPGTTS), 0);
	crash(&old);
	KUNIT_EXPECT_EQ(test, read_bar(test, DISPLAY_READY, 4), ready);
	KUNIT_EXPECT_EQ(test, read_bar(test, CURSOR_X_HOT, 4), cursor);
	KUNIT_EXPECT_EQ(test, read_bar(test, PVINFO_PDP(0, 0), 4), 0ull);
	KUNIT_EXPECT_EQ(test, read_bar(test, MAGIC_AT, 8), 0x4776544776544776ull);
	/* A driver that had begun to load counts as gone, too. */
	ppgtt_notify(&old, true);
	driver_has_loaded(guest);
	KUNIT_EXPECT_EQ(test, ppgtt_guest_count("drivers_gone"), 0ull);
	KUNIT_EXPECT_EQ(test, ppgtt_pin(&old), 0);
	ppgtt_unpin(&old);
	ppgtt_notify(&old, false);
	ppgtt_guest_stop(guest);
}

/* Stores in flight, and failures */

/* A vCPU stores to a table at the n-th hypercall of a reset. */
struct storing {
	unsigned int nth;
	bool sent;
	u64 value;
};

static void store_at_call(enum fake_call kind, void *arg)
{
	struct storing *s = arg;
	unsigned int nth = s->nth;

	if (!nth || --s->nth)
		return;
	s->sent = !fake_vcpu_send_store(DOM, 1, (OLD + CHAIN - 1) << PAGE_SHIFT, &s->value, 8);
}

static void store_in_flight_during_a_reset_is_answered(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct storing s = {};
	unsigned int nth;

	for (nth = 1; nth < 1000; nth++) {
		struct ppgtt old = chain(guest, OLD, OLD_DATA, 4);

		KUNIT_EXPECT_EQ(test, ppgtt_create(&old), 0);
		s = (struct storing){ .nth = nth, .value = PTE(NEW_DATA + nth) };
		fake_xen_set_hook(store_at_call, &s);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), 0);
		fake_xen_set_hook(NULL, NULL);
		crash(&old);
		memset(guest->ggtt, 0, sizeof(guest->ggtt));
		if (s.nth)
			break;
		KUNIT_EXPECT_TRUE(test, s.sent);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_wait(guest, 1), 0);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_get(guest, OLD + CHAIN - 1, 0), s.value);
		expect_nothing_held(test, guest);
		KUNIT_EXPECT_EQ(test, protected_at(OLD, CHAIN), 0u);
	}
	KUNIT_EXPECT_GT(test, nth, (unsigned int)CHAIN);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
	ppgtt_guest_stop(guest);
}

/*
 * Any hypercall of a reset can fail once. The books balance, and no page is protected at the end.
 */
static void reset_survives_a_failure_at_every_hypercall(struct kunit *test)
{
	static const int errors[] = { -ENOMEM, -EINVAL, -ESRCH, -EIO };
	struct ppgtt_guest *guest = start(test, NULL, 8);
	unsigned int nth;
	bool pending;

	for (nth = 1; nth < 1000; nth++) {
		struct ppgtt old = chain(guest, OLD, OLD_DATA, 4);

		KUNIT_EXPECT_EQ(test, ppgtt_create(&old), 0);
		fake_xen_fail_call(FAKE_CALL_ANY, nth, errors[nth % ARRAY_SIZE(errors)]);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), 0);
		pending = fake_xen_fail_pending();
		fake_xen_fail_nothing();
		crash(&old);
		gpu_check();
		expect_nothing_held(test, guest);
		if (pending)
			break;
	}
	KUNIT_EXPECT_GT(test, nth, (unsigned int)CHAIN);
	ppgtt_guest_stop(guest);
}

/*
 * 14: completions cannot be blocked, which is no vCPU that writes. Without a server no request is
 * pending, so the pages are unprotected at once.
 */
static void failed_blocking_does_not_count_as_busy(struct kunit *test)
{
	static const int errors[] = { -ENOENT, -EIO, -ESRCH };
	struct ppgtt_guest *guest = start(test, NULL, 8);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		struct ppgtt p = chain(guest, OLD, OLD_DATA, 4);

		KUNIT_EXPECT_EQ(test, ppgtt_create(&p), 0);
		guest->vgpu->gtt.shadow.unprotect_error = 0;
		fake_xen_fail_call(FAKE_CALL_DM_SET_STATE, 1, errors[i]);
		KUNIT_EXPECT_EQ(test, ppgtt_destroy(&p), 0);
		KUNIT_EXPECT_FALSE(test, fake_xen_fail_pending());
		KUNIT_EXPECT_EQ(test, guest->vgpu->gtt.shadow.unprotect_error,
				errors[i] == -ENOENT ? 0 : errors[i]);
		KUNIT_EXPECT_EQ(test, ppgtt_guest_count("unprotects_busy"), 0ull);
		expect_nothing_held(test, guest);
	}
	ppgtt_guest_stop(guest);
}

static void kill_at_call(enum fake_call kind, void *arg)
{
	unsigned int *nth = arg;

	if (*nth && !--*nth)
		fake_domain_start_dying(DOM);
}

/* The guest dies in the middle of a reset. */
static void guest_dies_during_a_reset(struct kunit *test)
{
	struct ppgtt_guest *guest = start(test, NULL, 8);
	struct ppgtt old = chain(guest, OLD, OLD_DATA, 8);
	unsigned int nth = 3;

	ppgtt_start(&old);
	fake_xen_set_hook(kill_at_call, &nth);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_reset(guest->vgpu, XENGT_RESET_ALL), 0);
	fake_xen_set_hook(NULL, NULL);
	crash(&old);
	fake_domain_kill(DOM);
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	ppgtt_unpin(&old);
	ppgtt_guest_stop(guest);
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE_PARAM(new_kernel_ends_the_tables_of_the_old_one, next_param),
	KUNIT_CASE_PARAM(new_32_bit_kernel_ends_the_tables_of_the_old_one, next_param),
	KUNIT_CASE_PARAM(new_kernel_has_its_quota, next_param),
	KUNIT_CASE_PARAM(both_kernels_use_one_root, next_param),
	KUNIT_CASE_PARAM(new_kernel_ends_nothing_of_the_mediator, next_param),
	KUNIT_CASE_PARAM(reset_ends_what_both_announced, next_param),
	KUNIT_CASE_PARAM(announcement_made_again_survives_the_handshake, next_param),
	KUNIT_CASE_PARAM(reader_of_pvinfo_is_no_driver, next_param),
	KUNIT_CASE_PARAM(half_a_handshake_is_no_driver, next_param),
	KUNIT_CASE_PARAM(tables_of_a_driver_that_is_gone, next_param),
	KUNIT_CASE_PARAM(configfs_has_the_same_resets, next_param),
	KUNIT_CASE_PARAM(only_known_parts_of_what_runs_are_reset, next_param),
	KUNIT_CASE_PARAM(reset_of_all_clears_the_ggtt, next_param),
	KUNIT_CASE_PARAM(pinned_root_is_blank_until_it_is_unpinned, next_param),
	KUNIT_CASE_PARAM(pinned_directory_becomes_entries_when_it_is_unpinned, next_param),
	KUNIT_CASE_PARAM(directory_that_stays_pinned_leads_nowhere_at_the_end, next_param),
	KUNIT_CASE_PARAM(reset_restores_pvinfo, next_param),
	KUNIT_CASE_PARAM(store_in_flight_during_a_reset_is_answered, next_param),
	KUNIT_CASE_PARAM(reset_survives_a_failure_at_every_hypercall, next_param),
	KUNIT_CASE_PARAM(failed_blocking_does_not_count_as_busy, next_param),
	KUNIT_CASE_PARAM(guest_dies_during_a_reset, next_param),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "xengt_reset",
	.init = reset_init,
	.exit = reset_exit,
	.test_cases = reset_cases,
};

kunit_test_suite(reset_suite);
