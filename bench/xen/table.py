# SPDX-License-Identifier: GPL-2.0
"""Makes a table and JSON of the benchmark's lines on a real Xen.

Usage: table.py JSON <LINES, which are "KIND WORKLOAD MODE UPDATES SYNCS MICROSECONDS TRAPS MAPS UNMAPS PEAK IOTLB"
"""

import json
import sys

NAMES = "updates syncs microseconds traps maps unmaps peak iotlb".split()
COUNTS = "traps maps unmaps iotlb".split()


def read(lines):
    for line in lines:
        kind, workload, mode, *numbers = line.split()
        row = dict(zip(NAMES, map(int, numbers)))
        row.update(kind=kind, workload=workload, mode=mode)
        row["rate"] = row["updates"] * 1e6 / max(row["microseconds"], 1)
        yield row


def compare(rows):
    """Adds how much better than naive each row is, for each entry written; None where it needs none at all."""
    naive = {(r["kind"], r["workload"]): r for r in rows if r["mode"] == "naive"}
    for r in rows:
        base = naive.get((r["kind"], r["workload"]))
        if not base:
            continue
        r["times_rate"] = r["rate"] / base["rate"]
        for name in COUNTS:
            mine = r[name] / r["updates"]
            r["times_fewer_" + name] = base[name] / base["updates"] / mine if mine else None


def show(rows):
    print(f"{'':4} {'workload':9} {'mode':8} {'entries':>8} {'traps':>8} {'maps':>7} {'unmaps':>7} {'IOTLB':>7} {'pages':>6}"
          f" {'entries/s':>10} {'x naive':>8}")
    for r in rows:
        print(f"{r['kind']:4} {r['workload']:9} {r['mode']:8} {r['updates']:8} {r['traps']:8} {r['maps']:7} {r['unmaps']:7}"
              f" {r['iotlb']:7} {r['peak']:6} {r['rate']:10.0f} {r.get('times_rate', 0):8.1f}")


rows = list(read(sys.stdin))
compare(rows)
show(rows)
with open(sys.argv[1], "w") as f:
    json.dump(rows, f, indent=1)
