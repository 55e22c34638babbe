# An Intel GPU in the machine (tests/gpu), with its driver i915 in dom0. The program igpu has the GPU copy, and asks its judge.
# Sourced by busybox sh, after library.sh. find_igpu comes first.
# shellcheck shell=dash disable=SC2154

i915=/sys/bus/pci/drivers/i915
dri=/sys/kernel/debug/dri/0

intel_gpu() { # its address
	local device

	for device in /sys/bus/pci/devices/*; do
		if [ "$(cat "$device/vendor")" = 0x8086 ] && grep -q ^0x03 "$device/class"; then
			basename "$device"
			return
		fi
	done
	return 1
}

# gvt needs the first, and cannot have GuC submission. Only what the host needs for its work is loaded.
load_i915() {
	modprobe i915 enable_gvt=1 enable_guc=0
}

# Sets its address and its generation, which is that of the GPU that a guest sees. Fails if the machine has none.
find_igpu() {
	igpu_address=$(intel_gpu) || return 1
	case $(cat "/sys/bus/pci/devices/$igpu_address/device") in
	0x16*) generation=8 ;;
	*) generation=9 ;;
	esac
}

bound() {
	[ "$(basename "$(readlink "/sys/bus/pci/devices/$igpu_address/driver")")" = i915 ]
}

# A Broadwell's i915 (6.1 to 7.3) uses a list that it has not made where the GPU has no display, as soon as the GPU sleeps.
can_sleep() {
	[ "$generation" != 8 ]
}

stay_awake() {
	echo on >"/sys/bus/pci/devices/$igpu_address/power/control"
}

may_sleep() {
	! can_sleep || echo auto >"/sys/bus/pci/devices/$igpu_address/power/control"
}

bind() {
	bound || echo "$igpu_address" >$i915/bind
	can_sleep || stay_awake
}

unbind() {
	echo "$igpu_address" >$i915/unbind
}

# All of it. i915 would try each engine by itself first, but for those that are asleep.
reset_gpu() {
	echo 1 >$dri/i915_params/reset
	echo 1 >$dri/i915_wedged
}

wedged() {
	cat $dri/i915_wedged
}

at() { # ENTRY: its graphics address
	printf '0x%x\n' $(($1 << 12))
}

gsm_entry() { # ENTRY: what is in the GSM
	igpu entry "$(at "$1")" | awk '{ print $1 }'
}

# The GPU has the shadow's root, of virtual GPU a, as a context has it.
pinned() { # ROOT COMMAND FROM TO LENGTH
	local pml4 others status

	dma pin a 4 "$1" || return 1
	# shellcheck disable=SC2034
	read -r pml4 others <"$test_gpu/result"
	igpu "$2" rcs 4 "$pml4" "$3" "$4" "$5"
	status=$?
	dma unpin && return $status
}

### with the guest g1: "first" and "mappable" are the share of its virtual GPU a, "target" is a page that the GPU copies to

copies() { # FROM-ENTRY TO-ENTRY PAGES: by the GPU, through the GGTT
	igpu copy "$(at "$1")" "$(at "$2")" $(($3 * 4096))
}

read_by_gpu() { # ENTRY: what the page behind it holds goes to the guest's target page
	tell g1 byte $target 1 0xcc && tell g1 map $((first + mappable - 1)) $target 1 && copies "$1" $((first + mappable - 1)) 1
}

# seen_by_gpu COUNTER: how much the GPU's own count has grown since remember_gpu
remember_gpu() {
	igpu counts >/tmp/gpu-before
}

seen_by_gpu() { # COUNTER
	igpu counts >/tmp/gpu-after
	echo $(($(value_in /tmp/gpu-after "$1") - $(value_in /tmp/gpu-before "$1")))
}

# Tables 600 to 603 of 4 levels; 603 maps pages 32 to 63 at graphics address 0.
make_ppgtt() {
	local level

	tell g1 byte 600 4 0
	for level in 600 601 602; do
		tell g1 set $level 0 1 $((level + 1)) 1 3
	done
	tell g1 fill 32 16 2
	tell g1 byte 48 16 0
	tell g1 set 603 0 32 32 1 3
	tell g1 announce 4 600
	# shellcheck disable=SC2034
	root=$(printf '0x%x' $(($(tell g1 gfn 600) << 12)))
}
