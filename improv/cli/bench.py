"""`improv bench`: what this machine does in time, all of it or a part, and a verdict."""

from __future__ import annotations

import argparse
import json
from typing import Any

from improv.core.errors import ImprovError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        choices=("step", "lateness", "key", "clock"),
        help="step: one note, model and sampling of all fields; lateness: of notes, idle and loaded; key: from a key to its echo; "
        "clock: how near a MIDI clock's true grid notes lie",
    )
    parser.add_argument("--model", default="jazz", help="a name or a folder")
    parser.add_argument("--notes", type=int, default=5000, help="how many steps (default: 5000)")
    parser.add_argument("--events", type=int, default=1000, help="how many events of lateness and of keys (default: 1000)")
    parser.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works, else none)")
    parser.add_argument("--png", metavar="FILE", help="draw histograms of all that was measured")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure all, or the part that was asked for; print the figures and a verdict."""
    from improv.bench.in_time import time_figures
    from improv.bench.report import report
    from improv.bench.thought import note_times
    from improv.midi.systems import choose_api
    from improv.models.loader import load_model

    if not 100 <= args.notes <= 1_000_000:
        raise ImprovError(f"--notes {args.notes}: expected 100 to 1,000,000")
    if not 40 <= args.events <= 100_000:
        raise ImprovError(f"--events {args.events}: expected 40 to 100,000")
    model = load_model(args.model)
    figures: dict[str, Any] = {}
    drawn: dict[str, list[float]] = {}
    if args.what in (None, "step"):
        figures, drawn = note_times(model, args.notes)
    if args.what != "step":
        figures, times = time_figures(model, choose_api(args.api), args.events, args.what, figures)
        drawn |= times
    if args.png:
        from improv.render.histograms import draw_times

        draw_times(args.png, drawn)
    print(json.dumps(figures) if args.json else "\n".join(report(figures)))
    return 0
