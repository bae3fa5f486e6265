"""Standard MIDI files, through mido. The only place that knows ticks and ppq."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import Changes
from improv.core.meter import FASTEST, SLOWEST

PPQ = 480
MOST_NOTES = 50_000  # of one player's part: hours of playing
DRUMS = 9
PLAIN = str.maketrans({"Δ": "^", "△": "^", "∆": "^", "♭": "b", "♯": "#", "−": "-", "–": "-", "˚": "°"})  # texts are Latin-1
CHANNELS = [c for c in range(16) if c != DRUMS]  # of the tracks


class MidiFileError(ImprovError):
    """A MIDI file that can't be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Part:
    """What a MIDI file plays: events in seconds from its start, the first tempo (bpm) and metre."""

    events: list[Event]
    tempo: float
    metre: tuple[int, int]


def read_part(path: str | Path) -> Part:
    """All notes and pedals of a file but the drums', tempo map applied. Raises MidiFileError."""
    try:
        file = mido.MidiFile(path)
        if not 1 <= file.ticks_per_beat < 0x8000:
            raise ValueError(f"its time division is {file.ticks_per_beat}, not ticks a quarter")
        messages = list(file)  # merged, times in seconds since the message before
    except FileNotFoundError:
        raise MidiFileError(f"{path}: no such file") from None
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, ZeroDivisionError) as e:
        raise MidiFileError(f"{path}: not a readable MIDI file ({type(e).__name__}: {e})") from None
    events: list[Event] = []
    time, tempo, metre, notes = 0.0, None, None, 0
    for message in messages:
        time += message.time
        if message.type == "set_tempo":
            tempo = tempo or mido.tempo2bpm(message.tempo)
        elif message.type == "time_signature":
            metre = metre or (message.numerator, message.denominator)
        elif getattr(message, "channel", DRUMS) == DRUMS:
            continue
        elif message.type == "note_on" and message.velocity:
            notes += 1
            events.append(NoteOn(time, message.note, message.velocity, message.channel))
        elif message.type in ("note_on", "note_off"):
            events.append(NoteOff(time, message.note, message.channel))
        elif message.type == "control_change":
            events.append(ControlChange(time, message.control, message.value, message.channel))
    if not notes:
        raise MidiFileError(f"{path}: no notes in it (drums on channel 10 don't count)")
    if notes > MOST_NOTES:
        raise MidiFileError(f"{path}: {notes:,} notes; a player's part has at most {MOST_NOTES:,}. Cut it into takes")
    tempo = round(tempo or 120.0, 3)
    if not SLOWEST <= tempo <= FASTEST:
        raise MidiFileError(f"{path}: its tempo is {tempo:g} bpm, outside {SLOWEST:g} to {FASTEST:g}; give one with --tempo")
    return Part(events, tempo, metre or (4, 4))


def write_take(
    path: str | Path,
    heard: Sequence[Event],
    played: Sequence[Event],
    tempos: Sequence[tuple[float, float]],
    metre: tuple[int, int],
    changes: Changes | None = None,
    names: Sequence[str] = ("improv",),
) -> None:
    """Write a take: a type 1 file with the tracks `player` and `improv`, tempo, metre, chords as markers.

    names: of the performers' tracks, by their numbers.

    Events with beats for times, beat 0 on a bar line, where the changes begin. tempos: (beat, bpm), in order; the first is
    that of the start. The file appears whole or not at all.
    """
    bar = 4.0 * metre[0] / metre[1]
    lead = -min((e.time for e in (*heard, *played)), default=0.0) / bar
    shift = max(0.0, float(-(-lead // 1))) * bar  # whole bars before beat 0, for what came before it

    conductor: list[tuple[float, mido.MetaMessage]] = [
        (0.0, mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1])),
    ]
    conductor += [(max(beat + shift, 0.0), mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))) for beat, tempo in tempos]
    tracks: list[list[tuple[float, mido.Message]]] = [[] for _ in ("player", *names)]
    moments = [(e.time, i, is_heard, e) for is_heard, part in ((True, heard), (False, played)) for i, e in enumerate(part)]
    moments.sort(key=lambda m: (m[0], m[2], m[1]))
    last = 0.0
    for beat, _, is_heard, event in moments:
        last = max(last, beat + shift)
        number = 0 if is_heard else 1 + min(max(getattr(event, "part", 0), 0), len(names) - 1)
        message = _message(event, CHANNELS[number % len(CHANNELS)])
        if message:
            tracks[number].append((beat + shift, message))
    if changes:
        conductor += [
            (at + shift, mido.MetaMessage("marker", text=str(chord).translate(PLAIN))) for at, chord in changes.spans(last - shift)
        ]
    file = mido.MidiFile(type=1, ticks_per_beat=PPQ)
    file.tracks.append(_track("improv", sorted(conductor, key=lambda m: m[0])))
    for name, part in zip(("player", *names), tracks, strict=True):
        file.tracks.append(_track(name, part))
    blob = io.BytesIO()
    file.save(file=blob)
    atomic_write({Path(path): blob.getvalue()})


def _message(event: Event, channel: int) -> mido.Message | None:
    if isinstance(event, NoteOn):
        return mido.Message("note_on", note=event.pitch, velocity=event.velocity, channel=channel)
    if isinstance(event, NoteOff):
        return mido.Message("note_off", note=event.pitch, channel=channel)
    if isinstance(event, ControlChange):
        return mido.Message("control_change", control=event.control, value=event.value, channel=channel)
    return None


def _track(name: str, messages: Iterable[tuple[float, mido.Message]]) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    before = 0
    for beat, message in messages:
        tick = max(before, round(beat * PPQ))
        track.append(message.copy(time=tick - before))
        before = tick
    return track
