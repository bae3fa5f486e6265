"""What a new configuration changes: what can be taken over between two notes, and what needs a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec.structs import fields

from improv.control.config.tree import Config, PerformerConfig, is_live
from improv.core.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class Change:
    """Something that differs. what: setting, changes, model, bindings, presets, record, or what needs a restart.

    name: the setting or key. performer: whose; None: everybody's. old, new: values; secrets are not among them.
    """

    what: str
    name: str
    old: Any
    new: Any
    performer: str | None = None

    @property
    def request(self) -> Mapping[str, Any] | None:
        """The request that makes the change while it plays; None where it is of another kind."""
        if self.what == "model":
            return {"do": "model", "name": self.new, "performer": self.performer}
        if self.what in ("setting", "changes"):
            return {
                "do": "set",
                "name": self.name,
                "value": self.new or "" if self.what == "changes" else self.new,
                "performer": self.performer,
            }
        return None

    def __str__(self) -> str:
        whose = f'performer "{self.performer}": ' if self.performer else ""
        if self.what in ("bindings", "presets"):
            return f"{self.what}: {len(self.old)} before, {len(self.new)} now"
        name = self.name if self.what in ("setting", "changes", "model", self.name) else f"{self.what}, {self.name}"
        return f"{whose}{name}: {_plain(self.old)} -> {_plain(self.new)}"


class Differences(NamedTuple):
    """live: to be taken over between two notes. restart: what stays as it was until the daemon is started again."""

    live: list[Change]
    restart: list[Change]


def differences(old: Config, new: Config) -> Differences:
    """What differs between two configurations, in the order of the file."""
    live: list[Change] = []
    restart: list[Change] = []
    _music(old, new, live, restart)
    if old.inputs != new.inputs:
        restart.append(Change("input", "input", [i.name for i in old.inputs], [i.name for i in new.inputs]))
    _performers(old, new, live, restart)
    for field in fields(old.record):
        before, after = getattr(old.record, field.name), getattr(new.record, field.name)
        if before != after:
            (live if is_live(field) else restart).append(Change("record", field.name, before, after))
    if old.control != new.control:
        restart.append(Change("control", "control", *_listening(old, new)))
    if old.bindings != new.bindings:
        live.append(Change("bindings", "bindings", old.bindings, new.bindings))
    if old.presets != new.presets:
        live.append(Change("presets", "presets", old.presets, new.presets))
    if old.log_json != new.log_json:
        restart.append(Change("log_json", "log_json", old.log_json, new.log_json))
    return Differences(live, restart)


def _music(old: Config, new: Config, live: list[Change], restart: list[Change]) -> None:
    for field in fields(old.music):
        if field.name == "tap":  # which is among the bindings
            continue
        before, after = getattr(old.music, field.name), getattr(new.music, field.name)
        if before == after:
            continue
        what = "changes" if field.name == "changes" else "setting" if field.name in SETTINGS else "music"
        metres = what == "changes" and old.music.metres != new.music.metres  # which are those of the whole performance
        (live if is_live(field) and not metres else restart).append(Change(what, field.encode_name, before, after))


def _performers(old: Config, new: Config, live: list[Change], restart: list[Change]) -> None:
    before, after = {p.name: p for p in old.performers}, {p.name: p for p in new.performers}
    if list(before) != list(after):
        restart.append(Change("performer", "performer", list(before), list(after)))
    for name in [n for n in before if n in after]:
        live += _settings(old, before[name], new, after[name])
        for field in fields(PerformerConfig):
            was, now = getattr(before[name], field.name), getattr(after[name], field.name)
            if was != now:
                what = "model" if field.name == "model" else "performer"
                (live if is_live(field) else restart).append(Change(what, field.encode_name, was, now, name))


def _settings(old: Config, before: PerformerConfig, new: Config, after: PerformerConfig) -> Iterator[Change]:
    was, now = old.settings_of(before), new.settings_of(after)
    for name in SETTINGS:
        if name in before.settings or name in after.settings:
            one, other = getattr(was, name), getattr(now, name)
            if one != other:
                yield Change("setting", name, one, other, before.name)


def _listening(old: Config, new: Config) -> tuple[str, str]:
    """Where two configurations listen; different also where only a secret is."""

    def told(config: Config) -> str:
        control = config.control
        parts = [f"socket {control.socket}"] if control.socket else []
        parts += [f"osc {control.osc.listen}:{control.osc.port}"] if control.osc else []
        parts += [f"surprise to {control.osc.surprise}"] if control.osc and control.osc.surprise else []
        parts += [f"metrics {control.metrics.listen}:{control.metrics.port}"] if control.metrics else []
        parts += [f"panel {control.panel.listen}:{control.panel.port}"] if control.panel else []
        return ", ".join(parts) or "the usual socket"

    was, now = told(old), told(new)
    return (was, now) if was != now else (was, f"{now} (a secret, a token, hosts or allow differ)")


def _plain(value: Any) -> str:
    return "none" if value is None else "/".join(map(str, value)) if isinstance(value, tuple) else str(value)
