"""A beat inferred from the player: followed, or no more than the player's own pace."""

from __future__ import annotations

from improv.core.beats.source import OwnBeat


class Following(OwnBeat):
    pass


class Free(OwnBeat):
    pass
