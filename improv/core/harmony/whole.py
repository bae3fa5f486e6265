"""A whole piece heard: with all of it, which chord sounds in each beat; and as a chart, bar by bar.

Chords change on bar lines rather than within a bar, and there on its half rather than elsewhere. So of all ways to part a piece
into chords the likeliest one is taken (A. Viterbi 1967), where a change costs more the less likely its place is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.harmony.ear import QUALITIES, EarHeard, Hearing, Hears, heard_chord
from improv.core.harmony.frames import EARLY, Frame, SoundingNote, WithinBar, frame
from improv.core.harmony.scales import NO_CHORD, Chord
from improv.core.harmony.spelling import Key
from improv.core.metres import Metre, Metres

NONE = 12 * len(QUALITIES)
ON_THE_LINE, ON_THE_HALF, ELSEWHERE = 1.5, 2.5, 4.0  # nats that a change costs
LIKE = 0.5  # of that, between two qualities of one root
FLOOR = 1e-4  # of a probability
A_LINE = 4  # bars
SAME = 0.9  # share of bars that are alike where a section comes again
SECTION = 8  # bars
AROUND = 16  # beats on either side that tell a key
FEWEST, AGAIN = 2, 0.85  # bars of a chorus; share of bars that are the same again a chorus later


def frames_over(notes: Iterable[SoundingNote], beats: int, within_bar: WithinBar | None) -> list[Frame]:
    """The frames of so many beats. notes: in order of onset."""
    found, sounding, waiting = [], list[SoundingNote](), iter(notes)
    following = next(waiting, None)
    for number in range(beats):
        end = number + 1.0 - EARLY
        while following is not None and following.on < end:
            sounding.append(following)
            following = next(waiting, None)
        found.append(frame(number, end, sounding, within_bar))
        sounding = [note for note in sounding if note.off > end]
    return found


def hear_whole(network: Hears, notes: Iterable[SoundingNote], beats: int, within_bar: WithinBar | None = None) -> list[EarHeard]:
    """What is heard in each beat, with all of the piece where the network can. notes: in order of onset, in beats from 0."""
    frames = frames_over(notes, beats, within_bar)
    whole: Callable[[Sequence[Frame]], list[Hearing]] | None = getattr(network, "whole", None)
    hearings = list[Hearing]()
    if whole is not None:
        hearings = whole(frames)
    else:
        state = network.begin()
        for each in frames:
            state, hearing = network.step(state, each)
            hearings.append(hearing)
    return [EarHeard(float(beat), h.chords, h.none, h.keys, h.coming) for beat, h in enumerate(hearings)]


def key_of(heard: Sequence[EarHeard]) -> Key:
    """The key that is likeliest over all beats together."""
    said = sum((np.log(np.maximum(h.keys, FLOOR)) for h in heard), np.zeros((12, 2)))
    tonic, mode = divmod(int(said.argmax()), 2)
    return Key(tonic, bool(mode))


def chords_by_beat(heard: Sequence[EarHeard], metres: Metres) -> list[int]:
    """The chord of each beat, root * qualities + quality or NONE. metres: of the piece, from beat 0."""
    if not heard:
        return []
    said = np.stack([np.log(np.maximum(np.append(h.chords.ravel(), h.none), FLOOR)) for h in heard])
    root = np.append(np.repeat(np.arange(12), len(QUALITIES)), 12)
    same_root = root[:, None] == root[None, :]
    apart = np.where(same_root, LIKE, 1.0)
    np.fill_diagonal(apart, 0.0)
    best, came = said[0], list[np.ndarray]()
    for beat in range(1, len(said)):
        reached = best[:, None] - apart * _cost(metres, beat)
        before = reached.argmax(0)
        came.append(before)
        best = said[beat] + reached[before, np.arange(len(before))]
    path = [int(best.argmax())]
    for before in reversed(came):
        path.append(int(before[path[-1]]))
    return path[::-1]


def _cost(metres: Metres, beat: int) -> float:
    within, bar = metres.within_bar(beat + 1e-6), metres.bar_at(beat + 1e-6)
    if within < 0.5:
        return ON_THE_LINE
    return ON_THE_HALF if abs(within - bar / 2) < 0.5 else ELSEWHERE


@dataclass(frozen=True, slots=True)
class HeardChart:
    """A chart: its key, the chords of each beat of the bars of one chorus, and the sections, as letters and where they begin.

    times: how often the chorus is played, the last time perhaps in part; of: how many bars that are. sure: the mean probability of root
    and triad, where it was heard. metre: of the first bar.
    """

    key: Key | None
    bars: tuple[tuple[Chord, ...], ...]
    sections: tuple[tuple[str, int], ...] = ()
    times: int = 1
    of: int = 0
    sure: float = 1.0
    metre: Metre = (4, 4)

    @property
    def changes(self) -> str:
        """In the syntax of `--changes`, a line a few bars."""
        words = [bar_text(bar) for bar in self.bars]
        words = ["%" if i % A_LINE and word == words[i - 1] else word for i, word in enumerate(words)]
        marks = {at: letter for letter, at in self.sections}
        cuts = sorted({*range(0, len(words), A_LINE), *marks})
        lines = []
        for a, b in itertools.pairwise([*cuts, len(words)]):
            words[a] = bar_text(self.bars[a])
            lines.append((f"[{marks[a]}] " if a in marks else "") + "| " + " | ".join(words[a:b]) + " |")
        return "\n".join(lines)

    @property
    def form(self) -> str:
        """As AABA; empty where no section comes again."""
        return "".join(letter for letter, _ in self.sections)


def bar_text(chords: Sequence[Chord]) -> str:
    """A bar's chords, of which each has one share of it: as few words as say it."""
    for parts in range(1, len(chords) + 1):
        if len(chords) % parts == 0:
            size = len(chords) // parts
            if all(chords[i] == chords[i - i % size] for i in range(len(chords))):
                shares = chords[::size]
                return " ".join("/" if i and c == shares[i - 1] else str(c) for i, c in enumerate(shares))
    raise AssertionError("a bar has at least one chord")


def chords_of(heard: Sequence[EarHeard], metres: Metres, key: Key | None = None) -> list[Chord]:
    """The chord of each beat, spelled in the key; without one, in that of the bars around it, since songs move to other keys."""
    numbers = chords_by_beat(heard, metres)
    keys = [key] * len(heard) if key else _keys_around(heard)
    return [
        NO_CHORD if n == NONE else heard_chord(n // len(QUALITIES), QUALITIES[n % len(QUALITIES)], k)
        for n, k in zip(numbers, keys, strict=True)
    ]


def _keys_around(heard: Sequence[EarHeard]) -> list[Key]:
    """The likeliest key of each beat, of the beats around it."""
    said = np.cumsum([np.zeros((12, 2)), *(np.log(np.maximum(h.keys, FLOOR)) for h in heard)], axis=0)
    keys = []
    for beat in range(len(heard)):
        around = said[min(beat + AROUND, len(heard))] - said[max(beat - AROUND, 0)]
        tonic, mode = divmod(int(around.argmax()), 2)
        keys.append(Key(tonic, bool(mode)))
    return keys


def chart_of_chords(chords: Sequence[Chord], metres: Metres, key: Key | None = None, sure: float = 1.0) -> HeardChart:
    """The chart of a piece, from the chord of each beat. metres: its own, from beat 0. A last bar that isn't full goes on to its end."""
    bars = []
    for number in range(metres.bar_of(len(chords) - 1 + 1e-6) + 1 if chords else 0):
        line, length = metres.line(number), metres.bar_at(metres.line(number))
        at = [min(int(line + i * length / max(round(length), 1) + 1e-6), len(chords) - 1) for i in range(max(round(length), 1))]
        bars.append(tuple(chords[i] for i in at))
    times, length = chorus_of(bars)
    once = [_commonest(bars[i : length * times : length]) for i in range(length)] if times > 1 else bars
    return HeardChart(key, tuple(once), sections_of(once), times, len(bars), sure, metres.first.metre)


def chorus_of(bars: Sequence[tuple[Chord, ...]]) -> tuple[int, int]:
    """How often a chorus is played, and how many bars it has: the shortest one that comes again to the end. Once, where none does."""
    roots = [[c.root for c in bar] for bar in bars]
    for length in range(FEWEST, len(bars) // 2 + 1):
        pairs = len(bars) - length
        if length % 4 and length > 2:
            continue
        same = sum(roots[i] == roots[i + length] for i in range(pairs))
        if same >= AGAIN * pairs and len(set(map(tuple, roots[:length]))) > 1:
            return -(-len(bars) // length), length
    return 1, len(bars)


def _commonest(bars: Sequence[tuple[Chord, ...]]) -> tuple[Chord, ...]:
    """What most choruses have in a bar; the first of those, where several are as common."""
    return max(bars, key=bars.count)


def sections_of(bars: Sequence[tuple[Chord, ...]]) -> tuple[tuple[str, int], ...]:
    """Letters for sections of eight bars, where at least one comes again; the last may be shorter."""
    starts = range(0, len(bars), SECTION)
    found: list[tuple[str, int]] = []
    kinds: list[Sequence[tuple[Chord, ...]]] = []
    for start in starts:
        section = bars[start : start + SECTION]
        same = next((i for i, kind in enumerate(kinds) if _alike(kind, section)), None)
        if same is None:
            same = len(kinds)
            kinds.append(section)
        found.append((_letter(same), start))
    return tuple(found) if len(kinds) < len(found) else ()


def _alike(one: Sequence[tuple[Chord, ...]], other: Sequence[tuple[Chord, ...]]) -> bool:
    """Whether nearly all bars have the same roots; the end of a section may turn elsewhere."""
    if len(one) != len(other):
        return False
    same = sum([c.root for c in a] == [c.root for c in b] for a, b in zip(one, other, strict=True))
    return same >= min(SAME * len(one), len(one) - 1)


def _letter(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
