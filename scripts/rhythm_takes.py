"""Twelve takes of bass and drums alone, in twelve styles: MIDI files and pictures, to listen to and to read.

    python scripts/rhythm_takes.py takes/
    python scripts/rhythm_takes.py takes/ --rules        # without the networks

Each is a few choruses of a form of improv's own, with the band's dynamic rising and a bar's stop before the last chorus, counted in
on the sticks, and ended together.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np

from improv.charts.tunes import built_in
from improv.core.band.bar import Around, BandBar, BarNote, ChordsOfBar, Doing, Member
from improv.core.band.bass import Bassist
from improv.core.band.groove import drums_by_rule
from improv.core.band.kit import KEYS, PIECES
from improv.core.band.styles import STYLES
from improv.core.harmony import Changes, Chord, parse_changes
from improv.core.metres import Metres
from improv.models.loader import load_bass, load_drums

# Name: style, form, tempo.
TAKES = {
    "swing": ("swing", "blues", 140.0), "fast": ("swing", "rhythm-changes", 250.0), "two": ("two", "blues-plain", 120.0),
    "ballad": ("ballad", "blues-minor", 60.0), "waltz": ("swing", "blues-waltz", 150.0), "five": ("swing", "five", 160.0),
    "shuffle": ("shuffle", "blues-plain", 120.0), "bossa": ("bossa", "bossa", 130.0), "samba": ("samba", "bossa", 190.0),
    "latin": ("latin", "latin", 180.0), "even": ("even", "even", 150.0), "funk": ("funk", "blues", 100.0),
}  # fmt: skip
BESIDE = {
    "five": "5/4 Ebm7 | Bbm7 | Ebm7 | Bbm7 | Cbmaj7 | Abm7 | Bbm7 | Ebm7",
    "bossa": "Dm7 | % | E7 | % | Gm7 | C7 | Fmaj7 | Em7b5 A7b9 | Dm7 | % | E7 | % | Gm7 | A7b9 | Dm7 | Em7b5 A7b9",
    "latin": "Cm7 | F7 | Cm7 | F7 | Abmaj7 | G7alt | Cm7 | G7alt",
    "even": "Ebmaj7 | Dbmaj7 | Cm9 | Abmaj7#11 | Gbmaj7 | Fm7 | Ebmaj7 | Bb7sus4",
}
BARS = 24
Part = list[tuple[float, BarNote]]


def song(name: str) -> tuple[list[BandBar], Changes, int]:
    """The bars of a take, the changes, and how many beats a bar has."""
    style, form, tempo = TAKES[name]
    tune = None if form in BESIDE else built_in()[form]
    text = tune.changes if tune else BESIDE[form]
    changes = parse_changes(text, Metres.of(*tune.metre) if tune else Metres.of(5 if form == "five" else 4, 4))
    beats = tune.metre[0] if tune else 5 if form == "five" else 4
    count = round(changes.length / beats)
    bars = []
    for k in range(BARS):
        rising = 0.35 + 0.5 * k / BARS
        doing = Doing.END if k == BARS - 1 else Doing.BREAK if k == 15 else Doing.PLAY
        around = Around(2.5, 70.0, 80.0, 1.5 if k % 4 == 3 else 0.0, (80, 176) if k % 4 == 1 else ())
        bar = BandBar(of(changes, k, beats), of(changes, k + 1, beats), float(beats), (beats, 4), tempo, STYLES[style], doing)
        place = {"of_section": k % 8, "section": 8, "of_form": k % count, "form": count}
        bars.append(replace(bar, **place, dynamic=rising, around=around))  # type: ignore[arg-type]
    counted = replace(bars[0], doing=Doing.COUNT, left=1)
    return [replace(counted, left=2), counted, *bars], changes, beats


def of(changes: Changes, bar: int, beats: int) -> ChordsOfBar:
    """The chords of a bar."""
    line = beats * bar
    there = [(s - line, c) for s, c in changes.spans(line + beats) if s >= line]
    return tuple(there) if there and there[0][0] == 0 else ((0.0, changes.harmony(line).chord), *there)


def played(member: Member, bars: list[BandBar], seed: int, took: list[float]) -> Part:
    """(beat from bar one, note); the count-in is before it. took: gets the microseconds of the processor for each beat."""
    state, line = member.start(), -2 * bars[0].beats
    found: Part = []
    for number, bar in enumerate(bars):
        rng, began = np.random.default_rng((seed, number)), time.process_time()
        notes, state = member.bar(state, bar, rng)
        took.append(1e6 * (time.process_time() - began) / bar.beats)
        found += [(line + n.onset, n) for n in notes]
        line += bar.beats
    return found


def write(path: Path, parts: dict[int, Part], tempo: float, lead: int) -> None:
    """A MIDI file, with each part on its channel; on an acoustic bass. lead: beats before bar one."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))]))
    for channel, part in parts.items():
        ends = [(beat + n.length, 0, mido.Message("note_off", note=n.pitch, channel=channel)) for beat, n in part]
        starts = [(beat, 1, mido.Message("note_on", note=n.pitch, velocity=n.velocity, channel=channel)) for beat, n in part]
        track, before = mido.MidiTrack([mido.Message("program_change", program=32 if channel == 1 else 0, channel=channel)]), 0
        for beat, _, message in sorted([*ends, *starts], key=lambda m: m[:2]):
            tick = max(round((beat + lead) * 480), before)
            track.append(message.copy(time=tick - before))
            before = tick
        file.tracks.append(track)
    file.save(path)


def colour_of(pitch: int, chord: Chord) -> str:
    """Green for the root, blue for other tones of the chord, orange for all else."""
    if pitch % 12 == (chord.root if chord.bass is None else chord.bass):
        return "#2a9d55"
    return "#3b6fd4" if pitch % 12 in chord.tones else "#e8862e"


def draw(path: Path, name: str, bass: Part, drums: Part, changes: Changes, beats: int) -> None:
    """Bass above, drums below, eight bars a row."""
    from matplotlib.figure import Figure

    rows = -(-(BARS + 2) // 8)
    figure = Figure(figsize=(15, 3.4 * rows), dpi=80, layout="constrained")
    figure.suptitle(f"{name}: {TAKES[name][0]}, {TAKES[name][2]:g} bpm", fontsize=10)
    axes = figure.subplots(2 * rows, 1, gridspec_kw={"height_ratios": [3, 2.6] * rows})
    for row in range(rows):
        first = (8 * row - 2) * beats
        for part, ax in ((bass, axes[2 * row]), (drums, axes[2 * row + 1])):
            for beat, note in part:
                if first - 0.2 <= beat < first + 8 * beats:
                    chord = changes.harmony(beat + 0.1).chord
                    y = KEYS.index(note.pitch) if part is drums else note.pitch
                    colour = "#333333" if part is drums else colour_of(note.pitch, chord)
                    width = 0.12 if part is drums else note.length
                    ax.barh(y, width, 0.8, beat, color=colour, alpha=min(1.0, 0.1 + 0.9 * note.velocity / 115), align="center")
            for k in range(8 * beats + 1):
                ax.axvline(first + k, color="#bbbbbb" if k % beats == 0 else "#eeeeee", linewidth=0.7, zorder=0)
            ax.set_xlim(first - 0.2, first + 8 * beats)
        for at, chord in changes.spans(first + 8 * beats):
            if at >= first:
                axes[2 * row].text(at, 56, str(chord), fontsize=7)
        axes[2 * row].set_ylim(26, 58)
        axes[2 * row + 1].set_yticks(range(len(PIECES)), list(PIECES), fontsize=6)
    figure.savefig(path, format="png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder")
    parser.add_argument("--rules", action="store_true", help="play by rule, without the networks")
    parser.add_argument("--only", nargs="*", default=list(TAKES), choices=list(TAKES), metavar="TAKE", help=", ".join(TAKES))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    bassist, drummer = (Bassist(), drums_by_rule()) if args.rules else (load_bass(), load_drums())
    times: tuple[list[float], list[float]] = [], []
    for name in args.only:
        bars, changes, beats = song(name)
        bass, drums = played(bassist, bars, args.seed, times[0]), played(drummer, bars, args.seed + 1, times[1])
        draw(args.out / f"{name}.png", name, bass, drums, changes, beats)
        write(args.out / f"{name}.mid", {1: bass, 9: drums}, TAKES[name][2], 2 * beats)
        print(f"{name}: {len(bass)} notes of the bass, {len(drums)} strokes")
    for who, took in zip(("bass", "drums"), times, strict=True):
        print(f"{who}: {np.percentile(took, 50):.0f} µs of the processor a beat (p50), {np.percentile(took, 99):.0f} (p99)")


if __name__ == "__main__":
    main()
