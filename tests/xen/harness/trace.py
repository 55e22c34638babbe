# SPDX-License-Identifier: GPL-2.0
"""Counts, in QEMU's trace of the IOMMU, what happens between two marks.

A mark is a number that dom0 writes to a register of the edu device's configuration space that is
nothing but storage. This emulator knows no fault log entry for a page that is not there: it is a
translation to 0, one for each 4 bytes.
"""

import re
from collections import Counter

MARK = re.compile(r"pci_cfg_write edu \S+ @0x3c <- (0x[0-9a-f]+)")
QUESTION = re.compile(r"{(iotlb|faults) ([0-9 ]+)}")


class Missing(Exception):
    """Something was never marked."""


class Segment:
    """What is between a mark and the next one."""

    def __init__(self, mark):
        self.mark = mark
        self.invalidations = Counter()  # by domain
        self.refused = set()  # pages


class Trace:
    def __init__(self, path):
        self.path = path
        self.position = 0
        self.rest = ""
        self.segments = [Segment(None)]

    def catch_up(self):
        try:
            with open(self.path, "rb") as f:
                f.seek(self.position)
                data = f.read()
        except FileNotFoundError:
            return  # nothing was traced yet
        self.position += len(data)
        lines = (self.rest + data.decode("latin-1")).split("\n")
        self.rest = lines.pop()
        for line in lines:
            self.take(line)

    def take(self, line):
        if mark := MARK.match(line):
            self.segments.append(Segment(int(mark[1], 0)))
            return
        words = line.split()
        if not words:
            return
        if words[0] == "amdvi_pages_inval":
            self.segments[-1].invalidations[int(words[-2], 0)] += 1
        elif words[0] == "amdvi_translation_result" and words[-1] == "0x0":
            self.segments[-1].refused.add(int(words[4], 0) >> 12)

    def between(self, first, last):
        """From the latest mark "first" to the mark "last" after it; what dom0's own boot writes
        there is no mark."""
        self.catch_up()
        marks = [s.mark for s in self.segments]
        try:
            begin = len(marks) - 1 - marks[::-1].index(first)
            return self.segments[begin : marks.index(last, begin)]
        except ValueError:
            raise Missing(f"marks {first} and {last} are not in QEMU's trace") from None

    def invalidations(self, first, last, domain=None):
        return sum(
            s.invalidations[domain] if domain is not None else s.invalidations.total()
            for s in self.between(first, last)
        )

    def faults(self, first, last):
        return len(set().union(*(s.refused for s in self.between(first, last))))

    def answer(self, question):
        """The number that is asked for: {iotlb FROM TO [DOMID]} or {faults FROM TO}."""
        numbers = [int(n) for n in question[2].split()]
        return self.invalidations(*numbers) if question[1] == "iotlb" else self.faults(*numbers)

    def fill_in(self, text):
        """Answers all questions in a text."""
        return QUESTION.sub(lambda question: str(self.answer(question)), text)
