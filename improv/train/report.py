"""What people are told of a corpus, of figures and of a training, in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from improv.outside import printable
from improv.train.corpus import table_of
from improv.train.piece import Reading

if TYPE_CHECKING:
    from improv.train.fit import Progress

LONGEST = 2000  # characters of a line


def table(columns: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Figures as lines: a name, then one figure a column; a dash where a column lacks it."""
    names = list(dict.fromkeys(name for row in columns.values() for name in row))
    lines = [" " * 36 + "".join(f"{column:>12}" for column in columns)]
    lines += [f"{name.replace('_', ' '):<36}" + "".join(_cell(row.get(name)) for row in columns.values()) for name in names]
    return lines


def _cell(figure: float | None) -> str:
    return f"{'-':>12}" if figure is None else f"{figure:>12.4g}"


def told_of(reading: Reading) -> Iterator[str]:
    """What was left out, and which tracks were taken, a line each, as it may be shown: names and symbols are a stranger's."""
    return (printable(line, LONGEST) for line in _told_of(reading))


def _told_of(reading: Reading) -> Iterator[str]:
    for reason in reading.skipped[:10]:
        yield f"skipped {reason}"
    if len(reading.skipped) > 10:
        yield f"... and {len(reading.skipped) - 10} more"
    if reading.duplicates:
        first = "; ".join(" = ".join(names[:4]) + (" = ..." if len(names) > 4 else "") for names in reading.duplicates[:5])
        more = f"; and {len(reading.duplicates) - 5} more" if len(reading.duplicates) > 5 else ""
        yield f"one tune under several names, kept on one side of the split: {first}{more}"
    if flat := sum(p.notes.dynamic and not p.loud for p in reading.pieces):
        pieces, whose = ("1 piece", "its") if flat == 1 else (f"{flat:,} pieces", "their")
        yield f"loudness is not learned from {pieces}: {whose} velocities are too few, about alike, or often as loud as can be"
    tracks = Counter(p.track.partition(" ")[2] for p in reading.pieces if p.track)
    for title, counts in (
        ("tracks taken", tracks),
        ("chord symbols taken as no chord", reading.unknown_chords),
        ("left out", reading.left_out),
    ):
        if counts:
            more = f", and {len(counts) - 10} more" if len(counts) > 10 else ""
            yield f"{title}: " + ", ".join(f"{name} ({n:,})" for name, n in counts.most_common(10)) + more


def whole_report(reading: Reading) -> list[str]:
    """All that was read and left out, a line each: the file corpus.txt in the model's folder."""
    lines = [*table_of(reading), ""]
    for p in reading.pieces:
        track = f", track {p.track}" if p.track else ""
        chords = "" if p.changes else ", no chords"
        lines.append(f"{p.split:<5}  {p.source}: {p.name}, {len(p)} notes{track}{chords}")
    parts: Sequence[tuple[str, Mapping[str, int]]] = (("taken as no chord", reading.unknown_chords), ("left out", reading.left_out))
    lines += ["", *(f"skipped {reason}" for reason in reading.skipped)]
    lines += [f"{title}: {name} ({count})" for title, counts in parts for name, count in sorted(counts.items())]
    lines += [f"one tune: {' = '.join(names)}" for names in reading.duplicates]
    return [*(printable(line, LONGEST) for line in lines), ""]


def gains(origin: str, histories: Sequence[Sequence[Progress]]) -> Iterator[str]:
    """What fine-tuning brought to each network, a line each: nats a note on the pieces that validate."""
    for number, history in enumerate(histories, 1):
        which = f"network {number} of {len(histories)}" if len(histories) > 1 else "the network"
        before = history[0].valid
        heads = {"rhythm": "ioi", "line": "pitch"}
        better = [part for part in heads if any(part in p.better for p in history)]
        if not better:
            yield f"{which}: no epoch foretold the valid takes better than {origin}: it stays as it was"
            continue
        gained = {part: min(p.valid[heads[part]] for p in history) for part in better}
        parts = [f"{part} costs {gained[part]:.3f} nats a note, {before[heads[part]]:.3f} in {origin}" for part in better]
        kept = "" if len(better) == 2 else "; the other part stays as it was"
        yield f"{which}: {'; '.join(parts)}{kept}"
