#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the tests and adds up: "N passed, N failed" is the last line. Each part prints its own such
# line, as its last; a part that fails without one counts as one failure. What failed, and how long
# each part took, is said again at the end. Most parts keep one CPU busy, so two of them run at a
# time.
# Usage: run.sh [-a] [PART...]
#   -a  all of them: also the random tests at their full length, the benchmark, each promise broken
#       on purpose (tests/kunit/mutations.toml), the patched Xen with each kind of dom0, and its
#       debug build, all checks on the other release, and other kernels
#   PART  only these, by the names with which they begin ("=== NAME"); the logs of others stay
# DEBIAN=12|13: the release whose Xen and kernel get most of the tests (default: the machine's). Of the
# other one it is seen that it works.
# XENGT_JOBS: how many parts run at a time (default: 2, or 1 on a machine with one CPU)
set -uo pipefail

all=
if [ "${1:-}" = -a ]; then
	all=1
	shift
fi
chosen=("$@")
begun=
declare -A running=()	# names of parts, by process
here=$(cd "$(dirname "$0")" && pwd)
logs=${XENGT_BUILD:-$here/../.build}/logs
mkdir -p "$logs"
logs=$(cd "$logs" && pwd)
passed=0
failed=0
times=
left_out=
host=$("$here/debian.sh" host) || exit 1
debian=${DEBIAN:-$host}
jobs=${XENGT_JOBS:-$(($(nproc) > 1 ? 2 : 1))}
case $debian in
12) other=13 xen_version=4.17 ;;
13) other=12 xen_version=4.20 ;;
*)
	echo "tests: error: DEBIAN=$debian: 12 and 13 are supported" >&2
	exit 2
	;;
esac
export DEBIAN=$debian XENGT_BUILT=

is_chosen() { # NAME
	[ ${#chosen[@]} = 0 ] || [[ " ${chosen[*]} " == *" $1 "* ]]
}

# part NAME COMMAND...: runs beside others, of which there are never more than jobs. What it prints is seen when it is over.
part() {
	local name=$1
	shift
	is_chosen "$name" || return 0
	while [ ${#running[@]} -ge "$jobs" ]; do
		finish_one
	done
	begun+=" $name "
	echo "=== $name has begun"
	{
		local start=$SECONDS
		"$@" >"$logs/$name.log" 2>&1
		echo "$? $((SECONDS - start))" >"$logs/$name.end"
	} &
	running[$!]=$name
}

# Waits until one of the parts is over.
finish_one() {
	local pid

	wait -n -p pid "${!running[@]}"
	finish "${running[$pid]}"
	unset "running[$pid]"
}

finish() { # NAME
	local name=$1 log="$logs/$1.log" line p f rc seconds
	read -r rc seconds <"$logs/$name.end"
	echo "=== $name"
	cat "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -1)
	p=$(sed -E 's/^([0-9]+) passed.*/\1/' <<<"${line:-0 passed}")
	f=$(sed -E 's/.* ([0-9]+) failed$/\1/' <<<"${line:-, 0 failed}")
	if [ "$f" -eq 0 ] && { [ "$rc" -ne 0 ] || [ "$p" -eq 0 ]; }; then
		echo "not ok $name: exit status $rc, ${line:-no count}"
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	times+=" $name $seconds s,"
}

finish_all() {
	while [ ${#running[@]} -gt 0 ]; do
		finish_one
	done
}

# xen NAME PYTEST_ARGUMENT...: a part on a real Xen
xen() {
	local name=$1
	shift
	is_chosen "$name" || return 0
	[ -n "${XENGT_KERNEL:-}" ] || build_images
	part "$name" "$here/xen/run.sh" --junitxml="$logs/$name.xml" "$@"
}

# What the parts boot that have no kernel of their own: once, as they run at the same time.
build_images() {
	[[ " $XENGT_BUILT " != *" debian$DEBIAN "* ]] || return 0
	"$here/xen/build.sh" "${logs%/logs}/debian$DEBIAN" && XENGT_BUILT+=" debian$DEBIAN"
}

# not_run WHAT WHY
not_run() {
	[ ${#chosen[@]} = 0 ] || return 0
	echo "=== $1: not run here: $2"
	left_out+="
not run here: $1: $2"
}

# any CHECK...: pytest's expression for some checks
any() {
	local expression="begin or check_nothing_left" check

	for check; do
		expression+=" or check_$check"
	done
	echo "$expression"
}

# It shows that a release works, with exact counts.
smoke_checks=$(any backend dma counts race replaced reach ppgtt_4_levels hybrid_gtt)
# The PV dom0 makes all checks. Here are those whose cost or promise is the backend's.
short_checks=$(any backend dma sizes counts bad_gfns share one_reference race balloon_cycles replaced reach order quota overlap \
	destroy_in_storm unload_in_storm ppgtt_4_levels ppgtt_counts ppgtt_balloon ppgtt_destroy posted hybrid_gtt hybrid_balloon \
	hybrid_ppgtt hybrid_destroy)

# With -a all checks.
short=(-k "$short_checks")
smoke=(-k "$smoke_checks")
one_kind=(-m pv)
[ -z "$all" ] || short=() smoke=() one_kind=()

trap 'kill 0' INT TERM
"$here/setup.sh" || exit 1
[ ${#chosen[@]} -gt 0 ] || rm -f "$logs"/*.log "$logs"/*.xml
if "$here/xen/build-xen.sh" -f "$xen_version" >"$logs/build-xen.out" 2>&1; then
	# It compiles while tests run that do not mind: an emulator would.
	"$here/xen/build-xen.sh" "$xen_version" >"$logs/build-xen.out" 2>&1 &
	building_xen=$!
	patched=1
elif [ "$debian" = 12 ]; then
	patched=1
else
	patched=
fi
part static "$here/static/run.sh" ${all:+-a}
part abi "$here/kunit/abi/run.sh"
part gpu-model make -s -C "$here/gpu" O="${logs%/logs}/gpu" check
# KASAN and lockdep take their time: what is random gets its full length without them.
part kunit "$here/kunit/run.sh" -v debug -a ppgtt_random_test.writes=6000
part harness "$here/xen/run.sh" harness
xen pv test_checks.py -m 'stock and pv'
xen pvh test_checks.py -m 'stock and pvh' "${short[@]}"
# An Intel GPU that dom0's i915 drives. All else than the place is as in the parts before.
xen gpu test_gpu.py -k gpu-pvh
xen bar test_bar.py
# Guests' own work on that GPU, by GVT's device model. An HVM guest takes minutes.
xen gvt test_gvt.py -k 'gvt-pvh and not check_hvm'
# A stock i915 in a guest: what it writes has to do with the guest's kernel, not with dom0.
xen i915 test_i915.py "${one_kind[@]}"
DEBIAN=$other xen "debian$other" test_checks.py -m stock "${smoke[@]}"
[ -z "${building_xen:-}" ] || wait "$building_xen"
if [ -n "$patched" ]; then
	# Of the patched Xen one kind of dom0 with each suite: both kinds and a driver domain have a turn.
	xen native test_checks.py -m 'patched and pvh' "${short[@]}"
	xen devmap test_devmap.py -m strict
	xen driver test_driver.py -m pv
else
	not_run "the patched Xen $xen_version" "Debian's mirror does not have its source: set XENGT_XEN_SOURCE (tests/xen/build-xen.sh)"
fi
if [ -n "$all" ]; then
	if [ -n "$patched" ]; then
		xen native-pv test_checks.py -m 'patched and pv'
		xen native-strict test_checks.py -m strict
		xen devmap-pv test_devmap.py -m pv
		xen devmap-pvh test_devmap.py -m 'pvh and not debug'
		xen devmap-debug test_devmap.py -m debug
		xen gpu-strict test_gpu.py -k gpu-strict
		xen gvt-strict test_gvt.py -k gvt-strict
	fi
	xen gpu-pv test_gpu.py -k gpu-pv-
	xen gpu-broadwell test_gpu.py -k gpu-broadwell
	DEBIAN=$other xen "gpu-debian$other" test_gpu.py -k gpu-pvh
	DEBIAN=$other xen "i915-debian$other" test_i915.py
	xen gvt-pv test_gvt.py -k gvt-pv-
	xen gvt-hvm test_gvt.py -k "gvt-pvh and ($(any hvm))"
	DEBIAN=$other xen "gvt-debian$other" test_gvt.py -k gvt-pvh
	# KASAN leaves no memory for QEMU's files.
	DEBIAN=12 XENGT_KERNEL=6.1-kasan xen kasan test_gvt.py -k 'gvt-pvh and not check_hvm'
	DEBIAN=13 XENGT_KERNEL=7.3 xen newest-kernel test_checks.py -m stock
	part dkms "$here/dkms/run.sh"
	part plain "$here/kunit/run.sh" -v plain
	part kunit-6.12 "$here/kunit/run.sh" -k 6.12 -v plain -a ppgtt_random_test.writes=6000
	part kunit-7.3 "$here/kunit/run.sh" -k 7.3 -v plain -a ppgtt_random_test.writes=6000
	part bench "$here/kunit/run.sh" -v bench 'native_bench*'
	xen memset test_memset.py
	part mutations "$here/kunit/mutations.py"
fi

finish_all
for name in "${chosen[@]}"; do
	if [[ "$begun" != *" $name "* ]]; then
		echo "not ok $name: there is no such part"
		failed=$((failed + 1))
	fi
done
echo "=== what has run on what"
"$here/matrix.py"
echo "=== all"
grep -hE '^not ok |\[FAILED\]' "$logs"/*.log
echo "${times# } in all $((SECONDS / 60)) min $((SECONDS % 60)) s$left_out"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
