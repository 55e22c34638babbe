#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Hands the modules' sources over to DKMS, in /usr/src, in place of those that it has.
# DKMS builds and installs the modules for the running kernel, and for each kernel that is installed
# later. As root.
#
#   tools/dkms/install.sh [--i915] [DKMS_OPTION...]
#     --i915       also xengt_i915 and xengt_gvt; DKMS then needs the sources of each kernel
#     DKMS_OPTION  such as -k KERNEL, for another kernel than the running one
#   tools/dkms/install.sh --remove
#     takes all of it away
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
confs=(dkms.conf)
sources=(COPYING Kbuild Kconfig Makefile drivers include tools/dkms)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$here/dkms.conf")
target=/usr/src/xengt-$version

fail() {
	echo "dkms: error: $*" >&2
	exit 1
}

# What a build in the project's directory has left there does not belong to another kernel's.
copy_sources() {
	mkdir -p "$target"
	tar c -C "$project" --exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' \
		--exclude='.*.cmd' --exclude=device_model/gvt "${sources[@]}" | tar x -C "$target" --no-same-owner
	cat "${confs[@]/#/$here/}" >"$target/dkms.conf"
}

# Of all versions: a kernel has one of each module.
remove() {
	local dir old

	for dir in /usr/src/xengt-*; do
		old=${dir#/usr/src/xengt-}
		[ ! -e "/var/lib/dkms/xengt/$old" ] || dkms remove -m xengt -v "$old" --all
		rm -rf "$dir"
	done
}

command -v dkms >/dev/null || fail "there is no DKMS: apt install dkms"
[ "$(id -u)" = 0 ] || fail "only root can install modules"
remove
[ "${1:-}" != --remove ] || exit 0
if [ "${1:-}" = --i915 ]; then
	confs+=(i915.conf)
	shift
fi
copy_sources
dkms install -m xengt -v "$version" "$@"
