/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fake hypervisor share; see fake_xen.h.
 *
 * Locking: the lock in struct fake protects all of it. Functions expect it held, unless their
 * comments say otherwise.
 */

#ifndef _XENGT_FAKE_INTERNAL_H
#define _XENGT_FAKE_INTERNAL_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "fake_xen.h"

#define FAKE_NR_EVENTS		16384
#define FAKE_NR_BAD_GFNS	64
#define FAKE_NR_PORTS		64
#define FAKE_MAX_SERVERS	8
#define FAKE_MAX_RANGES		256
#define FAKE_NR_RANGE_TYPES	3
#define FAKE_TABLE_SLOTS	512
#define FAKE_WRITE_PROTECTED	XA_MARK_0	/* of a physmap's entry */
#define FAKE_INDEX_SLOTS	2048
#define FAKE_GFN_BITS		36	/* of a page table with 4 levels */

/* From a number to an entry. A cache of what was found last spares most look-ups in the xarray. */
struct fake_index {
	struct xarray xa;
	struct {
		unsigned long index;
		void *entry;
	} found[FAKE_INDEX_SLOTS];	/* by the low bits of the number */
};

/*
 * The holder of a reference: an entry of dom0's physmap or of a page table, an unpopulated page, or
 * a record of the map operation.
 */
struct fake_map {
	struct fake_frame *frame;
	domid_t domid;
	u64 gfn;
};

/*
 * A frame of memory, which lives as long as the fake. Its contents are allocated at the first
 * access.
 */
struct fake_frame {
	unsigned long mfn;
	int owner;		/* domid, -1: free */
	bool allocated;		/* the owner's own reference (Xen's PGC_allocated) */
	bool extra;		/* Xen's own for the owner: not in its limit (PGC_extra) */
	bool fixed;		/* allocated by MFN: never given to others */
	unsigned int refs;	/* of others */
	void *data;		/* where the contents are now, NULL: zeroes */
	void *home;		/* where they go back when dom0 unmaps them, NULL: not mapped */
	struct fake_map foreign;	/* XenServer's bit, and the guest for which it was set */
	struct list_head node;	/* in the free list */
};

/* Addresses: sorted, none touches the next one (Xen's rangeset) */
struct fake_ranges {
	unsigned int nr;
	struct fake_range {
		u64 start;
		u64 end;
	} ranges[FAKE_MAX_RANGES];
};

struct fake_server {
	bool enabled;
	u16 id;
	u8 handle_bufioreq;
	struct fake_frame *frame;	/* NULL: not acquired yet */
	struct fake_frame *buffered;
	struct fake_ranges ranges[FAKE_NR_RANGE_TYPES];
	u32 remote_port[FAKE_MAX_VCPUS];
};

struct fake_vcpu {
	struct completion done;
	unsigned long waiting;		/* for these servers, a bit for each id */
	u8 seen[FAKE_MAX_SERVERS];	/* the request's state, when last read */
	bool invalidate;		/* notifies the servers next (Xen's mapcache_invalidate) */
	int status;
	struct xen_ioreq answer;
	struct fake_frame *stores_to;	/* a write-protected page; may be gone */
};

struct fake_domain {
	domid_t domid;
	bool dying;
	bool torn_down;			/* its physmap is empty */
	struct list_head node;
	struct fake_index physmap;	/* GFN to frame */
	struct xarray types;		/* GFN to the page's type, if it is not plain RAM */
	u64 max_gfn;			/* the highest ever */
	unsigned long pages;		/* frames owned, Xen's domain_tot_pages() */
	unsigned long extra_pages;	/* Xen's own for the domain */
	unsigned long homeless;		/* frames at no GFN that are not released */
	unsigned long max_pages;	/* the limit of reservations */
	unsigned int nr_vcpus;
	struct fake_vcpu vcpus[FAKE_MAX_VCPUS];
	struct fake_server *servers[FAKE_MAX_SERVERS];
	struct fake_server *claimer;	/* of write-protected pages */
	unsigned int nr_msis;		/* that were delivered */
	u64 msi_address;		/* of the last one */
	u32 msi_data;
	bool no_hap;
	bool target;			/* the caller is a driver domain with this target */
};

/* A page table: a page of dom0's that is read-only, and perhaps pinned. */
struct fake_table {
	unsigned long pfn;
	bool pinned;
	struct fake_map slots[FAKE_TABLE_SLOTS];
	u64 raw[FAKE_TABLE_SLOTS];
};

/* A page from xen_alloc_unpopulated_pages(), and what is mapped there. */
struct fake_unpopulated {
	struct page *page;
	struct fake_map map;
	void *snapshot;		/* contents at map time, if mapped elsewhere already */
};

struct fake_port {
	bool bound;
	bool lonely;		/* the other end is closed (Xen's ECS_UNBOUND) */
	bool pending;
	bool masked;		/* from the event to its EOI */
	bool irq_masked;	/* by disable_irq() and the like */
	int irq;		/* 0: none */
	domid_t domid;
	unsigned int server;
	unsigned int vcpu;
	u32 remote_port;
};

struct fake {
	spinlock_t lock;	/* of all that follows */
	bool started;
	enum fake_xen_mode mode;
	unsigned int errors;

	unsigned long calls[FAKE_NR_CALLS];
	u64 time;			/* in all calls, ns */
	unsigned long flushes;
	struct fake_event *events;
	unsigned int nr_events;
	bool events_lost;

	enum fake_call fail_kind;
	unsigned int fail_nth;
	int fail_error;
	bool fail_entry_set;
	unsigned int fail_entry;
	int fail_entry_error;
	unsigned int nr_bad_gfns;
	struct fake_bad_gfn {
		domid_t domid;
		u64 gfn;
		int error;
		bool unmap;
	} bad_gfns[FAKE_NR_BAD_GFNS];
	fake_hook hook;
	void *hook_arg;
	fake_observer observer;
	void *observer_arg;
	bool yield;
	size_t fail_kvmalloc;		/* of so many bytes or more; 0: none */
	unsigned int kvmalloc_failures;

	struct fake_index frames;	/* by MFN */
	struct list_head free;
	unsigned long next_mfn;
	unsigned long refs;
	struct list_head domains;
	struct list_head destroyed;
	struct fake_index physmap;	/* dom0's foreign mappings, by GFN: struct fake_map */
	u64 mmio_start;			/* a device of dom0's, by GFN */
	u64 mmio_end;
	struct xarray tables;		/* by PFN */
	struct fake_index unpopulated;	/* by PFN */

	bool dev_map;			/* Xen has the map operation */
	bool isolated;			/* the IOMMU only passes what is mapped */
	struct xarray dev_maps;		/* its records, by BFN */
	unsigned int nr_dev_maps;
	u32 dev_map_limit;
	unsigned int dev_map_stop;	/* entries until the call ends, 0: never */
	int dev_map_stop_error;
	bool iommu_op;			/* Xen is XenServer's */
	u64 bfn_offset;
	unsigned int iommu_op_largest;

	struct fake_port ports[FAKE_NR_PORTS];
	u32 next_remote_port;
	bool delivering;
	char commandline[256];
	int version;			/* as XENVER_version returns it */
};

extern struct fake fake;

/* A hypercall under way. */
struct fake_call_state {
	unsigned int fail_nth;
	unsigned long flags;
	u64 start;
};

void __printf(1, 2) fake_error(const char *fmt, ...);
int fake_enter(struct fake_call_state *state, enum fake_call kind);
long fake_leave(struct fake_call_state *state, long rc);
int fake_entry_failure(unsigned int entry, domid_t domid, u64 gfn);
int fake_unmap_failure(unsigned int entry, const struct fake_map *map);
void fake_record(enum fake_event_kind kind, const struct fake_map *map, u64 bfn);

static inline bool fake_is_pv(void)
{
	return fake.mode == FAKE_PV_DOM0 || fake.mode == FAKE_PV_DOMU;
}

/* Brackets the fake's own allocations, which never fail. */
static inline unsigned int fake_alloc_enter(void)
{
	unsigned int fail_nth = current->fail_nth;

	current->fail_nth = 0;
	return fail_nth;
}

static inline void fake_alloc_leave(unsigned int fail_nth)
{
	current->fail_nth = fail_nth;
}

/* fake_alloc.c */
void *fake_zalloc(size_t size);
bool fake_alloc_fails(void);

/* fake_index.c */
void fake_index_init(struct fake_index *index);
void *fake_index_find(struct fake_index *index, unsigned long number);
void fake_index_store(struct fake_index *index, unsigned long number, void *entry);
void *fake_index_erase(struct fake_index *index, unsigned long number);

/* fake_mem.c */
void fake_mem_start(void);
void fake_mem_stop(void);
void fake_mem_check(struct kunit *test);

/* fake_frame.c */
struct fake_frame *fake_frame_find(unsigned long mfn);
struct fake_frame *fake_frame_alloc(struct fake_domain *d);
struct fake_frame *fake_frame_alloc_at(struct fake_domain *d, unsigned long mfn);
struct fake_frame *fake_frame_alloc_extra(struct fake_domain *d);
void fake_frame_release_allocated(struct fake_frame *frame);
void *fake_frame_data(struct fake_frame *frame);
void fake_map_get(struct fake_map *map, struct fake_frame *frame, domid_t domid, u64 gfn, u64 bfn);
void fake_map_put(struct fake_map *map, u64 bfn);

/* fake_domain.c */
struct fake_domain *fake_domain_find(domid_t domid);
int fake_remote_domain(domid_t domid, struct fake_domain **d);
void fake_domain_destroy(struct fake_domain *d);
void fake_domain_destroy_if_empty(struct fake_domain *d);
struct fake_frame *fake_frame_of_gfn(struct fake_domain *d, u64 gfn);
enum fake_page_type fake_type_of_gfn(struct fake_domain *d, u64 gfn);
void fake_set_type(struct fake_domain *d, u64 gfn, enum fake_page_type type);
void fake_physmap_add(struct fake_domain *d, u64 gfn);
void fake_physmap_lose(struct fake_domain *d, u64 gfn);
void fake_physmap_remove(struct fake_domain *d, u64 gfn);

/* fake_unpopulated.c */
void fake_unpopulated_stop(void);
void fake_mem_sync(void);
struct fake_unpopulated *fake_unpopulated_find(unsigned long pfn);
int fake_unpopulated_map(struct fake_unpopulated *u, struct fake_frame *frame, domid_t domid,
			 u64 gfn);
void fake_unpopulated_unmap(struct fake_unpopulated *u);

/* fake_physmap.c */
bool fake_is_own_ram(u64 gfn);

/* fake_reserve.c */
long fake_reserve_op(unsigned int cmd, void *arg);

/* fake_dev_map.c */
bool fake_may_control(const struct fake_domain *d);
void fake_dev_map_start(void);
void fake_dev_map_stop(void);
void fake_dev_map_check(struct kunit *test);
bool fake_dev_map_reaches(u64 bfn);
bool fake_dev_map_writable(unsigned long mfn);
enum fake_call fake_dev_map_kind(const u32 *op, const void *entries);
int fake_dev_map_op(domid_t domid, u32 *op, size_t op_size, void *entries, size_t size);

/* fake_iommu_op.c */
void fake_iommu_op_start(void);
void fake_iommu_op_domain_kill(struct fake_domain *d);

/* fake_pv.c */
void fake_pv_start(void);
void fake_pv_stop(void);
void fake_pv_check(struct kunit *test);
void fake_pv_audit(void);
bool fake_pv_writable(unsigned long mfn);

/* fake_evtchn.c */
void fake_evtchn_start(void);
void fake_evtchn_stop(void);
void fake_evtchn_check(struct kunit *test);
struct fake_port *fake_port_of(domid_t domid, unsigned int server, unsigned int vcpu);
void fake_deliver(void);	/* called without the lock */

/* fake_ioreq.c */
void fake_ioreq_close_channels(struct fake_domain *d);
void fake_ioreq_domain_kill(struct fake_domain *d);
bool fake_ioreq_bind(struct fake_port *port, domid_t domid, u32 remote_port);
void fake_ioreq_notified(struct fake_port *port);
int fake_ioreq_frame(struct fake_domain *d, unsigned int id, u64 index,
		     struct fake_frame **frame);
int fake_ioreq_select(struct fake_domain *d, const struct xen_ioreq *req, int from, bool any);
bool fake_ioreq_send(struct fake_domain *d, unsigned int id, unsigned int number,
		     const struct xen_ioreq *req);
void fake_ioreq_broadcast(struct fake_domain *d, unsigned int number);
void fake_ioreq_request_invalidate(struct fake_domain *d);

/* fake_memtype.c */
struct xen_dm_op_map_mem_type_to_ioreq_server;
struct xen_dm_op_set_mem_type;

void fake_memtype_check(struct kunit *test);
bool fake_memtype_protected(struct fake_domain *d, u64 gfn);
void fake_memtype_unprotect(struct fake_domain *d);
int fake_memtype_server(struct fake_domain *d);
int fake_memtype_claim(struct fake_domain *d,
		       const struct xen_dm_op_map_mem_type_to_ioreq_server *op);
int fake_memtype_set(struct fake_domain *d, const struct xen_dm_op_set_mem_type *op);
void fake_memtype_server_gone(struct fake_domain *d, struct fake_server *server);

/* fake_msi.c */
struct xen_dm_op_inject_msi;

int fake_msi_inject(struct fake_domain *d, const struct xen_dm_op_inject_msi *op);

/* fake_vcpu.c */
void fake_vcpu_domain_start(struct fake_domain *d);

/* fake_store.c */
void fake_store_start(void);
void fake_store_stop(void);
void fake_store_check(struct kunit *test);

#endif /* _XENGT_FAKE_INTERNAL_H */
