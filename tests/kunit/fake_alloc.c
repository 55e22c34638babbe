// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail when a test says so, and those of the fake itself, which never do.
 *
 * The kernel's fault injection counts the allocations of a task (fail_nth). It sees all of them,
 * also those in the middle of a function of the kernel's. What the kernel does if one of these
 * fails is not what the suites are for, and newer kernels warn then. Such a function fails as a
 * whole: see fake_alloc_fails().
 *
 * Locking: the fake's lock protects what is ordered for all threads. See fake_internal.h.
 */

#include <linux/debugfs.h>
#include <linux/slab.h>

#include "fake_internal.h"

void *fake_zalloc(size_t size)
{
	unsigned int nth = fake_alloc_enter();
	void *p = kzalloc(size, GFP_ATOMIC | __GFP_NOWARN);

	fake_alloc_leave(nth);
	if (!p)
		panic("fake xen: out of memory\n");
	return p;
}

/* Writes a setting of the kernel's fault injection in debugfs. */
static void set_fault(const char *dir, const char *name, bool is_bool, unsigned long value)
{
	struct dentry *parent = debugfs_lookup(dir, NULL);
	struct dentry *file;

	if (!parent)
		return;
	file = debugfs_lookup(name, parent);
	if (file && is_bool)
		*(bool *)d_inode(file)->i_private = value;
	else if (file)
		*(u32 *)d_inode(file)->i_private = value;
	dput(file);
	dput(parent);
}

static void prepare_faults(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	/* Fails allocations that may sleep and single pages, too, without a stack dump for each. */
	set_fault("failslab", "ignore-gfp-wait", true, false);
	set_fault("failslab", "verbose", false, 0);
	set_fault("fail_page_alloc", "ignore-gfp-wait", true, false);
	set_fault("fail_page_alloc", "ignore-gfp-highmem", true, false);
	set_fault("fail_page_alloc", "min-order", false, 0);
	set_fault("fail_page_alloc", "verbose", false, 0);
}

/**
 * fake_fail_alloc - make an allocation of the running thread fail
 * @nth: 1: the next one
 */
void fake_fail_alloc(unsigned int nth)
{
	prepare_faults();
	current->fail_nth = nth;
}

/* Ends fake_fail_alloc(). Returns true if no allocation failed. */
bool fake_fail_alloc_stop(void)
{
	bool pending = current->fail_nth;

	current->fail_nth = 0;
	return pending;
}

/*
 * Makes kvmalloc_array() fail in all threads. The kernel's fault injection is not enough: it fails
 * one allocation, and kvmalloc() then tries vmalloc().
 */
void fake_fail_kvmalloc(size_t from)
{
	unsigned long flags;

	spin_lock_irqsave(&fake.lock, flags);
	fake.fail_kvmalloc = from;
	fake.kvmalloc_failures = 0;
	spin_unlock_irqrestore(&fake.lock, flags);
}

/* Counts its failures. */
unsigned int fake_kvmalloc_failures(void)
{
	return fake.kvmalloc_failures;
}

/* um-shim/linux/slab.h asks. */
bool fake_kvmalloc_fails(size_t size)
{
	unsigned long flags;
	bool fails;

	spin_lock_irqsave(&fake.lock, flags);
	fails = fake.fail_kvmalloc && size >= fake.fail_kvmalloc;
	fake.kvmalloc_failures += fails;
	spin_unlock_irqrestore(&fake.lock, flags);
	return fails;
}

/*
 * Stands for all allocations that a function of the kernel's makes. Returns true if it failed: the
 * function then has to fail, and else it has to be called without failures.
 */
bool fake_alloc_fails(void)
{
	void *p = kmalloc(1, GFP_KERNEL);

	kfree(p);
	return !p;
}

/*
 * kmem_cache_create(), which Linux 7.3 does without the cache's directory in sysfs if there is no
 * memory for its name. It warns about that directory when the cache is destroyed.
 */
struct kmem_cache *fake_cache_create(const char *name, unsigned int size, unsigned int align,
				     slab_flags_t flags)
{
	struct kmem_cache *cache;
	unsigned int nth;

	if (fake_alloc_fails())
		return NULL;
	nth = fake_alloc_enter();
	cache = kmem_cache_create(name, size, align, flags, NULL);
	fake_alloc_leave(nth);
	return cache;
}
