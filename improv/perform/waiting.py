"""What improv waits for before it answers, in words: so that it never falls silent without saying why.

It listens as an observer, in the performance's thread, and is asked in another: for the status at any time, and for what is to
be told of it, once each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import pitch_name
from improv.core.harmony.spelling import Key
from improv.core.modes.classes import MODES
from improv.core.observer import Observer

SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
LONG = 4.0  # seconds that a key is down before the status names it
TELL = 10.0  # seconds of waiting before it is told in the terminal
GAP = 2.0  # seconds without a note after which nobody plays any more
PEDAL, NOTES = 10.0, 8  # seconds and notes after which a pedal that was always down is held to be reversed
AGAIN = 30.0  # seconds between two words on lost pulses

KEY = "waiting for the release of {}, which has been down for {:.0f} s"
GOES_ON = "waiting for a gap: notes go on on channel {}"
LONG_PHRASE = GOES_ON.format("")  # no news: somebody plays a long solo
SEVERAL = "waiting for a gap: notes go on on channels {}; choose yours (jam --listen, a daemon's channels)"
FIRST_NOTE = "waiting for your first note"
REVERSED = "the sustain pedal of channel {} was down from the start and has not moved: probably reversed. You are answered all the same"
TWO_CLOCKS = "two MIDI clocks arrive at once: the first is followed. Let only one program send clock"
DOUBLED = "MIDI clock doubled its tempo from one pulse to the next. Do two programs send clock, half a pulse apart? Let only one of them"
LOST = "MIDI clock lost pulses on its way: {}, which are counted all the same"
NO_CLOCK = "no MIDI clock arrives yet: let the DAW or drum machine send clock to improv's input"
NO_START = "MIDI clock arrives, at {:.1f}: press play there, or play a note to join in"
Source = tuple[int, int]  # input, channel


class Waiting(Observer):
    """See the module's first lines. keeper: whose beat it is; its settings say what is played."""

    def __init__(self, keeper: Timekeeper) -> None:
        self._keeper = keeper
        self._keys: dict[tuple[int, int, int], float] = {}  # (input, channel, pitch) that is down: since when
        self._latest: dict[Source, float] = {}  # when the latest note came from it
        self._began = math.inf  # when the player's notes began that improv has not answered yet
        self._pedals: dict[Source, tuple[float, int]] = {}  # of a pedal that never came up: since when, and notes with it
        self._moved: set[Source] = set()  # sources whose pedal came up, or that played before it went down
        self._told: set[object] = set()
        self._lost, self._lost_at = 0, -math.inf

    # Heard, in the performance's thread

    def heard(self, event: Event) -> None:
        if not isinstance(event, NoteOn | NoteOff | ControlChange) or event.part < 0:
            return
        source = event.part, event.channel
        if isinstance(event, NoteOn):
            self._keys[(*source, event.pitch)] = event.time
            self._latest[source] = event.time
            self._began = min(self._began, event.time)
            if source in self._pedals:
                since, notes = self._pedals[source]
                self._pedals[source] = since, notes + 1
            else:
                self._moved.add(source)
        elif isinstance(event, NoteOff):
            self._keys.pop((*source, event.pitch), None)
        elif event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            for key in [key for key in self._keys if key[:2] == source]:
                del self._keys[key]
        elif event.control == SUSTAIN and event.value >= 64:
            if source not in self._moved:
                self._pedals.setdefault(source, (event.time, 0))
        elif event.control in (SUSTAIN, RESET_CONTROLLERS):
            self._moved.add(source)
            self._pedals.pop(source, None)

    def played(self, event: Event, late: float, filled: bool) -> None:
        if isinstance(event, NoteOn):
            self._began = math.inf

    # Asked, in any thread

    def text(self, now: float, key: Key | None = None) -> str | None:
        """What it waits for at this moment; None: for nothing, or only for the end of a phrase. now: in seconds. key: in which notes
        are spelled."""
        keeper = self._keeper
        if keeper.settings.clock == "midi" and not keeper.meter.running:
            return NO_START.format(keeper.meter.tempo) if keeper.source.heard else NO_CLOCK
        if not MODES[keeper.settings.mode].yields or MODES[keeper.settings.mode].endless:
            return None
        latest = self._latest.copy()
        if not latest:
            return FIRST_NOTE
        waited = now - self._began
        if waited < max(LONG, keeper.meter.seconds(2 * keeper.settings.trade * keeper.meter.bar_at(keeper.meter.beat(now)))):
            return None
        going = sorted({channel + 1 for (_, channel), at in latest.items() if now - at < GAP})
        if going:
            return (SEVERAL if len(going) > 1 else GOES_ON).format(" and ".join(map(str, going)))
        down = [(since, key) for key, since in self._keys.copy().items() if now - since > LONG]
        if not down:
            return None
        since, (_, channel, pitch) = max(down)
        return KEY.format(f"{pitch_name(pitch, key)} on channel {channel + 1}", now - since)

    def news(self, now: float, key: Key | None = None) -> Iterator[str]:
        """What is to be told now, each once."""
        waits = self.text(now, key)
        if waits and now - self._began > TELL and not waits.startswith(LONG_PHRASE):
            about = waits.split(", which")[0], self._began if ", which" in waits else None
            if about not in self._told:
                self._told.add(about)
                yield waits
        for source, (since, notes) in self._pedals.copy().items():
            if now - since > PEDAL and notes >= NOTES and ("pedal", source) not in self._told:
                self._told.add(("pedal", source))
                yield REVERSED.format(source[1] + 1)
        clock = self._keeper.source
        if clock.two and "two" not in self._told:
            self._told.add("two")
            yield TWO_CLOCKS
        if clock.doubled and not clock.two and "doubled" not in self._told:
            self._told.add("doubled")
            yield DOUBLED
        if (lost := clock.lost) > self._lost and now - self._lost_at > AGAIN:
            yield LOST.format(lost - self._lost)
            self._lost, self._lost_at = lost, now
