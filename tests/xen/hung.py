# SPDX-License-Identifier: GPL-2.0
"""Looks into a machine that says nothing any more: the registers of QEMU's CPUs, from its monitor, and what Xen's debug
keys print on the console: domains and their event channels, the run queues, the timers, and the registers of dom0 and guests.

Usage: hung.py MONITOR-SOCKET CONSOLE-SOCKET
"""

import socket
import sys

XEN_INPUT = b"\x01\x01\x01"  # three times Ctrl-A: Xen takes what follows
KEYS = b"qrae0d"


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(path)
    s.settimeout(8)
    return s


def until_silent(s):
    text = b""
    try:
        while data := s.recv(65536):
            text += data
    except socket.timeout:
        pass
    return text.decode("latin-1").replace("\r", "")


def say(title, text):
    print(f"--- {title}\n{text}", flush=True)


def main(monitor, console):
    m = connect(monitor)
    for turn in (1, 2):
        m.sendall(b"info registers -a\n")
        seen = [line for line in until_silent(m).splitlines() if line.startswith(("CPU#", "RIP=", "RSP=", "CR0=", "CS ="))]
        say(f"registers, look {turn}", "\n".join(seen))
    c = connect(console)
    c.sendall(XEN_INPUT)
    for key in KEYS:
        c.sendall(bytes([key]))
        say(f"Xen's debug key {chr(key)}", until_silent(c))


main(*sys.argv[1:3])
