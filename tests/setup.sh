#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Installs the Debian packages that the demo, the tests and the benchmarks need, by name. The other
# scripts call it. As root, if any is missing; with all of them it does nothing, and quickly.
#
#   tests/setup.sh [PACKAGE...]     some more
#
set -euo pipefail

packages=(
	gcc libc6-dev make patch python3 xz-utils zstd	# all
	mmdebstrap						# tests/debian.sh
	rsync							# copies of the sources
	python3-pytest python3-tap				# tests/xen/harness
	busybox-static cpio kmod mtools qemu-system-x86 syslinux	# tests/xen/build.sh, and what boots it
	bison dpkg-dev flex					# tests/xen/build-xen.sh
	bc							# tests/kunit, beside bison and flex
	libdrm-dev						# tests/xen/dom0/batch.c
	libxen-dev linux-libc-dev				# tests/kunit/abi
	linux-headers-amd64 perl python3-sphinx shellcheck sparse	# tests/static, and the modules
	gnuplot-nox						# bench
	"$@"
)

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
	sed -n 's/^installed //p' || true)
missing=()
for package in "${packages[@]}"; do
	[[ $'\n'$installed$'\n' == *$'\n'$package$'\n'* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "setup: as root: apt-get install ${missing[*]}" >&2
	exit 2
fi
# One at a time: apt waits for another apt's packages, but not for its lists.
exec 9>/run/lock/xengt-setup
flock 9
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
	if ! DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "setup: error: apt-get $1 failed" >&2
		exit 1
	fi
}
echo "setup: installing ${missing[*]}" >&2
run update
run install -y --no-install-recommends "${missing[@]}"
