"""Ardour's side of the trials: a take without a screen, and what stands in it. And jack_mclk_dump's reading of a clock."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from xml.etree import ElementTree

import mido
import numpy as np
from trial_rig import CONTINUE, RATE, START, LineTracker, Rig, TrialError, beat_at, connect, connected, started

BPM = 120  # Ardour's default, in 4/4
SUPERCLOCK = 282_240_000  # Ardour's ticks of time a second
TRIES = 5
SCRIPT = Path(__file__).with_name("trial_ardour.lua")


@dataclass(frozen=True, slots=True)
class TakeFile:
    """A recorded take. at: the beat it begins at on Ardour's time line; notes: (beat, channel 1-16, pitch), by beat."""

    at: float
    notes: tuple[tuple[float, int, int], ...]

    def beats(self, channel: int | None = None) -> np.ndarray:
        return np.array([b for b, c, _ in self.notes if channel in (None, c)])


def record(
    rig: Rig, name: str, source: str, listening: LineTracker, seconds: float, clock_to: str = "", again: float = 0, at: int = 0
) -> list[TakeFile]:
    """Ardour records `source` while it sends clock to `clock_to` and to the ear. Its takes, in order.

    About one start in five fails: two threads of Ardour 7.3 speak to jackd 1.9.21 at once, and the server cuts the
    connection ("Unknown request" in its log). That is before anything rolls, so it is tried again.
    """
    for attempt in range(TRIES):
        folder = rig.folder / f"{name}-{attempt}"
        settings = {"DIR": folder, "FROM": source, "CLOCK_TO": clock_to, "SECONDS": seconds, "AGAIN": again, "AT": at}
        environment = os.environ | {f"TAKE_{key}": str(value) for key, value in settings.items()}
        said = rig.folder / f"{name}-{attempt}.log"
        with open(said, "wb") as out:
            child = subprocess.Popen(["ardour7-lua", str(SCRIPT)], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            while child.poll() is None and not connected("ardour:MIDI Clock out", listening.name):
                time.sleep(0.1)
            child.wait(60 + seconds + again)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        rolled = said.read_text(errors="replace").count("rolled to")
        takes = read_takes(folder) if rolled == 1 + (again > 0) and child.returncode == 0 else []
        if takes:
            return takes
        if listening.times(START).size or listening.times(CONTINUE).size:
            break  # it fell while rolling; the listener has heard half a take
    raise TrialError(f"ardour7-lua ended with {child.returncode} and no take: {said.read_text(errors='replace')[-300:]}")


def read_takes(folder: Path) -> list[TakeFile]:
    """The takes of a session folder, by when they begin."""
    takes = []
    for source in ElementTree.parse(folder / "take.ardour").getroot().iter("Source"):
        files = list(folder.glob(f"interchange/*/midifiles/{source.get('name')}"))
        place = source.get("natural-position", "")
        if files and place.startswith("a"):
            at = int(place[1:]) / SUPERCLOCK * BPM / 60
            takes.append(TakeFile(at, tuple(read_notes(files[0], at))))
    return sorted(takes, key=lambda take: take.at)


def read_notes(path: Path, at: float) -> list[tuple[float, int, int]]:
    file = mido.MidiFile(path)
    notes, tick = [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "note_on" and message.velocity:
            notes.append((at + tick / file.ticks_per_beat, message.channel + 1, message.note))
    return notes


def distances(beats: np.ndarray) -> np.ndarray:
    """Seconds from each note to the nearest place of a grid of beats, which lies where most of them are.

    So a player that is not in phase with the grid (the plain client) is measured as well; the phase is the constant part.
    """
    if not len(beats):
        return beats
    phase = float(np.angle(np.exp(2j * np.pi * beats).mean()) / (2 * np.pi))
    return (((beats - phase + 0.5) % 1.0) - 0.5 + phase) * 60 / BPM


@dataclass(frozen=True, slots=True)
class Meant:
    """A session record's first stretch between Start and Stop: pulses (seconds) and the solo's notes (seconds, pitch)."""

    pulses: np.ndarray
    notes: tuple[tuple[float, int], ...]

    @property
    def gaps(self) -> int:
        """Places where a pulse, or more, is missing or came late by over half a pulse."""
        between = np.diff(self.pulses)
        return int(np.sum(between > 1.5 * np.median(between))) if len(between) else 0


def meant(session: Path) -> Meant:
    pulses: list[float] = []
    notes: list[tuple[float, int]] = []
    rolling = False
    for line in session.read_text().splitlines()[1:]:
        event = json.loads(line)
        if event.get("heard") == "Transport":
            if event["kind"] == "stop" and rolling:
                break
            rolling = rolling or event["kind"] in ("start", "continue")
        elif event.get("heard") == "Pulse" and rolling:
            arrived = event.get("arrived")
            pulses.append(event["time"] if arrived is None else arrived)
        elif (event.get("played") or event.get("filled")) == "NoteOn" and event["channel"] == 0:
            notes.append((event["time"], event["pitch"]))
    return Meant(np.array(pulses), tuple(notes))


def solo_errors(take: TakeFile, wanted: Meant) -> np.ndarray:
    """Seconds between where the solo's notes were meant to be, by the session's record, and where Ardour has them.

    Meant: the note's time in the record, as a beat by the pulses that improv heard since Start.
    """
    recorded = [(beat, pitch) for beat, channel, pitch in take.notes if channel == 1]
    if len(wanted.pulses) < 48 or not recorded or not wanted.notes:
        return np.array([])
    beats = take.at + beat_at(np.array([t for t, _ in wanted.notes]), wanted.pulses)
    same = SequenceMatcher(None, [p for _, p in wanted.notes], [p for _, p in recorded], autojunk=False).get_matching_blocks()
    pairs = [(block.a + i, block.b + i) for block in same for i in range(block.size)]
    return np.array([(recorded[b][0] - beats[a]) * 60 / BPM for a, b in pairs])


CLOCK = re.compile(r"CLK cur:.*?@ (\d+)")


def read_clock(
    rig: Rig, source: str, go: Callable[[], object], seconds: float, halt: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """What jack_mclk_dump reads from a port in `seconds` after `go`, until after `halt`: tempo, distance of pulses from a steady one."""
    told = rig.folder / f"{source.split(':')[0]}-mclk.txt"
    with started("jack_mclk_dump", "-n", out=told, end=signal.SIGINT):
        connect(source, "jack_mclk_dump:mclk_in")
        go()
        time.sleep(seconds)
        halt()
        time.sleep(0.5)
    text = told.read_text(errors="replace")
    frames = np.array([int(f) for f in CLOCK.findall(text)], float)
    figures = {"pulses": float(len(frames)), "starts": float(text.count("(0xfa)")), "stops": float(text.count("(0xfc)"))}
    if len(frames) > 48:
        n = np.arange(len(frames))
        slope, first = np.polyfit(n, frames, 1)
        off = 1000 / RATE * np.abs(frames - first - slope * n)
        figures |= {"bpm": 60 * RATE / 24 / slope, "off_p50_ms": float(np.median(off)), "off_p99_ms": float(np.percentile(off, 99))}
        told_bpm = [float(x) for x in re.findall(r"flt:\s+([\d.]+)\[BPM\]", text)][48:]
        figures |= {"its_bpm_min": min(told_bpm), "its_bpm_max": max(told_bpm)}
    return figures
