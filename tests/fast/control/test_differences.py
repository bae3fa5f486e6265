"""What a changed file changes while the music goes on, and what it does not."""

from pathlib import Path

import pytest

from improv.control.config.differences import differences
from improv.control.config.reading import read_config

HERE = Path("/stage/improv.toml")
BEFORE = """
[music]
tempo = 100
[settings]
recall = 1.0
[[performer]]
name = "left"
[[performer]]
name = "right"
channel = 2
temperature = 0.8
[control.osc]
secret = "blue in green"
"""


def said(after: str, before: str = BEFORE) -> tuple[list[str], list[str]]:
    live, restart = differences(read_config(before, HERE), read_config(after, HERE))
    return [str(c) for c in live], [str(c) for c in restart]


@pytest.mark.parametrize(
    ("old", "new", "live", "restart"),
    [
        ("", "", [], []),
        ("tempo = 100", "tempo = 120", ["tempo: 100.0 -> 120.0"], []),
        ("tempo = 100", 'tempo = 100\nchanges = "C"', ["changes: none -> C"], []),
        ("tempo = 100", "tempo = 100\nclick = 10", ["click: 0 -> 10"], []),
        ("tempo = 100", 'tempo = 100\nmetre = "3/4"', [], ["music, metre: 4/4 -> 3/4"]),
        ("tempo = 100", "tempo = 100\nsend_clock = true", [], ["music, send_clock: False -> True"]),
        ("tempo = 100", 'tempo = 100\ntap = "cc1"', ["bindings: 0 before, 1 now"], []),
        ("temperature = 0.8", "temperature = 0.9", ['performer "right": temperature: 0.8 -> 0.9'], []),
        ("temperature = 0.8", "", ['performer "right": temperature: 0.8 -> 1.1'], []),
        ("recall = 1.0", "recall = 2.0", ['performer "left": recall: 1.0 -> 2.0', 'performer "right": recall: 1.0 -> 2.0'], []),
        ("channel = 2", "channel = 3", [], ['performer "right": performer, channel: 2 -> 3']),
        ("channel = 2", 'channel = 2\nmodel = "pocket"', ['performer "right": model: jazz -> pocket'], []),
        ('"left"', '"lefty"', [], ["performer: ['left', 'right'] -> ['lefty', 'right']"]),
        ("[settings]", '[[input]]\nname = "pads"\nport = "x"\n[settings]', [], None),
        ("[settings]", "[record]\nkeep_days = 3\n[settings]", ["record, keep_days: none -> 3.0"], []),
        ("[settings]", "[record]\non = false\n[settings]", [], ["record, on: True -> False"]),
        ("[settings]", '[preset.a]\nmode = "solo"\n[settings]', ["presets: 0 before, 1 now"], []),
        (
            "blue in green",
            "so what, so what",
            [],
            ["control: osc 127.0.0.1:9000 -> osc 127.0.0.1:9000 (a secret, a token, hosts or allow differ)"],
        ),
    ],
)
def test_a_change_is_told_in_a_line(old: str, new: str, live: list[str], restart: list[str] | None) -> None:
    found = said(BEFORE.replace(old, new, 1) if old else BEFORE)
    assert found[0] == live
    if restart is None:  # other inputs, and so all that hear them
        assert found[1][0] == "input: ['keys'] -> ['pads']"
        assert len(found[1]) == 3
    else:
        assert found[1] == restart


def test_changes_carry_the_values_to_be_taken_over() -> None:
    live, restart = differences(read_config(BEFORE, HERE), read_config(BEFORE.replace("0.8", "0.9"), HERE))
    assert [(c.what, c.name, c.old, c.new, c.performer) for c in live] == [("setting", "temperature", 0.8, 0.9, "right")]
    assert restart == []
