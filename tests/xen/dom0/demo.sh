# The demo that runs in dom0: a guest's GTT entries and page tables, DMA through them, a replaced entry, the balloon race, the end
# of the guest. The GPU that copies is the test GPU, by its walks of a table in memory; or, if the machine has an Intel GPU, that
# one, by its own GTT, beside dom0's i915.
# shellcheck shell=dash
. /lib/xengt/library.sh
. /lib/xengt/igpu.sh

bar0=0xe0000000
source=0x8000000	# a graphics address of the guest's share; entry 32768
copy=0x8004000
spare=0x8008000
entry=32768
pass=a

step() {
	note
	note "$pass. $*"
	pass=$(echo "$pass" | tr abcde bcdef)
}

# The closing table's rows: the host puts those of both runs next to each other.
tell_counters() { # FILE PREFIX
	awk -v p="$2" 'NF == 2 && $2 ~ /^[0-9]+$/ { print "# count", p $1, $2 }' "$1" | report
}

# The GPU copies between graphics addresses. FROM TO LENGTH
gpu_copies() {
	if [ $place = i915 ]; then
		igpu copy "$@"
	else
		dma copy "$@"
	fi
}

# The same in the guest's PPGTT.
gpu_copies_in_ppgtt() {
	if [ $place = i915 ]; then
		pinned "$root" pcopy "$@"
	else
		dma pcopy a 4 "$root" "$@"
	fi
}

entry_of() { # ADDRESS: the entry that the GPU has
	if [ $place = i915 ]; then
		gsm_entry $(($1 >> 12))
	else
		shadow "$1"
	fi
}

host_works() {
	[ $place != i915 ] || works "the host's own i915 has the same GPU execute batches" batch 2
}

place=mem
generation=8
if find_igpu; then
	place=i915
	note "loading the stock i915, xen_gpu_map, xengt and, between them, xengt_i915"
	works "i915 drives the GPU" load_i915
	can_sleep || stay_awake
	works "the modules are loaded" load_modules
	works "... xengt_i915, too" insmod /mod/xengt_i915.ko
	note "   $(dmesg | sed -n 's/.*\(xengt: GPU of generation.*\)/\1/p')"
else
	note "loading xen_gpu_map, xengt and, beside them, the stock i915, which has no GPU here: QEMU's edu device plays the GPU"
	works "the modules are loaded" load_modules
	works "i915 is loaded too" modprobe i915
fi
note "   $(dmesg | sed -n 's/.*\(xen_gpu_map: backend .*\)/\1/p' | head -n 1)"
# Nothing is unmapped but when the demo says so, to show what happens in between.
set_parameter idle_age_ms 3600000
set_parameter balloon_delay_ms 600000
# What the guest writes waits for its own flush, as slow as this machine may be.
set_gpu_parameter posted_age_ms 3600000
note "creating a guest: Linux, PVH, 256 MiB"
works "the guest is up" start_guest g1 2
g1=$(domid g1)
works "the toolstack leaves it room for RAM at its GTT" xl mem-max g1 266
works "it has a virtual GPU (configfs)" make_gpu a "$g1" bar0 $bar0 generation $generation place $place mappable_base $source mappable_size 0x1000000
tell g1 pages 640
tell g1 bar0 $bar0
tell g1 share $entry 4096

step "The guest fills 4 pages, finds their GFNs and writes GTT entries; the GPU copies; the guest looks"
tell g1 fill 0 4 1
tell g1 byte 4 4 0
tell g1 map $entry 0 8
tell g1 flush
note "   GFN $(tell g1 gfn 0) became shadow entry $(entry_of $source), after $(domain "$g1" map_hypercalls) map hypercall for 8 pages (4 to read, 4 to write)"
works "the GPU copies 16 KiB from $source to $copy" gpu_copies $source $copy 16384
works "the guest finds its bytes in the other pages" tell g1 check 4 4 1 0
host_works

step "The guest writes 512 entries one by one, as a driver does, and has the GPU forget the old ones"
tell g1 map $((entry + 8)) 9 1
tell g1 flush
before=$(gpu a traps)
mapped=$(domain "$g1" map_hypercalls)
tell g1 map $((entry + 512)) 64 512
tell g1 flush
note "   $(($(gpu a traps) - before)) trap (the flush), and $(($(domain "$g1" map_hypercalls) - mapped)) map hypercall(s) for all of them"
before=$(gpu a traps)
tell g1 map $((entry + 512)) 64 512
tell g1 flush
note "   and once more: $(($(gpu a traps) - before)) trap. The page of the GTT is RAM for the guest, and is read at the flush"
works "the GPU copies through the last one" gpu_copies 0x83ff000 $spare 4096
works "the guest reads back what it wrote" tell g1 verify $((entry + 512)) 512

step "The guest makes page tables of its own (PPGTT, 4 levels) and announces them; the GPU copies through their shadow"
tell g1 byte 600 4 0
for level in 600 601 602; do
	tell g1 set $level 0 1 $((level + 1)) 1 3
done
tell g1 fill 32 16 2
tell g1 set 603 0 32 32 1 3
tell g1 announce 4 600
root=$(printf '0x%x' $(($(tell g1 gfn 600) << 12)))
works "the GPU copies 64 KiB from page to page" gpu_copies_in_ppgtt 0 0x10000 0x10000
works "the guest finds its bytes" tell g1 check 48 16 2 32
works "the guest takes the tables back" tell g1 retire 4 600

step "An entry is replaced; then DMA to the BFN that it had"
tell g1 byte 0 1 0x11
old=$(bus_of "$(entry_of $source)")
tell g1 map $entry 8 1
tell g1 flush
works "pages without users are unmapped" drain
dma fill "bus:$old" 4096 0xee
if [ "$kind" = pvh ]; then
	works "PVH: the IOMMU stops DMA to the old BFN: the guest's page is untouched" tell g1 checkbyte 0 1 0x11
else
	works "PV: no IOMMU protects: DMA to the old BFN still writes the page, which is the guest's" tell g1 checkbyte 0 1 0xee
	note "   (so the frame must not go to anybody else before the GPU has forgotten it: that is step e)"
fi

step "The race: the guest balloons a page out while its entry is live"
had=$(books "$g1")
tell g1 byte 1 1 0x77
tell g1 write $(((entry + 100) * 8)) 8 $(((0xf0000 << 12) | 1))
tell g1 flush
note "   Xen has $had pages in the guest's name; the guest now gives the page of entry $((entry + 1)) back"
works "the guest gives the page up" tell g1 out 1 1
note "   Without the reference, Xen would give the frame to the next domain that asks."
note "   Xen still has $(books "$g1") pages in the guest's name, and $(domain "$g1" balloon_events) balloon event came"
is "the frame is held: it cannot go to another domain" "$(books "$g1")" "$had"
drain
is "after the revalidation the frame is free" "$(books "$g1")" $((had - 1))
is "the entry is scratch" "$(entry_of 0x8001000)" "$(entry_of 0x8064000)"
tell g1 byte 9 1 0xff
tell g1 map $((entry + 8)) 9 1
tell g1 flush
works "the GPU reads from it" gpu_copies 0x8001000 $spare 4096
works "... scratch, not the page" tell g1 checkbyte 9 1 0
works "the guest takes a page in again" tell g1 in 1 1

step "The guest is destroyed with $(gpu a entries_live) entries live; everything unloads"
destroy g1
works "the guest is gone: no (null) domain stays" await 60 gone "$g1"
is "... no zombie" "$(zombies)" 0
host_works
[ $place != i915 ] || works "the GPU has met nothing unsafe: no entry that was not its guest's any more" igpu violations
tell_counters $map_debug/total map.
tell_counters $gpu_debug/total vgpu.
works "the virtual GPU is removed" remove_gpu a
works "the modules unload" unload xengt_testgpu xengt_i915 xengt xen_gpu_map
is "no window is left in the address space" "$(grep -c 'Xen GPU' /proc/iomem)" 0
is "xl list shows dom0 alone" "$(xl list | sed 1d | wc -l)" 1
finished
