#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds a UML kernel with this project's modules and KUnit suites linked in, runs it, judges the result.
#
#   tests/kunit/run.sh [-k SERIES] [-v plain|debug|bench|all] [-n|-u] [-j JOBS] [-a ARGUMENT]... [SUITE_GLOB]
#     -k  another Linux than 6.1, such as 6.12 or 7.3: of Debian 13 and its backports
#     -v  which kernel: plain, debug (KASAN, lockdep, UBSAN, object debugging), both (all, the default),
#         or bench: the plain one with bench/native in it
#     -n  build nothing but the kernel's image and run nothing
#     -u  only unpack the kernel's source
#     -a  for the kernel's command line, such as ppgtt_random_test.writes=100000
#
# SUITE_GLOB as in kunit.filter_glob: "xen_gpu_map*" or "suite.case".
#
# The kernel is Debian's linux-source package of the series, unpacked once (trimmed) into the cache and never edited.
# The project is hooked in by one symlink (drivers/xengt), a copy of the tree's Kconfig with one more
# "source" line, and "drivers-m", an otherwise empty kbuild variable that is part of vmlinux.
#
# KUNIT_CACHE: the cache (default: .kunit in the project; 0.6 GB and 60 to 300 MB for each kernel).
# LINUX_TARBALL: the kernel source. TIMEOUT: seconds for a run (default 1800).
#
# The last line is "N passed, N failed": KUnit cases (each parameter is one), and for each kernel one
# more that says whether its log is free of reports by KASAN, lockdep and the like.
set -euo pipefail

repo=$(cd "$(dirname "$0")/../.." && pwd)
cache=${KUNIT_CACHE:-$repo/.kunit}
series=6.1
tarball=${LINUX_TARBALL:-}
timeout=${TIMEOUT:-1800}
jobs=$(nproc)
variants="plain debug"
build_only=
unpack_only=
arguments=()
passed=0
failed=0

usage()
{
	sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while getopts k:v:nuj:a: opt; do
	case $opt in
	k)	series=$OPTARG ;;
	v)	case $OPTARG in
		all) ;;
		plain|debug|bench) variants=$OPTARG ;;
		*) usage ;;
		esac ;;
	n)	build_only=1 ;;
	u)	unpack_only=1 ;;
	j)	jobs=$OPTARG ;;
	a)	arguments+=(--kernel_args="$OPTARG") ;;
	*)	usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || usage
glob=${1:-}

# Unpacks what UML, checkpatch and kernel-doc need: the whole tree would be three times as large.
unpack_kernel()
{
	local stamp

	stamp=$(stat -c '%n %s %Y' "$tarball")
	[ "$(cat "$tree.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	echo "unpacking $tarball"
	rm -rf "$tree" "$tree.tmp"
	mkdir -p "$tree.tmp"
	tar xJf "$tarball" -C "$tree.tmp" --strip-components=1 --wildcards \
		--exclude="$ver/drivers/gpu/drm/amd/*.[ch]" \
		--exclude="$ver/drivers/gpu/drm/[j-z]*/*.[ch]" \
		--exclude="$ver/drivers/net/*.[ch]" --exclude="$ver/drivers/media/*.[ch]" \
		--exclude="$ver/drivers/scsi/*.[ch]" --exclude="$ver/drivers/staging/*.[ch]" \
		--exclude="$ver/drivers/infiniband/*.[ch]" --exclude="$ver/sound/*.[ch]" \
		--exclude="$ver/Documentation/*/*" --exclude="$ver/tools/perf/*" \
		--exclude="$ver/tools/testing/selftests/*" \
		--exclude="$ver/arch/*/configs/*_defconfig" \
		--exclude="$ver/arch/[a-t]*/*.[chS]" --exclude="$ver/arch/xtensa/*.[chS]" \
		--exclude="$ver/arch/[a-t]*/*.dts" --exclude="$ver/arch/[a-t]*/*.dtsi"
	mv "$tree.tmp" "$tree"
	echo "$stamp" > "$tree.stamp"
}

# What run_kernel and the judges share: $build, the kernel's build directory.
kunit()
{
	local action=$1 variant=$2 more config=()
	shift 2

	config=(--kunitconfig="$repo/tests/kunit/kunit.config")
	for more in "$variant" "linux-$series"; do
		[ ! -e "$repo/tests/kunit/$more.config" ] ||
			config+=(--kunitconfig="$repo/tests/kunit/$more.config")
	done
	(cd "$tree" && nice -n 5 ./tools/testing/kunit/kunit.py "$action" --arch=um \
		--build_dir="$build" --jobs="$jobs" "${config[@]}" \
		--make_options=KBUILD_KCONFIG="$build/Kconfig.xengt" \
		--make_options=drivers-m=drivers/xengt/ "$@") </dev/null
}

write_kconfig()
{
	mkdir -p "$build"
	{ cat "$tree/Kconfig"; printf '\nsource "drivers/xengt/Kconfig"\n'; } > "$build/Kconfig.new"
	cmp -s "$build/Kconfig.new" "$build/Kconfig.xengt" ||
		cp "$build/Kconfig.new" "$build/Kconfig.xengt"
}

# "passed failed" of a run, from kunit.py's results.
count_cases()
{
	python3 - "$1" <<'EOF'
import json, sys

def leaves(group):
    for case in group["test_cases"]:
        yield case["status"]
    for sub in group["sub_groups"]:
        yield from leaves(sub)

try:
    with open(sys.argv[1]) as f:
        found = list(leaves(json.load(f)))
except (OSError, ValueError):
    found = []
good = sum(s in ("PASS", "SKIP") for s in found)
print(good, len(found) - good if found else 1)
EOF
}

# KASAN's and lockdep's reports do not fail a case by themselves (6.1).
judge_log()
{
	local bad='BUG: |KASAN:|UBSAN:|WARNING: |INFO: (trying to register|inconsistent lock)'

	bad+='|INFO: possible recursive|INFO: task .* blocked|ODEBUG:|Kernel panic|Oops'
	bad+='|Objects remaining in|scheduling while atomic|list_(add|del) corruption'
	if ! [ -s "$build/test.log" ]; then
		echo "not ok - $1: no log"
	elif grep -nE "$bad" "$build/test.log"; then
		echo "not ok - $1: the log has the reports above ($build/test.log)"
	else
		echo "ok - $1: no report in the log"
		return 0
	fi
	return 1
}

run_variant()
{
	local variant=$1 counts filter=()

	build=$cache/$ver-${variant/bench/plain}
	write_kconfig
	echo "== $variant kernel"
	if [ -n "$build_only" ]; then
		kunit build "$variant"
		return
	fi
	rm -f "$build/test.log" "$build/result.json"
	[ -z "$glob" ] || filter=("$glob")
	# uml_dir: else UML leaves a directory in ~/.uml for each crash.
	kunit run "$variant" --timeout="$timeout" --json="$build/result.json" \
		--kernel_args=kasan_multi_shot --kernel_args=uml_dir="$build/uml/" \
		"${arguments[@]}" "${filter[@]}" || true
	read -r -a counts < <(count_cases "$build/result.json")
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	echo "matrix: KUnit; $variant; Linux $(make -s -C "$tree" O="$build" ARCH=um kernelrelease); ${counts[0]}; ${counts[1]}"
	if judge_log "$variant"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}

"$repo/tests/setup.sh"
[ -n "$tarball" ] || tarball=$("$repo/tests/debian.sh" source "$series")
ver=$(basename "$tarball" .tar.xz)
tree=$cache/$ver
mkdir -p "$cache"
# One run at a time in a cache.
exec 9> "$cache/lock"
flock 9
unpack_kernel
[ -z "$unpack_only" ] || exit 0
ln -sfn "$repo" "$tree/drivers/xengt"

for variant in $variants; do
	run_variant "$variant"
done
[ -z "$build_only" ] || exit 0
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
