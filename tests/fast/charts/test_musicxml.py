"""Lead sheets as MusicXML become tunes, without music21."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from improv.charts.score_limits import ScoreError
from improv.charts.tunes import TuneError, songs_in, tune_of
from improv.core.harmony import parse_changes


def harmony(symbol: str, kind: str = "dominant", alter: int = 0, bass: str = "", offset: int = 0) -> str:
    low = f"<bass><bass-step>{bass}</bass-step></bass>" if bass else ""
    sign = f"<root-alter>{alter}</root-alter>" if alter else ""
    late = f"<offset>{offset}</offset>" if offset else ""
    return f"<harmony><root><root-step>{symbol}</root-step>{sign}</root><kind>{kind}</kind>{low}{late}</harmony>"


def note(beats: int) -> str:
    return f"<note><rest/><duration>{2 * beats}</duration></note>"


def score(measures: list[str], about: str = "<movement-title>Test Blues</movement-title>") -> str:
    inside = "".join(f'<measure number="{i}">{m}</measure>' for i, m in enumerate(measures, 1))
    parts = f'<part-list><score-part id="P1"/></part-list><part id="P1">{inside}</part>'
    return f'<?xml version="1.0"?><score-partwise>{about}{parts}</score-partwise>'


OPENING = (
    "<attributes><divisions>2</divisions><key><fifths>-3</fifths><mode>minor</mode></key>"
    "<time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
    '<direction><direction-type><words>Medium Bossa Nova</words></direction-type><sound tempo="140"/></direction>'
)
FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACK = '<barline location="right"><repeat direction="backward"/></barline>'


def ending(number: int) -> str:
    return f'<barline location="left"><ending number="{number}" type="start"/></barline>'


MEASURES = [
    OPENING + note(1),  # a pick-up
    FORWARD + harmony("C", "minor-seventh") + note(2) + harmony("F") + note(2),
    harmony("B", "major-seventh", -1) + note(4),
    ending(1) + note(4) + BACK,
    ending(2) + harmony("A", "half-diminished", bass="G") + note(3) + harmony("D") + note(1),
    "<attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>" + harmony("G", "minor", offset=0) + note(3),
]
CHANGES = "| 4/4 Cm7 F7 | Bbmaj7 | Bbmaj7 | Cm7 F7 | Bbmaj7 | Am7b5/G / / D7 | 3/4 Gm |"


def test_a_lead_sheet_is_a_tune(tmp_path: Path) -> None:
    path = tmp_path / "sheet.musicxml"
    path.write_text(score(MEASURES))
    tune = tune_of(str(path))
    assert (tune.title, tune.key, tune.metre, tune.tempo, tune.style, tune.feel) == ("Test Blues", "Cm", (4, 4), 140.0, "bossa", "straight")
    assert tune.changes == CHANGES
    parse_changes(tune.changes)
    assert [s.title for s in songs_in(path)] == ["Test Blues"]
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w") as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>')
        archive.writestr("s.xml", score(MEASURES))
    packed = tmp_path / "sheet.mxl"
    packed.write_bytes(blob.getvalue())
    assert tune_of(str(packed)).changes == CHANGES


def test_a_transposing_part_comes_at_concert_pitch(tmp_path: Path) -> None:
    path = tmp_path / "trumpet.xml"
    opening = OPENING.replace("</time>", "</time><transpose><chromatic>-2</chromatic></transpose>").replace("minor</mode>", "major</mode>")
    path.write_text(score([opening + harmony("D", "minor-seventh") + note(4), harmony("G") + note(4)]))
    tune = tune_of(str(path))
    assert (tune.key, tune.changes) == ("Db", "| Cm7 | F7 |")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (score([note(4)]), "no chord symbol in it"),
        (score(["<x>" * 200 + "</x>" * 200]), "nested deeper"),
        (score([harmony("C")])[:-9], "no XML"),
        ('<!DOCTYPE a [<!ENTITY e "e">]>' + score([harmony("C")])[21:], "declares entities"),
    ],
)
def test_what_is_no_lead_sheet_is_told_in_a_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.musicxml"
    path.write_text(text)
    with pytest.raises((TuneError, ScoreError), match=why):
        tune_of(str(path))
