"""What is the same in real time as at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mido
import pytest

from improv.cli import main
from improv.session import read_session


def test_a_jam_in_real_time_is_the_fast_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short call at 400 bpm, live and fast: the same notes, and a session that tells of them."""
    monkeypatch.chdir(tmp_path)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=150_000)])
    for pitch in (62, 65, 69, 72, 71, 67):
        track += [mido.Message("note_on", note=pitch, velocity=80), mido.Message("note_off", note=pitch, time=240)]
    file = mido.MidiFile()
    file.tracks.append(track)
    file.save("call.mid")
    common = ["jam", "--player", "call.mid", "--seed", "3", "--quiet", "--json", "--record"]
    assert main([*common, "fast.mid", "--fast"]) == 0
    if subprocess.run([sys.executable, "-m", "improv", "ports", "--json"], capture_output=True, text=True).stdout.strip() != "{}":
        pytest.skip("a MIDI system is running here; the file would be played on its ports")
    assert main([*common, "live.mid", "--session", "s.jsonl"]) == 0
    assert Path("fast.mid").read_bytes() == Path("live.mid").read_bytes()
    header, events = read_session("s.jsonl")
    assert header["seed"] == 3
    assert [side for side, _ in events].count("heard") >= 12
    assert main(["replay", "s.jsonl", "--to", "again.mid"]) == 0
    assert Path("again.mid").read_bytes() == Path("live.mid").read_bytes()
