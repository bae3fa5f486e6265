"""What to do where no MIDI system works: the reason that holds here is told."""

import sys
from pathlib import Path

import pytest

from improv.midi import systems
from improv.midi.systems import mend, mend_sentence


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux's")
def test_a_user_who_may_not_open_alsa_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "seq"
    monkeypatch.setattr(systems, "SEQUENCER", device)
    assert "modprobe snd-seq" in mend()
    device.touch()
    assert "modprobe snd-seq" in mend()
    monkeypatch.setattr("os.access", lambda path, mode: path != device)
    assert mend().startswith(f"your user may not open {device}")
    assert f"sudo usermod -aG {device.group()} $USER" in mend_sentence()


def test_where_no_package_reaches_midi_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "find_spec", lambda package: None)
    assert "python3-rtmidi" in mend()
    monkeypatch.setattr(systems, "find_spec", lambda package: package == "rtmidi2" or None)
    assert "python3-rtmidi" not in mend()
