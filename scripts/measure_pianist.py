"""A pianist without a chart: chords with the left hand, a line with the right; and what improv makes of it, in each mode.

    python scripts/measure_pianist.py [--model jazz] [--takes 4] [--before | --typed] [--png FOLDER]

Four players of 32 bars are made up by seed: pop in E, a bossa in D minor, a minor blues in C, a modal vamp in D. The right hand plays
two bars and rests for two, the left hand goes on. Keys come within some milliseconds of where they are meant. Printed for each:
of how many phrases improv answered within four beats of their end, and how many beats late; its notes; of those on a beat, how many
are in the chord that the pianist meant; on how many beats improv played by that chord (root; root and triad); what it says at the end.
"""

from __future__ import annotations

import argparse
import queue
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, notes_of
from improv.core.harmony import Changes, Chord, parse_changes
from improv.core.hearing import HANDS, NOW
from improv.core.improviser import Improviser
from improv.core.metres import FOUR
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.perform.performers import ear_for

BARS = 32
Note = tuple[float, float, int, int]  # beat, until, pitch, velocity


@dataclass(frozen=True)
class Pianist:
    """changes: what he plays over; left: (beat, length, which of the voicing's notes, all if empty) in a bar."""

    name: str
    changes: str
    tempo: float
    feel: str
    left: Sequence[Sequence[tuple[float, float, tuple[int, ...]]]]
    voicings: dict[str, tuple[int, ...]]


POP = Pianist(
    "pop in E",
    "E | B | C#m | A",
    96,
    "straight",
    [[(0, 2.0, ()), (2, 1.9, ())], [(0, 1.0, (0,)), (1, 1.0, (1,)), (2, 1.0, (2,)), (3, 0.9, (1,))]],
    {"E": (52, 56, 59), "B": (47, 54, 59), "C#m": (49, 56, 61), "A": (45, 52, 57)},
)
BOSSA = Pianist(
    "bossa in Dm",
    "Dm7 | % | Em7b5 | A7 | Dm7 | % | Gm7 | C7 | Fmaj7 | % | Em7b5 | A7 | Dm7 | Bm7b5 | Em7b5 | A7",
    132,
    "straight",
    [[(0, 1.4, ()), (1.5, 1.4, ()), (3, 0.9, ())], [(0.5, 1.4, ()), (2, 0.9, ()), (3.5, 0.4, ())]],
    {
        "Dm7": (38, 48, 53, 57), "Em7b5": (40, 50, 55, 58), "A7": (45, 49, 55, 58), "Gm7": (43, 50, 53, 58), "C7": (36, 46, 52, 57),
        "Fmaj7": (41, 45, 52, 57), "Bm7b5": (47, 50, 53, 57),
    },
)  # fmt: skip
BLUES = Pianist(
    "minor blues in Cm",
    "Cm7 | Fm7 | Cm7 | % | Fm7 | % | Cm7 | % | Ab7 | G7 | Cm7 | G7",
    116,
    "swing",
    [[(0, 1.0, ()), (1.67, 0.4, ())], [(1.67, 0.5, ()), (3.67, 1.2, ())], [(0, 3.6, ())]],
    {"Cm7": (48, 58, 63), "Fm7": (41, 51, 56), "Ab7": (44, 54, 60), "G7": (43, 53, 59)},
)
VAMP = Pianist(
    "modal vamp in Dm",
    "Dm7 | % | % | % | Ebm7 | % | % | %",
    138,
    "swing",
    [[(0, 1.2, ()), (1.67, 0.4, ())], [(0.67, 0.4, ()), (2, 1.6, ())], [(0, 3.7, ())]],
    {"Dm7": (50, 55, 60, 65), "Ebm7": (51, 56, 61, 66)},
)
PIANISTS = (POP, BOSSA, BLUES, VAMP)


def chorus_of(who: Pianist, seed: int) -> tuple[list[Note], list[Note], list[float]]:
    """The left hand, the right, and where its phrases end; beats."""
    rng = np.random.default_rng(seed)
    changes = parse_changes(who.changes)
    left, right, ends = list[Note](), list[Note](), list[float]()
    swing = 1 / 6 if who.feel == "swing" else 0.0
    pitch = 72
    for bar in range(BARS):
        pattern = who.left[int(rng.integers(len(who.left)))]
        for at, length, which in pattern:
            beat = 4.0 * bar + at
            chord = changes.harmony(beat + (0.5 if at % 1 else 0.0)).chord  # an off-beat is of the beat after it
            voicing = sorted(who.voicings[str(chord)])
            for i in which or range(len(voicing)):
                left.append((beat, beat + length, voicing[i], int(rng.integers(55, 75))))
        if bar % 4 < 2:
            beat = 4.0 * bar + (0.5 if bar % 4 == 0 else 0.0)
            last = 4.0 * bar + (4.0 if bar % 4 == 0 else 2.6)
            while beat < last:
                chord = changes.harmony(beat).chord
                pool = chord.tones if beat % 1 == 0 else chord.scale
                step = int(rng.choice([-4, -3, -2, -1, 1, 2, 3, 4]))
                wanted = min(max(pitch + step, 65), 84)
                pitch = min((p for p in range(64, 86) if p % 12 in pool and p != pitch), key=lambda p: (abs(p - wanted), p))
                length = float(rng.choice([0.5, 0.5, 0.5, 1.0]))
                length = min(length, 1.0 - beat % 1) if length < 1 else length
                at = beat + (swing if beat % 1 == 0.5 else 0.0)
                until = beat + length + (swing if (beat + length) % 1 == 0.5 else 0.0)
                right.append((at, at + (until - at) * float(rng.uniform(0.7, 1.05)), pitch, int(rng.integers(75, 100))))
                beat += length
            if bar % 4 == 1:
                ends.append(right[-1][1])
    return left, right, ends


def events_of(notes: Sequence[Note], tempo: float, seed: int) -> list[Event]:
    """As keys go down and up: each up to 12 ms off where it is meant, those of a chord one after the other within 30 ms."""
    rng = np.random.default_rng([seed, 7])
    events: list[Event] = []
    for on, off, pitch, velocity in notes:
        time = max(on * 60 / tempo + float(rng.uniform(-0.012, 0.018)), 0.0)
        events += [NoteOn(time, pitch, velocity), NoteOff(max(off * 60 / tempo + float(rng.uniform(-0.02, 0.02)), time + 0.03), pitch)]
    events.sort(key=lambda event: (event.time, isinstance(event, NoteOn)))
    return _once(events)


def _once(events: list[Event]) -> list[Event]:
    """A key that is struck again while it is down comes up first."""
    out: list[Event] = []
    down: dict[int, int] = {}
    for event in events:
        if isinstance(event, NoteOn):
            if down.get(event.pitch, 0):
                out.append(NoteOff(event.time, event.pitch))
            down[event.pitch] = down.get(event.pitch, 0) + 1
            out.append(event)
        elif isinstance(event, NoteOff):
            down[event.pitch] -= 1
            if not down[event.pitch]:
                out.append(event)
    return out


@dataclass
class Take:
    """What was heard and played, in seconds; the chords that were played by, by beat, as of just before the next; what is said of them."""

    heard: list[Event]
    played: list[Event]
    chords: dict[int, Chord]
    told: str


def play(who: Pianist, mode: str, seed: int, model: Model, rules: int = NOW, over: Changes | None = None) -> Take:
    """One pianist, in one mode. rules: of hearing, see `core.hearing`. over: changes that are typed."""
    settings = Settings(mode=mode, tempo=who.tempo, feel=who.feel)
    keeper = Timekeeper(settings)
    keeper.begin(0.0)
    improviser = Improviser(model, settings, over, keeper.meter, seed=seed, hearing=rules, ear=ear_for(rules))
    left, right, _ = chorus_of(who, seed)
    heard = events_of([*left, *right], who.tempo, seed)
    chords: dict[int, Chord] = {}
    played: list[Event] = []
    asked = Asked([Slot(improviser)], keeper, chords)
    perform(asked, OfflineClock(heard, heard[-1].time + 4.0), queue.SimpleQueue(), played.append)
    return Take(heard, played, chords, str(improviser.listening.told or ""))


class Asked(Band):
    """A band whose performer is asked each time which chord it plays by."""

    def __init__(self, slots: Sequence[Slot], keeper: Timekeeper, chords: dict[int, Chord]):
        super().__init__(slots, keeper)
        self._chords = chords

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        said = super().advance(now, heard)
        improviser = self.slots[0].performer
        assert isinstance(improviser, Improviser)
        beat = improviser.meter.beat(now)
        self._chords[int(beat)] = improviser.generator.chord(beat)
        return said


def on_beat(beat: float) -> bool:
    return abs(beat - round(beat)) < 0.12


def triad(chord: Chord) -> tuple[int | None, bool, bool]:
    """Root, and whether it has a minor third, and a flat fifth."""
    steps = {(tone - (chord.root or 0)) % 12 for tone in chord.tones}
    return chord.root, 3 in steps, 6 in steps and 7 not in steps


def measure(who: Pianist, mode: str, takes: int, model: Model, rules: int, typed: bool) -> str:
    """A line of figures."""
    changes = parse_changes(who.changes)
    phrases = total = good = counted = roots = triads = beats = 0
    delays: list[float] = []
    told = ""
    for seed in range(1, takes + 1):
        take = play(who, mode, seed, model, rules, changes if typed else None)
        ours = [(on * who.tempo / 60, pitch) for on, _, pitch, _ in notes_of(take.played)]
        total, told = total + len(ours), take.told
        for end in chorus_of(who, seed)[2]:
            phrases += 1
            delays += [on - end for on, _ in ours if end - 0.05 <= on <= end + 4.0][:1]
        landed = [(round(on), pitch) for on, pitch in ours if on_beat(on)]
        counted += len(landed)
        good += sum(pitch % 12 in changes.harmony(beat).chord.tones for beat, pitch in landed)
        for beat, chord in take.chords.items():
            if beat < 4 * BARS:
                meant = changes.harmony(beat).chord
                beats += 1
                roots += chord.root == meant.root
                triads += triad(chord) == triad(meant)
    late = f"{median(delays):.2f}" if delays else "-"
    return (
        f"{who.name:18} {mode:6} {len(delays):3}/{phrases:<3} {late:>5} {total / takes:6.0f} {100 * good / max(counted, 1):5.0f} %"
        f" of {counted / takes:3.0f} {100 * roots / beats:5.0f} % {100 * triads / beats:4.0f} %  {told}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="jazz")
    parser.add_argument("--takes", type=int, default=4, help="of each pianist (default: 4)")
    parser.add_argument("--modes", default="trade,solo,comp,duet,echo")
    parser.add_argument("--before", action="store_true", help="by the rules of before: chords are keys that are held")
    parser.add_argument("--typed", action="store_true", help="with the pianist's changes typed")
    parser.add_argument("--png", metavar="FOLDER", help="draw the first take of each as a piano roll over the changes that he meant")
    args = parser.parse_args()
    model = load_model(args.model)
    rules = HANDS - 1 if args.before else NOW
    print("pianist            mode   answered  late  notes  on the beat in chord  root  triad  at the end")
    for mode in args.modes.split(","):
        for who in PIANISTS:
            print(measure(who, mode, args.takes, model, rules, args.typed), flush=True)
            if args.png:
                draw(who, mode, model, Path(args.png))


def draw(who: Pianist, mode: str, model: Model, folder: Path) -> None:
    from improv.render.piano_roll import draw_roll

    take = play(who, mode, 1, model)
    folder.mkdir(parents=True, exist_ok=True)
    heard, played = ([replace(e, time=e.time * who.tempo / 60) for e in side] for side in (take.heard, take.played))
    draw_roll(folder / f"{who.name.replace(' ', '-')}-{mode}.png", heard, played, FOUR, parse_changes(who.changes))


if __name__ == "__main__":
    main()
