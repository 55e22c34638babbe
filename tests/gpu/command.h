/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands: what an engine reads from rings and batches, and does.
 *
 * Commands that are not carried out are skipped by the length in their header. A run is bounded:
 * a context that goes on for too long hangs its engine, as one does whose commands cannot be read.
 */

#ifndef GPU_COMMAND_H
#define GPU_COMMAND_H

#include "engine.h"

enum outcome { OUTCOME_DONE, OUTCOME_WAIT, OUTCOME_HANG };

/* From where the context is to its ring's tail */
enum outcome commands_run(struct engine *e, struct context *ctx);

#endif /* GPU_COMMAND_H */
