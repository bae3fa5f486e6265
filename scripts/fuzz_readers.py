"""Feed files that are changed at random to all that reads files from outside, and tell what did not hold.

    python scripts/fuzz_readers.py models configurations states --count 1000 --seed 1

Each file must be read, or refused in one line that names it, within 10 s and 500 MB. Prints a line of figures for each kind, and
the seed of each file that broke a rule; exits with 1 if there was one. `tests/fast/test_outside.py` runs a short round.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import readers

LONGEST, MOST = 10.0, 500 * 2**20  # seconds; bytes


def round_of(kind: str, one: Callable[[random.Random, Path], str], count: int, seed: int) -> bool:
    """Run a round, and print what it gave. Whether all held."""
    found: Counter[str] = Counter()
    slowest, good = (0.0, 0), True
    for number in range(seed, seed + count):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            try:
                found[one(random.Random(number), Path(folder))] += 1
            except BaseException as e:
                if isinstance(e, KeyboardInterrupt):
                    raise
                good = False
                found["BROKEN"] += 1
                last = traceback.extract_tb(e.__traceback__)[-1]
                print(f"{kind} {number}: {type(e).__name__}: {str(e)[:200]} ({Path(last.filename).name}:{last.lineno})", flush=True)
            slowest = max(slowest, (time.perf_counter() - began, number))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    figures = ", ".join(f"{what} {many}" for what, many in found.most_common())
    print(f"{kind}: {count} from seed {seed}: {figures}; slowest {slowest[0]:.2f} s (seed {slowest[1]}); memory {memory / 2**20:.0f} MB")
    return good and slowest[0] < LONGEST and memory < MOST


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
