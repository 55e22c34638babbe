/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A mediator that counts what it is told, remembers each access to a register, and does what a case
 * wants in an operation. It fails the case if an operation runs at a moment at which none may.
 */

#ifndef _XENGT_TEST_MEDIATOR_FIXTURE_H
#define _XENGT_TEST_MEDIATOR_FIXTURE_H

#include <linux/spinlock.h>
#include <xen/xengt.h>
#include <xen/xengt_mediator.h>

#include "vgpu_fixture.h"

#define MEDIATED_ACCESSES	64
#define MEDIATED_REGISTERS	0x800000	/* bytes, of gen8 */

/* The operations of a mediator */
enum mediated {
	MEDIATED_START,
	MEDIATED_STOP,
	MEDIATED_PPGTT,
	MEDIATED_CONTEXT,
	MEDIATED_DRIVER,
	MEDIATED_DISPLAY_READY,
	MEDIATED_FLUSH,
	MEDIATED_READ,
	MEDIATED_WRITE,
	MEDIATED_OPS
};

struct mediated_access {
	enum mediated op;
	u32 offset;
	unsigned int len;
	u64 value;
};

/**
 * struct mediator - a mediator of the tests
 * @test: the test
 * @vgpu: the virtual GPU that it is attached to
 * @ops: its operations
 * @start_error: what start returns
 * @during: called in an operation that is not start, at its end; or NULL
 * @arg: for @during
 * @running: between start and stop
 * @under_way: operations under way
 * @calls: how often each operation was called
 * @created: arguments of the last ppgtt, context or driver operation
 * @root: of the last ppgtt operation
 * @result: of the last ppgtt operation
 * @value: of the last context or display_ready operation
 * @accesses: the first reads and writes of registers
 * @nr_accesses: how many there were
 */
struct mediator {
	struct kunit *test;
	struct xengt_vgpu *vgpu;
	struct xengt_mediator_ops ops;
	int start_error;
	void (*during)(struct mediator *m, enum mediated op);
	void *arg;
	bool running;
	atomic_t under_way;
	unsigned int calls[MEDIATED_OPS];
	bool created;
	struct xengt_ppgtt_root root;
	int result;
	u64 value;
	struct mediated_access accesses[MEDIATED_ACCESSES];
	unsigned int nr_accesses;
};

struct mediator *mediator_new(struct kunit *test, struct xengt_vgpu *vgpu, u32 caps);
struct mediator *mediator_start(struct kunit *test, unsigned int vcpus);
void mediator_end(struct mediator *m);
u8 mediator_byte(u32 offset);
u64 mediator_bytes(u32 offset, unsigned int len);
void mediator_expect(struct mediator *m, const struct mediated_access *accesses, unsigned int n);

#endif /* _XENGT_TEST_MEDIATOR_FIXTURE_H */
