# SPDX-License-Identifier: GPL-2.0
"""The suites of tests/xen/dom0, which checks they have, and the kinds of Xen and dom0 they are
run on."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DOM0 = Path(__file__).resolve().parent.parent / "dom0"
CHECK = re.compile(r"^\s*(?:! wanted \w+ \|\| )?(?:run|subtest) (\w+)")
MORE = re.compile(r"^run_(\w+)_checks$")


@dataclass(frozen=True)
class Run:
    """A suite on a kind of Xen with a kind of dom0. Its lines and logs have the name in them."""

    name: str
    suite: str
    dom0: str  # pv, strict, pvh
    xen: str = "stock"  # patched: with the patches of xen/; debug: that with assertions
    hypervisor_words: str = ""
    backend: str = (
        ""  # that has to be chosen: on a patched Xen on which it is not, whatever passes is nothing
    )
    gpu: str = ""  # an Intel GPU in the machine (tests/gpu), one of GPUS

    def how(self):
        """The Xen, the dom0 and the GPU, in words."""
        return ", ".join(filter(None, (self.xen, self.dom0, GPUS.get(self.gpu))))


GPUS = {"skl": "Skylake", "skl-pipe": "Skylake", "bdw": "Broadwell"}

# What check_caller maps is what a caller can have.
LIMIT = "dev_map_limit=100000"

RUNS = (
    Run("pv", "checks", "pv"),
    Run("pvh", "checks", "pvh"),
    Run("native-pv", "checks", "pv", "patched", backend="native"),
    Run("native-strict", "checks", "strict", "patched", backend="native"),
    Run("native-pvh", "checks", "pvh", "patched", backend="native"),
    Run("pv", "i915", "pv"),
    Run("pvh", "i915", "pvh"),
    Run("memset", "memset", "pv"),
    Run("gpu-pv", "gpu", "pv", gpu="skl"),
    Run("gpu-strict", "gpu", "strict", "patched", backend="native", gpu="skl"),
    Run("gpu-pvh", "gpu", "pvh", gpu="skl"),
    Run("gpu-broadwell", "gpu", "pvh", gpu="bdw"),
    Run("bar-pvh", "bar", "pvh", gpu="skl"),
    Run("gvt-pvh", "gvt", "pvh", gpu="skl-pipe"),
    Run("gvt-pv", "gvt", "pv", gpu="skl-pipe"),
    Run("gvt-strict", "gvt", "strict", "patched", backend="native", gpu="skl-pipe"),
    Run("pvh", "devmap", "pvh", "patched", LIMIT),
    Run("strict", "devmap", "strict", "patched", LIMIT),
    Run("pv", "devmap", "pv", "patched", LIMIT),
    # Under this emulator a PV dom0 does not start on a debug build.
    Run("debug", "devmap", "pvh", "debug", LIMIT),
    Run("driver", "driver", "pv", "patched", LIMIT),
    Run("driver-strict", "driver", "strict", "patched", LIMIT),
)


HVM = ("gvt", "check_hvm")  # a suite and its check that has an HVM guest
BEGIN = "begin"  # what is before the first check; a part of each boot


def runs(suite):
    return [run for run in RUNS if run.suite == suite]


@cache
def checks(suite):
    """The names of a suite's checks, in their order."""
    names = []
    for line in (DOM0 / f"{suite}.sh").read_text(encoding="utf-8").splitlines():
        if more := MORE.match(line):
            # A file of its own has a function that runs them.
            names += [check for check in checks(more[1]) if check not in names]
        elif (check := CHECK.match(line)) and check[1] not in names:
            names.append(check[1])
    return tuple(names)


def selection(suite, wanted):
    """Which checks to make, and which not to make, so that those that are wanted are made; the
    shorter list of the two."""
    leave = [check for check in checks(suite) if check not in (*wanted, BEGIN)]
    make = [check for check in wanted if check != BEGIN]
    return ([], leave) if len(leave) <= len(make) else (make, [])


def has_hvm_guest(suite, only, skip):
    """Whether a boot that makes only some checks, or does not make some, has an HVM guest."""
    return suite == HVM[0] and HVM[1] not in skip and (HVM[1] in only or not any(only))
