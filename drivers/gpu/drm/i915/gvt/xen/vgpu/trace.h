/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the virtual GPUs: trapped accesses, syncs, pages that become unsync or are
 * resynced, and GFNs that the mapping service remapped.
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM xengt

#if !defined(_XENGT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XENGT_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(xengt_trap,
	    TP_PROTO(u16 domid, bool read, u64 addr, u32 size, u32 count),
	    TP_ARGS(domid, read, addr, size, count),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(bool, read)
			     __field(u64, addr)
			     __field(u32, size)
			     __field(u32, count)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->read = read;
			   __entry->addr = addr;
			   __entry->size = size;
			   __entry->count = count;),
	    TP_printk("d%u: %s %#llx, %u bytes, %u times", __entry->domid,
		      __entry->read ? "read" : "write", __entry->addr, __entry->size,
		      __entry->count)
);

TRACE_EVENT(xengt_unsync,
	    TP_PROTO(u16 domid, u64 gfn, unsigned int pages),
	    TP_ARGS(domid, gfn, pages),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(u64, gfn)
			     __field(unsigned int, pages)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->gfn = gfn;
			   __entry->pages = pages;),
	    TP_printk("d%u: %u pages from gfn %#llx on", __entry->domid, __entry->pages,
		      __entry->gfn)
);

TRACE_EVENT(xengt_resync,
	    TP_PROTO(u16 domid, u64 gfn, unsigned int idle),
	    TP_ARGS(domid, gfn, idle),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(u64, gfn)
			     __field(unsigned int, idle)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->gfn = gfn;
			   __entry->idle = idle;),
	    TP_printk("d%u: gfn %#llx after %u syncs without a change", __entry->domid,
		      __entry->gfn, __entry->idle)
);

TRACE_EVENT(xengt_sync,
	    TP_PROTO(u16 domid, unsigned long unsync, unsigned int written),
	    TP_ARGS(domid, unsync, written),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(unsigned long, unsync)
			     __field(unsigned int, written)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->unsync = unsync;
			   __entry->written = written;),
	    TP_printk("d%u: %lu unsync pages, %u trapped writes", __entry->domid, __entry->unsync,
		      __entry->written)
);

TRACE_EVENT(xengt_remapped,
	    TP_PROTO(u16 domid, unsigned int gfns),
	    TP_ARGS(domid, gfns),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(unsigned int, gfns)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->gfns = gfns;),
	    TP_printk("d%u: %u gfns", __entry->domid, __entry->gfns)
);

#endif /* _XENGT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
