#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests on a real Xen, with pytest, after everything that they need is built.
# Usage: run.sh [PYTEST'S OPTIONS AND FILES]
#   test_checks.py -m stock      the checks on stock Xen; patched: on the patched one; pv, strict,
#                                pvh: with such a dom0
#   -m 'patched and pvh'
#   -k check_race                one check only
#   test_devmap.py, test_driver.py, test_i915.py, test_memset.py    the other suites; without a file: all
#   harness                      the harness by itself, which takes no boot
#   --collect-only -q            what there is
# DEBIAN=12|13: whose Xen and Linux (default: the machine's release). XENGT_KERNEL=7.3: another kernel.
# harness/images.py and harness/boot.py have more such variables.
# The logs are in its log/, and so are the results (results.xml, JUnit's format). The last line is
# "N passed, N failed", where dom0's single results are counted; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export PYTHONDONTWRITEBYTECODE=1

"$here/../setup.sh"
cd "$here"
logs=$(/usr/bin/python3 -c 'from harness import images; print(images.LOGS)')
mkdir -p "$logs"
exec /usr/bin/python3 -m pytest -c pytest.ini --junitxml="$logs/results.xml" "$@"
