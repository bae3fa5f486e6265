"""A phrase takes up a figure: what comes back, from where, and how it bends to the chord."""

from __future__ import annotations

import numpy as np

from improv.core.harmony import parse_changes
from improv.core.line.figures import FEWEST, NOTHING, SHORTEST, FigureNote, Returns, TakenUp, _alike, bent, figure
from improv.core.line.traits import Noted

SCALE = frozenset({0, 2, 4, 5, 7, 9, 11})


def line(*notes: tuple[int, int]) -> list[Noted]:
    """Of position and pitch; all a sixteenth long."""
    return [Noted(position, pitch, 3, position % 48, None, pitch % 12 in SCALE) for position, pitch in notes]


RUN = line(*((6 * k, pitch) for k, pitch in enumerate((60, 62, 64, 65, 67, 69, 60, 64, 62, 60))))


def test_a_figure_begins_after_a_note_like_the_latest() -> None:
    """The latest is a 60 reached by a whole tone downwards."""
    assert _alike(RUN, Returns.PITCHES) == [7]
    assert _alike(RUN, Returns.INTERVALS) == [9]
    assert _alike(RUN, Returns.TIMES) == [2, 4, 6, 8]


def test_what_comes_back_is_what_was_played() -> None:
    seen = set()
    for seed in range(200):
        wanted = figure(RUN, False, np.random.default_rng(seed))
        if wanted and wanted[0].pitch is not None:
            pitches = [note.pitch for note in wanted]
            assert pitches == [64, 62, 60][: len(pitches)]
            seen.add(wanted[0].time)
        elif wanted and wanted[0].step is not None:
            assert [note.step for note in wanted] == [-2]
        else:
            assert {(note.time, note.pitch, note.step) for note in wanted} <= {(6, None, None)}
    assert seen == {None, 6}  # with its rhythm, or in another


def test_after_a_rest_a_phrase_begins_as_one_did() -> None:
    """What goes before the first note of that is nobody's wish."""
    two = [*RUN, *line((100, 70), (106, 72), (112, 70))]
    for seed in range(100):
        for wanted in filter(None, [figure(two, True, np.random.default_rng(seed))]):
            assert (wanted[0].time, wanted[0].step) == (None, None)
            assert wanted[0].pitch in (70, None)


def test_of_a_few_notes_nothing_comes_back() -> None:
    assert all(figure(RUN[: FEWEST - 1], False, np.random.default_rng(seed)) == () for seed in range(30))


def test_a_tone_of_the_scale_bends_into_the_one_that_is_now() -> None:
    chord = parse_changes("Fm7").harmony(0.0).chord
    assert [bent(pitch, True, chord.scale) for pitch in (60, 64, 69)] == [60, 63, 68]
    assert bent(64, False, chord.scale) == 64  # it was outside where it was played


def test_a_figure_is_over_where_its_note_cannot_be_played() -> None:
    taken = TakenUp(np.random.default_rng(0))
    taken.wanted = (FigureNote(6, 64, None, True), FigureNote(3, None, -2, True))
    assert (taken.time, taken.pitch(60, SCALE)) == (6, 64)
    taken.played(64, 64)
    assert (taken.time, taken.pitch(64, SCALE)) == (3, 62)
    taken.played(65, 62)
    assert taken.wanted == ()
    assert taken.time is None


def test_a_figure_is_looked_for_until_one_is_found_and_then_no_more() -> None:
    taken = TakenUp(np.random.default_rng(1))
    found = 0
    for notes in range(40):
        taken.look(RUN, notes)
        found += bool(taken.wanted)
        taken.wanted = ()
    assert found == 1
    NOTHING.look(RUN, 40)
    assert NOTHING.wanted == ()
    assert SHORTEST == 3
