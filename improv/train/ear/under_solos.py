"""What hearing is worth to the model that plays: nats a note of real soloists over the chords that are heard.

The ear hears the bass and the line, or the line alone, up to each note and not beyond it. Where it isn't sure, a note is foretold over
all chords that it may be, as `core.line.perhaps` says. Which chord comes is not told: the one that mostly follows in standards, in its
place, made the figures worse. So they lie between those over no changes and those over the changes that were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from improv.core.harmony import NO_CHORD, OPEN, HarmonicContext
from improv.core.harmony.ear import Ear, Hears
from improv.core.note_model import NoteModel
from improv.core.vocabulary import GRID
from improv.train.ear.songs import EarTake, solo_take
from improv.train.evaluation.next_note import foretell, score
from improv.train.piece import Piece

LATE = 0.04  # beats by which the bass may be later than a note with which it sounds
SURE = 0.2  # from which probability of root and triad on a chord is


def harmonies(piece: Piece, take: EarTake, network: Hears) -> list[HarmonicContext]:
    """The harmony of each note of a piece, as it is heard just before the note sounds."""
    bar = take.bar

    def within(beat: float) -> float:
        return float(bar[min(max(int(beat), 0), len(bar) - 1)]) if bar is not None else beat % 4

    ear, at, found = Ear(network, within), 0, list[HarmonicContext]()
    events = sorted([(n.on, 1, n) for n in take.notes] + [(n.off, 0, n) for n in take.notes], key=lambda e: e[:2])
    for onset in piece.onsets:
        beat = onset / GRID
        while at < len(events) and events[at][0] < beat + (-1e-3 if events[at][2].line else LATE):
            time, begins, note = events[at]
            if begins:
                ear.note_on(time, note.pitch, note.velocity, note.line)
            else:
                ear.note_off(time, note.pitch)
            at += 1
        heard = ear.heard(beat)
        known = heard.confidence >= SURE and heard.chord.root is not None
        now = HarmonicContext(heard.chord, NO_CHORD, float("inf")) if known else OPEN
        found.append(now._replace(perhaps=heard.perhaps()))
    return found


def nats_under(
    model: NoteModel, pieces: Iterable[Piece], records: Mapping[str, Mapping[str, Any]], network: Hears
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
            told = harmonies(piece, take, network)
            ways[way].append(replace(piece, changes=None, notes=replace(piece.notes, harmonies=tuple(told))))
    return {way: score(of, foretell(model, of)) for way, of in ways.items()}


def brought_back(nats: Mapping[str, Mapping[str, float]], way: str) -> float:
    """The share of what changes are worth that a way of hearing brings back."""
    none, given = nats["none"]["joint_nats"], nats["given"]["joint_nats"]
    return float(np.float64(none - nats[way]["joint_nats"]) / (none - given))
