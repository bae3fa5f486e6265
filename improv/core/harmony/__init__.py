"""Chord symbols, scales, changes, and the chord that held notes make.

Pitch classes are integers 0-11 with C = 0. Beats are quarter notes.
Chord families and their scales follow common chord-scale practice (M. Levine,
The Jazz Theory Book, 1995, chapters 3 and 4).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from improv.core.errors import ImprovError

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# kind: (chord tones, scale), both as semitones above the root.
KINDS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "none": ((), ()),
    "maj": ((0, 4, 7), (0, 2, 4, 5, 7, 9, 11)),
    "6": ((0, 4, 7, 9), (0, 2, 4, 5, 7, 9, 11)),
    "maj7": ((0, 4, 7, 11), (0, 2, 4, 5, 7, 9, 11)),
    "maj7#11": ((0, 4, 7, 11), (0, 2, 4, 6, 7, 9, 11)),
    "7": ((0, 4, 7, 10), (0, 2, 4, 5, 7, 9, 10)),
    "7#11": ((0, 4, 7, 10), (0, 2, 4, 6, 7, 9, 10)),
    "7alt": ((0, 4, 7, 10), (0, 1, 3, 4, 6, 8, 10)),
    "7sus": ((0, 5, 7, 10), (0, 2, 4, 5, 7, 9, 10)),
    "7+": ((0, 4, 8, 10), (0, 2, 4, 6, 8, 10)),
    "m": ((0, 3, 7), (0, 2, 3, 5, 7, 9, 10)),
    "m7": ((0, 3, 7, 10), (0, 2, 3, 5, 7, 9, 10)),
    "m6": ((0, 3, 7, 9), (0, 2, 3, 5, 7, 9, 11)),
    "mmaj7": ((0, 3, 7, 11), (0, 2, 3, 5, 7, 9, 11)),
    "m7b5": ((0, 3, 6, 10), (0, 1, 3, 5, 6, 8, 10)),
    "dim": ((0, 3, 6, 9), (0, 2, 3, 5, 6, 8, 9, 11)),
}
KIND_INDEX = {kind: i for i, kind in enumerate(KINDS)}


class HarmonyError(ImprovError):
    """A chord symbol or changes that don't parse; `position` is the 0-based column."""

    def __init__(self, message: str, position: int = 0):
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root and bass as pitch classes (None for no chord), kind from KINDS."""

    root: int | None
    kind: str = "maj"
    bass: int | None = None

    @property
    def tones(self) -> frozenset[int]:
        """Pitch classes of the chord's three or four tones."""
        return self._above_root(KINDS[self.kind][0])

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the chord's scale."""
        return self._above_root(KINDS[self.kind][1])

    def _above_root(self, steps: tuple[int, ...]) -> frozenset[int]:
        root = self.root
        return frozenset((root + s) % 12 for s in steps) if root is not None else frozenset()

    def __str__(self) -> str:
        if self.root is None:
            return "NC"
        kind = "" if self.kind == "maj" else self.kind
        bass = f"/{NAMES[self.bass]}" if self.bass is not None and self.bass != self.root else ""
        return f"{NAMES[self.root]}{kind}{bass}"


NO_CHORD = Chord(None, "none")

_NO_CHORD_SYMBOLS = {"NC", "N.C.", "N.C", "nc"}
_ROOT = re.compile(r"([A-G])([b#♭♯]?)")
_PREFIX = re.compile(r"(?P<acc>[b#♭♯+-]?)(?P<degree>13|11|9|7|6|5|4|2)")
_POSTFIX = re.compile(r"(?P<degree>13|11|9|7|6|5|4|2)(?P<acc>[b#]?)")
_QUALITIES = {  # spelling -> what it says; the longest match wins
    "maj": "major7", "Maj": "major7", "MAJ": "major7", "ma": "major7", "M": "major7", "^": "major7",
    "Δ": "major7", "△": "major7", "j": "major7",
    "min": "minor", "Min": "minor", "mi": "minor", "m": "minor", "-": "minor", "−": "minor", "–": "minor",
    "dim": "dim", "o": "dim", "°": "dim", "ø": "half-dim", "Ø": "half-dim", "h": "half-dim",
    "aug": "aug", "+": "aug", "sus": "sus", "alt": "alt", "add": "add",
}  # fmt: skip
_SPELLINGS = sorted(_QUALITIES, key=len, reverse=True)
_ACCIDENTALS = {"": 0, "b": -1, "♭": -1, "-": -1, "#": 1, "♯": 1, "+": 1}


def parse_chord(symbol: str) -> Chord:
    """Read a chord symbol in any common spelling, the Weimar Jazz Database's included.

    Raises HarmonyError, with the column of what it can't read.
    """
    if symbol in _NO_CHORD_SYMBOLS:
        return NO_CHORD
    root, at = _pitch_class(symbol, 0)
    body, bass = symbol[at:], None
    slash = body.rfind("/")
    if slash >= 0 and body[slash + 1 :] != "9":  # C6/9 is a six-nine chord
        bass, end = _pitch_class(symbol, at + slash + 1)
        if end != len(symbol):
            raise HarmonyError(f"chord {symbol!r}: {symbol[end:]!r} after the bass note", end)
        body = body[:slash]
    return Chord(root, _kind(symbol, body.replace("/", ""), at), bass)


def _pitch_class(symbol: str, at: int) -> tuple[int, int]:
    found = _ROOT.match(symbol, at)
    if not found:
        raise HarmonyError(f"chord {symbol!r}: expected a note name A to G, got {symbol[at:] or 'nothing'!r}", at)
    return (PITCH_CLASSES[found[1]] + _ACCIDENTALS[found[2]]) % 12, found.end()


def _kind(symbol: str, body: str, offset: int) -> str:
    plain = body.translate({ord(c): " " for c in "(),"})
    orders = [_PREFIX, _POSTFIX]
    if re.search(r"7(9|11|13)|69", plain):  # written the database's way: 79b is 7b9
        orders.reverse()
    stuck = []
    for degree in orders:
        said: set[str] = set()
        degrees: dict[int, int] = {}  # degree -> alteration in semitones
        at = 0
        while at < len(plain):
            number = degree.match(plain, at)
            quality = next((q for q in _SPELLINGS if plain.startswith(q, at)), None)
            opens = not said and not degrees  # C-7 is minor, C+7 augmented: the sign is no accidental here
            if plain[at] == " ":
                at += 1
            elif number and not (quality and opens):
                degrees[int(number["degree"])] = _ACCIDENTALS[number["acc"]]
                at = number.end()
            elif quality:
                said.add(_QUALITIES[quality])
                at += len(quality)
            else:
                break
        if at == len(plain):
            return _classify(said, degrees)
        stuck.append(at)
    at = max(stuck)
    raise HarmonyError(f"chord {symbol!r}: {plain[at:].strip()!r} is no part of a chord symbol", offset + at)


def _classify(said: set[str], degrees: dict[int, int]) -> str:
    extended = degrees.keys() & {7, 9, 11, 13} and "add" not in said and (7 in degrees or 6 not in degrees)
    fifth = degrees.get(5, 0)
    if "half-dim" in said or ("minor" in said and fifth == -1):
        return "m7b5"
    if "dim" in said:
        return "dim"
    if "minor" in said:
        if "major7" in said:
            return "mmaj7"
        return "m7" if extended else "m6" if 6 in degrees else "m"
    if "sus" in said:
        return "7sus"
    if "alt" in said:
        return "7alt"
    if "major7" in said:
        return "maj7#11" if degrees.get(11) == 1 or fifth == -1 else "6" if 6 in degrees else "maj7"
    if "aug" in said or fifth == 1:
        return "7alt" if degrees.get(9) else "7+"
    if extended:
        if degrees.get(9) or degrees.get(13) == -1:
            return "7alt"
        return "7#11" if degrees.get(11) == 1 or fifth == -1 else "7"
    return "6" if 6 in degrees else "maj"


class HarmonicContext(NamedTuple):
    """The harmony seen from one beat: the chord now, the next other chord, the beats until it."""

    chord: Chord
    coming: Chord
    until: float  # beats until `coming`; infinity when no other chord comes


OPEN = HarmonicContext(NO_CHORD, NO_CHORD, float("inf"))


class Changes:
    """Chord changes: who sounds when, optionally looping by chorus.

    starts: beats, ascending from 0; chords: one a start; length: beats of one chorus.
    """

    def __init__(self, starts: Sequence[float], chords: Sequence[Chord], length: float, loop: bool = True):
        merged = [(s, c) for i, (s, c) in enumerate(zip(starts, chords, strict=True)) if i == 0 or c != chords[i - 1]]
        self.starts = [s for s, _ in merged]
        self.chords = [c for _, c in merged]
        self.length = length
        self.loop = loop

    def __len__(self) -> int:
        return len(self.chords)

    def harmony(self, beat: float) -> HarmonicContext:
        """What an improviser who reads the sheet knows at `beat` (may be negative: a pick-up)."""
        if not self.starts:
            return OPEN
        within = beat % self.length if self.loop else beat
        i = bisect_right(self.starts, within + 1e-9) - 1
        if i < 0:
            return HarmonicContext(NO_CHORD, self.chords[0], self.starts[0] - within)
        chord = self.chords[i]
        if i + 1 < len(self.starts):
            return HarmonicContext(chord, self.chords[i + 1], self.starts[i + 1] - within)
        if not self.loop:
            return HarmonicContext(chord, NO_CHORD, float("inf"))
        for j, coming in enumerate(self.chords):
            if coming != chord:
                return HarmonicContext(chord, coming, self.length - within + self.starts[j])
        return HarmonicContext(chord, NO_CHORD, float("inf"))

    def spans(self, until: float) -> Iterable[tuple[float, Chord]]:
        """(beat, chord) for each change from 0 up to `until` beats, choruses repeated."""
        chorus = 0.0
        while self.starts and chorus < until:
            for start, chord in zip(self.starts, self.chords, strict=True):
                if chorus + start < until:
                    yield chorus + start, chord
            if not self.loop:
                return
            chorus += self.length


def parse_changes(text: str, bar: float = 4.0) -> Changes:
    """Read changes: bars between `|`, chords split the bar evenly, `%` repeats the bar before,
    `/` holds the chord for its share of the bar, `|: ... :|` is played twice.

    bar: beats a bar. Raises HarmonyError with the column.
    """
    bars: list[list[Chord]] = []
    repeat_from: int | None = None
    pending: list[Chord] = []

    def close() -> None:
        if pending:
            bars.append(list(pending))
            pending.clear()

    for found in re.finditer(r"\|+:?|:\|+:?|[^\s|]+?(?=:\||\s|\||$)", text):
        token, column = found[0], found.start()
        if "|" in token:
            close()
            if token.startswith(":"):
                bars += bars[repeat_from or 0 :]
                repeat_from = len(bars)
            if token.endswith(":"):
                repeat_from = len(bars)
        elif token == "%":
            if pending or not bars:
                raise HarmonyError(f"changes, column {column + 1}: '%' repeats the bar before, and must stand alone in its bar", column)
            bars.append(list(bars[-1]))
        elif token == "/":
            if not pending:
                raise HarmonyError(f"changes, column {column + 1}: '/' holds a chord, and none stands before it in this bar", column)
            pending.append(pending[-1])
        else:
            try:
                pending.append(parse_chord(token))
            except HarmonyError as e:
                column += e.position
                raise HarmonyError(f"changes, column {column + 1}: {e}", column) from None
    close()
    if not bars:
        raise HarmonyError('changes: no chord in them; write for example "Dm7 | G7 | Cmaj7 | %"')
    starts = [i * bar + j * bar / len(b) for i, b in enumerate(bars) for j in range(len(b))]
    return Changes(starts, [c for b in bars for c in b], bar * len(bars))


def chord_of(pitches: Iterable[int]) -> Chord:
    """The chord that held notes (MIDI pitches) make, or NO_CHORD for fewer than three pitch classes.

    The template of KINDS that shares most with the notes wins; the lowest note is favoured as root.
    """
    held = sorted(set(pitches))
    classes = {p % 12 for p in held}
    if len(classes) < 3:
        return NO_CHORD
    lowest = held[0] % 12

    def fit(root: int, kind: str) -> float:
        tones = {(root + t) % 12 for t in KINDS[kind][0]}
        return len(classes & tones) - 0.6 * len(tones - classes) - 0.8 * len(classes - tones) + 0.5 * (root == lowest)

    plain = [k for k in KINDS if k not in ("none", "maj7#11", "7#11", "7alt")]
    root, kind = max(((r, k) for r in range(12) for k in plain), key=lambda rk: fit(*rk))
    return Chord(root, kind, lowest) if lowest != root else Chord(root, kind)
