"""Tunes: built-in forms, files of songs, keys; and what the command line makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.charts.moving import fifths, key_name, key_of, moved, note_at, steps
from improv.charts.tunes import TuneError, built_in, songs_in, tune_of
from improv.cli import main
from improv.core.errors import ImprovError
from improv.core.harmony import HarmonyError, parse_changes
from improv.core.metres import Metres
from improv.core.settings import Settings

NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
PLAYLIST = (
    '<a href="irealbook://Up a Step=Nobody=Medium Swing=C=n=*A[C^7 |D-7 G7 Z">x</a>'
    '<a href="irealbook://Down South=Nobody=Bossa Nova=G-=n=T34*A[G-7 |C7 |F^7 |x Z">y</a>'
)


def sound(note: str) -> int:
    return (NOTES[note[0]] + note.count("#") - note.count("b")) % 12


@pytest.mark.parametrize("name", list(built_in()))
def test_every_form_can_be_played_and_its_settings_are_settings(name: str) -> None:
    tune = built_in()[name]
    changes = parse_changes(tune.changes, Metres.of(*tune.metre))
    assert changes.length == tune.bars * 4 * tune.metre[0] / tune.metre[1]
    assert Settings(tempo=tune.tempo, feel=tune.feel)
    assert key_name(*key_of(tune.key)) == tune.key


@pytest.mark.parametrize("name", ["blues", "rhythm-changes", "two-five-one-keys", "blues-minor"])
@pytest.mark.parametrize("key", ["C", "Db", "D", "Eb", "E", "F", "Gb", "F#", "G", "Ab", "A", "Bb", "B"])
def test_in_another_key_every_chord_is_as_far_away_as_the_key(name: str, key: str) -> None:
    tune = built_in()[name]
    other = tune_of(name, key)
    here, there = (parse_changes(t.changes, Metres.of(4, 4)) for t in (tune, other))
    far = (sound(other.key.removesuffix("m")) - sound(tune.key.removesuffix("m"))) % 12
    assert here.starts == there.starts
    assert [c.kind for c in here.chords] == [c.kind for c in there.chords]
    assert {((b.root or 0) - (a.root or 0)) % 12 for a, b in zip(here.chords, there.chords, strict=True)} == {far}


@given(st.integers(-30, 30))
def test_a_note_on_the_line_of_fifths_sounds_where_it_stands(place: int) -> None:
    note = note_at(place)
    assert sound(note) == 7 * place % 12
    assert len(note) <= 2
    if -8 <= place <= 12:
        assert fifths(note[0], note[1:]) == place


def test_what_was_flat_stays_flat_and_the_rest_stays_as_it_was_typed() -> None:
    assert moved("[A] Cmaj7 Ab7/Gb | F#m7b5 (B7) | % | N.C. / C6/9", steps(0, 1)) == "[A] Gmaj7 Eb7/Db | C#m7b5 (F#7) | % | N.C. / G6/9"
    assert steps(*(key_of(k)[0] for k in ("F", "Bb"))) == -1
    assert steps(*(key_of(k)[0] for k in ("F#", "Db"))) in (1, -11)


@pytest.mark.parametrize(
    ("said", "key"), [("blues", "F"), ("blues-bb", "Bb"), ("Blues-F#", "F#"), ("blues-minor-g", "Gm"), ("modal-ebm", "Ebm")]
)
def test_a_key_stands_behind_a_form(said: str, key: str) -> None:
    assert tune_of(said).key == key


def test_a_playlist_s_songs_are_found_by_number_and_title(tmp_path: Path) -> None:
    path = tmp_path / "my songs.html"
    path.write_text(PLAYLIST)
    first, second = songs_in(path)
    assert (first.title, first.key, first.feel, first.metre, first.bars) == ("Up a Step", "C", "swing", (4, 4), 2)
    assert (second.title, second.key, second.feel, second.metre, second.bars) == ("Down South", "Gm", "straight", (3, 4), 4)
    assert tune_of(str(path)) == tune_of(f"{path}#1") == first
    assert tune_of(f"{path}#2") == tune_of(f"{path}#down south") == tune_of(f"{path}#south") == second
    assert [str(c) for c in parse_changes(tune_of(f"{path}#2", "Em").changes, Metres.of(3, 4)).chords] == ["E-7", "A7", "D^7"]
    for wrong, says in (("#3", "no song 3 in it; it has 2"), ("#Night", "called Night; it has Up a Step, Down South")):
        with pytest.raises(TuneError, match=says):
            tune_of(f"{path}{wrong}")


def test_a_text_says_its_key_its_tempo_and_its_feel(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("Title: Mine\nkey: F\n# tempo: 160 bpm\nmetre: 3/4\nstyle: Bossa\n\nIntro\n| Fmaj7 | Gm7 C7 |\n| Fmaj7 | % |\n")
    tune = tune_of(str(path))
    assert (tune.title, tune.key, tune.tempo, tune.metre, tune.feel, tune.bars) == ("Mine", "F", 160.0, (3, 4), "straight", 4)
    assert tune_of(str(path), "Eb").changes == "| Ebmaj7 | Fm7 Bb7 |\n| Ebmaj7 | % |"
    path.write_text("Fmaj7 | Gm7 C7")
    assert tune_of(str(path)).key == ""
    with pytest.raises(TuneError, match="which key it is in"):
        tune_of(str(path), "Eb")


@pytest.mark.parametrize(
    ("content", "says"),
    [("shopping list", "no changes"), ("key: H\nC7 | F7", "expected a note"), ("metre: 4\nC7", "mine.txt"), ("metre: 99/7\nC7", "metre")],
)
def test_a_text_that_is_no_chart_says_what_is_wrong(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(content)
    with pytest.raises(ImprovError, match=says):
        tune_of(str(path))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tune", "bluse"], "no built-in form and no file"),
        (["--tune", "blues", "--changes", "C7"], "give one of the two"),
        (["--tune", "blues", "--mood", "dark"], "give one of the two"),
        (["--tune", "blues", "--key", "H"], "expected a note"),
        (["--tune", "blues", "--key", "Cm"], "a major key: give a major key, for example C"),
        (["--choruses", "2"], "it is for --tune"),
        (["--tune", "blues", "--choruses", "0"], "expected 1 to 10,000"),
        (["--key", "Eb"], "for --tune and --mood"),
    ],
)
def test_what_can_t_be_is_one_line_and_exit_code_2(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["solo", *words]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_solo_over_a_tune_has_its_tempo_its_metre_and_its_choruses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import mido

    out = tmp_path / "solo.mid"
    assert main(["solo", "--tune", "blues-waltz-d", "--choruses", "2", "--seed", "1", "--model", "pocket", "--out", str(out)]) == 0
    assert "tune: Blues waltz, in D, 12 bars, 3/4, swing, 144 bpm" in capsys.readouterr().out
    events = [m for track in mido.MidiFile(out).tracks for m in track]
    assert next(m.tempo for m in events if m.type == "set_tempo") == mido.bpm2tempo(144)
    assert next((m.numerator, m.denominator) for m in events if m.type == "time_signature") == (3, 4)
    assert 60 <= mido.MidiFile(out).length * 144 / 60 <= 73
    assert main(["solo", "--tune", "blues", "--tempo", "90", "--seed", "1", "--model", "pocket", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_the_list_and_a_chart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tunes"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in built_in())
    assert main(["tunes", "turnaround", "--key", "Eb"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "| Ebmaj7 Cm7 | Fm7 Bb7 | Gm7 C7 | Fm7 Bb7 |"
    path = tmp_path / "songs.html"
    path.write_text(PLAYLIST)
    assert main(["tunes", str(path)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["1", "2"]
    assert main(["tunes", str(path) + "#2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Down South"
    with pytest.raises(HarmonyError):
        key_of("")


def test_a_transposing_player_reads_the_written_key() -> None:
    assert tune_of("two-five-one").read_by("Bb").changes == "Em7 | A7 | Dmaj7 | %"
    assert tune_of("blues-minor").read_by("Eb").key == "Am"
    assert tune_of("vamp").read_by("C") == tune_of("vamp")
