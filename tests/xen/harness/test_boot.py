# SPDX-License-Identifier: GPL-2.0
"""A boot of a machine that is a script, with a monitor that is a thread."""

import json
import os
import socket
import threading

import pytest

from . import boot, images, ktap, qemu


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A boot of what a script reports."""

    def start(script, dom0="pv", silence=20, longest=30):
        monkeypatch.setenv("XENGT_SILENCE", str(silence))
        monkeypatch.setenv("XENGT_LONGEST", str(longest))
        booted = boot.Boot(tmp_path / "pv-checks", dom0, "checks", "xen.elf")
        booted.command = ["sh", "-c", script]
        return booted

    return start


class FakeQemu:
    """What QEMU's monitor and its serial line say, and what they were told. It is there once
    open() is called, as a boot removes what one before it has left."""

    def __init__(self, log):
        self.log = log
        self.told = []
        self.typed = b""
        self.listeners = []

    def open(self):
        self.listeners = [
            self.listen(f"{self.log}.qmp", self.answer),
            self.listen(f"{self.log}.serial", self.echo),
        ]

    def listen(self, path, serve):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        threading.Thread(target=self.accept, args=(listener, serve), daemon=True).start()
        return listener

    def accept(self, listener, serve):
        try:
            while True:
                serve(listener.accept()[0])
        except OSError:
            return

    def answer(self, connection):
        with connection, connection.makefile("rwb") as f:
            self.send(f, {"QMP": {}})
            for line in f:
                command = json.loads(line)
                self.told.append(command["execute"])
                self.send(f, {"event": "STOP"})
                self.send(f, self.result(command))

    def result(self, command):
        if command["execute"] == "human-monitor-command":
            return {"return": "CPU#0\r\nRAX=0\r\nRIP=ffff82d040203000\r\n"}
        if command["execute"] == "quit":
            return {"error": {"desc": "never"}}
        return {"return": {}}

    def send(self, f, message):
        f.write(json.dumps(message).encode() + b"\n")
        f.flush()

    def echo(self, connection):
        with connection:
            while data := connection.recv(100):
                self.typed += data

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@pytest.fixture
def fake_qemu(tmp_path):
    fake = FakeQemu(tmp_path / "pv-checks")
    yield fake
    fake.close()


def gone(machine_pid_file):
    pid = int(machine_pid_file.read_text())
    return not os.path.exists(f"/proc/{pid}")


def test_a_report(start, tmp_path):
    booted = start(
        'printf "KTAP version 1\\nok 1 it works\\n# half"; sleep 0.2; echo " a line"; echo 1..1; '
        "exec sleep 100"
    )
    assert list(booted.events()) == [ktap.Result(True, "it works"), ktap.Note("half a line")]
    assert "   0 ok 1 it works\n" in (tmp_path / "pv-checks.report").read_text()


def test_the_end_without_an_end(start, tmp_path):
    (tmp_path / "pv-checks.console").write_text("left of a boot before\n")
    booted = start(
        f"echo ok 1 it works; echo no memory >&2; echo Kernel panic >{tmp_path}/pv-checks.console"
    )
    events = booted.events()
    assert next(events) == ktap.Result(True, "it works")
    with pytest.raises(
        boot.Broken,
        match=r"(?s)pv dom0, suite checks: it ended too early.*\n    Kernel panic\n.*\n    no mem",
    ) as error:
        next(events)
    assert "left of" not in str(error.value) and not isinstance(error.value, boot.Hung)


@pytest.mark.parametrize(
    ("first", "died_of", "kind"),
    [("", "int3", boot.Hung), ("", "page fault", boot.Broken), ("echo '# up';", "int3", boot.Broken)],
)
def test_a_stale_breakpoint_before_the_first_word_is_a_hang(start, tmp_path, first, died_of, kind):
    booted = start(f"{first} echo Oops: {died_of}: 0000 >{tmp_path}/pv-checks.console")
    with pytest.raises(boot.Broken, match="it ended too early") as error:
        list(booted.events())
    assert error.type is kind


def test_too_long(start):
    booted = start("while echo '# still there'; do sleep 0.1; done", longest=0.5)
    with pytest.raises(boot.Broken, match="not come to its end in 0 seconds"):
        list(booted.events())


def test_silence(start, fake_qemu, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.qemu.SERIAL_SECONDS", 0.1)
    booted = start(f"echo $$ >{tmp_path}/pid; echo ok 1 it works; exec sleep 100", silence=0.3)
    fake_qemu.open()
    with pytest.raises(
        boot.Hung, match=r"(?s)nothing heard for 0 seconds.*RIP=ffff82d040203000.*debug key d"
    ):
        list(booted.events())
    assert fake_qemu.told.count("stop") == fake_qemu.told.count("cont") == 2
    assert fake_qemu.typed == b"\x01\x01\x01qrae0d"
    assert gone(tmp_path / "pid")


def test_a_gpu_that_is_written_is_no_silence(start, tmp_path):
    booted = start(
        f"for i in 1 2 3 4; do sleep 0.2; echo $i >>{tmp_path}/pv-checks.gpu; done;"
        "echo ok 1 it works; echo 1..1",
        silence=0.6,
    )
    assert ktap.Result(True, "it works") in list(booted.events())


def test_silence_of_qemu_too(start, tmp_path):
    booted = start("exec sleep 100", silence=0.3)
    with pytest.raises(boot.Hung, match="(?s)QEMU does not answer.*cannot be reached"):
        list(booted.events())


@pytest.mark.parametrize("dom0", ["pvh", "pv"])
def test_a_silent_dom0_is_poked(start, fake_qemu, tmp_path, monkeypatch, dom0):
    monkeypatch.setattr(boot, "POKE", 0.2)
    booted = start("echo ok 1 it works; sleep 0.5; echo 1..1", dom0=dom0)
    fake_qemu.open()
    events = list(booted.events())
    assert [event for event in events if isinstance(event, ktap.Result)] == [
        ktap.Result(True, "it works")
    ]
    assert events[1:2] == [ktap.Note("poked, silent for 0 seconds")]
    assert fake_qemu.typed.startswith(qemu.WAKE)
    assert "# poked, silent for 0 seconds" in (tmp_path / "pv-checks.report").read_text()


@pytest.mark.parametrize("poke, poke_boot, poked", [(1000, 0.1, True), (0.1, 1000, False)])
def test_a_dom0_that_boots_has_longer(start, fake_qemu, monkeypatch, poke, poke_boot, poked):
    monkeypatch.setattr(boot, "POKE", poke)
    monkeypatch.setattr(boot, "POKE_BOOT", poke_boot)
    booted = start("sleep 0.5; echo ok 1 it works; echo 1..1")
    fake_qemu.open()
    notes = [event for event in booted.events() if isinstance(event, ktap.Note)]
    assert bool(notes) == poked


def test_a_boot_that_is_left_ends(start, tmp_path):
    booted = start(f"echo $$ >{tmp_path}/pid; echo ok 1 it works; exec sleep 100")
    events = booted.events()
    next(events)
    assert not gone(tmp_path / "pid")
    events.close()
    assert gone(tmp_path / "pid")


def test_the_monitor_refuses(fake_qemu, tmp_path):
    fake_qemu.open()
    with qemu.Monitor(f"{tmp_path}/pv-checks.qmp") as monitor, pytest.raises(
        qemu.Error, match="quit: never"
    ):
        monitor.execute("quit")


def test_command_line():
    line = qemu.command_line(
        "qemu", "log", 1, "xen.elf", "dom0=pvh", "vmlinux", "only=check_a,check_b skip=", "dom0.cpio"
    )
    assert line[0] == "qemu"
    assert line[line.index("-initrd") + 1] == "vmlinux only=check_a,,check_b skip=,dom0.cpio"


@pytest.fixture
def gpu_command(tmp_path, monkeypatch):
    """The command of a machine with a GPU, where the machine's QEMU and debian.sh are scripts."""

    def gpu_command(emulator, debian="exit 1"):
        for path, text in (("qemu", emulator), ("tests/debian.sh", debian)):
            script = tmp_path / path
            script.parent.mkdir(exist_ok=True)
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(0o755)
        monkeypatch.setattr(qemu, "QEMU", str(tmp_path / "qemu"))
        monkeypatch.setattr(images, "PROJECT", tmp_path)
        monkeypatch.setattr(images, "MACHINE", images.DEBIAN)
        return boot.Boot(tmp_path / "pvh-gpu", "pvh", "gpu", "xen.elf", gpu="skylake").command

    for cached in images.unpacked_emulator, images.machines_can_have_gpu:
        cached.cache_clear()
    yield gpu_command
    for cached in images.unpacked_emulator, images.machines_can_have_gpu:
        cached.cache_clear()


def test_a_gpu_in_the_machines_qemu(gpu_command):
    command = gpu_command('read line && [ "$line" = quit ]')
    assert command[command.index("--") + 1] == qemu.QEMU


def test_a_gpu_in_an_unpacked_qemu(gpu_command, tmp_path):
    command = gpu_command("kill -SEGV $$", f"echo $* >>{tmp_path}/told; echo /unpacked/qemu")
    assert command[command.index("--") + 1] == "/unpacked/qemu"
    assert (tmp_path / "told").read_text() == "qemu 12\n"


def test_a_gpu_in_no_qemu(gpu_command):
    with pytest.raises(images.Error, match="debian.sh qemu 12 failed, with exit status 1"):
        gpu_command("kill -SEGV $$")


@pytest.mark.parametrize(
    "machine, debian, unpacked",
    [("12", "12", False), ("12", "13", False), ("13", "13", False), ("13", "12", True)],
)
def test_a_machine_without_a_gpu(tmp_path, monkeypatch, machine, debian, unpacked):
    monkeypatch.setattr(images, "MACHINE", machine)
    monkeypatch.setattr(images, "DEBIAN", debian)
    monkeypatch.setattr(images, "machines_can_have_gpu", None)
    monkeypatch.setattr(images, "unpacked_emulator", lambda: "/unpacked/qemu")
    command = boot.Boot(tmp_path / "pvh-checks", "pvh", "checks", "xen.elf").command
    assert command[0] == ("/unpacked/qemu" if unpacked else qemu.QEMU)
