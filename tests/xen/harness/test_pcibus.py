# SPDX-License-Identifier: GPL-2.0
"""The guest's PCI bus (tests/xen/pcibus) without Xen: a program makes requests, right and wrong
ones."""

import subprocess
from pathlib import Path

PCIBUS = Path(__file__).resolve().parent.parent / "pcibus"
GCC = "gcc -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"


def test_requests(tmp_path):
    program = tmp_path / "requests"
    files = [PCIBUS / name for name in ("request.c", "config.c", "bar0.c", "test/requests.c")]
    subprocess.run([*GCC.split(), "-o", program, *files], check=True)
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
