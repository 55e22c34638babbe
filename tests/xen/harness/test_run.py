# SPDX-License-Identifier: GPL-2.0
import pytest

from . import boot, ktap, run

CHECKS = ["begin", "check_a", "check_b", "check_c", "check_nothing_left"]


def test_of(name, *oks):
    return [
        ktap.Begun(name),
        *(ktap.Result(ok, f"{name} {n}") for n, ok in enumerate(oks)),
        ktap.Done(name),
    ]


test_of.__test__ = False


class Boots:
    """Boots that report what they are told to, in turn, and then end in some way; each is asked
    for by a number and checks."""

    def __init__(self, *boots):
        self.boots = boots
        self.asked = []
        self.closed = 0

    def start(self, number, checks):
        self.asked.append(checks)
        self.now = self.boots[number - 1]
        return self

    def events(self):
        try:
            for event in self.now:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1


def make(boots, checks=CHECKS, **options):
    said = []
    return run.Run(boots.start, checks, say=said.append, **options), said


def lines(results):
    return [str(result) for result in results]


def all_lines(running):
    return {check: lines(running.results(check)) for check in running.checks}


WHOLE = [
    *test_of("begin", True),
    *test_of("check_a", True, False),
    *test_of("check_b", True),
    *test_of("check_c", True),
    *test_of("check_nothing_left", True),
    ktap.Result(True, "all told"),
]


def test_each_check_has_its_results():
    running, _ = make(Boots(WHOLE))
    assert all_lines(running) == {
        "begin": ["ok begin 0"],
        "check_a": ["ok check_a 0", "not ok check_a 1: "],
        "check_b": ["ok check_b 0"],
        "check_c": ["ok check_c 0"],
        "check_nothing_left": ["ok check_nothing_left 0", "ok all told"],
    }


def test_what_dom0_has(tmp_path):
    note = ktap.Note("pv dom0 is up: Xen 4.17.5, Linux 6.1.0-50-amd64")
    running, _ = make(Boots([note, *WHOLE]))
    running.results("begin")
    assert running.versions == "Xen 4.17.5, Linux 6.1.0-50-amd64"


def test_one_check_has_what_was_before_it_and_after_it():
    running, _ = make(
        Boots(
            [
                *test_of("begin", True),
                *test_of("check_b", True),
                ktap.Result(False, "at the end", "1, not 0"),
            ]
        ),
        ["check_b"],
    )
    assert all_lines(running) == {
        "check_b": ["ok begin 0", "ok check_b 0", "not ok at the end: 1, not 0"]
    }


def test_a_check_that_the_suite_does_not_make():
    running, _ = make(Boots([*test_of("begin", True)]), ["begin", "check_a"])
    assert all_lines(running)["check_a"] == ["not ok it is made: the run has ended before"]


def test_a_run_that_breaks():
    running, _ = make(
        Boots(
            [
                *test_of("begin", True),
                *test_of("check_a", True),
                ktap.Begun("check_b"),
                ktap.Result(True, "b"),
                boot.Broken("a panic"),
            ]
        )
    )
    ended = ["not ok it is made: the run has ended before"]
    assert all_lines(running) == {
        "begin": ["ok begin 0"],
        "check_a": ["ok check_a 0"],
        "check_b": ["ok b", "not ok the run comes to its end: a panic"],
        "check_c": ended,
        "check_nothing_left": ended,
    }


def test_after_a_hang_the_check_is_made_again():
    first = [
        *test_of("begin", True),
        *test_of("check_a", True),
        ktap.Begun("check_b"),
        ktap.Result(True, "lost"),
        ktap.Result(False, "kept", "bad"),
        boot.Hung("silence"),
    ]
    second = [
        *test_of("begin", True, False),
        *test_of("check_b", True),
        *test_of("check_c", True),
        *test_of("check_nothing_left", True),
    ]
    boots = Boots(first, second)
    running, said = make(boots)
    assert all_lines(running) == {
        "begin": ["ok begin 0"],
        "check_a": ["ok check_a 0"],
        "check_b": ["not ok kept: bad", "not ok begin 1: ", "ok check_b 0"],
        "check_c": ["ok check_c 0"],
        "check_nothing_left": ["ok check_nothing_left 0"],
    }
    assert boots.asked == [CHECKS, ["begin", "check_b", "check_c", "check_nothing_left"]]
    assert "silence" in said[0] and "with check_b" in said[0]


def test_a_poke_is_told():
    poked = f"{boot.POKED}, silent for 120 seconds"
    running, said = make(Boots([ktap.Begun("check_a"), ktap.Note(poked), ktap.Done("check_a")]))
    running.results("check_a")
    assert said == [f"# {poked}, in check_a"]


def test_two_hangs_and_no_more():
    hang = [*test_of("begin", True), ktap.Begun("check_a"), boot.Hung("silence")]
    boots = Boots(hang, hang, hang)
    running, said = make(boots)
    assert lines(running.results("begin")) == ["ok begin 0"]
    assert lines(running.results("check_a")) == ["not ok the run comes to its end: silence"]
    assert len(boots.asked) == 3 and len(said) == 2 and boots.closed == 3


@pytest.mark.parametrize(
    "begun", [[], [ktap.Begun("begin"), ktap.Result(True, "the modules load")]]
)
def test_a_hang_before_the_first_check(begun):
    boots = Boots([*begun, boot.Hung("silence")], [*test_of("begin", True), *test_of("check_a", True)])
    running, _ = make(boots, ["begin", "check_a"])
    assert all_lines(running) == {"begin": ["ok begin 0"], "check_a": ["ok check_a 0"]}
    assert boots.asked == [["begin", "check_a"]] * 2


@pytest.mark.parametrize(
    "notes, line",
    [
        (["the backend is native"], "ok the backend native is chosen"),
        (["the backend is physmap"], "not ok the backend native is chosen: physmap"),
        ([], "not ok the backend native is chosen: none"),
    ],
)
def test_the_backend(notes, line):
    begin = [ktap.Begun("begin"), *map(ktap.Note, notes), ktap.Done("begin")]
    running, _ = make(Boots(begin), ["begin"], backend="native")
    assert lines(running.results("begin")) == [line]


def test_a_run_can_be_left():
    boots = Boots(WHOLE)
    running, _ = make(boots)
    running.results("begin")
    assert boots.closed == 0
    running.close()
    assert boots.closed == 1
