// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites of xengt.ko begin with: loaded modules, virtual GPUs; see vgpu_fixture.h.
 */

#include "modules.h"
#include "vgpu_fixture.h"

/* Loads both modules on a Xen that prepare() gives more than stock Xen has. It may be NULL. */
void start_modules_on(struct kunit *test, enum fake_xen_mode mode, void (*prepare)(void))
{
	gpu_start();
	fake_xen_start(test, mode);
	if (prepare)
		prepare();
	module_param_set("xen_gpu_map.backend", "auto");
	module_param_set("xen_gpu_map.idle_age_ms", "600000");
	module_param_set("xen_gpu_map.idle_max", "1000000");
	module_param_set("xen_gpu_map.balloon_delay_ms", "600000");
	module_param_set("xengt.posted_age_ms", "600000");
	module_param_set("xengt.posted_max", "1000000");
	module_param_set("xengt.unsync_writes", "4");
	/* Other values only where a case tests them. */
	module_param_set("xengt.unsync_around", "1");
	module_param_set("xengt.unsync_max", "4096");
	module_param_set("xengt.idle_syncs", "64");
	KUNIT_ASSERT_EQ(test, module_load("xen_gpu_map"), 0);
	KUNIT_ASSERT_EQ(test, module_load("xengt"), 0);
	fake_domain_create(DOM, GUEST_PAGES);
	fake_gfn_populate(DOM, HIGH_GFN);
	fake_domain_create(OTHER_DOM, GUEST_PAGES);
	fake_xen_set_hook(gpu_check_at_hypercall, NULL);
	fake_xen_reset_calls();
}

/**
 * start_modules - load both modules on stock Xen, with two guests
 * @test: the test
 * @mode: the domain that the modules run in
 *
 * No page is unmapped by age or number, no late sync comes, and a balloon event is handled when the
 * test flushes.
 */
void start_modules(struct kunit *test, enum fake_xen_mode mode)
{
	start_modules_on(test, mode, NULL);
}

/* The start of every case of most suites */
int vgpu_suite_init(struct kunit *test)
{
	start_modules(test, mode_of(test));
	return 0;
}

/* The end of every case: the GPU was safe all the time, and the books balance after an unload. */
void stop_modules(struct kunit *test)
{
	current->fail_nth = 0;
	fake_xen_fail_nothing();
	modules_unload_all();
	gpu_stop(test);
	fake_xen_stop(test);
}

bool on_pv(struct kunit *test)
{
	return mode_of(test) == FAKE_PV_DOM0;
}

enum fake_xen_mode mode_of(struct kunit *test)
{
	return *(const enum fake_xen_mode *)test->param_value;
}

/*
 * Makes a virtual GPU that is off, with the GPU of the tests as its GSM. Each guest has its own
 * share.
 */
struct xengt_vgpu *new_vgpu(struct kunit *test, domid_t domid)
{
	struct xengt_vgpu *vgpu = xengt_vgpu_create("test");
	unsigned long shift = domid == DOM ? 0 : 16 * VGPU_FIRST;

	KUNIT_ASSERT_FALSE(test, IS_ERR(vgpu));
	vgpu->config.domid = domid;
	vgpu->config.bar0 = BAR0;
	vgpu->config.base[0] = (u64)(VGPU_FIRST + shift) << 12;
	vgpu->config.size[0] = (u64)VGPU_N << 12;
	vgpu->config.base[1] = (u64)(VGPU_HIGH_FIRST + shift) << 12;
	vgpu->config.size[1] = (u64)VGPU_HIGH_N << 12;
	strscpy(vgpu->config.place, "gpu", sizeof(vgpu->config.place));
	vgpu->config.mode = XENGT_MODE_STRICT;
	gpu_set_owner(domid);
	return vgpu;
}

struct xengt_vgpu *start_vgpu(struct kunit *test, domid_t domid, unsigned int vcpus)
{
	struct xengt_vgpu *vgpu = new_vgpu(test, domid);

	fake_domain_set_vcpus(domid, vcpus);
	KUNIT_ASSERT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	gpu_set_drained(domid, vgpu->domain);
	return vgpu;
}

void stop_vgpu(struct xengt_vgpu *vgpu)
{
	gpu_set_drained(vgpu->config.domid, NULL);
	xengt_vgpu_destroy(vgpu);
}

/* Completes pending revalidations, and unmaps idle pages. */
void sync_vgpu(struct xengt_vgpu *vgpu)
{
	xen_gpu_flush(vgpu->domain);
}

/*
 * For cases that fail each hypercall of enabling in turn: enabling asks for the type of each page
 * of the GTT. Returns how many of these calls to skip after the eighth.
 */
unsigned int skip_get_types(void)
{
	unsigned long looks = fake_xen_calls(FAKE_CALL_GET_TYPE);

	fake_xen_reset_calls();
	return looks == 8 ? 2048 - 16 : 0;
}

u64 vgpu_count(struct xengt_vgpu *vgpu, enum xengt_counter which)
{
	return xengt_counter_read(&vgpu->counters, which);
}

/* The guest's first vCPU writes an entry. */
void guest_write(struct kunit *test, unsigned long entry, u64 pte)
{
	KUNIT_EXPECT_EQ(test, fake_vcpu_write(DOM, 0, ENTRY_ADDR(entry), pte, 8), 0);
}

u64 guest_read(struct kunit *test, unsigned long entry)
{
	u64 pte = 0;

	KUNIT_EXPECT_EQ(test, fake_vcpu_read(DOM, 0, ENTRY_ADDR(entry), 8, &pte), 0);
	return pte;
}

/* The modules hold nothing of Xen's, nor entries of the GPU. */
void vgpu_expect_nothing_left(struct kunit *test, const char *what)
{
	KUNIT_EXPECT_EQ_MSG(test, fake_total_refs(), 0ul, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fake_servers(DOM), 0u, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fake_evtchn_ports(), 0u, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fake_evtchn_irqs(), 0u, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, fake_pv_tables(), 0u, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, gpu_reserved(), 0u, "%s", what);
}
