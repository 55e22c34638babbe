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
other=$kernel-other
source_file=drivers/gpu/drm/i915/gvt/xen/map/main.c
with_i915="--i915 -k $kernel"

if [ "${1:-}" != in-overlays ]; then
	"$project/tests/setup.sh" dkms || exit 1
	[ -n "$kernel" ] || exec "$0"	# its headers have just been installed
	tarball=$("$project/tests/debian.sh" source "$series") || exit 1
	exec unshare -m "$0" in-overlays "$tarball"
fi
tarball=$2
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

# The modules of a kernel that depmod knows, which is all that modprobe knows.
are_installed_for() { # KERNEL MODULE...
	local found

	found=$(sed -n 's|^updates/dkms/\(xen[^.]*\)\.ko.*|\1|p' "/lib/modules/$1/modules.dep" | sort | paste -s -d ' ')
	shift
	echo "installed: $found"
	[ "$found" = "$*" ]
}

are_installed() { # MODULE...
	are_installed_for "$kernel" "$@"
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

versions() {
	dkms status -m xengt | sed 's|^xengt/\([^,:]*\).*|\1|' | sort -u
}

is_the_only_version() {
	versions
	ls -d /usr/src/xengt-*
	[ "$(ls -d /usr/src/xengt-*)" = "/usr/src/xengt-$(versions)" ]
}

hand_over() { # DKMS_OPTIONS [PROJECT]
	make -C "${2:-$project}" dkms DKMS_OPTIONS="$1"
}

fails_and_says() { # TEXT DKMS_OPTIONS [PROJECT]
	local said text=$1

	shift
	said=$(hand_over "$@" 2>&1) && return 1
	echo "$said"
	grep -qF -e "$text" <<<"$said"
}

# All modules are handed over for a kernel that lacks an option. DKMS builds nothing.
# DKMS looks into .config (3.0, of Debian 12) or into auto.conf (3.2, of Debian 13).
is_left_alone_without() { # OPTION
	local config rc configs=("/lib/modules/$kernel/build/"{.config,include/config/auto.conf})

	sed -i.before "s/^$1=.*/# $1 is not set/" "${configs[@]}"
	fails_and_says BUILD_EXCLUSIVE "$with_i915"
	rc=$?
	for config in "${configs[@]}"; do
		mv "$config.before" "$config"
	done
	return $rc
}

# The sources of i915 of a kernel that nobody has.
make_other_sources() {
	mkdir -p "$tmp/$tree/drivers/gpu/drm/i915" &&
		touch "$tmp/$tree/drivers/gpu/drm/i915/i915_drv.h" &&
		printf 'VERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = 9999\n' "${series%.*}" "${series#*.}" >"$tmp/$tree/Makefile" &&
		tar cJf "/usr/src/$tree.tar.xz" -C "$tmp" "$tree"
}

# Another version of the project, and another kernel: the same one by another name.
make_other_version() {
	mkdir -p "$tmp/project" "/lib/modules/$other" &&
		(cd "$project" && cp -r COPYING Kbuild Kconfig Makefile drivers include tools "$tmp/project") &&
		echo "Another version." >>"$tmp/project/COPYING" &&
		cp -a "/lib/modules/$kernel/"{build,source,modules.dep} "/lib/modules/$other/"
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
# The logs that install.sh keeps
export TMPDIR=$tmp
# DKMS may take a kernel without it for one that is not installed.
touch "/lib/modules/$kernel/modules.dep"

check "DKMS builds and installs the modules" hand_over "-k $kernel"
check "... those that need no sources of i915" are_installed $without_i915
check "... for the kernel" are_for_the_kernel $without_i915
check "... which DKMS knows" status_is installed
check "the same can be handed over again" hand_over "-k $kernel"
check "a kernel's removal takes them away" dkms uninstall -m xengt -v "$(versions)" -k "$kernel"
check "... all of them" are_installed
check "a kernel's installation brings them back" dkms autoinstall -k "$kernel"
check "... all of them" are_installed $without_i915

make_other_version
check "another version is built for another kernel" hand_over "-k $other" "$tmp/project"
check "... and installed" are_installed_for "$other" $without_i915
check "... and also for the kernel that had the old one" are_installed $without_i915
check "... which is gone" is_the_only_version

version=$(versions)
echo '#error cannot be built' >>"$tmp/project/$source_file"
check "what the compiler said is told" fails_and_says "#error cannot be built" "-k $kernel" "$tmp/project"
check "... and what was installed stays" [ "$(versions)" = "$version" ]
check "... as the only version" is_the_only_version
check "... for one kernel" are_installed $without_i915
check "... and for the other" are_installed_for "$other" $without_i915
sed -i '$d' "$tmp/project/$source_file"
rm "/lib/modules/$other/build"
check "it is told how to do without a kernel that has no headers" fails_and_says \
	"dkms uninstall -m xengt -v $version -k $other" "-k $kernel"
check "... which can be done" dkms uninstall -m xengt -v "$version" -k "$other"

check "without the kernel's sources those that need i915's are refused" fails_and_says "apt install $tree" "$with_i915"
cp "$tarball" /usr/src/
check "nothing is built for a kernel without Xen" is_left_alone_without CONFIG_XEN_BACKEND
check "nothing is built for a kernel without GVT" is_left_alone_without CONFIG_DRM_I915_GVT
check "... and what was installed stays" are_installed $without_i915
check "with its sources the modules that need i915's are built" hand_over "$with_i915"
check "... and installed" are_installed $all
check "... for the kernel" are_for_the_kernel $all
check "... in place of the others" is_the_only_version
check "they stay when the modules are handed over again" hand_over "-k $kernel"
check "... all of them" are_installed $all

make_other_sources
echo "Yet another version." >>"$tmp/project/COPYING"
check "sources of another kernel are refused" fails_and_says "are of $series.9999" "-k $kernel" "$tmp/project"
mkdir -p "/lib/modules/$kernel/updates/drivers"
touch "/lib/modules/$kernel/updates/drivers/xengt.ko"
check "modules that DKMS did not install are refused" fails_and_says \
	"rm /lib/modules/$kernel/updates/drivers/xengt.ko" "-k $kernel"
rm -r "/lib/modules/$kernel/updates/drivers"
check "the modules can be taken away" make -C "$project" dkms-remove
check "... and nothing is left" nothing_is_left
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
