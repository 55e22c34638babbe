#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compares include/xen/interface with Xen's own public headers; see check.py. The last line is
# "N passed, N failed".
set -euo pipefail

need=()
command -v gcc >/dev/null || need+=(gcc libc6-dev)
command -v python3 >/dev/null || need+=(python3)
command -v patch >/dev/null || need+=(patch)
[ -r /usr/include/xen/hvm/dm_op.h ] || need+=(libxen-dev)
[ -r /usr/include/linux/types.h ] || need+=(linux-libc-dev)
if [ ${#need[@]} -gt 0 ]; then
	echo "installing ${need[*]}"
	if [ "$(id -u)" != 0 ]; then
		echo "as root: apt-get install ${need[*]}" >&2
		exit 2
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		"${need[@]}" >/dev/null
fi
exec python3 "$(dirname "$0")/check.py"
