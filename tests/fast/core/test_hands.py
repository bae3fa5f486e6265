"""Two hands at one keyboard: which keys are chords, which the line, and that the chords neither block a turn nor count as the line."""

from __future__ import annotations

import pytest

from improv.core.events import NoteOff, NoteOn
from improv.core.line.hands import Hands
from improv.core.line.tracker import LineTracker

Note = tuple[float, float, int]  # from, to, pitch


def heard(*notes: Note) -> list[NoteOn | NoteOff]:
    events: list[NoteOn | NoteOff] = [NoteOn(on, pitch, 80) for on, _, pitch in notes] + [NoteOff(off, pitch) for _, off, pitch in notes]
    return sorted(events, key=lambda e: (e.time, isinstance(e, NoteOn)))


def line_of(*notes: Note, split: int = 0) -> list[int]:
    """The pitches of the line, in order."""
    tracker = LineTracker()
    assert tracker.hands
    tracker.hands.split = split
    found = [note.pitch for event in heard(*notes) if (note := tracker.hear(event))]
    return found + ([tracker.line.pitch] if tracker.line else [])


def chord(on: float, off: float, *pitches: int) -> list[Note]:
    return [(on + 0.008 * i, off, pitch) for i, pitch in enumerate(pitches)]


def run(since: float, *pitches: int, step: float = 0.25, length: float = 0.2) -> list[Note]:
    return [(since + i * step, since + i * step + length, pitch) for i, pitch in enumerate(pitches)]


HELD = chord(0, 2, 48, 52, 55) + chord(2, 4, 45, 52, 57)
ARPEGGIO = run(0, 48, 55, 60, 55, 48, 55, 60, 55, step=0.5, length=0.9)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(HELD, run(0.25, 72, 74, 76, 72, 71, 67), id="chords that are held"),
        pytest.param(chord(0, 0.3, 50, 53, 57, 60) + chord(1.5, 1.8, 50, 53, 57, 60), run(0.25, 74, 72, 69, 67, 65, 69, 72), id="stabs"),
        pytest.param(ARPEGGIO, run(2.25, 79, 76, 74, 72, 74, step=0.5, length=0.4), id="broken, fingers left down"),
        pytest.param(chord(0, 2, 53, 59), run(0.5, 76, 74, 72, 71), id="two keys, held under the line"),
    ],
)
def test_the_left_hand_is_none_of_the_line(left: list[Note], right: list[Note]) -> None:
    line, meant = line_of(*left, *right), [pitch for _, _, pitch in right]
    assert line[line.index(meant[0]) :] == meant  # what came before it could be a line as well


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param(run(0, 48, 60, 72, 50, 62, 84, 40), id="wide leaps"),
        pytest.param(run(0, 72, 70, 69, 67, 65, 64, 62, step=0.25, length=0.3), id="legato downwards, keys overlapping"),
        pytest.param(run(0, 36, 43, 40, 45, 38), id="a bass line alone"),
    ],
)
def test_one_part_alone_is_all_of_it_the_line(notes: list[Note]) -> None:
    assert line_of(*notes) == [pitch for _, _, pitch in notes]


def test_a_border_that_is_said_holds_whatever_is_played() -> None:
    assert line_of(*run(0, 47, 48, 40, 60, 35), split=48) == [48, 60]


def test_inputs_and_channels_of_chords_have_no_line() -> None:
    hands = Hands()
    hands.inputs, hands.channel = frozenset({2}), 3
    assert [hands.struck(key, 0.0) for key in ((2, 0, 90), (0, 2, 90), (0, 0, 90))] == [True, True, False]


def test_the_chord_that_is_held_before_the_line_begins_is_taken_off_it() -> None:
    tracker = LineTracker()
    for event in heard(*chord(0, 9, 48, 52, 55)):
        if isinstance(event, NoteOn):
            tracker.hear(event)
    assert tracker.line is not None
    assert tracker.line.pitch == 55
    tracker.hear(NoteOn(1.0, 76, 80))
    assert (tracker.line.pitch, sorted(tracker.accompanying)) == (76, [48, 52, 55])


def test_the_top_of_a_wide_grip_below_the_line_is_of_the_chord() -> None:
    """As a pianist without a bass plays: the root far below, the chord up to where the line may come down."""
    grips = chord(0.0, 0.8, 38, 48, 53, 57) + chord(2.0, 2.8, 40, 50, 55, 58) + chord(4.0, 4.8, 45, 49, 55, 58)
    right = run(0.3, 72, 74, 76, 74) + run(2.3, 72, 71, 69, 71) + run(4.3, 72, 74, 69)
    line = line_of(*grips, *right)
    assert [pitch for pitch in line if pitch > 60] == [pitch for _, _, pitch in right]
    assert 58 not in line[-4:]
