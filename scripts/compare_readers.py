"""Whether `jam --player` and `improv train` agree on what is readable: made-up MIDI files of all kinds, read by both.

    python scripts/compare_readers.py [--count 1000] [--seed 1] [--play 20] [--folder FOLDER]

Each file is read as a jam reads it and as training does: both must read it or both refuse it, but for a melody of one note, or a
bass alone, which are enough for a jam. Where both read it, bars, pick-up and the places of the melody's notes must be the same.
Then all are read at once, as `improv train FOLDER` begins, and some that are readable are played: `improv jam --player FILE --fast`.
Prints figures by kind, and each file on which they differ; exits with 1 if there is one. --folder: files that are there, instead
of made-up ones.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from mixed_files import compared, mixed

from improv.cli import main as improv
from improv.core.vocabulary import Vocabulary
from improv.train.corpus import read_corpus

ENDINGS = (".mid", ".midi", ".kar", ".rmi")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="files (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of all files (default: 1)")
    parser.add_argument("--play", type=int, default=20, metavar="N", help="so many that are readable are played to improv (default: 20)")
    parser.add_argument("--folder", type=Path, help="of files that are there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder or Path(made)
        if args.folder:
            files = [(path.suffix, path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
        else:
            files = [(kind, folder / name) for kind, name, blob in mixed(args.count, args.seed) if (folder / name).write_bytes(blob) >= 0]
        return report(folder, files, args.play, only_these=not args.folder)


def report(folder: Path, files: list[tuple[str, Path]], play: int, only_these: bool) -> int:
    """only_these: there are no others in the folder, which training would read as well. Returns the exit code."""
    told: dict[str, Counter[str]] = {}
    both, differ = [], 0
    for kind, path in files:
        found = compared(path)
        told.setdefault(kind, Counter())[found.told] += 1
        both += [path] if found.told == "read by both" else []
        if found.differs:
            differ += 1
            print(f"{path.name} ({kind}): {found.differs}")
    for kind, counts in told.items():
        print(f"{kind:24} " + ", ".join(f"{what} {many}" for what, many in counts.most_common()))
    reading = read_corpus(folder, Vocabulary(), split_seed=None)
    together = len(reading.pieces), len(both)
    chosen = both[:: max(len(both) // play, 1)][:play] if play else []
    bad = [path for path in chosen if not plays(path)]
    every = sum(told.values(), Counter[str]())
    print(f"{len(files)} files: " + ", ".join(f"{what} {many}" for what, many in every.most_common()))
    print(f"read at once, as improv train begins: {together[0]} pieces; played to improv: {len(chosen) - len(bad)} of {len(chosen)}")
    return 1 if differ or bad or (only_these and together[0] != together[1]) else 0


def plays(path: Path) -> bool:
    """Whether `improv jam` takes a file for the player, to the end."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = improv(["jam", "--player", str(path), "--fast", "--no-session", "--model", "pocket", "--seed", "1"])
    if code:
        print(f"{path.name}: exit code {code}: {said.getvalue().strip()}")
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
