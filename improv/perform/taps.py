"""A controller or a key that taps the tempo instead of being heard."""

from __future__ import annotations

import re
from collections.abc import Callable

from improv.core.errors import ImprovError
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Tap

DOWN = 64  # from which value on a controller taps


def tapping(put: Callable[[Event], object], tap: str) -> Callable[[Event], None]:
    """An inbox in which a controller (`cc80`) or a key (`key21`) taps. Raises ImprovError."""
    found = re.fullmatch(r"(cc|key)(\d{1,3})", tap.lower())
    if not found or int(found[2]) > 127:
        raise ImprovError(f"--tap {tap!r}: expected cc0 to cc127, or key0 to key127")
    controller, number = found[1] == "cc", int(found[2])

    def heard(event: Event) -> None:
        if controller and isinstance(event, ControlChange) and event.control == number:
            if event.value >= DOWN:
                put(Tap(event.time))
        elif not controller and isinstance(event, NoteOn | NoteOff) and event.pitch == number:
            if isinstance(event, NoteOn):
                put(Tap(event.time))
        else:
            put(event)

    return heard
