# What the suites of the places i915 and bar have in common: the virtual GPU a of the guest g1, whose entries are in an Intel GPU's
# GSM; storms of writes, with suspends in them; the checks that both make. Sourced by busybox sh, after igpu.sh. A suite has the
# function gpu_a, which enables the virtual GPU, and sets place_module.
# shellcheck shell=dash disable=SC2154

bar0=0xe0000000
guest_gtt=0xe0800000
mappable=4096		# entries of the guest's share: mappable ...
hidden=2048		# ... and hidden
pages=4608
target=4600		# a page of the guest that the GPU copies to
lost=0x100000		# a value that no entry has

### the modules, and the guest's virtual GPU

load_all() {
	load_modules && insmod "/mod/$place_module.ko" && set_parameter idle_age_ms 3600000 && set_parameter idle_max 1000000 &&
		set_parameter balloon_delay_ms 600000
}

begin_guest() {
	use_gsm "/sys/bus/pci/devices/$igpu_address/resource0" 0x800000
	works "a Linux guest with two vCPUs starts" start_guest g1 2
	g1=$(domid g1)
	xl mem-max g1 266
	works "it has pages" tell g1 pages $pages
}

# Where the share is, in entries
learn_share() {
	first=$(($(cat $vgpus/a/mappable_base) >> 12))
	hidden_first=$(($(cat $vgpus/a/hidden_base) >> 12))
	tell g1 bar0 $bar0
	tell g1 share $first $mappable $hidden_first $hidden
}

remove_a() {
	[ ! -d $vgpus/a ] || remove_gpu a
}

# The GPU is told where the share is, too.
start_over() { # [ATTRIBUTE VALUE]...
	remove_a
	gpu_a "$@" && learn_share && igpu share 1 $first $mappable && igpu share 2 $hidden_first $hidden
}

mapped_pages() { # of the guest
	[ -e "$map_debug/domains/$g1" ] && domain "$g1" live || echo 0
}

copies_right() { # NAME
	tell g1 fill 0 4 11
	tell g1 byte 4 4 0
	tell g1 map $first 0 8
	works "$1: the GPU copies through the guest's entries" copies $first $((first + 4)) 4
	works "... and the guest finds its bytes" tell g1 check 4 4 11 0
	tell g1 map $hidden_first 0 1
	works "... in the hidden part of the share too" read_by_gpu $hidden_first
	works "... and finds its bytes" tell g1 check $target 1 11 0
}

### the share in the GSM; the guest has RAM at its GTT, where its entries are

# The file of the BAR that the GSM is in, and where in it; entries of 64 bits
use_gsm() { # FILE OFFSET
	gsm_bar=$1
	gsm=$2
}

gsm_count() { # FIRST N VALUE: how many of the entries have it
	barmem count "$gsm_bar" $((gsm + $1 * 8)) 8 "$2" "$3"
}

# How many entries of the share have the value: of each part
share_count() { # VALUE
	echo "$(gsm_count $first $mappable "$1") $(gsm_count $hidden_first $hidden "$1")"
}

compare_share() {
	local status

	xl pause g1
	compare -b "$gsm_bar" "$gsm" "$g1" $guest_gtt /tmp/bfns 0 $first $mappable $hidden_first $hidden >/tmp/compare
	status=$?
	xl unpause g1
	return $status
}

compared() { # NAME: of what compare_share has seen
	value_in /tmp/compare "$1"
}

# share_is_right NAME: each entry in the GSM is what the guest's entry demands
share_is_right() {
	works "$1: the share is compared with the guest's entries" compare_share
	is "... all of it" "$(compared entries)" $((mappable + hidden))
	is "... entries that differ: $(grep '^entry ' /tmp/compare | head -n 1)" "$(compared different)" 0
	is "... BFNs of more than one page" "$(compared shared)" 0
	at_least "... entries that name pages" "$(compared present)" $hidden
	is "... each of them is live" "$(gpu a entries_live)" "$(compared present)"
}

# The GPU loses what it has of the share.
lose_entries() {
	barmem fill "$gsm_bar" $((gsm + first * 8)) 8 $mappable $lost
	barmem fill "$gsm_bar" $((gsm + hidden_first * 8)) 8 $hidden $lost
}

### storms of the guest's writes to a part of the mappable share

begin_storm() {
	tell g1 storm "$first" 2048 0 1024 2
	storm_seen=0
	storm_written=0
}

# They are trapped.
storm_moves() {
	local seen

	seen=$(gpu a writes)
	[ "$seen" != "$storm_seen" ] && storm_seen=$seen
}

# The guest is not stuck.
storm_goes_on() {
	local written

	written=$(tell g1 writes)
	[ "$written" != "$storm_written" ] && storm_written=$written
}

end_storm() {
	tell g1 stop && tell g1 flush
}

# The virtual GPU was enabled in hybrid mode, so that the guest has RAM at its GTT. The hidden share is filled, and a storm begins.
storm_in_mode() { # MODE
	echo "$1" >$vgpus/a/mode
	tell g1 map $hidden_first 1024 $hidden
	tell g1 flush
	begin_storm
	await 30 storm_goes_on
}

### suspends

preempt=/sys/kernel/debug/sched/preempt

# With pm_test the devices are suspended and, a second later, resumed, and nothing else. The kernel waits in a loop: only a kernel that
# is preempted there serves the guest meanwhile.
begin_suspends() {
	usual_preempt=$(sed 's/.*(\(.*\)).*/\1/' $preempt)
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	echo devices >/sys/power/pm_test
	echo full >$preempt
}

end_suspends() {
	echo "$usual_preempt" >$preempt
}

suspend() {
	local status=0

	begin_suspends
	echo freeze >/sys/power/state || status=1
	end_suspends
	return $status
}

# suspend_in_storm MODE EVENT: EVENT is the kernel's trace event of what the guest does in this mode
suspend_in_storm() {
	start_over mode hybrid
	storm_in_mode "$1"
	lose_entries
	trace power/suspend_resume "xengt/$2"
	works "$1: the devices suspend and resume in a write storm" suspend
	at_least "... the guest writes while they sleep" "$(traced 'dpm_suspend[[].* end' 'dpm_resume[[].* begin' "$2:")" 1
	trace
	works "... the storm goes on" await 30 storm_goes_on
	works "... and ends" end_storm
	share_is_right "... after that"
}

trace_close() {
	trace power/suspend_resume
	trace_call begins xengt:xengt_gtt_close
	trace_call closes xengt:xengt_gsm_close
	trace_call clears "$place_module:${place_module#xengt_}_close"
	trace_call ends xen_gpu_map:xen_gpu_domain_put
}

close_has_ended() {
	grep -q ends: $tracing/trace
}

closed_after_resume() {
	in_order closes: 'dpm_suspend[[].* begin' 'dpm_resume[[].* end' clears: && return
	grep -v '^#' $tracing/trace | awk '{ print $4, $5, $6, $7 }'
	return 1
}

# suspend_as COMMAND: the devices suspend as soon as a virtual GPU's page tables begin to be closed. With so high a priority the shell
# is quicker than whoever closes them; another process that looked for the event would not be.
suspend_as() {
	{ read -r _ </tmp/go && eval "$1"; } &
	renice -n -19 -p $$
	echo >/tmp/go
	read -r _ <$tracing/trace_pipe
	echo freeze >/sys/power/state
	renice 0 -p $$
	await 60 close_has_ended
	wait
}

# close_in_suspend NAME COMMAND: the command closes the share. It is tried again if that has been done when the devices suspend.
close_in_suspend() {
	local tries

	for tries in 1 2 3; do
		start_over
		tell g1 movs $hidden_first 0 4096
		tell g1 movs $((hidden_first + 4096)) 0 4096
		trace_close
		suspend_as "$2"
		! closed_after_resume >/dev/null || break
	done
	works "$1 as the devices suspend: the close waits for the resume" closed_after_resume
	trace
	note "count: $1 as the devices suspend: $tries tries"
	is "... all entries of the share are scratch" "$(share_count "$scratch")" "$mappable $hidden"
	is "... nothing of the guest is mapped" "$(mapped_pages)" 0
	remove_a
}

### the checks that both suites make

check_replaced() {
	local old

	drain
	tell g1 byte 0 1 0x11
	tell g1 byte 1 1 0x22
	tell g1 map $first 0 1
	works "the GPU reads the page of an entry" read_by_gpu $first
	works "... its bytes" tell g1 checkbyte $target 1 0x11
	old=$(bus_of "$(gsm_entry $first)")
	tell g1 map $first 1 1
	works "an entry is replaced: the GPU reads" read_by_gpu $first
	works "... the new page" tell g1 checkbyte $target 1 0x22
	drain
	works "... the old page can be somebody else's" igpu release "$old" 4096
	works "... and still after the old page is unmapped" read_by_gpu $first
	works "... the new page" tell g1 checkbyte $target 1 0x22
	igpu take "$old" 4096
}

check_close_in_suspend() {
	local hidden=8192	# so that it takes a while

	can_sleep_here || return
	remove_a
	scratch=$(gsm_entry $first)
	mkfifo /tmp/go
	begin_suspends
	close_in_suspend "a virtual GPU is disabled" 'echo 0 >$vgpus/a/enable'
	close_in_suspend "a virtual GPU is removed" 'rmdir $vgpus/a'
	end_suspends
	rm /tmp/go
}

### the run

with_empty_gtt() { # CHECK
	start_over || not_ok "an empty GTT" "$(dmesg | tail -n 1)"
	"$1"
	works "the GPU has seen nothing unsafe" igpu violations
}

run() { # CHECK
	! wanted "$1" || subtest "$1" with_empty_gtt "$1"
}
