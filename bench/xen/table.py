#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the figures of the benchmark on a real Xen, as a table; with -d, as data for rig.gp.

Usage: table.py [-d] JSON
"""

import json
import sys

MODES = "strict nocache posted hybrid".split()


def times(value):
    return "none" if value is None else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def show_table(rows):
    print(f"{'':4} {'workload':11} {'mode':8} {'entries':>8} {'syncs':>6} {'traps':>8} {'maps':>7} {'unmaps':>7} {'IOTLB':>7}"
          f" {'peak':>6} {'entries/s':>10} | times fewer than naive, for each entry: {'traps':>7} {'maps':>7} {'IOTLB':>7}"
          f" | {'times faster':>12}")
    for r in rows:
        line = (f"{r['kind']:4} {r['workload']:11} {r['mode']:8} {r['updates']:8} {r['syncs']:6} {r['traps']:8} {r['maps']:7}"
                f" {r['unmaps']:7} {r['iotlb']:7} {r['peak']:6} {r['rate']:10.0f}")
        if "times_rate" in r:
            line += (f" | {'':39} {times(r['times_fewer_traps']):>7} {times(r['times_fewer_maps']):>7}"
                     f" {times(r['times_fewer_iotlb']):>7} | {times(r['times_rate']):>12}")
        print(line)


def show_data(rows):
    """A block for each kind of dom0: a line for each workload, the modes' rates as multiples of naive."""
    for kind in ("pv", "pvh"):
        print(f'"{kind}"', *MODES)
        for workload in dict.fromkeys(r["workload"] for r in rows if "times_rate" in r):
            rates = {r["mode"]: r["times_rate"] for r in rows if (r["kind"], r["workload"]) == (kind, workload)}
            if rates:
                print(f'"{kind.upper()} {workload}"', *(rates.get(m, "-") for m in MODES))
        print("\n")


args = sys.argv[1:]
show = show_data if args[0] == "-d" else show_table
with open(args[-1]) as f:
    show(json.load(f))
