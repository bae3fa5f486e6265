"""The settings' rows: what derives from them, and that the MIDI system's period is none of them."""

import argparse
import contextlib
import io
from pathlib import Path

import pytest

from improv.cli.music_options import add_settings
from improv.control.config.errors import ConfigError
from improv.control.config.reading import read_config
from improv.control.config.sample import sample
from improv.control.requests import read_request
from improv.core.beats.timekeeper import Timekeeper
from improv.core.errors import ImprovError
from improv.core.events import Pulse, Setting
from improv.core.modes import MODES
from improv.core.settings import AT_ONCE, GROUPS, NEXT_BAR, OWN, PERFORMANCE, PERFORMER, SETTINGS, SHARED, SettingError, Settings


def help_of(alone: bool) -> str:
    parser = argparse.ArgumentParser(prog="improv")
    add_settings(parser, alone)
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        parser.parse_args(["--help"])
    return said.getvalue()


def test_every_row_is_whole_and_its_default_is_within_its_limits() -> None:
    assert list(SETTINGS) == list(Settings.__slots__)
    for name, row in SETTINGS.items():
        row.check(row.default)
        assert row.name == name
        assert row.help
        assert row.group in GROUPS
        assert row.when in (AT_ONCE, NEXT_BAR)
        assert row.whose in (PERFORMER, PERFORMANCE)
    assert sorted((*SHARED, *OWN)) == sorted(SETTINGS)


def test_a_row_is_all_that_an_option_a_key_of_the_file_and_a_request_need() -> None:
    both, alone, file = help_of(alone=False), help_of(alone=True), sample()
    for name, row in SETTINGS.items():
        option = f"--{name.replace('_', '-')} "
        assert option in both
        assert (option in alone) == row.alone
        assert f"\n#{name} = " in file
        assert read_request({"do": "set", "name": name, "value": row.default}, [])["value"] == row.default


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mode", "jam", f"mode 'jam': expected one of {', '.join(MODES)}"),
        ("low", 60.5, "low 60.5: expected a whole number from 0 to 127"),
        ("low", True, "low True: expected a whole number from 0 to 127"),
        ("temperature", float("nan"), "temperature nan: expected from 0.05 to 3"),
        ("warmth", 1, "no setting 'warmth'; there are mode, clock"),
        ("high", 55, "low 50 and high 55: the range must span an octave"),
    ],
)
def test_what_a_setting_does_not_take_is_said(name: str, value: object, says: str) -> None:
    with pytest.raises(SettingError) as e:
        Settings().changed(name, value)
    assert says in str(e.value)
    assert Settings().taken(name, value) == Settings()


def test_a_number_becomes_the_setting_s_kind() -> None:
    said = [SETTINGS[n].natural(v) for n, v in (("low", 60.0), ("low", 60.5), ("tempo", 90), ("mode", 3), ("low", True), ("low", "x"))]
    assert [(type(v), v) for v in said] == [(int, 60), (float, 60.5), (float, 90.0), (int, 3), (bool, True), (str, "x")]


def test_the_period_of_the_midi_system_is_no_setting_and_a_record_of_it_is_still_heard() -> None:
    assert "grain" not in help_of(alone=False) + sample()
    with pytest.raises(ImprovError, match="no setting 'grain'"):
        read_request({"do": "set", "name": "grain", "value": 5.0}, [])
    with pytest.raises(ConfigError, match="grain"):
        read_config("[[binding]]\ncc = 1\nsetting = 'grain'", Path("/x/improv.toml"))
    tempos = []
    for period in (0.0, 21.333):
        keeper = Timekeeper(Settings(clock="midi"))
        keeper.hear(Setting(0.0, "grain", period), 0.0)
        for i in range(24):
            keeper.hear(Pulse(0.02 * i + (0.004 if i % 3 else 0.0)), 0.02 * i + (0.004 if i % 3 else 0.0))
        tempos.append(keeper.meter.tempo)
    assert tempos[0] != tempos[1]  # a coarse grid of looks is not taken for a tempo
