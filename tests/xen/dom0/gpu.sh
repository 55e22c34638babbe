# The checks with an Intel GPU in the machine (tests/gpu), which dom0's stock i915 drives: the shadow GGTT is in the GPU's GSM, and
# the GPU itself copies through it and through shadows of PPGTTs. The GPU counts what was written to it, and what was unsafe
# ("violations"): an entry in use that it was not made to forget, DMA that the IOMMU refuses, a write outside of the shares.
# Runs in dom0; each function is one promise; "only" names those to run, "skip" those not to run.
# shellcheck shell=dash
. /lib/xengt/library.sh
. /lib/xengt/igpu.sh
. /lib/xengt/share.sh

# shellcheck disable=SC2034
place_module=xengt_i915

# host_works NAME: the host's own i915 has its GPU execute batches
host_works() {
	works "$1" batch 2
}

# shellcheck disable=SC2120
gpu_a() { # [ATTRIBUTE VALUE]...
	make_gpu a "$g1" bar0 $bar0 generation "$generation" mode strict place i915 mappable_base auto \
		mappable_size "$(at $mappable)" hidden_base auto hidden_size "$(at $hidden)" "$@"
}

# Says why not.
can_sleep_here() {
	can_sleep && return
	note "not made: i915 would crash, see can_sleep"
	return 1
}

### the checks

check_bound() {
	works "the stock i915 is bound" bound
	is "... and not wedged" "$(wedged)" 0
	host_works "... the host's batches are executed"
	is "the virtual GPU's place is i915" "$(cat $vgpus/a/place)" i915
	at_least "... its share was chosen: mappable" "$first" 1
	at_least "... and hidden, beyond it" "$hidden_first" $((first + mappable))
}

# i915 frees the contexts of programs that have ended, and has unbound their pages. It does so when the GPU is idle, in its own time:
# this waits until all that is done (DROP_RETIRE, ACTIVE, FREED, IDLE and RCU in i915_debugfs.c). A second time, as the first makes the
# GPU idle.
host_at_rest() {
	local drop=/sys/kernel/debug/dri/0/i915_gem_drop_caches

	echo 0x25c >$drop && echo 0x25c >$drop
}

# While nothing of the host's is at work, a write to one of its entries is a violation.
check_copy() {
	works "the host's i915 has nothing left to do" host_at_rest
	igpu freeze host
	tell g1 fill 0 4 11
	tell g1 byte 4 4 0
	tell g1 map $first 0 8
	works "the guest's entries are in the GSM: the GPU copies through them" copies $first $((first + 4)) 4
	works "... and the guest finds its bytes" tell g1 check 4 4 11 0
	tell g1 map $hidden_first 0 1
	works "... in the hidden part of the share too" read_by_gpu $hidden_first
	works "... and finds its bytes" tell g1 check $target 1 11 0
	tell g1 stos $hidden_first 1 0
	works "an entry that is not present is scratch: the GPU reads" read_by_gpu $hidden_first
	works "... not the page" tell g1 checkbyte $target 1 0
	igpu thaw host
	host_works "the host's batches are executed beside that"
}

check_counts() {
	remove_gpu a
	remember_gpu
	start_over
	is "enabling writes each entry of the share once" "$(seen_by_gpu gsm_writes)" $((mappable + hidden))
	is "... with one invalidate" "$(seen_by_gpu invalidates)" 1
	echo posted >$vgpus/a/mode
	set_gpu_parameter posted_age_ms 3600000
	remember_gpu
	tell g1 map $((first + 512)) 64 512
	tell g1 flush
	is "512 entries: the GSM is written 512 times" "$(seen_by_gpu gsm_writes)" 512
	is "... with one invalidate" "$(seen_by_gpu invalidates)" 1
	is "... and none of engines' TLBs" "$(seen_by_gpu rcs_tlb_invalidates)" 0
	remember_gpu
	remove_gpu a
	is "disabling writes the 512 entries, and then each of the share" "$(seen_by_gpu gsm_writes)" $((512 + mappable + hidden))
	is "... with one invalidate each, and one for the PPGTTs" "$(seen_by_gpu invalidates)" 3
	is "... and nothing elsewhere" "$(seen_by_gpu gsm_writes_host)" 0
	set_gpu_parameter posted_age_ms 10
	start_over
}

check_race() {
	local had

	drain
	had=$(books "$g1")
	tell g1 byte 0 1 0x5a
	tell g1 map $first 0 1
	works "the GPU reads a page" read_by_gpu $first
	tell g1 out 0 1
	is "the guest balloons it out: the frame is held" "$(books "$g1")" "$had"
	works "... the GPU reads on" read_by_gpu $first
	works "... what nobody else can have written" tell g1 checkbyte $target 1 0x5a
	drain
	is "... revalidated: the frame is free" "$(books "$g1")" $((had - 1))
	works "... the GPU reads scratch" read_by_gpu $first
	works "... not the page" tell g1 checkbyte $target 1 0
	tell g1 in 0 1
}

check_ppgtt() {
	make_ppgtt
	works "the GPU copies 64 KiB through the shadow of a PPGTT" pinned "$root" pcopy 0 0x10000 0x10000
	works "... and the guest finds its bytes" tell g1 check 48 16 2 32
	remember_gpu
	tell g1 byte 40 1 0x77
	tell g1 set 603 0 1 40 1 3
	works "an entry of it changes: the GPU copies" pinned "$root" pcopy 0 0x10000 0x1000
	works "... the new page" tell g1 checkbyte 48 1 0x77
	at_least "... its engines' TLBs were made to forget" "$(seen_by_gpu rcs_tlb_invalidates)" 1
	tell g1 retire 4 600
}

check_reset() {
	tell g1 fill 0 1 21
	tell g1 map $first 0 1
	remember_gpu
	works "the GPU is reset" reset_gpu
	at_least "... all of it" "$(seen_by_gpu resets)" 1
	is "... and is not wedged" "$(wedged)" 0
	works "... the guest's entries are there" read_by_gpu $first
	works "... with its bytes" tell g1 check $target 1 21 0
	host_works "... the host's batches are executed"
}

check_suspend() {
	can_sleep_here || return
	tell g1 fill 0 1 31
	tell g1 map $first 0 1
	remember_gpu
	works "the devices suspend and resume" suspend
	is "... each entry of the share is written again" "$(seen_by_gpu gsm_writes_shares)" $((mappable + hidden))
	works "... the guest's entries are there" read_by_gpu $first
	works "... with its bytes" tell g1 check $target 1 31 0
	host_works "... the host's batches are executed"
}

reset_in_storm() { # MODE
	start_over mode hybrid
	storm_in_mode "$1"
	remember_gpu
	works "$1: the GPU is reset in a write storm" reset_gpu
	at_least "... all of it" "$(seen_by_gpu resets)" 1
	is "... and is not wedged" "$(wedged)" 0
	works "... the storm goes on" await 30 storm_goes_on
	works "... and ends" end_storm
	share_is_right "... after that"
	host_works "... the host's batches are executed"
}

check_reset_in_storm() {
	reset_in_storm strict
	reset_in_storm hybrid
}

check_suspend_in_storm() {
	can_sleep_here || return
	suspend_in_storm strict xengt_trap
	suspend_in_storm hybrid xengt_sync
	host_works "... the host's batches are executed"
}

# The guest writes all the time: as the modules are to be unloaded under it, while they are unloaded, and when they are gone.
check_unload_in_storm() {
	local module had

	remove_a
	had=$(books "$g1")
	start_over
	begin_storm
	works "the guest writes without a pause" await 30 storm_moves
	for module in i915 xen_gpu_map xengt xengt_i915; do
		fails "... $module cannot be unloaded" rmmod $module
	done
	works "... the writes go on to be shadowed" await 30 storm_moves
	rmdir $vgpus/a
	works "a virtual GPU is removed, and not disabled before: xengt_i915 unloads" unload xengt_i915
	works "... and the others" unload xengt_testgpu xengt xen_gpu_map
	is "... all of the guest's references are back" "$(books "$g1")" "$had"
	works "... the storm goes on" await 30 storm_goes_on
	works "... and ends" tell g1 stop
	host_works "... the host's batches are executed"
	load_all
	start_over
	copies_right "loaded again"
}

# kvmgt is the other module to which i915 hands its GPUs over. A GPU without displays is none for kvmgt, which has i915's callbacks all
# the same. It reads the GPU's registers without waking the GPU.
check_kvmgt() {
	is "no warning in dom0's log so far" "$(warnings)" ""
	stay_awake
	fails "kvmgt does not load beside xengt_i915" modprobe kvmgt
	copies_right "after that"
	remove_a
	unload xengt_i915
	works "without xengt_i915 it loads" modprobe kvmgt
	mark_log
	fails "xengt_i915 does not load beside it" insmod /mod/xengt_i915.ko
	at_least "... the log says what to do" "$(logged "xengt_i915: i915 has handed .*: unload kvmgt first")" 1
	is "... and nothing else" "$(logged xengt)" "$(logged "unload kvmgt first")"
	fails "... nobody offers the place" sh -c "mkdir $vgpus/b && echo i915 >$vgpus/b/place"
	rmdir $vgpus/b
	works "... what the log says works: kvmgt is unloaded" rmmod kvmgt
	dmesg -c >/dev/null	# kvmgt warns that it does not know a GPU without displays
	works "... and xengt_i915 loads" insmod /mod/xengt_i915.ko
	start_over
	copies_right "kvmgt is gone"
	host_works "... the host's batches are executed"
	may_sleep
}

# The share is where i915 has nothing, before or after.
check_unbind_in_storm() {
	start_over mappable_base "$(at 20000)"
	begin_storm
	works "i915 is unbound in a write storm" await 30 storm_moves
	works "... it lets go" unbind
	works "... the virtual GPU is dead" await 30 grep -q dead $vgpus/a/state
	is "... nothing of the guest is mapped" "$(mapped_pages)" 0
	works "... and it is bound again" bind
	is "... not wedged" "$(wedged)" 0
	host_works "... the host's batches are executed"
	remove_gpu a
	works "... the virtual GPU is enabled again in the storm" gpu_a mappable_base "$(at "$first")"
	works "... and shadows" await 30 storm_moves
	works "... the storm ends" tell g1 stop
	start_over
	tell g1 fill 0 1 61
	tell g1 map $first 0 1
	works "... the GPU works as before" read_by_gpu $first
	works "... with the guest's bytes" tell g1 check $target 1 61 0
}

refused() { # NAME LOG-LINE ATTRIBUTE VALUE...
	local name=$1 line=$2

	shift 2
	mark_log
	fails "refused: $name" make_gpu b "$g1" bar0 0xf0000000 generation "$generation" place i915 "$@"
	at_least "... and the log says why" "$(logged "$line")" 1
	rmdir $vgpus/b
}

check_refused() {
	fails "refused: a place that nobody offers" sh -c "mkdir $vgpus/b && echo nonsense >$vgpus/b/place"
	rmdir $vgpus/b
	refused "a device that is not there" "0000:00:1e.7" place i915:0000:00:1e.7 mappable_size 0x100000
	refused "entries of another virtual GPU" "i915" mappable_base "$(at $first)" mappable_size 0x100000
	refused "entries of the host's" "i915" mappable_base 0 mappable_size 0x100000
	refused "more than there is" "i915" mappable_base auto mappable_size 0x20000000
	refused "another generation" "generation" generation 7 bar0 0xf0000000 mappable_base auto mappable_size 0x100000
	refused "addresses that the GPU does not have" "dma_bits" dma_bits 45 mappable_base auto mappable_size 0x100000
}

check_address() {
	remove_gpu a
	works "a place can name the GPU: i915:$igpu_address" gpu_a place "i915:$igpu_address"
}

check_without_gvt() {
	local had

	remove_gpu a
	had=$(books "$g1")
	start_over
	begin_storm
	works "the guest writes without a pause" await 30 storm_moves
	rmdir $vgpus/a
	works "a virtual GPU is removed: i915 unloads as soon as xengt_i915 has" unload xengt_i915 i915
	works "... then the others" unload xengt_testgpu xengt xen_gpu_map
	is "... all of the guest's references are back" "$(books "$g1")" "$had"
	works "... the storm ends" tell g1 stop
	modprobe i915 enable_gvt=0 enable_guc=0
	load_all
	refused "a GPU that i915 does not hand over" "load i915 with enable_gvt=1" mappable_base auto mappable_size 0x100000
	unload xengt_testgpu xengt_i915 xengt xen_gpu_map i915
	works "i915 with enable_gvt=1" load_i915
	can_sleep || stay_awake
	works "... and the modules load again" load_all
	start_over
	is "... and the GPU is there" "$(cat $vgpus/a/state)" running
	tell g1 fill 0 1 71
	tell g1 map $first 0 1
	works "... and works" read_by_gpu $first
	works "... with the guest's bytes" tell g1 check $target 1 71 0
}

check_destroy_in_storm() {
	begin_storm
	works "the guest is destroyed in a write storm" await 30 storm_moves
	destroy g1
	works "9: ... it is gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
	works "... its virtual GPU is dead" await 30 grep -q dead $vgpus/a/state
	works "... and can be removed" remove_gpu a
	host_works "... the host's batches are executed"
}

check_nothing_left() {
	remove_a
	if domid g1 >/dev/null; then
		destroy g1
		await 60 gone "$g1"
	fi
	works "the GPU has seen nothing unsafe" igpu violations
	fails "i915 cannot be unloaded under xengt_i915" rmmod i915
	works "9: all modules unload" unload xengt_testgpu xengt_i915 xengt xen_gpu_map
	host_works "... the host's batches are executed"
	works "... i915 lets go of the device" unbind
	works "... and unloads" unload i915
	is "... no zombie" "$(zombies)" 0
	is "... dom0's pages" "$(books 0)" "$books_before"
	is "... no warning in dom0's log" "$(warnings)" ""
}

### the run

books_before=$(books 0)

begin() {
	find_igpu
	works "the stock i915 probes the GPU" load_i915
	can_sleep || stay_awake
	works "the modules load" load_all
	note "the backend is $(value_in $map_debug/backend name)"
	begin_guest
}

subtest begin begin
run check_bound
run check_copy
run check_counts
run check_replaced
run check_race
run check_ppgtt
run check_reset
run check_reset_in_storm
run check_suspend
run check_suspend_in_storm
run check_close_in_suspend
run check_refused
run check_unbind_in_storm
run check_unload_in_storm
run check_kvmgt
run check_address
run check_without_gvt
run check_destroy_in_storm
! wanted check_nothing_left || subtest check_nothing_left check_nothing_left
finished
