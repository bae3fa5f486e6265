"""improv.toml as one tree: every key with its kind, its limits, its default, what it is for. The values that a daemon works with.

A class is a table of the file and its docstring what the file says of it. The settings are the rows of `core.settings`. From this tree
come reading and its errors, the sample that `improv init` writes, and what a reload changes. A key's `live` in its Meta: a reload
takes it over while the music plays; `older`: words of before, and today's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from improv.control.bindings import Binding
from improv.control.commands import ACTIONS, CAPTURED, COMMANDS, OLDER
from improv.control.config.control_tree import ControlConfig, Text
from improv.core.harmony import Changes, parse_changes, wanted
from improv.core.metres import Metres
from improv.core.settings import DRUMS, OWN, SETTINGS, SHARED, Settings

NAME = "improv.toml"
CHANNELS = tuple(range(1, 17))
USUAL_CHANNELS = {"bass": 2, "comp": 3, "drums": DRUMS}  # of a band's members
WORD = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"
LONGEST_PATH = 256

Word = Annotated[str, Meta(pattern=WORD)]
Channel = Annotated[int, Meta(ge=1, le=16)]
Number = Annotated[int, Meta(ge=0, le=127)]
AnySetting: Any = Literal[tuple(SETTINGS)]
OWN_KEYS = ("preset", "model")  # actions that are keys of their own: preset = "ballad"
ACTION_WORDS = "; ".join(f"{a}: {COMMANDS[a].help}" for a in ACTIONS if a not in OWN_KEYS)
OwnAction: Any = Literal[tuple(a for a in ACTIONS if a not in OWN_KEYS)]


def _rows(names: Iterable[str], optional: bool) -> list[Any]:
    """Settings as keys of a table. optional: what is not given is not set."""
    rows = []
    for name in names:
        row = SETTINGS[name]
        kind: Any = Literal[row.limits] if row.is_word else type(row.default)
        meta = Meta(description=row.help, examples=[row.default], extra={"live": True})
        if not row.is_word:
            kind = Annotated[kind, Meta(ge=row.limits[0], le=row.limits[1])]
        rows.append((name, Annotated[kind | None, meta] if optional else Annotated[kind, meta], None if optional else row.default))
    return rows


def given(table: Struct) -> dict[str, Any]:
    """The settings that a table gives, by name."""
    return {name: value for name in SETTINGS if (value := getattr(table, name, None)) is not None}


class _Music(Struct, frozen=True):
    """What all performers share."""

    changes: Annotated[
        Annotated[str, Meta(max_length=20_000)] | None,
        Meta(
            description='chord changes, looped; without them, or "heard", the chords that you play are heard',
            examples=["Dm7 | G7 | Cmaj7 | %"],
            extra={"live": True},
        ),
    ] = None
    tune: Annotated[
        Annotated[str, Meta(max_length=LONGEST_PATH)] | None,
        Meta(
            description="changes, metre, tempo, style and feel of a built-in form (`improv tunes`) or of a song in a file, as --tune takes "
            "them; keys that stand here themselves win",
            examples=["blues-bb"],
        ),
    ] = None
    key: Annotated[Annotated[str, Meta(max_length=20)] | None, Meta(description="the key to play the tune in", examples=["Eb"])] = None
    metre_text: Annotated[str, Meta(description="time signature")] = msgspec.field(default="4/4", name="metre")
    send_clock: Annotated[bool, Meta(description="send MIDI Clock, Start, Stop and song position, as the master")] = False
    advance: Annotated[
        Annotated[float, Meta(ge=0, le=500)] | None,
        Meta(
            description="hand notes over so many ms earlier, for a slow synth; without it, as `improv calibrate` measured", examples=[0.0]
        ),
    ] = None
    tap: Annotated[
        Annotated[str, Meta(pattern=r"^(cc|key)([0-9]|[1-9][0-9]|1[01][0-9]|12[0-7])$")] | None,
        Meta(description="what you tap the tempo with: cc0 to cc127, or key0 to key127", examples=["cc80"], extra={"live": True}),
    ] = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # the settings that all share

    @property
    def metre(self) -> tuple[int, int]:
        """Beats a bar and the note that counts. Raises ValueError, MeterError."""
        count, unit = (int(n) if n.isascii() and n.isdigit() and len(n) < 4 else 0 for n in self.metre_text.split("/"))
        return Metres.of(count, unit).first.metre

    @property
    def sheet(self) -> Changes | None:
        """The changes, read in the metre. Raises HarmonyError."""
        return None if (text := wanted(self.changes)) is None else parse_changes(text, Metres.of(*self.metre))

    @property
    def metres(self) -> Metres:
        """Those of the song: what the changes say, if they do."""
        sheet = self.sheet
        return sheet.metres if sheet and sheet.metres else Metres.of(*self.metre)

    def tap_binding(self) -> tuple[Binding, ...]:
        if not self.tap:
            return ()
        return (Binding("cc" if self.tap.startswith("cc") else "key", int(self.tap.strip("ceky")), action="tap"),)


class InputConfig(Struct, frozen=True):
    """Where you come in; a table for each keyboard or controller. Without any, there is one virtual port."""

    name: Annotated[Word, Meta(description="what it is called here")]
    port: Annotated[
        Text | None,
        Meta(description="MIDI input, by name or a part of it (see `improv ports`); without it, a virtual port", examples=["Keystation"]),
    ] = None
    only: Annotated[
        tuple[Channel, ...] | None,
        Meta(
            description="MIDI channels that it listens to; without it, all but 10, the drums' channel (and all of a control surface's)",
            examples=[[1, 2]],
        ),
    ] = msgspec.field(default=None, name="channels")
    role: Annotated[
        Literal["play", "control", "harmony"],
        Meta(
            description="play: it is heard, and its bound keys and controllers steer; control: it only steers; "
            "harmony: it is heard for its chords alone, as a DAW's chord track"
        ),
    ] = "play"

    @property
    def channels(self) -> frozenset[int]:
        """The channels that are listened to, 1-16; a control surface's pads may be on 10."""
        return frozenset(self.only or (CHANNELS if self.role == "control" else set(CHANNELS) - {DRUMS}))


class PerformerConfig(Struct, frozen=True):
    """Who plays; a table for each. Any key of [settings] can stand here too, for this performer only."""

    name: Annotated[Word, Meta(description="what it is called here, and in OSC addresses")]
    model: Annotated[Text, Meta(description="a model's name or folder; without it, as above", examples=["jazz"], extra={"live": True})] = ""
    output: Annotated[
        Text | None, Meta(description="MIDI output, by name or a part of it; without it, a virtual port", examples=["FLUID"])
    ] = None
    plays_on: Annotated[
        Channel | None, Meta(description="MIDI channel that it plays on; without it 1, of a band: bass 2, comp 3, drums 10", examples=[1])
    ] = msgspec.field(default=None, name="channel")
    listens_to: Annotated[
        tuple[Word, ...] | None,
        Meta(description="inputs and other performers that it listens to; without it, all inputs that play", examples=[["keys"]]),
    ] = msgspec.field(default=None, name="hears")
    seed: Annotated[
        Annotated[int, Meta(ge=0, le=2**53)] | None,
        Meta(description="same seed, same music; without it, a new one each time", examples=[7]),
    ] = None

    kind: Annotated[
        Literal["soloist", "bass", "drums", "comp"],
        Meta(description="soloist: it plays as its mode says; bass, drums, comp: a member of the band, which hears the soloists"),
    ] = "soloist"

    kit: Annotated[
        Path | None,
        Meta(description="a map file for a kit with other keys than General MIDI's; relative to this file", examples=["kit.toml"]),
    ] = None

    @property
    def channel(self) -> int:
        return self.plays_on or USUAL_CHANNELS.get(self.kind, 1)

    @property
    def hears(self) -> tuple[str, ...]:
        return self.listens_to or ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that the file gives for it, or for all performers, by name."""
        return given(self)


class RecordConfig(Struct, frozen=True):
    """The record of each session."""

    on: Annotated[bool, Meta(description="keep a record")] = True
    folder: Annotated[Path, Meta(description="where sessions go; relative to this file's folder")] = Path("sessions")
    keep_days: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="sessions that are older than this are deleted; without it, none are", examples=[90.0], extra={"live": True}),
    ] = None
    keep_mb: Annotated[
        Annotated[float, Meta(ge=1, le=1e9)] | None,
        Meta(
            description="when all sessions together take more megabytes than this, the oldest are deleted; without it, none are",
            examples=[2000.0],
            extra={"live": True},
        ),
    ] = None


class BindingConfig(Struct, frozen=True):
    """What a controller, a program change or a key does. Give one of cc, program, key; and one of setting, preset, model, action."""

    cc: Annotated[Number | None, Meta(description="number of a controller")] = None
    program: Annotated[Number | None, Meta(description="number of a program change; some devices count from 1, here it is from 0")] = None
    key: Annotated[Number | None, Meta(description="MIDI pitch of a key or pad; it is no longer heard as music")] = None
    channel: Annotated[Channel | None, Meta(description="only on this MIDI channel")] = None
    input: Annotated[Word | None, Meta(description="only from this input")] = None
    setting: Annotated[AnySetting | None, Meta(description="a controller moves it through its range; choices are spread evenly")] = None
    low: Annotated[float | None, Meta(description="the setting when the controller is at 0, instead of the lowest")] = None
    high: Annotated[float | None, Meta(description="the setting when the controller is at 127, instead of the highest")] = None
    value: Annotated[float | str | None, Meta(description="what the setting becomes, for a key, a button or a program change")] = None
    preset: Annotated[Word | None, Meta(description="recall this preset")] = None
    model: Annotated[Text | None, Meta(description="play with this model")] = None
    action: Annotated[
        OwnAction | None,
        Meta(
            description=ACTION_WORDS,
            extra={"older": OLDER},
        ),
    ] = None
    name: Annotated[Text | None, Meta(description="the bookmark to keep or recall, or the text of a mark")] = None
    bars: Annotated[Annotated[int, Meta(ge=1, le=1000)] | None, Meta(description=f"how many bars to capture; without it, {CAPTURED}")] = (
        None
    )
    performer: Annotated[Word | None, Meta(description="only for this performer")] = None

    def binding(self) -> Binding:
        kind = next((k for k in ("cc", "program", "key") if getattr(self, k) is not None), "cc")
        own = next((a for a in OWN_KEYS if getattr(self, a) is not None), None)
        name = getattr(self, own) if own else self.name
        same = {k: getattr(self, k) for k in ("channel", "setting", "performer", "low", "high", "value", "bars", "input")}
        return Binding(kind, getattr(self, kind) or 0, action=own or self.action, name=name, **same)


if TYPE_CHECKING:
    MusicConfig: TypeAlias = _Music
    PerformerTable: TypeAlias = PerformerConfig
    SettingsTable: TypeAlias = Struct
    PresetTable: TypeAlias = Struct
else:
    MusicConfig = msgspec.defstruct("MusicConfig", _rows(SHARED, optional=False), bases=(_Music,), frozen=True)
    MusicConfig.__doc__ = _Music.__doc__
    # What a performer's table takes: its own keys, and the settings.
    PerformerTable = msgspec.defstruct("PerformerTable", _rows(OWN, optional=True), bases=(PerformerConfig,), frozen=True)
    PerformerTable.__doc__ = PerformerConfig.__doc__
    SettingsTable = msgspec.defstruct("SettingsTable", _rows(OWN, optional=True), frozen=True)
    SettingsTable.__doc__ = "How performers play, unless their own tables say otherwise. All of it can be changed while they play."
    PresetTable = msgspec.defstruct("PresetTable", _rows(SETTINGS, optional=True), frozen=True)
    PresetTable.__doc__ = (
        "Settings that are recalled together, by name: by a binding, or by `improv ctl preset NAME`. Any setting can be in it."
    )


class Tables(Struct, frozen=True):
    __doc__ = f"""{NAME}: what `improv daemon --config {NAME}` performs.

    A line that begins with # and a key shows the default, or an example where there is none: take the # away to use it.
    `improv ctl reload` takes over, while it plays, what can be changed then; the rest it lists."""

    model: Annotated[Text, Meta(description="the model, by name or folder")] = "jazz"
    log_json: Annotated[bool, Meta(description="write the log as JSON, a line each")] = False
    music: MusicConfig = msgspec.field(default_factory=MusicConfig)
    settings: SettingsTable = msgspec.field(default_factory=SettingsTable)
    inputs: tuple[InputConfig, ...] = msgspec.field(default=(), name="input")
    performers: tuple[PerformerTable, ...] = msgspec.field(default=(), name="performer")
    record: RecordConfig = msgspec.field(default_factory=RecordConfig)
    control: ControlConfig = msgspec.field(default_factory=ControlConfig)
    binding: tuple[BindingConfig, ...] = ()
    preset: dict[str, PresetTable] = msgspec.field(default_factory=dict)


class Config(Tables, frozen=True):
    """The file's tables, completed: paths are whole; who is not named is there; each performer has its model, whom it hears and
    the settings of all. notes: what is to be told of the file, though it is right."""

    notes: tuple[str, ...] = ()

    @property
    def bindings(self) -> tuple[Binding, ...]:
        return (*(b.binding() for b in self.binding), *self.music.tap_binding())

    @property
    def presets(self) -> dict[str, dict[str, Any]]:
        return {name: given(preset) for name, preset in self.preset.items()}

    def settings_of(self, performer: PerformerConfig) -> Settings:
        """A performer's settings at the start."""
        return Settings(**({name: getattr(self.music, name) for name in SHARED} | dict(performer.settings)))


def read_path(kind: type, value: object) -> Any:
    """A path of the file, for msgspec. Raises ValueError."""
    if kind is Path and isinstance(value, str) and 0 < len(value) <= LONGEST_PATH and value.isprintable():
        try:
            return Path(value).expanduser()
        except RuntimeError:  # the home of nobody
            raise ValueError("no home of that name") from None
    raise ValueError("no path")


def meta_of(kind: Any) -> Meta:
    """What is said of a key of this kind."""
    for part in getattr(kind, "__metadata__", ()):
        if isinstance(part, Meta) and part.description:
            return part
    return Meta()


def is_live(key: Any) -> bool:
    """Whether a reload takes a key over while the music plays."""
    return bool((meta_of(key.type).extra or {}).get("live"))
