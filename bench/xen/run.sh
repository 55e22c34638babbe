#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark on a real Xen, with a PV and with a PVH dom0: bench/xen/workloads.sh, in QEMU. Builds what it needs first.
#
#   bench/xen/run.sh [pv|pvh [WORKLOAD]]
#
# Prints what it measures, then a table, and writes JSON to XENGT_BENCH (default: .build/bench/rig.json). Counts are exact. Times are
# those of an emulated machine: only their ratios mean something.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
json=${XENGT_BENCH:-$project/.build/bench/rig.json}
kinds=(pv pvh)
[ -z "${1:-}" ] || kinds=("$1")

"$project/tests/xen/build.sh"
mkdir -p "$(dirname "$json")"
lines=$json.lines
: >"$lines"
for kind in "${kinds[@]}"; do
	echo "=== Xen with a ${kind^^} dom0, in QEMU"
	XENGT_LONGEST=${XENGT_LONGEST:-3600} "$project/tests/xen/boot.sh" "$kind" workloads "${2:-}" | tee "$lines.$kind"
	if grep '^not ok ' "$lines.$kind"; then
		exit 1
	fi
	sed -n "s/^result /$kind /p" "$lines.$kind" >>"$lines"
done
python3 "$here/collect.py" "$json" <"$lines"
"$here/table.py" "$json"
