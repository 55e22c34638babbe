/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The judge: counts what happens to the GPU, and what should not have happened (control.h).
 *
 * Shares of the GGTT are declared to it, and pages that have been released, by a program in the
 * machine. It changes nothing of what the GPU does.
 *
 * Invariant: declared shares do not overlap.
 */

#ifndef GPU_JUDGE_H
#define GPU_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"

#define NO_ENGINE GPU_NR_ENGINES

/**
 * struct share - a range of GGTT entries that belongs to one owner
 * @first: the first entry
 * @nr: how many there are; 0: the share is not declared
 * @owner: whoever the declaration says
 * @frozen: a write is a violation
 * @writes: of whole or partial entries
 * @violations: at graphics addresses in it
 */
struct share {
	uint32_t first;
	uint32_t nr;
	uint32_t owner;
	bool frozen;
	uint64_t writes;
	uint64_t violations;
};

/**
 * struct violation - something that should not have happened
 * @kind: GPU_STALE_GGTT and so on
 * @engine: who did it, or NO_ENGINE
 * @space: of the address
 * @address: graphics address
 * @used: the entry in the TLB
 * @table: the entry in the table
 */
struct violation {
	unsigned int kind;
	unsigned int engine;
	unsigned int space;
	uint64_t address;
	uint64_t used;
	uint64_t table;
};

void judge_count(unsigned int counter);
void judge_count_engine(unsigned int engine, unsigned int counter);
uint64_t judge_counter(unsigned int counter);
uint64_t judge_engine_counter(unsigned int engine, unsigned int counter);
void judge_set_counter(unsigned int counter, uint64_t value);

void judge_violation(const struct violation *v);
uint64_t judge_violations(unsigned int kind);
uint64_t judge_all_violations(void);
const struct violation *judge_record(unsigned int index);

/* nr 0 ends the share. False: there is no such number, or entries; or another share has them */
bool judge_declare(unsigned int id, unsigned int owner, uint32_t first, uint32_t nr,
		   uint32_t nr_entries);
bool judge_freeze(unsigned int id, bool frozen);
const struct share *judge_share(unsigned int id);
/* The share that an entry is in, or NULL */
struct share *judge_share_of(uint32_t index);
void judge_gsm_write(uint32_t index, uint64_t used, uint64_t value, unsigned int size);

/* Pages that are somebody else's. False: too many ranges, or not whole pages */
bool judge_release(uint64_t bus, uint64_t len);
bool judge_take(uint64_t bus, uint64_t len);
/* At least a part of these bytes */
bool judge_is_released(uint64_t bus, uint64_t len);

/* Counters and violations to 0; shares and released pages stay. */
void judge_clear(void);
void judge_summary(void);

#endif /* GPU_JUDGE_H */
