// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the fake hypervisor's memory types, and of vCPUs that store to memory: they do what Xen
 * does (4.17, stock). The hypercalls are made by hand, and a real ioreq server handles the
 * requests.
 */

#include <linux/interrupt.h>
#include <linux/slab.h>
#include <xen/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <asm/xen/hypercall.h>

#include "vgpu/xen/ioreq_server.h"
#include "modules.h"
#include "vgpu_fixture.h"

#define PAGES		64
#define MMIO		0xe0000000ull
#define MMIO_SIZE	0x1000
#define GFN		8ull
#define ADDR		(GFN * PAGE_SIZE)
#define WRITES		XEN_DMOP_IOREQ_MEM_ACCESS_WRITE
#define RAM		XEN_HVMMEM_ram_rw
#define TRAPPED		XEN_HVMMEM_ioreq_server

/* Operations */

static int dm(struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, (void *)op);
	return HYPERVISOR_dm_op(DOM, 1, &buf);
}

static int new_server(struct kunit *test)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };

	KUNIT_ASSERT_EQ(test, dm(&op), 0);
	return op.u.create_ioreq_server.id;
}

static int destroy(int id)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_destroy_ioreq_server,
		.u.destroy_ioreq_server.id = id,
	};

	return dm(&op);
}

static int disable(int id)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_ioreq_server_state,
		.u.set_ioreq_server_state.id = id,
	};

	return dm(&op);
}

static int claim_type(int id, unsigned int type, unsigned int flags)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_map_mem_type_to_ioreq_server,
		.u.map_mem_type_to_ioreq_server = { .id = id, .type = type, .flags = flags },
	};

	return dm(&op);
}

static int claim(int id)
{
	return claim_type(id, TRAPPED, WRITES);
}

static int unclaim(int id)
{
	return claim_type(id, TRAPPED, 0);
}

static int set_types(u64 gfn, unsigned int nr, unsigned int type)
{
	struct xen_dm_op op = {
		.op = XEN_DMOP_set_mem_type,
		.u.set_mem_type = { .first_pfn = gfn, .nr = nr, .mem_type = type },
	};

	return dm(&op);
}

static int set_type(u64 gfn, unsigned int type)
{
	return set_types(gfn, 1, type);
}

static void start(struct kunit *test)
{
	fake_xen_start(test, FAKE_PVH_DOM0);
	fake_domain_create(DOM, PAGES);
}

/* Makes a server with the claim. */
static int start_claimed(struct kunit *test)
{
	int id;

	start(test);
	id = new_server(test);
	KUNIT_ASSERT_EQ(test, claim(id), 0);
	return id;
}

static unsigned int get_type(u64 gfn)
{
	struct xen_hvm_get_mem_type get = { .domid = DOM, .pfn = gfn };
	int rc = HYPERVISOR_hvm_op(HVMOP_get_mem_type, &get);

	return rc ?: get.mem_type;
}

static void types_exit(struct kunit *test)
{
	fake_xen_stop(test);
}

static void types_of_what_is_not_plain_ram(struct kunit *test)
{
	static const struct {
		enum fake_page_type type;
		unsigned int shown;
		int to_ram;
	} cases[] = {
		{ FAKE_RAM, HVMMEM_ram_rw, 0 },
		{ FAKE_RAM_RO, HVMMEM_ram_ro, 0 },
		{ FAKE_XEN_PAGE, HVMMEM_ram_rw, 0 },
		{ FAKE_HOLE, HVMMEM_mmio_dm, -EINVAL },
		{ FAKE_GRANT, HVMMEM_ram_rw, -EINVAL },
		{ FAKE_FOREIGN, HVMMEM_mmio_dm, -EINVAL },
		{ FAKE_MMIO, HVMMEM_mmio_dm, -EINVAL },
	};
	int id = start_claimed(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].type == FAKE_HOLE)
			fake_gfn_remove(DOM, GFN);
		fake_gfn_set_type(DOM, GFN, cases[i].type);
		KUNIT_EXPECT_EQ(test, get_type(GFN), cases[i].shown);
		if (cases[i].type != FAKE_RAM && cases[i].type != FAKE_XEN_PAGE)
			KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), -EINVAL);
		KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), cases[i].to_ram);
	}
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
	KUNIT_EXPECT_EQ(test, destroy(id), 0);
}

/* A protected page can become RAM only. Stores to read-only memory are dropped. */
static void type_that_drops_writes(struct kunit *test)
{
	int id = start_claimed(test);
	u64 word = 7, got = 1;

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_ram_ro), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_ram_ro), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, ADDR, &word, sizeof(word)), 0);
	fake_guest_read(DOM, ADDR, &got, sizeof(got));
	KUNIT_EXPECT_EQ(test, got, 0ull);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
	KUNIT_EXPECT_EQ(test, destroy(id), 0);
}

/* Callers use that to find out what get_mem_type() calls MMIO. */
static void only_a_hole_becomes_a_hole(struct kunit *test)
{
	start(test);
	fake_gfn_remove(DOM, GFN);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_mmio_dm), 0);
	KUNIT_EXPECT_EQ(test, get_type(GFN), (int)HVMMEM_mmio_dm);
	fake_gfn_set_type(DOM, GFN, FAKE_GRANT);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_mmio_dm), -EINVAL);
	fake_gfn_set_type(DOM, GFN, FAKE_FOREIGN);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_mmio_dm), -EINVAL);
	fake_gfn_set_type(DOM, GFN, FAKE_MMIO);
	KUNIT_EXPECT_EQ(test, set_type(GFN, HVMMEM_mmio_dm), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_xen_errors(), 0u);
	KUNIT_EXPECT_EQ(test, set_type(GFN + 1, HVMMEM_mmio_dm), 0);
	KUNIT_EXPECT_EQ(test, get_type(GFN + 1), (int)HVMMEM_mmio_dm);
	KUNIT_EXPECT_EQ_MSG(test, fake_xen_errors(), 1u, "RAM is lost");
	KUNIT_EXPECT_EQ(test, fake_domain_pages(DOM), PAGES - 1ul);
	fake_xen_forgive();
}

static void one_server_has_the_claim(struct kunit *test)
{
	int first, second;

	start(test);
	first = new_server(test);
	second = new_server(test);
	KUNIT_EXPECT_EQ(test, unclaim(first), -EINVAL);
	KUNIT_EXPECT_EQ(test, claim(first), 0);
	KUNIT_EXPECT_EQ_MSG(test, claim(first), -EBUSY, "not twice either");
	KUNIT_EXPECT_EQ(test, claim(second), -EBUSY);
	KUNIT_EXPECT_EQ(test, unclaim(second), -EINVAL);
	KUNIT_EXPECT_TRUE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, unclaim(first), 0);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, claim(second), 0);
	KUNIT_EXPECT_EQ(test, unclaim(second), 0);
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_CLAIM), 8ul);
}

static void claim_is_of_writes_to_the_type(struct kunit *test)
{
	int id;

	start(test);
	id = new_server(test);
	KUNIT_EXPECT_EQ(test, claim_type(id, RAM, WRITES), -EINVAL);
	KUNIT_EXPECT_EQ(test, claim_type(id, TRAPPED, XEN_DMOP_IOREQ_MEM_ACCESS_READ), -EINVAL);
	KUNIT_EXPECT_EQ(test, claim_type(id, TRAPPED, WRITES | 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, claim(id + 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, claim(1000), -ENOENT);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
}

static void only_plain_ram_is_write_protected(struct kunit *test)
{
	int id = start_claimed(test);

	fake_gfn_remove(DOM, GFN + 1);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ_MSG(test, set_type(GFN, TRAPPED), -EINVAL, "it is protected already");
	KUNIT_EXPECT_EQ_MSG(test, set_type(GFN + 1, TRAPPED), -EINVAL, "there is no page");
	KUNIT_EXPECT_EQ(test, set_type(PAGES, TRAPPED), -EINVAL);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN + 1));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 1u);
	KUNIT_EXPECT_EQ(test, set_type(GFN, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_type(GFN, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	KUNIT_EXPECT_EQ_MSG(test, set_type(GFN, RAM), 0, "plain RAM may stay plain RAM");
	KUNIT_EXPECT_EQ(test, set_type(GFN + 1, RAM), -EINVAL);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_EQ(test, fake_xen_calls(FAKE_CALL_DM_SET_TYPE), 9ul);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
}

static void range_of_pages_must_make_sense(struct kunit *test)
{
	int id = start_claimed(test);

	KUNIT_EXPECT_EQ(test, set_types(GFN, 0, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_types(0, 0, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_types(U64_MAX, 2, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_types(PAGES - 2, 3, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_type(GFN, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_type(GFN, 5), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_EQ(test, set_types(PAGES - 2, 2, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 2u);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
}

static void range_of_pages_ends_at_the_first_bad_one(struct kunit *test)
{
	int id = start_claimed(test);

	fake_gfn_remove(DOM, GFN + 2);
	KUNIT_EXPECT_EQ(test, set_types(GFN, 4, TRAPPED), -EINVAL);
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GFN + 1));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 2u);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
}

static void no_page_is_protected_without_a_claim(struct kunit *test)
{
	int id;

	start(test);
	id = new_server(test);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, claim(id), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), -EINVAL);
}

static void giving_the_claim_back_makes_all_pages_plain(struct kunit *test)
{
	int id = start_claimed(test), other = new_server(test);

	KUNIT_EXPECT_EQ(test, set_types(0, PAGES, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), (unsigned int)PAGES);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_EQ(test, claim(other), 0);
	KUNIT_EXPECT_EQ(test, unclaim(other), 0);
}

/* The claim ends, the pages stay protected, and nobody can claim before they are plain. */
static void destroyed_server_leaves_its_pages_protected(struct kunit *test)
{
	int id = start_claimed(test), other = new_server(test);
	u64 data = 1;

	KUNIT_EXPECT_EQ(test, set_types(GFN, 2, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, destroy(id), 0);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 2u);
	KUNIT_EXPECT_EQ(test, claim(other), -EBUSY);
	KUNIT_EXPECT_EQ(test, set_type(GFN + 2, TRAPPED), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, ADDR, &data, 8), -EAGAIN);
	KUNIT_EXPECT_EQ(test, set_types(GFN, 2, RAM), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_store(DOM, 0, ADDR, &data, 8), 0);
	KUNIT_EXPECT_EQ(test, claim(other), 0);
	KUNIT_EXPECT_EQ(test, destroy(other), 0);
}

static void server_without_the_claim_takes_nothing_along(struct kunit *test)
{
	int id = start_claimed(test), other = new_server(test);

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, destroy(other), 0);
	KUNIT_EXPECT_TRUE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_TRUE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
}

static void protection_ends_with_the_page(struct kunit *test)
{
	int id = start_claimed(test), other = new_server(test);

	KUNIT_EXPECT_EQ(test, set_types(GFN, 2, TRAPPED), 0);
	fake_gfn_remove(DOM, GFN);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN));
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), -EINVAL);
	fake_gfn_populate(DOM, GFN);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN));
	fake_gfn_populate_at(DOM, GFN + 1, FAKE_MFN_BASE + 0x10000);
	KUNIT_EXPECT_FALSE(test, fake_gfn_write_protected(DOM, GFN + 1));
	KUNIT_EXPECT_EQ(test, destroy(id), 0);
	KUNIT_EXPECT_EQ_MSG(test, claim(other), 0, "no page is protected any more");
	KUNIT_EXPECT_EQ(test, unclaim(other), 0);
}

static void dead_guest_has_no_claim_and_no_protected_pages(struct kunit *test)
{
	int id = start_claimed(test);

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	fake_domain_kill(DOM);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 0u);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, claim(id), -ESRCH);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), -ESRCH);
}

static void guest_without_hap_has_no_write_protection(struct kunit *test)
{
	int id;

	start(test);
	id = new_server(test);
	fake_domain_set_hap(DOM, false);
	KUNIT_EXPECT_EQ(test, claim(id), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, unclaim(id), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
}

static void operations_fail_as_ordered_without_effect(struct kunit *test)
{
	int id;

	start(test);
	id = new_server(test);
	fake_xen_fail_call(FAKE_CALL_DM_CLAIM, 1, -EPERM);
	KUNIT_EXPECT_EQ(test, claim(id), -EPERM);
	KUNIT_EXPECT_FALSE(test, fake_domain_claimed(DOM));
	KUNIT_EXPECT_EQ(test, claim(id), 0);
	fake_xen_fail_call(FAKE_CALL_DM_SET_TYPE, 2, -ENOMEM);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN + 1, TRAPPED), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 1u);
	fake_xen_fail_call(FAKE_CALL_DM_CLAIM, 1, -EPERM);
	KUNIT_EXPECT_EQ(test, unclaim(id), -EPERM);
	KUNIT_EXPECT_EQ(test, fake_domain_nr_protected(DOM), 1u);
	KUNIT_EXPECT_EQ(test, unclaim(id), 0);
}

static struct kunit_case types_cases[] = {
	KUNIT_CASE(types_of_what_is_not_plain_ram),
	KUNIT_CASE(type_that_drops_writes),
	KUNIT_CASE(only_a_hole_becomes_a_hole),
	KUNIT_CASE(one_server_has_the_claim),
	KUNIT_CASE(claim_is_of_writes_to_the_type),
	KUNIT_CASE(only_plain_ram_is_write_protected),
	KUNIT_CASE(range_of_pages_must_make_sense),
	KUNIT_CASE(range_of_pages_ends_at_the_first_bad_one),
	KUNIT_CASE(no_page_is_protected_without_a_claim),
	KUNIT_CASE(giving_the_claim_back_makes_all_pages_plain),
	KUNIT_CASE(destroyed_server_leaves_its_pages_protected),
	KUNIT_CASE(server_without_the_claim_takes_nothing_along),
	KUNIT_CASE(protection_ends_with_the_page),
	KUNIT_CASE(dead_guest_has_no_claim_and_no_protected_pages),
	KUNIT_CASE(guest_without_hap_has_no_write_protection),
	KUNIT_CASE(operations_fail_as_ordered_without_effect),
	{}
};

static struct kunit_suite types_suite = {
	.name = "fake_memtype",
	.exit = types_exit,
	.test_cases = types_cases,
};

/* Stores: the server records requests, and does not change memory. */

struct listener {
	struct xengt_ioreq_server server;
	unsigned int requests;
	struct xen_ioreq last;
};

static void listen(struct xengt_ioreq_server *server, struct xen_ioreq *req,
		   const struct xengt_ioreq_scratch *room)
{
	struct listener *l = container_of(server, struct listener, server);

	l->requests++;
	l->last = *req;
}

/* Starts a server with an MMIO range and the claim. */
static struct listener *start_listener(struct kunit *test, unsigned int vcpus)
{
	struct listener *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->server.handle = listen;
	fake_domain_set_vcpus(DOM, vcpus);
	KUNIT_ASSERT_EQ(test,
			xengt_ioreq_server_start(&l->server, DOM, MMIO, MMIO + MMIO_SIZE - 1), 0);
	KUNIT_ASSERT_EQ(test, claim(l->server.id), 0);
	return l;
}

static void stop_listener(struct kunit *test, struct listener *l)
{
	KUNIT_EXPECT_EQ(test, unclaim(l->server.id), 0);
	xengt_ioreq_server_stop(&l->server);
}

static u64 word_at(u64 addr)
{
	u64 word;

	fake_guest_read(DOM, addr, &word, sizeof(word));
	return word;
}

static int store(unsigned int vcpu, u64 addr, u64 word)
{
	return fake_vcpu_store(DOM, vcpu, addr, &word, sizeof(word));
}

static void store_goes_by_the_type_of_the_page(struct kunit *test)
{
	struct listener *l = start_listener(test, 1);

	KUNIT_EXPECT_EQ(test, store(0, ADDR, 1), 0);
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 1ull);
	KUNIT_EXPECT_EQ(test, l->requests, 0u);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, store(0, ADDR, 2), 0);
	KUNIT_EXPECT_EQ_MSG(test, word_at(ADDR), 1ull, "memory is left to the server");
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	KUNIT_EXPECT_EQ(test, store(0, ADDR, 3), 0);
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 3ull);
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	KUNIT_EXPECT_EQ(test, store(0, MMIO + 8, 4), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 2u);
	KUNIT_EXPECT_EQ(test, l->last.addr, MMIO + 8);
	KUNIT_EXPECT_EQ(test, store(0, MMIO + MMIO_SIZE, 5), -ENODEV);
	KUNIT_EXPECT_EQ(test, store(1, ADDR, 6), -ENODEV);
	KUNIT_EXPECT_EQ(test, l->requests, 2u);
	stop_listener(test, l);
}

static void store_of_every_size_comes_as_it_was_made(struct kunit *test)
{
	struct listener *l = start_listener(test, 1);
	u64 word = 0x1122334455667788, wanted;
	unsigned int size;

	for (size = 1; size <= 8; size++) {
		wanted = 0;
		memcpy(&wanted, &word, size);
		fake_vcpu_store(DOM, 0, ADDR + PAGE_SIZE - size, &word, size);
		KUNIT_EXPECT_EQ(test, word_at(ADDR + PAGE_SIZE - 8) >> (64 - 8 * size), wanted);
		KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
		fake_vcpu_store(DOM, 0, ADDR + PAGE_SIZE - size, &word, size);
		KUNIT_EXPECT_EQ(test, l->requests, size);
		KUNIT_EXPECT_EQ(test, l->last.type, IOREQ_TYPE_COPY);
		KUNIT_EXPECT_EQ(test, (int)l->last.dir, IOREQ_WRITE);
		KUNIT_EXPECT_EQ(test, l->last.addr, ADDR + PAGE_SIZE - size);
		KUNIT_EXPECT_EQ(test, l->last.data, wanted);
		KUNIT_EXPECT_EQ(test, l->last.size, size);
		KUNIT_EXPECT_EQ(test, l->last.count, 1u);
		KUNIT_EXPECT_FALSE(test, l->last.data_is_ptr);
		KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	}
	stop_listener(test, l);
}

static void only_stores_depend_on_the_protection(struct kunit *test)
{
	struct xen_ioreq read = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_READ,
		.addr = ADDR,
		.count = 1,
		.size = 8,
	};
	struct listener *l = start_listener(test, 1);
	u64 word = 7;

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	fake_guest_write(DOM, ADDR, &word, sizeof(word));
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 7ull);
	KUNIT_EXPECT_EQ_MSG(test, fake_vcpu_send(DOM, 0, &read), -ENODEV, "reads are native");
	KUNIT_EXPECT_EQ(test, l->requests, 0u);
	stop_listener(test, l);
}

/* Requests as of rep stos, made by hand */
static void request_for_a_protected_page_goes_to_the_claimer(struct kunit *test)
{
	struct listener *l = start_listener(test, 1);
	struct xen_ioreq req = {
		.type = IOREQ_TYPE_COPY,
		.dir = IOREQ_WRITE,
		.addr = ADDR + 8,
		.count = 16,
		.size = 8,
	};

	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), -ENODEV);
	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_io(DOM, 0, &req), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	KUNIT_EXPECT_EQ(test, l->last.count, 16u);
	stop_listener(test, l);
}

static void memory_comes_before_a_range(struct kunit *test)
{
	struct listener *l = start_listener(test, 1);

	fake_gfn_populate(DOM, PFN_DOWN(MMIO));
	KUNIT_EXPECT_EQ(test, store(0, MMIO, 1), 0);
	KUNIT_EXPECT_EQ(test, word_at(MMIO), 1ull);
	KUNIT_EXPECT_EQ(test, l->requests, 0u);
	fake_gfn_remove(DOM, PFN_DOWN(MMIO));
	KUNIT_EXPECT_EQ(test, store(0, MMIO, 1), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	stop_listener(test, l);
}

static void request_outlives_the_protection_and_the_page(struct kunit *test)
{
	struct listener *l = start_listener(test, 3);
	u64 word = 1;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, set_types(GFN, 3, TRAPPED), 0);
	for (i = 0; i < 3; i++)
		disable_irq(l->server.vcpus[i].irq);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test,
				fake_vcpu_send_store(DOM, i, ADDR + i * PAGE_SIZE, &word, 8), 0);
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	fake_gfn_remove(DOM, GFN + 1);
	for (i = 0; i < 3; i++)
		enable_irq(l->server.vcpus[i].irq);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, i, NULL), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 3u);
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 0ull);
	KUNIT_EXPECT_EQ_MSG(test, fake_xen_errors(), 1u, "the page that is RAM crashes the guest");
	fake_xen_forgive();
	stop_listener(test, l);
}

static void store_to_plain_ram_does_not_wait(struct kunit *test)
{
	struct listener *l = start_listener(test, 2);
	u64 word = 9;

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send_store(DOM, 0, ADDR, &word, 8), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_send_store(DOM, 1, ADDR + PAGE_SIZE, &word, 8), 0);
	KUNIT_EXPECT_EQ(test, word_at(ADDR + PAGE_SIZE), 9ull);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake_vcpu_wait(DOM, 0, NULL), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	stop_listener(test, l);
}

static void disabled_server_still_gets_what_it_claimed(struct kunit *test)
{
	struct listener *l = start_listener(test, 1);

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	KUNIT_EXPECT_EQ(test, disable(l->server.id), 0);
	KUNIT_EXPECT_EQ(test, store(0, MMIO, 1), -ENODEV);
	KUNIT_EXPECT_EQ(test, store(0, ADDR, 1), 0);
	KUNIT_EXPECT_EQ(test, l->requests, 1u);
	stop_listener(test, l);
}

/* A store through one page is seen through another. */
static void pages_that_show_a_frame_agree(struct kunit *test)
{
	struct xengt_foreign_page pages[3];
	struct listener *l = start_listener(test, 1);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, set_type(GFN, TRAPPED), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, xengt_foreign_page_init(&pages[i], DOM), 0);
		KUNIT_ASSERT_EQ(test, xengt_foreign_page_map(&pages[i], GFN), 0);
	}
	for (i = 0; i < 3; i++) {
		((u64 *)pages[i].va)[i] = i + 1;
		KUNIT_EXPECT_EQ(test, word_at(ADDR + i * 8), i + 1ull);
		KUNIT_EXPECT_EQ(test, ((u64 *)pages[(i + 1) % 3].va)[i], i + 1ull);
	}
	KUNIT_EXPECT_EQ(test, set_type(GFN, RAM), 0);
	KUNIT_EXPECT_EQ(test, store(0, ADDR, 10), 0);
	KUNIT_EXPECT_EQ(test, store(0, ADDR + 8, 11), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, ((u64 *)pages[i].va)[0], 10ull);
	for (i = 0; i < 3; i++)
		xengt_foreign_page_exit(&pages[i]);
	KUNIT_EXPECT_EQ(test, word_at(ADDR), 10ull);
	KUNIT_EXPECT_EQ(test, word_at(ADDR + 16), 3ull);
	stop_listener(test, l);
}

static struct kunit_case stores_cases[] = {
	KUNIT_CASE_PARAM(store_goes_by_the_type_of_the_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_of_every_size_comes_as_it_was_made, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(only_stores_depend_on_the_protection, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_for_a_protected_page_goes_to_the_claimer, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(memory_comes_before_a_range, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(request_outlives_the_protection_and_the_page, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(store_to_plain_ram_does_not_wait, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(disabled_server_still_gets_what_it_claimed, both_dom0s_gen_params),
	KUNIT_CASE_PARAM(pages_that_show_a_frame_agree, both_dom0s_gen_params),
	{}
};

static struct kunit_suite stores_suite = {
	.name = "fake_stores",
	.init = vgpu_suite_init,
	.exit = stop_modules,
	.test_cases = stores_cases,
};

kunit_test_suites(&types_suite, &stores_suite);
