"""What `improv eval` scores: the next-note protocol, and what a model plays beside what was played. Figures by name, rounded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.models.accented import LearnedAccents
from improv.render.piano_roll import draw_roll
from improv.train.evaluation.figures import Samples, SoloLine, known_n_grams, on_bars, pooled, samples, summary
from improv.train.evaluation.listening import listening, pairs_of
from improv.train.evaluation.next_note import foretell, score
from improv.train.evaluation.playing import answer, entries, improvise
from improv.train.evaluation.turns import struck_of, timer, turns
from improv.train.piece import Piece

Row = dict[str, float]


def next_note_figures(model: NoteModel, pieces: Sequence[Piece]) -> dict[str, float]:
    """The protocol's figures, rounded."""
    return rounded(score(pieces, foretell(model, pieces)))


def improvised(model: NoteModel, pieces: Sequence[Piece], train: Sequence[Piece], count: int, png: Path | None = None) -> dict[str, Row]:
    """Figures of `count` solos over the pieces' changes, at their tempi and as long, beside the real ones.

    png: where they are drawn, and beside it a solo. Raises ImprovError.
    """
    with_changes = [on_bars(p) for p in pieces if p.changes]
    if not with_changes:
        raise ImprovError("no piece of the split has changes to improvise over")
    known = known_n_grams([v.pitch for v in p.values] for p in train)
    generated = [improvise(model, with_changes[i % len(with_changes)], seed=i) for i in range(count)]
    lines = [line for line in generated if len(line.notes) > 1]
    if not lines:
        raise ImprovError(f"the model played next to nothing in {count} solos: there are no figures of that")
    ours = [samples(line, known) for line in lines]
    real = [samples(SoloLine.of(p), known) for p in with_changes]
    if png:
        _draw(png, lines[0], ours, real)
    return {"improvised": rounded(summary(pooled(ours))), "real": rounded(summary(pooled(real)))}


def listened(model: NoteModel, pieces: Sequence[Piece]) -> dict[str, float]:
    pairs = pairs_of(pieces)
    if len(pairs) < 2:
        raise ImprovError("--listening needs two annotated phrases of six notes and more, each with an answer; there are fewer")
    return rounded(listening(pairs, [answer(model, pair, seed=k) for k, pair in enumerate(pairs)]))


def turns_taken(model: NoteModel, pieces: Sequence[Piece]) -> dict[str, dict[str, float]]:
    """Figures of when it enters, and of when a plain timer would."""
    told = [on_bars(p) for p in pieces if p.ends and any(p.ends[:-1])]
    if not told:
        raise ImprovError("--turns needs solos with annotated phrases; there are none")
    struck = [struck_of(p) for p in told]
    ours = [entry for p in told for entry in entries(model, p)]
    waited = [entry for p, notes in zip(told, struck, strict=True) for entry in timer(notes, p.bpm)]
    heard = [note for notes in struck for note in notes]
    return {"improv": rounded(turns(heard, ours)), "1 s timer": rounded(turns(heard, waited))}


def loudness_foretold(model: NoteModel, pieces: Sequence[Piece], train: Sequence[Piece]) -> dict[str, dict[str, float]]:
    """Figures of how loud the notes are, by who foretells them: the running mean alone, the rule, and the model where it has learned it.

    train: the pieces on which the rule is as strong as it does best; where there are none, those that are scored.
    """
    from improv.train.accenting import loud_rows
    from improv.train.evaluation.loudness import of_melodies

    rows, known = loud_rows(pieces), loud_rows(train)
    if not len(rows.velocity):
        raise ImprovError("--loudness needs notes whose velocities vary; there are none")
    learned = model.accents if isinstance(model.accents, LearnedAccents) else None
    told = of_melodies(learned, known if len(known.velocity) else rows, rows)
    return {name: rounded(row) for name, row in told.items()}


def roll_beside(path: Path) -> Path:
    """Where the piano roll of a solo goes that is drawn with the figures."""
    return path.with_stem(path.stem + "-roll")


def _draw(path: Path, line: SoloLine, ours: Sequence[Samples], real: Sequence[Samples]) -> None:
    """The figures into `path`, a solo's piano roll beside it."""
    from improv.train.evaluation.pictures import histograms, roll_of, told

    roll = io.BytesIO()
    draw_roll(roll, [], roll_of(line), line.metres, line.changes)
    pictures = {path: histograms(told(ours), told(real)), roll_beside(path): roll.getvalue()}
    atomic_write(pictures)


def rounded(row: Row) -> Row:
    return {k: round(v, 4) for k, v in row.items()}
