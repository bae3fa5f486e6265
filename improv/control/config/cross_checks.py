"""What must fit together in a configuration: names, ports and channels, who hears whom, who may listen where."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from improv.control.commands import TAKEN
from improv.control.config.binding_checks import check_binding, one_of
from improv.control.config.control_tree import OscConfig
from improv.control.config.errors import ConfigErrors, meant, shown
from improv.control.config.toml_lines import Path
from improv.control.config.tree import Config, Tables, given
from improv.control.server.osc_addresses import target_of
from improv.core.errors import ImprovError
from improv.core.harmony import HarmonyError
from improv.core.metres import LIMITS, MeterError
from improv.core.settings import DRUMS, Settings


def check_all(config: Config, file: Tables, wrong: ConfigErrors) -> None:
    """Check all that refers to something else. file: the tables as they were read, before they were completed."""
    _music(config, wrong)
    _names(file, wrong)
    _presets(config, wrong)
    _ports(config, wrong)
    _hearing(config, file, wrong)
    _octaves(config, file, wrong)
    for i, binding in enumerate(config.binding):
        one_of(binding, ("binding", i), wrong)
        check_binding(config, binding.binding(), ("binding", i), wrong)
    if config.control.osc:
        _osc(config.control.osc, wrong)
    if config.control.metrics:
        _address(config.control.metrics.listen, ("control", "metrics", "listen"), wrong)
        _networks(config.control.metrics.allow, ("control", "metrics", "allow"), wrong)
    if panel := config.control.panel:
        _address(panel.listen, ("control", "panel", "listen"), wrong)
        _networks(panel.allow, ("control", "panel", "allow"), wrong)
        if panel.token and panel.token == panel.watch_token:
            wrong.add(("control", "panel", "watch_token"), "the same as `token`: whoever watched could steer; give it another")


def _music(config: Config, wrong: ConfigErrors) -> None:
    """The clock, the metre, and the changes in it."""
    if config.music.clock == "host":
        wrong.add(("music", "clock"), '"host" is the clock of the plugin in a DAW; a daemon follows one by "midi" or "link"')
    try:
        _ = config.music.metre
    except (ValueError, MeterError):
        text = f'{shown(config.music.metre_text)}: expected two numbers, for example "3/4"; {LIMITS}'
        wrong.add(("music", "metre"), text)
        return
    try:
        _ = config.music.sheet
    except HarmonyError as e:
        wrong.add(("music", "changes"), str(e).removeprefix("changes, ").removeprefix("changes: "))


def _names(file: Tables, wrong: ConfigErrors) -> None:
    seen: dict[str, str] = {}
    for kind, names in (("input", [t.name for t in file.inputs]), ("performer", [t.name for t in file.performers])):
        for i, name in enumerate(names):
            if not name:  # which was said already
                continue
            if name.lower() in TAKEN:
                wrong.add((kind, i, "name"), f"{name!r} is the name of a command; choose another name")
            if name.lower() in seen:
                wrong.add((kind, i, "name"), f"{name!r} is the name of {seen[name.lower()]} already")
            seen.setdefault(name.lower(), f"an {kind}" if kind == "input" else f"a {kind}")


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
        if click == performer.channel and (music.click or performer.kind != "drums"):  # a drummer counts in himself
            key = "click" if music.click else "count_in"
            wrong.add(("music", key), f"it clicks on channel {click}, on which {performer.name!r} plays; choose another channel")
    for i, one in enumerate(config.inputs):
        for other in config.inputs[:i]:
            if (one.port or "").lower() == (other.port or "").lower() and one.channels & other.channels:
                port = f"port {one.port!r}" if one.port else "virtual port"
                wrong.add(("input", i), f"{other.name!r} listens to the same {port} and channels; give them ports or channels of their own")


def _hearing(config: Config, file: Tables, wrong: ConfigErrors) -> None:
    roles = {i.name: i.role for i in config.inputs}
    performers = {p.name for p in config.performers}
    for i, (performer, table) in enumerate(zip(config.performers, file.performers, strict=False)):
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
            wrong.add(at if table.listens_to is not None else at[:2], text)


def _octaves(config: Config, file: Tables, wrong: ConfigErrors) -> None:
    if _octave(given(file.settings), ("settings",), wrong):
        return
    for i, table in enumerate(file.performers):
        if {"low", "high"} & set(given(table)):
            _octave(config.performers[i].settings, ("performer", i), wrong)


def _octave(settings: Mapping[str, Any], path: Path, wrong: ConfigErrors) -> bool:
    """Whether a range of pitches is too narrow. A value that is wrong by itself was told before."""
    ranges = {name: settings[name] for name in ("low", "high") if name in settings}
    try:
        replace(Settings(), **ranges)
        return False
    except ImprovError as e:
        wrong.add((*path, *list(ranges)[-1:]), str(e))
        return True


def _address(text: str, path: Path, wrong: ConfigErrors) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address("127.0.0.1" if text == "localhost" else text)
    except ValueError:
        wrong.add(path, f'{shown(text)}: expected an address, for example "127.0.0.1", or "0.0.0.0" for all networks')
        return None


def _osc(osc: OscConfig, wrong: ConfigErrors) -> None:
    at: Path = ("control", "osc")
    address = _address(osc.listen, (*at, "listen"), wrong)
    if osc.surprise and target_of(osc.surprise) is None:
        wrong.add((*at, "surprise"), f'{shown(osc.surprise)}: expected an address and a port, for example "127.0.0.1:7000"')
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
