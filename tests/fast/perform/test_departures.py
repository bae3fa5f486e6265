"""Over changes that are typed: it is told where the player plays other chords, and nothing that is played is altered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import NoteOff, NoteOn
from improv.core.harmony import Changes, parse_changes
from improv.core.harmony.spelling import parse_key
from improv.core.harmony.templates import Templates
from improv.core.heard.harmony import EarSetup
from improv.core.settings import Settings
from improv.perform.departing import DepartureListener

BAR = 2.0  # seconds, at 120
VOICINGS = {
    "Dm7": (50, 53, 57, 60), "G7": (43, 53, 59, 65), "Cmaj7": (48, 52, 55, 59), "A7": (45, 55, 61, 64), "F7": (41, 51, 57, 60),
    "Fm7": (41, 51, 56, 60), "F6": (41, 50, 57, 60), "Em7": (40, 50, 55, 59),
}  # fmt: skip


def told(changes: str, played: Sequence[str], key: str = "C") -> list[str]:
    """A chord a bar, its keys one after the other; looked at twice a second."""
    typed: Changes = parse_changes(changes)
    keeper = Timekeeper(Settings())
    keeper.begin(0.0)
    listener = DepartureListener(keeper, lambda: typed, lambda: EarSetup(Templates()))
    events: list[NoteOn | NoteOff] = []
    for bar, symbol in enumerate(played):
        for i, pitch in enumerate(VOICINGS.get(symbol, ())):
            events += [NoteOn(BAR * bar + 0.01 * i, pitch, 70), NoteOff(BAR * (bar + 0.95), pitch)]
    events.sort(key=lambda e: (e.time, isinstance(e, NoteOn)))
    found: list[str] = []
    for look in range(round(2 * BAR * (len(played) + 1))):
        now = 0.5 * (look + 1)
        while events and events[0].time <= now:
            listener.heard(events.pop(0))
        found += [one.text for one in listener.look(now, parse_key(key))]
    return found


@pytest.mark.parametrize(
    ("changes", "played", "said"),
    [
        pytest.param("Dm7 | G7 | Cmaj7 | A7", ["Dm7", "G7", "Cmaj7", "A7"] * 2, [], id="as it stands there"),
        pytest.param("Dm7 | F7 | Cmaj7 | A7", ["Dm7", "Fm7", "Cmaj7", "A7"] * 2, ["you play Fm7 where the chart has F7, bar 2"], id="once"),
        pytest.param("Dm7 | G7 | Cmaj7 | A7", ["F6", "G7", "Em7", "A7"], [], id="what one plays over it"),
        pytest.param("Dm7 | G7 | Cmaj7 | A7", [""] * 6, [], id="nothing is played"),
    ],
)
def test_who_departs_from_the_chart_is_told_once(changes: str, played: list[str], said: list[str]) -> None:
    assert told(changes, played) == said


def test_who_is_elsewhere_in_the_chart_is_asked() -> None:
    chart = "Dm7 | G7 | Cmaj7 | A7 | Fm7 | F7 | Em7 | F7"
    played = chart.split(" | ")
    said = told(chart, (played + played)[2:12])
    assert "your chords fit the chart 2 bars later: are we together?" in said
    assert sum("together" in line for line in said) == 1


def test_what_is_played_is_spelled_in_the_key() -> None:
    assert told("G7 | Cmaj7", ["G7", "Fm7"], "F#m")[-1].startswith("you play E#m7")
