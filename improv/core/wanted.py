"""What a performer was asked for so far: settings and changes. A value, folded from the Settings that were heard, in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace

from improv.core.events import Event, Setting
from improv.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """settings: as they would be had each been taken at once. changes: their text, empty for none; None: those of the beginning."""

    settings: Settings
    changes: str | None = None

    def after(self, event: Event | None) -> Wanted:
        """Once something more was heard."""
        if not isinstance(event, Setting) or event.name == "model":
            return self
        if event.name == "changes":
            return replace(self, changes=str(event.value or ""))
        return replace(self, settings=self.settings.taken(event.name, event.value))
