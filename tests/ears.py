"""A JACK server for tests; and an ear that hears bursts whole.

RtMidi's callback waits for Python in JACK's own thread, and loses what comes meanwhile.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from improv.midi.ports import close_client


def start_server(name: str) -> subprocess.Popen[bytes]:
    """A server of its own that waits for its clients, with the dummy driver. $JACK_DEFAULT_SERVER is to be its name.

    One that does not wait (no -S) drops what was sent in a period that a client missed, and so does one without real-time priority.
    """
    command = ["jackd", "-n", name, "-S", "-R", "-P", "70", "-d", "dummy", "-r", "48000", "-p", "512"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        subprocess.run(["jack_wait", "-w", "-t", "10"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except BaseException:
        server.kill()
        raise
    return server


class Ears:
    """Fetches a port's messages in a thread of its own, and hands them on. port: an open rtmidi.MidiIn."""

    def __init__(self, port: Any, took: Callable[[list[int]], object]):
        self._port, self._took = port, took
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._over.is_set():
            message = self._port.get_message()
            if message is None:
                time.sleep(0.0005)
            else:
                self._took(message[0])

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        close_client(self._port)
