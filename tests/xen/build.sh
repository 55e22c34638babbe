#!/bin/bash
# Builds what the tests on a real Xen need: Debian's Xen, kernel and toolstack unpacked (only what tests/setup.sh names is installed
# into the system), the project's modules, the test GPU's module, the guest programs, an initramfs for dom0 and one for each guest.
# Usage: build.sh DIR    as root, on Debian 12 or 13; everything goes to DIR, and a second run does only what has changed
#   DEBIAN=12|13         the release whose Xen, toolstack and kernel these are (default: the machine's)
#   XENGT_KERNEL=SERIES  another kernel of the release or of its backports, such as 7.3; 6.1-kasan is Debian 12's with dom0's kernel
#                        compiled here, with KASAN and lockdep (build-kasan.sh)
#   XENGT_MODULES=DIR    take the .ko files found there instead of building the project's
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
host=$("$project/tests/debian.sh" host)
debian=${DEBIAN:-$host}
build=${1:?which directory everything goes to}
log=$build/log/build.log
case $debian in
12) xen_version=4.17 series=6.1 ;;
13) xen_version=4.20 series=6.12 ;;
*)
	echo "build: error: DEBIAN=$debian: 12 and 13 are supported" >&2
	exit 1
	;;
esac
series=${XENGT_KERNEL:-$series}
kasan=
if [ "$series" = 6.1-kasan ]; then
	kasan=$build/kasan
	series=6.1
fi
xen_debs=(
	"xen-hypervisor-$xen_version-amd64" "xen-utils-$xen_version" xen-utils-common xenstore-utils
	libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 "libxenmisc$xen_version"
	libxenstore4 libxentoolcore1 libxentoollog1 libyajl2 libuuid1 liblzma5 zlib1g libzstd1 libc6 libgcc-s1
)
dom0_modules=(xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs configfs i915 kvmgt pci-stub xen-pciback)
driver_modules=(configfs xen-pcifront)
igt_tools=(gem_exec_nop gem_exec_ctx gem_exec_fault gem_exec_reloc)

say() {
	echo "build: $*"
}

fail() {
	echo "build: error: $*" >&2
	if [ -s "$log" ]; then
		echo "build: the end of $log:" >&2
		tail -n 20 "$log" >&2
	fi
	exit 1
}

run() { # WHAT COMMAND...
	local what=$1

	shift
	"$@" >>"$log" 2>&1 || fail "$what failed"
}

# The kernel for which everything is built already, or else the newest.
choose_kernel() {
	local image

	if [ -s "$build/kernel-version" ]; then
		kver=$(cat "$build/kernel-version")
		return
	fi
	image=$("$project/tests/debian.sh" newest "$debian" "^linux-image-${series//./\\.}\\.[0-9]+([-+][0-9a-z.+]*)?-amd64\$") ||
		fail "Debian $debian has no Linux $series"
	kver=${image#linux-image-}
}

fetch_debian() {
	local kernel image

	[ -e "$build/debian/.complete-$kver" ] && return
	say "fetching Xen $xen_version, Linux $kver and the toolstack of Debian $debian"
	rm -rf "$build/debian"
	kernel=$("$project/tests/debian.sh" kernel "$debian" "$kver") || fail "the packages of Linux $kver are not known"
	# shellcheck disable=SC2086
	run "fetching packages" "$project/tests/debian.sh" unpack "$debian" "$build/debian" $kernel "${xen_debs[@]}"
	# kmod and the rest of this file look for it where Debian 12 has it.
	[ -e "$build/debian/lib" ] || ln -s usr/lib "$build/debian/lib"
	run depmod /sbin/depmod -b "$build/debian" "$kver"
	zcat "$build/debian/boot/xen-$xen_version-amd64.gz" >"$build/xen.elf" || fail "cannot unpack the hypervisor"
	image=$(kernel_image)
	unpack_kernel "$image" "$build/vmlinux"
	echo "$kver" >"$build/kernel-version"
	touch "$build/debian/.complete-$kver"
}

# dom0's kernel: the guests' own, unless it is compiled here.
choose_dom0_kernel() {
	dom0_kver=$kver
	dom0_tree=$build/debian
	headers=/usr/src/linux-headers-$kver
	if [ -n "$kasan" ]; then
		dom0_kver=$("$here/build-kasan.sh" "$kasan") || fail "build-kasan.sh failed"
		dom0_tree=$kasan
		headers=$kasan/linux
	fi
	ln -sfn "${kasan:+kasan/}vmlinux" "$build/dom0-vmlinux"
}

# Newer packages have it beside the modules, not in /boot.
kernel_image() {
	local image

	for image in "$build/debian"/{boot/vmlinuz-$kver,lib/modules/$kver/vmlinuz}; do
		if [ -e "$image" ]; then
			echo "$image"
			return
		fi
	done
	fail "the packages of Linux $kver have no kernel"
}

field() { # FILE OFFSET SIZE: a little-endian number
	od -An -t "u$3" -j "$(($2))" -N "$3" "$1" | tr -d ' '
}

# A bzImage's payload, unpacked once here rather than at every boot under emulation.
unpack_kernel() { # BZIMAGE VMLINUX
	local setup offset unpack

	setup=$(field "$1" 0x1f1 1)
	offset=$(field "$1" 0x248 4)
	offset=$(((setup + 1) * 512 + offset))
	case $(field "$1" "$offset" 4) in
	4247762216) unpack=(zstd -dc) ;; # its magic number, 0xfd2fb528
	*) unpack=(xz -dc --single-stream) ;;
	esac
	# Behind the packed kernel is its size, which neither of them expects.
	tail -c "+$((offset + 1))" "$1" | "${unpack[@]}" >"$2" 2>>"$log" || true
	[ "$(head -c 4 "$2" | od -An -c | tr -d ' ')" = '177ELF' ] || fail "$1 does not hold an ELF kernel, packed by xz or zstd"
}

build_modules() {
	local ko root modules=(-j"$(nproc)" KDIR="$headers" CONFIG_DRM_I915_XENGT_TEST_GPU=m)

	modules+=(I915_SOURCE="i915/drivers/gpu/drm/i915")
	mkdir -p "$build/mod"
	rm -f "$build"/mod/*.ko
	if [ -n "${XENGT_MODULES:-}" ]; then
		cp "$XENGT_MODULES"/*.ko "$build/mod/" || fail "no modules in $XENGT_MODULES"
		return
	fi
	say "building the modules for Linux $kver"
	copy_sources
	rm -rf "$build/src/i915"
	cp -r "$(dirname "$("$project/tests/debian.sh" i915 "$series")")/../../.." "$build/src/i915" || fail "no sources of i915"
	if [ -n "$kasan" ]; then
		run "make modules" make -C "$build/src" modules "${modules[@]}"
	elif [ "$debian" = "$host" ] && [ -z "${XENGT_KERNEL:-}" ]; then
		"$project/tests/setup.sh" "linux-headers-$kver"
		run "make modules" make -C "$build/src" modules "${modules[@]}"
	else
		root=$("$project/tests/debian.sh" root "$debian")
		run "fetching the headers" "$project/tests/debian.sh" headers "$debian" "$series"
		run "make modules" "$project/tests/debian.sh" in "$root" "$build/src" make -C /mnt modules "${modules[@]}"
	fi
	for ko in drivers/gpu/drm/i915/gvt/xen/{map/xen_gpu_map,vgpu/xengt,gsm_i915/xengt_i915,gsm_bar/xengt_bar,device_model/xengt_gvt}.ko \
		tests/xen/testgpu/xengt_testgpu.ko; do
		cp "$build/src/$ko" "$build/mod/" || fail "make modules made no $ko"
	done
}

# One for each kernel: what is built stays, and what has not changed is not built again.
copy_sources() {
	mkdir -p "$build/src"
	(cd "$project" && run "copying the sources" rsync -aR --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' \
		--exclude='.*.cmd' --exclude='.*.d' --exclude=modules.order --exclude=Module.symvers \
		Kbuild Kconfig Makefile include drivers tests/xen/testgpu "$build/src/")
}

build_programs() {
	local cc=(gcc -O2 -Wall -Wextra -Werror -static -pthread)

	mkdir -p "$build/bin"
	run "building the guest's agent" "${cc[@]}" -o "$build/bin/agent" "$here"/guest/{agent,bar0,gtt,pages,ppgtt,storm,workload}.c
	run "building ask" "${cc[@]}" -o "$build/bin/ask" "$here/dom0/ask.c"
	run "building books" "${cc[@]}" -o "$build/bin/books" "$here/dom0/books.c"
	run "building toolstack" "${cc[@]}" -o "$build/bin/toolstack" "$here/dom0/toolstack.c"
	run "building marked" "${cc[@]}" -o "$build/bin/marked" "$here/dom0/marked.c"
	run "building barmem" "${cc[@]}" -o "$build/bin/barmem" "$here/dom0/barmem.c"
	run "building batch" "${cc[@]}" -I/usr/include/libdrm -o "$build/bin/batch" "$here/dom0/batch.c"
	run "building the Intel GPU" make -C "$project/tests/gpu" O="$build/bin"
	run "building compare" "${cc[@]}" -o "$build/bin/compare" "$here"/{dom0/compare,devmap/xen}.c
	run "building pcibus" "${cc[@]}" -o "$build/bin/pcibus" "$here"/pcibus/*.c "$here/devmap/xen.c"
	run "building report" "${cc[@]}" -o "$build/bin/report" "$here/dom0/report.c"
	run "building xen-targets" "${cc[@]}" -o "$build/bin/xen-targets" "$project"/tools/xen-targets/*.c
	run "building devmap" "${cc[@]}" -o "$build/bin/devmap" "$here"/devmap/*.c "$project/tools/xen-targets/target_op.c"
	run "building gem" "${cc[@]}" -o "$build/bin/gem" "$here/i915/gem.c"
	run "building elsp" "${cc[@]}" -o "$build/bin/elsp" "$here/i915/elsp.c"
	run "building the tiny guest" gcc -m32 -march=i686 -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables -mno-sse -nostdlib -static -Wl,--build-id=none -Wl,-T,"$here/guest/tiny.lds" \
		-o "$build/bin/tiny.elf" "$here/guest/tiny.c"
}

skeleton() { # DIR: an empty root
	rm -rf "$1"
	mkdir -p "$1"/{bin,proc,sys,dev,tmp,run,etc/xen,var/lib,var/log/xen,mod}
}

pack() { # DIR IMAGE
	(cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet) >"$2" || fail "cannot pack $2"
}

pack_guest() {
	local root=$build/root-guest

	skeleton "$root"
	cp "$build/bin/agent" "$root/init"
	copy_module "$(module_path xen-privcmd)" "$root/mod/xen-privcmd.ko"
	pack "$root" "$build/guest.cpio"
}

# A domain that is a caller of XEN_DMOP_dev_map itself.
pack_caller() {
	local root=$build/root-caller

	skeleton "$root"
	cp "$(command -v busybox)" "$build/bin/devmap" "$root/bin/"
	copy_module "$(module_path xen-privcmd)" "$root/mod/xen-privcmd.ko"
	install -m 755 "$here/devmap/caller-init" "$root/init"
	pack "$root" "$build/caller.cpio"
}

# A domain that has the GPU and runs the modules, and is not dom0.
pack_driver() {
	local root=$build/root-driver

	skeleton "$root"
	cp "$(command -v busybox)" "$root/bin/"
	copy_modules "$root" "$build/debian" "$kver" "${driver_modules[@]}"
	cp "$build"/mod/*.ko "$root/mod/"
	mkdir -p "$root/lib/xengt"
	cp "$here/dom0/library.sh" "$root/lib/xengt/"
	install -m 755 "$here/driver/init" "$root/init"
	pack "$root" "$build/driver.cpio"
}

# A guest with Debian's i915 and what that depends on
pack_i915_guest() {
	local root=$build/root-i915

	skeleton "$root"
	cp "$(command -v busybox)" "$build"/bin/{gem,batch,elsp} "$root/bin/"
	copy_modules "$root" "$build/debian" "$kver" i915
	install -m 755 "$here/i915/init" "$root/init"
	pack "$root" "$build/i915.cpio"
}

module_path() { # NAME
	/sbin/modprobe -d "$build/debian" -S "$kver" --show-depends "$1" | sed -n 's/^insmod \([^ ]*\).*/\1/p' | tail -n 1
}

# Debian 13 packs them: to unpack them once is quicker than at each boot.
copy_module() { # MODULE FILE
	case $1 in
	*.xz) xz -dc "$1" >"${2%.xz}" ;;
	*) cp "$1" "$2" ;;
	esac
}

copy_modules() { # ROOT TREE VERSION MODULE...: a kernel's own modules with what they depend on
	local base=$2/lib/modules/$3 root=$1 to=$1/lib/modules/$3 tree=$2 version=$3 m path

	shift 3
	mkdir -p "$to"
	cp "$base"/modules.{builtin,builtin.modinfo,order} "$to/"
	for m in "$@"; do
		/sbin/modprobe -d "$tree" -S "$version" --show-depends "$m" || fail "the kernel package has no module $m"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r path; do
		mkdir -p "$to/$(dirname "${path#"$base"/}")"
		copy_module "$path" "$to/${path#"$base"/}"
	done
	run depmod /sbin/depmod -b "$root" "$version"
}

# The programs' libraries, as the release's own loader finds them: the machine's may be too old for them. What is beside that loader comes
# first, since a C library of another day does not fit it.
libraries() { # TREE PROGRAM...
	local loader=$build/debian/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 path='' tree f

	for tree in "$build/debian" "$1"; do
		path+=${path:+:}$tree/usr/lib/x86_64-linux-gnu:$tree/lib/x86_64-linux-gnu
	done
	shift
	for f in "$@"; do
		"$loader" --inhibit-cache --library-path "$path" --list "$f" || fail "$f lacks a library"
	done | sed -n 's/.* => \([^ ]*\) .*/\1/p' | sort -u
}

copy_libraries() { # ROOT TREE PROGRAM...
	local root=$1 found l

	shift
	mkdir -p "$root/lib/x86_64-linux-gnu" "$root/lib64"
	found=$(libraries "$@")
	for l in $found; do
		cp -L "$l" "$root/lib/x86_64-linux-gnu/"
	done
	cp -L "$build/debian/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$root/lib64/"
}

# Intel's GPU tools, which a guest with a stock i915 gets besides what is in its own image
pack_igt() {
	local root=$build/root-igt tree tool tools=()

	tree=$("$project/tests/debian.sh" igt "$debian") || fail "no GPU tools of Intel's"
	rm -rf "$root"
	mkdir -p "$root/bin"
	for tool in "${igt_tools[@]}"; do
		tools+=("$root/bin/$tool")
	done
	cp "${igt_tools[@]/#/$tree/usr/libexec/igt-gpu-tools/benchmarks/}" "$root/bin/"
	copy_libraries "$root" "$tree" "${tools[@]}"
	pack "$root" "$build/igt.cpio"
}

copy_toolstack() { # ROOT
	local bin=$build/debian/usr/lib/xen-$xen_version/bin to=$1/usr/lib/xen-$xen_version/bin

	mkdir -p "$to"
	cp "$build/debian/usr/bin"/xenstore-{read,exists,ls,write,chmod,rm} "$to/"
	cp "$bin"/{xl,xenstored,xenconsoled,xen-init-dom0,libxl-save-helper} "$to/"
	copy_libraries "$1" "$build/debian" "$to"/*
	# pthread_cancel needs it, and no program is linked with it
	cp "$build/debian/lib/x86_64-linux-gnu/libgcc_s.so.1" "$1/lib/x86_64-linux-gnu/"
	touch "$1/etc/xen/xl.conf"
}

# The disk of an HVM guest: SYSLINUX, which is quick under emulation, loads what a PVH guest with i915 is started with.
make_disk() { # FILE
	local image size cylinder=$((16 * 63))

	image=$(kernel_image)
	size=$(($(stat -Lc %s "$image") + $(stat -c %s "$build/i915.cpio") + (2 << 20)))
	rm -f "$1"
	run "making a disk" mformat -C -i "$1" -h 16 -s 63 -T $(((size / 512 / cylinder + 1) * cylinder)) ::
	run "filling the disk" mcopy -i "$1" "$image" ::vmlinuz
	run "filling the disk" mcopy -i "$1" "$build/i915.cpio" ::initrd
	run "filling the disk" mcopy -i "$1" "$here/i915/syslinux.cfg" ::
	run "making the disk boot" syslinux -i "$1"
}

# What dom0 needs besides for HVM guests. It stays in memory, so it is there only for the checks that have such guests.
pack_hvm() {
	local root=$build/root-hvm libs=$build/root-hvm/lib/x86_64-linux-gnu found qemu l

	qemu=$("$project/tests/debian.sh" xen-qemu "$debian") || fail "fetching QEMU for Xen failed"
	rm -rf "$root"
	mkdir -p "$root"/{guests,usr/libexec,usr/lib/xen-$xen_version/boot,usr/share/seabios,usr/share/qemu/keymaps} "$libs"
	cp "$build/debian/usr/lib/xen-$xen_version/boot/hvmloader" "$root/usr/lib/xen-$xen_version/boot/"
	cp "$qemu/usr/share/seabios"/{bios-256k,vgabios-stdvga}.bin "$root/usr/share/seabios/"
	cp "$qemu/usr/share/qemu/keymaps/en-us" "$root/usr/share/qemu/keymaps/"
	cp "$qemu/usr/libexec/xen-qemu-system-i386" "$root/usr/libexec/"
	found=$(libraries "$qemu" "$root/usr/libexec/xen-qemu-system-i386")
	for l in $found; do
		[ -e "$build/root-dom0/lib/x86_64-linux-gnu/$(basename "$l")" ] || cp -L "$l" "$libs/"
	done
	make_disk "$root/guests/hvm.img"
	pack "$root" "$build/hvm.cpio"
	cat "$build/dom0.cpio" "$build/hvm.cpio" >"$build/dom0-hvm.cpio"
}

pack_dom0() {
	local root=$build/root-dom0

	skeleton "$root"
	cp "$(command -v busybox)" "$root/bin/"
	copy_toolstack "$root"
	copy_modules "$root" "$dom0_tree" "$dom0_kver" "${dom0_modules[@]}"
	cp "$build"/mod/*.ko "$root/mod/"
	cp "$build"/bin/{ask,barmem,batch,books,compare,devmap,marked,pcibus,report,toolstack,xen-targets} "$root/bin/"
	cp "$build/bin/gpu" "$root/bin/igpu"
	mkdir -p "$root/guests" "$root/lib/xengt"
	cp "$build/vmlinux" "$build"/{guest,caller,driver,i915,igt}.cpio "$build/bin/tiny.elf" "$root/guests/"
	cp "$here"/dom0/*.sh "$project"/bench/xen/workloads.sh "$root/lib/xengt/"
	install -m 755 "$here/dom0/init" "$root/init"
	pack "$root" "$build/dom0.cpio"
}

main() {
	mkdir -p "$build/log"
	: >"$log"
	"$project/tests/setup.sh"
	choose_kernel
	fetch_debian
	choose_dom0_kernel
	build_modules
	build_programs
	pack_guest
	pack_caller
	pack_driver
	pack_i915_guest
	pack_igt
	pack_dom0
	pack_hvm
	say "ready in $build"
}

main
