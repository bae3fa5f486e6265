"""The plugins that are open in hosts now, read from their mapped files without a trace. `plugin/bridge.h` has the offsets."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from improv.bridge.bundles import STATUS
from improv.bridge.library import Life

MAGIC = b"improv\r\n"
HEAD = 512  # bytes


@dataclass(frozen=True, slots=True)
class Instance:
    """name: 16 hexadecimal digits. host, engine: process ids, 0 for none. status: as the host shows it. text: the engine's word.

    counts: note-ons played, taken back, and too late; events that were lost.
    """

    path: Path
    name: str
    host: int
    engine: int
    active: bool
    status: str
    text: str
    counts: dict[str, int]


def instances(folder: Path) -> list[Instance]:
    """Those whose host lives."""
    return [found for path in sorted(folder.glob("*.ring")) if (found := _read(path)) is not None]


def _read(path: Path) -> Instance | None:
    try:
        with open(path, "rb") as file:
            raw = file.read(HEAD)
    except OSError:
        return None
    if len(raw) < HEAD or not raw.startswith(MAGIC):
        return None
    (engine, host), (life,) = struct.unpack_from("<II", raw, 20), struct.unpack_from("<I", raw, 128)
    status, lost, late, _, back, played = struct.unpack_from("<6I", raw, 156)
    return Instance(
        path,
        _text(raw[64:104]),
        host,
        engine,
        life == Life.ACTIVE,
        STATUS[status] if status < len(STATUS) else "unknown",
        _text(raw[392:512]),
        {"played": played, "taken back": back, "too late": late, "lost": lost},
    )


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable())


def tell(instance: Instance, wish: bytes) -> bool:
    """Send an engine a wish. Returns whether it could be reached."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.settimeout(1.0)
        try:
            out.sendto(wish, str(instance.path.with_suffix(".sock")))
        except OSError:
            return False
    return True
