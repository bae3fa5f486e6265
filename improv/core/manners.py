"""By which manners a performer plays beside the player. A session's header has the number, so that old ones go on replaying.

2: a note that sounds as the player comes back ends as it was meant to, a beat after it began at the latest; a solo begins
where players begin, and lands by its last bar; a duet keeps to a register of its own, off the player's keys and out of
harsh intervals. 1: none of that.
"""

from __future__ import annotations

FIRST, NOW = 1, 2
