# SPDX-License-Identifier: GPL-2.0
"""The whole of it, but for what is booted: pytest runs a suite in a copy of tests/xen where nothing
is built, and where QEMU is a script that reports what dom0 would."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).resolve().parent.parent

QEMU = """\
#!{python}
import os, re, sys, time
sys.path.insert(0, "{copy}")
from harness import suites

words = " ".join(sys.argv)
only = re.search("only=(.*?) ", words)[1].split(",,")
skip = re.search("skip=(.*?),/", words)[1].split(",,")
where, _, how = os.environ.get("BAD", "").partition(" ")
checks = list(suites.checks("driver"))
if only != [""]:
    checks = [check for check in checks if check in ("begin", *only)]
checks = [check for check in checks if check not in skip]
print("KTAP version 1")
for number, check in enumerate(checks, 1):
    print("  KTAP version 1\\n  # Subtest: " + check, flush=True)
    if check == where and how == "hangs" and "driver-driver.2" not in words:
        time.sleep(100)
    if check == where and how == "panics":
        sys.exit("Kernel panic")
    fails = check == where and how == "fails"
    print("  ok 1 it is there")
    print("  not ok 2 it is equal # 1, not 2" if fails else "  ok 2 it is equal")
    print(f"  1..2\\n{{'not ok' if fails else 'ok'}} {{number}} {{check}}", flush=True)
print(f"1..{{len(checks)}}", flush=True)
"""


@pytest.fixture
def run(tmp_path):
    """Runs pytest; its output, its exit status."""
    copy = tmp_path / "tests" / "xen"
    shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    programs = {
        copy / "build.sh": "#!/bin/sh\n",
        copy / "build-xen.sh": "#!/bin/sh\necho /no/xen.elf\n",
        tmp_path / "qemu-system-x86_64": QEMU.format(python=sys.executable, copy=copy),
    }
    for path, text in programs.items():
        path.write_text(text)
        path.chmod(0o755)

    def run(*arguments, **environment):
        own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "XENGT_BUILD": str(tmp_path / "build")}
        command = [sys.executable, "-m", "pytest", f"--junitxml={tmp_path}/results.xml"]
        done = subprocess.run(
            [*command, *arguments],
            cwd=copy,
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.stdout.splitlines(), done.returncode

    return run


ALL = 13  # checks of the suite, with what it begins with


def test_all_is_well(run, tmp_path):
    said, status = run("test_driver.py", "-m", "pv")
    assert (said[-1], status) == (f"{2 * ALL} passed, 0 failed", 0)
    cases = ElementTree.parse(tmp_path / "results.xml").findall(".//testcase")
    assert len(cases) == ALL
    assert "ok it is equal" in cases[1].findtext("system-out")


def test_one_check(run):
    said, status = run("test_driver.py", "-m", "pv", "-k", "check_dma")
    # With what comes before it.
    assert (said[-1], status) == ("4 passed, 0 failed", 0)


def test_in_another_order(run):
    item = "test_driver.py::test_check[driver-check_{}]"
    said, status = run(item.format("reach"), item.format("dma"))
    assert (said[-1], status) == ("6 passed, 0 failed", 0)


def test_a_result_that_is_bad(run):
    said, status = run("test_driver.py", "-m", "pv", BAD="check_reach fails")
    assert said[-2:] == [
        "not ok driver: check_reach: it is equal: 1, not 2",
        f"{2 * ALL - 1} passed, 1 failed",
    ]
    assert "    not ok it is equal: 1, not 2" in said
    assert status == 1


def test_a_hang(run):
    said, status = run("test_driver.py", "-m", "pv", BAD="check_reach hangs", XENGT_SILENCE="4")
    assert "# going on with check_reach in a new boot" in said
    assert (said[-1], status) == (f"{2 * ALL} passed, 0 failed", 0)


def test_a_panic(run):
    said, status = run("test_driver.py", "-m", "pv", BAD="check_both_die panics")
    assert said[-3:] == [
        "not ok driver: check_both_die: the run comes to its end: pv dom0, suite driver: it ended "
        "too early",
        "not ok driver: check_nothing_left: it is made: the run has ended before",
        f"{2 * (ALL - 2)} passed, 2 failed",
    ]
    assert "        Kernel panic" in said
    assert status == 1


def test_nothing_can_be_built(run, tmp_path):
    (tmp_path / "tests" / "xen" / "build-xen.sh").write_text("#!/bin/sh\nexit 1\n")
    said, status = run("test_driver.py", "-m", "pv", "-k", "check_dma")
    assert said[-1] == "0 passed, 1 failed" and "build-xen.sh failed" in said[-2]
    assert status == 1
