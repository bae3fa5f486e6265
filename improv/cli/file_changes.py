"""`--changes FILE`, and the changes of the file that plays the human: read from a chart, or from a MIDI file's own tracks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from improv.core.errors import ImprovError
from improv.core.harmony import HEARD

if TYPE_CHECKING:
    from improv.midi.harmony import FileHarmony

LONGEST_TOLD = 200  # characters of changes that are told


def set_changes(args: argparse.Namespace) -> None:
    """Put the changes of a file in the place of its name; and those of the player's file where nothing else says any.

    Raises ImprovError for a file that holds none, as reading it does.
    """
    if args.changes and is_file(args.changes):
        _from_file(args)
    elif (player := getattr(args, "player", None)) and args.changes is None and not args.mood and not args.tune:
        _from_player(args, player)


def is_file(text: str) -> bool:
    """Whether changes are the name of a file rather than chords."""
    try:
        return "|" not in text and text.strip().lower() != HEARD and Path(text).is_file()
    except (OSError, ValueError):  # a name that is too long
        return False


def _from_file(args: argparse.Namespace) -> None:
    from improv.midi.smf import is_midi
    from improv.outside import open_file

    path = args.changes
    with open_file(Path(path), 2**60) as file:
        midi = is_midi(file.read(4096))
    if not midi:
        from improv.charts.tunes import tune_of

        tune = tune_of(path)
        args.changes, args.metre = tune.changes, args.metre or "{}/{}".format(*tune.metre)
        return
    found = harmony_in(path)
    if found.chart is None:
        raise ImprovError(f"--changes {path}: no chords in it: none are written, and what sounds is a line alone or tells no chords")
    _take(args, path, found)
    args.metre = args.metre or "{}/{}".format(*found.chart.metre)


def _from_player(args: argparse.Namespace, player: str) -> None:
    from improv.charts.beside import ENDINGS
    from improv.charts.tunes import tune_of

    for chart in (Path(player).with_suffix(ending) for ending in ENDINGS):
        if chart.is_file():
            args.changes = tune_of(str(chart)).changes
            print(f"improv: changes: {chart}", file=sys.stderr)
            return
    found = harmony_in(player)
    if found.chart is not None:
        _take(args, player, found)


def _take(args: argparse.Namespace, path: str, found: FileHarmony) -> None:
    chart = found.chart
    assert chart
    args.changes = chart.changes
    told = " ".join(chart.changes.split())
    told = told if len(told) <= LONGEST_TOLD else told[:LONGEST_TOLD].rpartition("|")[0] + "| ..."
    sure = f", {100 * chart.sure:.0f} % sure" if found.how == "heard" else ""
    print(f"improv: changes, {found.how} in {path}{sure}{f', in {found.key}' if found.key else ''}: {told}", file=sys.stderr)


def harmony_in(path: str) -> FileHarmony:
    """The harmony of a MIDI file. Raises MidiFileError, ModelError."""
    from improv.midi.harmony import harmony_of
    from improv.midi.parts import read_midi
    from improv.midi.smf import MidiFileError
    from improv.models.loader import load_ear

    try:
        return harmony_of(read_midi(path), lambda: load_ear()[0])
    except MidiFileError as e:
        raise MidiFileError(f"{path}: {e}") from None
