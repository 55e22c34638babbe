# SPDX-License-Identifier: GPL-2.0
"""What is booted: where it is, and that it is built (build.sh, build-xen.sh). And the QEMU that
boots it.

  DEBIAN=12|13        the release whose Xen, toolstack and kernel are booted (default: the machine's)
  XENGT_KERNEL=SERIES another kernel, such as 7.3, or 6.1-kasan (build.sh)
  XENGT_BUILD=DIR     where everything goes, each release and kernel in a directory of its own
                      (default: .build at the top of the project)
  XENGT_BUILT=NAMES   the directories of XENGT_BUILD in which build.sh has run: it is not run again
  XENGT_XEN=FILE      a hypervisor, uncompressed, in the place of all others
"""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

from . import qemu

HERE = Path(__file__).resolve().parent.parent
PROJECT = HERE.parent.parent
MACHINE = platform.freedesktop_os_release().get("VERSION_ID", "")
DEBIAN = os.environ.get("DEBIAN") or MACHINE
SERIES = os.environ.get("XENGT_KERNEL", "")
NAME = f"debian{DEBIAN}" + (f"-linux{SERIES}" if SERIES else "")
BUILD = Path(os.environ.get("XENGT_BUILD") or PROJECT / ".build").absolute() / NAME
XEN = {"12": "4.17", "13": "4.20"}  # by release
LOGS = BUILD / "log"
KERNEL = BUILD / "dom0-vmlinux"
DOM0 = BUILD / "dom0.cpio"
DOM0_HVM = BUILD / "dom0-hvm.cpio"  # with what HVM guests need
IGPU = BUILD / "bin" / "igpu"
OLD_QEMU = "12"  # the release whose QEMU can have a GPU, and boots that release's Xen


class Error(Exception):
    """Something could not be built, or fetched."""


def build():
    """Builds everything but patched hypervisors."""
    if NAME in os.environ.get("XENGT_BUILT", "").split():
        return
    result = subprocess.run(
        [HERE / "build.sh", str(BUILD)], env={**os.environ, "DEBIAN": DEBIAN}, check=False
    )
    if result.returncode:
        raise Error(f"build.sh failed, with exit status {result.returncode}")


@cache
def try_patched(*options):
    """The path, or what went wrong: that is not tried again."""
    result = subprocess.run(
        [HERE / "build-xen.sh", *options, XEN[DEBIAN]],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode:
        return Error(f"build-xen.sh failed, with exit status {result.returncode}")
    return Path(result.stdout.split()[-1])


def hypervisor(kind):
    """The file of Debian's ("stock"), of that with the patches of xen/ ("patched"), or of its
    debug build ("debug")."""
    if os.environ.get("XENGT_XEN"):
        return Path(os.environ["XENGT_XEN"])
    if kind == "stock":
        return BUILD / "xen.elf"
    built = try_patched("-d") if kind == "debug" else try_patched()
    if isinstance(built, Error):
        raise built
    return built


@cache
def unpacked_emulator():
    """The QEMU of an older release, which is unpacked and not installed."""
    result = subprocess.run(
        [PROJECT / "tests" / "debian.sh", "qemu", OLD_QEMU],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Error(f"debian.sh qemu {OLD_QEMU} failed, with exit status {result.returncode}")
    return result.stdout.strip()


@cache
def machines_can_have_gpu():
    """Whether the machine's QEMU can have a GPU."""
    return qemu.can_have_gpu(qemu.QEMU)


def emulator(gpu):
    """The QEMU for a machine: the system's, if that can have a GPU, should it need one. On QEMU
    10.0 of Debian 13 no Linux guest of Xen 4.17's starts."""
    if (DEBIAN == OLD_QEMU != MACHINE) or (gpu and not machines_can_have_gpu()):
        return unpacked_emulator()
    return qemu.QEMU
