#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The random tests again and again, each time with other seeds and longer than in run.sh; then the
# storms on a real Xen, with each kind of dom0. "N passed, N failed" is the last line.
# ROUNDS: how often the random tests are run (4, of 5 to 10 minutes each); SEED: of the first round
# (by default the day, so that each day has others; it is printed).
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
logs=${XENGT_BUILD:-$here/../.build}/logs
rounds=${ROUNDS:-4}
seed=${SEED:-$(date +%Y%m%d)}
storms=(check_race check_random check_balloon_cycles check_destroy_in_storm check_unload_in_storm
	check_twenty_guests)
passed=0
failed=0
mkdir -p "$logs"

# add LOG: what its last line says; none is a failure
add() {
	local line

	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -1)
	line=${line:-0 passed, 1 failed}
	echo "$line"
	passed=$((passed + ${line%% *}))
	line=${line#*, }
	failed=$((failed + ${line%% *}))
}

for round in $(seq "$rounds"); do
	echo "=== round $round of $rounds, seed $seed"
	"$here/kunit/run.sh" -v plain -a ppgtt_random_test.writes=60000 \
		-a "ppgtt_random_test.seed=$seed" 'xengt_ppgtt_random*' >"$logs/stress-$round.log" 2>&1
	grep -hE 'EXPECTATION FAILED|see above|\[FAILED\]' "$logs/stress-$round.log"
	add "$logs/stress-$round.log"
	seed=$((seed + 100))
done
for run in pv pvh; do
	for check in "${storms[@]}"; do
		echo "=== $run: $check"
		"$here/xen/run.sh" "test_checks.py::test_check[$run-$check]" >"$logs/stress-$run-$check.log" 2>&1
		grep '^not ok ' "$logs/stress-$run-$check.log"
		add "$logs/stress-$run-$check.log"
	done
done
echo "=== all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
