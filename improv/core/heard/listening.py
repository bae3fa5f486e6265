"""How a performer listens: its tracker follows the line, the hands are told apart, and the ear hears all of it.

Where changes are given, nobody asks the ear: what a player writes is never corrected.
"""

from __future__ import annotations

from dataclasses import dataclass

from improv.core.events import Event, NoteOn
from improv.core.harmony.ear import Hears
from improv.core.heard.harmony import Foresees, HeardHarmony
from improv.core.line.tracker import Heard, LineTracker
from improv.core.meter import Meter
from improv.core.settings import Settings


@dataclass(frozen=True, slots=True)
class EarSetup:
    """network: what hears. foresees: what foretells the next chord. inputs: numbers of those that bring chords alone."""

    network: Hears
    foresees: Foresees | None = None
    inputs: frozenset[int] = frozenset()


class Listening:
    """See the module's first lines. tracker: the performer's. ear: None, as in old sessions, hears no harmony."""

    def __init__(self, tracker: LineTracker, ear: EarSetup | None, meter: Meter):
        self.tracker = tracker
        self.harmony = HeardHarmony(ear.network, meter, ear.foresees) if ear and tracker.hands else None
        if ear and tracker.hands:
            tracker.hands.inputs = ear.inputs
        self.asked = False  # as of the latest event: no changes are given, and the beat runs

    @property
    def due(self) -> float:
        """When a chord is to be settled, in seconds; infinity: there is none."""
        return self.harmony.due if self.harmony else float("inf")

    def hear(self, event: Event, beat: float, settings: Settings, endless: bool) -> Heard | None:
        """Take in what is heard on a beat. Returns the top line's note that it supersedes, if any.

        endless: improv plays a line by itself, so chords alone accompany it.
        """
        tracker, hands = self.tracker, self.tracker.hands
        if hands:
            hands.split, hands.channel, hands.alone = settings.split, settings.harmony_channel, endless
        note = tracker.hear(event, beat)
        if self.harmony and hands and self.asked:
            if isinstance(event, NoteOn):
                accompanies = not tracker.is_of_line(event)
                several = hands.border is None and len(tracker.sounding) > 1
                line = not accompanies and not several
                self.harmony.struck(event.time, beat, event.pitch, event.velocity, accompanies or several, line)
            self.harmony.sounds(beat, self._sounding(hands.border is not None))
        return note

    def settle(self, time: float) -> bool:
        """A chord is settled. Returns whether it is another than before."""
        return self.harmony is not None and self.harmony.settle(time)

    def _sounding(self, apart: bool) -> dict[int, bool]:
        """The pitches that sound, and whether each is of the line. apart: the hands are told apart."""
        tracker = self.tracker
        found = {pitch: False for _, _, pitch in tracker.held}
        chords = tracker.hands.chords if tracker.hands else set()
        alone = len(tracker.keys) + len(found) == 1
        return found | {key[2]: key not in chords and (apart or alone) for key in tracker.keys}

    def ask(self, wanted: bool, meter: Meter, time: float) -> None:
        """The moment of what comes, in seconds, with its beat. wanted: somebody plays by the harmony."""
        if self.harmony:
            self.harmony.meter = meter
            if wanted and not self.asked:
                self.harmony.restart(meter.beat(time))
            self.asked = wanted
