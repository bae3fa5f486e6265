"""What hearing is worth to the model that plays: nats a note of real soloists over the chords that are heard.

The ear hears the bass and the line, or the line alone, up to each note and not beyond it; which chord comes is foretold. So the
figures lie between those over no changes and those over the changes that were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from improv.core.harmony import NO_CHORD, OPEN, Chord, HarmonicContext
from improv.core.harmony.coming import NextChord, quality_of
from improv.core.harmony.ear import QUALITIES, Ear, EarHeard, Hearing, Hears, heard_chord
from improv.core.harmony.form import FormMemory
from improv.core.harmony.frames import Frame, frame_of
from improv.core.harmony.spelling import Key
from improv.core.note_model import NoteModel
from improv.core.vocabulary import GRID
from improv.train.ear.examples import frames_of
from improv.train.ear.score import online
from improv.train.ear.songs import NONE, EarTake, solo_take
from improv.train.evaluation.next_note import foretell, score
from improv.train.piece import Piece

LOOKS = 2  # bars between two looks for the form
AHEAD, FORESEEN = 8, 0.5  # beats that are looked ahead; from which probability on a chord of the form is told
LIKELY = 0.3  # from which probability on the likeliest next chord is told
LATE = 0.04  # beats by which the bass may be later than a note with which it sounds
_ANY_KEY = np.full((12, 2), 1 / 24)
SURE = 0.35  # from which probability of root and triad on a chord is


def harmonies(piece: Piece, take: EarTake, network: Hears, following: NextChord) -> list[HarmonicContext]:
    """The harmony of each note of a piece, as it is heard just before the note sounds: by what sounds, and by the form so far."""
    bar = take.bar
    beats_a_bar = int(bar.max()) + 1 if bar is not None and len(bar) else 4

    def within(beat: float) -> float:
        return float(bar[min(max(int(beat), 0), len(bar) - 1)]) if bar is not None else beat % 4

    ear = Ear(network, within)
    frames = frames_of(take)
    memory, heard_to = FormMemory(NONE + 1), 0
    events = sorted([(n.on, 1, n) for n in take.notes] + [(n.off, 0, n) for n in take.notes], key=lambda e: e[:2])
    at, found, sounded = 0, list[HarmonicContext](), list[Chord]()
    for onset in piece.onsets:
        beat = onset / GRID
        while at < len(events) and events[at][0] < beat + (-1e-3 if events[at][2].line else LATE):
            time, begins, note = events[at]
            if begins:
                ear.note_on(time, note.pitch, note.velocity, note.line)
            else:
                ear.note_off(time, note.pitch)
            at += 1
        number = min(frame_of(beat), len(frames))
        if number - heard_to >= LOOKS * beats_a_bar:
            heard_to = number
            memory.take(np.stack([_row(h) for h in whole_or_online(network, frames[:number])]), beats_a_bar)
        now = ear.heard(beat)
        p = memory.with_now(number, np.append(now.chords.ravel(), now.none))
        chord, sure = likeliest(p, now.key)
        chord = chord if sure >= SURE else NO_CHORD
        if chord.root is not None and (not sounded or sounded[-1] != chord):
            sounded.append(chord)
        left = beats_a_bar - within(beat) - beat % 1
        found.append(_with_coming(chord, sounded, now, following, memory, number, beat, left))
    return found


def whole_or_online(network: Hears, frames: Sequence[Frame]) -> list[Hearing]:
    """What is heard of frames that are over."""
    whole = getattr(network, "whole", None)
    return whole(frames) if whole else online(network, frames)


def _row(hearing: Hearing) -> np.ndarray:
    return np.append(hearing.chords.ravel(), hearing.none)


def likeliest(p: np.ndarray, key: Key) -> tuple[Chord, float]:
    """The likeliest chord of the likeliest triad, and the probability of root and triad. p: (choices,)."""
    heard = EarHeard(0.0, p[:-1].reshape(12, -1), float(p[-1]), _ANY_KEY, p[:-1].reshape(12, -1))
    found = heard.chord
    if found.root is None:
        return found, heard.confidence
    return heard_chord(found.root, QUALITIES[quality_of(found)], key), heard.confidence


def _with_coming(
    chord: Chord, sounded: list[Chord], heard: EarHeard, following: NextChord, memory: FormMemory, number: int, beat: float, left: float
) -> HarmonicContext:
    """What is known ahead: by the form, or the chord that mostly follows, with the next bar."""
    if chord.root is None:
        return OPEN
    for ahead in range(1, AHEAD + 1):
        if (logs := memory.at(number + ahead)) is None:
            break
        p = np.exp(logs - logs.max())
        coming, sure = likeliest(p / p.sum(), heard.key)
        if sure >= FORESEEN and coming.root is not None and coming.told != chord.told:
            return HarmonicContext(chord, coming, number + ahead - beat)
    likely = following.after(sounded[-3:], heard.key)
    if likely and likely[0][1] >= LIKELY:
        return HarmonicContext(chord, likely[0][0], left)
    return HarmonicContext(chord, NO_CHORD, float("inf"))


def nats_under(
    model: NoteModel, pieces: Iterable[Piece], records: Mapping[str, Mapping[str, Any]], network: Hears, following: NextChord
) -> dict[str, dict[str, float]]:
    """Nats a note of soloists, and the notes: over the changes given, over none, and heard with the bass and from the line alone.

    records: the solos as they were read, by name.
    """
    pieces = [p for p in pieces if p.changes is not None]
    ways: dict[str, list[Piece]] = {"given": pieces, "none": [replace(p, changes=None) for p in pieces]}
    for way, bass in (("heard, bass and line", True), ("heard, line alone", False)):
        ways[way] = []
        for piece in pieces:
            take = solo_take(records[piece.name], bass)
            assert take
            told = harmonies(piece, take, network, following)
            ways[way].append(replace(piece, changes=None, notes=replace(piece.notes, harmonies=tuple(told))))
    return {way: score(of, foretell(model, of)) for way, of in ways.items()}


def brought_back(nats: Mapping[str, Mapping[str, float]], way: str) -> float:
    """The share of what changes are worth that a way of hearing brings back."""
    none, given = nats["none"]["joint_nats"], nats["given"]["joint_nats"]
    return float(np.float64(none - nats[way]["joint_nats"]) / (none - given))
