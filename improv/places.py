"""Where on this system a running improv keeps its socket, and what sounds on its ports."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

SERVICE = Path("/run/improv")  # the RuntimeDirectory of the unit that `improv init --systemd` prints
USERS = Path("/run/user")


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
    """The folder in which another improv has put a file of that name: this program's own, the service's, or that of a user's service.

    Where nobody can say, since the service's folder is another user's, it is that one: whoever opens it is told so.
    """
    own = runtime_folder()
    folders = [own, SERVICE, *sorted(USERS.glob("*/improv"))]  # users' folders are open to root alone
    there = [folder for folder in folders if os.path.exists(folder / name)]  # False, too, where we may not look
    shut = [SERVICE] if SERVICE.is_dir() and not os.access(SERVICE, os.X_OK) else []
    return [*there, *shut, own][0]
