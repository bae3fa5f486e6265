"""Phrases drawn ahead: several ways in which a line may go on, note by note, of which one is played and one is kept as second take.

A phrase goes on until nothing sounds for `traits.REST`, until the turn is over, or until it is MOST notes long; then the next is
drawn from there. The ways differ by chance alone. One note is drawn at a time, so that whoever waits never waits for long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from improv.core.line.generator import LineGenerator, Memory, Plan
from improv.core.line.phrasing import Turn
from improv.core.line.traits import REST

MOST = 16  # notes of a phrase that are drawn at once
WAYS = 6  # in which a phrase may go on
WITHOUT = 2  # where there is no critic: the one that is played, and the second take


class Ahead(NamedTuple):
    """A note that is drawn ahead. turn: as it stands once the note was played; nobody changes it. over: the note ends the turn.

    then: where the next note comes, in 1/12 beat; None where that is not known.
    """

    plan: Plan
    turn: Turn
    over: bool
    then: int | None


class Way(NamedTuple):
    """One way to go on: its notes, and how the turn stands after them. then, over: as of its last note."""

    notes: tuple[Ahead, ...]
    turn: Turn
    over: bool
    then: int | None


# When the next note comes after a memory, in 1/12 beat; None where the turn is over. It may change the turn.
When = Callable[[Memory, Turn], int | None]


class PhraseAhead:
    """The ways being drawn. memory: after the latest note; turn: as it stands then. then: where the next note comes, if that is known.

    begun: how many notes of the phrase were played already.
    """

    def __init__(self, generator: LineGenerator, when: When, memory: Memory, turn: Turn, then: int | None, begun: int):
        self._generator, self._when = generator, when
        self._memory, self._turn, self._then, self._begun = memory, turn, then, begun
        self.ways: list[Way] = []
        self._count = WITHOUT if generator.model.critic is None else WAYS
        self._open()

    def _open(self) -> None:
        """Begin one more way."""
        self._notes: list[Ahead] = []
        self._now, self._after = replace(self._turn), self._generator.last_onset

    def go_on(self) -> bool:
        """Draw one more note. Returns whether all ways are drawn."""
        memory = self._notes[-1].plan.then if self._notes else self._memory
        then = self._notes[-1].then if self._notes else self._then
        if then is None:
            then = self._when(memory, self._now)
            if then is None:
                return self._close(True, None)
            if rests(memory, then):
                return self._close(False, then)
        plan = self._generator.draw(memory, then, lands=self._now.landing, since=self._after)
        turn = self._now = replace(self._now, notes=self._now.notes + 1)
        over = turn.finished(plan.onset, plan.then.said.end, plan.on_chord)
        self._after = plan.onset
        then = None if over else self._when(plan.then, turn)
        over = over or then is None
        self._now = replace(turn)
        self._notes.append(Ahead(plan, turn, over, then))
        long = self._begun + len(self._notes) >= MOST
        return self._close(over, then) if over or long or (then is not None and rests(plan.then, then)) else False

    def _close(self, over: bool, then: int | None) -> bool:
        self.ways.append(Way(tuple(self._notes), self._now, over, then))
        if len(self.ways) < self._count:
            self._open()
            return False
        return True

    def ranked(self) -> list[Way]:
        """The ways, the best first."""
        critic, before = self._generator.model.critic, self._memory.line
        if critic is None:
            return self.ways
        cut = len(before) - self._begun
        phrases = [(*before[cut:], *(note.plan.then.line[-1] for note in way.notes)) for way in self.ways]
        said = critic.judge(before[:cut], phrases, [way.then for way in self.ways])
        order = sorted(range(len(said)), key=lambda k: -said[k])
        return [self.ways[k] for k in order]


def rests(memory: Memory, then: int) -> bool:
    """Whether nothing sounds for long between the latest note and the next."""
    return bool(memory.line) and then - memory.line[-1].position - memory.line[-1].length >= REST


def retold(generator: LineGenerator, memory: Memory, notes: Sequence[Ahead]) -> tuple[Ahead, ...]:
    """Notes that were drawn after another beginning, as they are after this memory: same places, pitches and lengths."""
    found = []
    for note in notes:
        plan = generator.again(memory, note.plan)
        memory = plan.then
        found.append(note._replace(plan=plan))
    return tuple(found)
