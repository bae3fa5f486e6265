"""The model that speaks the grammar: what it hears of notes, and what it says of them, worked out by hand."""

import queue
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from improv.core.events import Event, NoteOff, NoteOn
from improv.core.harmony import NO_CHORD, OPEN, Chord, parse_changes
from improv.core.improviser import Improviser
from improv.core.line.sampler import probabilities
from improv.core.settings import Settings
from improv.core.vocabulary import Context, Vocabulary
from improv.models.card import ModelError
from improv.models.grammar import GRID, Note, Terminal, encode
from improv.models.grammar_model import GrammarModel, grammar_card, refuse_grammar
from improv.models.loader import load_model, stored_vector
from improv.models.model import Model, State
from improv.perform.band import alone
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.engine import perform
from improv.session.snapshot import read_snapshot, write_snapshot

F7 = parse_changes("F7")
ALL = [(a, b, 1) for a in range(GRID) for b in range(GRID)]


def bare(
    chances: dict[str, float], units: int = 3, moves: list[tuple[int, int, int]] = ALL
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Card and weights of a network that always says the same: terminals with their probabilities."""
    n = len(chances)
    weights = {
        "lstm.kernel": np.zeros((n, 4 * units)), "lstm.recurrent": np.zeros((units, 4 * units)), "lstm.bias": np.zeros(4 * units),
        "values.kernel": np.zeros((units, n)), "values.bias": np.log(list(chances.values())),
    }  # fmt: skip
    card = grammar_card("bare", [Terminal.parse(t) for t in chances], units, moves, Chord(5, "7")) | {"weights_sha256": "none"}
    return card, {name: w.astype(np.float32) for name, w in weights.items()}


def lively(terminals: list[str], seed: int = 0) -> GrammarModel:
    """A network with random weights."""
    card, weights = bare(dict.fromkeys(terminals, 1.0))
    rng = np.random.default_rng(seed)
    return GrammarModel(card, {name: rng.standard_normal(w.shape).astype(np.float32) for name, w in weights.items()})


def heard(model: Model, line: list[Note], place: int = 0) -> tuple[State, int]:
    """The state after a line over F7, and the line's last pitch."""
    state, last, before = model.start(), None, None
    for note in line:
        value = model.vocabulary.encode(0 if before is None else (note.onset - before) / GRID, note.pitch, note.length / GRID)
        state = model.step(state, value, last, Context(F7.harmony(0.0), note.onset % 48))
        last, before = note.pitch, note.onset
    return state, line[-1].pitch


LINE = [Note(0, 8, 65), Note(8, 4, 69), Note(12, 8, 72), Note(36, 8, 70), Note(44, 4, 68), Note(48, 12, 69)]


def test_a_line_is_heard_as_its_terminals() -> None:
    """Where the network has no opinion, each note and each rest is heard as the terminal that encode makes of it."""
    terminals = encode(LINE, F7)
    model = GrammarModel(*bare({str(t): 1.0 for t in dict.fromkeys(terminals)}))
    numbers = []
    for i in range(1, len(LINE)):
        state, _ = heard(model, LINE[:i])
        numbers += model.heard_as(state, LINE[i].onset - LINE[i - 1].onset)
    assert [model.terminals[k] for k in numbers] == terminals[:-1]


def test_what_the_grammar_does_not_know_is_heard_as_the_nearest() -> None:
    model = GrammarModel(*bare({"C 2/3 1..7": 1.0, "C 1/3 1..7": 1.0, "S 1/3 -5..1": 1.0, "R 1": 1.0, "R 2": 1.0}))
    state, _ = heard(model, [Note(0, 6, 65), Note(12, 5, 72)])  # a fifth up, as long as none: near to a third of a beat
    assert [str(model.terminals[k]) for k in model.heard_as(state, 5 + 16)] == ["C 1/3 1..7", "R 1"]


def test_when_the_next_note_comes_and_whether_the_phrase_is_over() -> None:
    """A pending note of two thirds of a beat: the next follows at once, or after the rests, which stand for 0.3 and 0.1."""
    model = GrammarModel(*bare({"C 2/3 -3..3": 0.6, "R 1/2": 0.3, "R 1": 0.1}))
    said = model.read(heard(model, [Note(0, 8, 65)])[0])
    p = probabilities(said.ioi)
    assert p[[8, 14, 20]] == pytest.approx([0.6, 0.3, 0.1], abs=0.02)
    assert said.end == pytest.approx(0.1, abs=1e-6)


def test_a_note_played_short_may_be_a_longer_one() -> None:
    """It sounds 6/12 beat: written it is 6, or 9 played short, which is an eighth as likely; not 12."""
    model = GrammarModel(*bare({"C 1/2 -3..3": 0.25, "C 3/4 -3..3": 0.5, "C 1 -3..3": 0.25}))
    p = probabilities(model.read(heard(model, [Note(0, 6, 65)])[0]).ioi)
    assert p[[6, 9, 12]] == pytest.approx([0.8, 0.2, 0.0], abs=0.02)


def test_notes_come_at_places_of_the_beat_to_which_the_tune_led() -> None:
    model = GrammarModel(*bare({"C 2/3 -3..3": 0.5, "C 3/4 -3..3": 0.5}, moves=[(0, 8, 5), (8, 0, 5)]))
    short = heard(model, [Note(0, 8, 65)])[0]
    assert probabilities(model.read(short).ioi)[9] < 0.02


def test_pitches_are_of_the_kind_in_the_range_over_the_chord_that_comes() -> None:
    model = GrammarModel(*bare({"C 1/3 -2..4": 0.75, "A 2/3 1..1": 0.25}))
    state, last = heard(model, [Note(0, 12, 65)])
    said = model.read(state)
    at = Context(parse_changes("Bb7").harmony(0.0), 12)  # Bb D F Ab: from F4, F and Ab are in range; F# is an approach
    p = probabilities(model.pitch(said, last, 12, at))
    # One semitone up is the middle: F is one off (3), and repeats (a fifth of that); Ab is two off (2).
    assert p[[65, 68, 66]] == pytest.approx([0.75 * 0.6 / 2.6, 0.75 * 2 / 2.6, 0.25], abs=0.015)
    length, lag = model.articulation(said, 66, last, 12, at)
    assert Vocabulary().durations[length.argmax()] == 8
    assert model.expected_microtiming(lag) == 0.0
    assert Vocabulary().durations[model.articulation(said, 68, last, 12, at)[0].argmax()] == 4


def test_without_a_chord_it_is_at_home_in_the_key_of_what_was_heard() -> None:
    """Nothing heard: over F7. After a line in D: over D7, whose tones are D, F sharp, A and C."""
    model = GrammarModel(*bare({"C 1/3 -6..6": 1.0}))
    assert OPEN.chord == NO_CHORD
    for line, tones in (([65], {5, 9, 0, 3}), ([62, 64, 66, 67, 69, 71, 72, 74], {2, 6, 9, 0})):
        state, last, at = model.start(), None, Context(OPEN, 0)
        for pitch in line:
            state, last = model.step(state, model.vocabulary.encode(1.0, pitch, 1.0), last, at), pitch
        assert last is not None
        p = probabilities(model.pitch(model.read(state), last, 12, at))
        assert {int(k) % 12 for k in np.flatnonzero(p > 0.02)} == tones


def test_every_pitch_and_every_time_has_a_finite_logit() -> None:
    model = lively(["C 1/3 -2..4", "A 2/3 1..7", "S 1 -3..3", "R 1"])
    rng = np.random.default_rng(5)
    state, last, position = model.start(), None, 0
    for _ in range(200):
        ioi = int(rng.integers(0, 60))
        position += ioi
        value = model.vocabulary.encode(ioi / GRID, int(rng.integers(0, 128)), float(rng.uniform(0, 5)))
        at = Context(parse_changes("F7 | NC | Bdim").harmony(position / GRID), position % 48)
        if last is not None:
            said = model.read(state)
            told = [said.ioi, model.pitch(said, last, value.ioi, at), *model.articulation(said, value.pitch, last, value.ioi, at)]
            assert [t.shape for t in told] == [(49,), (128,), (21,), (13,)]
            assert all(np.isfinite(t).all() for t in told)
            assert 0 <= said.end <= 1
        state, last = model.step(state, value, last, at), value.pitch


def test_a_state_is_a_value_that_steps_leave_alone() -> None:
    model = lively([str(t) for t in dict.fromkeys(encode(LINE, F7))])
    state, last = heard(model, LINE)
    before = model.read(state).ioi
    for ioi, pitch in ((8, 60), (30, 75)):
        model.step(state, model.vocabulary.encode(ioi / GRID, pitch, 0.5), last, Context())
    np.testing.assert_array_equal(model.read(state).ioi, before)


def test_a_snapshot_brings_the_pending_note_back(tmp_path: Path) -> None:
    model = lively([str(t) for t in dict.fromkeys(encode(LINE, F7))])
    state, _ = heard(model, LINE)
    write_snapshot(tmp_path / "s", {"horn": (model, state)})
    again = read_snapshot(tmp_path / "s", {"horn": model})["horn"]
    assert model.heard_as(again, 30) == model.heard_as(state, 30)
    np.testing.assert_array_equal(model.read(again).ioi, model.read(state).ioi)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 1}, "format 1"),
        ({"network": {"kind": "grammar", "units": -1}}, r"units is -1"),
        ({"vocabulary": {"terminals": ["C 1", "Q 2"], "moves": []}}, "'Q 2'"),
        ({"vocabulary": {"terminals": ["C 1", "C 1"], "moves": [], "home": "F7"}}, "twice"),
        ({"vocabulary": {"terminals": ["C 1", "R 1"], "moves": [[0, 12, 1]]}}, "both from 0 to 11"),
        ({"vocabulary": {"terminals": "C 1", "moves": []}}, "no list"),
        ({"vocabulary": {"terminals": ["C 1", "R 1"], "moves": [], "home": "X7"}}, "chord 'X7'"),
        ({"vocabulary": {"terminals": ["C 1", "R 1"], "moves": [], "home": "NC"}}, "vocabulary.home is 'NC'"),
        ({"vocabulary": None}, "no list"),
        ({"vocabulary_hash": "x"}, "vocabulary_hash"),
        ({"network": {"kind": "grammar", "units": 4}}, r"the card promises float32 \(2, 16\)"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(change: dict[str, Any], says: str) -> None:
    card, weights = bare({"C 1": 0.5, "R 1": 0.5})
    with pytest.raises(ModelError, match=says):
        GrammarModel(card | change, weights)


def test_weights_that_are_no_numbers_or_missing_are_refused() -> None:
    card, weights = bare({"C 1": 0.5, "R 1": 0.5})
    with pytest.raises(ModelError, match="no numbers"):
        GrammarModel(card, weights | {"values.bias": np.array([np.nan, 0], np.float32)})
    with pytest.raises(ModelError, match=r"lstm\.bias is missing"):
        GrammarModel(card, {k: w for k, w in weights.items() if k != "lstm.bias"})
    with pytest.raises(ModelError, match="improv export is for models of notes"):
        refuse_grammar(card, "improv export")


# The model that is shipped


def test_the_shipped_model_says_what_keras_said() -> None:
    model, vector = load_model("tutorial"), stored_vector("tutorial")
    assert isinstance(model, GrammarModel)
    np.testing.assert_allclose(model.foretell(vector["heard"].tolist()), vector["said"], atol=1e-5)


def call(tempo: float = 400.0) -> list[Event]:
    beat = 60 / tempo
    events: list[Event] = []
    for i, pitch in enumerate([65, 69, 72, 75, 74, 72]):
        events += [NoteOn(i * beat / 2, pitch, 80), NoteOff((i + 0.8) * beat / 2, pitch)]
    return events


def test_live_equals_offline() -> None:
    played: dict[str, list[Event]] = {"live": [], "offline": []}
    for name, clock in (("live", LiveClock(call())), ("offline", OfflineClock(call()))):
        improviser = Improviser(load_model("tutorial"), Settings(tempo=400.0), parse_changes("F7 | Bb7"), seed=4)
        asked = played[name].append  # what came too late for the port is the same music
        perform(alone(improviser), clock, queue.SimpleQueue(), asked, dropped=lambda event, late: asked(event))  # noqa: B023
    assert any(isinstance(e, NoteOn) for e in played["live"])
    assert played["live"] == played["offline"]


def test_a_solo_of_it_lies_on_the_places_of_its_tune() -> None:
    """Sixteen bars of a blues: on the grid, most notes of the chord, and it moves."""
    model, changes = load_model("tutorial"), parse_changes("F7 | Bb7 | F7 | Cm7 F7 | Bb7 | Bdim | F7 | D7")
    played: list[Event] = []
    perform(alone(Improviser(model, Settings(mode="solo"), changes, seed=2, bars=16)), OfflineClock(), queue.SimpleQueue(), played.append)
    notes = [(round(e.time * 2 * GRID, 6), e.pitch) for e in played if isinstance(e, NoteOn)]
    assert len(notes) > 60
    assert {at % 1 for at, _ in notes} == {0.0}
    assert sum(at % 12 in (0, 4, 8) for at, _ in notes) > 0.7 * len(notes)
    on_chord = [p % 12 in changes.harmony(at / GRID).chord.tones for at, p in notes]
    assert 0.5 < np.mean(on_chord) < 0.95
    assert len({p for _, p in notes}) > 12
