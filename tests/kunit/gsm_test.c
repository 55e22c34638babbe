// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of GSMs that are modules of their own (vgpu/gsm/gsm.c): their names, and what a virtual GPU
 * does when its GPU goes away or has lost its entries. With the GPU of the tests as such a module.
 */

#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vgpu/gsm/gsm.h"
#include "vgpu_fixture.h"

#define ALL_ENTRIES	(VGPU_N + VGPU_HIGH_N)

/* A GSM that has no share for anybody, and remembers the device that was asked for. */
static char asked_device[32];

static struct xengt_gsm *refuse(const struct xengt_gsm_request *request)
{
	strscpy(asked_device, request->device, sizeof(asked_device));
	return ERR_PTR(-ENXIO);
}

static const struct xengt_gsm_ops refusing_gsm = { .name = "refusing", .open = refuse };

static long try_open(const char *place)
{
	struct xengt_gsm_request request = { .vgpu = "test" };

	strscpy(asked_device, "none", sizeof(asked_device));
	return PTR_ERR_OR_ZERO(xengt_gsm_open(place, &request));
}

static void place_names_a_gsm_and_a_device(struct kunit *test)
{
	static const char * const unknown[] = {
		"", ":", ":refusing", "refusin", "refusing2", "Refusing", " refusing",
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, xengt_gsm_register(&refusing_gsm), 0);
	KUNIT_EXPECT_EQ(test, try_open("refusing"), -ENXIO);
	KUNIT_EXPECT_STREQ(test, asked_device, "");
	KUNIT_EXPECT_EQ(test, try_open("refusing:0000:00:02.0"), -ENXIO);
	KUNIT_EXPECT_STREQ(test, asked_device, "0000:00:02.0");
	KUNIT_EXPECT_TRUE(test, xengt_gsm_known("refusing:0000:00:02.0"));
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		KUNIT_EXPECT_EQ_MSG(test, try_open(unknown[i]), -ENODEV, "\"%s\"", unknown[i]);
		KUNIT_EXPECT_FALSE(test, xengt_gsm_known(unknown[i]));
	}
	xengt_gsm_unregister(&refusing_gsm);
	KUNIT_EXPECT_EQ(test, try_open("refusing"), -ENODEV);
}

static void names_are_unique_and_can_be_written(struct kunit *test)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "", -EINVAL }, { "a:b", -EINVAL }, { "a b", -EINVAL }, { "a\n", -EINVAL },
		{ "mem", -EEXIST }, { "gpu", -EEXIST },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct xengt_gsm_ops ops = { .name = cases[i].name, .open = refuse };

		KUNIT_EXPECT_EQ_MSG(test, xengt_gsm_register(&ops), cases[i].rc, "\"%s\"",
				    cases[i].name);
	}
}

static void fill_share(struct kunit *test)
{
	unsigned long i;

	for (i = 0; i < VGPU_N; i++)
		guest_write(test, VGPU_FIRST + i, PTE(i));
	for (i = 0; i < VGPU_HIGH_N; i++)
		guest_write(test, VGPU_HIGH_FIRST + i, PTE(VGPU_N + i));
}

static bool share_is_filled(void)
{
	unsigned long i;

	for (i = 0; i < VGPU_N; i++) {
		if (!gpu_reaches(VGPU_FIRST + i, DOM, i))
			return false;
	}
	for (i = 0; i < VGPU_HIGH_N; i++) {
		if (!gpu_reaches(VGPU_HIGH_FIRST + i, DOM, VGPU_N + i))
			return false;
	}
	return true;
}

static void entries_that_were_lost_are_written_again(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	u64 writes, invalidates;

	fill_share(test);
	KUNIT_EXPECT_TRUE(test, share_is_filled());
	writes = vgpu_count(vgpu, XENGT_COUNT_GPU_WRITES);
	invalidates = vgpu_count(vgpu, XENGT_COUNT_GPU_INVALIDATES);
	gpu_lose_entries();
	KUNIT_EXPECT_FALSE(test, share_is_filled());
	xengt_gsm_rewrite(gpu_share());
	KUNIT_EXPECT_TRUE(test, share_is_filled());
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GPU_WRITES) - writes, ALL_ENTRIES);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GPU_INVALIDATES) - invalidates, 1ull);
	stop_vgpu(vgpu);
}

static void expect_dead(struct kunit *test, struct xengt_vgpu *vgpu)
{
	flush_work(&vgpu->ended_work);
	KUNIT_EXPECT_EQ(test, vgpu->state, XENGT_VGPU_DEAD);
	KUNIT_EXPECT_NULL(test, gpu_share());
	vgpu_expect_nothing_left(test, "after the GPU went away");
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), -EBUSY);
	xengt_vgpu_disable(vgpu);
}

static void virtual_gpu_stops_when_its_gpu_goes_away(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);

	fill_share(test);
	gpu_set_drained(DOM, NULL);
	xengt_gsm_lost(gpu_share());
	expect_dead(test, vgpu);
	KUNIT_EXPECT_EQ_MSG(test, xengt_vgpu_enable(vgpu), 0, "it serves the same guest again");
	fill_share(test);
	KUNIT_EXPECT_TRUE(test, share_is_filled());
	stop_vgpu(vgpu);
}

static void lose_gpu(void *data)
{
	xengt_gsm_lost(gpu_share());
}

/* The virtual GPU is being enabled: the share is open, and has its first entries. */
static void gpu_goes_away_while_the_virtual_gpu_starts(struct kunit *test)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, DOM);

	gpu_on_invalidate(lose_gpu, NULL);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	expect_dead(test, vgpu);
	stop_vgpu(vgpu);
}

/* A late order to stop is of the former share. */
static void virtual_gpu_that_has_a_gpu_again_goes_on(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);

	gpu_set_drained(DOM, NULL);
	mutex_lock(&vgpu->lock);
	xengt_gsm_lost(gpu_share());
	mutex_unlock(&vgpu->lock);
	xengt_vgpu_disable(vgpu);
	KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	schedule_work(&vgpu->ended_work);
	flush_work(&vgpu->ended_work);
	KUNIT_EXPECT_EQ(test, vgpu->state, XENGT_VGPU_RUNNING);
	stop_vgpu(vgpu);
}

static struct kunit_case gsm_cases[] = {
	KUNIT_CASE_PARAM(place_names_a_gsm_and_a_device, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(names_are_unique_and_can_be_written, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_that_were_lost_are_written_again, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(virtual_gpu_stops_when_its_gpu_goes_away, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(gpu_goes_away_while_the_virtual_gpu_starts, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(virtual_gpu_that_has_a_gpu_again_goes_on, both_dom0s_gen_params),
	{}
};

static struct kunit_suite gsm_suite = {
	.name = "xengt_gsm",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = gsm_cases,
};

kunit_test_suite(gsm_suite);
