# SPDX-License-Identifier: GPL-2.0
"""Guests whose stock i915 has a working GPU: GVT's device model on the shadows (dom0/gvt.sh)."""

SUITE = "gvt"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
