// SPDX-License-Identifier: GPL-2.0
/*
 * Failures in random runs: of a hypercall, of one entry of a batch, of a GFN, or of an allocation.
 */

#include "modules.h"
#include "ppgtt_random.h"

static void order_call_to_fail(struct random *r)
{
	static const enum fake_call kinds[] = {
		FAKE_CALL_ANY, FAKE_CALL_MMU_UPDATE, FAKE_CALL_ADD_TO_PHYSMAP,
		FAKE_CALL_REMOVE_FROM_PHYSMAP, FAKE_CALL_DM_SET_TYPE, FAKE_CALL_PIN,
		FAKE_CALL_UNPOPULATED,
	};
	/* Not -EINVAL, which means that there is no page, and is not retried. */
	static const int errors[] = { -ENOMEM, -EBUSY, -EIO, -EFAULT };

	r->did[DID_FAIL_CALL]++;
	fake_xen_fail_call(kinds[random_below(r, ARRAY_SIZE(kinds))], 1 + random_below(r, 6),
			   errors[random_below(r, ARRAY_SIZE(errors))]);
}

void random_order_fault(struct random *r)
{
	/* Not -EPERM: such an entry is scratch until the guest writes it again. */
	static const int errors[] = { -EINVAL, -ENOMEM, -EBUSY };
	u64 gfn;

	switch (random_below(r, 4)) {
	case 0:
		r->did[DID_FAIL_GFN]++;
		gfn = random_one_in(r, 2) ? random_any_table(r) : random_data_gfn(r);
		fake_xen_fail_gfn(DOM, gfn, errors[random_below(r, ARRAY_SIZE(errors))]);
		break;
	case 1:
		r->did[DID_FAIL_ENTRY]++;
		fake_xen_fail_entry(random_below(r, 4), -ENOMEM);
		break;
	case 2:
		r->did[DID_FAIL_ALLOC]++;
		fake_fail_alloc(1 + random_below(r, 20));
		break;
	default:
		order_call_to_fail(r);
	}
	r->fault = true;
	r->stale = true;
}

/* If the shadow was reclaimed, the pin cannot do without its first allocation. */
void random_order_pin_to_fail(struct random *r)
{
	if (random_one_in(r, 2)) {
		random_order_fault(r);
		return;
	}
	r->did[DID_FAIL_ALLOC]++;
	fake_fail_alloc(1);
	r->fault = true;
	r->stale = true;
}

void random_end_faults(struct random *r)
{
	if (!r->fault)
		return;
	r->did[DID_FAULT_HAPPENED] += !fake_fail_alloc_stop() && !fake_xen_fail_pending();
	fake_xen_fail_nothing();
	r->fault = false;
}
