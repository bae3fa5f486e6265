"""Texts, a character at a time: alphabets, the model's step, what is written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.titles.characters import Alphabet, CharacterError, CharacterModel, TextState, card_head, check, nats, shapes, write

ABC = Alphabet("\nabc")


def made_up(alphabet: Alphabet, units: int = 5, seed: int = 0, size: float = 1.0) -> CharacterModel:
    rng = np.random.default_rng(seed)
    drawn = {name: (size * rng.standard_normal(s)).astype(np.float32) for name, s in shapes(len(alphabet), units).items()}
    return CharacterModel(card_head("made-up", alphabet, units), drawn)


class Cycle:
    """Writes what comes next in the alphabet, whatever it is asked."""

    alphabet = ABC

    def start(self) -> int:
        return 0

    def step(self, state: int, value: int) -> int:
        return value

    def read(self, state: int) -> np.ndarray:
        logits = np.full(4, -100.0)
        logits[(state + 1) % 4] = 0.0
        return logits


@given(st.lists(st.text(max_size=20), max_size=5))
def test_an_alphabet_has_all_symbols_of_its_texts_and_gives_them_back(texts: list[str]) -> None:
    alphabet = Alphabet.of(texts)
    for text in texts:
        assert "".join(alphabet.symbols[n] for n in alphabet.numbers(text)) == text
    assert len(alphabet) == len({"\n", *"".join(texts)})
    assert Alphabet.of(reversed(texts)).hash == alphabet.hash


def test_an_alphabet_names_what_it_does_not_know() -> None:
    with pytest.raises(CharacterError, match="has 'd' 'é', which the model never saw; it knows 'abc'"):
        ABC.numbers("abécd")
    for symbols in ("abc", "\nabca", ""):
        with pytest.raises(CharacterError, match="begins with the end of a line"):
            Alphabet(symbols)


@pytest.mark.parametrize(
    ("start", "most", "until", "written"),
    [
        ("", 50, "\n", "abc"),
        ("b", 50, "\n", "bc"),
        ("ab", 2, "\n\n", "abc\n"),
        ("", 6, "\n\n", "abc\nab"),
        ("", 9, "c\na", "ab"),
        ("", 0, "\n", ""),
    ],
)
def test_a_text_goes_on_from_its_start_until_its_end_or_for_so_many(start: str, most: int, until: str, written: str) -> None:
    assert write(Cycle(), np.random.default_rng(0), start, most=most, until=until) == written


def test_a_bias_forbids_by_what_was_written() -> None:
    def only_two(text: str) -> np.ndarray | None:
        return np.array([0.0, *[-np.inf] * 3]) if len(text) == 2 else None

    assert write(Cycle(), np.random.default_rng(0), bias=only_two) == "ab"


def test_foretelling_is_counted_in_nats_with_the_end() -> None:
    assert nats(Cycle(), ["abc", "abc"]) == pytest.approx(0.0, abs=1e-9)
    assert nats(Cycle(), ["abc", "b"]) == pytest.approx(200 / 6)  # b and its end, at 100 each, among six


def test_a_state_is_a_value_and_a_seed_gives_a_text() -> None:
    model = made_up(ABC)
    state = model.step(model.start(), 2)
    before = TextState(state.a.copy(), state.c.copy())
    model.step(state, 1)
    np.testing.assert_array_equal(state, before)
    assert write(model, np.random.default_rng(4), most=30) == write(model, np.random.default_rng(4), most=30)


@pytest.mark.parametrize(
    ("card", "weights", "why"),
    [
        ({"kind": "jazz"}, {}, "not of a model of texts"),
        ({"format": 1}, {}, "not of a model of texts in format 2"),
        ({"vocabulary": None}, {}, "no symbols"),
        ({"vocabulary": {"symbols": "\nabd"}}, {}, "not those that its hash is of"),
        ({"network": {"units": 10**9}}, {}, "from 1 to 4096"),
        ({"network": {"units": True}}, {}, "from 1 to 4096"),
        ({}, {"bias": np.zeros(20)}, "bias is float64"),
        ({}, {"kernel": np.zeros((3, 20), np.float32)}, "promises float32"),
        ({}, {"out.bias": np.full(4, np.nan, np.float32)}, "no numbers"),
    ],
)
def test_a_model_that_does_not_fit_its_card_is_refused(card: dict, weights: dict, why: str) -> None:
    whole = {name: np.zeros(s, np.float32) for name, s in shapes(4, 5).items()}
    check(card_head("x", ABC, 5), whole)
    with pytest.raises(CharacterError, match=why):
        check(card_head("x", ABC, 5) | card, whole | weights)
    with pytest.raises(CharacterError, match="bias is missing"):
        check(card_head("x", ABC, 5), {k: w for k, w in whole.items() if k != "bias"})
