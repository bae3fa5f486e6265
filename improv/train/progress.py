"""The progress of a whole training on standard error: one bar, from the first file that is read to the last figure."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from improv.train.time_left import TimeLeft, in_words

if TYPE_CHECKING:
    from improv.train.fit import Progress, Step

EPOCHS, NETWORKS, NOTES = 32, 2, 400  # assumed while files are read: epochs of each network, and notes of a file
STEPS = 1000  # of the bar
OFTEN = 0.2  # seconds between two drawings


class ProgressBar:
    """A bar on a terminal with the time that is left of everything; elsewhere a line an epoch. quiet: nothing is shown.

    now: a clock in seconds.
    """

    def __init__(self, quiet: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.quiet, self.valid = now, quiet, ""
        self.whole = TimeLeft(now())
        self.epochs, self.networks, self.notes = EPOCHS, NETWORKS, 0
        self.board: Callable[[Progress, int], None] = _no_board
        self._drawn = -OFTEN
        self.bar = None
        if not quiet and importlib.util.find_spec("tqdm"):
            from tqdm import tqdm

            shape = "{desc} |{bar}|{postfix}"
            self.bar = tqdm(total=STEPS, disable=None, file=sys.stderr, dynamic_ncols=True, bar_format=shape, leave=False)

    @property
    def shown(self) -> bool:
        return self.bar is not None and not self.bar.disable

    def say(self, lines: Iterable[str]) -> None:
        """Lines on standard error, above the bar."""
        for line in lines:
            if self.bar is not None and self.shown:
                self.bar.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr)

    def read(self, done: int, of: int, notes: int) -> None:
        """So many of so many files are read, and have so many notes."""
        self.whole.plan("reading", "reading", of)
        self._plan_training(round(notes / done * of) if done and notes else NOTES * of)
        self._did("reading", done, f"reading {done:,} of {of:,} files")

    def plan(self, epochs: int, networks: int, notes: int, held: int, board: Callable[[Progress, int], None] | None = None) -> None:
        """The corpus is read. notes: of its training set, as often as an epoch sees them; held: those that are scored later.

        board: is told each epoch, too.
        """
        self.epochs, self.networks, self.board = epochs, networks, board or _no_board
        for name in [name for name in self.whole.stages if name != "reading"]:
            del self.whole.stages[name]
        self._plan_training(notes)
        self.whole.plan("scoring", "scoring", held * networks)

    def _plan_training(self, notes: int) -> None:
        self.notes = max(notes, 1)
        for member in range(self.networks):
            self.whole.plan(f"network {member + 1}", "training", self.notes * self.epochs)
        self.whole.plan("fitting", "fitting", min(self.notes, 200_000) * self.networks)

    def batch(self, member: int, step: Step) -> None:
        """After every batch."""
        done = self.notes * (step.epoch - 1 + step.done / step.of)
        what = f"{self._which(member)}epoch {step.epoch}/{self.epochs}"
        self._did(f"network {member + 1}", done, what, f"loss {step.loss:.3f}{self.valid}")

    def epoch(self, member: int, progress: Progress) -> None:
        """After every epoch."""
        losses = " ".join(f"{head} {progress.valid[head]:.3f}" for head in ("pitch", "ioi", "end") if progress.valid[head])
        self.valid = f", valid {losses}"
        if not self.shown and not self.quiet:
            which = self._which(member)
            print(f"{which}epoch {progress.epoch}/{progress.epochs}: valid {losses}, {progress.seconds:.0f} s", file=sys.stderr)
        self.board(progress, member)

    def fitted(self, share: float) -> None:
        """How much of what comes on top of the networks is fitted, 0 to 1."""
        if share == 0 and not self.shown and not self.quiet:
            print("fitting recall and phrase ends", file=sys.stderr)
        self._did("fitting", share * self.whole.stages["fitting"].amount, "fitting recall and phrase ends")

    def scored(self, what: str) -> None:
        """What is being done at the end."""
        if not self.shown and not self.quiet:
            print(what, file=sys.stderr)
        self._did("scoring", 0, what)

    def _did(self, stage: str, done: float, what: str, more: str = "") -> None:
        now = self.now()
        self.whole.did(stage, done, now)
        if self.bar is None or not self.shown or now - self._drawn < OFTEN:
            return
        self._drawn = now
        self.bar.n = round(STEPS * self.whole.share(now))
        self.bar.set_description_str(what, refresh=False)
        left = f"{in_words(self.whole.left(now))} left"
        self.bar.set_postfix_str(f"{left}, {more}" if more else left, refresh=True)

    def _which(self, member: int) -> str:
        return f"network {member + 1} of {self.networks}, " if self.networks > 1 else ""

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _no_board(progress: Progress, member: int) -> None:
    pass
