"""Every setting of an improviser: its range, its default, what it does. One table.

Settings are values: `changed` gives a new one. They arrive as `Setting` events, wherever the wish came from.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from improv.core import beats, modes
from improv.core.errors import ImprovError
from improv.core.meter import FASTEST, SLOWEST
from improv.core.vocabulary import FEELS

MODES = tuple(modes.MODES)
ENTRIES = ("beat", "bar", "now")
VOICING = ("rules", "learned")
CLOCKS = tuple(beats.CLOCKS)
DRUMS = 10  # the channel of a click, or of a count-in, where no other is said

# name: (lowest, highest) or the choices, and what it is for.
TABLE: dict[str, tuple[tuple[Any, ...], str]] = {
    "mode": (
        MODES,
        "; ".join(f"{name}: {row.help}" for name, row in modes.MODES.items()),
    ),
    "clock": (
        CLOCKS,
        "; ".join(f"{name}: {row.help}" for name, row in beats.CLOCKS.items()),
    ),
    "tempo": ((SLOWEST, FASTEST), "quarter notes a minute; with another clock, where it begins"),
    "count_in": ((0, 8), "bars that are clicked before bar one"),
    "click": ((0, 16), "MIDI channel of the metronome; 0: none, and 10 for a count-in"),
    "trade": ((0, 32), "bars to trade, from bar one and you first: 4 for fours; 0: as the phrases go"),
    "grain": ((0.0, 100.0), "ms between two looks of the MIDI system at its ports, as it says itself"),
    "temperature": ((0.05, 3.0), "how adventurous the pitches: below 1 safer, above 1 wilder"),
    "rhythm_temperature": ((0.05, 3.0), "how adventurous the rhythm, likewise"),
    "density": ((-2.0, 2.0), "how many notes: above 0 more, below 0 fewer, 0 as the model has learned"),
    "top_p": ((0.05, 1.0), "share of probability, of the likeliest pitches and lengths, that is drawn from"),
    "recall": ((0.0, 3.0), "how much what was played before in this performance is taken up again: 0 not at all"),
    "learned": ((0.0, 1.0), "how much of what was learned of you (--learn, --profile) it plays by: 0 nothing, 1 all of it"),
    "low": ((0, 127), "lowest MIDI pitch played; 60 is middle C"),
    "high": ((0, 127), "highest MIDI pitch played"),
    "enter": (ENTRIES, "answers start on the next beat, the next bar, or at once"),
    "feel": (FEELS, "swing, straight, or any: as the music suggests"),
    "loudness": ((-64, 64), "added to every velocity: above 0 louder"),
    "interval": ((-24, 24), "echo: semitones from your note to its echo; 0: to a chord tone below"),
    "voicing": (VOICING, "comp: chords by rule, or as learned from pianists' hands"),
    "accents": ((0.0, 2.0), "how much louder accented notes are: 0 all alike, 1 as the player does"),
}
_NAMED = {"mode", "clock", "enter", "feel", "voicing"}
_WHOLE = {"low", "high", "loudness", "interval", "count_in", "click", "trade"}


class SettingError(ImprovError):
    """An unknown setting, or a value outside its range."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One value for each row of TABLE."""

    mode: str = "trade"
    clock: str = "internal"
    tempo: float = 120.0
    count_in: int = 0
    click: int = 0
    trade: int = 0
    grain: float = 0.0
    temperature: float = 1.1  # by `improv eval --improvise`: intervals, phrases and rests nearest to real solos
    rhythm_temperature: float = 1.0
    density: float = 0.0
    top_p: float = 1.0
    recall: float = 1.5  # 1 foretells best; by `improv eval --listening`, 1.5 answers as real soloists do
    learned: float = 1.0
    low: int = 50
    high: int = 84
    enter: str = "beat"
    feel: str = "swing"
    loudness: int = 0
    interval: int = 0
    voicing: str = "rules"  # by scripts/compare_voicings.py
    accents: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))
        if self.high - self.low < 11:
            raise SettingError(f"low {self.low} and high {self.high}: the range must span an octave")

    def changed(self, name: str, value: Any) -> Settings:
        """The settings with one changed. Raises SettingError."""
        if name not in TABLE:
            raise SettingError(f"no setting {name!r}; there are {', '.join(TABLE)}")
        return replace(self, **{name: value})

    def taken(self, name: str, value: Any) -> Settings:
        """As `changed`; but where the two don't go together (a range below an octave, wished from two sides at once), nothing changes."""
        try:
            return self.changed(name, value)
        except SettingError:
            return self


def _check(name: str, value: Any) -> None:
    limits, _ = TABLE[name]
    if name in _NAMED:
        if value not in limits:
            raise SettingError(f"{name} {value!r}: expected one of {', '.join(limits)}")
        return
    kinds = (int,) if name in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not limits[0] <= value <= limits[1]:
        whole = "a whole number " if name in _WHOLE else ""
        raise SettingError(f"{name} {value!r}: expected {whole}from {limits[0]:g} to {limits[1]:g}")
