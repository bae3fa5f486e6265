"""How loud: the player's own loudness, accented as the beat and the line ask for."""

from __future__ import annotations

from improv.core.values import GRID

# Off-beats are accented, as in bebop phrasing; grid positions within the beat.
_PLACE = {0: 0, GRID // 2: 4, 2 * GRID // 3: 4}


def velocity(loudness: float, place: int, interval: int, ending: bool) -> int:
    """Velocity 1-127 of a note.

    loudness: running mean of the player's velocities. place: position in the bar in 1/12 beat.
    interval: semitones from the note before; the tops of lines are louder. ending: the phrase's last note.
    """
    accent = _PLACE.get(place % GRID, -4)
    accent += 3 if place == 0 else 0
    accent += max(-6, min(6, interval))
    return round(max(1.0, min(127.0, loudness + accent - (6 if ending else 0))))
