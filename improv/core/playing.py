"""By which rules notes are drawn and played. A session's header has the number, so that what was recorded goes on replaying.

4: what another chord or another model overtakes is drawn anew for when the next note was to come, and in time: where that is at once,
the next note alone; where the chords are heard, those of bars to come are reckoned with that are likely (see `heard.expected`), and
comp waits for the player's chord where none is; it keeps out of the register of the player's chords; comping leaves out what rubs
against the line; where a model has learned how loud its notes are, they are as loud as it draws.
3: a phrase is drawn in several ways, of which a critic chooses; no quotation of the solos that the model learned from is longer
than the setting `quote` allows; a solo that is about to begin isn't put off by a pedal or a key-up of a player who has played
nothing.
2: microtiming is drawn and sways from note to note, and onsets that slip beside the beat are left out; a note that sounds as the
player comes back ends as it was meant to, a beat after it began at the latest; a solo begins where players begin, and lands by
its last bar; a duet keeps to a register of its own, off the player's keys and out of harsh intervals.
1: none of that: every note has the lag that the model expects, and whatever has a chance may come.
"""

from __future__ import annotations

FIRST, SWAYS, PHRASES, NOW = 1, 2, 3, 4
