#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Breaks the project on purpose, and expects the KUnit suites to notice.

mutations.toml has the mutations. Each is made in a copy of the project, which is built into a
user-mode kernel; that runs the suite or the case that has to fail. The last line is "N passed,
N failed".

KUNIT_CACHE, LINUX_TARBALL: as in run.sh. TIMEOUT: seconds for the run of a suite (default 60).
"""

import argparse
import contextlib
import fcntl
import filecmp
import fnmatch
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
MUTATIONS = HERE / "mutations.toml"
BASE = Path("drivers/gpu/drm/i915/gvt/xen")
SOURCES = ("Kbuild", "Kconfig", "include", "drivers", "tests/kunit")
KINDS = ("*.[ch]", "Kbuild", "Kconfig", "Makefile", "*.config")

CACHE = Path(os.environ.get("KUNIT_CACHE", REPO / ".kunit")).resolve()
TARBALL = Path(os.environ.get("LINUX_TARBALL", "linux-source-6.1.tar.xz"))
TREE = CACHE / TARBALL.name.removesuffix(".tar.xz")
WORK = CACHE / "mutations"
TIMEOUT = int(os.environ.get("TIMEOUT", 60))


class Failure(Exception):
    """What is wrong with a mutation, or with its run, in words."""


# The list


def load():
    try:
        with open(MUTATIONS, "rb") as file:
            mutations = tomllib.load(file).get("mutation")
    except tomllib.TOMLDecodeError as error:
        raise Failure(f"{MUTATIONS.name}: {error}") from error
    if not isinstance(mutations, list) or not mutations:
        raise Failure(f"{MUTATIONS.name}: there are no mutations")
    return mutations


def chosen(mutations, patterns):
    """The mutations with a name or a glob of the command line; all, if that has none."""
    names = [mutation["name"] for mutation in mutations]
    wanted = set()
    for pattern in patterns or ["*"]:
        found = fnmatch.filter(names, pattern)
        if not found:
            raise Failure(f"{MUTATIONS.name}: there is no mutation {pattern}")
        wanted.update(found)
    return [mutation for mutation in mutations if mutation["name"] in wanted]


def first_line(edit):
    return edit["find"].strip().partition("\n")[0]


def replaced(text, edit):
    """The text after an edit."""
    lines = re.compile("^(?=" + re.escape(edit["find"]) + ")", re.M)
    found = [match.start() for match in lines.finditer(text)]
    if len(found) != 1:
        raise Failure(f"{edit['file']} has the lines to find {len(found)} times, not once: "
                      f"{first_line(edit)}")
    end = found[0] + len(edit["find"])
    return text[:found[0]] + edit["replace"] + text[end:]


def edited(mutation):
    """The files that a mutation changes, by their path in the project, and what is in them then."""
    texts = {}
    for edit in mutation["edit"]:
        path = BASE / edit["file"]
        if not (REPO / path).is_file():
            raise Failure(f"{edit['file']}: there is no such file")
        texts[path] = replaced(texts.get(path) or (REPO / path).read_text(), edit)
    return texts


# Is it well formed?


CASES = re.compile(r"^static struct kunit_case (\w+)\[\] = \{\n(.*?)^\};", re.M | re.S)
SUITE = re.compile(r"^static struct kunit_suite \w+ = \{\n(.*?)^\};", re.M | re.S)


def all_suites():
    """The names of the project's suites, each with those of its cases."""
    suites = {}
    for path in HERE.glob("*.c"):
        text = path.read_text()
        arrays = {array: re.findall(r"\bKUNIT_CASE\w*\(\s*(\w+)", body)
                  for array, body in CASES.findall(text)}
        for body in SUITE.findall(text):
            name = re.search(r'\.name = "(.*?)"', body)[1]
            suites[name] = arrays[re.search(r"\.test_cases = (\w+)", body)[1]]
    return suites


def check_keys(table, kinds, what):
    for key, kind in kinds.items():
        if not isinstance(table.get(key), kind):
            raise Failure(f"{what} has no {key}")
    for key in table.keys() - kinds.keys():
        raise Failure(f"{what} has {key}, which means nothing")


def check_edit(edit):
    check_keys(edit, {"file": str, "find": str, "replace": str}, "an edit")
    for key in "find", "replace":
        if edit[key] and not edit[key].endswith("\n"):
            raise Failure(f"{edit['file']}: {key} is not whole lines: {first_line(edit)}")
    if not edit["find"].strip():
        raise Failure(f"{edit['file']}: find is empty")
    if edit["find"] == edit["replace"]:
        raise Failure(f"{edit['file']}: nothing is replaced: {first_line(edit)}")


def check_number(mutation):
    in_name = re.match(r"(\d*)", mutation["name"])[1]
    in_breaks = re.match(r"(?:(\d+): )?", mutation["breaks"])[1] or ""
    if in_name != in_breaks:
        raise Failure("the invariant's number in its name is not the one in its sentence")


def check_caught_by(mutation, suites):
    suite, _, case = mutation["caught_by"].partition(".")
    if suite not in suites:
        raise Failure(f"there is no suite {suite}")
    if case and case not in suites[suite]:
        raise Failure(f"the suite {suite} has no case {case}")


def check_one(mutation, suites):
    check_keys(mutation, {"name": str, "breaks": str, "caught_by": str, "edit": list}, "it")
    check_number(mutation)
    check_caught_by(mutation, suites)
    for edit in mutation["edit"]:
        check_edit(edit)
    edited(mutation)


def complaints(mutations):
    suites = all_suites()
    names = [str(mutation.get("name", "without a name")) for mutation in mutations]
    for mutation, name in zip(mutations, names):
        try:
            if names.count(name) > 1:
                raise Failure("the name is there more than once")
            check_one(mutation, suites)
        except Failure as failure:
            yield f"{MUTATIONS.name}: {name}: {failure}"


# Processes


class Stopped(Exception):
    """The user does not want more."""


class Processes:
    """What runs for the workers. Each has a session of its own, and nothing of it stays."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.stopped = False

    def run(self, command, log, timeout=None):
        """The exit status, or None after the time is over."""
        with self.lock:
            if self.stopped:
                raise Stopped
            process = subprocess.Popen(command, cwd=TREE, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT)
            self.running.add(process)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.end(process)

    def end(self, process):
        self.kill(process)
        process.wait()
        with self.lock:
            self.running.discard(process)
            if self.stopped:
                raise Stopped

    @staticmethod
    def kill(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def stop(self):
        with self.lock:
            self.stopped = True
            for process in self.running:
                self.kill(process)


# Copies


def sources(top):
    """The source files of the project in a directory, by their path in it."""
    for name in SOURCES:
        part = top / name
        for path in [part] if part.is_file() else part.rglob("*"):
            if path.is_file() and any(path.match(kind) for kind in KINDS):
                yield path.relative_to(top)


def bring_up_to_date(copy):
    """What did not change keeps its time, so that it is not compiled again."""
    wanted = set(sources(REPO))
    for path in set(sources(copy)) - wanted:
        (copy / path).unlink()
    for path in wanted:
        old, new = copy / path, REPO / path
        if not old.is_file() or not filecmp.cmp(old, new, shallow=False):
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)


class Worker:
    """A copy of the project and a build directory, for one mutation at a time."""

    def __init__(self, number, jobs, processes):
        self.jobs = jobs
        self.processes = processes
        self.copy = WORK / str(number) / "project"
        self.build = WORK / str(number) / "build"
        self.hook = f"drivers/xengt-mutation-{number}"
        self.options = [f"KBUILD_KCONFIG={self.build}/Kconfig.xengt", f"drivers-m={self.hook}/"]

    def prepare(self):
        """Builds the kernel without a mutation."""
        bring_up_to_date(self.copy)
        self.build.mkdir(parents=True, exist_ok=True)
        self.hook_in()
        options = [f"--make_options={option}" for option in self.options]
        configs = [f"--kunitconfig={HERE}/{name}.config" for name in ("kunit", "linux-6.1")]
        with open(self.build.parent / "prepare.log", "w", encoding="utf-8") as log:
            if (self.kunit("config", log, *configs, *options)
                    or self.make(log, "linux", jobs=self.jobs)):
                raise Failure(f"without a mutation the kernel does not build ({log.name})")

    def hook_in(self):
        """As run.sh does it: by a link in the kernel's tree, and a Kconfig that reads ours."""
        link = TREE / self.hook
        link.unlink(missing_ok=True)
        link.symlink_to(self.copy)
        kconfig = (TREE / "Kconfig").read_text() + f'\nsource "{self.hook}/Kconfig"\n'
        (self.build / "Kconfig.xengt").write_text(kconfig)

    def kunit(self, action, log, *options, timeout=None):
        return self.processes.run(["tools/testing/kunit/kunit.py", action, "--arch=um",
                                   f"--build_dir={self.build}", *options], log, timeout)

    def make(self, log, *goals, jobs=1):
        return self.processes.run(["make", f"O={self.build}", "ARCH=um", f"-j{jobs}",
                                   *self.options, *goals], log)

    def rebuild(self, log):
        """Builds what changed in the project, and no other of the kernel's 300 directories."""
        # It has the paths of the objects: that these changed is not seen by its time.
        (self.build / "vmlinux.a").unlink(missing_ok=True)
        # One job, so that the goals are made in their order.
        return self.make(log, f"build-dir={self.hook}", self.hook, "linux")

    def run_suite(self, log, glob):
        """What kunit.py makes of a run; nothing of an earlier one is there."""
        results = self.build / "result.json"
        results.unlink(missing_ok=True)
        # uml_dir: else UML leaves a directory in ~/.uml for each crash.
        self.kunit("exec", log, f"--timeout={TIMEOUT}", f"--json={results}",
                   f"--kernel_args=uml_dir={self.build}/uml/", glob, timeout=TIMEOUT + 60)
        return results

    @contextlib.contextmanager
    def mutated(self, mutation):
        texts = edited(mutation)
        try:
            for path, text in texts.items():
                (self.copy / path).write_text(text)
            yield
        finally:
            for path in texts:
                shutil.copyfile(REPO / path, self.copy / path)

    def attempt(self, mutation):
        """Raises Failure if the mutation is not caught."""
        path = WORK / f"{mutation['name']}.log"
        with open(path, "w", encoding="utf-8") as log, self.mutated(mutation):
            if self.rebuild(log):
                raise Failure(f"does not build ({path})")
            results = self.run_suite(log, mutation["caught_by"])
            if not have_failed(results, mutation["caught_by"], path):
                raise Failure(f"not caught by {mutation['caught_by']} ({path})")


# Results


def statuses(group):
    yield from (case["status"] for case in group["test_cases"])
    for sub in group["sub_groups"]:
        yield from statuses(sub)


def named(group, name):
    """The suites or cases of a name in a group of kunit.py's results."""
    yield from (sub for sub in group["sub_groups"] if sub["name"] == name)
    for case in group["test_cases"]:
        if case["name"] == name:
            yield {"sub_groups": [], "test_cases": [case]}


def ended_badly(name, log):
    """What has no end, such as a case that still waits, is not among kunit.py's results."""
    said = log.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\[CRASHED\] {re.escape(name)}\b", said) is not None


def have_failed(results, caught_by, log):
    """Did the suite or the case fail? Crashed counts, if it had begun."""
    suite, _, case = caught_by.partition(".")
    if ended_badly(case or suite, log):
        return True
    try:
        groups = list(named(json.loads(results.read_text()), suite))
    except (OSError, ValueError) as error:
        raise Failure(f"no results of {caught_by} ({log})") from error
    if case:
        groups = [found for group in groups for found in named(group, case)]
    found = [status for group in groups for status in statuses(group)]
    if not found:
        raise Failure(f"{caught_by} did not run ({log})")
    return any(status in ("FAIL", "ERROR") for status in found)


# All of them


class Tally:
    """Says what became of each mutation, and counts."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = 0

    def passes(self, name, text):
        with self.lock:
            self.passed += 1
            print(f"ok - {name}: {text}", flush=True)

    def fails(self, name, text):
        with self.lock:
            self.failed += 1
            print(f"not ok - {name}: {text}", flush=True)


def judge(worker, mutation, tally):
    try:
        worker.attempt(mutation)
        tally.passes(mutation["name"], f"caught by {mutation['caught_by']}")
    except Failure as failure:
        tally.fails(mutation["name"], failure)


def work(worker, waiting, tally):
    """What a thread does: one mutation after the other."""
    with contextlib.suppress(queue.Empty, Stopped):
        try:
            worker.prepare()
        except Failure as failure:
            tally.fails(worker.hook, failure)
            return
        while True:
            judge(worker, waiting.get_nowait(), tally)


def try_all(mutations, nr_workers):
    """Tries those that change a file one after the other: then little is compiled again."""
    waiting, processes, tally = queue.SimpleQueue(), Processes(), Tally()
    for mutation in sorted(mutations, key=lambda m: [edit["file"] for edit in m["edit"]]):
        waiting.put(mutation)
    jobs = max(1, (os.cpu_count() or 1) // nr_workers)
    threads = [threading.Thread(target=work, args=(Worker(n, jobs, processes), waiting, tally))
               for n in range(nr_workers)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        processes.stop()
    while not waiting.empty():
        tally.fails(waiting.get()["name"], "not tried")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed == 0


@contextlib.contextmanager
def alone():
    """One run at a time in a cache."""
    WORK.mkdir(parents=True, exist_ok=True)
    with open(WORK / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(mutations, nr_workers):
    subprocess.run([HERE / "run.sh", "-u"], check=True)
    os.nice(5)
    with alone():
        return try_all(mutations, max(1, min(nr_workers, len(mutations))))


def show(mutations):
    for mutation in mutations:
        print(mutation["name"])
        print(f"    {mutation['breaks']}\n    caught by {mutation['caught_by']}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true",
                        help="print what each mutation breaks and what catches it; run nothing")
    parser.add_argument("--check", action="store_true",
                        help="print what is wrong with mutations.toml; run nothing")
    parser.add_argument("-j", type=int, default=2, metavar="N",
                        help="how many at a time (default: 2)")
    parser.add_argument("name", nargs="*", metavar="NAME",
                        help="a mutation, or a glob for some (default: all)")
    return parser.parse_args()


def main():
    args = arguments()
    mutations = load()
    wrong = list(complaints(mutations))
    if wrong:
        sys.exit("\n".join(wrong))
    mutations = chosen(mutations, args.name)
    if args.list:
        show(mutations)
    elif not args.check and not run(mutations, args.j):
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except Failure as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
