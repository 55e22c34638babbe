#!/bin/bash
# The checks on a real Xen, with a PV and with a PVH dom0 (tests/xen/dom0/checks.sh). Builds what they need first.
# Usage: run.sh [pv|pvh [CHECK]]       both by default; CHECK: one of them only, such as check_race
# Prints "ok KIND: NAME" or "not ok KIND: NAME: what was seen" for each, ends with "N passed, N failed"; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
results=$XENGT_BUILD/log/results
hangs=2		# how many a run may have

boot() { # KIND SKIP: its lines, each with the kind in it; the exit status is boot.sh's
	"$here/boot.sh" "$1" checks "${only:-}" "$2" 2>&1 |
		sed -u "s/^ok /ok $1: /; s/^not ok /not ok $1: /; s/^# /# $1: /" | tee "$lines"
	return "${PIPESTATUS[0]}"
}

# The checks that have begun, in their order, with commas behind them.
begun() { # KIND
	sed -n "s/^# $1: \(check_[a-z0-9_]*\)$/\1/p" "$lines" | tr '\n' ','
}

# What counts of a boot that hung: the checks that came to their end, and everything that had failed.
keep_finished() { # KIND
	awk -v start="^# $1: check_" '
		$0 ~ start { printf "%s", block; block = ""; on = 1 }
		/^not ok / { print; next }
		on { block = block $0 "\n" }' "$lines" >>"$results"
}

# The emulator can hang: the check in which it did, and those after it, are made in a new boot.
check() { # KIND
	local kind=$1 lines=$results.$1 status left=$hangs done="" these

	while true; do
		status=0
		boot "$kind" "$done" || status=$?
		these=$(begun "$kind")
		if [ "$status" != 3 ] || [ -z "$these" ] || [ "$left" = 0 ]; then
			break
		fi
		left=$((left - 1))
		these=${these%,}
		[ "$these" = "${these%,*}" ] || done+="${these%,*},"
		keep_finished "$kind"
		echo "# $kind: nothing was heard any more in ${these##*,}: going on with that in a new boot"
	done
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
