#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the tests and adds up: "N passed, N failed" is the last line. Each part prints its own such
# line, as its last; a part that fails without one counts as one failure. What failed, and how long
# each part took, is said again at the end.
# Usage: run.sh [-a]
#   -a  all of them: also the random tests at their full length, the benchmark, each promise broken
#       on purpose (tests/kunit/mutations.toml), the patched Xen with each kind of dom0, and its
#       debug build
set -uo pipefail

all=
[ "${1:-}" != -a ] || all=1
here=$(cd "$(dirname "$0")" && pwd)
logs=${XENGT_BUILD:-$here/../.build}/logs
mkdir -p "$logs"
logs=$(cd "$logs" && pwd)
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

# xen NAME PYTEST_ARGUMENT...: a part on a real Xen
xen() {
	local name=$1
	shift
	part "$name" "$here/xen/run.sh" --junitxml="$logs/$name.xml" "$@"
}

rm -f "$logs"/*.log "$logs"/*.xml
part static "$here/static/run.sh"
part abi "$here/kunit/abi/run.sh"
# KASAN and lockdep take their time: what is random gets its full length without them.
part kunit "$here/kunit/run.sh" -v debug -a ppgtt_random_test.writes=6000
xen harness harness
xen xen test_checks.py -m stock
# Of the patched Xen one kind of dom0 with each suite: both kinds and a driver domain have a turn.
xen native test_checks.py -m 'patched and pvh'
xen devmap test_devmap.py -m strict
xen driver test_driver.py -m pv
if [ -n "$all" ]; then
	xen native-pv test_checks.py -m 'patched and pv'
	xen native-strict test_checks.py -m strict
	xen devmap-pv test_devmap.py -m pv
	xen devmap-pvh test_devmap.py -m 'pvh and not debug'
	part plain "$here/kunit/run.sh" -v plain
	part bench "$here/kunit/run.sh" -v bench 'native_bench*'
	xen memset test_memset.py
	xen devmap-debug test_devmap.py -m debug
	part mutations "$here/kunit/mutations.py"
fi

echo "=== all"
grep -hE '^not ok |\[FAILED\]' "$logs"/*.log
echo "${times# }" | sed 's/,$//'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
