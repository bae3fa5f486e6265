"""Recorded sessions as a corpus: the player's part, on the beat and over the changes of then; which of them are taken."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from improv.cli import main
from improv.cli.pick_sessions import chosen, pick
from improv.core.errors import ImprovError
from improv.core.events import NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.core.settings import Settings
from improv.core.vocabulary import GRID, Vocabulary
from improv.midi.files import read_part
from improv.models.loader import load_model
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.header import header_of
from improv.train.corpus import read_corpus

CHANGES = "Dm7 | G7 | Cmaj7 | %"
PITCHES = [62, 65, 69, 72, 71, 67, 65, 62, 64, 67, 71, 74]


def recorded(
    path: Path, tempo: float = 120.0, pitches: list[int] = PITCHES, started: str = "2026-11-20T20:00:00+0000", **more: str
) -> Path:
    """A session of straight eighths by the player, which ours overhears and answers."""
    setup = PerformerSetup(
        "improv", load_model("pocket"), Settings(tempo=tempo, click=10), 1, learns={"profile": more.pop("profile", None)}
    )
    header = header_of(Song(parse_changes(CHANGES), CHANGES), [setup]) | {"started": started} | more
    recorder = Recorder(path, header)
    eighth = 30.0 / tempo
    for i, pitch in enumerate(pitches):
        for event in (NoteOn(i * eighth, pitch, 60 + i), NoteOff((i + 0.5) * eighth, pitch)):
            recorder.heard(event)
        recorder.played(NoteOn(i * eighth + 0.01, 90, 64))
        recorder.played(NoteOff((i + 0.5) * eighth, 90))
    recorder.ended({"reason": "asked", "time": len(pitches) * eighth})
    return path


@pytest.mark.parametrize("tempo", [90.0, 200.0])
def test_the_players_line_comes_back_on_its_beats_over_its_changes(tmp_path: Path, tempo: float) -> None:
    recorded(tmp_path / "s.jsonl", tempo)
    (piece,) = read_corpus(tmp_path, Vocabulary(), split_seed=None).pieces
    assert [v.pitch for v in piece.values] == PITCHES
    assert piece.onsets == [GRID // 2 * i for i in range(len(PITCHES))]
    assert piece.velocities == [60 + i for i in range(len(PITCHES))]
    assert (round(piece.bpm), piece.metres.first.bar, piece.track) == (tempo, 4, "the player")
    assert [str(c.harmony.chord) for c in piece.contexts[::8]] == ["Dm7", "G7"]
    assert [c.place for c in piece.contexts[:9]] == [6 * i for i in range(8)] + [0]


def test_a_jam_is_read_as_what_its_player_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = Path(__file__).parents[2] / "improv" / "demo" / "call.mid"
    assert main(["jam", "--player", str(call), "--fast", "--json", "--changes", CHANGES, "--session", str(tmp_path / "s.jsonl")]) == 0
    capsys.readouterr()
    (piece,) = read_corpus(tmp_path / "s.jsonl", Vocabulary(), split_seed=None).pieces
    played = [e.pitch for e in read_part(call).events if isinstance(e, NoteOn)]
    assert [v.pitch for v in piece.values] == played
    assert piece.changes is not None


def test_what_is_broken_is_skipped_with_its_reason(tmp_path: Path) -> None:
    recorded(tmp_path / "good.jsonl")
    (tmp_path / "cut.jsonl").write_text('{"session":1}\n')
    recorded(tmp_path / "silent.jsonl", pitches=[])
    reading = read_corpus(tmp_path, Vocabulary(), split_seed=None)
    assert len(reading.pieces) == 1
    assert sorted(reason.split(":")[0] for reason in reading.skipped) == ["cut.jsonl", "silent.jsonl"]


# Which are taken


def picked(folder: Path, since: str | None = None, profile: str | None = None, yes: bool = True) -> tuple[list[str], list[str]]:
    said: list[str] = []
    return [Path(p).name for p in pick(folder, since, profile, yes, said.extend)], said


def test_they_are_listed_and_taken_by_date_and_profile(tmp_path: Path) -> None:
    recorded(tmp_path / "a.jsonl", started="2026-11-01T20:00:00+0000", title="Blue Morning")
    recorded(tmp_path / "b.jsonl", started="2026-11-20T20:00:00+0000", profile="anna")
    recorded(tmp_path / "few.jsonl", pitches=PITCHES[:3])
    names, said = picked(tmp_path)
    assert names == ["a.jsonl", "b.jsonl"]
    assert '"Blue Morning"' in said[0]
    assert said[-1] == f"learning from 2 of 3 sessions in {tmp_path}: 24 notes that you played"
    assert picked(tmp_path, since="2026-11-10")[0] == ["b.jsonl"]
    assert picked(tmp_path, profile="anna")[0] == ["b.jsonl"]
    wrong = (
        ("2027-01-01", None, "no session since 2027-01-01"),
        ("soon", None, "expected a date"),
        (None, "eve", "no session with profile eve"),
    )
    for since, profile, says in wrong:
        with pytest.raises(ImprovError, match=says):
            picked(tmp_path, since, profile)


def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        recorded(tmp_path / f"{name}.jsonl", started=f"2026-11-0{ord(name) - 96}T20:00:00+0000")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: "1, 3\n"))
    assert picked(tmp_path, yes=False)[0] == ["a.jsonl", "c.jsonl"]
    assert picked(tmp_path, yes=True)[0] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert picked(tmp_path, yes=False)[0] == ["a.jsonl", "b.jsonl", "c.jsonl"]


@pytest.mark.parametrize(("answer", "numbers"), [("\n", [1, 2, 3, 4]), ("2\n", [2]), ("4,1-2", [1, 2, 4]), ("3-99", [3, 4])])
def test_answers(answer: str, numbers: list[int]) -> None:
    assert chosen(answer, 4) == numbers


@pytest.mark.parametrize("answer", ["0", "5", "one", "1-x"])
def test_answers_that_are_none(answer: str) -> None:
    with pytest.raises(ImprovError, match="expected numbers"):
        chosen(answer, 4)


@pytest.mark.parametrize(
    ("words", "says"),
    [(["--since", "2026-11-01", "a.mid"], "say which recorded sessions"), ([], "nothing to learn from"), (["a.mid"], "--out FOLDER")],
)
def test_what_does_not_go_together_is_told(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")
    assert main(["train", *words]) == 2
    assert says in capsys.readouterr().err
