"""A corpus read by whichever engine was asked for, with a bar on the terminal while many files are read."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from improv.core.vocabulary import Vocabulary
from improv.train.corpus import read_corpus
from improv.train.piece import Reading
from improv.train.reading.engines import engine_of
from improv.train.reading.files import FEWEST, crashed, in_pool


def read_watched(
    paths: Sequence[str],
    track: str | None,
    split_seed: int | None,
    reader: str = "local",
    told: Callable[[int, int, int], None] | None = None,
    keeps: bool = True,
    listens: bool = True,
) -> Reading:
    """The corpus of some paths. split_seed: None leaves pieces without a split; reader: as `engines.engine_of` reads it.

    told: is told how many files of how many are read, and the notes in them; where nobody is, there is a bar.
    keeps: what is read of a folder is kept in it for the next time. listens: as `How` has it.
    """
    engine = engine_of(reader, in_pool, lost=crashed)

    def watched(found: Iterable[Reading], of: int) -> Iterable[Reading]:
        if told:
            return _counted(found, of, told)
        if of < FEWEST or importlib.util.find_spec("tqdm") is None:
            return found
        from tqdm import tqdm

        bar: Iterable[Reading] = tqdm(found, desc="reading", total=of, unit="file", disable=None, file=sys.stderr, leave=False)
        return bar

    return read_corpus(paths, Vocabulary(), track=track, split_seed=split_seed, map=engine, watched=watched, keeps=keeps, listens=listens)


def _counted(found: Iterable[Reading], of: int, told: Callable[[int, int, int], None]) -> Iterator[Reading]:
    """The readings, as they come."""
    notes = 0
    for done, reading in enumerate(found, 1):
        notes += reading.notes
        told(done, of, notes)
        yield reading
