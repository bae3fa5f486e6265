"""Ableton Link: the beat that all peers of a session share, told to the performance as Sync events.

The library (LinkPython-extern, the extra `link`) keeps the session in threads of its own, in C++. Ours looks at it
20 times a second (0.4 % of a core, the library's threads included) and says something only when something has changed.
The library's callbacks are not used: one that comes while the program ends can kill it, since it waits for an
interpreter that is gone.

Link tells time on a clock of its own (on Linux the raw monotonic one, from which the performance clock drifts by
10 microseconds a second or more), so each look reads both clocks together, and what is told is in performance time.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from improv.core.errors import ImprovError
from improv.core.events import Sync
from improv.extras import install

POLL = 0.05  # seconds between two looks
MOVED = 0.0003  # seconds: a beat that is off by more is told at once
DRIFTED = 0.00002  # seconds: a beat that is off by more is told when REFRESH is over
REFRESH = 1.0  # seconds
READ = 0.0001  # seconds: how far apart two readings of our clock may be, with Link's between them
TRIES = 8  # readings a look; if we were interrupted in all of them, the next look is better
SLOWEST, FASTEST = 20.0, 999.0  # bpm, of Link itself


class LinkError(ImprovError):
    """Link can't be joined, or was asked for what it can't do."""


@dataclass(frozen=True, slots=True)
class Glance:
    """The session at one moment. time: performance clock; error: seconds that it may be off.

    playing: what the transport was last set to; ahead: seconds until that holds, 0 or less when it does.
    """

    time: float
    error: float
    beat: float
    tempo: float
    playing: bool
    ahead: float
    peers: int


class Told:
    """Decides what of the session is news. Pure.

    The session's transport stands still until somebody presses start, and many programs never do; so it is
    believed only from the first start on, and until then all counts as playing.
    """

    def __init__(self) -> None:
        self._last: Sync | None = None
        self._peers = 0
        self._started = self._playing = False

    def news(self, seen: Glance) -> Sync | None:
        """What to tell the performance; None where it knows already."""
        if seen.ahead <= 0:
            self._playing = seen.playing
        self._started = self._started or self._playing
        sync = Sync(seen.time, seen.beat, seen.tempo, self._playing or not self._started)
        last = self._last
        if last is not None:
            expected = last.beat + (sync.time - last.time) * last.tempo / 60
            off = abs(sync.beat - expected) * 60 / sync.tempo
            same = (sync.tempo, sync.playing, seen.peers) == (last.tempo, last.playing, self._peers)
            if same and off <= (MOVED if sync.time - last.time < REFRESH else DRIFTED):
                return None
        self._last, self._peers = sync, seen.peers
        return sync


class Link:
    """A peer of the Link session on this network, until `close`.

    now: the performance clock. heard: takes each Sync, in our thread. tempo: bpm, 20 to 999, of the session if we
    are the first in it; otherwise the session's holds. quantum: quarters a bar; beats that are whole multiples of it
    are bar lines for every peer with the same. peer: stands in for the library, in tests. Raises LinkError.
    """

    def __init__(self, now: Callable[[], float], heard: Callable[[Sync], object], tempo: float, quantum: float, peer: Any = None):
        if not quantum > 0:
            raise LinkError(f"Link: a bar of {quantum:g} quarters; expected more than 0")
        _check_tempo(tempo)
        self._now, self._heard, self._quantum = now, heard, quantum
        self._peer = peer if peer is not None else _library()(tempo)
        self._clock = self._peer.clock()
        self._told = Told()
        self._wish: float | None = None
        self._woken, self._over = threading.Event(), False
        self.peers = 0  # others in the session
        self.error = 0.0  # seconds: how far the last Sync may be from Link's own beat, at most
        self._peer.startStopSyncEnabled = True
        self._peer.enabled = True
        self._thread = threading.Thread(target=self._watch, name="link", daemon=True)
        self._thread.start()

    def set_tempo(self, tempo: float) -> None:
        """The session's tempo, for all peers, in bpm from 20 to 999; done by our own thread. Raises LinkError."""
        _check_tempo(tempo)
        self._wish = tempo
        self._woken.set()

    def close(self) -> None:
        """Leave the session."""
        self._over = True
        self._woken.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            wait = 0.0
            while not self._over:
                self._woken.wait(wait)
                self._woken.clear()
                wait = self._look()
        finally:
            self._peer.enabled = False

    def _look(self) -> float:
        """One look; tells what is news. Returns the seconds until the next one."""
        wish, self._wish = self._wish, None
        if wish is not None:
            state = self._peer.captureAppSessionState()
            state.setTempo(wish, self._clock.micros())
            self._peer.commitAppSessionState(state)
        seen = glance(self._peer, self._clock, self._now, self._quantum)
        self.peers = seen.peers
        if seen.error <= READ / 2:
            news = self._told.news(seen)
            if news is not None:
                self.error = seen.error
                self._heard(news)
        return min(POLL, seen.ahead) if seen.ahead > 0 else POLL


def glance(peer: Any, clock: Any, now: Callable[[], float], quantum: float) -> Glance:
    """The session as it is now: Link's clock read between two readings of ours, as close together as they come."""
    state = peer.captureAppSessionState()
    width = math.inf
    for _ in range(TRIES):
        before, reading, after = now(), clock.micros(), now()
        if after - before < width:
            width, middle, micros = after - before, (before + after) / 2, reading
        if width <= READ:
            break
    ahead = (state.timeForIsPlaying() - micros) / 1e6
    return Glance(middle, width / 2, state.beatAtTime(micros, quantum), state.tempo(), state.isPlaying(), ahead, peer.numPeers())


def _check_tempo(tempo: float) -> None:
    if not SLOWEST <= tempo <= FASTEST:
        raise LinkError(f"Link: a tempo of {tempo:g} bpm; expected {SLOWEST:g} to {FASTEST:g}")


def _library() -> Any:
    try:
        from link import Link as Peer
    except ImportError as e:
        raise LinkError(f"Ableton Link needs a library that is not here ({e}): {install('link')}") from None
    return Peer
