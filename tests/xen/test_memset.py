# SPDX-License-Identifier: GPL-2.0
"""Room for RAM at the GTT (dom0/memset.sh), on stock Xen with a PV dom0."""

SUITE = "memset"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
