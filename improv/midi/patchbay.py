"""Several inputs and outputs by name, which may come and go while the music goes on.

An input port's thread stamps each message with the performance clock, hands it on and returns. One thread sends. A third, the
watch, looks twice a second for what is gone and what is back; it is the only one that opens, connects and closes.
"""
# long: all that comes and goes is looked at in one place, under one lock

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Transport
from improv.core.keys import Keys
from improv.midi.binding import rtmidi
from improv.midi.clock_giver import ClockGiver
from improv.midi.connections import Connection, InputConnection, OutputConnection
from improv.midi.jack import JackServer, libjack
from improv.midi.loopback import RUN, LoopbackFilter
from improv.midi.messages import events_of
from improv.midi.names import find
from improv.midi.ports import PortError

DRAIN = 0.1  # seconds
LOOK = 0.5  # seconds between two looks at the ports
QUICK, HURRY = 0.025, 600.0  # seconds between two looks for the port of what was left sounding, and for how long it is looked for so often
FROZEN = 3.0  # seconds between two looks after which the machine must have stood still
DRUMS = 9  # the channel, 0-15, on which drums are played
NO_DRUMS = frozenset(range(16)) - {DRUMS}


class Input(NamedTuple):
    """number: the `part` of what is heard from it. channels: those that are heard, 0-15; all but the drums' where nobody asks
    for others. role: "play", "control" or "harmony".

    From a control surface, and from one that brings chords alone, no clock is taken; what its keys and controllers mean is for
    others to say.
    """

    number: int
    name: str
    port: str | None = None
    channels: frozenset[int] = NO_DRUMS
    role: str = "play"


class Output(NamedTuple):
    """part: whose events go to it. Outputs with the same port, or without one and with the same name, share it."""

    part: int
    port: str | None = None
    name: str = "out"


class Patchbay:
    """Ports of one API, virtual or connected by name; those that are missing are waited for.

    now: the performance clock, in seconds. heard: takes each event, in the thread of the port that it came from; also what lets
    go the keys of an input that is lost, in the watch's. begin: is called once in each input's thread, at its first message or before.
    say: takes one line for people, in the watch's thread. own: what we play is heard even where it comes back to us.
    What has no part of its own (clock, start, stop) goes to every output; the metronome's click (part -1), and what no output is
    for, to the first. sounding: a folder where what sounds is kept, and where what a performance that was killed has left sounding
    is found; it is closed as soon as its port is there. None: nothing is kept.
    """

    asking = "(channels = [1, 2, 10], in its [[input]])"  # how one asks for channels

    def __init__(
        self,
        api: int,
        now: Callable[[], float],
        heard: Callable[[Event], None],
        inputs: Sequence[Input] = (),
        outputs: Sequence[Output] = (),
        begin: Callable[[], object] | None = None,
        say: Callable[[str], None] = lambda text: print(f"improv: {text}", file=sys.stderr, flush=True),
        own: bool = False,
        sounding: Path | None = None,
    ):
        self.reconnects = 0
        self._api, self._now, self._heard, self._say = api, now, heard, say
        self._jack = api == rtmidi.API_UNIX_JACK and libjack() is not None
        self._server: JackServer | None = None
        self._keys = Keys()
        self._echoes = {i.number: LoopbackFilter(run=math.inf if own else RUN) for i in inputs}
        self._drums: dict[int, bool] = {}  # by the input's number: drums are played there; whether that was told
        self._told_echo: dict[int, bool] = dict.fromkeys(self._echoes, False)
        self._clock = ClockGiver()
        self._inputs = [(i, InputConnection(api, i.port, i.name, self._listener(i), begin)) for i in inputs]
        shared: dict[tuple[str | None, str], OutputConnection] = {}
        self._outputs = [(o, shared.setdefault((o.port, "" if o.port else o.name), OutputConnection(api, o.port, o.name))) for o in outputs]
        self._outs = list(shared.values())
        self._of = {o.part: plug for o, plug in self._outputs}
        self._folder = sounding
        self._one_look = threading.Lock()
        self._over = threading.Event()
        self._looked: float | None = None
        self._stalled = False
        self._thread: threading.Thread | None = None
        self._missing: set[Connection] = set()  # told to be

    # Sending, in the performance's thread

    def send(self, event: Event) -> None:
        """Hand a played event to the port of its performer; where that is away, the music goes on without."""
        now = self._now()
        if isinstance(event, Pulse | Transport):
            for plug in self._outs:
                plug.send(event, now)
            return
        for echo in self._echoes.values():
            echo.sent(now, event)
        part = event.part if isinstance(event, NoteOn | NoteOff | ControlChange) else 0
        out = self._of.get(part) or (self._outs[0] if self._outs else None)
        if out:
            out.send(event, now)

    def panic(self) -> None:
        """Silence on every output: note-offs, sustain up, all notes off."""
        now = self._now()
        for plug in self._outs:
            for channel in {channel for channel, _ in plug.struck}:
                for echo in self._echoes.values():
                    echo.sent(now, ControlChange(now, 123, 0, channel))
            plug.panic(now)

    # Hearing, in each port's thread

    def _listener(self, source: Input) -> Callable[..., None]:
        now, heard, keys, echo = self._now, self._heard, self._keys, self._echoes[source.number]

        def arrived(message: tuple[list[int], float], _: Any = None) -> None:
            for event in events_of(message[0], now(), source.number):
                if isinstance(event, NoteOn | NoteOff | ControlChange):
                    if event.channel not in source.channels:
                        if isinstance(event, NoteOn) and source.channels == NO_DRUMS:
                            self._drums.setdefault(source.number, False)
                        continue
                    if echo.heard(event):
                        continue
                    keys.hear(event)
                elif source.role != "play" or not self._clock.gives(source.number, event):
                    continue
                heard(event)

        return arrived

    # Watching

    def start(self) -> None:
        """Begin to watch. What is missing is said."""
        self.look()
        self.hurry()
        self._thread = threading.Thread(target=self._watch, name="ports", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(LOOK):
            try:
                self.look()
            except Exception as e:  # as out of file handles; the next look may do better
                self._say(f"could not look for MIDI ports: {type(e).__name__}: {e}")

    def hurry(self) -> None:
        """Where something may have been left sounding, look often for its port to come: a listener hears it."""
        if self._folder is not None and self._server is not None:
            threading.Thread(target=self._look_for_left, name="left", daemon=True).start()

    def _look_for_left(self) -> None:
        until = time.monotonic() + HURRY
        while not self._over.wait(QUICK) and time.monotonic() < until and any(p.left.channels or p.expects for p in self._outs):
            with self._one_look:
                for plug in self._outs if self._server is not None and self._server.up and not self._stalled else ():
                    if plug.there:
                        self._close_left(plug, fade=False)
                    elif plug.expects:
                        self._look_at(plug, "output", self._now())

    def _close_left(self, plug: OutputConnection, fade: bool) -> None:
        if count := plug.look(self._server, fade):
            self._say(f"output {plug.name}: {count} notes that an earlier performance may have left sounding are closed")

    def look(self) -> None:
        """See what is gone and what is back, and let go what is held for too long. Tests may call it instead of `start`."""
        with self._one_look:
            self._look()

    def _look(self) -> None:
        now = self._now()
        standing, self._looked = (0.0 if self._looked is None else now - self._looked), now
        if standing > FROZEN:
            self._let_go(self._keys.release(now), f"the machine stood still for {standing:.0f} s")
        self._let_go(self._keys.overdue(now), "held for longer than anybody plays")
        for source, _ in self._inputs:
            echo = self._echoes[source.number]
            if echo.there != self._told_echo[source.number]:
                self._told_echo[source.number] = echo.there
                self._say(
                    f"what we play comes back on input {source.name} (a thru?): not listened to from now on"
                    if echo.there
                    else f"what we play does not come back on input {source.name} any more"
                )
            if self._drums.get(source.number) is False:
                self._drums[source.number] = True
                self._say(f"channel 10 of input {source.name} is taken for drums: not listened to, unless you ask for it {self.asking}")
        self.see_server(now)
        for plug, what in [*((p, "input") for _, p in self._inputs), *((p, "output") for p in self._outs)]:
            self._look_at(plug, what, now)
        for out in self._outs:
            self._close_left(out, fade=True)

    def see_server(self, now: float) -> None:
        """See after the JACK server: dead, back, or standing still."""
        if not self._jack:
            return
        server = self._server
        if server is not None and server.gone:
            self._say("the JACK server is gone; waiting for it")
            for plug in self._plugs():
                self._lose(plug, now, told=True)
                plug.abandon()
            server.close()
            self._server = server = None
        if server is None:
            server = JackServer()
            if server.up:
                self._server = server
                self._stalled = False
            return
        stalled = not server.moves()
        if stalled != self._stalled:
            self._stalled = stalled
            self._say("the JACK server stands still" if stalled else "the JACK server goes on")
            for out in self._outs:
                if stalled:
                    out.shut(now)
                elif out.there:
                    out.resume()

    def _look_at(self, plug: Connection, what: str, now: float) -> None:
        if (self._jack and (self._server is None or self._stalled)) or not plug.ready(self._server):
            self._tell_missing(plug, what)
            return
        if plug.there and plug.wanted is None:
            return
        try:
            names = plug.names(self._server) if plug.wanted is not None else []
        except rtmidi.RtMidiError:
            return
        if plug.there and not plug.joined(self._server, names):
            self._say(f"{what} {plug.name} is gone; waiting for it")
            self._lose(plug, now, told=True)
        if plug.there or plug.port is None:  # None: lost just now, so the next look makes another
            return
        name = None
        if plug.wanted is not None:
            taken = {p.name for p in self._plugs() if p.there and p.kind is plug.kind and p.name}
            name = find(names, plug.wanted, plug.name, taken) or find(names, plug.wanted, plug.name, taken, plug.also(self._server, names))
            if name is None:
                self._tell_missing(plug, what)
                return
        self._join(plug, what, name, names)

    def _resume(self, plug: OutputConnection, back: bool = False) -> int:
        """Play there from now on, once what is owed is closed. Returns how many notes that were."""
        if self._folder is not None:
            plug.keep_in(self._folder)
        if back or plug.owing:
            time.sleep(min(DRAIN, 0.01 + 3 * (self.period or 0.0)))  # until the connection holds
        owed = plug.resume()
        self._close_left(plug, fade=False)
        return owed

    def _join(self, plug: Connection, what: str, name: str | None, names: list[str]) -> None:
        back = plug.was_there
        try:
            plug.join(self._server, name, names)
        except PortError as e:
            if plug not in self._missing:
                self._missing.add(plug)
                self._say(str(e))
            return
        owed = 0
        if isinstance(plug, OutputConnection):
            owed = self._resume(plug, back)
        closed = f"; {owed} notes closed there" if owed else ""
        if back:
            self.reconnects += 1
            self._say(f"{what} {plug.name} is back{closed}")
        elif plug in self._missing:
            self._say(f"{what} {plug.name} is there")
        self._missing.discard(plug)

    def _lose(self, plug: Connection, now: float, told: bool) -> None:
        if not plug.there:
            return
        if isinstance(plug, OutputConnection):
            plug.shut(now)
        plug.lose(self._server)
        if told:
            self._missing.add(plug)
        for source, other in self._inputs:
            if other is plug:
                self._let_go(self._keys.release(self._now(), source.number), None)

    def _let_go(self, up: list[Event], why: str | None) -> None:
        if up and why:
            self._say(f"{len(up)} keys or pedals are taken as released: {why}")
        for event in up:
            self._heard(event)

    def _tell_missing(self, plug: Connection, what: str) -> None:
        if plug not in self._missing:
            self._missing.add(plug)
            self._say(f"{what} {plug.wanted or plug.label} is not there; waiting for it")

    def _plugs(self) -> list[Connection]:
        return [*(plug for _, plug in self._inputs), *self._outs]

    # For others

    @property
    def period(self) -> float | None:
        """Seconds between two looks of the JACK server at its ports; None for other systems."""
        return self._server.period() if self._server else None

    def missing(self) -> str | None:
        """None: what is away is waited for."""
        return None

    def status(self) -> dict[str, Any]:
        """What is there: `inputs` by name, `outputs` by the performer's number, both with `port` and `there`."""

        def of(plug: Connection) -> dict[str, Any]:
            return {"port": plug.name if plug.there else plug.wanted, "there": plug.flows and not self._stalled}

        return {
            "inputs": {i.name: of(plug) | {"echo": self._echoes[i.number].there} for i, plug in self._inputs},
            "outputs": {o.part: of(plug) | {"missed": plug.missed} for o, plug in self._outputs},
            "reconnects": self.reconnects,
        }

    def close(self) -> None:
        """Close all ports, once the last note-offs are surely out.

        A message that was sent is still in RtMidi's buffer until the MIDI system's next period
        (at most 93 ms: JACK with 4096 frames at 44.1 kHz), and a JACK server without real-time
        priority drops what was sent in a period that it missed. So all that was struck is closed
        twice more, a moment apart; a note-off for a note that is silent does nothing.
        """
        self._over.set()
        if self._thread:
            self._thread.join(2.0)
        dead = self._server is not None and self._server.gone
        if any(plug.struck for plug in self._outs) and not dead and not self._stalled:
            for _ in range(2):
                time.sleep(DRAIN)
                for plug in self._outs:
                    plug.quieten()
            time.sleep(DRAIN)
        for each in self._plugs():
            if dead or self._stalled:
                each.abandon()
            else:
                each.close()
        if self._server:
            self._server.close()
