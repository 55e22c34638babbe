#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unpacks the headers of Debian's backported kernel, and prints where a module can be built with them.
#
#   tests/static/headers.sh DIRECTORY
#
# The directory is filled anew. Nothing is installed: a machine has one kernel's headers, and these are another one's.
set -euo pipefail

series=6.12
dir=$1
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Whatever the system uses; it tells once it has lists.
site() {
	apt-get indextargets --format '$(SITE)' "Created-By: Packages" | grep -v security | head -n 1 || true
}

# apt with lists of its own: the system's need not have backports in them.
own_apt() { # COMMAND...
	local tool=$1

	shift
	"$tool" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$dir/lists" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o Acquire::http::Timeout=60 \
		-o Acquire::Retries=3 "$@"
}

rm -rf "$dir"
mkdir -p "$dir/lists/partial"
[ -n "$(site)" ] || apt-get -q update >"$dir/log" 2>&1
echo "deb [signed-by=$keyring] $(site) bookworm-backports main" >"$dir/sources.list"
own_apt apt-get update >>"$dir/log" 2>&1
version=$(own_apt apt-cache search --names-only "^linux-headers-${series//./\\.}\..*-common\$" | grep -v -- '-rt-' |
	sed -n 's/^linux-headers-\(.*\)-common .*/\1/p' | sort -V | tail -n 1)
if [ -z "$version" ]; then
	echo "no headers of Linux $series in bookworm-backports" >&2
	exit 1
fi
(cd "$dir" && own_apt apt-get download "linux-headers-$version-amd64" "linux-headers-$version-common" "linux-kbuild-$version") >>"$dir/log" 2>&1
for package in "$dir"/*.deb; do
	dpkg-deb -x "$package" "$dir"
done
build=$dir/usr/src/linux-headers-$version-amd64
# The paths in it are those of an installed package; without vmlinux no type information is made, which takes pahole.
sed -i "s|/usr/src/|$dir/usr/src/|" "$build/Makefile"
rm -f "$build/vmlinux"
echo "$build"
