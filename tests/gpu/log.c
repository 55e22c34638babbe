// SPDX-License-Identifier: GPL-2.0
/* The log; see log.h. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "log.h"

#define MAX_EVENTS 20000

static FILE *file;
static bool with_accesses;
static unsigned int events;
static struct timespec began;

static void write_line(const char *format, va_list ap)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	fprintf(file, "%9.3f ", (double)(now.tv_sec - began.tv_sec) +
		(double)(now.tv_nsec - began.tv_nsec) / 1e9);
	vfprintf(file, format, ap);
	fputc('\n', file);
}

bool log_open(const char *path, bool accesses)
{
	file = fopen(path, "we");
	if (!file)
		return false;
	setvbuf(file, NULL, _IOLBF, 0);
	clock_gettime(CLOCK_MONOTONIC, &began);
	with_accesses = accesses;
	return true;
}

void log_event(const char *format, ...)
{
	va_list ap;

	if (!file || events > MAX_EVENTS)
		return;
	if (++events > MAX_EVENTS && !with_accesses) {
		fprintf(file, "%d events: no more are logged\n", MAX_EVENTS);
		return;
	}
	va_start(ap, format);
	write_line(format, ap);
	va_end(ap);
	if (with_accesses)
		events = 0;
}

void log_access(const char *format, ...)
{
	va_list ap;

	if (!file || !with_accesses)
		return;
	va_start(ap, format);
	write_line(format, ap);
	va_end(ap);
}

void log_summary(const char *format, ...)
{
	va_list ap;

	if (!file)
		return;
	va_start(ap, format);
	write_line(format, ap);
	va_end(ap);
}
