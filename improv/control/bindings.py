"""From what is heard to what is asked for: controllers, program changes and keys that are bound. Pure, and cheap for music.

What is asked for is a request, with the time of the event. Learning binds the next controller that moves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from improv.control.commands import BARS, CAPTURED, COMMANDS, MODEL, NAME, PERFORMER, TEXT
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, ProgramChange
from improv.core.settings import row_of

PRESSED = 64  # a controller's value from which a button is down
MOVED = 8  # of 127: by more than that, a controller was meant
SUSTAIN, PRESSES = 64, 3  # the pedal is pressed so often, alone, to be learned
MESSAGES = 120  # controllers from here on are messages to the whole channel

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Binding:
    """What a controller, a program change or a key does: it changes a setting, or does an action.

    kind: cc, program or key, with its number 0-127. channel: 1-16; None: any. input: its name; None: any.
    setting: low to high is what the controller covers, None: all of the setting's range; value: what it is set to instead.
    action: one of commands.ACTIONS; name: the preset, model or bookmark, or the mark's text. bars: of a capture.
    performer: None: all of them.
    """

    kind: str
    number: int
    channel: int | None = None
    setting: str | None = None
    action: str | None = None
    performer: str | None = None
    low: float | None = None
    high: float | None = None
    value: str | float | None = None
    name: str | None = None
    bars: int | None = None
    input: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a binding. time: of the event that it came from, in seconds."""

    time: float
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ControllerLearned:
    """A controller was bound to a setting."""

    binding: Binding


def limits_of(binding: Binding) -> tuple[float, float]:
    """What a controller at 0 and at 127 makes of a setting that is a number."""
    low, high = row_of(binding.setting).limits
    return (low if binding.low is None else binding.low, high if binding.high is None else binding.high)


def scaled(binding: Binding, value: int) -> Any:
    """The setting's value for a controller's, 0-127."""
    row = row_of(binding.setting)
    if row.is_word:
        return row.limits[value * len(row.limits) // 128]
    low, high = limits_of(binding)
    exact = low + (high - low) * value / 127
    if row.is_whole:
        return round(exact)
    return min(max(round(exact, 3), min(low, high)), max(low, high))


def as_toml(binding: Binding) -> str:
    """A binding as lines of improv.toml, to be kept."""
    said: dict[str, Any] = {binding.kind: binding.number}
    said |= {k: getattr(binding, k) for k in ("channel", "input", "setting", "low", "high", "value")}
    if binding.action in ("preset", "model"):
        said[binding.action] = binding.name
    else:
        said |= {"action": binding.action, "name": binding.name}
    said |= {"bars": binding.bars, "performer": binding.performer}
    return "\n".join(["[[binding]]", *(f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in said.items() if v is not None), ""])


@dataclass
class _Lesson:
    """What is to be bound to the next controller that moves, and what has moved so far."""

    binding: Binding  # all of it but the controller
    began: dict[tuple[int, int, int], int] = field(default_factory=dict)  # controller -> its value when it was first heard
    presses: int = 0  # of the pedal


class Bindings:
    """What is bound, and how it stands. Not for two threads at once.

    inputs: the inputs' names by number, which is the part of an event.
    """

    def __init__(self, bindings: Iterable[Binding] = (), inputs: Sequence[str] = ()):
        self._inputs = list(inputs)
        self._lesson: _Lesson | None = None
        self._last: dict[tuple[int, int, int], int] = {}  # controller (input, channel, number) -> its latest value
        self._said: dict[Binding, Any] = {}  # what a controller's binding last asked for
        self.learned: tuple[Binding, ...] = ()
        self.replace(bindings)

    @property
    def all(self) -> tuple[Binding, ...]:
        return self._all

    def replace(self, bindings: Iterable[Binding]) -> None:
        """Take over others, as of a reloaded file. What was learned stays, unless its controller is bound there."""
        given = tuple(bindings)
        self._bind((*given, *(b for b in self.learned if not any(_same_source(b, other) for other in given))))

    def learn(self, setting: str, performer: str | None = None, low: float | None = None, high: float | None = None) -> None:
        """The next controller that moves is bound to a setting. Raises SettingError where there is none of that name."""
        row_of(setting)
        self._lesson = _Lesson(Binding("cc", 0, setting=setting, performer=performer, low=low, high=high))

    def forget_lesson(self) -> None:
        """Nothing is to be learned after all."""
        self._lesson = None

    @property
    def learning(self) -> str | None:
        """The setting that waits for a controller."""
        return self._lesson.binding.setting if self._lesson else None

    def unlearn(self, setting: str) -> tuple[Binding, ...]:
        """Controllers no longer move a setting. Returns what was bound to it."""
        gone = tuple(b for b in self._all if b.setting == setting)
        self.learned = tuple(b for b in self.learned if b.setting != setting)
        self._bind(b for b in self._all if b.setting != setting)
        return gone

    def requests(self, event: Event) -> list[Asked | ControllerLearned] | None:
        """What an event asks for; None where it is not bound, and so is music.

        A key that is bound is never music, and a controller while one is learned is none either, the sustain pedal apart.
        """
        if isinstance(event, ControlChange):
            return self._controller(event)
        if isinstance(event, NoteOn | NoteOff):
            found = self._found("key", event.pitch, event)
            if found is None:
                return None
            return [a for b in found for a in self._pressed(b, event.time)] if isinstance(event, NoteOn) else []
        if isinstance(event, ProgramChange):
            found = self._found("program", event.program, event)
            return None if found is None else [a for b in found for a in self._pressed(b, event.time)]
        return None

    def _bind(self, bindings: Iterable[Binding]) -> None:
        self._all = tuple(bindings)
        self._by_source: dict[Key, list[Binding]] = {}
        for binding in self._all:
            self._by_source.setdefault((binding.kind, binding.number), []).append(binding)
        self._said = {b: v for b, v in self._said.items() if b in self._all}

    def _found(self, kind: str, number: int, event: NoteOn | NoteOff | ControlChange | ProgramChange) -> list[Binding] | None:
        """The bindings of an event; None where there are none."""
        bound = self._by_source.get((kind, number))
        if bound is None or event.part < 0:  # another performer's
            return None
        name = self._input(event.part)
        return [b for b in bound if b.channel in (None, event.channel + 1) and b.input in (None, name)] or None

    def _input(self, part: int) -> str | None:
        return self._inputs[part] if 0 <= part < len(self._inputs) else None

    # Controllers

    def _controller(self, event: ControlChange) -> list[Asked | ControllerLearned] | None:
        if event.part < 0:
            return None
        place = (event.part, event.channel, event.control)
        before = self._last.get(place)
        self._last[place] = event.value
        if self._lesson:
            return self._lesson_of(self._lesson, event, place, before)
        found = self._found("cc", event.control, event)
        if found is None:
            return None
        return [a for b in found for a in self._moved(b, event, before)]

    def _moved(self, binding: Binding, event: ControlChange, before: int | None) -> list[Asked | ControllerLearned]:
        if binding.setting is None or binding.value is not None:
            # A button goes down. Some never say that they come up: they say the same again.
            down = event.value >= PRESSED and (before is None or before < PRESSED or before == event.value)
            return self._pressed(binding, event.time) if down else []
        value = scaled(binding, event.value)
        if binding in self._said and self._said[binding] == value:
            return []
        self._said[binding] = value
        return [_set(binding, value, event.time)]

    def _pressed(self, binding: Binding, time: float) -> list[Asked | ControllerLearned]:
        if binding.setting is not None:
            return [_set(binding, row_of(binding.setting).natural(binding.value), time)]
        return [Asked(time, request_of(binding))]

    # Learning

    def _lesson_of(
        self, lesson: _Lesson, event: ControlChange, place: tuple[int, int, int], before: int | None
    ) -> list[Asked | ControllerLearned] | None:
        if event.control >= MESSAGES:
            return None
        if event.control == SUSTAIN:
            lesson.presses += event.value >= PRESSED and (before is None or before < PRESSED)
            if lesson.presses < PRESSES:
                return None
        else:
            lesson.presses = 0  # not alone
            began = lesson.began.setdefault(place, event.value if before is None else before)
            if abs(event.value - began) <= MOVED:
                return []
        self._lesson = None
        name = self._input(event.part)
        binding = replace(lesson.binding, number=event.control, channel=event.channel + 1, input=name)
        self.learned = (*(b for b in self.learned if not _same_source(b, binding)), binding)
        self._bind((*(b for b in self._all if not _same_source(b, binding)), binding))
        return [ControllerLearned(binding), *self._moved(binding, event, before)]


def request_of(binding: Binding) -> dict[str, Any]:
    """The request of a binding's action."""
    said = {NAME: binding.name, MODEL: binding.name, TEXT: binding.name or "", BARS: binding.bars or CAPTURED, PERFORMER: binding.performer}
    fields = {f.name: said.get(f.kind) for f in COMMANDS[binding.action or ""].fields}
    return {"do": binding.action} | {name: value for name, value in fields.items() if value is not None}


def _set(binding: Binding, value: Any, time: float) -> Asked:
    whose = {} if binding.performer is None else {"performer": binding.performer}
    return Asked(time, {"do": "set", "name": binding.setting, "value": value} | whose)


def _same_source(one: Binding, other: Binding) -> bool:
    """Whether something can be moved that both are bound to."""
    return (one.kind, one.number) == (other.kind, other.number) and all(
        a is None or b is None or a == b for a, b in ((one.channel, other.channel), (one.input, other.input))
    )
