#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The benchmark on a real Xen, with a PV and with a PVH dom0: bench/xen/workloads.sh, in QEMU.
Builds what it needs first.

    bench/xen/run.py [pv|pvh [WORKLOAD]]

Prints what it measures, then a table, and writes JSON to XENGT_BENCH (default:
.build/bench/rig.json). Counts are exact. Times are those of an emulated machine: only their
ratios mean something.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
# The packages that the harness imports may not be installed yet.
subprocess.run([PROJECT / "tests/setup.sh"], check=True)
sys.path.insert(0, str(PROJECT / "tests/xen"))

from harness import boot, images, ktap  # noqa: E402

NAMES = "updates syncs microseconds traps maps unmaps peak iotlb".split()
COUNTS = "traps maps unmaps iotlb".split()


def row(kind, text):
    """Of a note "result WORKLOAD MODE NUMBER..."."""
    _, workload, mode, *numbers = text.split()
    result = {
        "kind": kind,
        "workload": workload,
        "mode": mode,
        **dict(zip(NAMES, map(int, numbers), strict=True)),
    }
    result["rate"] = result["updates"] * 1e6 / max(result["microseconds"], 1)
    return result


def measure(kind, workload):
    """What is measured with a kind of dom0: a row for each workload and mode. Whatever fails
    ends it all."""
    failed = False
    booted = boot.Boot(
        images.LOGS / f"{kind}-workloads",
        kind,
        "workloads",
        images.hypervisor("stock"),
        only=[workload],
    )
    for event in booted.events():
        print(event.text if isinstance(event, ktap.Note) else event, flush=True)
        failed |= isinstance(event, ktap.Result) and not event.ok
        if isinstance(event, ktap.Note) and event.text.startswith("result "):
            yield row(kind, event.text)
    if failed:
        sys.exit("not everything was as it has to be")


def compare(rows):
    """How much better than the mode "naive" each row is, for each entry written; None where it
    needs none at all."""
    naive = {(r["kind"], r["workload"]): r for r in rows if r["mode"] == "naive"}
    for r in rows:
        base = naive.get((r["kind"], r["workload"]))
        if not base:
            continue
        r["times_rate"] = r["rate"] / base["rate"]
        for name in COUNTS:
            mine = r[name] / r["updates"]
            r["times_fewer_" + name] = base[name] / base["updates"] / mine if mine else None


def main(kind="", workload=""):
    path = Path(os.environ.get("XENGT_BENCH") or PROJECT / ".build/bench/rig.json")
    images.build()
    rows = []
    for dom0 in [kind] if kind else ["pv", "pvh"]:
        print(f"=== Xen with a {dom0.upper()} dom0, in QEMU", flush=True)
        rows += measure(dom0, workload)
    compare(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))
    subprocess.run([HERE / "table.py", path], check=True)


try:
    main(*sys.argv[1:])
except boot.Broken as error:
    sys.exit(f"{error}")
