/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log: a file with a line for each event and, if wanted, for each access.
 *
 * Invariant: a driver of the GPU cannot make it grow without bounds, unless accesses are logged.
 */

#ifndef GPU_LOG_H
#define GPU_LOG_H

#include <stdbool.h>

bool log_open(const char *path, bool accesses);
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_access(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The last lines, which are written in any case */
void log_summary(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* GPU_LOG_H */
