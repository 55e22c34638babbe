/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The agent that runs as a guest's only program: dom0 sends commands over the console, one a line,
 * and gets one answer each.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096
#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

#define GTT_PRESENT 1ULL

struct command {
	const char *name;
	int args;		/* how many it needs at least */
	bool (*run)(char **args, int n);
};

extern const struct command page_commands[], gtt_commands[];

/* Both set the answer's text; answer returns true and refuse false, for commands to return. */
bool answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t number(const char *text);
uint64_t next_random(uint64_t *state);

/* pages.c */
uint64_t *page_at(unsigned int page);
uint64_t page_gfn(unsigned int page);
unsigned int page_count(void);
void fill_page(unsigned int page, uint64_t seed, unsigned int as);

/* gtt.c */
void gtt_store(unsigned int entry, uint64_t value);

#endif
