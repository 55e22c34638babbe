#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Prints the results of bench/native/run.sh.

    table.py [-d] JSON      -d: as data for gnuplot, a column for each operation and kind
"""
import json
import sys

HOWS = ("pv", "physmap", "rbtree")
# What to show: the operation of the table of mappings, and what the trees do instead
ROWS = (("cached", "cached", "map + release of one GFN in use"),
        ("hot", "hot", "the same, with only 1 Ki GFNs used"),
        ("cached_batch", "cached_batch", "the same in batches of 512, for each GFN"),
        ("revived", "rebound", "release + map of a GFN with no other user"),
        ("revived_batch", None, "the same in batches of 512, for each GFN"),
        ("drain", None, "unmapping an old idle page among 15 young ones, hypercall included"))

# Figures of the modules only, each with sizes of its own
OWN_ROWS = (("trap", "entries", "a trapped write, with so many entries that wait for a sync"),
            ("look", "pages", "a sync's scan of an unsync page, of so many"),
            ("event", "entries", "a balloon event, for each live entry, hypercalls left out"),
            ("rewrite", "entries", "... of this, rewriting the entries whose GFN was remapped"))

# The comparison with GVT's shadow page tables
GTT_HOWS = ("gvt", "pv strict", "pv hybrid", "physmap strict", "physmap hybrid")
GTT_COLUMNS = ("traps", "hypercalls", "mapped", "flushes")


def load(path):
    with open(path) as f:
        return json.load(f)["results"]


def figure(results, what, how, mappings, field="ns", layout=None):
    for r in results:
        if (r["what"], r["how"], r["mappings"], r.get("layout")) == (what, how, mappings, layout):
            return r[field]
    return None


def own_sizes(results, what):
    return sorted({r["mappings"] for r in results if r["what"] == what})


def cells(results, row, mappings):
    return [figure(results, row[1] if how == "rbtree" else row[0], how, mappings) for how in HOWS]


def show(value):
    return f"{value:.1f}" if value is not None else "-"


def print_table(results, sizes):
    for row in ROWS:
        print(f"\n{row[2]}, ns\n{'mappings':>10}" + "".join(f"{how:>10}" for how in HOWS))
        for n in sizes:
            print(f"{n:>10}" + "".join(f"{show(v):>10}" for v in cells(results, row, n)))
    for what, of, text in OWN_ROWS:
        print(f"\n{text}, ns\n{of:>10}" + "".join(f"{how:>10}" for how in HOWS[:2]))
        for n in own_sizes(results, what):
            print(f"{n:>10}" + "".join(f"{show(figure(results, what, how, n)):>10}" for how in HOWS[:2]))
    print(f"\nbytes for a mapping\n{'':>10}" + "".join(f"{how:>10}" for how in HOWS))
    for layout, n in (("dense", max(sizes)), ("sparse", 2048)):
        row = [figure(results, "memory", how, n, "bytes", layout) for how in HOWS]
        print(f"{layout:>10}" + "".join(f"{show(v and v / n):>10}" for v in row))


def gtt_result(results, workload, how):
    return next(r for r in results if (r["what"], r.get("layout"), r["how"]) == ("gtt", workload, how))


def print_gtts(results):
    for workload in dict.fromkeys(r["layout"] for r in results if r["what"] == "gtt"):
        writes = gtt_result(results, workload, "gvt")["mappings"]
        print(f"\nGVT's shadow page tables and these: {workload}, {writes} writes\n{'':>16}" +
              "".join(f"{c:>12}" for c in (*GTT_COLUMNS, "KiB", "ns/write")))
        for how in GTT_HOWS:
            r = gtt_result(results, workload, how)
            print(f"{how:>16}" + "".join(f"{r[c]:>12}" for c in GTT_COLUMNS) +
                  f"{r['bytes'] // 1024:>12}{r['ns'] / writes:>12.0f}")


def print_data(results, sizes):
    for n in sizes:
        values = [v for row in ROWS for v in cells(results, row, n)]
        print(n, " ".join("nan" if v is None else str(v) for v in values))


def promise(text, value, met):
    print(f"{'met' if met else 'MISSED'}: {text}: {value}")


def print_promises(results, sizes):
    print()
    for how in HOWS[:2]:
        ratio = (figure(results, "cached", "rbtree", 262144) /
                 figure(results, "cached", how, 262144))
        promise(f"{how}: map + release at 256 Ki mappings, times as fast as with trees (5)",
                f"{ratio:.1f}", ratio >= 5)
        growth = (figure(results, "hot", how, max(sizes)) /
                  figure(results, "hot", how, min(sizes)))
        promise(f"{how}: growth from 1 Ki to 1 Mi mappings, 1 Ki of them used (1.25)",
                f"{growth:.2f}", growth <= 1.25)
        waiting = own_sizes(results, "trap")
        growth = figure(results, "trap", how, waiting[-1]) / figure(results, "trap", how, waiting[0])
        promise(f"{how}: growth of a trap from 1 Ki to {waiting[-1] // 1024} Ki entries that wait (1.25)",
                f"{growth:.2f}", growth <= 1.25)
        entries = own_sizes(results, "event")[-1]
        ms = figure(results, "event", how, entries) * entries / 1e6
        promise(f"{how}: ms for a balloon event, with {entries // 1024} Ki live entries (15)",
                f"{ms:.1f}", ms <= 15)
        size = figure(results, "memory", how, max(sizes), "bytes", "dense") / max(sizes)
        promise(f"{how}: bytes for a mapping, dense (16)", f"{size:.1f}", size <= 16)


def print_gtt_promises(results):
    for how in GTT_HOWS[1:]:
        for workload, column, times in (("media", "hypercalls", 10), ("media", "mapped", 10)):
            ratio = (gtt_result(results, workload, "gvt")[column] /
                     gtt_result(results, workload, how)[column])
            promise(f"{how}: {column} of {workload}, times fewer than GVT's ({times})",
                    f"{ratio:.1f}", ratio >= times)
        if how.endswith("hybrid"):
            ratio = (gtt_result(results, "fill", "gvt")["traps"] /
                     gtt_result(results, "fill", how)["traps"])
            promise(f"{how}: traps of fill, times fewer than GVT's (50)", f"{ratio:.0f}", ratio >= 50)


def main():
    args = sys.argv[1:]
    results = load(args[-1])
    sizes = sorted({r["mappings"] for r in results if r["what"] == "cached"})
    if args[0] == "-d":
        print_data(results, sizes)
    else:
        print_table(results, sizes)
        print_gtts(results)
        print_promises(results, sizes)
        print_gtt_promises(results)


main()
