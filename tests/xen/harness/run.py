# SPDX-License-Identifier: GPL-2.0
"""A run of a suite: one boot, or more where the emulator hung, whose results are asked for check
by check.

The emulator can hang. The check in which it did, and those after it, are made in a new boot:
HANGS times at most. Of the boot that hung what counts is the checks that came to their end, and
everything that had failed.
"""

import re

from . import boot, ktap
from .suites import BEGIN

HANGS = 2
UP = re.compile(r"\w+ dom0 is up: (.*)")  # dom0/init


class Run:
    """What makes a boot, "start", is called with the number of the boot (from 1) and the names of
    the checks to make. "backend" is the one that has to be chosen, if it matters. "say" is told
    what happens."""

    def __init__(self, start, checks, backend="", say=print):
        self.start = start
        self.checks = checks
        self.backend = backend
        self.say = say
        self.finished = []  # the names of checks
        self.begun = False  # the suite has come to its checks, in some boot
        self.versions = ""  # which Xen and which Linux dom0 says that it has
        self.tests = self.unbroken_tests()

    def results(self, check):
        """All results up to the end of a check that were not given before; with the last check,
        all that are left."""
        results = self.until(check)
        if check == self.checks[-1]:
            results += [result for test in self.tests for result in test.results]
        return results

    def close(self):
        """Ends the boot that is under way, if there is one."""
        self.tests.close()

    def all_tests(self):
        """Tests, as they come to their end. One that did not, in a boot that hung, or was
        broken, is there with what counts of it."""
        for number in range(1, HANGS + 2):
            test = ktap.Test("")  # what is in no check
            events = self.start(
                number, [check for check in self.checks if check not in self.finished]
            ).events()
            try:
                for event in events:
                    if isinstance(event, ktap.Begun):
                        test = ktap.Test(event.name, test.results, test.notes)
                    elif isinstance(event, ktap.Done):
                        yield self.done(test)
                        test = ktap.Test("")
                    elif isinstance(event, ktap.Result):
                        test.results.append(event)
                    elif isinstance(event, ktap.Note):
                        test.notes.append(event.text)
                        if up := UP.match(event.text):
                            self.versions = up[1]
                        if event.text.startswith(boot.POKED):
                            self.say(f"{event}, in {test.name}" if test.name else str(event))
                yield test
                return
            except boot.Hung as hang:
                if number > HANGS:
                    yield test
                    raise
                self.say(f"{hang}\n# going on with {test.name or 'the start'} in a new boot")
                yield ktap.Test("", failures(test))
            except boot.Broken:
                yield test
                raise
            finally:
                events.close()

    def done(self, test):
        test.complete = True
        if test.name != BEGIN:
            self.finished.append(test.name)
            return test
        if self.backend:
            test.results.append(right_backend(test.notes, self.backend))
        # It is counted once.
        first, self.begun = not self.begun, True
        return test if first else ktap.Test("", failures(test))

    def until(self, check):
        results = []
        for test in self.tests:
            results += test.results
            if test.complete and test.name == check:
                return results
        if all(result.ok for result in results):
            results.append(ktap.Result(False, "it is made", "the run has ended before"))
        return results

    def unbroken_tests(self):
        """All tests, and last, if the run does not come to its end, that it does not."""
        try:
            yield from self.all_tests()
        except boot.Broken as error:
            yield ktap.Test("", [ktap.Result(False, "the run comes to its end", str(error))])


def failures(test):
    return [result for result in test.results if not result.ok]


def right_backend(notes, wanted):
    chosen = [
        note.removeprefix("the backend is ") for note in notes if note.startswith("the backend is ")
    ]
    return ktap.Result(
        chosen == [wanted], f"the backend {wanted} is chosen", ", ".join(chosen) or "none"
    )
