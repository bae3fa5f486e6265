"""An event as a line of JSON, and back. Floats come back bit for bit.

MIDI Clock's pulses, up to 48 a second and more, share a line: {"heard":"Pulse","pulses":[k,n,d,d,...]} are the times
n/2^k, (n+d)/2^k, and so on, in seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields
from itertools import pairwise
from typing import Any, NamedTuple

from improv.core.errors import ImprovError
from improv.core.events import KINDS, Event, Pulse

SIDES = ("heard", "overheard", "played", "filled", "dropped")  # filled: played while the model was too slow
GUARDED = "endless"  # {"endless": a note-off}: that was the one just played, of a note that sounded longer than it may
LONGEST = 2**16  # bytes of a line
MOST_PULSES = 1000  # on a line
FINEST = 1074  # of 2^-k: a float is a multiple of no finer step

encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class SessionError(ImprovError):
    """A session file that can't be used."""


class Line(NamedTuple):
    """An event of a session. late: seconds from its time to the port, where it was played. by: the number of the
    performer that overheard it. filled: not the model's choice, though it may have been dropped."""

    side: str
    event: Event
    late: float | None = None
    by: int | None = None
    filled: bool = False


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _number(v: object) -> bool:
    return isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e12  # no NaN either


def _text(v: object) -> bool:
    return isinstance(v, str)


def _flag(v: object) -> bool:
    return isinstance(v, bool)


_MIDI, _PART = _whole(0, 127), _whole(-1000, 1000)
_ANY: dict[str, Callable[[object], bool]] = {
    "time": _number,
    "pitch": _MIDI,
    "velocity": _MIDI,
    "channel": _whole(0, 15),
    "part": _PART,
    "control": _MIDI,
    "program": _MIDI,
    "value": _MIDI,
    "arrived": lambda v: v is None or _number(v),
    "kind": lambda v: v in ("start", "stop", "continue", "position"),
    "beat": lambda v: v is None or _number(v),
    "tempo": _number,
    "since": _number,
    "playing": _flag,
    "name": _text,
    "keep": _flag,
    "text": _text,
    "reason": _text,
    "number": _whole(0, 10**9),
    "position": _number,
    "bar_start": lambda v: v is None or _number(v),
    "surprise": lambda v: v is None or _number(v),
    "count": _whole(1, 1000),
    "unit": _whole(1, 1000),
}
_OWN: dict[tuple[str, str], Callable[[object], bool]] = {  # where a kind differs
    ("Setting", "value"): lambda v: v is None or _text(v) or _flag(v) or _number(v),
    ("Setting", "part"): lambda v: v is None or _PART(v),
    ("Learned", "part"): lambda v: v is None or _PART(v),
    ("Bookmark", "part"): lambda v: v is None or _PART(v),
    ("Sync", "beat"): _number,
}
_FIELDS = {kind: {f.name: (_OWN.get((kind, f.name), _ANY[f.name]), f.default is MISSING) for f in fields(KINDS[kind])} for kind in KINDS}


def to_line(side: str, event: Event, late: float | None = None, by: int | None = None, filled: bool = False) -> str:
    """An event as one line of JSON, without the line's end; side: one of SIDES."""
    kind = type(event).__name__
    record = {side: kind} | {name: getattr(event, name) for name in _FIELDS[kind]}
    if record.get("surprise", 0.0) is None:
        del record["surprise"]
    if late is not None:
        record["late"] = round(late, 7)
    if by is not None:
        record["by"] = by
    if filled:
        record["relief"] = True
    return encode(record)


def pulses_to_line(times: Sequence[float]) -> str:
    """Pulses that were heard one after the other, at most MOST_PULSES, as one line."""
    ratios = [float(t).as_integer_ratio() for t in times]
    k = max(below.bit_length() for _, below in ratios) - 1
    steps = [above << (k - below.bit_length() + 1) for above, below in ratios]
    return encode({"heard": "Pulse", "pulses": [k, steps[0], *(b - a for a, b in pairwise(steps))]})


def from_record(record: object) -> Iterator[Line]:
    """The events of a line: none where it tells of something else, several of pulses. Raises SessionError."""
    if not isinstance(record, dict):
        raise SessionError("not a JSON object")
    side = next((s for s in SIDES if isinstance(record.get(s), str)), None)
    if side is None:
        if isinstance(guarded := record.get(GUARDED), dict):
            yield Line(GUARDED, _event("NoteOff", guarded))
        return
    if side == "heard" and record[side] == "Pulse" and "pulses" in record:
        for time in _pulse_times(record["pulses"]):
            yield Line("heard", Pulse(time))
        return
    late, by = record.get("late"), record.get("by")
    if not (late is None or _number(late)) or not (by is None or _PART(by)):
        raise SessionError("not an event: late or by is no number")
    yield Line(side, _event(record[side], record), late, by, record.get("relief") is True)


def _event(kind: str, record: dict[str, Any]) -> Event:
    known = _FIELDS.get(kind)
    if known is None:
        raise SessionError(f"not an event: no kind {kind[:40]!r}")
    for name, (right, needed) in known.items():
        if name not in record:
            if needed:
                raise SessionError(f"not an event: {kind} without {name}")
        elif not right(record[name]):
            raise SessionError(f"not an event: {kind} with {name} {str(record[name])[:40]!r}")
    event: Event = KINDS[kind](**{name: record[name] for name in known if name in record})
    return event


def _pulse_times(numbers: object) -> Iterator[float]:
    whole = _whole(-(2**2200), 2**2200)
    if not isinstance(numbers, list) or not 2 <= len(numbers) <= MOST_PULSES + 1 or not all(whole(n) for n in numbers):
        raise SessionError("not pulses")
    k, step = numbers[0], 0
    for d in numbers[1:]:
        step += d
        try:
            time = step / 2**k if 0 <= k <= FINEST else math.nan
        except OverflowError:
            time = math.nan
        if not _number(time):
            raise SessionError("not pulses")
        yield time
