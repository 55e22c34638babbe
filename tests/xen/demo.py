#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The demo, from a fresh Debian machine: builds, then boots stock Xen in QEMU, first with a PV
dom0 and then with a PVH dom0, and shows the whole way of a guest's GTT entry to DMA and back
(dom0/demo.sh).

Usage: demo.py       exit status 0 if everything was as it has to be
"""

import subprocess
import sys
import time

# tap.py may not be there yet.
subprocess.run([f"{sys.path[0]}/../setup.sh"], check=True)

from harness import boot, images, ktap  # noqa: E402

KINDS = ("pv", "pvh")


def say(text=""):
    print(text, flush=True)


class Demo:
    """What is shown, of one kind of dom0 after the other."""

    def __init__(self):
        self.failed = 0
        self.counts = {}  # by counter, and then by kind

    def fail(self, text):
        self.failed += 1
        say(f"   FAILED: {text}")

    def show_event(self, kind, event):
        if isinstance(event, ktap.Result) and event.ok:
            say(f"   yes: {event.name}")
        elif isinstance(event, ktap.Result):
            self.fail(f"{event.name}: {event.seen}")
        elif event.text.startswith("count "):
            _, name, value = event.text.split()
            self.counts.setdefault(name, {})[kind] = value
        else:
            say(event.text)

    def show(self, kind):
        say(
            f"\n=== Debian {images.DEBIAN}: Xen {images.XEN[images.DEBIAN]} with a {kind.upper()} dom0, in QEMU "
            "(about a minute until the guest is up)"
        )
        try:
            for event in boot.Boot(
                images.LOGS / f"{kind}-demo", kind, "demo", images.hypervisor("stock")
            ).events():
                self.show_event(kind, event)
        except boot.Broken as error:
            self.fail(f"the demo comes to its end: {error}")

    def show_counts(self):
        say(f"\n{'counter (those that are not 0)':<34} {'PV dom0':>10} {'PVH dom0':>10}")
        for name, values in self.counts.items():
            if any(value != "0" for value in values.values()):
                say(f"{name:<34} " + " ".join(f"{values.get(kind, '-'):>10}" for kind in KINDS))


def main():
    start = time.monotonic()
    demo = Demo()
    images.build()
    for kind in KINDS:
        demo.show(kind)
    demo.show_counts()
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    say(f"\nthe demo took {minutes} min {seconds} s")
    if demo.failed:
        sys.exit(f"{demo.failed} things were not as they have to be")


main()
