"""Where the daemon is steered from on its own machine: a Unix socket that its user alone can open.

Where the system has none (Windows), a port of the loopback and a file with its number and a token, which is the first line said.
Kept light: `improv ctl` loads it.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from improv.core.errors import ImprovError
from improv.places import folder_with, runtime_folder

LINE = 65536  # bytes of a line, at most
UNIX = hasattr(socket, "AF_UNIX")
BACKLOG = 128


class LocalSocketError(ImprovError):
    """The socket can't be opened at its path."""


class LiveSocketError(LocalSocketError):
    """Another daemon listens there."""


SOCKET = "control.sock"


def usual_path() -> Path:
    """Where a daemon listens unless its configuration says another."""
    return runtime_folder() / SOCKET


def found_path() -> Path:
    """Where a daemon listens that is to be steered: at the usual path, or at that of the systemd service."""
    return folder_with(SOCKET) / SOCKET


class LocalSocket:
    """A listening socket and what belongs to it. token: what must be said first; None: nothing."""

    def __init__(self, sock: socket.socket, token: str | None, close: Callable[[], None]) -> None:
        self.sock, self.token, self.close = sock, token, close

    def opens_to(self, said: bytes) -> bool:
        """Whether a first line, without its end, is the token."""
        import hmac

        return self.token is not None and hmac.compare_digest(said.strip(), self.token.encode())


def listen(path: Path, unix: bool = UNIX) -> LocalSocket:
    """Listen at a path. What a dead daemon left there is replaced. Raises LocalSocketError, or LiveSocketError where one listens."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise LocalSocketError(f"{path.parent}: {e.strerror}; say where with `socket` under [control]") from None
    _check_folder(path)
    if is_live(path):
        raise LiveSocketError(f"another improv daemon listens at {path}; stop it, or give this one a `socket` of its own under [control]")
    try:
        left = path.lstat().st_mode
        if not (stat.S_ISSOCK(left) if unix else stat.S_ISREG(left)):
            raise LocalSocketError(f"{path}: there is something else than a socket; move it, or set another `socket` under [control]")
        path.unlink()
    except FileNotFoundError:
        pass
    except OSError as e:
        raise LocalSocketError(f"{path}: {e.strerror}") from None
    try:
        return _unix(path) if unix else _loopback(path)
    except OSError as e:
        raise LocalSocketError(f"{path}: {e.strerror or e}; say where with `socket` under [control]") from None


def _check_folder(path: Path) -> None:
    """Refuse a folder that is another's, or that all may write to: they could put a socket of theirs in its place."""
    if not hasattr(os, "geteuid"):
        return
    for folder in (path.parent, path.parent.parent):
        found = folder.stat()
        if found.st_uid not in (os.geteuid(), 0) or (found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX):
            raise LocalSocketError(f"{folder}: other users may write there; choose a folder of your own, with `socket` under [control]")


def _unix(path: Path) -> LocalSocket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # so that nobody else can open it, from its first moment on
    try:
        sock.bind(str(path))
    except OSError as e:
        sock.close()
        if len(os.fsencode(path)) > 100:
            raise LocalSocketError(f"{path}: too long for a socket, which takes about 100 characters") from None
        raise e
    finally:
        os.umask(before)
    sock.listen(BACKLOG)
    sock.setblocking(False)
    own = path.stat().st_ino

    def close() -> None:
        sock.close()
        try:
            if path.stat().st_ino == own:  # not one that has replaced it
                path.unlink()
        except OSError:
            pass

    return LocalSocket(sock, None, close)


def _loopback(path: Path) -> LocalSocket:
    import secrets  # loads much, and is seldom needed

    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    token = secrets.token_hex(32)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        sock.bind(("127.0.0.1", 0))
        sock.listen(BACKLOG)
        sock.setblocking(False)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            json.dump({"port": sock.getsockname()[1], "token": token}, file)
        os.replace(half, path)
    except OSError:
        sock.close()
        half.unlink(missing_ok=True)
        raise

    def close() -> None:
        sock.close()
        try:
            if token in path.read_text(encoding="ascii"):
                path.unlink()
        except (OSError, ValueError):
            pass

    return LocalSocket(sock, token, close)


def connect(path: Path, timeout: float) -> socket.socket:
    """A connection to the daemon at a path, its token said; timeout in seconds for each wait. Raises OSError where there is none."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        if sys.platform == "win32":
            raise OSError(f"{path} is no file")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        return sock
    try:
        with path.open("rb") as file:
            card = json.loads(file.read(1024))
        port, token = int(card["port"]), str(card["token"])
    except (ValueError, KeyError, TypeError):
        raise OSError(f"{path} is not of a daemon") from None
    if not 0 < port < 65536:
        raise OSError(f"{path} is not of a daemon")
    sock = socket.create_connection(("127.0.0.1", port), timeout)
    sock.sendall(token.encode() + b"\n")
    return sock


def converse(sock: socket.socket, request: dict[str, object]) -> dict[str, object]:
    """Say a request and read its reply. Raises OSError where none comes, or none that is understood."""
    sock.sendall(json.dumps(request).encode() + b"\n")
    said = bytearray()
    while not said.endswith(b"\n"):
        more = sock.recv(LINE)
        if not more:
            raise ConnectionError("it ended without a reply")
        said += more
        if len(said) > 4 * LINE:
            raise ConnectionError("its reply is too long")
    try:
        reply = json.loads(said)
    except ValueError:
        raise ConnectionError("its reply is not understood") from None
    if not isinstance(reply, dict):
        raise ConnectionError("its reply is not understood")
    return reply


def is_live(path: Path) -> bool:
    """Whether somebody listens at a path."""
    try:
        if stat.S_ISREG(path.stat().st_mode):  # a port may be another's by now: ask
            with connect(path, 1.0) as sock:
                return "ok" in converse(sock, {"do": "status"})
        connect(path, 1.0).close()
    except (BlockingIOError, TimeoutError):
        return True  # there, and busy
    except OSError:
        return False
    return True
