"""What the page is told once of what can be steered: the rows of the settings and of the commands, as its messages have them."""

from __future__ import annotations

from improv.control.commands import FILE, PAGE, by_way
from improv.control.page.parts import CommandInfo, FieldInfo, SettingInfo
from improv.core.settings import SETTINGS, SettingRow


def setting_infos() -> tuple[SettingInfo, ...]:
    """The settings, in the table's order."""
    return tuple(_info(row) for row in SETTINGS.values())


def _info(row: SettingRow) -> SettingInfo:
    same = (row.default, row.help, row.group, row.when, row.whose, row.unit)
    if row.is_word:
        return SettingInfo(row.name, "word", *same, choices=tuple(row.limits), meanings=dict(row.meanings))
    return SettingInfo(row.name, "whole" if row.is_whole else "number", *same, low=row.limits[0], high=row.limits[1])


def command_infos() -> tuple[CommandInfo, ...]:
    """The commands that a page may ask for."""
    return tuple(
        CommandInfo(row.name, row.help, tuple(FieldInfo(f.name, f.kind, f.needed) for f in row.fields if f.kind != FILE))
        for row in by_way(PAGE)
    )
