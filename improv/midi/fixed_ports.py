"""One input and one output, which must be there: what `improv jam` plays through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from improv.core.events import Event
from improv.core.heard.harmony import HARMONY_INPUT
from improv.midi.binding import rtmidi
from improv.midi.connections import Connection, OutputConnection
from improv.midi.names import eligible, fitting
from improv.midi.patchbay import NO_DRUMS, Input, Output, Patchbay
from improv.midi.ports import PortError, api_name, few_handles


class FixedPorts(Patchbay):
    """An input and an output that are to be there from the start to the end, as `improv jam` has them.

    source, target: a name or a part of one; None opens a virtual port (`in`, `out`), which other programs connect to;
    afterwards, the port's full name. own: what we play is to be heard where it comes back. sounding: as a `Patchbay` has it.
    channels: those that are heard, 0-15. harmony: another input, which brings chords alone; None: there is none. Raises PortError.
    """

    asking = "(--listen 1-16)"

    def __init__(
        self,
        api: int,
        now: Callable[[], float],
        heard: Callable[[Event], None],
        source: str | None = None,
        target: str | None = None,
        begin: Callable[[], object] | None = None,
        own: bool = False,
        sounding: Path | None = None,
        channels: frozenset[int] = NO_DRUMS,
        harmony: str | None = None,
    ):
        inputs = [Input(0, "in", source, channels)]
        inputs += [Input(HARMONY_INPUT, "harmony", harmony, role="harmony")] if harmony is not None else []
        super().__init__(api, now, heard, inputs, [Output(0, target)], begin, own=own, sounding=sounding)
        try:
            self.see_server(0.0)
            self.target = self._insist(self._outs[0], "output")
            self.source = self._insist(self._inputs[0][1], "input")
            if harmony is not None:
                self.harmony = self._insist(self._inputs[1][1], "input")
        except PortError:
            self.close()
            raise

    def _insist(self, plug: Connection, what: str) -> str:
        if not plug.ready(self._server):
            system = api_name(self._api)
            raise PortError(f"the {system} MIDI system does not answer; `improv ports` shows what works here{few_handles()}")
        name: str | None = None
        names: list[str] = []
        if plug.wanted is not None:
            names = plug.names(self._server)
            theirs = eligible(names, plug.wanted)
            found = fitting(theirs, plug.wanted, plug.also(self._server, theirs))
            if not found:
                first = "plug in your keyboard" if what == "input" else "start your synth"
                there = "; there are: " + ", ".join(repr(n) for n in theirs) if theirs else f"; there is none at all: {first} first"
                raise PortError(f"no MIDI {what} {plug.wanted!r}{there}")
            if len(found) > 1:
                several = ", ".join(repr(n) for n in found)
                raise PortError(f"MIDI {what} {plug.wanted!r} fits several: {several}; say more of its name")
            name = found[0]
        plug.join(self._server, name, names)
        if isinstance(plug, OutputConnection):
            self._resume(plug)
        return str(plug.name)

    def start(self) -> None:
        """They are there; whoever asks what is missing looks after them."""
        self.hurry()

    def missing(self) -> str | None:
        """The name of a connected port, or of the server, that is no longer there; None when all are. Looks after keys, too."""
        if self._server is not None and self._server.gone:
            return "JACK server"
        for plug in self._plugs():
            try:
                if plug.wanted is not None and plug.name not in plug.names(self._server):
                    return plug.name
            except rtmidi.RtMidiError:
                return plug.name
        self.look()
        return None
