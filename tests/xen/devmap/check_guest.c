// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of maps when the guest's memory moves, and the list of targets.
 */
#include <errno.h>

#include "../../../tools/xen-targets/target_op.h"
#include "checks.h"

#define GFN	(FIRST_GFN + 0x100)

void check_balloon(unsigned int guest)
{
	uint64_t bfn = FIRST_BFN + 5, again = FIRST_BFN + 6;
	long pages = xen_pages(guest);

	is(map_one(guest, GFN, &bfn, 0), 0, "a page, mapped");
	is(lookup_one(guest, GFN, bfn), 0, "... is what the guest has there");
	is(lookup_one(guest, GFN + 1, bfn), -ESTALE, "... and not what it has elsewhere");
	is(lookup_one(guest, GFN, bfn + 0x100000), -ENXIO, "... nor what was never mapped");
	is(xen_take_page(guest, GFN), 0, "the guest gives it up");
	is(lookup_one(guest, GFN, bfn), -ENOENT, "... there is no page now");
	is(xen_pages(guest), pages, "... and it is not free either");
	is(xen_give_page(guest, GFN), 0, "the guest gets a page again");
	is(lookup_one(guest, GFN, bfn), -ESTALE, "... which is another one");
	is(xen_pages(guest), pages + 1, "... so that it has one more");
	is(map_one(guest, GFN, &again, 0), 0, "... it is mapped, too");
	that(again != bfn, "... at another BFN", again);
	is(lookup_one(guest, GFN, again), 0, "... the right one");
	is(unmap_one(guest, bfn, 0), 0, "the old one is unmapped");
	is(xen_pages(guest), pages, "... and free");
	is(unmap_one(guest, again, 0), 0, "... and the new one");
}

/* The two guests, one as the other's target; they do not run. */
void check_targets(unsigned int guest, unsigned int other)
{
	uint16_t targets[4] = { 0 };

	is(list_targets(guest, targets, 4), 0, "a domain has no targets");
	is(add_target(guest, guest), -EINVAL, "... cannot have itself");
	is(add_target(guest, 9999), -ESRCH, "... nor a domain that does not exist");
	is(add_target(guest, 0), kind == TRANSLATED ? 0 : -EOPNOTSUPP, "... nor a PV domain");
	if (kind == TRANSLATED)
		remove_target(guest, 0);
	is(remove_target(guest, other), -ENOENT, "... and none to lose");
	is(add_target(guest, other), 0, "it gets one");
	is(add_target(guest, other), -EEXIST, "... once");
	is(list_targets(guest, targets, 4), 1, "... which is listed");
	is(targets[0], other, "... by its domid");
	is(list_targets(guest, targets, 0), 1, "... and counted where there is no room");
	is(set_target(guest, other), -EINVAL, "... the old operation works for the first only");
	is(list_targets(other, targets, 4), 0, "... and the other domain has none");
	is(remove_target(guest, other), 0, "it loses it");
	is(remove_target(guest, other), -ENOENT, "... once");
	is(set_target(guest, other), 0, "... and gets it by the old operation");
	is(list_targets(guest, targets, 4), 1, "... which is the same");
	is(remove_target(guest, other), 0, "... and can be undone now");
}
