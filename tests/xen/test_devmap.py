# SPDX-License-Identifier: GPL-2.0
"""The hypervisor's own operation (dom0/devmap.sh), on the patched hypervisor, with each kind of
dom0, and on a debug build of it."""

SUITE = "devmap"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
