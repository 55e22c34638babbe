#!/bin/bash
# The checks on a real Xen, with a PV and with a PVH dom0 (tests/xen/dom0/checks.sh). Builds what they need first.
# Usage: run.sh [pv|pvh [CHECK]]       both by default; CHECK: one of them only, such as check_race
# Prints "ok KIND: NAME" or "not ok KIND: NAME: what was seen" for each, ends with "N passed, N failed"; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
results=$XENGT_BUILD/log/results

check() { # KIND: its lines, each with the kind in it
	local kind=$1 status

	{
		status=0
		"$here/boot.sh" "$kind" checks "${only:-}" 2>&1 || status=$?
		[ "$status" = 0 ] || echo "not ok the run comes to its end: see above"
	} | sed -u "s/^ok /ok $kind: /; s/^not ok /not ok $kind: /; s/^# /# $kind: /" | tee -a "$results"
}

kinds=(pv pvh)
only=
case ${1:-} in
"") ;;
pv | pvh) kinds=("$1") only=${2:-} ;;
*)
	echo "usage: run.sh [pv|pvh [CHECK]]" >&2
	exit 2
	;;
esac

"$here/build.sh"
: >"$results"
for kind in "${kinds[@]}"; do
	check "$kind"
done
passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^not ok ' "$results" || true)
grep '^not ok ' "$results" || true
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
