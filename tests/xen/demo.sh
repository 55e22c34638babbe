#!/bin/bash
# The demo, from a fresh Debian 12 machine: builds, then boots stock Xen in QEMU, first with a PV dom0 and then with a PVH dom0,
# and shows the whole way of a guest's GTT entry to DMA and back (tests/xen/dom0/demo.sh).
# Usage: demo.sh       exit status 0 if everything was as it has to be
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
export XENGT_BUILD=${XENGT_BUILD:-$project/.build/xen}
failed=0
declare -A counts=()
names=()

keep() { # KIND NAME VALUE: a row of the closing table
	[ -n "${counts[pv.$2]:-}${counts[pvh.$2]:-}" ] || names+=("$2")
	counts[$1.$2]=$3
}

show_counts() {
	local name

	printf '%-34s %10s %10s\n' "counter (those that are not 0)" "PV dom0" "PVH dom0"
	for name in "${names[@]}"; do
		[ "${counts[pv.$name]:-0}${counts[pvh.$name]:-0}" != 00 ] || continue
		printf '%-34s %10s %10s\n' "$name" "${counts[pv.$name]:--}" "${counts[pvh.$name]:--}"
	done
}

show() { # KIND
	local line

	while IFS= read -r line; do
		case $line in
		"not ok "*)
			echo "   FAILED: ${line#not ok }"
			failed=$((failed + 1))
			;;
		"ok "*) echo "   yes: ${line#ok }" ;;
		"count "*)
			# shellcheck disable=SC2086
			keep "$1" ${line#count }
			;;
		"# "*) echo "${line#\# }" ;;
		*) echo "$line" ;;
		esac
	done < <("$here/boot.sh" "$1" demo 2>&1 || echo "not ok the demo comes to its end")
}

"$here/build.sh"
for kind in pv pvh; do
	echo
	echo "=== Xen 4.17 with a ${kind^^} dom0, in QEMU (about a minute until the guest is up)"
	show "$kind"
done
echo
show_counts
echo
echo "the demo took $((SECONDS / 60)) min $((SECONDS % 60)) s"
[ "$failed" = 0 ] || {
	echo "$failed things were not as they have to be"
	exit 1
}
