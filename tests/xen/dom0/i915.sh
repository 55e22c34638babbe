# An unmodified guest, whose stock i915 finds the virtual GPU on a PCI bus (pcibus) and uses its GGTT: after whatever its driver has
# done, each entry of its share is compared with the shadow. "only" names the checks to run, "skip" those not to run.
# shellcheck shell=dash
. /lib/xengt/library.sh

bar0=0xe0000000
bar2=0xd0000000		# the aperture, which nobody serves
gtt=0xe0800000
gtt_pages=2048
memory=512		# MiB of a guest
room=12			# MiB more, for RAM at the GTT
mappable=16384		# entries of each guest's share
hidden_first=65536	# of all: the aperture is as large
hidden=98304
share=$((mappable + hidden))
outside=1024		# entries outside of all shares that a comparison looks at
objects=8		# that a guest has bound
object_pages=256
samples=6		# pages that the GPU writes to for each comparison
per_trap=10		# entries of the share that are written for each trap, at least

at() { # ENTRY: its graphics address
	printf '0x%x\n' $(($1 << 12))
}

### guests

# Of the guest with that number: 0, 1
mappable_of() {
	echo $((mappable + $1 * mappable))
}

hidden_of() {
	echo $((hidden_first + $1 * hidden))
}

# The log has room for the many warnings of i915. Without noearly Linux looks twice for an AGP bridge on each of 256 buses: minutes here.
i915_words="console=hvc0 loglevel=1 log_buf_len=1M mitigations=off nokaslr tsc=reliable pci=conf1,noacpi,noearly"

# Before the virtual GPU: of two ioreq servers for the same addresses the later one gets the accesses.
start_bus() { # NAME
	pcibus "$(domid "$1")" $bar0 $bar2 >"/tmp/$1.bus" 2>&1 &
	echo $! >"/tmp/$1.bus.pid"
	await 20 grep -q ready "/tmp/$1.bus"
}

bus_has_ended() { # NAME
	! kill -0 "$(cat "/tmp/$1.bus.pid")"
}

# start_i915_guest NAME NUMBER: a guest that has not loaded its driver yet. Guest 0 has two vCPUs, guest 1 has one.
start_i915_guest() {
	guest_config "$1" /guests/vmlinux $memory $((2 - $2)) "$i915_words" /guests/i915.cpio >"/tmp/$1.cfg"
	create "$1" -p || return 1
	xl mem-max "$1" $((memory + room))
	start_bus "$1" || return 1
	make_gpu "$1" "$(domid "$1")" bar0 $bar0 generation 9 \
		mappable_base "$(at "$(mappable_of "$2")")" mappable_size "$(at $mappable)" \
		hidden_base "$(at "$(hidden_of "$2")")" hidden_size "$(at $hidden)" || return 1
	xl unpause "$1"
	ask_within "$1" 280 true
}

have_guest() { # NAME NUMBER
	[ -n "$(domid "$1")" ] || start_i915_guest "$1" "$2"
}

has_driver() { # NAME
	tell "$1" '[ -e $gpu/driver ]'
}

have_driver() { # NAME NUMBER
	have_guest "$1" "$2" && { has_driver "$1" || tell "$1" load; }
}

have_no_driver() { # NAME NUMBER
	have_guest "$1" "$2" && { ! has_driver "$1" || tell "$1" unload; }
}

# guest_does WHAT GUEST COMMAND...: the guest does it, and its kernel has no complaint. How long that takes is not judged: it depends on
# the machine, and so do soft lockups. How often the guest is trapped does not.
guest_does() {
	local what=$1 guest=$2 begun

	shift 2
	remember "$gpu_debug/vgpus/$guest"
	begun=$(date +%s)
	works "$what" tell "$guest" "$@"
	begun=$(($(date +%s) - begun))
	is "... without a complaint of the guest's kernel" "$(tell "$guest" complaints)" ""
	note "count: $what: $begun s, $(since traps) traps, $(since syncs) syncs, $(tell "$guest" stalls) stalls"
}

# i915 of Linux 6.1 has each entry that it does not use name its scratch page, also outside of the share. Newer ones write only what
# they use.
clears() {
	case $(uname -r) in 6.1.*) ;; *) return 1 ;; esac
}

# After something for which i915 writes all of the GGTT
few_traps() {
	! clears || at_least "... entries of the share for each trap" $((share / ($(since traps) + 1))) $per_trap
}

# has_cleared GUEST: that it has, by the last comparison
has_cleared() {
	at_least "... entries that name pages" "$(seen "$1" present)" 1
	clears || return
	is "... all of the share" "$(seen "$1" present)" $share
	is "... and the whole GGTT: entries outside of the share" "$(seen "$1" outside)" $outside
}

# The comparison has seen the pages of the guest's objects.
has_bound() { # NAME GUEST
	at_least "$1" "$(seen "$2" pages)" $((objects * object_pages))
}

### comparison

# What the guest wrote is in the shadow: there was a sync since it was paused. Without an unsync page nothing waits for one.
synced() { # GUEST
	[ "$(gpu "$1" pages_unsync)" = 0 ] || [ "$(since syncs)" -ge 2 ]
}

compare_share() { # GUEST NUMBER
	compare "$(domid "$1")" $gtt "/tmp/$1.bfns" $samples "$(mappable_of "$2")" $mappable "$(hidden_of "$2")" $hidden >"/tmp/$1.compare"
}

# Entries that name a page in page tables of PPGTTs
ppgtt_entries() { # GUEST
	grep -c -E '^ +[0-9]+: 0x[0-9a-f]+ 0x[0-9a-f]+$' "$gpu_debug/tables/$1"
}

references() { # GUEST
	local id

	id=$(domid "$1")
	echo $(($(domain "$id" refs_taken) - $(domain "$id" refs_released)))
}

seen() { # GUEST NAME: of what compare has seen
	value_in "/tmp/$1.compare" "$2"
}

# all_equal WHEN GUEST NUMBER: the shadow is what the guest wrote, entry by entry
all_equal() {
	local when=$1 guest=$2 tables

	xl pause "$guest"
	remember "$gpu_debug/vgpus/$guest"
	works "$when: all that was written is synced" await 20 synced "$guest"
	works "... entries and shadow are compared" compare_share "$guest" "$3"
	tables=$(ppgtt_entries "$guest")
	is "... all of the share" "$(seen "$guest" entries)" $share
	is "... entries that differ: $(grep '^entry ' "/tmp/$guest.compare" | head -n 1)" "$(seen "$guest" different)" 0
	is "... BFNs of more than one page" "$(seen "$guest" shared)" 0
	at_least "... pages that the GPU has written to" "$(seen "$guest" sampled)" 1
	is "... where that did not arrive" "$(seen "$guest" missed)" 0
	is "... live entries: those of the GGTT, and those of PPGTTs" "$(gpu "$guest" entries_live)" \
		$(($(seen "$guest" present) + tables))
	is "... references: one for each of them" "$(references "$guest")" "$(gpu "$guest" entries_live)"
	is "... shadow entries outside of all shares" $(($(seen "$guest" reserved) - share * $(ls $vgpus | wc -l))) 0
	note "count: $when: $(seen "$guest" entries) entries compared, $(seen "$guest" present) present, of" \
		"$(seen "$guest" pages) pages, $(seen "$guest" different) different; $tables entries of PPGTTs; $(references "$guest") references"
	xl unpause "$guest"
}

### the checks

check_bus() {
	works "a guest without a driver is there" have_no_driver g1 0
	is "it has RAM at its GTT" "$(gpu g1 gtt_ram_pages)" $gtt_pages
	is "it finds the GPU" "$(tell g1 cat '$gpu/vendor' '$gpu/device' '$gpu/class')" "0x8086 0x1912 0x030000"
	is "... with BAR 0 where it is" "$(tell g1 head -n 1 '$gpu/resource' | cut -d ' ' -f 1-2)" "0x00000000e0000000 0x00000000e0ffffff"
	works "accesses of all kinds are answered" tell g1 odd_accesses
	is "... the bus says nothing" "$(cat /tmp/g1.bus)" ready
}

check_load() {
	works "a guest without a driver is there" have_no_driver g1 0
	guest_does "Debian's i915 loads" g1 load
	few_traps
	at_least "... it knows that its GPU is virtual" "$(tell g1 grep -c "'Virtual GPU'" /tmp/dmesg)" 1
	at_least "... it has announced PPGTTs" "$(gpu g1 pvinfo_notifies)" 1
	is "... none was refused" "$(gpu g1 pvinfo_failed)" 0
	all_equal "loaded" g1 0
	has_cleared g1
}

check_bind() {
	works "a guest with its driver is there" have_driver g1 0
	guest_does "objects are bound in the GGTT" g1 bind $objects $object_pages
	all_equal "objects bound" g1 0
	has_bound "... with their pages" g1
	guest_does "objects are released" g1 release
	all_equal "objects released" g1 0
}

check_clear() {
	works "a guest with its driver is there" have_driver g1 0
	works "... and objects that are bound" tell g1 bind $objects $object_pages
	guest_does "the guest's devices are frozen, and thawed" g1 hibernate
	few_traps
	all_equal "thawed" g1 0
	has_cleared g1
	works "the objects are released" tell g1 release
}

check_unload() {
	works "a guest with its driver is there" have_driver g1 0
	guest_does "i915 is unloaded" g1 unload
	is "... its PPGTTs are gone" "$(gpu g1 ppgtts)" 0
	is "... and their tables" "$(gpu g1 tables) $(gpu g1 pages_protected_now)" "0 0"
	all_equal "unloaded" g1 0
}

check_reload() {
	works "a guest with its driver is there" have_driver g1 0
	works "... which it unloads" have_no_driver g1 0
	guest_does "i915 is loaded again" g1 load
	few_traps
	all_equal "loaded again" g1 0
}

bfns_of_both() {
	cat /tmp/g1.bfns /tmp/g2.bfns | sort | uniq -d | wc -l
}

check_two() {
	works "a guest with its driver is there" have_driver g1 0
	works "another one is started" have_guest g2 1
	guest_does "i915 loads in the other guest" g2 load
	few_traps
	works "both have bound objects" tell g1 bind $objects $object_pages
	works "... the other, too" tell g2 bind $objects $object_pages
	all_equal "two guests, the second" g2 1
	has_bound "... with the pages of its objects" g2
	all_equal "two guests, the first" g1 0
	has_bound "... with the pages of its objects" g1
	is "... pages that both have" "$(bfns_of_both)" 0
	guest_does "the first unloads its driver" g1 unload
	all_equal "... the first" g1 0
	all_equal "... the second" g2 1
}

# ends GUEST DOMID
ends() {
	works "$1 is destroyed: it is gone" await 60 gone "$2"
	works "... its virtual GPU is dead" await 20 grep -q dead "$vgpus/$1/state"
	works "... its bus has ended" await 20 bus_has_ended "$1"
	works "... the virtual GPU can be removed" remove_gpu "$1"
}

check_destroy() {
	local id

	works "a guest with its driver is there" have_driver g1 0
	id=$(domid g1)
	destroy g1
	ends g1 "$id"
	if id=$(domid g2); then
		all_equal "... the other guest goes on" g2 1
		destroy g2
		ends g2 "$id"
	fi
	drain
	is "no zombie" "$(zombies)" 0
	is "all references are back" "$(total refs_released)" "$(total refs_taken)"
	is "all pages are unmapped" "$(total unmapped)" "$(total mapped)"
	note "totals of the mapping service: $(tr '\n' ' ' <$map_debug/total)"
}

dom0_is_alone() {
	[ "$(xl list | sed 1d | wc -l)" = 1 ]
}

check_nothing_left() {
	local name

	for name in g1 g2; do
		[ -z "$(domid $name)" ] || destroy $name
		[ ! -d $vgpus/$name ] || remove_gpu $name
	done
	works "all modules unload" unload xengt_testgpu xengt xen_gpu_map
	works "... only dom0 is there" await 60 dom0_is_alone
	is "... no warning in dom0's log" "$(dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|refcount_t' | grep -v 'soft lockup' | head -n 3)" ""
}

run() { # CHECK
	! wanted "$1" || subtest "$1" "$1"
}

# What the checks begin with
begin() {
	works "the modules load" load_modules
	loaded xengt_testgpu || exit 1
	note "the backend is $(value_in $map_debug/backend name)"
	works "a guest with a PCI bus starts" start_i915_guest g1 0
}

subtest begin begin
run check_bus
run check_load
run check_bind
run check_clear
run check_unload
run check_reload
run check_two
run check_destroy
! wanted check_nothing_left || subtest check_nothing_left check_nothing_left
finished
