"""What all pages are told: it takes in what the performance tells, and hands each page what is new. One text for all of them.

Scenes go out at most FRAMES times a second and hold what has changed; notes and lines go out as they come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from improv.control.page.connection import Guest
from improv.control.page.messages import FRAMES, SaidLine, ToPage, written
from improv.control.page.notes import NoteAccount
from improv.control.page.scene import SceneNow
from improv.control.server.server_end import ServerEnd
from improv.models.loader import models_that_play

MODELS = 30.0  # seconds between two looks at which models there are


class Hub:
    """inputs: names, by number. channels: of the performers, 0-15. clock: seconds of the performance's clock."""

    def __init__(self, end: ServerEnd, inputs: Sequence[str], channels: Sequence[int], clock: Callable[[], float]) -> None:
        self._end, self.clock = end, clock
        self._loop = asyncio.get_running_loop()
        self.guests: dict[int, Guest] = {}
        self.scene = SceneNow(end.performers, channels)
        self.account = NoteAccount(inputs, end.performers, self.scene.tone, self.player_of)
        self.slow = asyncio.Semaphore(1)  # for what takes long
        self._players: dict[int, int] = {}  # pitch -> the page that struck it last
        self._sent = float("-inf")
        self._due: asyncio.TimerHandle | None = None
        self._models_at = float("-inf")
        end.listeners.append(self._heard)

    # Pages

    def enter(self, guest: Guest) -> None:
        self._look_at_models()
        self.guests[guest.number] = guest
        self._count()
        guest.lose()  # it is told all

    def leave(self, guest: Guest) -> None:
        """It is gone; the keys that it alone held come up."""
        self.guests.pop(guest.number, None)
        now = self.clock()
        held = {pitch for other in self.guests.values() for pitch in other.keys}
        rows: list[list[Any]] = [["off", now, pitch] for pitch in sorted(guest.keys - held)]
        rows += [["cc", now, control, 0] for control in sorted(guest.pedals)]
        self.play(rows)
        self._count()

    def _count(self) -> None:
        self._end.tell({"pages": len(self.guests)})
        self.scene.tell(pages=len(self.guests))
        self._frame()

    def whole(self, lost: bool) -> str:
        """A whole scene, for a page that knows nothing. Plans stand in none: they are told after it, to all, again."""
        plans = self.account.plans()
        if plans.plans:
            self._tell(plans)
        return written(self.scene.whole(lost, sounding=self.account.sounding()))

    # From pages

    def play(self, rows: Sequence[list[Any]]) -> None:
        """Keys of pages, for the performance."""
        if rows:
            self._end.tell({"play": list(rows)})

    def struck(self, guest: Guest, pitch: int) -> None:
        guest.keys.add(pitch)
        self._players[pitch] = guest.number

    def held_by_others(self, guest: Guest, pitch: int) -> bool:
        return any(pitch in other.keys for other in self.guests.values() if other is not guest)

    def player_of(self, pitch: int) -> int | None:
        return self._players.get(pitch)

    # From the performance

    def _heard(self, line: Mapping[str, Any]) -> None:
        """A line of the performance's."""
        if "status" in line and self._end.status is not None:
            self.scene.status(self._end.status)
        elif isinstance(house := line.get("house"), dict):
            self.scene.house(house)
        elif isinstance(rows := line.get("page"), list):
            self._rows(rows)
        self._frame()

    def _rows(self, rows: Sequence[Sequence[Any]]) -> None:
        lost = [at for at, row in enumerate(rows) if row[0] == "lost"]
        if lost:
            rows = rows[lost[-1] + 1 :]  # what was told before it is worth nothing
            self.account.forget()
            for guest in self.guests.values():
                guest.lose()
        self.scene.rows(rows)
        if notes := self.account.take(rows):
            self._tell(notes)
        for kind, *row in rows:
            if kind == "said":
                self._tell(SaidLine(str(row[0]), bool(row[1])))

    def _look_at_models(self) -> None:
        if self._loop.time() - self._models_at > MODELS:
            self._models_at = self._loop.time()
            self.scene.tell(models=tuple(models_that_play()))

    # To pages

    def _tell(self, message: ToPage) -> None:
        if self.guests:
            text = written(message)
            for guest in self.guests.values():
                guest.tell(text)

    def _frame(self) -> None:
        """Tell what is new, now or when the next frame is due."""
        if not self.scene.news or self._due is not None:
            return
        wait = self._sent + 1.0 / FRAMES - self._loop.time()
        if wait > 0:
            self._due = self._loop.call_later(wait, self._send_frame)
        else:
            self._send_frame()

    def _send_frame(self) -> None:
        self._due, self._sent = None, self._loop.time()
        self._tell(self.scene.changed())

    def close(self) -> None:
        self._end.listeners.remove(self._heard)
        if self._due:
            self._due.cancel()
