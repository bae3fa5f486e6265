"""`--mood` of `improv jam` and `improv solo`, and `improv moods`: what words play like."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from improv.cli import OK
from improv.core.errors import ImprovError

LIST = "list"  # --mood list
SHOWN = 6  # words of a mood


def set_mood(args: argparse.Namespace, seed: int, tempo: float | None) -> dict[str, Any]:
    """Set what the mood says and the user does not, in args, and say so. Returns it for the session's header, under "mood".

    tempo: that of the file that plays, which wins over the mood's: its notes lie on it. Raises ImprovError.
    """
    if args.mood is None:
        if args.key:
            raise ImprovError(f"--key {args.key}: it is for --mood; without one, write --changes in the key that you want")
        return {}
    from improv.mood import choose

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
        if getattr(args, name, None) is None and not (own_range and name in ("low", "high")):
            setattr(args, name, value)
    if choice.unknown:
        print(f"improv: {choice.doubt()}", file=sys.stderr)
    if not args.json:
        print(f"mood: {', '.join(map(str, choice.found))}: {_music(args, choice, own_changes)}", flush=True)
    return {"mood": choice.told() | {"changes": args.changes, "tempo": args.tempo, "said": args.mood}}


def _music(args: argparse.Namespace, choice: Any, own_changes: bool) -> str:
    where = f"{args.tempo:g} bpm" if own_changes else f"{choice.key} {choice.mode}, {args.tempo:g} bpm, {choice.changes}"
    return f"{where} ({_rest(vars(args))})"


def _rest(settings: dict[str, Any]) -> str:
    said = []
    for name in ("low", "high", "temperature", "rhythm_temperature", "density", "loudness", "accents", "feel"):
        if settings.get(name) is not None:
            value = settings[name]
            said.append(f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}")
    return ", ".join(said)


def moods(args: argparse.Namespace) -> int:
    """The table of moods; or what some words come to."""
    from improv.mood import book

    words = getattr(args, "words", None)
    if words:
        return _words(words, args.json)
    tables = book()
    if args.json:
        from dataclasses import asdict

        rows = {name: asdict(mood) | {"words": [w for w, m in tables.words.items() if m == name]} for name, mood in tables.moods.items()}
        print(json.dumps(rows))
        return OK
    print(
        f"{'mood':11} {'tempo':>8} {'pitches':>8}  {'temperature':11} {'rhythm':6} {'density':>7} {'loud':>4} {'accents':>7}  feel      words"
    )
    for name, m in tables.moods.items():
        said = ", ".join([w for w, mood in tables.words.items() if mood == name and w != name][:SHOWN])
        tempo = f"{m.tempo[0]:g}-{m.tempo[1]:g}"
        numbers = f"{m.pitches:<11} {m.rhythm:<6} {m.density:7} {m.loudness:4} {m.accents:7}"
        print(f"{name:11} {tempo:>8} {f'{m.low}-{m.high}':>8}  {numbers}  {m.feel:8}  {said} ...")
    print(f"{len(tables.words)} words are known; `improv moods WORDS` says what they come to. very, a bit and not are understood.")
    return OK


def _words(words: str, as_json: bool) -> int:
    """What some words come to, with five seeds."""
    from improv.mood import choose

    choices = [choose(words, seed) for seed in range(1, 6)]
    if as_json:
        print(json.dumps([c.told() for c in choices]))
        return OK
    first = choices[0]
    if first.unknown:
        print(f"improv: {first.doubt()}", file=sys.stderr)
    print(f"{', '.join(map(str, first.found))}: {_rest(dict(first.settings))}")
    for seed, c in enumerate(choices, 1):
        print(f"  --seed {seed}: {c.key} {c.mode}, {c.tempo:g} bpm, {c.changes}   ({' '.join(c.numerals)})")
    return OK
