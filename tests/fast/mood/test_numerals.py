"""Roman numerals to chord symbols: what each says, the sevenths added, and all that improv ships, in every key."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.core.harmony import Chord, parse_changes, parse_chord
from improv.mood.choose import book
from improv.mood.numerals import KEYS, NumeralError, in_bars, symbols, tonic_of

PROGRESSIONS = book().progressions


@pytest.mark.parametrize(
    ("numerals", "counting", "key", "expected"),
    [
        ("I vi ii V", "maj", "F", ("major", "Fmaj7 Dm7 Gm7 C7")),
        ("I I7 Idom7 IV", "maj", "C", ("major", "Cmaj7 Cmaj7 C7 Fmaj7")),  # 7 is the scale's own seventh, dom7 the dominant
        ("vii iii vi", "maj", "C", ("major", "Bm7b5 Em7 Am7")),
        ("i VI III VII", "min", "A", ("minor", "Am7 Fmaj7 Cmaj7 G7")),
        ("i ii V i", "min", "C", ("harmonic minor", "Cm6 Dm7b5 G7 Cm6")),
        ("im bIIIM IV", "modal", "D", ("dorian", "Dm7 Fmaj7 G7")),
        ("I IIM iii", "modal", "F", ("lydian", "Fmaj7#11 G7 Am7")),
        ("im bIIM bviim", "modal", "E", ("phrygian", "Em7 Fmaj7 Dm7")),
        ("I vm bVIIM", "modal", "G", ("mixolydian", "G7 Dm7 Fmaj7")),
        ("I IV ivm I", "modal", "Eb", ("major", "Ebmaj7 Abmaj7 Abm6 Ebmaj7")),  # modal mixture
        ("bVIM7 ivmadd9 I", "modal", "E", ("major", "Cmaj7 Am(add9) Emaj7")),
        ("I5 Isus4 Isus2 IM-5 VI69", "modal", "C", ("major", "C7sus C7sus Csus2 Cmaj7#11 A6/9")),
        ("I bIdom7 IV ii #IVdim", "modal", "C", ("major", "Cmaj7 B7 Fmaj7 Dm7 F#dim")),  # B7 rather than Cb7
        ("I IIM #IVdim", "modal", "C", ("lydian", "Cmaj7#11 D7 F#m7b5")),
    ],
)
def test_numerals_become_chords_in_a_key(numerals: str, counting: str, key: str, expected: tuple[str, str]) -> None:
    mode, chords = symbols(numerals.split(), counting, key)
    assert (mode, " ".join(chords)) == expected


@pytest.mark.parametrize("text", ["VIII", "Iv", "bb7", "", "I13", "H"])
def test_what_is_no_numeral_is_refused(text: str) -> None:
    with pytest.raises(NumeralError, match="expected a degree"):
        symbols([text], "maj", "C")


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(NumeralError, match="key 'Cm': expected the name of its tonic"):
        symbols(["I"], "maj", "Cm")


def moved(chord: Chord, by: int) -> tuple[int, str]:
    assert chord.root is not None
    return (chord.root - by) % 12, chord.kind


def test_every_progression_is_the_same_music_in_every_key() -> None:
    """All 190: each symbol parses, and from the tonic on it is the chord that it is in C."""
    assert len(PROGRESSIONS) == 190
    assert {tonic_of(k) for k in KEYS} == set(range(12))
    for p in PROGRESSIONS:
        in_c = [moved(parse_chord(s), 0) for s in symbols(p.chords, p.counting, "C")[1]]
        for key in KEYS:
            chords = symbols(p.chords, p.counting, key)[1]
            assert [moved(parse_chord(s), tonic_of(key)) for s in chords] == in_c, f"in {key}"
            assert parse_changes(in_bars(chords)).length in (16.0, 32.0), f"in {key}"


@pytest.mark.parametrize(
    ("chords", "bars"),
    [
        ("C", "C | % | % | %"),
        ("C F G", "C | F | G | %"),
        ("C C F C", "C | % | F | C"),
        ("C F G A E", "C | F | G | A E"),
        ("C F G A E D", "C | F | G A | E D"),
        ("C F G A D D", "C | F | G A | D"),
        ("C F G A E D B", "C | F | G | A | E | D | B | %"),
        ("C D E F G A B C D", "C | D | E | F | G | A | B | C D"),
    ],
)
def test_a_loop_has_four_bars_or_eight(chords: str, bars: str) -> None:
    assert in_bars(chords.split()) == bars


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["C", "Dm7", "G7"]), min_size=1, max_size=40))
def test_a_loop_keeps_the_order_of_its_chords(chords: list[str]) -> None:
    changes = parse_changes(in_bars(chords))
    assert changes.length % 16 == 0
    plain = [c for i, c in enumerate(chords) if i == 0 or c != chords[i - 1]]
    assert [str(c) for c in changes.chords] == plain
    assert all(b > a for a, b in pairwise(changes.starts))
