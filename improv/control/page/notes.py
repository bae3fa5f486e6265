"""The notes that the page is told of, one account of all that sound and all that are planned. Pure.

A note has one number from the moment it is planned to its end: a plan that only moves keeps it, and so does the note that comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from improv.control.page.messages import Notes
from improv.control.page.parts import ControlNews, NoteOffNews, NoteOnNews, Planned, Sounding, Tone

SAME = 0.1  # seconds by which a note may be off its plan
ALL_SOUND_OFF = 120
Key = tuple[bool, int, int, int]  # heard, part, channel, pitch
News = NoteOnNews | NoteOffNews | ControlNews


class NoteAccount:
    """inputs, performers: their names, by number. tone: what a pitch is to the chord at a time. whose: the page whose key a pitch is."""

    def __init__(
        self,
        inputs: Sequence[str],
        performers: Sequence[str],
        tone: Callable[[int, float], Tone | None],
        whose: Callable[[int], int | None] = lambda pitch: None,
    ) -> None:
        self._inputs, self._performers, self._tone, self._whose = inputs, performers, tone, whose
        self._number = 0
        self._sounding: dict[Key, NoteOnNews] = {}
        self._plans: dict[int, tuple[Planned, ...]] = {}

    def sounding(self) -> tuple[Sounding, ...]:
        return tuple(Sounding(n.id, n.source, n.pitch, n.velocity, n.time, n.heard, n.tone) for n in self._sounding.values())

    def plans(self) -> Notes:
        """All that is planned, for a page that comes in."""
        return Notes(plans={self._performers[number]: plan for number, plan in self._plans.items()})

    def forget(self) -> None:
        """What is known of sounding notes is worth nothing any more."""
        self._sounding.clear()
        self._plans.clear()

    def take(self, rows: Sequence[Sequence[Any]]) -> Notes | None:
        """What rows of the tap come to; those that tell of no notes are passed over. None: nothing."""
        events: list[News] = []
        planned: set[int] = set()
        for kind, *row in rows:
            if kind == "on":
                events += self._on(*row)
            elif kind == "off":
                events += self._off(*row)
            elif kind == "cc":
                events.append(self._control(*row))
            elif kind == "plan" and (number := self._plan(row[0], row[2])) is not None:
                planned.add(number)
        if not events and not planned:
            return None
        return Notes(tuple(events), {self._performers[n]: self._plans[n] for n in sorted(planned)})

    def _on(self, heard: bool, part: int, channel: int, pitch: int, velocity: int, time: float, late: float, filled: bool) -> list[News]:
        ended = self._off(heard, part, channel, pitch, time)
        plan = None if heard else self._planned(part, pitch, time)
        page = self._whose(pitch) if heard and self._source(heard, part) == "page" else None
        on = NoteOnNews(
            plan.id if plan else self._next(),
            self._source(heard, part),
            time,
            pitch,
            velocity,
            heard,
            page,
            plan.end if plan else None,
            self._tone(pitch, time),
            channel + 1,
            round(late, 5),
            filled,
        )
        self._sounding[heard, part, channel, pitch] = on
        return [*ended, on]

    def _off(self, heard: bool, part: int, channel: int, pitch: int, time: float) -> list[News]:
        on = self._sounding.pop((heard, part, channel, pitch), None)
        return [NoteOffNews(on.id, time, pitch, on.source, heard)] if on else []

    def _control(self, heard: bool, part: int, channel: int, control: int, value: int, time: float) -> ControlNews:
        source = self._source(heard, part) if part >= 0 else ""
        return ControlNews(time, control, value, source, heard)

    def _plan(self, number: int, notes: Sequence[tuple[float, float, int, int]]) -> int | None:
        """A performer's plan is another now; its number, where that is news."""
        before = list(self._plans.get(number, ()))
        plan = []
        for start, end, pitch, velocity in notes:
            same = next((p for p in before if p.pitch == pitch and abs(p.time - start) < SAME), None)
            if same:
                before.remove(same)
            plan.append(Planned(same.id if same else self._next(), start, end, pitch, velocity, self._tone(pitch, start)))
        if tuple(plan) == self._plans.get(number, ()):
            return None
        self._plans[number] = tuple(plan)
        return number

    def _planned(self, number: int, pitch: int, time: float) -> Planned | None:
        """The plan that a note comes of, which it is no more."""
        plan = self._plans.get(number, ())
        found = next((p for p in plan if p.pitch == pitch and abs(p.time - time) < SAME), None)
        if found:
            self._plans[number] = tuple(p for p in plan if p is not found)
        return found

    def _source(self, heard: bool, part: int) -> str:
        names = self._inputs if heard else self._performers
        return names[part] if 0 <= part < len(names) else ""

    def _next(self) -> int:
        self._number += 1
        return self._number
