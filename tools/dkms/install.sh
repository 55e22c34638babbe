#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hands the modules' sources over to DKMS, in /usr/src, in place of those that it has.
# DKMS builds and installs the modules for the running kernel, for each kernel for which it has
# installed them before, and for each that is installed later. If the build for one of them fails,
# what DKMS had stays as it was. As root.
#
#   tools/dkms/install.sh [--i915] [-k KERNEL]
#     --i915     also xengt_i915 and xengt_gvt, now and with later versions; DKMS then needs the
#                sources of each kernel
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
i915=
new=
is_new=

fail() {
	echo "dkms: error: $*" >&2
	exit 1
}

usage() {
	sed -n '8,13s/^#   //p' "$0" >&2
	exit 2
}

# What a build in the project's directory has left there does not belong to another kernel's. The
# same sources give the same archive.
pack() { # ARCHIVE
	tar c -C "$project" --sort=name --mtime=@0 --owner=0 --group=0 --mode=u=rwX,go=rX --exclude='*.o' --exclude='*.ko' \
		--exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' --exclude='.*.d' --exclude=modules.order \
		--exclude=device_model/gvt "${sources[@]}" >"$1"
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

# What is installed, a line each: VERSION KERNEL
installed() {
	dkms status -m xengt | sed -n 's|^xengt/\([^,]*\), \([^,]*\), [^:]*: installed.*|\1 \2|p'
}

version_of() { # KERNEL
	installed | sed -n "s/ $1\$//p"
}

had_i915() {
	grep -qs xengt_i915 /usr/src/xengt-*/dkms.conf
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

# DKMS would keep modules of "make modules_install", and put them back when its own are removed.
check_other_modules() { # KERNEL
	local found

	found=$(find "/lib/modules/$1/" -path '*/updates/dkms' -prune -o \( -name 'xengt*.ko*' -o -name 'xen_gpu_map.ko*' \) -print)
	[ -z "$found" ] || fail "there are modules of make modules_install; take them away first: rm" $found
}

check_kernel() { # KERNEL
	local series how="name another kernel: make dkms DKMS_OPTIONS=\"-k KERNEL\""

	[ "$1" = "$kernel" ] ||
		how="take the modules away that DKMS has installed for it: dkms uninstall -m xengt -v $(version_of "$1") -k $1"
	[ -e "/lib/modules/$1/build/Makefile" ] ||
		fail "there are no headers of the kernel $1: apt install linux-headers-$1; or $how"
	check_other_modules "$1"
	series=$(cut -d . -f 1,2 <<<"$1")
	[ -z "$i915" ] || [ -e "/usr/src/linux-source-$series.tar.xz" ] ||
		fail "there are no sources of i915 for the kernel $1: apt install linux-source-$series; or $how"
}

# DKMS's log is in the directory that goes away.
give_up() { # KERNEL
	local log saved

	log=/var/lib/dkms/xengt/$new/build/make.log
	if [ -e "$log" ]; then
		saved=$(mktemp -t xengt-dkms.XXXXXX)
		cp "$log" "$saved"
		grep -E 'error|\*\*\*' "$log" >&2 || true
		echo "dkms: all that make said is in $saved" >&2
	fi
	[ -z "$is_new" ] || remove "$new" >/dev/null
	fail "the modules cannot be built for the kernel $1, see above; nothing has changed"
}

install_modules() {
	local all one

	# What is handed over with --i915 stays complete.
	! had_i915 || i915=1
	[ -z "$i915" ] || confs+=("$here/i915.conf")
	all=$({ echo "$kernel" && installed | cut -d ' ' -f 2; } | sort -u)
	for one in $all; do
		check_kernel "$one"
	done
	add
	for one in $all; do
		dkms build -m xengt -v "$new" -k "$one" || give_up "$one"
	done
	remove_others
	for one in $all; do
		dkms install -m xengt -v "$new" -k "$one"
	done
	echo "dkms: version $new is installed for" $all "- loaded modules stay until they are loaded again"
}

while [ $# -gt 0 ]; do
	case $1 in
	--remove) action=remove_others ;;
	--i915) i915=1 ;;
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
