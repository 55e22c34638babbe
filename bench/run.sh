#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every benchmark, natively and on a real Xen: prints tables, and writes tables, figures and plots into Documentation/bench/.
#
#   bench/run.sh
#
# The packages are installed by name. Documentation/performance.rst says what the figures mean.
# XENGT_BUILD: where results go first (default: .build).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/.." && pwd)
out=${XENGT_BUILD:-$repo/.build}/bench
docs=$repo/Documentation/bench

# publish NAME DIRECTORY: of NAME.json, DIRECTORY/table.py makes NAME.txt, and with NAME.gp NAME.svg.
publish()
{
	cp "$out/$1.json" "$docs/$1.json"
	"$2/table.py" "$out/$1.json" >"$docs/$1.txt"
	"$2/table.py" -d "$out/$1.json" >"$out/$1.dat"
	gnuplot -e "data='$out/$1.dat'; out='$docs/$1.svg'" "$2/$1.gp"
}

"$repo/tests/setup.sh"
mkdir -p "$docs"
echo "=== native"
"$here/native/run.sh"
publish native "$here/native"
echo "=== a real Xen"
XENGT_BENCH=$out/rig.json "$here/xen/run.py"
publish rig "$here/xen"
