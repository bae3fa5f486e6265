"""The commands, one row each: what can be asked of a daemon, with which fields, and by which ways.

Reading a request, OSC addresses, the actions of bindings, ctl's subcommands and help all come from these rows. A new command is
one row here and its function in `control.apply`. Light, since `improv ctl` loads it: nothing of the music is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Request = dict[str, Any]

# Ways: `improv ctl` and the local socket; OSC; a controller, pad or program change; the page in a browser
CTL, OSC, BINDING, PAGE = "ctl", "osc", "binding", "page"

# Kinds of fields
SETTING, VALUE = "setting", "value"  # a setting's name; its value
NAME = "name"  # of a preset or bookmark: it can't lead out of a folder
MODEL, TEXT, FILE, BARS, PERFORMER, CHANGES = "model", "text", "file", "bars", "performer", "changes"
FIGURE, PORT = "figure", "port"  # over OSC: what is asked for, and where the reply goes


class Field(NamedTuple):
    """What is said with a command. kind: as above. needed: whether it must be there."""

    name: str
    kind: str
    needed: bool = True


class Command(NamedTuple):
    """A command. help: what it does; example: as one would type it after `improv ctl`, where that is not plain.

    ways: how it can be asked for. urgent: it goes before others that wait. slow: it costs the performance as much as many others do,
    and counts so. quick: it is done at once in the thread of the port that it came from. alike: of several that wait and are alike in
    these fields, the latest alone counts; None: each counts.
    means: another command, with fields that it sets, which this one is short for. older: names that it had before, which go on working.
    """

    name: str
    help: str
    fields: tuple[Field, ...] = ()
    ways: tuple[str, ...] = (CTL,)
    example: str = ""
    urgent: bool = False
    slow: bool = False
    quick: bool = False
    alike: tuple[str, ...] | None = None
    means: tuple[str, Mapping[str, str]] | None = None
    older: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


_WHOSE = Field("performer", PERFORMER, False)
_ROWS = (
    Command("status", "show who plays what, how late notes are, and what is missing"),
    Command(
        "set",
        "change a setting; `improv jam --help` explains each",
        (Field("name", SETTING), Field("value", VALUE), _WHOSE),
        (CTL, OSC, PAGE),
        example="set temperature 0.9",
        quick=True,
        alike=("name", "performer"),
    ),
    Command(
        "mode",
        "change the mode",
        (Field("value", VALUE), _WHOSE),
        (CTL, OSC, PAGE),
        example="mode comp",
        means=("set", {"name": "mode"}),
    ),
    Command("model", "play with another model", (Field("name", MODEL), _WHOSE), (CTL, OSC, BINDING, PAGE), slow=True, alike=("performer",)),
    Command(
        "changes",
        "play over other changes, from the next bar; none, or `heard`: those that you play",
        (Field("text", CHANGES), _WHOSE),
        (CTL, OSC, PAGE),
        example='changes "Dm7 | G7 | Cmaj7"',
        alike=("performer",),
    ),
    Command(
        "chart",
        "keep the chart that is heard, as a file that `improv jam --tune FILE` plays",
        (Field("what", NAME), Field("name", NAME), _WHOSE),
        (CTL, PAGE),
        example="chart save blues",
        slow=True,
    ),
    Command("preset", "recall settings that are kept under a name", (Field("name", NAME), _WHOSE), (CTL, OSC, BINDING, PAGE), slow=True),
    Command("save", "keep the settings of this moment as a preset", (Field("name", NAME), _WHOSE), (CTL, PAGE), slow=True),
    Command(
        "mood",
        "take changes, tempo and settings from words",
        (Field("text", TEXT),),
        (CTL, PAGE),
        example="mood hope and wonder",
        slow=True,
    ),
    Command(
        "manner",
        "play in a soloist's manner, or in a blend of some; `improv jam --manner list` has them",
        (Field("text", TEXT), _WHOSE),
        (CTL, OSC, BINDING, PAGE),
        example="manner spare:0.7, restless:0.3",
        slow=True,
    ),
    Command("keep", "keep the state of this moment as a bookmark", (Field("name", NAME), _WHOSE), (CTL, OSC, BINDING, PAGE), quick=True),
    Command(
        "recall",
        "go back to a bookmark",
        (Field("name", NAME), _WHOSE),
        (CTL, OSC, BINDING, PAGE),
        quick=True,
        older=("back",),
    ),
    Command("learn", "bind the next controller that moves to a setting", (Field("name", SETTING), _WHOSE), (CTL, PAGE)),
    Command("unlearn", "take controllers off a setting", (Field("name", SETTING),), (CTL, PAGE)),
    Command("panic", "silence, now", (), (CTL, OSC, BINDING, PAGE), urgent=True, alike=()),
    Command("ending", "let the band end: a tag, and a held chord; asked twice, in the next bar", (), (CTL, OSC, BINDING, PAGE), quick=True),
    Command("play", "go on after a panic", (_WHOSE,), (CTL, OSC, BINDING, PAGE), quick=True),
    Command(
        "second",
        "a second take: from the next beat, the other phrase that it had in mind",
        (_WHOSE,),
        (CTL, OSC, BINDING, PAGE),
        quick=True,
    ),
    Command(
        "mark", "put a mark in the record, with a text if you like", (Field("text", TEXT, False),), (CTL, OSC, BINDING, PAGE), quick=True
    ),
    Command(
        "capture",
        "write the last bars to a MIDI file",
        (Field("bars", BARS, False), Field("file", FILE, False)),
        (CTL, BINDING, PAGE),
        slow=True,
    ),
    Command("page", "tell the links of the page: to steer, and to watch"),
    Command("reload", "read the configuration again", slow=True, alike=()),
    Command("stop", "end the daemon", urgent=True, alike=()),
    Command("get", "tell a setting or a figure", (Field("name", FIGURE), Field("port", PORT, False), _WHOSE), (OSC,)),
    Command("tap", "tap the tempo", (), (BINDING, PAGE), quick=True),
)
COMMANDS: dict[str, Command] = {row.name: row for row in _ROWS}
OLDER: dict[str, str] = {old: row.name for row in _ROWS for old in row.older}  # names of before -> today's
ACTIONS = tuple(row.name for row in _ROWS if BINDING in row.ways)  # of bindings
CAPTURED = 16  # bars, where nobody says how many
TAKEN = ("all", *(name for row in _ROWS if OSC in row.ways for name in (row.name, *row.older)), "stop")  # no performer's name


def by_way(way: str) -> tuple[Command, ...]:
    """The commands that can be asked for in a way."""
    return tuple(row for row in _ROWS if way in row.ways)


def expanded(request: Request) -> Request:
    """The request under today's name; one that is short for another, as that other."""
    do = request.get("do")
    do = OLDER.get(do, do) if isinstance(do, str) else do
    row = COMMANDS.get(do) if isinstance(do, str) else None
    if row and row.means:
        return request | {"do": row.means[0]} | dict(row.means[1])
    return request | {"do": do}
