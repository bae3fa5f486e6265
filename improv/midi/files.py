"""A MIDI file as the player, and a take as a MIDI file. Reading is `parts.py`'s; writing goes through mido."""

from __future__ import annotations

import heapq
import io
import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mido
import numpy as np

from improv.atomic import atomic_write
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting, Transport
from improv.core.harmony import Changes
from improv.core.meter import FASTEST, SLOWEST, limited
from improv.core.metres import FOUR, LIMITS, Metres
from improv.midi.bars import bars_of
from improv.midi.parts import DRUMS, MidiFile, read_midi
from improv.midi.smf import END, Ints, MidiFileError
from improv.midi.tracks import Track

PPQ = 480
PLAIN = str.maketrans({"Δ": "^", "△": "^", "∆": "^", "♭": "b", "♯": "#", "−": "-", "–": "-", "˚": "°"})  # texts are Latin-1
CHANNELS = [c for c in range(16) if c != DRUMS]  # of the tracks
USUAL = 500_000  # microseconds a quarter where nothing is said
MOST_SECONDS = 24 * 3600  # from its beginning to its end
AFTER = 16  # beats after the last note in which controllers still count
PEDAL = 64


@dataclass(frozen=True)
class Part:
    """What a MIDI file plays. events: in seconds from its start. tempo: bpm at its first note.

    metres: of its bars; pickup: beats before bar one. tempi: (seconds, bpm), where it changes after its first note, so that a beat
    of the file is the same beat of the performance. told: what of the file was passed over or taken otherwise, a line each.
    """

    events: list[Event]
    tempo: float
    metres: Metres = FOUR
    pickup: float = 0.0
    tempi: tuple[tuple[float, float], ...] = ()
    told: tuple[str, ...] = ()

    def script(self, after: float = 0.0) -> list[Event]:
        """Its events alone, so many seconds later: its first note is beat one, at a tempo of the performance's own."""
        return [replace(e, time=e.time + after) for e in self.events]

    def followed(self, after: float, running: bool) -> list[Event]:
        """Its events with its beats, of which the performance is told: its changes of tempo, and its bar one where they matter.

        Where it is in one metre from its first note on, that is beat one, as it would be live.
        after: seconds of a count-in before bar one. running: whether the beat runs from 0 s on without being told.
        """
        begin: list[Event] = []
        if self.pickup and after:
            after = max(after - self.pickup * 60.0 / self.tempo, 0.0)
        elif self.pickup:
            begin.append(Transport(0.0, "position", -self.pickup))
        if not running and (self.pickup or not self.metres.one):
            begin.append(Transport(0.0, "continue" if self.pickup else "start"))
        changes = [Setting(time + after, "tempo", tempo) for time, tempo in self.tempi]
        return list(heapq.merge(begin, changes, self.script(after), key=lambda e: e.time))


class TempoMap:
    """Ticks to seconds. Before the first note nobody plays, so the tempo there is the first note's.

    A tempo beyond what improv can count is taken as the limit: notes and beats stay together.
    """

    def __init__(self, file: MidiFile, first: int, last: int):
        """first, last: the ticks between which there are notes."""
        self.ppq = file.table.ppq
        before = [tempo for tick, tempo in file.tempi if tick <= first]
        said = [(0, before[-1] if before else USUAL), *(change for change in file.tempi if first < change[0] <= last)]
        self.ticks = [tick for tick, _ in said]
        self.tempi = [min(max(tempo, round(60e6 / FASTEST)), round(60e6 / SLOWEST)) for _, tempo in said]
        self.beyond = next((60e6 / tempo for (_, tempo), taken in zip(said, self.tempi, strict=True) if tempo != taken), None)
        self.starts = [0.0]
        for (a, b), tempo in zip(itertools.pairwise(self.ticks), self.tempi, strict=False):
            self.starts.append(self.starts[-1] + (b - a) * (tempo * 1e-6 / self.ppq))

    def seconds(self, tick: float) -> float:
        i = bisect_right(self.ticks, tick) - 1
        return self.starts[i] + (tick - self.ticks[i]) * (self.tempi[i] * 1e-6 / self.ppq)

    def seconds_of(self, ticks: Ints) -> np.ndarray[Any, np.dtype[np.float64]]:
        """For ascending ticks, among which are all those at which the tempo changes."""
        before = np.concatenate([[0], ticks[:-1]])
        tempi = np.array(self.tempi)[np.searchsorted(self.ticks, before, side="right") - 1]
        return np.cumsum((ticks - before) * (tempi * 1e-6 / self.ppq))

    def steps(self) -> list[tuple[float, float]]:
        """(seconds, bpm) of the changes of tempo; several within a beat are one, so that the next beat is right."""
        found: list[tuple[float, float]] = []
        last = float(self.tempi[0])
        tick: float | None = self.ticks[1] if len(self.ticks) > 1 else None
        while tick is not None:
            here, on = tick, (tick // self.ppq + 1) * self.ppq
            i = bisect_right(self.ticks, here)
            following = self.ticks[i] if i < len(self.ticks) else None
            if following is None or following >= on:
                tempo, tick = float(self.tempi[i - 1]), following
            else:
                tempo, tick = 1e6 * (self.seconds(on) - self.seconds(here)) * self.ppq / (on - here), on
            if tempo != last:
                found.append((self.seconds(here), round(limited(60e6 / tempo), 6)))
            last = tempo
        return found


def read_part(path: str | Path) -> Part:
    """All notes and controllers of a file but the drums'. Raises MidiFileError."""
    try:
        file = read_midi(path)
    except MidiFileError as e:
        raise MidiFileError(f"{path}: {e}") from None
    music = [p for p in file.parts if not p.drums]
    if not music:
        none = file.odd["notes without length"]
        why = f"that last ({none} of no length)" if none else "(drums on channel 10 don't count)"
        raise MidiFileError(f"{path}: no notes in it {why}")
    first = min(int(p.on[0]) for p in music)
    tempi = TempoMap(file, first, max(int(p.off.max()) for p in music))
    bars = bars_of(file)
    told = []
    events = sorted(_events(file, tempi), key=lambda e: e[:2])
    if bars.passed:
        told.append(f"{bars.passed} time signatures that can't be counted are passed over: {LIMITS}")
    if not events[-1][2].time - events[0][2].time <= MOST_SECONDS:
        raise MidiFileError(f"{path}: {events[-1][2].time / 3600:,.0f} hours of music; at most {MOST_SECONDS // 3600} are played")
    if file.odd:
        told.append("passed over: " + ", ".join(f"{what} ({count})" for what, count in file.odd.items()))
    if file.silence:
        told.append(f"{file.silence:,.0f} beats of silence before its first note are left out")
    if tempi.beyond:
        told.append(f"its tempo of {tempi.beyond:.4g} bpm is taken as {limited(tempi.beyond):g}: {SLOWEST:g} to {FASTEST:g} can be counted")
    lines = tuple(f"{path}: {line}" for line in told)
    return Part([e for _, _, e in events], round(60e6 / tempi.tempi[0], 3), bars.metres, bars.one, tuple(tempi.steps()), lines)


def _events(file: MidiFile, tempi: TempoMap) -> Iterable[tuple[int, int, Event]]:
    """(tick, place among what has the same tick, event); a note without a note-off ends before all else there."""
    table = file.table
    merged = np.argsort(table.tick, kind="stable")
    merged = merged[~((table.status[merged] == 0xFF) & (table.first[merged] == END))]
    place, time = np.zeros(len(table.tick), dtype=np.int64), np.zeros(len(table.tick))
    place[merged] = np.arange(len(merged))
    time[merged] = tempi.seconds_of(table.tick[merged])
    music = [p for p in file.parts if not p.drums]
    for part in music:
        channels = (table.status[part.begins] & 15).tolist()
        columns = part.on, place[part.begins], time[part.begins], part.pitch, part.velocity, part.off, part.ends
        for channel, row in zip(channels, zip(*(column.tolist() for column in columns), strict=True), strict=True):
            tick, at, seconds, pitch, velocity, off, end = row
            yield tick, at, NoteOn(seconds, pitch, velocity, channel)
            yield (
                off,
                int(place[end]) if end >= 0 else -1,
                NoteOff(float(time[end]) if end >= 0 else tempi.seconds(off), pitch, channel),
            )
    last = max(int(p.off.max()) for p in music)
    own = np.isin(table.track, [p.track for p in music if p.channel is None])
    controls = ((table.status & 0xF0) == 0xB0) & ((table.status != 0xB0 + DRUMS) | own) & (table.tick <= last + AFTER * table.ppq)
    down: set[int] = set()
    for row in merged[controls[merged]].tolist():
        channel, control, value = int(table.status[row]) & 15, int(table.first[row]), int(table.second[row])
        yield int(table.tick[row]), int(place[row]), ControlChange(float(time[row]), control, value, channel)
        if control == PEDAL:
            (down.add if value >= 64 else down.discard)(channel)
    end = max(last, *(int(table.tick[row]) for row in np.nonzero(controls)[0][-1:]), 0)
    for channel in sorted(down):  # as a note without its note-off, a pedal that never comes up ends with the file
        yield end, len(merged), ControlChange(tempi.seconds(end), PEDAL, 0, channel)


def write_take(
    path: str | Path,
    heard: Sequence[Event],
    played: Sequence[Event],
    tempos: Sequence[tuple[float, float]],
    metres: Metres,
    changes: Changes | None = None,
    performers: Sequence[Track] = (Track("improv"),),
) -> None:
    """Write a take: a type 1 file with the tracks `player` and `improv`, tempo, metres, chords as markers.

    performers: their tracks, by their numbers.

    Events with beats for times, beat 0 on a bar line, where metres and changes begin. tempos: (beat, bpm), in order; the first is
    that of the start. The file appears whole or not at all.
    """
    bar = metres.first.bar
    lead = -min((e.time for e in (*heard, *played)), default=0.0) / bar
    shift = max(0.0, float(-(-lead // 1))) * bar  # whole bars before beat 0, for what came before it
    end = max((e.time for e in (*heard, *played)), default=0.0)

    conductor: list[tuple[float, mido.MetaMessage]] = [
        (at + shift if at else 0.0, mido.MetaMessage("time_signature", numerator=count, denominator=unit))
        for at, (count, unit) in metres.turned(0.0).changes
        if at <= end
    ]
    conductor += [(max(beat + shift, 0.0), mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))) for beat, tempo in tempos]
    all_tracks = (Track("player"), *performers)
    free = iter(CHANNELS * (1 + len(all_tracks) // len(CHANNELS)))
    channels = [DRUMS if track.drums else next(free) for track in all_tracks]
    tracks: list[list[tuple[float, mido.Message]]] = [
        [] if t.program is None or t.drums else [(0.0, mido.Message("program_change", program=t.program, channel=c))]
        for t, c in zip(all_tracks, channels, strict=True)
    ]
    moments = [(e.time, i, is_heard, e) for is_heard, part in ((True, heard), (False, played)) for i, e in enumerate(part)]
    moments.sort(key=lambda m: (m[0], m[2], m[1]))
    last = 0.0
    for beat, _, is_heard, event in moments:
        last = max(last, beat + shift)
        number = 0 if is_heard else 1 + min(max(getattr(event, "part", 0), 0), len(performers) - 1)
        message = _message(event, channels[number])
        if message:
            tracks[number].append((beat + shift, message))
    if changes:
        symbols = [(at + shift, str(chord).translate(PLAIN)) for at, chord in changes.spans(last - shift)]
        conductor += [(at, mido.MetaMessage("marker", text=symbol)) for at, symbol in symbols]
    file = mido.MidiFile(type=1, ticks_per_beat=PPQ)
    file.tracks.append(_track("improv", sorted(conductor, key=lambda m: m[0])))
    for track, part in zip(all_tracks, tracks, strict=True):
        file.tracks.append(_track(track.name, part))
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
