"""Write the call of the built-in demo: four phrases over Dm7 | G7 | Cmaj7 | A7, composed for this project.

    python scripts/make_demo_call.py improv/demo/call.mid

Each line is a phrase: the bar it starts in, and its notes as (beat in the phrase, length, pitch, velocity).
Off-beats are swung two to one; each phrase leaves the bars after it for the answer.
"""

import sys
from pathlib import Path

from improv.core.events import NoteOff, NoteOn
from improv.core.metres import FOUR
from improv.midi.files import write_take

TEMPO = 138
PHRASES = [
    (0, [(0, 1, 62, 84), (1, 0.5, 65, 80), (1.5, 0.5, 69, 88), (2, 0.5, 72, 84), (2.5, 1.5, 71, 92), (4, 0.5, 67, 84),
         (4.5, 0.5, 65, 78), (5, 0.5, 62, 82), (5.5, 1.2, 64, 90)]),
    (4, [(0, 0.5, 69, 80), (0.5, 0.5, 72, 88), (1, 0.5, 74, 84), (1.5, 0.5, 77, 92), (2, 0.5, 76, 86), (2.5, 0.5, 74, 84),
         (3, 0.5, 72, 82), (3.5, 0.5, 69, 86), (4, 0.5, 71, 82), (4.5, 0.5, 68, 88), (5, 0.5, 65, 80), (5.5, 0.5, 62, 84),
         (6, 1.5, 64, 88)]),
    (8, [(0.5, 0.5, 74, 90), (1.5, 0.5, 74, 92), (2.5, 0.5, 72, 86), (3, 0.5, 74, 84), (3.5, 2.5, 77, 96), (6, 0.5, 76, 84),
         (6.5, 1, 72, 90)]),
    (12, [(0, 0.33, 65, 82), (0.33, 0.33, 69, 84), (0.67, 0.33, 72, 86), (1, 1, 76, 92), (2, 0.5, 74, 84), (2.5, 0.5, 72, 86),
          (3, 0.5, 70, 82), (3.5, 0.5, 69, 88), (4, 0.5, 68, 82), (4.5, 0.5, 71, 86), (5, 0.5, 74, 84), (5.5, 0.5, 69, 86),
          (6, 2, 67, 90)]),
]  # fmt: skip


def swung(beat: float) -> float:
    return beat + 1 / 6 if beat % 1 == 0.5 else beat


def main() -> None:
    events: list[NoteOn | NoteOff] = []
    for bar, phrase in PHRASES:
        for beat, length, pitch, velocity in phrase:
            on, off = (4 * bar + swung(b) for b in (beat, beat + 0.95 * length))
            events += [NoteOn(on, pitch, velocity), NoteOff(off, pitch)]
    events.sort(key=lambda e: (e.time, isinstance(e, NoteOn)))
    write_take(Path(sys.argv[1]), events, [], [(0.0, TEMPO)], FOUR)


if __name__ == "__main__":
    main()
