// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's memory types: which of a guest's pages are write-protected
 * (HVMMEM_ioreq_server), and which ioreq server has claimed the writes to them. The other types of
 * pages are in the domain (enum fake_page_type).
 *
 * A write-protected page has a mark in the physmap, so that the protection ends with the page.
 *
 * Source: Xen's arch/x86/hvm/dm.c (set_mem_type(), allow_p2m_type_change(), dm_op()),
 * hvmop_get_mem_type() in arch/x86/hvm/hvm.c, and p2m_set_ioreq_server() in arch/x86/mm/p2m.c.
 * See fake_internal.h for the locking.
 */

#include <xen/xen.h>
#include <xen/interface/hvm/dm_op.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/ioreq_server.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

#define HVMMEM_UNUSED	3	/* not a type of Xen's */

static unsigned int count_protected(struct fake_domain *d)
{
	struct fake_frame *frame;
	unsigned int n = 0;
	unsigned long gfn;

	xa_for_each_marked(&d->physmap.xa, gfn, frame, FAKE_WRITE_PROTECTED)
		n++;
	return n;
}

void fake_memtype_unprotect(struct fake_domain *d)
{
	struct fake_frame *frame;
	unsigned long gfn;

	xa_for_each_marked(&d->physmap.xa, gfn, frame, FAKE_WRITE_PROTECTED)
		xa_clear_mark(&d->physmap.xa, gfn, FAKE_WRITE_PROTECTED);
}

bool fake_memtype_protected(struct fake_domain *d, u64 gfn)
{
	return xa_get_mark(&d->physmap.xa, gfn, FAKE_WRITE_PROTECTED);
}

/* Returns the server that has claimed write-protected pages, enabled or not, or -ENODEV. */
int fake_memtype_server(struct fake_domain *d)
{
	return d->claimer ? d->claimer->id : -ENODEV;
}

static int claim(struct fake_domain *d, struct fake_server *server)
{
	if (d->claimer || count_protected(d))
		return -EBUSY;
	d->claimer = server;
	return 0;
}

static int unclaim(struct fake_domain *d, struct fake_server *server)
{
	if (d->claimer != server)
		return -EINVAL;
	d->claimer = NULL;
	fake_memtype_unprotect(d);
	return 0;
}

int fake_memtype_claim(struct fake_domain *d,
		       const struct xen_dm_op_map_mem_type_to_ioreq_server *op)
{
	struct fake_server *server;

	if (d->no_hap)
		return -EOPNOTSUPP;
	if (op->opaque)
		return 0;	/* Xen takes it for the continuation of a call */
	if (op->type != XEN_HVMMEM_ioreq_server || (op->flags & ~XEN_DMOP_IOREQ_MEM_ACCESS_WRITE))
		return -EINVAL;
	server = op->id < FAKE_MAX_SERVERS ? d->servers[op->id] : NULL;
	if (!server)
		return -ENOENT;
	return op->flags ? claim(d, server) : unclaim(d, server);
}

/* Ends the claim of a server that is destroyed. Pages stay write-protected. */
void fake_memtype_server_gone(struct fake_domain *d, struct fake_server *server)
{
	if (d->claimer == server)
		d->claimer = NULL;
}

static int set_type(struct fake_domain *d, u64 gfn, unsigned int type)
{
	enum fake_page_type now = fake_type_of_gfn(d, gfn);
	bool protected = fake_memtype_protected(d, gfn);

	if (!fake_frame_of_gfn(d, gfn))
		return now == FAKE_HOLE && type == HVMMEM_mmio_dm ? 0 : -EINVAL;
	if (type == XEN_HVMMEM_ioreq_server && !protected && now != FAKE_RAM_RO) {
		xa_set_mark(&d->physmap.xa, gfn, FAKE_WRITE_PROTECTED);
		return 0;
	}
	if (type == XEN_HVMMEM_ram_rw) {
		xa_clear_mark(&d->physmap.xa, gfn, FAKE_WRITE_PROTECTED);
		if (now == FAKE_RAM_RO)
			fake_set_type(d, gfn, FAKE_RAM);
		return 0;
	}
	if (type == HVMMEM_ram_ro && !protected) {
		fake_set_type(d, gfn, FAKE_RAM_RO);
		return 0;
	}
	if (type == HVMMEM_mmio_dm && !protected) {
		fake_error("RAM at GFN %llx of domain %u is lost", gfn, d->domid);
		fake_physmap_lose(d, gfn);
		return 0;
	}
	return -EINVAL;
}

int fake_memtype_set(struct fake_domain *d, const struct xen_dm_op_set_mem_type *op)
{
	u64 last = op->first_pfn + op->nr - 1;
	u64 gfn;
	int rc;

	if (op->pad || op->first_pfn > last || last > d->max_gfn)
		return -EINVAL;
	if (op->mem_type > XEN_HVMMEM_ioreq_server || op->mem_type == HVMMEM_UNUSED)
		return -EINVAL;
	if (op->mem_type == XEN_HVMMEM_ioreq_server) {
		if (d->no_hap)
			return -EOPNOTSUPP;
		if (!d->claimer)
			return -EINVAL;
	}
	/* Pages before one that fails keep their new type. */
	for (rc = 0, gfn = op->first_pfn; !rc && gfn <= last; gfn++)
		rc = set_type(d, gfn, op->mem_type);
	return rc;
}

static unsigned int type_of(struct fake_domain *d, u64 gfn)
{
	if (fake_memtype_protected(d, gfn))
		return XEN_HVMMEM_ioreq_server;
	switch (fake_type_of_gfn(d, gfn)) {
	case FAKE_RAM:
	case FAKE_XEN_PAGE:
	case FAKE_GRANT:
		return XEN_HVMMEM_ram_rw;
	case FAKE_RAM_RO:
		return HVMMEM_ram_ro;
	default:
		return HVMMEM_mmio_dm;
	}
}

int HYPERVISOR_hvm_op(int op, void *arg)
{
	struct xen_hvm_get_mem_type *get = arg;
	struct fake_call_state state;
	struct fake_domain *d;
	long rc = fake_enter(&state, FAKE_CALL_GET_TYPE);

	d = fake_domain_find(get->domid);
	if (!rc && op != HVMOP_get_mem_type)
		rc = -ENOSYS;
	if (!rc && !d)
		rc = -ESRCH;
	if (!rc && !fake_may_control(d))
		rc = -EPERM;
	if (!rc)
		get->mem_type = type_of(d, get->pfn);
	return fake_leave(&state, rc);
}

/* Says whether the guest has hardware-assisted paging. */
void fake_domain_set_hap(domid_t domid, bool hap)
{
	struct fake_domain *d = fake_domain_find(domid);

	if (!WARN_ON(!d))
		d->no_hap = !hap;
}

/* Is the page write-protected, so that an ioreq server gets the guest's writes? */
bool fake_gfn_write_protected(domid_t domid, u64 gfn)
{
	struct fake_domain *d;
	unsigned long flags;
	bool protected;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	protected = d && fake_memtype_protected(d, gfn);
	spin_unlock_irqrestore(&fake.lock, flags);
	return protected;
}

/* Counts the guest's write-protected pages. */
unsigned int fake_domain_nr_protected(domid_t domid)
{
	struct fake_domain *d;
	unsigned long flags;
	unsigned int n;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	n = d ? count_protected(d) : 0;
	spin_unlock_irqrestore(&fake.lock, flags);
	return n;
}

/* Has an ioreq server claimed the guest's write-protected pages? */
bool fake_domain_claimed(domid_t domid)
{
	struct fake_domain *d;
	unsigned long flags;
	bool claimed;

	spin_lock_irqsave(&fake.lock, flags);
	d = fake_domain_find(domid);
	claimed = d && d->claimer;
	spin_unlock_irqrestore(&fake.lock, flags);
	return claimed;
}

void fake_memtype_check(struct kunit *test)
{
	struct fake_domain *d;

	list_for_each_entry(d, &fake.domains, node) {
		KUNIT_EXPECT_EQ_MSG(test, count_protected(d), 0u,
				    "pages of domain %u are left write-protected", d->domid);
		KUNIT_EXPECT_NULL_MSG(test, d->claimer,
				      "a server is left with the claim of domain %u", d->domid);
	}
}
