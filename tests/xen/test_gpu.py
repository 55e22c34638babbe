# SPDX-License-Identifier: GPL-2.0
"""The checks with an Intel GPU in the machine (tests/gpu) that dom0's i915 drives (dom0/gpu.sh)."""

SUITE = "gpu"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
