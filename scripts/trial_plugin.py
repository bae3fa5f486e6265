"""The plugin with its engine in a host (minihost), in real time: notes on their samples, loops, jumps, ramps, and how late an echo is.

    pip install minihost
    python plugin/hatch_build.py                 # in a checkout
    python scripts/trial_plugin.py        # all, in about four minutes
    python scripts/trial_plugin.py echo loop --rounds 100

Each trial is played live and compared with its bounce, which is the same project rendered offline: there every note is exact, since
the host waits. A line says how many notes were the same, to the sample, and what the others were. Exit code 1 where one differs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
from in_minihost import RATE, Loop, Message, Song, Track, hanging, home, needed, note_ons, steady  # noqa: E402 - it is in tests/

from improv.perform.priority import raise_priority  # noqa: E402

TRADE, SOLO, ECHO, COMP = 0.0, 1.0, 2.0, 3.0
UNFORESEEN = 0.05  # seconds after a break
LINE = (60, 62, 63, 65, 67, 68, 70, 72)
BLOCKS: tuple[tuple[int, ...], ...] = ((32,), (64,), (512,), (2048,), (64, 2048, 100, 32, 512))


def calls(seconds: float, every: float = 7.0) -> list[Message]:
    """A phrase of the player's, off the grid, now and then."""
    found: list[Message] = []
    for start in np.arange(0.503, seconds - 2.5, every):
        for i, pitch in enumerate(LINE):
            on = int((start + i * 0.25) * RATE)
            found += [(on, 0x90, pitch, 80), (on + int(0.2 * RATE), 0x80, pitch, 0)]
    return found


def ramp(start: float, end: float, seconds: float) -> Song:
    """A tempo that goes evenly from one to another, and stays."""

    def at(frame: int) -> tuple[float, float, tuple[int, int]]:
        t = min(frame / RATE, seconds)
        tempo = start + (end - start) * t / seconds
        position = (start + tempo) / 2 * t / 60.0 + max(frame / RATE - seconds, 0.0) * end / 60.0
        return tempo, position, (4, 4)

    return at


def looped(tempo: float, beats: float) -> Song:
    return lambda frame: (tempo, frame * tempo / 60.0 / RATE % beats, (4, 4))


def jumping(tempo: float, after: float, to: float) -> Song:
    """After so many seconds it goes on at another place."""
    first = round(after * RATE / 64) * 64

    def at(frame: int) -> tuple[float, float, tuple[int, int]]:
        return tempo, frame * tempo / 60.0 / RATE if frame < first else to + (frame - first) * tempo / 60.0 / RATE, (4, 4)

    return at


def metres(tempo: float) -> Song:
    """Four bars of 4/4, then of 3/4."""
    return lambda frame: (tempo, frame * tempo / 60.0 / RATE, (4, 4) if frame * tempo / 60.0 / RATE < 16 else (3, 4))


class Trials:
    """One instance for all that is alike. wrong: trials in which something differs that should not."""

    def __init__(self, minihost: Any, bundle: Path, rounds: int):
        self.minihost, self.bundle, self.rounds, self.wrong = minihost, bundle, rounds, 0
        self.track = Track(minihost, bundle)
        self.track.ready()

    def compare(
        self, what: str, mode: float, seconds: float, song: Song, heard: Sequence[Message], blocks: Sequence[int], loop: Loop | None = None,
        slack: int = 0, breaks: Sequence[float] = (0.0,),
    ) -> None:  # fmt: skip
        """slack: samples by which a live note may lie elsewhere. breaks: seconds at which the transport starts or jumps, which nobody can
        foresee: a note right there may be late."""
        track = self.track
        track.set("mode", mode)
        live = []
        found = []
        for offline in (True, False):
            live = track.play(seconds, song, heard, blocks, offline=offline, loop=loop)
            found.append([note for note in note_ons(live) if note[0] < (seconds - 0.1) * RATE])
        bounce, notes = found
        alike = [note[1:] for note in notes] == [note[1:] for note in bounce]
        off = [abs(a[0] - b[0]) for a, b in zip(bounce, notes, strict=True)] if alike else []
        near = [any(0 <= note[0] - at * RATE < UNFORESEEN * RATE for at in breaks) for note in bounce]
        rest = [much for much, excused in zip(off, near, strict=False) if not excused]
        good = bool(off) and not hanging(live) and max(rest, default=0) <= slack
        self.wrong += not good
        late = [much for much, excused in zip(off, near, strict=False) if much and excused]
        more = f", {len(late)} right after a break, {max(late) / RATE * 1000:.1f} ms later" if late else ""
        if any(rest):
            more += f", {sum(map(bool, rest))} off by {max(rest)} at most"
        if not alike:
            more = f", others differ: {sorted(set(notes) ^ set(bounce))[:6]}"
        same = len(set(notes) & set(bounce))
        print(f"{what}: {same} of {len(bounce)} notes on their samples{more}{'' if good else '  <-- WRONG'}", flush=True)

    def blocks(self) -> None:
        for blocks in BLOCKS:
            self.compare(f"blocks {blocks}, trade", TRADE, 16.0, steady(120.0), calls(16.0), blocks)

    def tempi(self) -> None:
        for tempo in (60.0, 93.7, 137.0, 240.0):
            self.compare(f"tempo {tempo:g}, solo, blocks of 64", SOLO, 8.0, steady(tempo), (), (64,))
        self.compare("ramp from 60 to 240 in 12 s, solo, blocks of 64", SOLO, 14.0, ramp(60.0, 240.0, 12.0), (), (64,), slack=1)

    def loop(self) -> None:
        seconds = self.rounds * 16 * 60.0 / 240.0
        self.compare(
            f"loop of four bars, {self.rounds} rounds, solo, blocks of 64", SOLO, seconds, looped(240.0, 16.0), (), (64,), (0.0, 16.0)
        )

    def jump(self) -> None:
        self.compare("jump, solo, blocks of 64", SOLO, 10.0, jumping(120.0, 5.0, 50.25), (), (64,), breaks=(0.0, 5.0))
        self.compare("from 4/4 to 3/4, solo, blocks of 64", SOLO, 14.0, metres(120.0), (), (64,))

    def echo(self) -> None:
        """How long after its key an echo comes out, at blocks of 64 frames, 19 keys a second for 30 seconds."""
        rng = np.random.default_rng(1)
        heard: list[Message] = []
        on = 0.5 * RATE
        keys = []
        while on < 30 * RATE:
            pitch = 60 + int(rng.integers(24))
            keys.append(int(on))
            heard += [(int(on), 0x90, pitch, 80), (int(on + 0.02 * RATE), 0x80, pitch, 0)]
            on += float(rng.uniform(0.045, 0.06)) * RATE
        self.track.set("mode", ECHO)
        echoes = [frame for frame, _, _ in note_ons(self.track.play(30.5, steady(120.0), heard, (64,)))]
        self.track.set("mode", TRADE)
        at = np.searchsorted(keys, echoes, side="right") - 1
        late = np.array(echoes) - np.array(keys)[at]
        p50, p99, most = (float(x) / RATE * 1000 for x in np.percentile(late, [50, 99, 100]))
        limit = 64 / RATE * 1000 + 1.0
        self.wrong += p99 > limit
        word = "" if p99 <= limit else f"  <-- WRONG, expected {limit:.2f} ms"
        print(
            f"echo, blocks of 64: {len(echoes)} of {len(keys)} keys; p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {most:.2f} ms{word}",
            flush=True,
        )

    def start(self) -> None:
        """A note on the very first sample, which these seeds play: in time if the transport stood for a moment, late if not."""
        self.track.set("mode", SOLO)
        for stands in (0.0, 0.4):
            late: list[int] = []
            for seed in (3.0, 11.0):
                self.track.set("seed", seed)
                for block in (64, 512, 2048):
                    late += [note_ons(self.track.play(0.4, steady(120.0), (), (block,), stands=stands))[0][0] for _ in range(3)]
            wrong = stands > 0 and max(late) > 0
            self.wrong += wrong
            text = f"first sample, after the transport stood for {stands:g} s: {late.count(0)} of {len(late)} starts on it"
            print(f"{text}, at most {max(late) / RATE * 1000:.1f} ms late{'  <-- WRONG' if wrong else ''}", flush=True)
        self.track.set("seed", 1.0)
        self.track.set("mode", TRADE)

    def eight(self) -> None:
        """Eight instances at once, each with its engine, in one thread: blocks of 512."""
        began = time.perf_counter()
        tracks = [Track(self.minihost, self.bundle, mode=SOLO, seed=float(i + 1)) for i in range(8)]
        for track in tracks:
            track.ready()
        ready = time.perf_counter() - began
        outs = [note_ons(track.play(6.0, steady(120.0), (), (512,), offline=True)) for track in tracks]
        different = len({tuple(pitch for _, pitch, _ in out) for out in outs})
        self.wrong += different < 8
        for track in tracks:
            track.close()
        print(f"8 instances: ready after {ready:.1f} s, {different} different solos, {sum(map(len, outs))} notes", flush=True)


def trials(of: Trials) -> Iterator[tuple[str, Callable[[], None]]]:
    for name in ("blocks", "tempi", "loop", "jump", "start", "echo", "eight"):
        yield name, getattr(of, name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help="blocks, tempi, loop, jump, start, echo, eight")
    parser.add_argument("--rounds", type=int, default=10, help="of the loop (default: 10)")
    args = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print(f"the host's thread: {raise_priority()[0].text}")
    minihost = needed()
    with tempfile.TemporaryDirectory() as folder, home(Path(folder)) as bundle:
        run = Trials(minihost, bundle, args.rounds)
        for name, trial in trials(run):
            if not args.only or name in args.only:
                trial()
        run.track.close()
        time.sleep(0.5)  # engines end
    return int(run.wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
