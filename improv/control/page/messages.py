"""What the page and the server tell each other: JSON over one socket, a message a frame, each with its `type`. VERSION says which schema.

The page begins with `Join`, which has the token of its link; the server answers with `Hello`, and with a whole `Scene` after it. From
then on it sends what changes: of `Scene` the fields that are new (`whole`: all of them), at most 30 times a second, and `Notes` as
they come. Who reads too slowly loses some of it, and gets a whole `Scene` with `lost` when it can read again: then it silences what
it sounds and goes by that.

All times are seconds on the performance's clock, which the page finds with `Ping` and `Pong`: where the answer to a ping of the page's
time p came at q, the performance's clock was at `time` about (p + q) / 2; of many, the one with the smallest q - p is best.
Beats and positions are quarter notes; a position is a place in the song. Pitches are MIDI's, channels 1 to 16, performers and inputs
are named. A field that is not there has its default.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

VERSION = 1
FRAMES = 30  # scenes a second, at most

Tone = Literal["chord", "scale", "outside"]
Pitch = Annotated[int, Meta(ge=0, le=127)]
Value = Annotated[int, Meta(ge=0, le=127)]
Time = Annotated[float, Meta(ge=-1e9, le=1e9)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class PageMessage(Struct, frozen=True, omit_defaults=True, tag_field="type", tag=str.lower):
    """The `type` is the class's name in small letters."""


class PagePart(Struct, frozen=True, omit_defaults=True):
    """A part of a message."""


# From the page


class Join(PageMessage, frozen=True):
    """The first message. token: what stands behind the # of the link. version: of the schema that the page was written for."""

    token: Annotated[str, Meta(max_length=128)]
    version: int = VERSION


class Ping(PageMessage, frozen=True):
    """page: the page's time, in whatever it counts; comes back in the Pong."""

    page: Time


class On(PageMessage, frozen=True):
    """A key goes down: a note of the page's, at a time. velocity: 1 to 127."""

    time: Time
    pitch: Pitch
    velocity: Annotated[int, Meta(ge=1, le=127)]


class Off(PageMessage, frozen=True):
    """The key comes up."""

    time: Time
    pitch: Pitch


class Control(PageMessage, frozen=True):
    """A controller moves, as the sustain pedal does: control 64, value 127 down, 0 up. From 0 to 119."""

    time: Time
    control: Annotated[int, Meta(ge=0, le=119)]
    value: Value


class Ask(PageMessage, frozen=True):
    """A command, by the rows of `Hello.commands`: {"do": "set", "name": "temperature", "value": 0.9}. Gets a Reply with the same id.

    The reply of `capture` has `file`, a name, and `midi`, the file itself in base64.
    """

    id: Number
    request: dict[str, Any]


class Check(PageMessage, frozen=True):
    """Changes as they are typed. The Reply has `chart` (see Chart) where they can be read; `error` says what can't, at character `at`."""

    id: Number
    text: Annotated[str, Meta(max_length=20_000)]


class Sessions(PageMessage, frozen=True):
    """The Reply has `sessions`: a list of SessionRow, the newest first. most: how many; from: how many of the newest to pass over."""

    id: Number
    most: Annotated[int, Meta(ge=1, le=500)] = 100
    skip: Number = 0


class LookAtSession(PageMessage, frozen=True, tag="session"):
    """A session to look at and to listen to. The Reply has `session`, see SessionTake."""

    id: Number
    name: Name


class SessionMidi(PageMessage, frozen=True, tag="session_midi"):
    """A session as a MIDI file. The Reply has `file`, a name, and `midi`, base64. model: the name of one that answers instead of what
    was played then; that takes a while."""

    id: Number
    name: Name
    model: Name | None = None


FromPage = Join | Ping | On | Off | Control | Ask | Check | Sessions | LookAtSession | SessionMidi


# To the page: once


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


class Hello(PageMessage, frozen=True):
    """page: the number that this page has while it is connected. may: what its token allows; a "watch" page gets no settings to steer,
    and what it asks for is refused. time: of the performance's clock. input: the name of the page's keys among the inputs.
    sounds: whether nothing else sounds (there is no MIDI output), so the page should."""

    page: int
    may: Literal["steer", "watch"]
    improv: str
    time: float
    input: str = "page"
    sounds: bool = True
    settings: tuple[SettingInfo, ...] = ()
    groups: dict[str, str] = {}
    commands: tuple[CommandInfo, ...] = ()
    version: int = VERSION


# To the page: how it stands


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
    told: what is read as something else, in words.
    """

    text: str
    length: float
    bar: float
    chords: tuple[ChartChord, ...]
    bars: tuple[tuple[str, ...], ...]
    loops: bool = True
    told: str = ""


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


class Scene(PageMessage, frozen=True):
    """How it stands. A field that is not there has not changed, unless it is `whole`: then it has its default.

    An empty text stands for none. chart: its `chords` are empty where there are no changes, and the chords that are held are followed.
    chord: what is played over now. waits: what it waits for before it plays, in words. missing: ports that are away, in words.
    counts: notes heard, played, filled, dropped, guarded. presets, bookmarks, models, moods: names. learning: the setting that the
    next controller is bound to, empty for none. learned: what controllers are bound to, in words. pages: how many are connected.
    """

    whole: bool = False
    lost: bool = False
    beat: Beat | None = None
    metre: tuple[int, int] | None = None
    bar: float | None = None
    chart: Chart | None = None
    chord: ChartChord | None = None
    turns: dict[str, TurnNow] | None = None
    waits: str | None = None
    missing: tuple[str, ...] | None = None
    lateness: LatenessNow | None = None
    counts: dict[str, int] | None = None
    performers: dict[str, PerformerInfo] | None = None
    inputs: dict[str, InputInfo] | None = None
    title: str | None = None
    session: str | None = None
    since: str | None = None
    models: tuple[str, ...] | None = None
    presets: tuple[str, ...] | None = None
    bookmarks: tuple[str, ...] | None = None
    learning: str | None = None
    learned: tuple[str, ...] | None = None
    pages: int | None = None
    sounding: tuple[Sounding, ...] | None = None


NO_CHART = Chart("", 0.0, 4.0, (), ())


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


class Notes(PageMessage, frozen=True):
    """What happened, in order; and afterwards, for each performer whose plan is another now, all that it plans.

    A note of an earlier plan that is neither in the new one nor in `events` is withdrawn: it will not sound.
    """

    events: tuple[NoteOnNews | NoteOffNews | ControlNews, ...] = ()
    plans: dict[str, tuple[Planned, ...]] = {}


class SaidLine(PageMessage, frozen=True, tag="said"):
    """A line for people: what is missing, what came back, what was learned."""

    text: str
    warning: bool = False


class Pong(PageMessage, frozen=True):
    """page: as the Ping had it. time: of the performance's clock."""

    page: float
    time: float


class Refused(PageMessage, frozen=True):
    """Why the server closes the connection. again: whether it makes sense to try again by itself."""

    why: str
    again: bool = False


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


class TakeNote(PagePart, frozen=True, array_like=True):
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
    notes: tuple[TakeNote, ...]
    marks: tuple[tuple[float, str], ...] = ()
    tempo: float = 120.0
    metre: tuple[int, int] = (4, 4)
    chart: Chart | None = None


class Reply(PageMessage, frozen=True):
    """Of an Ask, Check, Sessions, LookAtSession or SessionMidi. error: where it is not ok. found: what the command tells beside."""

    id: int
    ok: bool
    error: str | None = None
    found: dict[str, Any] = {}
    at: int | None = None
    chart: Chart | None = None
    sessions: tuple[SessionRow, ...] | None = None
    session: SessionTake | None = None
    file: str | None = None
    midi: bytes | None = None


ToPage = Hello | Scene | Notes | SaidLine | Pong | Refused | Reply

_reads = msgspec.json.Decoder(FromPage)
_writes = msgspec.json.Encoder()


def read_message(text: str | bytes) -> FromPage:
    """A message of the page's. Raises msgspec.ValidationError, msgspec.DecodeError."""
    return cast(FromPage, _reads.decode(text))


def written(message: ToPage) -> str:
    """A message to the page, as text."""
    return _writes.encode(message).decode()
