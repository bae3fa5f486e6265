import numpy as np
import pytest

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.hearing import FIRST, NOW
from improv.core.line.tracker import Heard, LineTracker, quantise


def on(time: float, pitch: int) -> NoteOn:
    return NoteOn(time, pitch, 80)


def line_of(*events: Event, hearing: int = NOW) -> list[tuple[int, float, float | None]]:
    """The top line that an ear makes of events: (pitch, on, off)."""
    tracker = LineTracker(hearing)
    notes = [n for n in map(tracker.hear, events) if n]
    notes += [tracker.line] if tracker.line else []
    return [(n.pitch, n.on, n.off) for n in notes]


@pytest.mark.parametrize(
    ("events", "line"),
    [
        pytest.param([on(0, 60), NoteOff(0.4, 60), on(0.5, 62), NoteOff(0.9, 62)], [(60, 0, 0.4), (62, 0.5, 0.9)], id="detached"),
        pytest.param([on(0, 60), on(0.5, 62), NoteOff(0.6, 60), NoteOff(1, 62)], [(60, 0, 0.5), (62, 0.5, 1)], id="legato"),
        pytest.param([on(0, 60), on(0.01, 67), on(0.02, 64)], [(67, 0, None)], id="a chord's top is the melody"),
        pytest.param([on(0, 72), on(0.5, 48), NoteOff(1, 72)], [(72, 0, 1)], id="under a held note: accompaniment"),
        pytest.param(
            [on(0, 76), NoteOff(0.4, 76), on(0.5, 48), on(0.5, 52), on(0.51, 55), on(1, 74), NoteOff(1.4, 74)],
            [(76, 0, 0.4), (74, 1, 1.4)],
            id="a low chord between is comping",
        ),
        pytest.param([on(0, 72), ControlChange(0.1, 64, 127), NoteOff(0.2, 72)], [(72, 0, 0.2)], id="a held pedal is no held key"),
        pytest.param([on(0, 72), ControlChange(0.4, 123, 0), NoteOff(0.5, 72)], [(72, 0, 0.4)], id="all notes off is a release"),
        pytest.param([on(0, 72), ControlChange(0.4, 123, 0, 1), ControlChange(0.4, 123, 0, 0, 1)], [(72, 0, None)], id="of its source"),
        pytest.param(
            [on(0, 72), NoteOn(0, 60, 80, 0, 1), NoteOff(0.2, 72, 0, 1), NoteOff(0.3, 72)],
            [(72, 0, 0.3)],
            id="inputs have their own keys",
        ),
        pytest.param([NoteOff(0, 60), ControlChange(0, 64, 0)], [], id="offs without an on"),
    ],
)
def test_the_top_line(events: list[Event], line: list[tuple[int, float, float | None]]) -> None:
    assert line_of(*events) == line


@pytest.mark.parametrize(
    ("events", "line"),
    [
        pytest.param([on(0, 72), ControlChange(0.1, 64, 127), NoteOff(0.2, 72)], [(72, 0, None)], id="the pedal keeps it sounding"),
        pytest.param(
            [on(0, 72), ControlChange(0.1, 64, 127), NoteOff(0.2, 72), ControlChange(1, 64, 0)], [(72, 0, 1)], id="until it is up"
        ),
        pytest.param([on(0, 72), ControlChange(0.4, 123, 0), ControlChange(0.5, 121, 0)], [(72, 0, None)], id="no controller releases"),
    ],
)
def test_the_top_line_as_it_was_heard_in_older_sessions(events: list[Event], line: list[tuple[int, float, float | None]]) -> None:
    assert line_of(*events, hearing=FIRST) == line


def under(held: NoteOn, count: int, step: float = 0.5, length: float = 0.4) -> list[Event]:
    """A note that never ends, and lower ones that come and go."""
    below = range(count)
    return [held, *(e for i in below for e in (on(0.5 + i * step, 60 + i), NoteOff(0.5 + i * step + length, 60 + i)))]


@pytest.mark.parametrize(
    ("events", "line"),
    [
        pytest.param(under(on(0, 84), 11), [(84, 0, None)], id="a melody's long note, over eleven others"),
        pytest.param(under(on(0, 84), 12), [(71, 6.0, 6.4)], id="a key whose release was lost: the line goes on below it"),
        pytest.param(under(on(0, 84), 14), [(71, 6.0, 6.4), (72, 6.5, 6.9), (73, 7.0, 7.4)], id="and is no more asked about"),
        pytest.param(under(on(0, 84), 8, 1.0, 0.9), [(84, 0, None)], id="not so much longer than they"),
        pytest.param(under(on(0, 84), 5, 2.0, 0.3), [(84, 0, None)], id="too few others to tell"),
        pytest.param([*under(on(0, 36), 0), on(0.5, 60), NoteOff(0.9, 60)], [(36, 0, 0.5), (60, 0.5, 0.9)], id="below it never blocked"),
    ],
)
def test_a_key_that_is_held_far_longer_than_what_is_played_meanwhile_accompanies(
    events: list[Event], line: list[tuple[int, float, float | None]]
) -> None:
    assert line_of(*events) == line


def test_what_the_pedal_alone_has_held_for_long_makes_no_chord() -> None:
    tracker = LineTracker()
    tracker.hear(ControlChange(0, 64, 127))
    for pitch in (61, 66, 70):
        tracker.hear(on(0, pitch))
    for pitch in (61, 66, 70):
        tracker.hear(NoteOff(0.5, pitch))
    for pitch in (50, 53, 57, 60):
        tracker.hear(on(8.5, pitch))
    assert str(tracker.chord) == "Dm7"


def test_reset_controllers_lets_the_pedal_up() -> None:
    tracker = LineTracker()
    for event in (ControlChange(0, 64, 127), on(0, 60), NoteOff(1, 60)):
        tracker.hear(event)
    assert tracker.sounding == {60}
    tracker.hear(ControlChange(2, 121, 0))
    assert (tracker.sounding, tracker.pedal) == (set(), set())


def test_held_notes_make_the_chord() -> None:
    tracker = LineTracker()
    for pitch in (50, 53, 57, 60):
        tracker.hear(on(0, pitch))
    assert str(tracker.chord) == "Dm7"
    tracker.hear(ControlChange(0.5, 64, 127))
    for pitch in (50, 53):
        tracker.hear(NoteOff(1, pitch))
    assert str(tracker.chord) == "Dm7"
    tracker.hear(ControlChange(2, 64, 0))
    assert str(tracker.chord) == "NC"


def test_loudness_follows_the_player() -> None:
    tracker = LineTracker()
    for i in range(30):
        tracker.hear(NoteOn(i, 60, 110))
        tracker.hear(NoteOff(i + 0.5, 60))
    assert tracker.loudness == pytest.approx(110, abs=1)


def log_p(**at: float) -> np.ndarray:
    p = np.full(49, 0.001)
    for name, value in at.items():
        p[int(name[1:])] = value
    return np.log(p / p.sum())


@pytest.mark.parametrize(
    ("beat", "last", "said", "position"),
    [
        pytest.param(1.02, None, None, 12, id="nothing known: the nearest"),
        pytest.param(0.62, 0, log_p(k6=0.9, k8=0.02), 6, id="a swung eighth is an off-beat"),
        pytest.param(0.64, 0, log_p(k8=0.5, k6=0.3), 8, id="in triplets it is a triplet"),
        pytest.param(1.05, 6, log_p(k6=0.9), 12, id="laid back, but on the beat"),
        pytest.param(0.70, 12, log_p(k1=0.5), 12, id="never before the note before"),
    ],
)
def test_notes_find_the_place_they_were_meant_for(beat: float, last: int | None, said: np.ndarray | None, position: int) -> None:
    assert quantise(beat, last, said, 120) == position


def test_forgotten_notes_are_gone() -> None:
    tracker = LineTracker()
    tracker.hear(on(0, 60))
    assert tracker.line == Heard(0, 60, 80)
    tracker.forget()
    assert tracker.line is None
