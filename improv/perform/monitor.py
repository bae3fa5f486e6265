"""What is looked at while a performance goes on, in a thread that has time: ports, outside clocks, punctuality."""

from __future__ import annotations

import sys
import threading
from collections import deque
from typing import Any

from improv.cli.take import spread
from improv.core.events import Stop
from improv.perform.clock import LiveClock
from improv.perform.inbox import Inbox, Tally
from improv.session import Recorder

WATCH = 0.5  # seconds between looks
TOLD = 30.0  # seconds between words on how punctual it is
PATIENCE = 6.0  # seconds without an outside clock after which one is reminded
NO_CLOCK = "no MIDI clock arrives yet: let the DAW or drum machine send clock to improv's input"
NO_START = "MIDI clock arrives, at {:.1f}: press play there, or play a note to join in"


class LatenessLog:
    """How late notes were handed over, in seconds: all of them, and those since one last looked."""

    def __init__(self) -> None:
        self._all: deque[float] = deque(maxlen=100_000)
        self._lately: list[float] = []

    def add(self, late: float) -> None:
        self._all.append(late)
        self._lately.append(late)

    def lately(self) -> list[float]:
        """Those since this was last asked."""
        lately, self._lately = self._lately, []
        return lately

    def all(self) -> dict[str, float]:
        return spread(self._all)


class Monitor:
    """Ends the performance when a port vanishes; says what is missing, and how punctual it is."""

    def __init__(self, ports: Any, clock: LiveClock, inbox: Inbox, punctuality: LatenessLog, recorder: Recorder, take: Any, talks: bool):
        self._ports, self._clock, self._inbox = ports, clock, inbox
        self._punctuality, self._recorder, self._take, self._talks = punctuality, recorder, take, talks

    def until(self, over: threading.Event) -> None:
        """Look every half second."""
        told = 0.0
        reminded = False
        tally = Tally(self._inbox)
        while not over.wait(WATCH):
            now = self._clock.now()
            if gone := self._ports.missing():
                self._inbox.put(Stop(now, f"port {gone}"))
                return
            if news := tally.news(now):
                self._recorder.note({"shed": self._inbox.dropped | {"time": now}})
                print(f"improv: {news}", file=sys.stderr, flush=True)
            if now > PATIENCE and not reminded:
                reminded = True
                self._remind()
            if now - told > TOLD:
                told = now
                self._tell()

    def _remind(self) -> None:
        """Of what an outside clock still lacks."""
        keeper = self._take.timekeeper
        if self._take.settings.clock == "midi" and not keeper.meter.running:
            self._say(NO_START.format(keeper.meter.tempo) if keeper.source.heard else NO_CLOCK)

    def _tell(self) -> None:
        """How punctual the notes were since this was last told, on the screen and in the record."""
        lately = self._punctuality.lately()
        if not lately:
            return
        late, keeper = spread(lately), self._take.timekeeper
        beat = {"clock": self._take.settings.clock, "tempo": round(keeper.meter.tempo, 2), "sure": round(keeper.source.sure, 2)}
        self._recorder.note({"punctual": late | {"notes": len(lately), "time": self._clock.now()} | beat})
        text = f"{len(lately)} notes, late by {late['p50']} ms (p50), {late['p99']} ms (p99), jitter {late['jitter']} ms"
        if beat["clock"] != "internal":
            text += f"; {beat['clock']} clock at {beat['tempo']:.1f}" + (f", sure to {beat['sure']:.0%}" if beat["sure"] < 1 else "")
        self._say(text)

    def _say(self, text: str) -> None:
        if self._talks:
            try:
                print(f"{'':15}{text}", flush=True)
            except OSError:  # the terminal is gone; nobody looks
                self._talks = False
