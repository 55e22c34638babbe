# SPDX-License-Identifier: GPL-2.0
"""Makes JSON of the benchmark's lines on a real Xen.

Usage: collect.py JSON <LINES, which are "KIND WORKLOAD MODE UPDATES SYNCS MICROSECONDS TRAPS MAPS UNMAPS PEAK IOTLB"
"""

import json
import sys

NAMES = "updates syncs microseconds traps maps unmaps peak iotlb".split()
COUNTS = "traps maps unmaps iotlb".split()


def read(lines):
    for line in lines:
        kind, workload, mode, *numbers = line.split()
        row = {"kind": kind, "workload": workload, "mode": mode, **dict(zip(NAMES, map(int, numbers), strict=True))}
        row["rate"] = row["updates"] * 1e6 / max(row["microseconds"], 1)
        yield row


def compare(rows):
    """How much better than the mode "naive" each row is, for each entry written; None where it needs none at all."""
    naive = {(r["kind"], r["workload"]): r for r in rows if r["mode"] == "naive"}
    for r in rows:
        base = naive.get((r["kind"], r["workload"]))
        if not base:
            continue
        r["times_rate"] = r["rate"] / base["rate"]
        for name in COUNTS:
            mine = r[name] / r["updates"]
            r["times_fewer_" + name] = base[name] / base["updates"] / mine if mine else None


rows = list(read(sys.stdin))
compare(rows)
with open(sys.argv[1], "w") as f:
    json.dump(rows, f, indent=1)
