"""The settings as options of a command: from the rows of `core.settings`, under a heading for each group."""

from __future__ import annotations

import argparse

from improv.core.settings import DRUMS, GROUPS, SETTINGS, SettingRow


def add_settings(parser: argparse.ArgumentParser, alone: bool) -> None:
    """An option for each setting. alone: leave out those that need a player to hear; they stay at their defaults."""
    for group, heading in GROUPS.items():
        rows = [row for row in SETTINGS.values() if row.group == group and (row.alone or not alone)]
        if rows:
            part = parser.add_argument_group(heading)
            for row in rows:
                _add(part, row, "120, or the tempo of --player's file" if row.name == "tempo" and not alone else row.default)


def _add(part: argparse._ArgumentGroup, row: SettingRow, default: object) -> None:
    channel = row.name == "click"  # --click alone: on the channel of the drums
    part.add_argument(
        f"--{row.name.replace('_', '-')}",
        type=type(row.default),
        choices=row.limits if row.is_word else None,
        metavar=None if row.is_word else f"{row.limits[0]:g}..{row.limits[1]:g}",
        nargs="?" if channel else None,
        const=DRUMS if channel else None,
        help=f"{row.help} (default: {default})",
    )
