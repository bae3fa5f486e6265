"""Bass, drums and comping beside the soloist: they play together, end together, and the same again from the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from improv.cli.banding import band_beside
from improv.core.events import Event, NoteOff, NoteOn, Setting, Stop
from improv.core.harmony import parse_changes
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.clock import OfflineClock
from improv.perform.conductor import OVER
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.again import replayed
from improv.session.header import header_of
from improv.session.reader import Session

TEXT = "F7 | Bb7 | F7 | % | Bb7 | % | F7 | % | Gm7 | C7 | F7 | C7"
BAR = 2.0  # seconds


def performed(
    script: Sequence[Event] = (), bars: int | None = 12, limit: float = 60.0, record: Path | None = None, ends: bool = True
) -> KeptTake:
    settings = Settings(mode="trade", count_in=1)
    soloist = PerformerSetup("improv", load_model("tutorial"), settings, 5)
    performers = band_beside(soloist, ("bass", "drums", "comp"))
    song = Song(parse_changes(TEXT), TEXT, bars=bars, band=tuple(p.settings.mode for p in performers))
    take = KeptTake()
    observers = [take, *([Recorder(record, header_of(song, performers))] if record else [])]
    performance = Performance(PerformanceConfig(performers, song, signals=(), ends=ends), OfflineClock(script, limit), observers=observers)
    assert performance.run()["reason"] == OVER
    return take


def ons(take: KeptTake, part: int) -> list[NoteOn]:
    return [e for e in take.played_events if isinstance(e, NoteOn) and e.part == part]


def call(since: float) -> list[Event]:
    """A phrase of the player's: four quarters."""
    notes: list[Event] = []
    for i, pitch in enumerate((65, 69, 72, 75)):
        notes += [NoteOn(since + 0.5 * i, pitch, 90), NoteOff(since + 0.5 * i + 0.4, pitch)]
    return notes


def test_they_count_in_play_and_end_together(tmp_path: Path) -> None:
    take = performed(call(2 * BAR), record=tmp_path / "s.jsonl")
    improv, bass, drums, comp = (ons(take, part) for part in range(4))
    assert improv  # it answers as ever
    assert [round(e.time, 1) for e in drums if e.time < BAR - 0.1] == [0.0, 0.5, 1.0, 1.5]  # the sticks
    assert {e.pitch for e in drums if e.time < BAR - 0.1} == {37}
    assert min(e.time for e in (*bass, *comp)) > BAR - 0.1
    assert {e.channel for e in bass} == {1}
    assert {e.channel for e in drums} == {9}
    assert {e.channel for e in comp} == {2}
    tempos = [e.value for e in take.heard_events if isinstance(e, Setting) and e.name == "tempo"]
    assert tempos == sorted(tempos, reverse=True)
    assert float(str(tempos[-1])) < 100
    (stop,) = (e for e in take.heard_events if isinstance(e, Stop))
    last = [part[-1].time for part in (bass, drums, comp)]
    assert max(last) - min(last) < 0.1  # the last chord
    assert stop.time - max(last) > 2.0  # is held
    assert bass[-1].pitch % 12 == 5
    found = replayed(Session(tmp_path / "s.jsonl"), None, lambda *_: None)
    assert found.same is True


def test_an_end_that_is_asked_for_is_a_tag_and_the_last_chord() -> None:
    take = performed([Setting(10.0, "ending", 1)], bars=None)
    jumps = [e for e in take.heard_events if getattr(e, "kind", "") == "position"]
    assert [round(e.time / BAR, 1) for e in jumps] == [13.0, 17.0]  # after the count-in and twelve bars, and four bars later
    (stop,) = (e for e in take.heard_events if isinstance(e, Stop))
    assert 21 * BAR < ons(take, 1)[-1].time < stop.time
    soon = performed([Setting(10.0, "ending", 1), Setting(11.0, "ending", 1)], bars=None)
    assert not [e for e in soon.heard_events if getattr(e, "kind", "") == "position"]
    assert 11.9 < ons(soon, 1)[-1].time < 13.0


def test_a_performance_goes_on_after_its_band_has_ended() -> None:
    take = performed([Setting(10.0, "ending", 1), Setting(11.0, "ending", 1), *call(30.0)], bars=None, ends=False)
    assert [e.value for e in take.heard_events if isinstance(e, Setting) and e.name == "tempo"][-1] == 120.0
    assert not [e for e in take.played_events if isinstance(e, NoteOn) and 16.0 < e.time < 30.0]


def test_who_accompanies_keeps_its_mode_where_a_wish_is_for_all() -> None:
    everyone = performed([Setting(4.0, "mode", "duet"), Setting(4.0, "level", 0.0, 2)])
    assert len(ons(everyone, 1)) > 40
    assert max(e.time for e in ons(everyone, 2)) < 4.0  # whose fader is down


def test_who_leads_leaves_the_drums_their_four_bars() -> None:
    take = performed([Setting(0.5, "mode", "solo", 0), Setting(0.5, "feature", "fours")], bars=24, limit=70.0)
    fours = [5, 6, 7, 8, 13, 14, 15, 16, 21, 22, 23, 24]  # behind the count-in

    def bars(part: int, before: float = 0.2) -> list[int]:
        """Those in which a part strikes notes; what comes so many seconds before a bar line is the next bar's."""
        return sorted({int((e.time + before) / BAR) for e in ons(take, part)})

    assert [n for n in range(1, 26) if n not in bars(1)] == fours
    assert [n for n in range(1, 26) if n not in bars(3)] == fours
    assert not set(bars(0, 0.0)) & set(fours)
    assert bars(2) == list(range(26))
