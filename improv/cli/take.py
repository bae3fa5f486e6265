"""What is written of a performance, and what is said of it at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from improv.core.beats.timekeeper import Timekeeper, in_beats
from improv.core.events import NoteOn
from improv.core.harmony import Changes
from improv.midi.files import write_take
from improv.midi.tracks import tracks_of
from improv.perform.observers import KeptTake
from improv.perform.performers import PerformerSetup
from improv.render.piano_roll import draw_roll
from improv.session import Cut
from improv.session.capture import turned


def write(
    args: argparse.Namespace, keeper: Timekeeper, changes: Changes | None, take: KeptTake, performers: Sequence[PerformerSetup]
) -> list[str]:
    """The take as MIDI, sound and picture, as asked for. keeper: a new one. Returns what was written."""
    written: list[str] = []
    if not any(isinstance(e, NoteOn) for e in (*take.heard_events, *take.played_events)):
        if args.record or args.wav or args.png:
            print("improv: nothing was played, so nothing is written", file=sys.stderr)
        return written
    metres = keeper.meter.metres
    line, (heard, played, tempos, _) = in_beats(keeper, take.heard_events, take.played_events).from_line(metres)
    metres, changes = metres.turned(line), turned(changes, line) if changes and line else changes
    midi = Path(args.record or f"{args.wav or args.png}.mid")
    if args.record or args.wav:
        write_take(midi, heard, played, tempos, metres, changes, tracks_of([(p.name, p.settings.mode) for p in performers]))
        written += [str(midi)] if args.record else []
    if args.wav:
        from improv.render.sound import render

        render(midi, args.wav)
        written.append(args.wav)
        if not args.record:
            midi.unlink()
    if args.png:
        drums = {number for number, p in enumerate(performers) if p.settings.mode == "drums"}  # which have no pitch
        draw_roll(args.png, heard, [e for e in played if getattr(e, "part", 0) not in drums], metres, changes)
        written.append(args.png)
    return written


def write_cut(path: Path, cut: Cut, changes: Changes | None, performers: Sequence[tuple[str, str]] = (("improv", "trade"),)) -> None:
    """The last bars, as captured, as a MIDI file that begins on their first bar line. performers: (name, mode) of each."""
    write_take(path, cut.heard(), cut.played(), cut.tempo_map(), cut.bars(), cut.changes(changes), tracks_of(performers))


def told(summary: dict[str, Any]) -> str:
    said = [f"{summary['heard']} notes heard, {summary['played']} played, seed {summary['seed']}"]
    if "lateness_ms" in summary:
        said.append("99 notes in 100 at most {p99} ms late, the latest {max} ms".format(**summary["lateness_ms"]))
    said += [f"{summary['filled']} filled in while the model was too slow"] if summary["filled"] else []
    said += [f"{summary['dropped']} dropped as too late"] if summary["dropped"] else []
    said += [f"{summary['guarded']} closed that sounded too long"] if summary["guarded"] else []
    if summary.get("learned"):
        kept = f", kept in {summary['profile']}" if summary["profile"] else ""
        said.append(f"learned from {summary['learned']} phrases{kept}")
    said += [f"wrote {', '.join(summary['files'])}"] if summary["files"] else []
    title = f'"{summary["title"]}", ' if summary.get("title") else ""
    said += [f"{title}session {summary['session']}"] if summary["session"] else []
    return "; ".join(said)
