// SPDX-License-Identifier: GPL-2.0
/* Faults; see fault.h. Formats: the PRM of Broadwell, "Fault Reporting". */
#include "bits.h"
#include "control.h"
#include "fault.h"
#include "judge.h"
#include "log.h"
#include "regs.h"

#define FAULT_VALID		BIT(0)
#define FAULT_TYPE(type)	((type) << 1)
#define  TYPE_PAGE		0
#define  TYPE_RIGHTS		3
#define FAULT_GGTT		BIT(11)
#define FAULT_ENGINE(id)	((id) << 12)
#define DATA1_GGTT		BIT(4)
#define DATA1_HIGH(graphics)	((uint32_t)((graphics) >> 44) & 0xf)

void fault_report(unsigned int engine, unsigned int space, uint64_t graphics, int status)
{
	unsigned int type = status == GPU_READ_ONLY ? TYPE_RIGHTS : TYPE_PAGE;

	judge_count(GPU_FAULTS);
	judge_count_engine(engine, GPU_ENGINE_FAULTS);
	log_event("fault: engine %u, %s address %lx: %d", engine,
		  space == GPU_PPGTT ? "PPGTT" : "GGTT", graphics, status);
	if (regs_get(RING_FAULT) & FAULT_VALID)
		return;
	regs_put(FAULT_DATA0, graphics >> 12);
	regs_put(FAULT_DATA1, DATA1_HIGH(graphics) | (space == GPU_GGTT ? DATA1_GGTT : 0));
	regs_put(RING_FAULT, FAULT_VALID | FAULT_TYPE(type) | FAULT_ENGINE(engine) |
		 (space == GPU_GGTT ? FAULT_GGTT : 0));
}
