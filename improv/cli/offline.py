"""What a model plays when nobody waits: solos over a piece's changes, answers to its phrases. With the default settings."""

from __future__ import annotations

import queue
from collections.abc import Iterable

from improv.clock import OfflineClock
from improv.core.events import Event, NoteOff, NoteOn
from improv.core.improviser import Improviser
from improv.core.meter import FASTEST, SLOWEST
from improv.core.model import Model
from improv.core.settings import Settings
from improv.core.values import GRID, Vocabulary
from improv.engine import perform
from improv.show import notes_of
from improv.train.figures import Line
from improv.train.listening import Notes, Pair
from improv.train.piece import Piece


def improvise(model: Model, piece: Piece, seed: int) -> Line:
    """One solo over a piece's changes, at its tempo, as many bars long. Beat 0 of the piece must begin a bar."""
    real = Line.of(piece)
    bars = int(real.notes[-1][0] // real.bar) + 1
    improviser = _improviser(model, piece, "solo", seed, bars)
    sounded = notes_of(_played(improviser))
    beats = [(improviser.meter.beat(on), improviser.meter.beat(off), pitch) for on, off, pitch, _ in sounded]
    return Line([(on, pitch) for on, _, pitch in beats], real.changes, real.bar, [off - on for on, off, _ in beats])


def answer(model: Model, pair: Pair, seed: int) -> Notes:
    """What it answers when it has heard the solo up to the end of the call."""
    piece, durations, lags = pair.piece, Vocabulary().durations, Vocabulary().lags
    improviser = _improviser(model, piece, "trade", seed)
    heard = [(o, v.pitch, durations[v.duration] / GRID, lags[v.lag]) for o, v in zip(piece.onsets, piece.values, strict=True)]
    improviser.prime(heard[: pair.last], call=piece.onsets[pair.first] / GRID)
    position, pitch, duration, _ = heard[pair.last]
    on = max(improviser.meter.time(position / GRID), 0.0)
    played = _played(improviser, [NoteOn(on, pitch, 80), NoteOff(on + improviser.meter.seconds(duration), pitch)])
    return [(round(improviser.meter.beat(e.time) * GRID), e.pitch) for e in played if isinstance(e, NoteOn)]


def _improviser(model: Model, piece: Piece, mode: str, seed: int, bars: int | None = None) -> Improviser:
    settings = Settings(mode=mode, tempo=min(max(piece.bpm, SLOWEST), FASTEST), feel=piece.contexts[0].feel)
    return Improviser(model, settings, piece.changes, (piece.beats_a_bar, 4), seed, bars)


def _played(improviser: Improviser, script: Iterable[Event] = ()) -> list[Event]:
    played: list[Event] = []
    perform(improviser, OfflineClock(script), queue.SimpleQueue(), played.append)
    return played
