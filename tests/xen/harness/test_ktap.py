# SPDX-License-Identifier: GPL-2.0
import pytest

from . import ktap

REPORT = """\
KTAP version 1
# pv dom0 is up
ok 1 the modules load
  KTAP version 1
  # Subtest: check_dma
  # the backend is pv
  ok 1 512 pages: map hypercalls
  not ok 2 ... pages mapped # 511, not 512
  ok 3 ... invalidations # SKIP {iotlb 101 102} 1
  1..3
not ok 2 check_dma
1..2
"""


def read(text):
    reader = ktap.Reader()
    return [event for line in text.splitlines() if (event := reader.read(line))]


def test_report():
    assert read(REPORT) == [
        ktap.Note("pv dom0 is up"),
        ktap.Result(True, "the modules load"),
        ktap.Begun("check_dma"),
        ktap.Note("the backend is pv"),
        ktap.Result(True, "512 pages: map hypercalls"),
        ktap.Result(False, "... pages mapped", "511, not 512"),
        ktap.Result(True, "... invalidations", skipped="{iotlb 101 102} 1"),
        ktap.Done("check_dma"),
        ktap.End(),
    ]


def test_how_results_read():
    assert [str(e) for e in read(REPORT) if isinstance(e, ktap.Result)][1:3] == [
        "ok 512 pages: map hypercalls",
        "not ok ... pages mapped: 511, not 512",
    ]


def test_other_lines_are_notes():
    assert read("KTAP version 1\nsh: write error\n# \n#    indented\n") == [
        ktap.Note("sh: write error"),
        ktap.Note(""),
        ktap.Note("   indented"),
    ]


def test_a_failure_that_begins_with_skip_is_none():
    assert read("not ok 1 name # skipped by xl") == [ktap.Result(False, "name", "skipped by xl")]


@pytest.mark.parametrize(
    "line",
    [
        "  not ok 2 ... pages mapped # 511, not 512\n",
        "  ok 3 ... invalidations # SKIP {iotlb 101 102} 1\n",
        "ok 1 the modules load\n",
    ],
)
def test_a_lost_line_is_an_error(line):
    with pytest.raises(ktap.Error):
        read(REPORT.replace(line, ""))


def test_a_suite_that_breaks_off_says_why():
    with pytest.raises(ktap.Error, match="exit status 1"):
        read("KTAP version 1\nBail out! the suite did not run to its end: exit status 1\n")


def test_no_test_in_a_test():
    with pytest.raises(ktap.Error):
        read("  # Subtest: check_a\n  # Subtest: check_b\n")
