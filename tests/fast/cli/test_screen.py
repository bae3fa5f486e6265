"""What a jam shows of its notes."""

from __future__ import annotations

import pytest

from improv.cli.screen import shower, symbols_of
from improv.core.events import NoteOn
from improv.core.harmony import parse_chord
from improv.core.harmony.spelling import parse_key
from improv.core.heard.told import ToldHarmony
from improv.core.meter import Meter


@pytest.mark.parametrize(
    ("band", "shown"),
    [((), 3), (("trade", "bass", "drums"), 1), (("comp", "bass", "drums"), 1), (("trade", "solo", "comp"), 2)],
)
def test_of_a_band_who_leads_is_shown(band: tuple[str, ...], shown: int, capsys: pytest.CaptureFixture[str]) -> None:
    show = shower(Meter, None, band=band)
    for part in range(3):
        show("played", NoteOn(1.0, 60, 80, part=part))
    assert len(capsys.readouterr().out.splitlines()) == shown
    show("heard", NoteOn(1.0, 60, 80, part=1))
    assert "you" in capsys.readouterr().out


@pytest.mark.parametrize(("key", "note", "chord"), [("E", "G#4", "C#m"), ("Eb", "Ab4", "Dbm"), (None, "Ab4", "Dbm")])
def test_notes_and_heard_chords_are_spelled_in_the_key(key: str | None, note: str, chord: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = ToldHarmony(chord=parse_chord("Dbm"))
    shower(Meter, None, lambda: told, lambda: parse_key(key) if key else None)("played", NoteOn(1.0, 68, 80))
    shown = capsys.readouterr().out.split()
    assert shown[1] == chord
    assert shown[-1] == note


def test_a_heard_chord_is_written_as_a_transposing_player_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = ToldHarmony(parse_key("F"), parse_chord("Gm7"))
    shower(Meter, None, lambda: told, lambda: told.key, reads=symbols_of("Bb"))("played", NoteOn(1.0, 60, 80))
    assert capsys.readouterr().out.split()[1] == "Am7"
    assert (told.text(symbols_of("Bb")), str(told)) == ("heard: Am7, in G", "heard: Gm7, in F")
