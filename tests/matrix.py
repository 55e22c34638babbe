#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which kernels and which Xens the last run of tests/run.sh has run on: a table, from its logs.

Usage: tests/matrix.py [--write]
  --write    puts it into Documentation/testing.rst, in the place of the table that is there
XENGT_BUILD=DIR: where the logs are, in logs/ (default: .build at the top of the project)

The parts of run.sh say what they have run on in lines "matrix: WHAT; DETAIL; VERSIONS; PASSED;
FAILED". Numbers are of results; KUnit counts each parameter of a case.
"""

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("XENGT_BUILD") or PROJECT / ".build") / "logs"
PAGE = PROJECT / "Documentation" / "testing.rst"
BEGIN, END = ".. matrix: begin\n", ".. matrix: end\n"
TITLES = ("what has run", "how", "on", "passed", "failed")


def rows():
    """Each row that a log has, once, in the order of the logs' parts."""
    found = {}
    for log in sorted(LOGS.glob("*.log"), key=lambda path: path.stat().st_mtime):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("matrix: "):
                found[tuple(line.removeprefix("matrix: ").split("; "))] = True
    return list(found)


def table(rows):
    widths = [max(map(len, column)) for column in zip(TITLES, *rows)]
    rule = " ".join("=" * width for width in widths)

    def line(cells):
        return " ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()

    return "\n".join([rule, line(TITLES), rule, *map(line, rows), rule, ""])


def write(text):
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        sys.exit(f"matrix: {PAGE.name} has no place for the table")
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


def main(arguments):
    if arguments not in ([], ["--write"]):
        sys.exit(__doc__.split("\n\n")[1])
    found = rows()
    if not found:
        sys.exit(f"matrix: no log in {LOGS} says what has run; make test writes them")
    if arguments:
        write(table(found))
    else:
        print(table(found), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
