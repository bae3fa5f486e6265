"""The pieces of a drum kit: their keys in General MIDI, and map files for kits that have them on others.

A map file is TOML, a piece a line: `ride = 59`. What it doesn't say stays where General MIDI has it; `stick = false` leaves a piece
out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from improv.core.errors import ImprovError

PIECES = {
    "kick": 36, "snare": 38, "stick": 37, "closed": 42, "open": 46, "pedal": 44, "ride": 51, "bell": 53, "crash": 49,
    "high": 50, "mid": 47, "low": 43,
}  # fmt: skip
KICK, SNARE, STICK, CLOSED, OPEN, PEDAL, RIDE, BELL, CRASH, HIGH, MID, LOW = range(len(PIECES))
KEYS = tuple(PIECES.values())  # by the numbers above
NAMES = {
    "kick": "bass drum", "snare": "snare drum", "stick": "side stick", "closed": "hi-hat closed", "open": "hi-hat open",
    "pedal": "hi-hat by foot", "ride": "ride cymbal", "bell": "its bell", "crash": "crash cymbal", "high": "high tom", "mid": "middle tom",
    "low": "floor tom",
}  # fmt: skip


class KitError(ImprovError):
    """A map file that can't be read; the message says which line is wrong."""


@dataclass(frozen=True, slots=True)
class Kit:
    """keys: from keys of General MIDI to this kit's; None: it has no such piece."""

    keys: Mapping[int, int | None] = field(default_factory=dict)

    def key(self, key: int) -> int | None:
        """This kit's key for one of General MIDI, None where it has no such piece."""
        return self.keys.get(key, key)


GENERAL_MIDI = Kit()


def kit_of(text: str) -> Kit:
    """The kit of a map file. Raises KitError."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise KitError(f"no map of a drum kit ({e}); write a line for each piece, for example: ride = 59") from None
    keys: dict[int, int | None] = {}
    for name, key in said.items():
        if name not in PIECES:
            raise KitError(f"{name!r} is no piece of a drum kit; there are {', '.join(PIECES)}")
        if key is not False and (isinstance(key, bool) or not isinstance(key, int) or not 0 <= key <= 127):
            raise KitError(f"{name} = {key!r}: expected a MIDI key, 0 to 127, or false where the kit has none")
        keys[PIECES[name]] = None if key is False else key
    return Kit(keys)
