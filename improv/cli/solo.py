"""`improv solo`: a solo over changes, or freely, into a MIDI file. What it runs is loaded as it runs."""

from __future__ import annotations

import argparse

from improv.cli.music_options import add_music, add_pictures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    long = parser.add_mutually_exclusive_group()
    long.add_argument("--bars", type=int, default=24, help="how long (default: 24)")
    long.add_argument("--choruses", type=int, metavar="N", help="with --tune: how often round")
    parser.add_argument("--out", metavar="FILE", default="solo.mid", help="the MIDI file (default: solo.mid)")
    add_music(parser, alone=True)
    add_pictures(parser)


def run(args: argparse.Namespace) -> int:
    from improv.cli.jamming import solo

    return solo(args)
