# SPDX-License-Identifier: GPL-2.0
"""The shell's side, as far as it goes without Xen: what library.sh writes is what ktap.py reads,
and each check is found."""

import re
import subprocess

import pytest

from . import ktap, suites


@pytest.mark.parametrize(
    "suite", ["bar", "checks", "devmap", "driver", "gpu", "gvt", "i915", "memset"]
)
def test_every_check_is_found(suite):
    """Each function that is called check_ and is not called by another one."""
    files = [suites.DOM0 / f"{suite}.sh"]
    files += [
        suites.DOM0 / f"{name}.sh"
        for name in re.findall(r"^\. /lib/xengt/(\w+)\.sh$", files[0].read_text(), re.M)
    ]
    text = "\n".join(f.read_text() for f in files)
    functions = set(re.findall(r"^(check_\w+)\(\)", text, re.M))
    called = set(re.findall(r"^\t(check_\w+)(?:$| )", text, re.M))
    assert functions - called == set(suites.checks(suite)) - {"begin"}


def test_order():
    checks = suites.checks("checks")
    assert checks[0] == "begin" and checks[-2:] == (
        "check_destroy_many_vcpus",
        "check_nothing_left",
    )
    assert (
        checks.index("check_twenty_guests")
        < checks.index("check_pvinfo")
        < checks.index("check_posted")
    )


def test_selection():
    every = suites.checks("driver")
    assert suites.selection("driver", every) == ([], [])
    assert suites.selection("driver", ["check_dma"]) == (["check_dma"], [])
    assert suites.selection("driver", [c for c in every if c != "check_dma"]) == ([], ["check_dma"])


def test_hvm_guest():
    assert suites.HVM[1] in suites.checks(suites.HVM[0])
    assert suites.has_hvm_guest("gvt", [], [])
    assert suites.has_hvm_guest("gvt", [""], ["check_load"])
    assert suites.has_hvm_guest("gvt", ["check_load", "check_hvm"], [])
    assert not suites.has_hvm_guest("gvt", ["check_load"], [])
    assert not suites.has_hvm_guest("gvt", [], ["check_hvm"])
    assert not suites.has_hvm_guest("checks", [], [])


SCRIPT = r"""
report() { if [ $# = 0 ]; then cat; else echo "$*"; fi; }
program() {
	echo "ok all calls"
	echo "not ok flags # -22, not 0"
	echo "# a note"
	echo "ok flushes # SKIP {iotlb 1 2} 1"
}
check_dma() {
	is "equal" 1 1
	is "different" 1 2
	works "it works" true
	works "it does not" sh -c 'echo one; echo two; exit 1'
	fails "it fails" false
	note "some words"
}
check_faults() {
	mark_number=104
	invalidations "flushes" 1 7
	faults "pages" some
}
run() { ! wanted "$1" || subtest "$1" "$1"; }
report "KTAP version 1"
works "the modules load" true
run check_dma
run check_faults
subtest check_program results_of program
finished
"""


def said(tmp_path, **environment):
    script = f". {suites.DOM0}/library.sh\n{SCRIPT}"
    done = subprocess.run(
        ["busybox", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"PATH": "/bin:/usr/bin", "TMPDIR": str(tmp_path), **environment},
    )
    reader = ktap.Reader()
    return [event for line in done.stdout.splitlines() if (event := reader.read(line))]


def test_library(tmp_path):
    assert said(tmp_path) == [
        ktap.Result(True, "the modules load"),
        ktap.Begun("check_dma"),
        ktap.Result(True, "equal"),
        ktap.Result(False, "different", "1, not 2"),
        ktap.Result(True, "it works"),
        ktap.Result(False, "it does not", "one two"),
        ktap.Result(True, "it fails"),
        ktap.Note("some words"),
        ktap.Done("check_dma"),
        ktap.Begun("check_faults"),
        ktap.Result(True, "flushes", skipped="{iotlb 103 104 7} 1"),
        ktap.Result(True, "pages", skipped="{faults 103 104} some"),
        ktap.Done("check_faults"),
        ktap.Begun("check_program"),
        ktap.Result(True, "all calls"),
        ktap.Result(False, "flags", "-22, not 0"),
        ktap.Note("a note"),
        ktap.Result(True, "flushes", skipped="{iotlb 1 2} 1"),
        ktap.Done("check_program"),
        ktap.End(),
    ]


@pytest.mark.parametrize(
    "environment, names",
    [
        ({"only": "check_faults"}, ["check_faults", "check_program"]),
        ({"only": "check_faults,check_dma"}, ["check_dma", "check_faults", "check_program"]),
        ({"skip": "check_dma,check_other"}, ["check_faults", "check_program"]),
    ],
)
def test_only_and_skip(tmp_path, environment, names):
    assert [e.name for e in said(tmp_path, **environment) if isinstance(e, ktap.Begun)] == names
