"""How well an ear hears: the share of beats whose root, triad and symbol are those that were annotated, and how true its confidence is.

Beats that are annotated without a chord don't count. `online` is decided when the beat is over, from nothing later; `offline` with
all of the piece. Symbols are compared as coarsely as POP909 tells them: sixths are triads, all dominants sevenths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from improv.core.harmony.ear import QUALITIES, TRIADS, Hearing, Hears
from improv.core.harmony.frames import Frame
from improv.train.ear.examples import Example, frames_of
from improv.train.ear.songs import NONE, EarTake

_PLAIN = {"6": "", "7alt": "7", "7sus": "sus4", "m6": "m", "mmaj7": "m"}
COARSE = np.array([QUALITIES.index(_PLAIN.get(q, q)) for q in QUALITIES])
_FAMILY = {"7": "", "maj7": "", "m7": "m"}
FAMILY = np.array([QUALITIES.index(_FAMILY.get(QUALITIES[c], QUALITIES[c])) for c in COARSE])  # the floor's: m7b5 is no dim
_OF_TRIAD = np.eye(1 + max(TRIADS))[list(TRIADS)]


class Answers(NamedTuple):
    """Of each beat: what was annotated, what was heard (numbers as in `EarTake`), the probability of its root and triad; the keys."""

    wanted: np.ndarray
    heard: np.ndarray
    sure: np.ndarray
    keys: np.ndarray
    keys_heard: np.ndarray


def said(hearing: Hearing) -> tuple[int, float]:
    """The chord that is heard, as a number, and the probability of its root and triad."""
    triads = hearing.chords @ _OF_TRIAD
    root, triad = divmod(int(triads.argmax()), triads.shape[1])
    if hearing.none > triads[root, triad]:
        return NONE, hearing.none
    best = max((q for q, t in enumerate(TRIADS) if t == triad), key=lambda q: float(hearing.chords[root, q]))
    return root * len(QUALITIES) + best, float(triads[root, triad])


def online(network: Hears, frames: Iterable[Frame]) -> list[Hearing]:
    """What is heard as each frame ends."""
    state, found = network.begin(), []
    for frame in frames:
        state, hearing = network.step(state, frame)
        found.append(hearing)
    return found


def within(network: Hears, frames: Sequence[Frame], yet: Sequence[Frame]) -> list[Hearing]:
    """What is heard at a moment in each frame, those before it over."""
    state, found = network.begin(), []
    for over, open_frame in zip(frames, yet, strict=True):
        found.append(network.step(state, open_frame)[1])
        state, _ = network.step(state, over)
    return found


def answers(take: EarTake, hearings: Sequence[Hearing]) -> Answers:
    """What was heard of a take."""
    told = [said(h) for h in hearings]
    keys_heard = np.array([int(h.keys.argmax()) for h in hearings])
    return Answers(take.chords, np.array([t[0] for t in told]), np.array([t[1] for t in told]), take.keys, keys_heard)


def joined(several: Sequence[Answers]) -> Answers:
    return Answers(*(np.concatenate(column) for column in zip(*several, strict=True)))


def figures(found: Answers) -> dict[str, float]:
    """Shares of beats: root, triad, symbol; key; the expected calibration error of the confidence, in ten bins."""
    inside = (found.wanted >= 0) & (found.wanted < NONE)
    wanted, heard, sure = found.wanted[inside], found.heard[inside], found.sure[inside]
    root, q = np.divmod(wanted, len(QUALITIES))
    root_heard, q_heard = np.divmod(heard, len(QUALITIES))
    q_heard = np.where(heard < NONE, q_heard, 0)
    same = (root == root_heard) & (heard < NONE)
    triad, symbol = same & (FAMILY[q] == FAMILY[q_heard]), same & (COARSE[q] == COARSE[q_heard])
    bins = np.minimum((10 * sure).astype(int), 9)
    error = sum(abs(float(sure[bins == b].mean() - triad[bins == b].mean())) * float((bins == b).mean()) for b in np.unique(bins))
    known = found.keys >= 0
    key = float((found.keys[known] == found.keys_heard[known]).mean()) if known.any() else float("nan")
    return {"beats": int(inside.sum()), "root": float(same.mean()), "triad": float(triad.mean()), "symbol": float(symbol.mean()),
            "key": key, "calibration": float(error)}  # fmt: skip


def frames_in(example: Example, yet: bool = False) -> list[Frame]:
    """An example's frames."""
    tones, whole = (example.tones_yet, example.whole_yet) if yet else (example.tones, example.whole)
    return [Frame(t.astype(np.float32), w.astype(np.float32), bool(w[1])) for t, w in zip(tones, whole, strict=True)]


def scores(network: Hears, takes: Iterable[EarTake], seed: int = 0) -> dict[str, dict[str, float]]:
    """Figures over takes: when a beat is over, at a moment within it, and with all of the piece where the network can."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Answers]] = {"online": [], "within the beat": [], "offline": []}
    for take in takes:
        over, yet = frames_of(take), frames_of(take, rng)
        found["online"].append(answers(take, online(network, over)))
        found["within the beat"].append(answers(take, within(network, over, yet)))
        if whole := getattr(network, "whole", None):
            found["offline"].append(answers(take, whole(over)))
    return {name: figures(joined(several)) for name, several in found.items() if several}
