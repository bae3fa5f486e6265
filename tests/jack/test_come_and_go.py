"""A short round of `scripts/come_and_go.py`: a synth and a keyboard that go away and come back while a daemon plays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "come_and_go.py"


@pytest.mark.usefixtures("jack")
def test_ports_that_come_and_go_leave_no_note_sounding() -> None:
    run = subprocess.run([sys.executable, str(SCRIPT), "--times", "3"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
