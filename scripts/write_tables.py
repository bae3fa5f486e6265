"""The settings and the commands as Markdown tables, for `docs/`, from the rows that the program reads.

python scripts/write_tables.py settings
python scripts/write_tables.py commands
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from improv.control.commands import BINDING, COMMANDS, CTL, OSC
from improv.core.settings import SETTINGS


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings() -> str:
    rows = ((f"`{r.name}`", r.takes, f"{r.default}", r.when, r.help) for r in SETTINGS.values())
    return table(("setting", "takes", "default", "takes effect", "what it does"), rows)


def commands() -> str:
    ways = ((CTL, "`improv ctl`"), (OSC, "OSC"), (BINDING, "controllers and keys"))
    rows = (
        (
            f"`{r.name}`",
            ", ".join(f.name if f.needed else f"[{f.name}]" for f in r.fields),
            ", ".join(t for w, t in ways if w in r.ways),
            r.help,
        )
        for r in COMMANDS.values()
    )
    return table(("command", "said with it", "asked for by", "what it does"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("settings", "commands"))
    print({"settings": settings, "commands": commands}[parser.parse_args().what]())
