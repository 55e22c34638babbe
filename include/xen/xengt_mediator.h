/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The in-kernel API for the mediator of a virtual GPU: a module that runs on a GPU what the guest
 * submits, and emulates the registers that xengt does not serve.
 *
 * A mediator attaches itself to a virtual GPU that is off. From then on the virtual GPU calls the
 * mediator's operations for what the guest does. xengt.h has the calls about page tables.
 *
 * Locking: operations run in process context and may sleep. The guest's vCPU waits until they
 * return; those of several vCPUs run at once. No lock is held that the functions of xengt.h and of
 * this header take, so that operations may call all of them. Where an operation has to return
 * before a call can succeed, the call fails and does not wait: xengt_mediator_detach().
 *
 * See Documentation/mediator-registers.rst.
 */

#ifndef _XEN_XENGT_MEDIATOR_H
#define _XEN_XENGT_MEDIATOR_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/types.h>

struct module;
struct xengt_ppgtt_root;
struct xengt_vgpu;

/* As an address of BAR 0: it decodes nothing */
#define XENGT_BAR0_NONE			U64_MAX

/* Capabilities that the PVINFO page offers to the guest; the bits are those of its vgt_caps */
#define XENGT_CAP_FULL_PPGTT		BIT(2)	/* the guest announces PPGTTs */
#define XENGT_CAP_HWSP_EMULATION	BIT(3)	/* the hardware status page is emulated */
#define XENGT_CAP_HUGE_GTT		BIT(4)	/* PPGTTs can have pages of 64 KiB and 2 MiB */
#define XENGT_CAPS_ALL			(XENGT_CAP_FULL_PPGTT | XENGT_CAP_HWSP_EMULATION | \
					 XENGT_CAP_HUGE_GTT)

/**
 * struct xengt_mediator_ops - operations of a mediator
 * @owner: the module, which stays loaded while it is attached
 * @start: the virtual GPU is enabled. Called before any other operation, when page tables can be
 *	used already, but before the guest's accesses trap. Returns 0; or an error, with which
 *	enabling the virtual GPU fails, and no other operation is called. May be NULL.
 * @stop: the virtual GPU stops: the user disables or removes it, its guest has ended, its GPU goes
 *	away, or it could not be enabled after @start had succeeded. Called exactly once for each
 *	@start that returned 0, as the last operation: none of the others runs any more. The
 *	mediator stops using the page tables and unpins PPGTTs. Calls still work until it returns,
 *	unless the guest has ended: then all entries lead to scratch already. May be NULL.
 * @ppgtt: the guest has announced a PPGTT (@create), or taken back an announcement, through PVINFO.
 *	@result is what xengt_ppgtt_create() or xengt_ppgtt_destroy() returns for that; the guest is
 *	not told. The root is as the guest wrote it, and not checked. May be NULL.
 * @context: the guest has created a context (@create), or is about to free it, and notified that
 *	through PVINFO; the shadow is up to date. @descriptor is what the guest wrote, and not
 *	checked. May be NULL.
 * @driver: a driver of the guest's starts to load, or has @loaded. When it has, the PPGTTs that its
 *	predecessor had announced have ended. May be NULL.
 * @display_ready: the guest has written @value to display_ready in PVINFO. May be NULL.
 * @flush: the guest has written GFX_FLSH_CNTL; the shadow is up to date. May be NULL.
 * @read: the guest reads @len bytes at @offset, in bytes, into BAR 0. The operation fills @data.
 * @write: the guest writes @len bytes at @offset, in bytes, into BAR 0
 * @config_read: the guest reads @len bytes (1, 2 or 4) of the configuration space of function 0 of
 *	device 2 on bus 0, at @offset, in bytes, which @len divides. Returns them. May be NULL: the
 *	configuration space is somebody else's then.
 * @config_write: the guest writes @len bytes there; NULL if and only if @config_read is
 *
 * @len is 1 to 8 in @read and @write. A string instruction makes a call for each of its items, in
 * ascending order of addresses. An access has any alignment; see the page about registers for who
 * gets which offsets.
 *
 * An operation must not wait for another one of the same virtual GPU, since that may be one that
 * is not called before the first returns.
 */
struct xengt_mediator_ops {
	struct module *owner;
	int (*start)(void *data);
	void (*stop)(void *data);
	void (*ppgtt)(void *data, bool create, const struct xengt_ppgtt_root *root, int result);
	void (*context)(void *data, bool create, u64 descriptor);
	void (*driver)(void *data, bool loaded);
	void (*display_ready)(void *data, u32 value);
	void (*flush)(void *data);
	void (*read)(void *data, u32 offset, void *value, unsigned int len);
	void (*write)(void *data, u32 offset, const void *value, unsigned int len);
	u32 (*config_read)(void *data, u32 offset, unsigned int len);
	void (*config_write)(void *data, u32 offset, u32 value, unsigned int len);
};

int xengt_mediator_attach(struct xengt_vgpu *vgpu, const struct xengt_mediator_ops *ops, u32 caps,
			  void *data);
int xengt_mediator_detach(struct xengt_vgpu *vgpu);
int xengt_vgpu_move_bar0(struct xengt_vgpu *vgpu, u64 gpa);
u64 xengt_vgpu_bar0(struct xengt_vgpu *vgpu);
int xengt_vgpu_inject_msi(struct xengt_vgpu *vgpu, u64 address, u32 data);

#endif /* _XEN_XENGT_MEDIATOR_H */
