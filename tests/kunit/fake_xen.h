/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fake hypervisor for the KUnit suites, at the level of hypercalls.
 *
 * The project's modules run over it unmodified: um-shim/ turns hypercalls and the kernel's own Xen
 * services (event channels, xenstore, unpopulated pages) into functions that the fake implements.
 * The fake counts references as Xen does. It allocates a freed frame again at once, so that a
 * mapping that outlives its reference leads to somebody else's page.
 *
 *   fake_xen.c         start and stop, counts of hypercalls, ordered failures, record, books
 *   fake_alloc.c       allocations that fail when a test says so
 *   fake_mem.c         memory as a whole: start, stop, books
 *   fake_index.c       from a number to an entry
 *   fake_frame.c       frames, their owners and references
 *   fake_domain.c      domains, their physmaps and memory
 *   fake_physmap.c     XENMEM_*, dom0's physmap
 *   fake_unpopulated.c pages of dom0's that show guests' frames
 *   fake_dma.c         what a device reaches
 *   fake_pv.c          page tables of a PV dom0
 *   fake_dev_map.c     Xen's own map operation
 *   fake_iommu_op.c    XenServer's iommu_op
 *   fake_evtchn.c      event channels and their irqs
 *   fake_ioreq.c       ioreq servers
 *   fake_reserve.c     memory that dom0 gives guests
 *   fake_memtype.c     write protection of guests' pages
 *   fake_msi.c         interrupts that guests get
 *   fake_vcpu.c        vCPUs that make I/O requests and store to memory
 *   fake_store.c       xenstore
 *
 * GFNs are small, the MFNs of guests' frames start at FAKE_MFN_BASE, and dom0's own pages have
 * MFN == PFN. So no number can be mistaken for one of another kind.
 *
 * There is one hypervisor. A test begins with fake_xen_start() and ends with fake_xen_stop(),
 * which checks the books: every reference is given back, and nothing is left mapped, pinned, bound
 * or allocated.
 *
 * Locking: one spinlock with irqs off, which is never held while the modules' code runs. Tests
 * name things by domid, GFN and MFN, so they cannot use what was freed.
 */

#ifndef _XENGT_FAKE_XEN_H
#define _XENGT_FAKE_XEN_H

#include <kunit/test.h>
#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/hvm/io_request.h>

#define FAKE_MFN_BASE	0x1000000UL
#define FAKE_NO_MFN	(~0UL)
#define FAKE_MAX_VCPUS	8
#define FAKE_OWN_DOMID	99	/* the modules' domain, if that is not dom0 */

/* The domain that the modules run in */
enum fake_xen_mode {
	FAKE_NOT_XEN,
	FAKE_PV_DOM0,
	FAKE_PVH_DOM0,
	FAKE_PV_DOMU,
	FAKE_PVH_DOMU,
};

/* The page at a guest's GFN (Xen's p2m_type_t, as far as it matters) */
enum fake_page_type {
	FAKE_HOLE,
	FAKE_RAM,
	FAKE_RAM_RO,		/* writes of the guest's are dropped (p2m_ram_ro) */
	FAKE_XEN_PAGE,		/* RAM that is Xen's: the shared info, a grant table */
	FAKE_GRANT,		/* another domain's, by a grant */
	FAKE_FOREIGN,		/* another domain's, without one */
	FAKE_MMIO,		/* registers of a device that was passed through */
};

/* Kinds of hypercalls, and services that can fail */
enum fake_call {
	FAKE_CALL_ANY,
	FAKE_CALL_MMU_UPDATE,
	FAKE_CALL_PIN,
	FAKE_CALL_UNPIN,
	FAKE_CALL_PROTECT,	/* update_va_mapping, to read-only */
	FAKE_CALL_UNPROTECT,	/* update_va_mapping, anything else */
	FAKE_CALL_ADD_TO_PHYSMAP,
	FAKE_CALL_REMOVE_FROM_PHYSMAP,
	FAKE_CALL_MAXIMUM_GPFN,
	FAKE_CALL_ACQUIRE,
	FAKE_CALL_POPULATE,
	FAKE_CALL_DECREASE,
	FAKE_CALL_DM_CREATE,
	FAKE_CALL_DM_MAP_RANGE,
	FAKE_CALL_DM_UNMAP_RANGE,
	FAKE_CALL_DM_SET_STATE,
	FAKE_CALL_DM_DESTROY,
	FAKE_CALL_DM_CLAIM,	/* map_mem_type, either way */
	FAKE_CALL_DM_SET_TYPE,	/* set_mem_type, either way */
	FAKE_CALL_DM_INJECT,	/* inject_msi */
	FAKE_CALL_GET_TYPE,
	FAKE_CALL_DEV_MAP,
	FAKE_CALL_DEV_UNMAP,
	FAKE_CALL_DEV_LOOKUP,
	FAKE_CALL_DEV_INFO,
	FAKE_CALL_IOMMU_QUERY,
	FAKE_CALL_IOMMU_LOOKUP,
	FAKE_CALL_IOMMU_UNMAP,
	FAKE_CALL_EVTCHN_BIND,
	FAKE_CALL_EVTCHN_SEND,
	FAKE_CALL_EVTCHN_CLOSE,
	FAKE_CALL_VERSION,
	/* not hypercalls */
	FAKE_CALL_BIND_IRQ,
	FAKE_CALL_UNPOPULATED,
	FAKE_CALL_WATCH,
	FAKE_NR_CALLS
};

/* The record of events, in order. A case that reads it after it was full fails. */
enum fake_event_kind {
	FAKE_EVENT_REF,		/* a reference taken: domid, gfn, mfn, bfn (0: PV) */
	FAKE_EVENT_FLUSH,	/* an IOTLB flush: bfn */
	FAKE_EVENT_UNREF,	/* a reference dropped: domid, gfn, mfn, bfn */
	FAKE_EVENT_FREE,	/* a frame freed: mfn */
	/* added by tests */
	FAKE_EVENT_PTE,		/* a shadow entry written: bfn, where */
	FAKE_EVENT_INVALIDATE,	/* a TLB invalidate of the GPU */
	FAKE_EVENT_NOTE,
};

struct fake_event {
	enum fake_event_kind kind;
	domid_t domid;
	u64 gfn;
	u64 mfn;
	u64 bfn;
	u64 where;
};

/* fake_xen.c */
void fake_xen_start(struct kunit *test, enum fake_xen_mode mode);
void fake_xen_stop(struct kunit *test);
void fake_xen_assert_balanced(struct kunit *test);
unsigned int fake_xen_errors(void);
void fake_xen_forgive(void);
const char *fake_xen_mode_name(enum fake_xen_mode mode);

unsigned long fake_xen_calls(enum fake_call kind);
u64 fake_xen_time(void);
unsigned long fake_xen_flushes(void);
void fake_xen_reset_calls(void);

void fake_xen_fail_call(enum fake_call kind, unsigned int nth, int error);
bool fake_xen_fail_pending(void);
void fake_xen_fail_entry(unsigned int entry, int error);
void fake_xen_fail_gfn(domid_t domid, u64 gfn, int error);
void fake_xen_fail_unmap(domid_t domid, u64 gfn, int error);
void fake_xen_fail_nothing(void);

typedef void (*fake_hook)(enum fake_call kind, void *arg);
void fake_xen_set_hook(fake_hook hook, void *arg);
void fake_xen_set_yield(bool yield);
void fake_xen_let_others_run(void);

/* Called for each event of the record, with the lock held. It must not call the fake. */
typedef void (*fake_observer)(const struct fake_event *event, void *arg);
void fake_xen_set_observer(fake_observer observer, void *arg);

unsigned int fake_xen_nr_events(void);
const struct fake_event *fake_xen_event(unsigned int index);
void fake_xen_note(enum fake_event_kind kind, u64 bfn, u64 where);
int fake_xen_find_event(unsigned int from, enum fake_event_kind kind, u64 mfn);
void fake_xen_clear_events(void);

/* fake_alloc.c */
/* Makes the n-th allocation of the running task fail; 0: none. */
void fake_fail_alloc(unsigned int nth);
bool fake_fail_alloc_stop(void);

/* kvmalloc_array() of so many bytes or more fails, in any thread, until fake_xen_fail_nothing() */
void fake_fail_kvmalloc(size_t from);
unsigned int fake_kvmalloc_failures(void);

/* fake_domain.c: guests and their memory */
void fake_domain_create(domid_t domid, u64 nr_pages);
void fake_domain_start_dying(domid_t domid);
void fake_domain_kill(domid_t domid);
bool fake_domain_exists(domid_t domid);
unsigned long fake_domain_pages(domid_t domid);
unsigned int fake_domain_count(void);
unsigned long fake_gfn_populate(domid_t domid, u64 gfn);
void fake_gfn_populate_at(domid_t domid, u64 gfn, unsigned long mfn);
void fake_gfn_remove(domid_t domid, u64 gfn);
void fake_gfn_set_type(domid_t domid, u64 gfn, enum fake_page_type type);
unsigned long fake_gfn_mfn(domid_t domid, u64 gfn);
void fake_guest_write(domid_t domid, u64 addr, const void *data, size_t len);
void fake_guest_read(domid_t domid, u64 addr, void *data, size_t len);

/* fake_frame.c */
unsigned int fake_mfn_refs(unsigned long mfn);
int fake_mfn_owner(unsigned long mfn);
bool fake_mfn_writable(unsigned long mfn);
unsigned long fake_total_refs(void);

/* fake_physmap.c */
void fake_xen_set_mmio(u64 gfn, u64 pages);

/* fake_dma.c */
unsigned long fake_dma_mfn(u64 bfn);
bool fake_dma_reaches(u64 bfn, domid_t domid, u64 gfn);
bool fake_bfn_held(u64 bfn);	/* for observers */
int fake_dma_read(u64 addr, void *data, size_t len);
int fake_dma_write(u64 addr, const void *data, size_t len);

/* fake_reserve.c: memory that dom0 gives a guest, and its limit */
void fake_domain_set_headroom(domid_t domid, unsigned long pages);
unsigned long fake_guest_populate(domid_t domid, u64 gfn);

/* fake_dev_map.c */
void fake_xen_set_dev_map(bool isolated);
void fake_xen_set_dev_map_limit(u32 limit);
void fake_xen_stop_dev_map(unsigned int entries, int error);
void fake_domain_set_target(domid_t domid, bool target);
void fake_domain_retarget(domid_t domid);
void fake_dev_map_revoke(domid_t domid);

/* fake_iommu_op.c */
void fake_xen_set_iommu_op(u64 offset);
unsigned int fake_iommu_op_largest(void);

/* fake_pv.c */
unsigned int fake_pv_tables(void);

/* fake_ioreq.c */
void fake_ioreq_revoke(domid_t domid);
unsigned int fake_servers(domid_t domid);

/* fake_memtype.c: write protection of a guest's memory */
bool fake_gfn_write_protected(domid_t domid, u64 gfn);
unsigned int fake_domain_nr_protected(domid_t domid);
bool fake_domain_claimed(domid_t domid);
void fake_domain_set_hap(domid_t domid, bool hap);

/* fake_msi.c */
unsigned int fake_domain_msis(domid_t domid, u64 *address, u32 *data);

/* fake_vcpu.c: a guest's vCPUs */
void fake_domain_set_vcpus(domid_t domid, unsigned int vcpus);
int fake_vcpu_send(domid_t domid, unsigned int vcpu, const struct xen_ioreq *req);
int fake_vcpu_wait(domid_t domid, unsigned int vcpu, struct xen_ioreq *answer);
int fake_vcpu_io(domid_t domid, unsigned int vcpu, struct xen_ioreq *req);
int fake_vcpu_io_any(domid_t domid, unsigned int vcpu, struct xen_ioreq *req);
int fake_vcpu_write(domid_t domid, unsigned int vcpu, u64 addr, u64 data, unsigned int size);
int fake_vcpu_read(domid_t domid, unsigned int vcpu, u64 addr, unsigned int size, u64 *data);
int fake_vcpu_store(domid_t domid, unsigned int vcpu, u64 addr, const void *data,
		    unsigned int size);
int fake_vcpu_load(domid_t domid, unsigned int vcpu, u64 addr, void *data, unsigned int size);
int fake_vcpu_send_store(domid_t domid, unsigned int vcpu, u64 addr, const void *data,
			 unsigned int size);
bool fake_vcpu_send_invalidate(domid_t domid, unsigned int vcpu);
int fake_vcpu_invalidate(domid_t domid, unsigned int vcpu);
void fake_guest_balloon_out(domid_t domid, unsigned int vcpu, u64 gfn);

/* fake_evtchn.c */
unsigned int fake_evtchn_ports(void);
unsigned int fake_evtchn_irqs(void);

/* fake_store.c: xenstore */
void fake_store_set(const char *path, const char *value);
void fake_store_remove(const char *path);
void fake_store_fire(const char *path);
void fake_store_fail_reads(int error);
void fake_store_introduce(domid_t domid, const char *uuid);
void fake_store_release(domid_t domid);
void fake_store_come_up_late(void);
void fake_store_come_up(void);
void fake_xen_set_commandline(const char *commandline);
void fake_xen_set_version(int major, int minor);

/* The CPU's caches, as a GPU meets them; see fake_cache.c */
void fake_cache_start(bool on);
const void *fake_cache_read(const void *page);

#endif /* _XENGT_FAKE_XEN_H */
