"""The scripts around the restricted Boltzmann machine, on small made-up songs."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import mido
import numpy as np
import pytest

pytest.importorskip("tqdm", reason="training is an extra: pip install '.[train]'")

from improv.core.events import NoteOn
from improv.core.harmony import parse_chord
from improv.core.harmony.voicing import voicing
from improv.midi.files import read_part
from improv.models.loader import load_voicings

SCRIPTS = Path(__file__).parents[3] / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run(name: str, *words: object, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
    code: int | None = script(name).main()
    return code or 0


def write_song(path: Path, chords: list[tuple[int, ...]]) -> None:
    """A chord a beat, each held for most of it."""
    track = mido.MidiTrack()
    for chord in chords:
        for on, gap in ((True, 0), (False, 400)):
            for i, pitch in enumerate(chord):
                track.append(mido.Message("note_on" if on else "note_off", note=pitch, velocity=80, time=gap * (i == 0)))
        track.append(mido.Message("control_change", control=1, value=0, time=80))
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(path)


# After the tutorial


def test_ten_chords_are_written_of_the_songs_pitches_and_bad_files_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    songs, out = tmp_path / "songs", tmp_path / "out"
    (songs / "more").mkdir(parents=True)
    for i in range(6):
        write_song(songs / "more" / f"{i}.mid", [(48, 60, 64, 67)] * 40)
    write_song(songs / "short.MID", [(60, 64, 67)])
    (songs / "bad.mid").write_bytes(b"MThd no")
    (songs / "not.txt").write_text("none of these")
    assert run("tutorial_rbm", songs, "--out", out, "--epochs", 150, monkeypatch=monkeypatch) == 0
    said = capsys.readouterr()
    assert sorted(p.name for p in out.iterdir()) == sorted(f"generated_chord_{n}.mid" for n in range(1, 11))
    pitches = [e.pitch for n in range(1, 11) for e in read_part(out / f"generated_chord_{n}.mid").events if isinstance(e, NoteOn)]
    assert np.isin(pitches, (48, 60, 64, 67)).mean() > 0.2  # four of 78, so by chance 0.05
    assert "bad.mid: not a readable MIDI file" in said.err
    assert "short.MID: shorter than 15 sixteenths" in said.err
    assert "6 songs" in said.out


@pytest.mark.parametrize(("make", "said"), [(False, "no such folder"), (True, "no MIDI files in it")])
def test_a_folder_without_songs_is_an_error(
    make: bool, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "songs"
    if make:
        folder.mkdir()
    assert run("tutorial_rbm", folder, "--out", tmp_path / "out", monkeypatch=monkeypatch) == 2
    assert f"tutorial_rbm: {folder}: {said}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# Voicings


def made_up_song(seed: int) -> dict[str, Any]:
    """Voicings by rule of a wandering progression, a chord a second."""
    rng = np.random.default_rng(seed)
    hands: tuple[int, ...] = ()
    piano, chords = [], []
    for i in range(40):
        symbol = ("Dm7", "G7", "Cmaj7", "A7", "Em7b5", "Fmaj7")[int(rng.integers(6))]
        hands = voicing(parse_chord(symbol), hands, 48, 80)
        piano += [[float(i), 0.9, p, 80] for p in hands]
        chords.append([float(i), i + 1.0, symbol])
    return {"piano": piano, "chords": chords}


def test_voicings_are_learned_and_written_as_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, out = tmp_path / "songs.jsonl.gz", tmp_path / "mine"
    with gzip.open(corpus, "wt") as lines:
        lines.writelines(json.dumps(made_up_song(seed)) + "\n" for seed in range(10))
    assert run("learn_voicings", corpus, out, "--hidden", 16, "--updates", 300, monkeypatch=monkeypatch) == 0
    mine = load_voicings(str(out))
    assert mine.card["figures"]["pseudo_nats"] < 0.5 * 44 * np.log(2)  # of bits by chance
    assert mine.drawn(parse_chord("Dm7"), (), 50, 84, None, 1)


def test_the_comparison_counts_what_is_played(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = tmp_path / "songs.jsonl.gz"
    song = {"time": "4/4", "chords": [[4.0 * i, s] for i, s in enumerate(["Dm7", "G7", "Cmaj7", "Cmaj7", "what", "NC"] * 5)]}
    corpus.write_bytes(gzip.compress(json.dumps(song).encode()))
    assert run("compare_voicings", corpus, "--json", monkeypatch=monkeypatch) == 0
    found = json.loads(capsys.readouterr().out)
    rules = found["rules"]
    assert rules["notes"] == rules["different"] == 4
    assert rules["whole, %"] == found["learned"]["whole, %"] == 100
    assert rules["clashes, %"] == found["learned"]["clashes, %"] == 0
    assert rules["chord tones, %"] + rules["tensions, %"] == pytest.approx(100)
    assert 0 < found["learned"]["moved, semitones"] < 3


def test_what_is_no_song_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(gzip.compress(b'{"title": "no chords"}\n'))
    for name, words in (("compare_voicings", (bad,)), ("learn_voicings", (bad, tmp_path / "out"))):
        with pytest.raises(SystemExit, match="2"):
            run(name, *words, monkeypatch=monkeypatch)
        assert str(bad) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
