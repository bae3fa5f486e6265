"""How long a note takes from our output port back to our input port.

Measured is all of it: the output's driver, whatever is between (a cable, an interface, a synth's thru, a DAW), and the
input's driver; from the moment a note is handed to the port until the port's thread has it again. If the synth itself is
slow to sound, that is not in it: MIDI comes back before the sound does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn

KNOCK = 60  # the pitch that asks whether anything is connected; never one that is measured
PITCHES = [pitch for pitch in range(36, 96) if pitch != KNOCK]  # in an order drawn anew each round: a late note is taken for no other
VELOCITY = 64
KNOCKING = 0.25  # seconds between two knocks
GAP = (0.02, 0.08)  # seconds from a note's return to the next: at no one's period
PATIENCE = 2.0  # seconds until a note is lost
HOPELESS = 5  # notes lost in a row

Send = Callable[[NoteOn | NoteOff], None]
Now = Callable[[], float]  # the time in seconds
Hear = Callable[[float], list[Event]]  # what is heard next, or nothing when a time has come


class LoopError(ImprovError):
    """No loop to measure: what to connect."""


@dataclass(frozen=True, slots=True)
class Loop:
    """What came back. times: seconds of each; lost: how many did not. strange: notes that we never sent."""

    times: tuple[float, ...]
    lost: int
    strange: int


def figures(loop: Loop) -> dict[str, Any]:
    """Milliseconds from a loop's times; jitter is p99 - p50; advance is what is stored."""
    import numpy as np

    p50, p99, most = (float(x) for x in np.percentile([1000 * t for t in loop.times], [50, 99, 100]))
    spread = {"p50_ms": p50, "p99_ms": p99, "max_ms": most, "jitter_ms": p99 - p50}
    return {"lost": loop.lost} | {name: round(ms, 3) for name, ms in spread.items()} | {"advance_ms": round(p50, 1)}


def measure(send: Send, now: Now, hear: Hear, notes: int, wait: float, rng: random.Random) -> Loop:
    """Send notes and wait for each of them. Every note is closed, however this ends.

    wait: seconds for the first to come back, while somebody connects the ports; if none does, nothing is measured.
    After HOPELESS lost in a row the others count as lost too.
    """
    prober = _Prober(send, now, hear)
    if not any(prober.probe(KNOCK, KNOCKING) is not None for _ in range(max(1, round(wait / KNOCKING)))):
        return Loop((), notes, prober.strange)
    times: list[float] = []
    row = 0
    deck: list[int] = []
    for _ in range(notes):
        prober.rest(rng.uniform(*GAP))
        deck = deck or rng.sample(PITCHES, len(PITCHES))
        took = prober.probe(deck.pop(), PATIENCE)
        row = row + 1 if took is None else 0
        times += [] if took is None else [took]
        if row == HOPELESS:
            break
    return Loop(tuple(times), notes - len(times), prober.strange)


class _Prober:
    """One note at a time: sent, waited for, closed."""

    def __init__(self, send: Send, now: Now, hear: Hear):
        self._send, self._now, self._hear = send, now, hear
        self._sent: set[int] = set()
        self.strange = 0  # notes heard that were never sent

    def probe(self, pitch: int, patience: float) -> float | None:
        """Seconds until it is back; None when patience, in seconds, is over."""
        sent = self._now()
        self._sent.add(pitch)
        try:
            self._send(NoteOn(sent, pitch, VELOCITY))
            while self._now() < sent + patience:
                for event in self._hear(sent + patience):
                    if isinstance(event, NoteOn) and event.pitch == pitch:
                        return event.time - sent
                    self.strange += isinstance(event, NoteOn) and event.pitch not in self._sent
            return None
        finally:
            self._send(NoteOff(self._now(), pitch))

    def rest(self, seconds: float) -> None:
        until = self._now() + seconds
        while self._now() < until:
            self._hear(until)
