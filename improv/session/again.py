"""A session played again: by the models of the record, and compared; or by another model, to what was heard from outside.

In sessions whose header says so (`header.SHARED_BEAT`), one timekeeper heard all that was heard. Before, each performer had one
of its own, which heard what the performer did. Played again, a timekeeper hears the same as then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from improv.core import playing
from improv.core.beats.timekeeper import Timekeeper, in_beats, one_beat
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, Event, Learned, Mark, Setting
from improv.core.harmony import Changes
from improv.core.line.lessons import Learning
from improv.core.metres import Metres
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.models.card import ModelError
from improv.models.loader import load_model
from improv.models.sidemen import SIDEMEN
from improv.perform.band import Slot
from improv.perform.clock import OfflineClock
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session.capture import excerpt, tempos_from, turned
from improv.session.compare import Difference, RecordedPart, as_of, difference, known_until, parts_of
from improv.session.failures import WithFailures
from improv.session.header import (
    SHARED_BEAT,
    RecordedPerformer,
    beside,
    made_with,
    performers_in,
    song_in,
    states_in,
)
from improv.session.lines import SessionError
from improv.session.reader import Session

# What lies beside a model, see `header.BESIDE`; the rules of playing from after which notes depend on it; what is said of another.
BY_BESIDE = (
    ("quotations", playing.SWAYS, "the figures that {} knows of its solos were {}, are {}"),
    ("critic", playing.SWAYS, "the critic of {} was {}, is {}"),
    ("accents", playing.PHRASES, "the loudness that {} has learned was {}, is {}"),
)

MOST_MODELS = 16
FURTHER = 10_000  # events beyond those of the record after which a performer is ended
DAY = 86400.0  # seconds; what lies further behind all before is no part of a session
Learns = Callable[[Path, Mapping[str, Any], NoteModel], Learning | None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A session that was played again. Of each performer: what the record has of it, what it plays now, where that differs first.

    other: it was another model that answered, so nothing was compared, and `found` is empty. shared: all went by one beat.
    """

    session: Session
    song: Song
    performers: Sequence[RecordedPerformer]
    models: Sequence[NoteModel]
    parts: Sequence[RecordedPart]
    now: Sequence[Sequence[Event]]
    found: Sequence[Difference | None]
    other: bool
    shared: bool

    @property
    def same(self) -> bool | None:
        """Whether all is as it was; None where nothing was compared."""
        return None if self.other else not any(self.found)

    def bar(self, number: int, time: float) -> int:
        """The bar, from 1, in which a time in seconds lies, as performer `number` counted."""
        keeper = self.timekeeper(number)
        for event in self.parts[number].heard:
            if event.time > time:
                break
            keeper.hear(event, event.time)
        return keeper.meter.bar_of(keeper.meter.beat(time)) + 1

    def timekeeper(self, number: int) -> Timekeeper:
        """A new one, as performer `number` had it."""
        return _timekeeper([p.settings for p in self.performers], number, self.song, self.shared)

    def why(self) -> list[str]:
        """What may be the cause of a difference."""
        why = []
        for name, now in made_with().items():
            then = self.session.header.get(name)
            if then is not None and then != now and not (name == "ear" and self.song.changes is not None):
                why.append(f"{name} was {str(then)[:40]}, is {now}")
        for p, model in zip(self.performers, self.models, strict=True):
            now = model.card["weights_sha256"]
            if now != p.sha256:
                why.append(f"{p.name}: the weights of {p.model} were {p.sha256[:12]}, are {now[:12]}")
            here = beside(model)
            for what, rules, text in BY_BESIDE:
                if self.song.playing > rules and here.get(what) != p.beside.get(what):
                    was = p.beside.get(what) or ("another, or none" if what == "critic" else "none")
                    why.append(f"{p.name}: {text.format(p.model, was, here.get(what, 'none'))}")
        session = self.session
        if session.damaged:
            why.append(f"{session.damaged} lines of the record can't be read, the first is line {session.skipped[0][0]}")
        if session.lost:
            why.append(f"{session.lost} events are missing from the record, since the disk was too slow")
        return why

    def sounded(self) -> list[Event]:
        """What was to be heard of the performers: as it sounded then, if it is the same; what was dropped did not."""
        if self.same:
            return [line.event for line in self.session.lines() if line.side in ("played", "filled")]
        return [e for number, now in enumerate(self.now) for e in as_of(now, number)]


def recorded(session: Session) -> tuple[Excerpt, list[tuple[str, str]], Song]:
    """A session as it was heard and played, without playing it again; the performers' names and modes; its song. Raises SessionError."""
    path = Path(session.path)
    performers, song = performers_in(session.header, path), song_in(session.header, path)
    shared = session.header.get("beat") == SHARED_BEAT["beat"]
    lines = list(session.lines())
    heard = [line.event for line in lines if line.side == "heard"]
    played = [line.event for line in lines if line.side in ("played", "filled")]
    keeper = _timekeeper([p.settings for p in performers], 0, song, shared)
    line, (told, sounded, tempos, _) = in_beats(keeper, heard, played).from_line(song.metres)
    changes = turned(song.changes, line) if song.changes and line else song.changes
    return Excerpt(told, sounded, tempos, song.metres.turned(line), changes), [(p.name, p.settings.mode) for p in performers], song


def replayed(session: Session, wanted: str | None, learned_again: Learns) -> Replayed:
    """Play a session again. wanted: a model to answer instead, by name or folder; None: those of the record.

    learned_again: what learned then, as the record says. Raises SessionError, ModelError.
    """
    path = Path(session.path)
    performers, song = performers_in(session.header, path), song_in(session.header, path)
    models = [_named(session, p.model) if wanted is None or p.model in SIDEMEN else load_model(wanted) for p in performers]
    other = wanted is not None and any(m.card["weights_sha256"] != p.sha256 for m, p in zip(models, performers, strict=True))
    before = session.header.get("continues")
    if before and not other:
        raise SessionError(
            f"{session.path}: goes on from {str(before)[:80]}, and what was played before is not in it; try --model with another model"
        )
    states = {} if other else states_in(session.header, path, {p.name: m for p, m in zip(performers, models, strict=True)})
    shared = other or session.header.get("beat") == SHARED_BEAT["beat"]
    parts, latest, stopped = parts_of(session.lines(), len(performers), shared)
    known = _models(session, models[0] if wanted is not None else None)
    setups = [
        PerformerSetup(
            p.name,
            model,
            p.settings,
            p.seed,
            p.model,
            p.channel,
            p.hears,
            p.inputs,
            known,
            None if other else learned_again(path, p.learns, model),
            state=states.get(p.name),
            harmony=p.harmony,
        )
        for p, model in zip(performers, models, strict=True)
    ]
    found: list[Difference | None] = []
    now: Sequence[Sequence[Event]]
    if other:
        now = _anew(setups, song, session, latest)
    else:
        beats = [_timekeeper([p.settings for p in performers], n, song, shared) for n in range(len(setups))]
        players = [
            WithFailures(s.improviser(song, beats[n].meter), [e for e, *_ in parts[n].renewals], len(parts[n].played) + FURTHER)
            for n, s in enumerate(setups)
        ]
        slots = [Slot(players[n], n, s.hears, s.inputs) for n, s in enumerate(setups)]
        now = [play_again(slot, beats[n], parts[n].heard, latest, shared) for n, slot in enumerate(slots)]
        found = [difference(part, now[n], n, known_until(n, stopped, session.end), players[n].begun) for n, part in enumerate(parts)]
    return Replayed(session, song, performers, models, parts, now, found, other, shared)


def play_again(slot: Slot, timekeeper: Timekeeper, heard: Sequence[Event], until: float, shared: bool = False) -> list[Event]:
    """What a performer plays who hears events with their stamps, in the order in which they were taken; up to a time in seconds.

    slot: it, in a place of its own. timekeeper: a new one. shared: it kept the beat of several; else what the performer heard
    of others, whose stamps may lie ahead, went by it too.
    """
    played: list[Event] = []
    reached = 0.0
    performer = slot.performer
    for event in heard:
        if slot.waiting and event.time > reached:
            played += performer.advance(reached, slot.waiting)
            slot.waiting = []
        reached = max(reached, event.time)
        slot.tell(timekeeper.hear(event, event.time if shared else reached))
    if slot.waiting:
        played += performer.advance(reached, slot.waiting)
    while (due := performer.due) is not None and due <= until:
        before = len(played)
        played += performer.advance(until)
        if len(played) == before and performer.due == due:
            break
    return played


def _timekeeper(settings: Sequence[Settings], number: int, song: Song, shared: bool) -> Timekeeper:
    """A new timekeeper as a performer had it: one for all, or its own."""
    return one_beat(settings, song.metres, song.hearing) if shared else Timekeeper(settings[number], song.metres, song.hearing)


def _named(session: Session, name: str) -> NoteModel:
    """A model of the record, by its name alone: a session of somebody else's opens no folder."""
    if not re.fullmatch(r"\w[\w.+ -]*", name):
        raise SessionError(f"{session.path}: names no model; give the folder with --model")
    try:
        return load_model(name)
    except ModelError as e:
        raise ImprovError(f"{session.path}: was played with {name}: {e}. If you have it elsewhere: --model FOLDER") from None


def _models(session: Session, instead: NoteModel | None) -> dict[str, NoteModel]:
    """The models that were changed to while it was played; or one in place of them all."""
    heard = (line.event for line in session.lines() if line.side == "heard")
    names = {str(e.value) for e in heard if isinstance(e, Setting) and e.name == "model"}
    if len(names) > MOST_MODELS:
        raise SessionError(f"{session.path}: names {len(names)} models; at most {MOST_MODELS} are loaded")
    return {name: instead or _named(session, name) for name in names}


def _anew(setups: Sequence[PerformerSetup], song: Song, session: Session, until: float) -> list[list[Event]]:
    """What they play to what was heard from outside, hearing one another as they do now."""
    script = sorted((line.event for line in session.lines() if line.side == "heard"), key=lambda e: e.time)
    times = [0.0, *(e.time for e in script), until]
    until = next((before for before, after in itertools.pairwise(times) if after > before + DAY), until)
    take = KeptTake()
    script = [e for e in script if e.time <= until]
    end = Performance(PerformanceConfig(setups, song, signals=()), OfflineClock(script, until), observers=[take]).run()
    if "error" in end:
        raise SessionError(f"{session.path}: could not be played by this model ({end['error']})")
    return [[e for e in take.played_events if getattr(e, "part", 0) == number] for number in range(len(setups))]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A take, or some bars of it: events with beats for times, a tempo map, metres and changes as they go on from its first bar line."""

    heard: list[Event]
    played: list[Event]
    tempos: list[tuple[float, float]]
    metres: Metres
    changes: Changes | None


def take_of(replay: Replayed, start: float | None = None, bars: int | None = None) -> Excerpt:
    """The whole take; or `bars` bars, or all, from the bar line at or before `start`, in seconds."""
    song = replay.song
    heard = [line.event for line in replay.session.lines() if line.side == "heard"]
    first = [e for e in heard if replay.shared or not isinstance(e, Setting | Bookmark | Learned) or e.part in (None, 0)]
    here = Mark(start or 0.0, "\0from here")  # finds out its beat on the way
    keeper = replay.timekeeper(0)
    line, (told, played, tempos, _) = in_beats(keeper, [*first, here], replay.sounded()).from_line(song.metres)
    at = next(e.time for e in told if isinstance(e, Mark) and e.text == here.text)
    if start is not None or bars is not None:
        bar, before = song.metres.bar_of(line + at), line
        line = song.metres.line(bar)
        begin = line - before
        last = max((e.time for e in (*told, *played)), default=begin)
        end = last if bars is None else song.metres.line(bar + bars) - before
        told, played, tempos = excerpt(told, begin, end), excerpt(played, begin, end), tempos_from(tempos, begin)
    changes = turned(song.changes, line) if song.changes and line else song.changes
    return Excerpt(told, played, tempos, song.metres.turned(line), changes)
