"""What the trials with others' programs stand on: a JACK server of their own, an ear, and improv in a process.

Needs Linux and jackd. Nothing outside the rig is touched: the server has its own name, and only what was started
here is ended.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from improv.midi.binding import rtmidi
from improv.midi.ports import close_client

RATE, PERIOD = 48_000, 128  # frames a second, frames
SERVERS = {  # -S: the server waits for a slow client, so that no period of it is lost, at the price of time that slips
    "realtime": ("-R", "-P", "70"),
    "sync": ("-R", "-P", "70", "-S"),
    "plain": ("-r",),
}
ON, OFF, PULSE, START, CONTINUE, STOP, POSITION = 0x90, 0x80, 0xF8, 0xFA, 0xFB, 0xFC, 0xF2


class TrialError(Exception):
    """A trial can't go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Rig:
    """The server's name, its log, and a folder for what a trial writes."""

    server: str
    log: Path
    folder: Path

    def xruns(self) -> int:
        """Periods that the server has missed until now, its drivers' and its clients' counted once each."""
        return len(re.findall(r"XRun", self.log.read_text(errors="replace")))


@contextmanager
def rig(folder: Path, how: Sequence[str]) -> Iterator[Rig]:
    """A JACK server with the dummy driver, 128 frames at 48 kHz, for this process and those it starts."""
    name = f"improv-trial-{os.getpid()}"
    log = folder / "jackd.log"
    os.environ["JACK_DEFAULT_SERVER"] = name
    os.environ["JACK_NO_START_SERVER"] = "1"
    with open(log, "wb") as out:
        server = subprocess.Popen(
            ["jackd", "-n", name, *how, "-d", "dummy", "-r", str(RATE), "-p", str(PERIOD)], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        try:
            subprocess.run(["jack_wait", "-w", "-t", "10"], check=True, capture_output=True)
        except subprocess.CalledProcessError:
            raise TrialError(f"jackd does not start: {log.read_text(errors='replace')[-300:]}") from None
        yield Rig(name, log, folder)
    finally:
        server.terminate()
        server.wait(10)
        del os.environ["JACK_DEFAULT_SERVER"]


@contextmanager
def started(*command: str, end: int = signal.SIGTERM, out: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block, by the signal `end`; what it prints goes to `out`."""
    with open(out or os.devnull, "wb") as file:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(end)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def connected(source: str, target: str) -> bool:
    """Connect two JACK ports if both are there; whether they were."""
    return subprocess.run(["jack_connect", source, target], capture_output=True).returncode == 0


def connect(source: str, target: str, timeout: float = 15.0) -> None:
    """Connect two JACK ports as soon as both are there."""
    deadline = time.perf_counter() + timeout
    while not connected(source, target):
        if time.perf_counter() > deadline:
            raise TrialError(f"no {source} or no {target} on JACK after {timeout:g} s")
        time.sleep(0.1)


def transport(*commands: str) -> None:
    """Tell JACK's transport: `locate FRAME`, `play`, `stop`."""
    subprocess.run(["jack_transport"], input="\n".join([*commands, "quit", ""]), text=True, capture_output=True, check=True)


class LineTracker:
    """An input port that hears everything connected to it, clock included, on one time line.

    Nothing of Python runs in JACK's thread: RtMidi queues the messages with JACK's own time, and they are taken when
    asked for. So the ear costs the server nothing, and its stamps are good to a JACK period (2.7 ms), which is what
    improv's own input port gets as well.
    """

    def __init__(self, name: str = "ear"):
        self._port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=name, queue_size_limit=65_536)
        self._port.open_virtual_port("in")
        self._port.ignore_types(sysex=True, timing=False, active_sense=True)
        self.name = f"{name}:in"
        self._now = 0.0
        self._open = True
        self._log: list[tuple[float, list[int]]] = []

    def log(self) -> list[tuple[float, list[int]]]:
        """All messages until now, with seconds since the first of them."""
        while self._open and (got := self._port.get_message()):
            self._now += got[1]
            self._log.append((self._now, got[0]))
        return self._log

    def times(self, status: int) -> np.ndarray:
        """When messages of a status came (channel messages: on any channel), seconds. A note-on of no velocity is none."""
        return np.array([t for t, m in self.log() if kind(m) == status])

    def sounding(self) -> int:
        """How many notes are open now."""
        opened: set[tuple[int, int]] = set()
        for _, message in self.log():
            key = (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
            if kind(message) == ON:
                opened.add(key)
            elif kind(message) == OFF:
                opened.discard(key)
        return len(opened)

    def close(self) -> None:
        """Close the port; what was heard stays in the log."""
        self.log()
        self._open = False
        close_client(self._port)


def kind(message: Sequence[int]) -> int:
    """A message's status without its channel; a note-on of velocity 0 is a note-off."""
    status = message[0] if message[0] >= 0xF0 else message[0] & 0xF0
    return OFF if status == ON and message[2] == 0 else status


@contextmanager
def tracker(*sources: str, name: str = "ear") -> Iterator[LineTracker]:
    """An ear, connected to ports that are there, or come within 15 s."""
    listening = LineTracker(name)
    try:
        for source in sources:
            connect(source, listening.name)
        yield listening
    finally:
        listening.close()


@dataclass(slots=True)
class Jam:
    """`improv jam` as it runs; `said` is all it printed, once it is over."""

    process: subprocess.Popen[str]
    session: Path
    said: str = ""

    def end(self, number: int = signal.SIGINT) -> int:
        """End it by a signal, or, with 0, wait for its own end. Returns the exit code."""
        if number:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=90)
        self.said += rest
        return self.process.returncode


@contextmanager
def jam(rig: Rig, name: str, *options: str) -> Iterator[Jam]:
    """`improv jam` on JACK with a session record, listening."""
    session = rig.folder / f"{name}.jsonl"
    command = [sys.executable, "-P", "-m", "improv", "jam", "--api", "jack", "--quiet", "--seed", "1", "--session", str(session), *options]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    playing = Jam(child, session)
    assert child.stdout
    try:
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=lambda: lines.put(child.stdout.readline() if child.stdout else ""), daemon=True).start()
        playing.said = lines.get(timeout=60)
        if not playing.said.startswith("listening on"):
            raise TrialError("improv: " + playing.said.strip() + " " + child.communicate(timeout=10)[0].strip())
        yield playing
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def has_option(*names: str) -> bool:
    """Whether this improv's `jam` knows all of these options."""
    said = subprocess.run([sys.executable, "-P", "-m", "improv", "jam", "--help"], capture_output=True, text=True, check=True).stdout
    return all(re.search(rf"{re.escape(name)}\b", said) for name in names)


def version(package: str) -> str:
    """The version of a Debian package, `?` where it isn't known."""
    if shutil.which("dpkg-query") is None:
        return "?"
    said = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True).stdout
    return said or "?"


def spread(errors: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Errors in seconds, as ms: the constant part, and what is left of them without it: p50, p99, max (all absolute)."""
    if not len(errors):
        return {"n": 0}
    ms = 1000 * np.asarray(errors, float)
    constant = float(np.median(ms))
    p50, p99, most = (float(x) for x in np.percentile(np.abs(ms - constant), [50, 99, 100]))
    return {"n": len(ms), "constant_ms": constant, "p50_ms": p50, "p99_ms": p99, "max_ms": most}


def steady(pulses: np.ndarray) -> dict[str, float]:
    """How pulses came: tempo, and their distance from the straight line through them, ms."""
    if len(pulses) < 3:
        return {"pulses": len(pulses)}
    n = np.arange(len(pulses))
    slope, first = np.polyfit(n, pulses, 1)
    off = 1000 * (pulses - first - slope * n)
    gaps = 1000 * np.diff(pulses)
    return {
        "pulses": len(pulses),
        "bpm": 60 / 24 / float(slope),
        "gap_min_ms": float(gaps.min()),
        "gap_max_ms": float(gaps.max()),
        "jitter_sd_ms": float(off.std()),
        "jitter_max_ms": float(np.abs(off).max()),
    }


def numbered(pulses: np.ndarray) -> np.ndarray:
    """The pulses' numbers, from 0. Where one or more were lost on the way, as a gap of whole periods shows, theirs are left out."""
    gaps = np.diff(pulses)
    if not len(gaps):
        return np.arange(len(pulses))
    periods = gaps / np.median(gaps)
    whole = np.maximum(np.round(periods), 1)
    return np.concatenate([[0], np.cumsum(np.where((np.abs(periods - whole) < 0.3) & (whole <= 6), whole, 1))])


def beat_at(times: np.ndarray, pulses: np.ndarray, reach: int = 24) -> np.ndarray:
    """The beat at each time, by the pulses round about it (a line through 2 * reach of them): the first pulse is beat 0.

    So the jitter of one pulse is no error of the grid, and a tempo that drifts is.
    """
    beats = []
    numbers = numbered(pulses)
    for time_ in times:
        nearest = int(np.searchsorted(pulses, time_))
        low, high = max(0, nearest - reach), min(len(pulses), nearest + reach)
        _, at = np.polyfit(pulses[low:high] - time_, numbers[low:high], 1)
        beats.append(at / 24)
    return np.array(beats)
