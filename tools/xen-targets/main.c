// SPDX-License-Identifier: GPL-2.0
/*
 * xen-targets: which guests a domain has control over, for a toolstack that does not set this yet.
 * Needs a Xen with the patches of xen/. Exit status: 0 done, 1 refused, 2 not understood.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target_op.h"

#define MAX_DOMID	0x7fef
#define MAX_TARGETS	64

static int not_understood(void)
{
	fputs("usage: xen-targets add|remove DOMID TARGET\n"
	      "       xen-targets list DOMID\n"
	      "DOMID is given control over TARGET, an HVM or PVH guest, as its device model, or has it\n"
	      "taken away; list prints the domids of its targets.\n", stderr);
	return 2;
}

static bool domid_of(const char *text, unsigned int *domid)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*domid = value;
	return *text && !*end && value <= MAX_DOMID;
}

static const char *reason(long error)
{
	switch (error) {
	case -ESRCH:
		return "no such domain";
	case -EEXIST:
		return "it is a target already";
	case -ENOENT:
		return "it is no target";
	case -ENOSPC:
		return "the domain has as many targets as it can have";
	case -EOPNOTSUPP:
		return "only HVM and PVH guests can be targets";
	case -EINVAL:
		return "it is the domain itself, or one of both is dying";
	default:
		return strerror(-error);
	}
}

static int outcome(long ret)
{
	if (ret < 0)
		fprintf(stderr, "xen-targets: %s\n", reason(ret));
	return ret < 0;
}

static int list(unsigned int domid)
{
	uint16_t targets[MAX_TARGETS];
	long n = list_targets(domid, targets, MAX_TARGETS), i;

	for (i = 0; i < n; i++)
		printf("%u\n", targets[i]);
	return outcome(n);
}

int main(int argc, char **argv)
{
	unsigned int domid, target = 0;
	const char *verb = argv[1];
	int ret;

	if (argc < 3 || argc > 4 || !domid_of(argv[2], &domid) ||
	    (argc == 4 && !domid_of(argv[3], &target)))
		return not_understood();
	ret = target_op_open();
	if (ret) {
		fprintf(stderr, "xen-targets: /dev/xen/privcmd: %s\n", strerror(-ret));
		return 1;
	}
	if (!strcmp(verb, "list") && argc == 3)
		return list(domid);
	if (!strcmp(verb, "add") && argc == 4)
		return outcome(add_target(domid, target));
	if (!strcmp(verb, "remove") && argc == 4)
		return outcome(remove_target(domid, target));
	return not_understood();
}
