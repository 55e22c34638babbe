# SPDX-License-Identifier: GPL-2.0
"""One boot of a dom0, of some kind, with one suite of tests/xen/dom0 or of bench/xen: what it
reports, with what only QEMU's trace tells filled in.

Usage, in tests/xen: python3 -m harness.boot pv|strict|pvh SUITE [CHECK[,CHECK]... [GPU]]
which boots what is built, and prints the report.
  strict: a PV dom0 whose devices reach its own memory and what it maps
  XENGT_XEN=FILE            another hypervisor, uncompressed
  XENGT_XEN_OPTIONS=WORDS   more for the hypervisor's command line
  XENGT_CPUS=N              another number of CPUs than qemu.py says
  XENGT_SILENCE=SECONDS     without a line, also of the GPU, before it counts as hung (300)
  XENGT_LONGEST=SECONDS     in all (3600)

The full logs stay in the build directory: log/NAME-SUITE[.N].{report,console,iommu,qemu,hung},
where N counts the boots after the first.

Under load the emulator can lose a timer: all CPUs are idle, and go on, as if nothing had been, when
Xen has something to do. That was seen with PVH and with PV dom0s, also before dom0 says its first
word. A machine that is silent has Xen print something every POKE seconds, and every POKE_BOOT
seconds before its first word. The report says so: a wake-up that the modules missed would look the
same.

A PV dom0 of Linux 6.12 can die of an int3 early in its boot: the emulator runs a breakpoint that
the kernel had put into its text, while it patched it, and had taken out again. None of the
project's code has run then, so this counts as the emulator's, as a hang before the first word.
"""

import os
import sys
import time
from pathlib import Path

from . import hang, images, ktap, qemu, suites, trace

POKE = 20  # seconds: guests give up what takes 60
POKE_BOOT = 90  # before dom0's first word, which takes a minute by itself
POKED = "poked"
INT3 = "Oops: int3"
CPUS = {"pv": 2, "strict": 2, "pvh": 1}
DOM0_WORDS = {"pv": "", "strict": "dom0-iommu=strict", "pvh": "dom0=pvh"}
XEN_WORDS = (
    "console=com1 com1=115200 loglvl=warning guest_loglvl=warning dom0_mem=1024M spec-ctrl=no "
    "watchdog=0"
)
# iomem=relaxed: a program reads the GPU's registers beside its driver. tsc=reliable: the emulator is
# so slow that Linux would give its clock up, for one that takes it 0.1 ms to read.
LINUX_WORDS = (
    "console=hvc0 loglevel=4 iomem=relaxed tsc=reliable panic=-1 oops=panic mitigations=off "
    "nowatchdog rcupdate.rcu_cpu_stall_suppress=1"
)


class Broken(Exception):
    """The suite did not come to its end."""


class Hung(Broken):
    """Nothing was heard of it any more, or dom0 died of the emulator before its first word."""


def seconds(name, default):
    return float(os.environ.get(name, default))


class Boot:
    """Files begin with "log"; "hypervisor_words" are more than all have; "only" and "skip" are
    names of checks; "gpu" is an Intel GPU in the machine."""

    def __init__(
        self, log, dom0, suite, hypervisor, hypervisor_words="", only=(), skip=(), gpu=""
    ):
        self.log = Path(log)
        self.what = f"{dom0} dom0, suite {suite}"
        self.silence = seconds("XENGT_SILENCE", 300)
        self.longest = seconds("XENGT_LONGEST", 3600)
        self.start = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for old in self.log.parent.glob(f"{self.log.name}.*"):
            # Those of later boots of the same run are like log.2.report.
            if not old.name.removeprefix(f"{self.log.name}.")[0].isdigit():
                old.unlink()
        words = [
            XEN_WORDS,
            DOM0_WORDS[dom0],
            hypervisor_words,
            os.environ.get("XENGT_XEN_OPTIONS", ""),
        ]
        self.command = qemu.command_line(
            images.emulator(bool(gpu)),
            self.log,
            os.environ.get("XENGT_CPUS", 1 if gpu else CPUS[dom0]),
            str(hypervisor),
            " ".join(filter(None, words)),
            images.KERNEL,
            f"{LINUX_WORDS} suite={suite} kind={dom0} only={','.join(only)} skip={','.join(skip)}",
            images.DOM0_HVM if suites.has_hvm_guest(suite, only, skip) else images.DOM0,
        )
        if gpu:
            self.command = qemu.with_gpu(self.command, self.log, images.IGPU, gpu)
        self.report = open(f"{self.log}.report", "w", encoding="utf-8", buffering=1)

    def note(self, text):
        """Puts a line into the report's log, with the time."""
        print(f"{time.monotonic() - self.start:4.0f} {text}", file=self.report)

    def written_by_gpu(self):
        """How long the log of the GPU is. A dom0 that writes the whole GTT says nothing meanwhile:
        i915 does that in a loop in the kernel, beside a storm on a busy machine for minutes."""
        try:
            return os.path.getsize(f"{self.log}.gpu")
        except OSError:
            return 0

    def lines(self, machine):
        """What dom0 reports, for as long as it does, or its driver goes on with the GPU."""
        heard = time.monotonic()
        written = self.written_by_gpu()
        spoke = False
        while True:
            now = time.monotonic()
            if self.written_by_gpu() != written:
                heard, written = now, self.written_by_gpu()
            if now - self.start > self.longest:
                raise self.broken(f"it has not come to its end in {self.longest:.0f} seconds")
            if now - heard >= self.silence:
                raise self.hung(machine)
            poke = POKE if spoke else POKE_BOOT
            pause = min(poke, heard + self.silence - now, self.start + self.longest - now)
            try:
                line = machine.read_line(max(pause, 0) + 0.01)
            except EOFError:
                raise self.ended(spoke) from None
            if line is not None:
                heard = time.monotonic()
                spoke = True
                yield line
            elif pause == poke:
                yield f"# {self.poke(machine)}, silent for {time.monotonic() - heard:.0f} seconds"

    def poke(self, machine):
        try:
            machine.poke()
            return POKED
        except qemu.Error as error:
            return f"not {POKED} ({error})"

    def events(self):
        """What the suite reports, as events of ktap.py's, up to its end."""
        machine = qemu.Machine(self.log, self.command)
        reader = ktap.Reader()
        seen = trace.Trace(f"{self.log}.iommu")
        try:
            for line in self.lines(machine):
                event = complete(reader.read(line), seen)
                self.note(line)
                if trace.QUESTION.search(line):
                    self.note(f"# by the host: {event}")
                if isinstance(event, ktap.End):
                    return
                if event:
                    yield event
        except (ktap.Error, trace.Missing) as error:
            raise self.broken(str(error)) from error
        finally:
            machine.stop()
            self.report.close()

    def end_of(self, suffix, count):
        """The last lines of a log, with a title."""
        text = self.read(suffix).replace("\r", "")
        lines = [f"    {line}" for line in text.split("\n") if line][-count:]
        return [f"the end of {self.log}.{suffix}:", *lines] if lines else []

    def broken(self, why):
        ends = [*self.end_of("console", 25), *self.end_of("qemu", 5)]
        return Broken("\n".join([f"{self.what}: {why}", *ends]))

    def ended(self, spoke):
        error = self.broken("it ended too early")
        stale = not spoke and INT3 in self.read("console")
        return Hung(f"{error}\n{self.what}: that is the emulator's") if stale else error

    def read(self, suffix):
        """A log, or what of it there is."""
        try:
            return Path(f"{self.log}.{suffix}").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def hung(self, machine):
        Path(f"{self.log}.hung").write_text(hang.report(machine), encoding="utf-8")
        ends = [*self.end_of("hung", 150), *self.end_of("console", 25)]
        return Hung(
            "\n".join([f"{self.what}: nothing heard for {self.silence:.0f} seconds", *ends])
        )


def complete(event, seen):
    """Makes the results that dom0 left to the host, and fills in what notes ask for."""
    if isinstance(event, ktap.Note):
        event.text = seen.fill_in(event.text)
    elif isinstance(event, ktap.Result) and (question := trace.QUESTION.match(event.skipped)):
        judge(event, question, event.skipped[question.end() :].strip(), seen)
    return event


def judge(result, question, wanted, seen):
    try:
        number = seen.answer(question)
    except trace.Missing as error:
        result.ok, result.seen = False, str(error)
        return
    result.ok = number > 0 if wanted == "some" else number == int(wanted)
    result.seen = "" if result.ok else f"{number}, not {wanted}"


def main(dom0, suite, only="", gpu=""):
    boot = Boot(
        images.LOGS / f"{dom0}-{suite}",
        dom0,
        suite,
        images.hypervisor("stock"),
        only=only.split(","),
        gpu=gpu,
    )
    for event in boot.events():
        print(event, flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Broken as error:
        sys.exit(f"boot: {error}")
