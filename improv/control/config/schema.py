"""Every key of improv.toml: its kind, its limits, its default, what it is for. One table, for reading the file and for writing it.

A class is a table of the file and its docstring what the file says of it. The settings come from `core.settings.TABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from improv.control.commands import ACTIONS
from improv.control.config.config import NAME
from improv.core.settings import OWN, SETTINGS, SHARED

WORD = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"

Word = Annotated[str, Meta(pattern=WORD)]
Text = Annotated[str, Meta(min_length=1, max_length=256)]
Channel = Annotated[int, Meta(ge=1, le=16)]
AnySetting: Any = Literal[tuple(SETTINGS)]
OwnAction: Any = Literal[tuple(a for a in ACTIONS if a not in ("preset", "model"))]  # those two are keys of their own
Number = Annotated[int, Meta(ge=0, le=127)]


def _rows(names: Iterable[str], optional: bool) -> list[Any]:
    """Settings as keys of a table. optional: what is not given is not set."""
    rows = []
    for name in names:
        row = SETTINGS[name]
        kind: Any = Literal[row.limits] if row.is_word else type(row.default)
        meta = Meta(description=row.help, examples=[row.default])
        if not row.is_word:
            kind = Annotated[kind, Meta(ge=row.limits[0], le=row.limits[1])]
        rows.append((name, Annotated[kind | None, meta] if optional else Annotated[kind, meta], None if optional else row.default))
    return rows


SettingsTable: type[Struct] = msgspec.defstruct("SettingsTable", _rows(OWN, optional=True))
SettingsTable.__doc__ = "What performers play like, unless their own table says otherwise. All of it can be changed while they play."
PresetTable: type[Struct] = msgspec.defstruct("PresetTable", _rows(SETTINGS, optional=True))
PresetTable.__doc__ = (
    "Settings that are recalled together, by name: by a binding, or by `improv ctl preset NAME`. Any setting can be in it."
)


class _MusicTable(Struct):
    """What all performers share."""

    changes: Annotated[
        Annotated[str, Meta(max_length=20_000)] | None,
        Meta(description="chord changes, looped; without them, the chords that are held are followed", examples=["Dm7 | G7 | Cmaj7 | %"]),
    ] = None
    metre: Annotated[str, Meta(description="time signature")] = "4/4"
    send_clock: Annotated[bool, Meta(description="be the master: send MIDI Clock, Start, Stop and song position")] = False
    advance: Annotated[
        Annotated[float, Meta(ge=0, le=500)] | None,
        Meta(description="ms by which notes are handed over earlier, for a slow synth; without it, as calibrated", examples=[0.0]),
    ] = None
    tap: Annotated[
        Annotated[str, Meta(pattern=r"^(cc|key)([0-9]|[1-9][0-9]|1[01][0-9]|12[0-7])$")] | None,
        Meta(description="what taps the tempo: cc0 to cc127, or key0 to key127", examples=["cc80"]),
    ] = None


MusicTable: type[Struct] = msgspec.defstruct("MusicTable", _rows(SHARED, optional=False), bases=(_MusicTable,))
MusicTable.__doc__ = _MusicTable.__doc__


class InputTable(Struct):
    """Where you come in; a table for each keyboard or controller. Without any, there is one virtual port."""

    name: Annotated[Word, Meta(description="what it is called here")]
    port: Annotated[
        Text | None,
        Meta(description="MIDI input, by name or a part of it (see `improv ports`); without it, a virtual port", examples=["Keystation"]),
    ] = None
    channels: Annotated[
        list[Channel] | None, Meta(description="MIDI channels that are listened to; without it, all", examples=[[1, 2]])
    ] = None
    role: Annotated[
        Literal["play", "control"], Meta(description="play: it is heard, and its bound keys and controllers steer; control: it only steers")
    ] = "play"


class PerformerTable(Struct):
    """Who plays; a table for each. Any key of [settings] can stand here too, for this performer alone."""

    name: Annotated[Word, Meta(description="what it is called here, and in OSC addresses")]
    model: Annotated[Text | None, Meta(description="a model's name or folder; without it, as above", examples=["jazz"])] = None
    output: Annotated[
        Text | None, Meta(description="MIDI output, by name or a part of it; without it, a virtual port", examples=["FLUID"])
    ] = None
    channel: Annotated[Channel, Meta(description="MIDI channel that it plays on")] = 1
    hears: Annotated[
        list[Word] | None,
        Meta(description="inputs and other performers that it listens to; without it, all inputs that play", examples=[["keys"]]),
    ] = None
    seed: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None, Meta(description="same seed, same music; without it, drawn", examples=[7])
    ] = None


# What a performer's table takes: its own keys, and the settings.
PerformerWhole: type[Struct] = msgspec.defstruct("PerformerWhole", _rows(OWN, optional=True), bases=(PerformerTable,))
PerformerWhole.__doc__ = PerformerTable.__doc__


class RecordTable(Struct):
    """The record of each session."""

    on: Annotated[bool, Meta(description="keep it")] = True
    folder: Annotated[Text, Meta(description="where sessions go; relative to this file's folder")] = "sessions"
    keep_days: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="sessions that are older are deleted; without it, none are", examples=[90.0]),
    ] = None
    keep_mb: Annotated[
        Annotated[float, Meta(ge=1, le=1e9)] | None,
        Meta(description="the oldest are deleted when all together have more megabytes; without it, none are", examples=[2000.0]),
    ] = None


class OscTable(Struct):
    """OSC over UDP. Beyond this machine (listen = "0.0.0.0") only with a secret or a list of who may send."""

    listen: Annotated[Text, Meta(description="the address that it listens on; 127.0.0.1: this machine alone")] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=1, le=65535)], Meta(description="UDP port")] = 9000
    secret: Annotated[
        Annotated[str, Meta(min_length=8, max_length=128)] | None,
        Meta(
            description="a word that each message must begin with; it is sent as it is, so anybody on the way can read it",
            examples=["change-me"],
        ),
    ] = None
    allow: Annotated[
        list[Text],
        Meta(description="addresses and networks that may send; none: all that the secret lets in", examples=[["192.168.1.0/24"]]),
    ] = msgspec.field(default_factory=list)


class MetricsTable(Struct):
    """Figures for Prometheus, over HTTP at /metrics. They can be read there, not changed."""

    listen: Annotated[Text, Meta(description="the address that it listens on; 127.0.0.1: this machine alone")] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=1, le=65535)], Meta(description="TCP port")] = 9464
    allow: Annotated[
        list[Text],
        Meta(description="addresses and networks that may read; none: whoever reaches the port", examples=[["192.168.1.0/24"]]),
    ] = msgspec.field(default_factory=list)


class ControlTable(Struct):
    """How it is steered from outside. `improv ctl` works without any of this."""

    socket: Annotated[
        Text | None,
        Meta(description="path of the local socket that `improv ctl` uses; without it, at its usual place", examples=["control.sock"]),
    ] = None
    osc: OscTable | None = None
    metrics: MetricsTable | None = None


class BindingTable(Struct):
    """What a controller, a program change or a key does. One of cc, program, key; and one of setting, preset, model, action."""

    cc: Annotated[Number | None, Meta(description="number of a controller")] = None
    program: Annotated[Number | None, Meta(description="number of a program change; some devices count from 1, here it is from 0")] = None
    key: Annotated[Number | None, Meta(description="MIDI pitch of a key or pad; it is no longer heard as music")] = None
    channel: Annotated[Channel | None, Meta(description="on this MIDI channel alone")] = None
    input: Annotated[Word | None, Meta(description="from this input alone")] = None
    setting: Annotated[
        AnySetting | None,
        Meta(description="a controller moves it through its range, choices spread evenly"),
    ] = None
    low: Annotated[float | None, Meta(description="the setting when the controller is at 0, instead of the lowest")] = None
    high: Annotated[float | None, Meta(description="the setting when the controller is at 127, instead of the highest")] = None
    value: Annotated[float | str | None, Meta(description="what the setting becomes, for a key, a button or a program change")] = None
    preset: Annotated[Word | None, Meta(description="recall this preset")] = None
    model: Annotated[Text | None, Meta(description="play with this model")] = None
    action: Annotated[
        OwnAction | None,
        Meta(
            description="tap: tap the tempo; panic: silence; mark: a mark in the record; capture: the last bars to a MIDI file; "
            "keep: keep the state as a bookmark; recall: go back to it"
        ),
    ] = None
    name: Annotated[Text | None, Meta(description="the bookmark to keep or go back to, or the text of a mark")] = None
    bars: Annotated[Annotated[int, Meta(ge=1, le=1000)] | None, Meta(description="how many bars to capture; without it, 16")] = None
    performer: Annotated[Word | None, Meta(description="for this performer alone")] = None


class Root(Struct):
    __doc__ = f"""{NAME}: what `improv daemon --config {NAME}` performs.

    A line that begins with # and a key shows the default, or an example where there is none: take the # away to use it.
    `improv ctl reload` takes changes over while it plays, where that can be."""

    model: Annotated[Text, Meta(description="the model, by name or folder")] = "jazz"
    log_json: Annotated[bool, Meta(description="write the log as JSON, a line each")] = False
    music: MusicTable = msgspec.field(default_factory=MusicTable)  # type: ignore[valid-type]
    settings: SettingsTable = msgspec.field(default_factory=SettingsTable)  # type: ignore[valid-type]
    input: list[InputTable] = msgspec.field(default_factory=list)
    performer: list[PerformerWhole] = msgspec.field(default_factory=list)  # type: ignore[valid-type]
    record: RecordTable = msgspec.field(default_factory=RecordTable)
    control: ControlTable = msgspec.field(default_factory=ControlTable)
    binding: list[BindingTable] = msgspec.field(default_factory=list)
    preset: dict[str, PresetTable] = msgspec.field(default_factory=dict)  # type: ignore[valid-type]
