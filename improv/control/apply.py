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
from typing import TYPE_CHECKING, Any

from improv.control.commands import CAPTURED, Request
from improv.control.config.differences import differences
from improv.control.config.reading import load_config
from improv.control.kept import save_preset
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, ControlChange, Mark, Setting, Stop, Transport
from improv.core.harmony import parse_changes
from improv.core.settings import SETTINGS, SHARED, Settings
from improv.models.loader import load_model

if TYPE_CHECKING:
    from improv.control.steering import Steering

Function = Callable[["Steering", Request], dict[str, Any] | None]
FUNCTIONS: dict[str, Function] = {}  # by command
READY: dict[str, Callable[[Steering, Request], Request]] = {}
NOBODYS = -1000  # the part of a controller that no input sent


def does(name: str) -> Callable[[Function], Function]:
    """The function that follows does a command."""

    def register(function: Function) -> Function:
        FUNCTIONS[name] = function
        return function

    return register


# Settings


@does("set")
def set_setting(steering: Steering, request: Request) -> None:
    """Change a setting; also `model`, by name, and `changes`, as text."""
    name, value, number = str(request["name"]), request["value"], steering.number_of(request.get("performer"))
    if name == "model":
        play_with(steering, request | {"name": value})
    elif name == "changes":
        if value:
            parse_changes(str(value))
        steering.put(Setting(steering.now, "changes", str(value), number))
    else:
        for performer in steering.those(number):
            performer.improviser.settings.changed(name, value)
        _put_setting(steering, name, value, number)


def _put_setting(steering: Steering, name: str, value: Any, number: int | None) -> None:
    """Hand on a setting that was checked."""
    now, performance = steering.now, steering.performance
    keeper = performance.performers[0].improviser.keeper
    if name == "mode" and value == "solo" and not keeper.meter.running and keeper.source.own:
        steering.put(Transport(now, "start"))  # one beat for all
    steering.put(Setting(now, name, value, None if name in SHARED else number))
    if name == "tempo" and performance.link:
        performance.link.set_tempo(float(value))


def _set_together(steering: Steering, wanted: Mapping[str, Any], number: int | None) -> None:
    """Change several settings at once: all are checked before the first is put; a range is widened before it is narrowed."""
    performers = steering.those(number)
    for performer in performers:
        replace(performer.improviser.settings, **{k: v for k, v in wanted.items() if k in SETTINGS})
    high = performers[0].improviser.settings.high
    order = ("high", "low") if wanted.get("high", high) >= high else ("low", "high")
    for name in (*(n for n in order if n in wanted), *(n for n in wanted if n not in order)):
        if name in SETTINGS:
            _put_setting(steering, name, wanted[name], number)
        else:
            set_setting(steering, {"name": name, "value": wanted[name], "performer": None if number is None else performers[0].name})


@does("model")
def play_with(steering: Steering, request: Request) -> None:
    name, number = str(request["name"]), steering.number_of(request.get("performer"))
    for performer in steering.those(number):
        performer.model_name = name
    steering.put(Setting(steering.now, "model", name, number))


@does("preset")
def recall_preset(steering: Steering, request: Request) -> dict[str, Any]:
    preset = _preset(steering, request)
    _set_together(steering, preset, steering.number_of(request.get("performer")))
    return {"set": preset}


def _preset(steering: Steering, request: Request) -> dict[str, Any]:
    name, presets = str(request["name"]), steering.presets()
    if name not in presets:
        raise ImprovError(f"no preset {name!r}; there are {', '.join(presets) or 'none'}")
    return presets[name]


@does("save")
def save(steering: Steering, request: Request) -> dict[str, Any]:
    """Keep the present settings under a name: what differs from the defaults, of one performer."""
    performer = steering.those(steering.number_of(request.get("performer")))[0]
    now, usual = asdict(performer.improviser.settings), asdict(Settings())
    kept = {k: v for k, v in now.items() if v != usual[k] and k not in SHARED}
    preset = kept | {"mode": now["mode"], "model": performer.model_name}
    save_preset(steering.config.record.folder, str(request["name"]), preset)
    return {"saved": preset}


@does("mood")
def take_mood(steering: Steering, request: Request) -> dict[str, Any]:
    """What words come to, for all performers: changes, settings, and the tempo where that is ours."""
    choice = request["choice"]
    clock = steering.performance.performers[0].improviser.settings.clock
    tempo = {"tempo": choice.tempo} if clock == "internal" else {}
    _set_together(steering, {"changes": choice.changes} | tempo | dict(choice.settings), None)
    return {"text": "; ".join(filter(None, (str(choice), choice.doubt())))}


# Bookmarks, marks, captures


@does("keep")
def keep(steering: Steering, request: Request) -> None:
    name, number = str(request["name"]), steering.number_of(request.get("performer"))
    steering.put(Bookmark(steering.now, name, True, number))
    steering.note_bookmark(name, number)


@does("recall")
def recall(steering: Steering, request: Request) -> None:
    name, number = str(request["name"]), steering.number_of(request.get("performer"))
    names = steering.bookmarks(number)
    if name not in names:
        raise ImprovError(f"no bookmark {name!r}; there are {', '.join(names) or 'none'}")
    steering.put(Bookmark(steering.now, name, False, number))


@does("mark")
def mark(steering: Steering, request: Request) -> None:
    steering.put(Mark(steering.now, str(request.get("text") or "")[:1000]))


@does("capture")
def capture(steering: Steering, request: Request) -> dict[str, Any]:
    bars, most = int(request.get("bars") or CAPTURED), steering.last_bars.most
    if not 1 <= bars <= most:
        raise ImprovError(f"{bars} bars: expected from 1 to {most}, which are kept")
    beside = steering.config.record.folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-last-{bars}-bars.mid"
    path = Path(str(request["file"])) if request.get("file") else beside
    steering.last_bars.write(path, bars)
    return {"file": str(path)}


# Controllers


@does("learn")
def learn(steering: Steering, request: Request) -> dict[str, Any]:
    with steering.binding:
        steering.bindings.learn(str(request["name"]), request.get("performer"))
    return {"learning": request["name"]}


@does("unlearn")
def unlearn(steering: Steering, request: Request) -> dict[str, Any]:
    with steering.binding:
        unbound = len(steering.bindings.unlearn(str(request["name"])))
    steering.keep_learned()
    return {"unbound": unbound}


# The whole


@does("panic")
def panic(steering: Steering, request: Request) -> None:
    steering.put(ControlChange(steering.now, 123, 0, 0, NOBODYS))
    steering.performance.ends.panic()
    steering.log("panic: all notes are off", "notice")


@does("stop")
def stop(steering: Steering, request: Request) -> None:
    steering.put(Stop(steering.now, "asked to"))


@does("reload")
def take_over(steering: Steering, request: Request) -> dict[str, Any]:
    new = request["config"]
    found = differences(steering.config, new)
    for change in found.live:
        if change.request:
            steering.do(dict(change.request))
    with steering.binding:
        steering.bindings.replace(new.bindings)
    steering.config = new
    return {"changed": [str(c) for c in found.live], "restart": [str(c) for c in found.restart]}


# What takes long


def _load(steering: Steering, name: str, performer: object) -> None:
    """Have a model at hand for whom it is."""
    for member in steering.those(steering.number_of(performer)):
        if name not in member.models:
            member.models[name] = load_model(name)


def _model_ready(steering: Steering, request: Request) -> Request:
    _load(steering, str(request["name"]), request.get("performer"))
    return request


def _setting_ready(steering: Steering, request: Request) -> Request:
    if request.get("name") == "model":
        _load(steering, str(request["value"]), request.get("performer"))
    return request


def _preset_ready(steering: Steering, request: Request) -> Request:
    if model := _preset(steering, request).get("model"):
        _load(steering, str(model), request.get("performer"))
    return request


def _mood_ready(steering: Steering, request: Request) -> Request:
    from improv.mood.choose import choose

    return request | {"choice": choose(str(request["text"]), int.from_bytes(os.urandom(4), "little"))}


def _file_ready(steering: Steering, request: Request) -> Request:
    new = load_config(steering.path)
    for change in differences(steering.config, new).live:
        if change.what == "model":
            _load(steering, str(change.new), change.performer)
    return request | {"config": new}


READY |= {"model": _model_ready, "set": _setting_ready, "preset": _preset_ready, "mood": _mood_ready, "reload": _file_ready}
