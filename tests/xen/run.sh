#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests on a real Xen, with pytest, after everything that they need is built.
# Usage: run.sh [PYTEST'S OPTIONS AND FILES]
#   test_checks.py -m stock      the checks on stock Xen; patched: on the patched one; pv, strict,
#                                pvh: with such a dom0
#   -m 'patched and pvh'
#   -k check_race                one check only
#   test_devmap.py, test_driver.py, test_memset.py    the other suites; without a file: all
#   harness                      the harness by itself, which takes no boot
#   --collect-only -q            what there is
# XENGT_BUILD=DIR: where everything goes (default: .build/xen at the top of the project).
# harness/boot.py has more such variables.
# The logs are in its log/, and so are the results (results.xml, JUnit's format). The last line is
# "N passed, N failed", where dom0's single results are counted; exit status 0 if none failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
build=${XENGT_BUILD:-$project/.build/xen}

"$project/tests/setup.sh"
mkdir -p "$build/log"
XENGT_BUILD=$(cd "$build" && pwd)
export XENGT_BUILD PYTHONDONTWRITEBYTECODE=1
cd "$here"
exec /usr/bin/python3 -m pytest -c pytest.ini --junitxml="$XENGT_BUILD/log/results.xml" "$@"
