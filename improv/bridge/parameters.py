"""What a host can automate: a row for each parameter of the plugin, in the order of their numbers.

Projects hold the numbers, so a number is never given to another parameter: new ones come last. Names, ranges, defaults and words
are those of the settings. `scripts/write_parameters.py` writes `plugin/parameters.h` from these rows, and a test compares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from improv.core.errors import ImprovError
from improv.core.settings import SETTINGS, SettingRow

MODELS = ("jazz", "pocket", "tutorial", "bass", "drums")  # those that improv brings


class ParameterError(ImprovError):
    """No such parameter, or a value that it doesn't take."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row. symbol: the setting's name, as LV2 and the state have it. label, unit: for people. words: the choices, else numbers.

    whole: only whole numbers. lowest, highest, default: in the unit; of words, their indices. setting: None where it is no setting.
    """

    symbol: str
    label: str
    unit: str
    lowest: float
    highest: float
    default: float
    whole: bool
    words: tuple[str, ...] = ()
    setting: SettingRow | None = None

    def value_of(self, number: float) -> str | int | float:
        """A host's number as the value of a setting: the word, the whole number, or the number, kept within its limits."""
        number = min(max(number, self.lowest), self.highest) if number == number else self.default
        if self.words:
            return self.words[round(number)]
        return round(number) if self.whole else float(number)

    def number_of(self, value: object) -> float:
        """A setting's value, or the text of one, as the host's number. Raises ParameterError where it has none."""
        if self.words:
            if value in self.words:
                return float(self.words.index(str(value)))
            raise ParameterError(f"{self.symbol} {value!r}: expected one of {', '.join(self.words)}")
        try:
            number = float(value) if isinstance(value, str | int | float) else math.nan
        except ValueError:
            number = math.nan
        if not self.lowest <= number <= self.highest or (self.whole and not number.is_integer()):
            whole = "a whole number " if self.whole else ""
            raise ParameterError(f"{self.symbol} {value!r}: expected {whole}from {self.lowest:g} to {self.highest:g}")
        return number


def _of(name: str, label: str, unit: str = "") -> Parameter:
    row = SETTINGS[name]
    if row.is_word:
        return Parameter(name, label, unit, 0, len(row.limits) - 1, row.limits.index(row.default), True, row.limits, row)
    return Parameter(name, label, unit, row.limits[0], row.limits[1], row.default, row.is_whole, (), row)


PARAMETERS = (
    _of("mode", "Mode"),
    _of("trade", "Trade", "bars"),
    _of("enter", "Enter"),
    _of("temperature", "Temperature"),
    _of("rhythm_temperature", "Rhythm temperature"),
    _of("density", "Density"),
    _of("top_p", "Top p"),
    _of("recall", "Recall"),
    _of("low", "Lowest note", "MIDI"),
    _of("high", "Highest note", "MIDI"),
    _of("feel", "Feel"),
    _of("loudness", "Loudness"),
    _of("interval", "Echo interval", "semitones"),
    _of("voicing", "Voicing"),
    _of("accents", "Accents"),
    Parameter("seed", "Seed", "", 0, 9999, 1, True),  # the same seed, the same music
    Parameter("bypass", "Bypass", "", 0, 1, 0, True),
    Parameter("model", "Model", "", 0, len(MODELS) - 1, 0, True, MODELS),
    Parameter("channel", "Output channel", "", 1, 16, 1, True),
    Parameter("thru", "Pass on what is heard", "", 0, 1, 0, True),
    _of("style", "Style"),
    _of("level", "Level"),
    _of("split", "Your line from", "MIDI"),
    _of("harmony_channel", "Channel of chords"),
    _of("quote", "Quotations"),
    _of("surprise", "Surprise controller"),
    _of("outside", "Outside"),
)
NUMBERS = {row.symbol: number for number, row in enumerate(PARAMETERS)}


def moves_of(wanted: object, values: Sequence[float] = ()) -> dict[int, float]:
    """Parameters that somebody wants changed, by name, as their numbers and the host's numbers. values: those of now, if known.

    Raises ParameterError where one is unknown or takes no such value, or where the range would be less than an octave.
    """
    if not isinstance(wanted, Mapping):
        raise ParameterError("set: expected names and values")
    moves: dict[int, float] = {}
    for name, value in wanted.items():
        if name not in NUMBERS:
            raise ParameterError(f"no parameter {str(name)[:40]!r}; there are {', '.join(NUMBERS)}")
        moves[NUMBERS[name]] = PARAMETERS[NUMBERS[name]].number_of(value)
    if not values:
        return moves
    low, high = (moves.get(NUMBERS[name], values[NUMBERS[name]]) for name in ("low", "high"))
    if moves.keys() & {NUMBERS["low"], NUMBERS["high"]} and high - low < 11:
        raise ParameterError(f"low {low:g} and high {high:g}: the range must span an octave")
    first = "high" if high >= values[NUMBERS["high"]] else "low"  # a range is widened before it is narrowed
    return dict(sorted(moves.items(), key=lambda move: move[0] != NUMBERS[first]))
