"""What flood.py and bad_days.py share: a JACK server of our own, `improv jam` on it, and a player who listens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from improv.midi.binding import rtmidi
from improv.midi.ports import close_client

JACK = rtmidi.API_UNIX_JACK
CALL = [62, 65, 69, 72, 71, 67, 65, 64]


def start_server(name: str) -> subprocess.Popen[bytes]:
    """A JACK server with the dummy driver, under a name of its own; it is there when this returns."""
    os.environ["JACK_DEFAULT_SERVER"] = name
    command = ["jackd", "-n", name, "-S", "-R", "-P", "70", "-d", "dummy", "-r", "48000", "-p", "256"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["jack_wait", "-w", "-t", "10"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return server


def opened(kind: Any, name: str) -> Any:
    """A client; a server on a busy machine does not always answer at once."""
    for _ in range(20):
        try:
            return kind(JACK, name=name)
        except rtmidi.RtMidiError:
            time.sleep(0.5)
    return kind(JACK, name=name)


class Rig:
    """`improv jam` on a server, and what came out of it. Use as a context."""

    def __init__(self, name: str, *options: str, code: str = ""):
        self.got: list[tuple[float, list[int]]] = []
        self.summary: dict[str, Any] = {}
        self.said = ""
        self._name, self._options, self._code = name, options, code  # code: is run in the jam before it starts

    def __enter__(self) -> Rig:
        self._server = start_server(self._name)
        self._folder = tempfile.TemporaryDirectory()
        self.session = Path(self._folder.name) / "s.jsonl"
        self.errors = Path(self._folder.name) / "errors"
        run = f"{self._code}\nimport sys; from improv.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", run, "jam", "--api", "jack", "--json", "--session", str(self.session), "--seed", "1"]
        with open(self.errors, "w") as errors:
            self.jam = subprocess.Popen([*command, *self._options], stdout=subprocess.PIPE, stderr=errors, text=True)
        self.out = opened(rtmidi.MidiOut, "keys")
        self.ears = opened(rtmidi.MidiIn, "ears")
        self.out.open_virtual_port("out")
        self.ears.open_virtual_port("in")
        self.ears.set_callback(lambda message, _: self.got.append((time.perf_counter(), message[0])))
        for pair in (("keys:out", "improv:in"), ("improv:out", "ears:in")):
            deadline = time.perf_counter() + 20
            while subprocess.run(["jack_connect", *pair], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                if time.perf_counter() > deadline:
                    raise RuntimeError("improv's ports never came: " + self.errors.read_text())
                time.sleep(0.1)
        time.sleep(1.0)
        return self

    def send(self, *message: int) -> None:
        self.out.send_message(list(message))

    def play(self, step: float = 0.2) -> None:
        for pitch in CALL:
            self.send(0x90, pitch, 90)
            time.sleep(0.8 * step)
            self.send(0x80, pitch, 0)
            time.sleep(0.2 * step)

    def answered(self, seconds: float = 15.0) -> float | None:
        """Play a call; seconds until a note comes back, None for never."""
        self.play()
        since = time.perf_counter()
        while time.perf_counter() - since < seconds:
            notes = [at for at, m in list(self.got) if at > since and m[0] & 0xF0 == 0x90]
            if notes:
                return notes[0] - since
            time.sleep(0.01)
        return None

    def open_notes(self) -> int:
        """How many notes sound, by what reached the listener."""
        sounding: set[tuple[int, int]] = set()
        for _, m in list(self.got):
            key = m[0] & 0x0F, m[1] if len(m) > 1 else -1
            if m[0] & 0xF0 == 0x90:
                sounding.add(key)
            elif m[0] & 0xF0 == 0x80:
                sounding.discard(key)
        return len(sounding)

    def memory(self) -> float:
        """MB that the jam holds."""
        return int(Path(f"/proc/{self.jam.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def handles(self) -> int:
        return len(os.listdir(f"/proc/{self.jam.pid}/fd"))

    def end(self) -> None:
        """Ctrl-C, and what it says then."""
        if self.jam.poll() is None:
            self.jam.send_signal(signal.SIGINT)
        try:
            said, _ = self.jam.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.jam.kill()
            said = ""
        self.said = self.errors.read_text()
        self.summary = json.loads(said.splitlines()[-1]) if said.strip() else {}
        time.sleep(0.3)

    def __exit__(self, *_: object) -> None:
        self.jam.kill()
        self.jam.communicate()
        for port in (self.out, self.ears):
            close_client(port)
        self._server.terminate()
        self._server.wait()
        self._folder.cleanup()
