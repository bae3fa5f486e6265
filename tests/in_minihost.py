"""The plugin in a host that nobody here wrote (minihost), with the real engine in a process of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from improv.bridge.bundles import binary, write_vst3
from improv.bridge.instances import instances
from improv.bridge.parameters import NUMBERS, PARAMETERS

ROOT = Path(__file__).parents[1]
RATE = 48000
LONGEST = 2048
PATIENCE = 60.0  # seconds for an engine to start on a busy machine
Message = tuple[int, int, int, int]  # frame, status, two bytes
Song = Callable[[int], tuple[float, float, tuple[int, int]]]  # of a frame: tempo, position in quarter notes, metre
Loop = tuple[float, float]  # quarter notes


def needed() -> Any:
    """The host, where it is, and the plugin."""
    minihost = pytest.importorskip("minihost", reason="minihost is not installed (pip install minihost)")
    if binary() is None:
        pytest.skip("the plugin is not built: install a C compiler, and run python plugin/hatch_build.py")
    return minihost


def steady(tempo: float) -> Song:
    return lambda frame: (tempo, frame * tempo / 60.0 / RATE, (4, 4))


@contextmanager
def home(folder: Path) -> Iterator[Path]:
    """The plugin and its settings in a folder, and engines that run this improv and write there. Gives the VST3."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / "plugin.conf").write_text(f"improv plugin 1\npython={python}\nversion=test\n")
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    named = {"IMPROV_PLUGIN_SETTINGS": folder / "plugin.conf", "XDG_DATA_HOME": folder, "XDG_RUNTIME_DIR": folder / "run"}
    before = {name: os.environ.get(name) for name in named}
    os.environ.update({name: str(path) for name, path in named.items()})
    built = binary()
    assert built
    try:
        yield write_vst3(folder, built)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class Track:
    """An instance of the plugin on a track. Frames count from the start of the song, also where it is played again."""

    def __init__(self, minihost: Any, bundle: Path, **parameters: float):
        self.plugin = minihost.Plugin(str(bundle), RATE, LONGEST)
        self.late: list[float] = []  # seconds that each block took
        for symbol, value in parameters.items():
            self.set(symbol, value)

    def set(self, symbol: str, value: float) -> None:
        """A parameter, in its own unit."""
        row = PARAMETERS[NUMBERS[symbol]]
        self.plugin.set_param(NUMBERS[symbol], (value - row.lowest) / (row.highest - row.lowest))

    def ready(self) -> None:
        """Blocks with the transport stopped, until the engine answers."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self._block(64, 0, [], (120.0, 0.0, (4, 4)), playing=False)
            if any(one.status == "ready" and one.active for one in instances(folder_of_rings())):
                return
            time.sleep(0.01)
        raise AssertionError("the engine did not start")

    def play(
        self,
        seconds: float,
        song: Song,
        heard: Sequence[Message] = (),
        blocks: Sequence[int] = (64,),
        offline: bool = False,
        loop: Loop | None = None,
        moves: Sequence[tuple[int, str, float]] = (),
        stands: float = 0.0,
    ) -> list[Message]:
        """Start, play, stop. Live, each block waits for its time. Returns what came out, with its frames.

        stands: seconds for which the transport stands before it starts.
        """
        self.plugin.non_realtime = offline
        for _ in range(max(round(stands * RATE / 512), 1)):
            self._block(64, 0, [], song(0), playing=False)
            time.sleep(512 / RATE if stands else 0.0)
        out: list[Message] = []
        began, frame, turn = time.perf_counter(), 0, 0
        waits, moving = sorted(heard), sorted(moves)
        while frame < seconds * RATE:
            size = blocks[turn % len(blocks)]
            turn += 1
            if not offline:
                ahead = began + frame / RATE - time.perf_counter()
                if ahead > 0:
                    time.sleep(ahead)
                elif -ahead > size / RATE:  # a sound card would not wait either: what was missed is not made up for
                    began -= ahead
            while moving and moving[0][0] < frame + size:
                _, name, value = moving.pop(0)
                self.set(name, value)
            events = []
            while waits and waits[0][0] < frame + size:
                at, *message = waits.pop(0)
                events.append((at - frame, *message))
            entered = time.perf_counter()
            said = self._block(size, frame, events, song(frame), loop=loop)
            self.late.append(time.perf_counter() - entered)
            out += [(frame + offset, *message) for offset, *message in said]
            frame += size
        out += [(frame + offset, *message) for offset, *message in self._block(64, frame, [], song(frame), playing=False)]
        return out

    def _block(
        self, size: int, frame: int, events: Sequence[tuple[int, ...]], at: tuple[float, float, tuple[int, int]],
        playing: bool = True, loop: Loop | None = None,
    ) -> list[tuple[int, ...]]:  # fmt: skip
        tempo, position, (count, unit) = at
        ends = [round(beat * 60.0 / tempo * RATE) for beat in loop or (0.0, 0.0)]
        self.plugin.set_transport(tempo, count, unit, frame, position, playing, False, loop is not None, *ends)
        silence = np.zeros((2, size), np.float32)
        sound = np.ones_like(silence)
        said: list[tuple[int, ...]] = self.plugin.process_midi(silence, sound, list(events))
        assert not sound.any()  # an instrument that is silent
        return said

    def close(self) -> None:
        self.plugin.close()


def folder_of_rings() -> Path:
    from improv.bridge.library import path_of

    return path_of("improv_folder")


def note_ons(messages: Sequence[Message]) -> list[tuple[int, int, int]]:
    return [(frame, pitch, velocity) for frame, status, pitch, velocity in messages if status & 0xF0 == 0x90 and velocity]


def hanging(messages: Sequence[Message]) -> set[tuple[int, int]]:
    """Notes that sound on at the end: channel, pitch."""
    sounding: set[tuple[int, int]] = set()
    for _, status, pitch, velocity in messages:
        key = status & 15, pitch
        if status & 0xF0 == 0x90 and velocity:
            sounding.add(key)
        elif status & 0xF0 in (0x80, 0x90):
            sounding.discard(key)
    return sounding
