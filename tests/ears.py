"""An ear that hears bursts whole.

RtMidi's callback waits for Python in JACK's own thread, and loses what comes meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from improv.midi.ports import close_client


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
            if message is not None:
                self._took(message[0])
            else:
                self._over.wait(0.0005)

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        close_client(self._port)
