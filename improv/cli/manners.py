"""`--manner` of `improv jam` and `improv solo`: the settings of soloists' manners."""

from __future__ import annotations

import argparse
import json
from typing import Any

from improv.cli import OK

LIST = "list"  # --manner list


def set_manner(args: argparse.Namespace) -> dict[str, Any]:
    """Set what the manner says and the user does not, in args, and say so. Returns it for the session's header. Raises ImprovError."""
    if args.manner is None:
        return {}
    from improv.mood.manners import settings_of

    settings = {name: value for name, value in settings_of(args.manner).items() if getattr(args, name) is None}
    for name, value in settings.items():
        setattr(args, name, value)
    if not args.json:
        print(f"manner: {args.manner} ({', '.join(f'{name} {value:g}' for name, value in settings.items())})", flush=True)
    return {"manner": {"said": args.manner, "settings": settings}}


def listed(as_json: bool) -> int:
    """The manners, and what each plays."""
    from improv.mood.manners import read_manners

    manners = read_manners()
    if as_json:
        print(json.dumps({name: {"plays": m.plays, "settings": m.settings} for name, m in manners.items()}))
        return OK
    for name, manner in manners.items():
        print(f"{name:10}  {manner.plays}")
    print("A blend has weights: spare:0.7,restless:0.3. spare:0.5 is half of one, `none` none.")
    return OK
