# A driver domain: the test GPU and the modules are in a PV domain that is not dom0, to which the toolstack gives guests as targets,
# on the patched hypervisor. Runs in dom0, which has no part in the work: what the driver domain does it is told by its console
# (tests/xen/driver/init). Each function is one promise.
# shellcheck shell=dash
. /lib/xengt/library.sh

bar0=0xe0000000
first=65536		# the share of the virtual GPU, in entries
count=2048
target=1000		# a page of the guest that the GPU copies to

at() { # ENTRY: its graphics address
	printf '0x%x\n' $(($1 << 12))
}

### the driver domain

edu_address() { # in dom0
	basename "$(dirname "$(grep -l 0x11e8 /sys/bus/pci/devices/*/device)")"
}

start_driver() {
	guest_config driver /guests/vmlinux 256 1 \
		"console=hvc0 loglevel=4 iommu=soft mitigations=off nowatchdog tsc=reliable" /guests/driver.cpio |
		sed 's/^type=.*/type="pv"/' >/tmp/driver.cfg
	echo "pci=[\"$edu,permissive=1\"]" >>/tmp/driver.cfg
	create driver || return 1
	driver_id=$(domid driver)
	ask_within driver 120 true
}

# A command of the driver domain's shell; what it printed is printed, on one line
driver() { # WORDS
	ask_within driver 400 "$@"
}

explore() {
	echo "--- $*"
	driver "$@"
	echo "--- status $?"
}

modprobe xen-pciback
edu=$(edu_address)
xl pci-assignable-add "$edu"
xl pci-assignable-list
start_driver || { cat /tmp/xl.out; cat /var/log/xen/guest-driver.log; }
works "a Linux guest with two vCPUs starts" start_guest g1 2
g1=$(domid g1)
explore cat /proc/cpuinfo '|' head -n 5
explore ls /sys/bus/pci/devices
explore load_modules
explore dmesg '|' tail -n 30
explore cat $map_debug/backend
explore make_gpu a $g1 bar0 $bar0 mode strict mappable_base "$(at $first)" mappable_size "$(at $count)"
explore dmesg '|' tail -n 3
explore remove_gpu a
devmap add "$driver_id" "$g1"
devmap list "$driver_id"
explore make_gpu a $g1 bar0 $bar0 mode strict mappable_base "$(at $first)" mappable_size "$(at $count)"
explore dmesg '|' tail -n 6
tell g1 pages 2048
tell g1 bar0 $bar0
tell g1 share $first $count
tell g1 fill 0 4 11
tell g1 byte 4 4 0
tell g1 map $first 0 8
explore dma copy "$(at $first)" "$(at $((first + 4)))" 16384
tell g1 check 4 4 11 0; echo $?
explore cat $gpu_debug/vgpus/a
xl debug-keys q
xl dmesg | tail -60
xenstore-chmod @releaseDomain n0 r"$driver_id"
destroy g1
sleep 2
xl list
explore dmesg '|' tail -n 6
destroy driver
sleep 2
xl list
