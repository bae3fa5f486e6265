"""`improv jam`: its options. What it runs is loaded as it runs, so that its help is there at once."""

from __future__ import annotations

import argparse

from improv.cli.learning import add_arguments as add_learning
from improv.cli.music_options import add_music, add_pictures

WEB = 8420


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--in", dest="source", metavar="NAME", help="MIDI input, by name or a part of it (default: a virtual port)")
    parser.add_argument("--out", dest="target", metavar="NAME", help="MIDI output, likewise")
    parser.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works)")
    parser.add_argument("--channel", type=int, default=1, metavar="1-16", help="MIDI channel to play on (default: 1)")
    parser.add_argument(
        "--listen",
        metavar="CHANNELS",
        help="MIDI channels to listen to: 1,2 or 1-16, which an MPE keyboard needs (default: all but 10, the drums' channel)",
    )
    parser.add_argument(
        "--harmony-in",
        metavar="PORT|1-16",
        help="chords from another MIDI input, by name or a part of it, or from a channel: a DAW's chord track, a second player",
    )
    parser.add_argument("--send-clock", action="store_true", help="be the master: send MIDI Clock, Start, Stop and song position")
    parser.add_argument("--tap", metavar="CC|KEY", help="what taps the tempo, and a bar of it counts in: cc80, key21")
    parser.add_argument(
        "--advance", type=float, metavar="MS", help="hand notes over earlier, for a slow synth (default: as calibrated, or 0)"
    )
    parser.add_argument("--player", metavar="FILE", help="a MIDI file plays the human")
    parser.add_argument("--fast", action="store_true", help="with --player: as fast as it computes, without ports")
    parser.add_argument("--record", metavar="FILE", help="write the take as a MIDI file, tracks `player` and `improv`")
    parser.add_argument("--session", metavar="FILE", help="where the session's record goes (default: a new file in your data folder)")
    parser.add_argument("--no-session", action="store_true", help="keep no record")
    parser.add_argument(
        "--web",
        nargs="?",
        type=int,
        const=WEB,
        metavar="PORT",
        help=f"open the page in the browser: to play on, to see and to steer it; no MIDI is needed (default port: {WEB})",
    )
    parser.add_argument("--kit", metavar="FILE", help="with --band: a map file for a drum kit that isn't General MIDI's (ride = 59)")
    parser.add_argument("--choruses", type=int, metavar="N", help="with --band and --tune: how often round; then all end together")
    parser.add_argument(
        "--instrument",
        choices=("C", "Bb", "Eb", "F"),
        default="C",
        help="show the chart in the key that you read (default: C, as it sounds)",
    )
    parser.add_argument("--quiet", action="store_true", help="don't show the notes as they come")
    add_learning(parser)
    add_music(parser, alone=False)
    add_pictures(parser)


def run(args: argparse.Namespace) -> int:
    from improv.cli.jamming import jam

    return jam(args)
