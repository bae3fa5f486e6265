"""The harmony of MIDI files: symbols where programs write them, and chords that are heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido
import pytest

from improv.core.harmony import parse_chord
from improv.core.harmony.templates import Templates
from improv.midi.harmony import FileHarmony, harmony_of, said_key
from improv.midi.parts import read_midi
from improv.midi.yamaha_xf import xf_symbol

PPQ = 480
CHORDS = ((50, 57, 60, 65), (43, 53, 59, 62), (48, 55, 59, 64), (45, 55, 61, 64))  # Dm7 G7 Cmaj7 A7


def track(events: Sequence[tuple[float, mido.messages.BaseMessage]], name: str = "") -> mido.MidiTrack:
    """Messages at beats."""
    found, before = mido.MidiTrack([mido.MetaMessage("track_name", name=name)] if name else []), 0
    for beat, message in sorted(events, key=lambda e: e[0]):
        tick = round(beat * PPQ)
        found.append(message.copy(time=tick - before))
        before = tick
    return found


def notes(rows: Sequence[tuple[float, float, int]], channel: int = 0) -> list[tuple[float, mido.Message]]:
    ons = [(on, mido.Message("note_on", note=pitch, velocity=70, channel=channel)) for on, _, pitch in rows]
    return [*ons, *((off, mido.Message("note_off", note=pitch, channel=channel)) for _, off, pitch in rows)]


def texts(kind: str, rows: Sequence[tuple[float, str]]) -> list[tuple[float, mido.MetaMessage]]:
    return [(beat, mido.MetaMessage(kind, text=text)) for beat, text in rows]


LINE = notes([(0.5 * i, 0.5 * i + 0.45, 72 + i % 5) for i in range(32)], 1)
COMP = notes([(4.0 * bar, 4.0 * bar + 3.8, pitch) for bar in range(8) for pitch in CHORDS[bar % 4]])


def harmony(tmp_path: Path, *tracks: mido.MidiTrack, listens: bool = True) -> FileHarmony:
    file = mido.MidiFile(ticks_per_beat=PPQ)
    file.tracks += tracks
    file.save(tmp_path / "a.mid")
    return harmony_of(read_midi(tmp_path / "a.mid"), Templates if listens else None)


SYMBOLS = [(0.0, "F#m7b5"), (4.0, "B7alt"), (6.0, "Em")]


@pytest.mark.parametrize(
    "written",
    [
        texts("marker", SYMBOLS),
        texts("text", SYMBOLS),
        texts("lyrics", SYMBOLS),
        texts("text", [(at, f"[{symbol}]") for at, symbol in SYMBOLS]),
        texts("lyrics", [*((at, f"%{symbol}") for at, symbol in SYMBOLS), *((at + 0.5, "la") for at in range(8))]),
        texts("text", [(at, f"Chord: {symbol}") for at, symbol in SYMBOLS]),
    ],
)
def test_symbols_are_found_where_programs_write_them_and_stay_as_typed(
    tmp_path: Path, written: list[tuple[float, mido.MetaMessage]]
) -> None:
    found = harmony(tmp_path, track(written), track(LINE))
    assert found.how == "written"
    assert [(at, str(chord)) for at, chord in found.spans] == SYMBOLS
    assert found.chart
    assert found.chart.changes.splitlines()[0] == "| F#m7b5 | B7alt Em | Em | % |"


def xf(beat: float, *content: int) -> tuple[float, mido.MetaMessage]:
    return beat, mido.MetaMessage("sequencer_specific", data=(0x43, 0x7B, 0x01, *content))


def test_chords_of_a_yamaha_keyboard_are_written_chords(tmp_path: Path) -> None:
    others = [
        (0.0, mido.MetaMessage("sequencer_specific", data=data)) for data in ((0x43, 0x7B, 0x0C, 1, 2), (0x43, 0x7B, 0x01), (0x7D, 1))
    ]
    chords = [xf(0.0, 0x44, 11, 0x7F, 0x7F), xf(4.0, 0x37, 19, 0x42, 0x7F), xf(6.0, 0x33, 8, 0x33, 8), xf(8.0, 0x7F, 0x22, 0x7F, 0x7F)]
    found = harmony(tmp_path, track([*others, *chords]), track(LINE))
    assert found.how == "written"
    assert [(at, str(chord)) for at, chord in found.spans] == [(0.0, "F#m7b5"), (4.0, "B7/D#"), (6.0, "Em"), (8.0, "NC")]


def test_every_chord_that_a_yamaha_keyboard_knows_is_read() -> None:
    symbols = [xf_symbol(bytes((0x43, 0x7B, 1, 0x31, kind, 0x7F, 0x7F))) for kind in range(36)]
    assert symbols[34:] == ["NC", None]
    assert all(parse_chord(str(symbol)).root == 0 for symbol in symbols[:34])
    assert xf_symbol(bytes((0x43, 0x7B, 1, 0x27, 10))) == "Bbm7"
    assert [xf_symbol(bytes((0x43, 0x7B, 1, root, 0))) for root in (0x30, 0x38, 0x71, 0x01)] == [None] * 4


def test_words_of_a_song_are_no_chords(tmp_path: Path) -> None:
    words = texts("lyrics", [(0.5 * i, word) for i, word in enumerate(("A", "love", "so", "Am", "I", "to", "E", "ver", "see"))])
    assert harmony(tmp_path, track(words), track(LINE)).how == "none"


def test_chords_are_heard_in_what_accompanies_a_line(tmp_path: Path) -> None:
    found = harmony(tmp_path, track(LINE, "sax"), track(COMP, "piano"))
    assert (found.how, str(found.key)) == ("heard", "C")
    assert found.chart
    assert found.chart.changes == "| Dm7 | G7 | Cmaj7 | A7 |"
    assert (found.chart.times, found.chart.of) == (2, 8)
    assert found.changes
    assert str(found.changes.harmony(5.0).chord) == "G7"
    assert harmony(tmp_path, track(LINE), track(COMP), listens=False).how == "none"


def test_a_line_alone_tells_no_chords(tmp_path: Path) -> None:
    assert harmony(tmp_path, track(LINE)).how == "none"


def test_the_pedal_holds_what_is_broken(tmp_path: Path) -> None:
    rows = [(4.0 * bar + 0.5 * i, 4.0 * bar + 0.5 * i + 0.2, CHORDS[bar % 4][i]) for bar in range(8) for i in range(4)]
    pedal = [(4.0 * bar + at, mido.Message("control_change", control=64, value=v)) for bar in range(8) for at, v in ((0.05, 127), (3.9, 0))]
    found = harmony(tmp_path, track([*notes(rows), *pedal]))
    assert found.chart
    assert [str(bar[-1]) for bar in found.chart.bars] == ["Dm7", "G7", "Cmaj7", "A7"]


def test_a_pick_up_is_no_bar_of_the_chart(tmp_path: Path) -> None:
    metres = [(0.0, mido.MetaMessage("time_signature", numerator=1, denominator=4)), (1.0, mido.MetaMessage("time_signature"))]
    later = [(at + 1.0, message) for at, message in COMP]
    found = harmony(tmp_path, track(metres), track([*notes([(0.5, 0.95, 55)]), *later]))
    assert found.chart
    assert found.chart.changes == "| Dm7 | G7 | Cmaj7 | A7 |"
    assert found.spans[-1][0] == 29.0


@pytest.mark.parametrize(("key", "said"), [("E", "E"), ("F#m", "F#m"), ("Bbm", "Bbm"), ("C", None)])
def test_the_key_is_the_one_that_the_file_says_but_c_which_programs_write_unasked(tmp_path: Path, key: str, said: str | None) -> None:
    file = mido.MidiFile()
    file.tracks += [track([(0.0, mido.MetaMessage("key_signature", key=key))]), track(COMP)]
    file.save(tmp_path / "k.mid")
    found = said_key(read_midi(tmp_path / "k.mid"))
    assert (None if found is None else str(found)) == said
