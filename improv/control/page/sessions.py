"""Sessions for the page: listed, looked at, as MIDI files; answered by another model. Each of it may take a while, so threads do it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from improv.control.page.charts import bars_of, chords_of, lines_of
from improv.control.page.parts import Chart, SessionNote, SessionRow, SessionTake, Tone
from improv.core.errors import ImprovError
from improv.core.events import Event, Mark, NoteOff, NoteOn
from improv.core.harmony import Changes
from improv.midi.files import write_take
from improv.midi.tracks import tracks_of
from improv.session.again import Excerpt, recorded
from improv.session.index import Kept
from improv.session.index import sessions as in_folder
from improv.session.lines import SessionError
from improv.session.reader import Session, title_in

MOST_NOTES = 50_000  # that are told of a session
LARGEST = 8 * 2**20  # bytes of a MIDI file that is handed to the page
LARGEST_SESSION = 64 * 2**20  # bytes of one that is looked at
PATIENCE = 300.0  # seconds for another model's answer
NAME = re.compile(r"[\w][\w.+ -]{0,120}\.jsonl")


def listed(folder: Path, most: int, skip: int) -> tuple[SessionRow, ...]:
    """The newest first."""
    if not folder.is_dir():
        return ()
    found = in_folder(folder)[::-1][skip : skip + most]
    return tuple(_row(kept) for kept in found)


def _row(kept: Kept) -> SessionRow:
    played = kept.played + kept.filled
    return SessionRow(kept.path.name, kept.title, kept.started, kept.seconds, kept.heard, played, kept.marks, kept.state, kept.size)


def found(folder: Path, name: str) -> Path:
    """A session by its name in the list; no other file can be named. Raises SessionError."""
    path = folder / name
    if not NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
        raise SessionError(f"no session {name[:80]!r} is kept here")
    if path.stat().st_size > LARGEST_SESSION:
        raise SessionError(f"{name}: longer than a page can show; `improv replay {name} --to FILE` writes it")
    return path


def looked_at(folder: Path, name: str) -> SessionTake:
    """A session's notes, in seconds. Raises SessionError."""
    session = Session(found(folder, name))
    lines = [(line.side, line.event) for line in session.lines()]
    take, performers, song = recorded(session)
    names = [name for name, _ in performers]
    events = [(side != "heard", e) for side, e in lines if side in ("heard", "played", "filled")]
    marks = tuple((e.time, e.text[:200]) for _, e in lines if isinstance(e, Mark))[:1000]
    bar = song.metres.first.bar
    last = max((e.time for _, e in events), default=0.0)
    chart = None
    if (changes := song.changes) is not None:
        chords, begins = chords_of(changes), lines_of(song.metres, changes.length)
        bars = bars_of(chords, changes.length, bar, begins)
        chart = Chart(changes.text, changes.length, bar, chords, bars, changes.loop, lines=begins)
    tempo = take.tempos[0][1] if take.tempos else 120.0
    notes = tuple(_notes(events, last, _tones(take, changes)))
    return SessionTake(name, title_in(session.header), last, tuple(names), notes, marks, tempo, song.metres.first.metre, chart)


def _tones(take: Excerpt, changes: Changes | None) -> list[Tone | None]:
    """What each note that was played is to its chord, in their order."""
    found: list[Tone | None] = []
    for event in take.played:
        if isinstance(event, NoteOn):
            chord = changes.harmony(event.time).chord if changes else None
            if chord is None or chord.root is None:
                found.append(None)
            else:
                found.append("chord" if event.pitch % 12 in chord.tones else "scale" if event.pitch % 12 in chord.scale else "outside")
    return found


def _notes(events: list[tuple[bool, Event]], last: float, tones: list[Tone | None]) -> list[SessionNote]:
    """Notes of events as (played, event); one that is not closed ends with the last event. tones: of those played, by time."""
    open_notes: dict[tuple[bool, int, int, int], tuple[NoteOn, Tone | None]] = {}
    notes: list[SessionNote] = []
    left = iter(tones)

    def close(key: tuple[bool, int, int, int], end: float) -> None:
        on, tone = open_notes.pop(key)
        notes.append(SessionNote(on.time, end, on.pitch, on.velocity, on.part if key[0] else -1, tone))

    for played, event in sorted(events, key=lambda e: e[1].time):
        if not isinstance(event, NoteOn | NoteOff):
            continue
        key = (played, event.part, event.channel, event.pitch)
        if key in open_notes:
            close(key, event.time)
        if isinstance(event, NoteOn):
            open_notes[key] = event, next(left, None) if played else None
    for key in list(open_notes):
        close(key, last)
    return sorted(notes, key=lambda n: (n.time, n.pitch))[:MOST_NOTES]


def as_midi(folder: Path, name: str) -> bytes:
    """A session as it was heard and played, as a MIDI file. Raises ImprovError."""
    take, performers, _ = recorded(Session(found(folder, name)))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "take.mid"
        write_take(path, take.heard, take.played, take.tempos, take.metres, take.changes, tracks_of(performers))
        return read_midi(path)


def answered_by(folder: Path, name: str, model: str) -> bytes:
    """What another model answers to what was heard then, as a MIDI file: by `improv replay`, in a process. Raises ImprovError."""
    path = found(folder, name)
    with tempfile.TemporaryDirectory() as place:
        to = Path(place) / "take.mid"
        words = [sys.executable, "-m", "improv", "replay", str(path), "--model", model, "--to", str(to)]
        try:
            said = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            raise ImprovError(f"{name}: {model} took longer than {PATIENCE:.0f} s; `improv replay {name} --model {model}` waits") from None
        if not to.is_file():
            lines = said.stderr.strip().splitlines() or [f"improv replay ended with {said.returncode}"]
            raise ImprovError(lines[-1].removeprefix("improv: ")[:500])
        return read_midi(to)


def read_midi(path: Path) -> bytes:
    """A MIDI file that was written here. Raises ImprovError where it is too large to hand over."""
    if path.stat().st_size > LARGEST:
        raise ImprovError(f"{path.name}: too large for the page")
    return path.read_bytes()
