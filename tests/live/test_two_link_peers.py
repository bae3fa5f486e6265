"""Ableton Link with the real library: two peers in a network of their own. On ours, they would change a band's tempo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from needs import required

SCRIPT = Path(__file__).parents[2] / "scripts" / "two_link_peers.py"


def test_two_real_peers() -> None:
    pytest.importorskip("link", reason="an extra: pip install 'improv-jazz[link]'")
    required("unshare", package="util-linux")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("the system refuses a network of its own (unshare -rn)")
    said = subprocess.run(["unshare", "-rn", sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stdout + said.stderr
    found = json.loads(said.stdout)
    assert found["tempo_joined"] == [89.0, 89.0]
    assert found["tempo_followed"] == [97.0, 131.0]
    assert found["tempo_led"] == 111.0
    assert found["playing"] == [True, False, True]
    assert found["bar_off_ms"] < 1.0
