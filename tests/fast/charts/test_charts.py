"""Changes that stand beside a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from scores import SAX, midi

from improv.charts.text import read_chart
from improv.core.metres import FOUR, Metres
from improv.core.vocabulary import Vocabulary
from improv.train.corpus import Reading, read_corpus

# Two made-up charts as iReal Pro exports them, {*AT44D-7 |G7 |C^7 |Eh7 A7b9|N1D-7 G7 |C^7 }|N2D-7 G7 |C6 ]... and
# [T34F6 |G-7 |C7 |F6 Z, shuffled in blocks of fifty.
PLAYLIST = (
    "irealb://Made%20Up%3DNobody%3D%3DMedium%20Swing%3DC%3D%3D1r34LbKcu72N%7C%7D%204D-7%207G%207-D1N%7C9b7A%20h7E%7C%207%5EC%7CQyX%2C7G"
    "%7C%20%7CC%5E74TA%2A%7B7A%20p%207%20LZC1%237%5EB%7C%20lcK%20tlaF7%7C%20bB/7-CB%2A%5B%5D%2061%7CE-7G%207-D%2Cs%7Cl%3Cswing%20it%3ED"
    "-7%7Cr%7C%20%7Cn%20%7CC6/9%28C%5E7%29%20Z%3D%3D0%3D0%3D%3D%3DOther%3DNobody%3D%3DBossa%3DF%3D%3D1r34LbKcu7%5BT34F6%20%7CG-7%20%7CC"
    "7%20%7CF6%20Z%3D%3D0%3D0"
)
HEAD = "Dm7 G7 Cmaj7 Em7b5 A7alt "
MADE_UP = (
    HEAD + "Dm7 G7 Cmaj7 " + HEAD + "Dm7 G7 C6 Cm7/Bb F7alt Bmaj7#11 Em7 A7 Dm7 Em7 A7 Dm7 NC C6"  # like neighbours are one
).split()


def chords(text: str, metres: Metres = FOUR, title: str = "") -> list[tuple[float, str]]:
    changes = read_chart(text, metres, title)[0]
    assert changes is not None
    return [(at, chord.kind_symbol) for at, chord in changes.spans(changes.length)]


def test_lines_headings_and_comments_of_a_plain_chart() -> None:
    text = "Some Tune\n# in five\n| Dm7 | G7\nCmaj7 | %\n\n| Cmaj7 A7 |"
    assert chords(text, Metres.of(5, 4)) == [(0, "Dm7"), (5, "G7"), (10, "Cmaj7"), (22.5, "A7")]


def test_a_chart_of_ireal_pro_is_unrolled() -> None:
    """Repeats with endings, one- and two-bar repeats, held chords; by its title or else the first of a playlist."""
    for text in (PLAYLIST, f'<a href="{PLAYLIST}">Made up</a>'):
        assert [chord for _, chord in chords(text, title="made-up")] == MADE_UP
        assert chords(text, Metres.of(3, 4), "OTHER") == [(0, "F6"), (3, "Gm7"), (6, "C7"), (9, "F6")]


def test_the_open_protocol_and_the_way_to_the_coda() -> None:
    text = "irealbook://It's So=A B=Bossa=C=n=T44[C |SDm |QEm |F <D.S. al Coda>] [QG |A Z"
    assert [chord for _, chord in chords(text)] == ["C", "Dm", "Em", "F", "Dm", "G", "A"]


@pytest.mark.parametrize("text", ["", "All rights reserved by nobody", "irealb://", "irealbook://a=b", "\x00\x01", "%|/"])
def test_a_text_that_is_no_chart_is_none(text: str) -> None:
    assert read_chart(text, FOUR, "")[0] is None


def test_unknown_symbols_are_no_chord_and_counted() -> None:
    unknown: Counter[str] = Counter()
    changes, unknown = read_chart("|: Dm7 | X7 :| C | G", FOUR, "")
    assert changes is not None
    assert [str(c) for c in changes.chords] == ["Dm7", "NC", "Dm7", "NC", "C", "G"]
    assert unknown == {"X7": 1}


def read(path: Path) -> Reading:
    return read_corpus(path, Vocabulary(), split_seed=None)


@pytest.mark.parametrize("ending", [".changes", ".txt"])
def test_changes_beside_a_file_are_its_chords_to_its_end(tmp_path: Path, ending: str) -> None:
    midi(tmp_path / "a.mid", SAX)
    (tmp_path / f"a{ending}").write_text("Dm7 | G7 C7\n")
    (piece,) = read(tmp_path).pieces
    assert [str(piece.contexts[i].harmony.chord) for i in (0, 8, 12, 16, 24, 31)] == ["Dm7", "G7", "C7", "Dm7", "G7", "C7"]
    assert piece.contexts[0].harmony.until == 4


def test_a_text_beside_a_file_that_holds_no_changes_is_counted(tmp_path: Path) -> None:
    midi(tmp_path / "a.mid", SAX)
    (tmp_path / "a.txt").write_text("Recorded in a hurry.")
    reading = read(tmp_path)
    assert reading.pieces[0].changes is None
    assert reading.left_out == {".txt files beside that hold no changes": 1}
    assert reading.unknown_chords == {}
