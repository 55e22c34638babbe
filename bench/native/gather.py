#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes one JSON file from the figures that the kernels of bench/native/run.sh wrote to their logs.

    gather.py LOG

For each figure the fastest of all runs counts; "slowest" is the slowest one. Bytes and counts are the same in all runs.
"""
import json
import sys


def key(result):
    return tuple(result.get(k) for k in ("what", "how", "layout", "mappings"))


def exact(result):
    return {k: v for k, v in result.items() if k not in ("ns", "slowest")}


def cpu():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    results = {}
    runs = {}
    with open(sys.argv[1]) as f:
        for line in f:
            result = json.loads(line.split("native bench: ", 1)[1])
            best = results.setdefault(key(result), result)
            runs[key(result)] = runs.get(key(result), 0) + 1
            if exact(result) != exact(best):
                sys.exit(f"not the same in all runs: {result}, {best}")
            if "ns" not in result:
                continue
            best["slowest"] = max(best.get("slowest", 0), result["ns"])
            best["ns"] = min(best["ns"], result["ns"])
    if not results or len(set(runs.values())) != 1:
        sys.exit("some run is not complete")
    lines = ",\n".join("    " + json.dumps(r) for r in results.values())
    print(f'{{\n  "cpu": {json.dumps(cpu())},\n  "runs": {max(runs.values())},\n'
          f'  "results": [\n{lines}\n  ]\n}}')


main()
