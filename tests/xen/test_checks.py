# SPDX-License-Identifier: GPL-2.0
"""The checks on a real Xen (dom0/checks.sh), with each kind of dom0: on stock Xen and, for the
backend native, on the patched one."""

SUITE = "checks"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
