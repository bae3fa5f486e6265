"""What `improv jam` listens to, as it is typed: channels, and where chords come from."""

from __future__ import annotations

import argparse

from improv.core.errors import ImprovError


def channels_of(text: str | None) -> frozenset[int] | None:
    """Channels as typed, `1,2` or `1-4,10`, as 0-15; None where none were named. Raises ImprovError."""
    found: set[int] = set()
    for piece in (text or "").split(",") if text is not None else ():
        first, _, last = piece.strip().partition("-")
        if not (first.isdecimal() and (last or first).isdecimal() and 1 <= int(first) <= int(last or first) <= 16):
            raise ImprovError(f"--listen {text!r}: expected MIDI channels from 1 to 16, for example 1,2 or 1-4")
        found |= set(range(int(first) - 1, int(last or first)))
    return frozenset(found) or None


def harmony_port(args: argparse.Namespace) -> str | None:
    """The port that chords come from, where --harmony-in names one. A channel becomes the setting. Raises ImprovError."""
    said = args.harmony_in
    if said is None or not said.strip().isdecimal():
        return str(said) if said else None
    if not 1 <= int(said) <= 16:
        raise ImprovError(f"--harmony-in {said}: expected a MIDI channel from 1 to 16, or the name of an input (improv ports lists them)")
    args.harmony_channel = int(said)
    return None
