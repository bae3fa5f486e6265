"""Feed files that are changed at random to all that reads files from outside, and tell what did not hold.

    python scripts/fuzz_readers.py models configurations states --count 1000 --seed 1

Each file must be read, or refused in one line that names it, within 10 s of the processor and 500 MB. Each is read in a process of
its own, whose time and most memory the system tells, and which is ended after 60 s.

Prints a line of figures for each kind, and the seed of each file that broke a rule; exits
with 1 if there was one. `tests/fast/test_outside.py` runs a short round.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import readers

LONGEST, MOST = 10.0, 500 * 2**20  # seconds; bytes
PATIENCE = 60  # seconds until a file's process is ended
LINE = 400  # characters of what it says

Reader = Callable[[random.Random, Path], str]


class Outcome(NamedTuple):
    """How a file was read. said: what the reader said, or what broke; seconds: of the processor; memory: bytes at most, of the process."""

    said: str
    broken: bool
    seconds: float
    memory: int


def read_alone(one: Reader, number: int) -> Outcome:
    """A file read in a process of its own."""
    ours, theirs = os.pipe()
    if (child := os.fork()) == 0:
        os.close(ours)
        signal.alarm(PATIENCE)
        os._exit(_child(one, number, theirs))
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read().decode()
    _, status, used = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        said = f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return Outcome(said, status != 0, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _child(one: Reader, number: int, pipe: int) -> int:
    """Read it, and say how that was. The exit code."""
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            said = one(random.Random(number), Path(folder))
        except BaseException as e:
            code = 1
            last = traceback.extract_tb(e.__traceback__)[-1]
            said = f"{type(e).__name__}: {e!s:.200} ({Path(last.filename).name}:{last.lineno})"
    os.write(pipe, said[:LINE].encode(errors="replace"))
    return code


def round_of(kind: str, one: Reader, count: int, seed: int) -> bool:
    """Run a round, and print what it gave. Whether all held."""
    found: Counter[str] = Counter()
    slowest, largest, good = (0.0, 0), (0, 0), True
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        for number in range(3):  # loads here what all of them need, once
            (warm := Path(folder) / str(number)).mkdir()
            one(random.Random(seed + number), warm)
    for number in range(seed, seed + count):
        outcome = read_alone(one, number)
        found["BROKEN" if outcome.broken else outcome.said] += 1
        slowest, largest = max(slowest, (outcome.seconds, number)), max(largest, (outcome.memory, number))
        if outcome.broken or outcome.seconds > LONGEST or outcome.memory > MOST:
            good = False
            print(f"{kind} {number}: {outcome.said}; {outcome.seconds:.1f} s, {outcome.memory / 2**20:.0f} MB", flush=True)
    figures = ", ".join(f"{what} {many}" for what, many in found.most_common())
    print(
        f"{kind}: {count} from seed {seed}: {figures}; slowest {slowest[0]:.2f} s (seed {slowest[1]}); "
        f"most memory {largest[0] / 2**20:.0f} MB (seed {largest[1]})",
        flush=True,
    )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(readers.READERS), help=f"of {', '.join(readers.READERS)} (default: all)")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="files of each kind (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first file; the others follow (default: 1)")
    args = parser.parse_args()
    if strange := set(args.kinds) - set(readers.READERS):
        parser.error(f"no kind {', '.join(strange)}; there are {', '.join(readers.READERS)}")
    held = [round_of(kind, readers.READERS[kind], args.count, args.seed) for kind in args.kinds]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
