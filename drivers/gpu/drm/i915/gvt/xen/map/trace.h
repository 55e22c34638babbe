/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the service: batches of maps and unmaps, and the result of each block's
 * revalidation.
 */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM xen_gpu_map

#if !defined(_XEN_GPU_MAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XEN_GPU_MAP_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(xen_gpu_map_batch,
	    TP_PROTO(u16 domid, unsigned int gfns, unsigned int missing, unsigned int mapped),
	    TP_ARGS(domid, gfns, missing, mapped),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(unsigned int, gfns)
			     __field(unsigned int, missing)
			     __field(unsigned int, mapped)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->gfns = gfns;
			   __entry->missing = missing;
			   __entry->mapped = mapped;),
	    TP_printk("d%u: %u gfns, %u not mapped before, %u mapped now", __entry->domid,
		      __entry->gfns, __entry->missing, __entry->mapped)
);

TRACE_EVENT(xen_gpu_unmap_batch,
	    TP_PROTO(u16 domid, unsigned int pages, unsigned int done),
	    TP_ARGS(domid, pages, done),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(unsigned int, pages)
			     __field(unsigned int, done)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->pages = pages;
			   __entry->done = done;),
	    TP_printk("d%u: %u pages, %u unmapped", __entry->domid, __entry->pages,
		      __entry->done)
);

TRACE_EVENT(xen_gpu_balloon,
	    TP_PROTO(u16 domid, unsigned long block, unsigned int kept, unsigned int moved,
		     unsigned int gone),
	    TP_ARGS(domid, block, kept, moved, gone),
	    TP_STRUCT__entry(__field(u16, domid)
			     __field(unsigned long, block)
			     __field(unsigned int, kept)
			     __field(unsigned int, moved)
			     __field(unsigned int, gone)),
	    TP_fast_assign(__entry->domid = domid;
			   __entry->block = block;
			   __entry->kept = kept;
			   __entry->moved = moved;
			   __entry->gone = gone;),
	    TP_printk("d%u: block %#lx, %u kept, %u moved, %u gone", __entry->domid,
		      __entry->block, __entry->kept, __entry->moved, __entry->gone)
);

#endif /* _XEN_GPU_MAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
