"""Which file is read by which reader, folders, and reading many files in a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from pathlib import Path

from improv.outside import OutsideError, open_file, printable, why
from improv.train.errors import CorpusError
from improv.train.piece import Reading, wrong_in
from improv.train.reading import HEAD, How, json_lines, midi, musicxml, sessions, wjazzd
from improv.train.reading.kept import KeptReadings
from improv.train.reading.packed import packed, unpacked

READERS = (midi, musicxml, wjazzd, sessions, json_lines)
# Files of a folder that are read, or skipped with a reason; others are taken only if a reader knows them.
EXPECTED = (".mid", ".midi", ".kar", ".rmi", ".musicxml", ".mxl", ".jsonl", ".jsonl.gz", ".db")
ANY = 2**60  # bytes; each reader has limits of its own
LONGEST = 500  # characters of a reason
FEWEST = 8  # files for which a pool is worth its start

CHUNK, AHEAD = 8, 3  # files that are read at a time by one process; how many times as many wait for it
CRASHED = "its parser crashed"

Mapper = Callable[[Callable[[Path], bytes], Sequence[Path]], Iterable[bytes]]


def find_files(folder: Path) -> list[Path]:
    """All files under a folder that may hold pieces, in order of their paths; hidden ones are left out."""
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in names:
            path = Path(at, name)
            if not name.startswith(".") and path.is_file() and (name.lower().endswith(EXPECTED) or _is_piece(path)):
                found.append(path)
    return sorted(found)


def read_file(path: Path, how: How) -> Reading:
    """What one file holds. Never fails for what is in it: a file that can't be used is skipped with a reason."""
    try:
        head = _head(path)
        reader = next((r for r in READERS if r.reads(path, head)), None)
        if reader is None:
            raise CorpusError("in no format that improv reads" if head else "empty")
        reading: Reading = reader.read(path, how)
        wrong = [wrong_in(piece) for piece in reading.pieces]
        reading.skipped += [f"{path.name}: {p.name}: {why}" for p, why in zip(reading.pieces, wrong, strict=True) if why]
        reading.pieces = [p for p, why in zip(reading.pieces, wrong, strict=True) if not why]
        reading.skipped = [printable(line, LONGEST) for line in reading.skipped]
        return reading
    except (CorpusError, OutsideError) as e:
        return Reading(skipped=[printable(f"{path.name}: {why(e, path)}", LONGEST)])
    except OSError as e:
        return Reading(skipped=[printable(f"{path.name}: {e.strerror or e}", LONGEST)])


def read_packed(path: Path, how: How) -> bytes:
    """What one file holds, as `packed` has it: processes hand on bytes, which costs them a tenth of what objects do."""
    return packed(read_file(path, how))


def crashed(path: Path) -> bytes:
    """The reading of a file that ended the process that read it."""
    return packed(Reading(skipped=[f"{path.name}: {CRASHED}"]))


def read_files(paths: Sequence[Path], how: How, map: Mapper | None = None, kept: KeptReadings | None = None) -> Iterator[Reading]:
    """A Reading for each path, in order.

    map: what applies a function to all paths, `in_pool` if none is given. kept: what was read before, which is read no more.
    """
    keys = [kept.key(path) if kept else None for path in paths]
    there = kept.keys() if kept else set()
    new = [path for path, key in zip(paths, keys, strict=True) if key is None or key not in there]
    fresh = iter((map or in_pool)(partial(read_packed, how=how), new)) if new else iter(())
    for path, key in zip(paths, keys, strict=True):
        if key is not None and key in there:
            yield (kept and kept.find(key)) or read_file(path, how)  # what is torn is read anew
            continue
        content = next(fresh)
        reading = unpacked(content)
        if kept and key is not None and not any(said.endswith(CRASHED) for said in reading.skipped):
            kept.keep(key, content)
        yield reading


def in_pool(function: Callable[[Path], bytes], paths: Sequence[Path]) -> Iterator[bytes]:
    """The function of each path, in order, on all cores. A path that kills its process is skipped, no other."""
    if len(paths) < FEWEST:
        yield from map(function, paths)
        return
    done, alone = 0, False
    while done < len(paths):
        # The first pool takes all; after a crash each path has a process to itself until the culprit is found.
        rest = paths[done : done + 1] if alone else paths[done:]
        with _pool(min(len(rest), _cores())) as pool:
            try:
                pool.submit(os.getpid).result()
            except BrokenProcessPool:  # no process can be started from here, as from a script without a main guard
                yield from map(function, paths[done:])
                return
            try:
                for results in _in_chunks(pool, function, rest):
                    yield from results
                    done += len(results)
            except BrokenProcessPool:
                if alone:
                    yield crashed(paths[done])
                    done += 1
                alone = not alone
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _in_chunks(pool: ProcessPoolExecutor, function: Callable[[Path], bytes], paths: Sequence[Path]) -> Iterator[list[bytes]]:
    """The function of each path, some at a time, in order. Of a million files few wait at a time, before and after they are read."""
    chunks = iter([paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)])
    waiting = deque(pool.submit(_each, function, chunk) for chunk in islice(chunks, AHEAD * _cores()))
    while waiting:
        results = waiting.popleft().result()
        if (chunk := next(chunks, None)) is not None:
            waiting.append(pool.submit(_each, function, chunk))
        yield results


def _each(function: Callable[[Path], bytes], chunk: Sequence[Path]) -> list[bytes]:
    return [function(path) for path in chunk]


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: the parent may have threads, and nothing of it is needed.
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _head(path: Path) -> bytes:
    with open_file(path, ANY) as file:
        return file.read(HEAD)


def _is_piece(path: Path) -> bool:
    """Whether a reader other than JSON lines knows the file: a folder holds much JSON that is none of ours."""
    try:
        head = _head(path)
    except (OSError, OutsideError):
        return False
    return any(r.reads(path, head) for r in READERS if r is not json_lines)
