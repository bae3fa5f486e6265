"""Where hosts look for plugins, and the file by which the plugin finds this Python.

Only folders of the user's own are written: nothing here needs more rights than his.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from improv import __version__
from improv.atomic import atomic_write
from improv.bridge.bundles import CLAP, LV2, VST3, binary, write_clap, write_lv2, write_vst3
from improv.bridge.library import LEFT_OUT, BridgeError, path_of
from improv.core.errors import ImprovError

FORMATS = {"lv2": LV2, "vst3": VST3, "clap": CLAP}
WRITERS = {"lv2": write_lv2, "vst3": write_vst3, "clap": write_clap}
HEAD = "improv plugin 1"


class InstallError(ImprovError):
    """The plugin can't be put where hosts look."""


def folder_of(kind: str, system: str = sys.platform) -> Path:
    """Where hosts look for plugins of a user's own. kind: a key of FORMATS. system: as sys.platform."""
    home = Path.home()
    if system == "darwin":
        return home / "Library" / "Audio" / "Plug-Ins" / kind.upper()
    if system == "win32":
        if kind == "lv2":
            return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "LV2"
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "Programs" / "Common" / kind.upper()
    return home / f".{kind}"


def bundle_of(kind: str) -> Path:
    """Where the plugin is, once it is installed."""
    return folder_of(kind) / FORMATS[kind]


def install(kinds: Iterable[str] = FORMATS) -> list[Path]:
    """Put the plugin where hosts look, and remember this Python. Returns what was written. Raises ImprovError."""
    built = binary()
    if built is None:
        raise BridgeError(LEFT_OUT)
    written = []
    for kind in kinds:
        folder = folder_of(kind)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written.append(WRITERS[kind](folder, built))
        except OSError as e:
            raise InstallError(f"{folder / FORMATS[kind]}: can't be written ({e.strerror or e})") from None
    return [*written, remember(Path(sys.executable))]


def remember(python: Path) -> Path:
    """The plugin starts its engine with this Python from now on. Returns the file that says so."""
    path = path_of("improv_settings_path")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InstallError(f"{path}: can't be written ({e.strerror or e})") from None
    atomic_write({path: f"{HEAD}\npython={python}\nversion={__version__}\n".encode()})
    return path


def remembered() -> dict[str, str]:
    """What the file says, `python` and `version`; empty where there is none."""
    try:
        lines = path_of("improv_settings_path").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    if not lines or lines[0] != HEAD:
        return {}
    return {name: value for name, _, value in (line.partition("=") for line in lines[1:])}


def remove() -> list[Path]:
    """Take the plugin away, and forget this Python. Returns what was removed. Raises InstallError."""
    gone = []
    for path in [bundle_of(kind) for kind in FORMATS]:
        if path.exists() and not path.is_symlink():
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as e:
                raise InstallError(f"{path}: can't be removed ({e.strerror or e}); close your DAW and try again") from None
            gone.append(path)
    settings = path_of("improv_settings_path")
    if settings.exists():
        settings.unlink()
        gone.append(settings)
    return gone
