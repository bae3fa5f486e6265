"""What a line quotes of the solos that its model learned from: found by hashes, counted, and kept as short as is wanted."""

from __future__ import annotations

import itertools
import math
import queue

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.improviser import Improviser
from improv.core.line.quotations import FIGURE, Quotations, Quoting, figure_hash, hashes
from improv.core.line.surprise import as_controller, bits
from improv.core.playing import NOW, SWAYS
from improv.core.settings import SettingError, Settings
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.train.example import example_piece
from improv.train.quoting import figures_of, joined, quotations_in, quoted_in

NOTHING = Quotations(np.zeros(0, np.uint32), np.zeros(0, np.uint32), 12)


def known(steps: list[tuple[int, int]], usual: int = 12) -> Quotations:
    """The figures of one row of steps."""
    rows = [steps[i : i + FIGURE] for i in range(len(steps) - FIGURE + 1)]
    line = np.unique(hashes(np.array([[s for s, _ in row] for row in rows])))
    exact = [[n for step in steps[i : i + 6] for n in step] for i in range(len(steps) - 5)]
    return Quotations(line, np.unique(hashes(np.array(exact))), usual)


def counted(steps: list[tuple[int, int]], of: Quotations) -> Quoting:
    """How a line of these steps stands."""
    quoting = Quoting().after((0, 48), of)
    for step in steps:
        quoting = quoting.after(step, of)
    return quoting


def improvised(model: Model, quote: float, seed: int = 0, playing: int = NOW) -> list[Event]:
    """A hundred bars by a model with random weights."""
    played: list[Event] = []
    improviser = Improviser(model, Settings(mode="solo", quote=quote), seed=seed, bars=100, playing=playing)
    perform(alone(improviser), OfflineClock(()), queue.SimpleQueue(), played.append)
    return played


def steps_of(played: list[Event]) -> list[tuple[int, int]]:
    return [(b.pitch - a.pitch, 6) for a, b in itertools.pairwise(e for e in played if isinstance(e, NoteOn))]


def test_one_hash_is_as_many() -> None:
    rows = np.random.default_rng(0).integers(-127, 128, (50, FIGURE))
    assert hashes(rows).tolist() == [figure_hash(row) for row in rows.tolist()]
    assert len(set(hashes(rows).tolist())) == 50
    assert figure_hash([1, 2]) != figure_hash([2, 1]) != figure_hash([1, 2, 0])


def test_a_quotation_is_counted_note_by_note_and_ends_with_the_first_foreign_one() -> None:
    theirs = [(k % 5 - 2, 6) for k in range(20)]
    ours = [(7, 6), *theirs[3:15], (11, 6), (-11, 6)]
    found = counted(ours, known(theirs))
    assert (found.longest, found.run) == (13, 0)  # twelve steps, thirteen notes
    assert found.told() == {"quoted": round(13 / 16, 4), "quoted_in_rhythm": round(13 / 16, 4), "longest_quote": 13}
    assert counted([(s, 3) for s, _ in ours], known(theirs)).told() | {"quoted": 0} == {
        "quoted": 0,
        "quoted_in_rhythm": 0,
        "longest_quote": 13,
    }
    assert counted(ours, NOTHING).told() == {"quoted": 0, "quoted_in_rhythm": 0, "longest_quote": 0}


def test_a_line_is_interrupted_where_the_player_plays() -> None:
    theirs = [(k % 5 - 2, 6) for k in range(20)]
    quoting = counted(theirs[:7], known(theirs))
    assert quoting.after(theirs[7], known(theirs)).run == 9
    assert quoting.interrupted().after((0, 48), known(theirs)).after(theirs[7], known(theirs)).run == 0


@pytest.mark.parametrize(("quote", "notes"), [(0.0, 8), (0.5, 12), (0.75, 20), (1.0, math.inf)])
def test_how_long_it_may_quote(quote: float, notes: float) -> None:
    assert NOTHING.allowed(quote) == notes


def test_what_would_quote_for_longer_is_not_drawn() -> None:
    model = Model(small_card(), random_weights())
    free = improvised(model, 1.0)
    own = steps_of(free)
    model.quotations = known(own, usual=12)  # as if it had learned from what it plays
    assert counted(own, model.quotations).longest > 40
    assert improvised(model, 1.0) == free
    assert improvised(model, 0.0, playing=SWAYS) == improvised(model, 1.0, playing=SWAYS)  # there was no such rule
    for quote, most in ((0.5, 12), (0.0, 8)):
        kept = improvised(model, quote)
        longest = counted(steps_of(kept), model.quotations).longest
        assert longest <= most
        assert sum(isinstance(e, NoteOn) for e in kept) > 10


def test_figures_of_pieces_are_what_a_line_of_theirs_is_found_to_quote() -> None:
    pieces = [example_piece(60, seed) for seed in (1, 2, 3)]
    of_two, of_three = quotations_in(pieces[:2]), quotations_in(pieces)
    first = pieces[0]
    steps = [(b.pitch - a.pitch, min(y - x, 48)) for (a, x), (b, y) in itertools.pairwise(zip(first.values, first.onsets, strict=True))]
    assert counted(steps, of_two).longest == 60
    assert counted(steps, of_two).told()["quoted_in_rhythm"] == 1
    both = joined(quotations_in(pieces[2:]), of_two)
    assert (both.line.tolist(), both.rhythm.tolist()) == (of_three.line.tolist(), of_three.rhythm.tolist())
    assert quoted_in(np.isin(figures_of(first)[0], of_two.line)) == (60, 60, 60)
    assert quoted_in(np.array([False, True, True, False, False])) == (10, 10, 13)
    assert quoted_in(np.zeros(0, bool)) == (0, 0, 0)


def test_surprise_is_in_bits_of_what_was_foretold() -> None:
    assert bits(np.log(np.array([0.5, 0.25, 0.25], np.float32)), 1) == pytest.approx(2.0, abs=1e-5)
    assert [as_controller(x) for x in (0.0, 8.0, 16.0, 99.0)] == [0, 64, 127, 127]


def test_how_surprising_each_note_is_goes_out_before_it() -> None:
    model = Model(small_card(), random_weights())
    silent = improvised(model, 1.0)
    ons = [e for e in silent if isinstance(e, NoteOn)]
    assert all(e.surprise is not None and 0 <= e.surprise < 40 for e in ons)
    improviser = Improviser(model, Settings(mode="trade", surprise=20), seed=0, channel=3)
    call: list[Event] = [x for k in range(6) for x in (NoteOn(0.25 * k, 60 + k, 80), NoteOff(0.25 * k + 0.2, 60 + k))]
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(call, 20.0), queue.SimpleQueue(), played.append)
    told = [e for e in played if isinstance(e, ControlChange)]
    assert {(e.control, e.channel) for e in told} == {(20, 3), (21, 3)}
    assert [e.time for e in told if e.control == 21] == [0.25 * k for k in range(1, 6)]  # before the first nothing was foretold
    ours = [(a.time, a.value) for a, b in itertools.pairwise(played) if isinstance(b, NoteOn) and isinstance(a, ControlChange)]
    assert ours == [(e.time, as_controller(e.surprise or 0.0)) for e in played if isinstance(e, NoteOn)]


def test_who_asks_is_told_of_each_note_of_the_player_s_and_no_note_is_another() -> None:
    model = Model(small_card(), random_weights())
    call: list[Event] = [x for k in range(6) for x in (NoteOn(0.25 * k, 60 + k, 80), NoteOff(0.25 * k + 0.2, 60 + k))]
    for mode in ("trade", "echo", "duet"):
        told: list[tuple[float, float]] = []
        takes: list[list[Event]] = []
        for asks in (False, True):
            improviser = Improviser(model, Settings(mode=mode), seed=0)
            if asks:
                improviser.tell_surprise(lambda key, bits, told=told: told.append((key.time, bits)))
            played: list[Event] = []
            perform(alone(improviser), OfflineClock(call, 20.0), queue.SimpleQueue(), played.append)
            takes.append(played)
        assert takes[0] == takes[1]
        assert [time for time, _ in told] == [0.25 * k for k in range(1, 6)]
        assert all(0 <= bits < 40 for _, bits in told)


def test_surprise_never_moves_the_sustain_pedal() -> None:
    for control in (63, 64):
        with pytest.raises(SettingError, match="would move the sustain pedal"):
            Settings(surprise=control)
