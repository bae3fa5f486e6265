"""What fine-tuning changed, in words that a musician knows: how much better it foretells, what it took, a take before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from improv.core.harmony import pitch_name
from improv.core.note_model import NoteModel
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.next_note import foretell, score
from improv.train.evaluation.playing import PlayedTake, play_over
from improv.train.evaluation.style import SoundedLine, favourites, often, style_of
from improv.train.piece import Piece, Reading

BARS = 16  # of a take
TAKES = 8  # that the figures of a model's own playing are of


@dataclass(frozen=True)
class Guesses:
    """How well a model foretells takes: nats a note for time and pitch, and of 100 guesses of the pitch those that are right."""

    nats: float
    right: float

    @staticmethod
    def of(model: NoteModel, pieces: Sequence[Piece]) -> Guesses:
        said = score(pieces, foretell(model, pieces))
        return Guesses(round(said["joint_nats"], 3), round(100 * said["pitch_accuracy"], 1))


@dataclass(frozen=True)
class FavouriteFigure:
    """Intervals in semitones; how often it occurs in 1,000 notes: of the takes read, and of each model's own."""

    intervals: tuple[int, ...]
    yours: float
    before: float
    after: float


@dataclass(frozen=True)
class Changed:
    """held_out: how many takes were kept back, of which split; notes: in them. style: figures by name of the takes read, and
    of each model's own, None where there is too little. takes: the same changes and seed, by the model before and after."""

    origin: str
    held_out: int
    split: str
    notes: int
    before: Guesses
    after: Guesses
    style: dict[str, dict[str, float | None]]
    figures: list[FavouriteFigure]
    takes: tuple[PlayedTake, PlayedTake]

    def record(self) -> dict[str, Any]:
        """As JSON has it, without the takes."""
        return {name: value for name, value in asdict(self).items() if name != "takes"}


def changed(origin: str, before: NoteModel, after: NoteModel, reading: Reading, seed: int) -> Changed:
    """What the model `after` took from a corpus, beside the one it began from. It plays over the corpus's changes, if any."""
    split = "test" if reading.of("test") else "valid"
    held = reading.of(split)
    train = reading.of("train")
    songs = [on_bars(p) for p in [*held, *train] if p.changes] or [on_bars(p) for p in [*held, *train]]
    ours = [[play_over(model, songs[k % len(songs)], seed + k, BARS) for k in range(TAKES)] for model in (before, after)]
    yours = [SoundedLine.of(p) for p in train]
    sounded = [[SoundedLine(take.notes(), BARS) for take in takes] for takes in ours]
    columns = [style_of(lines) for lines in (yours, *sounded)]
    style = {name: dict(zip(("yours", "before", "after"), (c.get(name) for c in columns), strict=True)) for name in columns[0]}
    figures = [FavouriteFigure(f, often(f, yours), *(often(f, lines) for lines in sounded)) for f in favourites(yours)]
    first = next((k for k, take in enumerate(ours[0]) if take.notes() and ours[1][k].notes()), 0)
    return Changed(
        origin,
        len(held),
        split,
        sum(len(p) for p in held),
        Guesses.of(before, held),
        Guesses.of(after, held),
        style,
        figures,
        (ours[0][first], ours[1][first]),
    )


def told_changed(what: Changed) -> list[str]:
    """It in lines."""
    gain = what.before.nats - what.after.nats
    word = "better" if gain > 0 else "worse" if gain < 0 else "neither better nor worse"
    takes = f"{what.held_out} take{'s' if what.held_out > 1 else ''} kept back ({what.split}, {what.notes:,} notes)"
    by = f" by {abs(gain):.2f} nats a note" if gain else ""
    lines = [
        f"the next note of the {takes} is foretold {word}{by} ({what.before.nats:.2f} before, {what.after.nats:.2f} now)",
        f"in 100 guesses of the next pitch {what.after.right:.0f} are right, {what.before.right:.0f} were before",
        f"what it plays, beside your takes and what {what.origin} plays:",
        f"  {'':<24}{'yours':>10}{'before':>10}{'now':>10}",
    ]
    lines += [f"  {name:<24}" + "".join(f"{_cell(name, value):>10}" for value in row.values()) for name, row in what.style.items()]
    if what.figures:
        lines.append("your favourite figures, in 1,000 notes (semitones up or down):")
        lines += [f"  {_steps(f.intervals):<24}{f.yours:>10.1f}{f.before:>10.1f}{f.after:>10.1f}" for f in what.figures]
    return lines


def _steps(intervals: tuple[int, ...]) -> str:
    return " ".join(f"{step:+d}" if step else "0" for step in intervals)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return pitch_name(round(value)) if name.endswith("pitch") else f"{value:.2f}" if "ratio" in name else f"{value:.1f}"
