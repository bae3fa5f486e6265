"""What wakes the engine: datagrams beside its mapped file. Their content says nothing, but for wishes, which are JSON objects."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from improv.perform.priority import raise_priority

LONGEST = 65536  # bytes of a wish
BEAT = 0.02  # seconds between two signs of life


class Bell:
    """A socket at a path; where the system has no such sockets, a port of 127.0.0.1. wish: takes what begins as a JSON object.

    port: 0 where there is a path.
    """

    def __init__(self, path: Path, wish: Callable[[bytes], None] = lambda text: None):
        self._path, self._wish = path, wish
        self.port = 0
        if hasattr(socket, "AF_UNIX"):
            path.unlink(missing_ok=True)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(str(path))
            path.chmod(0o600)
        else:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 0))
            self.port = self._socket.getsockname()[1]
        self._socket.setblocking(False)

    def wait(self, seconds: float) -> None:
        """Until it rings, at most so many seconds."""
        if select.select([self._socket], [], [], seconds)[0]:
            self._answer()

    def ring(self) -> None:
        """From a signal's handler: wake whoever waits."""
        if not self.port:
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"\0", str(self._path))

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _answer(self) -> None:
        while True:
            try:
                said = self._socket.recv(LONGEST)
            except (BlockingIOError, ConnectionError):
                return
            if said.startswith(b"{"):
                self._wish(said)


class Heart:
    """Gives a sign of life, in a thread of its own, until it is closed."""

    def __init__(self, beat: Callable[[], None]):
        self._beat = beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, name="heart", daemon=True)
        beat()
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _go(self) -> None:
        raise_priority()  # or whoever plays would wait for it while it waits for a core
        while not self._over.wait(BEAT):
            self._beat()
