"""What a score may say before anything is made of it: music21, say, takes a number of any size at its word, and counts up to it.

Read by expat, piece by piece, so that it takes no memory; entities are refused, so nothing grows. What is wrong is a `ScoreError`.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from improv.core.errors import ImprovError

MOST = {"note": 50_000, "measure": 50_000}  # of all parts together; music21 takes a second for a thousand notes
DEEPEST = 64  # elements within each other
LONGEST = 4096  # characters of a text
LONGEST_BEATS = 32  # characters of a time signature's beats, as in 3+2+3
SMALL, LARGE = 128.0, 1e7
LIMITS = dict.fromkeys(
    (
        "alter", "bass-alter", "beat-type", "cancel", "chromatic", "clef-octave-change", "degree-alter", "degree-value", "diatonic",
        "actual-notes", "normal-notes", "fifths", "key-alter", "key-octave", "line", "measure-repeat", "midi-bank", "multiple-rest",
        "octave", "octave-change", "root-alter", "staves", "voice",
    ),
    SMALL,
) | dict.fromkeys(("divisions", "duration", "offset", "per-minute"), LARGE)  # fmt: skip
ATTRIBUTES = {"tempo": LARGE, "times": SMALL, "size": SMALL}


class ScoreError(ImprovError):
    """A score that can't be read; the message says why."""


def check(text: str) -> None:
    """Raises ScoreError where a score goes beyond what is read."""
    parser = expat.ParserCreate(encoding="utf-8")
    limits = _Limits()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = limits.begin, limits.end, limits.text
    parser.EntityDeclHandler = limits.entity
    parser.buffer_text = True
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as e:
        raise ScoreError(f"no XML ({e})") from None


class _Limits:
    """Is told what the parser finds."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(MOST, 0)
        self._depth = 0
        self._said: list[str] = []
        self._length = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ScoreError(f"elements nested deeper than {DEEPEST}")
        if name in self._counts:
            self._counts[name] += 1
            if self._counts[name] > MOST[name]:
                raise ScoreError(f"more than {MOST[name]:,} {name}s")
        for attribute in ATTRIBUTES.keys() & attributes.keys():
            _check_number(f"{name}'s {attribute}", attributes[attribute], ATTRIBUTES[attribute])
        self._said.clear()
        self._length = 0

    def text(self, said: str) -> None:
        self._length += len(said)
        if self._length <= LONGEST:
            self._said.append(said)

    def end(self, name: str) -> None:
        self._depth -= 1
        said = "".join(self._said).strip()
        if name == "beats":
            if self._length > LONGEST_BEATS:
                raise ScoreError(f"a time signature of {self._length:,} characters; there may be {LONGEST_BEATS}")
            for number in re.findall(r"\d+", said):
                _check_number("time signature's beats", number, SMALL)
        elif name in LIMITS:
            _check_number(name, said if self._length <= LONGEST else "nan", LIMITS[name])
        self._said.clear()
        self._length = 0

    def entity(self, name: str, *_: object) -> None:
        raise ScoreError("it declares entities, which no MusicXML needs")


def _check_number(what: str, said: str, most: float) -> None:
    """What is no number is for music21 to say."""
    try:
        good = abs(float(said)) <= most
    except ValueError:
        return
    if not good:
        raise ScoreError(f"{what} {said[:20]}: at most {most:,.0f} is read")
