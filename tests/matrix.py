#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which kernels and which Xens the last run of tests/run.sh has run on: a table, from its logs.

Usage: tests/matrix.py [--write | --add]
  --write    puts it into Documentation/testing.rst, in the place of the table that is there
  --add      the same, but keeps the rows of that table that no log has: make test-all takes hours,
             and can be run in parts. A run on an update of a kernel or a Xen takes the place of the
             one on the version before.
XENGT_BUILD=DIR: where the logs are, in logs/ (default: .build at the top of the project)

The parts of run.sh say what they have run on in lines "matrix: WHAT; DETAIL; VERSIONS; PASSED;
FAILED". Numbers are of results; KUnit counts each parameter of a case. Of several runs of one thing
the table has one that failed, or else the one with the most results.
"""

import os
import re
import sys
from datetime import datetime, timezone
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOGS = Path(os.environ.get("XENGT_BUILD") or PROJECT / ".build") / "logs"
PAGE = PROJECT / "Documentation" / "testing.rst"
BEGIN, END = ".. matrix: begin\n", ".. matrix: end\n"
# As in 4.20.5-pre, 6.1.0-57-amd64, 6.12.117+deb13-amd64, 6.1.192; but not in 6.1.192-kasan
UPDATE = re.compile(r"\b(\d+\.\d+)\.\d+(-pre|(-\d+|\+deb\d+)-amd64)?(?=,|$)")
TITLES = ("what has run", "how", "on", "passed", "failed", "last run")


def day(log):
    return datetime.fromtimestamp(log.stat().st_mtime, timezone.utc).date().isoformat()


def weight(row):
    """What failed is to be seen; and a whole list of checks says more than a short one."""
    passed, failed = map(int, row[3:5])
    return failed > 0, passed + failed


def by_what(rows):
    """One row for each thing that has run: what, how, and on what. A later row counts more."""
    return sorted({row[:3]: row for row in rows}.values())


def replaces(new, old):
    """A short list that passed does not replace a whole one that did, nor a log a later run."""
    return new[5] >= old[5] and (int(old[4]) > 0 or weight(new) >= weight(old))


def key(row):
    """What is one row in the end: an update of a release's kernel or Xen is no other one."""
    what, how, versions = row[:3]
    return what, how, UPDATE.sub(r"\1", versions)


def added(old, new):
    """The old rows, and the new ones in their place."""
    rows = {key(row): row for row in old}
    for row in sorted(new, key=lambda row: row[5]):
        if key(row) not in rows or replaces(row, rows[key(row)]):
            rows[key(row)] = row
    return sorted(rows.values())


def logged():
    rows = []
    for log in LOGS.glob("*.log"):
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("matrix: "):
                rows.append((*line.removeprefix("matrix: ").split("; "), day(log)))
    return by_what(sorted(rows, key=weight))


def written():
    """The rows of the table that is there."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rule, _, _, *lines, _ = text.strip().splitlines()
    ends = [i for i, char in enumerate(f"{rule} ") if char == " "]
    starts = [0, *(end + 1 for end in ends)]
    return [tuple(line[start:end].strip() for start, end in zip(starts, ends)) for line in lines]


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
    if arguments not in ([], ["--write"], ["--add"]):
        sys.exit(__doc__.split("\n\n")[1])
    found = logged()
    if not found:
        sys.exit(f"matrix: no log in {LOGS} says what has run; make test writes them")
    if arguments == ["--add"]:
        found = added(written(), found)
    if arguments:
        write(table(found))
    else:
        print(table(found), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
