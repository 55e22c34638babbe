# An HVM guest with a working GPU: QEMU has the rest of its machine, and leaves slot 2 of the PCI bus to the GPU. hvmloader places the
# BARs, and SeaBIOS starts what is on the guest's disk. Sourced by busybox sh, by gvt.sh.
# shellcheck shell=dash disable=SC2034,SC2154

hvm_bar0=0xf0000000	# where hvmloader places BAR 0: behind BAR 2, as that is larger ...
hvm_bar2=0xe0000000	# ... which is where the hole for BARs begins
hvm_first_bar0=0xf8000000	# where it is until then

# hvm_config NAME: QEMU gives slot 2 to the first device that asks for any. That is the VGA, which the GPU hides, unless QEMU makes the
# Xen platform device by itself.
hvm_config() {
	cat <<-END
		name="$1"
		type="hvm"
		memory=$memory
		vcpus=2
		mmio_hole=512
		vga="stdvga"
		xen_platform_pci=0
		device_model_args_hvm=["-device","xen-platform"]
		usb=0
		vnc=0
		hdtype="ahci"
		disk=["format=raw,vdev=hda,access=rw,backendtype=qdisk,target=/guests/hvm.img"]
		tsc_mode="native"
		on_crash="destroy"
		on_poweroff="destroy"
		on_reboot="destroy"
	END
}

start_hvm_guest() { # NAME
	local bar2=$hvm_bar2

	hvm_config "$1" >"/tmp/$1.cfg"
	aperture_for "$(mappable_base "$1")" >>"/tmp/$1.cfg"
	create "$1" -p || { tail -n 3 /tmp/xl.out "/var/log/xen/qemu-dm-$1.log"; return 1; }
	xl mem-max "$1" $((memory + room))
	mediate "$1" "$(domid "$1")" bar0 $hvm_first_bar0 generation "$generation" place i915 \
		mappable_base "$(at "$(mappable_base "$1")")" mappable_size "$(at "$mappable")" \
		hidden_base auto hidden_size "$(at "$hidden")" || return 1
	xl unpause "$1"
	await_hvm_guest "$1"
}

# The firmware and the kernel's unpacking can take longer, on a busy machine, than the harness waits without a word.
await_hvm_guest() { # NAME
	local _

	for _ in 1 2 3; do
		ask_within "$1" 200 true && return
		note "$1 has not started yet"
	done
	return 1
}

bar_of() { # NAME BAR: where it is, as the guest's kernel says
	tell "$1" "sed -n $(($2 + 1))p \$gpu/resource" | cut -d ' ' -f 1
}

with_vendor() { # NAME VENDOR: how many PCI devices the guest has that are the vendor's
	tell "$1" "cat /sys/bus/pci/devices/*/vendor | grep -c 0x$2 || true"
}

check_hvm() {
	local id

	works "an HVM guest with a GPU starts" start_hvm_guest h
	is "... it finds the GPU" "$(tell h "cat \$gpu/vendor \$gpu/device \$gpu/class")" "0x8086 0x1912 0x030000"
	is "... in the place of QEMU's VGA, beside the Xen platform device" "$(with_vendor h 1234) $(with_vendor h 5853)" "0 1"
	is "... it has no OpRegion" "$(tell h "hexdump -s 252 -n 4 \$gpu/config")" "00000fc 0000 0000 0000100"
	is "... hvmloader has moved BAR 0" "$(bar_of h 0)" "$(printf '0x%016x' $hvm_bar0)"
	is "... and BAR 2 is where it should" "$(bar_of h 2)" "$(printf '0x%016x' $hvm_bar2)"
	loads_driver h
	executes "its batches are executed" h
	at_least "... in a shadow of its PPGTT" "$(gpu h ppgtts)" 1
	by_aperture "... a program writes and reads a buffer through the aperture" h
	host_works "... and the host's batches"
	begins_batches h
	id=$(domid h)
	works "the guest is destroyed while its batches run" destroy h
	works "... it is gone" await 60 gone "$id"
	works "... its virtual GPU is dead" await 60 grep -q dead "$vgpus/h/state"
	works "... and can be removed" unmediate h
	no_warning
}

run_hvm_checks() {
	run check_hvm
}
