"""The demo of `improv jam` where there is no MIDI: a recorded player, with a band behind him, and the files that are written of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from improv.cli.band_option import MEMBERS
from improv.midi.files import Part, read_part
from improv.midi.systems import mend

DEMO_CALL = Path(__file__).parent.parent / "demo" / "call.mid"
DEMO_BARS = 16
DEMO_CHANGES = "Dm7 | G7 | Cmaj7 | A7"


def demo(args: argparse.Namespace) -> Part:
    """The player of the demo; what the demo needs is set in the arguments, where they don't say it."""
    print(
        f"no MIDI system here: {mend()}.\n"
        "So this is a demo, half a minute long and without sound: improv answers a recorded player.\n"
        "To play yourself, on the keys of this computer: improv jam --web",
        file=sys.stderr,
    )
    if not (args.changes or args.mood or args.tune):
        args.changes, args.bars = DEMO_CHANGES, DEMO_BARS
    args.band = ",".join(MEMBERS) if args.band is None else args.band
    args.record = args.record or "improv-demo.mid"
    args.wav = args.wav or "improv-demo.wav"
    return read_part(DEMO_CALL)
