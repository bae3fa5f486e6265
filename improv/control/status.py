"""How a performance stands: one value, made by the performance, read by ctl, OSC, the metrics and the tests' doubles.

Tuples with names, so that `improv ctl`, which reads one, starts fast. Everything has a default: what a daemon of another
version does not tell is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Lateness(NamedTuple):
    """How late notes were handed over, in ms; None: none were. jitter: p99 - p50."""

    p50: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None
    jitter: float | None = None


class LatenessHistogram(NamedTuple):
    """le: upper bounds in ms, ascending. counts: notes within each alone, and one more for those that were later. sum: in ms."""

    le: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    sum: float = 0.0


class PerformerStatus(NamedTuple):
    """port: its MIDI output; None: a virtual port. there: whether the port is. missed: events that it could not take.

    settings: those that differ from their defaults. waits: silenced, for a key or the command `play`.
    quoted: share of its notes, 0 to 1, in figures of nine notes that a solo has which the model learned from; quoted_in_rhythm:
    in figures of seven with their rhythm; longest_quote: notes of the longest stretch of such. None: the model knows no solos.
    surprise_bits: of its latest note; heard_surprise_bits: of yours, where the setting `surprise` asks for it.
    """

    mode: str | None = None
    model: str | None = None
    temperature: float | None = None
    port: str | None = None
    there: bool = True
    missed: int = 0
    settings: Mapping[str, Any] = {}
    waits: bool = False
    quoted: float | None = None
    quoted_in_rhythm: float | None = None
    longest_quote: int | None = None
    surprise_bits: float | None = None
    heard_surprise_bits: float | None = None


class InputStatus(NamedTuple):
    """port, there: as a performer's. echo: whether what we play comes back on it, and so is not listened to."""

    port: str | None = None
    there: bool = True
    echo: bool = False


class Status(NamedTuple):
    """since: date and time. time: of the performance clock, in seconds. mode, model, clock, tempo: the first performer's.

    bar, beat: from 1, beats in the bar as the metre counts them. position: in the song, in quarter notes. sure: of the
    beat, 0 to 1. heard, played: notes; filled: those that a riff played since the model was too slow; dropped: too late;
    guarded: those that had to be closed. inbox_dropped: events, by why. queue: events that wait. step_us: microseconds
    that a step of the model takes, thinking around it included. sounding: notes. session: the record's path.
    waits: what it waits for before it plays, in words; None: for nothing. harmony: what is heard of it, in words; over changes that
    were given, only where the player departs from them; None: there is nothing to say.
    key: of the changes, or as it is heard, such as E or C#m; None: it isn't known.
    """

    since: str | None = None
    time: float | None = None
    mode: str | None = None
    model: str | None = None
    tempo: float | None = None
    beat: float | None = None
    bar: int | None = None
    position: float | None = None
    clock: str | None = None
    sure: float | None = None
    running: bool = False
    heard: int = 0
    played: int = 0
    filled: int = 0
    dropped: int = 0
    guarded: int = 0
    inbox_dropped: Mapping[str, int] = {}
    queue: int = 0
    reconnects: int = 0
    step_us: float | None = None
    lateness_ms: Lateness = Lateness()
    lateness_histogram: LatenessHistogram = LatenessHistogram()
    sounding: int = 0
    session: str | None = None
    priority: str | None = None
    waits: str | None = None
    harmony: str | None = None
    key: str | None = None
    performers: Mapping[str, PerformerStatus] = {}
    inputs: Mapping[str, InputStatus] = {}


PARTS = ("inbox_dropped", "lateness_ms", "lateness_histogram", "performers", "inputs")  # fields that hold more than one figure
FIGURES = tuple(name for name in Status._fields if name not in PARTS)


def as_json(value: Any) -> Any:
    """A status, or a part of one, as JSON takes it."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {name: as_json(inner) for name, inner in value.items()}
    return [as_json(inner) for inner in value] if isinstance(value, tuple) else value


def read_status(told: object) -> Status:
    """The status that was told as JSON. What it says beside is left out, and so is a part that makes no sense."""
    found = _fields(Status, told)
    for name, row in (("performers", PerformerStatus), ("inputs", InputStatus)):
        parts = found.get(name)
        found[name] = {n: row(**_fields(row, part)) for n, part in parts.items()} if isinstance(parts, Mapping) else {}
    found["lateness_ms"] = Lateness(**_fields(Lateness, found.get("lateness_ms")))
    histogram = _fields(LatenessHistogram, found.get("lateness_histogram"))
    lists = {name: tuple(inner) for name, inner in histogram.items() if isinstance(inner, list)}
    found["lateness_histogram"] = LatenessHistogram(**(histogram | lists))
    return Status(**found)


def _fields(row: Any, told: object) -> dict[str, Any]:
    return {name: told[name] for name in row._fields if name in told} if isinstance(told, Mapping) else {}
