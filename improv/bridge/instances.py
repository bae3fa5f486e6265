"""The plugins that are open in hosts now, read from their mapped files without a trace. `plugin/bridge.h` has the offsets.

A host locks the file of each instance for as long as it lives. Where host and engine were both killed, the file stays: `tidied`.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from improv.bridge.bundles import STATUS
from improv.bridge.library import Life

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MAGIC = b"improv\r\n"
HEAD = 512  # bytes
RECENT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Instance:
    """name: 16 hexadecimal digits. host, engine: process ids, 0 for none. status: as the host shows it. text: the engine's word.

    counts: note-ons played, taken back, and too late; events that were lost. port: of 127.0.0.1, where its engine listens, on Windows.
    """

    path: Path
    name: str
    host: int
    engine: int
    active: bool
    status: str
    text: str
    counts: dict[str, int]
    port: int = 0


def instances(folder: Path) -> list[Instance]:
    """Those whose host lives."""
    return [found for path in sorted(folder.glob("*.ring")) if (found := _read(path)) is not None and not _left(path)]


def tidied(folder: Path) -> None:
    """Removes what hosts and engines that were killed have left. A file of the last minute may be about to be locked, and stays."""
    for path in folder.glob("*.ring"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > RECENT and _read(path) is not None and _left(path):
                for suffix in (".ring", ".sock", ".lock", ".log"):
                    path.with_suffix(suffix).unlink(missing_ok=True)


def _left(path: Path) -> bool:
    """Whether nobody has it open any more: neither its host, nor the engine beside it. Not known on Windows."""
    return fcntl is not None and _unlocked(path) and _unlocked(path.with_suffix(".lock"))


def _unlocked(path: Path) -> bool:
    assert fcntl
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


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
        struct.unpack_from("<I", raw, 216)[0] & 0xFFFF,
    )


def _text(raw: bytes) -> str:
    text = raw.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable())


def tell(instance: Instance, wish: bytes) -> bool:
    """Send an engine a wish. Returns whether it could be reached."""
    family = getattr(socket, "AF_UNIX", None)
    if family is None and not instance.port:
        return False
    with socket.socket(family or socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(1.0)
        try:
            out.sendto(wish, str(instance.path.with_suffix(".sock")) if family else ("127.0.0.1", instance.port))
        except OSError:
            return False
    return True
