"""Our own output that comes back to our input, as through a DAW's thru: recognised, and then not heard.

One note that is like ours may be the player's. Several in a row, each at once after ours, on its channel, at its pitch and
with its velocity, and none of ours without: that is no player. When ours come without an echo, it is over.
"""

from __future__ import annotations

from collections import deque

from improv.core.events import ControlChange, Event, NoteOff, NoteOn

WINDOW = 0.03  # seconds after we sent it within which an echo arrives
RUN = 4  # notes in a row that must have come back
GIVE_UP = 2  # notes in a row that did not
SILENCING = (120, 123)  # controllers that we send ourselves; answering them would never end


class LoopbackFilter:
    """For one input. run: of how many notes one is sure; infinity for never.

    `sent` may be called in another thread than `heard`; times are seconds, sent and arrived."""

    def __init__(self, window: float = WINDOW, run: float = RUN):
        self.there = False  # it was recognised, and goes on
        self.ignored = 0  # notes
        self._window, self._run = window, run
        self._sent: deque[tuple[float, Event]] = deque(maxlen=512)
        self._expected: list[tuple[float, Event]] = []  # of what was sent, what may still come back, and is not yet missed
        self._lately: tuple[float, int, int, int] | None = None  # the latest note that was listened to: time, channel, pitch, velocity
        self._hits = self._misses = 0
        self._swallowed: set[tuple[int, int]] = set()  # (channel, pitch) whose note-off is to be left out too

    def sent(self, time: float, event: Event) -> None:
        """Tell of what we send, before it is sent."""
        if isinstance(event, NoteOn | NoteOff) or (isinstance(event, ControlChange) and event.control in SILENCING):
            self._sent.append((time, event))

    def heard(self, event: Event) -> bool:
        """Whether what arrived is our own, and is to be left out."""
        while self._sent and self._sent[0][0] <= event.time:
            sent = self._sent.popleft()
            if not self._answers(*sent):
                self._expected.append(sent)
        ours = bool(self._expected) and self._ours(event)
        if isinstance(event, NoteOn) and not ours:
            self._lately = event.time, event.channel, event.pitch, event.velocity
        return ours

    def _answers(self, time: float, event: Event) -> bool:
        """Whether we only said at once what was just heard: the next of the same kind may be the player's."""
        if self._lately is None or not isinstance(event, NoteOn) or time - self._lately[0] > self._window:
            return False
        return self._lately[1:] == (event.channel, event.pitch, event.velocity)

    def _ours(self, event: Event) -> bool:
        self._expire(event.time)
        for i, (_, ours) in enumerate(self._expected):
            if _same(ours, event):
                del self._expected[i]
                return self._came_back(event)
        return False

    def _came_back(self, event: Event) -> bool:
        if isinstance(event, NoteOn):
            self._hits, self._misses = self._hits + 1, 0
            self.there = self.there or self._hits >= self._run
            if self.there:
                self.ignored += 1
                self._swallowed.add((event.channel, event.pitch))
            return self.there
        if isinstance(event, NoteOff):
            key = event.channel, event.pitch
            if key in self._swallowed:
                self._swallowed.discard(key)
                return True
            return False  # its note-on was heard
        return True

    def _expire(self, now: float) -> None:
        """Ours that can't come back any more: missed."""
        late = [ours for time, ours in self._expected if now - time > self._window]
        if not late:
            return
        self._expected = [(time, ours) for time, ours in self._expected if now - time <= self._window]
        missed = sum(isinstance(ours, NoteOn) for ours in late)
        if missed:
            self._hits, self._misses = 0, self._misses + missed
            if self._misses >= GIVE_UP:
                self.there = False


def _same(ours: Event, event: Event) -> bool:
    if isinstance(ours, NoteOn) and isinstance(event, NoteOn):
        return (ours.channel, ours.pitch, ours.velocity) == (event.channel, event.pitch, event.velocity)
    if isinstance(ours, NoteOff) and isinstance(event, NoteOff):
        return (ours.channel, ours.pitch) == (event.channel, event.pitch)
    if isinstance(ours, ControlChange) and isinstance(event, ControlChange):
        return (ours.channel, ours.control) == (event.channel, event.control)
    return False
