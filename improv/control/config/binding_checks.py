"""Whether a binding makes sense: one source and one target, what belongs to them, and names that are there."""

from __future__ import annotations

from improv.control.bindings import Binding, limits_of
from improv.control.commands import ACTIONS, BARS, COMMANDS, MODEL, NAME, TEXT
from improv.control.config.errors import ConfigErrors, meant
from improv.control.config.toml_lines import Path
from improv.control.config.tree import OWN_KEYS, BindingConfig, Config
from improv.core.errors import ImprovError
from improv.core.settings import Settings, row_of

SOURCES = ("cc", "program", "key")
TARGETS = ("setting", "preset", "model", "action")


def one_of(binding: BindingConfig, path: Path, wrong: ConfigErrors) -> None:
    """A binding has one source and one target, and what belongs to them."""
    for what, keys in (("what is moved", SOURCES), ("what it does", TARGETS)):
        given = [k for k in keys if getattr(binding, k) is not None]
        if len(given) != 1 and not any(p[:2] == path and p[2:] in {(k,) for k in keys} for p, _ in wrong.found):
            there = f"not {' and '.join(given)}" if given else "none is given"
            wrong.add(path, f"say {what} by one of {', '.join(keys)}; {there}")


def check_binding(config: Config, binding: Binding, path: Path, wrong: ConfigErrors) -> None:
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
    kinds = _kinds(binding.action)
    if NAME in kinds and binding.action not in OWN_KEYS and not binding.name:
        wrong.add(path, f'say which bookmark, for example name = "a", for action {binding.action!r}')
    elif binding.action and not binding.name and any(f.kind == TEXT and f.needed for f in COMMANDS[binding.action].fields):
        wrong.add(path, f'say which manner, for example name = "spare", for action {binding.action!r}')
    elif binding.name is not None and not kinds & {NAME, MODEL, TEXT}:
        wrong.add((*path, "name"), f"belongs to the actions {_actions(NAME, TEXT)}")
    if binding.bars is not None and BARS not in kinds:
        wrong.add((*path, "bars"), f"belongs to the action {_actions(BARS)}")
    if binding.setting:
        _bound(binding, binding.setting, path, wrong)


def _kinds(action: str | None) -> set[str]:
    """The kinds of fields that an action takes."""
    return {f.kind for f in COMMANDS[action].fields} if action else set()


def _actions(*kinds: str) -> str:
    """The actions that take a field of one of these kinds, in words."""
    found = [a for a in ACTIONS if a not in OWN_KEYS and _kinds(a) & set(kinds)]
    return " and ".join(filter(None, (", ".join(found[:-1]), found[-1])))


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
