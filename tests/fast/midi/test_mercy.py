"""What real MIDI files hold is read by jam and by train alike; only what holds no music is refused, in one line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from midi_bytes import END, LINE, chunk, header, meta, metre, notes, number, smf, tempo

from improv.core.events import ControlChange, NoteOff, NoteOn, Setting, Transport
from improv.core.meter import Meter
from improv.core.metres import FOUR, Metres
from improv.midi.files import read_part
from improv.midi.parts import read_midi
from improv.midi.smf import LARGEST, MidiFileError
from improv.midi.texts import readable
from improv.train.piece import Piece, Reading
from improv.train.reading import How
from improv.train.reading.files import EXPECTED, read_file


def written(folder: Path, blob: bytes) -> Path:
    path = folder / "a.mid"
    path.write_bytes(blob)
    return path


def jammed(path: Path) -> list[tuple[float, int]]:
    """(seconds, pitch) of the notes that a jam hears."""
    return [(round(e.time, 6), e.pitch) for e in read_part(path).events if isinstance(e, NoteOn)]


def trained(path: Path) -> Piece:
    (piece,) = read_file(path, How()).pieces
    return piece


PLAIN = notes(LINE)
RIFF = b"RIFF" + (200).to_bytes(4, "little") + b"RMIDdata" + (190).to_bytes(4, "little")
RUNNING = b"\x00\x90" + b"\x00".join(  # one status for all, over texts and sysexes; a note-off is a note-on of velocity 0
    bytes([p, 80, 120, p, 0]) + meta(1, b"x", 60) + bytes([60, 0xF0, 2, 1, 0xF7]) for p in LINE
)
AS_EVER = {
    "plain": smf(PLAIN),
    "a key signature of 18 flats": smf(meta(0x59, b"\xee\x01") + PLAIN),
    "a key signature of mode 255": smf(meta(0x59, b"\x00\xff") + PLAIN),
    "a tempo of 0": smf(tempo(0) + PLAIN),
    "a tempo without one": smf(meta(0x51, b"") + PLAIN),
    "a time signature of 0/4": smf(metre(0, 2) + PLAIN),
    "a time signature over 2 to the 255th": smf(metre(4, 255) + PLAIN),
    "an empty time signature": smf(meta(0x58, b"") + PLAIN),
    "a controller at 255": smf(bytes([0, 0xB0, 7, 255]) + PLAIN),
    "velocities of 200": smf(notes(LINE, velocity=200)),
    "running status over all": smf(RUNNING),
    "55,440 ticks a quarter": smf(notes(LINE, 27720), division=55440),
    "32,767 ticks a quarter": smf(notes(LINE, 16384), division=32767),
    "24 ticks a quarter": smf(notes(LINE, 12), division=24),
    "25 frames of 40 ticks": smf(notes(LINE, 250), division=0xE728),
    "a track that is said to be longer": header() + chunk(PLAIN + END, length=9999),
    "tracks that are said to be longer": header(2) + chunk(tempo(500_000) + END, length=9999) + chunk(PLAIN + END, length=9999),
    "a track that is said to be shorter": header() + chunk(PLAIN + END, length=21),
    "a file that is cut off": smf(PLAIN + bytes([0, 0x90, 60, 80]))[:-6],
    "fewer tracks than it says": header(8) + chunk(PLAIN + END),
    "format 0 with two tracks": header(2, kind=0) + chunk(tempo(500_000) + END) + chunk(PLAIN + END),
    "foreign chunks": header() + chunk(b"whatever", b"XFIH") + chunk(PLAIN + END) + chunk(b"", b"XFKM"),
    "rubbish between tracks": header() + b"\x00\x01\x02" + chunk(PLAIN + END) + b"\x00\x00",
    "a long header": chunk(header()[8:] + b"more", b"MThd") + chunk(PLAIN + END),
    "a RIFF file": RIFF + smf(PLAIN),
    "a MacBinary file": bytes(128) + smf(PLAIN),
    "no end of track": header() + chunk(PLAIN),
    "an end far after": smf(PLAIN + meta(1, b"end", 2000 * 1920)),
    "a controller far after": smf(PLAIN + number(2000 * 1920) + bytes([0xB0, 7, 0])),
    "stray note-offs": smf(bytes([0, 0x80, 62, 0, 0, 0x80, 50, 0]) + PLAIN + bytes([0, 0x80, 62, 0])),
    "the last note without its off": smf(PLAIN[:-4]),
    "no note-off at all": smf(b"".join(number(240 * (i > 0)) + bytes([0x90, p, 80]) for i, p in enumerate(LINE))),
    "drums as well": smf(PLAIN, notes([36] * 8, channel=9)),
    "a channel a note": smf(b"".join(bytes([0, 0xE2 + i, 0, 64]) + notes([p], channel=2 + i) for i, p in enumerate(LINE))),
    "seventy hours of silence": smf(number(139_809 * 1920) + bytes([0xB0, 7, 99]) + PLAIN),
    "a five-byte delta": smf(number(2_236_962 * 1920) + bytes([0xB0, 7, 99]) + PLAIN),
}  # fmt: skip


@pytest.mark.parametrize("kind", AS_EVER)
def test_whatever_else_a_file_holds_both_hear_its_line(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, AS_EVER[kind])
    seconds = [i * 0.25 for i in range(len(LINE))]
    assert [p for _, p in jammed(path)] == LINE
    assert [t for t, _ in jammed(path)] == pytest.approx(seconds, abs=1e-3)
    piece = trained(path)
    assert [v.pitch for v in piece.values] == LINE
    assert piece.onsets == [6 * i for i in range(len(LINE))]
    assert (piece.bpm, piece.metres) == (120, FOUR)
    lengths = [b.time - a.time for a, b in zip(*sounding(path), strict=True)]
    assert lengths[:-1] == pytest.approx([0.25] * 7, abs=0.16)


def sounding(path: Path) -> tuple[list[NoteOn], list[NoteOff]]:
    """The note-ons and their note-offs, one at a time."""
    events = read_part(path).events
    return [e for e in events if isinstance(e, NoteOn)], [e for e in events if isinstance(e, NoteOff)]


@pytest.mark.parametrize(
    ("blob", "says"),
    [
        (b"", "not a readable MIDI file"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "not a readable MIDI file"),
        (header(division=0) + chunk(PLAIN + END), "time division is 0"),
        (header(), "no notes in it"),
        (smf(b""), "no notes in it"),
        (smf(notes(LINE, 0)), "no length"),
        (smf(notes(LINE, channel=9)), "drums"),
        (smf(PLAIN + number(50_000 * 480) + bytes([0x90, 60, 80, 96, 60, 0])), "at most 50,000 are read"),
        (header() + chunk(bytes(LARGEST)), "it may have 8,388,608"),
        (smf(notes([60, 61], 1) * 50_001), "at most 100,000 are read"),
    ],
)
def test_what_neither_can_use_is_refused_in_one_line(tmp_path: Path, blob: bytes, says: str) -> None:
    path = written(tmp_path, blob)
    with pytest.raises(MidiFileError) as refused:
        read_part(path)
    (skipped,) = read_file(path, How()).skipped
    assert "\n" not in str(refused.value)
    assert says in str(refused.value)
    assert says in skipped or "in no format" in skipped or skipped.endswith("empty")


def test_nothing_that_bytes_can_say_is_a_traceback(tmp_path: Path) -> None:
    """Six hundred broken files, from one seed; what a jam reads, training reads, but for what is no melody."""
    rng = random.Random(13)
    whole = list(AS_EVER.values())
    for _ in range(600):
        blob = bytearray(rng.choice(whole))
        for _ in range(rng.choice((1, 3, 10))):
            at = rng.randrange(len(blob))
            blob[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
        path = written(tmp_path, bytes(blob))
        reading: Reading = read_file(path, How())
        try:
            heard = jammed(path)
        except MidiFileError:
            assert not reading.pieces
        else:
            assert reading.pieces or len(heard) < 2 or "melody" in reading.skipped[0]


def test_what_was_passed_over_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, smf(tempo(0) + meta(0x59, b"\x12\x00") + metre(0, 2) + notes(LINE, velocity=200)))
    odd = {"data bytes above 127, read as 127": 8, "impossible tempi": 1, "impossible time signatures": 1, "impossible key signatures": 1}
    assert read_file(path, How()).left_out == odd | {"notes under the top line": 0}
    (told,) = read_part(path).told
    assert told == f"{path}: passed over: " + ", ".join(f"{what} ({count})" for what, count in odd.items())
    assert read_part(written(tmp_path, smf(PLAIN))).told == ()


@pytest.mark.parametrize(("microseconds", "taken"), [(60_000, 400.0), (7_500_000, 20.0)])
def test_a_tempo_that_cannot_be_counted_is_taken_as_the_limit_and_told(tmp_path: Path, microseconds: int, taken: float) -> None:
    part = read_part(written(tmp_path, smf(tempo(microseconds) + PLAIN)))
    assert part.tempo == taken
    assert f"bpm is taken as {taken:g}" in part.told[0]
    assert part.events[-1].time == pytest.approx(4 * 60 / taken)  # beats and notes stay together


MAPS = {  # tempi as (beat, microseconds), the tempo at the first note
    "none": ([], 120.0),
    "one": ([(0, 400_000)], 150.0),
    "late": ([(2, 300_000)], 120.0),
    "one beat before the first note": ([(0, 4_511_278), (1, 510_204)], 117.6),
    "a ramp": ([(i / 4, 500_000 - 3_000 * i) for i in range(64)], 120.0),
    "beyond the limits": ([(0, 500_000), (4, 30_000), (5, 9_000_000), (6, 500_000)], 120.0),
    "after the music": ([(0, 500_000), (90, 400_000)], 120.0),
}


@pytest.mark.parametrize("kind", MAPS)
def test_a_beat_of_the_file_is_the_same_beat_of_the_performance(tmp_path: Path, kind: str) -> None:
    tempi, at_first = MAPS[kind]
    track, before = b"", 0
    for beat, microseconds in tempi:
        track += tempo(microseconds, round(480 * beat) - before)
        before = round(480 * beat)
    rest = 480 if kind.startswith("one beat") else 0
    part = read_part(written(tmp_path, smf(track, number(rest) + b"\xb0\x07\x63" + notes([60] * 16, 480))))
    assert part.tempo == pytest.approx(at_first, abs=1e-2)
    meter = Meter(part.tempo).started(1.0)  # after a second of count-in
    beats = []
    for event in part.followed(1.0, running=True):
        if isinstance(event, Setting):
            meter = meter.at_tempo(event.time, float(str(event.value)))
        elif isinstance(event, NoteOn):
            beats.append(meter.beat(event.time))
    assert beats == pytest.approx([rest / 480 + i for i in range(16)], abs=2e-3)
    assert not any(isinstance(e, Setting) for e in part.script(1.0))


def test_a_pick_up_leaves_the_rest_of_bar_one_out(tmp_path: Path) -> None:
    """As notation programs write it: a bar of 1/4, then 4/4."""
    part = read_part(written(tmp_path, smf(metre(1, 2) + metre(4, 2, 480), notes([60, 62, 64], 480))))
    assert (part.metres, part.pickup, part.told) == (FOUR, 1.0, ())
    assert [e.time for e in part.events if isinstance(e, NoteOn)] == [0.0, 0.5, 1.0]
    assert part.followed(0.0, running=False)[:2] == [Transport(0.0, "position", -1.0), Transport(0.0, "continue")]
    assert [e.time for e in part.followed(2.0, running=True)[:2]] == [1.5, 2.0]  # on the last beat of a count-in


def test_changes_of_metre_are_read(tmp_path: Path) -> None:
    part = read_part(written(tmp_path, smf(metre(4, 2) + metre(3, 2, 8 * 480), notes([60] * 16, 480))))
    assert (part.metres, part.told) == (Metres(((0.0, (4, 4)), (8.0, (3, 4)))), ())


def test_a_pedal_that_never_comes_up_comes_up_at_the_end(tmp_path: Path) -> None:
    events = read_part(written(tmp_path, smf(bytes([0, 0xB0, 64, 127]) + PLAIN))).events
    assert events[0] == ControlChange(0.0, 64, 127)
    assert events[-1] == ControlChange(2.0, 64, 0)


def test_overlapping_notes_of_one_pitch_end_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    track = bytes([0, 0x90, 60, 80, 96, 60, 70, 96, 60, 0, 96, 60, 0])
    (part,) = read_midi(written(tmp_path, smf(track))).parts
    assert (part.on.tolist(), part.off.tolist(), part.velocity.tolist()) == ([0, 96], [192, 288], [80, 70])


def test_a_channel_a_note_is_one_part_even_where_one_is_channel_10(tmp_path: Path) -> None:
    told = bytes([0, 0xB0, 101, 0, 0, 0xB0, 100, 6, 0, 0xB0, 6, 15])  # MPE's configuration message
    many = [60 + i for i in range(14)]
    blob = smf(told + b"".join(notes([p], channel=1 + i) for i, p in enumerate(many)))
    path = written(tmp_path, blob)
    assert [p for _, p in jammed(path)] == many
    assert [v.pitch for v in trained(path).values] == many


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("千本桜".encode("shift-jis"), "千本桜"),
        ("サビ".encode("shift-jis"), "サビ"),
        ("Piano メロディ".encode("cp932"), "Piano メロディ"),
        ("Café Müller".encode("latin-1"), "Café Müller"),
        ("Don’t stop".encode("cp1252"), "Don’t stop"),
        ("Ação".encode("latin-1"), "Ação"),
        ("naïve".encode(), "naïve"),
        (b"Piano\x00\x00", "Piano"),
        (b"\x1b[31mred\x07", "[31mred"),
    ],
)
def test_texts_are_shown_readably(raw: bytes, text: str) -> None:
    assert readable(raw) == text


def test_the_name_of_a_track_is_shown_readably(tmp_path: Path) -> None:
    piece = trained(written(tmp_path, smf(meta(3, "千本桜".encode("shift-jis")) + PLAIN)))
    assert piece.track == "1 '千本桜', the only melody"


def test_files_of_these_names_are_looked_at() -> None:
    assert {".mid", ".midi", ".kar", ".rmi"} <= set(EXPECTED)


def named(name: str, pitches: list[int], channel: int, program: int, step: int = 240) -> bytes:
    return meta(3, name.encode()) + bytes([0, 0xC0 | channel, program]) + notes(pitches, step, channel)


@pytest.mark.parametrize(
    "case",
    [
        ("a lead without a name before a flute with little to say", 0, [("ch 4", 64, 80), ("Flute", 4, 73), ("Piano", 64, 0)]),
        ("a vocal line before a saxophone's", 1, [("Alto Sax", 60, 65), ("Vocals", 64, 53)]),
        ("a saxophone before a piano", 1, [("Piano", 64, 0), ("Tenor Sax", 48, 66)]),
    ],
)
def test_the_melody_is_the_one_that_a_listener_would_name(tmp_path: Path, case: tuple[str, int, list[tuple[str, int, int]]]) -> None:
    _, right, parts = case
    tracks = [named(name, [65 + (5 * i) % 12 for i in range(count)], i, program) for i, (name, count, program) in enumerate(parts)]
    piece = trained(written(tmp_path, smf(*tracks)))
    assert piece.track.startswith(f"{right + 1} ")
    assert len(piece.values) == parts[right][1]


def test_the_part_that_the_words_are_sung_to_is_the_melody(tmp_path: Path) -> None:
    """As in karaoke: syllables on a track of their own, and no part is named."""
    words = meta(1, b"@KMIDI KARAOKE FILE") + b"".join(meta(1, b"la ", 480 * (i > 0)) for i in range(16))
    busy, sung = named("", [72 + i % 5 for i in range(64)], 0, 80, 120), named("", [60 + i % 3 for i in range(16)], 1, 0, 480)
    piece = trained(written(tmp_path, smf(words, busy, sung)))
    assert piece.track == "2 unnamed, by the words sung to it"
