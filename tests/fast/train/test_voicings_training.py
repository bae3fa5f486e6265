"""What is taken from songs for voicings, and that a machine learns it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from improv.core.harmony import Chord, parse_chord
from improv.models.voicings import CLAMPED, VISIBLE, Voicings, bits_of, clamped_of
from improv.train.rbm import begin
from improv.train.voicings import VoicingRows, balanced, chords_of, fit_voicings, found_among, pseudo_likelihood, rows_of, shapes_of


def test_a_shape_is_what_sounds_within_a_chord_without_bass_mud_and_repeats() -> None:
    block = [[0.0, 1.0, p, 80] for p in (36, 60, 64, 67)]  # the bass is left out
    arpeggio = [[2.0 + 0.2 * i, 1.0, p, 80] for i, p in enumerate((62, 65, 69, 72))]
    again = [[4.0, 1.0, p, 80] for p in (62, 65, 69, 72)]
    too_wide = [[6.0, 1.0, p, 80] for p in (50, 66, 79)]
    song: dict[str, Any] = {
        "piano": [*block, *arpeggio, *again, *too_wide, [8.0, 1.0, 60, 80]],
        "chords": [[0.0, 2.0, "C:maj"], [2.0, 4.0, "D:min7"], [4.0, 6.0, "D:min7"], [6.0, 8.0, "N"], [8.0, 9.0, "N"]],
    }
    assert shapes_of(song) == [(60, 64, 67), (62, 65, 69, 72), (50, 66, 79)]
    song["piano"][-4][2] = 51  # mud
    song["piano"][-3][2] = 52
    assert shapes_of(song) == [(60, 64, 67), (62, 65, 69, 72)]


def test_a_shape_voices_every_chord_that_it_tells_and_does_not_clash_with() -> None:
    found = {str(c) for c in chords_of(frozenset({4, 7, 11, 2}))}  # what songs call Em7
    assert {"Em7", "Cmaj7", "Cmaj7#11", "G6", "G"} <= found
    assert not found & {"C7", "Dm7", "A7", "Cm7", "Fmaj7", "E7"}  # no guide tones, or a clash
    assert "G7" in {str(c) for c in chords_of(frozenset({5, 11, 2}))}


def test_rows_are_seen_from_the_root_after_the_voicing_before() -> None:
    songs = [[(57, 60, 65), (55, 58, 62, 65)]] * 30
    rows = rows_of(songs, np.random.default_rng(0))
    chord, before, now = Chord(3, "maj7"), (57, 60, 65), (55, 58, 62, 65)  # Ebmaj7 with a ninth: G Bb D F
    row = np.concatenate([clamped_of(chord, before), bits_of(now, 3)])
    there = (rows.bits == row).all(1)
    assert 20 <= there.sum() <= 30  # now and then it is left out what was before
    assert set(rows.colours[there]) == {1}
    assert rows.bits.shape == (len(rows.kind), VISIBLE)


def test_all_kinds_and_colours_come_as_often_but_for_scarce_ones() -> None:
    kind = np.repeat([1, 1, 2], [90_000, 10_000, 1000])
    colours = np.repeat([0, 1, 0], [90_000, 10_000, 1000])
    rows = VoicingRows(np.zeros((len(kind), VISIBLE), np.float32), kind, colours)
    drawn = balanced(rows, 40_000, np.random.default_rng(0))
    assert [np.mean((kind[drawn] == k) & (colours[drawn] == c)) for k, c in ((1, 0), (1, 1), (2, 0))] == pytest.approx(
        [0.25, 0.25, 0.5], abs=0.02
    )


def test_a_machine_learns_which_voicing_follows() -> None:
    """One hand shape that goes up and down by a whole tone: the machine is to say which is next."""
    up, down = (55, 59, 62, 65), (53, 57, 60, 63)
    rng = np.random.default_rng(0)
    rows = rows_of([[up, down] * 40] * 5, rng)
    start = begin(VISIBLE, 24, rng)
    rbm = fit_voicings(start, rows, rng, range(400))
    some = rng.permutation(len(rows.kind))[:500]
    bits, kinds = rows.bits[some], rows.kind[some]
    assert pseudo_likelihood(start, bits) == pytest.approx(-(VISIBLE - CLAMPED) * np.log(2), rel=0.05)
    assert pseudo_likelihood(rbm, bits) > -2.0
    assert found_among(rbm, bits, kinds, rng) > 0.75  # of a tenth it is not told what was before
    found = [Voicings({}, rbm, clean=False).drawn(parse_chord("G7"), down, 50, 76, None, seed) for seed in range(20)]
    assert sum(set(up) <= set(hands) for hands in found) > 10
