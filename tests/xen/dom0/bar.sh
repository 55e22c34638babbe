# SPDX-License-Identifier: GPL-2.0
# The checks of the place "bar" (xengt_bar): the shadow GGTT is in a BAR of a PCI device that no other driver of dom0 uses. There are
# two such devices: an Intel GPU (tests/gpu), which copies through the entries, counts what was written to it, and tells what was
# unsafe; and a card with nothing but memory in a BAR, to show that any table will do.
# Runs in dom0; each function is one promise; "only" names those to run, "skip" those not to run.
# shellcheck shell=dash
. /lib/xengt/library.sh
. /lib/xengt/igpu.sh
. /lib/xengt/share.sh

# shellcheck disable=SC2034
place_module=xengt_bar
devices=/sys/bus/pci/devices
settings=/sys/kernel/config/xengt_bar
gpu_entries=262144	# of the GPU's table, 2 MiB
end_of_mappable=65536	# an aperture of 256 MiB

### devices

memory_card() { # its address
	basename "$(dirname "$(grep -l 0x1110 $devices/*/device)")"
}

driver_of() { # DEVICE
	basename "$(readlink "$devices/$1/driver")"
}

bind_device() { # DEVICE [DRIVER]
	echo "${2:-xengt_bar}" >"$devices/$1/driver_override"
	echo "$1" >/sys/bus/pci/drivers_probe
	[ "$(driver_of "$1")" = "${2:-xengt_bar}" ]
}

unbind_device() { # DEVICE
	echo "$1" >"$devices/$1/driver/unbind"
}

masters() { # DEVICE: 1 if it may do DMA
	echo $(($(od -A n -t u1 -j 4 -N 1 "$devices/$1/config") >> 2 & 1))
}

set_up() { # DEVICE [ATTRIBUTE VALUE]...
	local dir=$settings/$1

	shift
	mkdir -p "$dir"
	while [ $# -ge 2 ]; do
		echo "$2" >"$dir/$1" || return 1
		shift 2
	done
}

### the guest's virtual GPU

gpu_on() { # NAME DEVICE [ATTRIBUTE VALUE]...
	local name=$1 device=$2

	shift 2
	make_gpu "$name" "$g1" bar0 $bar0 generation 9 mode strict place "bar:$device" mappable_base auto mappable_size "$(at $mappable)" \
		hidden_base auto hidden_size "$(at $hidden)" "$@"
}

# The guest's virtual GPU on the Intel GPU
gpu_a() { # [ATTRIBUTE VALUE]...
	gpu_on a "$gpu" "$@"
}

can_sleep_here() {
	true
}

# seen NAME WRITES INVALIDATES: what the GPU has seen since remember_gpu
seen() {
	is "$1: so many writes of entries: $2" "$(seen_by_gpu gsm_writes)" "$2"
	is "... each of a whole entry" "$(seen_by_gpu gsm_writes_partial)" 0
	is "... and so many invalidates: $3" "$(seen_by_gpu invalidates)" "$3"
}

tlbs_forgotten() { # how often the engines' TLBs were, each by its register
	echo "$(seen_by_gpu rcs_tlb_invalidates) $(seen_by_gpu vcs_tlb_invalidates) $(seen_by_gpu bcs_tlb_invalidates)" \
		"$(seen_by_gpu vecs_tlb_invalidates)"
}

### the checks with the GPU

check_bound() {
	is "the GPU's driver is xengt_bar" "$(driver_of "$gpu")" xengt_bar
	is "a share with an automatic base begins at the first entry" "$first" 0
	is "... its hidden part where the aperture ends" "$hidden_first" $end_of_mappable
	is "... the module has the BAR to itself" "$(grep -c xengt_bar /proc/iomem)" 1
	is "... and the GPU may do DMA" "$(masters "$gpu")" 1
	fails "settings that are in use cannot be changed" sh -c "echo 1024 >$settings/$gpu/entries"
	rmdir "$settings/$gpu"
	fails "the module cannot be unloaded under a virtual GPU, also without a directory of its own" rmmod xengt_bar
	copies_right "after the directory is removed"
	mkdir "$settings/$gpu"
	is "a new directory shows what is in use" "$(cat "$settings/$gpu/entries")" $gpu_entries
	fails "... which cannot be changed" sh -c "echo 1024 >$settings/$gpu/entries"
	remove_a
	is "after the last virtual GPU the GPU may not do DMA" "$(masters "$gpu")" 0
	is "... nobody has the BAR" "$(grep -c xengt_bar /proc/iomem)" 0
	works "... and settings can be changed" set_up "$gpu" entries 1024
	set_up "$gpu" entries $gpu_entries
}

check_copy() {
	copies_right "an automatic base"
	tell g1 stos $hidden_first 1 0
	works "an entry that is not present is scratch: the GPU reads" read_by_gpu $hidden_first
	works "... not the page" tell g1 checkbyte $target 1 0
}

check_given_base() {
	start_over mappable_base "$(at 20000)" hidden_base "$(at 200000)"
	is "a share is where it was asked for" "$first $hidden_first" "20000 200000"
	copies_right "a given base"
	is "... entries elsewhere are as they were" "$(gsm_entry 0) $(gsm_entry 19999) $(gsm_entry 199999)" "0x0 0x0 0x0"
	start_over mappable_base "$(at $((end_of_mappable - mappable)))" hidden_base "$(at $((gpu_entries - hidden)))"
	copies_right "both parts at their ends"
}

check_counts() {
	remove_a
	remember_gpu
	gpu_on a "$gpu"
	seen "a virtual GPU is enabled" $((mappable + hidden)) 1
	start_over
	remember_gpu
	tell g1 movs $((first + 512)) 64 512
	seen "512 entries by one instruction" 512 1
	is "... no engine forgets its PPGTTs" "$(tlbs_forgotten)" "0 0 0 0"
	echo posted >$vgpus/a/mode
	set_gpu_parameter posted_age_ms 3600000
	remember_gpu
	tell g1 map $((first + 1024)) 64 512
	tell g1 flush
	seen "512 entries by 512 writes, and a flush" 512 1
	set_gpu_parameter posted_age_ms 10
	echo strict >$vgpus/a/mode
	remember_gpu
	tell g1 map $((first + 2048)) 64 1
	seen "an entry" 1 1
	tell g1 stos $((first + 1024)) 2048 0
	remember_gpu
	remove_gpu a
	# One invalidate before the pages are released, one before the tables of PPGTTs are, one after all entries of the share are written.
	seen "a virtual GPU with 512 entries is disabled" $((512 + mappable + hidden)) 3
	is "... the last two of the engines' TLBs, too" "$(tlbs_forgotten)" "2 2 2 2"
	is "... its entries are what the settings say" "$(gsm_entry $first) $(gsm_entry $((hidden_first + hidden - 1)))" "0x0 0x0"
}

check_outside() {
	works "entries outside of the shares are frozen" igpu freeze host
	remember_gpu
	tell g1 map $first 0 $mappable
	tell g1 map $hidden_first 0 $hidden
	tell g1 map $((first + mappable)) 0 8
	tell g1 map $((hidden_first - 8)) 0 8
	at_least "the guest fills its share, and writes beyond it: the GPU sees" "$(seen_by_gpu gsm_writes_shares)" $((mappable + hidden))
	remove_a
	is "... nothing that is outside, also at disabling" "$(seen_by_gpu gsm_writes_host)" 0
	works "... nor writes to what is frozen" igpu violations
	igpu thaw host
}

check_two_gpus() {
	local b

	works "a second virtual GPU on the same device" gpu_on b "$gpu" bar0 0xf0000000
	b=$(($(cat $vgpus/b/mappable_base) >> 12))
	is "... has a share of its own" "$b" $((first + mappable))
	igpu share 3 $b $mappable
	remember_gpu
	copies_right "two virtual GPUs"
	is "... the one's writes are not in the other's share" "$(seen_by_gpu share3_writes)" 0
	remember_gpu
	works "... the second goes" remove_gpu b
	is "... and writes its own entries" "$(seen_by_gpu share3_writes)" $mappable
	is "... not the other's" "$(seen_by_gpu share1_writes)" 0
	igpu share 3 0 0
	copies_right "the first stays"
}

change_ppgtt() { # makes one, has the GPU use it, and changes an entry of it
	make_ppgtt
	works "the GPU copies 64 KiB through the shadow of a PPGTT" pinned "$root" pcopy 0 0x10000 0x10000
	works "... and the guest finds its bytes" tell g1 check 48 16 2 32
	remember_gpu
	tell g1 byte 40 1 0x77
	tell g1 set 603 0 1 40 1 3
}

check_ppgtt() {
	change_ppgtt
	works "an entry of it changes: the GPU copies" pinned "$root" pcopy 0 0x10000 0x1000
	works "... the new page" tell g1 checkbyte 48 1 0x77
	is "... each engine's TLB was invalidated once, by its register" "$(tlbs_forgotten)" "1 1 1 1"
	tell g1 retire 4 600
}

check_no_tlb_registers() {
	remove_a
	set_up "$gpu" tlb_registers none
	start_over
	change_ppgtt
	tell g1 flush
	is "no engine's TLB is invalidated if there is no register for that" "$(tlbs_forgotten)" "0 0 0 0"
	dma pin a 4 "$root"
	works "... loading a context does it" igpu load rcs 4 "$(cut -d ' ' -f 1 $test_gpu/result)"
	dma unpin
	tell g1 retire 4 600
	remove_a
	set_up "$gpu" tlb_registers "0x4260 0x4264 0x4268 0x426c 0x4270"
}

# Whether memory was written in time is nothing that the emulator shows.
check_incoherent() {
	remove_a
	set_up "$gpu" incoherent 1
	start_over
	change_ppgtt
	works "a GPU that does not snoop: an entry changes, the GPU copies" pinned "$root" pcopy 0 0x10000 0x1000
	works "... the new page" tell g1 checkbyte 48 1 0x77
	tell g1 retire 4 600
	remove_a
	set_up "$gpu" incoherent 0
}

# The other checks would not notice a lack of invalidates if the GPU did not use old entries.
check_no_invalidate_register() {
	remove_a
	set_up "$gpu" invalidate_register none
	start_over
	remember_gpu
	tell g1 map $first 0 1
	is "without a register for that the GPU is not made to forget" "$(seen_by_gpu invalidates)" 0
	fails "... it uses the old entry" igpu read "$(at $first)"
	fails "... which is unsafe" igpu violations
	remove_a
	set_up "$gpu" invalidate_register 0x101008
	start_over
	igpu clear
}

check_suspend() {
	tell g1 fill 0 1 31
	tell g1 map $first 0 1
	remember_gpu
	works "the devices suspend and resume" suspend
	seen "a resume" $((mappable + hidden)) 1
	works "... the guest's entries are there" read_by_gpu $first
	works "... with its bytes" tell g1 check $target 1 31 0
}

check_suspend_in_storm() {
	suspend_in_storm strict xengt_trap
	suspend_in_storm hybrid xengt_sync
}

check_unbind_in_storm() {
	begin_storm
	works "the GPU is unbound in a write storm" await 30 storm_moves
	works "... xengt_bar lets go" unbind_device "$gpu"
	works "... the virtual GPU is dead" await 30 grep -q dead $vgpus/a/state
	is "... nothing of the guest is mapped" "$(mapped_pages)" 0
	is "... no entry leads anywhere" "$(gsm_entry $first) $(gsm_entry $((first + 2047)))" "0x0 0x0"
	works "... and the GPU is bound again" bind_device "$gpu"
	remove_gpu a
	works "... the virtual GPU is enabled again in the storm" gpu_on a "$gpu"
	works "... and shadows" await 30 storm_moves
	works "... the storm ends" tell g1 stop
	start_over
	copies_right "bound again"
}

### the checks with the card of memory

marker=0xa5a5a5a5

resource() { # COMMAND SIZE OFFSET...: of the card's memory
	local command=$1 size=$2 offset=$3

	shift 3
	barmem "$command" "$devices/$card/resource2" "$offset" "$size" "$@"
}

card_entry() { # ENTRY
	resource read $entry_size $((table + $1 * entry_size))
}

# The bus address in an entry of the card's.
card_bus() { # ENTRY
	local entry

	entry=$(card_entry "$1")
	if [ $entry_size = 8 ] || [ "$entry" = 0x0 ]; then
		bus_of "$entry"
	else
		printf '0x%x\n' $(((entry & 0xfffff000) | (entry & 0xff0) << 28))
	fi
}

# What a device does that follows the table.
follows() { # FROM-ENTRY TO-ENTRY
	dma copy "bus:$(card_bus "$1")" "bus:$(card_bus "$2")" 4096
}

# All of the card's memory is the marker; the table has room for both kinds of entries.
with_table() { # ENTRY-SIZE FORMAT [ATTRIBUTE VALUE]...
	entry_size=$1
	table=0x200000
	table_entries=$((0x800000 / entry_size))
	remove_a
	resource fill 4 0 0x400000 $marker
	shift
	set_up "$card" bar 2 offset $table entries $table_entries mappable_entries $end_of_mappable entry_format "$@"
}

outside_is_untouched() { # NAME
	local inside=$(((mappable + hidden) * entry_size / 4))

	is "$1" "$(resource count 4 0 0x400000 $marker)" $((0x400000 - inside))
}

# How many entries of a part of the share have the value.
mappable_with() { # VALUE
	resource count $entry_size $((table + first * entry_size)) $mappable "$1"
}

hidden_with() { # VALUE
	resource count $entry_size $((table + hidden_first * entry_size)) $hidden "$1"
}

share_has() { # NAME VALUE
	is "$1" "$(mappable_with "$2") $(hidden_with "$2")" "$mappable $hidden"
}

check_table_64() {
	local empty

	with_table 8 gen8 invalidate_register none tlb_registers none caching wc scratch 0x1234567000
	works "a card that is nothing but a table of 64 bits takes a virtual GPU" gpu_on a "$card"
	learn_share
	outside_is_untouched "... nothing outside of the share is written"
	empty=$(card_entry $first)
	share_has "... all entries of the share are" "$empty"
	tell g1 fill 0 1 41
	tell g1 byte $target 1 0
	tell g1 map $first 0 1
	tell g1 map $hidden_first $target 1
	works "a device that follows the table copies between the guest's pages" follows $first $hidden_first
	works "... and the guest finds its bytes" tell g1 check $target 1 41 0
	tell g1 byte 1 1 0x22
	tell g1 map $first 1 1
	works "an entry is replaced: the device copies" follows $first $hidden_first
	works "... the new page" tell g1 checkbyte $target 1 0x22
	tell g1 movs $((first + 512)) 0 512
	is "512 entries are in the table, the others are as they were at enabling" "$(mappable_with "$empty")" $((mappable - 513))
	remove_gpu a
	share_has "at disabling all entries become what the settings say" 0x1234567000
	outside_is_untouched "... and nothing outside is written"
}

write_32() { # ENTRY PAGE: the guest writes an entry of generation 7
	tell g1 write $(($1 * 4)) 4 $((($(tell g1 gfn "$2") << 12) | 1))
}

# A virtual GPU of generation 7 has a BAR 0 of 4 MiB, whose GTT of 32-bit entries is where the guest's agent looks for one if it
# takes BAR 0 to begin 6 MiB earlier.
check_table_32() {
	local half=0x600000

	with_table 4 gen7 invalidate_register none tlb_registers none caching uc scratch 0x89abcdef
	works "a table of 32 bits takes a virtual GPU of generation 7" gpu_on a "$card" generation 7
	learn_share
	outside_is_untouched "... nothing outside of the share is written"
	tell g1 bar0 "$(printf '0x%x' $((bar0 - half)))"
	tell g1 fill 0 1 51
	tell g1 byte $target 1 0
	write_32 "$first" 0
	write_32 "$hidden_first" $target
	works "a device that follows the table copies between the guest's pages" follows "$first" "$hidden_first"
	works "... and the guest finds its bytes" tell g1 check $target 1 51 0
	tell g1 byte 1 1 0x33
	write_32 "$first" 1
	works "an entry is replaced: the device copies" follows "$first" "$hidden_first"
	works "... the new page" tell g1 checkbyte $target 1 0x33
	remove_gpu a
	share_has "at disabling all entries become what the settings say" 0x89abcdef
	outside_is_untouched "... and nothing outside is written"
}

# The registers are memory, too: a bit that stays as it was written is an invalidation that is never done.
check_registers() {
	with_table 8 gen8 invalidate_bar 2 invalidate_register 0x100010 invalidate_value 0x50 invalidate_wait_mask 0xf tlb_registers none
	mark_log
	gpu_on a "$card"
	is "at enabling the invalidate register of the settings gets their value" "$(resource read 4 0x100010)" 0x50
	is "... what is not in the mask is not waited for" "$(logged "no answer")" 0
	is "... the register beside it is untouched" "$(resource read 4 0x100014)" $marker
	remove_a
	set_up "$card" invalidate_value 0x51
	works "a device that does not answer can be used" gpu_on a "$card"
	at_least "... and the log says so" "$(logged "no answer to an invalidation within 10 ms: register 0x100010 is 0x51")" 1
	remove_a
}

reset_device() { # DEVICE
	echo 1 >"$devices/$1/reset"
}

# The card is alone on its bus, whose reset is its own. Memory stays as it is then, so that the entries are lost before.
check_card_reset() {
	fails "the GPU, beside others on its bus and without a reset of its own, cannot be reset" reset_device "$gpu"
	with_table 8 gen8 invalidate_register none tlb_registers none
	gpu_on a "$card" mode hybrid
	learn_share
	use_gsm "$devices/$card/resource2" $table
	tell g1 map $first 0 $mappable
	tell g1 flush
	lose_entries
	remember $gpu_debug/vgpus/a
	works "the card is reset" reset_device "$card"
	is "... each entry of the share is written again" "$(since gpu_writes)" $((mappable + hidden))
	share_is_right "... after that"
	storm_in_mode strict
	lose_entries
	works "the card is reset in a write storm" reset_device "$card"
	works "... the storm goes on" await 30 storm_moves
	works "... and ends" end_storm
	share_is_right "... after that"
	outside_is_untouched "... nothing outside of the share is written"
	remove_a
	use_gsm "$devices/$gpu/resource0" 0x800000
}

check_card_removed() {
	with_table 8 gen8 invalidate_register none tlb_registers none
	gpu_on a "$card"
	learn_share
	tell g1 map $first 0 64
	begin_storm
	works "the card is removed from the bus in a write storm" await 30 storm_moves
	works "... it goes" sh -c "echo 1 >$devices/$card/remove"
	works "... the virtual GPU is dead" await 30 grep -q dead $vgpus/a/state
	is "... nothing of the guest is mapped" "$(mapped_pages)" 0
	tell g1 stop
	remove_gpu a
	works "... the card comes again" sh -c "echo 1 >/sys/bus/pci/rescan"
	works "... and is bound" bind_device "$card"
	works "... and takes a virtual GPU" gpu_on a "$card"
	remove_a
}

### refusals

refused() { # NAME LOG-LINE DEVICE [ATTRIBUTE VALUE]...
	local name=$1 line=$2

	shift 2
	mark_log
	fails "refused: $name" gpu_on b "$@" bar0 0xf0000000
	at_least "... and the log says so" "$(logged "xengt_bar: b: .*$line")" 1
	rmdir $vgpus/b
}

# bad_setting NAME LOG-LINE [ATTRIBUTE VALUE]...: a setting that does not fit the card
bad_setting() {
	local name=$1 line=$2

	shift 2
	with_table 8 gen8 invalidate_register none tlb_registers none invalidate_bar 2
	set_up "$card" "$@"
	refused "$name" "$line: set it right in configfs, xengt_bar/$card" "$card"
}

check_bad_settings() {
	with_table 8 gen8
	bad_setting "a BAR that is not there" "bar is not a memory BAR of the device" bar 1
	bad_setting "a BAR that is too small" "beyond the end of the BAR" bar 0
	bad_setting "an offset beyond the BAR" "beyond the end of the BAR" offset 0x10000000
	bad_setting "an offset in the middle of a page" "not a multiple of 4 KiB" offset 0x800
	bad_setting "a table that goes beyond the BAR" "beyond the end of the BAR" offset 0x801000
	bad_setting "no entries" "entries is 0" entries 0
	bad_setting "more mappable entries than there are" "more than entries" mappable_entries $((table_entries + 1))
	bad_setting "registers among the entries" "entries among the registers" invalidate_register $((table + 8))
	bad_setting "a register beyond the BAR" "beyond the end of invalidate_bar" invalidate_register 0x1000000
	bad_setting "registers in a BAR that is not there" "invalidate_bar is not a memory BAR of the device" invalidate_bar 1 tlb_registers 0x10
	bad_setting "a register at an odd place" "multiple of 4" tlb_registers 0x12
	bad_setting "a scratch entry that is too large" "scratch has more than 32 bits, an entry of gen7 has not" entry_format gen7 scratch 0x100000000
	fails "refused: the number of a BAR that no device has" set_up "$card" bar 6
	fails "refused: settings for what is not a PCI device" mkdir $settings/nonsense
	is "after all that nothing has the card's BARs" "$(grep -c xengt_bar /proc/iomem)" 0
	is "... and it may not do DMA" "$(masters "$card")" 0
	is "... nothing was written to it" "$(resource count 4 0 0x400000 $marker)" $((0x400000))
}

# The virtual GPU a has its share of the GPU.
check_refused() {
	refused "a device that is not there" "not bound to 0000:00:1e.7: use driver_override" 0000:00:1e.7
	refused "a device to be chosen out of two" "bound to several devices: name one" "" place bar
	refused "entries of another virtual GPU" "another virtual GPU has entries of the mappable share" "$gpu" \
		mappable_base "$(at $((first + mappable - 1)))"
	refused "hidden ones" "another virtual GPU has entries of the hidden share" "$gpu" hidden_base "$(at $hidden_first)"
	refused "a share without room" "no room for $((end_of_mappable - 1)) entries of mappable share" "$gpu" \
		mappable_size "$(at $((end_of_mappable - 1)))"
	refused "a share beyond the table" "goes beyond entry $gpu_entries" "$gpu" hidden_base "$(at $((gpu_entries - hidden + 1)))"
	refused "a mappable share beyond the aperture" "goes beyond entry $end_of_mappable" "$gpu" \
		mappable_base "$(at $((end_of_mappable - mappable + 1)))"
	refused "more fence registers than are left" "28 of the fence registers are left" "$gpu" fences 29
	refused "addresses that the GPU does not have" "addresses of 39 bits" "$gpu" dma_bits 45
	remove_a
	refused "another generation" "generation 7 has entries of gen7" "$gpu" generation 7
	gpu_on a "$gpu"
}

check_another_driver() {
	remove_a
	unbind_device "$card"
	modprobe pci-stub
	works "the card has another driver" bind_device "$card" pci-stub
	refused "a device of another driver" "not bound to $card" "$card"
	is "... which keeps it" "$(driver_of "$card")" pci-stub
	unbind_device "$card"
	refused "a device without a driver" "not bound to $card" "$card"
	unbind_device "$gpu"
	refused "any device, of which there is none" "bound to no device" "" place bar
	works "both are bound again" bind_device "$card"
	works "... to xengt_bar" bind_device "$gpu"
}

check_destroy_in_storm() {
	begin_storm
	works "the guest is destroyed in a write storm" await 30 storm_moves
	destroy g1
	works "... it is gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
	works "... its virtual GPU is dead" await 30 grep -q dead $vgpus/a/state
	works "... and can be removed" remove_gpu a
	is "... no entry leads anywhere" "$(gsm_entry $first) $(gsm_entry $((first + 2047)))" "0x0 0x0"
}

check_nothing_left() {
	remove_a
	if domid g1 >/dev/null; then
		destroy g1
		await 60 gone "$g1"
	fi
	works "the GPU has seen nothing unsafe" igpu violations
	fails "the module cannot be unloaded under its directories" rmmod xengt_bar
	rmdir $settings/*
	works "all modules unload" unload xengt_testgpu xengt_bar xengt xen_gpu_map
	is "... no device has a driver of theirs" "$(driver_of "$gpu")$(driver_of "$card")" ""
	is "... no zombie" "$(zombies)" 0
	is "... dom0's pages" "$(books 0)" "$books_before"
	is "... no warning in dom0's log" "$(warnings)" ""
}

### the run

books_before=$(books 0)

begin() {
	find_igpu
	gpu=$igpu_address
	card=$(memory_card)
	works "the GPU answers without a driver" igpu counts
	works "the modules load" load_all
	is "xengt_bar takes no device by itself" "$(driver_of "$gpu")$(driver_of "$card")" ""
	works "the GPU is bound by driver_override" bind_device "$gpu"
	works "... and the card" bind_device "$card"
	works "the GPU's table is set up" set_up "$gpu" entries $gpu_entries
	begin_guest
}

subtest begin begin
run check_bound
run check_copy
run check_given_base
run check_counts
run check_replaced
run check_outside
run check_two_gpus
run check_ppgtt
run check_no_tlb_registers
run check_incoherent
run check_no_invalidate_register
run check_suspend
run check_suspend_in_storm
run check_close_in_suspend
run check_refused
run check_another_driver
run check_table_64
run check_table_32
run check_registers
run check_bad_settings
run check_card_reset
run check_card_removed
run check_unbind_in_storm
run check_destroy_in_storm
! wanted check_nothing_left || subtest check_nothing_left check_nothing_left
finished
