"""Keys, and how pitch classes are spelled in them: G# in E, Ab in Eb.

Names stand on the line of fifths, ... Bb F C G D A E B F# ..., with C at 0. In a key there are the twelve from five below the
tonic to six above it: all degrees of major and of the three minors, the flat second, and the raised fourth. The chord on a raised
degree that leads upwards is a diminished one, so those are spelled further up: C#dim7 in C, but Db7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from improv.core.harmony.scales import NAMES, Chord, HarmonyError
from improv.core.harmony.symbols import root_text

_LETTERS = "FCGDAEB"  # on the line of fifths, from -1
# Where the tonic of a major and of a minor key stands, by pitch class.
_MAJOR = (0, -5, 2, -3, 4, -1, -6, 1, -4, 3, -2, 5)
_MINOR = (0, 7, 2, -3, 4, -1, 6, 1, 8, 3, -2, 5)
_FLATTEST, _SHARPEST = -7, 12  # Cb to B#: beyond them the plainer name is written
_BELOW, _LEADING = 5, 2  # where the twelve begin, below the tonic; and for diminished chords
_KEY = re.compile(r"([A-Ha-h])(b|#|♭|♯|)[\s_-]*(maj(?:or)?|min(?:or)?|m|)$", re.IGNORECASE)
_MODES = {(0, 2, 4, 5, 7, 9, 11): False, (0, 2, 3, 5, 7, 8, 10, 11): True}


def fifths_name(place: int) -> str:
    """The name at a place on the line of fifths: 0 is C, 6 is F#, -6 is Gb."""
    letter, signs = _LETTERS[(place + 1) % 7], (place + 1) // 7
    return letter + ("#" * signs if signs > 0 else "b" * -signs)


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its tonic as a pitch class, and whether it is minor."""

    tonic: int
    minor: bool = False

    def __str__(self) -> str:
        return fifths_name(self._place) + ("m" if self.minor else "")

    @property
    def _place(self) -> int:
        return (_MINOR if self.minor else _MAJOR)[self.tonic]

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes: of major; of natural minor, and its leading note."""
        steps = next(steps for steps, minor in _MODES.items() if minor == self.minor)
        return frozenset((self.tonic + step) % 12 for step in steps)

    def name(self, pitch_class: int, leading: bool = False) -> str:
        """How a pitch class is spelled in the key. leading: it is the root of a diminished chord, which leads upwards."""
        first = self._place - (_LEADING if leading else _BELOW)
        place = first + (7 * pitch_class - first) % 12  # seven semitones are one fifth, and 7 * 7 = 49 = 1 in twelve
        while place > _SHARPEST:
            place -= 12
        while place < _FLATTEST:
            place += 12
        return fifths_name(place)

    def spelled(self, chord: Chord) -> str:
        """A chord's symbol with root and bass as they are spelled in the key; the rest as its text has it, or its kind."""
        if chord.root is None:
            return "NC"
        kind = "" if chord.kind == "maj" else chord.kind
        if chord.text:
            kind = chord.text[len(root_text(chord.text)) :]
            kind = kind.rpartition("/")[0] if chord.bass is not None and "/" in kind else kind
        leading = chord.kind in ("dim", "m7b5")
        bass = f"/{self.name(chord.bass)}" if chord.bass is not None and chord.bass != chord.root else ""
        return f"{self.name(chord.root, leading)}{kind}{bass}"


def pitch_name(pitch: int, key: Key | None = None) -> str:
    """Scientific pitch notation: 60 is C4; as it is spelled in a key, where one is known."""
    if key is None:
        return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"
    name = key.name(pitch % 12)
    octave = (pitch - name.count("#") + name.count("b")) // 12 - 1  # B#3 is C4
    return f"{name}{octave}"


def key_of_chords(chords: Iterable[tuple[Chord, float]]) -> Key | None:
    """The key of chords, each with its length in beats: the one that has most of their tones, and of those the one whose tonic lasts
    longest, and ends. None where there are none."""
    lasting = [(chord, beats) for chord, beats in chords if chord.root is not None]
    if not lasting:
        return None

    def fit(key: Key) -> float:
        scale, own = key.scale, ("m" if key.minor else "M")
        inside = sum(beats * (len(chord.tones & scale) / len(chord.tones) - 1.0) for chord, beats in lasting)
        home = [beats for chord, beats in lasting if chord.root == key.tonic and _mode(chord) == own]
        last = lasting[-1][0].root == key.tonic or lasting[0][0].root == key.tonic
        return inside + 0.25 * sum(home) + 0.05 * last * sum(beats for _, beats in lasting)

    return max((Key(tonic, minor) for minor in (False, True) for tonic in range(12)), key=fit)


def _mode(chord: Chord) -> str:
    """Of which mode a chord is the tonic, if it is one: M or m; a blues has dominants for tonics."""
    return {"maj": "M", "6": "M", "maj7": "M", "maj7#11": "M", "7": "M", "m": "m", "m6": "m", "m7": "m", "mmaj7": "m"}.get(chord.kind, "")


def parse_key(text: str) -> Key:
    """A key as people write it: Eb, F#m, C minor, Bb-maj, a. Raises HarmonyError."""
    found = _KEY.fullmatch(text.strip())
    if not found:
        raise HarmonyError(f"key {text!r}: expected one such as Eb, F#m or C minor")
    letter, sign, mode = found[1], found[2], found[3]
    place = _LETTERS.index("B" if letter in "hH" else letter.upper()) - 1
    tonic = (7 * place + {"": 0, "b": -1, "♭": -1, "#": 1, "♯": 1}[sign]) % 12
    minor = mode == "m" or mode.lower().startswith("min") or (letter.islower() and not mode)
    return Key(tonic, minor)
