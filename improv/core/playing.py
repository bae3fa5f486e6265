"""By which rules notes are drawn. A session's header has the number, so that what was recorded goes on replaying.

2: microtiming is drawn and sways from note to note, and onsets that slip beside the beat are left out. 1: every note has the
lag that the model expects, and whatever has a chance may come.
"""

from __future__ import annotations

FIRST, NOW = 1, 2
