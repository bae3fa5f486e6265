"""The plugin's parameters: one table for Python, C and LV2."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from improv.bridge.bundles import lv2_texts
from improv.bridge.parameters import NUMBERS, PARAMETERS
from improv.core.settings import SETTINGS

ROOT = Path(__file__).parents[3]


def test_the_c_table_is_what_the_script_writes() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "write_parameters.py"))["written"]
    assert (ROOT / "plugin" / "parameters.h").read_text(encoding="utf-8") == written()


def test_numbers_that_projects_hold_stay() -> None:
    assert list(NUMBERS)[:20] == [
        "mode", "trade", "enter", "temperature", "rhythm_temperature", "density", "top_p", "recall", "low", "high", "feel", "loudness",
        "interval", "voicing", "accents", "seed", "bypass", "model", "channel", "thru",
    ]  # fmt: skip


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.setting], ids=lambda row: row.symbol)
def test_each_value_that_a_host_may_send_is_one_that_the_setting_takes(row) -> None:  # type: ignore[no-untyped-def]
    for number in (row.lowest, row.highest, row.default, float("nan"), -1e9, 1e9):
        SETTINGS[row.symbol].check(SETTINGS[row.symbol].natural(row.value_of(number)))
    assert row.value_of(row.number_of(SETTINGS[row.symbol].default)) == SETTINGS[row.symbol].default


def test_the_lv2_texts_have_a_port_for_each_parameter_and_names_once() -> None:
    text = lv2_texts("linux-x86_64")["improv.ttl"]
    symbols = [line.split('"')[1] for line in text.splitlines() if "lv2:symbol" in line]
    assert symbols == ["heard", "played", "freewheel", "enabled", *(n for n in NUMBERS if n != "bypass"), "status"]
    assert [int(line.split()[1]) for line in text.splitlines() if "lv2:index" in line] == list(range(len(symbols)))
