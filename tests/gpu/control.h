/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control block: registers that no hardware has, by which a program in the machine asks the
 * emulated GPU to copy, and asks its judge what it saw.
 *
 * It is one page of BAR 0, at the end of the registers that i915 maps. All registers can be
 * accessed by 4 bytes; those of 8 bytes also by 8. An operation takes its arguments from the
 * registers below, is done when the write to GPU_OP returns, and leaves its outcome in GPU_STATUS.
 *
 * Graphics addresses lead through what the GPU has in its TLBs. Of the GGTT it has all entries as
 * they were at the last invalidate (GFX_FLSH_CNTL). Of a PPGTT an engine keeps each entry that a
 * walk has used until the engine's TLB is invalidated, or it loads another context.
 */

#ifndef GPU_CONTROL_H
#define GPU_CONTROL_H

#define GPU_CONTROL		0x1ff000	/* in BAR 0 */
#define GPU_CONTROL_SIZE	0x1000

#define GPU_MAGIC		0x000	/* reads as GPU_MAGIC_VALUE */
#define  GPU_MAGIC_VALUE	0x55504758
#define GPU_VERSION		0x004
#define  GPU_VERSION_VALUE	1

/* The outcome of the last operation */
#define GPU_STATUS		0x008
#define  GPU_DONE		0
#define  GPU_NOT_PRESENT	1	/* an entry was not present */
#define  GPU_REFUSED		2	/* the IOMMU refused */
#define  GPU_NO_MEMORY		3	/* the bus address is not that of RAM */
#define  GPU_READ_ONLY		4	/* a write, without the R/W bit */
#define  GPU_BEYOND		5	/* the address is beyond the page table */
#define  GPU_BAD		6	/* arguments that make no sense */
#define  GPU_NR_STATUS		7

/* Operations, and the registers that they use besides GPU_ENGINE and the root of a PPGTT */
#define GPU_OP			0x00c
#define  GPU_OP_COPY		1	/* FROM, TO, LENGTH */
#define  GPU_OP_FILL		2	/* TO, LENGTH, VALUE: the byte */
#define  GPU_OP_READ		3	/* FROM, LENGTH: 4 or 8; sets VALUE */
#define  GPU_OP_ENTRY		4	/* FROM; sets VALUE: in GSM, OTHER: in the TLB */
#define  GPU_OP_WALK		5	/* FROM; sets VALUE: bus, OTHER: level << 32 | size */
#define  GPU_OP_LOAD		6	/* the engine loads a context with this PPGTT */
#define  GPU_OP_SHARE		7	/* SHARE, OWNER, FIRST, NR; NR 0: it ends */
#define  GPU_OP_FREEZE		8	/* SHARE, or GPU_HOST: a write is a violation */
#define  GPU_OP_THAW		9	/* SHARE, or GPU_HOST */
#define  GPU_OP_RELEASE		10	/* FROM: bus, LENGTH: are somebody else's */
#define  GPU_OP_TAKE		11	/* FROM: bus, LENGTH: may be used again */
#define  GPU_OP_CHECK		12	/* do TLBs name pages that have been released? */
#define  GPU_OP_CLEAR		13	/* all counters and violations to 0 */
#define  GPU_OP_ROOT		14	/* sets LEVELS and PDP: what the engine has loaded */

#define GPU_FROM		0x010	/* 8 bytes */
#define GPU_TO			0x018	/* 8 bytes */
#define GPU_LENGTH		0x020	/* 8 bytes; at most GPU_MAX_LENGTH */
#define  GPU_MAX_LENGTH		(64 << 20)
#define GPU_FROM_SPACE		0x028
#define GPU_TO_SPACE		0x02c
#define  GPU_GGTT		0
#define  GPU_PPGTT		1
#define  GPU_BUS		2	/* no page table: what the device puts on the bus */
#define GPU_ENGINE		0x030
#define  GPU_RCS		0
#define  GPU_VCS		1
#define  GPU_BCS		2
#define  GPU_VECS		3
#define  GPU_NR_ENGINES		4
#define GPU_LEVELS		0x034	/* of the PPGTT: 3 or 4 */
#define GPU_PDP(i)		(0x038 + 8 * (i))	/* 8 bytes; PDP 0: the PML4, too */
#define GPU_VALUE		0x058	/* 8 bytes */
#define GPU_OTHER		0x060	/* 8 bytes */
#define GPU_SHARE		0x068
#define  GPU_NR_SHARES		16
#define  GPU_HOST		0xffffffff	/* all entries that are in no share */
#define GPU_OWNER		0x06c
#define GPU_FIRST		0x070
#define GPU_NR			0x074
#define GPU_ARGUMENTS_END	0x078
#define GPU_FAULT_ADDRESS	0x080	/* 8 bytes: where an operation stopped */

/* Counters of the whole GPU, of 8 bytes */
#define GPU_COUNTER(i)		(0x100 + 8 * (i))
#define  GPU_GSM_WRITES		0	/* to entries of shares and all others */
#define  GPU_GSM_WRITES_HOST	1	/* to those in no share */
#define  GPU_GSM_WRITES_SHARES	2
#define  GPU_GSM_WRITES_PARTIAL	3	/* of less than an entry */
#define  GPU_GSM_READS		4
#define  GPU_INVALIDATES	5	/* of the GGTT */
#define  GPU_DIRTY		6	/* entries that differ from the TLB's now */
#define  GPU_APERTURE		7	/* accesses through BAR 2 */
#define  GPU_COPIES		8	/* operations that reach memory, of the control block */
#define  GPU_FAULTS		9
#define  GPU_INTERRUPTS		10
#define  GPU_REG_READS		11
#define  GPU_REG_WRITES		12
#define  GPU_RESETS		13
#define  GPU_NR_COUNTERS	14

/* Counters of an engine, of 8 bytes */
#define GPU_ENGINE_COUNTER(e, i) (0x200 + 0x40 * (e) + 8 * (i))
#define  GPU_CONTEXTS		0	/* contexts run */
#define  GPU_LOADS		1	/* of a context, which forgets the TLB */
#define  GPU_TLB_INVALIDATES	2	/* by register */
#define  GPU_TLB_FLUSHES	3	/* by a command */
#define  GPU_COMMANDS		4	/* of rings and batches */
#define  GPU_STORES		5
#define  GPU_ENGINE_FAULTS	6
#define  GPU_HANGS		7
#define  GPU_NR_ENGINE_COUNTERS	8

/* Violations: how many of each kind, in 8 bytes */
#define GPU_VIOLATIONS(kind)	(0x300 + 8 * (kind))
#define  GPU_STALE_GGTT		0	/* used an entry that was not invalidated */
#define  GPU_STALE_PPGTT	1	/* the same, of a PPGTT */
#define  GPU_USED_RELEASED	2	/* used an entry whose page has been released */
#define  GPU_HELD_RELEASED	3	/* a page was released while a TLB had an entry for it */
#define  GPU_DMA_REFUSED	4	/* the IOMMU refused */
#define  GPU_DMA_NO_MEMORY	5	/* the bus address is not that of RAM */
#define  GPU_FROZEN_WRITE	6	/* a write to an entry that was frozen */
#define  GPU_FOREIGN_RING	7	/* a context whose engine's part loads a ring or mode */
#define  GPU_NR_VIOLATIONS	8

/* A share */
#define GPU_SHARE_BYTES		0x20
#define GPU_SHARE_REGS(id)	(0x400 + GPU_SHARE_BYTES * (id))
#define  GPU_SHARE_FIRST	0x00
#define  GPU_SHARE_NR		0x04	/* 0: not declared */
#define  GPU_SHARE_OWNER	0x08
#define  GPU_SHARE_FROZEN	0x0c
#define  GPU_SHARE_WRITES	0x10	/* 8 bytes */
#define  GPU_SHARE_VIOLATIONS	0x18	/* 8 bytes: at its addresses */

/* The last violations; number n, counted from 0, is in record n % GPU_NR_RECORDS. */
#define GPU_ALL_VIOLATIONS	0x3f8	/* 8 bytes: of all kinds */
#define GPU_NR_RECORDS		16
#define GPU_RECORD_BYTES	0x40
#define GPU_RECORDS		0x600
#define GPU_RECORD(i)		(GPU_RECORDS + GPU_RECORD_BYTES * ((i) % GPU_NR_RECORDS))
#define  GPU_RECORD_KIND	0x00
#define  GPU_RECORD_ENGINE	0x04	/* or GPU_NR_ENGINES: none */
#define  GPU_RECORD_ADDRESS	0x08	/* 8 bytes: graphics address */
#define  GPU_RECORD_USED	0x10	/* 8 bytes: the TLB's entry */
#define  GPU_RECORD_TABLE	0x18	/* 8 bytes: the table's entry */
#define  GPU_RECORD_SPACE	0x20

#endif /* GPU_CONTROL_H */
