#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Measures the modules natively, in user-mode Linux, and a cache in red-black trees for comparison (native_bench.c).
#
#   bench/native/run.sh [-r RUNS]
#     -r  how often the kernel is booted (default 3); the fastest figure of all counts
#
# Prints a table and writes .build/bench/native.json.
#
# KUNIT_CACHE, LINUX_TARBALL: as in tests/kunit/run.sh. XENGT_BUILD: where results go (default: .build).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
out=${XENGT_BUILD:-$repo/.build}/bench
cache=${KUNIT_CACHE:-$repo/.kunit}
runs=3

usage()
{
	sed -n '3,6s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while getopts r: opt; do
	case $opt in
	r)	runs=$OPTARG ;;
	*)	usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || usage

mkdir -p "$out"
: >"$out/native.log"
for run in $(seq "$runs"); do
	echo "measuring, $run of $runs"
	if ! "$repo/tests/kunit/run.sh" -v bench 'native_bench*' >"$out/kunit.log" 2>&1; then
		tail -20 "$out/kunit.log" >&2
		echo "the benchmark failed ($out/kunit.log)" >&2
		exit 1
	fi
	grep -h '^native bench: {' "$cache"/*-plain/test.log >>"$out/native.log"
done
"$here/gather.py" "$out/native.log" >"$out/native.json"
"$here/table.py" "$out/native.json"
