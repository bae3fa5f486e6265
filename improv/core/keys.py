"""Which keys and pedals are down, as heard: so that none stays down for ever."""

from __future__ import annotations

from improv.core.events import ControlChange, Event, NoteOff, NoteOn

LONGEST = 3600.0  # seconds for which a key may be down
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123


class Keys:
    """Keys and sustain pedals that are down, each since when. longest: seconds after which a key is taken as released."""

    def __init__(self, longest: float = LONGEST):
        self._longest = longest
        self._keys: dict[tuple[int, int, int], float] = {}  # (part, channel, pitch) -> seconds
        self._pedals: dict[tuple[int, int], float] = {}  # (part, channel)

    def hear(self, event: Event) -> None:
        if isinstance(event, NoteOn):
            self._keys[event.part, event.channel, event.pitch] = event.time
        elif isinstance(event, NoteOff):
            self._keys.pop((event.part, event.channel, event.pitch), None)
        elif isinstance(event, ControlChange) and event.control == SUSTAIN:
            if event.value >= 64:
                self._pedals[event.part, event.channel] = event.time
            else:
                self._pedals.pop((event.part, event.channel), None)
        elif isinstance(event, ControlChange) and event.control == RESET_CONTROLLERS:
            self._pedals.pop((event.part, event.channel), None)
        elif isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            for key in [k for k in list(self._keys) if k[:2] == (event.part, event.channel)]:
                self._keys.pop(key, None)

    def release(self, now: float, part: int | None = None) -> list[Event]:
        """What lets all of an input go, or of all inputs: as when a cable is pulled and no more is heard of its keys."""
        keys = [k for k in list(self._keys) if part in (None, k[0])]
        pedals = [p for p in list(self._pedals) if part in (None, p[0])]
        return self._up(now, keys, pedals)

    def overdue(self, now: float) -> list[Event]:
        """What lets go the keys and pedals that have been down for longer than any music explains."""
        keys = [k for k, since in list(self._keys.items()) if now - since > self._longest]
        pedals = [p for p, since in list(self._pedals.items()) if now - since > self._longest]
        return self._up(now, keys, pedals)

    def _up(self, now: float, keys: list[tuple[int, int, int]], pedals: list[tuple[int, int]]) -> list[Event]:
        for key in keys:
            self._keys.pop(key, None)
        for pedal in pedals:
            self._pedals.pop(pedal, None)
        up: list[Event] = [NoteOff(now, pitch, channel, part) for part, channel, pitch in sorted(keys)]
        return up + [ControlChange(now, SUSTAIN, 0, channel, part) for part, channel in sorted(pedals)]
