"""The option `--band`, which loads nothing of the music."""

from __future__ import annotations

import argparse

MEMBERS = ("bass", "drums", "comp")


def add_band(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--band",
        nargs="?",
        const=",".join(MEMBERS),
        metavar="WHO",
        help="bass, drums and comping around you and the soloist, counted in on the sticks; --band bass,drums leaves one out",
    )
