#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hands the modules' sources over to DKMS, in /usr/src, in place of those that it has.
# DKMS builds and installs the modules for the running kernel, for each kernel for which it has
# installed them before, and for each that is installed later. If the build for the first of them
# fails, what DKMS had stays as it was. As root.
#
#   tools/dkms/install.sh [--i915] [-k KERNEL]
#     --i915     also xengt_i915 and xengt_gvt; DKMS then needs the sources of each kernel
#     -k KERNEL  another kernel than the running one
#   tools/dkms/install.sh --remove
#     takes all of it away
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
confs=("$here/dkms.conf")
sources=(COPYING Kbuild Kconfig Makefile drivers include tools/dkms)
kernel=$(uname -r)
action=install_modules
new=
is_new=

fail() {
	echo "dkms: error: $*" >&2
	exit 1
}

usage() {
	sed -n '8,12s/^#   //p' "$0" >&2
	exit 2
}

# What a build in the project's directory has left there does not belong to another kernel's. The
# same sources give the same archive.
pack() { # ARCHIVE
	tar c -C "$project" --sort=name --mtime=@0 --owner=0 --group=0 --mode=u=rwX,go=rX --exclude='*.o' --exclude='*.ko' \
		--exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' --exclude=device_model/gvt "${sources[@]}" >"$1"
}

# Each state of the sources, with or without the modules of i915, has a version of its own: the new
# one can be built while the old one is installed.
add() {
	local archive version

	archive=$(mktemp)
	pack "$archive"
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$here/dkms.conf")
	new=$version+$(cat "$archive" "${confs[@]}" | sha256sum | cut -c 1-12)
	if [ ! -e "/var/lib/dkms/xengt/$new" ]; then
		is_new=1
		rm -rf "/usr/src/xengt-$new"
		mkdir -p "/usr/src/xengt-$new"
		tar x -C "/usr/src/xengt-$new" -f "$archive"
		cat "${confs[@]}" | sed "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$new\"/" >"/usr/src/xengt-$new/dkms.conf"
		dkms add -m xengt -v "$new"
	fi
	rm "$archive"
}

# The kernels for which any version is installed
kernels() {
	dkms status -m xengt | sed -n 's/^[^,]*, \([^,]*\), [^:]*: installed.*/\1/p' | sort -u
}

remove() { # VERSION
	[ ! -e "/var/lib/dkms/xengt/$1" ] || dkms remove -m xengt -v "$1" --all
	rm -rf "/usr/src/xengt-$1"
}

# Takes all versions away but the new one: a kernel has one of each module.
remove_others() {
	local dir

	for dir in /usr/src/xengt-*; do
		[ ! -e "$dir" ] || [ "$dir" = "/usr/src/xengt-$new" ] || remove "${dir#/usr/src/xengt-}"
	done
}

build() {
	local log=/var/lib/dkms/xengt/$new/build/make.log

	! dkms build -m xengt -v "$new" -k "$kernel" || return 0
	[ ! -e "$log" ] || grep -E 'error|\*\*\*' "$log" >&2
	[ -z "$is_new" ] || remove "$new"
	fail "the modules cannot be built for $kernel, see above; nothing has changed"
}

install_modules() {
	local others other

	others=$(kernels | grep -vFx "$kernel" || true)
	add
	build
	remove_others
	dkms install -m xengt -v "$new" -k "$kernel"
	for other in $others; do
		dkms install -m xengt -v "$new" -k "$other"
	done
}

while [ $# -gt 0 ]; do
	case $1 in
	--remove) action=remove_others ;;
	--i915) confs+=("$here/i915.conf") ;;
	-k)
		kernel=${2:-}
		[ -n "$kernel" ] || usage
		shift
		;;
	*) usage ;;
	esac
	shift
done
command -v dkms >/dev/null || fail "there is no DKMS: apt install dkms"
[ "$(id -u)" = 0 ] || fail "only root can install modules"
"$action"
