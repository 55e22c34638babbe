#!/bin/bash
# Builds the patched hypervisor: Debian's source package with the patches of xen/VERSION/, in Debian's configuration. Toolstack and dom0
# stay Debian's own. Prints where it is: .build/xen-patched/xen-VERSION.elf, or xen-VERSION-debug.elf with assertions compiled in.
# Usage: build-xen.sh [-d] [-c] [-f] [VERSION]      as root; VERSION: 4.17 (the default) of Debian 12, 4.20 of Debian 13
#   -d: a debug build
#   -c: compiles after each patch, which takes as many minutes as there are patches
#   -f: only fetches the source, and fails if it cannot be had
#   XENGT_BUILD_XEN=DIR      where everything goes (default: .build/xen-patched at the top of the project)
#   XENGT_XEN_SOURCE=DIR     take the source found there instead of fetching it: the source package's files (.dsc and tarballs), or a
#                            checkout of Xen, such as that of its branch stable-4.20, which is built in Xen's default configuration
# Next to it, in xen-VERSION-public/, are its public headers.
# It is for these tests and for review: see "Not for use" in Documentation/xen-operation.rst, which is said here, too, each time.
# What is there is rebuilt when the patches, the source or this file have changed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
build=${XENGT_BUILD_XEN:-$project/.build/xen-patched}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
debug=n
each=
fetch_only=

say() {
	echo "build-xen: $*" >&2
}

fail() {
	echo "build-xen: error: $*" >&2
	[ ! -s "$log" ] || tail -n 20 "$log" >&2
	exit 1
}

warn() {
	cat >&2 <<-END
		build-xen: This hypervisor is for tests and for review. Do not run it on a machine with guests that you do not trust:
		build-xen: its map operation is open to a deprivileged device model; references are dropped while a device still does DMA when
		build-xen: targets are removed from a dying PV domain; 4.20 has a race in that, too; an IOMMU unmap that failed is forgotten when
		build-xen: it is tried again; and memory for maps is not accounted, and allowed by default. A second version of the patches will
		build-xen: follow. Documentation/xen-operation.rst, "Not for use", has the details.
	END
}

run() { # WHAT COMMAND...
	local what=$1

	shift
	"$@" >>"$log" 2>&1 || fail "$what failed"
}

while getopts dcf option; do
	case $option in
	f) fetch_only=1 ;;
	d) debug=y ;;
	c) each=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
version=${1:-4.17}
case $version in
4.17) suite=bookworm ;;
4.20) suite=trixie ;;
*)
	echo "usage: build-xen.sh [-d] [-c] [-f] [4.17|4.20]" >&2
	exit 2
	;;
esac
patches=$project/xen/$version
name=xen-$version
[ $debug = n ] || name=$name-debug
result=$build/$name.elf
source=$build/source-$version
tree=$build/$name
log=$build/$name.log
mkdir -p "$build"
: >"$log"
compgen -G "$patches/*.patch" >/dev/null || fail "no patches in $patches"

# Whatever the system uses; it tells once it has lists.
site() {
	apt-get indextargets --format '$(SITE)' "Created-By: Packages" | grep -v security | head -n 1 || true
}

# apt with lists of its own: the system's need not have source packages in them. A mirror that says nothing is an error, not a hang.
own_apt() {
	timeout -k 10 900 apt-get -q -o Acquire::http::Timeout=60 -o Acquire::https::Timeout=60 -o Acquire::Retries=1 \
		-o Dir::Etc::sourcelist="$source/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$source/apt/lists" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

# The release's package: the source of a newer security update may be gone from the mirror when a yet newer one is out.
fetch_source() {
	if [ -e "${XENGT_XEN_SOURCE:-}/xen/Makefile" ]; then
		[ "$(make -s --no-print-directory -C "$XENGT_XEN_SOURCE/xen" xenversion | cut -d . -f 1,2)" = "$version" ] ||
			fail "$XENGT_XEN_SOURCE is not a checkout of Xen $version"
		return
	fi
	[ -e "$source/.complete" ] && return
	rm -rf "$source"
	mkdir -p "$source/apt/lists/partial"
	if [ -n "${XENGT_XEN_SOURCE:-}" ]; then
		cp "$XENGT_XEN_SOURCE"/xen_"$version".* "$source/" || fail "no source package of Xen $version in $XENGT_XEN_SOURCE"
	else
		say "fetching the source of Debian's Xen $version"
		mirror=$(site)
		if [ -z "$mirror" ]; then
			run "apt-get update" apt-get -q -o DPkg::Lock::Timeout=600 update
			mirror=$(site)
		fi
		echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$source/apt/sources.list"
		run "apt-get update" own_apt update
		(cd "$source" && run "fetching the source" own_apt source --download-only xen)
	fi
	rm -rf "$source/apt"
	touch "$source/.complete"
}

stamp() {
	{
		cat "$0" "$patches"/*.patch
		if [ -e "${XENGT_XEN_SOURCE:-}/xen/Makefile" ]; then
			git -c safe.directory='*' -C "$XENGT_XEN_SOURCE" rev-parse HEAD
		else
			cat "$source"/*.dsc
		fi
	} | sha256sum
}

compile() {
	run "make olddefconfig" make -C "$tree/xen" XEN_TARGET_ARCH=x86_64 olddefconfig
	run "compiling" nice -n 5 make -C "$tree/xen" XEN_TARGET_ARCH=x86_64 -j"$(nproc)" build
}

unpack_source() {
	if [ -e "${XENGT_XEN_SOURCE:-}/xen/Makefile" ]; then
		mkdir -p "$tree"
		git -c safe.directory='*' -C "$XENGT_XEN_SOURCE" archive HEAD | run "copying the checkout" tar x -C "$tree"
		: >"$tree/xen/.config"
		return
	fi
	run "unpacking" dpkg-source --no-check -x "$source"/xen_"$version".*.dsc "$tree"
	cp "$tree/debian/xen-kconfig" "$tree/xen/.config"
}

build_tree() {
	local p

	rm -rf "$tree"
	unpack_source
	[ $debug = n ] || printf 'CONFIG_DEBUG=y\nCONFIG_DEBUG_LOCKS=y\n' >>"$tree/xen/.config"
	for p in "$patches"/*.patch; do
		run "$(basename "$p")" patch -d "$tree" -p1 --fuzz=0 -i "$p"
		if [ -n "$each" ]; then
			say "compiling with $(basename "$p")"
			compile
		fi
	done
	compile
	if [ $debug = y ]; then
		grep -q '^CONFIG_DEBUG=y' "$tree/xen/.config" || fail "this is no debug build"
	fi
}

"$project/tests/setup.sh"
# One at a time in a directory.
exec 9>"$build/lock"
flock 9
fetch_source
[ -z "$fetch_only" ] || exit 0
if [ -n "$each" ] || [ ! -s "$result" ] || [ "$(cat "$build/$name.stamp" 2>/dev/null)" != "$(stamp)" ]; then
	say "building $name; this takes about 4 minutes"
	build_tree
	cp "$tree/xen/xen" "$result"
	rm -rf "$build/$name-public"
	cp -r "$tree/xen/include/public" "$build/$name-public"
	rm -rf "$tree"
	stamp >"$build/$name.stamp"
fi
warn
echo "$result"
