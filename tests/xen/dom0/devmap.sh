# Xen's operation of mapping guests' pages for devices (xen/, on a patched hypervisor), without the project's modules: by dom0 and by
# domains that are no dom0, well and badly used, and what is left when somebody dies. The program devmap makes the calls.
# shellcheck shell=dash
. /lib/xengt/library.sh

# A guest that is only memory: paused, and never run
memory() { # NAME MEGABYTES
	guest_config "$1" /guests/tiny.elf "$2" 1 "" >"/tmp/$1.cfg"
	create "$1" -p || not_ok "the guest $1" "$(cat /tmp/xl.out)"
}

# A domain that calls the operation itself. Linux lets its programs do so for the one domain that xenstore names as its target.
caller() { # NAME TYPE TARGET VERB,ARGUMENT,...
	guest_config "$1" /guests/vmlinux 192 1 "console=hvc0 loglevel=1 mitigations=off nokaslr nowatchdog tsc=reliable run=$4" \
		/guests/caller.cpio | sed "s/^type=.*/type=\"$2\"/" >"/tmp/$1.cfg"
	create "$1" -p || not_ok "the caller $1" "$(cat /tmp/xl.out)"
	xenstore-write "/local/domain/$(domid "$1")/target" "$3"
	xl unpause "$1"
}

# What the program in the caller printed
caller_says() { # NAME WORDS
	grep -q "$2" "/var/log/xen/guest-$1.log"
}

maps() { # DOMID: of its pages, by all callers
	devmap maps "$1"
}

maps_are() { # DOMID NUMBER
	[ "$(maps "$1")" = "$2" ]
}

check_dom0() {
	memory m1 64
	memory m2 64
	results_of devmap checks "$kind" "$(domid m1)" "$(domid m2)"
	destroy m1
	destroy m2
	is "no zombie is left" "$(zombies)" 0
}

check_death() {
	local id

	memory m1 64
	id=$(domid m1)
	mkfifo /tmp/line
	devmap hold "$id" 1000 </tmp/line >/tmp/held &
	exec 7>/tmp/line
	await 60 maps_are "$id" 1000
	destroy m1
	is "a guest that dies with maps is a zombie" "$(zombies)" 1
	echo >&7
	wait
	exec 7>&-
	results_of cat /tmp/held
	works "... and gone when they are" await 60 gone "$id"
}

# The list of targets is gone, too, when either dies.
check_lists() {
	local a b

	memory m1 64
	memory m2 64
	a=$(domid m1)
	b=$(domid m2)
	xen-targets add "$a" "$b"
	destroy m2
	works "a target that is destroyed is gone" await 60 gone "$b"
	is "... and is no target any more" "$(xen-targets list "$a")" ""
	memory m2 64
	b=$(domid m2)
	xen-targets add "$a" "$b"
	destroy m1
	works "a domain with a target is destroyed" await 60 gone "$a"
	destroy m2
	works "... and so is the target" await 60 gone "$b"
}

many=100000

check_caller() { # TYPE
	local id c

	memory big 512
	id=$(domid big)
	caller c "$1" "$id" "serve,$id,$((many + 1000))"
	c=$(domid c)
	works "$1 caller: it runs" await 60 caller_says c "waits"
	is "$1 caller: nothing is mapped while the guest is not its target" "$(maps "$id")" 0
	works "... it becomes one" xen-targets add "$c" "$id"
	works "... the caller maps up to its limit" await 120 maps_are "$id" $many
	works "... and is told where that is" await 60 caller_says c "mapped $many, then -28"
	destroy c
	works "... and is destroyed" await 120 gone "$c"
	is "... with its $many maps" "$(maps "$id")" 0
	destroy big
	works "... and so is the guest" await 60 gone "$id"
}

check_revocation() { # TYPE
	local id c n

	memory m1 64
	id=$(domid m1)
	caller c "$1" "$id" "churn,$id"
	c=$(domid c)
	xen-targets add "$c" "$id"
	for n in 1 2 3; do
		await 120 some_maps "$id" || not_ok "$1 caller: it maps" "nothing"
		works "$1 caller: the target is taken from it at work ($n)" xen-targets remove "$c" "$id"
		is "... and none of its maps is left" "$(maps "$id")" 0
		usleep 300000
		is "... or made again" "$(maps "$id")" 0
		works "... it is given back" xen-targets add "$c" "$id"
	done
	await 60 some_maps "$id"
	xl destroy m1 &
	xl destroy c
	wait
	works "$1 caller: both die at once: the guest is gone" await 120 gone "$id"
	works "... and the caller" await 120 gone "$c"
}

some_maps() { # DOMID
	[ "$(maps "$1")" -gt 0 ]
}

# The guest dies, its caller lives and lets go.
check_guest_of_caller() { # TYPE
	local id

	memory m1 64
	id=$(domid m1)
	caller c "$1" "$id" "serve,$id,5000"
	xen-targets add "$(domid c)" "$id"
	works "$1 caller: it maps" await 120 maps_are "$id" 5000
	destroy m1
	works "... the guest dies, and is gone when the caller lets go" await 120 gone "$id"
	is "... and is no target any more" "$(xen-targets list "$(domid c)")" ""
	destroy c
}

check_nothing_left() {
	is "no zombie is left at the end" "$(zombies)" 0
}

run() { # CHECK ARGUMENT...
	! wanted "$1" || subtest "$1" "$@"
}

run check_dom0
run check_death
run check_lists
if [ "$kind" = pvh ]; then type=pvh; else type=pv; fi
run check_caller $type
run check_revocation $type
run check_guest_of_caller $type
subtest check_nothing_left check_nothing_left
finished
