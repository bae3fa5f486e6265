"""`improv chart`: the changes of a MIDI file, written in it or heard, in the syntax of `--changes`. What it runs is loaded as it runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from improv.cli import OK
from improv.cli.file_changes import harmony_in
from improv.core.errors import ImprovError

if TYPE_CHECKING:
    from improv.midi.harmony import FileHarmony


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a MIDI file: chords and a melody, two hands, a band")
    parser.add_argument("--out", metavar="CHART", help="write it there as well, to correct it and play it with --tune CHART")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print a file's chart, with its key and form."""
    found = harmony_in(args.file)
    if found.chart is None:
        raise ImprovError(f"{args.file}: no chords in it: none are written, and what sounds is a line alone or tells no chords")
    text = chart_text(found, Path(args.file).stem)
    if args.out:
        from improv.atomic import atomic_write

        atomic_write({Path(args.out): text.encode()})
    if args.json:
        chart = found.chart
        about = {"key": str(found.key) if found.key else None, "metre": list(chart.metre), "how": found.how, "form": chart.form}
        print(
            json.dumps(
                about
                | {"bars": len(chart.bars), "times": chart.times, "of": chart.of, "sure": round(chart.sure, 3), "changes": chart.changes}
            )
        )
    else:
        print(text, end="")
    return OK


def chart_text(found: FileHarmony, title: str) -> str:
    """The chart as a file that `--tune` and `--changes` read: what is known of it, then its bars."""
    chart = found.chart
    assert chart
    lines = [f"title: {title}", f"key: {found.key}"] if found.key else [f"title: {title}"]
    lines.append(f"metre: {chart.metre[0]}/{chart.metre[1]}")
    said = [f"form: {chart.form}"] if chart.form else []
    said.append(f"{len(chart.bars)} bars")
    if chart.times > 1:
        said.append(f"{chart.times} times" + (", the last in part" if chart.of % len(chart.bars) else ""))
    said.append(f"heard, {100 * chart.sure:.0f} % sure" if found.how == "heard" else found.how)
    lines.append("# " + ", ".join(said))
    return "\n".join([*lines, chart.changes]) + "\n"
