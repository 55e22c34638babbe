# The checks of posted writes and of pages that are open. Sourced by checks.sh, and run among its checks.
# shellcheck shell=dash disable=SC2154

gtt_pages=2048
gtt_entries=1048576
share_pages=16	# all in one block of pages that are opened together

# A guest that may have so many MiB more than it was built with.
allow() { # MIB
	xl mem-max g1 $((256 + $1))
}

hybrid() {
	allow 10
	start_over mode hybrid
	tell g1 bar0 $bar0
}

# Nothing is synced but by the guest.
only_guest_syncs() {
	set_gpu_parameter posted_age_ms 3600000
	set_gpu_parameter posted_max 1000000000
}

check_posted() {
	local d=$map_debug/domains/$g1 v=$gpu_debug/vgpus/a

	start_over mode posted
	tell g1 fill 0 4 81
	drain
	remember "$d" "$v"
	tell g1 map $first 0 512
	is "posted: 512 entries written one by one: traps" "$(since traps)" 512
	is "... no hypercall before the sync" "$(hypercalls)" 0
	works "... read back" tell g1 verify $first 512
	tell g1 flush
	is "... map hypercalls of the sync" "$(since map_hypercalls)" 1
	is "... entries live" "$(gpu a entries_live)" 512
	works "... the GPU finds the pages" read_posted $((first + 2))
	works "... the right ones" tell g1 check $target 1 81 2
	remember "$v"
	set_gpu_parameter posted_age_ms 1
	tell g1 write $((first * 8)) 8 0
	works "without a sync of the guest's one is made when writes are old" await 20 eval '[ "$(since syncs_late)" -ge 1 ]'
	is "... the entry is gone" "$(bus_of "$(shadow "$(at $first)")")" "$(bus_of "$(shadow "$(at $((first + 600)))")")"
	set_gpu_parameter posted_age_ms 3600000
}

# As read_by_gpu, and the guest syncs.
read_posted() { # ENTRY
	tell g1 byte $target 1 0xcc && tell g1 map $((first + count - 1)) $target 1 && tell g1 flush &&
		dma copy "$(at "$1")" "$(at $((first + count - 1)))" 4096
}

check_hybrid_gtt() {
	local d=$map_debug/domains/$g1 v=$gpu_debug/vgpus/a had

	remove_gpu a
	had=$(books "$g1")
	hybrid
	is "hybrid: the guest has RAM at the GTT" "$(gpu a gtt_ram_pages)" $gtt_pages
	is "... in its own name" "$(books "$g1")" $((had + gtt_pages))
	tell g1 fill 0 512 82
	drain
	remember "$d" "$v"
	tell g1 map $first 0 512
	is "... 512 entries of one page written one by one: traps" "$(since traps)" 512
	is "... it is not opened in the middle of a write, but those around it are" "$(since pages_unsynced)" $((share_pages - 1))
	works "... read back" tell g1 verify $first 512
	is "... without a trap" "$(since reads)" 0
	is "... nothing is mapped" "$(since mapped)" 0
	tell g1 flush
	is "... map hypercalls of the sync" "$(since map_hypercalls)" 1
	is "... it is open then, too" "$(since pages_unsynced)" $share_pages
	is "... entries live" "$(gpu a entries_live)" 512
	works "... the GPU finds the pages" read_posted $((first + 300))
	works "... the right ones" tell g1 check $target 1 82 300
	remember "$d" "$v"
	tell g1 map $first 512 512
	tell g1 flush
	is "... rewritten: traps" "$(since traps)" 1
	is "... map hypercalls" "$(since map_hypercalls)" 1
	note "count: 512 entries written to a page of the GGTT and one sync took $(since traps) traps, $(since map_hypercalls) map hypercall(s)"
	tell g1 map $first 0 512
	tell g1 flush
	is "... and as it was: all revived" "$(since revived)" 512
	is "... with no other hypercall" "$(since map_hypercalls)" 1
	remove_gpu a
	is "9: the virtual GPU is removed: the RAM is gone" "$(books "$g1")" "$had"
}

check_hybrid_calm() {
	local v=$gpu_debug/vgpus/a i

	hybrid
	set_gpu_parameter idle_syncs 2
	tell g1 map $first 0 512
	tell g1 flush
	is "open pages" "$(gpu a pages_unsync)" $share_pages
	for i in 1 2 3 4; do
		tell g1 flush
	done
	is "... are closed when nothing is written" "$(gpu a pages_unsync)" 0
	remember "$v"
	tell g1 map $first 512 1
	is "... and then trapped" "$(since traps)" 1
	tell g1 flush
	works "... the GPU finds the page" read_posted $((first + 1))
	works "... after all that" works_as_written
	set_gpu_parameter idle_syncs 1024
}

works_as_written() {
	tell g1 verify $first 512
}

# What a stock i915 does when it gives the GPU up: every entry of the GTT, one by one, the share or not.
check_hybrid_sweep() {
	local v=$gpu_debug/vgpus/a slow fast

	start_over
	remember "$v"
	slow=$(tell g1 sweep $first 4096 0)
	is "strict: 4096 entries cleared one by one: traps" "$(since traps)" 4096
	hybrid
	remember "$v"
	fast=$(tell g1 sweep 0 $gtt_entries 0)
	tell g1 flush
	is "hybrid: the whole GTT cleared one by one: traps, in one page of each part of the share, and for the sync" "$(since traps)" 1025
	note "count: clearing $gtt_entries entries took $(since traps) traps and $fast us; trapped, it were $gtt_entries and $((slow * (gtt_entries / 4096))) us"
}

check_hybrid_balloon() {
	local had scratch

	hybrid
	tell g1 fill 0 64 83
	tell g1 map $first 0 64
	tell g1 flush
	had=$(books "$g1")
	scratch=$(bus_of "$(shadow "$(at $((first + 100)))")")
	tell g1 out 5 1
	drain
	is "4: hybrid: a page with an entry in an open page is ballooned out: the entry is scratch" \
		"$(bus_of "$(shadow "$(at $((first + 5)))")")" "$scratch"
	is "... and the frame is free" "$(books "$g1")" $((had - 1))
	is "... the open pages are trapped, as they may be others" "$(gpu a pages_unsync)" 0
	tell g1 in 5 1
	tell g1 fill 5 1 84
	tell g1 map $((first + 64)) 64 64
	tell g1 stos $((first + 5)) 1 0
	tell g1 map $((first + 5)) 5 1
	works "... the page is back: the GPU finds it" read_posted $((first + 5))
	works "... with its bytes" tell g1 check $target 1 84 5
	works "... and all reads back as written" tell g1 verify $first 128
}

check_hybrid_ppgtt() {
	local d=$map_debug/domains/$g1 v=$gpu_debug/vgpus/a

	hybrid
	make_tree 4
	tell g1 set $pt 0 512 0 1 $plain
	announce
	tell g1 set $pt 0 512 256 1 $plain
	tell g1 flush
	remember "$d" "$v"
	tell g1 set $pt 0 512 512 1 $plain
	is "hybrid: 512 entries of an attached table rewritten when it is open: traps" "$(since traps)" 0
	tell g1 flush
	is "... map hypercalls of the sync" "$(since map_hypercalls)" 1
	note "count: rewriting 512 entries of a table and one sync took $(since traps) traps, $(since map_hypercalls) map hypercall(s)"
	leads_right "... the GPU finds the pages" "$(slot $pt_slot)" 512
	remember "$v"
	tell g1 put $pd $pt_slot 1 0
	tell g1 flush
	tell g1 fill $pt 1 85
	is "... the table is data: nothing is trapped" "$(since table_writes)" 1
	works "... and holds its data" tell g1 check $pt 1 85
	retire
}

check_hybrid_no_room() {
	remove_gpu a
	allow 0
	start_over mode hybrid hidden_size 0x40000000
	is "hybrid without room for RAM: none is there" "$(gpu a gtt_ram_pages)" 0
	is "... the log says so" "$(dmesg | tail -n 3 | grep -c 'all writes to the GGTT are trapped')" 1
	tell g1 fill 0 4 86
	tell g1 map $first 0 4
	works "... entries work all the same" read_posted $((first + 1))
	works "... with the right bytes" tell g1 check $target 1 86 1
}

crashes() {
	xl dmesg | grep -c domain_crash
}

# String instructions on pages that are trapped, that become hot and are opened, and that are open.
check_hybrid_strings() {
	local v=$gpu_debug/vgpus/a had i

	hybrid
	had=$(crashes)
	tell g1 fill 0 512 87
	remember "$v"
	for i in 1 2 3; do
		tell g1 movs $first 0 256
		tell g1 stos $((first + 256)) 256 0
		tell g1 flush
		tell g1 movs $((first + 128)) 128 384
		tell g1 flush
	done
	is "hybrid: rep movs and rep stos: the page is open after the first turn: pages opened" "$(since pages_unsynced)" $share_pages
	works "... all reads back as written" tell g1 verify $first 512
	works "... the GPU finds the pages" read_posted $((first + 300))
	works "... the right ones" tell g1 check $target 1 87 300
	hybrid
	remember "$v"
	works "... the pages around one are opened in the middle of rep stos" tell g1 stos $((first + 1024)) 1024 0
	is "... how many" "$(since pages_unsynced)" $((share_pages - 1))
	tell g1 flush
	is "... Xen crashed no guest" "$(crashes)" "$had"
}

# The end of a guest, and of its virtual GPU, while it writes to pages that are open.
check_hybrid_destroy() {
	local id i storm=storm

	set_gpu_parameter posted_age_ms 10
	for i in 1 2 3 4; do
		[ $i -le 2 ] || storm=mstorm
		tiny_guest h "bar0=$bar0 first=131072 count=128 gfn=0x400 $storm"
		id=$(domid h)
		make_gpu h "$id" bar0 $bar0 mode hybrid mappable_base "$(at 131072)" mappable_size "$(at 128)"
		xl unpause h
		works "a guest writes to a page of the GGTT that is open" await 60 eval '[ "$(gpu h pages_unsync)" = 1 ]'
		remember $gpu_debug/vgpus/h
		works "... and goes on" await 60 eval '[ "$(since shadowed)" -gt 200 ]'
		if [ $((i % 2)) = 1 ]; then
			works "9: ... its virtual GPU can be removed" remove_gpu h
			works "... it lives on" alive h
			destroy h
		else
			destroy h
			works "9: ... it is destroyed, and gone" await 60 gone "$id"
			remove_gpu h
		fi
		works "... it is gone" await 60 gone "$id"
		is "... no zombie" "$(zombies)" 0
	done
	set_gpu_parameter posted_age_ms 3600000
}

# It is there, and not a crashed one.
alive() { # GUEST
	xl list "$1" | awk 'NR == 2 { exit $5 ~ /[cds]/ }'
}

run_hybrid_checks() {
	only_guest_syncs
	run check_posted
	run check_hybrid_gtt
	run check_hybrid_calm
	run check_hybrid_sweep
	run check_hybrid_balloon
	run check_hybrid_ppgtt
	run check_hybrid_no_room
	run check_hybrid_strings
	run check_hybrid_destroy
}
