"""What each command does, a function each, by the names of `commands.COMMANDS`. They return what is to be told, or None.

A command that needs something that takes long to get (a model, a file) has a second function, which gets it and puts it into the
request; it runs before, without the lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from improv.control.commands import CAPTURED, Request
from improv.control.config.differences import differences
from improv.control.config.reading import load_config
from improv.control.desk import Desk
from improv.control.kept import save_chart, save_preset
from improv.core.band.ending import ENDING
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, ControlChange, Mark, Setting, Stop, Tap, Transport
from improv.core.harmony import parse_changes, taken_for, wanted
from improv.core.modes.classes import MODES
from improv.core.settings import PLAY, SECOND_TAKE, SETTINGS, SHARED, Settings
from improv.models.loader import load_model

Function = Callable[[Desk, Request], dict[str, Any] | None]
FUNCTIONS: dict[str, Function] = {}  # by command
READY: dict[str, Callable[[Desk, Request], Request]] = {}
NOBODYS = -1000  # the part of a controller that no input sent


def does(name: str) -> Callable[[Function], Function]:
    """The function that follows does a command."""

    def register(function: Function) -> Function:
        FUNCTIONS[name] = function
        return function

    return register


def do(desk: Desk, request: Request) -> dict[str, Any]:
    """Do what a request says whose models and files are at hand. Returns what is to be told. Raises ImprovError."""
    function = FUNCTIONS.get(request["do"])
    if function is None:
        raise ImprovError(f"no command {request['do']!r}")
    return function(desk, request) or {}


# Settings


@does("set")
def set_setting(desk: Desk, request: Request) -> dict[str, Any]:
    """Change a setting; also `model`, by name, and `changes`, as text: what a symbol is taken for is told, and logged."""
    name, value, number = str(request["name"]), request["value"], desk.number_of(request.get("performer"))
    if name == "model":
        play_with(desk, request | {"name": value})
    elif name == "changes":
        text = wanted(str(value)) or ""
        told = _told(desk, text) if text else None
        desk.put(Setting(desk.now, "changes", text, number))
        if told:
            desk.log(told, "notice")
            return {"taken": told, "text": told}
    else:
        for performer in desk.those(number):
            performer.settings.changed(name, value)
        _put_setting(desk, name, value, number)
    return {}


def _told(desk: Desk, changes: str) -> str | None:
    """What is to be told of changes. Raises ImprovError."""
    read = parse_changes(changes, desk.performance.timekeeper.meter.metres)
    if read.metres:
        raise ImprovError(
            "changes that say their metre must be there from the start: put them into improv.toml, and start the daemon again"
        )
    return taken_for(read)


@does("changes")
def play_over(desk: Desk, request: Request) -> dict[str, Any] | None:
    return set_setting(desk, request | {"name": "changes", "value": str(request.get("text") or "").strip()})


def _put_setting(desk: Desk, name: str, value: Any, number: int | None) -> None:
    """Hand on a setting that was checked."""
    if name == "clock" and value == "host":
        raise ImprovError("clock host is the plugin's own; follow a DAW with midi or link")
    now, keeper = desk.now, desk.performance.timekeeper
    if name == "mode" and MODES[value].begins and not keeper.meter.running and keeper.source.own:
        desk.put(Transport(now, "start"))  # one beat for all
    desk.put(Setting(now, name, value, None if name in SHARED else number))


def _set_together(desk: Desk, wanted: Mapping[str, Any], number: int | None) -> None:
    """Change several settings at once: all are checked before the first is put; a range is widened before it is narrowed."""
    performers = desk.those(number)
    for performer in performers:
        replace(performer.settings, **{k: v for k, v in wanted.items() if k in SETTINGS})
    high = performers[0].settings.high
    order = ("high", "low") if wanted.get("high", high) >= high else ("low", "high")
    for name in (*(n for n in order if n in wanted), *(n for n in wanted if n not in order)):
        if name in SETTINGS:
            _put_setting(desk, name, wanted[name], number)
        else:
            set_setting(desk, {"name": name, "value": wanted[name], "performer": None if number is None else performers[0].name})


@does("model")
def play_with(desk: Desk, request: Request) -> None:
    name, number = str(request["name"]), desk.number_of(request.get("performer"))
    for performer in desk.soloists(number):
        performer.model_name = name
    desk.put(Setting(desk.now, "model", name, number))


@does("chart")
def keep_chart(desk: Desk, request: Request) -> dict[str, Any]:
    """Keep the chart that is heard, in a file that can be corrected and played."""
    if request["what"] != "save":
        raise ImprovError(f"chart {request['what']}: expected `chart save NAME`")
    told = desk.those(desk.number_of(request.get("performer")))[0].improviser.listening.told
    if told is None:
        raise ImprovError("the changes are given, so none are heard: say `improv ctl changes heard` first")
    if told.changes is None:
        raise ImprovError(f"no progression has come round twice yet ({told})")
    meter = desk.performance.timekeeper.meter
    path = save_chart(desk.config.record.folder, str(request["name"]), told, meter)
    return {"file": str(path), "text": f"wrote {path}: {told.changes}"}


@does("preset")
def recall_preset(desk: Desk, request: Request) -> dict[str, Any]:
    _set_together(desk, preset := _preset(desk, request), desk.number_of(request.get("performer")))
    return {"set": preset, "text": f"set: {_listed(preset)}"}


def _preset(desk: Desk, request: Request) -> dict[str, Any]:
    name, presets = str(request["name"]), desk.presets()
    if name not in presets:
        raise ImprovError(f"no preset {name!r}; there are {', '.join(presets) or 'none'}")
    return presets[name]


@does("save")
def save(desk: Desk, request: Request) -> dict[str, Any]:
    """Keep the present settings under a name: what differs from the defaults, of one performer."""
    performer = desk.those(desk.number_of(request.get("performer")))[0]
    now, usual = asdict(performer.settings), asdict(Settings())
    kept = {k: v for k, v in now.items() if v != usual[k] and k not in SHARED}
    preset = kept | {"mode": now["mode"], "model": performer.model_name}
    save_preset(desk.config.record.folder, str(request["name"]), preset)
    return {"saved": preset, "text": f"kept as {request['name']}: {_listed(preset)}"}


def _listed(settings: Mapping[str, Any]) -> str:
    """`temperature 0.9, mode comp`."""
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in settings.items())


@does("mood")
def take_mood(desk: Desk, request: Request) -> dict[str, Any]:
    """What words come to, for all performers: changes, settings, and the tempo where that is ours."""
    choice = request["choice"]
    clock = desk.performance.performers[0].settings.clock
    tempo = {"tempo": choice.tempo} if clock == "internal" else {}
    _set_together(desk, {"changes": choice.changes} | tempo | dict(choice.settings), None)
    return {"text": "; ".join(filter(None, (str(choice), choice.doubt())))}


@does("manner")
def take_manner(desk: Desk, request: Request) -> dict[str, Any]:
    """The settings of a manner, for those who play solos."""
    for soloist in desk.soloists(desk.number_of(request.get("performer"))):
        _set_together(desk, request["settings"], soloist.number)
    return {"set": request["settings"], "text": f"set: {_listed(request['settings'])}"}


# Bookmarks, marks, captures


@does("keep")
def keep(desk: Desk, request: Request) -> None:
    name, number = str(request["name"]), desk.number_of(request.get("performer"))
    desk.put(Bookmark(desk.now, name, True, number))
    desk.note_bookmark(name, number)


@does("recall")
def recall(desk: Desk, request: Request) -> None:
    name, number = str(request["name"]), desk.number_of(request.get("performer"))
    names = desk.bookmarks(number)
    if name not in names:
        raise ImprovError(f"no bookmark {name!r}; there are {', '.join(names) or 'none'}")
    desk.put(Bookmark(desk.now, name, False, number))


@does("mark")
def mark(desk: Desk, request: Request) -> None:
    desk.put(Mark(desk.now, str(request.get("text") or "")[:1000]))


@does("capture")
def capture(desk: Desk, request: Request) -> dict[str, Any]:
    bars, most = int(request.get("bars") or CAPTURED), desk.last_bars.most
    if not 1 <= bars <= most:
        raise ImprovError(f"{bars} bars: expected from 1 to {most}, which are kept")
    beside = desk.config.record.folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-last-{bars}-bars.mid"
    path = Path(str(request["file"])) if request.get("file") else beside
    desk.last_bars.write(path, bars)
    return {"file": str(path), "text": f"wrote {path}"}


# Controllers


@does("learn")
def learn(desk: Desk, request: Request) -> dict[str, Any]:
    with desk.binding:
        desk.bindings.learn(str(request["name"]), request.get("performer"))
    return {"learning": request["name"], "text": f"move a controller now: it will set {request['name']}"}


@does("unlearn")
def unlearn(desk: Desk, request: Request) -> dict[str, Any]:
    with desk.binding:
        unbound = len(desk.bindings.unlearn(str(request["name"])))
    desk.keep_learned()
    return {"unbound": unbound, "text": f"{request['name']}: {unbound or 'no'} controller{'s' * (unbound != 1)} taken off"}


# The whole


@does("panic")
def panic(desk: Desk, request: Request) -> None:
    desk.put(ControlChange(desk.now, 120, 0, 0, NOBODYS))
    desk.performance.ends.panic()
    desk.log("panic: all notes are off", "notice")


@does("play")
def play(desk: Desk, request: Request) -> None:
    number, keeper = desk.number_of(request.get("performer")), desk.performance.timekeeper
    if not keeper.meter.running and keeper.source.own:
        desk.put(Transport(desk.now, "start"))  # one beat for all, with which they begin
    else:
        desk.put(Setting(desk.now, PLAY, 1, number))


@does("ending")
def end_together(desk: Desk, request: Request) -> dict[str, Any]:
    if not any(MODES[p.settings.mode].accompanies for p in desk.performance.performers):
        raise ImprovError("there is no band that could end: nobody plays bass or drums")
    desk.put(Setting(desk.now, ENDING, 1))
    return {"text": "the band ends with this chorus; asked again, in the next bar"}


@does("second")
def second_take(desk: Desk, request: Request) -> None:
    desk.put(Setting(desk.now, SECOND_TAKE, 1, desk.number_of(request.get("performer"))))


@does("page")
def tell_links(desk: Desk, request: Request) -> dict[str, Any]:
    if not desk.links:
        raise ImprovError("there is no page: give the configuration a section [control.panel]")
    return {"text": "; ".join(f"to {what}: {link}" for what, link in desk.links.items()), "links": dict(desk.links)}


@does("tap")
def tap(desk: Desk, request: Request) -> None:
    desk.put(Tap(desk.now))


@does("stop")
def stop(desk: Desk, request: Request) -> None:
    desk.put(Stop(desk.now, "asked to"))


@does("reload")
def take_over(desk: Desk, request: Request) -> dict[str, Any]:
    new = request["config"]
    for note in new.notes:
        desk.log(note, "notice")
    found = differences(desk.config, new)
    told = [do(desk, dict(change.request)).get("taken") for change in found.live if change.request]
    with desk.binding:
        desk.bindings.replace(new.bindings)
    desk.config = new
    changed, restart = [str(c) for c in found.live], [str(c) for c in found.restart]
    text = "taken over: " + "; ".join(changed) if changed else "nothing has changed that can be taken over"
    text += ". Restart the daemon for: " + "; ".join(restart) if restart else ""
    return {"changed": changed, "restart": restart, "text": ". ".join([text, *filter(None, told)])}


# What takes long


def _load(desk: Desk, name: str, performer: object) -> None:
    """Have a model at hand for whom it is."""
    for member in desk.soloists(desk.number_of(performer)):
        if name not in member.models:
            member.models[name] = load_model(name)


def _model_ready(desk: Desk, request: Request) -> Request:
    """Of `model`, and of `set` where it sets the model."""
    name = request["name"] if request["do"] == "model" else request["value"] if request.get("name") == "model" else None
    if name is not None:
        _load(desk, str(name), request.get("performer"))
    return request


def _preset_ready(desk: Desk, request: Request) -> Request:
    if model := _preset(desk, request).get("model"):
        _load(desk, str(model), request.get("performer"))
    return request


def _mood_ready(desk: Desk, request: Request) -> Request:
    from improv.mood.choose import choose

    return request | {"choice": choose(str(request["text"]), int.from_bytes(os.urandom(4), "little"))}


def _manner_ready(desk: Desk, request: Request) -> Request:
    from improv.mood.manners import settings_of

    return request | {"settings": settings_of(str(request["text"]))}


def _file_ready(desk: Desk, request: Request) -> Request:
    new = load_config(desk.path)
    for change in differences(desk.config, new).live:
        if change.what == "model":
            _load(desk, str(change.new), change.performer)
    return request | {"config": new}


READY |= {"model": _model_ready, "set": _model_ready, "preset": _preset_ready}
READY |= {"mood": _mood_ready, "manner": _manner_ready, "reload": _file_ready}
