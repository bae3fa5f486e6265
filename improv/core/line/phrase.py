"""Phrases drawn ahead: several ways in which a line may go on, note by note, of which one is played and one is kept as second take.

A phrase goes on until nothing sounds for `traits.REST`, until the turn is over, or until it is MOST notes long; then the next is
drawn from there, once its last note was played. The ways differ by chance; with a critic, some of them take up a figure that was
played before, see figures.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from improv.core.line.figures import NOTHING, TakenUp
from improv.core.line.generator import LineGenerator
from improv.core.line.memory import Memory, Plan
from improv.core.line.phrasing import Turn

MOST = 16  # notes of a phrase that are drawn at once
WITHOUT = 2  # ways to go on where there is no critic: the one that is played, and the second take

TAKE_UP = 0.375  # of the ways that a critic chooses among take up a figure
# When the next note comes after a memory, in 1/12 beat; None where the turn is over. It may change the turn. The last argument is
# the time from the latest note that a figure wants; None: it is drawn.
When = Callable[[Memory, Turn, int | None], int | None]


class After(NamedTuple):
    """How it stands after a note. turn: nobody changes it. over: it is over. then: where the next note comes, in 1/12 beat; None where
    that is not known. begun: notes of the phrase so far, 0 where it is over."""

    memory: Memory
    turn: Turn
    over: bool
    then: int | None
    begun: int


class Ahead(NamedTuple):
    """A note that is drawn ahead, and how it stands once it was played."""

    plan: Plan
    after: After


class Way(NamedTuple):
    """One way to go on: its notes, and how it stands after them."""

    notes: tuple[Ahead, ...]
    after: After


def stands(memory: Memory, turn: Turn, over: bool, then: int | None, begun: int) -> After:
    """How it stands after so many notes of a phrase."""
    ends = begun >= MOST or (then is not None and rests(memory, then))
    return After(memory, replace(turn), over, then, 0 if ends else begun)


def rests(memory: Memory, then: int) -> bool:
    """Whether nothing sounds for long between the latest note and the next."""
    return bool(memory.line) and memory.line[-1].rests_until(then)


def drawn(generator: LineGenerator, at: After, when: When, since: float, notes: int = 0, taken: TakenUp = NOTHING) -> Ahead:
    """A note that goes on from where it is known when the next one comes. since: the beat of our note before it.

    notes: of the way before it; taken: the figure that it takes up.
    """
    assert at.then is not None
    turn = replace(at.turn)
    only = taken.pitch(at.memory.last, generator.context(at.then).harmony.chord.scale) if taken.wanted else None
    plan = generator.draw(at.memory, at.then, lands=turn.landing, since=since, only=only)
    turn.notes += 1
    over = turn.finished(plan.onset, plan.then.said.end, plan.on_chord)
    taken.played(plan.value.pitch, only)
    taken.look(plan.then.line, notes + 1)
    then = None if over else when(plan.then, turn, taken.time)
    return Ahead(plan, stands(plan.then, turn, over or then is None, then, at.begun + 1))


class Ways:
    """The ways on from somewhere, being drawn. answers: they begin an answer. figures: how many of them, the last, take up a figure."""

    def __init__(self, since: After, last_onset: float, count: int, answers: bool, figures: int = 0):
        self._since, self._last_onset, self._count, self._answers, self._figures = since, last_onset, count, answers, figures
        self.ways: list[Way] = []
        self._notes: list[Ahead] = []
        self._figure = NOTHING  # that the way takes up which is being drawn

    def go_on(self, generator: LineGenerator, when: When) -> bool:
        """Draw one more note. Returns whether all ways are drawn."""
        at = self._notes[-1].after if self._notes else self._since
        if not self._notes:
            self._figure = TakenUp(generator.rng if len(self.ways) >= self._count - self._figures else None)
            self._figure.look(at.memory.line, 0, at.begun == 0 and at.then is not None and rests(at.memory, at.then))
        if at.then is None:
            turn = replace(at.turn)
            then = when(at.memory, turn, self._figure.time)
            if then is None or rests(at.memory, then):
                return self._close(stands(at.memory, turn, then is None, then, at.begun))
            at = at._replace(turn=turn, then=then)
        since = self._notes[-1].plan.onset if self._notes else self._last_onset
        self._notes.append(drawn(generator, at, when, since, len(self._notes), self._figure))
        after = self._notes[-1].after
        return self._close(after) if after.over or not after.begun else False

    def _close(self, after: After) -> bool:
        self.ways.append(Way(tuple(self._notes), after))
        self._notes = []
        return len(self.ways) == self._count

    def ranked(self, generator: LineGenerator) -> list[Way]:
        """The ways in the order in which they are wanted: drawn, one that the critic holds twice as real twice as often.

        Where always the most real was taken, the line went further than real lines go, and was told by that (see models/README.md).
        So among many ways they are drawn as if real solos were drawn from: sampling and importance resampling (Rubin 1987).
        """
        critic, before = generator.model.critic, self._since.memory.line
        if critic is None:
            return self.ways
        cut = len(before) - self._since.begun
        phrases = [(*before[cut:], *(note.plan.then.line[-1] for note in way.notes)) for way in self.ways]
        said = critic.judge(before[:cut], phrases, [way.after.then for way in self.ways], self._answers)
        wanted = np.array(said) + generator.rng.gumbel(size=len(said))
        return [self.ways[k] for k in (-wanted).argsort(kind="stable").tolist()]


class PhrasesAhead:
    """What is drawn ahead of a turn. note: the next that is to be played. thinks: there is something to draw, by `go_on`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is drawn ahead any more."""
        self.note: Ahead | None = None
        self._rest: tuple[Ahead, ...] = ()  # after it
        self._after: After | None = None  # how it stands after these
        self._ways: Ways | None = None
        self._second: Way | None = None
        self.thinks = False

    def begin(self, after: After) -> None:
        """The opening note was played: a phrase is to be drawn."""
        self.clear()
        self._after, self.thinks = after, not after.over

    def go_on(self, generator: LineGenerator, when: When, answers: bool) -> None:
        """Draw one more note; of the last way, choose. answers: the turn is one that answers a call."""
        after = self._after
        assert after is not None
        if self._ways is None:
            critic = generator.model.critic
            count = WITHOUT if critic is None else critic.ways
            figures = round(TAKE_UP * count) if critic is not None and generator.takes_up_figures else 0
            self._ways = Ways(after, generator.last_onset, count, answers and after.begun == after.turn.notes, figures)
        if self._ways.go_on(generator, when):
            (first, *others), self._ways = self._ways.ranked(generator), None
            self._second = others[0] if others else None
            self._take(first)

    def _take(self, way: Way) -> None:
        """Go on in this way."""
        self._rest, self._after = way.notes, way.after
        self._next()

    def _next(self) -> None:
        self.note, *rest = self._rest or (None,)
        self._rest = tuple(rest)
        self.thinks = self.note is None and self._after is not None and not self._after.over

    def played(self) -> None:
        """The next note was played."""
        self._next()

    @property
    def later(self) -> tuple[Plan, ...]:
        """The notes of the phrase after the next one."""
        return tuple(ahead.plan for ahead in self._rest)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to come."""
        return self.note is None and self._after is not None and self._after.over

    def redraw(self) -> None:
        """What was drawn ahead does not hold any more, but for the next note."""
        if self.note is not None:
            self._rest, self._after, self._second = (), self.note.after, None

    def anew(self, generator: LineGenerator, turn: Turn, when: When, soon: bool) -> None:
        """Draw anew what is to come, for when the next note was to come. turn: as it stands. soon: it comes at once, so there is time
        for that one alone, and for the others once it was played."""
        assert self.note is not None
        begun = (self.note.after.begun or MOST) - 1
        at = After(generator.memory, replace(turn), False, self.note.plan.position, begun)
        self.begin(at)
        if soon:
            note = drawn(generator, at, when, generator.last_onset)
            self._take(Way((note,), note.after))

    def swap(self, generator: LineGenerator, position: int) -> None:
        """From a position on, the other way is played, if there is one; the one that goes on is kept in its place."""
        other, ours = self._second, (*([self.note] if self.note else []), *self._rest)
        if other is None or self._after is None:
            return
        kept = [note for note in ours if note.plan.position < position]
        if not kept:
            return
        self._second = Way(ours[len(kept) :], self._after)
        memory, notes = kept[-1].after.memory, list(kept)
        for note in other.notes:
            if note.plan.position >= position:
                plan = generator.again(memory, note.plan)
                memory = plan.then
                notes.append(Ahead(plan, note.after._replace(memory=memory)))
        after = other.after._replace(memory=memory) if len(notes) > len(kept) else kept[-1].after._replace(over=other.after.over)
        self._take(Way(tuple(notes), after))
