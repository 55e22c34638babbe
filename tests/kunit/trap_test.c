// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the whole path of a guest's access: from a vCPU of the fake hypervisor by the ioreq
 * server, the virtual GPU, the shadow GGTT and the mapping service to the entry of the GPU. Every
 * request is answered, and does what the guest's instruction does.
 */

#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "vgpu/xen/ioreq.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define FIRST_ADDR	ENTRY_ADDR(VGPU_FIRST)
#define TABLE_BYTES	(VGPU_N * 8)
#define DATA_GFN	200
#define DATA_ADDR	(DATA_GFN * PAGE_SIZE)
#define DATA_BYTES	(2 * PAGE_SIZE)

static void write_reaches_the_gpu(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);

	guest_write(test, VGPU_FIRST, PTE(7) | BIT_ULL(3));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	KUNIT_EXPECT_EQ(test, gpu_entry(VGPU_FIRST) & ~PTE_ADDRESS,
			PTE_PRESENT | PTE_RW | BIT_ULL(3));
	KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST), PTE(7) | BIT_ULL(3));
	guest_write(test, VGPU_HIGH_FIRST + VGPU_HIGH_N - 1, PTE(8));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_HIGH_FIRST + VGPU_HIGH_N - 1, DOM, 8));
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_TRAPS), 3ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_WRITES), 2ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_READS), 1ull);
	stop_vgpu(vgpu);
}

static void entries_of_others_read_0_and_stay(struct kunit *test)
{
	static const unsigned long entries[] = {
		0, VGPU_FIRST - 1, VGPU_FIRST + VGPU_N, VGPU_HIGH_FIRST - 1,
		VGPU_HIGH_FIRST + VGPU_HIGH_N, GTT_ENTRIES - 1,
	};
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		guest_write(test, entries[i], PTE(7));
		KUNIT_EXPECT_EQ(test, guest_read(test, entries[i]), 0ull);
		KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_OUT_OF_SHARE), (u64)i + 1);
	}
	stop_vgpu(vgpu);
}

static void check_table(struct kunit *test, const u8 *table, const char *what)
{
	unsigned int i, bad = 0;
	u64 got, wanted;

	for (i = 0; i < TABLE_BYTES; i += 8) {
		memcpy(&wanted, table + i, 8);
		got = guest_read(test, VGPU_FIRST + i / 8);
		bad += got != wanted;
		if ((wanted & PTE_PRESENT) && !(wanted & PTE_RESERVED) &&
		    fake_gfn_mfn(DOM, PTE_FRAME(wanted)) != FAKE_NO_MFN)
			bad += !gpu_reaches(VGPU_FIRST + i / 8, DOM, PTE_FRAME(wanted));
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0u, "%s", what);
}

static void writes_of_every_size_and_alignment(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	u8 *table = kunit_kzalloc(test, TABLE_BYTES, GFP_KERNEL);
	unsigned int size, offset;
	u64 data;

	KUNIT_ASSERT_NOT_NULL(test, table);
	for (size = 1; size <= 8; size++) {
		for (offset = 0; offset < 16; offset++) {
			data = PTE(HIGH_GFN) >> (8 * (offset % 8)) |
			       (offset % 8 ? PTE(size) << (64 - 8 * (offset % 8)) : 0);
			memcpy(table + 8 * size + offset, &data, size);
			KUNIT_EXPECT_EQ(test,
					fake_vcpu_write(DOM, 0, FIRST_ADDR + 8 * size + offset,
							data, size), 0);
		}
		check_table(test, table, "written");
	}
	for (offset = 0; offset < 64; offset++) {
		for (size = 1; size <= 8; size++) {
			fake_vcpu_read(DOM, 0, FIRST_ADDR + offset, size, &data);
			KUNIT_EXPECT_EQ(test, memcmp(&data, table + offset, size), 0);
		}
	}
	stop_vgpu(vgpu);
}

/* Requests have any size, count, address and direction. */
static void request_of_any_shape_is_answered(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 4096, 0x80000000, U32_MAX };
	static const u32 counts[] = { 0, 1, 2, 3, 513, 4096, 0x10000000, U32_MAX };
	static const u64 addrs[] = {
		0, BAR0, GTT_BASE - 4, GTT_BASE, FIRST_ADDR, FIRST_ADDR + 3, FIRST_ADDR + 4,
		GTT_BASE + (8 << 20) - 1, GTT_BASE + (8 << 20), 1ull << 63, U64_MAX - 3, U64_MAX,
	};
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned int i, n = ARRAY_SIZE(sizes) * ARRAY_SIZE(counts) * ARRAY_SIZE(addrs) * 8;
	unsigned int size, count, answered = 0;

	for (i = 0; i < n; i++) {
		struct xen_ioreq req = {
			.type = IOREQ_TYPE_COPY,
			.addr = addrs[i / 8 % ARRAY_SIZE(addrs)],
			.dir = i,
			.df = i >> 1,
			.data_is_ptr = i >> 2,
			.data = i & 4 ? DATA_ADDR : PTE(3),
		};

		count = counts[i / 8 / ARRAY_SIZE(addrs) % ARRAY_SIZE(counts)];
		size = sizes[i / 8 / ARRAY_SIZE(addrs) / ARRAY_SIZE(counts)];
		/* The longest requests walk the whole GTT. One kind of them is enough. */
		if (size <= 8 && count > 0x1000000 && i % 8 != 4)
			continue;
		req.size = size;
		req.count = count;
		KUNIT_EXPECT_EQ(test, fake_vcpu_io_any(DOM, 0, &req), 0);
		answered++;
		if (fake_xen_errors())
			break;
	}
	KUNIT_EXPECT_GT(test, answered, 8000u);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_TRAPS), (u64)answered);
	sync_vgpu(vgpu);
	stop_vgpu(vgpu);
}

static void request_of_any_type_is_answered(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned int type;

	for (type = 0; type < 256; type++) {
		struct xen_ioreq req = {
			.type = type,
			.dir = IOREQ_READ,
			.addr = 0xcf8,
			.size = 4,
			.count = 1,
		};

		KUNIT_EXPECT_EQ(test, fake_vcpu_io_any(DOM, 0, &req), 0);
		if (type != IOREQ_TYPE_INVALIDATE)
			KUNIT_EXPECT_EQ(test, (u32)req.data, U32_MAX);
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_UNHANDLED), 254ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_INVALIDATES), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_BAD_RANGE), 1ull);
	stop_vgpu(vgpu);
}

static void balloon_events_are_answered_and_gathered(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 2);
	unsigned int i;

	for (i = 0; i < 16; i++)
		guest_write(test, VGPU_FIRST + i, PTE(100 + i));
	for (i = 0; i < 8; i++)
		fake_guest_balloon_out(DOM, i % 2, 100 + i);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_INVALIDATES), 8ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_ZAPPED), 0ull);
	sync_vgpu(vgpu);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "balloon_events"), 8ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "revalidations"), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_ZAPPED), 8ull);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, gpu_reaches(VGPU_FIRST + i, DOM, 100 + i), i >= 8);
	stop_vgpu(vgpu);
}

/* Rep instructions */

/* Does what the instruction does, byte by byte. */
static void model_rep(u8 *table, u8 *memory, struct xen_ioreq *req)
{
	u32 i;

	for (i = 0; i < req->count; i++) {
		s64 step = (s64)i * req->size * (req->df ? -1 : 1);
		u8 *at = table + (req->addr + step - FIRST_ADDR);
		u8 *data = req->data_is_ptr ? memory + (req->data + step - DATA_ADDR) :
			   (u8 *)&req->data;

		if (req->dir == IOREQ_READ)
			memcpy(data, at, req->size);
		else
			memcpy(at, data, req->size);
	}
}

/* A random rep movs, to or from memory across the end of a page, or rep stos */
static struct xen_ioreq random_rep(struct rnd_state *rnd, unsigned int round)
{
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = round % 4 == 3 ? IOREQ_READ : IOREQ_WRITE,
		.df = prandom_u32_state(rnd) % 2,
		.size = 1 << prandom_u32_state(rnd) % 4,
		.count = 2 + prandom_u32_state(rnd) % 31,
	};
	unsigned int span = req.count * req.size;
	unsigned int down = req.df ? span - req.size : 0;

	req.data_is_ptr = req.dir == IOREQ_READ || prandom_u32_state(rnd) % 2;
	req.addr = FIRST_ADDR + prandom_u32_state(rnd) % (TABLE_BYTES - span + 1) + down;
	if (req.data_is_ptr)
		req.data = DATA_ADDR + PAGE_SIZE - 200 + prandom_u32_state(rnd) % 190 + down;
	else
		req.data = PTE(prandom_u32_state(rnd) % 64);
	return req;
}

static void rep_instructions_do_what_they_say(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	u8 *table = kunit_kzalloc(test, TABLE_BYTES, GFP_KERNEL);
	u8 *memory = kunit_kzalloc(test, DATA_BYTES, GFP_KERNEL);
	u8 *seen = kunit_kzalloc(test, DATA_BYTES, GFP_KERNEL);
	struct rnd_state rnd;
	struct xen_ioreq req;
	unsigned int round, i;
	char what[80];
	u64 pte;

	KUNIT_ASSERT_TRUE(test, table && memory && seen);
	prandom_seed_state(&rnd, 5);
	for (round = 0; round < 120; round++) {
		req = random_rep(&rnd, round);
		for (i = 0; i < DATA_BYTES; i += 8) {
			pte = PTE(prandom_u32_state(&rnd) % 64);
			memcpy(memory + i, &pte, 8);
		}
		fake_guest_write(DOM, DATA_ADDR, memory, DATA_BYTES);
		model_rep(table, memory, &req);
		snprintf(what, sizeof(what), "round %u: dir %u df %u ptr %u size %u count %u",
			 round, req.dir, req.df, req.data_is_ptr, req.size, req.count);
		KUNIT_EXPECT_EQ_MSG(test, fake_vcpu_io(DOM, 0, &req), 0, "%s", what);
		fake_guest_read(DOM, DATA_ADDR, seen, DATA_BYTES);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(memory, seen, DATA_BYTES), 0, "%s", what);
		check_table(test, table, what);
	}
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_REPS), 120ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_COPY_FAILED), 0ull);
	stop_vgpu(vgpu);
}

/* A block of entries takes one hypercall and one invalidate. */
static void rep_movs_is_one_batch(struct kunit *test)
{
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = FIRST_ADDR,
		.data = DATA_ADDR,
		.data_is_ptr = 1,
		.count = VGPU_N,
		.size = 8,
	};
	u64 invalidates = vgpu_count(vgpu, XENGT_COUNT_GPU_INVALIDATES), pte;
	unsigned int i;

	for (i = 0; i < VGPU_N; i++) {
		pte = PTE(i);
		fake_guest_write(DOM, DATA_ADDR + i * 8, &pte, sizeof(pte));
	}
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "map_hypercalls"), 1ull);
	KUNIT_EXPECT_EQ(test, debugfs_value("xen_gpu_map/domains/5", "map_batch_64_511"), 1ull);
	KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_GPU_INVALIDATES) - invalidates, 1ull);
	for (i = 0; i < VGPU_N; i++)
		KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + i, DOM, i));
	stop_vgpu(vgpu);
}

static void move_entry(struct kunit *test, unsigned int vcpu, unsigned long entry, u64 pte)
{
	u64 data = DATA_ADDR + vcpu * PAGE_SIZE;
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = ENTRY_ADDR(entry),
		.data = data,
		.data_is_ptr = 1,
		.count = 1,
		.size = 8,
	};

	fake_guest_write(DOM, data, &pte, sizeof(pte));
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, vcpu, &req), 0);
}

struct other_vcpu {
	struct kunit *test;
	enum fake_call kind;
	bool moved;
};

static void other_vcpu_moves(enum fake_call kind, void *data)
{
	struct other_vcpu *other = data;

	if (kind != other->kind || other->moved)
		return;
	other->moved = true;
	move_entry(other->test, 1, VGPU_FIRST + 1, PTE(8));
}

/* 16: a vCPU's request is handled while guest memory is mapped for another vCPU. */
static void vcpus_copy_without_each_other(struct kunit *test)
{
	struct xengt_vgpu *vgpu;
	struct other_vcpu other = {
		.test = test,
		.kind = xen_pv_domain() ? FAKE_CALL_MMU_UPDATE : FAKE_CALL_ADD_TO_PHYSMAP,
	};

	vgpu = start_vgpu(test, DOM, 2);
	xengt_vgpu_set_mode(vgpu, XENGT_MODE_POSTED);
	fake_xen_set_hook(other_vcpu_moves, &other);
	move_entry(test, 0, VGPU_FIRST, PTE(7));
	fake_xen_set_hook(NULL, NULL);
	KUNIT_EXPECT_TRUE(test, other.moved);
	xengt_gtt_sync(&vgpu->gtt);
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 7));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + 1, DOM, 8));
	stop_vgpu(vgpu);
}

static void data_that_is_not_there_is_answered_and_counted(struct kunit *test)
{
	static const u64 addrs[] = {
		(u64)NO_GFN << 12, (u64)(GUEST_PAGES + 10) << 12, 1ull << 50, U64_MAX & ~0xfffull,
	};
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, 1);
	unsigned int i;

	guest_write(test, VGPU_FIRST, PTE(9));
	for (i = 0; i < 2 * ARRAY_SIZE(addrs); i++) {
		struct xen_ioreq req = {
			.type = IOREQ_TYPE_COPY,
			.addr = FIRST_ADDR,
			.data = addrs[i / 2],
			.data_is_ptr = 1,
			.count = 4,
			.size = 8,
			.dir = i,
		};

		KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
		KUNIT_EXPECT_EQ(test, vgpu_count(vgpu, XENGT_COUNT_COPY_FAILED), (u64)i + 1);
	}
	KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST), PTE(9));
	KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST, DOM, 9));
	stop_vgpu(vgpu);
}

/* Threads as vCPUs */

#define VCPUS	4
#define OWN	8	/* entries for each */

struct vcpu {
	unsigned int number;
	unsigned int writes;	/* answered requests */
	unsigned int limit;
	int status;
	u64 last[OWN];
	struct completion done;
};

static int run_vcpu(void *data)
{
	struct vcpu *vcpu = data;
	struct rnd_state rnd;
	unsigned int at;
	u64 pte;

	prandom_seed_state(&rnd, vcpu->number + 1);
	for (vcpu->writes = 0; vcpu->writes < vcpu->limit; vcpu->writes++) {
		at = prandom_u32_state(&rnd) % OWN;
		pte = PTE(prandom_u32_state(&rnd) % 32);
		vcpu->status = fake_vcpu_write(DOM, vcpu->number,
					       FIRST_ADDR + (vcpu->number * OWN + at) * 8, pte, 8);
		if (vcpu->status)
			break;
		vcpu->last[at] = pte;
		if (prandom_u32_state(&rnd) % 16 == 0)
			fake_vcpu_invalidate(DOM, vcpu->number);
	}
	complete(&vcpu->done);
	return 0;
}

static void start_vcpus(struct kunit *test, struct vcpu *vcpus, unsigned int limit)
{
	unsigned int i;

	memset(vcpus, 0, VCPUS * sizeof(*vcpus));
	for (i = 0; i < VCPUS; i++) {
		vcpus[i].number = i;
		vcpus[i].limit = limit;
		init_completion(&vcpus[i].done);
		KUNIT_ASSERT_FALSE(test, IS_ERR(kthread_run(run_vcpu, &vcpus[i], "vcpu%u", i)));
	}
}

static void check_vcpus(struct kunit *test, const struct vcpu *vcpus)
{
	unsigned int i;
	u64 pte;

	for (i = 0; i < VCPUS * OWN; i++) {
		pte = vcpus[i / OWN].last[i % OWN];
		KUNIT_EXPECT_EQ(test, guest_read(test, VGPU_FIRST + i), pte);
		if (pte)
			KUNIT_EXPECT_TRUE(test, gpu_reaches(VGPU_FIRST + i, DOM, PTE_FRAME(pte)));
	}
}

static void several_vcpus_write_at_once(struct kunit *test)
{
	struct vcpu *vcpus = kunit_kcalloc(test, VCPUS, sizeof(*vcpus), GFP_KERNEL);
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, VCPUS);
	unsigned int i;

	fake_xen_set_yield(true);
	start_vcpus(test, vcpus, 150);
	for (i = 0; i < VCPUS; i++) {
		wait_for_completion(&vcpus[i].done);
		KUNIT_EXPECT_EQ(test, vcpus[i].status, 0);
	}
	fake_xen_set_yield(false);
	sync_vgpu(vgpu);
	check_vcpus(test, vcpus);
	stop_vgpu(vgpu);
}

/* The guest balloons meanwhile, and another guest gets its frames as soon as they are free. */
static void vcpus_write_while_the_guest_balloons(struct kunit *test)
{
	struct vcpu *vcpus = kunit_kcalloc(test, VCPUS, sizeof(*vcpus), GFP_KERNEL);
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, VCPUS);
	unsigned int i;
	u64 gfn;

	fake_xen_set_yield(true);
	start_vcpus(test, vcpus, 200);
	for (i = 0; i < 200; i++) {
		gfn = i * 7 % 32;
		fake_gfn_remove(DOM, gfn);
		if (i % 3)
			xen_gpu_balloon_event(vgpu->domain);
		sync_vgpu(vgpu);
		fake_gfn_populate(OTHER_DOM, NO_GFN + i);
		fake_gfn_populate(DOM, gfn);
		schedule();
	}
	for (i = 0; i < VCPUS; i++) {
		wait_for_completion(&vcpus[i].done);
		KUNIT_EXPECT_EQ(test, vcpus[i].status, 0);
	}
	fake_xen_set_yield(false);
	xen_gpu_balloon_event(vgpu->domain);
	sync_vgpu(vgpu);
	check_vcpus(test, vcpus);
	stop_vgpu(vgpu);
}

/*
 * 11: each request gets an answer, or its vCPU does not wait any more. -ECANCELED: the server was
 * destroyed first.
 */
static void vcpus_write_while_the_virtual_gpu_goes(struct kunit *test)
{
	struct vcpu *vcpus = kunit_kcalloc(test, VCPUS, sizeof(*vcpus), GFP_KERNEL);
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, VCPUS);
	unsigned int round, i, answered;

	fake_xen_set_yield(true);
	for (round = 0; round < 8; round++) {
		start_vcpus(test, vcpus, UINT_MAX);
		do {
			schedule();
			for (answered = 0, i = 0; i < VCPUS; i++)
				answered += vcpus[i].writes;
		} while (answered < 20 + round * 3);
		xengt_vgpu_disable(vgpu);
		for (i = 0; i < VCPUS; i++) {
			wait_for_completion(&vcpus[i].done);
			KUNIT_EXPECT_EQ(test, vcpus[i].status, -ENODEV);
		}
		KUNIT_EXPECT_EQ(test, fake_total_refs(), 0ul);
		KUNIT_EXPECT_EQ(test, fake_evtchn_ports(), 0u);
		KUNIT_EXPECT_EQ(test, xengt_vgpu_enable(vgpu), 0);
	}
	stop_vgpu(vgpu);
}

static void vcpus_write_while_the_guest_dies(struct kunit *test)
{
	struct vcpu *vcpus = kunit_kcalloc(test, VCPUS, sizeof(*vcpus), GFP_KERNEL);
	struct xengt_vgpu *vgpu = start_vgpu(test, DOM, VCPUS);
	unsigned int i;

	fake_xen_set_yield(true);
	start_vcpus(test, vcpus, UINT_MAX);
	while (!vcpus[VCPUS - 1].writes || vcpus[0].writes < 10)
		schedule();
	fake_domain_kill(DOM);
	for (i = 0; i < VCPUS; i++) {
		wait_for_completion(&vcpus[i].done);
		KUNIT_EXPECT_NE(test, vcpus[i].status, 0);
		KUNIT_EXPECT_NE(test, vcpus[i].status, -ETIMEDOUT);
	}
	fake_store_release(DOM);
	wait_for(test, !fake_domain_exists(DOM));
	wait_for(test, vgpu->state == XENGT_VGPU_DEAD);
	KUNIT_EXPECT_EQ(test, fake_evtchn_irqs(), 0u);
	stop_vgpu(vgpu);
}

static struct kunit_case trap_cases[] = {
	KUNIT_CASE_PARAM(write_reaches_the_gpu, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(entries_of_others_read_0_and_stay, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(writes_of_every_size_and_alignment, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_of_any_shape_is_answered, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_of_any_type_is_answered, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(balloon_events_are_answered_and_gathered, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(rep_instructions_do_what_they_say, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(rep_movs_is_one_batch, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(vcpus_copy_without_each_other, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(data_that_is_not_there_is_answered_and_counted, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(several_vcpus_write_at_once, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(vcpus_write_while_the_guest_balloons, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(vcpus_write_while_the_virtual_gpu_goes, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(vcpus_write_while_the_guest_dies, both_dom0s_gen_params),
	{}
};

static struct kunit_suite trap_suite = {
	.name = "xengt_trap",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = trap_cases,
};

kunit_test_suite(trap_suite);
