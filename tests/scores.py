"""Small files that tests write: MIDI with named tracks, and an iReal Pro link."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mido


def track(
    name: str, pitches: Sequence[int | tuple[int, ...]], step: int = 240, length: int | None = None, channel: int = 0, program: int = 0
) -> mido.MidiTrack:
    """Notes one after another, `step` ticks apart (480 a beat), each or each chord `length` ticks long."""
    length = step if length is None else length
    made = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    made.append(mido.Message("program_change", program=program, channel=channel))
    for chord in pitches:
        struck = (chord,) if isinstance(chord, int) else chord
        made += [mido.Message("note_on", note=p, velocity=70, channel=channel) for p in struck]
        made += [mido.Message("note_off", note=p, time=0 if i else length, channel=channel) for i, p in enumerate(struck)]
        if step > length:
            made.append(mido.MetaMessage("text", text="", time=step - length))
    return made


def midi(path: Path, *tracks: mido.MidiTrack, tempo: int = 500_000, metre: tuple[int, int] = (4, 4), more: Sequence[Any] = ()) -> Path:
    """A file of these tracks; tempo in microseconds a beat."""
    file = mido.MidiFile(ticks_per_beat=480)
    first = [mido.MetaMessage("set_tempo", tempo=tempo), mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1])]
    file.tracks.append(mido.MidiTrack([*first, *more]))
    file.tracks.extend(tracks)
    file.save(path)
    return path


LINE = [60 + (7 * i) % 12 for i in range(32)]
BASS = track("Bass", [36] * 16, 480, channel=2, program=33)
DRUMS = track("Kit", [38, 42] * 16, 240, channel=9)
CHORDS = track("Piano", [(60, 64, 67), (62, 65, 69)] * 8, 480, channel=1)
SAX = track("Tenor Sax", LINE, channel=3, program=66)
