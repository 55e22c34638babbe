// SPDX-License-Identifier: GPL-2.0
/*
 * A cache of mappings in red-black trees; see rb_cache.h.
 */

#include <linux/kref.h>
#include <linux/slab.h>

#include "rb_cache.h"

struct rb_mapping {
	struct rb_cache *cache;
	struct rb_node gfn_node;
	struct rb_node dma_node;
	u64 gfn;
	u64 dma;
	unsigned long size;
	struct kref ref;
};

void rb_cache_init(struct rb_cache *cache)
{
	mutex_init(&cache->lock);
	cache->by_gfn = RB_ROOT;
	cache->by_dma = RB_ROOT;
	cache->n = 0;
}

static struct rb_mapping *find_gfn(struct rb_cache *cache, u64 gfn)
{
	struct rb_node *node = cache->by_gfn.rb_node;

	while (node) {
		struct rb_mapping *m = rb_entry(node, struct rb_mapping, gfn_node);

		if (gfn == m->gfn)
			return m;
		node = gfn < m->gfn ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static struct rb_mapping *find_dma(struct rb_cache *cache, u64 dma)
{
	struct rb_node *node = cache->by_dma.rb_node;

	while (node) {
		struct rb_mapping *m = rb_entry(node, struct rb_mapping, dma_node);

		if (dma == m->dma)
			return m;
		node = dma < m->dma ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static bool gfn_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct rb_mapping, gfn_node)->gfn <
	       rb_entry(b, struct rb_mapping, gfn_node)->gfn;
}

static bool dma_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct rb_mapping, dma_node)->dma <
	       rb_entry(b, struct rb_mapping, dma_node)->dma;
}

static int add(struct rb_cache *cache, u64 gfn, u64 dma)
{
	struct rb_mapping *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->cache = cache;
	m->gfn = gfn;
	m->dma = dma;
	m->size = PAGE_SIZE;
	kref_init(&m->ref);
	rb_add(&m->gfn_node, &cache->by_gfn, gfn_less);
	rb_add(&m->dma_node, &cache->by_dma, dma_less);
	cache->n++;
	return 0;
}

/* Stores the DMA address of a GFN and takes a reference. Returns 0 or -ENOMEM. */
int rb_cache_map(struct rb_cache *cache, u64 gfn, u64 *dma)
{
	struct rb_mapping *m;
	int rc = 0;

	mutex_lock(&cache->lock);
	m = find_gfn(cache, gfn);
	if (m) {
		kref_get(&m->ref);
		*dma = m->dma;
	} else {
		*dma = rb_cache_dma(gfn);
		rc = add(cache, gfn, *dma);
	}
	mutex_unlock(&cache->lock);
	return rc;
}

static void free_mapping(struct kref *ref)
{
	struct rb_mapping *m = container_of(ref, struct rb_mapping, ref);

	rb_erase(&m->gfn_node, &m->cache->by_gfn);
	rb_erase(&m->dma_node, &m->cache->by_dma);
	m->cache->n--;
	kfree(m);
}

/* Returns false if no mapping has this DMA address. */
bool rb_cache_unmap(struct rb_cache *cache, u64 dma)
{
	struct rb_mapping *m;

	mutex_lock(&cache->lock);
	m = find_dma(cache, dma);
	if (m)
		kref_put(&m->ref, free_mapping);
	mutex_unlock(&cache->lock);
	return m;
}

/* Returns the memory of a mapping, in bytes: the size class that it is allocated from. */
size_t rb_cache_mapping_size(void)
{
	return kmalloc_size_roundup(sizeof(struct rb_mapping));
}
