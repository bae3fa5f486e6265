"""The ear: what is fed to it, what it says, and how that is spelled."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from improv.core.harmony import HarmonyError, parse_changes, parse_chord, pitch_name
from improv.core.harmony.coming import NextChord, counted, packed, unpacked
from improv.core.harmony.ear import QUALITIES, TRIADS, Ear, EarHeard, heard_chord
from improv.core.harmony.frames import EARLY, SoundingNote, frame
from improv.core.harmony.spelling import Key, parse_key
from improv.core.harmony.templates import Templates
from improv.core.harmony.whole import chart_of_chords, chorus_of, hear_whole
from improv.core.heard.key_now import key_of_changes
from improv.core.metres import FOUR, Metres

CHORDS = {"Dm7": (50, 57, 60, 65), "G7": (43, 53, 59, 62), "Cmaj7": (48, 55, 59, 64), "A7": (45, 55, 61, 64)}


def fed(*symbols: str, bar: float = 4.0, early: float = 0.0) -> Ear:
    """An ear that heard chords, each held for a bar but its last tenth of a beat."""
    ear = Ear(Templates(), lambda beat: beat % bar)
    for i, symbol in enumerate(symbols):
        for pitch in CHORDS[symbol]:
            ear.note_on(i * bar - early, pitch)
        for pitch in CHORDS[symbol]:
            ear.note_off((i + 1) * bar - 0.1, pitch)
    return ear


def test_chords_are_heard_as_they_are_struck_and_kept_while_nothing_new_sounds() -> None:
    ear = Ear(Templates())
    said = []
    for i, symbol in enumerate(CHORDS):
        for pitch in CHORDS[symbol]:
            ear.note_on(4.0 * i, pitch)
        ear.heard(4.0 * i + 0.15)
        for pitch in CHORDS[symbol]:
            ear.note_off(4.0 * i + 2, pitch)
        said.append((str(ear.heard(4.0 * i + 0.9).chord), str(ear.heard(4.0 * i + 3.9).chord)))
    assert said == [(symbol, symbol) for symbol in CHORDS]
    assert str(ear.heard(200.0).chord) == "A7"
    assert str(ear.heard(16.0).key) == "C"


def test_nothing_is_heard_before_anything_sounds() -> None:
    heard = Ear(Templates()).heard(3.0)
    assert heard.chord.root is None
    assert heard.none == 1.0
    assert heard.chords.shape == (12, len(QUALITIES)) == (12, len(TRIADS))


def test_a_chord_that_is_not_sure_is_several_with_their_chances() -> None:
    def said(*weights: tuple[int, str, float]) -> list[tuple[str, float]]:
        chords = np.zeros((12, len(QUALITIES)), np.float32)
        for root, quality, chance in weights:
            chords[root, QUALITIES.index(quality)] = chance
        heard = EarHeard(0.0, chords, 1.0 - float(chords.sum()), np.full((12, 2), 1 / 24), chords)
        return [(str(chord), round(chance, 3)) for chord, chance in heard.perhaps()]

    # over Dm and Dm7 soloists play alike, so they are one chord; of five, the least likely is left out
    five = (2, "m7", 0.25), (2, "m", 0.13), (5, "maj7", 0.3), (7, "7", 0.17), (9, "m7", 0.1), (0, "6", 0.05)
    assert said(*five) == [("Dm7", 0.4), ("Fmaj7", 0.316), ("G7", 0.179), ("Am7", 0.105)]
    assert said((2, "m7", 0.9), (7, "7", 0.1)) == []
    assert said((2, "m7", 0.1)) == []


def test_asking_changes_nothing_and_a_copy_goes_its_own_way() -> None:
    asked, other = fed("Dm7"), fed("Dm7")
    for beat in np.arange(3.9, 4.0, 0.01):
        asked.heard(float(beat))
    copy = deepcopy(asked)
    copy.note_on(4.0, 30)
    for ear in (asked, other):
        for pitch in CHORDS["G7"]:
            ear.note_on(4.0, pitch)
    ours, theirs = asked.heard(4.5), other.heard(4.5)
    assert np.array_equal(ours.chords, theirs.chords)
    assert np.array_equal(ours.keys, theirs.keys)
    assert str(ours.chord) == "G7"


def test_a_chord_that_is_struck_a_little_early_is_on_its_beat() -> None:
    notes = [SoundingNote(3.9, 6.0, 48, 64, False), SoundingNote(3.95, 6.0, 64, 64, True)]
    before, on = (frame(n, n + 1 - EARLY, notes, lambda beat: beat % 4) for n in (3, 4))
    assert before.silent
    assert on.tones[0, 4] == on.tones[0, 0] == pytest.approx(0.5 + 64 / 127)  # struck on the beat, held low
    assert (on.tones[0, 6], on.tones[4, 9]) == (pytest.approx(1.0), on.tones[0, 4])  # the lowest; the line
    assert on.whole.tolist() == pytest.approx([1.0, 0, 1, 1, 1, 1, 0, 0, 0])


def test_a_line_that_was_taken_for_a_chord_can_be_told_later() -> None:
    ear = Ear(Templates())
    ear.note_on(0.0, 72)
    ear.as_line(72, True)
    ear.note_off(0.0, 60)  # it doesn't sound
    assert [note.line for note in ear._notes] == [True]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C", "C Db D Eb E F F# G Ab A Bb B"),
        ("E", "C C# D D# E F F# G G# A A# B"),
        ("Eb", "C Db D Eb E F Gb G Ab A Bb Cb"),
        ("Am", "C C# D D# E F F# G G# A Bb B"),
        ("F#m", "B# C# D D# E E# F# G G# A A# B"),
    ],
)
def test_pitches_are_spelled_in_their_key(key: str, names: str) -> None:
    found = parse_key(key)
    assert [found.name(p) for p in range(12)] == names.split()
    assert str(found) == key


def test_every_key_spells_itself_and_reads_itself() -> None:
    for key in (Key(tonic, minor) for tonic in range(12) for minor in (False, True)):
        assert parse_key(str(key)) == key
        assert key.name(key.tonic) == str(key).removesuffix("m")
        assert len({key.name(p) for p in range(12)}) == 12
    assert [str(parse_key(text)) for text in ("Bb-maj", "c minor", "F# MAJOR", "h", "D-min")] == ["Bb", "Cm", "Gb", "Bm", "Dm"]
    with pytest.raises(HarmonyError, match="expected one such as Eb"):
        parse_key("X")


def test_what_is_heard_is_spelled_in_its_key() -> None:
    heard = [(8, "m7b5", "E"), (8, "", "Eb"), (1, "dim", "C"), (1, "7", "C"), (6, "m7b5", "Em")]
    assert [str(heard_chord(root, q, parse_key(key))) for root, q, key in heard] == ["G#m7b5", "Ab", "C#dim", "Db7", "F#m7b5"]


def test_a_chord_that_often_follows_is_the_likeliest_in_every_key() -> None:
    two_five_one = [(2, QUALITIES.index("m7")), (7, QUALITIES.index("7")), (0, QUALITIES.index("maj7"))]
    blues = [(0, QUALITIES.index("7")), (5, QUALITIES.index("7"))] * 3
    model = NextChord(unpacked(packed(counted([(two_five_one * 4, 0), (blues, 0)]))))
    moved = [heard_chord((r + 3) % 12, QUALITIES[q]) for r, q in two_five_one]
    likely = model.after(moved[:2], parse_key("Eb"))
    assert (str(likely[0][0]), likely[0][1] > 0.6) == ("Ebmaj7", True)
    assert model.after([]) == []
    assert float(model.probabilities(two_five_one[:1], 0).sum()) == pytest.approx(1.0)


def test_a_file_with_other_counts_is_refused() -> None:
    for odd in (np.zeros((2, 3), np.uint8), np.full((2, 7), 255, np.uint8), np.zeros((2, 7), np.float32)):
        with pytest.raises(ValueError, match=r"what comes next|none that is told apart"):
            unpacked(odd)


def test_a_whole_piece_becomes_a_chart_of_its_chorus() -> None:
    notes = [
        SoundingNote(4.0 * i, 4.0 * i + 3.9, pitch, 64, False) for i, symbol in enumerate([*CHORDS] * 4) for pitch in sorted(CHORDS[symbol])
    ]
    heard = hear_whole(Templates(), notes, 64, FOUR.within_bar)
    chart = chart_of_chords([h.chord for h in heard], FOUR, Key(0))
    assert chart.changes == "| Dm7 | G7 | Cmaj7 | A7 |"
    assert (chart.times, chart.of, chart.form) == (4, 16, "")


def test_a_chart_has_a_bars_shares_and_its_sections() -> None:
    c, f, g, a = (heard_chord(root, q, Key(0)) for root, q in ((0, ""), (5, "maj7"), (7, "7"), (9, "m")))
    eight, bridge = [[c], [c], [f, g], [c], [a], [f], [g], [c]], [[f], [f], [g], [g], [f], [a], [g], [g]]
    beats = [chord for bar in (*eight, *eight, *bridge, *eight) for chord in bar for _ in range(4 // len(bar))]
    chart = chart_of_chords(beats, FOUR, Key(0))
    assert chart.form == "AABA"
    assert chart.changes.splitlines()[:3] == ["[A] | C | % | Fmaj7 G7 | C |", "| Am | Fmaj7 | G7 | C |", "[A] | C | % | Fmaj7 G7 | C |"]
    waltz = chart_of_chords([c, c, c, f, g, g], Metres.of(3, 4), Key(0))
    assert waltz.changes == "| C | Fmaj7 G7 / |"
    assert chorus_of([(c,), (f,)] * 4) == (4, 2)
    assert chorus_of([(c,), (f,), (g,)]) == (1, 3)


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("E", "B3 C4 C#4 D4 D#4 G#4 A#4"),
        ("Eb", "Cb4 C4 Db4 D4 Eb4 Ab4 Bb4"),
        ("F#m", "B3 B#3 C#4 D4 D#4 G#4 A#4"),
        ("Gb", "Cb4 C4 Db4 D4 Eb4 Ab4 Bb4"),
    ],
)
def test_notes_are_spelled_in_the_key_with_their_octaves(key: str, names: str) -> None:
    assert [pitch_name(p, parse_key(key)) for p in (59, 60, 61, 62, 63, 68, 70)] == names.split()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ("Dm7 | G7 | Cmaj7 | %", "C"),
        ("E | B | C#m | A", "E"),
        ("F7 | Bb7 | F7 | % | Bb7 | % | F7 | D7 | Gm7 | C7 | F7 | C7", "F"),
        ("Cm7 | Fm7 | Cm7 | % | Fm7 | % | Cm7 | % | Ab7 | G7 | Cm7 | G7", "Cm"),
        ("Am7 | D7 | Gmaj7 | Cmaj7 | F#m7b5 | B7 | Em | %", "Em"),
        ("NC", "None"),
    ],
)
def test_changes_say_their_key(changes: str, key: str) -> None:
    assert str(key_of_changes(parse_changes(changes))) == key


def test_a_chord_is_spelled_in_a_key_with_what_its_symbol_says_beside() -> None:
    spelled = [parse_key("E").spelled(parse_chord(symbol)) for symbol in ("Abm7b5/Cb", "Absus4", "C6/9", "NC")]
    assert spelled == ["G#m7b5/B", "G#sus4", "C6/9", "NC"]
