"""By which rules what arrives is taken. A session's header has the number, so that what was recorded goes on replaying.

5: where the ear is not sure of a chord, a note is drawn from what the model foretells over each that it may be; a chord that was
struck stands against single keys of it above; the top of a wide grip that lies well below the line is of the chord. 4: chords are
heard in what is played (see `core.heard`), and two hands at one keyboard are two parts; the lower of two keys of a legato line
counts, too. 3: two clocks through one port are told apart by their rows of pulses, whatever their tempi (see `beats.two_clocks`).
2: a held pedal is no held key; all notes off (CC 123) releases a source's keys, and reset controllers (CC 121) its pedal; a key
that is held far longer than what is played meanwhile is accompaniment; a lost pulse of MIDI Clock is counted, and where two clocks
come through one port, one is followed. 1: none of that.
"""

from __future__ import annotations

FIRST, HANDS, AMONG, NOW = 1, 4, 5, 5
