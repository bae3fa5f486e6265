"""Recorded sessions: what the player played, over the song's changes, on the beat that was kept then.

Ours is left out: a model learns from people. Notes that came while the beat stood still have no place, and are left out.
"""

from __future__ import annotations

from pathlib import Path

from improv.core.beats.timekeeper import Timekeeper, in_beats
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, Event, Learned, Setting, notes_of
from improv.session.capture import turned
from improv.session.header import performers_in, song_in
from improv.session.reader import Session, title_in
from improv.train.errors import CorpusError
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.score import Score, ScoreNote, piece_of

MOST_BEATS = 500_000  # of a session: days of playing
BEGINS = b'{"session":'


def reads(path: Path, head: bytes) -> bool:
    """A file that begins as the recorder begins it."""
    return head.startswith(BEGINS)


def read(path: Path, how: How) -> Reading:
    """The one piece of a session: the player's line. Raises CorpusError."""
    reading = Reading()
    try:
        session = Session(path)
        performer, song = performers_in(session.header, path)[0], song_in(session.header, path)
        heard = [line.event for line in session.lines() if line.side == "heard"]
        keeper = Timekeeper(performer.settings, song.metres, song.hearing)
        line, (told, _, tempos, _) = in_beats(keeper, [e for e in heard if _is_for_all(e)], []).from_line(song.metres)
    except ImprovError as e:
        raise CorpusError(str(e).removeprefix(f"{path}: ")) from None
    notes = [ScoreNote(on, off - on, pitch, velocity) for on, off, pitch, velocity in notes_of(told)]
    if not notes:
        raise CorpusError("the player played nothing in it")
    first, last = notes[0].on, notes[-1].on
    if last - first > MOST_BEATS:
        raise CorpusError(f"it lasts {last - first:,.0f} beats; at most {MOST_BEATS:,} are read")
    metres = song.metres
    numbers = range(metres.bar_of(line + first), metres.bar_of(line + last) + 3)
    bars = [metres.line(number) - line for number in numbers]
    title = title_in(session.header)
    score = Score(
        f"{path.stem} ({title})" if title else path.stem,
        notes,
        bars,
        metres.bar_at(line + first),
        metres.turned(metres.line(numbers[0])),
        bars[0],
        [(max(beat, -1e9), tempo) for beat, tempo in tempos],
        turned(song.changes, line) if song.changes and line else song.changes or (),
        performer.settings.feel,
        track="the player",
    )
    reading.pieces.append(piece_of(score, how.vocabulary, reading.unknown_chords, reading.left_out))
    return reading


def _is_for_all(event: Event) -> bool:
    """Whether the first performer heard it: what is said to others alone changes nothing for it."""
    return not isinstance(event, Setting | Bookmark | Learned) or event.part in (None, 0)
