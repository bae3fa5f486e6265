"""How fast MIDI files are read: writes so many made-up ones, reads them as `improv train` would, tells the time.

python scripts/measure_reading.py [--files 500] [--bars 128] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import mido

from improv.core.vocabulary import Vocabulary
from improv.train.corpus import read_corpus, table_of


def band(seed: int, bars: int) -> mido.MidiFile:
    """A quartet: a line of eighths, three-note chords, a walking bass, drums."""
    rng = random.Random(seed)
    file = mido.MidiFile(ticks_per_beat=480)
    conductor = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=400_000), mido.MetaMessage("time_signature")])
    file.tracks.append(conductor)
    parts = {
        "Tenor Sax": (66, 0, 240, lambda: [rng.randrange(55, 80)]),
        "Piano": (0, 1, 960, lambda: [48 + rng.randrange(12), 52 + rng.randrange(12), 59]),
        "Bass": (32, 2, 480, lambda: [rng.randrange(28, 50)]),
        "Drums": (0, 9, 160, lambda: [51, 42]),
    }
    for name, (program, channel, step, pitches) in parts.items():
        track = mido.MidiTrack(
            [mido.MetaMessage("track_name", name=name), mido.Message("program_change", program=program, channel=channel)]
        )
        for _ in range(bars * 1920 // step):
            struck = pitches()
            track += [mido.Message("note_on", note=p, velocity=rng.randrange(50, 110), channel=channel) for p in struck]
            track += [mido.Message("note_off", note=p, time=0 if i else step, channel=channel) for i, p in enumerate(struck)]
        file.tracks.append(track)
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--bars", type=int, default=128)
    parser.add_argument("--folder", type=Path, help="of MIDI files that are there, instead of made-up ones")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.folder or Path(made)
        if not args.folder:
            for i in range(args.files):
                band(i, args.bars).save(folder / f"{i:05}.mid")
        started = time.perf_counter()
        reading = read_corpus(folder, Vocabulary())
        seconds = time.perf_counter() - started
    print("\n".join(table_of(reading)))
    print(f"{len(reading.pieces) + len(reading.skipped)} files in {seconds:.1f} s")


if __name__ == "__main__":
    main()
