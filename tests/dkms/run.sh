#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What DKMS makes of the modules (tools/dkms), with the machine's kernel headers. All that is written
# into DKMS's directories is in overlays, which are gone with the script. As root.
# Usage: tests/dkms/run.sh
# Prints a line "ok - ..." or "not ok - ..." for each check; the last line is "N passed, N failed".
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
directories=(/usr/src /lib/modules /var/lib/dkms /etc/dkms)
without_i915="xen_gpu_map xengt xengt_bar"
all="xen_gpu_map xengt xengt_bar xengt_gvt xengt_i915"
passed=0
failed=0

kernel=
for build in /lib/modules/*/build; do
	[ ! -e "$build/Makefile" ] || kernel=$(basename "$(dirname "$build")")
done
series=$(cut -d . -f 1,2 <<<"$kernel")
tree=linux-source-$series
with_i915="--i915 -k $kernel"

if [ "${1:-}" != in-overlays ]; then
	"$project/tests/setup.sh" dkms || exit 1
	[ -n "$kernel" ] || exec "$0"	# its headers have just been installed
	tarball=$("$project/tests/debian.sh" source "$series") || exit 1
	exec unshare -m "$0" in-overlays "$tarball"
fi
tarball=$2
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$project/tools/dkms/dkms.conf")
tmp=$(mktemp -d)
trap 'umount -l "$tmp"; rmdir "$tmp"' EXIT

overlay() { # DIRECTORY
	mkdir -p "$tmp/$1/new" "$tmp/$1/work" &&
		mount -t overlay -o "lowerdir=$1,upperdir=$tmp/$1/new,workdir=$tmp/$1/work" none "$1"
}

# check WHAT COMMAND...
check() {
	local what=$1

	shift
	if "$@" >"$tmp/log" 2>&1; then
		echo "ok - $what"
		passed=$((passed + 1))
	else
		echo "not ok - $what"
		sed 's/^/    /' "$tmp/log"
		failed=$((failed + 1))
	fi
}

# The modules that depmod knows, which is all that modprobe knows.
are_installed() { # MODULE...
	local found

	found=$(sed -n 's|^updates/dkms/\(xen[^.]*\)\.ko.*|\1|p' "/lib/modules/$kernel/modules.dep" | sort | paste -s -d ' ')
	echo "installed: $found"
	[ "$found" = "$*" ]
}

are_for_the_kernel() {
	local module

	for module; do
		modinfo -k "$kernel" -F vermagic "$module" | grep "^$kernel " || return 1
	done
}

status_is() { # WHAT
	dkms status -m xengt -k "$kernel" | tee /dev/stderr | grep -q ": $1\$"
}

fails_and_says() { # TEXT
	! make -C "$project" dkms DKMS_OPTIONS="$with_i915" && cat /var/lib/dkms/xengt/*/build/make.log &&
		grep -qF "$1" /var/lib/dkms/xengt/*/build/make.log
}

# All modules are handed over for a kernel that lacks an option. DKMS builds nothing.
# DKMS looks into .config (3.0, of Debian 12) or into auto.conf (3.2, of Debian 13).
is_left_alone_without() { # OPTION
	local config rc configs=("/lib/modules/$kernel/build/"{.config,include/config/auto.conf})

	sed -i.before "s/^$1=.*/# $1 is not set/" "${configs[@]}"
	make -C "$project" dkms DKMS_OPTIONS="$with_i915"
	rc=$?
	for config in "${configs[@]}"; do
		mv "$config.before" "$config"
	done
	[ "$rc" != 0 ] && grep -q BUILD_EXCLUSIVE "$tmp/log" && [ -z "$(find /var/lib/dkms -name make.log)" ]
}

# The sources of i915 of a kernel that nobody has.
make_other_sources() {
	mkdir -p "$tmp/$tree/drivers/gpu/drm/i915" &&
		touch "$tmp/$tree/drivers/gpu/drm/i915/i915_drv.h" &&
		printf 'VERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = 9999\n' "${series%.*}" "${series#*.}" >"$tmp/$tree/Makefile" &&
		tar cJf "/usr/src/$tree.tar.xz" -C "$tmp" "$tree"
}

nothing_is_left() {
	find /usr/src /lib/modules /var/lib/dkms -name 'xengt*' -o -name 'xen_gpu_map*' >"$tmp/left"
	cat "$tmp/left"
	[ ! -s "$tmp/left" ]
}

mount -t tmpfs none "$tmp" || exit 1
for directory in "${directories[@]}"; do
	overlay "$directory" || exit 1
done

check "DKMS builds and installs the modules" make -C "$project" dkms DKMS_OPTIONS="-k $kernel"
check "... those that need no sources of i915" are_installed $without_i915
check "... for the kernel" are_for_the_kernel $without_i915
check "... which DKMS knows" status_is installed
check "a kernel's removal takes them away" dkms uninstall -m xengt -v "$version" -k "$kernel"
check "... all of them" are_installed
check "a kernel's installation brings them back" dkms autoinstall -k "$kernel"
check "... all of them" are_installed $without_i915

check "a kernel without Xen is left alone" is_left_alone_without CONFIG_XEN_BACKEND
check "a kernel without GVT is left alone" is_left_alone_without CONFIG_DRM_I915_GVT
check "without the kernel's sources those that need i915's are refused" fails_and_says "apt install $tree"
check "... and none is installed" are_installed
cp "$tarball" /usr/src/
# What there is of an older version has to go.
mv "/usr/src/xengt-$version" /usr/src/xengt-0.0
mv "/var/lib/dkms/xengt/$version" /var/lib/dkms/xengt/0.0
ln -sfn /usr/src/xengt-0.0 /var/lib/dkms/xengt/0.0/source
sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="0.0"/' /usr/src/xengt-0.0/dkms.conf
check "with them they are built" make -C "$project" dkms DKMS_OPTIONS="$with_i915"
check "... and installed" are_installed $all
check "... in place of an older version" [ ! -e /var/lib/dkms/xengt/0.0 -a ! -e /usr/src/xengt-0.0 ]
check "... for the kernel" are_for_the_kernel $all

make_other_sources
check "sources of another kernel are refused" fails_and_says "are of $series.9999"
check "the modules can be taken away" make -C "$project" dkms-remove
check "... and nothing is left" nothing_is_left
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
