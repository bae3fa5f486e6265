"""The exercise "Improvise a jazz solo with an LSTM network", from a tune to a solo that one can hear and a model that one can play with.

    python scripts/tutorial_jazz.py improv/demo/tune.mid
    improv jam --model models/tutorial

Needs pip install '.[train]'. The tune is a MIDI file with a solo on one track and chords on another. It takes about a minute
and a half, most of which goes into building the network the way tutorials do; beside it is the same network as one scanned layer.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from improv.core.errors import ImprovError
from improv.core.events import NoteOff, NoteOn
from improv.core.metres import Metres
from improv.midi.files import write_take
from improv.midi.tracks import Track
from improv.models.grammar import GRID, Note, beginning, clean, decode, encode, moves

SOLO, CHORDS = 0, 1  # tracks of what is written


def main() -> int:
    parser = argparse.ArgumentParser(description="Learn one solo's grammar with an LSTM, and improvise over its chords.")
    parser.add_argument("tune", type=Path, help="a MIDI file")
    parser.add_argument("--solo-track", metavar="N", help="its number from 1, or a part of its name (default: the likeliest melody)")
    parser.add_argument("--chord-track", metavar="M", help="(default: where most notes sound together)")
    parser.add_argument("--bars", metavar="A:B", help="the first and the last bar to learn from, counted from 1 (default: all)")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("models/tutorial"), help="the model's folder (default: %(default)s)")
    parser.add_argument("--midi", type=Path, default=Path("tutorial-solo.mid"), help="the solo with its chords (default: %(default)s)")
    parser.add_argument("--license", default="that of the tune", help="of the model, for its card (default: %(default)s)")
    args = parser.parse_args()
    try:
        learn(args)
    except ImprovError as e:
        print(f"tutorial_jazz: {e}", file=sys.stderr)
        return 2
    return 0


def learn(args: argparse.Namespace) -> None:
    if args.epochs < 1 or args.seed < 0:
        raise ImprovError("--epochs: expected 1 or more; --seed: 0 or more")
    if not args.midi.absolute().parent.is_dir():
        raise ImprovError(f"--midi {args.midi}: there is no folder {args.midi.absolute().parent}")
    bars = bars_of(args.bars)
    from improv.train.errors import CorpusError
    from improv.tutorials.tune import read_tune
    from improv.tutorials.windows import cut, recited

    # 1. The tune as values of the grammar.
    try:
        tune = read_tune(args.tune, args.solo_track, args.chord_track, bars)
    except CorpusError as e:
        raise ImprovError(f"{args.tune}: {e}") from None
    solo = encode(tune.notes, tune.changes)
    corpus = cut(solo, seed=args.seed)
    print(f"solo from track {tune.labels[0]}; chords from track {tune.labels[1]}")
    print(
        f"{tune.bars} bars, {len(tune.notes)} notes over {len(tune.changes)} chords: {len(solo)} values, {len(corpus.terminals)} distinct"
    )
    print(f"  for example {', '.join(map(str, solo[:4]))}")
    print(f"X {corpus.X.shape}  Y {corpus.Y.shape}")

    # 2. Training, unrolled as the exercise has it, and scanned.
    from improv.tutorials.exercise import GENERATED, Shared, compare, inference_model, predict_and_sample
    from improv.tutorials.exercise_export import export

    def tell(epoch: int, loss: float) -> None:
        if epoch % 10 == 0 or epoch == args.epochs - 1:
            print(f"  epoch {epoch + 1:>4}  loss {loss:8.3f}", flush=True)

    shared = Shared.of(len(corpus.terminals), seed=args.seed)
    print(f"building the training model: {len(corpus.Y)} calls of one LSTM and one softmax")
    both = compare(shared, corpus, args.epochs, tell=tell)
    unrolled, scanned = both.unrolled, both.scanned
    print(f"{'':<10}{'first loss':>12}{'last loss':>12}{'accuracy':>10}{'build, s':>10}{'epoch, ms':>11}")
    for name, of in (("unrolled", unrolled), ("scanned", scanned)):
        print(f"{name:<10}{of.losses[0]:>12.3f}{of.losses[-1]:>12.3f}{of.accuracy:>10.3f}{of.build:>10.2f}{1000 * of.epoch:>11.1f}")
    print(f"unrolled, beside scanned: outputs differ by {both.difference:.1g} at most before training;", end=" ")
    print(f"it takes {both.building:.1f} times as long to build, {both.training:.1f} times as long an epoch")

    # 3. Fed with what it says, it goes on by itself.
    results, indices = predict_and_sample(inference_model(shared, GENERATED), shared.units)
    print(f"results {results.shape}  indices {indices.shape}: {len(set(indices.ravel().tolist()))} distinct values")

    # 4. Values to notes over the changes.
    generated = [corpus.terminals[i] for i in indices.ravel()]
    print(f"  always the likeliest: {recited(generated, solo)} in a row are the tune's own; what is new are the pitches")
    start = beginning(generated, moves(tune.notes))
    notes = clean(decode(generated, tune.changes, np.random.default_rng(args.seed), start, last=tune.notes[0].pitch))
    length = -(-(notes[-1].onset + notes[-1].length) / GRID // tune.beats_a_bar) * tune.beats_a_bar
    under = [(n.on, n.length, n.pitch) for n in tune.accompaniment if n.on < length]
    events = struck([(n.onset / GRID, n.length / GRID, n.pitch) for n in notes], SOLO, 90) + struck(under, CHORDS, 62)
    events.sort(key=lambda e: (e.time, isinstance(e, NoteOn)))
    metre = (round(tune.beats_a_bar * 2), 8) if tune.beats_a_bar % 1 else (round(tune.beats_a_bar), 4)
    write_take(args.midi, [], events, [(0.0, tune.tempo)], Metres.of(*metre), tune.changes, (Track("solo"), Track("chords")))
    print(f"{args.midi}: {len(notes)} notes in {length / tune.beats_a_bar:.0f} bars: {in_words(notes)}")

    # 5. The same cell, to play with.
    about = {
        "figures": {
            "loss_first": round(unrolled.losses[0], 4), "loss_last": round(unrolled.losses[-1], 4), "accuracy": round(unrolled.accuracy, 4),
        },
        "trained_on": {"tune": args.tune.name, "bars": tune.bars, "notes": len(tune.notes), "values": len(solo)},
        "license": args.license,
        "command": f"python scripts/tutorial_jazz.py {args.tune.name} --epochs {args.epochs} --seed {args.seed}",
    }  # fmt: skip
    export(args.out, shared, corpus, tune, about)
    print(f"{args.out}: play with it by improv jam --model {args.out if len(args.out.parts) > 1 else f'./{args.out}'}")


def bars_of(text: str | None) -> tuple[int, int] | None:
    try:
        first, _, last = text.partition(":") if text else ("", "", "")
        return (int(first), int(last)) if text else None
    except ValueError:
        raise ImprovError(f"--bars {text!r}: expected two numbers, for example 1:12") from None


def struck(notes: list[tuple[float, float, int]], part: int, loud: int) -> list[NoteOn | NoteOff]:
    """Notes (onset, length, pitch) in beats as events of a track."""
    return [e for on, length, pitch in notes for e in (NoteOn(on, pitch, loud, part=part), NoteOff(on + length, pitch, part=part))]


def in_words(notes: list[Note]) -> str:
    from improv.core.harmony import pitch_name

    return " ".join(pitch_name(note.pitch) for note in notes[:16]) + (" ..." if len(notes) > 16 else "")


if __name__ == "__main__":
    sys.exit(main())
