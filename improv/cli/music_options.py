"""The options that say what is played and how, of `improv jam` and `improv solo`."""

from __future__ import annotations

import argparse
import sys

from improv.core.harmony import Changes, parse_changes, taken_for
from improv.core.settings import DRUMS, TABLE, Settings

WHAT = ("mode", "clock", "tempo", "count_in", "click", "trade")  # settings that say what is played, and when


def changes_of(text: str | None, bar: float) -> Changes | None:
    """What --changes says, in bars of so many beats; symbols that the model takes for others are told. Raises HarmonyError."""
    if not text:
        return None
    changes = parse_changes(text, bar)
    if told := taken_for(changes):
        print(f"improv: {told}", file=sys.stderr)
    return changes


def add_music(parser: argparse.ArgumentParser, mode: str) -> None:
    what, how = parser.add_argument_group("what it plays, and when"), parser.add_argument_group("how it plays")
    what.add_argument("--model", default="jazz", metavar="MODEL", help="a model's name or folder (default: jazz)")
    what.add_argument("--changes", metavar="CHORDS", help='e.g. "Dm7 | G7 | Cmaj7 | %%"; looped')
    what.add_argument(
        "--mood",
        metavar="WORDS",
        help='changes, tempo and the rest from words: "hope and wonder", dark; `list` lists them. What you set wins',
    )
    what.add_argument("--key", metavar="KEY", help="with --mood: the tonic, for example Eb (default: the mood's)")
    what.add_argument("--metre", default=None, metavar="N/N", help="time signature (default: 4/4)")
    what.add_argument("--seed", type=int, help="same seed, same music (default: drawn, and told)")
    defaults = Settings(mode=mode)
    for name, (limits, text) in TABLE.items():
        live = ("mode", "enter", "interval", "clock", "count_in", "click", "trade", "learned", "voicing")
        if name == "grain" or (mode == "solo" and name in live):
            continue
        default = getattr(defaults, name)
        kind = type(default)
        shown = "the file's, or 120" if name == "tempo" and mode == "trade" else default
        named = kind is str
        (what if name in WHAT else how).add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            choices=limits if named else None,
            metavar=None if named else f"{limits[0]:g}..{limits[1]:g}",
            nargs="?" if name == "click" else None,
            const=DRUMS if name == "click" else None,
            help=f"{text} (default: {shown})",
        )
    parser.add_argument("--json", action="store_true", help="the summary as JSON")


def add_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--png", metavar="FILE", help="draw the take as a piano roll")
    parser.add_argument("--wav", metavar="FILE", help="render the take to sound, no synth needed")
