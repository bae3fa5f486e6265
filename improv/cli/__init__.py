"""The command line: words to files. The one command that is wanted is loaded, and no other, so that starting is fast.

A command is a file here with `add_arguments(parser)` and `run(args)`, which returns the exit code.
"""

from __future__ import annotations

import argparse
import importlib
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
  improv solo --out solo.mid     improvise a solo into a MIDI file (--tune blues, --mood dark, --wav, --png)
  improv chart song.mid          the chords of a MIDI file, written in it or heard
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
COMMANDS = {  # word: what its help says of it; the word is the name of its file, but for `eval`
    "ctl": "Steer a daemon that performs on this machine.",
    "jam": "Listen, answer, yield. Ctrl-C ends it; no note is left hanging.",
    "solo": "Improvise a solo over changes, or freely, into a MIDI file.",
    "replay": "Play a session again, note for note; or let another model answer what was played.",
    "tunes": "The built-in forms for --tune, the songs of a file, or one chart.",
    "chart": "The changes of a MIDI file, written in it or heard, with key and form; to correct and use again.",
    "moods": "What the moods of --mood play like, and the words for them.",
    "sessions": "The records of what was played, the newest last.",
    "ports": "Every MIDI system that works here, its inputs and outputs.",
    "init": "Write a commented improv.toml for `improv daemon`, and the folders that it names.",
    "calibrate": "Measure how long a note takes from an output back to an input, and store it.",
    "daemon": "Perform by a configuration, without a screen, for weeks. SIGHUP reads it again; SIGTERM ends.",
    "doctor": "What works here, what does not, what to do about it. Exit code 1 where something is broken.",
    "train": "Train a model on solos and export it; run again, it goes on where it stopped.",
    "eval": "Score a model on solos, with the step that plays: nats a note.",
    "export": "Write a model for another runtime, checked note by note against the step that plays.",
    "plugin": "improv in your DAW: install the plugin, remove it, see how it stands.",
    "bench": "Measure this machine: all in about a minute, or a part. A verdict says what to mend.",
}
FILES = {"eval": "evaluate"}
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


def _parser(wanted: str | None) -> argparse.ArgumentParser:
    """Knows every command's name, and the options of the one that is wanted: no other is loaded."""
    parser = _Parser("improv", usage="improv COMMAND [options]", add_help=False)
    parser.add_argument("-h", "--help", action="version", version=OVERVIEW.rstrip(), help=argparse.SUPPRESS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"improv {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", prog="improv", parser_class=_Parser)

    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text, epilog=EXAMPLES.get(name))
        if name in EXAMPLES:  # so many options that a list of their names would say nothing
            command.usage, command.formatter_class = f"improv {name} [options]", argparse.RawDescriptionHelpFormatter
        if name == wanted:
            module = importlib.import_module(f"improv.cli.{FILES.get(name, name)}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
