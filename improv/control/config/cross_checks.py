"""What refers to what in a configuration: names, ports and channels, settings of bindings, who may listen where."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from improv.control.bindings import Binding, limits_of
from improv.control.commands import TAKEN
from improv.control.config.config import Config, Osc
from improv.control.config.errors import ConfigErrors, meant, shown
from improv.control.config.toml_lines import Path
from improv.core.errors import ImprovError
from improv.core.harmony import Changes, HarmonyError, parse_changes
from improv.core.meter import Meter, MeterError
from improv.core.settings import DRUMS, Settings, row_of

SOURCES = ("cc", "program", "key")
TARGETS = ("setting", "preset", "model", "action")


def metre_of(text: str, wrong: ConfigErrors) -> tuple[int, int]:
    """Two numbers, 4/4 where they are none."""
    try:
        count, unit = (int(n) if n.isascii() and n.isdigit() and len(n) < 4 else 0 for n in text.split("/"))
        Meter(120.0, (count, unit))
        return count, unit
    except (ValueError, MeterError):
        wrong.add(("music", "metre"), f'{shown(text)}: expected beats a bar, 1 to 16, over 2, 4, 8 or 16, for example "3/4"')
        return 4, 4


def sheet_of(text: str | None, metre: tuple[int, int], wrong: ConfigErrors) -> Changes | None:
    if text is None:
        return None
    try:
        return parse_changes(text, Meter(120.0, metre).bar)
    except HarmonyError as e:
        wrong.add(("music", "changes"), str(e).removeprefix("changes, ").removeprefix("changes: "))
        return None


def refer(config: Config, said: Mapping[str, Any], wrong: ConfigErrors) -> None:
    """Check all references; said: the file's values by table and key."""
    _names(config, said, wrong)
    _ports(config, wrong)
    _hearing(config, said, wrong)
    _octaves(config, said, wrong)
    for i, table in enumerate(said["binding"]):
        _one_of(table, ("binding", i), wrong)
    for i, binding in enumerate(config.bindings[: len(said["binding"])]):
        _binding(config, binding, ("binding", i), wrong)
    if config.control.osc:
        _osc(config.control.osc, wrong)
    if config.control.metrics:
        _address(config.control.metrics.listen, ("control", "metrics", "listen"), wrong)
        _networks(config.control.metrics.allow, ("control", "metrics", "allow"), wrong)


def _names(config: Config, said: Mapping[str, Any], wrong: ConfigErrors) -> None:
    seen: dict[str, str] = {}
    for kind in ("input", "performer"):
        for i, table in enumerate(said[kind]):
            name = table["name"]
            if name is None:
                continue
            if name.lower() in TAKEN:
                wrong.add((kind, i, "name"), f"{name!r} is a word of the control protocol; choose another name")
            if name.lower() in seen:
                wrong.add((kind, i, "name"), f"{name!r} is the name of {seen[name.lower()]} already")
            seen.setdefault(name.lower(), f"an {kind}" if kind == "input" else f"a {kind}")
    _presets(config, wrong)


def _presets(config: Config, wrong: ConfigErrors) -> None:
    for name, preset in config.presets.items():
        if not preset:
            wrong.add(("preset", name), "is empty; give it settings, for example temperature = 0.9")
        _octave(preset, ("preset", name), wrong)


def _ports(config: Config, wrong: ConfigErrors) -> None:
    """No two performers on one output and channel, no click on a performer's channel, no note heard twice."""
    taken: dict[tuple[str, int], str] = {}
    for i, performer in enumerate(config.performers):
        where = ((performer.output or "").lower(), performer.channel)
        if where in taken:
            on = f"output {performer.output!r}" if performer.output else "the virtual output"
            wrong.add(
                ("performer", i, "channel"),
                f"{performer.channel}: {taken[where]!r} plays on channel {performer.channel} of {on} too; choose another channel or output",
            )
        taken.setdefault(where, performer.name)
    music = config.music
    click = music.click or (DRUMS if music.count_in else 0)
    for performer in config.performers:
        if click == performer.channel:
            key = "click" if music.click else "count_in"
            wrong.add(("music", key), f"it clicks on channel {click}, on which {performer.name!r} plays; choose another channel")
    for i, one in enumerate(config.inputs):
        for other in config.inputs[:i]:
            if (one.port or "").lower() == (other.port or "").lower() and one.channels & other.channels:
                port = f"port {one.port!r}" if one.port else "virtual port"
                wrong.add(("input", i), f"{other.name!r} listens to the same {port} and channels; give them ports or channels of their own")


def _hearing(config: Config, said: Mapping[str, Any], wrong: ConfigErrors) -> None:
    roles = {i.name: i.role for i in config.inputs}
    performers = {p.name for p in config.performers}
    for i, (performer, table) in enumerate(zip(config.performers, said["performer"], strict=False)):
        at: Path = ("performer", i, "hears")
        for name in performer.hears:
            if name == performer.name:
                wrong.add(at, f"{name!r} can't listen to itself; leave it out")
            elif roles.get(name) == "control":
                wrong.add(at, f'{name!r} only steers; give that input role = "play", or leave it out')
            elif name not in roles and name not in performers:
                others = [*roles, *(performers - {performer.name})]
                wrong.add(at, f"nobody is called {name!r}{meant(name, others) or '; there are ' + ', '.join(sorted(others))}")
        mode = performer.settings.get("mode", Settings().mode)
        if not performer.hears and mode != "solo":
            text = f'it hears nobody, so in mode {mode!r} it would never play; say whom, or mode = "solo"'
            wrong.add(at if table["hears"] is not None else at[:2], text)


def _octaves(config: Config, said: Mapping[str, Any], wrong: ConfigErrors) -> None:
    if _octave({k: v for k, v in said["settings"].items() if v is not None}, ("settings",), wrong):
        return
    for i, performer in enumerate(config.performers):
        own = said["performer"][i] if said["performer"] else {}
        if own.get("low") is not None or own.get("high") is not None:
            _octave(performer.settings, ("performer", i), wrong)


def _octave(settings: Mapping[str, Any], path: Path, wrong: ConfigErrors) -> bool:
    """Whether a range of pitches is too narrow. A value that is wrong by itself was told before."""
    ranges = {name: settings[name] for name in ("low", "high") if name in settings}
    try:
        replace(Settings(), **ranges)
        return False
    except ImprovError as e:
        wrong.add((*path, *list(ranges)[-1:]), str(e))
        return True


def _one_of(table: Mapping[str, Any], path: Path, wrong: ConfigErrors) -> None:
    """A binding has one source and one target, and what belongs to them."""
    for what, keys in (("what is moved", SOURCES), ("what it does", TARGETS)):
        given = [k for k in keys if table[k] is not None]
        if len(given) != 1 and not any(p[:2] == path and p[2:] in {(k,) for k in keys} for p, _ in wrong.found):
            there = f"not {' and '.join(given)}" if given else "none is given"
            wrong.add(path, f"say {what} by one of {', '.join(keys)}; {there}")


def _binding(config: Config, binding: Binding, path: Path, wrong: ConfigErrors) -> None:
    performers, inputs = [p.name for p in config.performers], [i.name for i in config.inputs]
    for key, name, known, what in (
        ("performer", binding.performer, performers, "performer"),
        ("input", binding.input, inputs, "input"),
        ("preset", binding.name if binding.action == "preset" else None, list(config.presets), "preset"),
    ):
        if name is not None and name not in known:
            wrong.add(
                (*path, key), f"no {what} is called {name!r}{meant(name, known) or ('; there are ' + ', '.join(known) if known else '')}"
            )
    for key in ("low", "high", "value"):
        if getattr(binding, key) is not None and binding.setting is None:
            wrong.add((*path, key), "belongs to a setting, and none is bound here")
    if binding.action in ("keep", "recall") and not binding.name:
        wrong.add(path, f'say which bookmark, for example name = "a", for action {binding.action!r}')
    elif binding.name is not None and binding.action not in ("keep", "recall", "mark", "preset", "model"):
        wrong.add((*path, "name"), "belongs to the actions keep, recall and mark")
    if binding.bars is not None and binding.action != "capture":
        wrong.add((*path, "bars"), "belongs to the action capture")
    if binding.setting:
        _bound(binding, binding.setting, path, wrong)


def _bound(binding: Binding, setting: str, path: Path, wrong: ConfigErrors) -> None:
    """Whether what a binding does to its setting is within the setting's limits."""
    row = row_of(setting)
    limits, named = row.limits, row.is_word
    if binding.value is not None:
        try:
            Settings().changed(setting, row.natural(binding.value))
        except ImprovError as e:
            if "octave" not in str(e):
                wrong.add((*path, "value"), str(e) + (meant(binding.value, limits) if named else ""))
        if binding.low is not None or binding.high is not None:
            wrong.add((*path, "value"), "either value, or low and high")
    elif binding.kind != "cc":
        wrong.add(path, f"say what {setting} becomes, by value = ...; a {binding.kind} is not moved through a range")
    for key, bound in (("low", binding.low), ("high", binding.high)):
        if bound is None:
            continue
        if named:
            wrong.add((*path, key), f"{setting} is one of {', '.join(limits)}, and has no range")
        elif not limits[0] <= bound <= limits[1]:
            wrong.add((*path, key), f"{bound:g}: {setting} goes from {limits[0]:g} to {limits[1]:g}")
        elif row.is_whole and not float(bound).is_integer():
            wrong.add((*path, key), f"{bound:g}: {setting} is a whole number")
    if not named and limits_of(binding)[0] == limits_of(binding)[1]:
        wrong.add((*path, "high"), "low and high are the same")


def _address(text: str, path: Path, wrong: ConfigErrors) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        wrong.add(path, f'{shown(text)}: expected an address, for example "127.0.0.1", or "0.0.0.0" for all networks')
        return None


def _osc(osc: Osc, wrong: ConfigErrors) -> None:
    at: Path = ("control", "osc")
    address = _address(osc.listen, (*at, "listen"), wrong)
    good = _networks(osc.allow, (*at, "allow"), wrong)
    if address and not address.is_loopback and not osc.secret and not osc.allow and good:
        text = "whoever is on the network could steer it; give a secret (8 characters or more), or allow = [...] with who may send"
        wrong.add((*at, "listen"), f"{osc.listen!r} can be reached from outside: {text}")


def _networks(allow: Iterable[str], path: Path, wrong: ConfigErrors) -> bool:
    good = True
    for i, text in enumerate(allow):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            good = False
            wrong.add((*path, i), f'{shown(text)}: expected an address or a network, for example "192.168.1.20" or "192.168.1.0/24"')
    return good
