# SPDX-License-Identifier: GPL-2.0
"""Reads KTAP, line by line as it comes: results, and tests with subtests (one level of them).

Lines by themselves are tap.py's (python3-tap); what is KTAP's own is the indentation. The
kernel's kunit_parser.py reads a whole report and tells nothing before its end, nor what was seen
of a failure: but which check has begun must be known of a machine that hangs.
"""

from dataclasses import dataclass, field

from tap.parser import Parser


@dataclass
class Result:
    """A line "ok" or "not ok"."""

    ok: bool
    name: str
    seen: str = ""  # of a failure
    skipped: str = ""  # why

    def __str__(self):
        return f"ok {self.name}" if self.ok else f"not ok {self.name}: {self.seen}"


@dataclass
class Note:
    """A diagnostic line, or one that is no KTAP."""

    text: str

    def __str__(self):
        return f"# {self.text}"


@dataclass
class Begun:
    """A test that has subtests begins."""

    name: str


@dataclass
class Done:
    """A test that has subtests has come to its end."""

    name: str


@dataclass
class End:
    """The report is complete."""


@dataclass
class Test:
    """What is known of a test that has subtests, or of what is in none."""

    name: str
    results: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    complete: bool = False


class Error(Exception):
    """The report says that it was broken off, or it is not whole."""


class Reader:
    """Makes events of lines."""

    def __init__(self):
        self.parser = Parser()
        self.test = None  # the name of the one that has begun
        self.counts = [0, 0]  # results so far, of the outer level and of the inner one

    def read(self, line):
        """The event that a line is; None if it is of the form only."""
        text = line.strip()
        inner = line.startswith("  ")
        if text.startswith("KTAP version "):
            return None
        if inner and text.startswith("# Subtest: "):
            return self.begin(text.removeprefix("# Subtest: "))
        parsed = self.parser.parse_line(text)
        if parsed.category == "test":
            return self.result(parsed, inner)
        if parsed.category == "plan":
            return self.plan(parsed.expected_tests, inner)
        if parsed.category == "bail":
            raise Error(parsed.reason)
        return Note(text.removeprefix("#").removeprefix(" "))

    def begin(self, name):
        if self.test:
            raise Error(f"{name} begins in the middle of {self.test}")
        self.test = name
        self.counts[1] = 0
        return Begun(name)

    def result(self, parsed, inner):
        self.counts[inner] += 1
        if parsed.number != self.counts[inner]:
            expected = self.counts[inner]
            raise Error(f"a line is missing: {parsed.number}, not {expected}: {parsed.description}")
        if not inner and self.test == parsed.description:
            self.test = None
            return Done(parsed.description)
        text = parsed.directive.text
        if parsed.ok and parsed.skip:
            return Result(True, parsed.description, skipped=parsed.directive.reason)
        return Result(parsed.ok, parsed.description, seen=text)

    def plan(self, expected, inner):
        if expected != self.counts[inner]:
            raise Error(f"{self.counts[inner]} of {expected} results have come")
        return None if inner else End()
