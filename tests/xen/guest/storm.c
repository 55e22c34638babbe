// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: threads, one for each vCPU or more, that change entries until they are told to stop.
 * There is one at a time.
 */
#include <pthread.h>
#include "agent.h"

#define MAX_THREADS 8

static struct storm storms[MAX_THREADS];
static pthread_t threads[MAX_THREADS];
static unsigned int running;
static volatile bool stop;

/* Random entries, random pages of the given ones, now and then an empty entry. */
static void *replace(void *arg)
{
	struct storm *s = arg;
	uint64_t state = s->id, r;

	while (!stop) {
		r = next_random(&state);
		s->write(s, s->entry + (r >> 8) % s->count,
			 r % 8 ? s->page + (r >> 32) % s->pages : NO_PAGE);
		s->writes++;
	}
	return NULL;
}

/*
 * One entry goes round among some pages. The one it left is poisoned as soon as the write returns,
 * and stays so until its next turn.
 */
static void *order(void *arg)
{
	struct storm *s = arg;
	uint64_t n;

	for (n = 0; !stop; n++) {
		stamp_page(s->page + n % s->pages, GOOD, n);
		s->write(s, s->entry, s->page + n % s->pages);
		stamp_page(s->page + (n + s->pages - 1) % s->pages, POISON, n);
		s->writes++;
	}
	return NULL;
}

static bool start(void *(*run)(void *), const struct storm *like, unsigned int wanted)
{
	unsigned int i;

	if (running)
		return refuse("a storm runs already");
	if (!usable_pages(like->page, like->pages))
		return false;
	if (!like->count || !like->pages)
		return refuse("no entries or no pages");
	stop = false;
	for (i = 0; i < wanted && i < MAX_THREADS; i++) {
		storms[i] = *like;
		storms[i].id = i + 1;
		if (pthread_create(&threads[i], NULL, run, &storms[i]))
			break;
		running++;
	}
	return running > 0;
}

bool storm_replace(const struct storm *like, unsigned int wanted)
{
	return start(replace, like, wanted);
}

bool storm_order(const struct storm *like)
{
	return start(order, like, 1);
}

/* writes: how many the storm has done so far */
static bool cmd_writes(char **args, int n)
{
	uint64_t writes = 0;
	unsigned int i;

	(void)args;
	(void)n;
	for (i = 0; i < running; i++)
		writes += *(volatile uint64_t *)&storms[i].writes;
	return answer("%llu", (unsigned long long)writes);
}

/* stop: the answer is the number of writes */
static bool cmd_stop(char **args, int n)
{
	unsigned int i;

	stop = true;
	for (i = 0; i < running; i++)
		pthread_join(threads[i], NULL);
	cmd_writes(args, n);
	running = 0;
	return true;
}

const struct command storm_commands[] = {
	{ "stop", 0, cmd_stop },
	{ "writes", 0, cmd_writes },
	{ }
};
