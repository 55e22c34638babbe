// SPDX-License-Identifier: GPL-2.0
/*
 * A guest with PPGTTs; see ppgtt_fixture.h.
 */

#include <linux/slab.h>
#include <linux/string.h>

#include "modules.h"
#include "ppgtt_fixture.h"

#define NAME		"vm5"
#define DIR		"xengt/" NAME

static void set_attr(struct kunit *test, const char *name, const char *value)
{
	char path[64];

	if (!value)
		return;
	snprintf(path, sizeof(path), DIR "/%s", name);
	KUNIT_ASSERT_EQ_MSG(test, configfs_write(path, value), 0, "%s=%s", name, value);
}

static void make_vgpu(struct ppgtt_guest *guest, const struct ppgtt_guest_config *config)
{
	struct kunit *test = guest->test;
	char text[32];

	KUNIT_ASSERT_EQ(test, configfs_mkdir(DIR), 0);
	set_attr(test, "domid", "5");
	set_attr(test, "generation", guest->format == &ppgtt_gen7 ? "7" : "8");
	snprintf(text, sizeof(text), "%#llx", BAR0);
	set_attr(test, "bar0", text);
	snprintf(text, sizeof(text), "%#lx", DIRECTORY(0) << 12);
	set_attr(test, "mappable_base", text);
	snprintf(text, sizeof(text), "%#lx", GGTT_SHARE << 12);
	set_attr(test, "mappable_size", text);
	set_attr(test, "quota", config->quota);
	set_attr(test, "tables", config->tables);
	set_attr(test, "place", "gpu");
	guest->vgpu = xengt_vgpu_get(NAME);
	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(guest->vgpu));
	guest->vgpu->config.mode = config->mode;
	/* The ioreq server's page counts as the guest's. */
	if (config->room)
		fake_domain_set_headroom(DOM, config->room);
	gpu_set_owner(DOM);
	set_attr(test, "enable", "1");
	gpu_set_drained(DOM, guest->vgpu->domain);
}

static u64 ggtt_guest(void *data, unsigned long index)
{
	struct ppgtt_guest *guest = data;

	return guest->ggtt[index - DIRECTORY(0)];
}

static u64 ggtt_shadow(void *data, unsigned long index)
{
	return gpu_entry(index);
}

/* Starts a guest with an enabled virtual GPU and an empty GGTT. */
struct ppgtt_guest *ppgtt_guest_start(struct kunit *test,
				      const struct ppgtt_guest_config *config)
{
	struct ppgtt_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, guest);
	guest->test = test;
	guest->format = config->generation == 7 ? &ppgtt_gen7 : &ppgtt_gen8_4;
	guest->model = ppgtt_model_new(test, DOM);
	guest->model->ggtt_guest = ggtt_guest;
	guest->model->ggtt_shadow = ggtt_shadow;
	guest->model->data = guest;
	gpu_set_format(guest->format);
	guest->gpu = ppgtt_gpu_new(test, DOM, guest->format);
	guest->gpu->directories = guest->format->root_in_ggtt;
	fake_domain_set_vcpus(DOM, VCPUS_OF_GUEST);
	make_vgpu(guest, config);
	fake_xen_reset_calls();
	fake_xen_clear_events();
	return guest;
}

/* Disables the virtual GPU, whatever is announced or written. Nothing may be left. */
void ppgtt_guest_stop(struct ppgtt_guest *guest)
{
	struct kunit *test = guest->test;

	gpu_set_drained(DOM, NULL);
	xengt_vgpu_put(guest->vgpu);
	KUNIT_EXPECT_EQ(test, configfs_rmdir(DIR), 0);
	KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	gpu_check();
	gpu_set_walker(NULL);
}

/* Reads a counter of the virtual GPU. */
u64 ppgtt_guest_count(const char *name)
{
	return debugfs_value("xengt/vgpus/" NAME, name);
}

/* What vCPUs do */

/* Begins a store, which ppgtt_guest_wait() completes. */
void ppgtt_guest_send(struct ppgtt_guest *guest, unsigned int vcpu, u64 addr, const void *data,
		      unsigned int size)
{
	guest->writes++;
	guest->trapped += fake_gfn_write_protected(DOM, addr >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(guest->test, fake_vcpu_send_store(DOM, vcpu, addr, data, size), 0);
}

int ppgtt_guest_wait(struct ppgtt_guest *guest, unsigned int vcpu)
{
	return fake_vcpu_wait(DOM, vcpu, NULL);
}

int ppgtt_guest_store(struct ppgtt_guest *guest, unsigned int vcpu, u64 addr, const void *data,
		      unsigned int size)
{
	ppgtt_guest_send(guest, vcpu, addr, data, size);
	return ppgtt_guest_wait(guest, vcpu);
}

/* Writes an entry of a table. */
void ppgtt_guest_put(struct ppgtt_guest *guest, u64 gfn, unsigned int index, u64 raw)
{
	unsigned int size = guest->format->entry_size;

	KUNIT_EXPECT_EQ(guest->test,
			ppgtt_guest_store(guest, 0, (gfn << PAGE_SHIFT) + index * size, &raw, size),
			0);
}

u64 ppgtt_guest_get(struct ppgtt_guest *guest, u64 gfn, unsigned int index)
{
	unsigned int size = guest->format->entry_size;
	u64 raw = 0;

	fake_guest_read(DOM, (gfn << PAGE_SHIFT) + index * size, &raw, size);
	return raw;
}

/* The GTT is the upper half of BAR 0. */
static u64 ggtt_addr(const struct ppgtt_guest *guest, unsigned long index)
{
	unsigned int size = guest->format->entry_size;

	return BAR0 + guest->format->ggtt_entries * size + index * size;
}

/* Returns the GFN of the page with an entry of the GGTT. */
u64 ppgtt_guest_ggtt_gfn(const struct ppgtt_guest *guest, unsigned long index)
{
	return ggtt_addr(guest, index) >> PAGE_SHIFT;
}

/* Writes an entry of the GGTT, to RAM or with a trap. */
void ppgtt_guest_put_ggtt(struct ppgtt_guest *guest, unsigned int vcpu, unsigned long index,
			  u64 raw)
{
	u64 addr = ggtt_addr(guest, index), gfn = addr >> PAGE_SHIFT;

	guest->writes++;
	guest->trapped += fake_gfn_mfn(DOM, gfn) == FAKE_NO_MFN ||
			  fake_gfn_write_protected(DOM, gfn);
	guest->ggtt[index - DIRECTORY(0)] = raw;
	KUNIT_EXPECT_EQ(guest->test,
			fake_vcpu_store(DOM, vcpu, addr, &raw, guest->format->entry_size), 0);
}

/* Reads an entry of the GGTT, as the guest does. */
u64 ppgtt_guest_get_ggtt(struct ppgtt_guest *guest, unsigned long index)
{
	u64 raw = 0;

	KUNIT_EXPECT_EQ(guest->test, fake_vcpu_load(DOM, 0, ggtt_addr(guest, index), &raw,
						    guest->format->entry_size), 0);
	return raw;
}

int ppgtt_guest_register(struct ppgtt_guest *guest, u64 addr, u32 value)
{
	return fake_vcpu_write(DOM, 0, addr, value, 4);
}

/* The guest flushes. */
void ppgtt_guest_flush_gtt(struct ppgtt_guest *guest)
{
	KUNIT_EXPECT_EQ(guest->test, ppgtt_guest_register(guest, GFX_FLSH_CNTL, 1), 0);
}

void ppgtt_guest_sync(struct ppgtt_guest *guest)
{
	KUNIT_EXPECT_EQ(guest->test, xengt_vgpu_sync(guest->vgpu), 0);
}

/* Completes pending revalidations and syncs, so that all is in the shadow. */
void ppgtt_guest_revalidate(struct ppgtt_guest *guest)
{
	ppgtt_guest_sync(guest);
	sync_vgpu(guest->vgpu);
	ppgtt_guest_sync(guest);
	sync_vgpu(guest->vgpu);
}

/* A balloon event, whether a page left the physmap or not, and the revalidation after it. */
void ppgtt_guest_balloon_event(struct ppgtt_guest *guest)
{
	KUNIT_EXPECT_EQ(guest->test, fake_vcpu_invalidate(DOM, 0), 0);
	ppgtt_guest_revalidate(guest);
}

/* PPGTTs */

struct ppgtt ppgtt_4(struct ppgtt_guest *guest, u64 gfn)
{
	struct ppgtt ppgtt = { .guest = guest };

	ppgtt.root.levels = 4;
	ppgtt.root.pdp[0] = gfn << PAGE_SHIFT;
	ppgtt.roots.format = &ppgtt_gen8_4;
	ppgtt.roots.guest[0] = gfn;
	return ppgtt;
}

struct ppgtt ppgtt_3(struct ppgtt_guest *guest, const u64 *gfns)
{
	struct ppgtt ppgtt = { .guest = guest };
	unsigned int i;

	ppgtt.root.levels = 3;
	ppgtt.roots.format = &ppgtt_gen8_3;
	for (i = 0; i < 4; i++) {
		ppgtt.root.pdp[i] = gfns[i] << PAGE_SHIFT;
		ppgtt.roots.guest[i] = gfns[i];
	}
	return ppgtt;
}

struct ppgtt ppgtt_ggtt(struct ppgtt_guest *guest, unsigned long first)
{
	struct ppgtt ppgtt = { .guest = guest };

	ppgtt.root.levels = 2;
	ppgtt.root.pdp[0] = (u64)first << PAGE_SHIFT;
	ppgtt.roots.format = &ppgtt_gen7;
	ppgtt.roots.guest[0] = first;
	return ppgtt;
}

int ppgtt_create(struct ppgtt *ppgtt)
{
	int rc = xengt_ppgtt_create(ppgtt->guest->vgpu, &ppgtt->root);

	ppgtt->announced += !rc;
	return rc;
}

int ppgtt_destroy(struct ppgtt *ppgtt)
{
	int rc = xengt_ppgtt_destroy(ppgtt->guest->vgpu, &ppgtt->root);

	ppgtt->announced -= !rc;
	return rc;
}

/* The test forgets announcements that a reset or the like has ended. */
void ppgtt_forget(struct ppgtt *ppgtt)
{
	ppgtt->announced = 0;
	ppgtt->notified = 0;
}

/* The guest's driver notifies by PVINFO. */
void ppgtt_notify(struct ppgtt *ppgtt, bool create)
{
	static const u32 codes[2][2] = {
		{ PVINFO_L3_DESTROY, PVINFO_L3_CREATE }, { PVINFO_L4_DESTROY, PVINFO_L4_CREATE },
	};
	struct ppgtt_guest *guest = ppgtt->guest;
	unsigned int i, n = ppgtt->root.levels == 4 ? 1 : 4;

	for (i = 0; i < n; i++) {
		ppgtt_guest_register(guest, PVINFO_PDP(i, 0), lower_32_bits(ppgtt->root.pdp[i]));
		ppgtt_guest_register(guest, PVINFO_PDP(i, 1), upper_32_bits(ppgtt->root.pdp[i]));
	}
	KUNIT_EXPECT_EQ(guest->test,
			ppgtt_guest_register(guest, PVINFO_NOTIFY,
					     codes[ppgtt->root.levels == 4][create]), 0);
	ppgtt->announced += create ? 1 : -1;
	ppgtt->notified += create ? 1 : -1;
}

/* Pins the PPGTT: the GPU uses it from now on. */
int ppgtt_pin(struct ppgtt *ppgtt)
{
	struct xengt_ppgtt_shadow *pinned;
	u64 shadow[XENGT_PPGTT_PDPS] = {};
	unsigned int i;

	pinned = xengt_ppgtt_pin(ppgtt->guest->vgpu, &ppgtt->root, shadow);
	if (IS_ERR(pinned))
		return PTR_ERR(pinned);
	for (i = 0; i < XENGT_PPGTT_PDPS; i++)
		ppgtt->roots.shadow[i] = shadow[i] >> PAGE_SHIFT;
	ppgtt->pinned = pinned;
	ppgtt_gpu_use(ppgtt->guest->gpu, &ppgtt->roots);
	return 0;
}

void ppgtt_unpin(struct ppgtt *ppgtt)
{
	ppgtt_gpu_leave(ppgtt->guest->gpu, &ppgtt->roots);
	xengt_ppgtt_unpin(ppgtt->pinned);
	ppgtt->pinned = NULL;
}

/* Announces and pins a PPGTT. */
void ppgtt_start(struct ppgtt *ppgtt)
{
	KUNIT_ASSERT_EQ(ppgtt->guest->test, ppgtt_create(ppgtt), 0);
	KUNIT_ASSERT_EQ(ppgtt->guest->test, ppgtt_pin(ppgtt), 0);
}

void ppgtt_end(struct ppgtt *ppgtt)
{
	if (ppgtt->pinned)
		ppgtt_unpin(ppgtt);
	while (ppgtt->notified)
		ppgtt_notify(ppgtt, false);
	while (ppgtt->announced && !ppgtt_destroy(ppgtt))
		;
	KUNIT_EXPECT_EQ(ppgtt->guest->test, ppgtt->announced, 0u);
}

/* After a sync: the shadow of a pinned PPGTT is right, and all that the GPU reaches is safe. */
void ppgtt_check(struct ppgtt *ppgtt)
{
	struct ppgtt_model *m = ppgtt->guest->model;

	ppgtt_model_begin(m);
	KUNIT_EXPECT_EQ_MSG(ppgtt->guest->test, ppgtt_compare(m, &ppgtt->roots), 0u,
			    "the shadow is not the guest's: see above");
	gpu_check();
}
