"""How a performer listens: its tracker follows the line, the hands are told apart, and the ear hears all of it.

Where changes are given, nobody asks the ear: what a player writes is never corrected.
"""

from __future__ import annotations

from improv.core.events import Event, NoteOff, NoteOn
from improv.core.heard.harmony import EarSetup, HeardHarmony
from improv.core.heard.told import ToldHarmony
from improv.core.line.tracker import Heard, LineTracker
from improv.core.meter import Meter
from improv.core.settings import Settings

BASS = 50.0  # MIDI pitch below which one part alone is a bass
SOON = 0.25  # of a new pitch in the running mean


class HarmonyListener:
    """See the module's first lines. tracker: the performer's. ear: None, as in old sessions, hears no harmony. asked: whether somebody
    plays by the harmony, as of the latest event: no changes are given."""

    def __init__(self, tracker: LineTracker, ear: EarSetup | None, meter: Meter, asked: bool):
        self.tracker = tracker
        self.harmony = HeardHarmony(ear, meter) if ear and tracker.hands else None
        if ear and tracker.hands:
            tracker.hands.inputs = ear.inputs
        self.asked = asked
        self._middle = 60.0  # running mean of the pitches

    @property
    def told(self) -> ToldHarmony | None:
        """What there is to say of the harmony; None where it is given."""
        return self.harmony.told if self.harmony and self.asked else None

    @property
    def due(self) -> float:
        """When a chord is to be settled, in seconds; infinity: there is none."""
        return self.harmony.due if self.harmony else float("inf")

    def hear(self, event: Event, beat: float, settings: Settings, endless: bool) -> tuple[Heard | None, bool]:
        """Take in what is heard on a beat. Returns the top line's note that it supersedes, if any; and whether it is none of a hand that
        plays chords.

        endless: improv plays a line by itself, so chords alone accompany it.
        """
        tracker, hands = self.tracker, self.tracker.hands
        if hands:
            hands.as_set(settings, endless)
        of_line = not isinstance(event, NoteOff) or tracker.is_of_line(event)
        note = tracker.hear(event, beat)
        of_line = tracker.is_of_line(event) if isinstance(event, NoteOn) else of_line
        if self.harmony and hands and self.asked and self.harmony.meter.running:
            if isinstance(event, NoteOn):
                several = hands.border is None and len(tracker.sounding) > 1
                self._middle += SOON * (event.pitch - self._middle)
                chords = not of_line or several or self._low
                self.harmony.struck(event.time, beat, event.pitch, event.velocity, chords, not chords)
            self.harmony.sounds(beat, self._sounding(hands.border is not None))
        return note, of_line

    @property
    def _low(self) -> bool:
        """Whether one part alone is played, and that is a bass: it says the chords."""
        hands = self.tracker.hands
        return hands is not None and hands.border is None and self._middle < BASS

    def settle(self, time: float) -> bool:
        """A chord is settled. Returns whether it is another than before."""
        return self.harmony is not None and self.harmony.settle(time)

    def _sounding(self, apart: bool) -> dict[int, bool]:
        """The pitches that sound, and whether each is of the line. apart: the hands are told apart."""
        tracker = self.tracker
        known = self.harmony.sounding if self.harmony else {}
        found = {pitch: known.get(pitch, False) for _, _, pitch in tracker.held}
        chords = tracker.hands.chords if tracker.hands else set()
        alone = len(tracker.keys) + len(found) == 1 and not self._low
        return found | {key[2]: key not in chords and (apart or alone) for key in tracker.keys}

    def restart(self, beat: float) -> None:
        """The beat begins anew."""
        if self.harmony:
            self.harmony.restart(beat)

    def ask(self, wanted: bool, meter: Meter, time: float) -> None:
        """The moment of what comes, in seconds, with its beat. wanted: somebody plays by the harmony."""
        if self.harmony:
            begins, self.asked, self.harmony.meter = wanted and not self.asked, wanted, meter
            beat = meter.beat(time)
            if begins:
                self.harmony.restart(beat)
                for (_, _, pitch), velocity in self.tracker.keys.items():
                    self.harmony.struck(time, beat, pitch, velocity, True, False)
            elif wanted:
                self.harmony.go_on(beat)
