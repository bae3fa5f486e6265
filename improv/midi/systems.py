"""Which MIDI system to use, and what to do where there is none. Loads none by itself."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from improv.core.errors import ImprovError

MEND = {
    "linux": "load the ALSA sequencer (sudo modprobe snd-seq), or start JACK or PipeWire",
    "darwin": "CoreMIDI does not answer; log in to a desktop session",
    "win32": "no MIDI device is there; plug one in, or install loopMIDI",
}


SEQUENCER = Path("/dev/snd/seq")
MISSING = (
    "pip has no ready-made python-rtmidi for this Python and machine; on Linux, `sudo apt install python3-rtmidi` and make the "
    "environment with `python3 -m venv --system-site-packages .venv`; elsewhere, use Python 3.12"
)
BARRED = "your user may not open {device}, which belongs to the group {group}: sudo usermod -aG {group} $USER, then log in again"


def mend() -> str:
    """What to do where no MIDI system works, to go on a sentence with."""
    if not any(find_spec(package) for package in ("rtmidi", "rtmidi2")):
        return MISSING
    if sys.platform == "linux" and SEQUENCER.exists() and not os.access(SEQUENCER, os.R_OK | os.W_OK):
        return BARRED.format(device=SEQUENCER, group=_group(SEQUENCER))
    return MEND.get(sys.platform, "see your system's MIDI set-up")


def _group(path: Path) -> str:
    try:
        return path.group()
    except (OSError, KeyError):
        return "audio"


def mend_sentence() -> str:
    """The same as a sentence of its own: names keep their capitals."""
    words = mend()
    return words[0].upper() + words[1:]


def choose_api(wanted: str | None) -> int | None:
    """The number of the API to use; None where none works and none was asked for."""
    from improv.midi.ports import few_handles, working_apis

    working = working_apis()
    if wanted is None:
        return next(iter(working.values()), None)
    if wanted not in working:
        there = ", ".join(working) or "none"
        raise ImprovError(f"the {wanted} MIDI system does not answer here; working: {there}. {mend_sentence()}{few_handles()}")
    return working[wanted]
