"""A MIDI file as the player of a jam: its beats are the performance's."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest
from midi_bytes import notes, smf, tempo

from improv.cli import main

RAMP = smf(b"".join(tempo(500_000 - 5_000 * i, 120 * (i > 0)) for i in range(64)), notes([60, 62, 64, 65] * 4, 480))


@pytest.mark.parametrize(
    ("more", "follows"), [([], True), (["--count-in", "1"], True), (["--tempo", "125"], False), (["--clock", "follow"], False)]
)
def test_beat_sixteen_of_the_file_is_beat_sixteen_of_the_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], follows: bool
) -> None:
    """An accelerando of a tempo every quarter beat. Where the tempo is said or another clock is asked for, that one counts."""
    monkeypatch.chdir(tmp_path)
    Path("ramp.mid").write_bytes(RAMP)
    assert main(["jam", "--player", "ramp.mid", "--fast", "--seed", "1", "--session", "s.jsonl", "--record", "take.mid", *more]) == 0
    heard = [json.loads(line) for line in Path("s.jsonl").read_text().splitlines()[1:]]
    settings = [e for e in heard if e.get("heard") == "Setting"]
    assert bool(settings) == follows
    if follows:
        ticks, now = [], 0
        for message in mido.MidiFile("take.mid").tracks[1]:
            now += message.time
            if message.type == "note_on" and message.velocity:
                ticks.append(now)
        assert ticks == [ticks[0] + 480 * i for i in range(16)]
        assert ticks[0] % (4 * 480) == 0


def test_what_a_file_holds_that_is_odd_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(smf(tempo(0) + notes([60, 62, 64, 65])))
    assert main(["jam", "--player", str(path), "--fast", "--no-session", "--seed", "1"]) == 0
    assert capsys.readouterr().err == f"improv: {path}: passed over: impossible tempi (1)\n"
    path.write_bytes(smf(notes([36] * 8, channel=9)))
    assert main(["jam", "--player", str(path), "--fast", "--no-session"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
