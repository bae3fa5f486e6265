"""Fit the rule that says when a phrase is over (WEIGHTS in improv.core.line.phrasing), and print it with what it is worth.

    python scripts/fit_turns.py jazz wjd_visible.jsonl.gz

A logistic regression on every beat after a note of a solo on which an answer might begin: is the phrase over? The
model was trained on the train split and is too sure of itself there. So train has weights of its own for what the
model says (and a constant of its own), which are thrown away; the other weights are shared. The figures are of
solos left out: of each of valid's in turn, and of train by quarters (where the model knows them). The test split is
never read. SURE is then chosen by hand: where valid keeps the widest margin from its targets (80 %, 1 beat, 10 %),
for the figures of 42 train solos drawn at random vary by 3 % (recognised) and 2 % (false). Takes five minutes.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import NoteOff, NoteOn
from improv.core.improviser import Improviser
from improv.core.line.phrasing import BREATH, LONGEST_WAIT, WEIGHTS, Playing, evidence
from improv.core.line.sampler import probabilities
from improv.core.meter import FASTEST, SLOWEST
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.turns import Struck, struck_of, turns
from improv.train.piece import Piece
from improv.train.reading.watched import read_watched

MODELS = ("end", "silent", "soon", "one")  # what the model says, and the constant
NAMES = list(WEIGHTS)
RIDGE = 1.0
SURE = [q / 100 for q in range(60, 82, 1)]


class Solo(NamedTuple):
    """A solo's notes; the candidates: of which note each is (candidates,), its beat, its evidence (candidates, NAMES)."""

    struck: list[Struck]
    note: np.ndarray
    beat: np.ndarray
    told: np.ndarray

    @property
    def over(self) -> np.ndarray:
        return np.array([self.struck[i].ends for i in self.note], float)


def heard(model: Model, piece: Piece, struck: Sequence[Struck]) -> Iterator[tuple[Playing, float, list[float]]]:
    """After each note: how the player has played, P(it ended the phrase), P(the next comes later than each class)."""
    tempo = min(max(piece.bpm, SLOWEST), FASTEST)
    settings = Settings(mode="echo", tempo=tempo, feel=piece.contexts[0].feel)  # of all modes it disturbs the least
    timekeeper = Timekeeper(settings, piece.metres)
    timekeeper.begin(0.0)
    improviser = Improviser(model, settings, piece.changes, timekeeper.meter)
    band, voice = Band([Slot(improviser)], timekeeper), improviser.voice
    for note in struck:
        on, off = improviser.meter.time(note.on), improviser.meter.time(note.off)
        band.advance(on, [NoteOn(on, note.pitch, 80)])
        band.advance(off, [NoteOff(off, note.pitch)])
        line = voice.tracker.line
        assert line is not None
        said = voice.generator.after(line, voice.meter.beat(off)).said
        yield voice.playing_after(line), said.end, (1.0 - np.cumsum(probabilities(said.ioi))).tolist()


def solo_of(model: Model, piece: Piece) -> Solo:
    struck = struck_of(piece)
    notes: list[int] = []
    beats: list[float] = []
    told: list[list[float]] = []
    for i, (playing, end, later) in enumerate(heard(model, piece, struck)):
        beat, coming = float(math.ceil(playing.off + BREATH - 1e-9)), struck[i].coming
        while beat < playing.off + LONGEST_WAIT and (coming is None or beat < coming):
            notes.append(i)
            beats.append(beat)
            told.append([evidence(playing, beat, end, later)[name] for name in NAMES])
            beat += 1.0
    return Solo(struck, np.array(notes), np.array(beats), np.array(told))


def fitted(x: np.ndarray, y: np.ndarray, rounds: int = 12) -> np.ndarray:
    """Weights (columns,) of a logistic regression, by Newton's method."""
    w, ridge = np.zeros(x.shape[1]), RIDGE * np.eye(x.shape[1])
    for _ in range(rounds):
        p = 1.0 / (1.0 + np.exp(-x @ w))
        w = w + np.linalg.solve((x.T * (p * (1.0 - p))) @ x + ridge, x.T @ (y - p) - ridge @ w)
    return w


def columns(solos: Sequence[Solo], known: bool) -> np.ndarray:
    """Evidence of solos; known: the model was trained on them, so what it says is told in columns apart."""
    x = np.concatenate([s.told for s in solos])
    apart = [NAMES.index(name) for name in MODELS]
    other = x[:, apart] if known else np.zeros((len(x), len(apart)))
    if known:
        x = x.copy()
        x[:, apart] = 0.0
    return np.concatenate([x, other], 1)


def rule(valid: Sequence[Solo], train: Sequence[Solo]) -> np.ndarray:
    x = np.concatenate([columns(valid, False), columns(train, True)])
    return fitted(x, np.concatenate([s.over for s in [*valid, *train]]))


def entered(solo: Solo, odds: np.ndarray, sure: float) -> list[float | None]:
    """The beat on which it comes in after each note, or None."""
    entries: list[float | None] = [None] * len(solo.struck)
    for i, beat, log_odds in zip(solo.note, solo.beat, odds, strict=True):
        if entries[i] is None and log_odds >= math.log(sure / (1.0 - sure)):
            entries[i] = float(beat)
    return entries


def figures(solos: Sequence[Solo], odds: Sequence[np.ndarray], sure: float) -> list[float]:
    entries = [e for s, o in zip(solos, odds, strict=True) for e in entered(s, o, sure)]
    told = turns([note for s in solos for note in s.struck], entries)
    return [told["ends recognised %"], told["delay in beats (median)"], told["false entries, % of all entries"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", help="solos with annotated phrases and splits")
    args = parser.parse_args()
    model, reading = load_model(args.model), read_watched([args.data], None, None)
    splits: dict[str, list[Solo]] = {}
    for split in ("valid", "train"):
        pieces = [on_bars(p) for p in reading.of(split) if p.ends and any(p.ends[:-1])]
        splits[split] = []
        for n, piece in enumerate(pieces):
            splits[split].append(solo_of(model, piece))
            print(f"\r{split}: {n + 1} of {len(pieces)} ", end="", file=sys.stderr, flush=True)
    valid, train = splits["valid"], splits["train"]
    print(f"\n{sum(len(s.note) for s in valid):,} beats of valid, {sum(len(s.note) for s in train):,} of train")
    left_out = [columns([s], False) @ rule([o for o in valid if o is not s], train) for s in valid]
    quarters = [rule(valid, [s for k, s in enumerate(train) if k % 4 != j]) for j in range(4)]
    of_train = [columns([s], True) @ quarters[k % 4] for k, s in enumerate(train)]
    print("SURE   valid: recognised %, delay, false %      train (its model knows it)")
    for sure in SURE:
        print(f"{sure:.2f}  " + "  ".join(f"{x:12.2f}" for x in figures(valid, left_out, sure) + figures(train, of_train, sure)))
    weights = rule(valid, train)
    print("\n".join(f'    "{name}": {weight:.2f},' for name, weight in zip(NAMES, weights, strict=False)))


if __name__ == "__main__":
    main()
