"""The tune that improv.toml names: what it says, where the file does not say it itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from improv.charts.tunes import tune_of
from improv.control.config.errors import ConfigErrors
from improv.control.config.tree import Tables
from improv.core.errors import ImprovError


def tuned(file: Tables, folder: Path, said: frozenset[str], wrong: ConfigErrors) -> Tables:
    """The tables with the tune's changes, metre, tempo, style and feel. said: the keys that stand in [music]; they win.

    folder: where the file is, which the tune's path is relative to.
    """
    music = file.music
    if music.tune is None:
        return file
    try:
        tune = tune_of(_placed(music.tune, folder), music.key)
    except ImprovError as e:
        wrong.add(("music", "tune"), str(e).removeprefix("--tune "))
        return file
    count, unit = tune.metre
    found: dict[str, Any] = {"changes": tune.changes, "metre_text": f"{count}/{unit}", "tempo": tune.tempo, "style": tune.style}
    told = {name: value for name, value in found.items() if value is not None and name.removesuffix("_text") not in said}
    settings = file.settings
    if tune.feel is not None and getattr(settings, "feel", None) is None:
        settings = replace(settings, feel=tune.feel)
    return replace(file, music=replace(music, **told), settings=settings)


def _placed(said: str, folder: Path) -> str:
    """A file as it is seen from the folder; a built-in form's name as it is."""
    path, mark, which = said.partition("#")
    return f"{folder / path}{mark}{which}" if (folder / path).exists() else said
