"""Voicings that a machine draws: laws that hold whatever its weights are; and the machine that is shipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.core.harmony import KINDS, NO_CHORD, Chord, parse_chord
from improv.core.harmony.voicing import HIGHEST, LOWEST, voicing
from improv.core.settings import Settings
from improv.models.card import ModelError
from improv.models.loader import load_model, load_voicings, voicings_for
from improv.models.rbm import Rbm
from improv.models.voicings import (
    CLAMPED,
    FORMAT,
    KIND,
    MOST,
    ROOM,
    VISIBLE,
    Voicings,
    above_root,
    avoided,
    bits_of,
    chosen,
    clamped_of,
    guides,
    moved,
    playable,
)

chords = st.builds(Chord, st.integers(0, 11), st.sampled_from([kind for kind in KINDS if kind != "none"]))
C7 = Chord(0, "7")


def random_voicings(seed: int = 0) -> Voicings:
    """About four notes at a time, whatever the chord."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.5, (VISIBLE, 20)).astype(np.float32)
    return Voicings({}, Rbm(weights, np.full(VISIBLE, -1.2, np.float32), np.zeros(20, np.float32)))


RANDOM = random_voicings()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(chords, min_size=1, max_size=6), st.none() | st.integers(40, 90), st.integers(0, 9), st.integers(40, 56), st.integers(67, 88)
)
def test_what_is_drawn_can_be_played_is_in_range_below_the_player_and_clashes_with_nothing(
    progression: list[Chord], under: int | None, seed: int, low: int, high: int
) -> None:
    hands: tuple[int, ...] = ()
    for chord in progression:
        before = hands
        hands = RANDOM.drawn(chord, before, low, high, under, seed)
        assert hands == RANDOM.drawn(chord, before, low, high, under, seed)
        assert RANDOM.draw(chord, before, low, high, under, seed) == (hands or voicing(chord, before, low, high, under))
        if hands:
            assert playable(hands)
            assert list(hands) == sorted(set(hands))
            assert max(low, LOWEST) <= hands[0]
            assert hands[-1] <= min(high, HIGHEST)
            assert not {p % 12 for p in hands} & avoided(chord)
            if under is not None and under - 1 - max(low, LOWEST) >= ROOM:
                assert hands[-1] < under


def test_the_seed_decides() -> None:
    found = {RANDOM.draw(C7, (), 50, 76, None, seed) for seed in range(20)}
    assert len(found) > 5


def test_the_voicing_before_and_the_chord_are_what_is_given() -> None:
    """Weights that want each note where it was a semitone lower before: then it is drawn there."""
    weights = np.zeros((VISIBLE, CLAMPED - len(KINDS)), np.float32)
    for i in range(weights.shape[1] - 1):
        weights[len(KINDS) + i, i] = 25  # before: a hidden bit for each pitch
        weights[CLAMPED + i + 1, i] = 10  # and what that bit wants
    voicings = Voicings({}, Rbm(weights, np.full(VISIBLE, -5, np.float32), np.full(weights.shape[1], -15, np.float32)))
    for root in (1, 3, 6, 8):  # whose thirds these are
        assert voicings.raw().draw(Chord(root, "maj"), (54, 59, 64, 69), 50, 76, None, 1) == (55, 60, 65, 70)


def test_no_chord_is_no_voicing_and_where_there_is_no_room_the_rules_decide() -> None:
    assert RANDOM.draw(NO_CHORD, (), 50, 76) == ()
    assert RANDOM.drawn(C7, (), 72, 74) == ()
    assert RANDOM.draw(C7, (), 90, 127) == voicing(C7, (), 90, 127)


@pytest.mark.parametrize(
    ("symbol", "clashes"),
    [
        ("Cmaj7", {1, 3, 5, 6, 8, 10}),  # the fourth
        ("C7", {1, 3, 5, 6, 8, 11}),
        ("C7alt", {2, 5, 7, 9, 11}),  # the ninths are meant
        ("C-7", {1, 4, 6, 8, 9, 11}),  # the sixth
        ("D-7", {1, 3, 6, 8, 10, 11}),
        ("C-6", {1, 4, 6, 8, 10}),
        ("Bm7b5", {0, 1, 3, 6, 8, 10}),  # the flat ninth
    ],
)
def test_what_clashes(symbol: str, clashes: set[int]) -> None:
    assert avoided(parse_chord(symbol)) == clashes


def test_guides_are_third_and_seventh() -> None:
    assert [guides(parse_chord(c)) for c in ("C7", "Dm7", "F6", "G", "C7sus", "Csus", "C13b9")] == [
        {4, 10},
        {5, 0},
        {9, 2},
        {11},
        {5, 10},
        {5, 7},
        {4, 10},
    ]


@settings(deadline=None)
@given(st.integers(20, 100), st.integers(0, 11))
def test_from_the_root_a_pitch_is_what_it_is_from_c(pitch: int, root: int) -> None:
    assert abs(above_root(pitch, root) - pitch) <= 6
    assert above_root(pitch, root) % 12 == (pitch - root) % 12


@pytest.mark.parametrize(
    ("pitches", "can"),
    [
        ((52, 59, 62, 67), True),
        ((60, 64), False),  # two notes are no chord
        ((52, 54, 60, 64), False),  # mud
        ((60, 61, 63, 67), False),  # a cluster
        ((59, 60, 64, 67), True),
        ((50, 57, 64, 69, 76), True),  # two hands
        ((50, 66, 76, 77), True),
        ((50, 65, 76, 80), False),  # neither hand reaches
        ((60, 63, 66, 69, 72, 75), False),  # too many
    ],
)
def test_what_hands_can_play(pitches: tuple[int, ...], can: bool) -> None:
    assert playable(pitches) is can
    assert len(pitches) <= MOST or not can


def test_the_one_that_tells_the_chord_and_moves_least_is_taken() -> None:
    before = (52, 58, 62)
    far, near, tells_not = (58, 64, 67), (52, 58, 67), (52, 57, 62)
    assert chosen([far, near, tells_not], C7, before) == near
    assert chosen([far, near], C7, ()) == far  # to begin with, the first
    assert chosen([tells_not, (52, 53, 54)], C7, before) == tells_not
    assert chosen([(52, 53, 54)], C7, before) == ()
    assert moved(before, near) == pytest.approx((0 + 0 + 4 + 0 + 0 + 5) / 6)


GOOD = {"kind": KIND, "format": FORMAT, "hidden": 20, "kinds": list(KINDS)}


def weights_of(voicings: Voicings) -> dict[str, np.ndarray]:
    return {"weights": voicings.rbm.weights, "visible": voicings.rbm.visible, "hidden": voicings.rbm.hidden}


@pytest.mark.parametrize(
    ("card", "weights", "said"),
    [
        ({"kind": "lstm"}, {}, "kind 'lstm'"),
        ({"format": 9}, {}, "format 9"),
        ({"hidden": True}, {}, "True hidden"),
        ({"hidden": 10_000}, {}, "10000 hidden"),
        ({"kinds": ["maj"]}, {}, "other kinds of chords"),
        ({}, {"visible": np.zeros(3, np.float32)}, r"'visible' are float32 \(3,\)"),
        ({}, {"visible": np.full(VISIBLE, np.nan, np.float32)}, "finite"),
        ({}, {"visible": np.zeros(VISIBLE)}, "float64"),
        ({}, {"more": np.zeros(1)}, "its weights are"),
    ],
)
def test_what_is_not_as_its_card_says_is_refused(card: dict[str, object], weights: dict[str, np.ndarray], said: str) -> None:
    whole = weights_of(RANDOM)
    assert np.array_equal(Voicings.of(GOOD, whole).rbm.weights, RANDOM.rbm.weights)
    with pytest.raises(ModelError, match=said):
        Voicings.of(GOOD | card, whole | weights)


def test_the_shipped_machine_voices_a_two_five_one_and_prefers_what_pianists_play() -> None:
    shipped = load_voicings()
    hands: tuple[int, ...] = ()
    for symbol in ("Dm7", "G7", "Cmaj7", "A7"):
        chord = parse_chord(symbol)
        before, hands = hands, shipped.drawn(chord, hands, 50, 84, 79, 1)
        assert guides(chord) <= {p % 12 for p in hands}
        assert not before or moved(before, hands) <= 3

    def free_energy(pitches: tuple[int, ...]) -> float:
        chord = parse_chord("Cmaj7")
        return float(shipped.rbm.free_energy(np.concatenate([clamped_of(chord, (53, 59, 62, 65)), bits_of(pitches, 0)])[None])[0])

    assert free_energy((52, 59, 62, 67)) < free_energy((53, 54, 61, 66))
    with pytest.raises(ModelError, match=r"voices chords .* plays no lines"):
        load_model("voicings")


def test_where_there_is_no_machine_only_who_asks_for_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    here = voicings_for()
    assert here is not None
    assert here.card["name"] == "voicings"
    monkeypatch.setattr("improv.models.loader.shelves", lambda: [])
    assert voicings_for(Settings()) is None
    with pytest.raises(ModelError, match="no model 'voicings'"):
        voicings_for(Settings(), Settings(voicing="learned"))
