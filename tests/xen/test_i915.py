# SPDX-License-Identifier: GPL-2.0
"""A guest with a stock i915 (dom0/i915.sh), on stock Xen, with a PV and with a PVH dom0."""

SUITE = "i915"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
