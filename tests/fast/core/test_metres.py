"""Where a song's bars are when its metre changes; and all that goes by bars: clicks, comping, traded bars, changes."""

from __future__ import annotations

import itertools
import queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core import playing
from improv.core.beats.timekeeper import Timekeeper, in_beats
from improv.core.events import Event, NoteOff, NoteOn, Setting, Transport
from improv.core.harmony import HarmonyError, parse_changes
from improv.core.improviser import Improviser
from improv.core.meter import Meter
from improv.core.metres import FOUR, MOST_CHANGES, MeterError, Metre, Metres, Unit, metres_of
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.perform.metronome import HIGH, LOW, Metronome

WALTZ = Metres(((0.0, (4, 4)), (8.0, (3, 4)), (17.0, (7, 8)), (20.5, (4, 4))))  # bars 1-2, 3-5, 6, from 7 on
CHORUS = metres_of([(3, 4), (3, 4), (4, 4)], chorus=True)  # ten beats, over and over

METRES = st.sampled_from([(4, 4), (3, 4), (2, 4), (5, 4), (7, 8), (6, 8), (2, 2), (5, 16)])
SONGS = st.builds(metres_of, st.lists(METRES, min_size=1, max_size=9), st.booleans())


def test_bars_are_as_long_as_their_metres() -> None:
    assert [WALTZ.line(bar) for bar in range(-1, 9)] == [-4, 0, 4, 8, 11, 14, 17, 20.5, 24.5, 28.5]
    assert [WALTZ.bar_of(at) for at in (-0.5, 0, 7.9, 8, 16.9, 17, 20, 20.5, 24.5)] == [-1, 0, 1, 2, 4, 5, 5, 6, 7]
    assert [WALTZ.within_bar(at) for at in (-0.5, 7, 8, 12, 18, 21)] == [3.5, 3, 0, 1, 1, 0.5]
    assert [WALTZ.bar_at(at) for at in (0, 9, 18, 30)] == [4, 3, 3.5, 4]
    assert list(itertools.islice(WALTZ.steps(15.2, Unit.FELT), 9)) == [16, 17, 17.5, 18, 18.5, 19, 19.5, 20, 20.5]
    assert list(itertools.islice(WALTZ.steps(1, Unit.BAR), 6)) == [4, 8, 11, 14, 17, 20.5]
    assert [CHORUS.line(bar) for bar in range(7)] == [0, 3, 6, 10, 13, 16, 20]
    assert [CHORUS.bar_of(at) for at in (5.9, 9.9, 10, 26)] == [1, 2, 3, 8]


@given(song=SONGS, bars=st.integers(-5, 60), share=st.floats(0.0, 0.99))
def test_lines_and_bars_belong_together(song: Metres, bars: int, share: float) -> None:
    line, after = song.line(bars), song.line(bars + 1)
    assert song.bar_at(line) == pytest.approx(after - line)
    assert song.bar_of(line) == bars
    assert song.bar_of(line + share * (after - line)) == bars
    assert song.within_bar(line) == pytest.approx(0.0, abs=1e-9)
    assert song.bars(line) == pytest.approx(bars)
    assert next(song.steps(line, Unit.BAR)) == pytest.approx(line)
    assert next(song.steps(line + 0.01, Unit.BAR)) == pytest.approx(after)
    turned = song.turned(song.line(3))
    assert turned.line(max(bars, 0)) == pytest.approx(song.line(3 + max(bars, 0)) - song.line(3))


@given(metre=METRES, position=st.floats(-40.0, 4000.0))
def test_a_song_in_one_metre_is_counted_as_ever(metre: Metre, position: float) -> None:
    bar = 4.0 * metre[0] / metre[1]
    song = Metres.of(*metre)
    assert (song.within_bar(position), song.bars(position)) == (position % bar, position / bar)
    assert metres_of([metre] * 5, chorus=True) == song


def test_a_change_in_the_midst_of_a_bar_cuts_it_short() -> None:
    cut = Metres(((0.0, (4, 4)), (6.0, (3, 4))))
    assert [cut.line(bar) for bar in range(4)] == [0, 4, 6, 9]
    assert (cut.bar_at(5.0), cut.bar_of(5.9), cut.bar_of(6.0)) == (2, 1, 2)


NO_MAPS: tuple[tuple[tuple[float, Metre], ...], ...] = (
    (),
    ((1.0, (4, 4)),),
    ((0.0, (4, 4)), (0.0, (3, 4))),
    ((0.0, (4, 4)), (8.0, (3, 4)), (4.0, (4, 4))),
    ((0.0, (4, 3)),),
    ((0.0, (33, 4)),),
    tuple((float(i), (1 + i % 2, 4)) for i in range(MOST_CHANGES + 1)),
)


@pytest.mark.parametrize("changes", NO_MAPS)
def test_what_is_no_map_of_metres(changes: tuple[tuple[float, Metre], ...]) -> None:
    with pytest.raises(MeterError):
        Metres(changes)


# What goes by bars


def play(metres: Metres, heard: list[Event], until: float, changes: str | None = None, **wishes: object) -> list[Event]:
    """What a performer and the metronome play at 60 bpm, so that seconds are beats."""
    settings = Settings(tempo=60.0, **wishes)  # type: ignore[arg-type]
    keeper = Timekeeper(settings, metres)
    over = parse_changes(changes, metres) if changes else None
    improviser = Improviser(load_model("pocket"), settings, over, keeper.meter, seed=4, playing=playing.FIRST)  # a solo begins at once
    played: list[Event] = []
    band = Band([Slot(Metronome(settings, keeper.meter), -1), Slot(improviser)], keeper)
    perform(band, OfflineClock(heard, until), queue.SimpleQueue(), played.append)
    return played


def test_the_click_is_high_on_every_bar_line() -> None:
    clicks = [e for e in play(WALTZ, [], 29.0, click=10) if isinstance(e, NoteOn)]
    assert [e.time for e in clicks if e.pitch == HIGH] == [0, 4, 8, 11, 14, 17, 20.5, 24.5, 28.5]
    assert [e.time for e in clicks if 16 <= e.time < 23 and e.pitch == LOW] == [16, 17.5, 18, 18.5, 19, 19.5, 20, 21.5, 22.5]


def test_traded_bars_are_those_of_the_song() -> None:
    """Fours over 4/4 (two bars), 3/4 (three), 7/8 and 4/4: the player has 1-4, so improv 5-8: beats 14 to 28.5."""
    phrase: list[Event] = [Transport(0.0, "start"), NoteOn(0.5, 60, 80), NoteOff(1.0, 60), NoteOn(1.5, 62, 80), NoteOff(2.0, 62)]
    ons = [e.time for e in play(WALTZ, phrase, 60.0, trade=4) if isinstance(e, NoteOn)]
    assert ons[0] == 14.0
    assert 26.0 < ons[-1] <= 28.5


def test_an_answer_enters_on_a_bar_line_of_the_metre_of_its_time() -> None:
    phrase: list[Event] = [NoteOn(0.2 * i + 8.0, 60 + i, 80) for i in range(8)]
    phrase = sorted([*phrase, *(NoteOff(e.time + 0.15, e.pitch) for e in phrase if isinstance(e, NoteOn))], key=lambda e: e.time)
    ons = [e.time for e in play(WALTZ, [Transport(0.0, "start"), *phrase], 24.0, enter="bar") if isinstance(e, NoteOn)]
    assert ons[0] in (11.0, 14.0, 17.0)


def test_chords_are_comped_in_bars_of_their_own_lengths() -> None:
    heard = [e for i in range(24) for e in (NoteOn(i + 0.1, 72, 80), NoteOff(i + 0.3, 72))]
    played = play(WALTZ, heard, 24.0, mode="comp", changes="Dm7 | G7 | Cmaj7 | Fmaj7 | Bm7b5 | E7alt | Am7", feel="straight")
    roots = {}
    tones = parse_changes("Dm7 | G7 | Cmaj7 | Fmaj7 | Bm7b5 | E7alt | Am7", WALTZ)
    assert [start for start, _ in tones.spans(24.0)] == [0, 4, 8, 11, 14, 17, 20.5]
    for event in played:
        if isinstance(event, NoteOn):
            roots.setdefault(WALTZ.bar_of(event.time + 0.5), set()).add(event.time)  # an anticipation belongs to the next bar
    assert roots.keys() >= {0, 1, 2, 3, 4, 5, 6}


def test_a_mode_that_was_asked_for_comes_with_the_bar_line() -> None:
    played = play(WALTZ, [Transport(0.0, "start"), Setting(9.0, "mode", "solo")], 24.0)
    assert next(e.time for e in played if isinstance(e, NoteOn)) == 11.0


# Changes


def test_changes_say_their_own_metres() -> None:
    changes = parse_changes("3/4 Dm7 | G7 | 4/4 Cmaj7 A7")
    assert changes.metres == CHORUS
    assert [(at, str(chord)) for at, chord in changes.spans(20.0)] == [
        (0, "Dm7"), (3, "G7"), (6, "Cmaj7"), (8, "A7"), (10, "Dm7"), (13, "G7"), (16, "Cmaj7"), (18, "A7"),
    ]  # fmt: skip
    assert parse_changes("3/4 Dm7 | G7").metres == Metres.of(3, 4)
    assert parse_changes("Dm7 | G7", Metres.of(3, 4)).metres is None
    # `--metre` holds up to where the first one is written, and again at each repeat and chorus
    assert parse_changes("|: C | 4/4 F :| 3/4 G", Metres.of(2, 4)).metres == metres_of([(2, 4), (4, 4), (2, 4), (4, 4), (3, 4)], True)
    assert parse_changes("C | 5/8 % | 4/4 | D").metres == metres_of([(4, 4), (5, 8), (4, 4)], True)


def test_the_bars_of_changes_are_those_of_the_song_whose_metre_changes() -> None:
    """Three chords a chorus over seven bars and on: beyond the last change of metre they come again as they are."""
    changes = parse_changes("C | 5/4 F | G", WALTZ)
    expected = [0, 4, 8, 11, 14, 17, 20.5, 24.5, 28.5, 32.5]
    assert [at for at, _ in changes.spans(36.0)] == expected
    for bar, line in enumerate(expected):
        here = changes.harmony(line + 0.5)
        assert (str(here.chord), str(here.coming)) == ("CFG"[bar % 3], "CFG"[(bar + 1) % 3])
        assert here.until == pytest.approx(WALTZ.line(bar + 1) - line - 0.5)
    assert str(changes.harmony(-1.0).coming) == "C"
    both = parse_changes("C | F", CHORUS)  # two bars over three: all is over after six
    assert [(at, str(chord)) for at, chord in both.spans(26.0)] == [
        (at, "CF"[bar % 2]) for bar, at in enumerate([0, 3, 6, 10, 13, 16, 20, 23])
    ]


@pytest.mark.parametrize(("text", "says"), [("C 3/4 F", "column 3: '3/4' is a metre"), ("3/5 C", "column 1: '3/5' is no metre")])
def test_metres_that_stand_in_the_wrong_place(text: str, says: str) -> None:
    with pytest.raises(HarmonyError, match=says):
        parse_changes(text)


def test_a_take_begins_on_a_bar_line_of_the_song() -> None:
    """One with a pick-up in negative beats, one that begins late in the song in the bar where it begins."""
    heard: list[Event] = [Transport(0.0, "position", -1.0), Transport(0.0, "continue"), NoteOn(0.0, 60, 80), NoteOn(1.0, 62, 80)]
    line, take = in_beats(Timekeeper(Settings(tempo=60.0)), heard, []).from_line(FOUR)
    assert (line, [e.time for e in take.heard if isinstance(e, NoteOn)]) == (0.0, [-1.0, 0.0])
    heard[0] = Transport(0.0, "position", 12.0)
    line, take = in_beats(Timekeeper(Settings(tempo=60.0), WALTZ), heard, []).from_line(WALTZ)
    assert (line, [e.time for e in take.heard if isinstance(e, NoteOn)]) == (11.0, [1.0, 2.0])


def test_the_beat_of_a_jump_is_in_the_metre_there() -> None:
    meter = Meter(60.0, WALTZ).started(0.0).jumped(0.0, 17.0)
    assert (meter.bar_of(1.0), meter.within_bar(1.0), meter.bar_at(1.0), meter.felt_at(1.0), meter.next_bar(1.0)) == (5, 1.0, 3.5, 0.5, 3.5)
