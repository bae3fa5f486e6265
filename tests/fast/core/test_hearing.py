"""What keyboards really send: an answer comes all the same. And older sessions are heard as they were."""

from __future__ import annotations

import queue

import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.core.hearing import FIRST, NOW
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

LINE = [62, 65, 69, 72, 71, 67, 65, 62, 64, 67, 71, 74, 72]
STEP, LENGTH = 0.25, 0.22
END = (len(LINE) - 1) * STEP + LENGTH  # of the line, in seconds


@pytest.fixture(scope="module")
def jazz() -> Model:
    return load_model("jazz")


def line(start: float = 0.0, pitches: list[int] = LINE) -> list[Event]:
    return [e for i, p in enumerate(pitches) for e in (NoteOn(start + i * STEP, p, 84), NoteOff(start + i * STEP + LENGTH, p))]


def played(model: Model, heard: list[Event], limit: float, hearing: int = NOW, **wishes: object) -> list[Event]:
    """All that is played up to a time, without what closes it there."""
    settings, found, over = Settings(**wishes), [], parse_changes("Dm7 | G7") if wishes else None  # type: ignore[arg-type,var-annotated]
    band = Band([Slot(Improviser(model, settings, over, seed=7, hearing=hearing))], Timekeeper(settings, hearing=hearing))
    perform(band, OfflineClock(sorted(heard, key=lambda e: e.time), limit), queue.SimpleQueue(), found.append)
    return [e for e in found if e.time < limit]


def onsets(events: list[Event]) -> list[float]:
    return [e.time for e in events if isinstance(e, NoteOn)]


RELEASES = {
    "once, as the last key comes up": [ControlChange(END, 123, 0)],
    "whenever the last key comes up": [ControlChange(i * STEP + LENGTH, 123, 0) for i in range(len(LINE))],
    "also later, while it answers": [ControlChange(END + 0.5 * i, 123, 0) for i in range(8)],
}


@pytest.mark.parametrize("sent", RELEASES.values(), ids=RELEASES)
def test_all_notes_off_takes_nothing_from_the_answer(jazz: Model, sent: list[Event]) -> None:
    plain = played(jazz, line(), 12.0)
    assert onsets(plain)[0] < END + 1.0
    assert len(onsets(plain)) >= 4
    found = played(jazz, [*line(), *sent], 12.0)
    assert onsets(found)[0] < END + 1.0
    assert len(onsets(found)) >= 4
    if sent == RELEASES["once, as the last key comes up"]:
        assert played(jazz, [*line(), *sent], 12.0, FIRST) == []


def test_all_notes_off_in_place_of_note_offs_is_a_release(jazz: Model) -> None:
    heard = [e if isinstance(e, NoteOn) else ControlChange(e.time, 123, 0) for e in line()]
    assert onsets(played(jazz, heard, 12.0))[0] < END + 1.0


@pytest.mark.parametrize("mode", ["comp", "duet"])
def test_all_notes_off_does_not_silence_a_companion(jazz: Model, mode: str) -> None:
    heard = [*line(), *line(4.0), *RELEASES["whenever the last key comes up"]]
    without = len(onsets(played(jazz, [*line(), *line(4.0)], 8.0, mode=mode)))
    with_it = len(onsets(played(jazz, heard, 8.0, mode=mode)))
    assert with_it >= 0.6 * without > 0


def test_all_sound_off_still_ends_it(jazz: Model) -> None:
    first = onsets(played(jazz, line(), 12.0))[0]
    found = played(jazz, [*line(), ControlChange(first + 0.001, 120, 0)], 12.0)
    assert [type(e) for e in found] == [NoteOn, NoteOff]


@pytest.mark.parametrize("up", [[], [ControlChange(END, 121, 0)], [ControlChange(END + 0.3, 64, 0)]], ids=["held", "reset", "up later"])
def test_a_turn_comes_though_the_pedal_holds(jazz: Model, up: list[Event]) -> None:
    found = onsets(played(jazz, [ControlChange(0.0, 64, 127), *line(), *up], 12.0))
    assert found[0] < END + 1.0
    assert len(found) >= 4


def test_the_pedal_changes_nothing_of_when_bars_are_traded(jazz: Model) -> None:
    heard = line(0.0, [62, 65, 69, 72] * 8)
    found = onsets(played(jazz, [ControlChange(0.0, 64, 127), *heard], 24.0, trade=4, tempo=120.0))
    assert found
    assert all(8.0 - 0.1 <= time < 16.0 for time in found)  # bars 5 to 8


def test_a_top_key_whose_release_was_lost_takes_no_turn_away(jazz: Model) -> None:
    lost: list[Event] = [NoteOn(0.0, 84, 84)]
    heard = [*lost, *line(0.5), *line(0.5 + len(LINE) * STEP)]
    end = 0.5 + len(LINE) * STEP + END
    assert onsets(played(jazz, heard, end + 8.0))[0] < end + 1.5
    assert played(jazz, heard, end + 8.0, FIRST) == []
