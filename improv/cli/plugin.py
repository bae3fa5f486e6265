"""`improv plugin`: puts the plugin where hosts look, takes it away, says how it stands, and tells it changes."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    install = words.add_parser("install", help="put improv.lv2, improv.vst3 and improv.clap where hosts look, and remember this Python")
    install.add_argument("--only", choices=("lv2", "vst3", "clap"), help="one of them alone")
    words.add_parser("remove", help="take them away again, and forget this Python")
    doctor = words.add_parser("doctor", help="which hosts will find it, whether its engine can start, what went wrong last")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    changes = words.add_parser("changes", help="give the plugin in your open project chords to play over")
    changes.add_argument("text", metavar="CHANGES", help='for example "Dm7 | G7 | Cmaj7 | %%"; "" for none')
    name = words.add_parser("name", help="give the plugin in your open project a name")
    name.add_argument("text", metavar="NAME")
    put = words.add_parser("set", help="set parameters of the plugin in your open project; the DAW's knobs follow where it allows that")
    put.add_argument("moves", metavar="NAME=VALUE", nargs="+", help="for example mode=solo temperature=0.8")
    mood = words.add_parser("mood", help="chords and parameters that words call for, for the plugin in your open project")
    mood.add_argument("text", metavar="WORDS", help='for example "hope and wonder"; `improv moods` lists words')
    mood.add_argument("--key", help="the tonic, if not the mood's")
    mood.add_argument("--seed", type=int, default=1, help="another seed, other chords of that mood (default: 1)")
    preset = words.add_parser("preset", help="recall a preset that `improv ctl save` or the page has kept")
    preset.add_argument("text", metavar="NAME")
    model = words.add_parser("model", help="a model of your own for the plugin in your open project")
    model.add_argument("text", metavar="MODEL", help='its name; "" for that of the parameter')
    for word in (changes, name, put, mood, preset, model):
        word.add_argument("--name", help="of one instance, as `improv plugin doctor` lists it (default: all)")
    engine = words.add_parser("engine")  # the plugin starts it
    engine.add_argument("file")


def run(args: argparse.Namespace) -> int:
    if args.word == "engine":
        from improv.cli.plugin_engine import run_engine

        return run_engine(args.file)
    from improv.cli.plugin_words import WORDS

    return WORDS[args.word](args)
