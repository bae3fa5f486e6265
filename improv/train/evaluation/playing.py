"""What a model plays when nobody waits: solos over a piece's changes, answers to its phrases. With the default settings."""

from __future__ import annotations

import math
import queue
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, notes_of
from improv.core.harmony import Changes
from improv.core.improviser import Improviser
from improv.core.meter import FASTEST, SLOWEST
from improv.core.metres import Metres
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.core.vocabulary import GRID, Vocabulary
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.train.evaluation.figures import SoloLine
from improv.train.evaluation.listening import Notes, Pair
from improv.train.evaluation.turns import struck_of
from improv.train.piece import Piece


def improvise(model: NoteModel, piece: Piece, seed: int) -> SoloLine:
    """One solo over a piece's changes, at its tempo, as many bars long. Beat 0 of the piece must begin a bar."""
    real = SoloLine.of(piece)
    bars = real.metres.bar_of(real.notes[-1][0]) + 1
    band, improviser = alone(model, piece, "solo", seed, bars)
    sounded = notes_of(_played(band))
    beats = [(improviser.meter.beat(on), improviser.meter.beat(off), pitch) for on, off, pitch, _ in sounded]
    return SoloLine([(on, pitch) for on, _, pitch in beats], real.changes, real.metres, [off - on for on, off, _ in beats])


@dataclass(frozen=True, slots=True)
class PlayedTake:
    """What a model played alone: events with beats for times, over changes, in bars of these metres."""

    events: Sequence[Event]
    changes: Changes | None
    tempo: float
    metres: Metres

    def notes(self) -> list[tuple[float, float, int]]:
        """(on, off, pitch), in beats."""
        return [(on, off, pitch) for on, off, pitch, _ in notes_of(self.events)]


def play_over(model: NoteModel, piece: Piece, seed: int, bars: int) -> PlayedTake:
    """So many bars over a piece's changes, at its tempo; freely where it has none. Beat 0 of the piece must begin a bar."""
    band, improviser = alone(model, piece, "solo", seed, bars)
    events = [replace(event, time=improviser.meter.beat(event.time)) for event in _played(band)]
    return PlayedTake(events, piece.changes, improviser.meter.tempo, piece.metres)


def answer(model: NoteModel, pair: Pair, seed: int) -> Notes:
    """What it answers when it has heard the solo up to the end of the call."""
    piece, durations, lags = pair.piece, Vocabulary().durations, Vocabulary().lags
    band, improviser = alone(model, piece, "trade", seed)
    heard = [(o, v.pitch, durations[v.duration] / GRID, lags[v.lag]) for o, v in zip(piece.onsets, piece.values, strict=True)]
    improviser.prime(heard[: pair.last], call=piece.onsets[pair.first] / GRID)
    position, pitch, duration, _ = heard[pair.last]
    on = max(improviser.meter.time(position / GRID), 0.0)
    played = _played(band, [NoteOn(on, pitch, 80), NoteOff(on + improviser.meter.seconds(duration), pitch)])
    return [(round(improviser.meter.beat(e.time) * GRID), e.pitch) for e in played if isinstance(e, NoteOn)]


def entries(model: NoteModel, piece: Piece) -> list[float | None]:
    """The beat on which it enters after each note of a solo, if it does so before the next one.

    It hears the solo alone: an entry is noted and not played, so what it would have played disturbs neither its
    memory nor the next entry. Beat 0 of the piece must begin a bar.
    """
    listener = Listener(*alone(model, piece, "trade", seed=0))
    script: list[Event] = []
    for note in (struck := struck_of(piece)):
        script += [NoteOn(listener.meter.time(note.on), note.pitch, 80), NoteOff(listener.meter.time(note.off), note.pitch)]
    perform(listener, OfflineClock(script), queue.SimpleQueue(), lambda event: None)
    ends = [*[note.on for note in struck[1:]], math.inf]
    entered = deque(listener.entered)
    return [entered.popleft() if entered and entered[0] < until else None for until in ends]


class Listener:
    """A band that never plays: where the improviser would begin an answer, the beat is noted, and it listens on."""

    def __init__(self, band: Band, improviser: Improviser):
        self.entered: list[float] = []  # beats
        self.done = -math.inf  # nothing is ever played
        self.meter = improviser.meter
        self._band = band

    @property
    def due(self) -> float | None:
        return self._band.due

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        for event in heard:  # who comes in on the same instant is heard first
            self._band.advance(event.time, [event])
        due = self.due
        if due is not None and due <= now:
            self.entered.append(self.meter.beat(due))
            self.silence(now)
        return []

    def silence(self, now: float) -> list[Event]:
        return self._band.silence(now)


def alone(
    model: NoteModel, piece: Piece, mode: str, seed: int, bars: int | None = None, wanted: Mapping[str, Any] | None = None
) -> tuple[Band, Improviser]:
    """An improviser alone in a band, and its beat, which runs from 0 s. wanted: settings other than the usual ones."""
    usual: dict[str, Any] = {"mode": mode, "tempo": min(max(piece.bpm, SLOWEST), FASTEST), "feel": piece.contexts[0].feel}
    settings = Settings(**(usual | dict(wanted or {})))
    timekeeper = Timekeeper(settings, piece.metres)
    timekeeper.begin(0.0)
    improviser = Improviser(model, settings, piece.changes, timekeeper.meter, seed, bars)
    return Band([Slot(improviser)], timekeeper), improviser


def _played(band: Band, script: Iterable[Event] = ()) -> list[Event]:
    played: list[Event] = []
    perform(band, OfflineClock(script), queue.SimpleQueue(), played.append)
    return played
