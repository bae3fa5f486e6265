"""`improv eval --real-or-generated`: whether our solos are told from real ones over the same changes, by two judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.judges import FOLDS, SIZES, Judged, Tell, boosted, cross_judged
from improv.train.evaluation.pictures import telling
from improv.train.evaluation.takes import LEAST, Take, our_take, real_take
from improv.train.piece import Piece

READ = (8, 16)  # bars of the windows that the second judge reads: it takes its time
ASKED = 16  # bars of the windows of which is told what tells
Row = dict[str, float]


def takes_of(model: NoteModel, pieces: Sequence[Piece], count: int) -> list[Take]:
    """The real solos over changes, each once, and `count` of ours over them in turn. Raises ImprovError."""
    over = [on_bars(p) for p in pieces if p.changes]
    if not over:
        raise ImprovError("no piece of the split has changes to improvise over")
    ours = [our_take(model, over[i % len(over)], seed=i) for i in range(count)]
    return [take for take in [*map(real_take, over), *ours] if len(take.notes) >= LEAST]


def told_apart(
    model: NoteModel, pieces: Sequence[Piece], count: int, png: Path | None = None, say: Callable[[str], None] = lambda line: None
) -> dict[str, dict[str, Row]]:
    """AUCs of both judges, by size of window, with microtiming and without; and what tells. png: where that is drawn.

    say: is told how far it is. Raises ImprovError.
    """
    takes = takes_of(model, pieces, count)
    say(f"played {sum(not t.real for t in takes)} solos beside {sum(t.real for t in takes)} real ones")
    judged = {size: found for size in SIZES if (found := _judged(takes, size)) is not None}
    if not judged:
        raise ImprovError(f"--real-or-generated needs real solos of {SIZES[0]} bars and more over {FOLDS} tunes, and as long ones of ours")
    asked = max((size for size in judged if size <= ASKED), default=min(judged))
    columns: dict[str, Row] = {}
    tells: list[Tell] = []
    for size, found in judged.items():
        row = columns[f"{size} bars"] = {"windows, real": float(found.real.sum()), "windows, ours": float((~found.real).sum())}
        for name, microtiming in (("", False), (", microtiming", True)):
            row[f"AUC, trees{name}"], told = boosted(found, microtiming, ask=size == asked and not microtiming)
            tells = told or tells
            if size in READ:
                row[f"AUC, notes{name}"] = _read(found, microtiming)
        say(f"judged windows of {size} bars")
    if png:
        atomic_write({png: telling(tells, f"What tells, in {asked} bars")})
    rows = {tell.name: {"AUC loses": tell.loses, "real": float(tell.real.mean()), "ours": float(tell.ours.mean())} for tell in tells}
    return {"judged": columns, "tells": {what: {name: row[what] for name, row in rows.items()} for what in ("AUC loses", "real", "ours")}}


def _judged(takes: Sequence[Take], size: int) -> Judged | None:
    """The windows of one size; None where there are too few."""
    try:
        return Judged.of(takes, size)
    except ImprovError:
        return None


def _read(judged: Judged, microtiming: bool) -> float:
    """The second judge's AUC. Keras is loaded when it is asked."""
    from improv.train.evaluation.note_judge import note_judge

    return cross_judged(judged, partial(note_judge, microtiming=microtiming))
