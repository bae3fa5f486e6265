"""What the trials with others' programs reckon from what was heard and recorded; the trials themselves need the programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import mido
import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def scripts() -> tuple[ModuleType, ModuleType]:
    sys.path.insert(0, str(SCRIPTS))
    try:
        import trial_ardour
        import trial_rig
    finally:
        sys.path.remove(str(SCRIPTS))
    return trial_rig, trial_ardour


def test_beats_by_pulses_follow_a_tempo_that_drifts(scripts: tuple[ModuleType, ModuleType]) -> None:
    rig, _ = scripts
    n = np.arange(24 * 16)
    pulses = 3.0 + n / 48 + 1e-6 * n**2  # slower and slower
    jitter = np.random.default_rng(1).normal(0, 0.0008, len(n))
    at = pulses[24:-24:24]
    assert rig.beat_at(at, pulses + jitter) == pytest.approx(np.arange(1, len(at) + 1), abs=0.002)


def test_pulses_lost_on_the_way_keep_their_numbers(scripts: tuple[ModuleType, ModuleType]) -> None:
    rig, _ = scripts
    pulses = np.delete(np.arange(100) / 48, [30, 60, 61])
    assert list(rig.numbered(pulses)) == [n for n in range(100) if n not in (30, 60, 61)]
    assert list(rig.numbered(np.array([0.0, 1.0, 2.0, 12.0, 13.0]))) == [0, 1, 2, 3, 4]  # it stood still
    assert rig.beat_at(np.array([1.5]), pulses) == pytest.approx([3.0])


def test_the_constant_part_is_told_apart(scripts: tuple[ModuleType, ModuleType]) -> None:
    rig, _ = scripts
    found = rig.spread([0.010, 0.011, 0.009, 0.010, 0.014])
    assert found == pytest.approx({"n": 5, "constant_ms": 10.0, "p50_ms": 1.0, "p99_ms": 3.88, "max_ms": 4.0})
    assert rig.spread([]) == {"n": 0}


def test_a_grid_that_is_out_of_phase_has_no_jitter(scripts: tuple[ModuleType, ModuleType]) -> None:
    _, ardour = scripts
    assert ardour.distances(np.array([0.48, 1.52, 2.5])) == pytest.approx([0.24, 0.26, 0.25], abs=1e-9)  # seconds at 120 bpm
    assert ardour.distances(np.array([0.99, 2.01, 3.0])) == pytest.approx([-0.005, 0.005, 0.0], abs=1e-9)


def write_session(folder: Path, at: float, notes: list[tuple[int, int, int]]) -> None:
    """A session as Ardour leaves it: a take from a beat on; notes: (tick, channel 0-15, pitch)."""
    source = folder / "interchange" / "take" / "midifiles" / "Take1.mid"
    source.parent.mkdir(parents=True)
    track, before = mido.MidiTrack(), 0
    for tick, channel, pitch in notes:
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=80, time=tick - before))
        track.append(mido.Message("note_off", channel=channel, note=pitch, time=0))
        before = tick
    mido.MidiFile(type=0, ticks_per_beat=19_200, tracks=[track]).save(source)
    place = f'<Source name="Take1.mid" natural-position="a{round(at * 282_240_000 / 2)}"/>'
    (folder / "take.ardour").write_text(f"<Session><Sources>{place}</Sources></Session>")


def test_a_take_is_read_and_set_beside_what_was_meant(scripts: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    _, ardour = scripts
    write_session(tmp_path / "a", 8.0, [(19_200, 9, 77), (28_896, 0, 62), (38_400, 9, 77), (48_096, 0, 64)])
    (take,) = ardour.read_takes(tmp_path / "a")
    assert take.at == 8.0
    assert list(take.beats(10)) == [9.0, 10.0]

    lines = [{"session": 1}, {"heard": "Transport", "time": 1.0, "kind": "start"}]
    lines += [{"heard": "Pulse", "time": 1.0 + n / 48, "arrived": None} for n in range(96)]
    lines += [{"played": "NoteOn", "time": t, "pitch": p, "velocity": 80, "channel": 0} for t, p in ((1.0, 60), (1.75, 62), (2.25, 64))]
    lines += [{"heard": "Transport", "time": 4.0, "kind": "stop"}, {"heard": "Pulse", "time": 9.0}]
    session = tmp_path / "s.jsonl"
    session.write_text("\n".join(map(json.dumps, lines)))
    wanted = ardour.meant(session)
    assert (len(wanted.pulses), wanted.gaps) == (96, 0)
    late = (28_896 - 28_800) / 19_200 * 0.5  # the note at beat 0 was not recorded; the others are late by so much
    assert ardour.solo_errors(take, wanted) == pytest.approx([late, late], abs=1e-6)
