"""What a member of a band knows of a song and of the others: the form, the dynamic, what is done in a bar, and where it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from improv.charts.tunes import built_in
from improv.core.band.bar import Doing
from improv.core.band.ending import ENDING
from improv.core.band.form import form_of
from improv.core.band.together import QUIET, USUAL, Here, PlayingTogether
from improv.core.events import NoteOff, NoteOn, Setting
from improv.core.harmony import NO_CHORD, parse_changes
from improv.core.meter import Meter
from improv.core.metres import FOUR
from improv.core.settings import Settings

PLAYS = ("trade", "bass", "drums", "comp")
PLAY, BREAK, STOP, REST, SOLO, END = Doing.PLAY, Doing.BREAK, Doing.STOP, Doing.REST, Doing.SOLO, Doing.END


def here(text: str = "F7 | Bb7 | F7 | C7", **settings: object) -> Here:
    meter = Meter(120.0, FOUR).started(0.0)
    return Here(meter, parse_changes(text), NO_CHORD, replace(Settings(), **settings))


def doings(known: PlayingTogether, part: str, at: Here, bars: range) -> list[Doing | None]:
    found = [known.bar(part, 4.0 * bar, at) for bar in bars]
    return [None if bar is None else bar.doing for bar in found]


@pytest.mark.parametrize(
    ("name", "bars", "starts", "rests"),
    [
        ("blues", 12, (0, 4, 8), False),
        ("rhythm-changes", 32, (0, 8, 16, 24), True),
        ("two-five-one", 8, (0,), True),  # four bars, counted twice
        ("vamp", 8, (0,), False),
        ("modal", 32, (0, 8, 16, 24), True),
    ],
)
def test_forms(name: str, bars: int, starts: tuple[int, ...], rests: bool) -> None:
    form = form_of(parse_changes(built_in()[name].changes), FOUR)
    assert (form.bars, form.starts, form.rests) == (bars, starts, rests)
    assert form.place(bars + 1)[2:] == (1, bars, 1)


def test_a_chart_says_breaks_and_stop_time() -> None:
    at = here("[A] C | F | [break] G | G | [stop time] C | F | [B] C | NC")
    known = PlayingTogether(PLAYS)
    known.begin(at)
    assert doings(known, "bass", at, range(8)) == [PLAY, PLAY, BREAK, REST, STOP, STOP, PLAY, REST]
    assert form_of(at.changes, FOUR).starts == (0, 6)


def test_all_end_with_the_chorus_and_sooner_if_asked_again() -> None:
    at = here(" | ".join(["C"] * 7 + ["G7"]))
    known = PlayingTogether(PLAYS)
    known.begin(at)
    assert known.last_bar(at) is None
    assert known.set(Setting(1.0, ENDING, 1), at, 2.0)
    assert doings(known, "drums", at, range(6, 10)) == [PLAY, PLAY, END, None]  # G7 leads to the first chord
    known.set(Setting(2.0, ENDING, 1), at, 9.0)
    assert doings(known, "comp", at, range(2, 5)) == [PLAY, END, None]
    known.begin(at)
    assert known.last_bar(at) is None
    assert PlayingTogether(PLAYS, bars=16).last_bar(here(" | ".join(["C"] * 8))) == 15  # on which one can end


def test_solos_of_bass_and_drums_and_fours() -> None:
    at = here("C | F | G | C")
    known = PlayingTogether(PLAYS)
    known.begin(at)
    known.set(Setting(0.0, "feature", "bass"), at, 5.0)  # from the next section on
    assert [doings(known, part, at, range(7, 9)) for part in ("bass", "drums", "comp")] == [[PLAY, SOLO], [PLAY, PLAY], [PLAY, REST]]
    known.set(Setting(0.0, "feature", "fours"), at, 33.0)
    assert doings(known, "drums", at, range(16, 25)) == [PLAY] * 4 + [SOLO] * 4 + [PLAY]
    assert doings(known, "bass", at, range(20, 25)) == [REST] * 4 + [PLAY]


def test_the_dynamic_follows_who_leads_and_comes_down_when_improv_takes_over() -> None:
    at = here()

    def heard(notes: list[tuple[float, int, int]], part: int) -> list[float]:
        """The dynamic of each bar, with the same notes (beat, pitch, velocity) in each of four bars."""
        dynamics = []
        for bar in range(4):
            for beat, pitch, velocity in notes:
                known.heard(NoteOn(0.0, pitch, velocity, 0, part), 4 * bar + beat)
                known.heard(NoteOff(0.0, pitch, 0, part), 4 * bar + beat + 0.4)
            found = known.bar("bass", 4.0 * (bar + 1), at)
            assert found is not None
            dynamics.append(found.dynamic)
        return dynamics

    loud = [(i / 2, 72 + i, 112) for i in range(8)]
    known = PlayingTogether(PLAYS)
    rising = heard(loud, 0)
    assert rising == sorted(rising)
    assert rising[0] > USUAL
    assert rising[3] > 0.6
    known = PlayingTogether(PLAYS)
    falling = heard([], 0)
    assert falling == sorted(falling, reverse=True)
    assert falling[3] > QUIET
    known = PlayingTogether(PLAYS)
    heard(loud, 0)
    up = known.dynamic
    known.heard(NoteOn(0.0, 72, 112, 0, -1), 16.5)
    assert (bar := known.bar("bass", 20.0, at)) is not None
    assert bar.dynamic < up - 0.05
    known.heard(NoteOn(0.0, 40, 100, 1, -2), 17.0)  # the bass leads nobody
    assert (known.bass, len(known.notes)) == (40, 33)


def test_a_bar_that_is_asked_for_twice_is_the_same_bar() -> None:
    at, known = here(), PlayingTogether(PLAYS)
    known.heard(NoteOn(0.0, 72, 112), 1.0)
    assert known.bar("drums", 4.0, at) == known.bar("drums", 4.0, at)
