/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ARCH=um stand-in for arch/x86's.
 *
 * dom0's own pages have MFN == PFN; the frames of guests have MFNs of their own (fake_xen.h). The
 * bits of a PTE are x86's, not ARCH=um's, in whatever comes after this header: they only ever
 * reach the fake hypervisor, and there they are ABI.
 */
#ifndef _ASM_X86_XEN_PAGE_H
#define _ASM_X86_XEN_PAGE_H

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#include <xen/features.h>
#include <xen/interface/xen.h>

#undef _PAGE_PRESENT
#undef _PAGE_RW
#undef _PAGE_USER
#undef _PAGE_ACCESSED
#undef _PAGE_DIRTY
#undef PAGE_KERNEL
#undef PAGE_KERNEL_RO
#define _PAGE_PRESENT	0x001UL
#define _PAGE_RW	0x002UL
#define _PAGE_USER	0x004UL
#define _PAGE_PWT	0x008UL
#define _PAGE_PCD	0x010UL
#define _PAGE_ACCESSED	0x020UL
#define _PAGE_DIRTY	0x040UL
#define _PAGE_GLOBAL	0x100UL
#define _PAGE_NX	BIT_ULL(63)
#define PAGE_KERNEL_RO	__pgprot(_PAGE_PRESENT | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_NX)
#define PAGE_KERNEL	__pgprot(pgprot_val(PAGE_KERNEL_RO) | _PAGE_RW)

#define XEN_PTE_MFN_MASK	0x000ffffffffff000UL
#define INVALID_P2M_ENTRY	(~0UL)

typedef struct xmaddr {
	phys_addr_t maddr;
} xmaddr_t;

typedef struct xpaddr {
	phys_addr_t paddr;
} xpaddr_t;

#define XMADDR(x)	((xmaddr_t) { .maddr = (x) })
#define XPADDR(x)	((xpaddr_t) { .paddr = (x) })

static inline unsigned long pfn_to_mfn(unsigned long pfn)
{
	return pfn;
}

static inline unsigned long mfn_to_pfn(unsigned long mfn)
{
	return mfn;
}

static inline unsigned long pfn_to_gfn(unsigned long pfn)
{
	return pfn;
}

static inline unsigned long gfn_to_pfn(unsigned long gfn)
{
	return gfn;
}

#define pfn_to_bfn(pfn)		pfn_to_gfn(pfn)
#define bfn_to_pfn(bfn)		gfn_to_pfn(bfn)
#define virt_to_pfn(v)		PFN_DOWN(__pa(v))
#define virt_to_mfn(v)		pfn_to_mfn(virt_to_pfn(v))
#define virt_to_gfn(v)		pfn_to_gfn(virt_to_pfn(v))
#define gfn_to_virt(g)		__va(gfn_to_pfn(g) << PAGE_SHIFT)
#define mfn_to_virt(m)		__va(mfn_to_pfn(m) << PAGE_SHIFT)
#define virt_to_machine(v)	XMADDR(__pa(v))

static inline xmaddr_t arbitrary_virt_to_machine(void *address)
{
	return virt_to_machine(address);
}

static inline unsigned long arbitrary_virt_to_mfn(void *address)
{
	return virt_to_mfn(address);
}

static inline unsigned long pte_mfn(pte_t pte)
{
	return (pte.pte & XEN_PTE_MFN_MASK) >> PAGE_SHIFT;
}

static inline pte_t mfn_pte(unsigned long mfn, pgprot_t prot)
{
	return (pte_t) { .pte = (mfn << PAGE_SHIFT) | pgprot_val(prot) };
}

static inline unsigned long pte_val_ma(pte_t pte)
{
	return pte.pte;
}

static inline pte_t __pte_ma(unsigned long val)
{
	return (pte_t) { .pte = val };
}

/*
 * The page table entry that maps a kernel address. ARCH=um has no such thing for its linear
 * mapping; the fake hypervisor takes a page's own address for the address of the entry that maps
 * it.
 */
#define PG_LEVEL_4K	1

static inline pte_t *lookup_address(unsigned long va, unsigned int *level)
{
	*level = PG_LEVEL_4K;
	return (pte_t *)va;
}

/* Grant mappings: not used; xen/grant_table.h refers to them. */
struct gnttab_map_grant_ref;
struct gnttab_unmap_grant_ref;

static inline int set_foreign_p2m_mapping(struct gnttab_map_grant_ref *map,
					  struct gnttab_map_grant_ref *kmap,
					  struct page **pages, unsigned int count)
{
	return 0;
}

static inline int clear_foreign_p2m_mapping(struct gnttab_unmap_grant_ref *unmap,
					    struct gnttab_unmap_grant_ref *kunmap,
					    struct page **pages, unsigned int count)
{
	return 0;
}

#endif /* _ASM_X86_XEN_PAGE_H */
