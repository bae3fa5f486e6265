"""The progress of a training on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from improv.train.fit import Progress, Step


class ProgressBar:
    """A bar on a terminal, else a line an epoch. board: gets each epoch of each member, too; quiet: nothing is shown."""

    def __init__(self, epochs: int, members: int, board: Callable[[Progress, int], None] | None, quiet: bool) -> None:
        from tqdm import tqdm

        self.bar = tqdm(unit="batch", disable=True if quiet else None, file=sys.stderr, dynamic_ncols=True)
        self.epochs, self.members, self.board, self.quiet, self.valid = epochs, members, board, quiet, ""

    def batch(self, member: int, step: Step) -> None:
        """After every batch: the bar runs over all epochs of all members, so that its time left is that of the whole training."""
        done = (member * self.epochs + step.epoch - 1) * step.of + step.done
        if self.bar.total is None:  # the first batch, of a training that may have gone on
            self.bar.initial = self.bar.n = done - 1
        self.bar.total = max(step.of * self.epochs * self.members, done)
        self.bar.set_description_str(f"{self._which(member)}epoch {step.epoch}/{self.epochs}", refresh=False)
        self.bar.set_postfix_str(f"loss {step.loss:.3f}{self.valid}", refresh=False)
        self.bar.update(done - self.bar.n)

    def epoch(self, member: int, progress: Progress) -> None:
        """After every epoch."""
        losses = " ".join(f"{head} {progress.valid[head]:.3f}" for head in ("pitch", "ioi", "end") if progress.valid[head])
        self.valid = f", valid {losses}"
        if self.bar.disable and not self.quiet:
            which = self._which(member)
            print(f"{which}epoch {progress.epoch}/{progress.epochs}: valid {losses}, {progress.seconds:.0f} s", file=sys.stderr)
        if self.board:
            self.board(progress, member)

    def _which(self, member: int) -> str:
        return f"member {member + 1}/{self.members}, " if self.members > 1 else ""

    def close(self) -> None:
        self.bar.close()
