#!/bin/bash
# Builds a kernel for dom0 with KASAN and lockdep: Debian's source of Linux 6.1 in the configuration of kasan.config. Debian has no such
# kernel. Prints its version.
# Usage: build-kasan.sh DIR
# In DIR are then vmlinux, lib/modules, and linux, the build directory for further modules. What is there is rebuilt when the source,
# kasan.config, no-lockdep.h or this file has changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
build=${1:?which directory everything goes to}
log=$build/log
tree=$build/linux
# What a PVH kernel runs before it has KASAN's memory, which these files of 6.1 are not compiled for.
flags=(KASAN_SANITIZE_{enlighten,enlighten_pvh,vga,string,common}.o=n "CFLAGS_gntdev.o=-include $here/no-lockdep.h")

fail() {
	echo "build-kasan: error: $*" >&2
	[ ! -s "$log" ] || tail -n 20 "$log" >&2
	exit 1
}

run() { # WHAT COMMAND...
	local what=$1

	shift
	"$@" >>"$log" 2>&1 || fail "$what failed"
}

unpack() {
	rm -rf "$tree"
	mkdir -p "$tree"
	run "unpacking the kernel's source" tar -C "$tree" --strip-components=1 -xf "$tarball"
}

# A symbol that another one does not allow is left out without a word.
check_config() {
	local line

	while read -r line; do
		grep -qxF "$line" "$tree/.config" || fail "kasan.config: $line: it is not so in the end"
	done < <(grep '^CONFIG_' "$here/kasan.config")
}

configure() {
	run "configuring" make -C "$tree" x86_64_defconfig
	(cd "$tree" && run "configuring" scripts/kconfig/merge_config.sh -m .config kernel/configs/xen.config arch/x86/configs/xen.config \
		"$here/kasan.config")
	run "configuring" make -C "$tree" olddefconfig
	check_config
}

compile() {
	rm -rf "${build:?}/lib"
	run "compiling the kernel" make -C "$tree" -j"$(nproc)" "${flags[@]}" vmlinux modules
	run "installing the modules" make -C "$tree" "${flags[@]}" modules_install INSTALL_MOD_PATH="$build" INSTALL_MOD_STRIP=1
	run "stripping the kernel" strip -g -o "$build/vmlinux" "$tree/vmlinux"
}

mkdir -p "$build"
: >"$log"
"$project/tests/setup.sh" libelf-dev
tarball=$("$project/tests/debian.sh" source 6.1)
state=$(sha256sum "$tarball" "$here/kasan.config" "$here/no-lockdep.h" "${BASH_SOURCE[0]}" | cut -d ' ' -f 1)
if [ "$(cat "$build/.state" 2>/dev/null)" != "$state" ]; then
	echo "build-kasan: compiling Linux 6.1 with KASAN, for some 20 minutes" >&2
	unpack
	configure
	compile
	echo "$state" >"$build/.state"
fi
basename "$build"/lib/modules/*
