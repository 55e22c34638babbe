# SPDX-License-Identifier: GPL-2.0
"""The checks of shadow entries in a BAR (dom0/bar.sh): that of an Intel GPU (tests/gpu) which no
driver of dom0 uses, and that of a card with nothing but memory."""

SUITE = "bar"


def test_check(suite_run, check, judge):
    judge(suite_run, check)
