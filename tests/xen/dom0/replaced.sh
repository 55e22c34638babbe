# The checks of what the toolstack does to a guest that has a virtual GPU: guests that are saved and restored, log-dirty mode, memory that
# comes later. Sourced by checks.sh, and run among its checks.
# shellcheck shell=dash disable=SC2154

other=196608	# the share of the other guest's virtual GPU, in entries
other_count=2048

# gpu_of NAME DOMID [ATTRIBUTE VALUE]...: a virtual GPU with that share
gpu_of() {
	local name=$1 id=$2

	shift 2
	make_gpu "$name" "$id" bar0 $bar0 mappable_base "$(at $other)" mappable_size "$(at $other_count)" "$@"
}

### save and restore

save() { # GUEST FILE
	timeout 300 xl save "$1" "$2" >/tmp/xl.out 2>&1
}

restore() { # GUEST FILE: paused
	rm -f "/tmp/$1.tty"
	timeout 300 xl restore -p -e "$2" >/tmp/xl.out 2>&1
}

# What is in the stream is the guest's memory, and RAM at the GTT would be, for which there is no room at the restore: the virtual GPU
# is disabled first, which takes that away.
check_save() {
	local mode id old

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
		works "... it has a virtual GPU again" gpu_of s "$id" mode $mode
		xl unpause s
		works "... it goes on" ask_within s 60 ping
		works "... with the bytes that it had" tell s check 0 8 5
		tell s stos $other 512 0
		tell s map $other 0 8
		tell s flush
		is "... writes its entries, and they are shadowed" "$(gpu s entries_live)" 8
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

run_replaced_checks() {
	run check_save
	run check_logdirty
	run check_high_memory
}
