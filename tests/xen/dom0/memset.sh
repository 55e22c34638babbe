# Room for RAM at the GTT, and what ballooning, mem-set, mem-max, save and restore do with it. Not part of the checks: it takes
# a boot of its own, of a minute; test_memset.py makes it.
# shellcheck shell=dash
. /lib/xengt/library.sh

gtt_pages=2048
memory=272	# MiB, less twice videoram=8 for the guest: for the toolstack, and for Linux's balloon driver
bar0=0xe0000000
saved=/run/g1.save

# The guest with room for RAM at the GTT from its configuration
start_roomy() {
	guest_config g1 /guests/vmlinux $memory 1 \
		"console=hvc0 loglevel=1 mitigations=off nokaslr nowatchdog tsc=reliable" /guests/guest.cpio >/tmp/g1.cfg
	echo "videoram=8" >>/tmp/g1.cfg
	create g1 && ask_within g1 120 ping
}

enable() { # [ATTRIBUTE VALUE]...
	make_gpu a "$(domid g1)" bar0 $bar0 mode hybrid mappable_base 0x10000000 mappable_size 0x2000000 "$@"
}

# Within 1 MiB of so many MiB
has() { # MIB
	local pages

	pages=$(books "$(domid g1)") && [ "$pages" -le $((($1 + 1) * 256)) ] && [ "$pages" -ge $((($1 - 1) * 256)) ]
}

has_ram() { # NAME
	is "$1" "$(gpu a gtt_ram_pages)" $gtt_pages
}

check_room() {
	local id

	works "a guest with videoram=8 is up" start_roomy
	note "$(domid g1): $(books "$(domid g1)") pages, videoram $(xenstore-read "/local/domain/$(domid g1)/memory/videoram"), target $(xenstore-read "/local/domain/$(domid g1)/memory/target")"
	works "... its virtual GPU is enabled" enable
	has_ram "... there is room for RAM at the GTT, without mem-max"
	works "... which is in its name" await 60 has $((memory - 8))
	works "xl mem-set" xl mem-set g1 208
	works "... the guest reaches its target, with the RAM" await 60 has 200
	remove_gpu a
	works "... the virtual GPU is disabled" has 192
	works "... enabled again" enable
	has_ram "... there is room after mem-set"
	works "xl mem-set to as much as it had" xl mem-set g1 $memory
	works "... the guest reaches its target" await 60 has $((memory - 8))
	works "xl mem-max" xl mem-max g1 $memory
	remove_gpu a
	works "... enabled again" enable
	has_ram "... there is room after mem-max"
	works "xl save" save g1 $saved
	works "... the virtual GPU ends with the guest" await 60 grep -q dead $vgpus/a/state
	remove_gpu a
	works "xl restore: there is room for the RAM in the file" restore g1 $saved
	note "restored: $(books "$(domid g1)") pages; xl: $(tail -n 3 /tmp/xl.out)"
	fails "... the RAM is not used without a word" enable
	note "$(dmesg | tail -n 1)"
	[ ! -d $vgpus/a ] || remove_gpu a
	works "... but with adopt_ram" enable adopt_ram 1
	has_ram "... all of it"
	rm -f $saved
	works "... the guest goes on" xl unpause g1
	works "... and answers" tell g1 ping
	remove_gpu a
	works "... the RAM is gone with the virtual GPU" has 256
	id=$(domid g1)
	destroy g1
	works "the guest is destroyed, and gone" await 60 gone "$id"
	is "... no zombie" "$(zombies)" 0
}

load_modules || exit 1
subtest check_room check_room
finished
