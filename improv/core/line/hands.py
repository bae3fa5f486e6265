"""Two hands at one keyboard: which keys play the line, and which the chords below it.

Where nobody says a border (`split`), the hands are told apart by how they are played. Keys that are struck together in threes, keys
that are held while two others come above them, and keys that come under a held one, are chords; what is struck above such keys is
the line. A border lies where it puts the fewest of these on the wrong side, and it stays until it is contradicted. One part alone,
whatever its range, has no border, and all of it is the line. A key's hand may be seen better by what comes after it.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass

from improv.core.events import NoteOff, NoteOn
from improv.core.settings import Settings

Key = tuple[int, int, int]  # input, channel, pitch
TOGETHER = 0.045  # seconds from key to key within which a chord's are struck
HELD = 0.06  # seconds that a key is down before what comes then is over it, or under it: a legato line overlaps by less
LATELY = 10.0  # seconds that a key says something of the hands
SPAN = 16  # semitones that a hand reaches
APART = 8  # semitones below a chord's highest key from which on that is the line, struck with it
NEAR, UNDER = 2, 5  # semitones: above the chords, from which on it may be the line; below a held key, from which on it is under it
FEW = 3  # keys of the line that say where it lies, at the least
WRONG = 0.34  # share of what was played lately that may lie on the wrong side of a border, at most
GAP = 0.01  # of a key's weight, a semitone: of borders that are as good, the one in the widest gap
STAYS = 0.25  # of a key's weight, a semitone: what it takes to move a border
CHORDS, LINE = "chords", "line"


@dataclass(slots=True)
class _Struck:
    """A key as it was struck. part: what it is by how it was played, and how much that weighs; None: nobody knows."""

    key: Key
    time: float
    part: str | None = None
    weight: float = 1.0
    above: int = 0  # that came above it while it was held
    down: bool = True

    @property
    def pitch(self) -> int:
        return self.key[2]

    def is_of(self, part: str, weight: float = 1.0) -> None:
        self.part, self.weight = part, weight


class Hands:
    """See the module's first lines. `chords` has the keys that are down and play chords.

    split: the lowest MIDI pitch of the line; 0: told apart. inputs, by number, and channel (1-16; 0: none): where all is chords.
    alone: keys that are struck together in threes are chords even where nobody plays a line: improv plays it.
    grips: whether the top of a wide grip may be of the chord, see `core.hearing`.
    """

    def __init__(self, inputs: frozenset[int] = frozenset(), grips: bool = True) -> None:
        self._grips = grips
        self.split = self.channel = 0
        self.inputs = inputs
        self.alone = False
        self.border: float | None = None  # a pitch: what is below it plays chords
        self.chords: set[Key] = set()
        self._lately: deque[_Struck] = deque(maxlen=48)

    def hears(self, event: NoteOn | NoteOff) -> bool:
        """A key goes down or comes up. Returns whether it plays chords, or did."""
        key = event.part, event.channel, event.pitch
        if isinstance(event, NoteOn):
            return self.struck(key, event.time)
        accompanies = key in self.chords
        self.released(key)
        return accompanies

    def as_set(self, settings: Settings, endless: bool) -> None:
        """What the settings say of hands. endless: improv plays a line by itself, so chords alone accompany it."""
        self.split, self.channel, self.alone = settings.split, settings.harmony_channel, endless

    def struck(self, key: Key, time: float) -> bool:
        """A key goes down. Returns whether it plays chords."""
        if key[0] in self.inputs or key[1] + 1 == self.channel:
            self.chords.add(key)
            return True
        self._forget_old(time)
        self.released(key)  # it was, if it is struck again
        new = _Struck(key, time)
        if self.split:
            self.border = float(self.split)
        else:
            self._weigh(new, time)
        self._lately.append(new)
        if not self.split:
            self.border = self._found()
        for note in self._lately:
            if note.down:
                self._sort(note)
        return key in self.chords

    def released(self, key: Key) -> None:
        """A key comes up."""
        self.chords.discard(key)
        for note in self._lately:
            if note.down and note.key == key:
                note.down = False

    def release(self) -> None:
        """All keys are up."""
        self.chords.clear()
        for note in self._lately:
            note.down = False

    def begin(self) -> None:
        """Nothing is known of the hands: what was taken for the line was none."""
        self._lately.clear()
        self.chords.clear()
        self.border = None

    def _forget_old(self, time: float) -> None:
        lately = self._lately
        while lately and time - lately[0].time > LATELY and not lately[0].down:
            lately.popleft()

    def _weigh(self, new: _Struck, time: float) -> None:
        """What the keys that are down say of the new one, and it of them."""
        pitch, group, last = new.pitch, [new], time
        reach = max((n.pitch for n in self._lately if n.part == CHORDS and n.weight == 1.0 and self._below(n.pitch)), default=-1) + NEAR
        for note in reversed(self._lately):
            if not note.down:
                continue
            if last - note.time <= TOGETHER:
                last = note.time
                group.append(note)
            elif time - note.time >= HELD:
                if note.pitch < pitch:
                    note.above += 1
                    if note.above >= 2 and note.part is None:
                        note.is_of(CHORDS)
                elif note.pitch >= pitch + UNDER and new.part is None:
                    new.is_of(CHORDS, 0.5)
        if NEAR <= reach < pitch and new.part is None and (self.border is None or pitch > self.border):
            new.is_of(LINE, 0.5)
        if len(group) >= 3:
            self._chord(sorted(group, key=lambda note: note.pitch))

    def _chord(self, group: list[_Struck]) -> None:
        """Keys that are struck together, ascending."""
        for note in group:
            note.is_of(CHORDS)
        wide = group[-1].pitch - group[0].pitch > SPAN
        if (wide or (not self._below(group[-1].pitch) and self._below(group[-2].pitch))) and not self._is_grip(group):
            group[-1].is_of(LINE, 0.5)
        if group[-1].pitch - group[-2].pitch >= APART:
            group[-1].is_of(LINE)
            if len(group) == 3:  # two below it say less
                for note in group[:-1]:
                    note.is_of(CHORDS, 0.5)

    def _is_grip(self, group: list[_Struck]) -> bool:
        """Whether the highest key of a wide chord is one of it: near the one below it, and well below where the line lies."""
        line = sorted(note.pitch for note in self._lately if note.part == LINE)
        near = group[-1].pitch - group[-2].pitch < APART
        if not (self._grips and near and len(line) >= FEW and group[-1].pitch <= line[len(line) // 2] - APART):
            return False
        for note in self._lately:  # those before it were of chords as well
            if note.part == LINE and note.weight < 1.0 and note.pitch <= group[-1].pitch:
                note.is_of(CHORDS)
        return True

    def _below(self, pitch: int) -> bool:
        """Whether a pitch lies with the chords, as far as that is known."""
        return self.border is None or pitch < self.border

    def _found(self) -> float | None:
        """Where the border lies, by what was played lately."""
        below, above = dict[int, float](), dict[int, float]()  # by pitch
        for note in self._lately:
            if note.part is not None:
                part = below if note.part == CHORDS else above
                part[note.pitch] = part.get(note.pitch, 0.0) + note.weight
        if not below:
            return self.border if above else self._held_on()
        if not above:
            top = max(below)
            if self.border is not None and self.border > top:
                return self.border
            return top + 2.5 if self.alone else None
        wrong, least, where = sum(below.values()), math.inf, self.border
        most, fewest = WRONG * (wrong + sum(above.values())), 0.0
        ordered = sorted({*below, *above})
        for low, high in itertools.pairwise(ordered):
            wrong += above.get(low, 0.0) - below.get(low, 0.0)
            border = (low + high) / 2
            cost = wrong + (STAYS * abs(border - self.border) if self.border is not None else 0.0) - GAP * (high - low)
            if cost < least:
                least, where, fewest = cost, border, wrong
        return where if fewest <= most else None

    def _held_on(self) -> float | None:
        """The border where no chords were played lately: it is forgotten once the line goes over it as if it were none."""
        if self.border is None:
            return None
        pitches = [note.pitch for note in self._lately]
        steps = sum(1 for a, b in itertools.pairwise(pitches) if (a < self.border) != (b < self.border) and abs(a - b) <= 4)
        return None if steps >= 2 or not pitches else self.border

    def _sort(self, note: _Struck) -> None:
        """Put a key that is down to the chords, or to the line."""
        if self.border is not None and note.pitch < self.border:
            self.chords.add(note.key)
        else:
            self.chords.discard(note.key)
