/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all parts of the program share: results, as KTAP without numbers (see dom0/library.sh), and
 * maps of a guest's pages. BFNs are chosen as a translated caller has to; a PV caller gets others.
 */

#ifndef DEVMAP_CHECKS_H
#define DEVMAP_CHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "xen.h"

/* A paused guest's memory that nobody uses, and a hole of the caller's physical address space */
#define FIRST_GFN	0x800
#define FIRST_BFN	0x2000000
#define BATCH		512
#define READONLY	XEN_DMOP_DEV_MAP_readonly

enum kind { RELAXED, STRICT, TRANSLATED };

extern enum kind kind;
extern struct xen_dm_op_dev_map_entry entries[BATCH];

void that(bool good, const char *name, long seen);
void is(long seen, long wanted, const char *name);
void note(const char *format, ...);

/* Marks the host's trace before and after what is between them, and has the host count. */
void count_from_here(void);
void invalidations(unsigned int wanted, const char *name);
void refused(const char *name);

bool isolated(void);
unsigned int nr_maps(unsigned int domid);
unsigned int nr_guest_maps(unsigned int domid);

/* Fills entries: n pages from gfn on, BFNs from bfn on. */
void prepare(unsigned int n, uint64_t gfn, uint64_t bfn, uint32_t flags);
/* How many of them have this status */
unsigned int with_status(unsigned int n, int status);
/* One page; the status, or the error of the call */
int map_one(unsigned int domid, uint64_t gfn, uint64_t *bfn, uint32_t flags);
int unmap_one(unsigned int domid, uint64_t bfn, uint32_t flags);
int lookup_one(unsigned int domid, uint64_t gfn, uint64_t bfn);

void check_calls(unsigned int guest, unsigned int other);
void check_pages(unsigned int guest, unsigned int other);
void check_dma(unsigned int guest);
void check_grants(unsigned int guest);
void check_balloon(unsigned int guest);
void check_targets(unsigned int guest, unsigned int other);

#endif /* DEVMAP_CHECKS_H */
