/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Engines with execlists: contexts that a driver submits are run at once, to the end or to a
 * semaphore that they wait for.
 *
 * Invariants: an engine has loaded one context's PPGTT, and its TLB has entries of that one only.
 * An engine that hangs does nothing until it is reset.
 */

#ifndef GPU_ENGINE_H
#define GPU_ENGINE_H

#include <stdint.h>

#include "context.h"
#include "control.h"
#include "tlb.h"

#define ELSP_WRITES	4
#define CSB_ENTRIES	6

enum engine_state { ENGINE_IDLE, ENGINE_WAITING, ENGINE_HUNG };

/**
 * struct engine - an engine
 * @id: GPU_RCS and so on
 * @base: of its registers
 * @state: what became of the last submission
 * @elsp: what was written to the submit port of the submission that comes
 * @nr_elsp: how many of its parts
 * @csb: entry of the context status buffer that was written last
 * @context: the one that runs, if the engine waits
 * @next: descriptor of the one that is submitted behind it, or 0
 * @interrupts: to raise when a run is over
 * @root: of the PPGTT that is loaded
 * @tlb: what the engine remembers of it
 */
struct engine {
	unsigned int id;
	uint32_t base;
	enum engine_state state;
	uint32_t elsp[ELSP_WRITES];
	unsigned int nr_elsp;
	unsigned int csb;
	struct context context;
	uint64_t next;
	uint32_t interrupts;
	struct ppgtt_root root;
	struct tlb tlb;
};

void engines_init(void);
struct engine *engine_get(unsigned int id);
/* Loads a context's PPGTT: what was known of the last one is forgotten. */
void engine_load(struct engine *e, const struct ppgtt_root *root);
void engine_reset(struct engine *e);
void engine_write_elsp(struct engine *e, uint32_t value);
void engine_set_csb(struct engine *e, uint32_t value);
/* Engines that wait look again. Returns true if some still wait. */
bool engines_poll(void);

#endif /* GPU_ENGINE_H */
