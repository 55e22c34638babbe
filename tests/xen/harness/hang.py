# SPDX-License-Identifier: GPL-2.0
"""Looks into a machine that says nothing any more: the registers of QEMU's CPUs, twice, from its
monitor, and what Xen's debug keys print on the console: domains and their event channels, the
run queues, the timers, and the registers of dom0 and guests.
"""

from . import qemu

KEYS = b"qrae0d"
REGISTERS = ("CPU#", "RIP=", "RSP=", "CR0=", "CS =")


def until_silent(line):
    text = b""
    try:
        while data := line.recv(65536):
            text += data
    except TimeoutError:
        pass
    return text.decode("latin-1").replace("\r", "")


def registers(machine):
    """As they all are at one moment: the machine is stopped meanwhile."""
    with machine.monitor() as monitor:
        monitor.execute("stop")
        seen = monitor.human("info registers -a")
        monitor.execute("cont")
    return "\n".join(line for line in seen.splitlines() if line.startswith(REGISTERS))


def parts(machine):
    """Titles, and what there is to say. All that can be had is."""
    try:
        for turn in (1, 2):
            yield f"registers, look {turn}", registers(machine)
        with machine.serial() as line:
            line.sendall(qemu.XEN_INPUT)
            for key in KEYS:
                line.sendall(bytes([key]))
                yield f"Xen's debug key {chr(key)}", until_silent(line)
    except (qemu.Error, OSError) as error:
        yield "QEMU does not answer", str(error)


def report(machine):
    return "\n".join(f"--- {title}\n{text}" for title, text in parts(machine))
