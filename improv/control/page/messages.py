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

from improv.control.page.parts import (
    Beat,
    Chart,
    ChartChord,
    CommandInfo,
    ControlNews,
    InputInfo,
    LatenessNow,
    NoteOffNews,
    NoteOnNews,
    PerformerInfo,
    Planned,
    SessionRow,
    SessionTake,
    SettingInfo,
    Sounding,
    TurnNow,
)

VERSION = 1
FRAMES = 30  # scenes a second, at most

Pitch = Annotated[int, Meta(ge=0, le=127)]
Value = Annotated[int, Meta(ge=0, le=127)]
Time = Annotated[float, Meta(ge=-1e9, le=1e9)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class PageMessage(Struct, frozen=True, omit_defaults=True, tag_field="type", tag=str.lower):
    """The `type` is the class's name in small letters."""


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


class Hello(PageMessage, frozen=True, omit_defaults=False):
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


class Scene(PageMessage, frozen=True):
    """How it stands. A field that is not there has not changed, unless it is `whole`: then it has its default.

    An empty text stands for none. chart: its `chords` are empty where there are no changes, and the chords that are held are followed.
    chord: what is played over now. waits: what it waits for before it plays, in words. spelling: the names of the
    twelve pitch classes from C, as the key spells them; empty where none is known. missing: ports that are away, in words.
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
    spelling: tuple[str, ...] | None = None
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


NO_MESSAGE = (msgspec.ValidationError, msgspec.DecodeError, RecursionError)  # what reading raises


def read_message(text: str | bytes) -> FromPage:
    """A message of the page's. Raises NO_MESSAGE."""
    return cast(FromPage, _reads.decode(text))


def written(message: ToPage) -> str:
    """A message to the page, as text."""
    return _writes.encode(message).decode()
