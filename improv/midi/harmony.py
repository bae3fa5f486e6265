"""The harmony of a MIDI file: written in it as chord symbols, or heard in what accompanies its melody.

Programs write symbols as markers, as texts or lyrics of a track of their own, or between a song's words as `[Am7]` or `%Am7`; Yamaha's
keyboards write chords of their own kind. A file that has them is believed. Otherwise chord track, accompaniment, left hand and bass are
heard, all together and with the pedal.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.harmony import NO_CHORD, Changes, Chord, HarmonyError, parse_chord
from improv.core.harmony.ear import Hears
from improv.core.harmony.frames import SoundingNote
from improv.core.harmony.spelling import Key
from improv.core.harmony.whole import HeardChart, chart_of_chords, chords_of, hear_whole, key_of
from improv.core.metres import Metres
from improv.midi.bars import bars_of
from improv.midi.parts import DRUMS, FilePart, MidiFile
from improv.midi.smf import KEY, LYRIC, MARKER, SPECIFIC, TEXT, Ints
from improv.midi.texts import readable
from improv.midi.yamaha_xf import xf_symbol

WRITTEN, HEARD, NONE = "written", "heard", "none"
FEWEST, SHARE = 2, 0.8  # symbols of a track; share of its texts that must be symbols
SURE = 0.5  # the mean probability of root and triad from which on what is heard is believed
MOST_BEATS = 20_000  # that are listened to
PEDAL = 64
ONE_AT_A_TIME, HIGH = 0.9, 60  # share of a line's notes that begin when no other sounds; its median pitch
_MARKED = re.compile(r"^\s*(?:\[([^\]\s]+)\]|%(\S+)|(?:chord|akkord|accord)\s*[:=]\s*(\S+))", re.IGNORECASE)


@dataclass(frozen=True)
class FileHarmony:
    """how: WRITTEN, HEARD or NONE. spans: (beat of the file, chord), each until the next. key: that the file says, or that is heard.

    chart: from bar one on, None where there is none.
    """

    how: str
    spans: tuple[tuple[float, Chord], ...] = ()
    key: Key | None = None
    chart: HeardChart | None = None

    @property
    def changes(self) -> Changes | None:
        """In the file's beats, once through."""
        if not self.spans:
            return None
        return Changes([at for at, _ in self.spans], [chord for _, chord in self.spans], math.inf, loop=False)


def harmony_of(file: MidiFile, ear: Callable[[], Hears] | None, line: FilePart | None = None) -> FileHarmony:
    """What a file says of its harmony. ear: makes what listens where nothing is written; None: nothing is heard then.

    line: the part that is the melody; without it, each part that sounds like one. Where there is nothing but a line, nothing is heard.
    """
    if spans := written_in(file):
        return _written(file, spans)
    if ear is None or not (notes := _sounding(file, line)) or all(note.line for note in notes):
        return FileHarmony(NONE, key=said_key(file))
    return _heard(file, notes, ear())


def said_key(file: MidiFile) -> Key | None:
    """The key that the file says first, where it says one; C major alone is what programs write that know none."""
    keys = [m.content for m in file.table.metas if m.kind == KEY and len(m.content) >= 2 and m.content[1] <= 1]
    signs = [(c[0] - 256 if c[0] > 127 else c[0], bool(c[1])) for c in keys]
    if not signs or all(sign == (0, False) for sign in signs) or abs(signs[0][0]) > 7:
        return None
    count, minor = signs[0]
    return Key((7 * count + (9 if minor else 0)) % 12, minor)


def written_in(file: MidiFile) -> list[tuple[float, Chord]]:
    """Symbols of the track and the kind of text that have most of them, in beats of the file; empty where none is full of them."""
    groups: dict[tuple[int, int], list[tuple[int, str]]] = defaultdict(list)
    for meta in file.table.metas:
        if meta.kind in (MARKER, TEXT, LYRIC) and (text := readable(meta.content).strip()) and not text.startswith("@"):
            groups[meta.track, meta.kind].append((meta.tick, text))
        elif meta.kind == SPECIFIC and (symbol := xf_symbol(meta.content)) is not None:
            groups[meta.track, meta.kind].append((meta.tick, symbol))
    best: list[tuple[int, Chord]] = []
    for texts in groups.values():
        marked = [(tick, chord) for tick, text in texts if (chord := _symbol(text, marked=True)) is not None]
        plain = [(tick, chord) for tick, text in texts if (chord := _symbol(text)) is not None]
        found = plain if len(plain) >= SHARE * len(texts) else marked
        if len(found) >= FEWEST and len(found) > len(best) and any(chord.root is not None for _, chord in found):
            best = found
    return [(tick / file.table.ppq, chord) for tick, chord in sorted(best, key=lambda s: s[0])]


def _symbol(text: str, marked: bool = False) -> Chord | None:
    """The chord that a text is. marked: only if it says that it is one."""
    found = _MARKED.match(text)
    if marked and not found:
        return None
    try:
        return parse_chord(next(filter(None, found.groups())) if found else text)
    except HarmonyError:
        return None


def _written(file: MidiFile, spans: Sequence[tuple[float, Chord]]) -> FileHarmony:
    bars = bars_of(file)
    beats = _beats(file, bars.one)
    starts, chords = [at - bars.one for at, _ in spans], [chord for _, chord in spans]
    by_beat = [chords[i] if (i := int(np.searchsorted(starts, beat + 0.5, side="right")) - 1) >= 0 else NO_CHORD for beat in range(beats)]
    key = said_key(file)
    chart = chart_of_chords(by_beat, bars.metres, key) if by_beat else None
    return FileHarmony(WRITTEN, tuple(spans), key, chart)


def _heard(file: MidiFile, notes: list[SoundingNote], network: Hears) -> FileHarmony:
    bars = bars_of(file)
    early = max(0, math.ceil((bars.one - notes[0].on) / bars.metres.first.bar - 1e-6)) * bars.metres.first.bar
    begin = bars.one - early
    for note in notes:
        note.on, note.off = note.on - begin, note.off - begin
    beats = min(math.ceil(max(note.off for note in notes) - 0.25), MOST_BEATS)

    def within(beat: float) -> float:
        return bars.metres.within_bar(beat - early)

    heard = hear_whole(network, notes, beats, within)
    sounds = [h for h in heard if h.none < 0.5]
    key = said_key(file) or key_of(sounds or heard)
    sure = float(np.mean([h.confidence for h in sounds])) if sounds else 0.0
    if sure < SURE:
        return FileHarmony(NONE, key=key)
    shifted = (
        bars.metres if not early else Metres(((0.0, bars.metres.first.metre), *((at + early, m) for at, m in bars.metres.changes[1:])))
    )
    chords = chords_of(heard, shifted, said_key(file))
    spans = tuple((begin + beat, chord) for beat, chord in enumerate(chords) if not beat or chord != chords[beat - 1])
    chart = chart_of_chords(chords[round(early) :], bars.metres, key, sure)
    return FileHarmony(HEARD, spans, key, chart)


def _beats(file: MidiFile, one: float) -> int:
    """Beats from bar one to the end of what sounds."""
    last = max((int(p.off.max()) for p in file.parts), default=0) / file.table.ppq
    return min(max(math.ceil(last - one - 0.25), 0), MOST_BEATS)


def _sounding(file: MidiFile, line: FilePart | None) -> list[SoundingNote]:
    """All notes but the drums', in order, in beats; those of a line marked."""
    parts = [p for p in file.parts if not p.drums and len(p.on)]
    lines = [p is line if line is not None else is_line(p) for p in parts]
    ups = _pedals(file)
    notes = []
    for part, is_a_line in zip(parts, lines, strict=True):
        channels = (file.table.status[part.begins] & 15).tolist()
        columns = (column.tolist() for column in (part.on, part.off, part.pitch, part.velocity))
        for on, off, pitch, velocity, channel in zip(*columns, channels, strict=True):
            off = _held(ups.get(channel), off)
            notes.append(SoundingNote(on / file.table.ppq, off / file.table.ppq, pitch, velocity, is_a_line))
    return sorted(notes, key=lambda note: (note.on, note.pitch))


def is_line(part: FilePart) -> bool:
    """Whether a part is one line, and a high one."""
    ends = np.maximum.accumulate(part.off)
    alone = (1 + int(np.count_nonzero(part.on[1:] >= ends[:-1] - 0.1 * (part.off - part.on)[:-1]))) / len(part.on)
    return alone >= ONE_AT_A_TIME and float(np.median(part.pitch)) >= HIGH


def _pedals(file: MidiFile) -> dict[int, tuple[Ints, Ints]]:
    """The pedal of each channel that uses it: the ticks at which it moves, and whether it is down from then on."""
    table = file.table
    rows = np.flatnonzero(((table.status & 0xF0) == 0xB0) & (table.first == PEDAL))
    found = {}
    for channel in np.unique(table.status[rows] & 15).tolist():
        mine = rows[(table.status[rows] & 15) == channel]
        mine = mine[np.argsort(table.tick[mine], kind="stable")]
        if channel != DRUMS:
            found[channel] = table.tick[mine], (table.second[mine] >= PEDAL).astype(np.int64)
    return found


def _held(pedal: tuple[Ints, Ints] | None, off: int) -> int:
    """When a note that is let go stops: when the pedal comes up, if it is down."""
    if pedal is None:
        return off
    ticks, down = pedal
    at = int(np.searchsorted(ticks, off, side="right")) - 1
    if at < 0 or not down[at]:
        return off
    up = np.flatnonzero(down[at:] == 0)
    return int(ticks[at + up[0]]) if len(up) else off
