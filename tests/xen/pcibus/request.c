// SPDX-License-Identifier: GPL-2.0
/*
 * One request of a vCPU's, item by item: reads and writes of ports, of configuration spaces and of
 * BAR 0, whose data is in the request or in the guest's memory.
 *
 * Nothing in a request is trusted, neither its type, sizes and counts nor its addresses. A request
 * that makes no sense does nothing, and reads as ones; it is answered like any other.
 */
#include <stddef.h>

#include "pcibus.h"

/* Xen makes several requests of a longer one. */
#define MAX_ITEMS	4096

static uint64_t bar0;

void request_init(uint64_t address)
{
	bar0 = address;
}

static uint64_t read_item(const struct xen_ioreq *req, uint64_t addr)
{
	switch (req->type) {
	case IOREQ_TYPE_COPY:
		return bar0_read(addr - bar0, req->size);
	case IOREQ_TYPE_PIO:
		return port_read(addr, req->size);
	default:
		return config_read(addr >> 32, addr & UINT32_MAX, req->size);
	}
}

static void write_item(const struct xen_ioreq *req, uint64_t addr, uint64_t value)
{
	switch (req->type) {
	case IOREQ_TYPE_COPY:
		bar0_write(addr - bar0, req->size, value);
		break;
	case IOREQ_TYPE_PIO:
		port_write(addr, req->size, value);
		break;
	default:
		config_write(addr >> 32, addr & UINT32_MAX, req->size, value);
		break;
	}
}

/* One item; @data is where its data is, in the guest's memory, unless the request has it. */
static void do_item(struct xen_ioreq *req, uint64_t addr, uint64_t data)
{
	uint64_t value = req->data;

	if (req->dir == IOREQ_WRITE) {
		if (!req->data_is_ptr || guest_copy(data, &value, req->size, false))
			write_item(req, addr, value);
		return;
	}
	value = read_item(req, addr);
	if (req->data_is_ptr)
		guest_copy(data, &value, req->size, true);
	else
		req->data = value;
}

static bool makes_sense(const struct xen_ioreq *req)
{
	if (req->type != IOREQ_TYPE_COPY && req->type != IOREQ_TYPE_PIO &&
	    req->type != IOREQ_TYPE_PCI_CONFIG)
		return false;
	return req->size == 1 || req->size == 2 || req->size == 4 || req->size == 8;
}

void request_do(struct xen_ioreq *req)
{
	uint64_t step = req->df ? -(uint64_t)req->size : req->size;
	/* Strings go to one port, or to one register of a configuration space. */
	uint64_t move = req->type == IOREQ_TYPE_COPY ? step : 0;
	uint64_t addr = req->addr, data = req->data;
	unsigned int i;

	if (!makes_sense(req)) {
		if (!req->data_is_ptr)
			req->data = -1ULL;
		return;
	}
	for (i = 0; i < req->count && i < MAX_ITEMS; i++, addr += move, data += step)
		do_item(req, addr, data);
}
