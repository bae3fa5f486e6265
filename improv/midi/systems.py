"""Which MIDI system to use, and what to do where there is none. Loads none by itself."""

from __future__ import annotations

import sys

from improv.core.errors import ImprovError

MEND = {
    "linux": "load the ALSA sequencer (sudo modprobe snd-seq), or start JACK or PipeWire",
    "darwin": "CoreMIDI does not answer; log in to a desktop session",
    "win32": "no MIDI device is there; plug one in, or install loopMIDI",
}


def mend() -> str:
    """What to do where no MIDI system works, to go on a sentence with."""
    return MEND.get(sys.platform, "see your system's MIDI set-up")


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
