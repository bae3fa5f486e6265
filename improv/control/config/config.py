"""The configuration of a daemon as one value: what `improv.toml` says, checked. No validation library is loaded by this file alone.

`load_config` reads the file by the tables of `schema`, and says all that is wrong with it at once, each with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from improv.control.bindings import Binding
from improv.core.errors import ImprovError
from improv.core.harmony import Changes
from improv.core.settings import SHARED, Settings

NAME = "improv.toml"
LARGEST = 2**18  # bytes of a file
CHANNELS = frozenset(range(1, 17))


class ConfigError(ImprovError):
    """A configuration that can't be used; the message has a line for each mistake."""


@dataclass(frozen=True, slots=True)
class Input:
    """Where music or steering comes in. port: a name or a part of one; None: a virtual port. channels: 1-16.

    role: play (it is heard) or control (it only steers).
    """

    name: str
    port: str | None = None
    channels: frozenset[int] = CHANNELS
    role: str = "play"


@dataclass(frozen=True, slots=True)
class PerformerConfig:
    """Who plays. output: as an Input's port. channel: 1-16. hears: names of inputs and of other performers.

    settings: by name, those that the file gives, for all performers or for this one. seed: None: to be drawn.
    """

    name: str
    model: str
    output: str | None = None
    channel: int = 1
    hears: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Music:
    """What all performers share. changes: the text, and `sheet` what it means. advance: ms; None: as calibrated.

    tap: cc0 to cc127 or key0 to key127, which is among the bindings too.
    """

    changes: str | None = None
    metre: tuple[int, int] = (4, 4)
    clock: str = "internal"
    tempo: float = 120.0
    count_in: int = 0
    click: int = 0
    send_clock: bool = False
    advance: float | None = None
    tap: str | None = None
    sheet: Changes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """keep_days, keep_mb: sessions that are older, or more than that together, are pruned; None: none are."""

    folder: Path
    keep_days: float | None = None
    keep_mb: float | None = None
    on: bool = True


@dataclass(frozen=True, slots=True)
class Osc:
    """allow: addresses or networks that may send. secret: what each message begins with."""

    listen: str = "127.0.0.1"
    port: int = 9000
    secret: str | None = field(default=None, repr=False)  # so that no log has it
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metrics:
    """allow: addresses or networks that may read; none: all."""

    listen: str = "127.0.0.1"
    port: int = 9464
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Control:
    """socket: None: at its usual place."""

    socket: Path | None = None
    osc: Osc | None = None
    metrics: Metrics | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. folder: where the file is, which paths in it are relative to."""

    folder: Path
    model_default: str
    inputs: tuple[Input, ...]
    performers: tuple[PerformerConfig, ...]
    music: Music
    record: Record
    control: Control
    bindings: tuple[Binding, ...] = ()
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log_json: bool = False

    def settings_of(self, performer: PerformerConfig) -> Settings:
        """A performer's settings at the start."""
        music = {name: getattr(self.music, name) for name in SHARED}
        return Settings(**(music | dict(performer.settings)))


def load_config(path: Path | str) -> Config:
    """Read, check and build. Raises ConfigError, which names every mistake and its line."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            blob = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `improv init --to {path}` writes one") from None
    except (OSError, ValueError) as e:
        raise ConfigError(f"{path}: {getattr(e, 'strerror', None) or e}") from None
    if len(blob) > LARGEST:
        raise ConfigError(f"{path}: larger than {LARGEST // 1024} KiB, which no configuration is")
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}:{blob[: e.start].count(10) + 1}: not UTF-8 text; save it as UTF-8") from None
    return read_config(text, path)


def read_config(text: str, path: Path) -> Config:
    """The configuration that a file's text says; path: names the file in errors, and its folder. Raises ConfigError."""
    from improv.control.config.reading import read

    return read(text, path)


def check_models(config: Config, find: Callable[[str], object]) -> None:
    """Whether all models that are named are there, by `loader.find_model`. Raises ConfigError."""
    named = {f'performer "{p.name}"': p.model for p in config.performers}
    named |= {f"binding {i}": b.name for i, b in enumerate(config.bindings, 1) if b.action == "model" and b.name}
    wrong = []
    for where, model in named.items():
        try:
            find(model)
        except ImprovError as e:
            wrong.append(f"{where}: {e}")
    if wrong:
        raise ConfigError("; ".join(wrong))
