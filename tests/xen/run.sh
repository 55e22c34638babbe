#!/bin/bash
# The checks on a real Xen (tests/xen/dom0/checks.sh), with each kind of dom0: on stock Xen and, for the backend native, on the patched
# one. Builds what they need first.
# Usage: run.sh [stock|native|RUN [CHECK]|memset]   stock and native by default; CHECK: one of them only, such as check_race
#   RUN: pv, pvh (stock Xen), native-pv, native-strict, native-pvh (the patched one)
#   memset: room for RAM at the GTT (tests/xen/dom0/memset.sh), on stock Xen with a PV dom0
# Prints "ok RUN: NAME" or "not ok RUN: NAME: what was seen" for each, ends with "N passed, N failed"; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
results=$XENGT_BUILD/log/results
. "$here/runs.sh"
stock=(pv pvh)
patched=(native-pv native-strict native-pvh)
only=
memset=

# A patched Xen on which another backend was chosen was none, whatever passed.
native_was_chosen() { # RUN
	local name="$1: the backend native is chosen"

	if grep -q "^# $1: the backend is native$" "$results.$1"; then
		echo "ok $name"
	else
		echo "not ok $name: $(sed -n "s/^# $1: the backend is //p" "$results.$1")"
	fi | tee -a "$results"
}

case ${1:-} in
"") ;;
stock) patched=() ;;
native) stock=() ;;
pv | pvh) stock=("$1") patched=() only=${2:-} ;;
memset) stock=() patched=() memset=memset ;;
native-pv | native-strict | native-pvh) stock=() patched=("$1") only=${2:-} ;;
*)
	echo "usage: run.sh [stock|native|RUN [CHECK]|memset]" >&2
	exit 2
	;;
esac

"$here/build.sh"
: >"$results"
for run in "${stock[@]}"; do
	run_suite "$run" "$run" checks "$only"
done
[ -z "$memset" ] || run_suite memset pv memset
if [ ${#patched[@]} != 0 ]; then
	use_patched_xen
	for run in "${patched[@]}"; do
		run_suite "$run" "${run#native-}" checks "$only"
		native_was_chosen "$run"
	done
fi
sum_up
