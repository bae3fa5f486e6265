"""Write the tune of the jazz tutorial: three choruses of a blues in F, composed for this project (MIT, as all of it).

    python scripts/make_demo_tune.py improv/demo/tune.mid

A line is a bar: its chords, and its notes with their lengths in twelfths of a beat (8 and 4 make a pair of swung eighths;
R is a rest). The solo is one track, the chords another.
"""

import re
import sys
from pathlib import Path

from improv.core.events import NoteOff, NoteOn
from improv.core.harmony import KINDS, parse_changes, parse_chord
from improv.core.metres import FOUR
from improv.midi.files import write_take
from improv.midi.tracks import Track

TEMPO = 126
NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SOLO, CHORDS = 0, 1  # tracks
BARS = """
F7       R/12 C5/8 Eb5/4 F5/8 Ab5/4 A5/8 F5/4
Bb7      D5/8 F5/4 Eb5/4 D5/4 Bb4/4 Ab4/12 R/12
F7       A4/8 C5/4 Eb5/8 D5/4 C5/4 B4/4 C5/4 A4/12
Cm7 F7   Eb5/8 G5/4 Bb5/8 A5/4 Gb5/8 Eb5/4 C5/8 A4/4
Bb7      D5/12 R/8 F4/4 Ab4/8 Bb4/4 D5/8 F5/4
Bdim     Ab5/4 F5/4 D5/4 B4/8 Ab4/4 F4/8 B4/4 D5/12
F7       C5/20 Ab4/4 A4/8 C5/4 F5/12
D7       Eb5/8 C5/4 A4/8 F#4/4 D5/4 Eb5/4 D5/4 C5/8 A4/4
Gm7      Bb4/12 R/12 D5/8 F5/4 A5/8 G5/4
C7       E5/8 G5/4 Bb4/8 Db5/4 C5/6 Bb4/6 A4/6 G4/6
F7 D7    A4/16 C5/8 F#4/8 A4/4 C5/8 Eb5/4
Gm7 C7   D5/8 Bb4/4 G4/12 R/24
F7       F5/4 Ab5/4 A5/4 F5/8 C5/4 Eb5/12 R/8 C5/4
Bb7      Db5/4 D5/4 F5/4 Ab5/8 G5/4 F5/8 D5/4 Bb4/12
F7       R/12 Ab4/8 A4/4 C5/8 Ab4/4 F4/8 Eb4/4
Cm7 F7   G4/4 Bb4/4 D5/4 Eb5/12 A4/8 C5/4 Eb5/8 Gb5/4
Bb7      F5/30 R/6 D5/3 Eb5/3 F5/3 Ab5/3
Bdim     B5/8 G#5/4 F5/8 D5/4 B4/8 G#4/4 B4/8 D5/4
F7       Eb5/8 C5/4 A4/4 Ab4/4 F4/4 R/12 C5/8 B4/4
D7       A4/8 C5/4 Eb5/8 D5/4 C5/8 Bb4/4 A4/8 F#4/4
Gm7      G4/8 A4/4 Bb4/4 C5/4 D5/4 F5/12 E5/8 Eb5/4
C7       D5/8 Bb4/4 G4/8 E4/4 Bb4/4 A4/4 Ab4/4 G4/8 E4/4
F7 D7    F4/12 R/8 Ab4/4 A4/8 C5/4 Eb5/8 F#5/4
Gm7 C7   G5/6 F5/6 D5/12 Bb4/8 C5/4 E5/12
F7       G5/8 F5/4 D5/8 C5/4 A4/8 G4/4 F4/12
Bb7      Ab4/4 Bb4/4 C5/4 D5/8 C5/4 Bb4/8 G4/4 F4/12
F7       R/12 A4/4 Bb4/4 B4/4 C5/24
Cm7 F7   D5/8 Eb5/4 F5/8 G5/4 A5/8 G5/4 F5/8 D5/4
Bb7      Ab5/16 G5/8 F5/8 E5/4 Eb5/12
Bdim     D5/6 F5/6 Ab5/6 B5/6 Bb5/4 Ab5/4 F5/4 D5/12
F7       C5/8 D5/4 Eb5/4 D5/4 C5/4 A4/8 F4/4 G4/12
D7       A4/3 C5/3 Eb5/3 F#5/3 A5/8 G5/4 F#5/8 E5/4 D5/8 C5/4
Gm7      Bb4/8 A4/4 Bb4/8 D5/4 F5/12 R/12
C7       R/8 G4/4 Bb4/8 D5/4 E5/4 F5/4 G5/4 Bb5/8 A5/4
F7 D7    G5/8 F5/4 C5/8 A4/4 F#4/8 A4/4 C5/4 D5/4 Eb5/4
Gm7 C7   D5/8 C5/4 Bb4/8 G4/4 F4/24
"""


def pitch_of(name: str) -> int:
    found = re.fullmatch(r"([A-G])([b#]?)(\d)", name)
    assert found, name
    return NAMES[found[1]] + {"": 0, "b": -1, "#": 1}[found[2]] + 12 * (int(found[3]) + 1)


def bars() -> list[tuple[list[str], list[tuple[str, int]]]]:
    """Of each bar its chords, and its notes as (name, twelfths)."""
    parsed = []
    for line in BARS.strip().splitlines():
        words = line.split()
        notes = [(word.partition("/")[0], int(word.partition("/")[2])) for word in words if "/" in word]
        assert sum(length for _, length in notes) == 48, line
        parsed.append(([word for word in words if "/" not in word], notes))
    return parsed


def main() -> None:
    events: list[NoteOn | NoteOff] = []
    for number, (chords, notes) in enumerate(bars()):
        at = 4.0 * number
        for name, length in notes:
            beats = length / 12
            if name != "R":
                loud = 84 + 6 * (round(12 * at) % 12 != 0) + 6 * (beats > 0.7)
                sounds = beats * (0.95 if beats < 1 else 0.9)
                events += [NoteOn(at, pitch_of(name), loud, part=SOLO), NoteOff(at + sounds, pitch_of(name), part=SOLO)]
            at += beats
        for i, symbol in enumerate(chords):
            chord, share = parse_chord(symbol), 4.0 / len(chords)
            on = 4.0 * number + i * share
            assert chord.root is not None
            for step in KINDS[chord.kind][0]:
                pitch = 41 + (chord.root - 41) % 12 + step
                events += [NoteOn(on, pitch, 62, part=CHORDS), NoteOff(on + 0.95 * share, pitch, part=CHORDS)]
    events.sort(key=lambda e: (e.time, isinstance(e, NoteOn)))
    changes = parse_changes(" | ".join(" ".join(chords) for chords, _ in bars()))
    write_take(Path(sys.argv[1]), [], events, [(0.0, TEMPO)], FOUR, changes, (Track("solo"), Track("chords")))


if __name__ == "__main__":
    main()
