"""How well loudness is foretold: of melodies by what was learned, by rule and by the running mean; of drummers likewise, by stroke."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from improv.core.band.bar import TICKS
from improv.core.band.drum_figures import strokes
from improv.core.band.kit import KICK, PIECES, SNARE
from improv.core.band.styles import STYLES
from improv.core.line.dynamics import DEPTH, accent, follow
from improv.core.line.loudness import LATELY, LOUDS, drawn_accent, signs_of
from improv.core.line.traits import Noted
from improv.core.vocabulary import GRID
from improv.models.accented import LearnedAccents
from improv.models.drums import COUNT, FAMILIES, STEPS, VELOCITIES
from improv.models.small_net import SmallNet
from improv.train.accenting import ForetoldLoudness, Level, LoudRows, by_rule, figures, foretold, rows_from
from improv.train.drumming import DrumTake, touch_rows
from improv.train.evaluation.drummers import STYLE_OF
from improv.train.piece import Piece
from improv.train.small_net import said_of

Figures = dict[str, dict[str, float]]
USUAL_DIGIT, COMPED_DIGIT = 5.0, {SNARE: 3.5, KICK: 6.0}  # of a stroke that is in no figure
HIGH = 4.0  # semitones from where the line has been lately
WIDTH = 8  # steps of velocity that a class of loudness has


def of_melodies(accents: LearnedAccents | None, train: LoudRows, rows: LoudRows) -> Figures:
    """Figures of the notes of `rows`, by who foretells them. train: what the rule's strength and width are fitted to."""
    told: dict[str, ForetoldLoudness] = {"mean alone": by_rule(train, rows, 0.0), "rule": by_rule(train, rows)}
    told["as played"] = by_rule(train, rows, DEPTH)
    if accents is not None:
        told |= {"learned": foretold(accents, rows), "shape alone": foretold(accents, rows, unknown=True)}
    return {name: figures(by, rows) for name, by in told.items()}


def as_drawn(accents: LearnedAccents, pieces: Sequence[Piece], seed: int = 0) -> Figures:
    """What loudness is like where it is drawn note by note along some pieces, beside the players' and the rule's as improv plays it.

    In shares of how much the player varies: its spread, and its mean on the beat, off it, above and below where the line has been
    lately. And how like each accent is to the last, and to the one two before: correlations.
    """
    rng = np.random.default_rng(seed)
    lines: dict[str, list[np.ndarray]] = {"players": [], "learned": [], "rule": []}
    kinds: list[tuple[bool, bool, bool, bool]] = []
    for piece in pieces:
        if not piece.loud:
            continue
        level, shape, louds = Level(), None, list[float | None]()
        notes = list(map(Noted.of, piece.onsets, piece.values, piece.contexts))
        told: list[tuple[float, float, float]] = []
        for i, (note, at, velocity) in enumerate(zip(notes, piece.contexts, piece.notes.rows["velocity"].tolist(), strict=True)):
            shape = follow(shape, note.pitch, note.position / GRID, note.length / GRID)
            signs = signs_of(notes[max(i - LATELY, 0) : i], louds, note, shape, at)
            louds = [*louds[1 - LOUDS :], DEPTH * drawn_accent(accents, signs, float(rng.standard_normal()))]
            if i >= LATELY and velocity:
                told.append(((velocity - level.mean) / level.spread, louds[-1] or 0.0, DEPTH * accent(shape, at.place, at.feel)))
                above = note.pitch - shape.middle
                kinds.append((note.place % GRID == 0, note.place % GRID == GRID // 2, above >= HIGH, above <= -HIGH))
            if velocity:
                level.hear(velocity)
        for name, column in zip(lines, zip(*told, strict=True), strict=False):
            lines[name].append(np.array(column))
    return {name: _drawn_figures(some, np.array(kinds)) for name, some in lines.items()}


def _drawn_figures(lines: Sequence[np.ndarray], kinds: np.ndarray) -> dict[str, float]:
    every = np.concatenate(lines)
    found = {"spread": float(every.std())}
    for name, step in (("like the last", 1), ("like two before", 2)):
        found[name] = float(np.mean([np.corrcoef(line[step:], line[:-step])[0, 1] for line in lines if len(line) > 32]))
    names = ("on the beat", "on the off-beat", "high", "low")
    return found | {name: float(every[kinds[:, k]].mean()) for k, name in enumerate(names)}


def like_rows(takes: Sequence[DrumTake]) -> LoudRows:
    """Each stroke, in the order of `touch_rows`, as a note whose accent by rule is how far the figures' stroke there lies from theirs."""
    told: list[tuple[float, float, float, float, int]] = []
    for number, take in enumerate(takes):
        level, ruled = Level(), Level()
        for at in range(len(take.masks)):
            for piece in np.flatnonzero(take.velocity[at]).tolist():
                velocity, rule = int(take.velocity[at, piece]), _by_figures(take, at, piece)
                told.append((velocity, level.mean, level.spread, (rule - ruled.mean) / level.spread, number))
                level.hear(velocity)
                ruled.hear(rule)
    return rows_from(np.zeros((len(told), 0), np.uint16), told)


def _by_figures(take: DrumTake, at: int, piece: int) -> int:
    """How loud the rules strike a piece on a step; what they don't play there, as loud as they play it elsewhere."""
    style = STYLES[STYLE_OF.get(FAMILIES[take.family], "rock")]
    found = strokes(style.drums, take.beats, at // take.length)
    wanted, tick = list(PIECES)[piece], round(at % take.length * TICKS / STEPS[take.grid])
    digits = [digit for when, name, digit in found if name == wanted and abs(when - tick) <= TICKS / STEPS[take.grid] / 2]
    elsewhere = [digit for _, name, digit in found if name == wanted]
    usual = float(np.mean(elsewhere)) if elsewhere else COMPED_DIGIT.get(piece, USUAL_DIGIT)
    return round(12.0 * (digits[0] if digits else usual) + 8.0)  # as `drums.velocity_of`, at the usual dynamic


def of_drummers(touch: SmallNet, train: Sequence[DrumTake], takes: Sequence[DrumTake]) -> Figures:
    """Figures of the strokes of `takes`, by who foretells them: the mean alone and the rules, about the running mean; tables by piece, and
    by piece and place; the network, told nothing of how loud the bars are."""
    known, rows = like_rows(train), like_rows(takes)
    found = {"mean alone": figures(by_rule(known, rows, 0.0), rows), "rule": figures(by_rule(known, rows), rows)}
    tables: dict[str, np.ndarray] = {"by piece": _tabled(train, takes, False), "by place": _tabled(train, takes, True)}
    out = said_of(touch, touch_rows(takes, None).signs)[:, :VELOCITIES].astype(float)
    shares = np.exp(out - out.max(1, keepdims=True))
    tables["learned"] = shares / shares.sum(1, keepdims=True)
    middles = WIDTH * np.arange(VELOCITIES) + (WIDTH - 1) / 2
    classes = np.minimum(rows.velocity.astype(int) // WIDTH, VELOCITIES - 1)
    off = ((rows.velocity - rows.mean) ** 2).sum()
    for name, chances in tables.items():
        left = rows.velocity - chances @ middles
        cost = np.log(WIDTH) - np.log(np.maximum(chances[np.arange(len(classes)), classes], 1e-12)).mean()
        told = 100 * (1 - float((left**2).sum() / off))
        found[name] = {"nats": float(cost), "mean error": float(np.abs(left).mean()), "variance told, %": told}
    return found


def _tabled(train: Sequence[DrumTake], takes: Sequence[DrumTake], by_place: bool) -> np.ndarray:
    """Chances of each class of loudness (strokes, VELOCITIES), by how often it was so for the piece, or for the piece on that place of
    the bar in that family."""
    counts: dict[Hashable, np.ndarray] = defaultdict(lambda: np.zeros(VELOCITIES))
    for take, at, piece in _strokes(train):
        loud = min(int(take.velocity[at, piece]) // WIDTH, VELOCITIES - 1)
        counts[piece][loud] += 1
        counts[_place(take, at, piece)][loud] += 1
    found = []
    for take, at, piece in _strokes(takes):
        alone = counts[piece] + 0.5
        chances = alone / alone.sum()
        if by_place:
            here = counts[_place(take, at, piece)] + 5.0 * chances
            chances = here / here.sum()
        found.append(chances)
    return np.array(found)


def _strokes(takes: Sequence[DrumTake]) -> list[tuple[DrumTake, int, int]]:
    return [(take, at, piece) for take in takes for at in range(len(take.masks)) for piece in range(COUNT) if take.velocity[at, piece]]


def _place(take: DrumTake, at: int, piece: int) -> Hashable:
    return take.family, take.grid, take.beats, at % take.length, piece
