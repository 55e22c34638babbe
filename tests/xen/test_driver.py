# SPDX-License-Identifier: GPL-2.0
"""A driver domain (dom0/driver.sh), which is a PV domain of a PV dom0, on the patched
hypervisor."""

SUITE = "driver"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
