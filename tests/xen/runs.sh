# SPDX-License-Identifier: GPL-2.0
# What run.sh and run-devmap.sh have in common: runs of a suite in a boot of its own, which go on in a new boot where the emulator hung,
# and the sum of all. Sourced by bash; a run has a name, which its lines and its logs (boot.sh) have in them.
#   here, results    set by who sources it: the directory of boot.sh; a file of this script's own for the lines of all runs
# shellcheck shell=bash disable=SC2154

hangs=2		# how many a run may have

boot() { # NAME KIND SUITE ONLY SKIP: its lines, each with the name in it; the exit status is boot.sh's
	XENGT_RUN=$1 "$here/boot.sh" "${@:2}" 2>&1 |
		sed -u "s/^ok /ok $1: /; s/^not ok /not ok $1: /; s/^# /# $1: /" | tee "$results.$1"
	return "${PIPESTATUS[0]}"
}

# The checks that have begun, in their order, with commas behind them.
begun() { # NAME
	sed -n "s/^# $1: \(check_[a-z0-9_]*\)\( .*\)\?$/\1/p" "$results.$1" | tr '\n' ','
}

# What counts of a boot that hung: the checks that came to their end, and everything that had failed.
keep_finished() { # NAME
	awk -v start="^# $1: check_" '
		$0 ~ start { printf "%s", block; block = ""; on = 1 }
		/^not ok / { print; next }
		on { block = block $0 "\n" }' "$results.$1" >>"$results"
}

# The emulator can hang: the check in which it did, and those after it, are made in a new boot.
run_suite() { # NAME KIND SUITE [ONLY]
	local name=$1 status left=$hangs done="" these

	while true; do
		status=0
		boot "$name" "$2" "$3" "${4:-}" "$done" || status=$?
		these=$(begun "$name")
		if [ "$status" != 3 ] || [ -z "$these" ] || [ "$left" = 0 ]; then
			break
		fi
		left=$((left - 1))
		these=${these%,}
		[ "$these" = "${these%,*}" ] || done+="${these%,*},"
		keep_finished "$name"
		echo "# $name: nothing was heard any more in ${these##*,}: going on with that in a new boot"
	done
	[ "$status" = 0 ] || echo "not ok $name: the run comes to its end: see above" | tee -a "$results.$name"
	cat "$results.$name" >>"$results"
}

# The patched hypervisor, for the boots that follow.
use_patched_xen() { # [-d]
	if ! XENGT_XEN=$("$here/build-xen.sh" "$@"); then
		echo "not ok the patched Xen is built: see above" | tee -a "$results"
		sum_up
		exit 1
	fi
	export XENGT_XEN
}

# The last line, and the exit status.
sum_up() {
	local passed failed

	passed=$(grep -c '^ok ' "$results" || true)
	failed=$(grep -c '^not ok ' "$results" || true)
	grep '^not ok ' "$results" || true
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}
