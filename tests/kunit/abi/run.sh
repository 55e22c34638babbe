#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Compares include/xen/interface with Xen's own public headers; see check.py. The last line is
# "N passed, N failed".
set -euo pipefail

"$(dirname "$0")/../../setup.sh"
exec python3 "$(dirname "$0")/check.py"
