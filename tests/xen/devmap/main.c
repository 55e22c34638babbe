// SPDX-License-Identifier: GPL-2.0
/*
 * devmap: Xen's operation of mapping guests' pages for devices, used and misused.
 *
 *   devmap checks KIND GUEST OTHER	all checks on two paused guests; KIND: pv, strict or pvh
 *   devmap hold GUEST N		maps N pages, waits for a line, finds the guest dead, unmaps
 * them
 *   devmap maps GUEST			how many maps there are of its pages, all callers' together
 *   devmap held			how many maps this domain has; fails where Xen has no such
 * operation
 *   devmap serve GUEST N		maps N pages once it may, and unmaps them when the guest is
 * dead
 *   devmap churn GUEST			maps and unmaps for ever, once it may
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../tools/xen-targets/target_op.h"
#include "checks.h"
#include "edu.h"

enum kind kind;
struct xen_dm_op_dev_map_entry entries[BATCH];

#define DOMID_SELF 0x7ff0

static unsigned int mark_before;

void note(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("# ");
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
}

void that(bool good, const char *name, long seen)
{
	if (good)
		printf("ok %s\n", name);
	else
		printf("not ok %s # %ld\n", name, seen);
}

void is(long seen, long wanted, const char *name)
{
	if (seen == wanted)
		printf("ok %s\n", name);
	else
		printf("not ok %s # %ld, not %ld\n", name, seen, wanted);
}

void count_from_here(void)
{
	mark_before = edu_mark();
}

void invalidations(unsigned int wanted, const char *name)
{
	printf("ok %s # SKIP {iotlb %u %u} %u\n", name, mark_before, edu_mark(), wanted);
}

void refused(const char *name)
{
	printf("ok %s # SKIP {faults %u %u} some\n", name, mark_before, edu_mark());
}

bool isolated(void)
{
	return kind != RELAXED;
}

unsigned int nr_maps(unsigned int domid)
{
	struct xen_dm_op_dev_info info;

	return xen_dev_info(domid, &info) ? ~0U : info.nr_maps;
}

unsigned int nr_guest_maps(unsigned int domid)
{
	struct xen_dm_op_dev_info info;

	return xen_dev_info(domid, &info) ? ~0U : info.nr_guest_maps;
}

void prepare(unsigned int n, uint64_t gfn, uint64_t bfn, uint32_t flags)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		entries[i] = (struct xen_dm_op_dev_map_entry){
			.gfn = gfn + i, .bfn = bfn + i, .flags = flags, .status = 1,
		};
}

unsigned int with_status(unsigned int n, int status)
{
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		count += entries[i].status == status;
	return count;
}

static int one(unsigned int op, unsigned int domid, struct xen_dm_op_dev_map_entry *entry)
{
	long ret = xen_dev_entries(domid, op, entry, 1);

	return ret ? ret : entry->status;
}

int map_one(unsigned int domid, uint64_t gfn, uint64_t *bfn, uint32_t flags)
{
	struct xen_dm_op_dev_map_entry entry = {
		.gfn = gfn, .bfn = *bfn, .flags = flags, .status = 1,
	};
	int ret = one(XEN_DMOP_dev_map, domid, &entry);

	*bfn = entry.bfn;
	return ret;
}

int unmap_one(unsigned int domid, uint64_t bfn, uint32_t flags)
{
	struct xen_dm_op_dev_map_entry entry = { .bfn = bfn, .flags = flags, .status = 1 };

	return one(XEN_DMOP_dev_unmap, domid, &entry);
}

int lookup_one(unsigned int domid, uint64_t gfn, uint64_t bfn)
{
	struct xen_dm_op_dev_map_entry entry = { .gfn = gfn, .bfn = bfn, .status = 1 };

	return one(XEN_DMOP_dev_lookup, domid, &entry);
}

static bool kind_named(const char *name)
{
	static const char * const names[] = { "pv", "strict", "pvh" };

	for (kind = RELAXED; kind <= TRANSLATED; kind++)
		if (!strcmp(name, names[kind]))
			return true;
	return false;
}

static int all_checks(const char *kind_name, unsigned int guest, unsigned int other)
{
	if (!kind_named(kind_name))
		return 2;
	if (!edu_open() || target_op_open()) {
		perror("devmap: the edu device, or privcmd");
		return 1;
	}
	check_calls(guest, other);
	check_pages(guest, other);
	check_dma(guest);
	check_grants(guest);
	check_balloon(guest);
	check_targets(guest, other);
	return 0;
}

/* BFNs of the pages that map and unmap deal with; a PV caller is told them. */
static uint64_t *bfns;

static unsigned int each_batch(unsigned int op, unsigned int guest, unsigned int total)
{
	unsigned int done, n, i;

	if (!bfns) {
		bfns = calloc(total, sizeof(*bfns));
		for (i = 0; i < total; i++)
			bfns[i] = FIRST_BFN + i;
	}
	for (done = 0; done < total; done += n) {
		n = total - done < BATCH ? total - done : BATCH;
		prepare(n, FIRST_GFN + done, 0, 0);
		for (i = 0; i < n; i++)
			entries[i].bfn = bfns[done + i];
		if (xen_dev_entries(guest, op, entries, n))
			break;
		for (i = 0; i < n && !entries[i].status; i++)
			bfns[done + i] = entries[i].bfn;
		if (i < n)
			return done + i;
	}
	return done;
}

static void wait_for(unsigned int guest)
{
	struct xen_dm_op_dev_info info;

	printf("waits: %s\n", strerror(-xen_dev_info(guest, &info)));
	while (xen_dev_info(guest, &info))
		usleep(200000);
}

static int hold(unsigned int guest, unsigned int n)
{
	uint64_t bfn = FIRST_BFN + n;

	is(each_batch(XEN_DMOP_dev_map, guest, n), n, "pages of a guest that is to die, mapped");
	getchar();
	is(nr_guest_maps(guest), n, "the guest is dead, and its pages still mapped");
	is(map_one(guest, FIRST_GFN, &bfn, 0), -ESRCH, "... no more can be");
	is(lookup_one(guest, FIRST_GFN, bfns[0]), -ENOENT, "... and it has none at its GFNs");
	is(each_batch(XEN_DMOP_dev_unmap, guest, n - 1), n - 1, "all but one are unmapped");
	is(nr_guest_maps(guest), 1, "... and it is still there");
	is(unmap_one(guest, bfns[n - 1], 0), 0, "... until the last goes");
	return 0;
}

static void serve(unsigned int guest, unsigned int n)
{
	unsigned int mapped;

	wait_for(guest);
	mapped = each_batch(XEN_DMOP_dev_map, guest, n);
	printf("mapped %u, then %d\n", mapped, (int)entries[mapped % BATCH].status);
	for (;;) {
		sleep(1);
		/* The guest has died: let it go. */
		if (mapped && lookup_one(guest, FIRST_GFN, bfns[0]) == -ENOENT) {
			printf("unmapped %u\n", each_batch(XEN_DMOP_dev_unmap, guest, mapped));
			mapped = 0;
		}
	}
}

static void churn(unsigned int guest)
{
	unsigned long rounds = 0;

	wait_for(guest);
	for (;;) {
		each_batch(XEN_DMOP_dev_map, guest, 4 * BATCH);
		each_batch(XEN_DMOP_dev_unmap, guest, 4 * BATCH);
		if (!(++rounds & 0xff))
			printf("%lu rounds\n", rounds);
	}
}

/* Can be asked before there is a guest. */
static int held(void)
{
	struct xen_dm_op_dev_info info;

	if (xen_dev_info(DOMID_SELF, &info))
		return 1;
	printf("%u\n", info.nr_maps);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	unsigned int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	xen_open(!strcmp(verb, "serve") || !strcmp(verb, "churn"));
	if (!strcmp(verb, "checks") && argc == 5)
		return all_checks(argv[2], b, atoi(argv[4]));
	if (!strcmp(verb, "held"))
		return held();
	if (!strcmp(verb, "hold"))
		return hold(a, b);
	if (!strcmp(verb, "maps"))
		return printf("%d\n", (int)nr_guest_maps(a)) < 0;
	if (!strcmp(verb, "serve"))
		serve(a, b);
	if (!strcmp(verb, "churn"))
		churn(a);
	fprintf(stderr, "devmap: see the top of its source\n");
	return 2;
}
