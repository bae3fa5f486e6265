"""Words to music: what is understood, what it comes to, and that it can be heard."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.cli import main
from improv.cli.demo import DEMO_CALL
from improv.core.harmony import parse_changes, parse_chord
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.mood.choose import TABLES, Found, MoodError, book, choose, understood
from improv.session import read_session

BOOK = book()
MOODS = list(BOOK.moods)


def took(text: str) -> str:
    return ", ".join(map(str, understood(text, BOOK)[0]))


# Words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dark", "dark"),
        ("hope and wonder", "hope (hopeful), wonder (surprised)"),
        ("Something full of HOPE, please!", "hope (hopeful)"),
        ("the happiest, most joyful of summers", "happiest (joyful), joyful, summers (joyful)"),
        ("light-hearted tenderness", "light hearted (joyful), tenderness (tender)"),
        ("burned-out", "burned out (sad)"),
        ("kind", "kind (tender)"),
        ("kind of blue", "kind of blue (nostalgic)"),
        ("very dark", "very dark"),
        ("not happy", "not happy (sad)"),
        ("I'm not very happy", "not very happy (sad)"),
        ("not unhappy", "not unhappy (joyful)"),
        ("nothing sad, but tender", "nothing sad (joyful), tender"),
        ("don’t be sad", "don't sad (joyful)"),
    ],
)
def test_words_say_moods(text: str, expected: str) -> None:
    assert took(text) == expected


def test_a_degree_is_of_the_next_mood_alone_and_not_turns_it_without_the_degree() -> None:
    found, _ = understood("a bit sad, very dark, not very happy, calm", BOOK)
    assert found == (
        Found("a bit sad", "sad", 0.5),
        Found("very dark", "dark", 1.4),
        Found("not very happy", "sad"),
        Found("calm", "peaceful"),
    )


def test_what_is_not_known_is_named_with_the_nearest_that_is() -> None:
    choice = choose("zorgly hope and happines", 1)
    assert choice.unknown == (("zorgly", ""), ("happines", "happiness"))
    assert choice.doubt() == "I don't know 'zorgly', 'happines' (did you mean 'happiness'?); took hope"


@pytest.mark.parametrize(
    ("text", "said"), [("zorgly", "I don't know 'zorgly'."), ("of the", "'of the' says no mood."), ("", "'' says no mood.")]
)
def test_no_mood_at_all_is_an_error_that_lists_them(text: str, said: str) -> None:
    with pytest.raises(MoodError) as error:
        choose(text, 1)
    assert str(error.value).startswith(f"mood: {said} Moods are joyful, ")
    assert all(mood in str(error.value) for mood in MOODS)


# The tables


def test_the_tables_fit_together() -> None:
    tagged = {m for p in BOOK.progressions for m in p.moods}
    assert set(MOODS) == tagged
    for name, mood in BOOK.moods.items():
        assert mood.opposite in BOOK.moods
        assert mood.opposite != name
        assert set(mood.kin) <= set(MOODS) - {name}
        assert 40 <= mood.tempo[0] < mood.tempo[1] <= 300
    said = set(BOOK.words)
    assert not said & (BOOK.passed_over | BOOK.negations | set(BOOK.degrees))


def test_a_word_stands_for_one_mood() -> None:
    import tomllib

    texts = tomllib.loads((TABLES / "words.toml").read_text()).values()
    words = [" ".join(w.replace("-", " ").split()) for text in texts for w in text.split(",")]
    assert sorted(words) == sorted(set(words))
    assert not set(words) & set(MOODS)
    assert all(words)


def test_the_progressions_ship_with_their_licence() -> None:
    notice = (TABLES / "LICENSE-free-midi-chords").read_text()
    assert "Copyright (c) 2019 Ludovic Drolez" in notice
    assert "The above copyright notice and this permission notice shall be included" in notice


# What they come to


def test_the_same_seed_chooses_the_same_and_others_choose_others() -> None:
    assert choose("hope and wonder", 7) == choose("hope and wonder", 7)
    for mood in MOODS:
        progressions = {choose(mood, seed).numerals for seed in range(20)}
        assert len(progressions) >= 3, mood


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(
        st.tuples(st.sampled_from(["", "not ", *(f"{d} " for d in BOOK.degrees)]), st.sampled_from(sorted(BOOK.words))), min_size=1
    ),
    seed=st.integers(0, 2**53),
)
def test_whatever_is_said_can_be_played(words: list[tuple[str, str]], seed: int) -> None:
    choice = choose(", ".join(degree + word for degree, word in words), seed)
    assert choice.unknown == ()
    assert Settings(tempo=choice.tempo, **choice.settings).high - choice.settings["low"] >= 12
    assert parse_changes(choice.changes).length in (16.0, 32.0)


def test_a_mood_plays_within_its_line_and_its_progression_has_its_tag() -> None:
    for seed in range(10):
        dark, line = choose("dark", seed), BOOK.moods["dark"]
        assert line.tempo[0] <= dark.tempo <= line.tempo[1]
        assert dark.key in line.keys
        assert any(p.chords == dark.numerals and "dark" in p.moods for p in BOOK.progressions)
        assert dark.settings == {
            "low": line.low, "high": line.high, "temperature": line.pitches, "rhythm_temperature": line.rhythm,
            "density": line.density, "loudness": line.loudness, "accents": line.accents, "feel": line.feel,
        }  # fmt: skip


def test_degrees_and_two_moods_lie_where_they_should() -> None:
    usual = Settings()
    low = {text: choose(text, 1).settings["low"] for text in ("a bit dark", "dark", "very dark", "dark and joyful", "joyful")}
    assert low["very dark"] < low["dark"] < low["a bit dark"] < usual.low < low["joyful"]
    assert low["dark and joyful"] == round((low["dark"] + low["joyful"]) / 2)


def test_hope_and_wonder_have_to_do_with_both() -> None:
    """A progression that is hopeful or surprised, and of the other itself or by its kin."""
    both = [{"hopeful", *BOOK.moods["hopeful"].kin}, {"surprised", *BOOK.moods["surprised"].kin}]
    for seed in range(20):
        numerals = choose("hope and wonder", seed).numerals
        assert any(p.chords == numerals and all(p.moods & either for either in both) for p in BOOK.progressions)


def test_a_key_can_be_set_and_minor_keys_are_spelled_as_players_do() -> None:
    assert choose("dark", 1, "E").key == "E"
    assert choose("dark", 1, "E").numerals == choose("dark", 1).numerals
    assert {choose("fearful", seed).key for seed in range(40)} == {"B", "E", "C", "F#"}  # Gb in the table, and minor
    with pytest.raises(Exception, match="key 'H'"):
        choose("dark", 1, "H")


# Heard


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[3] / "scripts" / "measure_moods.py"
    spec = importlib.util.spec_from_file_location("measure_moods", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["measure_moods"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def jazz() -> Model:
    return load_model("jazz")


def test_dark_can_be_told_from_bright(script: ModuleType, jazz: Model) -> None:
    dark, joyful = (script.mean([script.listen(jazz, mood, seed, 8) for seed in range(6)]) for mood in ("dark", "joyful"))
    assert dark.tempo + 40 < joyful.tempo
    assert dark.pitch + 6 < joyful.pitch
    assert dark.velocity + 8 < joyful.velocity
    assert dark.minor > dark.major + 0.04  # thirds of the key
    assert joyful.major > joyful.minor + 0.04


def test_density_makes_lines_busier_and_sparser(script: ModuleType, jazz: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same mood, tempo and seed; its density alone is another."""
    counts = []
    for density in (-1.5, 0.0, 1.5):
        choice = choose("hopeful", 3)
        changed = replace(choice, settings={**choice.settings, "density": density})
        monkeypatch.setattr(script, "choose", lambda words, seed, changed=changed: changed)
        counts.append(script.listen(jazz, "hopeful", 3, 24).density)
    assert counts[0] * 1.5 < counts[1] < counts[2] / 1.2


# The command line


@pytest.fixture
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("somewhere_else")
def test_a_solo_says_what_was_chosen_and_plays_it(capsys: pytest.CaptureFixture[str]) -> None:
    choice = choose("dark", 3)
    assert main(["solo", "--mood", "dark", "--seed", "3", "--bars", "4", "--out", "s.mid"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"mood: dark: {choice.key} {choice.mode}, {choice.tempo:g} bpm, {choice.changes} (low 40, high 67, ")
    assert said.err == ""
    assert main(["solo", "--mood", "dark", "--seed", "3", "--bars", "4", "--out", "s.mid", "--json"]) == 0
    mood = json.loads(capsys.readouterr().out)["mood"]
    assert (mood["said"], mood["changes"], mood["tempo"]) == ("dark", choice.changes, choice.tempo)


@pytest.mark.usefixtures("somewhere_else")
def test_what_the_user_sets_wins(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--changes", "C7", "--tempo", "100", "--low", "60", "--temperature", "0.7", "--seed", "3"]
    call = ["--player", str(DEMO_CALL), "--fast", "--session", "s.jsonl"]
    assert main(["jam", "--mood", "dark", *call, *options]) == 0
    header, _ = read_session("s.jsonl")
    settings = header["performers"][0]["settings"]
    assert (header["changes"], settings["tempo"], settings["temperature"]) == ("C7", 100.0, 0.7)
    assert (settings["low"], settings["high"]) == (60, Settings().high)  # half a range of one and half of the other may be none
    assert (settings["loudness"], settings["feel"]) == (-8, "straight")
    assert capsys.readouterr().out.startswith("mood: dark: 100 bpm (low 60, temperature 0.7, ")


@pytest.mark.usefixtures("somewhere_else")
def test_a_jam_keeps_the_tempo_of_the_file_that_plays_and_can_be_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jam", "--mood", "hope and wonder", "--player", str(DEMO_CALL), "--fast", "--seed", "5", "--session", "s.jsonl"]) == 0
    header, events = read_session("s.jsonl")
    choice = choose("hope and wonder", 5)
    assert header["changes"] == header["mood"]["changes"] == choice.changes
    assert header["performers"][0]["settings"]["tempo"] == header["mood"]["tempo"] == 138.0
    assert [f["mood"] for f in header["mood"]["found"]] == ["hopeful", "surprised"]
    assert any(side == "played" for side, _ in events)
    assert main(["replay", "s.jsonl"]) == 0
    assert "bit for bit" in capsys.readouterr().out


@pytest.mark.usefixtures("somewhere_else")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mood", "zorgly"], "improv: mood: I don't know 'zorgly'. Moods are joyful, "),
        (["--mood", "dark", "--key", "Q"], "improv: key 'Q': expected the name of its tonic, "),
        (["--key", "Eb"], "improv: --key Eb: it is for --tune and --mood; "),
        (["--mood", "dark", "--key", "Eb", "--changes", "C7"], "improv: --key Eb is for the mood's changes, "),
    ],
)
def test_mistakes_are_one_line(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solo", *options, "--out", "s.mid"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert error.count("\n") == 1
    assert not Path("s.mid").exists()


def test_moods_are_listed_and_words_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["moods"]) == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()[1:-1]] == MOODS
    for command in ("jam", "solo"):
        assert main([command, "--mood", "list"]) == 0
        assert capsys.readouterr().out == table
    assert main(["moods", "not happy, zorgly"]) == 0
    said = capsys.readouterr()
    assert said.err == "improv: I don't know 'zorgly'; took not happy\n"
    assert len(said.out.splitlines()) == 6
    assert main(["moods", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dark"]["opposite"] == "joyful"


def test_every_chord_of_a_mood_is_one_that_can_be_read_back() -> None:
    for mood in MOODS:
        for symbol in choose(mood, 0).changes.replace("|", " ").replace("%", " ").split():
            assert parse_chord(symbol).root is not None
