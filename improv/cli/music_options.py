"""The options that say what is played and how, of `improv jam` and `improv solo`. Those of settings come from their rows in `core`."""

from __future__ import annotations

import argparse

from improv.cli.band_option import add_band
from improv.core.harmony.symbols import pitch_of
from improv.core.settings import DRUMS, GROUPS, PITCH, SETTINGS, SettingRow

CHANGES_HELP = 'for example "Dm7 | G7 | Cmaj7 | %%"; looped. Or a file: a chart, or a MIDI file, whose chords are read or heard'
HEARD_HELP = {True: CHANGES_HELP, False: f"{CHANGES_HELP}. Without them, or `heard`: what you play says the key and the chords"}


def add_music(parser: argparse.ArgumentParser, alone: bool) -> None:
    """The piece, and the settings. alone: without a player to hear."""
    piece = parser.add_argument_group("the piece")
    piece.add_argument("--model", default="jazz", metavar="MODEL", help="a model's name or folder (default: jazz)")
    piece.add_argument("--changes", metavar="CHORDS", help=HEARD_HELP[alone])
    piece.add_argument(
        "--mood",
        metavar="WORDS",
        help='changes, tempo and settings from words: "hope and wonder", dark; `list` lists them. Options that you give yourself win',
    )
    piece.add_argument(
        "--manner",
        metavar="MANNER",
        help="how soloists play: spare, flowing, or a blend, spare:0.7,restless:0.3; `list` lists them. It sets settings of the line; "
        "options that you give yourself win",
    )
    piece.add_argument(
        "--tune",
        metavar="TUNE",
        help="changes, metre, tempo and feel of a built-in form (`improv tunes` lists them), blues or blues-bb, or of a song in a file:"
        ' chart.txt, "songs.html#3", "songs.html#My Tune"',
    )
    piece.add_argument("--key", metavar="KEY", help="with --tune or --mood: the key, for example Eb (default: the tune's, the mood's)")
    piece.add_argument("--metre", default=None, metavar="N/N", help="time signature (default: 4/4)")
    add_band(piece)
    piece.add_argument("--seed", type=int, help="same seed, same music (default: drawn, and shown)")
    add_settings(parser, alone)
    parser.add_argument("--json", action="store_true", help="the summary as JSON")


def add_settings(parser: argparse.ArgumentParser, alone: bool) -> None:
    """An option for each setting. alone: leave out those that need a player to hear; they stay at their defaults."""
    for group, heading in GROUPS.items():
        rows = [row for row in SETTINGS.values() if row.group == group and (row.alone or not alone)]
        if rows:
            part = parser.add_argument_group(heading)
            for row in rows:
                _add(part, row, "120, or the tempo of --player's file" if row.name == "tempo" and not alone else row.default)


def _add(part: argparse._ArgumentGroup, row: SettingRow, default: object) -> None:
    channel = row.name == "click"  # --click alone: on the channel of the drums
    part.add_argument(
        f"--{row.name.replace('_', '-')}",
        type=_pitch if row.unit == PITCH else type(row.default),
        choices=row.limits if row.is_word else None,
        metavar=None if row.is_word else f"{row.limits[0]:g}..{row.limits[1]:g}",
        nargs="?" if channel else None,
        const=DRUMS if channel else None,
        help=f"{row.help} (default: {default})",
    )


def _pitch(text: str) -> int:
    """A MIDI pitch, as a number or as a note's name."""
    if (pitch := pitch_of(text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a MIDI pitch from 0 to 127, or a note such as C3 (C4 is middle C)")
    return pitch


def add_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--png", metavar="FILE", help="draw the take as a piano roll")
    parser.add_argument("--wav", metavar="FILE", help="render the take to sound, no synth needed")
