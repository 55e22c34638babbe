# A driver domain: the test GPU and the modules are in a PV domain that is not dom0, to which the toolstack gives guests as targets;
# on the patched hypervisor. This runs in dom0, which has no part in the work: what the driver domain does it is told by its console
# (tests/xen/driver/init). Each function is one promise; "only" names those to run.
# shellcheck shell=dash
. /lib/xengt/library.sh

bar0=0xe0000000
first=65536		# the share of the virtual GPU, in entries
count=2048
pages=2048
memory=256		# MiB, of the guest
gtt=e0800		# the first GFN of its GTT
gtt_pages=2048
last=$((first + count - 1))
result=2000		# a page of the guest that the GPU copies to

at() { # ENTRY: its graphics address
	printf '0x%x\n' $(($1 << 12))
}

### the driver domain

edu_address() { # in dom0
	basename "$(dirname "$(grep -l 0x11e8 /sys/bus/pci/devices/*/device)")"
}

# With the GPU. xl stays with it, and does what its configuration says should it crash.
start_driver() {
	guest_config driver /guests/vmlinux 256 1 "console=hvc0 loglevel=4 iommu=soft mitigations=off nowatchdog tsc=reliable" \
		/guests/driver.cpio | sed 's/^type=.*/type="pv"/' >/tmp/driver.cfg
	echo "pci=[\"$edu,permissive=1\"]" >>/tmp/driver.cfg
	timeout 120 xl create -q /tmp/driver.cfg >/tmp/xl.out 2>&1 && ask_within driver 120 true || return 1
	driver_id=$(domid driver)
	await 60 driver "ls /sys/bus/pci/devices | grep -q ."
}

# A command of the driver domain's shell; what it prints is printed, on one line
driver() { # WORDS
	ask_within driver 400 "$@"
}

driver_log() { # REGULAR-EXPRESSION
	driver dmesg '|' grep -q -E "'$1'"
}

# Nothing is unmapped or revalidated but by drain.
load_in_driver() {
	driver load_modules && driver set_parameter idle_age_ms 3600000 && driver set_parameter idle_max 1000000 &&
		driver set_parameter balloon_delay_ms 600000
}

announce_deaths() {
	xenstore-chmod @releaseDomain n0 r"$driver_id"
}

# make_gpu_in_driver NAME DOMID [ATTRIBUTE VALUE]...: strict, if not said otherwise
make_gpu_in_driver() {
	local name=$1 id=$2

	shift 2
	driver make_gpu "$name" "$id" bar0 $bar0 mode strict mappable_base "$(at $first)" mappable_size "$(at $count)" "$@"
}

# Its kernel panics, and gives no answer.
crash_driver() {
	echo "@0 echo c >/proc/sysrq-trigger" >"$(cat /tmp/driver.tty)"
	rm -f /tmp/driver.tty
}

### guests

start_g1() {
	start_guest g1 2 $memory && tell g1 pages $pages && tell g1 bar0 $bar0 && tell g1 share $first $count || return 1
	g1=$(domid g1)
}

# A driver domain, and a Linux guest that is its target
have_both() {
	[ -n "$(domid driver)" ] || { start_driver && load_in_driver && announce_deaths; } || return 1
	[ -n "$(domid g1)" ] || start_g1 >/dev/null || return 1
	xen-targets list "$driver_id" | grep -q "^$g1$" || xen-targets add "$driver_id" "$g1"
}

# What a check begins with: both, a new virtual GPU, nothing mapped
start_over() {
	have_both || return 1
	! driver test -d $vgpus/a || driver remove_gpu a || return 1
	make_gpu_in_driver a "$g1" && tell g1 bar0 $bar0
}

vgpu() { # NAME: a counter of the virtual GPU
	driver gpu a "$1"
}

held() { # NAME: of the mapping service
	driver domain "$g1" "$1"
}

maps() { # of g1's pages, by Xen's word
	devmap maps "$g1"
}

maps_are() { # NUMBER
	[ "$(maps)" = "$1" ]
}

state_is() { # STATE
	[ "$(driver cat $vgpus/a/state)" = "$1" ]
}

bus_address() { # ENTRY: what is behind it, 0 if nothing is
	bus_of "$(driver shadow "$(at "$1")")"
}

# Through the GPU: what the page behind an entry holds goes to the guest's result page.
read_by_gpu() { # PLACE
	tell g1 byte $result 1 0xcc && tell g1 map $last $result 1 && tell g1 flush && driver dma copy "$1" "$(at $last)" 4096
}

writes_more_than() { # NUMBER: of the storm, by the guest's count
	[ "$(tell g1 writes)" -gt "$1" ]
}

storm_seen=0

storm_moves() {
	local now

	now=$(vgpu writes)
	[ "$now" -gt "$storm_seen" ] || return 1
	storm_seen=$now
}

start_storm() {
	tell g1 storm $first 1024 0 1024 1
	storm_seen=0
	await 30 storm_moves && storm_moves
}

### the checks

check_start() {
	destroy driver
	start_driver
	works "the modules load in the driver domain" load_in_driver
	is "... with the native backend, isolated" "$(driver cat $map_debug/backend)" "name native isolates 1 batched_unmap 1 sees_frames 1"
	is "... as one log line says" "$(driver dmesg '|' grep -c "'xen_gpu_map: backend native: .* isolated'")" 1
	announce_deaths
	[ -n "$(domid g1)" ] || start_g1 >/dev/null
	is "the driver domain has no target" "$(xen-targets list "$driver_id")" ""
	is "a guest that is no target is refused" "$(make_gpu_in_driver a "$g1" 2>&1)" "sh: write error: Operation not permitted"
	works "... and the log says why" driver_log "d$g1: .* no target of this domain"
	is "... nothing of it is mapped" "$(maps)" 0
	works "the toolstack makes it a target" xen-targets add "$driver_id" "$g1"
	works "... it is served" driver "echo 1 >$vgpus/a/enable"
	is "... and is the only target" "$(xen-targets list "$driver_id")" "$g1"
}

check_dma() {
	tell g1 fill 0 4 11
	tell g1 byte 4 4 0
	tell g1 map $first 0 8
	is "the guest's GTT writes are trapped in the driver domain" "$(vgpu writes)" 8
	is "... and shadowed" "$(vgpu entries_live)" 8
	is "... Xen has as many maps of the guest's pages" "$(maps)" 8
	works "DMA by the driver domain's GPU from one graphics address to another" driver dma copy "$(at $first)" "$(at $((first + 4)))" 16384
	works "... and the guest finds the bytes" tell g1 check 4 4 11 0
	works "the GPU writes" driver dma fill "$(at $((first + 1)))" 4096 0x3a
	works "... to the guest's page" tell g1 checkbyte 1 1 0x3a
	works "... and not to its neighbour" tell g1 check 0 1 11 0
}

check_counts() {
	driver remember "$map_debug/domains/$g1"
	mark
	tell g1 movs $first 0 512
	mark
	is "512 pages: map hypercalls" "$(driver since map_hypercalls)" 1
	is "... pages mapped" "$(driver since mapped)" 512
	is "... maps, by Xen's word" "$(maps)" 512
	tell g1 stos $first 512 0
	is "... their entries emptied: unmapped" "$(driver since unmapped)" 0
	mark
	driver drain
	mark
	is "... drained: unmap hypercalls" "$(driver since unmap_hypercalls)" 1
	is "... pages unmapped" "$(driver since unmapped)" 512
	invalidations "... IOTLB invalidations" 1 "$driver_id"
	is "... maps, by Xen's word" "$(maps)" 0
}

# A page of the guest's by its bus address, which is not mapped: what the GPU writes there is not in it ...
check_not_written() { # WHAT BUS PAGE
	tell g1 fill "$3" 1 71
	mark
	driver dma fill "bus:$2" 4096 0x55
	mark
	works "$1: DMA does not write to it" tell g1 check "$3" 1 71
	faults "... and the IOMMU says so" some
}

# ... and what is in it is not what it reads.
check_not_read() { # BUS PAGE
	tell g1 fill "$2" 1 71
	mark
	works "... the GPU reads from there" read_by_gpu "bus:$1"
	mark
	fails "... and does not find what is in it" tell g1 check $result 1 71 "$2"
	faults "... as the IOMMU says" some
}

check_reach() {
	local old

	tell g1 byte 0 2 0x11
	tell g1 map $first 0 1
	old=$(bus_address $first)
	driver dma fill "$(at $first)" 4096 0x33
	works "DMA reaches the page of an entry" tell g1 checkbyte 0 1 0x33
	tell g1 map $first 1 1
	driver drain
	driver dma fill "$(at $first)" 4096 0x44
	works "the entry is replaced: DMA reaches the new page" tell g1 checkbyte 1 1 0x44
	works "... and not the old one" tell g1 checkbyte 0 1 0x33
	check_not_written "the old page, by its bus address" "$old" 0
	check_not_read "$old" 0
	old=$(bus_address $first)
	tell g1 stos $first 1 0
	driver drain
	check_not_written "a page whose entry is emptied" "$old" 1
	check_not_read "$old" 1
	mark
	driver dma copy bus:0x1000000 "$(at $last)" 4096
	mark
	faults "memory that is neither the guest's nor the driver domain's is out of reach" some
}

check_balloon() {
	local had scratch

	driver drain
	had=$(books "$g1")
	tell g1 byte 0 1 0x5a
	tell g1 map $first 0 1
	tell g1 write $(((first + 1) * 8)) 8 $(((0xf0000 << 12) | 1))
	scratch=$(driver shadow "$(at $((first + 1)))")
	tell g1 out 0 1
	at_least "a page with a live entry is ballooned out: Xen tells the driver domain" "$(held balloon_events)" 1
	is "... its frame is held" "$(books "$g1")" "$had"
	driver drain
	is "... until its entry is scratch" "$(driver shadow "$(at $first)")" "$scratch"
	is "... counted as zapped" "$(vgpu zapped)" 1
	is "... then it is free" "$(books "$g1")" $((had - 1))
	works "... the GPU reads scratch" read_by_gpu "$(at $first)"
	works "... not the page" tell g1 checkbyte $result 1 0
	tell g1 in 0 1
	tell g1 fill 0 1 41
	tell g1 stos $first 1 0
	tell g1 map $first 0 1
	works "the guest takes a page again, and writes the entry: the GPU finds it" read_by_gpu "$(at $first)"
	works "... with its bytes" tell g1 check $result 1 41 0
}

# What was mapped Xen has unmapped; a vCPU that waits for an answer goes on. It is stopped at once: one that gets no answers, and
# waits for none, has the emulator do nothing but enter and leave it.
check_removal() {
	local old

	tell g1 map $((first + 1500)) 1500 1
	old=$(bus_address $((first + 1500)))
	works "a guest writes to its GTT all the time" start_storm
	works "the toolstack takes the target away" xen-targets remove "$driver_id" "$g1"
	at_least "... the vCPU that writes goes on" "$(tell g1 stop)" 1
	is "... Xen has unmapped everything" "$(maps)" 0
	works "... the driver domain notices" await 60 state_is dead
	works "... and says so" driver_log "d$g1: .* no target of this domain any more"
	works "... it does not wait for answers to new writes" tell g1 stos $first 512 0
	is "... which nobody takes" "$(tell g1 read $((first * 8)) 8)" 0xffffffffffffffff
	check_not_written "... a page that was mapped" "$old" 1500
	driver remove_gpu a
	is "a new virtual GPU for it is refused" "$(make_gpu_in_driver a "$g1" 2>&1)" "sh: write error: Operation not permitted"
	driver remove_gpu a
	xen-targets add "$driver_id" "$g1"
	make_gpu_in_driver a "$g1"
	tell g1 bar0 $bar0
	tell g1 fill 0 1 81
	tell g1 map $first 0 1
	works "it is given back: the GPU reads its page" read_by_gpu "$(at $first)"
	works "... with its bytes" tell g1 check $result 1 81 0
	check_not_written "... one that was mapped before, and is not now" "$old" 1500
	check_not_read "$old" 1500
	is "... and no map was counted that Xen refused to undo" "$(held unmap_failed)" 0
}

# The driver domain may not read the entries of other domains in xenstore. It may notice by itself, as it looks for a while whether a
# guest that xenstore does not tell of is still there; with its virtual GPU the last map goes in any case.
check_permission() {
	local id

	driver remove_gpu a
	xenstore-chmod @releaseDomain n0
	tiny_guest t1 "bar0=$bar0 first=$first count=64 gfn=0x400"
	id=$(domid t1)
	xen-targets add "$driver_id" "$id"
	make_gpu_in_driver a "$id"
	xl unpause t1
	await 60 eval '[ "$(driver gpu a entries_live)" = 64 ]'
	is "a guest with maps" "$(devmap maps "$id")" 64
	destroy t1
	driver remove_gpu a
	works "... dies, and the toolstack lets nobody know: it is gone when the virtual GPU is removed" await 30 gone "$id"
	announce_deaths
	is "... and is off the list of targets" "$(xen-targets list "$driver_id")" "$g1"
}

check_guest_death() {
	works "a guest writes to its GTT all the time" start_storm
	destroy g1
	works "... is destroyed, and gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
	is "... is no target any more" "$(xen-targets list "$driver_id")" ""
	works "... its virtual GPU is dead" await 30 state_is dead
	is "... the driver domain has unmapped whatever it has mapped" "$(driver total unmapped)" "$(driver total mapped)"
	works "... the virtual GPU can be removed" driver remove_gpu a
	works "... and the modules" driver unload xengt_testgpu xengt xen_gpu_map
	driver load_modules
}

check_driver_death() {
	works "a guest writes to its GTT all the time" start_storm
	tell g1 map $((first + 1500)) 1500 100
	at_least "... with maps" "$(maps)" 100
	destroy driver
	at_least "the driver domain is destroyed: the guest's vCPU that writes goes on" "$(tell g1 stop)" 1
	works "... and does not wait for answers to new writes" tell g1 stos $first 512 0
	works "... the driver domain is gone" await 60 gone "$driver_id"
	is "... no zombie" "$(zombies)" 0
	is "... nor maps of its" "$(maps)" 0
	works "... its pages are what they were" tell g1 ping
	start_over
	works "a new driver domain takes over" driver true
	tell g1 fill 0 1 91
	tell g1 map $first 0 1
	works "... its GPU reads the guest's page" read_by_gpu "$(at $first)"
	works "... with its bytes" tell g1 check $result 1 91 0
	destroy driver
	await 60 gone "$driver_id"
	destroy g1
	works "the guest is destroyed after its driver domain, and gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
}

# What a driver domain that crashes leaves of a hybrid virtual GPU: RAM at the GTT, with what the guest wrote there before, and
# writes there while nobody serves it. The next driver domain does not touch it unless it is told to.
check_driver_crash() {
	local had old

	driver remove_gpu a
	had=$(books "$g1")
	works "the guest may have RAM at its GTT" xl mem-max g1 $((memory + 10))
	works "... its virtual GPU is hybrid" make_gpu_in_driver a "$g1" mode hybrid
	is "... with RAM at the GTT" "$(books "$g1")" $((had + gtt_pages))
	tell g1 fill 0 516 97
	tell g1 map $first 0 512
	tell g1 flush
	is "... and entries, in pages" "$(vgpu entries_live)" 512
	at_least "... that are open" "$(vgpu pages_unsync)" 1
	works "... and are written to all the time" tell g1 storm $((first + 1024)) 512 1024 512 1
	no_warning_in_driver
	old=$driver_id
	crash_driver
	works "the driver domain crashes, and is destroyed" await 120 gone "$old"
	is "... as it panicked" "$(grep -c 'sysrq triggered crash' /var/log/xen/guest-driver.log)" 1
	rm /var/log/xen/guest-driver.log
	is "... no zombie" "$(zombies)" 0
	is "... nor maps of its" "$(maps)" 0
	is "... the RAM is still there" "$(books "$g1")" $((had + gtt_pages))
	old=$(tell g1 writes)
	works "... the guest goes on" await 20 writes_more_than "$old"
	tell g1 stop >/dev/null
	works "... and does not wait for answers" tell g1 flush
	tell g1 stos $((first + 1024)) 512 0
	tell g1 map $((first + 512)) 512 4
	works "... what it writes reads back" tell g1 verify $first $((count - 1))

	have_both
	works "another driver domain is there" driver true
	is "... a virtual GPU is refused" "$(make_gpu_in_driver a "$g1" mode hybrid 2>&1)" "sh: write error: Address already in use"
	is "... one line says what is where, and what to do" \
		"$(driver dmesg '|' grep -c "'xengt: a: memory at GFN 0x$gtt of domain $g1, .* adopt_ram=1, if a former virtual GPU left it'")" 1
	driver remove_gpu a
	is "... nothing was taken away" "$(books "$g1")" $((had + gtt_pages))
	works "... or changed" tell g1 verify $first $((count - 1))
	works "with adopt_ram it is enabled" make_gpu_in_driver a "$g1" mode hybrid adopt_ram 1
	is "... all of the RAM is its" "$(vgpu gtt_ram_pages)" $gtt_pages
	is "... and no more" "$(books "$g1")" $((had + gtt_pages))
	tell g1 flush
	is "... the guest's entries are live, those before the crash and those after" "$(vgpu entries_live)" 516
	is "... Xen has as many maps" "$(maps)" 516
	works "... the GPU finds the page of one written before" read_by_gpu "$(at $((first + 300)))"
	works "... with its bytes" tell g1 check $result 1 97 300
	works "... and of one written while nobody served" read_by_gpu "$(at $((first + 514)))"
	works "... with its bytes" tell g1 check $result 1 97 514
	tell g1 map $((first + 600)) 100 1
	works "... and of one written now" read_by_gpu "$(at $((first + 600)))"
	works "... with its bytes" tell g1 check $result 1 97 100
	works "the virtual GPU is removed" driver remove_gpu a
	is "... the RAM is gone" "$(books "$g1")" "$had"
	is "... nothing is mapped" "$(maps)" 0
	works "... another one needs no adopt_ram" make_gpu_in_driver a "$g1" mode hybrid
	is "... and puts RAM there" "$(books "$g1")" $((had + gtt_pages))
	driver remove_gpu a
	is "... which it takes away" "$(books "$g1")" "$had"
	destroy g1
	works "the guest is destroyed, and gone" await 60 gone "$g1"
	is "... no zombie" "$(zombies)" 0
}

check_both_die() {
	start_storm
	xl destroy g1 &
	xl destroy driver
	wait
	rm -f /tmp/g1.tty /tmp/driver.tty
	works "both are destroyed at once: the guest is gone" await 60 gone "$g1"
	works "... and the driver domain" await 60 gone "$driver_id"
	is "... no zombie" "$(zombies)" 0
}

check_nothing_left() {
	no_warning_in_driver
	[ -z "$(domid g1)" ] || destroy g1
	[ -z "$(domid driver)" ] || destroy driver
	is "only dom0 is there at the end" "$(xl list | sed 1d | wc -l)" 1
	works "... Xen's free memory is what it was" await 30 free_is "$free_before"
	is "... no warning in dom0's log" "$(dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|refcount_t' | grep -v 'soft lockup' | head -n 3)" ""
}

free_memory() {
	xl info | awk '/^free_memory/ { print $3 }'
}

free_is() {
	[ "$(free_memory)" = "$1" ]
}

no_warning_in_driver() {
	is "no warning in the driver domain's log" "$(grep -c -E 'BUG|WARNING|Oops|Call Trace|refcount_t' /var/log/xen/guest-driver.log)" 0
}

with_both() { # CHECK
	start_over || not_ok "a driver domain, a guest and a virtual GPU" "$(tail -n 1 /tmp/xl.out)"
	"$1"
}

run() { # CHECK
	! wanted "$1" || subtest "$1" with_both "$1"
}

# What the checks begin with
begin() {
	modprobe xen-pciback
	edu=$(edu_address)
	works "the GPU can be given to another domain" xl pci-assignable-add "$edu"
}

free_before=$(free_memory)
subtest begin begin
run check_start
run check_dma
run check_counts
run check_reach
run check_balloon
run check_removal
run check_permission
run check_guest_death
run check_driver_death
run check_driver_crash
run check_both_die
subtest check_nothing_left check_nothing_left
finished
