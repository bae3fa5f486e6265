"""Corpora: from paths to pieces with splits and weights.

A path is a file in any format that `reading` knows, or a folder of such files; `PATH=3` gives its notes three
times the weight of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from improv.core.vocabulary import Vocabulary
from improv.train.duplicates import same_tunes
from improv.train.errors import CorpusError
from improv.train.piece import Piece, Reading
from improv.train.reading import How
from improv.train.reading.files import EXPECTED, FEWEST, Mapper, find_files, read_files
from improv.train.reading.kept import KeptReadings
from improv.train.split import assign_splits

Watched = Callable[[Iterable[Reading], int], Iterable[Reading]]
HEAVIEST = 100.0
CHORDS = ("chords written", "heard", "none")  # how many pieces each
MOST_ROWS = 12  # paths that have a row each in the table; of more, files go by their folders


@dataclass(frozen=True)
class Source:
    """One path of a corpus. weight: how many times an epoch its notes are seen, above 0 and up to 100."""

    path: Path
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.path.name or str(self.path)


def sources_of(paths: Sequence[str | Path]) -> list[Source]:
    """Paths, each with its weight if it ends in `=NUMBER`. Raises CorpusError for what isn't there."""
    sources = []
    for text in map(str, paths):
        path, equals, weight = text.rpartition("=")
        if not equals or Path(text).exists():
            path, weight = text, "1"
        try:
            value = float(weight)
        except ValueError:
            value = math.nan
        if not 0 < value <= HEAVIEST:
            raise CorpusError(f"{text}: weight {weight}: expected a number above 0 and up to {HEAVIEST:g}, as in solos.jsonl=3")
        if not Path(path).exists():
            raise CorpusError(f"{path}: no such file or folder")
        sources.append(Source(Path(path), value))
    return sources


def read_corpus(
    paths: str | Path | Sequence[str | Path],
    vocabulary: Vocabulary,
    *,
    track: str | None = None,
    split_seed: int | None = 0,
    map: Mapper | None = None,
    watched: Watched = lambda readings, of: readings,
    keeps: bool = False,
    listens: bool = True,
) -> Reading:
    """Read files and folders into one corpus. What can't be used is skipped with a reason.

    track: the part of multi-track files, by name or number. split_seed: of the splits that the corpus does
    not have itself; None leaves them empty. map: what applies the reading to many files (`files.in_pool`).
    watched: hands the readings of so many files on as they come. keeps: readings are kept in their folders for the next time.
    listens: chords are heard where a MIDI file writes none.
    Raises CorpusError when a path isn't there or no piece of all of them is usable.
    """
    sources = sources_of([paths] if isinstance(paths, str | Path) else paths)
    found: list[tuple[Source, Path]] = []
    for source in sources:
        files = find_files(source.path) if source.path.is_dir() else [source.path]
        if not files:
            raise CorpusError(f"{source.path}: no file in it that improv reads ({', '.join(EXPECTED)})")
        found += [(source, file) for file in files]
    by_folder = len(sources) > MOST_ROWS
    whole = Reading()
    readings = _read([s.path for s in sources], [file for _, file in found], How(track, vocabulary, listens), map, keeps)
    for (source, file), reading in zip(found, watched(readings, len(found)), strict=True):
        inside = str(file.relative_to(source.path)) if source.path.is_dir() else file.name
        name = file.resolve().parent.name if by_folder and source.path == file else source.name
        reading.pieces = [replace(p, name=p.name or inside, source=name, weight=source.weight) for p in reading.pieces]
        if len(found) > 1:
            reading.skipped = [f"{inside}: {s.removeprefix(f'{file.name}: ')}" for s in reading.skipped]
        reading.skipped_of[name] += len(reading.skipped)
        whole.add(reading)
    if not whole.pieces:
        names = ", ".join(str(s.path) for s in sources)
        why = f"; the first: {whole.skipped[0]}" if whole.skipped else ""
        raise CorpusError(f"{names}: no usable piece in it ({len(whole.skipped)} skipped{why})")
    if split_seed is not None:
        same = same_tunes(whole.pieces)
        tunes = [{whole.pieces[i].tune or whole.pieces[i].name for i in group} for group in same]
        whole.duplicates = [tuple(whole.pieces[i].name for i in group) for group, names in zip(same, tunes, strict=True) if len(names) > 1]
        whole.pieces = assign_splits(whole.pieces, split_seed, same)
    return whole


def _read(sources: Sequence[Path], files: Sequence[Path], how: How, map: Mapper | None, keeps: bool) -> Iterator[Reading]:
    """A reading for each file, in order; of a folder alone what was read before is known."""
    folder = sources[0] if len(sources) == 1 and sources[0].is_dir() else None
    if not keeps or folder is None or len(files) < FEWEST:
        yield from read_files(files, how, map)
        return
    with KeptReadings(folder, how) as kept:
        yield from read_files(files, how, map, kept)


def table_of(reading: Reading) -> list[str]:
    """What was used, as lines: a row for each source, and one for all."""
    rows = [_row(name, reading.pieces, reading.skipped_of[name], name) for name in _names(reading)]
    if len(rows) > 1:
        rows.append(_row("all", reading.pieces, len(reading.skipped), None))
    heads = ("source", "pieces", "train", "valid", "test", "notes", "bars", "hours", *CHORDS, "loudness", "skipped", "weight")
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    return ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True))) for r in [heads, *rows]]


def chords_in(piece: Piece) -> str:
    """Whether a piece's chords are written, in it or beside it, heard in it, or none."""
    return "none" if piece.changes is None else "heard" if piece.heard else "written"


def _names(reading: Reading) -> list[str]:
    return list(dict.fromkeys([p.source for p in reading.pieces] + [n for n, k in reading.skipped_of.items() if k]))


def _row(title: str, pieces: Sequence[Piece], skipped: int, source: str | None) -> tuple[str, ...]:
    mine = [p for p in pieces if source is None or p.source == source]
    weights = sorted({p.weight for p in mine})
    counts = [sum(p.split == split for p in mine) for split in ("train", "valid", "test")]
    return (
        title,
        f"{len(mine):,}",
        *(f"{c:,}" for c in counts),
        f"{sum(map(len, mine)):,}",
        f"{sum(p.bars for p in mine):,.0f}",
        f"{sum(p.beats / p.bpm / 60 for p in mine):.1f}",
        *(f"{sum(chords_in(p) == how for p in mine):,}" for how in ("written", "heard", "none")),
        f"{sum(p.loud for p in mine):,}",
        f"{skipped:,}",
        " ".join(f"{w:g}" for w in weights),
    )
