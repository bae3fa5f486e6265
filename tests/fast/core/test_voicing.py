"""Chords for two hands."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.harmony import KINDS, NO_CHORD, Chord, parse_chord
from improv.core.harmony.voicing import HIGHEST, LOWEST, TONES, voicing

KIND_NAMES = [kind for kind in KINDS if kind != "none"]
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(KIND_NAMES))


@given(st.lists(chords, min_size=1, max_size=8), st.none() | st.integers(40, 90))
def test_voicings_are_four_tones_of_the_chord_and_its_scale_in_range_and_move_little(progression: list[Chord], under: int | None) -> None:
    hands: tuple[int, ...] = ()
    for chord in progression:
        before, hands = hands, voicing(chord, hands, 48, 88, under)
        assert len(set(hands)) == 4
        assert list(hands) == sorted(hands)
        assert {p % 12 for p in hands} <= chord.tones | chord.scale
        assert hands[0] >= LOWEST
        assert hands[-1] <= HIGHEST
        assert {(p - (chord.root or 0)) % 12 for p in hands[:2]} == set(TONES[chord.kind][0])  # the guide tones are the left hand's
        if before:
            assert sum(abs(a - b) for a, b in zip(before, hands, strict=True)) <= 4 * 7


def test_two_five_one_moves_by_step() -> None:
    hands: tuple[int, ...] = ()
    found = []
    for symbol in ("Dm7", "G7", "Cmaj7"):
        hands = voicing(parse_chord(symbol), hands, 48, 88)
        found.append(hands)
    assert found == [(53, 60, 64, 69), (53, 59, 64, 69), (52, 59, 62, 67)]
    assert all(abs(a - b) <= 2 for one, two in itertools.pairwise(found) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(("low", "high"), [(20, 40), (90, 127), (48, 59)])
def test_where_the_range_is_elsewhere_it_stays_in_it_or_out(low: int, high: int) -> None:
    hands = voicing(parse_chord("F7"), (), low, high)
    assert all(low <= p <= high for p in hands)


def test_no_chord_is_no_voicing() -> None:
    assert voicing(NO_CHORD, (), 48, 88) == ()
