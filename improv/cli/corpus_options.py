"""The options that say what is read, and how, of `improv train` and `improv eval`."""

from __future__ import annotations

import argparse


def add_corpus(parser: argparse.ArgumentParser, needed: bool = True) -> None:
    """needed: whether there must be a path."""
    parser.add_argument(
        "data",
        nargs="+" if needed else "*",
        metavar="PATH",
        help="MIDI, MusicXML, JSON lines, wjazzd.db, recorded sessions, or a folder of them; PATH=3: its notes count three times",
    )
    parser.add_argument("--track", metavar="TRACK", help="the part to take, by name or number (default: the likeliest melody)")
    parser.add_argument(
        "--no-listening",
        dest="listens",
        action="store_false",
        help="don't listen for the chords of MIDI files that write none; they are read nine times as fast",
    )
    default = 0 if parser.prog.endswith("train") else None
    parser.add_argument("--split-seed", type=int, default=default, help="of train, valid and test where the data has none (default: 0)")
    parser.add_argument(
        "--reader", default="local", metavar="ENGINE", help="what reads many files: local (default), dask, dask=tcp://HOST:PORT"
    )
