"""What the trials in the Linux guest stand on: programs started and read, users, a USB keyboard, and somebody who plays on ALSA.

Runs as root in the guest of scripts/linux_guest.py, where nothing needs to be spared. Needs python-rtmidi there, nothing of improv.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rtmidi

IMPROV = "/opt/improv/bin/improv"
ALSA, JACK = rtmidi.API_LINUX_ALSA, rtmidi.API_UNIX_JACK
LINE = (62, 65, 69, 72, 71, 67, 65, 62, 64, 67, 71, 74, 72)
TRIES = 4
SLOW = 300.0  # seconds: an emulated machine takes ten times as long, and longer where its host is busy
GADGET = Path("/sys/kernel/config/usb_gadget/keys")
KEYSTATION = "Keystation 61"


class Failed(Exception):
    """A trial saw what must not be; the message says what."""


def must(true: object, text: str) -> None:
    if not true:
        raise Failed(text)


def until(true: Callable[[], object], what: str, seconds: float = SLOW) -> float:
    """Wait until something holds. Returns the seconds that it took."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise Failed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


# Programs and users


def as_user(user: str | None, command: Sequence[str]) -> list[str]:
    """The command as another user, as after a login; None: as root."""
    if user is None:
        return list(command)
    who = pwd.getpwnam(user)
    session = (f"HOME={who.pw_dir}", f"XDG_RUNTIME_DIR=/run/user/{who.pw_uid}", "PATH=/opt/improv/bin:/usr/bin:/bin:/usr/sbin")
    become = ("setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--init-groups")  # unlike runuser, it hands signals on
    return [*become, "env", "-i", *session, *command]


def ran(*command: str, user: str | None = None, folder: str = "/", limit: float = 240.0) -> tuple[int, str]:
    """The exit code of a program, and all that it said."""
    done = subprocess.run(
        as_user(user, command), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit
    )
    text = done.stdout.decode(errors="replace").strip()
    print(f"$ {' '.join(command)}{f'   as {user}' if user else ''}\n{text}\n[{done.returncode}]", flush=True)
    return done.returncode, text


def new_user(name: str, groups: str = "", system: bool = False, session: bool = False) -> str:
    """A user; session: one that is logged in for ever."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        ran("useradd", "--create-home", *(["--system"] if system else []), *(["--groups", groups] if groups else []), name)
    if session:
        ran("loginctl", "enable-linger", name)
        until(lambda: Path(f"/run/user/{pwd.getpwnam(name).pw_uid}/systemd").exists(), f"a session of {name}")
    return name


class Program:
    """A program that runs meanwhile, and what it has said."""

    def __init__(self, *command: str, user: str | None = None, folder: str = "/"):
        self._path = Path(f"/tmp/said-{time.monotonic_ns()}")
        with self._path.open("wb") as file:
            self.child = subprocess.Popen(
                as_user(user, command), cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
        self._command = " ".join(command)

    @property
    def said(self) -> str:
        return self._path.read_text(errors="replace")

    def says(self, text: str, after: int = 0, seconds: float = SLOW) -> float:
        """Wait until it has said something. after: how much it had said before. Returns the seconds that it took."""

        def there() -> bool:
            if text in self.said[after:]:
                return True
            must(self.child.poll() is None, f"it ended with {self.child.returncode} before {text!r}: {self.said[-300:]!r}")
            return False

        return until(there, f"{text!r} said by {self._command}; it said {self.said[after:][-300:]!r}", seconds)

    def end(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """End it. Returns its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Failed(f"{self._command} does not end at signal {number}") from None
        finally:
            print(f"$ {self._command}\n{self.said.strip()}\n[{self.child.poll()}]", flush=True)


@contextmanager
def program(*command: str, user: str | None = None, folder: str = "/") -> Iterator[Program]:
    """A program that is ended with the block."""
    running = Program(*command, user=user, folder=folder)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.end()
        else:
            print(f"$ {running._command}\n{running.said.strip()}\n[{running.child.returncode}]", flush=True)


# Modules and a USB keyboard


def load(*modules: str) -> None:
    for module in modules:
        must(ran("modprobe", *module.split())[0] == 0, f"modprobe {module}")


def plug() -> None:
    """A USB keyboard is plugged in: the kernel's own gadget, on its dummy bus. What plays it is the client f_midi."""
    if GADGET.exists():
        unplug()
    load("dummy_hcd", "libcomposite", "usb_f_midi")
    for each, text in {
        "idVendor": "0x1d6b",
        "idProduct": "0x0104",
        "strings/0x409/manufacturer": "improv",
        "strings/0x409/product": KEYSTATION,
        "functions/midi.0/id": "keys",
        "configs/c.1/MaxPower": "100",
    }.items():
        path = GADGET / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (GADGET / "configs/c.1/midi.0").symlink_to(GADGET / "functions/midi.0")
    (GADGET / "UDC").write_text(os.listdir("/sys/class/udc")[0])
    until(lambda: address(KEYSTATION), "the USB keyboard on ALSA")


def unplug() -> None:
    """It is pulled out, and thrown away: the next one is another."""
    (GADGET / "UDC").write_text("\n")
    (GADGET / "configs/c.1/midi.0").unlink()
    for each in ("configs/c.1", "functions/midi.0", "strings/0x409", ""):
        (GADGET / each).rmdir()
    until(lambda: not address(KEYSTATION), "the USB keyboard gone from ALSA")


def address(name: str) -> str | None:
    """The client number of a name on ALSA's sequencer."""
    for line in subprocess.run(["aconnect", "-l"], capture_output=True, text=True).stdout.splitlines():
        if line.startswith("client ") and f"'{name}'" in line:
            return line.split()[1].rstrip(":")
    return None


# Somebody who plays


class Stranger:
    """A client that improv's authors did not write: it plays a line and hears what comes. name: its clients are NAME-out and NAME-in."""

    def __init__(self, api: int = ALSA, name: str = "stranger"):
        self._out = rtmidi.MidiOut(api, name=f"{name}-out")
        self._in = rtmidi.MidiIn(api, name=f"{name}-in")
        self.heard: list[tuple[float, int]] = []
        self.sounding: set[tuple[int, int]] = set()
        self.ended: set[tuple[int, int]] = set()  # keys for which a note-off ever came
        self._in.set_callback(self._on)

    def _on(self, event: tuple[list[int], float], _: object) -> None:
        message = event[0]
        if len(message) < 3:
            return
        key = (message[0] & 15, message[1])
        if message[0] & 0xF0 == 0x90 and message[2]:
            self.heard.append((time.monotonic(), message[1]))
            self.sounding.add(key)
        elif message[0] & 0xF0 in (0x80, 0x90):
            self.sounding.discard(key)
            self.ended.add(key)

    def offer(self) -> None:
        """Ports of its own, for others to connect to."""
        self._out.open_virtual_port("board")
        self._in.open_virtual_port("synth")

    def join(self, plays_to: str, hears: str, seconds: float = SLOW) -> float:
        """Connect to ports whose names begin so. Returns the seconds that it took."""
        took = 0.0
        for port, name in ((self._out, plays_to), (self._in, hears)):
            found: list[str] = []

            def there(port: object = port, name: str = name, found: list[str] = found) -> bool:
                found[:] = [n for n in port.get_ports() if n.startswith(name)]  # type: ignore[attr-defined]
                return bool(found)

            took += until(there, f"a port {name}", seconds)
            port.open_port(port.get_ports().index(found[0]))
        return took

    def note(self, pitch: int, long: float) -> None:
        self._out.send_message([0x90, pitch, 84])
        time.sleep(long)
        self._out.send_message([0x80, pitch, 0])

    def line(self, notes: Sequence[int] = LINE, gap: float = 0.25) -> float:
        """Play a line. Returns when it was over."""
        for pitch in notes:
            self.note(pitch, gap - 0.03)
            time.sleep(0.03)
        return time.monotonic()

    def answer(self, line: Sequence[int] = LINE, enough: int = 4, seconds: float = 30.0) -> float:
        """Play a line and wait for so many notes of an answer. Returns the seconds to its first.

        On a host that is busy the guest stands still for seconds, and improv drops what comes too late: so the line is played
        up to TRIES times, seconds apart.
        """
        for attempt in range(TRIES):
            before = len(self.heard)
            over = self.line(line)
            try:
                until(lambda before=before: len(self.heard) >= before + enough, f"{enough} notes of an answer", seconds)
            except Failed:
                if attempt == TRIES - 1:
                    raise Failed(f"no {enough} notes of an answer within {seconds:.0f} s, {TRIES} times") from None
            else:
                return self.heard[before][0] - over
        raise AssertionError

    def close(self) -> None:
        self._in.cancel_callback()
        for port in (self._out, self._in):
            port.close_port()
            port.delete()


@contextmanager
def stranger(api: int = ALSA, name: str = "stranger") -> Iterator[Stranger]:
    someone = Stranger(api, name)
    try:
        yield someone
    finally:
        someone.close()
