"""Two hands at one keyboard: which keys play the line, and which the chords below it.

Where nobody says a border (`split`), the hands are told apart by how they are played. Keys that are struck together in threes, keys
that are held while two others come above them, and keys that come under a held one, are chords; what is struck above such keys is
the line. A border lies where it puts the fewest of these on the wrong side, and it stays until it is contradicted. One part alone,
whatever its range, has no border, and all of it is the line. A key's hand may be seen better by what comes after it.
"""

from __future__ import annotations

import itertools
import math
from bisect import insort
from collections import deque
from dataclasses import dataclass

from improv.core.events import NoteOff, NoteOn
from improv.core.settings import Settings

Key = tuple[int, int, int]  # input, channel, pitch
TOGETHER = 0.045  # seconds from key to key within which a chord's are struck
HELD = 0.06  # seconds that a key is down before what comes then is over it, or under it: a legato line overlaps by less
MOST = 48  # keys that are looked back at
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
    """A key as it was struck. part: what it is by how it was played, and how much that weighs; None: nobody knows. kept: it is among
    those of lately."""

    key: Key
    time: float
    part: str | None = None
    weight: float = 1.0
    above: int = 0  # that came above it while it was held
    kept: bool = False

    @property
    def pitch(self) -> int:
        return self.key[2]


class _Weights:
    """How much was played lately on each pitch that is of the chords, or of the line."""

    def __init__(self) -> None:
        self.pitches: list[int] = []  # of both, ascending
        self.of_chords, self.of_line = [0.0] * 128, [0.0] * 128
        self.surely = [0] * 128  # keys that are chords' with their whole weight
        self.chords = self.line = 0.0  # all together
        self._keys = [0] * 128

    def take(self, note: _Struck, sign: int) -> None:
        """A key whose part is known comes in, or goes."""
        pitch, weight = note.pitch, sign * note.weight
        if note.part == CHORDS:
            self.of_chords[pitch] += weight
            self.chords += weight
            self.surely[pitch] += sign * (note.weight == 1.0)
        else:
            self.of_line[pitch] += weight
            self.line += weight
        self._keys[pitch] += sign
        if sign > 0 and self._keys[pitch] == 1:
            insort(self.pitches, pitch)
        elif not self._keys[pitch]:
            self.pitches.remove(pitch)


class Hands:
    """See the module's first lines. `chords` has the keys that are down and play chords.

    split: the lowest MIDI pitch of the line; 0: told apart. inputs, by number, and channel (1-16; 0: none): where all is chords.
    alone: keys that are struck together in threes are chords even where nobody plays a line: improv plays it.
    grips: whether the top of a wide grip may be of the chord, see `core.hearing`.
    """

    def __init__(self, inputs: frozenset[int] = frozenset(), grips: bool = True) -> None:
        self.grips = grips
        self.split = self.channel = 0
        self.inputs = inputs
        self.alone = False
        self.border: float | None = None  # a pitch: what is below it plays chords
        self.chords: set[Key] = set()
        self._lately: deque[_Struck] = deque()
        self._down: dict[Key, _Struck] = {}  # of those, the keys that are down, in the order in which they were struck
        self._weights = _Weights()

    def another(self) -> Hands:
        """One by the same rules, that has heard nothing yet."""
        return Hands(self.inputs, self.grips)

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
        self._keep(new)
        if not self.split:
            self.border = self._found()
        border, chords = self.border, self.chords
        for held in self._down:
            if border is not None and held[2] < border:
                chords.add(held)
            else:
                chords.discard(held)
        return key in chords

    def released(self, key: Key) -> None:
        """A key comes up."""
        self.chords.discard(key)
        self._down.pop(key, None)

    def release(self) -> None:
        """All keys are up."""
        self.chords.clear()
        self._down.clear()

    def begin(self) -> None:
        """Nothing is known of the hands: what was taken for the line was none."""
        self._lately.clear()
        self._down.clear()
        self._weights = _Weights()
        self.chords.clear()
        self.border = None

    def _forget_old(self, time: float) -> None:
        lately = self._lately
        while lately and time - lately[0].time > LATELY and self._down.get(lately[0].key) is not lately[0]:
            self._forget()

    def _forget(self) -> None:
        """The key that was struck first of all."""
        note = self._lately.popleft()
        note.kept = False
        if note.part is not None:
            self._weights.take(note, -1)
        if self._down.get(note.key) is note:
            del self._down[note.key]

    def _keep(self, note: _Struck) -> None:
        """A key that was struck just now."""
        if len(self._lately) == MOST:
            self._forget()
        self._lately.append(note)
        self._down[note.key] = note
        note.kept = True
        if note.part is not None:
            self._weights.take(note, 1)

    def _is_of(self, note: _Struck, part: str, weight: float = 1.0) -> None:
        """A key is of a part, by how it was played."""
        if note.part == part and note.weight == weight:
            return
        if note.kept and note.part is not None:
            self._weights.take(note, -1)
        note.part, note.weight = part, weight
        if note.kept:
            self._weights.take(note, 1)

    def _weigh(self, new: _Struck, time: float) -> None:
        """What the keys that are down say of the new one, and it of them."""
        pitch, group, last = new.pitch, [new], time
        surely = self._weights.surely
        reach = next((p for p in reversed(self._weights.pitches) if surely[p] and self._below(p)), -1) + NEAR
        for note in reversed(self._down.values()):
            if last - note.time <= TOGETHER:
                last = note.time
                group.append(note)
            elif time - note.time >= HELD:
                if note.pitch < pitch:
                    note.above += 1
                    if note.above >= 2 and note.part is None:
                        self._is_of(note, CHORDS)
                elif note.pitch >= pitch + UNDER and new.part is None:
                    self._is_of(new, CHORDS, 0.5)
        if NEAR <= reach < pitch and new.part is None and (self.border is None or pitch > self.border):
            self._is_of(new, LINE, 0.5)
        if len(group) >= 3:
            self._chord(sorted(group, key=lambda note: note.pitch))

    def _chord(self, group: list[_Struck]) -> None:
        """Keys that are struck together, ascending."""
        for note in group:
            self._is_of(note, CHORDS)
        wide = group[-1].pitch - group[0].pitch > SPAN
        if (wide or (not self._below(group[-1].pitch) and self._below(group[-2].pitch))) and not self._is_grip(group):
            self._is_of(group[-1], LINE, 0.5)
        if group[-1].pitch - group[-2].pitch >= APART:
            self._is_of(group[-1], LINE)
            if len(group) == 3:  # two below it say less
                for note in group[:-1]:
                    self._is_of(note, CHORDS, 0.5)

    def _is_grip(self, group: list[_Struck]) -> bool:
        """Whether the highest key of a wide chord is one of it: near the one below it, and well below where the line lies."""
        if not self.grips:
            return False
        line = sorted(note.pitch for note in self._lately if note.part == LINE)
        near = group[-1].pitch - group[-2].pitch < APART
        if not (near and len(line) >= FEW and group[-1].pitch <= line[len(line) // 2] - APART):
            return False
        for note in self._lately:  # those before it were of chords as well
            if note.part == LINE and note.weight < 1.0 and note.pitch <= group[-1].pitch:
                self._is_of(note, CHORDS)
        return True

    def _below(self, pitch: int) -> bool:
        """Whether a pitch lies with the chords, as far as that is known."""
        return self.border is None or pitch < self.border

    def _found(self) -> float | None:
        """Where the border lies, by what was played lately."""
        weights, border = self._weights, self.border
        of_chords, of_line, pitches = weights.of_chords, weights.of_line, weights.pitches
        if not weights.chords:
            return border if weights.line else self._held_on()
        if not weights.line:
            top = pitches[-1]
            if border is not None and border > top:
                return border
            return top + 2.5 if self.alone else None
        wrong, least, where = weights.chords, math.inf, border
        most, fewest = WRONG * (wrong + weights.line), 0.0
        low = pitches[0]
        for high in pitches[1:]:
            wrong += of_line[low] - of_chords[low]
            between = (low + high) / 2
            cost = wrong + (STAYS * abs(between - border) if border is not None else 0.0) - GAP * (high - low)
            if cost < least:
                least, where, fewest = cost, between, wrong
            low = high
        return where if fewest <= most else None

    def _held_on(self) -> float | None:
        """The border where no chords were played lately: it is forgotten once the line goes over it as if it were none."""
        if self.border is None:
            return None
        pitches = [note.pitch for note in self._lately]
        steps = sum(1 for a, b in itertools.pairwise(pitches) if (a < self.border) != (b < self.border) and abs(a - b) <= 4)
        return None if steps >= 2 or not pitches else self.border
