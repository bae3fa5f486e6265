"""A port of ours, and the port that it is to be connected to, which may come and go.

On JACK our port stays, and is connected through `jack.JackServer`; elsewhere the connection is the port, opened and closed.
"""
# long: the two ends of a port, and what an output owes

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.midi.binding import rtmidi
from improv.midi.jack import INPUT, OUTPUT, JackServer
from improv.midi.left_sounding import Key, Left, SoundingFile
from improv.midi.messages import encode
from improv.midi.ports import CLIENT, PortError, close_client, hushed, new_client

UNSURE = 1.5  # seconds before a loss was seen in which a note-off may have gone nowhere; at least two looks
SUSTAIN, ALL_NOTES_OFF = 64, 123
QUEUE = 8192  # messages that RtMidi keeps for us on JACK
OFTEN, SELDOM = 0.0003, 0.001  # seconds between two looks for them: while there is playing, and later
AGAIN = 7  # times that what was left sounding is closed once more: a server may drop what was sent in a period that it missed
GAP = 0.02  # seconds until the first of them; twice as long until each further one, for a busy server misses many periods in a row
BLIND = 120  # times for a virtual port whose connections can't be seen: for a minute, twice a second
LATELY = 10_000  # looks in vain after which there is none


class Connection:
    """What inputs and outputs share. wanted: the name or a part of it; None for a virtual port, which others connect to."""

    kind: Any = None
    side = 0

    def __init__(self, api: int, wanted: str | None, label: str):
        self._api, self.wanted, self.label = api, wanted, label
        self.port: Any = None  # RtMidi's
        self.name: str | None = None  # of the port that it was last connected to, or of our own
        self.there = False
        self.was_there = False
        self._own: str | None = None  # our port's full name on JACK

    @property
    def flows(self) -> bool:
        """Whether what is sent or played arrives."""
        return self.there

    def ready(self, server: JackServer | None) -> bool:
        """Whether there is a MIDI system and, where it can be, our port. Makes them, if not."""
        if self.port is not None:
            return True
        if server is not None and not server.up:
            return False
        with hushed():
            port = self.made()
        if port is None:
            return False
        if server is not None:
            mine = OUTPUT if self.side == INPUT else INPUT
            before = set(server.ports(mine))
            with hushed():
                port.open_virtual_port(self.label)
            new = [n for n in server.ports(mine) if n not in before and n.startswith(CLIENT) and n.endswith(f":{self.label}")]
            self._own = new[0] if new else f"{CLIENT}:{self.label}"
            if self._own != f"{CLIENT}:{self.label}":
                server.alias(self._own, f"{CLIENT}:{self.label}")
        self.opened(port)
        self.port = port
        return True

    def made(self) -> Any:
        """A new port object; None where no system answers."""
        return new_client(self.kind, self._api)

    def opened(self, port: Any) -> None:
        """A port object is about to be used."""

    def names(self, server: JackServer | None) -> list[str]:
        """What it could be connected to. Raises rtmidi.RtMidiError."""
        return server.ports(self.side) if server is not None else list(self.port.get_ports())

    def also(self, server: JackServer | None, names: list[str]) -> dict[str, list[str]]:
        """Other names of those ports: JACK's aliases and pretty names."""
        return {name: more for name in names if (more := server.other_names(name))} if server is not None else {}

    def join(self, server: JackServer | None, name: str | None, names: list[str]) -> None:
        """Connect to one of the names, or be there for others if that is None. Raises PortError."""
        if name is None:
            if server is None:
                try:
                    with hushed():
                        self.port.open_virtual_port(self.label)
                except (rtmidi.RtMidiError, NotImplementedError) as e:
                    raise PortError(
                        f"this system has no virtual MIDI ports ({e}); name a port with --{self.label}, "
                        "or install a virtual cable (loopMIDI on Windows)"
                    ) from None
            self.name = f"{CLIENT}:{self.label}"
        elif server is not None:
            own = self._own or ""
            if not server.connect(*((name, own) if self.side == OUTPUT else (own, name))):
                raise PortError(f"{name}: JACK does not connect it")
            self.name = name
        else:
            try:
                with hushed():
                    self.port.open_port(names.index(name), self.label)
            except (rtmidi.RtMidiError, ValueError) as e:
                raise PortError(f"{name}: {e}") from None
            self.name = name
        self.there = self.was_there = True

    def joined(self, server: JackServer | None, names: list[str]) -> bool:
        """Whether it is still connected to its port. names: of all ports that are there.

        On JACK who goes and comes back between two looks has its name still, but not its connection.
        """
        return self.name in names and (server is None or self.name in server.connections(self._own or ""))

    def lose(self, server: JackServer | None) -> None:
        """The other port is gone, or not to be had."""
        self.there = False
        if server is None and self.port is not None:
            with hushed():
                self.discard()

    def discard(self) -> None:
        """Close our port object for good: `ready` makes a new one. RtMidi hears nothing on one of ALSA's that it opens again."""
        if self.port is not None:
            close_client(self.port)
            self.port = None

    def abandon(self) -> None:
        """The server is dead. RtMidi waits a second for it to answer, and holds up all of Python: so leave our port alone."""
        if self.port is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.port))  # never to be closed, not even as the program ends
            self.port = None
        self.there, self._own = False, None

    def close(self) -> None:
        self.discard()
        self.there = False


class InputConnection(Connection):
    """An input. arrived: takes RtMidi's (message, seconds), in a thread of the port's own.

    On JACK that is a thread of ours, which looks often. RtMidi would call us in JACK's own thread, and where a burst of
    messages, each waiting for Python, takes longer than JACK's period, JACK writes the next period over what is still to be
    read: of a hundred notes at once, most came in with another's pitch.
    """

    kind, side = rtmidi.MidiIn, OUTPUT

    def __init__(self, api: int, wanted: str | None, label: str, arrived: Callable[..., None], begin: Callable[[], object] | None = None):
        super().__init__(api, wanted, label)
        self._arrived, self._begin = arrived, begin
        self._begun = False  # in the thread of the port object that there is now
        self._looking: threading.Event | None = None  # set to end the thread
        self._thread: threading.Thread | None = None

    def made(self) -> Any:
        return new_client(self.kind, self._api, queue_size_limit=QUEUE)

    def opened(self, port: Any) -> None:
        self._begun = False
        port.ignore_types(sysex=True, timing=False, active_sense=True)  # by default RtMidi drops MIDI Clock
        if self._api != rtmidi.API_UNIX_JACK:
            port.set_callback(self._called)
            return
        self._looking = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(port, self._looking), name="input", daemon=True)
        self._thread.start()

    def _called(self, message: tuple[list[int], float], _: Any = None) -> None:
        self._arrived(message)
        if self._begin and not self._begun:
            self._begun = True
            self._begin()

    def _look(self, port: Any, over: threading.Event) -> None:
        if self._begin:
            self._begin()
        idle = 0
        while not over.is_set():
            message = port.get_message()
            if message is not None:
                self._arrived(message)
                idle = 0
            else:
                idle += 1
                time.sleep(OFTEN if idle < LATELY else SELDOM)

    def _end(self) -> None:
        if self._looking and self._thread:
            self._looking.set()
            self._thread.join(1.0)
            self._looking = self._thread = None

    def abandon(self) -> None:
        self._end()
        super().abandon()

    def discard(self) -> None:
        self._end()
        if self.port is not None and self._api != rtmidi.API_UNIX_JACK:
            self.port.cancel_callback()
        super().discard()


class OutputConnection(Connection):
    """An output, and the ledger of what sounds on it. All is sent by one thread; what it owes, by who finds it again.

    left: what a performance that was killed has left sounding there, until it is closed for the last time.
    """

    kind, side = rtmidi.MidiOut, INPUT

    def __init__(self, api: int, wanted: str | None, label: str):
        super().__init__(api, wanted, label)
        self.missed = 0  # note-ons that found no port
        self.struck: set[tuple[int, int]] = set()  # every channel and pitch that was ever sent
        self._open = False  # what is sent arrives
        self._lock = threading.Lock()
        self._sounding: set[Key] = set()
        self._closed: deque[tuple[float, Key]] = deque(maxlen=512)  # lately
        self._file = SoundingFile(None, label)
        self._kept = False  # whether that is a file
        self.left = Left()
        self._times = 0  # that it is still to be closed
        self._next = 0.0  # when, at the earliest
        self._told = False  # that it is

    def send(self, event: Event, now: float) -> None:
        """Hand an event to the port, if it is there. What could not be closed is owed."""
        message = encode(event)
        if not message:
            return
        with self._lock:
            if not self._open:
                self.missed += isinstance(event, NoteOn)
                return
            if isinstance(event, NoteOn):
                self.struck.add((event.channel, event.pitch))
                self._sounding.add((event.channel, event.pitch))
                self._file.begin((event.channel, event.pitch))
            elif isinstance(event, NoteOff):
                self._sounding.discard((event.channel, event.pitch))
                self._closed.append((now, (event.channel, event.pitch)))
            try:
                self.port.send_message(message)
            except rtmidi.RtMidiError:  # gone, and not yet seen to be
                if isinstance(event, NoteOff):
                    self._sounding.add((event.channel, event.pitch))
                return
            if isinstance(event, NoteOff):
                self._file.end([(event.channel, event.pitch)])

    @property
    def flows(self) -> bool:
        return self.there and self._open

    def shut(self, now: float) -> None:
        """Send nothing from now on; what was closed only just now, as the cable was out already, is owed as well."""
        with self._lock:
            self._open = False
            self._sounding |= {key for at, key in self._closed if now - at < UNSURE}
            for key in self._sounding:
                self._file.begin(key)

    def keep_in(self, folder: Path) -> None:
        """Keep what sounds in a file of this port's, from now on, and find what was left there before. It is joined by now."""
        if self._kept:
            return
        self._kept, self._file = True, SoundingFile(folder, self.name or self.label)
        self.left = self._file.left
        self._times = 0 if not (self.left.keys or self.left.channels) else BLIND if self.wanted is None else AGAIN + 1

    def look(self, server: JackServer | None, fade: bool = True) -> int:
        """Close what was left sounding, if it is to be closed (again). Returns how many notes, the first time.

        fade: half a second has passed: what was closed before that has surely left this program.
        """
        with self._lock:
            if fade:
                self._file.look()
            if not self._times or not self._open:
                return 0
            if self.wanted is None and server is not None and self._times > AGAIN:
                if not server.connections(self._own or ""):
                    return 0  # the first connection is waited for
                self._times = AGAIN + 1
            if (now := time.monotonic()) < self._next:
                return 0
            if self._times <= AGAIN + 1:
                self._next = now + GAP * 2 ** (AGAIN + 1 - self._times)
            self._times -= 1
            first, self._told = not self._told, True
            count = self._close_left(set() if first else self._sounding)
            return count if first else 0

    def _close_left(self, spared: set[Key]) -> int:
        """Note-offs for what was left, but for what is spared; sustain up and all notes off. Returns how many notes were left."""
        keys = sorted(self.left.keys - spared)
        messages = [[0x80 | channel, pitch, 0] for channel, pitch in keys]
        quiet = self.left.channels - {channel for channel, _ in spared}
        messages += [[0xB0 | channel, control, 0] for channel in sorted(quiet) for control in (SUSTAIN, ALL_NOTES_OFF)]
        try:
            for message in messages:
                self.port.send_message(message)
        except rtmidi.RtMidiError:  # gone, and not yet seen to be
            return 0
        count = len(self.left.keys)
        if not self._times:
            self._file.end(keys)
            self.left = Left()
        return count

    @property
    def expects(self) -> bool:
        """Whether its port is named and was not there yet, so that nobody knows what was left sounding on it."""
        return self.wanted is not None and not self.was_there

    @property
    def owing(self) -> bool:
        """Whether there are notes of this performance to close once the port is there."""
        return bool(self._sounding)

    def resume(self) -> int:
        """Send again: first the note-offs of all that is owed. Returns how many."""
        owed = sorted(self._sounding)
        for channel, pitch in owed:
            self.port.send_message([0x80 | channel, pitch, 0])
        with self._lock:
            self._file.end(owed)
            self._sounding.clear()
            self._closed.clear()
            self._open = True
        return len(owed)

    def close(self) -> None:
        self._forget()
        super().close()

    def abandon(self) -> None:
        self._open = False
        super().abandon()

    def _forget(self) -> None:
        """It is over: no file is kept, unless something still sounds where nothing arrives."""
        with self._lock:
            away = not (self.there and self._open)
            self._file.close(keep=bool(self._times) or (away and bool(self._sounding)))

    def panic(self, now: float) -> None:
        """Silence, whatever sounds: note-offs, and the controllers that mean it. By the thread that sends."""
        with self._lock:
            sounding, channels = sorted(self._sounding), sorted({channel for channel, _ in self.struck})
        for channel, pitch in sounding:
            self.send(NoteOff(now, pitch, channel), now)
        for channel in channels:
            self.send(ControlChange(now, SUSTAIN, 0, channel), now)
            self.send(ControlChange(now, ALL_NOTES_OFF, 0, channel), now)

    def quieten(self) -> None:
        """Note-offs for all that was ever struck. No other thread sends any more."""
        if self.port is not None and self._open:
            for channel, pitch in sorted(self.struck):
                self.port.send_message([0x80 | channel, pitch, 0])
