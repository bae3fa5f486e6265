"""A corpus read by whichever engine was asked for, with a bar on the terminal while many files are read."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from improv.core.vocabulary import Vocabulary
from improv.train.corpus import read_corpus
from improv.train.piece import Reading
from improv.train.reading.engines import engine_of
from improv.train.reading.files import FEWEST, in_pool


def read_watched(
    paths: Sequence[str],
    track: str | None,
    split_seed: int | None,
    reader: str = "local",
    told: Callable[[int, int, int], None] | None = None,
) -> Reading:
    """The corpus of some paths. split_seed: None leaves pieces without a split; reader: as `engines.engine_of` reads it.

    told: is told how many files of how many are read, and the notes in them; where nobody is, there is a bar.
    """
    engine = engine_of(reader, in_pool, lost=lambda path: Reading(skipped=[f"{path.name}: its parser crashed"]))

    def watched(function: Callable[[Path], Reading], files: Sequence[Path]) -> Iterable[Reading]:
        found = engine(function, files)
        if told:
            return _counted(found, len(files), told)
        if len(files) < FEWEST or importlib.util.find_spec("tqdm") is None:
            return found
        from tqdm import tqdm

        bar: Iterable[Reading] = tqdm(found, desc="reading", total=len(files), unit="file", disable=None, file=sys.stderr, leave=False)
        return bar

    return read_corpus(paths, Vocabulary(), track=track, split_seed=split_seed, map=watched)


def _counted(found: Iterable[Reading], of: int, told: Callable[[int, int, int], None]) -> Iterator[Reading]:
    """The readings, as they come."""
    notes = 0
    for done, reading in enumerate(found, 1):
        notes += sum(len(p.values) for p in reading.pieces)
        told(done, of, notes)
        yield reading
