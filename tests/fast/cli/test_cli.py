"""The command line as its users meet it: what it writes, and what it says of bad input."""

from __future__ import annotations

import json
import pickle
import shutil
import wave
from importlib.util import find_spec
from pathlib import Path

import mido
import numpy as np
import pytest

from improv.cli import main
from improv.cli.demo import DEMO_CALL
from improv.models.loader import find_model

CHANGES = "Dm7 | G7 | Cmaj7 | A7"
TRAINS = pytest.mark.skipif(find_spec("tensorflow") is None, reason="training is an extra: pip install '.[train]'")


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def notes(path: str | Path, track: str) -> list[mido.Message]:
    return [m for t in mido.MidiFile(path).tracks[1:] if t.name == track for m in t if m.type == "note_on"]


def test_improv_alone_shows_the_way_at_a_glance(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) <= 14
    assert "improv jam" in said


def test_a_fast_jam_writes_the_same_take_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one.mid", "two.mid"):
        assert main(["jam", "--player", str(DEMO_CALL), "--changes", CHANGES, "--fast", "--seed", "7", "--record", name, "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
    assert Path("one.mid").read_bytes() == Path("two.mid").read_bytes()
    assert len(notes("one.mid", "player")) == summary["heard"] == 42
    assert len(notes("one.mid", "improv")) == summary["played"] >= 16
    assert sorted(p.name for p in Path().iterdir()) == ["one.mid", "two.mid"]


def test_a_solo_with_a_file_ends_some_bars_after_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jam", "--player", str(DEMO_CALL), "--fast", "--mode", "solo", "--seed", "1", "--record", "s.mid"]) == 0
    seconds = mido.MidiFile("s.mid").length
    assert mido.MidiFile(DEMO_CALL).length < seconds <= mido.MidiFile(DEMO_CALL).length + 8 * 4 * 60 / 138 + 5


def test_a_solo_as_midi_picture_and_sound(capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--changes",
        "Bb7 | Eb7 | Bb7 | %",
        "--bars",
        "8",
        "--seed",
        "3",
        "--out",
        "s.mid",
        "--png",
        "s.png",
        "--wav",
        "s.wav",
        "--json",
    ]
    assert main(["solo", *options]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["s.mid", "s.wav", "s.png"]
    assert len(notes("s.mid", "improv")) > 20
    markers = [m.text for m in mido.MidiFile("s.mid").tracks[0] if m.type == "marker"]
    assert markers[:6] == ["Bb7", "Eb7", "Bb7", "Bb7", "Eb7", "Bb7"]
    assert Path("s.png").read_bytes()[:4] == b"\x89PNG"
    with wave.open("s.wav") as sound:
        seconds = sound.getnframes() / sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert 14 < seconds < 25
    assert np.abs(samples.astype(int)).max() > 10_000


def test_where_there_is_no_midi_a_demo_plays(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline here, so that nobody waits; the wiring is the same."""
    import improv.cli.jamming as jam
    from improv.perform.clock import OfflineClock

    monkeypatch.setattr(jam, "choose_api", lambda wanted: None)
    monkeypatch.setattr(jam, "LiveClock", OfflineClock)
    assert main(["jam", "--seed", "7", "--no-session"]) == 0
    said = capsys.readouterr()
    first, second, third, *others = said.err.splitlines()
    assert first.startswith("no MIDI system here: ")
    assert second.startswith("So this is a demo")
    assert third == "To play yourself, on the keys of this computer: improv jam --web"
    assert all("too late" in other for other in others)  # it thinks in real time, so a busy machine may drop a note
    assert len(notes("improv-demo.mid", "improv")) >= 16
    assert Path("improv-demo.wav").stat().st_size > 1_000_000


def broken_model(kind: str) -> str:
    folder = Path("models") / "broken"
    shutil.copytree(find_model("jazz"), folder)
    weights, card = folder / "weights.safetensors", json.loads((folder / "card.json").read_text())
    if kind == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif kind == "stub":
        weights.write_bytes(b"123")
    elif kind == "wrong hash":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    elif kind == "wrong version":
        (folder / "card.json").write_text(json.dumps(card | {"format": 99}))
    elif kind == "pickle":
        weights.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    elif kind == "no card":
        (folder / "card.json").unlink()
        return "./models/broken"
    elif kind == "card not JSON":
        (folder / "card.json").write_text("{")
    elif kind == "no weights":
        weights.unlink()
    return "broken"


JAM = ["jam", "--fast", "--player", str(DEMO_CALL)]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("truncated", "truncated"),
        ("stub", "truncated"),
        ("wrong hash", "SHA-256 differs"),
        ("wrong version", "format 99"),
        ("pickle", "pickle"),
        ("no card", "no such file"),
        ("card not JSON", "not readable JSON"),
        ("no weights", "no such file"),
    ],
)
def test_unreadable_models(kind: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    check_refused([*JAM, "--model", broken_model(kind)], says, capsys)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([*JAM, "--model", "nobody"], "there are: jazz"),
        ([*JAM, "--tempo", "0"], "tempo 0"),
        ([*JAM, "--tempo", "9999"], "tempo 9999"),
        ([*JAM, "--tempo", "nan"], "tempo nan"),
        ([*JAM, "--changes", "Dm7 | X7"], "column 7"),
        ([*JAM, "--metre", "4"], "3/4"),
        ([*JAM, "--metre", "4/3"], "metre 4/3"),
        ([*JAM, "--low", "80"], "octave"),
        ([*JAM, "--seed", "-1"], "seed"),
        ([*JAM, "--channel", "17"], "1 to 16"),
        ([*JAM, "--record", "nowhere/x.mid"], "no folder"),
        (["jam", "--fast"], "--player"),
        (["jam", "--fast", "--player", "none.mid"], "no such file"),
        (["jam", "--fast", "--player", "empty.mid"], "not a readable MIDI file"),
        (["jam", "--fast", "--player", "silent.mid"], "no notes"),
        (["jam", "--fast", "--player", "endless.mid"], "2,000 notes"),
        (["solo", "--bars", "0"], "--bars 0"),
        (["solo", "--out", "nowhere/solo.mid"], "no folder"),
        (["eval", "jazz", "none.jsonl"], "none.jsonl"),
        (["eval", "nobody", "none.jsonl"], "nobody"),
        pytest.param(["train", "none.jsonl", "--out", "models/x"], "none.jsonl", marks=TRAINS),
        (["bench", "step", "--notes", "1"], "--notes 1"),
        (["bench", "lateness", "--events", "1"], "--events 1"),
    ],
)
def test_bad_input_is_one_clear_line_and_writes_nothing(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("empty.mid").write_bytes(b"")
    silent = mido.MidiFile()
    silent.tracks.append(mido.MidiTrack())
    silent.save("silent.mid")
    if "endless.mid" in arguments:
        monkeypatch.setattr("improv.midi.parts.MOST_NOTES", 1_000)
        silent.tracks[0] += [mido.Message("note_on", note=60, velocity=80, time=1)] * 2_000
        silent.save("endless.mid")
    check_refused(arguments, says, capsys)


def check_refused(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().rglob("*"))
    assert main([*arguments, "--record", "take.mid"] if arguments[0] == "jam" and "--record" not in arguments else arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("improv: ")
    assert said.err.count("\n") == 1
    assert says in said.err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("arguments", [["jam", "--tempo", "fast"], ["jam", "--nonsense"], ["sing"], ["bench", "all"], ["eval", "jazz"]])
def test_misspelt_commands_are_one_clear_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "--help" in said.err


def test_the_step_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "step", "--notes", "200", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    for part in ("step", "note"):
        assert 0 < figures[part]["p50_us"] <= figures[part]["p99_us"] <= figures[part]["p999_us"] <= figures[part]["max_us"]
        assert figures[part]["n"] >= 200
    assert figures["note"]["limit_us"] > 0
