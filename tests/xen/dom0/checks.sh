# The checks on a real Xen: each function is one promise. Runs in dom0; "only" names those to run,
# "skip" those not to run.
# shellcheck shell=dash
. /lib/xengt/library.sh
. /lib/xengt/ppgtt.sh
. /lib/xengt/hybrid.sh
. /lib/xengt/replaced.sh

bar0=0xe0000000
first=65536		# the share of the Linux guest's virtual GPU, in entries: mappable ...
count=8192
hidden_first=524288	# ... and hidden
hidden_count=4096
pages=6144
blocks=2		# of 512 pages that follow one another, after those
tracing=/sys/kernel/debug/tracing
target=6100		# a page of the guest that the GPU copies to

at() { # ENTRY: its graphics address
	printf '0x%x\n' $(($1 << 12))
}

hypercalls() {
	echo $(($(since map_hypercalls) + $(since unmap_hypercalls) + $(since setup_hypercalls) + $(since reval_hypercalls)))
}

# What is promised, and at what cost, by the backend in use and the kind of dom0 that it is in:
#   isolates       1: DMA reaches what is mapped and nothing else; 0: all memory, and the reference is the only protection
#   calls          hypercalls for unmapping 512 pages
#   invalidations  of the IOTLB, for the same
#   batches        of unmaps, for the same
promises="\
backend kind   isolates calls invalidations batches
pv      pv     0        1     0             1
physmap pvh    1        512   512           32
native  pv     0        1     0             1
native  strict 1        1     1             1
native  pvh    1        1     1             1"

promised() { # COLUMN
	echo "$promises" | awk -v backend="$backend" -v kind="$kind" -v column="$1" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) n = i }
		$1 == backend && $2 == kind { print $n }'
}

isolated() {
	[ "$(promised isolates)" = 1 ]
}

# The backend to be chosen here, as a program finds that shares nothing with the modules.
fitting_backend() {
	if devmap held >/dev/null; then
		echo native
	elif [ "$kind" = pvh ]; then
		echo physmap
	else
		echo pv
	fi
}

# xen_holds NAME WANTED: so many maps of the guest's pages, by Xen's own count, which there is with native only
xen_holds() {
	[ "$backend" != native ] || is "$1" "$(devmap maps "$g1")" "$2"
}

# The guest's virtual GPU "a", which does not post writes; more attributes can be given, also another mode.
gpu_a() {
	make_gpu a "$g1" bar0 $bar0 mode strict mappable_base "$(at $first)" mappable_size "$(at $count)" \
		hidden_base "$(at $hidden_first)" hidden_size "$(at $hidden_count)" "$@"
}

# A new virtual GPU: an empty GTT, nothing mapped, nothing pending.
start_over() {
	[ ! -d $vgpus/a ] || remove_gpu a
	gpu_a "$@"
	tell g1 bar0 $bar0
}

# Through the test GPU: what the page behind an entry holds goes to the guest's target page.
read_by_gpu() { # ENTRY
	tell g1 byte $target 1 0xcc && tell g1 map $((first + count - 1)) $target 1 &&
		dma copy "$(at "$1")" "$(at $((first + count - 1)))" 4096
}

### the checks

check_backend() {
	is "the backend is chosen by what runs" "$backend" "$(fitting_backend)"
	is "it tells whether it isolates" "$(value_in $map_debug/backend isolates)" "$(promised isolates)"
	is "one log line says which backend" "$(dmesg | grep -c -E 'xen_gpu_map: backend [a-z]*: ')" 1
	is "... that one, and whether it isolates" "$(dmesg | grep "xen_gpu_map: backend $backend: " | grep -c 'isolated by the IOMMU')" \
		"$(promised isolates)"
}

check_dma() {
	tell g1 fill 0 4 11
	tell g1 byte 4 4 0
	tell g1 map $first 0 8
	works "GTT writes are shadowed: DMA from one graphics address to another" dma copy "$(at $first)" "$(at $((first + 4)))" 16384
	works "... and the guest finds the bytes" tell g1 check 4 4 11 0
	tell g1 map $hidden_first 0 1
	works "... in the hidden part of the share too" read_by_gpu $hidden_first
	works "... and the guest finds the bytes" tell g1 check $target 1 11 0
	is "... four pages and more copied across page borders" "$(dma copy "$(at $first)" "$(at $((first + 4)))" 0x1800 2>&1)" ""
}

check_sizes() {
	local seed

	for seed in 1 2; do
		works "7, 11: writes of 1 to 16 bytes at all alignments read back (seed $seed)" tell g1 odd $seed $first
	done
	# the low half of one entry, then its high half together with the low half of the next
	tell g1 stos $first 1024 0
	tell g1 fill 0 2 71
	tell g1 write $((first * 8)) 4 $((($(tell g1 gfn 0) << 12) | 1))
	tell g1 write $((first * 8 + 4)) 8 $(((($(tell g1 gfn 1) << 12) | 1) << 32))
	works "11: 8 bytes at offset 4, read back" tell g1 verify $first 4
	is "... complete one entry and begin the next: both are live" "$(gpu a entries_live)" 2
	works "... the GPU reads the second" read_by_gpu $((first + 1))
	works "... the right page" tell g1 check $target 1 71 1
}

check_strings() {
	local seed

	for seed in 1 2; do
		works "11: rep movs and rep stos, both directions, read back (seed $seed)" tell g1 strings $seed $first
	done
	tell g1 stos $first 1024 0
	tell g1 movs $first 0 512 4 back
	works "11: rep movs backwards by halves of entries, read back by rep movs backwards" tell g1 movsread $first 512 4 back
	is "... 512 entries are shadowed" "$(gpu a entries_live)" 512
	works "... read back by rep movs of bytes" tell g1 movsread $first 512 1
	tell g1 stos $first 512 0
	is "... and emptied by one rep stos" "$(gpu a entries_live)" 0
}

check_counts() {
	local d=$map_debug/domains/$g1

	drain
	remember "$d"
	tell g1 movs $first 0 512
	is "512 entries in one batch: map hypercalls" "$(since map_hypercalls)" 1
	is "... pages mapped" "$(since mapped)" 512
	is "... in one batch of 512" "$(since map_batch_512)" 1
	xen_holds "... maps, by Xen's count" 512
	note "count: mapping 512 entries in one batch took $(since map_hypercalls) map hypercall(s)"
	remember "$d"
	tell g1 movs $first 0 512
	is "re-writing the same 512 entries: hypercalls of all kinds" "$(hypercalls)" 0
	note "count: re-writing the same 512 entries took $(hypercalls) hypercall(s)"
	remember "$d"
	tell g1 stos $first 512 0
	is "emptying them queues 512 pages" "$(since queued)" 512
	is "... with no hypercall" "$(hypercalls)" 0
	tell g1 movs $first 0 512
	is "writing them again revives 512" "$(since revived)" 512
	is "... with no hypercall" "$(hypercalls)" 0
	tell g1 stos $first 512 0
	remember "$d"
	drain_marked
	is "512 idle pages: unmap hypercalls" "$(since unmap_hypercalls)" "$(promised calls)"
	is "... pages unmapped" "$(since unmapped)" 512
	xen_holds "... maps left, by Xen's count" 0
	note "count: unmapping 512 idle pages took $(since unmap_hypercalls) unmap hypercall(s)"
	invalidations "... IOTLB invalidations" "$(promised invalidations)"
}

traced() { # EVENT: how often it is in the trace
	grep -c " $1:" $tracing/trace
}

check_traces() {
	echo >$tracing/trace
	echo 1 >$tracing/events/xen_gpu_map/enable
	echo 1 >$tracing/events/xengt/enable
	remember $gpu_debug/vgpus/a
	tell g1 movs $first 0 512
	tell g1 stos $first 512 0
	drain
	is "tracepoints: one event for each trap" "$(traced xengt_trap)" "$(since traps)"
	is "... for each map batch" "$(traced xen_gpu_map_batch)" 1
	is "... for each unmap batch" "$(traced xen_gpu_unmap_batch)" "$(promised batches)"
	tell g1 map $first 0 1
	tell g1 out 0 1
	drain
	is "... for the block that a balloon event led to" "$(traced xen_gpu_balloon)" 1
	is "... for the GFNs that it moved" "$(traced xengt_remapped)" 1
	tell g1 in 0 1
	echo 0 >$tracing/events/enable
}

check_random() {
	local distinct e seen=""

	drain
	remember "$map_debug/domains/$g1"
	tell g1 fill 0 1500 21
	distinct=$(tell g1 random 5 $first 4096 0 1500)
	is "1: 4096 entries in random order, with duplicates: one map for each page" "$(since mapped)" "$distinct"
	is "... one count for each entry" "$(since refs_taken)" 4096
	is "... entries live" "$(gpu a entries_live)" 4096
	is "... pages live" "$(domain "$g1" live)" "$distinct"
	works "... read back" tell g1 verify $first 4096
	for e in 17 2048 4095; do
		read_by_gpu $((first + e))
		tell g1 check $target 1 21 "$(tell g1 where $((first + e)))" >/tmp/seen || seen="$seen$e: $(cat /tmp/seen) "
	done
	is "... the GPU finds the right page" "$seen" ""
	tell g1 stos $((first + count - 1)) 1 0
	tell g1 stos $first 4096 0
	drain
	is "... emptied: as many unmapped as mapped, with the target's page" "$(since unmapped)" "$(since mapped)"
	is "... nothing is held" "$(domain "$g1" live) $(domain "$g1" idle)" "0 0"
}

check_bad_gfns() {
	local empty

	remember "$gpu_debug/vgpus/a"
	tell g1 fill 0 8 31
	tell g1 map $first 0 8
	tell g1 write $(((first + 1) * 8)) 8 $(((0xf0000 << 12) | 1))
	tell g1 write $(((first + 2) * 8)) 8 $(((0x400000 << 12) | 1))
	tell g1 write $(((first + 3) * 8)) 8 0x3ffffffff001
	is "6: GFNs that do not exist, above the guest's memory, above all: three scratch entries" \
		$(($(since scratched_noent) + $(since scratched_range))) 3
	is "... and three entries fewer live" "$(gpu a entries_live)" 5
	empty=$(shadow "$(at $((first + 1)))")
	is "... all the same scratch page" "$(shadow "$(at $((first + 2)))") $(shadow "$(at $((first + 3)))")" "$empty $empty"
	works "... from which the GPU can read" read_by_gpu $((first + 1))
	works "... nothing of anybody's" tell g1 checkbyte $target 1 0
	works "... their neighbours work" read_by_gpu $((first + 4))
	works "... unharmed" tell g1 check $target 1 31 4
	works "... they read back as written" tell g1 verify $first 8
	tell g1 stos $((first + count - 1)) 1 0
	tell g1 stos $first 8 0
	drain
	remember "$gpu_debug/vgpus/a" "$map_debug/domains/$g1"
	tell g1 holes $first 0 512 8 0xf0000
	is "6: a batch of 512 with 64 bad ones in it: scratch entries" "$(since scratched_noent)" 64
	is "... the others are mapped" "$(since mapped)" 448
	is "... and live" "$(gpu a entries_live)" 448
}

check_share() {
	local before

	before=$(gpu a entries_live)
	remember "$gpu_debug/vgpus/a"
	tell g1 map 0 0 1
	tell g1 map $((first - 1)) 0 1
	tell g1 map $((first + count)) 0 1
	tell g1 map 1048575 0 1
	is "entries out of the share: counted" "$(since out_of_share)" 4
	is "... not shadowed" "$(gpu a entries_live)" "$before"
	works "... they read as 0" tell g1 verify $((first - 1)) 1
	works "... also the first and the last of the GTT" tell g1 verify 1048575 1
	tell g1 movs $((hidden_first + hidden_count - 2)) 0 4
	works "rep movs across the share's end" tell g1 verify $((hidden_first + hidden_count - 4)) 8
	is "... two are in it" "$(gpu a entries_live)" $((before + 2))
}

check_one_reference() {
	local d=$map_debug/domains/$g1 had

	drain
	remember "$d"
	had=$(books "$g1")
	tell g1 map $first 0 256 0
	is "1: 256 entries, one GFN: pages mapped" "$(since mapped)" 1
	is "... references counted" "$(since refs_taken)" 256
	tell g1 stos $((first + 1)) 255 0
	drain
	is "... 255 entries gone: still mapped" "$(since unmapped)" 0
	tell g1 out 0 1
	is "... the guest gives the page up: Xen keeps the frame for the one entry left" "$(books "$g1")" "$had"
	tell g1 stos $first 1 0
	is "... the last entry gone: idle, and still kept" "$(books "$g1")" "$had"
	drain
	is "... drained: the one reference is back, and so is the frame" "$(books "$g1")" $((had - 1))
	tell g1 in 0 1
}

check_race() {
	local had old scratch

	drain
	had=$(books "$g1")
	tell g1 byte 0 1 0x5a
	tell g1 map $first 0 1
	tell g1 write $(((first + 1) * 8)) 8 $(((0xf0000 << 12) | 1))
	scratch=$(shadow "$(at $((first + 1)))")
	old=$(shadow "$(at $first)")
	remember "$gpu_debug/vgpus/a"
	tell g1 out 0 1
	at_least "4: a page with a live entry is ballooned out: Xen tells" "$(domain "$g1" balloon_events)" 1
	is "... the frame stays in the guest's name until the unmap" "$(books "$g1")" "$had"
	is "... until then the entry is what it was" "$(shadow "$(at $first)")" "$old"
	drain
	is "... revalidated: the entry is scratch" "$(shadow "$(at $first)")" "$scratch"
	is "... counted as zapped" "$(since zapped)" 1
	is "... and the frame is free" "$(books "$g1")" $((had - 1))
	works "... the GPU reads scratch" read_by_gpu $first
	works "... not the page" tell g1 checkbyte $target 1 0
	tell g1 in 0 1
	is "... the guest takes a new frame" "$(books "$g1")" "$had"
	tell g1 fill 0 1 41
	tell g1 stos $first 1 0
	tell g1 map $first 0 1
	works "... writes the entry again: the GPU finds the new frame" read_by_gpu $first
	works "... with its bytes" tell g1 check $target 1 41 0
}

check_balloon_cycles() {
	local had round

	drain
	had=$(books "$g1")
	tell g1 fill 0 64 50
	tell g1 map $first 0 64
	read_by_gpu $((first + 5))
	for round in 1 2 3; do
		remember "$map_debug/domains/$g1" "$gpu_debug/vgpus/a"
		tell g1 out 0 64
		tell g1 in 0 64
		tell g1 fill 0 64 $((50 + round))
		is "balloon out and in of 64 live GFNs, round $round: the old frames are held" "$(books "$g1")" $((had + 64))
		drain
		is "... until the entries have moved" "$(books "$g1")" "$had"
		is "... none became scratch" "$(gpu a entries_live)" 65
		works "12: ... the GPU reads the new frame" read_by_gpu $((first + 5))
		works "... not what GPU or IOMMU remember" tell g1 check $target 1 $((50 + round)) 5
	done
	note "$(since moved) moved, $(since kept) kept, $(since untrusted) untrusted in the last round"
	tell g1 out 0 64
	drain
	is "balloon out of 64 live GFNs: all zapped" "$(gpu a entries_live)" 1
	is "... and their frames are free" "$(books "$g1")" $((had - 64))
	tell g1 in 0 64
}

check_replaced() {
	local old

	drain
	tell g1 byte 0 1 0x11
	tell g1 byte 1 1 0x22
	tell g1 map $first 0 1
	old=$(bus_of "$(shadow "$(at $first)")")
	dma fill "$(at $first)" 4096 0x33
	works "DMA reaches the page of an entry" tell g1 checkbyte 0 1 0x33
	tell g1 map $first 1 1
	drain
	dma fill "$(at $first)" 4096 0x44
	works "an entry is replaced: DMA reaches the new page" tell g1 checkbyte 1 1 0x44
	works "... and not the old one" tell g1 checkbyte 0 1 0x33
	mark
	dma fill "bus:$old" 4096 0x55
	mark
	if isolated; then
		works "12: DMA to the old BFN is stopped by the IOMMU" tell g1 checkbyte 0 1 0x33
		faults "... which says so" 1
	else
		works "12: $backend, $kind: DMA to the old BFN gets through, since no IOMMU entry protects: only the reference did" \
			tell g1 checkbyte 0 1 0x55
		faults "... without a fault" 0
	fi
}

# A page that is mapped, in the middle of a block of the guest's memory, and those around it
check_reach() {
	local middle=$((pages + 256)) around=8 bus n

	tell g1 fill $((middle - around)) $((2 * around + 1)) 15
	tell g1 map $first $middle 1
	bus=$(bus_of "$(shadow "$(at $first)")")
	mark
	dma fill "bus:$bus" 4096 0x61
	mark
	works "DMA to the BFN of a page that is mapped reaches it" tell g1 checkbyte $middle 1 0x61
	faults "... without a fault" 0
	tell g1 stos $first 1 0
	drain
	if ! isolated; then
		dma fill "bus:$bus" 4096 0x62
		works "$backend, $kind: DMA to all else is not stopped: nothing isolates, which is what is promised" \
			tell g1 checkbyte $middle 1 0x62
		return
	fi
	tell g1 map $first $middle 1
	bus=$(bus_of "$(shadow "$(at $first)")")
	mark
	for n in $(seq $around); do
		dma fill "bus:$((bus - n * 4096))" 4096 0x63
		dma fill "bus:$((bus + n * 4096))" 4096 0x63
	done
	mark
	works "... DMA to BFNs before it reaches none of the guest's pages" tell g1 check $((middle - around)) $around 15 $((middle - around))
	works "... nor behind it" tell g1 check $((middle + 1)) $around 15 $((middle + 1))
	faults "... each is a fault" $((2 * around))
	tell g1 stos $first 1 0
	drain
	mark
	dma fill "bus:$bus" 4096 0x64
	mark
	works "... unmapped: DMA does not reach it any more" tell g1 checkbyte $middle 1 0x61
	faults "... which is a fault" 1
	tell g1 map $first $target 1
	tell g1 byte $target 1 0xcc
	mark
	dma copy "bus:$bus" "$(at $first)" 4096
	mark
	fails "... nor read what it holds" tell g1 checkbyte $target 1 0x61
	faults "... which is a fault" 1
}

check_order() {
	local i bad=""

	tell g1 map $((first + count - 1)) $target 1
	set_parameter idle_age_ms 1
	tell g1 order $first 0 16
	for i in 1 2 3 4 5 6; do
		await 20 storm_moves
		dma copy "$(at $first)" "$(at $((first + count - 1)))" 4096 || bad="$bad copy failed"
		tell g1 good $target >/tmp/seen || bad="$bad $(cat /tmp/seen)"
		drain
		note "copy $i: $(gpu a writes) replacements so far"
	done
	is "2: an entry is replaced while the GPU uses it: it never sees a page that it should have forgotten" "$bad" ""
	at_least "... over so many replacements" "$(tell g1 stop)" 6
	set_parameter idle_age_ms 3600000
}

storm_seen=0

storm_moves() {
	local now

	now=$(gpu a writes)
	[ "$now" -gt "$storm_seen" ] || return 1
	storm_seen=$now
}

check_quota() {
	local other

	start_over quota 64
	remember "$gpu_debug/vgpus/a"
	tell g1 map $first 0 100
	is "8: a quota of 64 reached: pages live" "$(domain "$g1" live)" 64
	is "... the other 36 entries are scratch" "$(since scratched_quota)" 36
	tiny_guest o "bar0=$bar0 first=131072 count=100 gfn=0x400"
	other=$(domid o)
	make_gpu o "$other" bar0 $bar0 mappable_base "$(at 131072)" mappable_size "$(at 256)"
	xl unpause o
	await 60 eval '[ "$(gpu o entries_live)" = 100 ]'
	is "... another guest does not notice" "$(gpu o entries_live) $(gpu o scratched_quota)" "100 0"
	tell g1 stos $first 50 0
	drain
	tell g1 stos $((first + 64)) 36 0
	tell g1 map $((first + 64)) 64 36
	is "8: quota released: entries live" "$(gpu a entries_live)" 50
	is "... pages live" "$(domain "$g1" live)" 50
	destroy o
	await 30 gone "$other"
	remove_gpu o
}

check_overlap() {
	fails "a share that overlaps another's is refused" make_gpu x "$g1" bar0 0xd0000000 mappable_base "$(at $first)" \
		mappable_size "$(at 16)"
	remove_gpu x
	fails "a domain that does not exist is refused" make_gpu x 999 bar0 $bar0 mappable_base "$(at 196608)" mappable_size "$(at 16)"
	remove_gpu x
}

check_destroy_in_storm() {
	local i ids="" id

	for i in 1 2; do
		tiny_guest s$i "bar0=$bar0 first=$((131072 * i)) count=128 gfn=0x400 storm"
		id=$(domid s$i)
		ids="$ids $id"
		make_gpu s$i "$id" bar0 $bar0 mode strict mappable_base "$(at $((131072 * i)))" mappable_size "$(at 128)"
		xl unpause s$i
	done
	for i in 1 2; do
		await 60 eval "[ \"\$(gpu s$i writes)\" -gt 200 ]"
		at_least "destroy in a write storm: storm $i runs" "$(gpu s$i writes)" 200
	done
	destroy s1
	destroy s2
	for id in $ids; do
		works "9: ... guest $id is gone" await 30 gone "$id"
	done
	is "... its virtual GPU is dead" "$(cat $vgpus/s1/state)" dead
	remove_gpu s1
	remove_gpu s2
	is "... no zombie" "$(zombies)" 0
}

check_unload_in_storm() {
	local before after

	tell g1 storm $first 2048 0 1024 2
	storm_seen=0
	works "unload in a write storm: it runs" await 30 storm_moves
	works "9: ... the virtual GPU can be removed" remove_gpu a
	works "9: ... xengt and xen_gpu_map unload" unload xengt_testgpu xengt xen_gpu_map
	before=$(tell g1 writes)
	sleep 1
	after=$(tell g1 writes)
	at_least "11: ... the guest goes on" "$((after - before))" 1
	works "... loads again" load_modules
	quiet_parameters
	works "... the virtual GPU is back in the middle of the storm" gpu_a
	works "... and shadows" await 30 storm_moves
	works "... the storm ends" tell g1 stop
	start_over
	tell g1 fill 0 1 61
	tell g1 map $first 0 1
	works "... the GPU works as before" read_by_gpu $first
	works "... with the right bytes" tell g1 check $target 1 61 0
}

check_twenty_guests() {
	local i ids="" id live=0 left=0

	for i in $(seq 20); do
		tiny_guest t$i "bar0=$bar0 first=$((262144 + 256 * i)) count=64 gfn=0x400" || break
		id=$(domid t$i)
		ids="$ids $id"
		make_gpu t$i "$id" bar0 $bar0 mappable_base "$(at $((262144 + 256 * i)))" mappable_size "$(at 256)"
		xl unpause t$i
	done
	for i in $(seq 20); do
		await 60 eval "[ \"\$(gpu t$i entries_live)\" = 64 ]" && live=$((live + 1))
	done
	is "20 guests with live mappings" $live 20
	for i in $(seq 20); do
		destroy t$i
	done
	for id in $ids; do
		await 30 gone "$id" || left=$((left + 1))
	done
	is "9: ... destroyed: all are gone" $left 0
	for i in $(seq 20); do
		remove_gpu t$i
	done
	is "... no zombie" "$(zombies)" 0
}

# The last one of those that need the Linux guest.
check_destroy_many_vcpus() {
	tell g1 storm $first 2048 0 1024 2
	storm_seen=0
	works "destroy of a guest whose vCPUs all write: they do" await 30 storm_moves
	destroy g1
	works "9: ... it is gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
	is "... the service has ended the domain" "$([ -e "$map_debug/domains/$g1" ] && domain "$g1" live || echo 0)" 0
	works "... its virtual GPU can be removed" remove_gpu a
}

check_nothing_left() {
	note "totals of the mapping service: $(tr '\n' ' ' <$map_debug/total)"
	# If only some checks are made there may be none that does this.
	[ ! -d $vgpus/a ] || remove_gpu a
	if domid g1 >/dev/null; then
		destroy g1
		await 60 gone "$g1"
	fi
	works "9: all modules unload" unload xengt_testgpu xengt xen_gpu_map
	[ "$backend" != native ] || is "... no map is left, by Xen's count" "$(devmap held)" 0
	is "... no zombie" "$(zombies)" 0
	is "... only dom0 is there" "$(xl list | sed 1d | wc -l)" 1
	is "... no window in the address space" "$(grep -c 'Xen GPU' /proc/iomem)" 0
	is "... no interrupt" "$(grep -c -i 'xengt' /proc/interrupts)" 0
	is "... no event channel" "$(event_channels)" "$channels_before"
	at_least "... Xen's free memory" "$(free_memory)" $((free_before - iommu_tables))
	is "... dom0's pages" "$(books 0)" "$books_before"
	is "... no warning in dom0's log" "$(dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|refcount_t' | grep -v 'soft lockup' | head -n 3)" ""
}

### the run

event_channels() { # how many ports dom0 uses, by Xen's own list
	xl dmesg -c >/dev/null
	xl debug-keys e
	xl dmesg | sed -n '/information for domain 0/,/information for domain [1-9]/p' | grep -c ' s='
}

free_memory() {
	xl info | awk '/^free_memory/ { print $3 }'
}

quiet_parameters() { # nothing is unmapped or revalidated but by drain
	set_parameter idle_age_ms 3600000
	set_parameter idle_max 1000000
	set_parameter balloon_delay_ms 600000
}

with_empty_gtt() { # CHECK
	start_over || not_ok "an empty GTT" "$(dmesg | tail -n 1)"
	"$1"
}

run() { # CHECK
	! wanted "$1" || subtest "$1" with_empty_gtt "$1"
}

# What tables of a strict IOMMU take, at most: 4 KiB for each 2 MiB of the machine's memory. Xen does not free those that are empty, and
# splits large entries for good; in MiB.
iommu_tables=0
[ "$kind" != strict ] || iommu_tables=$(($(xl info | awk '/^total_memory/ { print $3 }') / 512 + 1))
free_before=$(free_memory)
books_before=$(books 0)
channels_before=$(event_channels)

# refused BACKEND REASON
refused() {
	fails "a backend that does not fit is refused: $1" insmod /mod/xen_gpu_map.ko backend="$1"
	at_least "... and says why" "$(dmesg | grep -c "xen_gpu_map: backend $1 cannot be used here: $2")" 1
}

# What the checks begin with
begin() {
	case $kind in
	pv) refused physmap "this is a PV domain" ;;
	strict) refused pv "dom0's IOMMU is strict" ;;
	pvh) refused pv "this is not a PV domain" ;;
	esac
	[ "$(fitting_backend)" = native ] || refused native "this Xen has no map operation"
	works "the modules load" load_modules
	loaded xengt_testgpu || exit 1
	backend=$(value_in $map_debug/backend name)
	note "the backend is $backend"
	quiet_parameters
	note "starting the Linux guest"
	works "a Linux guest with two vCPUs starts" start_guest g1 2
	g1=$(domid g1)
	works "it has pages, and blocks of pages" tell g1 pages $pages $blocks
	tell g1 bar0 $bar0
	tell g1 share $first $count $hidden_first $hidden_count
}

subtest begin begin
run check_backend
run check_dma
run check_sizes
run check_strings
run check_counts
run check_traces
run check_random
run check_bad_gfns
run check_share
run check_one_reference
run check_race
run check_balloon_cycles
run check_replaced
run check_reach
run check_order
run check_quota
run check_overlap
run check_destroy_in_storm
run check_unload_in_storm
run check_twenty_guests
run_ppgtt_checks
run_hybrid_checks
run_replaced_checks
run check_destroy_many_vcpus
! wanted check_nothing_left || subtest check_nothing_left check_nothing_left
finished
