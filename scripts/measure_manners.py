"""How improv behaves beside a player: blips as he comes back, and how a duet sits beside his line.

    python scripts/measure_manners.py jazz wjd_visible.jsonl.gz [--solos N]

The player plays solos of the valid split as they were transcribed, at their tempi, over their changes; improv trades with
him (it answers where he breathes, and he comes back when he did), and plays a duet. Printed beside the rules of before.
"""

from __future__ import annotations

import argparse
import queue
from collections.abc import Sequence

from improv.core import playing
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, notes_of
from improv.core.improviser import Improviser
from improv.core.line.beside import HARSH
from improv.core.meter import FASTEST, SLOWEST
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.turns import struck_of
from improv.train.piece import Piece
from improv.train.reading.watched import read_watched

BARS = 32  # of each solo
BLIP = 0.12  # beats
Note = tuple[float, float, int, int]  # from, to, pitch, velocity


def together(model: Model, piece: Piece, mode: str, rules: int) -> tuple[list[Note], list[Note], float]:
    """The player's notes and improv's, in seconds, and the seconds of a beat."""
    settings = Settings(mode=mode, tempo=min(max(piece.bpm, SLOWEST), FASTEST), feel=piece.contexts[0].feel)
    keeper = Timekeeper(settings, piece.metres)
    keeper.begin(0.0)
    improviser = Improviser(model, settings, piece.changes, keeper.meter, seed=1, playing=rules)
    meter, heard = keeper.meter, list[Event]()
    for note in struck_of(piece):
        if note.on >= BARS * piece.beats_a_bar:
            break
        on, off = meter.time(note.on), meter.time(note.off)
        heard += [NoteOn(on, note.pitch, 80), NoteOff(max(off, on + 0.01), note.pitch)]
    heard.sort(key=lambda event: (event.time, isinstance(event, NoteOn)))
    played: list[Event] = []
    limit = heard[-1].time + 1.0 if heard else 0.0
    perform(Band([Slot(improviser)], keeper), OfflineClock(heard, limit), queue.SimpleQueue(), played.append)
    ours = notes_of(played)[:-1]  # the last is cut by the end
    return notes_of(heard), ours, 60.0 / settings.tempo


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "    -  "


def traded(takes: Sequence[tuple[list[Note], list[Note], float]]) -> str:
    lengths = [(off - on) / beat for _, ours, beat in takes for on, off, _, _ in ours]
    blips, nothing = sum(x < BLIP for x in lengths), sum(x <= 0 for x in lengths)
    return f"{len(lengths)} notes, {share(blips, len(lengths))} under {BLIP} beat, {nothing} of no length"


def duetted(takes: Sequence[tuple[list[Note], list[Note], float]]) -> str:
    at_once = harsh = same = apart = count = sweet = 0.0
    for his, ours, _ in takes:
        for on, off, pitch, _ in ours:
            count += 1
            same += any(a <= on < b and p == pitch for a, b, p, _ in his)
            for a, b, p, _ in his:
                shared = min(b, off) - max(a, on)
                if shared > 0:
                    at_once += shared
                    harsh += shared * ((pitch - p) % 12 in HARSH)
                    sweet += shared * ((pitch - p) % 12 in (3, 4, 8, 9))
                    apart += shared * abs(pitch - p)
    semitones = f"{apart / at_once:.1f}" if at_once else "-"
    return (
        f"{count:.0f} notes, on his key {share(same, count)}; of the time together harsh {share(harsh, at_once)}, "
        f"thirds and sixths {share(sweet, at_once)}, {semitones} semitones apart"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("--solos", type=int, default=46)
    args = parser.parse_args()
    model = load_model(args.model)
    pieces = [on_bars(p) for p in read_watched([args.corpus], None, None).of("valid")][: args.solos]
    for mode, tells in (("trade", traded), ("duet", duetted)):
        for rules in (playing.FIRST, playing.NOW):
            print(f"{mode}, rules {rules}: {tells([together(model, piece, mode, rules) for piece in pieces])}", flush=True)


if __name__ == "__main__":
    main()
