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

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct command {
	const char *name;
	int args;		/* how many it needs at least */
	bool (*run)(char **args, int n);
};

extern const struct command page_commands[], bar0_commands[], gtt_commands[], ppgtt_commands[],
	storm_commands[], workload_commands[];

/* Both set the answer's text; answer returns true and refuse false, for commands to return. */
bool answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t number(const char *text);
uint64_t next_random(uint64_t *state);
void write_file(const char *path, const char *value);

/* pages.c */
enum stamp { GOOD = 0x600d, POISON = 0xdead };

uint64_t *page_at(unsigned int page);
uint64_t page_gfn(unsigned int page);
int page_of(uint64_t gfn);
unsigned int page_count(void);
bool usable_pages(unsigned long first, unsigned long count);
bool balloon_out(unsigned int first, unsigned int count);
bool balloon_in(unsigned int first, unsigned int count);
void fill_page(unsigned int page, uint64_t seed, unsigned int as);
void stamp_page(unsigned int page, enum stamp stamp, uint64_t n);

/* bar0.c */
#define MAX_PDPS 4

/* A PPGTT's root: 4 levels have one page, 3 have four. */
struct root {
	unsigned int levels;
	unsigned int pages;
	unsigned int page[MAX_PDPS];
};

bool parse_root(char **args, struct root *root);
bool bar0_map(uint64_t address);
void *bar0_at(unsigned int offset);
bool have_bar0(void);
void gpu_flush(void);
void tell_ppgtt(const struct root *root, bool create);

/* gtt.c */
void gtt_store(unsigned int entry, uint64_t value);
bool gtt_put_entries(unsigned int entry, const uint64_t *values, unsigned int count);

/* storm.c */
#define NO_PAGE (~0U)

/* What one thread of a storm does to which entries; write() makes one of them name a page. */
struct storm {
	void (*write)(struct storm *storm, unsigned int entry, unsigned int page);
	unsigned int entry, count;	/* these entries ... */
	unsigned int page, pages;	/* ... name these pages */
	uint64_t *table;		/* where the entries are, if not in the GTT */
	unsigned int sync_every;	/* writes */
	uint64_t id, writes;
};

bool storm_replace(const struct storm *like, unsigned int threads);
bool storm_order(const struct storm *like);

#endif
