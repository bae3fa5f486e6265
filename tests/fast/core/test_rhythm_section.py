"""The bassist and the drummer by rule: told a bar, they give its notes."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from band_song import BLUES, bars, played

from improv.core.band.around import around
from improv.core.band.bar import TICKS, Around, BandBar, Doing
from improv.core.band.bass import Bassist
from improv.core.band.bass_figures import FIGURES, fitted
from improv.core.band.drum_figures import FIGURES as DRUM_FIGURES
from improv.core.band.drum_figures import strokes
from improv.core.band.groove import drums_by_rule
from improv.core.band.kit import GENERAL_MIDI, PIECES, KitError, kit_of
from improv.core.band.styles import STYLES, style_of
from improv.core.band.swing import off_beat
from improv.core.harmony import NO_CHORD, parse_chord

KICK, SNARE, STICK, CRASH, RIDE = 36, 38, 37, 49, 51


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("beats", [2, 3, 4, 5, 6, 7])
def test_every_style_plays_in_every_metre_within_its_bar(style: str, beats: int) -> None:
    for member, low, high in ((Bassist(), 28, 55), (drums_by_rule(), 35, 59)):
        song = bars(BLUES, beats, style=STYLES[style])
        found = played(member, song)
        assert all(found)
        for bar, notes in zip(song, found, strict=True):
            assert all(0 <= n.tick < bar.ticks and -0.1 < n.onset < bar.beats + 0.1 for n in notes)
            assert all(low <= n.pitch <= high and 1 <= n.velocity <= 127 and n.length > 0 for n in notes)
            assert notes == sorted(notes, key=lambda n: n.onset)
        assert played(member, song) == found != played(member, song, seed=2)


def test_a_bar_that_is_thought_again_is_the_same() -> None:
    for member in (Bassist(), drums_by_rule()):
        first, second = bars(BLUES)[:2]
        _, state = member.bar(member.start(), first, np.random.default_rng(1))
        once, again = (member.bar(state, second, np.random.default_rng(2)) for _ in range(2))
        assert once == again


def test_the_bass_never_sounds_two_notes() -> None:
    for style in STYLES.values():
        for notes in played(Bassist(), bars(BLUES, style=style)):
            assert all(a.onset + a.length <= b.onset for a, b in itertools.pairwise(notes))


def test_a_walking_bass_mostly_begins_chords_on_their_roots_and_leads_into_them() -> None:
    song = [bar for _ in range(20) for bar in bars(BLUES)]
    found = played(Bassist(), song)
    ones = [notes[0].pitch % 12 == bar.chords[0][1].root for bar, notes in zip(song, found, strict=True)]
    assert sum(ones) > 0.6 * len(ones)
    leads = [abs(a[-1].pitch - b[0].pitch) for a, b in itertools.pairwise(found)]
    assert sum(step <= 2 for step in leads) > 0.4 * len(leads)


@pytest.mark.parametrize("style", ["bossa", "samba", "funk", "rock", "even"])
def test_figures_begin_bars_and_chords_on_roots(style: str) -> None:
    song = bars(BLUES, style=STYLES[style])
    for bar, notes in zip(song, played(Bassist(), song), strict=True):
        assert notes[0].tick == 0
        assert notes[0].pitch % 12 == bar.chords[0][1].root


def test_a_tumbao_anticipates_the_next_bar_and_ties_over_its_line() -> None:
    song = bars("Dm7|G7|Cmaj7|A7", style=STYLES["latin"])
    first, *rest = played(Bassist(), song)
    assert first[0].tick == 0
    assert all(notes[0].tick > 0 for notes in rest)
    for bar, notes in zip(song, [first, *rest], strict=True):
        assert notes[-1].tick == 3 * TICKS
        assert notes[-1].pitch % 12 == bar.coming[0][1].root


def test_two_is_half_as_many_notes_as_four_and_a_loud_band_walks() -> None:
    def count(dynamic: float, style: str) -> int:
        return sum(map(len, played(Bassist(), bars(BLUES, style=STYLES[style], dynamic=dynamic))))

    assert count(0.5, "two") < 0.7 * count(0.5, "swing")
    assert count(0.9, "two") > 0.9 * count(0.5, "swing")


def test_the_last_bar_is_struck_once_and_held_and_a_break_is_short() -> None:
    bar = BandBar(chords=((0.0, parse_chord("Fmaj7")),), doing=Doing.END)
    (note,), _ = Bassist().bar(Bassist().start(), bar, np.random.default_rng(0))
    assert (note.tick, note.pitch % 12, round(note.length, 2)) == (0, 5, 3.9)
    notes, _ = drums_by_rule().bar(drums_by_rule().start(), bar, np.random.default_rng(0))
    assert {(n.tick, n.pitch) for n in notes} == {(0, KICK), (0, CRASH), (0, RIDE)}
    notes, _ = drums_by_rule().bar(drums_by_rule().start(), replace(bar, doing=Doing.BREAK), np.random.default_rng(0))
    assert [(n.tick, n.pitch) for n in notes] == [(0, KICK), (0, SNARE)]
    (note,), _ = Bassist().bar(Bassist().start(), replace(bar, doing=Doing.BREAK), np.random.default_rng(0))
    assert note.length == 0.5


@pytest.mark.parametrize(
    ("metre", "beats", "left", "ticks"),
    [((4, 4), 4.0, 2, [0, 96]), ((4, 4), 4.0, 1, [0, 48, 96, 144]), ((3, 4), 3.0, 2, [0]), ((6, 8), 3.0, 1, [0, 72])],
)
def test_sticks_count_in(metre: tuple[int, int], beats: float, left: int, ticks: list[int]) -> None:
    bar = BandBar(beats=beats, metre=metre, doing=Doing.COUNT, left=left)
    notes, _ = drums_by_rule().bar(drums_by_rule().start(), bar, np.random.default_rng(0))
    assert [(n.tick, n.pitch) for n in notes] == [(tick, STICK) for tick in ticks]
    assert Bassist().bar(Bassist().start(), bar, np.random.default_rng(0))[0] == []


def test_no_chord_and_rest_are_silent() -> None:
    for bar in (BandBar(chords=((0.0, NO_CHORD),)), BandBar(chords=((0.0, parse_chord("C7")),), doing=Doing.REST)):
        assert Bassist().bar(Bassist().start(), bar, np.random.default_rng(0))[0] == []
    assert drums_by_rule().bar(drums_by_rule().start(), BandBar(doing=Doing.REST), np.random.default_rng(0))[0] == []


@pytest.mark.parametrize("metre", [(1, 32), (1, 4), (7, 8), (11, 16), (12, 8), (32, 4)])
def test_odd_bars_with_chords_anywhere_are_played(metre: tuple[int, int]) -> None:
    beats = 4 * metre[0] / metre[1]
    chords = ((0.0, NO_CHORD), (0.4 * beats, parse_chord("C7")), (0.7 * beats, NO_CHORD))
    for style, doing, coming in itertools.product(STYLES.values(), Doing, ((), chords)):
        bar = BandBar(chords, coming, beats, metre, 300.0, style, doing)
        for member in (Bassist(), drums_by_rule()):
            for notes in played(member, [bar, bar]):
                assert all(0 <= n.tick <= bar.ticks and n.length > 0 for n in notes)


def test_a_fill_leads_into_the_chorus_and_a_crash_begins_it() -> None:
    crashes = toms = 0
    for seed in range(40):
        *_, last, first = played(drums_by_rule(), [*bars(BLUES), bars(BLUES)[0]], seed)
        toms += any(n.pitch in (50, 47, 43) for n in last)
        crashes += any(n.pitch == CRASH and n.tick == 0 for n in first)
    assert crashes > 25
    assert toms > 20


def test_comping_answers_where_the_soloist_stressed_the_off_beat() -> None:
    def struck(accents: tuple[int, ...]) -> int:
        bar = BandBar(around=Around(2.0, 70.0, 80.0, 0.0, accents), dynamic=0.3)
        found = [played(drums_by_rule(), [bar], seed)[0] for seed in range(200)]
        return sum(any(n.tick == 80 and n.pitch in (SNARE, KICK) for n in notes) for notes in found)

    assert struck((80,)) > 2 * struck(())


def test_what_the_soloist_did_is_summed_up() -> None:
    assert around([], 8.0, 4.0) == Around()
    found = around([(4.0, 0.5, 60, 60), (5.5, 0.4, 64, 100), (6.0, 0.5, 67, 60)], 8.0, 4.0)
    assert found == Around(3 / 8, pytest.approx(63.667, abs=1e-3), pytest.approx(73.33, abs=1e-2), 1.5, (72,))
    assert around([(0.0, 1.0, 60, 60)], 12.0, 4.0).silence == 11.0


def test_charts_words_mean_styles() -> None:
    said = ["Medium Up Swing", "Bossa Nova", "Samba", "Latin", "Even 8ths", "Funk", "Ballad", "Shuffle", "Rock", "Slow Swing", "Waltz"]
    assert [style_of(word).name for word in said] == [
        "swing", "bossa", "samba", "latin", "even", "funk", "ballad", "shuffle", "rock", "ballad", "swing",
    ]  # fmt: skip
    assert style_of("", "straight").name == "even"
    assert style_of("", "swing", 60.0).name == "ballad"
    assert all(style_of(name, tempo=60.0).name == name for name in STYLES)


def test_the_off_beat_moves_to_the_middle_as_the_tempo_rises() -> None:
    assert [round(off_beat(tempo), 3) for tempo in (60.0, 200.0, 250.0, 400.0)] == [0.667, 0.667, 0.583, 0.5]


def test_kits_are_mapped() -> None:
    kit = kit_of("ride = 59\nstick = false\n")
    assert [kit.key(key) for key in (RIDE, STICK, KICK)] == [59, None, KICK]
    assert GENERAL_MIDI.key(KICK) == KICK
    for wrong, word in (("ride = 200", "0 to 127"), ("cymbal = 3", "no piece"), ("ride", "ride = 59"), ("ride = true", "0 to 127")):
        with pytest.raises(KitError, match=word):
            kit_of(wrong)


def test_figures_are_whole() -> None:
    for ways in FIGURES.values():
        for _, figure in ways:
            assert [s.tick for s in figure] == sorted({s.tick for s in figure})
            assert all(s.tick < 3 * TICKS for s in fitted(figure, 3.0))
    for (style, beats), lines in DRUM_FIGURES.items():
        assert style in STYLES
        assert set(lines) <= set(PIECES)
        assert {len(line) for bars in lines.values() for line in bars} <= {3 * beats, 4 * beats}
        assert strokes(style, beats, 0)
