"""MIDI files become pieces: which track, where its notes lie, and what is left out of bad ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import mido
import pytest
from scores import BASS, CHORDS, DRUMS, LINE, SAX, midi, track

from improv.core.metres import Metres
from improv.core.vocabulary import Vocabulary
from improv.midi.files import read_part
from improv.train.corpus import Piece, Reading, read_corpus, table_of
from improv.train.errors import CorpusError
from improv.train.reading import How
from improv.train.reading.files import in_pool, read_file, read_files
from improv.train.reading.packed import packed, unpacked


def read(path: Path, asked: str | None = None) -> Reading:
    return read_corpus(path, Vocabulary(), track=asked, split_seed=None)


def one(path: Path, asked: str | None = None) -> Piece:
    (piece,) = read(path, asked).pieces
    return piece


def pitches(piece: Piece) -> list[int]:
    return [v.pitch for v in piece.values]


@pytest.mark.parametrize(
    ("asked", "takes", "says"),
    [
        (None, LINE, "4 'Tenor Sax', by its name"),
        ("piano", [67, 69] * 8, "2 'Piano', as asked"),
        ("1", [36] * 16, "1 'Bass', as asked"),
    ],
)
def test_the_track_is_the_melody_or_the_one_asked_for(tmp_path: Path, asked: str | None, takes: list[int], says: str) -> None:
    piece = one(midi(tmp_path / "a.mid", BASS, CHORDS, DRUMS, SAX), asked)
    assert (pitches(piece), piece.track) == (takes, says)


def test_without_names_the_melody_is_found_by_its_notes(tmp_path: Path) -> None:
    bass, line = track("", [36] * 16, 480, channel=2), track("", LINE, channel=4)
    chords = track("", [(60, 64, 67)] * 16, 480, channel=5)
    piece = one(midi(tmp_path / "a.mid", chords, bass, line))
    assert (pitches(piece), piece.track) == (LINE, "3 unnamed, by its notes")


def test_a_track_that_is_not_there_skips_the_file_and_says_what_is(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no track 'oboe'; it has: 1 'Bass', 2 'Tenor Sax'"):
        read(midi(tmp_path / "a.mid", BASS, SAX), "oboe")


@pytest.mark.parametrize(("metre", "places"), [((5, 4), [0, 6, 54, 0, 6]), ((7, 8), [0, 6, 36, 0, 6])])
def test_other_metres_have_their_own_places_in_the_bar(tmp_path: Path, metre: tuple[int, int], places: list[int]) -> None:
    piece = one(midi(tmp_path / "a.mid", SAX, metre=metre))
    a_bar = metre[0] * 8 // metre[1]  # eighths
    assert [piece.contexts[i].place for i in (0, 1, a_bar - 1, a_bar, a_bar + 1)] == places


def test_a_tempo_map_and_a_change_of_metre_are_followed(tmp_path: Path) -> None:
    later = [
        mido.MetaMessage("set_tempo", tempo=250_000, time=3 * 480),
        mido.MetaMessage("time_signature", numerator=3, denominator=4, time=480),
    ]
    piece = one(midi(tmp_path / "a.mid", SAX, more=later))
    assert [c.tempo for c in piece.contexts[4:8]] == [120, 120, 240, 240]
    assert [c.place for c in piece.contexts[6:16]] == [36, 42, 0, 6, 12, 18, 24, 30, 0, 6]


def test_a_chart_beside_follows_the_bars_of_a_file_whose_metre_changes(tmp_path: Path) -> None:
    """As `jam --player` lays its changes; where the file is in one metre, the chart may say its own."""
    later = [mido.MetaMessage("time_signature", numerator=3, denominator=4, time=4 * 480)]
    path = midi(tmp_path / "a.mid", SAX, more=later)
    (tmp_path / "a.changes").write_text("C | F | G")
    piece = one(path)
    assert piece.changes is not None
    assert [at for at, _ in piece.changes.spans(14.0)] == [0, 4, 7, 10, 13]
    assert piece.metres == read_part(path).metres == Metres(((0.0, (4, 4)), (4.0, (3, 4))))
    (tmp_path / "b.changes").write_text("C | 3/4 F | G")
    plain = one(midi(tmp_path / "b.mid", SAX)).changes
    assert plain is not None
    assert [at for at, _ in plain.spans(14.0)] == [0, 4, 7, 10]


def test_a_pick_up_is_no_bar_of_the_chart(tmp_path: Path) -> None:
    """Neither here nor in a jam."""
    path = midi(tmp_path / "a.mid", SAX, metre=(1, 4), more=[mido.MetaMessage("time_signature", numerator=4, denominator=4, time=480)])
    (tmp_path / "a.changes").write_text("C | F | G")
    piece = one(path)
    assert piece.changes is not None
    assert [at for at, _ in piece.changes.spans(14.0)] == [1, 5, 9, 13]
    assert (piece.one, read_part(path).pickup) == (1.0, 1.0)
    assert [c.place for c in piece.contexts[:4]] == [36, 42, 0, 6]


def test_until_the_first_tempo_it_is_120(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks += [mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=300_000, time=960)]), SAX]
    file.save(tmp_path / "a.mid")
    piece = one(tmp_path / "a.mid")
    assert [c.tempo for c in piece.contexts[:6]] == [120] * 4 + [200] * 2
    assert piece.bpm == 120


def test_written_onsets_have_no_lag_and_played_ones_have_theirs(tmp_path: Path) -> None:
    straight = one(midi(tmp_path / "a.mid", SAX))
    late = mido.MidiTrack([m.copy() for m in SAX])
    ons = [0, *(240 * i + (13, 17, 15, 18)[i % 4] for i in range(1, 33))]
    for i, message in enumerate([m for m in late if m.type == "note_off"]):
        message.time = ons[i + 1] - ons[i]
    played = one(midi(tmp_path / "b.mid", late))
    lags = Vocabulary().lags
    assert {lags[v.lag] for v in straight.values} == {0}
    assert {round(lags[v.lag], 3) for v in played.values[1:]} == {0.042}
    assert [v.ioi for v in played.values] == [v.ioi for v in straight.values]


def test_velocities_are_kept(tmp_path: Path) -> None:
    assert one(midi(tmp_path / "a.mid", SAX)).velocities == [70] * 32


def test_the_table_says_how_many_pieces_have_chords_written_heard_and_none(tmp_path: Path) -> None:
    marks = [mido.MetaMessage("marker", text=text, time=time) for text, time in (("Dm7", 0), ("G7", 1920))]
    chords = track("Pad", [(50, 57, 60, 65), (43, 53, 59, 62), (48, 55, 59, 64), (48, 55, 59, 64)], 1920, channel=5)
    midi(tmp_path / "a.mid", SAX, more=marks)
    midi(tmp_path / "b.mid", SAX, chords)
    midi(tmp_path / "c.mid", SAX)
    reading = read(tmp_path)
    heard = next(p for p in reading.pieces if p.name == "b.mid")
    assert [str(heard.contexts[i].harmony.chord) for i in (0, 8, 16)] == ["Dm7", "G7", "Cmaj7"]
    assert heard.heard
    head, row = (line.split("  ") for line in table_of(reading))
    words = [[cell.strip() for cell in cells if cell.strip()] for cells in (head, row)]
    told = dict(zip(*words, strict=True))
    assert (told["chords written"], told["heard"], told["none"]) == ("1", "1", "1")
    assert [p.heard for p in unpacked(packed(Reading([heard]))).pieces] == [True]
    deaf = {p.name: p.changes is not None for p in read_corpus(tmp_path, Vocabulary(), listens=False).pieces}
    assert deaf == {"a.mid": True, "b.mid": False, "c.mid": False}


def test_chords_of_markers_are_the_changes(tmp_path: Path) -> None:
    marks = [mido.MetaMessage("marker", text=text, time=time) for text, time in (("Dm7", 0), ("G7", 1920), ("Cmaj7", 1920))]
    piece = one(midi(tmp_path / "a.mid", SAX, more=marks))
    assert [str(piece.contexts[i].harmony.chord) for i in (0, 7, 8, 16)] == ["Dm7", "Dm7", "G7", "Cmaj7"]


# Bad input


def test_one_broken_file_costs_no_other(tmp_path: Path) -> None:
    """Also in a pool of processes, and with a reason."""
    for i in range(9):
        midi(tmp_path / f"{i}.mid", SAX)
    (tmp_path / "4.mid").write_bytes((tmp_path / "4.mid").read_bytes()[:60])
    reading = read(tmp_path)
    assert [p.name for p in reading.pieces] == [f"{i}.mid" for i in range(9) if i != 4]
    (reason,) = reading.skipped
    assert reason == "4.mid: no notes in it"
    assert table_of(reading)[1].split()[1:6] == ["8", "0", "0", "0", "256"]


def crashes(path: Path) -> bytes:
    if path.name == "13":
        import os

        os._exit(1)
    return packed(Reading(skipped=[path.name]))


def test_a_file_that_kills_its_parser_is_skipped_alone() -> None:
    said = [unpacked(content).skipped[0] for content in in_pool(crashes, [Path(str(i)) for i in range(26)])]
    assert said == [*map(str, range(13)), "13: its parser crashed", *map(str, range(14, 26))]


def test_a_process_that_reads_starts_light() -> None:
    code = "import sys, improv.train.reading.files as f; print([m for m in ('tensorflow', 'keras', 'music21', 'mido') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_many_files_share_a_row_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    paths = [midi(tmp_path / "mine" / f"{i}.mid", track("Sax", [p + i for p in LINE])) for i in range(13)]
    _, row = table_of(read_corpus(paths, Vocabulary()))
    assert row.split()[:2] == ["mine", "13"]


def test_the_mapping_is_an_argument(tmp_path: Path) -> None:
    paths = [midi(tmp_path / f"{i}.mid", SAX) for i in range(3)]
    asked: list[Any] = []

    def own(function: Any, files: Any) -> Any:
        asked.extend(files)
        return [function(f) for f in files]

    readings = list(read_files(paths, How(), own))
    assert asked == paths
    assert [len(r.pieces) for r in readings] == [1, 1, 1]


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing")
    with pytest.raises(CorpusError, match=r"no file in it that improv reads \(\.mid"):
        read(tmp_path)


def test_a_path_that_is_not_there_is_no_skip(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file or folder"):
        read(tmp_path / "solo.mid")


@pytest.mark.parametrize(
    ("tracks", "says"),
    [
        ([DRUMS], "no melody in it, only drums"),
        ([BASS, DRUMS], "no melody in it, only bass and drums"),
        ([BASS], "no melody in it, only bass"),
        ([track("Sax", [])], "no notes in it"),
        ([track("Sax", [60])], "1 notes in its melody"),
        ([track("Sax", LINE, step=240, length=0)], "0 notes in its melody"),
    ],
)
def test_files_without_a_melody_are_skipped(tmp_path: Path, tracks: list[mido.MidiTrack], says: str) -> None:
    (reason,) = read_file(midi(tmp_path / "a.mid", *tracks), How()).skipped
    assert reason.startswith("a.mid: ")
    assert says in reason


def test_notes_without_length_are_left_out_and_counted(tmp_path: Path) -> None:
    odd = track("Sax", LINE[:8])
    odd[2:2] = [mido.Message("note_on", note=90, velocity=70), mido.Message("note_off", note=90)]
    reading = read(midi(tmp_path / "a.mid", odd))
    assert pitches(reading.pieces[0]) == LINE[:8]
    assert reading.left_out == {"notes without length": 1}


@pytest.mark.parametrize(
    ("tempo", "says"), [(0, "impossible tempi"), (1, "tempi outside 20 to 500 bpm"), (16_000_000, "tempi outside 20 to 500 bpm")]
)
def test_an_impossible_tempo_is_left_out(tmp_path: Path, tempo: int, says: str) -> None:
    reading = read(midi(tmp_path / "a.mid", SAX, tempo=tempo))
    assert reading.pieces[0].bpm == 120
    assert reading.left_out == {says: 1}


def test_a_file_that_never_ends_is_skipped(tmp_path: Path) -> None:
    far = mido.MidiTrack([*track("Sax", LINE), mido.Message("note_on", note=60, velocity=9, time=0xFFFFFFF)])
    far.append(mido.Message("note_off", note=60, time=10))
    (reason,) = read_file(midi(tmp_path / "a.mid", far), How()).skipped
    assert "at most 50,000 are read" in reason


def test_the_top_line_is_taken_and_what_is_under_it_counted(tmp_path: Path) -> None:
    """Chords give their top note; a low note under a held one and a low chord in a gap are accompaniment."""
    made = mido.MidiTrack([mido.MetaMessage("track_name", name="Piano solo")])
    events = [(0, 80, 1), (0, 64, 1), (1, 79, 3), (2, 50, 0.5), (4, 45, 1), (4, 48, 1), (4, 52, 1), (5, 77, 1)]
    ons = [(on, 1, p) for on, p, _ in events] + [(on + length, 0, p) for on, p, length in events]
    now = 0.0
    for time, on, pitch in sorted(ons):
        made.append(mido.Message("note_on", note=pitch, velocity=60 * on, time=round((time - now) * 480)))
        now = time
    reading = read(midi(tmp_path / "a.mid", made))
    assert pitches(reading.pieces[0]) == [80, 79, 77]
    assert reading.left_out == {"notes under the top line": 5}
