"""A performance as it happens, in the terminal: a line an event."""

from __future__ import annotations

import math
from collections.abc import Callable

from improv.core.events import Event, NoteOn, Setting, Transport
from improv.core.harmony import Changes, Chord, pitch_name
from improv.core.harmony.spelling import Key
from improv.core.meter import Meter

LOWEST, HIGHEST = 36, 96  # the keyboard that a terminal line spans
NEAREST = 0.005  # beats
MARKS = {"heard": ("you", "o"), "played": ("improv", "#")}


def line(
    side: str,
    event: Event,
    meter: Meter,
    changes: Changes | None = None,
    heard: Chord | None = None,
    key: Key | None = None,
    reads: Callable[[str], str] = str,
) -> str | None:
    """A note as one line: bar and beat, the chord, who plays, the key on a keyboard laid flat. heard: the chord that is heard, where no
    changes are given. key: in which notes, and chords that are heard, are spelled. reads: the symbol of a chord that
    is heard as the player reads it."""
    if isinstance(event, Setting):
        return f"{'':15}{event.name} is now {event.value}"
    if isinstance(event, Transport):
        beat, metres = event.beat, meter.metres
        where = "" if beat is None else f" {metres.bar_of(beat) + 1}:{metres.within_bar(beat) + 1:g}"
        return f"{'':15}{event.kind}{where}"
    if not isinstance(event, NoteOn):
        return None
    beat = meter.beat(event.time) + NEAREST  # as it is shown: what is shown as on a bar line is of the bar that begins there
    who, mark = MARKS[side]
    sounds = changes.harmony(meter.position(beat)).chord if changes else heard
    chord = ""
    if sounds is not None and (changes or sounds.root is not None):
        chord = str(sounds) if changes else reads(key.spelled(sounds) if key else str(sounds))
    at = round((min(max(event.pitch, LOWEST), HIGHEST) - LOWEST) * 59 / (HIGHEST - LOWEST))
    keys = "".join(mark if i == at else "|" if i in (0, 59) else " " for i in range(60))
    place = f"{meter.bar_of(beat) + 1}:{math.floor(100 * meter.within_bar(beat)) / 100 + 1:.2f}"
    return f"{place:>8} {chord:<8} {who:<6} {keys} {pitch_name(event.pitch, key):<4}"
