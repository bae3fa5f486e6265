"""Words to music: what "hope and wonder" plays like. Words -> moods -> a progression, a key, a tempo, settings.

The tables are in `moods/`: moods.toml (what each mood plays like, and words like "very" and "not"), words.toml (which
mood a word says) and progressions.json (chord progressions with mood tags, from the SHLD Free MIDI Chord Packs by
Ludovic Drolez, MIT licence). The idea is of the tutorial on music from an RBM, where a listener says a mood and
keywords pick the chords. Pure: the same words and seed choose the same.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.settings import Settings, row_of
from improv.mood.numerals import MODES, in_bars, symbols, tonic_of

TABLES = Path(__file__).parent
FEW = 6  # progressions to draw from at the least, a mood's kin helping out
LONGEST_PHRASE = 3  # words
STREAM = 0x6D6F6F64  # of the seed's random numbers: not those that the notes are drawn from
SETTINGS = {  # setting: its column of moods.toml
    "low": "low", "high": "high", "temperature": "pitches", "rhythm_temperature": "rhythm", "density": "density",
    "loudness": "loudness", "accents": "accents",
}  # fmt: skip
_SHARPER = {"Db": "C#", "Gb": "F#", "Ab": "G#"}  # tonics of minor keys
_ENDINGS = (  # of a word whose stem may be known, and what stands there instead; the first stem that is known counts
    ("iness", "y"), ("ily", "y"), ("ies", "y"), ("iest", "y"), ("ier", "y"), ("fulness", "ful"), ("fully", "ful"), ("ness", ""),
    ("ly", ""), ("ish", ""), ("ful", ""), ("er", ""), ("est", ""), ("y", ""), ("es", ""), ("s", ""),
)  # fmt: skip


class MoodError(ImprovError):
    """No mood in the words, or none of that name."""


@dataclass(frozen=True, slots=True)
class Mood:
    """What a mood plays like: a line of moods.toml, which says what its columns mean."""

    tempo: tuple[float, float]
    low: int
    high: int
    pitches: float
    rhythm: float
    density: float
    loudness: int
    accents: float
    feel: str
    keys: tuple[str, ...]
    kin: tuple[str, ...]
    opposite: str


@dataclass(frozen=True, slots=True)
class Progression:
    """Numerals, how they count ("maj", "min", "modal"), and the moods they are tagged with."""

    chords: tuple[str, ...]
    counting: str
    moods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Book:
    """All tables. words: the mood that a word or phrase says; degrees: how much of it; negations turn it round."""

    moods: Mapping[str, Mood]
    words: Mapping[str, str]
    degrees: Mapping[str, float]
    negations: frozenset[str]
    passed_over: frozenset[str]
    progressions: tuple[Progression, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A mood that was said. said: the words for it; strength: above 0, 1 is the mood as its line has it."""

    said: str
    mood: str
    strength: float = 1.0

    def __str__(self) -> str:
        return self.said if self.said.endswith(self.mood) else f"{self.said} ({self.mood})"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the words came to. unknown: words that say nothing here, each with the nearest one that does, or "".

    key: the tonic; mode: one of MODES; numerals: the progression; changes: the chords, as `parse_changes` reads them;
    tempo: quarter notes a minute; settings: the others, by name.
    """

    found: tuple[Found, ...]
    unknown: tuple[tuple[str, str], ...]
    key: str
    mode: str
    numerals: tuple[str, ...]
    changes: str
    tempo: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.found))}: {self.key} {self.mode}, {self.tempo:g} bpm, {self.changes}"

    def doubt(self) -> str:
        """What was not understood, in one line; "" where all was."""
        if not self.unknown:
            return ""
        return f"I don't know {_named(self.unknown)}; took {', '.join(f.said for f in self.found)}"

    def told(self) -> dict[str, Any]:
        """All of it for a session's header."""
        return asdict(self)


@cache
def book() -> Book:
    """The tables that improv ships."""
    tables = tomllib.loads((TABLES / "moods.toml").read_text(encoding="utf-8"))
    moods = {name: _mood(row) for name, row in tables["moods"].items()}
    words = {name: name for name in moods}
    for name, text in tomllib.loads((TABLES / "words.toml").read_text(encoding="utf-8")).items():
        words |= {" ".join(_split(word)): name for word in text.split(",")}
    tagged = json.loads((TABLES / "progressions.json").read_text(encoding="utf-8"))
    return Book(
        moods,
        words,
        tables["degrees"],
        frozenset(tables["words"]["not"]),
        frozenset(tables["words"]["passed_over"]),
        tuple(Progression(tuple(p["chords"]), p["mode"], frozenset(m.lower() for m in p["moods"])) for p in tagged),
    )


def _mood(row: Mapping[str, Any]) -> Mood:
    lists: dict[str, Any] = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Mood(**(dict(row) | lists))


def understood(text: str, book: Book) -> tuple[tuple[Found, ...], tuple[tuple[str, str], ...]]:
    """The moods that a text says, and the words that it knows nothing of, each with the nearest known or "".

    Raises MoodError where it says no mood.
    """
    words = _split(text)
    found: list[Found] = []
    unknown: list[tuple[str, str]] = []
    strength, negated, before = 1.0, False, ""
    while words:
        phrase, known, meaning = _longest(words, book)
        words = words[known:]
        if phrase in book.degrees:
            strength, before = book.degrees[phrase], f"{before}{phrase} "
        elif phrase in book.negations:
            negated, before = not negated, f"{before}{phrase} "
        elif meaning:
            # "not very happy" is sad, no more and no less than "not happy"
            mood, much = (book.moods[meaning].opposite, 1.0) if negated else (meaning, strength)
            found.append(Found(before + phrase, mood, much))
            strength, negated, before = 1.0, False, ""
        elif phrase not in book.passed_over:
            unknown.append((phrase, next(iter(get_close_matches(phrase, book.words, n=1, cutoff=0.7)), "")))
    if not found:
        nothing = f"I don't know {_named(unknown)}" if unknown else f"{text!r} says no mood"
        raise MoodError(f"mood: {nothing}. Moods are {', '.join(book.moods)}; `improv moods` has more words")
    return tuple(found), tuple(unknown)


def choose(text: str, seed: int, key: str | None = None) -> Choice:
    """What a text plays like. key: the tonic, if not the mood's. The seed draws progression, key and tempo.

    Raises MoodError, NumeralError.
    """
    tables = book()
    found, unknown = understood(text, tables)
    rng = np.random.default_rng((seed, STREAM))
    progression = _progression(found, tables, rng)
    keys = list(dict.fromkeys(k for f in found for k in tables.moods[f.mood].keys))
    drawn = keys[int(rng.integers(len(keys)))]
    share = float(rng.random())
    mode, _ = symbols(progression.chords, progression.counting, "C")
    if key is None:
        key = _SHARPER.get(drawn, drawn) if 3 in MODES[mode] else drawn
    tonic_of(key)
    _, chords = symbols(progression.chords, progression.counting, key)
    tempo, settings = _settings(found, tables, share)
    return Choice(found, unknown, key, mode, progression.chords, in_bars(chords), tempo, settings)


def _progression(found: Sequence[Found], book: Book, rng: np.random.Generator) -> Progression:
    """One that has to do with most of the moods found: by its own tags, or by their kin where those are few."""
    wished = _strengths(found)

    def fit(p: Progression) -> tuple[bool, int, int]:
        own = [mood for mood in wished if mood in p.moods]
        touched = [mood for mood in wished if mood in own or p.moods & set(book.moods[mood].kin)]
        return bool(own), len(touched), len(own)

    fits = {p: fit(p) for p in book.progressions}
    drawn: list[Progression] = []
    for best in sorted(set(fits.values()), reverse=True):
        if len(drawn) < FEW and best[1]:
            drawn += [p for p in fits if fits[p] == best]
    own = np.array([fits[p][0] for p in drawn])
    weights = np.where(own, 1 / max(own.sum(), 1), 1 / max((~own).sum(), 1))  # half the draw is kin's, where kin is called
    return drawn[int(rng.choice(len(drawn), p=weights / weights.sum()))]


def _settings(found: Sequence[Found], book: Book, share: float) -> tuple[float, dict[str, Any]]:
    """Tempo and settings: from the defaults towards each mood by its strength, and the moods' mean.

    share: where between the slowest and the fastest tempo, 0 to 1.
    """
    usual, strengths = Settings(), _strengths(found)

    def mixed(name: str, column: str, at: int | None = None) -> float:
        default = float(getattr(usual, name))
        values = [(s, getattr(book.moods[m], column)) for m, s in strengths.items()]
        towards = [s * (default + s * ((v if at is None else v[at]) - default)) for s, v in values]
        lowest, highest = row_of(name).limits
        return float(min(max(sum(towards) / sum(strengths.values()), lowest), highest))

    slow, fast = mixed("tempo", "tempo", 0), mixed("tempo", "tempo", 1)
    settings: dict[str, Any] = {}
    for name, column in SETTINGS.items():
        value = mixed(name, column)
        settings[name] = round(value) if row_of(name).is_whole else round(value, 2)
    settings["high"] = max(settings["high"], settings["low"] + 12)
    settings["feel"] = book.moods[max(strengths, key=lambda m: strengths[m])].feel
    return float(round(slow + share * (fast - slow))), settings


def _strengths(found: Iterable[Found]) -> dict[str, float]:
    """Each mood's strength, the greatest where it was said more than once."""
    strengths: dict[str, float] = {}
    for f in found:
        strengths[f.mood] = max(f.strength, strengths.get(f.mood, 0.0))
    return strengths


def _longest(words: Sequence[str], book: Book) -> tuple[str, int, str]:
    """The longest phrase that is known at the beginning of the words, how many words it has, and its mood or ""."""
    for n in range(min(LONGEST_PHRASE, len(words)), 1, -1):
        phrase = " ".join(words[:n])
        if phrase in book.words or phrase in book.degrees:
            return phrase, n, book.words.get(phrase, "")
    word = words[0]
    plain = word in book.degrees or word in book.negations or word in book.passed_over
    return word, 1, "" if plain else _meaning(word, book)


def _meaning(word: str, book: Book) -> str:
    """The mood that a word says, itself or without an ending; "" for none."""
    if word in book.words:
        return book.words[word]
    stems = [word.removesuffix(ending) + instead for ending, instead in _ENDINGS if word.endswith(ending) and len(word) - len(ending) > 2]
    return next((book.words[stem] for stem in stems if stem in book.words), "")


def _split(text: str) -> list[str]:
    """Words in small letters; a hyphen is as good as a space."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))


def _named(unknown: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{word!r} (did you mean {near!r}?)" if near else repr(word) for word, near in unknown)
