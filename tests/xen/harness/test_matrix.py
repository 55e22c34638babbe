# SPDX-License-Identifier: GPL-2.0
"""The table of what has run on what (tests/matrix.py)."""

import importlib.util
import os
from pathlib import Path

import pytest

from . import suites

SCRIPT = Path(__file__).resolve().parents[2] / "matrix.py"
PAGE = ".. matrix: begin\n\n{}\n.. matrix: end\n"


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("matrix", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "LOGS", tmp_path)
    monkeypatch.setattr(module, "PAGE", tmp_path / "page.rst")
    return module


def log(directory, name, day, *rows):
    path = directory / f"{name}.log"
    path.write_text("".join(f"matrix: {row}\n" for row in rows), encoding="utf-8")
    os.utime(path, (day * 86400, day * 86400))


def test_table_that_is_written_is_read_again(matrix, tmp_path):
    log(tmp_path, "pv", 1, "checks; stock, pv; Xen 4.17, Linux 6.1; 539; 0")
    log(tmp_path, "kunit", 2, "KUnit; debug; Linux 6.1.192; 2157; 1")
    matrix.PAGE.write_text(PAGE.format("old"), encoding="utf-8")
    matrix.main(["--write"])
    assert matrix.written() == matrix.logged() == [
        ("KUnit", "debug", "Linux 6.1.192", "2157", "1", "1970-01-03"),
        ("checks", "stock, pv", "Xen 4.17, Linux 6.1", "539", "0", "1970-01-02"),
    ]


def test_rows_without_a_log_stay_if_that_is_wanted(matrix, tmp_path):
    log(tmp_path, "pv", 1, "checks; stock, pv; Xen; 1; 0", "checks; stock, pvh; Xen; 2; 0")
    matrix.PAGE.write_text(PAGE.format("old"), encoding="utf-8")
    matrix.main(["--write"])
    log(tmp_path, "pv", 2, "checks; stock, pvh; Xen; 0; 3")
    matrix.main(["--add"])
    kept = ("checks", "stock, pv", "Xen", "1", "0", "1970-01-02")
    new = ("checks", "stock, pvh", "Xen", "0", "3", "1970-01-03")
    assert matrix.written() == [kept, new]
    matrix.main(["--write"])
    assert matrix.written() == [new]


def test_part_of_the_checks_does_not_hide_all_of_them(matrix, tmp_path):
    log(tmp_path, "short", 2, "checks; stock, pvh; Xen; 96; 0")
    log(tmp_path, "all", 1, "checks; stock, pvh; Xen; 244; 1")
    assert matrix.logged() == [("checks", "stock, pvh", "Xen", "244", "1", "1970-01-02")]


PASSED, SHORT, FAILED = "90; 0", "9; 0", "8; 1"


@pytest.mark.parametrize(
    "old, new, shown",
    [
        (PASSED, SHORT, PASSED),
        (PASSED, FAILED, FAILED),
        (FAILED, SHORT, SHORT),
        (SHORT, PASSED, PASSED),
        (FAILED, PASSED, PASSED),
    ],
)
def test_short_list_that_passed_does_not_replace_a_whole_one(matrix, tmp_path, old, new, shown):
    matrix.PAGE.write_text(PAGE.format("old"), encoding="utf-8")
    log(tmp_path, "pvh", 1, f"checks; stock, pvh; Xen; {old}")
    matrix.main(["--write"])
    log(tmp_path, "pvh", 2, f"checks; stock, pvh; Xen; {new}")
    matrix.main(["--add"])
    assert "; ".join(matrix.written()[0][3:5]) == shown


def test_old_log_does_not_replace_a_later_run(matrix, tmp_path):
    matrix.PAGE.write_text(PAGE.format("old"), encoding="utf-8")
    log(tmp_path, "pvh", 2, "checks; stock, pvh; Xen; 90; 0")
    matrix.main(["--write"])
    log(tmp_path, "pvh", 1, "checks; stock, pvh; Xen; 91; 0")
    matrix.main(["--add"])
    assert matrix.written() == [("checks", "stock, pvh", "Xen", "90", "0", "1970-01-03")]


OLD = "Xen 4.20.4, Linux 6.12.117+deb13-amd64"


@pytest.mark.parametrize(
    "on, rows",
    [
        ("Xen 4.20.5-pre, Linux 6.12.118+deb13-amd64", 1),
        ("Xen 4.20.4, Linux 6.12.95", 1),
        ("Xen 4.20.4, Linux 6.1.0-57-amd64", 2),
        ("Xen 4.20.4, Linux 6.12.118-kasan", 2),
        ("Xen 4.17.4, Linux 6.12.117+deb13-amd64", 2),
    ],
)
def test_update_takes_the_place_of_the_version_before(matrix, tmp_path, on, rows):
    matrix.PAGE.write_text(PAGE.format("old"), encoding="utf-8")
    log(tmp_path, "pvh", 1, f"checks; stock, pvh; {OLD}; 90; 0")
    matrix.main(["--write"])
    log(tmp_path, "pvh", 2, f"checks; stock, pvh; {on}; 90; 0")
    matrix.main(["--add"])
    assert len(matrix.written()) == rows
    assert on in [row[2] for row in matrix.written()]


def test_without_a_log_it_says_so(matrix):
    with pytest.raises(SystemExit, match="no log in"):
        matrix.main([])


@pytest.mark.parametrize("suite", sorted({run.suite for run in suites.RUNS}))
def test_runs_of_a_suite_have_rows_of_their_own(suite):
    rows = [run.how() for run in suites.runs(suite)]
    assert len(rows) == len(set(rows))
