"""What is learned of a player: the gradients, that they help, that they do no harm, that the model stays as it is."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_up import in_lessons, notes_of, random_weights, small_card

from improv.core.heads import Heads
from improv.core.line.generator import OWN_TRUST
from improv.core.line.lessons import FEWEST, MOST, REST, Lesson, Lessons, Note
from improv.core.line.sampler import probabilities
from improv.core.vocabulary import Context, Value
from improv.learning.inline import Inline
from improv.learning.learner import FURTHEST, MEMORY, OPEN, SPEEDS, Learner, Profile, Rows, foretell, gradients
from improv.learning.profile import ProfileError, from_bytes, profile_path, read_profile, to_bytes, write_profile
from improv.models.model import Model


def small() -> Model:
    return Model(small_card() | {"weights_sha256": "ab" * 32}, random_weights())


def exact(rows: Rows) -> Rows:
    arrays = {f.name: getattr(rows, f.name) for f in fields(Rows)}
    return Rows(**{name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in arrays.items()})


def test_gradients_are_those_of_the_loss_through_what_is_recalled() -> None:
    model = small()
    learner = Learner(model)
    learner.hear(notes_of(60))
    rows = learner.hear(notes_of(25, seed=2))
    assert rows is not None
    assert (rows.share > 0).any()
    assert rows.from_ours.any()
    rows, heads = exact(rows), Heads(*(a.astype(np.float64) for a in model.heads))
    found, rng = gradients(rows, heads), np.random.default_rng(4)
    for name, array in heads._asdict().items():
        for at in [tuple(rng.integers(0, n) for n in array.shape) for _ in range(12)]:

            def loss(by: float, name: str = name, array: np.ndarray = array, at: tuple[int, ...] = at) -> float:
                moved = array.copy()
                moved[at] += by
                return float(foretell(rows, heads._replace(**{name: moved})).nats.sum())

            true = (8 * (loss(1e-3) - loss(-1e-3)) - loss(2e-3) + loss(-2e-3)) / 12e-3
            assert abs(getattr(found, name)[at] - true) < 1e-7 * max(1.0, abs(true)), (name, at)


def test_it_foretells_as_the_model_does_that_plays() -> None:
    """With the heads that were learned, and with what is recalled."""
    model, learner = small(), Learner(small())
    for lesson in in_lessons(notes_of(48)):
        learner.learn(lesson)
    playing = model.with_heads(model.heads.plus(learner.profile.heads))
    state, nats = playing.start(), []
    notes = notes_of(40, seed=5)
    for (value, last, at, trust), (coming, pitch, there, coming_trust) in pairwise(notes):
        state = playing.step(state, value, last, at, trust)
        said = playing.read(state)
        if coming_trust == 1.0:
            ioi = probabilities(said.ioi)[coming.ioi] if trust == 1.0 else 1.0
            nats.append((-np.log(ioi), -np.log(probabilities(playing.pitch(said, pitch, coming.ioi, there))[coming.pitch])))
    rows = Learner(model).hear(notes)
    assert rows is not None
    np.testing.assert_allclose(foretell(rows, playing.heads).nats.T, nats, atol=1e-4)


def test_a_phrase_that_comes_again_and_again_is_foretold_better() -> None:
    learner, model = Learner(small()), small()
    phrase = tuple(notes_of(24, ours=100))
    before = foretell(Learner(model).hear(phrase), model.heads).nats.sum()
    for _ in range(10):
        heads = learner.learn(phrase)
    after = foretell(Learner(model).hear(phrase), model.heads.plus(heads)).nats.sum()
    assert after < before - 3.0


def test_the_same_lessons_teach_the_same_bit_for_bit() -> None:
    first, second = Learner(small()), Learner(small())
    for lesson in in_lessons(notes_of(100)):
        first.learn(lesson)
        second.learn(lesson)
    for one, other in zip(first.profile.heads, second.profile.heads, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(first.profile.heads.parts).max() > 0


def test_the_base_model_is_never_changed() -> None:
    model = small()
    kept = Heads(*(a.copy() for a in model.heads))
    learner = Learner(model)
    for lesson in in_lessons(notes_of(60)):
        learned = model.with_heads(model.heads.plus(learner.learn(lesson)))
    for before, now, other in zip(kept, model.heads, learned.heads, strict=True):
        np.testing.assert_array_equal(before, now)
        assert before.shape == other.shape
    assert learned.cells is model.cells  # all else is shared


def test_what_foretold_worse_is_not_played_by() -> None:
    model = small()
    learner = Learner(model)
    for lesson in in_lessons(notes_of(60)):
        learner.learn(lesson)
    costs = np.full((2, len(SPEEDS)), FURTHEST)
    costs[:, 0] = 0.0
    assert max(np.abs(a).max() for a in learner.profile._replace(costs=costs).heads) < 1e-4


def test_memory_has_an_end() -> None:
    learner = Learner(small())
    for lesson in in_lessons(notes_of(MEMORY + 100)):
        learner.learn(lesson)
    assert len(learner._memory) == MEMORY


# Lessons


def told(*trusts_and_iois: tuple[float, int]) -> list[Note]:
    return [(Value(ioi, 60, 3, 6), 60, Context(), trust) for trust, ioi in trusts_and_iois]


def test_a_lesson_is_over_when_we_answer_when_he_rests_and_when_it_is_long() -> None:
    given: list[Lesson] = []
    lessons = Lessons(given.append)
    notes = told(*[(1.0, 6)] * FEWEST, (OWN_TRUST, 6), *[(1.0, 6)] * FEWEST, (1.0, REST), *[(1.0, 6)] * MOST, (1.0, 6))
    for i in range(1, len(notes) + 1):
        lessons.take(notes[max(0, i - 5) : i])  # the latest few, again and again
    assert [len(lesson) for lesson in given] == [FEWEST, FEWEST + 1, MOST]
    assert [note for lesson in given for note in lesson] == notes[: -(len(notes) - sum(map(len, given)))]


def test_a_few_notes_are_no_lesson() -> None:
    given: list[Lesson] = []
    lessons = Lessons(given.append)
    lessons.take(told(*[(1.0, 6)] * (FEWEST - 1), (OWN_TRUST, 6)))
    assert given == []


# Versions


def test_versions_can_be_had_late_and_are_numbered_by_their_lessons() -> None:
    lessons = in_lessons(notes_of(48))
    at_once, late, told_of = Inline(small()), Inline(small()), []
    at_once.told = told_of.append
    assert at_once.version(0) is None
    for lesson in lessons:
        at_once.give(lesson)
        late.give(lesson)
    second = at_once.version(2)
    fourth, only = at_once.version(4), late.version(4)
    assert told_of == [1, 2, 3, 4]
    assert late.version(5) is None
    for one, other in zip(fourth, only, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(second.parts - fourth.parts).max() > 0


# Profiles


def learned() -> Profile:
    learner = Learner(small())
    for lesson in in_lessons(notes_of(40)):
        learner.learn(lesson)
    return learner.profile


def test_a_profile_comes_back_as_it_was(tmp_path: Path) -> None:
    profile, path = learned()._replace(costs=np.array([[0.0, 1.0, 40.0], [2.0, 0.0, 30.0]])), profile_path(tmp_path / "profiles", "me")
    assert read_profile(path, small()) is None
    write_profile(path, profile, small())
    back = read_profile(path, small())
    assert (back.lessons, back.notes) == (profile.lessons, profile.notes) == (4, 35)
    np.testing.assert_array_equal(back.costs, np.minimum(profile.costs, OPEN))
    for one, other in zip(back.moved, profile.moved, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert [p.name for p in path.parent.iterdir()] == ["me.safetensors"]


def test_what_was_learned_before_and_after_is_as_if_learned_at_once() -> None:
    """But for what is remembered of the notes."""
    lessons = in_lessons(notes_of(40))
    first = Learner(small())
    first.learn(lessons[0])
    again = Learner(small(), from_bytes(to_bytes(first.profile, small()), small(), "me"))
    np.testing.assert_array_equal(again.profile.heads.parts, first.profile.heads.parts)


def test_a_profile_of_another_model_says_so(tmp_path: Path) -> None:
    other = Model(small_card() | {"weights_sha256": "cd" * 32, "name": "other"}, random_weights())
    write_profile(tmp_path / "me", learned(), small())
    with pytest.raises(ProfileError, match="learned on another model, model 'small'"):
        read_profile(tmp_path / "me", other)


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    blob, path = to_bytes(learned(), small()), tmp_path / "me"
    nan = learned()
    nan.moved[0].parts[0, 0] = np.nan
    for spoilt in (b"", blob[:-5], b"\x80\x04pickle", blob + bytes(10**6), to_bytes(nan, small())):
        path.write_bytes(spoilt)
        with pytest.raises(ProfileError):
            read_profile(path, small())


@pytest.mark.parametrize("name", ["", "../me", "a/b", ".hidden", "x" * 100])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="expected a name"):
        profile_path(tmp_path, name)
