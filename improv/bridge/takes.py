"""The engine of one plugin: a performance a take, from the seed, as often as the host starts.

So what was heard while the song was played is what a bounce renders: the memory of a take begins with the transport. A loop goes on
in the same take, and remembers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from improv.bridge.beginning import Beginnings, config_of
from improv.bridge.foresight import Foresight
from improv.bridge.host_clock import GONE, NEXT, Feed, HostClock, begins_a_take
from improv.bridge.library import EngineSide, EngineState, Life, Record, RecordKind, Tells
from improv.bridge.parameters import NUMBERS, PARAMETERS, moves_of
from improv.bridge.project import Project, read_project
from improv.bridge.records import Zero, host_time, transport_of
from improv.core.errors import ImprovError
from improv.core.events import Event, HostTime, Setting, Stop, moved
from improv.core.harmony import Changes, parse_changes
from improv.core.meter import limited
from improv.core.metres import FOUR, MeterError, Metres
from improv.core.modes.classes import MODES
from improv.core.note_model import NoteModel
from improv.core.observer import Observer
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.sidemen import SIDEMEN
from improv.perform.ends import NoEnds
from improv.perform.inbox import Inbox
from improv.perform.performance import Performance
from improv.perform.performers import PerformerSetup, Song

Begun = Callable[[Song, PerformerSetup], Sequence[Observer]]
REST = 0.25  # seconds between looks where nothing is to be done
SHOWN = 4  # names in an answer to a wish: hosts show a line of 119 bytes
WAITS = "ready: start the transport, and play"


class HostEnds(NoEnds):
    """A take's way out: to the host, ahead of time or, in a bounce, at its time."""

    def __init__(self, clock: HostClock):
        self._clock = clock

    def send(self, event: Event) -> None:
        if self._clock.foresight and not self._clock.offline:
            self._clock.foresight.sent(event)
        else:
            self._clock.put(event, False)

    def panic(self) -> None:
        self._clock.take_back()


@dataclass
class Opening:
    """What holds as a take begins. transport: the latest record of it, and its frame's time in the take."""

    frame: int
    transport: Record | None = None


@dataclass
class Engine:
    """side: the mapped file. feed: what comes from it. begun: gives those who watch a take. told: takes words for people."""

    side: EngineSide
    feed: Feed
    begun: Begun = lambda song, setup: ()
    told: Callable[[str], None] = lambda text: None
    inbox: Inbox = field(default_factory=Inbox)
    project: Project = field(default_factory=Project)
    rate: float = 48000.0
    values: list[float] = field(default_factory=lambda: [row.default for row in PARAMETERS])
    models: dict[str, NoteModel] = field(default_factory=dict)
    over: bool = False
    _transport: Record | None = None  # the latest
    _begun: bool = False
    _state: EngineState = EngineState.STARTS
    _performance: Performance | None = None  # of the take that goes on
    _missing: str = ""  # the project's model, where it is not on this machine

    def __post_init__(self) -> None:
        self._beginnings = Beginnings(self.side, self._sung)

    # For others

    def run(self) -> None:
        """Take after take, until the plugin is gone or `over` is set."""
        self.values = [self.side.parameter(number) for number in range(len(PARAMETERS))]
        self._restore()
        self.model(self._model_name())
        self._say(EngineState.READY, f"{WAITS}{self._missed()}")
        while (opening := self._opening()) is not None:
            self._take(opening)

    def stop(self) -> None:
        """End soon. From a signal's handler."""
        self.over = True
        self.inbox.put(Stop(0.0, GONE))

    def wish(self, wish: dict[str, object]) -> str:
        """Somebody wants parameters `set`, changes, a model or a name. Returns what came of it, for people, and says it to the host."""
        wanted = dict(wish)
        try:
            moves = moves_of(wanted.pop("set", {}), self.values)
            project = self.project.wished(wanted)
            if "model" in wanted and project.model:
                self.model(project.model)
                self._missing = ""
            if NUMBERS["model"] in moves:
                self.model(str(PARAMETERS[NUMBERS["model"]].value_of(moves[NUMBERS["model"]])))
        except ImprovError as e:
            self._say(self._state, f"{self.project.name}: {e}")
            return str(e)
        self.project = project
        if wanted:
            self.side.put_text(project.text())
        self._move(moves)
        for name in wanted:
            if name != "name":
                value = self._model_name() if name == "model" else getattr(project, name)
                self.inbox.put(Setting(0.0, name, value))
        stays = "; this DAW's knobs stay where they are" if moves and self.side.tells is not Tells.TOLD else ""
        names = [PARAMETERS[number].symbol for number in moves]
        taken = ", ".join([*(names if len(names) <= SHOWN else [f"{len(names)} parameters"]), *wanted])
        told = f"{project.name}: {taken} taken over{stays}; save the project to keep it"
        self._say(self._state, told)
        return told

    def _move(self, moves: dict[int, float]) -> None:
        """Parameters that no knob of the host moved. It is told, as far as it listens."""
        for number, value in moves.items():
            row = PARAMETERS[number]
            self.values[number] = value
            self.side.set_parameter(number, value)
            if row.setting or row.symbol == "model":
                self.inbox.put(Setting(0.0, row.symbol, row.value_of(value)))

    def model(self, name: str) -> NoteModel:
        """A model, loaded once. Raises ModelError."""
        if name not in self.models:
            self.models[name] = load_model(name)
        if self._performance:
            self._performance.performers[0].models[name] = self.models[name]
        return self.models[name]

    # Between takes

    def _opening(self) -> Opening | None:
        """Wait for the next take. None: the engine is to end."""
        feed = self.feed
        feed.look()
        if not self._begun and (going := self._going_on()):
            feed.records.appendleft(going)
        self._begun = True
        while True:
            while feed.records and not begins_a_take(feed.records[0]):
                self._note(feed.records.popleft())
            if self.over or self.side.life == Life.GONE:
                return None
            if feed.records and feed.known > feed.records[0].frame:
                return self._opened()
            self.side.planned_to(feed.known)
            feed.wait(REST)

    def _going_on(self) -> Record | None:
        """Where the host has come to, if another engine began with it, which has gone: as if the host started there."""
        block = self.side.look()
        if block is None or any(begins_a_take(record) for record in self.feed.records):
            return None
        self.rate = block.rate
        self.feed.records.clear()
        return transport_of(block)

    def _opened(self) -> Opening:
        records = self.feed.records
        opening = Opening(records[0].frame)
        while records and (begins_a_take(records[0]) or (records[0].frame == opening.frame and records[0].kind != RecordKind.MIDI)):
            if records[0].frame != opening.frame:
                break
            self._note(records.popleft())
        opening.transport = self._transport
        return opening

    def _note(self, record: Record) -> None:
        """Something holds from now on."""
        if record.kind == RecordKind.ACTIVATED:
            self.rate = record.value[0] if 1000 <= record.value[0] <= 1e6 else self.rate
            self._transport = None
        elif record.kind == RecordKind.TRANSPORT:
            self._transport = record
        elif record.kind == RecordKind.RESTORED:
            self._restore()
        elif record.kind == RecordKind.PARAMETER and record.size < len(self.values):
            self.values[record.size] = record.value[0]

    def _restore(self) -> None:
        """A project may come from another machine, where there was a model that is not here: another plays then, and says so."""
        self.project, wrong = read_project(self.side.text())
        self._missing = ""
        if self.project.model:
            try:
                self.model(self.project.model)
            except ImprovError as e:
                self._missing = self.project.model
                wrong = "; ".join(filter(None, (wrong, f"the project's model: {e}")))
        if wrong:
            self.told(wrong)

    def _missed(self) -> str:
        """For people, what the project has and this machine has not."""
        return f"; the project's model {self._missing[:24]!r} is not on this machine" if self._missing else ""

    # A take

    def _take(self, opening: Opening) -> None:
        zero, record = Zero(opening.frame, self.rate), opening.transport
        known = self._beginnings.begun(record) if record else None
        try:
            first = _first(opening, zero)
            song, setup = self._sung(first, known.seed if known else None)
        except ImprovError as e:
            self._fail(str(e))
            return
        epoch, flags = (record.epoch, record.size) if record else (self.side.epoch, 0)
        clock = HostClock(self.feed, zero, epoch, flags, self._heard, self._note)
        if first is not None and record is not None:
            clock.begin_with(first, record)
        watched = [*self.begun(song, setup)]
        performance = Performance(config_of(song, setup), clock, HostEnds(clock), watched, self.inbox)
        clock.foresight = Foresight(performance.band, clock, clock.now)
        if known and record:
            clock.foresight.expect(known.announced(record, self.feed.generation, self.side.heard_to))
        clock.rests = self._rest
        clock.gives_way = lambda: MODES[performance.performers[0].settings.mode].leads
        self._performance = performance
        self._say(EngineState.PLAYS, f"{setup.name} plays {setup.settings.mode} with {setup.model_name}{self._missed()}")
        end = performance.run()
        self._performance = None
        clock.foresight.over(self.side.epoch)
        if "error" in end:
            self._fail(str(end["error"]))
        elif end["reason"] not in (NEXT, GONE):
            self.over = True

    def _rest(self) -> None:
        """Nothing is to be done: think of what comes first when the host starts."""
        with suppress(ImprovError):  # told when it starts
            self._beginnings.look((tuple(self.values), self.project))

    def _say(self, state: EngineState, text: str) -> None:
        self._state = state
        self.side.say(state, text)

    def _fail(self, why: str) -> None:
        self.told(why)
        self._say(EngineState.FAILS, why)

    def _heard(self, setting: Setting) -> bool:
        """A parameter moved, or a wish: what it needs is made ready. Returns whether it is to be heard."""
        if setting.name != "model":
            return True
        if self.project.model and not self._missing:  # it overrules the parameter
            return setting.value == self.project.model
        try:
            self.model(str(setting.value))
        except ImprovError as e:
            self._fail(str(e))
            return False
        return True

    def _model_name(self) -> str:
        return self.project.model if self.project.model and not self._missing else str(self._value("model"))

    def _value(self, symbol: str) -> Any:
        number = NUMBERS[symbol]
        return PARAMETERS[number].value_of(self.values[number])

    def _sung(self, first: HostTime | None, seed: int | None = None) -> tuple[Song, PerformerSetup]:
        """What is to be performed, and by whom. first: where the host is. seed: instead of one drawn. Raises ImprovError."""
        settings = self._settings(first)
        metres = _metres(first)
        changes: Changes | None = parse_changes(self.project.changes, metres) if self.project.changes else None
        name = settings.mode if settings.mode in SIDEMEN and MODES[settings.mode].accompanies else self._model_name()
        setup = PerformerSetup(
            self.project.name,
            self.model(name),
            settings,
            int(self._value("seed")) or seed or int.from_bytes(os.urandom(4), "little"),
            name,
            channel=int(self._value("channel")) - 1,
            models=self.models,
        )
        return Song(changes, self.project.changes or None, metres), setup

    def _settings(self, first: HostTime | None) -> Settings:
        settings = Settings(clock="host", tempo=limited(first.tempo)) if first else Settings()
        for _ in range(2):  # a range may only fit once its other end has moved
            for number, row in enumerate(PARAMETERS):
                if row.setting:
                    settings = settings.taken(row.symbol, row.value_of(self.values[number]))
        return settings


def _first(opening: Opening, zero: Zero) -> HostTime | None:
    """Where the host is as a take begins. None: it has no tempo, and improv keeps its own."""
    record = opening.transport
    if record is None or record.value[1] <= 0:
        return None
    now = moved(host_time(record, zero.time(record.frame)), 0.0)
    assert isinstance(now, HostTime)
    return now


def _metres(first: HostTime | None) -> Metres:
    try:
        return Metres.of(first.count, first.unit) if first else FOUR
    except MeterError:
        return FOUR
