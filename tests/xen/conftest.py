# SPDX-License-Identifier: GPL-2.0
"""Makes an item of each check and each run of its suite, gives it the run, and counts what dom0
reported.

What is counted is dom0's single results, of which an item has many; an item that has none counts
as one. A line "not ok" is said again at the end for each that failed, and "N passed, N failed"
is the last line. Before it is a line for tests/matrix.py for each run.
"""

from collections import Counter

import pytest

from harness import boot, images, run, suites

counted = Counter(passed=0, failed=0)
counted_of = {}  # by the name of a run and what it has run on
failures = []


def pytest_generate_tests(metafunc):
    if "suite_run" not in metafunc.fixturenames:
        return
    suite = metafunc.module.SUITE
    metafunc.parametrize(
        ["suite_run", "check"],
        [
            pytest.param(
                of,
                check,
                id=f"{of.name}-{check}",
                marks=[getattr(pytest.mark, of.xen), getattr(pytest.mark, of.dom0)],
            )
            for of in suites.runs(suite)
            for check in suites.checks(suite)
        ],
        indirect=["suite_run"],
        scope="module",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Each run by itself, and its checks in the order in which dom0 makes them."""

    def place(item):
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "suite_run" not in params:
            return ()
        of = params["suite_run"]
        return suites.RUNS.index(of), suites.checks(of.suite).index(params["check"])

    items.sort(key=place)


@pytest.fixture(scope="session")
def shown(request):
    """A context in which what is printed is seen at once, not with the results of an item."""
    return request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled


@pytest.fixture(scope="session")
def built(shown):
    with shown():
        print(flush=True)
        images.build()


@pytest.fixture(scope="module")
def suite_run(request, built, shown):
    """A run of a suite, which boots when its first result is asked for. Only the checks that are
    items are made in it."""
    of = request.param
    chosen = [
        item.callspec.params["check"]
        for item in request.session.items
        if hasattr(item, "callspec") and item.callspec.params.get("suite_run") is of
    ]
    with shown():
        hypervisor = images.hypervisor(of.xen)

    def say(text):
        with shown():
            print(f"\n{of.name}: {text}", flush=True)

    def start(number, checks):
        log = images.LOGS / (f"{of.name}-{of.suite}" + (f".{number}" if number > 1 else ""))
        return boot.Boot(
            log,
            of.dom0,
            of.suite,
            hypervisor,
            of.hypervisor_words,
            *suites.selection(of.suite, checks),
            of.gpu,
        )

    running = run.Run(start, chosen, of.backend, say)
    yield running
    running.close()


@pytest.fixture
def judge(request, record_property):
    """Fails the item if a check has bad results in its run, or none."""
    of = request.node.callspec.params["suite_run"]

    def judge(running, check):
        results = running.results(check)
        for result in results:
            print(result)
        bad = [str(result) for result in results if not result.ok]
        if not results:
            pytest.fail("no result", pytrace=False)
        record_property("passed", len(results) - len(bad))
        record_property("failed", len(bad))
        counted_of.setdefault((of.suite, of.how(), running.versions), Counter()).update(
            passed=len(results) - len(bad), failed=len(bad)
        )
        failures.extend(
            line.split("\n")[0].replace("not ok ", f"not ok {of.name}: {check}: ", 1)
            for line in bad
        )
        if bad:
            listed = "\n".join(bad).replace("\n", "\n    ")
            pytest.fail(f"{len(bad)} of {len(results)} results:\n    {listed}", pytrace=False)

    return judge


def pytest_runtest_logreport(report):
    properties = dict(report.user_properties)
    if report.when == "call" and "passed" in properties:
        for name in counted:
            counted[name] += properties[name]
    elif report.failed:
        counted["failed"] += 1
        failures.append(f"not ok {report.nodeid}: {reason(report)}")
    elif report.when == "call" and report.passed:
        counted["passed"] += 1


def reason(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else report.longreprtext).strip().split("\n")[0]


def pytest_report_teststatus(report):
    passed = dict(report.user_properties).get("passed")
    if report.when == "call" and report.passed and passed:
        return "passed", ".", f"PASSED ({passed})"
    return None


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session):
    yield
    if session.config.option.collectonly:
        return
    writer = session.config.get_terminal_writer()
    for (suite, how, versions), count in counted_of.items():
        writer.line(f"matrix: {suite}; {how}; {versions}; {count['passed']}; {count['failed']}")
    for line in failures:
        writer.line(line)
    writer.line(f"{counted['passed']} passed, {counted['failed']} failed")
