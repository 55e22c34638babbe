#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Breaks each of the design's invariants on purpose, and expects the KUnit suites to notice.
#
#   tests/kunit/mutations/run.sh [NAME...]
#
# Each NAME.patch here breaks a copy of the project in one way and says which invariant that is ("Breaks:")
# and which suite or case has to fail ("Caught by:"). Takes about half a minute for each, after a first build;
# not part of make test.
#
# KUNIT_CACHE, LINUX_TARBALL: as in tests/kunit/run.sh. The last line is "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../../.." && pwd)
cache=${KUNIT_CACHE:-$repo/.kunit}/mutations
copy=$cache/project
passed=0
failed=0

copy_project()
{
	rm -rf "$copy.new"
	mkdir -p "$copy.new/tests"
	cp -a "$repo"/{Kbuild,Kconfig,include,drivers} "$copy.new"
	cp -a "$repo/tests/kunit" "$copy.new/tests"
	# What did not change keeps its time, so that it is not compiled again.
	rsync -rlc --delete "$copy.new/" "$copy/"
	rm -rf "$copy.new"
}

# Did the suite or case fail? 0: yes, 1: no, 2: nothing ran.
caught()
{
	python3 - "$1" "$2" <<'EOF'
import json, sys

suite, _, case = sys.argv[2].partition(".")

def statuses(group):
    for test in group["test_cases"]:
        yield test["status"]
    for sub in group["sub_groups"]:
        yield from statuses(sub)

def named(group, name):
    for sub in group["sub_groups"]:
        if sub["name"] == name:
            yield sub
    for test in group["test_cases"]:
        if test["name"] == name:
            yield {"sub_groups": [], "test_cases": [test]}

try:
    with open(sys.argv[1]) as f:
        found = list(named(json.load(f), suite))
except (OSError, ValueError):
    sys.exit(2)
if case:
    found = [c for s in found for c in named(s, case)]
results = [status for group in found for status in statuses(group)]
sys.exit(2 if not results else not any(r in ("FAIL", "ERROR") for r in results))
EOF
}

try()
{
	local patch=$1 name by log
	name=$(basename "$patch" .patch)
	by=$(sed -n 's/^Caught by: //p' "$patch")
	log=$cache/$name.log

	copy_project
	if ! patch -d "$copy" -p1 --no-backup-if-mismatch <"$patch" >"$log" 2>&1; then
		echo "not ok - $name: does not apply ($log)"
		return 1
	fi
	rm -f "$cache"/*-plain/result.json
	KUNIT_CACHE=$cache TIMEOUT=${TIMEOUT:-180} "$copy/tests/kunit/run.sh" -v plain "$by" \
		>>"$log" 2>&1 || true
	if caught "$cache"/*-plain/result.json "$by"; then
		echo "ok - $name: caught by $by"
	else
		echo "not ok - $name: not caught by $by ($log)"
		return 1
	fi
}

if ! command -v rsync >/dev/null || ! command -v patch >/dev/null; then
	echo "installing rsync patch"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rsync patch \
		>/dev/null
fi
mkdir -p "$copy"
if [ $# -gt 0 ]; then
	patches=("${@/#/$here/}")
	patches=("${patches[@]/%/.patch}")
else
	patches=("$here"/*.patch)
fi
for patch in "${patches[@]}"; do
	if try "$patch"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
