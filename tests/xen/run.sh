#!/bin/bash
# The checks on a real Xen, with a PV and with a PVH dom0 (tests/xen/dom0/checks.sh). Builds what they need first.
# Usage: run.sh [pv|pvh [CHECK]]       both by default; CHECK: one of them only, such as check_race
# Prints "ok KIND: NAME" or "not ok KIND: NAME: what was seen" for each, ends with "N passed, N failed"; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
results=$XENGT_BUILD/log/results

boot() { # KIND: its lines, each with the kind in it; the exit status is boot.sh's
	"$here/boot.sh" "$1" checks "${only:-}" 2>&1 |
		sed -u "s/^ok /ok $1: /; s/^not ok /not ok $1: /; s/^# /# $1: /" | tee "$lines"
	return "${PIPESTATUS[0]}"
}

# The emulator can hang: if it did, and no check had failed before, the run counts for nothing and is made once more.
check() { # KIND
	local kind=$1 lines=$results.$1 status=0

	boot "$kind" || status=$?
	if [ "$status" != 0 ] && grep -q 'nothing heard for' "$lines" && ! grep -q '^not ok ' "$lines"; then
		echo "# $kind: nothing was heard any more: trying once more"
		status=0
		boot "$kind" || status=$?
	fi
	[ "$status" = 0 ] || echo "not ok $kind: the run comes to its end: see above" | tee -a "$lines"
	cat "$lines" >>"$results"
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
