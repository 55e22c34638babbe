# SPDX-License-Identifier: GPL-2.0
"""The host's side of the tests on a real Xen. What it does is in Documentation/testing.rst.

From the bottom to the top: qemu.py runs the emulator, trace.py reads its trace, ktap.py reads
what dom0 reports, boot.py is one boot of a dom0 with one suite, suites.py knows the suites and
their checks, run.py has a suite run in as many boots as it takes, hang.py looks into a machine
that says nothing any more, images.py has built what is booted, and chooses the QEMU for a machine
with a GPU.
"""
