"""How fast MIDI files are read, and what it takes: writes made-up ones, reads them as `improv train` does.

    python scripts/measure_reading.py                          # 300 and 3,000 files, on one core and on all
    python scripts/measure_reading.py --no-listening --files 300 3000 30000 --svg reading.svg
    python scripts/measure_reading.py --no-listening --files 176000 --columns --once   # the Lakh dataset's size: 2 GB of disk
    python scripts/measure_reading.py --reader dask --pairs 3  # Dask's workers instead: one worker on one core, then one on each
    python scripts/measure_reading.py --folder my_midis/       # files that are there

A made-up file is a quartet without chord symbols, with 448 notes in its melody at 56 bars. Most of the time goes into hearing its
chords; --no-listening leaves that out, as it does in `improv train`. Each reading is a process of its own, so its peak of memory is
its own; `again` is a second reading, of what was kept beside the files. Told are seconds, the peak of memory of all processes
together, bytes a note that are held, and how much faster all cores read than one. --pairs: one core and all, in turn, so many times;
the best of each counts, since others may be at work. --once: all cores alone. `--columns` goes on to what training holds of them, on
disk from three million notes on. --svg draws seconds and MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mido

from improv.train.reading.kept import NAME
from improv.train.reading.watched import read_watched

KINDS = 200  # different files that are composed; the others are moved up or down and begin elsewhere


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


def write(folder: Path, files: int, bars: int) -> None:
    """So many different files: each composed one many times, under a name of its own in its first track."""
    composed = []
    for i in range(min(files, KINDS)):
        band(i, bars).save(folder / "one.mid")
        composed.append((folder / "one.mid").read_bytes())
    (folder / "one.mid").unlink()
    for i in range(files):
        content = composed[i % KINDS]
        marker = b"\0\xff\x01\x07%07d" % i  # a text at the beginning of the first track, so that no two files are the same
        length = int.from_bytes(content[18:22])
        at = folder / f"{i // 1000:03}"
        at.mkdir(exist_ok=True)
        (at / f"{i:06}.mid").write_bytes(content[:18] + (length + len(marker)).to_bytes(4) + marker + content[22:])


def read(folder: str, reader: str, columns: bool, listens: bool) -> dict[str, float]:
    """Read a folder in this process and its workers, as its figures."""
    started = time.perf_counter()
    before = _resident()
    reading = read_watched([folder], None, None, reader, told=lambda *_: None, listens=listens)
    seconds = time.perf_counter() - started
    held = _resident() - before
    found = {"seconds": seconds, "notes": reading.notes, "pieces": len(reading.pieces), "held": held / reading.notes}
    found["packed"] = sum(p.notes.rows.nbytes for p in reading.pieces) / reading.notes
    if columns:
        from improv.train.dataset import columns_of_all

        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            whole = columns_of_all(reading.pieces, Path(place))
        found |= {"columns": time.perf_counter() - started, "column_bytes": sum(c.block.nbytes for c in whole) / reading.notes}
    own, workers = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return found | {"own": own, "worker": workers}


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if Path("/proc/self/statm").exists() else 0.0


def apart(folder: Path, cores: list[int], args: argparse.Namespace, columns: bool) -> dict[str, float]:
    """A reading in a process of its own, on some cores."""
    asked = [sys.executable, __file__, "--read", str(folder), "--reader", args.reader]
    asked += [word for word, wanted in (("--columns", columns), ("--no-listening", not args.listens)) if wanted]

    def pin() -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)

    said = subprocess.run(asked, capture_output=True, text=True, check=False, preexec_fn=pin)
    if said.returncode:
        sys.exit(said.stderr)
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def measure(folder: Path, cores: list[int], args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Readings of a folder: on one core, on all, and again, each the best of its rounds. Prints a line each."""
    best: dict[str, dict[str, float]] = {}
    ways = [(f"{len(cores)}", cores)] if args.once else [("one", cores[:1]), (f"{len(cores)}", cores)]
    for name, some in [*ways * args.pairs, ("again", cores)]:
        if name != "again":
            (folder / NAME).unlink(missing_ok=True)
        found = apart(folder, some, args, args.columns and name != "again")
        found["peak"] = found["own"] + (len(some) * found["worker"] if name != "again" else 0)
        each = 1000 * found["seconds"] / max(found["pieces"], 1)
        print(
            f"{found['pieces']:>8,.0f}  {name:<6} {found['seconds']:>8.1f} {each:>10.2f} {found['notes']:>11,.0f} "
            f"{found['held']:>12.1f} {found['peak']:>8.0f}",
            flush=True,
        )
        if "columns" in found:
            print(f"          its columns took {found['columns']:.1f} s and {found['column_bytes']:.0f} bytes a note")
        if name not in best or found["seconds"] < best[name]["seconds"]:
            best[name] = found
    whole, again = best[f"{len(cores)}"]["seconds"], best["again"]["seconds"]
    faster = f"{len(cores)} cores read {best['one']['seconds'] / whole:.2f} times as fast as one; " if "one" in best else ""
    print(f"          {faster}again {whole / again:.0f} times")
    return best


def draw(path: Path, measured: dict[int, dict[str, dict[str, float]]]) -> None:
    """Seconds and MB by files, on logarithmic axes."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    matplotlib.rcParams |= {"svg.hashsalt": "reading", "font.size": 9}
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 2.6), layout="constrained")
    names = {"one": "one core", "again": "a second time"}
    for name in dict.fromkeys(name for best in measured.values() for name in best):
        points = [(files, best[name]) for files, best in measured.items() if name in best]
        for axes, figure_of in ((left, "seconds"), (right, "peak")):
            axes.loglog([n for n, _ in points], [f[figure_of] for _, f in points], "o-", ms=3, lw=1, label=names.get(name, f"{name} cores"))
    for axes, title in ((left, "seconds"), (right, "MB at the most")):
        axes.set(xlabel="files", title=title)
        axes.grid(alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[300, 3000])
    parser.add_argument("--bars", type=int, default=56)
    parser.add_argument("--folder", type=Path, help="of MIDI files that are there, instead of made-up ones; what was kept in it is deleted")
    parser.add_argument("--reader", default="local", help="local or dask")
    parser.add_argument("--no-listening", dest="listens", action="store_false", help="chords that are not written are not listened for")
    parser.add_argument("--columns", action="store_true", help="also what training holds of them")
    parser.add_argument("--pairs", type=int, default=1, metavar="N", help="one core and all so many times, and the best of each")
    parser.add_argument("--once", action="store_true", help="on all cores alone")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.read:
        print(json.dumps(read(args.read, args.reader, args.columns, args.listens)))
        return
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    print(f"{'files':>8}  {'cores':<6} {'seconds':>8} {'ms a file':>10} {'notes':>11} {'held B/note':>12} {'peak MB':>8}")
    measured: dict[int, dict[str, dict[str, float]]] = {}
    for files in [0] if args.folder else args.files:
        with tempfile.TemporaryDirectory() as made:
            folder = args.folder or Path(made)
            if not args.folder:
                write(folder, files, args.bars)
            measured[files] = measure(folder, cores, args)
    if args.svg:
        draw(args.svg, measured)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
