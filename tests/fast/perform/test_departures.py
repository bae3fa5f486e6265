"""Over changes that are typed: it is told where the player plays other chords, and nothing that is played is altered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from improv.cli.screen import symbols_of
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import NoteOff, NoteOn, Transport
from improv.core.harmony import Changes, parse_changes, parse_chord
from improv.core.harmony.spelling import parse_key
from improv.core.harmony.templates import Templates
from improv.core.heard.departures import Departures, PlayedChord
from improv.core.heard.harmony import EarSetup
from improv.core.meter import Meter
from improv.core.metres import FOUR, Metres
from improv.core.settings import Settings
from improv.perform.departing import DepartureListener

BAR, LOOK = 2.0, 0.5  # seconds; a bar at 120
VOICINGS = {
    "Dm7": (50, 53, 57, 60), "G7": (43, 53, 59, 65), "Cmaj7": (48, 52, 55, 59), "A7": (45, 55, 61, 64), "F7": (41, 51, 57, 60),
    "Fm7": (41, 51, 56, 60), "F6": (41, 50, 57, 60), "Em7": (40, 50, 55, 59),
}  # fmt: skip


def chord(symbol: str, begins: float, ends: float, apart: float = 0.01) -> list[NoteOn | NoteOff]:
    """Its keys, one after the other."""
    keys = VOICINGS.get(symbol, ())
    return [*(NoteOn(begins + apart * i, pitch, 70) for i, pitch in enumerate(keys)), *(NoteOff(ends, pitch) for pitch in keys)]


class Playing:
    """A player over changes, looked at twice a second."""

    def __init__(self, changes: str, metres: Metres = FOUR, key: str = "C", instrument: str = "C"):
        typed: Changes = parse_changes(changes, metres)
        self.keeper = Timekeeper(Settings(), metres)
        self.listener = DepartureListener(self.keeper, lambda: typed, lambda: EarSetup(Templates()), symbols_of(instrument))
        self._key = parse_key(key)

    def told(self, events: Sequence[NoteOn | NoteOff], begins: float, until: float) -> list[str]:
        """What is told from a time to another."""
        coming = sorted(events, key=lambda e: (e.time, isinstance(e, NoteOn)))
        found: list[str] = []
        for look in range(round((until - begins) / LOOK)):
            now = begins + LOOK * (look + 1)
            while coming and coming[0].time <= now:
                self.listener.heard(coming.pop(0))
            found += [one.text for one in self.listener.look(now, self._key)]
        return found

    def bars(self, played: Sequence[str], begins: float, apart: float = 0.01) -> list[str]:
        """A chord a bar in 4/4. apart: seconds from key to key."""
        events = [e for i, symbol in enumerate(played) for e in chord(symbol, begins + BAR * i, begins + BAR * (i + 0.95), apart)]
        return self.told(events, begins, begins + BAR * (len(played) + 1))


def told(changes: str, played: Sequence[str], key: str = "C") -> list[str]:
    playing = Playing(changes, key=key)
    playing.keeper.begin(0.0)
    return playing.bars(played, 0.0)


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


CHART = "Dm7 | F7 | Cmaj7 | A7"
AGAIN = 13.0  # seconds, in the midst of a bar


@pytest.mark.parametrize("how", ["stopped and started", "a new beat 0", "a jump"])
def test_where_the_beat_begins_again_nothing_from_before_is_told(how: str) -> None:
    playing = Playing(CHART)
    playing.keeper.begin(0.0)
    events = [e for i, symbol in enumerate(["Dm7", "F7", "Cmaj7", "A7", "Dm7", "F7"]) for e in chord(symbol, BAR * i, BAR * (i + 0.95))]
    held = chord("Fm7", 6 * BAR, AGAIN - 0.1)  # it would be other than the chart's, had the bar gone on
    assert playing.told([*events, *held], 0.0, AGAIN) == []
    keeper = playing.keeper
    if how == "a new beat 0":
        keeper.source.meter = keeper.meter.started(AGAIN, 0.0)
    elif how == "a jump":
        keeper.hear(Transport(AGAIN, "position", 0.0), AGAIN)
    else:
        keeper.hear(Transport(AGAIN - 0.05, "stop"), AGAIN - 0.05)
        keeper.hear(Transport(AGAIN, "start"), AGAIN)
    assert playing.bars(["Dm7", "Fm7", "Cmaj7", "A7", "Dm7"], AGAIN, apart=0.25) == ["you play Fm7 where the chart has F7, bar 2"]


CHANGING = Metres(((0.0, (3, 4)), (9.0, (4, 4))))  # three bars, and four from there


def test_where_the_metre_changes_the_bar_is_counted_as_the_chart_is_written() -> None:
    playing = Playing(CHART, CHANGING)
    playing.keeper.begin(0.0)
    played = ["Dm7", "F7", "Cmaj7", "A7", "Dm7", "Fm7", "Cmaj7", "A7", "Dm7", "Fm7", "Cmaj7", "A7"]
    lines = [CHANGING.line(i) / 2 for i in range(len(played) + 1)]
    events = [e for i, symbol in enumerate(played) for e in chord(symbol, lines[i], lines[i + 1] - 0.1)]
    assert playing.told(events, 0.0, lines[-1] + 1.0) == ["you play Fm7 where the chart has F7, bar 2"]


@pytest.mark.parametrize(
    ("again", "form", "charted"),
    [
        pytest.param(0.0, ("",) * 4, [1, 2, 3, 4, 1, 2, 3, 4, 1], id="one metre"),
        pytest.param(0.0, (), [1, 2, 3, 4, 1, 2, 3, 4, 1], id="one metre, not as written"),
        pytest.param(4.0, (), [1, 2, 3, 4, 2, 3, 4, 2, 3], id="again from bar two"),
    ],
)
def test_bars_are_those_of_the_chart(again: float, form: tuple[str, ...], charted: list[int]) -> None:
    changes = Changes([0.0], [parse_chord("Cmaj7")], 16.0, again=again, form=form)
    meter = Meter()
    found = [
        Departures(changes).bar_over(n, meter, [PlayedChord(4.0 * n, parse_chord("Fm7"), 1.0)], None) for n in range(9)
    ]  # by an ear that is sure
    assert [one.bar for one in found if one] == charted


def test_who_is_elsewhere_where_the_metre_changes_is_asked() -> None:
    chart = "Dm7 | G7 | Cmaj7 | A7 | Fm7 | F7 | Em7 | F7"
    symbols, meter = chart.split(" | "), Meter(120.0, CHANGING)
    departures = Departures(parse_changes(chart, CHANGING))
    said = []
    for n in range(6):
        line = CHANGING.line(n)
        told = departures.bar_over(n, meter, [PlayedChord(line, parse_chord(symbols[n + 2]), 1.0)], None)
        said += [told.text] if told else []
    assert said[-1] == "your chords fit the chart 2 bars later: are we together?"
    assert len([text for text in said if "together" in text]) == 1


def test_a_departure_is_told_as_a_transposing_player_reads_it() -> None:
    playing = Playing(CHART, instrument="Bb")
    playing.keeper.begin(0.0)
    assert playing.bars(["Dm7", "Fm7"], 0.0) == ["you play Gm7 where the chart has G7, bar 2"]
    latest = playing.listener.latest
    assert latest
    assert (latest.played, latest.charted) == ("Fm7", "F7")  # the record has them as they sound
