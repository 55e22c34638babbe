#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs every test and adds up: "N passed, N failed" is the last line. Each part prints its own such
# line, as its last; a part that fails without one counts as one failure.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
logs=${XENGT_BUILD:-$here/../.build}/logs
mkdir -p "$logs"
passed=0
failed=0

# part NAME COMMAND...
part() {
	local name=$1 log="$logs/$1.log" line p f rc
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
}

part static "$here/static/run.sh"
part abi "$here/kunit/abi/run.sh"
part kunit "$here/kunit/run.sh" -v debug
# That it runs; its figures are for bench/run.sh.
part bench "$here/kunit/run.sh" -v bench 'native_bench_traps*'
part xen "$here/xen/run.sh" stock
part native "$here/xen/run.sh" native
part devmap "$here/xen/run-devmap.sh"

echo "=== all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
