"""Measure what moods sound like: solos of some moods and seeds, and the figures in which they should differ.

    python scripts/measure_moods.py [--seeds 10] [--bars 8] [MOOD ...]

Printed for each mood, over all its solos: tempo, notes a beat and a second, mean pitch, mean velocity, and how many of
the notes are the major and how many the minor third of the key.
"""

from __future__ import annotations

import argparse
import queue
from collections.abc import Sequence
from dataclasses import dataclass

from improv.core.events import Event, NoteOn
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.mood.choose import choose
from improv.mood.numerals import tonic_of
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

FIVE = ("joyful", "triumphant", "peaceful", "sad", "dark")


@dataclass(frozen=True, slots=True)
class Heard:
    """A solo in figures. tempo: quarter notes a minute; density: notes a beat; pitch, velocity: means;
    major, minor: shares of the notes that are the major or the minor third above the tonic."""

    tempo: float
    density: float
    pitch: float
    velocity: float
    major: float
    minor: float


def listen(model: Model, words: str, seed: int, bars: int) -> Heard:
    """Play a solo of a mood, as `improv solo --mood` does, and measure it."""
    choice = choose(words, seed)
    settings = Settings(mode="solo", tempo=choice.tempo, **choice.settings)
    improviser = Improviser(model, settings, parse_changes(choice.changes), seed=seed, bars=bars)
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(), queue.SimpleQueue(), played.append)
    notes = [e for e in played if isinstance(e, NoteOn)]
    over = [(e.pitch - tonic_of(choice.key)) % 12 for e in notes]
    return Heard(
        choice.tempo,
        len(notes) / (4 * bars),
        sum(e.pitch for e in notes) / len(notes),
        sum(e.velocity for e in notes) / len(notes),
        over.count(4) / len(notes),
        over.count(3) / len(notes),
    )


def mean(solos: Sequence[Heard]) -> Heard:
    columns = ([getattr(s, name) for s in solos] for name in Heard.__slots__)
    return Heard(*(sum(column) / len(solos) for column in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("moods", nargs="*", default=FIVE, metavar="MOOD")
    parser.add_argument("--seeds", type=int, default=10, help="solos of each (default: 10)")
    parser.add_argument("--bars", type=int, default=8, help="how long (default: 8)")
    args = parser.parse_args()
    model = load_model("jazz")
    print(f"{'mood':12} {'tempo':>6} {'notes/beat':>10} {'notes/s':>8} {'pitch':>6} {'velocity':>8} {'major 3rds':>10} {'minor 3rds':>10}")
    for mood in args.moods:
        h = mean([listen(model, mood, seed, args.bars) for seed in range(args.seeds)])
        rates = f"{h.density:10.2f} {h.density * h.tempo / 60:8.2f}"
        print(f"{mood:12} {h.tempo:6.0f} {rates} {h.pitch:6.1f} {h.velocity:8.1f} {h.major:10.0%} {h.minor:10.0%}", flush=True)


if __name__ == "__main__":
    main()
