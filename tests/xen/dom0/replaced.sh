# The checks of drivers that are replaced, of what is there before a virtual GPU, and of what the toolstack does: RAM and devices where a GTT
# is to be, guests that are saved and restored, log-dirty mode, memory that comes later, toolstacks that clean up in another order.
# Sourced by checks.sh, and run among its checks.
# shellcheck shell=dash disable=SC2154

other=196608	# the share of the other guest's virtual GPU, in entries
other_count=2048
gtt_offset=0x800000

# gpu_of NAME DOMID [ATTRIBUTE VALUE]...: a virtual GPU with that share
gpu_of() {
	local name=$1 id=$2

	shift 2
	make_gpu "$name" "$id" bar0 $bar0 mappable_base "$(at $other)" mappable_size "$(at $other_count)" "$@"
}

logged() { # TEXT: how many lines of the log have it since dmesg -c
	dmesg | grep -c "$1"
}

### another driver

full_tree() { # that is announced
	make_tree 4
	tell g1 set $pt 0 512 0 1 $plain
	announce
	tell g1 flush
}

tables_are() { # NAME PPGTTS TABLES TRAPPED-PAGES
	is "$1" "$(gpu a ppgtts) $(gpu a tables) $(gpu a pages_protected_now)" "$2 $3 $4"
}

# A driver comes that knows nothing of what the one before it announced, and never took back.
check_new_driver() {
	local v=$gpu_debug/vgpus/a

	tell g1 load
	full_tree
	tables_are "a guest's driver has a PPGTT" 1 4 4
	tell g1 load
	tell g1 flush
	tables_are "another one loads: no PPGTT is left, no table, and no page is trapped" 0 0 0
	remember $v
	tell g1 fill $pml4 $table_pages 14
	is "... what was a table is memory: stores to it are not trapped" "$(since table_writes)" 0
	works "... and holds what is stored" tell g1 check $pml4 $table_pages 14
	full_tree
	tables_are "... the new driver has a PPGTT" 1 4 4
	leads_right "... which leads to the right pages" "$(slot $pt_slot)" 512
	works "a reset by hand" eval 'echo ppgtts >$vgpus/a/reset'
	tables_are "... ends it" 0 0 0
	tell g1 map $first 0 512
	full_tree
	works "a reset of all by hand" eval 'echo all >$vgpus/a/reset'
	tables_are "... ends it" 0 0 0
	is "... and no entry is live" "$(gpu a entries_live)" 0
	is "... what the guest wrote to the GTT reads as 0" "$(($(tell g1 read $((first * 8)) 8)))" 0
	start_over
}

### what is at the GTT

# refused_gpu NAME DOMID MODE BAR0: whatever is there stays there
refused_gpu() {
	local had

	had=$(books "$2")
	dmesg -c >/dev/null
	fails "$1 ($3)" make_gpu o "$2" bar0 "$4" mode "$3" mappable_base "$(at $other)" mappable_size "$(at $other_count)"
	at_least "... a line says why" "$(logged 'xengt: o: ')" 1
	note "$(dmesg | grep 'xengt: o: ' | tail -n 1)"
	remove_gpu o
	is "... the guest has the pages that it had" "$(books "$2")" "$had"
}

check_bar0_over_ram() {
	local mode id

	guest_config o /guests/tiny.elf 64 1 "bar0=$bar0 first=$other count=64 gfn=0x400" >/tmp/o.cfg
	create o -p
	id=$(domid o)
	xl mem-max o 80
	for mode in strict posted hybrid; do
		refused_gpu "a GTT where the guest has RAM is refused" "$id" $mode 0x2000000
	done
	toolstack populate "$id" $(((bar0 + gtt_offset + 0x7ff000) >> 12)) 1
	refused_gpu "... if it is one page, the last" "$id" strict $bar0
	works "elsewhere it is not" gpu_of o "$id" bar0 0xd0000000 mode hybrid
	is "... and has RAM" "$(gpu o gtt_ram_pages)" $gtt_pages
	remove_gpu o
	destroy o
	works "... the guest is destroyed, and gone" await 60 gone "$id"
	is "... no zombie" "$(zombies)" 0
}

# A device's memory at a GFN of the GTT is an entry that Xen does not replace: it crashes the guest.
check_bar0_over_device() {
	local mode id had device

	guest_config o /guests/tiny.elf 16 1 "bar0=$bar0 first=$other count=64 gfn=0x400" >/tmp/o.cfg
	create o -p
	id=$(domid o)
	xl mem-max o 32
	had=$(crashes)
	find_edu
	device=$(head -n 1 "$(dirname "$edu_config")/resource" | cut -d ' ' -f 1)
	works "a guest has a device's memory where its GTT is to be" toolstack mmio "$id" $(((bar0 + gtt_offset) >> 12)) $((device >> 12)) 1
	for mode in strict posted hybrid; do
		refused_gpu "... a virtual GPU there is refused" "$id" $mode $bar0
	done
	is "... Xen crashed no guest" "$(crashes)" "$had"
	destroy o
	works "... the guest is destroyed, and gone" await 60 gone "$id"
	is "... no zombie" "$(zombies)" 0
}

### save and restore

# The tables of a PPGTT of four levels in the guest s, from PML4 to page table, and the address where its pages begin
tree=590
tree_base=$((3 << 39 | 5 << 30 | 7 << 21))

tree_in_s() { # with the pages 0 to 511, as the GGTT has them
	tell s byte $tree 4 0
	tell s set $((tree + 3)) 0 512 0 1 3
	tell s set $((tree + 2)) 7 1 $((tree + 3)) 1 3
	tell s set $((tree + 1)) 5 1 $((tree + 2)) 1 3
	tell s set $tree 3 1 $((tree + 1)) 1 3
}

table_of_s() { # PAGE: guest-physical
	printf '0x%x\n' $(($(tell s gfn "$1") << 12))
}

# What is in the stream is the guest's memory, and RAM at the GTT would be, for which there is no room at the restore: the virtual GPU
# is disabled first, which takes that away.
check_save() {
	local mode id old before

	works "a guest of its own starts" start_guest s 1 192
	id=$(domid s)
	tell s pages 600
	for mode in strict posted hybrid; do
		old=$id
		xl mem-max s 204
		works "save ($mode): it has a virtual GPU" gpu_of s "$id" mode $mode
		tell s bar0 $bar0
		tell s share $other $other_count 0 0
		tell s fill 0 8 5
		tell s map $other 0 512
		tell s flush
		is "... with entries" "$(gpu s entries_live)" 512
		tree_in_s
		tell s announce 4 $tree
		tell s flush
		is "... and a PPGTT" "$(gpu s ppgtts) $(gpu s tables) $(gpu s entries_live)" "1 4 1024"
		before=$(tell s read $((other * 8)) 8)
		xl pause s
		works "... which a mediator saves, while the guest does not run" dma save s
		note "count: $(cat $test_gpu/result) bytes for $other_count entries and a PPGTT"
		xl unpause s
		[ $mode != hybrid ] || works "... which is disabled" eval 'echo 0 >$vgpus/s/enable'
		works "... it is saved" save s /run/s.save
		works "... and gone" await 60 gone "$old"
		works "... which the virtual GPU knows" await 30 ended_or_off s
		remove_gpu s
		if ! restore s /run/s.save; then
			not_ok "... restored" "$(tail -n 1 /tmp/xl.out)"
			rm -f /run/s.save
			return
		fi
		ok "... restored"
		rm -f /run/s.save
		id=$(domid s)
		xl mem-max s 204
		works "... a virtual GPU with another share" make_gpu s "$id" bar0 $bar0 mode strict mappable_base "$(at $other)" \
			mappable_size "$(at $((other_count / 2)))"
		says "... does not take what is saved" "out of range" dma restore s
		remove_gpu s
		works "... it has a virtual GPU again" gpu_of s "$id" mode $mode
		is "... which knows nothing" "$(gpu s ppgtts) $(gpu s entries_live)" "0 0"
		works "... until the mediator restores it, before the guest runs" dma restore s
		is "... entries and PPGTT are shadowed" "$(gpu s ppgtts) $(gpu s tables) $(gpu s entries_live)" "1 4 1024"
		says "... and it cannot be restored twice" "busy" dma restore s
		xl unpause s
		works "... it goes on" ask_within s 60 ping
		works "... with the bytes that it had" tell s check 0 8 5
		is "... reads the entries that it had" "$(tell s read $((other * 8)) 8)" "$before"
		dma copy "$(at $((other + 3)))" "$(at $((other + 2)))" 4096
		works "... which the GPU finds, without a write of the guest's" tell s check 2 1 5 3
		# shellcheck disable=SC2046
		is "... and the PPGTT leads where the GGTT does" "$(dma psame s 4 $(table_of_s $tree) $tree_base "$(at $other)" 0x200000 &&
			cat $test_gpu/result)" 512
		tell s stos $other 512 0
		tell s map $other 0 8
		tell s flush
		tell s retire 4 $tree
		is "... writes its entries and takes the PPGTT back, and that is shadowed" "$(gpu s ppgtts) $(gpu s entries_live)" "0 8"
		dma copy "$(at $((other + 3)))" "$(at $((other + 1)))" 4096
		works "... the GPU finds the pages" tell s check 1 1 5 3
		remove_gpu s
	done
	destroy s
	works "... the guest is destroyed, and gone" await 60 gone "$id"
	is "... no zombie" "$(zombies)" 0
}

ended_or_off() { # VGPU
	case $(cat "$vgpus/$1/state") in
	dead | off) ;;
	*) return 1 ;;
	esac
}

# What Xen says to a live migration: not while pages of the guest are trapped.
check_logdirty() {
	start_over mode strict
	tell g1 map $first 0 4
	works "log-dirty mode: not refused when no page is trapped" toolstack logdirty "$g1" on
	works "... nor switched off" toolstack logdirty "$g1" off
	make_tree 4
	announce
	says "... refused while tables are trapped" "busy" toolstack logdirty "$g1" on
	retire
	tell g1 flush
	works "... not any more" toolstack logdirty "$g1" on
	works "... nor switched off" toolstack logdirty "$g1" off
	hybrid
	tell g1 map $first 0 4
	tell g1 flush
	says "... refused while pages of the GTT are trapped" "busy" toolstack logdirty "$g1" on
	works "... the guest goes on" read_posted $((first + 1))
}

### memory that comes later

check_high_memory() {
	local gfn

	allow 12
	start_over
	for gfn in 0x48000 0x140000 0x3f40000; do
		works "memory comes at GFN $gfn" tell g1 populate $gfn 4
		tell g1 write $((first * 8)) 8 $((((gfn + 2) << 12) | 1))
		is "... an entry names a page of it: live" "$(gpu a entries_live)" 1
		dma fill "$(at $first)" 4096 0x77
		is "... DMA reaches it" "$(tell g1 peekpage $((gfn + 2)))" 0x77
		tell g1 write $((first * 8)) 8 0
	done
	tell g1 fill 0 1 13
	tell g1 map $first 0 1
	works "... the rest of its memory is mappable all the same" read_by_gpu $first
	works "... with the right bytes" tell g1 check $target 1 13 0
	tiny_guest o "bar0=$bar0 first=131072 count=100 gfn=0x400"
	works "... and another guest's" make_gpu o "$(domid o)" bar0 $bar0 mappable_base "$(at 131072)" mappable_size "$(at 256)"
	xl unpause o
	works "... is mapped" await 60 eval '[ "$(gpu o entries_live)" = 100 ]'
	remove_gpu o
	destroy o
	start_over
}

### other toolstacks

# tiny_with_gpu [COMMAND]: guest o, whose entries are live; the command is run before it has a virtual GPU
tiny_with_gpu() {
	tiny_guest o "bar0=$bar0 first=131072 count=100 gfn=0x400"
	o=$(domid o)
	"${1:-true}"
	make_gpu o "$o" bar0 $bar0 mappable_base "$(at 131072)" mappable_size "$(at 256)" || return 1
	xl unpause o
	await 60 eval '[ "$(gpu o entries_live)" = 100 ]'
}

remove_vm_node() {
	xenstore-rm "/local/domain/$o/vm"
}

ended() {
	works "9: ... it is gone" await 60 gone "$o"
	works "... its virtual GPU is dead" await 30 eval '[ "$(cat $vgpus/o/state)" = dead ]'
	remove_gpu o
	is "... no zombie" "$(zombies)" 0
}

# A guest that xenstore does not know is found dead when what is mapped is looked at again.
check_late_cleanup() {
	local vm

	set_parameter balloon_delay_ms 10
	tiny_with_gpu
	is "a guest has live entries" "$(gpu o entries_live)" 100
	vm=$(xenstore-read "/local/domain/$o/vm")
	works "the toolstack destroys it" toolstack destroy "$o"
	works "... and then removes what xenstore has of it" xenstore-rm "/local/domain/$o"
	xenstore-rm "$vm"
	ended
	tiny_with_gpu remove_vm_node
	is "a guest that has no vm node has live entries" "$(gpu o entries_live)" 100
	works "... it is destroyed" toolstack destroy "$o"
	xenstore-rm "/local/domain/$o"
	ended
	set_parameter balloon_delay_ms 600000
}

### kexec

has_shut_down() { # DOMID
	xl list "$1" | grep -q ' [-r][-b][-p]s'
}

# kexec_guest MODE: guest o, whose first kernel makes its entries, and shuts down for the soft reset
kexec_guest() {
	tiny_guest o "bar0=$bar0 first=131072 count=100 gfn=0x400 ppgtt=0x200000 gfn2=0x480 ppgtt2=0x280000"
	o=$(domid o)
	make_gpu o "$o" bar0 $bar0 mode "$1" mappable_base "$(at 131072)" mappable_size "$(at 256)" || return 1
	xl unpause o
}

# The entries of the GGTT and of the PPGTT of one driver
driver_has_all() {
	[ "$(gpu o entries_live) $(gpu o ppgtts) $(gpu o tables)" = "200 1 4" ]
}

second_driver_has_all() {
	[ "$(gpu o drivers_gone)" = 1 ] && driver_has_all
}

scratched() { # VGPU: entries that were made scratch for want of their page
	awk '/^scratched_/ { n += $2 } END { print n }' $gpu_debug/vgpus/"$1"
}

# A second kernel in the same domain, after Xen's soft reset, knows nothing of what the first one left.
check_kexec() {
	local mode old

	for mode in strict posted hybrid; do
		kexec_guest $mode
		works "kexec ($mode): the first kernel's driver loads, and the guest shuts down for a soft reset" await 60 has_shut_down "$o"
		works "... with its entries, and a PPGTT" await 30 driver_has_all
		old=$(bus_of "$(shadow "$(at 131072)")")
		works "... Xen resets it" toolstack soft-reset "$o"
		works "... the second kernel's driver loads: its PPGTT is the only one" await 60 second_driver_has_all
		is "... the virtual GPU runs" "$(cat $vgpus/o/state)" running
		fails "... its entries lead elsewhere" [ "$(bus_of "$(shadow "$(at 131072)")")" = "$old" ]
		is "... its tables are trapped, and no others" "$(gpu o pages_protected_now)" 4
		is "... no entry is scratch" "$(scratched o)" 0
		drain
		is "... its pages are mapped, and no others" "$(domain "$o" live) $(domain "$o" idle)" "100 0"
		destroy o
		ended
	done
}

# libxl removes the guest's node before the reset and makes it when the guest is built anew. Where Xen drops the references of a guest
# that dies, a guest without a node is given up at once, and the user enables the virtual GPU again.
check_kexec_node() {
	local vm

	kexec_guest hybrid
	works "kexec, and a node in xenstore that goes and comes: the guest shuts down" await 60 has_shut_down "$o"
	vm=$(xenstore-read "/local/domain/$o/vm")
	xenstore-rm "/local/domain/$o/vm"
	if [ "$backend" = native ]; then
		works "... the virtual GPU is dead" await 30 eval '[ "$(cat $vgpus/o/state)" = dead ]'
		is "... and holds nothing" "$(devmap maps "$o")" 0
	fi
	works "... Xen resets it" toolstack soft-reset "$o"
	xenstore-write "/local/domain/$o/vm" "$vm"
	if [ "$backend" = native ]; then
		works "... it is enabled again" eval 'echo 0 >$vgpus/o/enable && echo 1 >$vgpus/o/enable'
	else
		works "... the second kernel's driver loads: its PPGTT is the only one" await 60 second_driver_has_all
	fi
	is "... the virtual GPU runs" "$(cat $vgpus/o/state)" running
	destroy o
	ended
}

run_replaced_checks() {
	run check_new_driver
	run check_bar0_over_ram
	run check_bar0_over_device
	run check_save
	run check_logdirty
	run check_high_memory
	run check_late_cleanup
	run check_kexec
	run check_kexec_node
}
