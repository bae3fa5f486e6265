"""`--mood` of `improv jam` and `improv solo`, and `improv moods`: what words play like."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from improv.cli import OK
from improv.core.errors import ImprovError

LIST = "list"  # --mood list
SHOWN = 6  # words of a mood
SEEDS = range(1, 6)  # whose choices are shown
SETTINGS = ("low", "high", "temperature", "rhythm_temperature", "density", "loudness", "accents", "feel")


def set_mood(args: argparse.Namespace, seed: int, tempo: float | None) -> dict[str, Any]:
    """Set what the mood says and the user does not, in args, and say so. Returns it for the session's header, under "mood".

    tempo: that of the file that plays, which wins over the mood's: its notes lie on it. Raises ImprovError.
    """
    if args.mood is None:
        if args.key and args.tune is None:
            raise ImprovError(f"--key {args.key}: it is for --tune and --mood; without them, write --changes in the key that you want")
        return {}
    from improv.mood.choose import choose

    if args.key and args.changes:
        raise ImprovError(f"--key {args.key} is for the mood's changes, and --changes are yours: give one of the two")
    choice = choose(args.mood, seed, args.key)
    own_changes = args.changes is not None
    if not own_changes:
        args.changes = choice.changes
    if args.tempo is None:
        args.tempo = choice.tempo if tempo is None else tempo
    own_range = args.low is not None or args.high is not None
    for name, value in choice.settings.items():
        if getattr(args, name) is None and not (own_range and name in ("low", "high")):
            setattr(args, name, value)
    if choice.unknown:
        print(f"improv: {choice.doubt()}", file=sys.stderr)
    if not args.json:
        words = ", ".join(map(str, choice.found))
        music = f"{words}: {args.tempo:g} bpm" if own_changes else str(replace(choice, tempo=args.tempo))
        print(f"mood: {music} ({_told(vars(args))})", flush=True)
    return {"mood": choice.told() | {"changes": args.changes, "tempo": args.tempo, "said": args.mood}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="?", metavar="WORDS", help='what these words come to, for example "hope and wonder"')
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """The table of moods; or what some words come to."""
    words = getattr(args, "words", None)
    if words:
        return _words(words, args.json)
    from improv.mood.choose import book

    tables = book()
    words_of = {name: [w for w, mood in tables.words.items() if mood == name] for name in tables.moods}
    if args.json:
        print(json.dumps({name: asdict(mood) | {"words": words_of[name]} for name, mood in tables.moods.items()}))
        return OK
    print(_row("mood", "tempo", "pitches", "temperature", "rhythm", "density", "loudness", "accents", "feel", "for example"))
    for name, m in tables.moods.items():
        numbers = [f"{n:g}" for n in (m.pitches, m.rhythm, m.density, m.loudness, m.accents)]
        said = ", ".join(words_of[name][1 : SHOWN + 1])  # the first is its name
        print(_row(name, f"{m.tempo[0]:g}-{m.tempo[1]:g}", f"{m.low}-{m.high}", *numbers, m.feel, said))
    print(f"{len(tables.words)} words are known, and `very`, `a bit`, `not`; `improv moods WORDS` says what they come to.")
    return OK


def _words(words: str, as_json: bool) -> int:
    """What some words come to, with some seeds."""
    from improv.mood.choose import choose

    choices = {seed: choose(words, seed) for seed in SEEDS}
    first = choices[SEEDS[0]]
    if as_json:
        print(json.dumps([{"seed": seed} | c.told() for seed, c in choices.items()]))
        return OK
    if first.unknown:
        print(f"improv: {first.doubt()}", file=sys.stderr)
    print(f"{', '.join(map(str, first.found))}: {_told(first.settings)}")
    for seed, c in choices.items():
        print(f"  --seed {seed}: {c.key} {c.mode}, {c.tempo:g} bpm, {c.changes}   ({' '.join(c.numerals)})")
    return OK


def _told(settings: Mapping[str, Any]) -> str:
    said = [(name, settings[name]) for name in SETTINGS if settings.get(name) is not None]
    return ", ".join(f"{name} {value if isinstance(value, str) else f'{value:g}'}" for name, value in said)


def _row(*cells: str) -> str:
    widths: Sequence[int] = (10, 7, 7, 11, 6, 7, 8, 7, 8, 0)
    return "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
