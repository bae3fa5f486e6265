"""Learn soloists' manners: groups of performers by what they play, and the settings that make a model play likewise.

    python scripts/learn_soloists.py wjd_visible.jsonl.gz jazz                 # learns, and writes improv/mood/manners.toml
    python scripts/learn_soloists.py wjd_visible.jsonl.gz jazz --measure       # plays each manner, and says what comes of it

Of each performer of the training split the traits of `train.evaluation.soloists` are measured, less what tempo and instrument make of
them, and those that are alike are grouped (k-means; Lloyd 1982). Then the model plays with each setting moved down and up: how each
trait follows is a slope. A manner's settings are those that bring the traits to where its group lies (least squares with a ridge, within
limits). --measure plays other tunes, those of the valid split, and compares with the usual settings.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.core.settings import SETTINGS
from improv.models.loader import load_model
from improv.models.model import Model
from improv.mood.manners import TABLE, read_manners
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.soloists import TRAITS, traits_of
from improv.train.evaluation.takes import our_take, real_take
from improv.train.piece import Piece
from improv.train.reading.watched import read_watched

SIGNS = {  # what a name says: the traits by which a group gets it
    "spare": {"notes": -1, "interval": -1, "spread": -1},
    "clipped": {"legato": -1, "height": 1, "phrase": -1},
    "laid-back": {"behind": 1, "semitones": -1, "notes": -1},
    "broad": {"interval": 1, "height": -1, "notes": 0.5},
    "flowing": {"phrase": 1, "semitones": 1, "interval": -1},
    "restless": {"outside": 1, "spread": 1, "notes": 1},
}
WORDS = {  # of a trait that is low, and high
    "notes": ("few notes", "many notes"),
    "phrase": ("short phrases", "long phrases"),
    "interval": ("small intervals", "wide intervals"),
    "semitones": ("few semitones", "many semitones"),
    "outside": ("inside the chords", "outside the chords"),
    "legato": ("short notes", "notes that ring"),
    "behind": ("on top of the beat", "behind the beat"),
    "height": ("low", "high"),
    "spread": ("a narrow range", "a wide range"),
}
TELLS = 0.35  # standard deviations from which on a trait is named
FARTHER = 1.5  # times as far as the mean of its group does a manner go: means of groups are tame
STEPS = {"density": 0.6, "rests": 0.7, "leaps": 0.7, "outside": 0.4, "legato": 0.7, "register": 0.7, "behind": 30.0}  # that are tried
FAR = {"density": 1.2, "rests": 1.0, "leaps": 1.0, "outside": 0.7, "legato": 1.0, "register": 1.0, "behind": 45.0}  # limits
RIDGE, ROUNDS = 2.0, 2
BARS, TUNES, MEASURED = 24, 16, 24


@dataclass(frozen=True)
class Soloists:
    """names: performers; traits (performers, traits): their means, in standard deviations of performers. spread (traits,): one of these."""

    names: Sequence[str]
    traits: np.ndarray
    spread: np.ndarray


def soloists_of(pieces: Sequence[Piece], who: Mapping[str, tuple[str, str]]) -> Soloists:
    """The performers of some solos. who: performer and instrument, by a piece's name."""
    rows = np.array([traits_of(real_take(on_bars(piece))) for piece in pieces])
    rows = np.where(np.isnan(rows), np.nanmean(rows, 0), rows)
    height = list(TRAITS).index("height")
    instruments = [who[piece.name][1].split("-")[0] for piece in pieces]
    middle = rows[:, height].mean()
    for instrument in set(instruments):
        own = [k for k, other in enumerate(instruments) if other == instrument]
        rows[own, height] -= (rows[own, height].sum() + 2 * middle) / (len(own) + 2) - middle  # of one solo little is known
    tempo = np.log([piece.bpm for piece in pieces])
    shape = np.stack([np.ones_like(tempo), tempo, tempo**2], 1)
    rows -= shape @ np.linalg.lstsq(shape, rows, rcond=None)[0]
    names = sorted({who[piece.name][0] for piece in pieces})
    of = {name: [k for k, piece in enumerate(pieces) if who[piece.name][0] == name] for name in names}
    means = np.array([rows[of[name]].mean(0) for name in names])
    count = np.array([[len(of[name])] for name in names])
    within = np.mean([rows[own].var(0, ddof=1) for own in of.values() if len(own) > 2], 0)
    between = np.maximum(rows.var(0) - within, 1e-9)
    spread = np.sqrt(between)
    return Soloists(names, means / spread * (count / (count + within / between)), spread)


def grouped(rows: np.ndarray, groups: int, begins: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Each row's group, and the groups' means: the best of many beginnings."""
    best = (np.inf, np.zeros(0, int), np.zeros(0))
    for seed in range(begins):
        rng = np.random.default_rng(seed)
        centres = rows[rng.choice(len(rows), groups, replace=False)]
        for _ in range(100):
            apart = ((rows[:, None] - centres) ** 2).sum(2)
            group = apart.argmin(1)
            moved = np.array([rows[group == k].mean(0) if (group == k).any() else rows[rng.integers(len(rows))] for k in range(groups)])
            if np.allclose(moved, centres):
                break
            centres = moved
        if apart.min(1).sum() < best[0]:
            best = (float(apart.min(1).sum()), group, centres)
    return best[1], best[2]


def named(centres: np.ndarray) -> dict[str, np.ndarray]:
    """The groups' means by the names of SIGNS that fit them best, all together."""
    signs = np.array([[row.get(trait, 0.0) for trait in TRAITS] for row in SIGNS.values()])
    fits = signs @ centres.T
    order = max(itertools.permutations(range(len(centres))), key=lambda p: sum(fits[k, g] for k, g in enumerate(p)))
    return {name: centres[g] for name, g in zip(SIGNS, order, strict=True)}


def told(centre: np.ndarray) -> str:
    """What a group plays, in words, what tells most first."""
    order = sorted(zip(TRAITS, centre.tolist(), strict=True), key=lambda t: -abs(t[1]))
    return ", ".join(WORDS[trait][z > 0] for trait, z in order if abs(z) >= TELLS)


def played(model: Model, pieces: Sequence[Piece], wanted: Mapping[str, float], seed: int) -> np.ndarray:
    """The traits of takes over some tunes, (tunes, traits)."""
    takes = [our_take(model, piece, seed + k, wanted, BARS) for k, piece in enumerate(pieces)]
    return np.array([traits_of(take) for take in takes])


def slopes(model: Model, pieces: Sequence[Piece], spread: np.ndarray) -> np.ndarray:
    """How the traits follow the settings of STEPS: (traits, settings), in standard deviations for a setting's whole way in FAR."""
    columns = []
    for name, step in STEPS.items():
        up, down = (played(model, pieces, {name: sign * step}, 100) for sign in (1, -1))
        columns.append(np.nanmean(up - down, 0) / (2 * step) * FAR[name] / spread)
        print(f"  {name}: " + ", ".join(f"{t} {x:+.2f}" for t, x in zip(TRAITS, columns[-1], strict=True)), flush=True)
    return np.array(columns).T


def solved(slope: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The settings, as shares of FAR, whose traits come nearest to a target (traits,): by coordinates, each within its limits."""
    wanted = np.zeros(slope.shape[1])
    for _ in range(200):
        for k in range(len(wanted)):
            rest = target - slope @ wanted + slope[:, k] * wanted[k]
            wanted[k] = np.clip(slope[:, k] @ rest / (slope[:, k] @ slope[:, k] + RIDGE), -1.0, 1.0)
    return wanted


def as_settings(wanted: np.ndarray) -> dict[str, float]:
    return {name: round(float(x) * far, 0 if far > 2 else 2) + 0.0 for x, (name, far) in zip(wanted, FAR.items(), strict=True)}


def reached(
    model: Model, pieces: Sequence[Piece], usual: np.ndarray, spread: np.ndarray, slope: np.ndarray, target: np.ndarray
) -> dict[str, float]:
    """The settings that bring the traits to a target: solved, played, and mended by what is still missing, some rounds."""
    aim, wanted = target, solved(slope, target)
    for number in range(ROUNDS):
        moved = np.nanmean(played(model, pieces, as_settings(wanted), 1000 * (number + 1)) - usual, 0) / spread
        aim = aim + 0.7 * (target - moved)
        wanted = solved(slope, aim)
    return as_settings(wanted)


def written(centres: Mapping[str, np.ndarray], wanted: Mapping[str, Mapping[str, float]]) -> str:
    lines = [
        "# Manners: groups of the soloists of the Weimar Jazz Database who play alike, by `python scripts/learn_soloists.py`.",
        "#",
        "# plays: what tells them apart, what tells most first. settings: those that make `jazz` play so.",
        "# traits: where the group lies, in standard deviations of soloists.",
    ]
    for name, centre in centres.items():
        settings = ", ".join(f"{key} = {value:g}" for key, value in wanted[name].items())
        traits = ", ".join(f"{trait} = {z:.2f}" for trait, z in zip(TRAITS, centre.tolist(), strict=True))
        lines += ["", f"[{name}]", f'plays = "{told(centre)}"', f"settings = {{ {settings} }}", f"traits = {{ {traits} }}"]
    return "\n".join(lines) + "\n"


def measure(model: Model, pieces: Sequence[Piece], spread: np.ndarray) -> None:
    """Play each manner beside the usual settings, over tunes that nothing was fitted on."""
    manners = read_manners()
    usual = played(model, pieces, {}, 500)
    targets = np.array([[m.traits[t] for t in TRAITS] for m in manners.values()])
    takes = {name: (played(model, pieces, m.settings, 500) - usual) / spread for name, m in manners.items()}
    print("moved, in standard deviations of soloists (the group's own mean)")
    print(f"{'':10}" + "".join(f"{t:>16}" for t in TRAITS) + "   towards it   nearest to it")
    for k, (name, moved) in enumerate(takes.items()):
        mean = np.nanmean(moved, 0)
        clear = np.abs(targets[k]) >= TELLS
        right = (np.sign(mean) == np.sign(targets[k])) & clear
        each = np.nan_to_num(moved) @ (targets / np.linalg.norm(targets, axis=1, keepdims=True)).T
        own = (each.argmax(1) == k).mean()
        cells = "".join(f"{m:+8.2f} ({t:+.2f})" for m, t in zip(mean, targets[k], strict=True))
        print(f"{name:10}{cells}   {right.sum()} of {clear.sum()}   {100 * own:.0f} %", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="the solos, with their performers")
    parser.add_argument("model")
    parser.add_argument("--measure", action="store_true", help="play what was learned, and change nothing")
    args = parser.parse_args()
    with gzip.open(args.data, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    who = {str(r["id"]): (str(r["performer"]), str(r["instrument"])) for r in records}
    reading, model = read_watched([args.data], None, 0), load_model(args.model)
    train, valid = ([p for p in reading.of(split) if p.changes] for split in ("train", "valid"))
    soloists = soloists_of(train, who)
    if args.measure:
        measure(model, [on_bars(p) for p in valid[:MEASURED]], soloists.spread)
        return
    group, means = grouped(soloists.traits, len(SIGNS))
    centres = named(means)
    for name, centre in centres.items():
        size = int((group == np.abs(means - centre).sum(1).argmin()).sum())
        print(f"{name}: {size} of {len(soloists.names)} soloists: {told(centre)}")
    tunes = [on_bars(p) for p in train[:: max(len(train) // TUNES, 1)][:TUNES]]
    slope = slopes(model, tunes, soloists.spread)
    usual = played(model, tunes, {}, 0)
    wanted = {name: reached(model, tunes, usual, soloists.spread, slope, FARTHER * centre) for name, centre in centres.items()}
    for name, settings in wanted.items():
        assert all(SETTINGS[key].limits[0] <= value <= SETTINGS[key].limits[1] for key, value in settings.items())
        print(name, settings)
    atomic_write({Path(TABLE): written(centres, wanted).encode()})


if __name__ == "__main__":
    main()
