"""The LV2 plugin in jalv, a host that nobody here wrote, on JACK: its engine starts, obeys JACK's transport, and leaves silence."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import rtmidi
from ears import Ears
from needs import required
from plugin_core import ROOT, library

from improv.bridge.bundles import write_lv2

SECONDS = 60  # for what takes some on a busy machine


@contextmanager
def listening() -> Iterator[queue.SimpleQueue[list[int]]]:
    heard: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="ears")
    port.open_virtual_port("in")
    ears = Ears(port, heard.put)
    try:
        yield heard
    finally:
        ears.close()


@pytest.fixture
def environment(jack: None, tmp_path: Path) -> dict[str, str]:
    """Where jalv finds the plugin, and the plugin a Python."""
    required("jalv", package="jalv")
    required("jack_transport", package="jackd2")
    (tmp_path / "built").mkdir()
    library(tmp_path / "built")
    write_lv2(tmp_path, next((tmp_path / "built").iterdir()))
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "plugin.conf").write_text(f"improv plugin 1\npython={python}\n")
    mine = {"LV2_PATH": f"{tmp_path}:/usr/lib/lv2", "IMPROV_PLUGIN_SETTINGS": str(tmp_path / "plugin.conf"), "XDG_DATA_HOME": str(tmp_path)}
    return os.environ | mine


def transport(word: str) -> None:
    subprocess.run(["jack_transport"], input=f"{word}\nquit\n", text=True, stdout=subprocess.DEVNULL, check=True)


def until(heard: queue.SimpleQueue[list[int]], sounding: set[int], ons: int, silent: bool) -> None:
    """Hears until so many notes began, and, if asked, until none sounds."""
    while ons > 0 or (silent and sounding):
        message = heard.get(timeout=SECONDS)
        if message[0] & 0xF0 == 0x90:
            ons -= 1
            sounding.add(message[1])
        elif message[0] & 0xF0 == 0x80:
            sounding.discard(message[1])


def test_it_plays_in_jalv_when_jack_rolls_and_is_silent_when_it_stops(environment: dict[str, str]) -> None:
    command = ["jalv", "-x", "-n", "improv-plugin", "-c", "mode=1", "urn:improv:plugin"]  # mode 1: solo
    with listening() as heard, subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as jalv:
        assert jalv.stdin
        try:
            wait = ["jack_connect", "improv-plugin:played", "ears:in"]
            while jalv.poll() is None and subprocess.run(wait, stderr=subprocess.DEVNULL).returncode:
                pass
            assert jalv.poll() is None, "jalv ended"
            sounding: set[int] = set()
            for _ in range(2):
                transport("play")
                until(heard, sounding, 4, silent=False)
                transport("stop")
                until(heard, sounding, 0, silent=True)
            transport("locate 0")
        finally:
            jalv.stdin.close()  # it ends with its input
            assert jalv.wait(SECONDS) == 0
    folder = Path(os.environ["XDG_RUNTIME_DIR"], "improv")
    while list(folder.glob("*.ring")):  # the engine goes when its plugin has gone
        pass
