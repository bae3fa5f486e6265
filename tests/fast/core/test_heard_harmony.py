"""The harmony that is heard while somebody plays: when a chord is known, what comes round, who plays by it. By templates, so that no
network's weights decide a test."""

from __future__ import annotations

import itertools
import math
import queue
from collections.abc import Sequence

import pytest

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting
from improv.core.harmony import NO_CHORD, OPEN, Changes, HarmonicContext, parse_changes, parse_chord
from improv.core.harmony.templates import Templates
from improv.core.harmony.voicing import voicing_beside
from improv.core.heard.expected import expected
from improv.core.heard.harmony import EarSetup
from improv.core.heard.rounds import Bar, Rounds, written
from improv.core.heard.told import LISTENING
from improv.core.hearing import AMONG, NOW
from improv.core.improviser import Improviser
from improv.core.line.perhaps import foretold_pitch
from improv.core.line.sampler import probabilities
from improv.core.settings import Settings
from improv.core.vocabulary import Context
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

BEAT = 0.5  # seconds, at 120
VOICINGS = {"Dm7": (50, 53, 57, 60), "G7": (43, 53, 55, 59), "Cmaj7": (48, 52, 55, 59), "A7": (45, 49, 52, 55)}


def improviser(model: Model, mode: str = "trade", changes: Changes | None = None, by: int = NOW, **more: object) -> Improviser:
    settings = Settings(mode=mode, **more)  # type: ignore[arg-type]
    return Improviser(model, settings, changes, seed=3, hearing=by, ear=EarSetup(Templates(), by=by))


def hand(symbols: Sequence[str], length: float = 3.8, spread: float = 0.02) -> list[Event]:
    """A chord a bar, its keys one after the other."""
    events: list[Event] = []
    for bar, symbol in enumerate(symbols):
        for i, pitch in enumerate(VOICINGS[symbol]):
            at = 4 * BEAT * bar + spread * i
            events += [NoteOn(at, pitch, 60), NoteOff(4 * BEAT * bar + length * BEAT, pitch)]
    return events


def line(beat: float, *pitches: int, step: float = 0.5) -> list[Event]:
    times = [(beat + i * step) * BEAT for i in range(len(pitches))]
    return [e for at, pitch in zip(times, pitches, strict=True) for e in (NoteOn(at, pitch, 90), NoteOff(at + 0.2, pitch))]


def played(who: Improviser, *heard: Event, limit: float = 60.0) -> list[Event]:
    events: list[Event] = []
    script = sorted(heard, key=lambda e: (e.time, isinstance(e, NoteOn)))
    perform(alone(who), OfflineClock(script, limit), queue.SimpleQueue(), events.append)
    return events


def chords_at(who: Improviser, heard: Sequence[Event], times: Sequence[float]) -> list[str]:
    """The chord that it plays by, at some times in seconds, as far as it was heard by then."""
    band, found, script = alone(who), [], sorted(heard, key=lambda e: (e.time, isinstance(e, NoteOn)))
    for time in times:
        band.advance(time, [e for e in script if e.time <= time])
        script = [e for e in script if e.time > time]
        while (due := band.due) is not None and due <= time:
            band.advance(time)
        who.listening.ask(who.generator.changes is None, who.meter, time)
        found.append(str(who.generator.chord(who.meter.beat(time))))
    return found


def test_a_chord_is_known_within_60_ms_of_its_last_key_and_not_before_it_is_whole(model: Model) -> None:
    heard = hand(["Dm7", "G7"], spread=0.04)
    moments = [0.04 * i for i in range(1, 4)] + [0.18, 1.9] + [2.0 + 0.04 * i for i in range(4)] + [2.18]
    found = chords_at(improviser(model), heard, moments)
    assert found[3:5] == ["Dm7", "Dm7"]
    assert found[-1] == "G7"
    assert set(found[:3]) == {"NC"}
    assert set(found[5:9]) == {"Dm7"}


def test_a_bar_with_nothing_new_keeps_what_was(model: Model) -> None:
    heard = [*hand(["Dm7", "G7"]), *line(8, 74, 72, 71, 69, 67)]
    assert chords_at(improviser(model), heard, [4.5, 5.9, 7.9]) == ["G7"] * 3


def test_the_pedal_holds_a_chord(model: Model) -> None:
    heard = [ControlChange(0.0, 64, 127), *hand(["Dm7"], length=0.5), ControlChange(3.9, 64, 0)]
    assert chords_at(improviser(model), heard, [1.0, 3.0]) == ["Dm7", "Dm7"]


def test_an_answer_comes_while_the_left_hand_holds_its_chord(model: Model) -> None:
    """Once the held keys blocked the turn; and the answer is over the chord that was heard."""
    who = improviser(model)
    left = hand(["Dm7", "Dm7", "Dm7", "Dm7"], length=3.99)
    answer = [e for e in played(who, *left, *line(0.5, 74, 77, 76, 74, 72, 69), limit=8.0) if isinstance(e, NoteOn)]
    assert answer
    assert 3.0 * BEAT < answer[0].time < 7.0 * BEAT
    assert len(answer) >= 4


def test_the_left_hand_interrupts_no_answer(model: Model) -> None:
    def notes(*more: Event) -> list[tuple[float, int]]:
        heard = [*hand(["Dm7", "Dm7"]), *line(0.5, 74, 77, 76, 74, 72, 69), *more]
        return [(e.time, e.pitch) for e in played(improviser(model), *heard, limit=7.9) if isinstance(e, NoteOn)]

    assert notes(*[NoteOn(3.0, p, 60) for p in VOICINGS["Dm7"]]) == notes()  # the same chord again, in the midst of it


def test_chords_alone_do_not_stop_a_solo(model: Model) -> None:
    who = improviser(model, "solo")
    heard = [e for e in hand(["Dm7", "G7", "Cmaj7", "A7"], length=1.0) if e.time > 1.0]
    onsets = [e.time for e in played(who, *heard, limit=8.0) if isinstance(e, NoteOn)]
    assert max(b - a for a, b in itertools.pairwise(onsets)) < 3.0
    assert str(who.generator.chord(15.0)) == "A7"


def test_what_is_typed_wins_and_nothing_is_heard(model: Model) -> None:
    who = improviser(model, changes=parse_changes("Fmaj7"))
    assert set(chords_at(who, hand(["Dm7", "G7"]), [1.0, 3.0])) == {"Fmaj7"}
    assert who.listening.told is None


def test_changes_that_are_taken_back_are_heard_from_then_on(model: Model) -> None:
    who = improviser(model, changes=parse_changes("Fmaj7"))
    heard = [*hand(["Dm7", "G7", "Dm7", "G7"]), Setting(0.5, "changes", "")]
    assert chords_at(who, heard, [1.0, 3.9, 5.9]) == ["Fmaj7", "G7", "Dm7"]


def test_a_split_and_a_channel_of_chords(model: Model) -> None:
    split = improviser(model, split=60)
    assert chords_at(split, [NoteOn(0.0, p, 60) for p in (43, 53, 59)], [0.2]) == ["G7"]
    assert split.voice.tracker.line is None
    other = improviser(model, harmony_channel=5)
    assert chords_at(other, [NoteOn(0.0, p + 24, 60, channel=4) for p in (43, 53, 59)], [0.2]) == ["G7"]
    assert other.voice.tracker.line is None


def test_comp_says_that_it_listens_and_harmonises_a_line(model: Model) -> None:
    who = improviser(model, "comp")
    assert str(who.listening.told) == LISTENING
    scale = (60, 64, 67, 72, 71, 67, 64, 62, 60, 64, 67, 64, 60, 64, 67, 60)
    comped = [e for e in played(who, *line(0, *scale), *line(8, *scale), limit=9.0) if isinstance(e, NoteOn)]
    assert comped
    assert who.generator.heard is not None
    assert who.generator.heard.told.key is not None


def test_a_single_key_above_a_struck_chord_does_not_change_it(model: Model) -> None:
    """Fourths on D are a Dm7; once an F above them, struck again, made them a chord on B flat."""
    fourths = [e for p in (50, 55, 60, 65) for e in (NoteOn(0.0, p, 60), NoteOff(1.3, p))]
    single = [NoteOn(1.4, 65, 60), NoteOff(1.8, 65), NoteOn(2.2, 67, 60), NoteOff(2.6, 67)]
    after = [1.3, 1.9, 2.7]
    assert chords_at(improviser(model), fourths, after) == ["Dm7"] * 3
    assert [c[:2] for c in chords_at(improviser(model), [*fourths, *single], after)] == ["Dm"] * 3
    low = [NoteOn(2.0, p, 60) for p in (44, 48, 51)]
    assert chords_at(improviser(model), [*fourths, *low], [3.0]) == ["Ab"]


def test_where_a_chord_is_not_sure_a_note_is_drawn_over_each_that_it_may_be(model: Model) -> None:
    def harmony(by: int) -> HarmonicContext:
        who = improviser(model, by=by)
        chords_at(who, line(0, 62, 65, 69, 72, 71, 67, 65, 62, 64, 67, 71, 74, 72, 69, 65, 62), [8.0])
        assert who.generator.heard is not None
        return who.generator.heard.harmony(16.0)

    assert not harmony(AMONG - 1).perhaps
    perhaps = harmony(AMONG).perhaps
    assert len(perhaps) > 1
    assert sum(chance for _, chance in perhaps) == pytest.approx(1.0)
    said, at = model.read(model.start()), Context(OPEN._replace(perhaps=perhaps))
    over = [chance * probabilities(model.pitch(said, 64, 6, Context(HarmonicContext(c, NO_CHORD, math.inf)))) for c, chance in perhaps]
    assert probabilities(foretold_pitch(model, said, 64, 6, at)) == pytest.approx(sum(over), abs=1e-5)


# A progression that comes round

TWO_FIVE = ("Dm7", "G7", "Cmaj7", "A7")


def bars(*symbols: str) -> list[Bar]:
    return [(parse_chord(symbol),) * 4 for symbol in symbols]


def followed(*symbols: str) -> str | None:
    rounds = Rounds()
    for number, bar in enumerate(bars(*symbols)):
        rounds.take(number, bar)
    return written(rounds.chart.bars) if rounds.chart else None


BLUES = ("F7", "Bb7", "F7", "F7", "Bb7", "Bb7", "F7", "D7", "Gm7", "C7", "F7", "C7")
A, B = ("Dm7", "G7", "Cmaj7", "Cmaj7"), ("Am7", "D7", "Gm7", "C7")


@pytest.mark.parametrize(
    ("symbols", "chart"),
    [
        pytest.param(TWO_FIVE + TWO_FIVE[:3], None, id="not yet round twice"),
        pytest.param(TWO_FIVE * 2, "| Dm7 | G7 | Cmaj7 | A7 |", id="round twice"),
        pytest.param(BLUES * 2, "| F7 | Bb7 | F7 | % | Bb7 | % | F7 | D7 | Gm7 | C7 | F7 | C7 |", id="twelve bars, their repeats within"),
        pytest.param(
            (A + A + B + A) * 2, "| " + " | ".join(("Dm7", "G7", "Cmaj7", "%") * 2 + B + ("Dm7", "G7", "Cmaj7", "%")) + " |", id="AABA"
        ),
        pytest.param(TWO_FIVE * 2 + ("Dm", "G7", "C6", "A7"), "| Dm7 | G7 | Cmaj7 | A7 |", id="voiced otherwise, it is the same"),
        pytest.param((*TWO_FIVE * 2, "Dm7", "Db7", "Cmaj7", "A7"), "| Dm7 | G7 | Cmaj7 | A7 |", id="a substitute does not leave it"),
        pytest.param((*TWO_FIVE * 2, "Ebm7", "Ab7", "Dbmaj7"), None, id="the player has left it"),
        pytest.param(("Dm7",) * 7, None, id="a chord that stays is no vamp yet"),
        pytest.param(("Dm7",) * 8, "| Dm7 | % | % | % |", id="a vamp"),
    ],
)
def test_a_progression_that_has_come_round_twice_is_followed(symbols: tuple[str, ...], chart: str | None) -> None:
    assert followed(*symbols) == chart


def test_a_chart_is_written_in_as_few_shares_as_say_it() -> None:
    d, g, c = (parse_chord(s) for s in ("Dm7", "G7", "C"))
    assert written([(d, d, g, g), (c,) * 4, (c,) * 4, (d, d, d, g)]) == "| Dm7 G7 | C | % | Dm7 / / G7 |"


def test_what_comes_round_is_known_before_it_is_struck(model: Model) -> None:
    who = improviser(model)
    found = chords_at(who, hand(TWO_FIVE * 2), [15.9, 16.1, 18.1, 20.1, 22.1])
    assert found == ["A7", "Dm7", "G7", "Cmaj7", "A7"]
    coming = who.generator.heard
    assert coming is not None
    assert str(coming.told) == "heard: | Dm7 | G7 | Cmaj7 | A7 |, third time, following"
    assert [str(c) for c in coming.harmony(44.0)[:2]] == ["A7", "Dm7"]
    assert coming.harmony(44.0).until == 4.0


def test_a_chord_that_does_not_fit_the_chart_wins(model: Model) -> None:
    VOICINGS["Db7"] = (49, 53, 59, 61)
    who = improviser(model)
    assert chords_at(who, hand([*TWO_FIVE * 2, "Dm7", "Db7"]), [17.9, 18.2, 19.9, 20.1]) == ["Dm7", "Db7", "Db7", "Cmaj7"]


def test_a_round_begins_with_the_first_bar_even_if_that_was_half_heard() -> None:
    rounds, g = Rounds(), parse_chord("G7")
    for number, bar in enumerate([(g, g, g, parse_chord("Dm7")), *bars(*TWO_FIVE[1:], *TWO_FIVE * 2)]):
        rounds.take(number, bar)
    assert rounds.chart is not None
    assert (written(rounds.chart.bars), rounds.chart.begins) == ("| Dm7 | G7 | Cmaj7 | A7 |", 0)


# What is likely to come


@pytest.mark.parametrize(
    ("so_far", "known", "beat", "chord", "sure"),
    [
        pytest.param("Dm7 G7 C6 Dm7 G7", "", 0, "C6", 0.7, id="what followed two such bars"),
        pytest.param("Dm7 G7 C6 C6 Dm7 G7", "", 0, "C6", 0.7, id="and no others"),
        pytest.param("", "Dm7", 2, "Dm7", 1.0, id="what has begun goes on"),
        pytest.param("C6 C6 C6 C6 C6 C6", "", 0, "C6", 0.9, id="a vamp"),
    ],
)
def test_what_came_before_is_likely_again(so_far: str, known: str, beat: int, chord: str, sure: float) -> None:
    otherwise = {parse_chord("F6"): 0.6, parse_chord("A7"): 0.3}
    found = expected(bars(*so_far.split()), tuple(parse_chord(c) for c in known.split()), beat, otherwise)
    assert str(found[0][0]) == chord
    assert sure <= found[0][1] <= 1.0


def test_nothing_but_many_tunes_says_what_comes_first() -> None:
    otherwise = {parse_chord("F6"): 0.6, parse_chord("A7"): 0.3}
    assert expected((), (), 0, otherwise) == tuple(otherwise.items())


def test_comp_strikes_no_chord_against_the_one_that_the_player_has_just_struck(model: Model) -> None:
    """He plays on each bar line; comp goes by a foretold chord there, or waits until it has heard his."""
    who = improviser(model, "comp")
    struck = [e for e in played(who, *hand(["Dm7", "G7", "Cmaj7", "A7"] * 3), limit=24.0) if isinstance(e, NoteOn)]
    changes = parse_changes("Dm7 | G7 | Cmaj7 | A7")
    assert len(struck) > 40
    for note in struck:
        beat = note.time / BEAT
        chord = changes.harmony(beat if beat % 1 < 0.01 else beat + 0.5).chord
        assert note.pitch % 12 in chord.scale, (beat, note.pitch, str(chord))


def test_comp_keeps_out_of_the_register_of_the_players_chords(model: Model) -> None:
    struck = [e.pitch for e in played(improviser(model, "comp"), *hand(["Dm7", "G7"] * 4)) if isinstance(e, NoteOn)]
    assert struck
    assert min(struck[4:]) > max(VOICINGS["Dm7"] + VOICINGS["G7"])


@pytest.mark.parametrize(("symbol", "tones"), [("E", {4, 8, 11}), ("C#m", {1, 4, 8}), ("Dm7", {5, 0, 4, 9})])
def test_beside_a_player_triads_are_triads_and_all_fits_into_what_room_there_is(symbol: str, tones: set[int]) -> None:
    assert {pitch % 12 for pitch in voicing_beside(parse_chord(symbol), (), 62, 84)} == tones
    narrow = voicing_beside(parse_chord(symbol), (), 66, 77)
    assert len(narrow) >= 2
    assert {pitch % 12 for pitch in narrow} <= tones
    assert min(narrow) >= 66
    assert max(narrow) <= 77
