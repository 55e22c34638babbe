#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Unpacks the sources of i915 into the directory i915-source, before DKMS builds there. They are those
# of a package such as linux-source-6.1. If it is not installed, make says that it has to be.
# Usage: unpack-i915.sh KERNEL
set -euo pipefail

tree=linux-source-$(cut -d . -f 1,2 <<<"$1")
[ -e "/usr/src/$tree.tar.xz" ] || exit 0
rm -rf i915-source
mkdir i915-source
tar xf "/usr/src/$tree.tar.xz" -C i915-source --strip-components=1 "$tree/Makefile" "$tree/drivers/gpu/drm/i915"
