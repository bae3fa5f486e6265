"""Titles: what the model sees of one, how one is spelled, and what may be drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.titles.characters import Alphabet, CharacterError, CharacterModel, card_head, shapes
from improv.titles.titles import LETTERS, LONGEST, OPEN, Titles, number_of, numbers_of, plain, shape_of, spelled, spellings_of

KNOWN = ["the old mill", "molly's mill", "the piper of the glen", "up the hill", "piper"]
SHAPED = [*KNOWN, "the mill", "mill of the mill", "the piper's piper"]
DRAW = {"temperature": 1.0, "top_p": 1.0}


def made_up(seed: int = 0, size: float = 0.5, known: list[str] = KNOWN, draw: dict = DRAW) -> Titles:
    rng = np.random.default_rng(seed)
    drawn = {name: (size * rng.standard_normal(s)).astype(np.float32) for name, s in shapes(len(LETTERS), 6).items()}
    model = CharacterModel(card_head("titles", LETTERS, 6) | {"draw": draw}, drawn)
    return Titles(
        model, {"known": numbers_of(known), "spellings": numbers_of(spellings_of(KNOWN)), "shapes": numbers_of(map(shape_of, SHAPED))}
    )


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("Swallow'S Tail, The (Lancashire)", "the swallow's tail"),
        ("Two And Sixpenny Girl The", "the two and sixpenny girl"),
        ("Sarat:Oga", "saratoga"),
        ('Good Girl", The', "the good girl"),
        ("(I've Got a) Crush on You", "crush on you"),
        ("Pride  Of The Ball", "pride of the ball"),
        ("St. Patrick'S Day", "st patrick's day"),
        ("Row, Row, Row", "row row row"),
        ('Or "Pig Town Fling', "pig town fling"),
        ("Rêverie", ""),
        ("Spirit Of 1880", ""),
        ("(Can Be Used As A Clog.)", ""),
    ],
)
def test_a_line_of_a_collection_becomes_a_plain_title(line: str, seen: str) -> None:
    assert plain(line) == seen


@pytest.mark.parametrize(
    "title",
    ["The Piper of O'Neil's Glen", "Fly-by-Night", "Molly McGuire's", "'Neath the Moon", "Up the Hill", "A Night at the Fair", "Come In"],
)
def test_capitals_are_those_of_a_title(title: str) -> None:
    assert spelled(title.lower()) == title
    assert plain(title) == title.lower()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 2.0))
def test_a_draw_has_only_words_that_a_title_had_and_ends_as_one(seed: int, size: float) -> None:
    titles = made_up(seed, size)
    words = {word for title in KNOWN for word in title.split()}
    for text in [titles.raw(np.random.default_rng(k)) for k in range(10)]:
        *whole, last = text.split(" ")
        assert set(whole) <= words
        if len(text) <= LONGEST:
            assert last in words - OPEN
        else:
            assert titles.wrong(text) == "length"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("piper's mill", None),
        ("the old piper", None),
        ("the glen's hill", None),
        ("up the old", None),
        ("hill the old", "shape"),
        ("mill of the mill", "twice"),
        ("the of mill", "shape"),
        ("the old mill", "copy"),
        ("piper", "shape"),
        ("up", "length"),
        ("molly's piper of the old mill up the hill", "length"),
    ],
)
def test_what_is_no_title(text: str, why: str | None) -> None:
    assert made_up().wrong(text) == why


def test_a_title_is_none_that_is_known_and_a_seed_gives_the_same() -> None:
    titles = [made_up().draw(np.random.default_rng(seed)) for seed in range(50)]
    assert titles == [made_up().draw(np.random.default_rng(seed)) for seed in range(50)]
    found = [title for title in titles if title]
    assert len(set(found)) > 10
    assert not {title.lower() for title in found} & set(KNOWN)


def test_where_every_draw_is_a_copy_there_is_no_title() -> None:
    eager = made_up()
    eager.known = frozenset(number_of(eager.raw(np.random.default_rng(3))) for _ in range(1))
    eager.raw = lambda rng: made_up().raw(np.random.default_rng(3))  # type: ignore[method-assign]
    assert eager.draw(np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    ("draw", "why"),
    [({}, "no model of titles"), ({"temperature": 0, "top_p": 1}, "temperature of 0"), ({"temperature": 1, "top_p": 2}, "top_p of 2")],
)
def test_a_model_without_what_titles_need_is_refused(draw: dict, why: str) -> None:
    with pytest.raises(CharacterError, match=why):
        made_up(draw=draw)
    other = Alphabet("\nab")
    drawn = {name: np.zeros(s, np.float32) for name, s in shapes(3, 2).items()}
    with pytest.raises(CharacterError, match="other symbols"):
        Titles(CharacterModel(card_head("x", other, 2) | {"draw": DRAW}, drawn), {})
