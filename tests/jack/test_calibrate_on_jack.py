"""`improv calibrate` on JACK: a loop, no loop, and a signal."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ears import Ears

from improv.midi.binding import rtmidi
from improv.midi.loop import KNOCK


def calibrating(tmp_path: Path, *options: str) -> subprocess.Popen[str]:
    """`improv calibrate` in a process of its own, its ports open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "improv", "calibrate", "--api", "jack", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert process.stdout
    assert process.stdout.readline() == "playing on improv:out, listening on improv:in, for notes that come back\n"
    return process


def test_a_loop_on_jack(jack: object, tmp_path: Path) -> None:
    with calibrating(tmp_path, "--wait", "20") as process:
        subprocess.run(["jack_connect", "improv:out", "improv:in"], check=True, stderr=subprocess.DEVNULL)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.startswith("improv:out to improv:in over jack: 40 notes, 0 lost\n")
    stored = json.loads((tmp_path / "improv" / "calibration.json").read_text())["advance_ms"]
    assert stored == {"jack": {"improv:out": float(said.split("\n")[2].split()[0])}}


def test_ports_that_nobody_joins_on_jack(jack: object, tmp_path: Path) -> None:
    with calibrating(tmp_path, "--wait", "0.5") as process:
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 2
    assert complaint.endswith("connect improv:out to improv:in while this runs; --wait 30 gives you the time\n")
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_leave_silence_and_nothing_stored_on_jack(jack: object, tmp_path: Path, number: int, code: int) -> None:
    heard: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="ears")
    port.open_virtual_port("in")
    ears = Ears(port, heard.put)
    try:
        with calibrating(tmp_path, "--wait", "60") as process:
            subprocess.run(["jack_connect", "improv:out", "ears:in"], check=True, stderr=subprocess.DEVNULL)
            while heard.get(timeout=10)[0] != 0x90:
                pass
            process.send_signal(number)
            assert process.wait(10) == code
        last = heard.get(timeout=10)
        while not heard.empty():
            last = heard.get()
        assert last == [0x80, KNOCK, 0]
    finally:
        ears.close()
    assert list(tmp_path.iterdir()) == []
