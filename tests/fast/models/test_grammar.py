"""The jazz grammar: what a line becomes, and what becomes of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.harmony import KINDS, NO_CHORD, Changes, Chord, parse_changes
from improv.core.metres import Metres
from improv.models.grammar import (
    GRID,
    REST,
    TONES,
    GrammarError,
    Note,
    Terminal,
    beginning,
    choose,
    clean,
    decode,
    encode,
    moves,
    tones_over,
)

CHORDS = st.builds(Chord, st.integers(0, 11), st.sampled_from([kind for kind in KINDS if kind != "none"])) | st.just(NO_CHORD)
PITCHES = st.integers(40, 90)


@st.composite
def lines(draw: st.DrawFn) -> list[Note]:
    """Lines of up to 20 notes: gaps, overlaps and rests of any length."""
    notes, at = [], draw(st.integers(0, 24))
    for _ in range(draw(st.integers(1, 20))):
        notes.append(Note(at, draw(st.integers(1, 60)), draw(PITCHES)))
        at += draw(st.integers(1, 60))
    return notes


@st.composite
def changes(draw: st.DrawFn) -> Changes:
    chords = draw(st.lists(CHORDS, min_size=1, max_size=6))
    return Changes([2.0 * i for i in range(len(chords))], chords, 2.0 * len(chords))


def test_a_blues_lick_as_terminals() -> None:
    """Over F7: chord tone, approach (a semitone from the third), chord tone after a rest, scale tone; over Bb7 the fifth."""
    line = [Note(12, 8, 65), Note(20, 4, 68), Note(24, 10, 69), Note(48, 11, 67), Note(60, 12, 65)]
    terminals = encode(line, parse_changes("F7 Bb7", Metres.of(10, 4)))
    assert [str(t) for t in terminals] == ["C 2/3", "A 1/3 0..6", "C 5/6 -2..4", "R 7/6", "S 1 -5..1", "C 1 -5..1"]


def test_over_a_major_triad_some_tones_are_neither_of_the_scale_nor_approaches() -> None:
    assert "".join(TONES[k] for k in tones_over(Chord(0, "maj"))[60:72]) == "CASACSACASXS"
    assert {TONES[k] for k in tones_over(NO_CHORD)} == {"X"}


@given(lines(), changes(), st.integers(0, 2**32 - 1))
def test_what_encode_makes_decodes_to_its_kind_within_its_range(line: list[Note], over: Changes, seed: int) -> None:
    """Each terminal alone, from the pitch that came before it; and the times of the whole line come back."""
    terminals, rng = encode(line, over), np.random.default_rng(seed)
    sounding = [t for t in terminals if t.kind != REST]
    last = 60
    for note, terminal in zip(line, sounding, strict=True):
        chord = over.harmony(note.onset / GRID).chord
        pitch = choose(terminal, last, chord, rng)
        assert TONES[tones_over(chord)[pitch]] == terminal.kind
        if terminal.span is not None:
            assert terminal.span[0] <= pitch - last <= terminal.span[1]
        last = note.pitch
    again = decode(terminals, over, rng, start=line[0].onset)
    assert [n.onset for n in again] == [n.onset for n in line]


@given(lines(), changes())
def test_terminals_are_read_as_they_are_written(line: list[Note], over: Changes) -> None:
    terminals = encode(line, over)
    assert [Terminal.parse(str(t)) for t in terminals] == terminals


@pytest.mark.parametrize("text", ["", "C", "C 0", "C 1/7", "Q 1", "R 1 -3..3", "C 1/0", "C 1 5..-5", "C 101", "C 1 -900..3", "C 1 -3..3 "])
def test_what_is_no_terminal_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match="expected for example"):
        Terminal.parse(text)


@given(lines(), changes(), changes(), st.integers(0, 2**32 - 1))
def test_over_other_changes_a_line_stays_within_the_instrument(line: list[Note], from_: Changes, to: Changes, seed: int) -> None:
    terminals = encode(line, from_)
    again = decode(terminals, to, np.random.default_rng(seed), low=55, high=84)
    assert len(again) == len(line)
    assert all(55 <= n.pitch <= 84 for n in again)
    assert again == decode(terminals, to, np.random.default_rng(seed), low=55, high=84)


def test_cleaning() -> None:
    """Off the grid; too close behind; struck again at once; into the next note."""
    line = [Note(1, 11, 60), Note(13, 2, 62), Note(15, 9, 62), Note(24, 14, 64), Note(25, 3, 66), Note(36, 12, 64)]
    assert clean(line) == [Note(0, 12, 60), Note(12, 12, 62), Note(24, 12, 64), Note(36, 12, 64)]
    assert moves(clean(line)) == [(0, 0, 3)]


def test_a_line_begins_where_it_goes_through_the_beat_as_the_tune_did() -> None:
    """Swung eighths: what begins with the short one begins on the off-beat."""
    swing = [(0, 8, 10), (8, 0, 10)]
    long, short = Terminal("C", 8), Terminal("C", 4)
    assert beginning([long, short, long, short], swing) == 0
    assert beginning([short, long, Terminal(REST, 12), short, long], swing) == 8
