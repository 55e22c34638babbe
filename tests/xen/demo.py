#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The demo, from a fresh Debian machine: builds, then boots stock Xen in QEMU, first with a PV
dom0, then with a PVH dom0, and then with a PVH dom0 whose i915 drives an emulated Intel GPU. It
shows the whole way of a guest's GTT entry to DMA and back (dom0/demo.sh). In the end two guests with
unmodified drivers have that GPU do their own work, beside dom0 (some checks of dom0/gvt.sh).

Usage: demo.py       exit status 0 if everything was as it has to be
"""

import subprocess
import sys
import time

# tap.py may not be there yet.
subprocess.run([f"{sys.path[0]}/../setup.sh"], check=True)

from harness import boot, images, ktap  # noqa: E402

# Of each run its name, the kind of dom0, the Intel GPU that the machine has (tests/gpu), the suite, and which of its checks.
RUNS = (
    ("PV", "pv", "", "demo", ()),
    ("PVH", "pvh", "", "demo", ()),
    ("PVH, i915", "pvh", "skl", "demo", ()),
    (
        "PVH, GVT",
        "pvh",
        "skl-pipe",
        "gvt",
        ("check_load", "check_batches", "check_two", "check_nothing_left"),
    ),
)


def say(text=""):
    print(text, flush=True)


class Demo:
    """What is shown, of one run after the other."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.counts = {}  # by counter, and then by run

    def fail(self, text):
        self.failed += 1
        say(f"   FAILED: {text}")

    def show_event(self, name, event):
        if isinstance(event, (ktap.Begun, ktap.Done)):
            return
        if isinstance(event, ktap.Result) and event.ok:
            self.passed += 1
            say(f"   yes: {event.name}")
        elif isinstance(event, ktap.Result):
            self.fail(f"{event.name}: {event.seen}")
        elif event.text.startswith("count "):
            _, counter, value = event.text.split()
            self.counts.setdefault(counter, {})[name] = value
        else:
            say(event.text)

    def show(self, name, kind, gpu, suite, only):
        say(
            f"\n=== Debian {images.DEBIAN}: Xen {images.XEN[images.DEBIAN]} with a {kind.upper()} dom0"
            f"{' and an emulated Intel GPU' if gpu else ''}, in QEMU "
            "(about a minute until the guest is up)"
        )
        if suite == "gvt":
            say("Guests with working GPUs: GVT's device model runs on it what their stock i915 submits.")
        log = images.LOGS / "-".join(filter(None, [kind, gpu, "demo"]))
        try:
            for event in boot.Boot(
                log, kind, suite, images.hypervisor("stock"), only=only, gpu=gpu
            ).events():
                self.show_event(name, event)
        except boot.Broken as error:
            self.fail(f"the demo comes to its end: {error}")

    def show_counts(self):
        say(
            "\nWhat the modules counted (Documentation/counters.rst). Most failed maps and moved entries are those of\n"
            "steps d to f, in which entries name pages that the guest does not have, or has given back."
        )
        names = [name for name, _, _, suite, _ in RUNS if suite == "demo"]
        say(
            f"\n{'counter (those that are not 0), by dom0':<40} "
            + " ".join(f"{name:>10}" for name in names)
        )
        for counter, values in self.counts.items():
            if any(value != "0" for value in values.values()):
                say(f"{counter:<40} " + " ".join(f"{values.get(name, '-'):>10}" for name in names))


def main():
    start = time.monotonic()
    demo = Demo()
    images.build()
    for run in RUNS:
        demo.show(*run)
    demo.show_counts()
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    say(f"\nthe demo took {minutes} min {seconds} s")
    if demo.failed:
        sys.exit(f"{demo.failed} of {demo.passed + demo.failed} things were not as they have to be")
    say(
        f"{demo.passed} of {demo.passed} things were as they have to be, with {len(RUNS)} dom0s: "
        "no frame that the GPU could reach went to another domain"
    )


main()
