"""What the setting `outside` does: solos at some of its values, over four sorts of changes.

    python scripts/measure_outside.py [--model jazz] [--seeds 8] [--corpus wjd_visible.jsonl.gz]

Printed for each: of all notes, how many are in the chord's scale; of those on a beat, how many are in the chord. --corpus: the same of
real soloists, those with the most notes outside the scale first.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict

from improv.core.events import Event, notes_of
from improv.core.harmony import Changes, parse_changes
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.perform.inbox import Inbox

TUNES = {
    "pop in E": "E | B | C#m | A",
    "blues in F": "F7 | Bb7 | F7 | % | Bb7 | % | F7 | D7alt | Gm7 | C7 | F7 D7 | Gm7 C7",
    "two-fives": "Dm7 | G7 | Cmaj7 | A7 | Fm7 | Bb7 | Ebmaj7 | %",
    "modal": "Dm7 | % | % | % | Ebm7 | % | % | %",
}
VALUES = (-1.0, -0.5, 0.0, 0.5, 1.0)
BARS = 32
ON_BEAT = 0.12
MANY = 2000  # notes of a soloist who is told
Note = tuple[float, int]  # beat, pitch


def solo(model: Model, changes: Changes, value: float, seed: int) -> list[Note]:
    settings = Settings(mode="solo", outside=value, tempo=140.0)
    improviser = Improviser(model, settings, changes, seed=seed, bars=BARS)
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(), Inbox(), played.append)
    return [(on * 140 / 60, pitch) for on, _, pitch, _ in notes_of(played)]


def shares(notes: list[Note], changes: Changes) -> tuple[int, int, int, int]:
    """Notes, of them in the scale, on a beat, of them in the chord."""
    scale = on = tones = 0
    for beat, pitch in notes:
        chord = changes.harmony(beat + 0.05).chord
        scale += pitch % 12 in chord.scale
        if abs(beat - round(beat)) < ON_BEAT:
            on += 1
            tones += pitch % 12 in changes.harmony(round(beat)).chord.tones
    return len(notes), scale, on, tones


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="jazz")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--corpus", metavar="FILE")
    args = parser.parse_args()
    model = load_model(args.model)
    print("in the scale / on the beat in the chord, in per cent")
    print(f"{'outside':12}" + "".join(f"{value:>12g}" for value in VALUES))
    for name, text in TUNES.items():
        changes = parse_changes(text)
        cells = []
        for value in VALUES:
            found = [shares(solo(model, changes, value, seed), changes) for seed in range(1, args.seeds + 1)]
            notes, scale, on, tones = map(sum, zip(*found, strict=True))
            cells.append(f"{100 * scale / notes:5.0f} / {100 * tones / on:2.0f}")
        print(f"{name:12}" + "".join(f"{cell:>12}" for cell in cells), flush=True)
    if args.corpus:
        real(args.corpus)


def real(corpus: str) -> None:
    """The same of the soloists of a corpus in the Weimar Jazz Database's JSON lines."""
    from improv.train.evaluation.turns import struck_of
    from improv.train.reading.watched import read_watched

    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        who = {str(line["id"]): str(line["performer"]) for line in map(json.loads, lines)}
    by: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for piece in read_watched([corpus], None, None).pieces:
        if piece.changes is not None:
            for i, count in enumerate(shares([(note.on, note.pitch) for note in struck_of(piece)], piece.changes)):
                by[who.get(piece.name, piece.name)][i] += count
                by["all of them"][i] += count
    many = {player: counts for player, counts in by.items() if counts[0] > MANY}
    for player, (notes, scale, on, tones) in sorted(many.items(), key=lambda row: row[1][1] / row[1][0]):
        print(f"{player:24}{100 * scale / notes:5.0f} / {100 * tones / on:2.0f}   of {notes} notes")


if __name__ == "__main__":
    main()
