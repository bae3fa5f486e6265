"""Loudness as it was learned: drawn beside the notes, which stay the same; as loud and as wide as the player and the settings say."""

from __future__ import annotations

import math
import queue
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from made_up import random_weights, small_card

from improv.core.events import NoteOn
from improv.core.harmony import OPEN
from improv.core.improviser import Improviser
from improv.core.line.dynamics import follow
from improv.core.line.loudness import LATELY, SIGNS, TABLES, signs_of
from improv.core.line.traits import Noted
from improv.core.playing import NOW, PHRASES
from improv.core.settings import Settings
from improv.core.vocabulary import FEELS, GRID, Context
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

STARTS = dict(zip(TABLES, [sum(list(TABLES.values())[:k]) for k in range(len(TABLES))], strict=True))


class Waves:
    """Each note is foretold as far above the usual as the one before it lay below, and nothing is left to chance."""

    def __init__(self, spread: float = 0.0) -> None:
        self.spread = spread
        self.asked: list[Sequence[int]] = []

    def foretell(self, signs: Sequence[int]) -> tuple[float, float]:
        self.asked.append(signs)
        before = signs[list(TABLES).index("loud")] - STARTS["loud"]
        return (1.0 if before <= 5 or before == TABLES["loud"] - 1 else -1.0), self.spread


def played(learned: Waves | None, playing: int = NOW, **settings: Any) -> list[NoteOn]:
    model = Model(small_card(), random_weights())
    model.accents = learned
    improviser = Improviser(model, Settings(mode="solo", **settings), seed=3, bars=24, playing=playing)
    found: list[object] = []
    perform(alone(improviser), OfflineClock(()), queue.SimpleQueue(), found.append)
    return [e for e in found if isinstance(e, NoteOn)]


def test_loudness_is_drawn_beside_the_notes_which_stay_the_same() -> None:
    by_rule, learned = played(None), played(Waves())
    assert [(e.time, e.pitch) for e in learned] == [(e.time, e.pitch) for e in by_rule]
    assert [e.velocity for e in learned] == [88 if k % 2 == 0 else 72 for k in range(len(learned))]  # 80, and a spread of 8 to either side
    assert len({e.velocity for e in by_rule}) > 3


def test_the_settings_scale_it() -> None:
    assert {e.velocity for e in played(Waves(), accents=0.0)} == {80}
    assert {e.velocity for e in played(Waves(), accents=2.0, loudness=-10)} == {54, 86}
    wide = [e.velocity for e in played(Waves(spread=50.0), accents=2.0)]
    assert min(wide) == 80 - 48  # nobody's accent goes further than three times the spread
    assert max(wide) == 127


def test_what_chance_adds_comes_with_the_seed_alone() -> None:
    assert played(Waves(0.7)) == played(Waves(0.7)) != played(Waves(0.8))


def test_a_session_of_before_goes_on_by_rule() -> None:
    accents = Waves()
    assert played(accents, playing=PHRASES) == played(None, playing=PHRASES)
    assert accents.asked == []


notes = st.lists(
    st.tuples(st.integers(0, 127), st.integers(-60, 200), st.integers(1, 72), st.integers(0, 400), st.sampled_from([None, False, True])),
    min_size=1,
    max_size=40,
)
louds = st.lists(st.none() | st.floats(-3, 3), max_size=8)


@given(notes, louds, st.sampled_from(FEELS), st.floats(20, 500), st.none() | st.integers(0, 64))
def test_every_note_has_a_sign_of_each_table(
    line: list[tuple[int, int, int, int, bool | None]], known: list[float | None], feel: str, tempo: float, section: int | None
) -> None:
    position, shape, before = 0, None, list[Noted]()
    at = Context(OPEN, 0, section, tempo, feel)
    for pitch, gap, length, place, tone in line:
        position += gap
        note = Noted(position, pitch, length, place, tone, tone)
        shape = follow(shape, pitch, position / GRID, length / GRID)
        signs = signs_of(before, known, note, shape, at._replace(place=place))
        assert [start <= sign < start + TABLES[name] for (name, start), sign in zip(STARTS.items(), signs, strict=True)] == [True] * len(
            TABLES
        )
        assert signs == signs_of(before[-LATELY:], known, note, shape, at._replace(place=place))
        before.append(note)
    assert sum(TABLES.values()) == SIGNS


def test_a_phrase_begins_after_a_rest() -> None:
    line = [Noted(6 * k, 60, 6, 6 * k % 48, None, None) for k in range(5)]
    at, shape = Context(OPEN, 0, None, 120.0, "swing"), follow(None, 60, 0.0, 0.5)
    since = [signs_of(line, [], note, shape, at)[list(TABLES).index("since a rest")] - STARTS["since a rest"] for note in (
        Noted(30, 60, 6, 30, None, None), Noted(39, 60, 6, 39, None, None)
    )]  # fmt: skip
    assert since == [4, 0]
    assert math.isinf(shape.ioi)
