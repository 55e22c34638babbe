#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Packages of a release of Debian that need not be the machine's. They are unpacked; nothing is installed.
#
#   tests/debian.sh host                            prints the machine's release
#   tests/debian.sh newest RELEASE REGEX            prints the newest package with a matching name
#   tests/debian.sh kernel RELEASE VERSION          prints the packages of a kernel, such as 6.12.117+deb13-amd64
#   tests/debian.sh unpack RELEASE DIR PACKAGE...   unpacks the packages, without those that they need
#   tests/debian.sh source SERIES                   prints the tarball of a kernel's source, such as 6.1
#   tests/debian.sh i915 SERIES                     prints drivers/gpu/drm/i915 of that source, unpacked
#   tests/debian.sh root RELEASE                    prints a directory in which modules can be built for
#                                                   the kernels of the release: see "in"
#   tests/debian.sh headers RELEASE SERIES          adds the headers of the release's newest kernel of a series
#                                                   to that directory, and prints the kernel's version
#   tests/debian.sh in ROOT DIR COMMAND...          runs a command in such a directory, with DIR at /mnt
#   tests/debian.sh qemu RELEASE                    prints a command that is the release's qemu-system-x86_64
#   tests/debian.sh igt RELEASE                     prints a directory with the release's intel-gpu-tools and what they need
#   tests/debian.sh xen-qemu RELEASE                prints a directory with the release's QEMU for Xen's HVM guests, and
#                                                   all that it needs
#
# RELEASE is 12 or 13. The packages of its backports can be had, too, if they are named. "in", "qemu" and "root" run as root.
# XENGT_DEBIAN=DIR: what is fetched (default: .build/debian at the top of the project)
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
cache=${XENGT_DEBIAN:-$repo/.build/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
log=$cache/log

fail() {
	echo "debian: error: $*" >&2
	[ ! -s "$log" ] || tail -n 20 "$log" >&2
	exit 1
}

usage() {
	sed -n '5,20s/^#   //p' "$0" >&2
	exit 2
}

run() { # WHAT COMMAND...
	local what=$1

	shift
	"$@" >"$log" 2>&1 || fail "$what failed"
}

suite_of() { # RELEASE
	case $1 in
	12) echo bookworm ;;
	13) echo trixie ;;
	*) fail "there is no release $1 here: 12 and 13 are known" ;;
	esac
}

host() {
	local version

	version=$(. /etc/os-release && echo "${VERSION_ID:-}")
	suite_of "$version" >/dev/null
	echo "$version"
}

# The mirror that the system uses. apt knows its URL once it has lists.
site() {
	local url

	url=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" | grep -v security | head -n 1 || true)
	if [ -z "$url" ]; then
		run "apt-get update" apt-get -q -o DPkg::Lock::Timeout=600 update
		url=$(apt-get indextargets --format '$(SITE)' "Created-By: Packages" | grep -v security | head -n 1)
	fi
	echo "$url"
}

# apt with lists of its own, for which nothing is installed: what the system has can be newer than what is wanted. Of the
# machine's release all is there that the system may install, such as its security updates.
own_apt() { # RELEASE COMMAND...
	local dir=$cache/apt-$1 parts=/dev/null tool=$2

	[ "$1" != "$machine" ] || parts=/etc/apt/sources.list.d
	shift 2
	touch "$dir/status"
	timeout -k 10 900 "$tool" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts="$parts" \
		-o Dir::State::lists="$dir/lists" -o Dir::State::status="$dir/status" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
		-o Acquire::http::Timeout=60 -o Acquire::Retries=3 "$@"
}

# Lists that are older than a day name packages that the mirror may not have any more.
have_lists() { # RELEASE
	local dir=$cache/apt-$1 suite mirror

	[ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ] || return 0
	suite=$(suite_of "$1")
	mirror=$(site)
	rm -rf "$dir"
	mkdir -p "$dir/lists/partial"
	printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" "$keyring" "$mirror" "$suite-backports" \
		>"$dir/sources.list"
	[ "$1" != "$machine" ] || [ ! -e /etc/apt/sources.list ] || grep '^deb ' /etc/apt/sources.list >>"$dir/sources.list"
	run "apt-get update" own_apt "$1" apt-get update
	touch "$dir/updated"
}

newest() { # RELEASE REGEX
	local name

	have_lists "$1"
	name=$(own_apt "$1" apt-cache search --names-only "$2" | awk '{ print $1 }' | sort -V | tail -n 1)
	[ -n "$name" ] || fail "Debian $1 and its backports have no package like $2"
	echo "$name"
}

# Newer kernels' linux-image is empty: it depends on packages that have the kernel and its modules.
kernel() { # RELEASE VERSION
	have_lists "$1"
	echo "linux-image-$2"
	own_apt "$1" apt-cache depends --important "linux-image-$2" 2>"$log" | awk -v version="-$2" '
		$1 ~ /Depends:$/ && $2 ~ /^linux-(base|binary|modules)-/ && index($2, version) { print $2 }' ||
		fail "Debian $1 and its backports have no Linux $2"
}

unpack() { # RELEASE DIR PACKAGE...
	local release=$1 dir=$2 debs=$cache/debs deb

	shift 2
	have_lists "$release"
	rm -rf "$debs"
	mkdir -p "$debs" "$dir"
	(cd "$debs" && run "downloading packages of Debian $release" own_apt "$release" apt-get download "$@")
	for deb in "$debs"/*.deb; do
		run "unpacking $deb" dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$debs"
}

source_of() { # SERIES
	local release=13 dir=$cache/source-$1 tarball=/usr/src/linux-source-$1.tar.xz

	[ "$1" != 6.1 ] || release=12
	[ -e "$dir$tarball" ] || unpack "$release" "$dir" "linux-source-$1"
	echo "$dir$tarball"
}

# What xengt_i915 is built with, and the Makefile that tells which kernel it is of.
i915() { # SERIES
	local tarball dir=$cache/i915-$1

	if [ ! -e "$dir/.complete" ]; then
		tarball=$(source_of "$1")
		rm -rf "$dir"
		mkdir -p "$dir"
		run "unpacking i915's sources" tar -C "$dir" -xf "$tarball" --strip-components=1 "linux-source-$1/Makefile" \
			"linux-source-$1/drivers/gpu/drm/i915"
		touch "$dir/.complete"
	fi
	echo "$dir/drivers/gpu/drm/i915"
}

# The packages with those that they need, but not configured.
extract() { # RELEASE DIR PACKAGE[,PACKAGE]...
	have_lists "$1"
	rm -rf "$2"
	run "unpacking Debian $1" mmdebstrap --quiet --variant=extract --mode=root --include="$3" \
		"$(suite_of "$1")" "$2" "$cache/apt-$1/sources.list"
}

# Intel's GPU tools with the libraries that they need: programs that load a GPU.
igt() { # RELEASE
	local dir=$cache/igt-$1

	if [ ! -e "$dir/.complete" ]; then
		echo "debian: fetching Intel's GPU tools for Debian $1" >&2
		extract "$1" "$dir" intel-gpu-tools
		touch "$dir/.complete"
	fi
	echo "$dir"
}

# What kbuild needs: the release's compiler, and an interpreter of each kind that it calls.
root() { # RELEASE
	local dir=$cache/root-$1
	local packages=base-files,bash,coreutils,dash,diffutils,findutils,gcc,grep,linux-headers-amd64,make,mawk,perl,python3,sed

	if [ "$(cat "$dir/.complete" 2>/dev/null)" != "$packages" ]; then
		echo "debian: fetching what builds modules on Debian $1" >&2
		extract "$1" "$dir" "$packages"
		# Its package would have made this link when it is configured.
		ln -s mawk "$dir/usr/bin/awk"
		echo "$packages" >"$dir/.complete"
	fi
	echo "$dir"
}

# Run by the release's own loader and libraries, and with its firmware and modules: QEMU would look for them where the loader is.
qemu() { # RELEASE
	local dir=$cache/qemu-$1 lib=lib/x86_64-linux-gnu

	if [ ! -e "$dir/.complete" ]; then
		echo "debian: fetching QEMU of Debian $1" >&2
		extract "$1" "$dir" qemu-system-x86
		cat >"$dir/qemu-system-x86_64" <<-EOF
			#!/bin/sh
			dir=\$(dirname "\$0")
			export QEMU_MODULE_DIR="\$dir/usr/$lib/qemu"
			exec "\$dir/$lib/ld-linux-x86-64.so.2" --inhibit-cache --library-path "\$dir/$lib:\$dir/usr/$lib" \\
				--argv0 "\$0" "\$dir/usr/bin/qemu-system-x86_64" -L "\$dir/usr/share/qemu" -L "\$dir/usr/share/seabios" "\$@"
		EOF
		chmod +x "$dir/qemu-system-x86_64"
		run "QEMU of Debian $1" "$dir/qemu-system-x86_64" -accel help
		touch "$dir/.complete"
	fi
	echo "$dir/qemu-system-x86_64"
}

xen_qemu() { # RELEASE
	local dir=$cache/xen-qemu-$1

	if [ ! -e "$dir/.complete" ]; then
		echo "debian: fetching QEMU for Xen of Debian $1" >&2
		extract "$1" "$dir" qemu-system-xen
		touch "$dir/.complete"
	fi
	echo "$dir"
}

headers() { # RELEASE SERIES
	local dir version

	dir=$(root "$1")
	version=$(newest "$1" "^linux-headers-${2//./\\.}\\.[0-9]+([-+][0-9a-z.+]*)?-common\$")
	version=${version#linux-headers-}
	version=${version%-common}
	[ -e "$dir/usr/src/linux-headers-$version-amd64" ] ||
		unpack "$1" "$dir" "linux-headers-$version-"{amd64,common} "linux-kbuild-$version"
	# Without vmlinux no type information is made for modules: that would take pahole.
	rm -f "$dir/usr/src/linux-headers-$version-amd64/vmlinux"
	echo "$version-amd64"
}

in_root() { # ROOT DIR COMMAND...
	local root=$1 dir=$2

	shift 2
	mkdir -p "$root/mnt"
	# shellcheck disable=SC2016
	exec unshare --mount --propagation private sh -c '
		mount -t proc proc "$0/proc" && mount --bind "$1" "$0/mnt" || exit 1
		root=$0
		shift
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C "$@"
	' "$root" "$dir" "$@"
}

[ $# -ge 1 ] || usage
command=$1
shift
case $command:$# in
host:0) host ;;
in:[0-2] | unpack:[0-2]) usage ;;
in:*) in_root "$@" ;;
kernel:2 | newest:2 | qemu:1 | xen-qemu:1 | igt:1 | root:1 | headers:2 | source:1 | i915:1 | unpack:*)
	mkdir -p "$cache"
	# One at a time in a cache.
	exec 9>"$cache/lock"
	flock 9
	: >"$log"
	machine=$(host)
	command=${command/source/source_of}
	"${command/-/_}" "$@"
	;;
*) usage ;;
esac
