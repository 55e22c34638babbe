// SPDX-License-Identifier: GPL-2.0
/*
 * The fake hypervisor's page tables of a PV dom0: mmu_update, mmuext_op, update_va_mapping.
 *
 * A page can be made read-only, a read-only page of zeroes can be pinned as an L1 table, and an
 * entry that is written to a pinned table holds a reference. An entry that is written to any other
 * page is stored and holds none, and Xen returns success.
 *
 * Any other access to a pinned page is an error of the case.
 *
 * See fake_internal.h for the locking.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <asm/xen/hypercall.h>

#include "fake_internal.h"

#define PTE_ADDR_MASK		0x000ffffffffff000ULL
#define PTE_PRESENT		BIT_ULL(0)
#define PTE_RW			BIT_ULL(1)
#define PTE_USER		BIT_ULL(2)
#define PTE_GLOBAL		BIT_ULL(8)
#define PTE_GUEST_KERNEL	BIT_ULL(52)
#define PTE_DISALLOWED		GENMASK_ULL(62, 52)	/* Xen's l1_disallow_mask() */

void fake_pv_start(void)
{
	xa_init_flags(&fake.tables, XA_FLAGS_LOCK_IRQ);
}

void fake_pv_stop(void)
{
	struct fake_table *table;
	unsigned long pfn;

	xa_for_each(&fake.tables, pfn, table)
		kfree(table);
	xa_destroy(&fake.tables);
}

/* Counts the pages that are read-only or pinned. */
unsigned int fake_pv_tables(void)
{
	struct fake_table *table;
	unsigned int n = 0;
	unsigned long pfn;

	xa_for_each(&fake.tables, pfn, table)
		n++;
	return n;
}

void fake_pv_check(struct kunit *test)
{
	KUNIT_EXPECT_EQ_MSG(test, fake_pv_tables(), 0u, "pages are left pinned or read-only");
}

static u64 *table_words(const struct fake_table *table)
{
	return __va(table->pfn << PAGE_SHIFT);
}

/* A page that Xen uses as a table must not be freed or written. */
static bool same_words(const u64 *a, const u64 *b)
{
	unsigned int i;

	for (i = 0; i < FAKE_TABLE_SLOTS && a[i] == b[i]; i++)
		;
	return i == FAKE_TABLE_SLOTS;
}

void fake_pv_audit(void)
{
	struct fake_table *table;
	unsigned long pfn;

	xa_for_each(&fake.tables, pfn, table) {
		if (!page_count(pfn_to_page(pfn))) {
			fake_error("page %lx was freed while it was %s", pfn,
				   table->pinned ? "pinned" : "read-only");
			xa_erase(&fake.tables, pfn);
			kfree(table);
		} else if (table->pinned && !same_words(table->raw, table_words(table))) {
			fake_error("the pinned page %lx was written", pfn);
			memcpy(table_words(table), table->raw, PAGE_SIZE);
		}
	}
}

bool fake_pv_writable(unsigned long mfn)
{
	struct fake_table *table;
	unsigned long pfn;
	unsigned int i;

	xa_for_each(&fake.tables, pfn, table) {
		for (i = 0; i < FAKE_TABLE_SLOTS; i++) {
			if (table->slots[i].frame && table->slots[i].frame->mfn == mfn &&
			    (table->raw[i] & PTE_RW))
				return true;
		}
	}
	return false;
}

static int set_read_only(unsigned long pfn)
{
	struct fake_table *table = xa_load(&fake.tables, pfn);
	unsigned int nth = fake_alloc_enter();

	if (!table) {
		table = fake_zalloc(sizeof(*table));
		table->pfn = pfn;
		xa_store(&fake.tables, pfn, table, GFP_ATOMIC);
	}
	fake_alloc_leave(nth);
	return 0;
}

static int set_writable(unsigned long pfn)
{
	struct fake_table *table = xa_load(&fake.tables, pfn);

	if (table && table->pinned) {
		fake_error("page %lx is to be writable while it is pinned", pfn);
		return -EINVAL;
	}
	kfree(xa_erase(&fake.tables, pfn));
	return 0;
}

static int update_va_mapping(unsigned long va, u64 val)
{
	unsigned long pfn = PFN_DOWN(__pa(va));
	struct fake_unpopulated *u = fake_unpopulated_find(pfn);

	if (!fake_is_pv())
		return -ENOSYS;
	if (u) {
		if (val & PTE_PRESENT)
			return -EINVAL;
		if (u->map.frame)
			fake_unpopulated_unmap(u);
		return 0;
	}
	if (!(val & PTE_PRESENT) || PFN_DOWN(val & PTE_ADDR_MASK) != pfn) {
		fake_error("the kernel's mapping of page %lx becomes %llx", pfn, val);
		return -EINVAL;
	}
	return val & PTE_RW ? set_writable(pfn) : set_read_only(pfn);
}

int HYPERVISOR_update_va_mapping(unsigned long va, pte_t new_val, unsigned long flags)
{
	bool protects = (new_val.pte & (PTE_PRESENT | PTE_RW)) == PTE_PRESENT;
	struct fake_call_state state;
	long rc = fake_enter(&state, protects ? FAKE_CALL_PROTECT : FAKE_CALL_UNPROTECT);

	return fake_leave(&state, rc ?: update_va_mapping(va, new_val.pte));
}

static int pin(unsigned long pfn)
{
	struct fake_table *table = xa_load(&fake.tables, pfn);

	/* A page with a writable mapping has another type. */
	if (!table || table->pinned)
		return -EINVAL;
	if (memchr_inv(table_words(table), 0, PAGE_SIZE)) {
		fake_error("page %lx is to be pinned and not empty", pfn);
		return -EINVAL;
	}
	memset(table->raw, 0, sizeof(table->raw));
	table->pinned = true;
	return 0;
}

static void clear_slot(struct fake_table *table, unsigned int slot)
{
	table->raw[slot] = 0;
	table_words(table)[slot] = 0;
	if (table->slots[slot].frame)
		fake_map_put(&table->slots[slot], table->slots[slot].frame->mfn);
}

/* The entries keep their values, without references. */
static int unpin(unsigned long pfn)
{
	struct fake_table *table = xa_load(&fake.tables, pfn);
	unsigned int slot;

	if (!table || !table->pinned)
		return -EINVAL;
	for (slot = 0; slot < FAKE_TABLE_SLOTS; slot++) {
		if (table->slots[slot].frame)
			fake_map_put(&table->slots[slot], table->slots[slot].frame->mfn);
	}
	table->pinned = false;
	return 0;
}

static int mmuext(const struct mmuext_op *op)
{
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE:
		return pin(op->arg1.mfn);
	case MMUEXT_UNPIN_TABLE:
		return unpin(op->arg1.mfn);
	default:
		return -ENOSYS;
	}
}

int HYPERVISOR_mmuext_op(struct mmuext_op *op, int count, int *done, domid_t domid)
{
	bool unpins = count && op->cmd == MMUEXT_UNPIN_TABLE;
	struct fake_call_state state;
	long rc = fake_enter(&state, unpins ? FAKE_CALL_UNPIN : FAKE_CALL_PIN);
	int i;

	if (!rc && (!fake_is_pv() || domid != DOMID_SELF))
		rc = -ENOSYS;
	for (i = 0; !rc && i < count; i++)
		rc = mmuext(&op[i]);
	if (done)
		*done = rc && i ? i - 1 : i;
	return fake_leave(&state, rc);
}

/* adjust_guest_l1e(): Xen adds bits, low and high ones. */
static u64 adjusted(u64 val)
{
	if (!(val & PTE_USER))
		return val | PTE_GUEST_KERNEL | PTE_USER;
	return val | PTE_GLOBAL;
}

/* By MFN: get_page_from_l1e(), which takes a number without memory for a device's. */
static int frame_of_mfn(unsigned long mfn, struct fake_domain *owner, struct fake_frame **frame)
{
	*frame = fake_frame_find(mfn);
	if (!*frame)
		return -EPERM;
	return (*frame)->owner == owner->domid ? 0 : -EBUSY;
}

/*
 * Finds the frame for an entry. By GFN: mod_l1_entry(), which finds a foreign frame at the GFN but
 * must not map it. Read-only memory can be mapped writable.
 */
static int frame_of_entry(u64 val, unsigned int cmd, struct fake_domain *owner,
			  struct fake_frame **frame)
{
	u64 number = PFN_DOWN(val & PTE_ADDR_MASK);

	if (!owner || (val & PTE_DISALLOWED))
		return -EINVAL;
	if (cmd == MMU_PT_UPDATE_NO_TRANSLATE)
		return frame_of_mfn(number, owner, frame);
	*frame = fake_frame_of_gfn(owner, number);
	if (*frame)
		return 0;
	return fake_type_of_gfn(owner, number) == FAKE_FOREIGN ? -EBUSY : -EINVAL;
}

static int write_slot(struct fake_table *table, unsigned int slot, u64 val, unsigned int cmd,
		      struct fake_domain *owner)
{
	struct fake_map old = table->slots[slot];
	u64 number = PFN_DOWN(val & PTE_ADDR_MASK);
	struct fake_frame *frame;
	int rc;

	if (!(val & PTE_PRESENT)) {
		clear_slot(table, slot);
		return 0;
	}
	rc = frame_of_entry(val, cmd, owner, &frame);
	if (rc)
		return rc;
	val = adjusted((val & ~PTE_ADDR_MASK) | (u64)frame->mfn << PAGE_SHIFT);
	fake_map_get(&table->slots[slot], frame, owner->domid, number, frame->mfn);
	table->raw[slot] = val;
	table_words(table)[slot] = val;
	if (old.frame)
		fake_map_put(&old, old.frame->mfn);
	return 0;
}

/*
 * Writes the kernel's own entry of an unpopulated page. lookup_address() of the shim returns the
 * page as its entry.
 */
static int write_kernel_entry(struct fake_unpopulated *u, u64 val, unsigned int cmd,
			      struct fake_domain *owner)
{
	struct fake_frame *frame;
	int rc;

	if (!(val & PTE_PRESENT)) {
		if (u->map.frame)
			fake_unpopulated_unmap(u);
		return 0;
	}
	rc = frame_of_entry(val, cmd, owner, &frame);
	if (rc)
		return rc;
	/* A refused entry leaves the old one. */
	if (u->map.frame)
		fake_unpopulated_unmap(u);
	return fake_unpopulated_map(u, frame, owner->domid, PFN_DOWN(val & PTE_ADDR_MASK));
}

static int mmu_update_one(const struct mmu_update *req, struct fake_domain *owner)
{
	unsigned long pfn = PFN_DOWN(req->ptr);
	struct fake_table *table = xa_load(&fake.tables, pfn);
	struct fake_unpopulated *u = fake_unpopulated_find(pfn);
	unsigned int slot = offset_in_page(req->ptr) / sizeof(u64);
	unsigned int cmd = req->ptr & 3;

	if (cmd != MMU_NORMAL_PT_UPDATE && cmd != MMU_PT_UPDATE_NO_TRANSLATE)
		return -ENOSYS;
	if (u)
		return write_kernel_entry(u, req->val, cmd, owner);
	if (!pfn_valid(pfn))
		return -EINVAL;
	if (table && table->pinned)
		return write_slot(table, slot, req->val, cmd, owner);
	((u64 *)__va(pfn << PAGE_SHIFT))[slot] = req->val;
	return 0;
}

static int mmu_update(const struct mmu_update *req, int count, int *done, domid_t domid)
{
	struct fake_domain *owner = NULL;
	int i, rc = 0;

	*done = 0;
	if (!fake_is_pv())
		return -ENOSYS;
	if (domid != DOMID_SELF) {
		owner = fake_domain_find(domid);
		if (!owner)
			return -ESRCH;
		if (!fake_may_control(owner))
			return -EPERM;
	}
	for (i = 0; i < count; i++) {
		if (req[i].val & PTE_PRESENT)
			rc = fake_entry_failure(i, domid, PFN_DOWN(req[i].val & PTE_ADDR_MASK));
		rc = rc ?: mmu_update_one(&req[i], owner);
		if (rc)
			break;
		++*done;
	}
	return rc;
}

int HYPERVISOR_mmu_update(struct mmu_update *req, int count, int *done, domid_t domid)
{
	struct fake_call_state state;
	long rc = fake_enter(&state, FAKE_CALL_MMU_UPDATE);
	int unused;

	done = done ?: &unused;
	if (rc)
		*done = 0;
	return fake_leave(&state, rc ?: mmu_update(req, count, done, domid));
}
