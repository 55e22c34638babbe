# SPDX-License-Identifier: GPL-2.0
# What the suites that run in dom0 have in common: results, counters, guests, virtual GPUs, the test GPU, Xen's own books.
# Sourced by busybox sh.
#
# Results are KTAP, version 1 (Documentation/dev-tools/ktap.rst of the kernel); init writes the first line:
#	ok 3 NAME
#	not ok 4 NAME # WHAT WAS SEEN
#	# a note
# Each check is a test with subtests, indented by two spaces, as "subtest" writes it. The plan is the
# last line of each level, since nobody knows it before. A result that only the host can find, in
# QEMU's trace, is skipped here, with what it has to look up and what is wanted, and the host makes it
# "ok" or "not ok":
#	ok 5 NAME # SKIP {iotlb 101 102} 1
#	ok 6 NAME # SKIP {faults 103 104} some
# The same words within braces in a note are replaced by the number. The first is the number of IOTLB
# invalidations between two marks (a third number: of one domain's context only), the second the
# number of pages to which the IOMMU refused DMA.
# shellcheck shell=dash

map_debug=/sys/kernel/debug/xen_gpu_map
gpu_debug=/sys/kernel/debug/xengt
test_gpu=/sys/kernel/debug/xengt_testgpu
vgpus=/sys/kernel/config/xengt

### results

result_number=0
results_failed=0
result_indent=''

result() { # ok|"not ok" NAME [WHAT-WAS-SEEN]
	result_number=$((result_number + 1))
	report "$result_indent$1 $result_number $2${3:+ # $3}"
}

ok() { # NAME
	result ok "$1"
}

not_ok() { # NAME WHAT-WAS-SEEN
	results_failed=$((results_failed + 1))
	result "not ok" "$1" "$(echo "${2:-nothing}" | tr '\n' ' ')"
}

note() {
	report "$result_indent# $*"
}

# subtest NAME COMMAND...: one test, which has the results of the command
subtest() {
	local subtest_name=$1 outer_number=$result_number outer_failed=$results_failed

	shift
	result_indent='  '
	result_number=0
	results_failed=0
	report "  KTAP version 1"
	report "  # Subtest: $subtest_name"
	"$@"
	report "  1..$result_number"
	result_indent=''
	result_number=$outer_number
	if [ $results_failed = 0 ]; then
		results_failed=$outer_failed
		ok "$subtest_name"
	else
		results_failed=$((outer_failed + 1))
		result "not ok" "$subtest_name"
	fi
}

# Is the check one of those to run?
wanted() { # CHECK
	case ",$only," in
	,,) ;;
	*",$1,"*) ;;
	*) return 1 ;;
	esac
	case ",$skip," in
	*",$1,"*) return 1 ;;
	esac
}

# The suite has come to its end. One that does not say so was broken.
finished() {
	report "1..$result_number"
	exit 0
}

# results_of COMMAND...: a program's results, which it writes without numbers
results_of() {
	local line file=${TMPDIR:-/tmp}/results

	# Not while it runs: a process that starts changes page tables, and a strict dom0's IOMMU with them.
	"$@" >"$file"
	while IFS= read -r line; do
		case $line in
		"ok "*) result ok "${line#ok }" ;;
		"not ok "*)
			results_failed=$((results_failed + 1))
			result "not ok" "${line#not ok }"
			;;
		*) report "$result_indent$line" ;;
		esac
	done <"$file"
	rm "$file"
}

# is NAME SEEN WANTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "$2, not $3"
	fi
}

# at_least NAME SEEN LEAST
at_least() {
	if [ "${2:-0}" -ge "$3" ] 2>/dev/null; then
		ok "$1"
	else
		not_ok "$1" "$2, less than $3"
	fi
}

# works NAME COMMAND...: it succeeds; what it prints is what was seen
works() {
	local name=$1 seen

	shift
	if seen=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$seen"
	fi
}

# fails NAME COMMAND...
fails() {
	local name=$1 seen

	shift
	if seen=$("$@" 2>&1); then
		not_ok "$name" "it went through $seen"
	else
		ok "$name"
	fi
}

# await SECONDS COMMAND...: until the command succeeds
await() {
	local tries=$(($1 * 5))

	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 200000
	done
}

### counters

value_in() { # FILE NAME
	awk -v n="$2" '$1 == n { print $2 }' "$1" 2>/dev/null
}

total() { # NAME: of the mapping service, all domains
	value_in $map_debug/total "$1"
}

domain() { # DOMID NAME
	value_in "$map_debug/domains/$1" "$2"
}

gpu() { # VGPU NAME
	value_in "$gpu_debug/vgpus/$1" "$2"
}

# remember FILE...: sets the point from which "since" counts
remember() {
	cat "$@" >/tmp/before
	before_files=$*
}

since() { # NAME: how much the counter has grown since remember
	# shellcheck disable=SC2086
	cat $before_files >/tmp/after
	awk -v n="$1" 'FNR == NR { if ($1 == n) a += $2; next } $1 == n { b += $2 } END { print b - a }' /tmp/before /tmp/after
}

drain() {
	echo 1 >$map_debug/flush
}

set_parameter() { # NAME VALUE
	echo "$2" >"/sys/module/xen_gpu_map/parameters/$1"
}

set_gpu_parameter() { # NAME VALUE
	echo "$2" >"/sys/module/xengt/parameters/$1"
}

### the log, and the kernel's trace

tracing=/sys/kernel/tracing

mark_log() {
	log_lines=$(dmesg | wc -l)
}

# logged TEXT: how many lines of the log since mark_log have it
logged() {
	dmesg | tail -n "+$((log_lines + 1))" | grep -c "$1"
}

# Lines that no log of dom0's may have
warnings() {
	dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|refcount_t' | head -n 3
}

# trace [EVENT]...: from now on these are recorded, and nothing else
trace() {
	local event

	[ -e $tracing/trace ] || mount -t tracefs tracefs $tracing
	echo 0 >$tracing/events/enable
	echo >$tracing/kprobe_events
	[ $# = 0 ] || echo >$tracing/trace
	for event in "$@"; do
		echo 1 >"$tracing/events/$event/enable"
	done
}

# trace_call NAME MODULE:FUNCTION: calls are events, too
trace_call() {
	echo "p:calls/$1 $2" >>$tracing/kprobe_events && echo 1 >"$tracing/events/calls/$1/enable"
}

# traced FROM TO EVENT: how often the trace has the event between the other two
traced() {
	awk -v from="$1" -v to="$2" -v event="$3" '
		$0 ~ from { on = 1 }
		$0 ~ to { on = 0 }
		on && $0 ~ event { n++ }
		END { print n + 0 }' $tracing/trace
}

# in_order EVENT...: the trace has them, in this order
in_order() {
	printf '%s\n' "$@" | awk '
		FNR == NR { want[NR] = $0; n = NR; next }
		at < n && $0 ~ want[at + 1] { at++ }
		END { exit at < n }' - $tracing/trace
}

### modules

load_modules() {
	insmod /mod/xen_gpu_map.ko "$@" && insmod /mod/xengt.ko && insmod /mod/xengt_testgpu.ko
}

loaded() { # MODULE
	grep -q "^$1 " /proc/modules
}

unload() { # MODULE...: in this order, each tried for a while
	local m

	for m in "$@"; do
		loaded "$m" || continue
		await 60 rmmod "$m" || return 1
	done
}

### guests

# A guest's configuration; more lines can follow on standard input.
guest_config() { # NAME KERNEL MEMORY VCPUS CMDLINE [RAMDISK]
	cat <<-END
		name="$1"
		type="pvh"
		kernel="$2"
		memory=$3
		vcpus=$4
		tsc_mode="native"
		cmdline="$5"
		on_crash="destroy"
		on_poweroff="destroy"
		on_reboot="destroy"
	END
	[ -z "${6:-}" ] || echo "ramdisk=\"$6\""
}

domid() { # NAME
	xl domid "$1" 2>/dev/null
}

create() { # NAME [OPTIONS]: from /tmp/NAME.cfg
	local name=$1

	shift
	timeout 120 xl create -q -e "$@" "/tmp/$name.cfg" >/tmp/xl.out 2>&1
}

linux_words="console=hvc0 loglevel=1 mitigations=off nokaslr nowatchdog tsc=reliable"

# start_guest NAME [VCPUS [MEMORY]]: a Linux guest with the agent, ready for commands
start_guest() {
	guest_config "$1" /guests/vmlinux "${3:-256}" "${2:-2}" "$linux_words" /guests/guest.cpio >"/tmp/$1.cfg"
	create "$1" || return 1
	ask_within "$1" 120 ping
}

# tiny_guest NAME OPTIONS CMDLINE: creates a tiny guest, paused
tiny_guest() {
	guest_config "$1" /guests/tiny.elf 16 1 "$2" >"/tmp/$1.cfg"
	create "$1" -p
}

console() { # NAME: the path of its console
	local id path

	id=$(domid "$1") || return 1
	path=/local/domain/$id/console/tty
	await 20 xenstore-exists "$path" || return 1
	xenstore-read "$path"
}

ask_within() { # NAME SECONDS COMMAND...
	local name=$1 seconds=$2 tty

	shift 2
	tty=$(cat "/tmp/$name.tty" 2>/dev/null) || {
		tty=$(console "$name") || return 2
		echo "$tty" >"/tmp/$name.tty"
	}
	ask "$tty" "$seconds" "$@"
}

tell() { # NAME COMMAND...: a command to the guest's agent
	local name=$1

	shift
	ask_within "$name" 400 "$@"
}

destroy() { # NAME
	rm -f "/tmp/$1.tty"
	timeout 120 xl destroy "$1" >/tmp/xl.out 2>&1
}

# /run has room for the file of one small guest.
save() { # GUEST FILE
	timeout 300 xl save "$1" "$2" >/tmp/xl.out 2>&1
}

restore() { # GUEST FILE: paused
	rm -f "/tmp/$1.tty"
	timeout 300 xl restore -p -e "$2" >/tmp/xl.out 2>&1
}

gone() { # DOMID: Xen has forgotten it
	! xl list "$1" >/dev/null 2>&1 && ! books "$1" >/dev/null 2>&1
}

zombies() {
	xl list | grep -c '(null)'
}

### virtual GPUs

# configure_gpu NAME DOMID [ATTRIBUTE VALUE]...: of a directory that exists
configure_gpu() {
	local dir=$vgpus/$1

	echo "$2" >"$dir/domid" || return 1
	shift 2
	while [ $# -ge 2 ]; do
		echo "$2" >"$dir/$1" || return 1
		shift 2
	done
}

# make_gpu NAME DOMID [ATTRIBUTE VALUE]...: creates and enables it
make_gpu() {
	mkdir "$vgpus/$1" && configure_gpu "$@" && echo 1 >"$vgpus/$1/enable"
}

# rmdir alone would not wait until everything is given back.
remove_gpu() { # NAME
	echo 0 >"$vgpus/$1/enable" && rmdir "$vgpus/$1"
}

dma() { # COMMAND...: to the test GPU
	echo "$*" >$test_gpu/command
}

shadow() { # ADDRESS: the shadow entry of a graphics address
	dma entry "$1" && cat $test_gpu/result
}

# The bus address in a shadow entry (bits 45:12); 0 when it is not present.
bus_of() { # ENTRY
	[ $(($1 & 1)) = 1 ] && printf '0x%x\n' $(($1 & 0x3ffffffff000)) || echo 0
}

### the trace of IOTLB invalidations, which only the host sees

mark_number=100
edu_config=

find_edu() {
	[ -n "$edu_config" ] || edu_config=$(dirname "$(grep -l 0x11e8 /sys/bus/pci/devices/*/device)")/config
}

# Writes a number to a configuration register of the edu device that is nothing but storage; the host finds it in the trace.
mark() {
	find_edu
	mark_number=$((mark_number + 1))
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $mark_number)" | dd of="$edu_config" bs=1 seek=60 conv=notrunc 2>/dev/null
}

# A drain between two marks, and nothing else that would be invalidations (see marked.c).
drain_marked() {
	find_edu
	mark_number=$((mark_number + 2))
	marked "$edu_config" $((mark_number - 1)) $mark_number $map_debug/flush
}

# invalidations NAME WANTED [DOMID]: the host counts those between the last two marks, and judges
invalidations() {
	result ok "$1" "SKIP {iotlb $((mark_number - 1)) $mark_number${3:+ $3}} $2"
}

# faults NAME WANTED: the host counts the pages to which the IOMMU refused DMA between the last two
# marks, and judges; WANTED can be "some"
faults() {
	result ok "$1" "SKIP {faults $((mark_number - 1)) $mark_number} $2"
}
