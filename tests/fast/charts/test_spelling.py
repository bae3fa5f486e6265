"""Chord symbols from MusicXML's kinds and degrees, as lead sheets write them."""

from __future__ import annotations

import pytest

from improv.charts.spelling import Degree, from_musicxml, is_chord


def alter(degree: int, semitones: int) -> Degree:
    return Degree("alter", degree, semitones)


def add(degree: int, semitones: int = 0) -> Degree:
    return Degree("add", degree, semitones)


NO_THIRD = Degree("subtract", 3)


@pytest.mark.parametrize(
    ("kind", "text", "degrees", "symbol"),
    [
        ("dominant", "7alt", [alter(5, -1), add(9, -1), add(9, 1), add(5, 1)], "C7(b5)(#5)(b9)(#9)"),
        ("dominant", "", [alter(5, -1)], "C7(b5)"),
        ("dominant", "7sus4", [add(4), NO_THIRD], "C7sus"),
        ("dominant", "", [add(2), NO_THIRD], "C7sus2"),
        ("dominant", "13b9", [add(9, -1), add(13)], "C13(b9)"),
        ("dominant", "", [add(9)], "C9"),
        ("dominant", "", [NO_THIRD], "C7no3"),
        ("dominant-13th", "13#11", [add(11, 1)], "C13(#11)"),
        ("dominant-ninth", "9#5", [alter(5, 1)], "C9(#5)"),
        ("minor-seventh", "", [add(11)], "Cm11"),
        ("minor-seventh", "m7b5", [alter(5, -1)], "Cm7(b5)"),
        ("major-minor", "", [alter(5, -1)], "Cmmaj7(b5)"),
        ("half-diminished", "", [add(9)], "Cm7b5add9"),
        ("suspended-fourth", "7sus", [add(7, -1)], "C7sus"),
        ("major", "", [add(9)], "Cadd9"),
        ("major", "", [add(7, -1)], "C7"),
        ("minor", "", [add(7)], "Cmmaj7"),
        ("minor", "", [add(6)], "Cm6"),
        ("major-sixth", "6/9", [add(9)], "C69"),
        ("power", "5", [], "C5"),
        ("none", "N.C.", [], "NC"),
        ("other", "7alt", [], "C7alt"),
        ("other", "", [alter(5, 1)], "C(#5)"),
        ("Tristan", "Tristan", [], "CTristan"),
    ],
)
def test_kinds_with_degrees(kind: str, text: str, degrees: list[Degree], symbol: str) -> None:
    assert from_musicxml("C", kind, text, degrees)[0] == symbol


def test_what_cannot_be_read_loses_what_is_least_first() -> None:
    symbols = from_musicxml("C", "dominant", "", [NO_THIRD, add(9), alter(5, -1)])
    assert symbols[0] == "C9(b5)no3"
    assert symbols[1:] == ["C9(b5)", "C7(b5)", "C7"]
    assert is_chord(symbols[-1])
    assert not is_chord("CTristan")
