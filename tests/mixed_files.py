"""MIDI files of all kinds that come from outside, made by a seed; and whether a jam and training read the same in one.

For `scripts/compare_readers.py`, and a short round of it in the tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from midi_bytes import END, chunk, header, meta, metre, notes, number, smf, tempo

from improv.core.beats.timekeeper import Timekeeper, in_beats
from improv.core.events import NoteOn
from improv.core.settings import Settings
from improv.core.vocabulary import GRID
from improv.midi.files import Part, read_part
from improv.midi.smf import MidiFileError
from improv.train.piece import Piece
from improv.train.reading import How
from improv.train.reading.files import read_file

Rng = random.Random
NEAR = 0.15  # beats: training places notes on twelfths, and takes for one onset what comes within a few hundredths of a second


def line(r: Rng, least: int = 8) -> list[int]:
    pitch, found = r.randrange(55, 75), []
    for _ in range(r.randrange(least, 48)):
        pitch = min(max(pitch + r.choice((-4, -2, -1, 1, 2, 3)), 40), 90)
        found.append(pitch)
    return found


def played(r: Rng) -> bytes:
    return notes(line(r), r.choice((120, 160, 240, 480)))


def odd_event(r: Rng) -> bytes:
    """Something that says nothing of the notes, right or wrong."""
    return r.choice(
        (
            meta(0x59, r.randbytes(2)),
            meta(0x51, b""),
            tempo(0),
            tempo(r.randrange(150_000, 3_000_000)),
            metre(r.randrange(0, 9), r.randrange(0, 6)),
            meta(r.randrange(1, 8), "ア".encode("shift_jis") + r.randbytes(3)),
            bytes([0, 0xB0, r.randrange(128), r.randrange(256)]),
            bytes([0, 0xC0, r.randrange(128)]),
            bytes([0, 0xE0, r.randrange(128), r.randrange(128)]),
            bytes([0, 0xF0, 3, 0x7E, 9, 0xF7]),
            bytes([0, 0xA0, 60, 44]),
        )
    )


def odd(r: Rng) -> bytes:
    return smf(b"".join(odd_event(r) for _ in range(r.randrange(1, 6))) + played(r))


def metres(r: Rng) -> bytes:
    """A metre map, perhaps after a pick-up, and now and then one that can't be counted."""
    track, first = metre(*r.choice(((1, 2), (2, 2), (4, 2)))), 480 * r.choice((1, 2, 8))
    for _ in range(r.randrange(1, 6)):
        track += metre(*r.choice(((4, 2), (3, 2), (7, 3), (6, 3), (5, 2), (33, 2))), first)
        first = 480 * r.randrange(3, 15)
    return smf(track, notes(line(r), 240))


def tempi(r: Rng) -> bytes:
    track = b"".join(tempo(round(60e6 / r.uniform(15, 450)), 480 * r.randrange(0, 5)) for _ in range(r.randrange(1, 12)))
    return smf(track, notes(line(r), 480))


def band(r: Rng) -> bytes:
    parts = [("Tenor Sax", 66, 0, 50), ("Piano", 0, 1, 45), ("Bass", 32, 2, 30), ("Drums", 0, 9, 36)]
    tracks = [
        meta(3, name.encode()) + bytes([0, 0xC0 | channel, program]) + notes([low + r.randrange(12) for _ in range(32)], 240, channel)
        for name, program, channel, low in parts
    ]
    return smf(tempo(400_000), *tracks)


def karaoke(r: Rng) -> bytes:
    sung = line(r)
    words = b"".join(meta(r.choice((1, 5)), b"la ", 480 * (i > 0)) for i in range(len(sung)))
    return smf(meta(3, b"Words") + words, meta(3, b"Melody") + notes(sung, 480), notes([40] * 30, 480, 1), notes([36] * 30, 240, 9))


def divided(r: Rng) -> bytes:
    ppq = r.choice((24, 96, 120, 960, 15360, 32767, 55440))
    return smf(notes(line(r), ppq // 2), division=ppq)


def cut(r: Rng) -> bytes:
    whole = smf(tempo(500_000), played(r))
    return whole[: r.randrange(1, len(whole))]


def wrong_lengths(r: Rng) -> bytes:
    return header(r.randrange(1, 9), kind=r.choice((0, 1, 2))) + b"".join(
        chunk(played(r) + END, length=r.choice((None, 9999, 21))) for _ in range(r.randrange(1, 4))
    )


def foreign(r: Rng) -> bytes:
    return header() + chunk(r.randbytes(30), b"XFIH") + chunk(played(r) + END) + r.randbytes(r.randrange(9))


def never_off(r: Rng) -> bytes:
    ons = b"".join(number(240 * (i > 0)) + bytes([0x90, p, 80]) for i, p in enumerate(line(r)))
    return smf(r.choice((played(r)[:-4], ons)))


def channel_a_note(r: Rng) -> bytes:
    return smf(b"".join(bytes([0, 0xE1 + i % 14, 0, 64]) + notes([p], channel=1 + i % 14) for i, p in enumerate(line(r))))


def running(r: Rng) -> bytes:
    rows = (bytes([p, 80, 120, p, 0]) + meta(1, b"x", 60) + bytes([60, 0xF0, 2, 1, 0xF7]) for p in line(r))
    return smf(b"\x00\x90" + b"\x00".join(rows))


def far(r: Rng) -> bytes:
    silence = number(r.choice((500, 40_000, 139_809)) * 1920) + bytes([0xB0, 7, 99])
    return smf(silence + played(r) if r.random() < 0.5 else played(r) + meta(1, b"end", 2000 * 1920))


def flipped(r: Rng) -> bytes:
    blob = bytearray(r.choice((odd, metres, band, divided))(r))
    for _ in range(r.choice((1, 3, 10))):
        at = r.randrange(len(blob))
        blob[at : at + r.randrange(3)] = r.randbytes(r.randrange(3))
    return bytes(blob)


def riff(r: Rng) -> bytes:
    whole = odd(r)
    return b"RIFF" + (len(whole) + 12).to_bytes(4, "little") + b"RMIDdata" + len(whole).to_bytes(4, "little") + whole


KINDS: dict[str, tuple[str, Callable[[Rng], bytes]]] = {
    "a line": (".mid", lambda r: smf(played(r))),
    "odd events": (".mid", odd),
    "a metre map": (".mid", metres),
    "a tempo map": (".mid", tempi),
    "a band": (".mid", band),
    "karaoke": (".kar", karaoke),
    "a division": (".mid", divided),
    "RIFF": (".rmi", riff),
    "RIFF, named .mid": (".mid", riff),
    "format 0": (".mid", lambda r: header(2, kind=0) + chunk(tempo(480_000) + END) + chunk(played(r) + END)),
    "cut short": (".mid", cut),
    "wrong lengths": (".mid", wrong_lengths),
    "foreign chunks": (".mid", foreign),
    "no note-off": (".mid", never_off),
    "a channel a note": (".mid", channel_a_note),
    "running status": (".mid", running),
    "silence": (".mid", far),
    "bytes above 127": (".mid", lambda r: smf(bytes([0, 0xB0, 7, 255]) + notes(line(r), velocity=r.randrange(128, 256)))),
    "a pedal": (".mid", lambda r: smf(bytes([0, 0xB0, 64, 127]) + played(r))),
    "one pitch over another": (".mid", lambda r: smf(played(r), notes([60] * 20, 200), notes([60] * 20, 300))),
    "no length": (".mid", lambda r: smf(notes(line(r), 0))),
    "drums alone": (".mid", lambda r: smf(notes([36, 42] * 9, channel=9))),
    "one note": (".mid", lambda r: smf(notes([r.randrange(40, 80)]))),
    "no notes": (".mid", lambda r: smf(odd_event(r))),
    "no MIDI": (".mid", lambda r: r.choice((b"", b"<html>", r.randbytes(200), b"RIFF\0\0\0\0WAVEfmt ", b"MThd", b"\x89PNG\r\n"))),
    "bytes changed": (".mid", flipped),
}


def mixed(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """So many files: kind, name, bytes. All kinds in turn."""
    for number_of in range(count):
        kind = list(KINDS)[number_of % len(KINDS)]
        ending, make = KINDS[kind]
        yield kind, f"{number_of:05}{ending}", make(random.Random(f"{seed} {number_of}"))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a jam and training said of a file: None where it was read. differs: in what they disagree; empty for nothing."""

    jam: str | None
    train: str | None
    differs: str = ""

    @property
    def told(self) -> str:
        if self.differs:
            return "DIFFERS"
        if self.jam is None:
            return "read by both" if self.train is None else "no melody to learn from, for a jam alone"
        return "refused by both"


def compared(path: Path) -> Compared:
    """Read a file as `jam --player` and as `improv train` do."""
    part, jam = None, None
    try:
        part = read_part(path)
    except MidiFileError as e:
        jam = str(e)
    reading = read_file(path, How())
    piece = reading.pieces[0] if reading.pieces else None
    train = reading.skipped[0] if reading.skipped else None
    if part and piece:
        return Compared(jam, train, _difference(part, piece))
    alike = (part is None) == (piece is None) or (
        part is not None and train is not None and ("in its melody" in train or "no melody in it" in train)
    )
    return Compared(jam, train, "" if alike else f"jam: {jam or 'read'}; train: {train or 'read'}")


def _difference(part: Part, piece: Piece) -> str:
    """Bars, and where the notes of the melody are, in beats of the file."""
    if (piece.metres, piece.one) != (part.metres, part.pickup):
        return f"bars: jam {part.metres} after {part.pickup:g} beats, train {piece.metres} after {piece.one:g}"
    keeper = Timekeeper(Settings(tempo=part.tempo), part.metres)
    keeper.begin(0.0)
    heard, _, _, _ = in_beats(keeper, part.followed(0.0, running=True), [])
    ons = {(e.pitch, round(4 * e.time)) for e in heard if isinstance(e, NoteOn)}
    for onset, value in zip(piece.onsets, piece.values, strict=True):
        near = {round(4 * (onset / GRID + by)) for by in (-NEAR, 0.0, NEAR)}
        if not any((value.pitch, at) in ons for at in near):
            return f"pitch {value.pitch} on beat {onset / GRID:g} is not heard by a jam"
    return ""
