"""From the events of a MIDI file to its notes, part by part: one reading for `jam --player` and `improv train` alike.

A part is one channel of a track; where each note has a channel of its own (MPE, RP-053), all channels of the track.
A note ends with the first note-off that no earlier note of its pitch took; one without ends where the next on its channel
begins, and the last with its track. Notes of no length do not sound. Minutes of silence before the first note are cut.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from improv.midi.smf import KEY, LARGEST, LYRIC, MARKER, METRE, TEMPO, TEXT, TRACK_NAME, Ints, MidiFileError, Table, read_table
from improv.midi.texts import readable
from improv.outside import OutsideError, read_file, why

Flags = NDArray[np.bool_]

DRUMS = 9  # a channel, from 0
MOST_NOTES = 100_000  # of a file, drums left out: hours of playing
MOST_BEATS = 50_000  # up to the last note: hours, too
SILENCE = 480  # beats without a note from which on they are cut
TEXTS = MARKER, LYRIC, TEXT


@dataclass(frozen=True)
class FilePart:
    """The notes of one part, in order of onset, a column each: ticks, ticks, 0-127, 1-127.

    channel: from 0; None where each note has its own. program: from 0, that of most of its notes. begins, ends: the rows of
    the file's table that each note's on and off have, -1 where there is no off.
    """

    track: int
    channel: int | None
    name: str
    program: int
    on: Ints
    off: Ints
    pitch: Ints
    velocity: Ints
    begins: Ints
    ends: Ints

    @property
    def drums(self) -> bool:
        return self.channel == DRUMS


@dataclass(frozen=True)
class MidiFile:
    """A file: its parts that sound, by track and channel, and what else it says, in order of ticks.

    tempi: (tick, microseconds a quarter). metres: (tick, count, unit). markers, words (of a song): (tick, text).
    odd: what was passed over, with counts. silence: beats cut before its first note; ticks count from there.
    """

    table: Table
    parts: list[FilePart]
    tempi: list[tuple[int, int]]
    metres: list[tuple[int, int, int]]
    markers: list[tuple[int, str]]
    words: list[tuple[int, str]]
    odd: Counter[str]
    silence: float = 0.0


def read_midi(path: str | Path) -> MidiFile:
    """Raises MidiFileError, whose text does not name the file."""
    try:
        table = read_table(read_file(Path(path), LARGEST))
    except OutsideError as e:
        raise MidiFileError(why(e, Path(path))) from None
    odd = table.odd.copy()
    tempi, metres = _tempi(table, odd), _metres(table, odd)
    odd["impossible key signatures"] += sum(m.kind == KEY and not _is_key(m.content) for m in table.metas)
    table, cut = _without_silence(table, metres)
    heard = _note_ons(table)
    notes = int(np.count_nonzero(heard & (table.status != 0x90 + DRUMS)))
    if notes > MOST_NOTES or np.count_nonzero(heard) > 5 * MOST_NOTES:
        raise MidiFileError(f"{notes:,} notes without drums; at most {MOST_NOTES:,} are read: cut it into takes")
    parts = _parts(table, odd)
    last = max((int(p.on[-1]) for p in parts), default=0) / table.ppq
    if last > MOST_BEATS:
        raise MidiFileError(f"its last note is on beat {last:,.0f}; at most {MOST_BEATS:,} are read")
    until = max((int(p.off.max()) for p in parts), default=0) / table.ppq
    if until > 2 * MOST_BEATS:
        raise MidiFileError(f"a note of it ends on beat {until:,.0f}; at most {2 * MOST_BEATS:,} are read")
    texts = sorted((m.tick, m.kind, readable(m.content)) for m in table.metas if m.kind in TEXTS)
    return MidiFile(
        table,
        parts,
        [(max(tick - cut, 0), tempo) for tick, tempo in tempi],
        [(max(tick - cut, 0), count, unit) for tick, count, unit in metres],
        [(tick, text) for tick, kind, text in texts if kind == MARKER],
        [(tick, text) for tick, kind, text in texts if kind != MARKER and text and not text.startswith("@")],
        +odd,
        cut / table.ppq,
    )


def _tempi(table: Table, odd: Counter[str]) -> list[tuple[int, int]]:
    found = sorted((m.tick, int.from_bytes(m.content[:3], "big") if len(m.content) >= 3 else 0) for m in table.metas if m.kind == TEMPO)
    odd["impossible tempi"] += sum(tempo == 0 for _, tempo in found)
    return [] if table.timed else [(tick, tempo) for tick, tempo in found if tempo]


def _metres(table: Table, odd: Counter[str]) -> list[tuple[int, int, int]]:
    found = []
    for meta in table.metas:
        if meta.kind == METRE:
            count, power = meta.content[:2] if len(meta.content) >= 2 else (0, 0)
            if count and power <= 6 and 0.25 <= 4 * count / 2**power <= 64:
                found.append((meta.tick, count, 2**power))
            else:
                odd["impossible time signatures"] += 1
    return sorted(found, key=lambda m: m[0])


def _is_key(content: bytes) -> bool:
    return len(content) >= 2 and (content[0] <= 7 or content[0] >= 249) and content[1] <= 1


def _without_silence(table: Table, metres: list[tuple[int, int, int]]) -> tuple[Table, int]:
    """The table without the whole bars before its first note, if they are many, and how many ticks those are."""
    heard = _note_ons(table)
    music = heard & (table.status != 0x90 + DRUMS)
    ons = table.tick[music if music.any() else heard]
    first = int(ons.min()) if len(ons) else 0
    if first <= SILENCE * table.ppq:
        return table, 0
    tick, count, unit = max((m for m in metres if m[0] <= first), key=lambda m: m[0], default=(0, 4, 4))
    bar = 4 * count / unit * table.ppq
    cut = int(tick + (first - tick) // bar * bar)
    metas = [m._replace(tick=max(m.tick - cut, 0)) for m in table.metas]
    return replace(table, tick=np.maximum(table.tick - cut, 0), ends=np.maximum(table.ends - cut, 0), metas=metas), cut


def _note_ons(table: Table) -> Flags:
    on: Flags = ((table.status & 0xF0) == 0x90) & (table.second > 0)
    return on


# Notes


def _parts(table: Table, odd: Counter[str]) -> list[FilePart]:
    begins, ends = _pairs(table)
    on, channel, track = table.tick[begins], table.status[begins] & 15, table.track[begins]
    own = _channel_a_note(table, track, channel)
    group = track * 17 + np.where(own[track], 16, channel) if len(track) else track
    off = np.where(ends >= 0, table.tick[ends], -1) if len(ends) else ends
    _end_hanging(table, group, on, off, track)
    sounds = off > on
    odd["notes without length"] += int(np.count_nonzero(~sounds))
    order = np.nonzero(sounds)[0]
    order = order[np.lexsort((begins[order], on[order], group[order]))]
    begins, ends, on, off, channel, group = (column[order] for column in (begins, ends, on, off, channel, group))
    pitch, velocity = table.first[begins], table.second[begins]
    names = {m.track: readable(m.content) for m in reversed(table.metas) if m.kind == TRACK_NAME}
    programs = _Programs(table)
    parts = []
    edges = [0, *(np.nonzero(np.diff(group))[0] + 1).tolist(), len(group)] if len(group) else []
    for i, j in itertools.pairwise(edges):
        at, of = divmod(int(group[i]), 17)
        program = programs.most(at, sorted(set(channel[i:j].tolist())) if of == 16 else [of], on[i:j])
        columns = on[i:j], off[i:j], pitch[i:j], velocity[i:j], begins[i:j], ends[i:j]
        parts.append(FilePart(at, of if of < 16 else None, names.get(at, ""), program, *columns))
    return parts


def _pairs(table: Table) -> tuple[Ints, Ints]:
    """The rows of all note-ons, and for each that of its note-off or -1."""
    ons = _note_ons(table)
    rows = np.nonzero((table.status & 0xE0) == 0x80)[0]
    key = (table.track[rows] * 16 + (table.status[rows] & 15)) * 128 + table.first[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    on = ons[rows]
    # How many sound after each event; an off at which none sounds makes a new lowest, and is nobody's.
    place = np.cumsum(np.concatenate([[0], key[1:] != key[:-1]])) if len(key) else key
    opens = np.searchsorted(place, np.arange(place[-1] + 1 if len(place) else 0))[place]
    step = np.where(on, 1, -1)
    level = np.cumsum(step)
    level -= (level - step)[opens]
    far = len(rows) + 1
    lowest = np.minimum.accumulate(np.minimum(level, 0) - place * far) + place * far
    before = np.where(np.arange(len(rows)) == opens, 0, np.concatenate([[0], lowest[:-1]]))
    used = on | (lowest == before)
    rows, on, place = rows[used], on[used], place[used]
    begins, ends = rows[on], np.full(int(on.sum()), -1, dtype=np.int64)
    of_on, of_off = place[on], place[~on]
    nth = np.arange(len(of_off)) - np.searchsorted(of_off, of_off)
    ends[np.searchsorted(of_on, of_off) + nth] = rows[~on]
    return begins, ends


def _end_hanging(table: Table, group: Ints, on: Ints, off: Ints, track: Ints) -> None:
    """Notes without a note-off: those whose `off` is -1 get one."""
    hanging = np.nonzero(off < 0)[0]
    if not len(hanging):
        return
    onsets, nth = np.unique(on, return_inverse=True)
    places = np.unique(group * len(onsets) + nth)  # all onsets of a group, in order, then those of the next
    following = np.minimum(np.searchsorted(places, (group * len(onsets) + nth)[hanging], side="right"), len(places) - 1)
    there = places[following]
    goes_on = (there // len(onsets) == group[hanging]) & (onsets[there % len(onsets)] > on[hanging])
    # At the very end of the track a note lasts a beat; where the end is far off, four.
    last = np.minimum(table.ends[track[hanging]], on[hanging] + int(4 * table.ppq))
    last = np.where(last > on[hanging], last, on[hanging] + max(int(table.ppq), 1))
    off[hanging] = np.where(goes_on, onsets[there % len(onsets)], last)


class _Programs:
    """The program changes of a file: (tick, program) for each track and channel, and what a channel has first anywhere."""

    def __init__(self, table: Table):
        rows = np.nonzero((table.status >= 0xC0) & (table.status < 0xD0))[0]
        columns = table.tick[rows], table.track[rows], table.status[rows] & 15, table.first[rows]
        self.own: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self.any: dict[int, int] = {}
        for tick, track, channel, program in sorted(zip(*(column.tolist() for column in columns), strict=True), key=lambda c: c[0]):
            self.own.setdefault((track, channel), []).append((tick, program))
            self.any.setdefault(channel, program)

    def most(self, track: int, channels: list[int], on: Ints) -> int:
        """The program that most notes of a part have, on these channels."""
        own = sorted(change for channel in channels for change in self.own.get((track, channel), ()))
        if len({program for _, program in own}) < 2:
            return own[0][1] if own else next((self.any[c] for c in channels if c in self.any), 0)
        at = np.maximum(np.searchsorted([tick for tick, _ in own], on, side="right") - 1, 0)
        return int(np.bincount(np.array([program for _, program in own])[at]).argmax())


def _channel_a_note(table: Table, track: Ints, channel: Ints) -> Flags:
    """For each track whether its notes have a channel each: it says so (MPE's RPN 6), or plays one program on three channels
    or more and bends each note before it begins."""
    own = np.zeros(len(table.ends), dtype=bool)
    for number in np.nonzero(np.bincount(np.unique(track * 16 + channel) // 16) >= 3)[0].tolist():
        channels, notes = np.unique(channel[slice(*np.searchsorted(track, (number, number + 1)))], return_counts=True)
        here = slice(*np.searchsorted(table.track, (number, number + 1)))  # tracks stand one after another
        kind, of = table.status[here] & 0xF0, table.status[here] & 15
        first, second = table.first[here], table.second[here]
        told = bool(np.any((kind == 0xB0) & (first == 100) & (second == 6) & ((of == 0) | (of == 15))))
        bends = np.bincount(of[kind == 0xE0], minlength=16)[channels]
        programs = {tuple(first[(kind == 0xC0) & (of == c)].tolist()) for c in channels.tolist()}
        own[number] = told or (len(programs) == 1 and bool(np.all(bends >= notes)))
    return own
