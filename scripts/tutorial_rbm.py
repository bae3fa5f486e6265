"""Chords from a restricted Boltzmann machine that listened to your MIDI files.

    python scripts/tutorial_rbm.py my_midis/ --out chords/

Every MIDI file of the folder is cut into piano rolls of 15 sixteenths, two bits for each pitch (held, struck). A machine with
50 hidden bits learns them by contrastive divergence with one Gibbs step, 200 times through the songs. Then one Gibbs step from
silence gives a roll, ten times: generated_chord_1.mid to generated_chord_10.mid. The mathematics is in improv/core/rbm.py and
improv/train/rbm.py; the sources are named there. N. Boulanger-Lewandowski, Y. Bengio, P. Vincent, Modeling temporal
dependencies in high-dimensional sequences, 2012, is where piano rolls and such machines met.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.core.metres import FOUR
from improv.midi.files import read_part, write_take
from improv.models.rbm import Rbm
from improv.train.rbm import A_BEAT, EPOCHS, HIDDEN, STEPS, VISIBLE, begin, error_of, fit_songs, generate, notes_of_roll, windows_of

COUNT = 10
TRIES = 200  # rolls that may turn out silent before it gives up
TEMPO = 120.0
VELOCITY = 80


class NothingToLearn(ImprovError):
    """A folder without a song in it, or songs that left the machine silent."""


def read_songs(folder: Path) -> list[np.ndarray]:
    """The rolls of each MIDI file, by name. What can't be used is named on standard error. Raises NothingToLearn."""
    if not folder.is_dir():
        raise NothingToLearn(f"{folder}: no such folder; give one with MIDI files in it")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi") and p.is_file())
    songs = []
    for path in tqdm(paths, "reading", unit="file", leave=False, disable=None):
        try:
            part = read_part(path)
            windows = windows_of(part.events, part.tempo)
            if not len(windows):
                raise ValueError(f"shorter than {STEPS} sixteenths")
        except (ImprovError, ValueError) as e:
            text = str(e) if str(path) in str(e) else f"{path}: {e}"
            tqdm.write(f"skipped {text}", file=sys.stderr)
            continue
        songs.append(windows)
    if not songs:
        raise NothingToLearn(f"{folder}: {f'none of its {len(paths)} MIDI files can be used' if paths else 'no MIDI files in it'}")
    return songs


def chords(rbm: Rbm, rng: np.random.Generator) -> list[list[tuple[int, int, int]]]:
    """The notes of rolls, each by one Gibbs step from nothing; a silent one is drawn again. Raises NothingToLearn."""
    found = []
    for _ in range(TRIES):
        notes = notes_of_roll(generate(rbm, rng, 1)[0])
        found += [notes] if notes else []
        if len(found) == COUNT:
            return found
    raise NothingToLearn(f"{len(found)} of {TRIES} rolls had a note in them: too little was learned; give more songs, or --epochs")


def events_of(notes: list[tuple[int, int, int]]) -> list[Event]:
    """Notes of a roll as events, in beats."""
    events: list[Event] = []
    for step, long, pitch in notes:
        events += [NoteOn(step / A_BEAT, pitch, VELOCITY), NoteOff((step + long) / A_BEAT, pitch)]
    return sorted(events, key=lambda e: (e.time, isinstance(e, NoteOn)))


def run(folder: Path, out: Path, epochs: int, seed: int) -> None:
    """Learn and write. Raises ImprovError."""
    songs = read_songs(folder)
    everything = np.concatenate(songs)
    rng = np.random.default_rng(seed)
    rbm = begin(VISIBLE, HIDDEN, rng)
    before = error_of(rbm, everything)
    rbm = fit_songs(rbm, songs, rng, tqdm(range(epochs), "training", unit="epoch", disable=None))
    written = chords(rbm, rng)
    print(f"{len(songs)} songs, {len(everything):,} rolls; error a bit {before:.4f} before, {error_of(rbm, everything):.4f} after")
    print(f"bits that are 1: {everything.mean():.4f} of theirs; notes a chord: {np.mean([len(n) for n in written]):.1f}")
    out.mkdir(parents=True, exist_ok=True)
    for number, notes in enumerate(written, 1):
        write_take(out / f"generated_chord_{number}.mid", [], events_of(notes), [(0.0, TEMPO)], FOUR)
    print(f"wrote {out / 'generated_chord_1.mid'} to {out / f'generated_chord_{COUNT}.mid'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder with MIDI files, and folders in it")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="where the chords go (default: here)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"how often through the songs (default: {EPOCHS})")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    if args.epochs < 1 or args.seed < 0:
        parser.error("--epochs must be 1 or more, --seed 0 or more")
    try:
        run(args.folder, args.out, args.epochs, args.seed)
    except (ImprovError, OSError) as e:
        print(f"tutorial_rbm: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
