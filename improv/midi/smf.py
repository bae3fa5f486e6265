"""The events in the bytes of a standard MIDI file, read with mercy: what can be read is, what is odd is passed over and counted.

It knows bytes, chunks and ticks, and no notes: `parts.py` makes notes of them. All events stand in one table of numpy
columns, so that ten thousand files for training are read as fast as by a library in C++, with no other law than a jam's.
Standard MIDI Files 1.0 is the MMA's RP-001; .rmi, a MIDI file inside a RIFF file, its RP-029.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from improv.core.errors import ImprovError

Ints = NDArray[np.int64]

LARGEST = 8 * 2**20  # bytes of a file: hours of playing take one of them
MOST_TRACKS = 512
LEAD = 256  # bytes that may stand before the header: a MacBinary or a RIFF one
TEXT, TRACK_NAME, LYRIC, MARKER, END, TEMPO, METRE, KEY, SPECIFIC = 1, 3, 5, 6, 0x2F, 0x51, 0x58, 0x59, 0x7F
_WANTED = (TEXT, TRACK_NAME, LYRIC, MARKER, TEMPO, METRE, KEY, SPECIFIC)
_RATES = {24: 24.0, 25: 25.0, 29: 30 / 1.001, 30: 30.0}  # frames a second, of SMPTE divisions

# Bytes of an event after its delta, by the byte there; a data byte there is one of two, of an event with running status.
_SIZES = np.array([2] * 128 + [3] * 64 + [2] * 32 + [3] * 16 + [0, 2, 3, 2, 1, 1, 1, 0, *[1] * 7, 0], dtype=np.int32)
_DATA, _ONE = np.arange(256) < 128, (np.arange(256) >= 0xC0) & (np.arange(256) < 0xE0)
_TWO = ~_DATA & ~_ONE & (np.arange(256) < 0xF0)


class MidiFileError(ImprovError):
    """A MIDI file that can't be used; the message says what is wrong with it."""


class Meta(NamedTuple):
    """A meta event: one of the kinds above, and its bytes."""

    tick: int
    track: int
    kind: int
    content: bytes


@dataclass(frozen=True)
class Table:
    """All events of a file, track after track.

    ppq: ticks a quarter. timed: whether ticks are fractions of a second, so that no tempo counts and ppq supposes 120 bpm.
    tick, track, status, first, second: a column each, an entry an event; status is 0 where none was ever said.
    ends: the tick at which each track ends. odd: what was passed over, with counts.
    """

    ppq: float
    timed: bool
    tick: Ints
    track: Ints
    status: Ints
    first: Ints
    second: Ints
    metas: list[Meta]
    ends: Ints
    odd: Counter[str] = field(default_factory=Counter)


def is_midi(head: bytes) -> bool:
    """Whether a file that begins so is a MIDI file, bare, in RIFF or in MacBinary."""
    return _header(head[: LEAD + 4]) >= 0


def read_table(blob: bytes) -> Table:
    """The events of a file's bytes, LARGEST at the most. Raises MidiFileError when they are no MIDI file."""
    header = _header(blob[: LEAD + 4])
    if header < 0 or len(blob) < header + 14:
        raise MidiFileError("not a readable MIDI file (its header is missing)")
    ppq, timed = _division(blob[header + 12 : header + 14])
    odd: Counter[str] = Counter()
    size = int.from_bytes(blob[header + 4 : header + 8], "big")
    chunks = _tracks(blob, header + 8 + (size if 6 <= size < len(blob) else 6), odd)
    return _decoded(blob, chunks, ppq, timed, odd)


def _header(head: bytes) -> int:
    """Where the header begins, or -1."""
    if head.startswith(b"MThd"):
        return 0
    at = head.find(b"MThd")
    in_riff = head.startswith(b"RIFF") and head[8:12] == b"RMID"
    return at if at == 128 or in_riff else -1  # 128 bytes: MacBinary


def _division(raw: bytes) -> tuple[float, bool]:
    """Ticks a quarter, and whether ticks are really fractions of a second."""
    division = int.from_bytes(raw, "big")
    rate = _RATES.get(256 - raw[0])
    if rate and raw[1]:
        return rate * raw[1] / 2.0, True
    if division == 0:
        raise MidiFileError("not a readable MIDI file (its time division is 0)")
    return float(division), False  # above 32767 and no SMPTE rate: so many ticks, as the Weimar Jazz Database's files have


def _tracks(blob: bytes, at: int, odd: Counter[str]) -> list[tuple[int, int]]:
    """(first byte, byte after the last) of each track. A length that can't be right goes to the next track, or to the end."""
    tracks: list[tuple[int, int]] = []
    while at + 8 <= len(blob) and len(tracks) < MOST_TRACKS:
        start, end = at + 8, at + 8 + int.from_bytes(blob[at + 4 : at + 8], "big")
        if blob[at : at + 4] == b"MTrk":
            if end > len(blob) or not (blob[end - 3 : end] == b"\xff\x2f\0" or end == len(blob) or _is_chunk(blob, end)):
                odd["wrong track lengths"] += 1
                following = blob.find(b"MTrk", start)
                end = following if following >= 0 else len(blob)
            tracks.append((start, end))
        elif end > len(blob) or not _is_chunk(blob, at):  # lost: go on at the next track, if there is one
            end = blob.find(b"MTrk", at + 1)
            if end < 0:
                break
        at = end
    return tracks


def _is_chunk(blob: bytes, at: int) -> bool:
    name = blob[at : at + 4]
    return len(name) == 4 and all(32 <= c < 127 for c in name)


def _decoded(blob: bytes, chunks: list[tuple[int, int]], ppq: float, timed: bool, odd: Counter[str]) -> Table:
    b = np.frombuffer(blob + bytes(8), dtype=np.uint8)
    # For each byte the next one from it on that is below 128: the last one of a number that begins here.
    last = np.minimum.accumulate(np.where(b < 128, np.arange(len(b), dtype=np.int32), np.int32(len(blob)))[::-1])[::-1]
    starts, counts = _starts(b, last, chunks)
    track = np.repeat(np.arange(len(chunks)), counts)
    opens = (np.cumsum(counts) - counts)[track]  # for each event the first of its track
    at = last[starts] + 1
    own = b[at] >= 128  # has a status of its own
    data = at + own
    rows = np.arange(len(at))
    spoken = np.maximum.accumulate(np.where(own & (b[at] < 0xF0), rows, -1)) if len(at) else rows
    status = np.where(own, b[at], np.where(spoken >= opens, b[at[spoken]], 0)).astype(np.int64)
    delta = _numbers(b, starts, at - 1)
    tick = np.cumsum(delta)
    tick -= (tick - delta)[opens]
    metas = []
    for row in np.nonzero(status == 0xFF)[0].tolist():
        at_kind = int(data[row])
        if blob[at_kind] in _WANTED:
            begin = int(last[at_kind + 1]) + 1
            size = 0
            for byte in blob[max(at_kind + 1, begin - 5) : begin]:
                size = size << 7 | byte & 127
            metas.append(Meta(int(tick[row]), int(track[row]), blob[at_kind], blob[begin : begin + size]))
    first, second = b[data].astype(np.int64), b[data + 1].astype(np.int64)
    channels = (status >= 128) & (status < 0xF0)
    above = np.count_nonzero(channels & (first > 127)) + np.count_nonzero(channels & (_SIZES[status] == 3) & (second > 127))
    if above:
        odd["data bytes above 127, read as 127"] += int(above)
    ends = np.zeros(len(chunks), dtype=np.int64)
    ends[track] = tick  # that of the last event stays
    return Table(ppq, timed, tick, track, status, np.minimum(first, 127), np.minimum(second, 127), metas, ends, odd)


def _starts(b: NDArray[np.uint8], last: NDArray[np.int32], chunks: list[tuple[int, int]]) -> tuple[Ints, Ints]:
    """Where events begin, and how many each track has; an event that is cut off by the end of its track is none.

    Where the next event begins depends on where this one does, and, if it has running status, on how many data bytes that
    status has: one or two. So for all bytes and both cases it is foretold at once, and then only followed from start to start.
    A byte's number is the case of two data bytes, that number and n the case of one, and 0 is the end.
    """
    n = len(b)
    at = np.minimum(last + 1, n - 1)
    status = b[at]
    two = at + (_SIZES + n * _ONE).astype(np.int32)[status]
    one = at + (_SIZES - _DATA + n * ~_TWO).astype(np.int32)[status]
    sized = np.nonzero(_SIZES[status] == 0)[0]  # metas and sysexes say how long they are
    size_from = np.minimum(at[sized] + 1 + (status[sized] == 0xFF), n - 1)
    after = last[size_from] + 1 + _numbers(b, size_from, last[size_from])
    two[sized] = one[sized] = np.where((status[sized] == 0xFF) & (b[size_from - 1] == END), 0, np.minimum(after, n - 1))
    one[sized] += n * (two[sized] > 0)
    follows = np.concatenate([two, one])
    nodes: list[int] = []
    counts = []
    for start, end in chunks:
        # What ends with the track or beyond it: events of known size only at its very end, others anywhere.
        among = slice(*np.searchsorted(sized, (start, end)))
        late = np.concatenate([np.arange(np.searchsorted(at[start:end], end - 3) + start, end), sized[among]])
        late = np.concatenate([late, late + n])
        beyond = follows[late] % n > end
        follows[late[follows[late] % n >= end]] = 0
        cut = set(late[beyond].tolist())
        before, node = len(nodes), start if start < end else 0
        step, add = follows.data, nodes.append
        while node:
            add(node)
            node = step[node]
        if len(nodes) > before and nodes[-1] in cut:
            nodes.pop()
        counts.append(len(nodes) - before)
    return np.array(nodes, dtype=np.int64) % n, np.array(counts, dtype=np.int64)


def _numbers(b: NDArray[np.uint8], first: Ints, last: Ints) -> Ints:
    """Variable-length numbers, seven bits a byte, whose first and last bytes stand there; of longer ones the last five bytes."""
    value = np.zeros(len(first), dtype=np.int64)
    longest = int((last - first).max()) + 1 if len(first) else 0
    for k in range(min(longest, 5)):
        value |= np.where(last - k >= first, (b[last - k].astype(np.int64) & 127) << (7 * k), 0)
    return value
