"""A MIDI file as the player of a jam: its beats are the performance's."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import mido
import pytest
from midi_bytes import metre, notes, smf, tempo

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


BARS = [(0, 1, 4), (1, 4, 4), (9, 3, 4), (15, 4, 4)]  # beat, metre: a pick-up, two bars, two bars, and on
SIGNS = [metre(count, unit.bit_length() - 1, 480 * (at - before)) for (at, count, unit), before in zip(BARS, (0, 0, 1, 9), strict=True)]
METRES = smf(b"".join(SIGNS), notes([60 + i % 12 for i in range(24)], 480))


@pytest.mark.parametrize(
    ("more", "first", "metres", "says"),
    [
        ([], [4, 4], [[8.0, 3, 4], [14.0, 4, 4]], ""),
        (["--count-in", "1", "--click"], [4, 4], [[8.0, 3, 4], [14.0, 4, 4]], ""),
        (["--tempo", "100"], [4, 4], None, "the file's metre changes, which is not followed with a tempo or clock of your own"),
        (["--metre", "5/4"], [5, 4], None, "the file's metre changes, which is not followed with --metre: bars are counted in 5/4"),
    ],
)
def test_changes_of_metre_are_followed_and_replayed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    first: list[int],
    metres: list[list[float]] | None,
    says: str,
) -> None:
    """Downbeats, the chart's bars and the take's are those of the file; so is the replay."""
    monkeypatch.chdir(tmp_path)
    Path("bars.mid").write_bytes(METRES)
    chart = ["--changes", "Dm7 | G7 | Cmaj7", "--mode", "comp", "--seed", "1"]
    assert main(["jam", "--player", "bars.mid", "--fast", "--session", "s.jsonl", "--record", "take.mid", *chart, *more]) == 0
    assert says in capsys.readouterr().err
    header = json.loads(Path("s.jsonl").read_text().splitlines()[0])
    assert (header["metre"], header.get("metres")) == (first, metres)
    if metres:
        conductor, player, *_ = mido.MidiFile("take.mid").tracks
        placed = list(itertools.accumulate(message.time / 480 for message in conductor))
        signs = [(at, m.numerator) for at, m in zip(placed, conductor, strict=True) if m.type == "time_signature"]
        chords = [(at, m.text) for at, m in zip(placed, conductor, strict=True) if m.type == "marker"]
        one = 4.0  # the pick-up's bar, or the one that is counted in
        assert signs == [(0.0, 4), (one + 8, 3), (one + 14, 4)]
        assert chords[:6] == [(one + at, c) for at, c in zip((0, 4, 8, 11, 14, 18), ("Dm7", "G7", "Cmaj7") * 2, strict=True)]
        assert player[1].time == (one - 1) * 480
    assert main(["replay", "s.jsonl", "--to", "again.mid"]) == 0
    assert Path("again.mid").read_bytes() == Path("take.mid").read_bytes()


def test_a_solo_over_changes_with_their_own_metres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["solo", "--changes", "3/4 Dm7 | G7 | 4/4 Cmaj7", "--bars", "7", "--seed", "3", "--out", "solo.mid"]) == 0
    conductor, _, solo = mido.MidiFile("solo.mid").tracks
    placed = itertools.accumulate(message.time / 480 for message in conductor)
    signs = [(at, m.numerator) for at, m in zip(placed, conductor, strict=True) if m.type == "time_signature"]
    assert signs == [(0.0, 3), (6.0, 4), (10.0, 3), (16.0, 4), (20.0, 3)]
    ons = [at for at, m in zip(itertools.accumulate(m.time / 480 for m in solo), solo, strict=True) if m.type == "note_on"]
    assert 16.0 < ons[-1] < 23.0  # seven bars are 23 beats
