"""The parts of the messages to the page: see `messages`, which says what times, beats and names are."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Tone = Literal["chord", "scale", "outside"]


class PagePart(Struct, frozen=True, omit_defaults=True):
    """A part of a message."""


class SettingInfo(PagePart, frozen=True):
    """A row of the settings' table. kind: "word" (one of `choices`), "whole" or "number" (from `low` to `high`).

    group: a key of Hello.groups. when: "at once" or "next bar". whose: "performer" (each has its own) or "performance" (all share it).
    unit: as "bpm" or "semitones"; empty where it has none. meanings: of choices, what each does.
    """

    name: str
    kind: Literal["word", "whole", "number"]
    default: Any
    help: str
    group: str
    when: str
    whose: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    meanings: dict[str, str] = {}


class FieldInfo(PagePart, frozen=True):
    """kind: as in `commands`: setting, value, name, model, text, bars, performer, changes."""

    name: str
    kind: str
    needed: bool = True


class CommandInfo(PagePart, frozen=True):
    """A command that the page may ask for."""

    name: str
    help: str
    fields: tuple[FieldInfo, ...] = ()


class Beat(PagePart, frozen=True):
    """Where the beat is, at `time`: `position` in the song, and while `running` tempo / 60 further each second. A page reckons on from
    there. bar: from 1; beat: in the bar, from 1, as the metre counts. sure: of the beat, 0 to 1. lock: how the clock stands, in words."""

    time: float
    position: float
    tempo: float
    running: bool
    bar: int = 1
    beat: float = 1.0
    sure: float = 1.0
    clock: str = "internal"
    lock: str = ""


class ChartChord(PagePart, frozen=True):
    """position: where it begins. tones, scale: pitch classes, 0 is C. root: likewise; None: no chord."""

    position: float
    symbol: str
    tones: tuple[int, ...] = ()
    scale: tuple[int, ...] = ()
    root: int | None = None


class Chart(PagePart, frozen=True):
    """The changes: `chords` in order over `length` quarter notes, again and again where it `loops`; bars of `bar` quarter notes.

    text: as it was given. bars: the symbols of each bar, for a page that draws bars; "%" where the chord of before goes on.
    told: what is read as something else, in words. lines: where the metre changes, of each bar where it begins and how many beats
    it counts; empty where all bars are alike.
    """

    text: str
    length: float
    bar: float
    chords: tuple[ChartChord, ...]
    bars: tuple[tuple[str, ...], ...]
    loops: bool = True
    told: str = ""
    lines: tuple[tuple[float, int], ...] = ()


class TurnNow(PagePart, frozen=True):
    """Whose turn it is, of one performer. over: how sure it is, 0 to 1, that the player's phrase is over when it comes in.
    enters: the time of that; on_beat: the beat of the bar, from 1. why: for people: "phrase over at 0.87, enters on beat 3"."""

    whose: Literal["player", "improv", "both", "nobody"]
    why: str = ""
    over: float | None = None
    enters: float | None = None
    on_beat: float | None = None


class LatenessNow(PagePart, frozen=True):
    """How late notes were handed over, in ms. le: upper bounds; counts: notes within each, and one more for those that were later."""

    le: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class PerformerInfo(PagePart, frozen=True):
    """channel: 1 to 16. port: its MIDI output, None: a virtual port or none; there: whether it is. waits: silenced, for a key or `play`.
    settings: all of its values, what all share included."""

    number: int
    mode: str
    model: str
    settings: dict[str, Any]
    channel: int = 1
    port: str | None = None
    there: bool = True
    waits: bool = False


class InputInfo(PagePart, frozen=True):
    """echo: what we play comes back on it, so it is not listened to."""

    port: str | None = None
    there: bool = True
    echo: bool = False


class Sounding(PagePart, frozen=True):
    """A note that sounds now, as `NoteOn` has them."""

    id: int
    source: str
    pitch: int
    velocity: int
    time: float
    heard: bool = False
    tone: Tone | None = None


class NoteOnNews(PagePart, frozen=True, tag="on", tag_field="is"):
    """A note begins. id: of this note, the same in its plan, here and in its end. source: the input or the performer. heard: the
    player's, not improv's. page: the number of the page whose key it was. end: when it will end, where that is known; it may end
    sooner. late: seconds after its time. filled: a riff's, since the model was late."""

    id: int
    source: str
    time: float
    pitch: int
    velocity: int
    heard: bool = False
    page: int | None = None
    end: float | None = None
    tone: Tone | None = None
    channel: int = 1
    late: float = 0.0
    filled: bool = False


class NoteOffNews(PagePart, frozen=True, tag="off", tag_field="is"):
    """The note ends."""

    id: int
    time: float
    pitch: int
    source: str
    heard: bool = False


class ControlNews(PagePart, frozen=True, tag="control", tag_field="is"):
    """The player's pedal (64) or another controller; 120 is a panic: all is silent."""

    time: float
    control: int
    value: int
    source: str
    heard: bool = True
    page: int | None = None


class Planned(PagePart, frozen=True):
    """A note that is to come. It changes its mind: see Notes."""

    id: int
    time: float
    end: float
    pitch: int
    velocity: int
    tone: Tone | None = None


class SessionRow(PagePart, frozen=True):
    """state: whole, running, cut or damaged. began: date and time."""

    name: str
    title: str
    began: str
    seconds: float | None
    heard: int
    played: int
    marks: int
    state: str
    bytes: int


class SessionNote(PagePart, frozen=True, array_like=True):
    """[time, end, pitch, velocity, source number, tone]: source -1 the player, from 0 on the performers."""

    time: float
    end: float
    pitch: int
    velocity: int
    source: int
    tone: Tone | None = None


class SessionTake(PagePart, frozen=True):
    """A session's notes, times in seconds. marks: time and text of each. chart, metre: what it was played over."""

    name: str
    title: str
    seconds: float
    performers: tuple[str, ...]
    notes: tuple[SessionNote, ...]
    marks: tuple[tuple[float, str], ...] = ()
    tempo: float = 120.0
    metre: tuple[int, int] = (4, 4)
    chart: Chart | None = None
