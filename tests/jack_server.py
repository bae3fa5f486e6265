"""A JACK server for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

LOOKS = 1000  # at the ports that a test left; each takes some milliseconds


class Server:
    """jackd under a name of its own, with the dummy driver. Clients find it by $JACK_DEFAULT_SERVER."""

    def __init__(self, name: str):
        self.name = name
        self.program = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        """One that does not wait for its clients (no -S) drops what was sent in a period that a client missed, and so does one
        without real-time priority."""
        command = ["jackd", "-n", self.name, "-S", "-R", "-P", "70", "-d", "dummy", "-r", "48000", "-p", "512"]
        program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait = ["jack_wait", "-s", self.name, "-w", "-t", "10"]
            subprocess.run(wait, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except BaseException:
            program.kill()
            program.wait()
            raise
        return program

    def insist(self) -> None:
        """It answers; one that does not, as after a client that was killed, is replaced."""
        try:
            subprocess.run(["jack_lsp", "-s", self.name], check=True, capture_output=True, timeout=5)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            self.kill()
            self.start()

    def start(self) -> None:
        """Begin anew, after it ended."""
        self.program = self._started()

    def kill(self) -> None:
        self.program.kill()
        self.program.wait()

    def end(self) -> None:
        self.program.terminate()
        self.program.wait(10)

    def ports_left(self) -> list[str]:
        """Ports of clients that are there for longer than a program needs to end; the server takes away those of the killed."""
        for _ in range(LOOKS):
            said = subprocess.run(["jack_lsp", "-s", self.name], capture_output=True, text=True, check=True).stdout
            left = [port for port in said.split() if not port.startswith("system:")]
            if not left:
                break
        return left


@contextmanager
def serving(name: str) -> Iterator[Server]:
    server = Server(name)
    try:
        yield server
    finally:
        server.end()
