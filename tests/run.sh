#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the tests and adds up: "N passed, N failed" is the last line. Each part prints its own such
# line, as its last; a part that fails without one counts as one failure. What failed, and how long
# each part took, is said again at the end.
# Usage: run.sh [-a]
#   -a  all of them: also the random tests at their full length, the benchmark, each promise broken
#       on purpose (tests/kunit/mutations.toml), the patched Xen with each kind of dom0, and its debug build
set -uo pipefail

all=
[ "${1:-}" != -a ] || all=1
here=$(cd "$(dirname "$0")" && pwd)
logs=${XENGT_BUILD:-$here/../.build}/logs
mkdir -p "$logs"
passed=0
failed=0
times=

# part NAME COMMAND...
part() {
	local name=$1 log="$logs/$1.log" line p f rc start=$SECONDS
	shift
	echo "=== $name"
	"$@" 2>&1 | tee "$log"
	rc=${PIPESTATUS[0]}
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1)
	p=$(sed -E 's/^([0-9]+) passed.*/\1/' <<<"${line:-0 passed}")
	f=$(sed -E 's/.* ([0-9]+) failed$/\1/' <<<"${line:-, 0 failed}")
	if [ "$f" -eq 0 ] && { [ "$rc" -ne 0 ] || [ "$p" -eq 0 ]; }; then
		echo "not ok $name: exit status $rc, ${line:-no count}"
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	times+=" $name $((SECONDS - start)) s,"
}

rm -f "$logs"/*.log
part static "$here/static/run.sh"
part abi "$here/kunit/abi/run.sh"
# KASAN and lockdep take their time: what is random gets its full length without them.
part kunit "$here/kunit/run.sh" -v debug -a ppgtt_random_test.writes=6000
part xen "$here/xen/run.sh" stock
# Of the patched Xen one kind of dom0 with each suite: both kinds and a driver domain have a turn.
part native "$here/xen/run.sh" native-pvh
part devmap "$here/xen/run-devmap.sh" strict
part driver "$here/xen/run-devmap.sh" driver
if [ -n "$all" ]; then
	part native-pv "$here/xen/run.sh" native-pv
	part native-strict "$here/xen/run.sh" native-strict
	part devmap-pv "$here/xen/run-devmap.sh" pv
	part devmap-pvh "$here/xen/run-devmap.sh" pvh
	part plain "$here/kunit/run.sh" -v plain
	part bench "$here/kunit/run.sh" -v bench 'native_bench*'
	part memset "$here/xen/run.sh" memset
	part devmap-debug "$here/xen/run-devmap.sh" -d
	part mutations "$here/kunit/mutations.py"
fi

echo "=== all"
grep -hE '^not ok |\[FAILED\]' "$logs"/*.log
echo "${times# }" | sed 's/,$//'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
