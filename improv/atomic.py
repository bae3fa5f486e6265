"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from improv.core.errors import ImprovError


class WriteError(ImprovError):
    """A file that can't be written; the message says which, why, and that what was there before is untouched."""


def atomic_write(files: Mapping[Path, bytes]) -> None:
    """Write files beside their places, and move them there once all of them are written. Raises WriteError."""
    parts = {path: path.with_name(path.name + ".part") for path in files}
    try:
        for path, content in files.items():
            with open(parts[path], "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as e:
        names = " and ".join(str(path) for path in files)
        raise WriteError(f"{names}: can't be written ({e.strerror or e}); what was there before is untouched") from e
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
