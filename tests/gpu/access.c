// SPDX-License-Identifier: GPL-2.0
/* Accesses to graphics memory; see access.h. */
#include <string.h>

#include "access.h"
#include "dma.h"
#include "engine.h"
#include "fault.h"
#include "judge.h"

static int translate(struct engine *e, struct place at, bool write, struct target *target)
{
	if (at.space == GPU_GGTT)
		return ggtt_translate(e ? e->id : NO_ENGINE, at.addr, target);
	if (at.space == GPU_PPGTT && e)
		return ppgtt_translate(&e->tlb, &e->root, at.addr, write, target);
	if (at.space != GPU_BUS)
		return GPU_BAD;
	*target = (struct target){ .bus = at.addr, .physical = NOWHERE };
	return GPU_DONE;
}

int access_at(struct engine *e, struct place at, bool write, void **host)
{
	unsigned int id = e ? e->id : NO_ENGINE;
	struct target target;
	int status = translate(e, at, write, &target);

	if (!status && at.space == GPU_BUS)
		status = dma_at(target.bus, write, host);
	else if (!status)
		status = dma_target(id, at.space, at.addr, write, &target, host);
	if (status && e && at.space != GPU_BUS)
		fault_report(id, at.space, at.addr, status);
	return status;
}

int access_read32(struct engine *e, struct place at, uint32_t *value)
{
	void *p;
	int status;

	at.addr &= ~3ULL;
	*value = 0;
	status = access_at(e, at, false, &p);
	if (!status)
		*value = __atomic_load_n((uint32_t *)p, __ATOMIC_ACQUIRE);
	return status;
}

int access_write32(struct engine *e, struct place at, uint32_t value)
{
	void *p;
	int status;

	at.addr &= ~3ULL;
	status = access_at(e, at, true, &p);
	if (!status)
		__atomic_store_n((uint32_t *)p, value, __ATOMIC_RELEASE);
	return status;
}

int access_write64(struct engine *e, struct place at, uint64_t value)
{
	void *p;
	int status;

	at.addr &= ~7ULL;
	status = access_at(e, at, true, &p);
	if (!status)
		__atomic_store_n((uint64_t *)p, value, __ATOMIC_RELEASE);
	return status;
}

static uint64_t to_page_end(uint64_t addr)
{
	return PAGE_BYTES - (addr & PAGE_OFFSET);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int access_copy(struct engine *e, struct place *from, struct place *to, uint64_t len)
{
	void *src, *dst;
	uint64_t n;
	int status;

	while (len) {
		n = least(len, least(to_page_end(from->addr), to_page_end(to->addr)));
		status = access_at(e, *from, false, &src);
		if (!status)
			status = access_at(e, *to, true, &dst);
		if (status)
			return status;
		memmove(dst, src, n);
		from->addr += n;
		to->addr += n;
		len -= n;
	}
	return GPU_DONE;
}

int access_fill(struct engine *e, struct place *to, uint64_t len, uint8_t byte)
{
	uint64_t n;
	void *dst;
	int status;

	while (len) {
		n = least(len, to_page_end(to->addr));
		status = access_at(e, *to, true, &dst);
		if (status)
			return status;
		memset(dst, byte, n);
		to->addr += n;
		len -= n;
	}
	return GPU_DONE;
}
