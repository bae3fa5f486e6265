"""Walking basses to learn from: the bass player's pitch on each beat under the solos of the Weimar Jazz Database, as bars of a band.

Each beat with a pitch is a row: what was there before it, and the pitch. Beats without one are gaps in the line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from improv.core.band.bar import BandBar, ChordsOfBar
from improv.core.band.styles import STYLES
from improv.core.band.walking import HEARD, HIGH, LOW, BassPlace
from improv.core.harmony import NO_CHORD, Chord, HarmonyError, parse_chord
from improv.models.bass import SIGNS, TABLES, signs_of, votes_at
from improv.models.small_net import SmallNet
from improv.train.small_net import said_of

STYLES_OF = {"SWING": "swing", "TWOBEAT": "two", "BALLAD": "ballad", "LATIN": "latin", "FUNK": "funk"}  # by the database's feel
# Shares of the chords that begin on their roots. The pitches were found by machine: in some solos nearly all chords do, in others as few
# as by chance, and there much else is no bass line either.
CLEAR = (0.25, 0.42, 0.6)
WEIGHTS = (0.25, 0.6, 1.0, 1.5)  # how often the notes of each class are drawn
TOLD = 0.75  # how often how clear it is is told while it learns
FEWEST = 32  # beats with a bass, in a solo


class BassTake(NamedTuple):
    """The bass under a solo. bars: what was to be played; pitches: a bar's, one a beat, 0 for none; clear: a class,
    see CLEAR."""

    name: str
    tune: str
    bars: list[BandBar]
    pitches: list[list[int]]
    clear: int = 0


class BassRows(NamedTuple):
    """signs (rows, tables), votes (rows, 4, pitches), pitch (rows,): from LOW; takes (rows,): which take, from 0."""

    signs: np.ndarray
    votes: np.ndarray
    pitch: np.ndarray
    takes: np.ndarray


def bass_take(solo: Mapping[str, Any]) -> BassTake | None:
    """What the bass played under a solo of the database (`beats`, `chords`, `feel`, `bpm`); None where it has too little of either."""
    beats = solo["beats"]
    if sum(b[3] is not None for b in beats) < FEWEST or not solo["chords"]:
        return None
    sounding = list(_chords(solo["chords"], len(beats)))
    style = STYLES[STYLES_OF.get(str(solo["feel"]).split("/")[0].split(":")[-1], "swing")]
    tempo = float(np.clip(solo["bpm"] or 120.0, 40.0, 360.0))
    numbered = [[i for i, _ in group] for _, group in itertools.groupby(enumerate(beats), key=lambda at: at[1][1])]
    groups = [g for g in numbered if 2 <= len(g) <= 8]
    told = [_of_bar([sounding[i] for i in group]) for group in groups]
    bars, pitches = [], []
    for k, group in enumerate(groups):
        coming = told[k + 1] if k + 1 < len(groups) else ()
        metre = (len(group), 4)
        bars.append(BandBar(told[k], coming, float(len(group)), metre, tempo, style, of_section=k % 8, of_form=k % 32))
        pitches.append([p if (p := beats[i][3]) is not None and LOW <= p <= HIGH else 0 for i in group])
    return with_clarity(BassTake(str(solo["id"]), str(solo["title"]), bars, pitches))


def with_clarity(take: BassTake) -> BassTake:
    """The take, with how clearly its bass was heard."""
    roots = [
        pitch % 12 == bar.chord(beat).root
        for bar, row in zip(take.bars, take.pitches, strict=True)
        for beat, pitch in enumerate(row)
        if pitch and any(at == beat and chord.root is not None for at, chord in bar.chords)
    ]
    share = sum(roots) / len(roots) if roots else 0.0
    return take._replace(clear=sum(share >= limit for limit in CLEAR))


def _chords(said: Sequence[tuple[int, str]], count: int) -> Iterator[Chord]:
    """The chord on each beat."""
    at = {int(i): symbol for i, symbol in said}
    now = NO_CHORD
    for i in range(count):
        if i in at:
            try:
                now = parse_chord(at[i])
            except HarmonyError:
                now = NO_CHORD
        yield now


def _of_bar(chords: Sequence[Chord]) -> ChordsOfBar:
    return tuple((float(i), c) for i, c in enumerate(chords) if i == 0 or c != chords[i - 1])


def places_of(take: BassTake) -> Iterator[tuple[BassPlace, int]]:
    """Each beat that has a chord and a pitch: where it is, and the pitch."""
    history: list[int] = [0] * HEARD
    before: int | None = None
    for bar, pitches in zip(take.bars, take.pitches, strict=True):
        for beat, pitch in enumerate(pitches):
            root = bar.chord(beat).root
            if pitch and root is not None:
                yield BassPlace(bar, float(beat), tuple(history[-HEARD:]), before), pitch
            history.append(pitch)
            before = root


def bass_rows(takes: Iterable[BassTake], rng: np.random.Generator | None = None, told: float = 0.0) -> BassRows:
    """All rows of some takes. rng, told: draws in which share of the rows it is told how clear the bass is."""
    signs, votes, pitch, of = [], [], [], []
    for k, take in enumerate(takes):
        for place, played in places_of(take):
            row = signs_of(place, take.clear if rng is not None and rng.random() < told else None)
            signs.append([*row, *[SIGNS] * (len(TABLES) - len(row))])
            votes.append(votes_at(place))
            pitch.append(played - LOW)
            of.append(k)
    return BassRows(np.array(signs, np.uint16), np.array(votes, np.uint8), np.array(pitch), np.array(of))


def loss_of(rows: BassRows) -> Any:
    """What the pitches cost, for `fit_small`."""

    def loss(chosen: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        votes = rows.votes[chosen].astype(np.intp)
        logits = np.take_along_axis(out[:, None, :], votes, axis=2).sum(1)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        at = np.arange(len(chosen)), rows.pitch[chosen]
        cost = float(-np.log(np.maximum(shares[at], 1e-12)).sum())
        shares[at] -= 1.0
        by = np.zeros_like(out)
        row = np.arange(len(chosen))[:, None]
        for k in range(4):
            np.add.at(by, (row, votes[:, k]), shares)
        return cost, by

    return loss


def nats(net: SmallNet, rows: BassRows) -> np.ndarray:
    """What each note cost, (rows,)."""
    out = said_of(net, rows.signs)
    logits = sum(np.take_along_axis(out, rows.votes[:, k].astype(np.intp), axis=1) for k in range(4))
    logits = np.asarray(logits, np.float64)
    most = logits.max(1)
    picked = np.take_along_axis(logits, rows.pitch[:, None], axis=1)[:, 0]
    found: np.ndarray = most + np.log(np.exp(logits - most[:, None]).sum(1)) - picked
    return found
