# Guests with working GPUs: GVT's device model (xengt_gvt) is the mediator of their virtual GPUs, on the GPU that dom0's stock i915
# drives (tests/gpu). The guests are unmodified: their i915 brings the engines up, and programs in them submit batches through DRM,
# which the GPU executes in shadows of the guests' PPGTTs. The GPU counts what was unsafe ("violations"). Runs in dom0; each function
# is one promise; "only" names those to run, "skip" those not to run.
# shellcheck shell=dash
. /lib/xengt/library.sh
. /lib/xengt/igpu.sh
. /lib/xengt/hvm.sh

instances=/sys/kernel/config/xengt_gvt
bar0=0xe0000000
bar2=0xd0000000		# the aperture
memory=512		# MiB of a guest
image=/guests/i915.cpio
room=12			# MiB more, for RAM at the GTT
mappable=8192		# entries of each guest's share: mappable ...
hidden=65536		# ... and hidden
most_traps=20000	# of a guest that loads its driver: its GGTT has 262144 entries, which it writes twice
batches=20
patience=60000		# with a guest's requests, in ms
short_patience=3000	# with those of the guest one of whose batches the host has to end
buffer=64		# pages of a batch's buffer, where each has one of its own
aperture=16		# pages of a buffer that is used through the aperture, which takes four accesses for each

igt_requests=8		# of each of these, at least
igt_tools="gem_exec_nop gem_exec_ctx gem_exec_fault gem_exec_reloc"
loop_seconds=20
slow_cases=		# of a hostile guest's: the GPU hangs
case $(uname -r) in
*kasan*) loop_seconds=600 slow_cases=root_nowhere short_patience=60000 ;; # dom0's kernel looks for what a long time brings to light
esac

# Where a guest's mappable part begins: xl needs that when it makes the guest, so it is not "auto".
mappable_base() { # NAME
	case $1 in
	g1) echo 16384 ;;
	g2) echo 32768 ;;
	h) echo 49152 ;;
	esac
}

### modules and guests

# In the emulator, GVT's thousand ticks in a second take a third of dom0's time.
load_all() {
	insmod /mod/xen_gpu_map.ko && insmod /mod/xengt.ko && insmod /mod/xengt_i915.ko && insmod /mod/xengt_gvt.ko turn_us=20000
}

# The GPU's interrupt line is that of the serial card in slot 6, which has to be open for it.
hold_serial_card() {
	local tty

	for tty in /dev/ttyS0 /dev/ttyS1 /dev/ttyS2 /dev/ttyS3; do
		stty raw -echo <$tty 2>/dev/null || continue
		cat $tty >/dev/null 2>&1 &
		return
	done
	return 1
}

# mediate NAME DOMID [ATTRIBUTE VALUE]...: a virtual GPU of which GVT is the mediator, enabled
mediate() {
	mkdir "$vgpus/$1" "$instances/$1" && echo $bar2 >"$instances/$1/aperture" &&
		echo $patience >"$instances/$1/request_timeout_ms" && echo 1 >"$instances/$1/attach" &&
		configure_gpu "$@" && echo 1 >"$vgpus/$1/enable"
}

unmediate() { # NAME
	echo 0 >"$vgpus/$1/enable" && echo 0 >"$instances/$1/attach" && rmdir "$instances/$1" "$vgpus/$1"
}

i915_words="console=hvc0 loglevel=1 log_buf_len=1M mitigations=off nokaslr tsc=reliable pci=conf1,noacpi,noearly"

# Before the virtual GPU: of two ioreq servers for the same addresses the later one gets the accesses.
start_bus() { # NAME
	pcibus "$(domid "$1")" $bar0 $bar2 >"/tmp/$1.bus" 2>&1 &
	await 20 grep -q ready "/tmp/$1.bus"
}

# What xl maps into a guest: the part of the GPU's aperture that is the guest's share, at the same place in the guest's BAR 2
aperture_for() { # BASE
	local bar

	bar=$(awk 'NR == 3 { print $1 }' "/sys/bus/pci/devices/$igpu_address/resource")
	printf 'iomem=["%x,%x@%x"]\n' $(((bar >> 12) + $1)) $mappable $(((bar2 >> 12) + $1))
}

# A guest that has not loaded its driver yet
start_gvt_guest() { # NAME
	local base

	base=$(mappable_base "$1")
	guest_config "$1" /guests/vmlinux $memory 2 "$i915_words" $image >"/tmp/$1.cfg"
	aperture_for "$base" >>"/tmp/$1.cfg"
	create "$1" -p || return 1
	xl mem-max "$1" $((memory + room))
	start_bus "$1" || return 1
	mediate "$1" "$(domid "$1")" bar0 $bar0 generation "$generation" place i915 mappable_base "$(at "$base")" \
		mappable_size "$(at $mappable)" hidden_base auto hidden_size "$(at $hidden)" || return 1
	xl unpause "$1"
	ask_within "$1" 280 true
}

# What keeps the GPU awake, counted. It does not sleep here, since i915 without displays keeps them powered.
users_of_gpu() {
	cat "/sys/bus/pci/devices/$igpu_address/power/runtime_usage"
}

# The host, and so many guests
awake_for() { # GUESTS
	[ "$(users_of_gpu)" = $((host_users + $1)) ]
}

### what guests do

# i915 gives its GPU up for good if its first requests take longer than 200 ms, as they can in an emulator on a busy machine. Then it is
# loaded again, twice at most. Whatever else makes it give up does so each time.
load_driver() { # NAME
	local more

	for more in 2 1 0; do
		tell "$1" load || return 1
		[ "$(tell "$1" cat /sys/kernel/debug/dri/0/i915_wedged)" = 1 ] && [ $more -gt 0 ] || return 0
		note "$1: i915 has given its GPU up, and is loaded again; refused so far: $(cat "$instances/$1/refused")"
		tell "$1" unload || return 1
	done
}

# A guest's i915 takes an emulated GPU of a busy machine for hung if it looks as often as by default.
loads_driver() { # NAME
	remember "$gpu_debug/vgpus/$1"
	works "... Debian's i915 loads in it" load_driver "$1"
	works "... it waits long for a hang" set_heartbeat "$1" 60000
	is "... its GPU is not wedged" "$(tell "$1" cat /sys/kernel/debug/dri/0/i915_wedged)" 0
	at_least "... it knows that it is virtual" "$(tell "$1" "dmesg | grep -c 'Virtual GPU for Intel GVT-g'")" 1
	at_least "... of $most_traps traps are left" $((most_traps - $(since traps))) 0
	at_least "... interrupts have arrived" "$(tell "$1" "grep i915 /proc/interrupts" | awk '{ print $2 + $3 }')" 1
	note "count: $1 loads its driver: $(since traps) traps, $(since syncs) syncs, $(since gpu_writes) entries written to the GPU"
}

begins_batches() { # NAME
	tell "$1" "batch 1000000 >/tmp/batch 2>&1 &"
}

still_at_it() { # NAME
	tell "$1" pidof batch
}

ends_batches() { # NAME
	tell "$1" "killall batch; ! grep . /tmp/batch"
}

# executes WHAT NAME [PAGES]: with a new buffer of PAGES for each batch, while another batch runs
executes() {
	remember_gpu
	remember "$gpu_debug/vgpus/$2"
	works "$1" tell "$2" batch $batches ${3:+"$3"}
	at_least "... by the GPU: contexts" "$(seen_by_gpu rcs_contexts)" $batches
	note "count: $batches batches: $(since traps) traps, $(since syncs) syncs, $(since entries_written) entries written"
}

# How often the guest's i915 looks whether an engine goes on, in ms
set_heartbeat() { # NAME INTERVAL
	tell "$1" "echo $2 >\$gpu/drm/card0/engine/rcs0/heartbeat_interval_ms"
}

# ends WHAT NAME stall|spin: a batch that does not end by itself, and what is left to do for the guest then
ends() {
	works "$1" tell "$2" batch "$3"
	is "... the guest's GPU is not wedged" "$(tell "$2" cat /sys/kernel/debug/dri/0/i915_wedged)" 0
	executes "... its batches are executed" "$2"
}

# too_late NAME: how often the host did not wait longer for a request of a guest
too_late() {
	dmesg | grep -c "$1: .* did not end a request"
}

# hostile RESULT CASE: what a guest without a driver submits by hand (tests/xen/i915/elsp.c), and a sound submission after it. That may be
# executed, or GVT has given the guest up by then. It gives it up at some time after what it drops.
hostile() {
	local said

	said=$(tell g1 elsp "$2")
	if [ "$1" = stored ]; then
		is "a guest's own submission: $2" "$said" "$2: stored, next stored"
	else
		is "a guest's own submission: $2" "${said%, next *}" "$2: $1"
		works "... its virtual GPU is started again" restart g1
	fi
}

# refuses CASE: GVT alone would not find it, or not in time: the modules do, and count it
refuses() {
	local before

	before=$(cat $instances/g1/refused)
	hostile dropped "$1"
	is "... the modules have refused it" $(($(cat $instances/g1/refused) - before)) 1
}

restart() { # NAME
	echo 0 >"$vgpus/$1/enable" && echo 1 >"$vgpus/$1/enable"
}

host_works() { # NAME
	works "$1" batch 2
}

### the checks

# Of what dom0 has logged since i915 probed the GPU. A probe itself warns: GVT needs a display pipe, whose registers the emulated GPU
# does not have.
no_warning() {
	is "... no warning in dom0's log" "$(dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|refcount_t' | head -n 3)" ""
}

refused() { # NAME LOG-LINE ATTRIBUTE VALUE...
	local name=$1 line=$2

	shift 2
	fails "refused: $name" mediate t "$(domid t)" bar0 $bar0 generation "$generation" mappable_base auto mappable_size "$(at 64)" "$@"
	at_least "... and the log says why" "$(dmesg | grep -c "$line")" 1
	works "... nothing is left" unmediate t
}

refused_aperture() {
	local bar2=0xd8000000

	refused "a BAR 2 that is not aligned" "aperture has to be a multiple" place i915 hidden_base auto hidden_size "$(at 64)"
}

refused_turn() {
	mark_log
	fails "refused: turns that are too short" sh -c "echo 99 >/sys/module/xengt_gvt/parameters/turn_us"
	fails "... and too long" sh -c "echo 100001 >/sys/module/xengt_gvt/parameters/turn_us"
	is "... and the log says which can be" "$(logged "turn_us has to be from 100 to 100000")" 2
}

check_refused() {
	works "a guest without a GPU starts" tiny_guest t ""
	refused "a place in which no GPU is" "set place to i915" mappable_base 0 hidden_base "$(at 1024)" hidden_size "$(at 64)"
	refused "a share without a hidden part" "both a mappable and a hidden share" place i915
	mark_log
	mkdir $instances/none
	fails "... attaching to what is not there" sh -c "echo 1 >$instances/none/attach"
	mkdir $vgpus/none
	works "... to what is there" sh -c "echo 1 >$instances/none/attach"
	fails "... twice" sh -c "echo 1 >$instances/none/attach"
	is "... and the log says both" "$(logged "none: attach is refused: .*\(make it first\|mediator already\)")" 2
	echo 0 >$instances/none/attach
	rmdir $instances/none $vgpus/none
	refused_aperture
	refused_turn
	destroy t
}

check_load() {
	local image=/run/i915-igt.cpio

	cat /guests/i915.cpio /guests/igt.cpio >$image
	works "a guest with a GPU starts" start_gvt_guest g1
	rm $image
	is "... it finds the GPU" "$(tell g1 cat '$gpu/vendor' '$gpu/device' '$gpu/class')" "0x8086 0x1912 0x030000"
	is "... but not where the host's stolen memory is" "$(tell g1 "hexdump -s 92 -n 4 \$gpu/config")" "000005c 0000 0000 0000060"
	loads_driver g1
	is "... no entry of its share is refused" "$(gpu g1 bad_entries) $(gpu g1 scratched_noent)" "0 0"
	host_works "... the host's batches are executed"
}

check_batches() {
	executes "the guest's batches are executed" g1
	at_least "... in a shadow of its PPGTT" "$(gpu g1 ppgtts)" 1
	# Without the late sync, only the mediator's syncs get changes of page tables into the shadows in time.
	set_gpu_parameter posted_age_ms 3600000
	executes "... also when their page tables change while a batch runs" g1 $buffer
	is "... and no late sync helps" "$(since syncs_late)" 0
	set_gpu_parameter posted_age_ms 10
	host_works "... and the host's"
}

check_two() {
	patience=$short_patience
	works "another guest with a GPU starts" start_gvt_guest g2
	loads_driver g2
	begins_batches g1
	executes "its batches are executed, beside the first guest's" g2
	works "... which go on" still_at_it g1
	host_works "... and the host's"
	works "... the first guest's were right" ends_batches g1
}

# by_aperture WHAT NAME: with as many accesses as the program makes
by_aperture() {
	remember_gpu
	works "$1" tell "$2" batch aperture $aperture
	is "... by so many accesses of the GPU's aperture" "$(seen_by_gpu aperture)" $((4 * aperture))
}

# not_by_aperture WHAT NAME ENTRY: there is nothing for the guest
not_by_aperture() {
	remember_gpu
	is "$1" "$(tell "$2" devmem "$(printf '0x%x' $((bar2 + ($3 << 12))))" 32)" 0xFFFFFFFF
	is "... and the GPU's aperture has no access" "$(seen_by_gpu aperture)" 0
}

check_aperture() {
	local name base guests=0

	for name in g1 g2; do
		[ -n "$(domid $name)" ] || continue
		guests=$((guests + 1))
		base=$(mappable_base $name)
		is "$name has left its BAR 2 where it was" "$(tell $name "sed -n 3p \$gpu/resource" | cut -d ' ' -f 1)" \
			"$(printf '0x%016x' $bar2)"
		by_aperture "... a program writes and reads a buffer through the aperture" $name
		remember_gpu
		tell $name devmem "$(printf '0x%x' $((bar2 + (base << 12))))" >/dev/null
		is "... a single access arrives" "$(seen_by_gpu aperture)" 1
		not_by_aperture "... there is nothing below the guest's own part" $name $((base - 1))
		not_by_aperture "... nor above" $name $((base + mappable))
	done
	[ -z "$(domid g2)" ] || not_by_aperture "... nor where the other guest's part is" g2 "$(mappable_base g1)"
	host_works "... the host's batches are executed"
	works "... the GPU is kept awake for each guest: an access by the aperture would not wake it" await 20 awake_for $guests
}

# Programs of others, which look for the GPU and submit in their own ways, each for some seconds. Each ends with a figure of its own.
check_igt() {
	local tool

	for tool in $igt_tools; do
		remember_gpu
		works "Intel's $tool runs in a guest, and says how long a request took" tell g1 "$tool >/tmp/igt && grep -q '[1-9]' /tmp/igt"
		at_least "... the GPU has executed requests meanwhile: contexts" "$(seen_by_gpu rcs_contexts)" $igt_requests
		note "count: $tool: $(seen_by_gpu rcs_contexts) contexts; it says $(tell g1 "tail -n 1 /tmp/igt")"
	done
	is "... the guest's GPU is not wedged" "$(tell g1 cat /sys/kernel/debug/dri/0/i915_wedged)" 0
	executes "... its batches are executed" g1
}

check_hang() {
	works "a guest's i915 looks for hangs often" set_heartbeat g1 500
	ends "a batch that waits for ever is ended by the guest's reset" g1 stall
	is "... not by the host" "$(too_late g1)" 0
	ends "so is one that jumps to itself" g1 spin
	at_least "... and the guest's i915 says that it hung" "$(tell g1 "dmesg | grep -c 'GPU HANG'")" 2
	works "... and seldom" set_heartbeat g1 60000
	[ -n "$(domid g2)" ] || return
	tell g2 "batch stall >/dev/null 2>&1 &"
	executes "a batch that waits for ever does not keep the GPU from another guest" g1
	host_works "... nor from the host"
	at_least "... the host has ended it" "$(too_late g2)" 1
	works "... the guest's i915 looks for it" set_heartbeat g2 500
	works "... it resets the engine" await 60 tell g2 "! pidof batch"
	set_heartbeat g2 60000
	executes "... its batches are executed" g2
}

# set_share NAME MAPPABLE HIDDEN: the sizes of its share, in entries. They are all written when the virtual GPU is enabled, and disabled.
set_share() {
	echo 0 >"$vgpus/$1/enable" && at "$2" >"$vgpus/$1/mappable_size" && at "$3" >"$vgpus/$1/hidden_size" &&
		echo 1 >"$vgpus/$1/enable"
}

check_hostile() {
	local case

	works "i915 is unloaded in a guest" tell g1 unload
	works "... whose share is as small as its submissions allow" set_share g1 256 64
	for case in sound ggtt_batch own_registers image video; do
		hostile stored $case
	done
	for case in three_levels $slow_cases foreign_register unknown_command ggtt_batch_outside ggtt_batch_in_nothing \
		ggtt_batch_without_end store_outside ring_outside ring_in_nothing context_outside context_in_nothing \
		context_unprivileged context_invalid; do
		hostile dropped $case
	done
	for case in ring_misaligned tail_beyond_ring head_beyond_ring head_odd root_in_ring half_a_root_in_ring mode_in_ring \
		command_beyond_tail ggtt_batch_calls_itself load_without_value end_in_ring ggtt_batch_first ggtt_batch_at_tail \
		ggtt_batch_goes_on flush_outside control_in_ring other_engine_in_ring whole_gpu_in_ring chicken_in_ring byte_in_ring \
		unsaved_in_ring scan_lines_in_ring wait_in_video_ring other_engine_from_memory ring_in_image other_engine_in_image \
		mode_in_image control_in_image whole_gpu_in_image command_in_image; do
		refuses $case
	done
	at_least "the log says what was refused, and whose it was" "$(dmesg | grep -c "xengt_gvt: g1: refused: MI_LOAD_REGISTER_IMM, 3 dwords")" 1
	works "a virtual GPU of which nothing is enabled" restart g1
	hostile stored render_not_enabled
	hostile stored sound
	host_works "... the host's batches are executed"
	no_warning
	works "its share is as large as before" set_share g1 $mappable $hidden
	loads_driver g1
	executes "... its batches are executed" g1
}

check_loops() {
	local until=$(($(date +%s) + loop_seconds))

	works "a guest's batches begin, with page tables that change" tell g1 "batch 1000000 $buffer >/tmp/batch 2>&1 &"
	works "... and another guest's" begins_batches g2
	while [ "$(date +%s)" -lt $until ]; do
		host_works "the host's batches are executed beside them"
		works "... and theirs go on" still_at_it g1
		works "... both" still_at_it g2
		sleep 20
	done
	works "the guest's were right" ends_batches g1
	works "... and the other one's" ends_batches g2
	no_warning
}

check_balloon() {
	local had

	begins_batches g1
	had=$(value_in $map_debug/domains/"$(domid g1)" balloon_events)
	works "the guest gives memory back while its batches run" xl mem-set g1 $((memory - 96))
	works "... the modules see it" await 60 test "$(value_in $map_debug/domains/"$(domid g1)" balloon_events)" -gt "${had:-0}"
	works "... the batches go on" still_at_it g1
	works "... it gets it back" xl mem-set g1 $memory
	works "... the batches were right" ends_batches g1
	executes "... more of them are executed" g1
}

check_reload() {
	works "i915 is unloaded in the guest" tell g1 unload
	is "... its PPGTTs are gone" "$(gpu g1 ppgtts)" 0
	works "... it moves BAR 2, and back" tell g1 "echo 1 >\$gpu/enable && move_bar2 0xc0000000 && move_bar2 $bar2"
	is "... the log says so, once" "$(dmesg | grep -c "g1: its guest has moved BAR 2 from $bar2 to 0xc0000000")" 1
	loads_driver g1
	executes "... its batches are executed" g1
}

check_destroy() {
	local id

	begins_batches g1
	[ -z "$(domid g2)" ] || begins_batches g2
	id=$(domid g1)
	works "a guest is destroyed while its batches run" destroy g1
	works "... it is gone" await 60 gone "$id"
	works "... its virtual GPU is dead" await 60 grep -q dead $vgpus/g1/state
	works "... and can be removed" unmediate g1
	host_works "... the host's batches are executed"
	if [ -n "$(domid g2)" ]; then
		works "... the other guest's were right" ends_batches g2
		executes "... more of them are executed" g2
	fi
}

check_unbind() {
	[ -n "$(domid g2)" ] || return
	begins_batches g2
	works "i915 is unbound from the GPU while a guest's batches run" unbind
	works "... its virtual GPU is dead" await 60 grep -q dead $vgpus/g2/state
	works "... the virtual GPU can be removed" unmediate g2
	no_warning
	works "... i915 is bound again" bind
	dmesg -c >/dev/null
	host_works "... the host's batches are executed"
}

check_nothing_left() {
	local name id

	for name in g1 g2 h; do
		[ ! -d $vgpus/$name ] || unmediate $name
		id=$(domid $name) || continue
		destroy $name
		works "$name is gone" await 60 gone "$id"
	done
	works "the GPU has seen nothing unsafe" igpu violations
	is "all references are back" "$(total refs_released)" "$(total refs_taken)"
	works "all modules unload" unload xengt_gvt xengt_i915 xengt xen_gpu_map
	works "... nobody keeps the GPU awake any more" await 20 awake_for 0
	host_works "... the host's batches are executed"
	is "... no zombie" "$(zombies)" 0
	no_warning
}

run() { # CHECK
	! wanted "$1" || subtest "$1" "$1"
}

begin() {
	find_igpu
	works "the serial card is held open" hold_serial_card
	works "the stock i915 probes the GPU" modprobe i915 enable_gvt=1 enable_guc=0 disable_display=1 request_timeout_ms=200000
	is "... and is not wedged" "$(wedged)" 0
	dmesg -c >/dev/null
	works "the modules load" load_all
	host_users=$(for _ in 1 2 3 4 5; do users_of_gpu && usleep 200000; done | sort -n | head -n 1)
	note "the backend is $(value_in $map_debug/backend name)"
}

subtest begin begin
run check_refused
run check_load
run check_batches
run check_igt
run check_reload
run check_two
run check_aperture
run check_loops
run check_hang
run check_hostile
run check_balloon
run check_destroy
run check_unbind
run_hvm_checks
! wanted check_nothing_left || subtest check_nothing_left check_nothing_left
finished
