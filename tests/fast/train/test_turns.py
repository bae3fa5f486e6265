"""Whether it enters when a phrase is over: the figures, and a solo that is heard alone."""

import itertools
from pathlib import Path

import pytest
from made_up import record, written

from improv.cli import main
from improv.core.vocabulary import Vocabulary
from improv.models.model import Model
from improv.train.corpus import read_corpus
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.playing import entries
from improv.train.evaluation.turns import Struck, struck_of, timer, turns
from improv.train.piece import Piece


@pytest.fixture
def piece(tmp_path: Path) -> Piece:
    """Four phrases of swung eighths, each with three beats of silence after it."""
    notes = record()["notes"]
    for n in notes:
        later = 4 * n[9]
        n[0], n[3], n[5] = n[0] + later, n[3] + later / 2, n[5] + n[9]
    beats = [[0.5 * i, i // 4, i % 4 + 1, None] for i in range(65)]
    return on_bars(read_corpus(written(tmp_path / "c.jsonl", record(notes=notes, beats=beats)), Vocabulary()).pieces[0])


def test_entries_before_the_next_phrase_are_right_and_in_mid_phrase_false() -> None:
    struck = [
        Struck(0.0, 0.5, 1.5, 60, False),
        Struck(1.5, 2.0, 5.0, 60, True),
        Struck(5.0, 5.5, 8.0, 60, True),
        Struck(8.0, 8.5, None, 60, True),
    ]
    assert turns(struck, [1.0, 3.0, None, 10.0]) == pytest.approx(
        {
            "phrase ends": 2.0,
            "ends recognised %": 50.0,
            "delay in beats (median)": 1.0,
            "delay in beats (90th percentile)": 1.0,
            "false entries, % of all entries": 50.0,
            "false entries, % of notes in mid-phrase": 100.0,
        }
    )
    assert timer(struck, bpm=120.0) == [None, 4.0, 7.5, 10.5]


def test_it_hears_the_solo_alone_and_enters_after_a_note_and_before_the_next(model: Model, piece: Piece) -> None:
    struck, entered = struck_of(piece), entries(model, piece)
    assert entered == entries(model, piece)
    for note, entry in zip(struck, entered, strict=True):
        assert entry is None or note.off < entry
        assert entry is None or note.coming is None or entry < note.coming
    assert [entry is not None for note, entry in zip(struck, entered, strict=True) if note.coming is None] == [True]


def test_notes_keep_their_rhythm_one_at_a_time(piece: Piece) -> None:
    struck = struck_of(piece)
    assert [n.pitch for n in struck] == [v.pitch for v in piece.values]
    assert all(a.on < a.off <= b.on == a.coming for a, b in itertools.pairwise(struck))
    assert [i for i, n in enumerate(struck) if n.ends] == [15, 31, 47, 63]


def test_eval_turns_sets_it_beside_a_timer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "c.jsonl", record())
    assert main(["eval", "pocket", str(path), "--turns"]) == 0
    said = capsys.readouterr().out
    assert "1 s timer" in said
    assert "ends recognised %" in said
    assert main(["eval", "pocket", str(path), "--turns", "--listening"]) == 2
