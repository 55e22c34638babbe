#!/bin/bash
# The checks of the hypervisor's own operation (tests/xen/dom0/devmap.sh), on the patched hypervisor, with each kind of dom0, and
# those of a driver domain (tests/xen/dom0/driver.sh), which is a PV domain of a PV dom0. Builds what they need first.
# Usage: run-devmap.sh [-d] [pv|strict|pvh|driver [CHECK]]       all by default; CHECK: one of them only, such as check_death
#   -d: on a debug build, with assertions; a PVH dom0 only: under this emulator a PV dom0 does not start on a debug build
# Prints "ok KIND: NAME" or "not ok KIND: NAME: what was seen" for each, ends with "N passed, N failed"; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
results=$XENGT_BUILD/log/results.devmap
. "$here/runs.sh"
kinds=(pvh strict pv driver)
flags=()
if [ "${1:-}" = -d ]; then
	flags=(-d)
	kinds=(pvh)
	shift
fi
case ${1:-} in
"") ;;
pv | strict | pvh | driver) kinds=("$1") ;;
*)
	echo "usage: run-devmap.sh [-d] [pv|strict|pvh|driver [CHECK]]" >&2
	exit 2
	;;
esac

"$here/build.sh"
: >"$results"
use_patched_xen "${flags[@]}"
# What check_caller maps is what a caller can have.
export XENGT_XEN_OPTIONS="dev_map_limit=100000"
for kind in "${kinds[@]}"; do
	if [ "$kind" = driver ]; then
		run_suite driver pv driver "${2:-}"
	else
		run_suite "$kind" "$kind" devmap "${2:-}"
	fi
done
sum_up
