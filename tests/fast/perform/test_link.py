"""Ableton Link: what of the session is told, in whose time, and when."""

from __future__ import annotations

import queue
import re
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.errors import ImprovError
from improv.core.events import Sync
from improv.extras import install
from improv.perform.link import DRIFTED, MOVED, READ, REFRESH, Glance, Link, Told, glance

SEEN = Glance(time=10.0, error=0.0, beat=5.0, tempo=120.0, playing=False, ahead=-10.0, peers=0)


def later(seconds: float, **changes: object) -> Glance:
    """SEEN some seconds on, as its tempo has it."""
    return replace(SEEN, time=10.0 + seconds, beat=5.0 + 2 * seconds, **changes)


class Host:
    """Link's clock: it began earlier than ours and runs at another rate. reads: when our clock is read, in seconds."""

    def __init__(self, reads: list[float], ahead: float = 1000.0, rate: float = 1.0):
        self.reads, self.ahead, self.rate = iter(reads), ahead, rate
        self.at = 0.0

    def now(self) -> float:
        self.at = next(self.reads)
        return self.at

    def micros(self) -> int:
        return round((self.at + self.ahead) * self.rate * 1e6)


class Peer:
    """What we use of the library, in a session with a beat of 0 at micros 0 of its clock."""

    def __init__(self, host: Host, tempo: float = 120.0):
        self.host, self.bpm, self.peers = host, tempo, 0
        self.playing, self.since = False, 0
        self.enabled = self.startStopSyncEnabled = False

    def clock(self) -> Host:
        return self.host

    def captureAppSessionState(self) -> Peer:
        return self

    def commitAppSessionState(self, state: Peer) -> None:
        assert state is self

    def setTempo(self, tempo: float, micros: int) -> None:
        self.bpm = tempo

    def tempo(self) -> float:
        return self.bpm

    def beatAtTime(self, micros: int, quantum: float) -> float:
        return micros / 60e6 * self.bpm

    def isPlaying(self) -> bool:
        return self.playing

    def timeForIsPlaying(self) -> int:
        return self.since

    def numPeers(self) -> int:
        return self.peers


def test_the_first_look_is_told_and_a_timeline_that_goes_on_is_not() -> None:
    told = Told()
    assert told.news(SEEN) == Sync(10.0, 5.0, 120.0, True)
    assert [told.news(later(i / 20)) for i in range(1, 100)] == [None] * 99


@pytest.mark.parametrize(
    ("seen", "sync"),
    [
        (later(0.05, tempo=132.0), Sync(10.05, 5.1, 132.0, True)),
        (later(0.05, peers=1), Sync(10.05, 5.1, 120.0, True)),
        (later(0.05, playing=True), None),  # nobody had stopped it
        (replace(later(0.05), beat=5.1 + 2 * MOVED * 1.01), Sync(10.05, 5.1 + 2 * MOVED * 1.01, 120.0, True)),
        (replace(later(0.05), beat=5.1 - 2 * MOVED * 0.99), None),
        (replace(later(REFRESH), beat=7.0 - 2 * DRIFTED * 1.01), Sync(11.0, 7.0 - 2 * DRIFTED * 1.01, 120.0, True)),
        (replace(later(REFRESH), beat=7.0 - 2 * DRIFTED * 0.99), None),
        (replace(later(3.0), beat=2.0), Sync(13.0, 2.0, 120.0, True)),  # joined a session: another beat
        (replace(SEEN, time=0.5, beat=5.2), Sync(0.5, 5.2, 120.0, True)),  # our clock began anew
    ],
)
def test_news(seen: Glance, sync: Sync | None) -> None:
    told = Told()
    told.news(SEEN)
    assert told.news(seen) == sync


def test_the_transport_is_followed_from_the_first_start_on() -> None:
    told = Told()
    seen = [
        SEEN,
        later(1.0, playing=True, ahead=0.5),  # announced
        later(1.5, playing=True, ahead=0.0),
        later(2.0, playing=False, ahead=0.25),  # a stop, announced
        later(2.25, playing=False, ahead=0.0),
        later(3.0, playing=False),
        later(3.5, playing=True),
    ]
    assert [sync and (sync.time, sync.playing) for sync in map(told.news, seen)] == [
        (10.0, True),
        None,
        None,
        None,
        (12.25, False),
        None,
        (13.5, True),
    ]


@given(st.floats(-1e-4, 1e-4), st.floats(20, 999), st.lists(st.floats(0.04, 0.3), min_size=1, max_size=200))
def test_what_is_told_is_never_further_off_than_it_may(drift: float, tempo: float, gaps: list[float]) -> None:
    """Link's clock runs faster or slower than ours by up to 100 ppm: whoever goes by what was told is right within MOVED."""
    told, time, last = Told(), 0.0, None
    for gap in [0.0, *gaps]:
        time += gap
        beat = time * (1 + drift) * tempo / 60
        last = told.news(Glance(time, 0.0, beat, tempo, False, -1.0, 0)) or last
        assert last is not None
        assert abs(last.beat + (time - last.time) * tempo / 60 - beat) * 60 / tempo <= MOVED * 1.001


def test_both_clocks_are_read_together_and_the_closest_reading_counts() -> None:
    """The first two readings were interrupted for 5 and 1 ms, the third took 20 microseconds."""
    host = Host([1.0, 1.005, 1.01, 1.011, 1.02, 1.02002], rate=1.00001)
    seen = glance(Peer(host), host, host.now, 4.0)
    assert seen.time == pytest.approx(1.02001, abs=1e-9)
    assert seen.error == pytest.approx(0.00001, abs=1e-9)
    assert seen.beat == pytest.approx(2 * (1.02 + 1000) * 1.00001, abs=1e-5)


class Ticking(Host):
    """A clock that goes on by a microsecond each time it is read."""

    def __init__(self) -> None:
        super().__init__([])

    def now(self) -> float:
        self.at += 1e-6
        return self.at


@pytest.fixture
def joined() -> Iterator[tuple[Peer, Link, queue.SimpleQueue[Sync]]]:
    peer, inbox = Peer(Ticking()), queue.SimpleQueue[Sync]()
    link = Link(peer.host.now, inbox.put, 120.0, 4.0, peer)
    yield peer, link, inbox
    link.close()
    assert not peer.enabled


def test_a_peer_joins_looks_and_leaves(joined: tuple[Peer, Link, queue.SimpleQueue[Sync]]) -> None:
    peer, link, inbox = joined
    first = inbox.get(timeout=10)
    assert (first.tempo, first.playing) == (120.0, True)
    assert first.beat == pytest.approx(2 * (first.time + 1000), abs=1e-5)
    assert peer.enabled
    assert peer.startStopSyncEnabled
    link.set_tempo(132.0)
    assert inbox.get(timeout=10).tempo == peer.bpm == 132.0
    peer.peers = 2
    inbox.get(timeout=10)
    assert link.peers == 2
    assert link.error <= READ / 2


@pytest.mark.parametrize("tempo", [19.9, 1000.0, float("nan")])
def test_a_tempo_that_link_has_not_is_refused(joined: tuple[Peer, Link, queue.SimpleQueue[Sync]], tempo: float) -> None:
    with pytest.raises(ImprovError, match="expected 20 to 999"):
        joined[1].set_tempo(tempo)
    with pytest.raises(ImprovError, match="expected 20 to 999"):
        Link(lambda: 0.0, print, tempo, 4.0, joined[0])


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(ImprovError, match=re.escape(install("link"))):
        Link(lambda: 0.0, print, 120.0, 4.0)
