"""Learning how loud notes are, from pieces with played velocities: what `core.line.loudness` plays by.

A note's accent is how far its velocity lies from the running mean of the notes before it, as a share of how much they vary; so all
that it is measured by is known before it is struck, and what a note's loudness costs in nats is an honest figure. Judged beside it are
the mean alone, and the rule (`core.line.dynamics`), as strong and as sure of itself as it does best on the pieces that train.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from improv.core.line.dynamics import DEPTH, NARROWEST, OFF_BEATS, PARTS, WIDEST, Shape, accent, follow
from improv.core.line.loudness import LATELY, LOUDS, SIGNS, TABLES, WIDEST_ACCENT, AccentModel, signs_of
from improv.core.line.tracker import LEAP
from improv.core.line.traits import LENGTHS, Noted
from improv.core.vocabulary import GRID, Context
from improv.models import accented
from improv.models.accented import OUTPUTS, LearnedAccents
from improv.models.small_net import SmallNet
from improv.train.piece import Piece, some
from improv.train.small_net import SmallFit, begun, fit_small, said_of

FEWEST = 200  # notes to learn from, and HELD_FEWEST to judge by
HELD_FEWEST = 40
CLEAR = 10.0  # nats that another loudness must save in all, as in `finish`: the notes that it is judged by chose its epoch, too
SETTLES = 8  # notes until the running mean says something
MEMORY, STEPS = 32, 0.1  # notes that it runs over; of a step's size goes into the spread
MOST_NOTES = 250_000  # to learn from: more tell little more, and take long
LEAST = 1.0  # steps of velocity: nobody can be surer
UNITS = (48, 24)
UNKNOWN = 0.1  # share of the rows that are told nothing of how loud the notes before were: as when improv takes over from a player
LOUD_TABLES = np.array([name.startswith("loud") for name in TABLES])
SEEN = 5  # rows with a sign, for it to say something
FIT = SmallFit(epochs=12, batch=256, rate=2e-3, drop=0.3, drop_signs=0.05, average=0.998)
GOES_ON = replace(FIT, epochs=8, rate=2e-4, drop_signs=0.3)  # from a network that knows loudness: a few songs teach a new one nothing
SMALLEST_DRAW, LARGEST_DRAW = 20_000, 120_000  # rows of an epoch


class LoudRows(NamedTuple):
    """Notes whose loudness is known. signs (rows, tables); velocity, mean, spread (rows,): as played, and where it was lately; rule
    (rows,): its accent by rule; piece (rows,): which, from 0."""

    signs: np.ndarray
    velocity: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    rule: np.ndarray
    piece: np.ndarray

    @property
    def accents(self) -> np.ndarray:
        """What is to be foretold, (rows,)."""
        found: np.ndarray = np.clip((self.velocity - self.mean) / self.spread, -WIDEST_ACCENT, WIDEST_ACCENT)
        return found


class ForetoldLoudness(NamedTuple):
    """Each note's mean and standard deviation as they are foretold, in steps of velocity: (rows,)."""

    mean: np.ndarray
    spread: np.ndarray


class Level:
    """How loud a line has been lately, over about so many notes, and how much that varies. As `LineTracker` has it of the player, but
    slower: a phrase that swells is to be foretold, not followed."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory, self.mean, self.heard = memory, 80.0, 0
        self._spread, self._last = 8.0, 80

    @property
    def spread(self) -> float:
        """As wide as `dynamics.velocity` takes it."""
        return max(NARROWEST, min(WIDEST, self._spread))

    def hear(self, velocity: int) -> None:
        """Take in a velocity. The first is believed at once."""
        self.heard += 1
        self.mean += max(1 / self.memory, 1 / self.heard) * (velocity - self.mean)
        if self.heard > 1:
            self._spread += STEPS * (0.886 * min(abs(velocity - self._last), LEAP) - self._spread)
        self._last = velocity


def loud_rows(pieces: Iterable[Piece], memory: int = MEMORY, swung: float | None = None) -> LoudRows:
    """A row for each note of the pieces that vary, but for their first SETTLES. memory: see `Level`. swung: they are told as swing: of the
    place in the beat, what the rule says times this is taken off, and what it says of swing is put on."""
    signs: list[list[int]] = []
    told: list[tuple[float, float, float, float, int]] = []
    for number, piece in enumerate(pieces):
        if not piece.loud:
            continue
        level, shape, louds = Level(memory), None, list[float | None]()
        notes = list(map(Noted.of, piece.onsets, piece.values, piece.contexts))
        for i, (note, value, at, velocity) in enumerate(
            zip(notes, piece.values, piece.contexts, piece.notes.rows["velocity"].tolist(), strict=True)
        ):
            shape = follow(shape, note.pitch, note.position / GRID, LENGTHS[value.duration] / GRID)
            if swung is not None:
                velocity = _swung(velocity, shape, at, level.spread, swung)
                at = at._replace(feel="swing")
            loud = (velocity - level.mean) / level.spread if velocity and level.heard >= SETTLES // 2 else None
            if loud is not None and level.heard >= SETTLES:
                signs.append(signs_of(notes[max(i - LATELY, 0) : i], louds, note, shape, at))
                told.append((velocity, level.mean, level.spread, accent(shape, at.place, at.feel), number))
            louds = [*louds[1 - LOUDS :], None if loud is None else max(-WIDEST_ACCENT, min(WIDEST_ACCENT, loud))]
            if velocity:
                level.hear(velocity)
    return rows_from(np.array(signs, np.uint16).reshape(-1, len(TABLES)), told)


def _swung(velocity: int, shape: Shape, at: Context, spread: float, strength: float) -> int:
    """A velocity as it might have been in swing. The rule's off-beats are as strong as improv plays them."""
    if not velocity:
        return 0
    off = OFF_BEATS[PARTS[at.place % GRID]]
    straight = accent(shape, at.place, "straight") - accent(shape, at.place, "swing") + off
    return min(max(round(velocity - spread * (strength * straight - DEPTH * off)), 1), 127)


def together(*some: LoudRows) -> LoudRows:
    """The rows of several."""
    return LoudRows(*(np.concatenate(columns) for columns in zip(*some, strict=True)))


def rule_strength(rows: LoudRows) -> float:
    """Times what the rule's accents foretell best."""
    x = rows.rule * rows.spread
    return float((x * (rows.velocity - rows.mean)).sum() / max((x * x).sum(), 1e-9))


def rows_from(signs: np.ndarray, told: Sequence[tuple[float, float, float, float, int]]) -> LoudRows:
    """Rows from what stands in them, one after the other."""
    columns = np.array(told, float).reshape(-1, 5)
    velocity, mean, spread, rule, piece = columns.T
    return LoudRows(signs, velocity, mean, spread, rule, piece.astype(int))


def accent_loss(rows: LoudRows) -> Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]:
    """What the accents cost by a normal distribution, for `fit_small`."""
    accents = rows.accents.astype(np.float32)

    def loss(chosen: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        free = (out[:, 1] > accented.NARROWEST) & (out[:, 1] < accented.WIDEST)
        log_spread = np.clip(out[:, 1], accented.NARROWEST, accented.WIDEST)
        z = (accents[chosen] - out[:, 0]) * np.exp(-log_spread)
        by = np.stack([-z * np.exp(-log_spread), np.where(free, 1.0 - z * z, 0.0)], 1)
        return float((0.5 * z * z + log_spread).sum()), by

    return loss


def fit_accents(
    train: LoudRows,
    valid: LoudRows,
    seed: int,
    start: SmallNet | None = None,
    look: Callable[[int, float], None] = lambda epoch, nats: None,
) -> LearnedAccents:
    """The network of the epoch that foretells `valid` best. start: one to go on from, which is an epoch too. look: is told each epoch
    what a note of `valid` costs."""
    rng = np.random.default_rng(seed)
    net = start or begun(SIGNS, *UNITS, OUTPUTS, rng, len(TABLES))
    best = [(nats(foretold(LearnedAccents(start), valid), valid).mean(), start)] if start else []
    signs = train.signs.copy()
    signs[(rng.random(len(signs)) < UNKNOWN)[:, None] & LOUD_TABLES] = SIGNS

    def each(epoch: int, net: SmallNet, loss: float) -> None:
        quiet = net if start else _unseen_silenced(net, train)  # what it began from knows of signs that aren't here
        said = float(nats(foretold(LearnedAccents(quiet), valid), valid).mean())
        look(epoch, said)
        if not best or said < best[0][0]:
            best[:] = [(said, quiet)]

    how = replace(FIT if start is None else GOES_ON, draws=_draws(len(train.velocity)))
    fit_small(net, signs, accent_loss(train), rng, how, each, np.ones(len(signs)) if how.draws else None)
    return LearnedAccents(best[0][1])


def _draws(rows: int) -> int | None:
    return min(max(rows, SMALLEST_DRAW), LARGEST_DRAW) if not SMALLEST_DRAW <= rows <= LARGEST_DRAW else None


def _unseen_silenced(net: SmallNet, rows: LoudRows) -> SmallNet:
    """The network, to which signs say nothing that were never there as it learned."""
    seen = np.bincount(rows.signs.ravel(), minlength=SIGNS)[:SIGNS] >= SEEN
    return SmallNet(net.signs * seen[:, None].astype(np.float32), net.first, net.second, net.second_bias, net.out, net.out_bias)


# What is foretold


def foretold(accents: LearnedAccents, rows: LoudRows, unknown: bool = False) -> ForetoldLoudness:
    """By the network. unknown: it is told nothing of how loud the notes before were."""
    signs = rows.signs
    if unknown:
        signs = np.where(LOUD_TABLES, np.uint16(SIGNS), signs)
    out = said_of(accents.net, signs).astype(float)
    spread = np.exp(np.clip(out[:, 1], accented.NARROWEST, accented.WIDEST)) * rows.spread
    return ForetoldLoudness(rows.mean + out[:, 0] * rows.spread, np.maximum(spread, LEAST))


def by_rule(train: LoudRows, rows: LoudRows, share: float | None = None) -> ForetoldLoudness:
    """By the mean and the rule's accents, times what does best on `train`, or a share of that; as wide as does best."""
    x = train.rule * train.spread
    off = train.velocity - train.mean
    strength = rule_strength(train) if share is None else share
    wide = math.sqrt(float(np.mean(((off - strength * x) / train.spread) ** 2)))
    return ForetoldLoudness(rows.mean + strength * rows.rule * rows.spread, np.maximum(wide * rows.spread, LEAST))


def nats(told: ForetoldLoudness, rows: LoudRows) -> np.ndarray:
    """What each note's velocity, a whole number, costs: (rows,)."""
    z = (rows.velocity - told.mean) / told.spread
    found: np.ndarray = 0.5 * z * z + np.log(told.spread) + 0.5 * math.log(2 * math.pi)
    return found


def figures(told: ForetoldLoudness, rows: LoudRows) -> dict[str, float]:
    """Nats a note, mean error in steps of velocity, share of the variance about the running mean that is told."""
    off = rows.velocity - rows.mean
    left = rows.velocity - told.mean
    return {
        "nats": float(nats(told, rows).mean()),
        "mean error": float(np.abs(left).mean()),
        "variance told, %": 100 * (1 - float((left**2).sum() / max((off**2).sum(), 1e-9))),
    }


# What training makes of it


class Loudness(NamedTuple):
    """accents: what a model is to play by; None: the rule. about: what its card says of them. told: what a user is told, in sentences."""

    accents: LearnedAccents | None
    about: dict[str, Any]
    told: tuple[str, ...]


def learned_loudness(
    train: Sequence[Piece], valid: Sequence[Piece], seed: int, before: AccentModel | None = None, start: LearnedAccents | None = None
) -> Loudness:
    """What is learned of loudness from `train`, where that saves CLEAR nats in all on `valid`; else what the model had `before`, or the
    rule. Where too few of `valid` tell of loudness, the last piece drawn of `train` is kept back instead.
    start: what learning goes on from where there is nothing before; it is tried from nothing, too."""
    had = before if isinstance(before, LearnedAccents) else None
    kept = Loudness(had, {}, ())
    loud, held = ([p for p in pieces if p.loud] for pieces in (train, valid))
    if sum(map(len, loud)) < FEWEST:
        return kept
    loud = some(loud, MOST_NOTES, seed)
    rows, checked = loud_rows(loud), loud_rows(some(held, MOST_NOTES, seed))
    if len(checked.velocity) < HELD_FEWEST:
        if len(loud) < 2:
            return kept._replace(told=(f"loudness {_stays(had)}: too few of the notes that validate have velocities that vary",))
        rows, checked = loud_rows(loud[:-1]), loud_rows(loud[-1:])
    if len(rows.velocity) < FEWEST or len(checked.velocity) < HELD_FEWEST:
        return kept._replace(told=(f"loudness {_stays(had)}: too few notes have velocities that vary",))
    begins = had or start
    tried = [fit_accents(rows, checked, seed, net) for net in ([begins.net, None] if begins else [None])]
    learned = min(tried, key=lambda one: nats(foretold(one, checked), checked).mean())
    old = foretold(had, checked) if had else by_rule(rows, checked)
    costs, costed = (float(nats(told, checked).mean()) for told in (foretold(learned, checked), old))
    name = "as it was before" if had else "by rule"
    if (costed - costs) * len(checked.velocity) <= CLEAR:
        few = f"; of {len(checked.velocity):,} notes that tells too little" if costs < costed else ""
        return kept._replace(
            told=(f"loudness {_stays(had)}: learned, a note kept back would cost {costs:.3f} nats, {costed:.3f} {name}{few}",)
        )
    usual = start is not None and learned.net is start.net  # which has learned nothing from these notes
    about: dict[str, Any] = {} if usual else {"notes": len(rows.velocity), "pieces": len(np.unique(rows.piece))}
    about |= {"nats": round(costs, 3), "nats before": round(costed, 3)}
    how = "is that of the model accents" if usual else "is learned"
    return Loudness(learned, about, (f"loudness {how}: a note kept back costs {costs:.3f} nats, {costed:.3f} {name}",))


def _stays(had: LearnedAccents | None) -> str:
    return "stays as it was" if had else "stays by rule"
