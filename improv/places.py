"""Where on this system a running improv keeps its socket, and what sounds on its ports."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

SERVICE = Path("/run/improv")  # the RuntimeDirectory of the unit that `improv init --systemd` prints


def runtime_folder() -> Path:
    """The folder of this program: the one that systemd gives a service ($RUNTIME_DIRECTORY), else the user's own."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():  # it warns where there is none and it takes a temporary one, which will do
        warnings.simplefilter("ignore")
        return user_runtime_path("improv", appauthor=False)


def folder_with(name: str) -> Path:
    """The folder in which another improv has put a file of that name: this program's own, or the service's if it is only there."""
    own = runtime_folder()
    there = [folder for folder in (own, SERVICE) if os.path.exists(folder / name)]  # False, too, where we may not look
    return there[0] if there else own
