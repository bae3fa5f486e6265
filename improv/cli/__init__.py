"""The command line: words to parts. Each command imports what it needs when it runs, so that starting is fast."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from improv import __version__
from improv.core.errors import ImprovError

# One performer, one core: a second BLAS thread would only wait for the first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

OVERVIEW = """\
improv: a jazz co-player for any MIDI rig. You play; it listens and answers.

  improv jam                     open MIDI ports, listen, answer (a demo where there is no MIDI)
  improv jam --changes "Dm7 | G7 | Cmaj7 | %" --tempo 132 --clock midi
  improv solo --out solo.mid     improvise a solo into a MIDI file (--mood dark, --wav, --png)
  improv sessions, replay        the records of what was played; play one again
  improv ports, doctor           the MIDI ports that are here; what works, and what to do if not
  improv bench, calibrate        is this machine stage-ready? how late is your synth?
  improv init, daemon, ctl       without a screen, for weeks: its configuration, the performer, its control
  improv train, eval, export     train models of your own, score them, take them elsewhere

`improv COMMAND --help` says the rest.
"""

# Exit codes
OK, BROKEN, MISUSED, PORT_LOST, HUNG_UP, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 129, 130, 143
CODES = """\
exit codes: 0 over, 1 internal error, 2 bad input, 3 a port vanished,
            129 hung up, 130 Ctrl-C, 143 terminated"""
EXAMPLES = {
    "jam": f"""\
for example:
  improv jam --in Keystation --out FLUID --changes "Dm7 | G7 | Cmaj7 | %" --tempo 132
  improv jam --mood "hope and wonder" --trade 4 --count-in 1
  improv jam --clock midi --mode comp

{CODES}""",
    "solo": """\
for example:
  improv solo --changes "Bb7 | Eb7 | Bb7 | %" --bars 12 --wav solo.wav
  improv solo --mood dark --key Eb --seed 3 --png solo.png""",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    args = _parser(words[0] if words else None).parse_args(words)
    if not hasattr(args, "run"):
        print(OVERVIEW, end="")
        return OK
    try:
        code: int = args.run(args)
        return code
    except ImprovError as e:
        print(f"improv: {e}", file=sys.stderr)
        return MISUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"improv: {message} (see {self.prog} --help)\n")


def _parser(wanted: str | None = None) -> argparse.ArgumentParser:
    parser = _Parser("improv", usage="improv COMMAND [options]", add_help=False)
    parser.add_argument("-h", "--help", action="version", version=OVERVIEW.rstrip(), help=argparse.SUPPRESS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"improv {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", prog="improv", parser_class=_Parser)

    def command(name: str, module: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, epilog=EXAMPLES.get(name))
        if name in EXAMPLES:  # so many options that a list of their names would say nothing
            sub.usage, sub.formatter_class = f"improv {name} [options]", argparse.RawDescriptionHelpFormatter
        sub.set_defaults(run=lambda args: _run(module, name, args))
        return sub

    ctl = command("ctl", "ctl", "Steer a daemon that performs on this machine.")
    if wanted == "ctl":  # it loads nothing of the music, so that it is there at once
        from improv.cli.ctl import add_arguments

        add_arguments(ctl)
        return parser

    jam = command("jam", "jam", "Listen, answer, yield. Ctrl-C ends it; no note is left hanging.")
    jam.add_argument("--in", dest="source", metavar="NAME", help="MIDI input, by name or a part of it (default: a virtual port)")
    jam.add_argument("--out", dest="target", metavar="NAME", help="MIDI output, likewise")
    jam.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works)")
    jam.add_argument("--channel", type=int, default=1, metavar="1-16", help="MIDI channel to play on (default: 1)")
    jam.add_argument("--send-clock", action="store_true", help="be the master: send MIDI Clock, Start, Stop and song position")
    jam.add_argument("--tap", metavar="CC|KEY", help="what taps the tempo, and a bar of it counts in: cc80, key21")
    jam.add_argument("--advance", type=float, metavar="MS", help="hand notes over earlier, for a slow synth (default: as calibrated, or 0)")
    jam.add_argument("--player", metavar="FILE", help="a MIDI file plays the human")
    jam.add_argument("--fast", action="store_true", help="with --player: as fast as it computes, without ports")
    jam.add_argument("--record", metavar="FILE", help="write the take as a MIDI file, tracks `player` and `improv`")
    jam.add_argument("--session", metavar="FILE", help="where the session's record goes (default: a new file in your data folder)")
    jam.add_argument("--no-session", action="store_true", help="keep no record")
    jam.add_argument("--quiet", action="store_true", help="don't show the notes as they come")
    if wanted == "jam":  # only then, since it loads what learns
        from improv.cli.learning import add_arguments as add_learning

        add_learning(jam)
    _add_music(jam, alone=False)
    _add_pictures(jam)

    solo = command("solo", "jam", "Improvise a solo over changes, or freely, into a MIDI file.")
    solo.add_argument("--bars", type=int, default=24, help="how long (default: 24)")
    solo.add_argument("--out", metavar="FILE", default="solo.mid", help="the MIDI file (default: solo.mid)")
    _add_music(solo, alone=True)
    _add_pictures(solo)

    replay = command("replay", "replay", "Play a session again, note for note; or let another model answer what was played.")
    replay.add_argument("session", metavar="SESSION", help="the session's file; `improv sessions` lists them")
    replay.add_argument("--to", metavar="FILE", help="write the take as a MIDI file, a track for each performer")
    replay.add_argument("--model", metavar="MODEL", help="let this model answer, by name or folder")
    replay.add_argument("--from", dest="start", metavar="MM:SS", help="with --to: from the bar in which this is")
    replay.add_argument("--bars", type=int, metavar="N", help="with --to: so many bars")
    replay.add_argument("--json", action="store_true", help="as JSON")

    moods = command("moods", "moods", "What the moods of --mood play like, and the words for them.")
    moods.add_argument("words", nargs="?", metavar="WORDS", help='what these words come to, for example "hope and wonder"')
    moods.add_argument("--json", action="store_true", help="as JSON")

    sessions = command("sessions", "sessions", "The records of what was played, the newest last.")
    sessions.add_argument("--folder", metavar="FOLDER", help="where they are (default: in your data folder)")
    sessions.add_argument("--json", action="store_true", help="as JSON")

    ports = command("ports", "ports", "Every MIDI system that works here, its inputs and outputs.")
    ports.add_argument("--json", action="store_true", help="as JSON")

    init = command("init", "init", "Write a commented improv.toml for `improv daemon`, and the folders that it names.")
    init.add_argument("--to", default="improv.toml", metavar="FILE", help="where it goes (default: improv.toml)")
    init.add_argument("--force", action="store_true", help="also where there is one, which is kept beside it")
    init.add_argument("--systemd", action="store_true", help="print a systemd unit that performs FILE, and write nothing")

    calibrate = command("calibrate", "calibrate", "Measure how long a note takes from an output back to an input, and store it.")
    calibrate.add_argument("--out", dest="target", metavar="NAME", help="MIDI output, by name or a part of it (default: a virtual port)")
    calibrate.add_argument("--in", dest="source", metavar="NAME", help="MIDI input, to which it is connected, likewise")
    calibrate.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works)")
    calibrate.add_argument("--channel", type=int, default=1, metavar="1-16", help="MIDI channel to send on (default: 1)")
    calibrate.add_argument("--notes", type=int, default=40, help="how many (default: 40)")
    calibrate.add_argument("--wait", type=float, default=2.0, metavar="SECONDS", help="how long to wait for the first (default: 2)")
    calibrate.add_argument("--forget", action="store_true", help="remove what is stored of --out, and measure nothing")
    calibrate.add_argument("--json", action="store_true", help="as JSON")

    daemon = command("daemon", "daemon", "Perform by a configuration, without a screen, for weeks. SIGHUP reads it again; SIGTERM ends.")
    daemon.add_argument(
        "--config", default="improv.toml", metavar="FILE", help="the configuration (default: improv.toml; `improv init` writes one)"
    )
    daemon.add_argument("--log-json", action="store_true", help="log as JSON lines")

    doctor = command("doctor", "doctor", "What works here, what does not, what to do about it. Exit code 1 where something is broken.")
    doctor.add_argument("--config", metavar="FILE", help="look at a daemon's configuration too (default: improv.toml, where there is one)")
    doctor.add_argument("--json", action="store_true", help="as JSON")

    train = command("train", "train", "Train a model on solos and export it; run again, it goes on where it stopped.")
    _add_corpus(train)
    train.add_argument("--out", required=True, metavar="FOLDER", help="the model's folder, models/NAME; a training there goes on")
    train.add_argument("--from", dest="origin", metavar="MODEL", help="fine-tune this model, by name or folder; none that is worse is kept")
    train.add_argument("--epochs", type=int, help="at the most")
    train.add_argument("--patience", type=int, help="stop after so many epochs without a gain")
    train.add_argument("--rate", type=float, help="peak learning rate")
    train.add_argument("--batch", type=int, help="windows a step")
    train.add_argument("--size", choices=("laptop", "pocket"), help="laptop (the default), or pocket for a Raspberry Pi")
    train.add_argument("--network", choices=("lstm", "tcn"), help="lstm (the default), or tcn: dilated causal convolutions, as in WaveNet")
    train.add_argument("--members", type=int, default=1, metavar="K", help="networks to train, which vote (default 1; each takes as long)")
    train.add_argument("--seed", type=int, help="of everything random")
    train.add_argument("--logdir", metavar="FOLDER", help="write the losses for TensorBoard")
    train.add_argument("--workers", metavar="HOST:PORT,...", help="train on several machines: the same command on each (or TF_CONFIG)")
    train.add_argument("--worker", type=int, metavar="N", help="which of --workers this one is, from 0, which writes the model")
    train.add_argument("--license", default="unstated", help="what the card says of the model's licence")
    train.add_argument("--attribution", default="", help="what the card says of the data's makers")
    train.add_argument("--json", action="store_true", help="the figures as JSON")

    evaluate = command("eval", "evaluate", "Score a model on solos, with the step that plays: nats a note.")
    evaluate.add_argument("model", metavar="MODEL", help="a name or a folder")
    _add_corpus(evaluate)
    evaluate.add_argument("--split", help="only pieces of this split (train, valid, test)")
    evaluate.add_argument("--dump", metavar="FILE", help="write all distributions as .npz")
    evaluate.add_argument("--improvise", type=int, metavar="N", help="play N solos over the split's changes; figures beside the real ones")
    evaluate.add_argument("--listening", action="store_true", help="answer the split's phrases: does each answer fit its own call?")
    evaluate.add_argument("--turns", action="store_true", help="listen to the split's phrases: does it enter when one is over?")
    evaluate.add_argument("--png", metavar="FILE", help="with --improvise: draw its figures, and one solo as FILE-roll.png")
    evaluate.add_argument("--json", action="store_true", help="as JSON")

    export = command("export", "export", "Write a model for another runtime, checked note by note against the step that plays.")
    export.add_argument("model", metavar="MODEL", help="a name or a folder")
    export.add_argument("--to", required=True, choices=("onnx", "tflite", "keras", "savedmodel"), help="the format")
    export.add_argument("--out", metavar="FOLDER", help="where it goes (default: MODEL-FORMAT here)")
    export.add_argument("--overwrite", action="store_true", help="replace an earlier export there")
    export.add_argument("--json", action="store_true", help="what was written, as JSON")

    bench = command("bench", "bench", "Measure this machine: all in about a minute, or a part. A verdict says what to mend.")
    bench.add_argument(
        "what",
        nargs="?",
        choices=("step", "lateness", "key", "clock"),
        help="step: one note, model and sampling of all fields; lateness: of notes, idle and loaded; key: from a key to its echo; "
        "clock: how near a MIDI clock's true grid notes lie",
    )
    bench.add_argument("--model", default="jazz", help="a name or a folder")
    bench.add_argument("--notes", type=int, default=5000, help="how many steps (default: 5000)")
    bench.add_argument("--events", type=int, default=1000, help="how many events of lateness and of keys (default: 1000)")
    bench.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works, else none)")
    bench.add_argument("--png", metavar="FILE", help="draw histograms of all that was measured")
    bench.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _add_corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="+",
        metavar="PATH",
        help="MIDI, MusicXML, JSON lines, wjazzd.db, or a folder of them; PATH=3: its notes count three times",
    )
    parser.add_argument("--track", metavar="TRACK", help="the part to take, by name or number (default: the likeliest melody)")
    default = 0 if parser.prog.endswith("train") else None
    parser.add_argument("--split-seed", type=int, default=default, help="of train, valid and test where the data has none (default: 0)")
    parser.add_argument(
        "--reader", default="local", metavar="ENGINE", help="what reads many files: local (default), dask, dask=tcp://HOST:PORT"
    )


def _add_music(parser: argparse.ArgumentParser, alone: bool) -> None:
    from improv.cli.setting_options import add_settings

    piece = parser.add_argument_group("the piece")
    piece.add_argument("--model", default="jazz", metavar="MODEL", help="a model's name or folder (default: jazz)")
    piece.add_argument("--changes", metavar="CHORDS", help='for example "Dm7 | G7 | Cmaj7 | %%"; looped')
    piece.add_argument(
        "--mood",
        metavar="WORDS",
        help='changes, tempo and settings from words: "hope and wonder", dark; `list` lists them. Options that you give yourself win',
    )
    piece.add_argument("--key", metavar="KEY", help="with --mood: the key, for example Eb (default: the mood's)")
    piece.add_argument("--metre", default=None, metavar="N/N", help="time signature (default: 4/4)")
    piece.add_argument("--seed", type=int, help="same seed, same music (default: drawn, and shown)")
    add_settings(parser, alone)
    parser.add_argument("--json", action="store_true", help="the summary as JSON")


def _add_pictures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--png", metavar="FILE", help="draw the take as a piano roll")
    parser.add_argument("--wav", metavar="FILE", help="render the take to sound, no synth needed")


def _run(module: str, name: str, args: argparse.Namespace) -> int:
    import importlib

    room = importlib.import_module(f"improv.cli.{module}")
    code: int = getattr(room, name if name != "eval" else "evaluate")(args)
    return code
