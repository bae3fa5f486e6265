"""What is looked at while a live performance goes on, in a thread that has time: ports, the inbox, outside clocks, lateness, chores."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from improv.core.events import Stop
from improv.perform.inbox import Tally
from improv.perform.performing import Chore, Performing
from improv.perform.waiting import NO_CLOCK, NO_START

LOOK = 0.5  # seconds between looks
TELL = 30.0  # seconds between words on how punctual it is
PATIENCE = 6.0  # seconds without an outside clock after which one is reminded
AGAIN = 60.0  # seconds between two words on notes that were held back
CLOSING = 5.0  # seconds for which a look that goes on is waited for at the end
SILENT = "{}: {}; a riff plays for it until another model is chosen (improv ctl model NAME)"
HELD = "more notes are asked for than anybody plays: {:,} were held back"


class Monitor:
    """Ends the performance when a port vanishes; tells what is missing, what was left out, and how punctual it is."""

    def __init__(self, performance: Performing, chores: Sequence[Chore] = ()):
        self._performance, self._chores = performance, chores
        self._tally = Tally(performance.inbox)
        self._told, self._reminded = 0.0, False
        self._silent: dict[int, str] = {}  # why a performer's model plays no more, as told
        self._held, self._told_held = 0, -AGAIN
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="monitor", daemon=True)

    def start(self) -> None:
        for chore in self._chores:
            chore.start(self._performance)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(CLOSING)
        for chore in self._chores:
            chore.close(self._performance)

    def _look_on(self) -> None:
        while not self._over.wait(LOOK):
            self.look(self._performance.clock.now())

    def look(self, now: float) -> None:
        """One look, at a time in seconds."""
        performance = self._performance
        if gone := performance.ends.missing():
            performance.put(Stop(now, f"port {gone}"))
            self._over.set()
            return
        if news := self._tally.news(now):
            performance.changed(news, {"shed": performance.inbox.dropped | {"time": now}}, warning=True)
        self._faults(now)
        for text in performance.waiting.news(now, performance.harmony.key):
            performance.changed(text, {}, warning=True)
        for text, fact in performance.harmony.news(now):
            performance.changed(text, fact)
        if now > PATIENCE and not self._reminded:
            self._reminded = True
            self._remind()
        if now - self._told > TELL:
            self._told = now
            self._tell(now)
        for chore in self._chores:
            chore.look(performance, now)

    def _faults(self, now: float) -> None:
        """Of models that can't go on, and of notes that no music asks for."""
        performance = self._performance
        for performer in performance.performers:
            why = performer.deadline.failed if performer.deadline else None
            if why and self._silent.get(performer.number) != why:
                performance.changed(
                    SILENT.format(performer.name, why), {"silent": {"performer": performer.number, "why": why, "time": now}}, warning=True
                )
            self._silent[performer.number] = why or ""
        if (held := performance.limit.held) > self._held and now - self._told_held > AGAIN:
            self._held, self._told_held = held, now
            performance.changed(HELD.format(held), {"held": {"notes": held, "time": now}}, warning=True)

    def _remind(self) -> None:
        """Of what an outside clock still lacks."""
        keeper = self._performance.timekeeper
        if keeper.settings.clock == "midi" and not keeper.meter.running:
            self._performance.changed(NO_START.format(keeper.meter.tempo) if keeper.source.heard else NO_CLOCK, {})

    def _tell(self, now: float) -> None:
        """How punctual the notes were since this was last told."""
        late = self._performance.lateness.lately()
        if not late:
            return
        keeper = self._performance.timekeeper
        clock, tempo, sure = keeper.settings.clock, round(keeper.meter.tempo, 2), round(keeper.source.sure, 2)
        text = f"{late['notes']} notes, late by {late['p50']} ms (p50), {late['p99']} ms (p99), jitter {late['jitter']} ms"
        if clock != "internal":
            text += f"; {clock} clock at {tempo:.1f}" + (f", sure to {sure:.0%}" if sure < 1 else "")
        self._performance.changed(text, {"punctual": late | {"time": now, "clock": clock, "tempo": tempo, "sure": sure}})
