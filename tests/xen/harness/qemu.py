# SPDX-License-Identifier: GPL-2.0
"""A machine in QEMU that boots Xen and a dom0, and QEMU's monitor (QMP).

No KVM and no GPU are needed. The CPU's flags and number:
  -smap     a PV dom0 dies at once under this emulator's SMAP
  -rdtscp   a PVH dom0 dies: the emulator reports an intercepted RDTSCP as RDTSC
  -xsave    takes AVX away: its state is suspected where xl, in a PVH dom0, found its heap corrupted
  +svm      gives PVH guests, with nested paging
  one CPU for a PVH dom0: the emulator can deliver an interrupt that VMRUN injects a second time
            when the CPU is interrupted by another one before the next #VMEXIT (helper_vmrun leaves
            exception_index set), and the kernel dies of it when that hits its entry code; a PV
            dom0 does not run under VMRUN and has two

A GPU in the machine (with_gpu()) takes one CPU: the emulator drops its lock while the GPU's process
answers, and meanwhile refuses another CPU's access to it, which is lost. QEMU 10.0 of Debian 13
cannot have one: without KVM it crashes in x-pci-proxy-dev (setup_irqfd() in hw/remote/proxy.c).
images.py has another QEMU then.

The edu device is the DMA engine that plays the GPU; its transfers go through the emulated AMD
IOMMU, whose invalidations and translations are traced. So are writes to PCI configuration space,
with which dom0 marks places in that trace (trace.py).

What dom0 reports comes by the debug port (isa-debugcon, dom0/report.c), where nothing of the
hypervisor's or the kernel's mixes with it, to QEMU's standard output. The serial line is Xen's
console.
"""

import json
import os
import select
import socket
import subprocess
import time

QEMU = "qemu-system-x86_64"  # the machine's
OPTIONS = """
    -machine q35 -cpu max,-smap,+svm,-rdtscp,-xsave -accel tcg,thread=multi -smp {cpus} -m 2560
    -nodefaults -display none -vga none -net none -no-reboot
    -device amd-iommu,intremap=on -device edu,dma_mask=0xffffffffffffffff
    -trace amdvi_*inval -trace amdvi_translation_result -trace pci_cfg_write -D {log}.iommu
    -qmp unix:{log}.qmp,server=on,wait=off
    -chardev socket,id=console,path={log}.serial,server=on,wait=off,logfile={log}.console
    -serial chardev:console
    -chardev stdio,id=report,signal=off -device isa-debugcon,iobase=0x7e9,chardev=report
"""
# An Intel GPU, which tests/gpu plays: the machine's RAM is shared with it, it walks the IOMMU's
# tables itself and so has a monitor of its own, and the serial card in slot 6 has the interrupt line
# of slot 2. The GPU comes first, or another device takes its slot. The ivshmem card is a BAR with
# nothing but memory: a page table as any device could have it. It has a bus to itself, whose reset
# resets it.
GPU_OPTIONS = """
    -object memory-backend-memfd,id=ram,size=2560M,share=on -device x-pci-proxy-dev,fd=9,addr=2
    -chardev socket,id=gpumonitor,path={log}.gpumonitor,server=on,wait=off
    -mon chardev=gpumonitor,mode=readline
    -chardev socket,id=gpuirq,path={log}.gpuirq,server=on,wait=off
    -device pci-serial,chardev=gpuirq,addr=6
    -object memory-backend-ram,id=table,size=16M,share=on
    -device pcie-root-port,id=cardbus,chassis=1,hotplug=off,addr=7
    -device ivshmem-plain,memdev=table,bus=cardbus
"""
GPU_COMMAND = "{program} -d {device} -g 1 -l {log}.gpu -m {log}.gpumonitor -i {log}.gpuirq --"
XEN_INPUT = b"\x01\x01\x01"  # three times Ctrl-A: Xen takes what follows, or dom0 does again
WAKE = XEN_INPUT + b"r" + XEN_INPUT  # Xen prints its run queues
SERIAL_SECONDS = 8  # without a byte, after which Xen is taken to have said all
# A device whose process has gone, in a machine that does not run
PROXY_OPTIONS = """
    -machine q35 -accel tcg -nodefaults -display none -S -monitor stdio
    -device x-pci-proxy-dev,fd={fd}
"""
PROXY_SECONDS = 60


class Error(Exception):
    """QEMU does not do what it is told."""


class Monitor:
    """QMP, over a UNIX socket."""

    def __init__(self, path, seconds=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.lines = self.socket.makefile("rb")
        try:
            self.socket.connect(path)
            self.receive()  # the greeting
        except OSError as error:
            self.close()
            raise Error(f"the monitor cannot be reached: {error}") from error
        self.execute("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lines.close()
        self.socket.close()

    def receive(self):
        line = self.lines.readline()
        if not line:
            raise Error("the monitor has closed the connection")
        return json.loads(line)

    def execute(self, command, **arguments):
        """Runs a command and returns its result. Events that come in between are nobody's."""
        try:
            self.socket.sendall(
                json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
            )
            while True:
                answer = self.receive()
                if "error" in answer:
                    raise Error(f"{command}: {answer['error'].get('desc')}")
                if "return" in answer:
                    return answer["return"]
        except OSError as error:
            raise Error(f"{command}: {error}") from error

    def human(self, line):
        """Runs a command of the monitor for people, which knows more."""
        return self.execute("human-monitor-command", **{"command-line": line}).replace("\r", "")


def can_have_gpu(emulator):
    """Whether this QEMU can have a device that another process plays."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        try:
            result = subprocess.run(
                [emulator, *PROXY_OPTIONS.format(fd=theirs.fileno()).split()],
                input=b"quit\n",
                pass_fds=[theirs.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PROXY_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return result.returncode == 0


def with_gpu(command, log, program, device):
    """The command with an Intel GPU in the machine, which the program plays."""
    emulator, *options = command
    options[options.index("-machine") + 1] += ",memory-backend=ram"
    gpu = [option.format(log=log) for option in GPU_OPTIONS.split()]
    starter = GPU_COMMAND.format(program=program, device=device, log=log).split()
    return [*starter, emulator, *gpu, *options]


def command_line(emulator, log, cpus, hypervisor, hypervisor_words, kernel, kernel_words, initrd):
    """The command with which a QEMU boots a hypervisor and a dom0; all files it writes begin with
    "log"."""
    # A comma in the kernel's words would end them.
    modules = f"{kernel} {kernel_words.replace(',', ',,')},{initrd}"
    options = [option.format(log=log, cpus=cpus) for option in OPTIONS.split()]
    boot = ["-kernel", str(hypervisor), "-append", hypervisor_words, "-initrd", modules]
    return [emulator, *options, *boot]


class Machine:
    """A running QEMU. All its files begin with "log"."""

    def __init__(self, log, command):
        self.log = log
        with open(f"{log}.qemu", "wb") as errors:
            # It does not outlive the one who started it.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.received = b""

    def read_line(self, seconds):
        """The next line of the report, or None if there is none within so many seconds.
        EOFError: there will be none."""
        until = time.monotonic() + seconds
        while b"\n" not in self.received:
            ready, _, _ = select.select(
                [self.process.stdout], [], [], max(0, until - time.monotonic())
            )
            if not ready:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise EOFError
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line.decode("utf-8", "replace").rstrip("\r")

    def monitor(self):
        return Monitor(f"{self.log}.qmp")

    def serial(self):
        """A connection to the serial line, which can have one at a time."""
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(SERIAL_SECONDS)
        try:
            line.connect(f"{self.log}.serial")
        except OSError as error:
            line.close()
            raise Error(f"the serial line cannot be reached: {error}") from error
        return line

    def poke(self):
        """Has Xen print something, so that its timers and its scheduler run once."""
        with self.serial() as line:
            line.sendall(WAKE)

    def stop(self):
        """Ends QEMU, whatever state it is in."""
        if self.process.poll() is None:
            try:
                with self.monitor() as monitor:
                    monitor.execute("quit")
                self.process.wait(10)
            except (Error, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()
