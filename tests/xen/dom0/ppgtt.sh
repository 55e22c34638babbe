# The checks of PPGTTs: page tables in the guest's own memory, announced through PVINFO. Sourced by checks.sh, and run among
# its checks. Pages of the guest are named by their numbers: what is a table in one check is data in another.
# shellcheck shell=dash disable=SC2154

registers_pvinfo=0x78000
g2v_notify=$((registers_pvinfo + 0x818))
pdp0=$((registers_pvinfo + 0x838))

# tables: one of each kind, and a second page table
pml4=5000
pdp=5001
pd=5002
pt=5003
pt2=5004
wide_pt=5005
pd0=5006
pd1=5007
pd3=5008
table_pages=9

# data: 512 pages for page tables, and blocks of the guest's memory that larger pages can be made of
large=6144	# 2 MiB
wide=6656	# 32 times 64 KiB

# Flags of entries: present and writable, with PS and with IPS.
plain=3
ps=0x83
ips=0x803

# Where the tree has what, in the page directory.
pt_slot=7
wide_slot=8
large_slot=9

# make_tree LEVELS: empty tables up to a page table. Sets the root, as the guest ("root") and as the GPU ("ppgtt") name it, and the
# address where the page directory begins.
make_tree() {
	tell g1 byte $pml4 $table_pages 0
	tell g1 set $pd $pt_slot 1 $pt 1 $plain
	if [ "$1" = 4 ]; then
		tell g1 set $pdp 5 1 $pd 1 $plain
		tell g1 set $pml4 3 1 $pdp 1 $plain
		root=$pml4
		base=$((3 << 39 | 5 << 30))
	else
		root=$pd0,$pd1,$pd,$pd3
		base=$((2 << 30))
	fi
	levels=$1
	ppgtt="a $levels $(addresses "$root")"
}

addresses() { # PAGE[,PAGE]...: guest-physical
	local page list=""

	for page in $(echo "$1" | tr , ' '); do
		list=$list,$(printf '0x%x' $(($(tell g1 gfn "$page") << 12)))
	done
	echo "${list#,}"
}

# slot SLOT [PAGE]: the address of an entry of the page directory, or of a page below it
slot() {
	printf '0x%x\n' $((base + ($1 << 21) + (${2:-0} << 12)))
}

# A page table of 64K pages, the halves of the block swapped. Only each 16th entry counts: some of the others name something else.
make_wide() {
	tell g1 set $wide_pt 0 16 $((wide + 256)) 16 $plain 16
	tell g1 set $wide_pt 256 16 $wide 16 $plain 16
	tell g1 set $wide_pt 1 15 600 1 $plain
	tell g1 set $pd $wide_slot 1 $wide_pt 1 $ips
}

announce() {
	tell g1 announce "$levels" "$root"
}

retire() {
	tell g1 retire "$levels" "$root"
}

ask_gpu() { # COMMAND...: what it found
	dma "$@" && cat $test_gpu/result
}

pentry() { # ADDRESS: level, size, bus address
	# shellcheck disable=SC2086
	ask_gpu pentry $ppgtt "$1"
}

pbus() { # ADDRESS
	pentry "$1" | cut -d ' ' -f 3
}

pcopy() { # FROM TO LENGTH
	# shellcheck disable=SC2086
	dma pcopy $ppgtt "$@"
}

# leads_right NAME ADDRESS PAGES: the shadow leads where the guest's own walk of its tables does. The GTT, which has checks of its own,
# is the yardstick: it gets entries for what the guest found.
leads_right() {
	tell g1 mirror $first "$levels" "$root" "$2" "$3" >/tmp/seen || {
		not_ok "$1" "$(cat /tmp/seen)"
		return
	}
	# shellcheck disable=SC2086
	is "$1" "$(ask_gpu psame $ppgtt "$2" "$(at $first)" $(($3 << 12)) 2>&1)" "$3"
}

# moves NAME FROM TO: the GPU copies a page; the guest fills and finds them by its own walk
moves() {
	local from to

	from=$(tell g1 look "$levels" "$root" "$2")
	to=$(tell g1 look "$levels" "$root" "$3")
	from=${from% *}
	to=${to% *}
	seed=$((${seed:-100} + 1))
	tell g1 fill "$from" 1 $seed
	tell g1 byte "$to" 1 0
	pcopy "$2" "$3" 4096
	works "$1" tell g1 check "$to" 1 $seed "$from"
}

# reads_scratch NAME ADDRESS: the GPU finds zeroes there
reads_scratch() {
	tell g1 byte $target 1 0xcc
	tell g1 map $((first + count - 1)) $target 1
	pcopy "$2" "ggtt:$(at $((first + count - 1)))" 4096
	works "$1" tell g1 checkbyte $target 1 0
}

# says NAME TEXT COMMAND...: it fails, and says so
says() {
	local name=$1 text=$2 seen

	shift 2
	if seen=$("$@" 2>&1); then
		not_ok "$name" "it went through"
	elif [ "${seen%"$text"*}" != "$seen" ]; then
		ok "$name"
	else
		not_ok "$name" "$seen"
	fi
}

trapped() { # LEAST: the virtual GPU has seen so many traps since remember; the guest, which is busy, is not asked
	[ "$(since traps)" -ge "$1" ]
}

check_pvinfo() {
	local seen

	seen=$(tell g1 pvinfo)
	is "PVINFO: magic and version" "$(echo "$seen" | cut -d ' ' -f 1,2)" "0x4776544776544776 1.0"
	is "... full PPGTTs are among the capabilities" "$(($(echo "$seen" | cut -d ' ' -f 3) & 4))" 4
	is "... the share" "$(echo "$seen" | cut -d ' ' -f 4-7)" \
		"$(at $first) $(at $count) $(at $hidden_first) $(at $hidden_count)"
	tell g1 poke $registers_pvinfo 0
	is "... its magic cannot be written" "$(tell g1 pvinfo)" "$seen"
	remember "$gpu_debug/vgpus/a"
	tell g1 poke $g2v_notify 6
	tell g1 poke $g2v_notify 7
	works "11: notifications about contexts are answered" tell g1 ping
	tell g1 poke $g2v_notify 0
	tell g1 poke $g2v_notify 99
	tell g1 poke $g2v_notify 0xffffffff
	works "11: ... and such as do not exist" tell g1 ping
	is "... three of those are counted" "$(since pvinfo_unknown)" 3
	tell g1 poke $pdp0 0xfffff000
	tell g1 poke $((pdp0 + 4)) 0xffffffff
	tell g1 poke $g2v_notify 4
	tell g1 poke $g2v_notify 5
	works "11: ... and a root where no memory is" tell g1 ping
}

# Tables of each kind and size, all the way from the announcement to DMA and back.
check_tree() { # LEVELS
	local d=$map_debug/domains/$g1 a hole

	drain
	make_tree "$1"
	make_wide
	tell g1 set $pt 0 512 0 1 $plain
	tell g1 set $pd $large_slot 1 $large 1 $ps
	remember "$d"
	announce
	is "10: $1 levels announced: one count for each 4K of 4K, 64K and 2M entries" "$(since refs_taken)" 1536
	is "... pages mapped" "$(since mapped)" 1536
	note "$(since map_hypercalls) map hypercalls; the entries are $(pentry "$(slot $pt_slot)"), $(pentry "$(slot $wide_slot)")," \
		"$(pentry "$(slot $large_slot)")"
	leads_right "... 4K entries lead to the right pages" "$(slot $pt_slot)" 512
	leads_right "... 64K entries do" "$(slot $wide_slot)" 512
	leads_right "... the 2M entry does" "$(slot $large_slot)" 512
	moves "... DMA from a 4K page into a 2M page" "$(slot $pt_slot 3)" "$(slot $large_slot 300)"
	moves "... on into a 64K page" "$(slot $large_slot 300)" "$(slot $wide_slot 37)"
	moves "... and back into a 4K page" "$(slot $wide_slot 37)" "$(slot $pt_slot 511)"
	for a in $(slot $pt_slot 77) $(slot $wide_slot 300) $(slot $large_slot 511); do
		# shellcheck disable=SC2086
		is "... the device reads the tables by DMA, too" "$(ask_gpu pwalk $ppgtt "$a")" "$(pentry "$a")"
	done
	hole=$(slot 100)
	is "... what is not there is scratch" "$(pbus "$hole")" "$(pbus "$(slot 511 7)")"
	reads_scratch "... from which the GPU can read" "$hole"
	tell g1 stos $first 512 0
	tell g1 stos $((first + count - 1)) 1 0
	retire
	is "10: destroyed: as many counts given back as taken" "$(since refs_released)" "$(since refs_taken)"
	# shellcheck disable=SC2086
	says "... it cannot be used any more" "No such file" dma pentry $ppgtt "$(slot $pt_slot)"
	drain
	is "... nothing is held" "$(domain "$g1" live) $(domain "$g1" idle)" "0 0"
}

check_ppgtt_4_levels() {
	check_tree 4
	# shellcheck disable=SC2086
	says "a PPGTT that was not announced cannot be used" "No such file" dma pentry a 4 0x1000 0
	fails "... nor one of a virtual GPU that does not exist" dma pentry nobody 4 0x1000 0
}

check_ppgtt_3_levels() {
	check_tree 3
}

# Entries of attached tables: in the shadow after the next synchronisation point.
check_ppgtt_changes() {
	make_tree 4
	make_wide
	tell g1 set $pt 0 512 0 1 $plain
	announce
	tell g1 set $pt 100 50 900 1 $plain
	works "entries of an attached table read back as written" tell g1 holds $pt 100 50 900 1 $plain
	tell g1 flush
	leads_right "... are in the shadow after the GTT invalidate" "$(slot $pt_slot)" 512
	tell g1 set $pt 100 50 1000 1 $plain
	leads_right "... or when the GPU starts to use them" "$(slot $pt_slot)" 512
	tell g1 put $pt 5 1 0
	is "... an entry that is gone is scratch" "$(pbus "$(slot $pt_slot 5)")" "$(pbus "$(slot 100)")"
	tell g1 put $pt 5 1 $(((0xf0000 << 12) | plain))
	is "6: ... one that names no page of the guest's, too" "$(pbus "$(slot $pt_slot 5)")" "$(pbus "$(slot 100)")"
	tell g1 set $pt 5 1 5 1 $plain
	moves "... its neighbours and itself work" "$(slot $pt_slot 4)" "$(slot $pt_slot 5)"
	tell g1 set $pt2 0 512 512 1 $plain
	tell g1 set $pd $pt_slot 1 $pt2 1 $plain
	leads_right "... another table in its place" "$(slot $pt_slot)" 512
	tell g1 set $pd $pt_slot 1 $large 1 $ps
	leads_right "... a 2M entry in the place of a table" "$(slot $pt_slot)" 512
	tell g1 set $pd $pt_slot 1 $pt 1 $plain
	leads_right "... and a table in the place of a 2M entry" "$(slot $pt_slot)" 512
	tell g1 set $wide_pt 16 1 $wide 1 $plain
	leads_right "... a 64K entry changes" "$(slot $wide_slot)" 512
	tell g1 set $pd $wide_slot 1 $wide_pt 1 $plain
	leads_right "... the 64K mode of a table ends: all its entries count" "$(slot $wide_slot)" 17
	retire
}

check_ppgtt_counts() {
	local d=$map_debug/domains/$g1 v=$gpu_debug/vgpus/a

	make_tree 4
	tell g1 put $pd $pt_slot 1 0
	tell g1 set $pt 0 512 0 1 $plain
	announce
	drain
	remember "$d" "$v"
	tell g1 set $pd $pt_slot 1 $pt 1 $plain
	is "attaching a table: a write is noted, nothing is mapped yet" "$(since mapped)" 0
	tell g1 flush
	is "... with 512 entries: map hypercalls" "$(since map_hypercalls)" 1
	is "... pages mapped" "$(since mapped)" 512
	is "... in one batch of 512" "$(since map_batch_512)" 1
	note "count: attaching a table with 512 entries took $(since map_hypercalls) map hypercall(s)"
	remember "$d" "$v"
	tell g1 set $pt 0 512 512 1 $plain
	is "512 entries of an attached table rewritten: traps" "$(since traps)" 512
	is "... no hypercall before the sync" "$(hypercalls)" 0
	tell g1 flush
	is "... map hypercalls of the sync" "$(since map_hypercalls)" 1
	is "... pages mapped" "$(since mapped)" 512
	is "... and as many queued" "$(since queued)" 512
	note "count: rewriting 512 entries and one sync took $(since traps) traps, $(since map_hypercalls) map hypercall(s)"
	remember "$d"
	tell g1 set $pt 0 512 512 1 $plain
	tell g1 flush
	is "rewriting 512 entries with the same values: hypercalls of all kinds" "$(hypercalls)" 0
	is "... counts taken" "$(since refs_taken)" 0
	tell g1 set $pt 0 512 0 1 $plain
	tell g1 flush
	is "... with those they had before: all revived" "$(since revived)" 512
	is "... with no hypercall" "$(hypercalls)" 0
	retire
}

# Tables become data, and data becomes tables.
check_ppgtt_reuse() {
	local v=$gpu_debug/vgpus/a

	make_tree 4
	tell g1 set $pt 0 512 0 1 $plain
	announce
	remember "$v"
	tell g1 put $pd $pt_slot 1 0
	is "a table of an attached tree: a write traps" "$(since traps)" 1
	tell g1 flush
	remember "$v"
	tell g1 fill $pt 1 91
	is "... a table that is detached is data: no write traps any more" "$(since traps)" 0
	tell g1 map $first $pt 1
	read_by_gpu $first
	works "... the GPU reads it as data" tell g1 check $target 1 91 $pt
	remember "$v"
	tell g1 set $pt 0 512 512 1 $plain
	is "... it is filled again, without traps" "$(since traps)" 0
	tell g1 set $pd $pt_slot 1 $pt 1 $plain
	leads_right "... and attached again" "$(slot $pt_slot)" 512
	retire
	remember "$v"
	tell g1 fill $pml4 $table_pages 92
	is "a PPGTT is destroyed: none of its pages traps" "$(since traps)" 0
	make_tree 3
	tell g1 set $pt 0 512 256 1 $plain
	is "... they become another one, without traps" "$(since traps)" 0
	announce
	leads_right "... with the right pages" "$(slot $pt_slot)" 512
	remember "$v"
	remove_gpu a
	tell g1 fill $pml4 $table_pages 93
	gpu_a
	is "the virtual GPU goes away and comes back: no page traps" "$(gpu a traps)" 0
	works "... the guest's writes were done" tell g1 check $pml4 $table_pages 93
}

# A table that leads to itself. The walk has an end since it has so many levels.
check_ppgtt_loop() {
	local all=$((511 << 39 | 511 << 30 | 511 << 21 | 511 << 12))

	make_tree 4
	tell g1 set $pt 0 512 0 1 $plain
	tell g1 set $pml4 511 1 $pml4 1 $plain
	tell g1 set $pd 511 1 $pd 1 $plain
	announce
	works "11: a PML4 table and a page directory that lead to themselves: the guest goes on" tell g1 ping
	leads_right "... four times through the PML4 table: the table itself, as a page" "$(printf '0x%x' $all)" 1
	leads_right "... twice through the page directory: the page table, as a page" "$(slot 511 $pt_slot)" 1
	leads_right "... the rest of the tree is what it was" "$(slot $pt_slot)" 512
	tell g1 set $pml4 511 1 $pdp 1 $plain
	tell g1 set $pt 10 1 20 1 $plain
	tell g1 flush
	leads_right "... the loop changes, and other entries" "$(slot $pt_slot)" 512
	tell g1 set $pml4 511 1 $pml4 1 $plain
	tell g1 flush
	retire
	remember "$gpu_debug/vgpus/a"
	tell g1 fill $pml4 $table_pages 94
	is "9: ... destroyed: none of its pages traps" "$(since traps)" 0
	tell g1 stos $first 512 0
	drain
	is "9: ... nothing is held" "$(domain "$g1" live) $(domain "$g1" idle)" "0 0"
}

# Writes of the guest to a table are trapped. Those of the GPU are not, and go through all the same.
check_ppgtt_table_and_data() {
	local v=$gpu_debug/vgpus/a

	make_tree 4
	tell g1 set $pd $wide_slot 1 $pt2 1 $plain
	tell g1 set $pt2 0 64 0 1 $plain
	announce
	leads_right "a table" "$(slot $wide_slot)" 64
	tell g1 map $((first + count - 1)) $pt2 1
	works "... is data as well: the GPU writes it" dma fill "$(at $((first + count - 1)))" 4096 0
	works "... and the guest finds the bytes" tell g1 checkbyte $pt2 1 0
	remember "$v"
	tell g1 set $pt2 0 64 64 1 $plain
	is "... the guest's own writes are trapped as before" "$(since traps)" 64
	leads_right "... and in the shadow" "$(slot $wide_slot)" 64
	moves "... the GPU reads through it" "$(slot $wide_slot 3)" "$(slot $wide_slot 4)"
	retire
}

check_ppgtt_two_vcpus() {
	make_tree 4
	tell g1 set $pd $wide_slot 1 $pt2 1 $plain
	announce
	works "7: two vCPUs write different halves of the same entries of two tables: both are there" \
		tell g1 halves $pt 2 0 128 4
	tell g1 flush
	leads_right "7: ... the first table's shadow is what was written" "$(slot $pt_slot)" 128
	leads_right "7: ... and the second's" "$(slot $wide_slot)" 128
	retire
}

check_ppgtt_order() {
	local i bad=""

	make_tree 4
	announce
	tell g1 map $((first + count - 1)) $target 1
	set_parameter idle_age_ms 1
	tell g1 porder $pt 0 0 16
	for i in 1 2 3 4; do
		remember $gpu_debug/vgpus/a
		await 20 trapped 4
		pcopy "$(slot $pt_slot)" "ggtt:$(at $((first + count - 1)))" 4096 || bad="$bad copy failed"
		tell g1 good $target >/tmp/seen || bad="$bad copy $i: $(cat /tmp/seen)"
		drain
	done
	is "2: an entry is replaced while the GPU uses it: it never sees a page that it should have forgotten" "$bad" ""
	at_least "... over so many replacements" "$(tell g1 stop)" 8
	set_parameter idle_age_ms 3600000
	tell g1 pstorm $pt 512 0 1024 2
	remember $gpu_debug/vgpus/a
	await 20 trapped 100
	works "entries change while the GPU copies" pcopy "$(slot $pt_slot)" "ggtt:$(at $((first + count - 1)))" 4096
	at_least "... so many" "$(tell g1 stop)" 50
	tell g1 put $pt 0 512 0
	tell g1 set $pt 0 300 0 1 $plain
	leads_right "... and then lead to the right pages" "$(slot $pt_slot)" 300
	retire
}

check_ppgtt_1g() {
	make_tree 4
	tell g1 set $pt 0 512 0 1 $plain
	tell g1 set $pdp 6 1 $large 1 $ps
	remember "$gpu_debug/vgpus/a"
	announce
	is "a 1G entry is refused: counted" "$(since refused_1g)" 1
	is "... it is scratch" "$(pbus $((base + (1 << 30) + 0x12345000)))" "$(pbus "$(slot 100)")"
	reads_scratch "... from which the GPU can read" $((base + (1 << 30)))
	leads_right "... its neighbour works" "$(slot $pt_slot)" 512
	tell g1 set $pdp 6 1 $pd 1 $plain
	tell g1 flush
	is "... a table in its place does, too" "$(pbus $((base + (1 << 30) + (pt_slot << 21))))" "$(pbus "$(slot $pt_slot)")"
	retire
}

# Pages go: first one that an entry names, then one that is a table.
check_ppgtt_balloon() {
	local had scratch

	drain
	had=$(books "$g1")
	make_tree 4
	tell g1 set $pt 0 64 0 1 $plain
	tell g1 set $pd $wide_slot 1 $pt2 1 $plain
	tell g1 set $pt2 0 64 64 1 $plain
	announce
	scratch=$(pbus "$(slot 100)")
	tell g1 out 7 1
	is "4: a page with a live entry is ballooned out: the frame stays until the unmap" "$(books "$g1")" "$had"
	drain
	is "... revalidated: the entry is scratch" "$(pbus "$(slot $pt_slot 7)")" "$scratch"
	is "... and the frame is free" "$(books "$g1")" $((had - 1))
	tell g1 in 7 1
	tell g1 set $pt 7 1 8 1 $plain
	tell g1 flush
	tell g1 set $pt 7 1 7 1 $plain
	moves "... the page is back: the GPU finds the new frame" "$(slot $pt_slot 6)" "$(slot $pt_slot 7)"
	tell g1 out $pt 1
	drain
	works "11: a page table is ballooned out: the guest goes on" tell g1 ping
	is "... the frame is free" "$(books "$g1")" $((had - 1))
	is "... what it led to is scratch" "$(pbus "$(slot $pt_slot 6)")" "$scratch"
	leads_right "... another table works" "$(slot $wide_slot)" 64
	tell g1 in $pt 1
	tell g1 set $pt 0 64 128 1 $plain
	tell g1 flush
	leads_right "... the page is back, and a table again" "$(slot $pt_slot)" 64
	tell g1 out $pt 1
	retire
	tell g1 stos $first 512 0
	drain
	is "9: ... it goes again, and the PPGTT: the frame is free" "$(books "$g1")" $((had - 1))
	tell g1 in $pt 1
}

# copy_on VGPU LEVELS ROOT FROM TO LENGTH: the GPU copies in the background until that fails; each time is a line of /tmp/copies
copy_on() {
	rm -f /tmp/copies /tmp/copies.ended
	(
		while dma pcopy "$@" 2>/dev/null; do
			echo copied >>/tmp/copies
		done
		: >/tmp/copies.ended
	) &
}

gpu_p() {
	make_gpu p "$(domid p)" bar0 $bar0 mappable_base "$(at 131072)" mappable_size "$(at 64)"
}

# A tiny guest "p" that keeps changing its PPGTT.
start_stormy() {
	tiny_guest p "bar0=$bar0 first=131072 count=64 gfn=0x400 ppgtt=0x200000 storm"
	gpu_p
	xl unpause p
}

# The virtual GPU goes, then the guest, while the GPU copies through a PPGTT that the guest keeps changing.
check_ppgtt_destroy() {
	local id

	start_stormy
	id=$(domid p)
	works "a guest keeps changing its PPGTT" await 60 dma pentry p 4 0x200000 0
	copy_on p 4 0x200000 0 0x20000 0x1000
	works "... while the GPU copies" await 30 [ -s /tmp/copies ]
	works "9: ... its virtual GPU can be removed" remove_gpu p
	works "... the GPU is told" await 30 [ -e /tmp/copies.ended ]
	gpu_p
	is "... a new one knows of no PPGTT" "$(dma pentry p 4 0x200000 0 2>/dev/null || echo none)" none
	destroy p
	works "9: ... the guest is gone" await 60 gone "$id"
	remove_gpu p
	start_stormy
	id=$(domid p)
	await 60 dma pentry p 4 0x200000 0
	copy_on p 4 0x200000 0 0x20000 0x8000
	works "a guest with a PPGTT that the GPU uses: the GPU copies" await 60 [ -s /tmp/copies ]
	destroy p
	works "9: ... the guest is destroyed, and gone" await 60 gone "$id"
	works "... the GPU is told" await 30 [ -e /tmp/copies.ended ]
	is "... its virtual GPU is dead" "$(cat $vgpus/p/state)" dead
	works "... and can be removed" remove_gpu p
	is "... no zombie" "$(zombies)" 0
}

run_ppgtt_checks() {
	run check_pvinfo
	run check_ppgtt_4_levels
	run check_ppgtt_3_levels
	run check_ppgtt_changes
	run check_ppgtt_counts
	run check_ppgtt_reuse
	run check_ppgtt_loop
	run check_ppgtt_table_and_data
	run check_ppgtt_two_vcpus
	run check_ppgtt_order
	run check_ppgtt_1g
	run check_ppgtt_balloon
	run check_ppgtt_destroy
}
